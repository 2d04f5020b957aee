//! Discovery of a cluster: first the whole, then what changed, then that it is silent.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use demo::kafka::Broker;
use mesh_agent::discovery;
use mesh_agent::part::Running;
use mesh_agent::reports::{Full, ReportSink};
use mesh_protocol::report::{Discovery, ObjectFacts, PartRef, PartState, Report};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::agent::{Agent, LIMIT, PASSWORD, Passwords, STOP, broker, connection};
use crate::records::fill;

#[derive(Debug, Default)]
struct Reports(Mutex<Vec<Discovery>>);

impl ReportSink for Reports {
    fn send(&self, report: Report) -> Result<(), Full> {
        if let Report::Discovery(discovery) = report {
            self.0.lock().expect("held").push(discovery);
        }
        Ok(())
    }
}

impl Reports {
    /// Waits for a report about an object.
    async fn until(&self, what: &str, is: impl Fn(&Discovery) -> bool) -> anyhow::Result<Discovery> {
        let began = Instant::now();
        loop {
            if let Some(found) = self.0.lock().expect("held").iter().rev().find(|report| is(report)) {
                return Ok(found.clone());
            }
            anyhow::ensure!(began.elapsed() < LIMIT, "{what} was not reported: {:?}", self.0.lock().expect("held"));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_tells_topics_groups_and_what_changes() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut broker = broker(folder.path(), "a", true).await?;
    broker.create_topics(&[("orders", 3)]).await?;
    fill(&broker, "orders", 3, 0, 30).await?;
    let group = committed_by(&broker, "orders", 4)?;

    let agent = Agent::new()?;
    let reports = Arc::new(Reports::default());
    let there = connection(&broker);
    let line = Arc::new(agent.board.part(PartRef::Broker(there.id)));
    let deps = discovery::Deps { secrets: Arc::new(Passwords(PASSWORD)), reports: reports.clone() };
    let part = Box::new(discovery::kafka::start(&there, deps, line)?);

    let full = reports.until("the whole", |report| report.full && report.last).await?;
    let fact = |name: &str| full.objects.iter().find(|object| object.name == name).map(|object| object.facts.clone());
    let Some(ObjectFacts::Cluster(cluster)) = fact("Kafka") else { anyhow::bail!("no cluster: {full:?}") };
    assert_eq!((cluster.brokers.len(), cluster.cluster_id.is_empty()), (1, false));
    let Some(ObjectFacts::Topic(topic)) = fact("orders") else { anyhow::bail!("no topic: {full:?}") };
    let ends: Vec<_> = topic.partitions.iter().map(|partition| (partition.low, partition.high)).collect();
    assert_eq!(ends, [(Some(0), Some(10)); 3]);
    let Some(ObjectFacts::Group(found)) = fact("billing") else { anyhow::bail!("no group: {full:?}") };
    assert_eq!((found.state.as_str(), found.members.len()), ("Stable", 1));
    let lags: Vec<_> = found.offsets.iter().map(|offset| (offset.partition, offset.lag)).collect();
    assert_eq!(lags, [(0, Some(6)), (1, Some(6)), (2, Some(6))]);
    assert!(full.missing_rights.is_empty(), "{:?}", full.missing_rights);

    broker.create_topics(&[("prices", 1)]).await?;
    let has = |report: &Discovery, name: &str| report.objects.iter().any(|object| object.name == name);
    let change = reports.until("the new topic", |report| !report.full && has(report, "prices")).await?;
    assert!(!has(&change, "orders"), "what did not change is not told again");
    drop(group);

    broker.process().signal("STOP")?;
    let failed = reports.until("the silence", |report| report.failed.is_some()).await?;
    assert!(failed.failed.is_some_and(|reason| reason.contains("Kafka")));
    broker.process().signal("CONT")?;
    agent.until(PartRef::Broker(there.id), "the return", |part| part.state == PartState::Running).await?;
    part.stop(STOP).await;
    Ok(())
}

/// A member of group `billing` that has taken `taken` records of each partition and stays.
fn committed_by(broker: &Broker, topic: &str, taken: i64) -> anyhow::Result<Member> {
    let mut config = broker.admin_config();
    config.set("group.id", "billing").set("enable.auto.commit", "false").set("client.id", "billing-1");
    let consumer: BaseConsumer = config.create().context("make a consumer")?;
    consumer.subscribe(&[topic])?;
    let began = Instant::now();
    while consumer.assignment()?.count() < 3 {
        anyhow::ensure!(began.elapsed() < LIMIT, "no assignment");
        drop(consumer.poll(Duration::from_millis(100)));
    }
    let mut list = TopicPartitionList::new();
    for partition in 0..3 {
        list.add_partition_offset(topic, partition, Offset::Offset(taken))?;
    }
    consumer.commit(&list, CommitMode::Sync)?;
    Ok(Member::staying(consumer))
}

/// Polls until it is dropped.
struct Member {
    stop: Arc<std::sync::atomic::AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Member {
    fn staying(consumer: BaseConsumer) -> Self {
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = stop.clone();
        let thread = std::thread::spawn(move || {
            while !seen.load(std::sync::atomic::Ordering::Relaxed) {
                drop(consumer.poll(Duration::from_millis(100)));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
