//! A quota that two agents share, over a real link, kept by real clocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mesh_protocol::report::{Direction, Report};
use mesh_protocol::topic::Topic;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::mesh::Mesh;
use crate::quota::Metered;
use crate::reports::{Full, ReportSink};
use crate::task::Tasks;

const QUOTA: u32 = 200;

#[derive(Debug)]
struct Nobody;

impl ReportSink for Nobody {
    fn send(&self, _: Report) -> Result<(), Full> {
        Ok(())
    }
}

/// A client that publishes as much as it may while it is to.
struct Publisher {
    passed: Arc<AtomicU64>,
    on: Arc<AtomicBool>,
}

impl Publisher {
    fn start(client: Metered, tasks: &Tasks) -> Self {
        let (passed, on) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, is_on) = (passed.clone(), on.clone());
        tasks.spawn_until_stopped("publisher", async move {
            let topic = Topic::new("orders/a").expect("valid");
            loop {
                while is_on.load(Ordering::Relaxed) && client.charge(Direction::Produce, &topic, 10).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        Self { passed, on }
    }

    fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }
}

/// Events a second of each, and the most of both in any ten seconds, over so many seconds.
async fn measure(publishers: &[Publisher], seconds: u64) -> (Vec<f64>, u64) {
    let all = || publishers.iter().map(Publisher::passed).collect::<Vec<u64>>();
    let (begun, first) = (Instant::now(), all());
    let mut seen: Vec<(Instant, u64)> = Vec::new();
    let mut most = 0;
    while begun.elapsed() < Duration::from_secs(seconds) {
        let (now, sum) = (Instant::now(), all().iter().sum::<u64>());
        seen.push((now, sum));
        seen.retain(|(at, _)| now.duration_since(*at) <= Duration::from_secs(10));
        most = most.max(sum - seen[0].1);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let passed = begun.elapsed().as_secs_f64();
    let rates = all().iter().zip(first).map(|(last, first)| (last - first) as f64 / passed).collect();
    (rates, most)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_agents_keep_to_one_quota_and_each_gets_what_the_other_does_not_need() {
    let mut mesh = Mesh::chain(2);
    let (tasks, token) = (Tasks::new("quotas"), CancellationToken::new());
    let (_stored, stored) = watch::channel(0);
    let publishers: Vec<Publisher> = (0..2)
        .map(|index| {
            let (client, quotas) = mesh.node(index).client(2, QUOTA);
            tasks.spawn("quotas", quotas.run(Arc::new(Nobody), stored.clone(), token.clone()));
            Publisher::start(client, &tasks)
        })
        .collect();
    let quota = f64::from(QUOTA);
    let tolerance = u64::from(QUOTA) * 11 + 2;
    publishers[0].on.store(true, Ordering::Relaxed);
    let (_, most) = measure(&publishers, 8).await;
    assert!(most <= tolerance, "{most}");
    let (alone, most) = measure(&publishers, 4).await;
    assert!(alone[0] >= quota * 0.9, "one that is alone gets nearly all: {alone:?}");
    assert!(most <= tolerance, "{most}");
    publishers[1].on.store(true, Ordering::Relaxed);
    let (_, most) = measure(&publishers, 8).await;
    assert!(most <= tolerance, "{most}");
    let (both, most) = measure(&publishers, 11).await;
    assert!(most <= tolerance, "{most} in ten seconds");
    assert!(both.iter().all(|rate| *rate >= quota * 0.4), "both want all of it: {both:?}");
    // Cut off: each keeps to its own part.
    publishers[1].on.store(false, Ordering::Relaxed);
    measure(&publishers, 5).await;
    mesh.kill(1);
    let (_, _) = measure(&publishers, 4).await;
    let (cut_off, _) = measure(&publishers, 3).await;
    assert!((0.4..=0.6).contains(&(cut_off[0] / quota)), "its own part: {cut_off:?}");
    token.cancel();
    tasks.stop(Duration::from_secs(5)).await;
    mesh.stop().await;
}
