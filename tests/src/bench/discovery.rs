//! The first look at a large cluster: ten thousand topics with forty thousand partitions in a real cluster of three brokers, from the connection's
//! creation until the portal shows all of it, beside Kafka's own tools that are asked for the same.
//!
//! The tools print what an agent reads of topics: their partitions, leaders and settings, both offsets of each, and their sizes on
//! disk. Afterwards a change is timed, and what looking costs the broker while nothing changes.

mod kafka;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use demo::kafka::{Broker, BrokerPorts, Jars};
use demo::ports::free_port;
use demo::wait::until;
use serde_json::json;

use crate::kafka::Tools;
use crate::mesh::Mesh;
use crate::usage;

const TOPICS: usize = 10_000;
const PARTITIONS: i32 = 4;
/// What the product promises, for the first look and for a change.
const BAR: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(600);
/// Over which the broker is watched while nothing changes.
const QUIET: Duration = Duration::from_secs(60);
/// The kernel allows that many mapped files to each of the brokers: two for a partition, and what else it needs.
const MAPS: u64 = 2 * 40_000 + 20_000;
const MAPS_FILE: &str = "/proc/sys/vm/max_map_count";

/// The kernel's bound on mapped files, raised while this lives.
struct Maps(Option<String>);

impl Maps {
    fn raised() -> anyhow::Result<Self> {
        let before = std::fs::read_to_string(MAPS_FILE).with_context(|| format!("read {MAPS_FILE}"))?;
        let count: u64 = before.trim().parse().with_context(|| format!("read {MAPS_FILE}: {before}"))?;
        if count >= MAPS {
            return Ok(Self(None));
        }
        let what = format!(
            "a broker with {} partitions maps {MAPS} files, this machine allows {count}: run `sysctl -w vm.max_map_count={MAPS}` as root",
            TOPICS * usize::try_from(PARTITIONS)?
        );
        std::fs::write(MAPS_FILE, MAPS.to_string()).context(what)?;
        println!("  vm.max_map_count is {MAPS} meanwhile, and {count} again afterwards");
        Ok(Self(Some(before)))
    }
}

impl Drop for Maps {
    fn drop(&mut self) {
        if let Some(before) = &self.0
            && let Err(error) = std::fs::write(MAPS_FILE, before)
        {
            eprintln!("vm.max_map_count could not be set back to {}: {error}", before.trim());
        }
    }
}

/// Runs it and prints what it took.
pub(super) async fn large_cluster() -> anyhow::Result<()> {
    println!("\nDiscovery of {TOPICS} topics with {PARTITIONS} partitions each");
    let _maps = Maps::raised()?;
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let jars = Jars::fetch().await?;
    let ports = || anyhow::Ok(BrokerPorts { clients: free_port()?, controller: free_port()? });
    let ports = [ports()?, ports()?, ports()?];
    let mut nodes = Broker::start_cluster("kafka-a", &jars, &mesh.path("kafka"), &ports).await?;
    for node in &mut nodes {
        node.ready().await?;
    }
    let processes: Vec<u32> = nodes.iter_mut().map(|node| node.process().id()).collect();
    let worked = || processes.iter().map(|process| usage::processor_time(*process)).sum::<anyhow::Result<Duration>>();
    let broker = &nodes[0];
    let began = Instant::now();
    kafka::fill(broker).await?;
    println!("  made and given a record each in {:.0} s", began.elapsed().as_secs_f64());

    let share = |now: Duration, then: Duration| now.saturating_sub(then).as_secs_f64() / QUIET.as_secs_f64() * 100.0;
    let before = worked()?;
    tokio::time::sleep(QUIET).await;
    let unwatched = share(worked()?, before);

    let theirs = by_tools(&mesh.path("tools"), &jars, broker).await?;
    let looking = worked()?;
    let began = Instant::now();
    let input = json!({ "site": site["id"], "name": "kafka-a", "bootstrap": [broker.bootstrap()], "tls": false, "discover": true });
    mesh.api.post("brokers", &input).await?;
    let all = until("all topics are known", PATIENCE, async || {
        let page = mesh.api.get("catalog?kind=topic&limit=1").await?;
        Ok((page["total"].as_u64() >= Some(TOPICS as u64)).then_some(()))
    });
    all.await?;
    let ours = began.elapsed();
    let looking = worked()?.saturating_sub(looking);
    is_whole(&mesh).await?;
    let verdict = if ours < BAR { "within" } else { "ABOVE" };
    println!(
        "  the portal shows all of it after {:.1} s: {verdict} the bar of {} s",
        ours.as_secs_f64(),
        BAR.as_secs()
    );
    println!("  Kafka's own tools, one after the other, print the same in {:.1} s", theirs.as_secs_f64());
    println!(
        "  ratio {:.2}; the brokers worked {:.1} s for the agent",
        theirs.as_secs_f64() / ours.as_secs_f64(),
        looking.as_secs_f64()
    );

    let began = Instant::now();
    broker.create_topics(&[("a.new.topic", 1)]).await?;
    until("the new topic is known", PATIENCE, async || {
        mesh.api.find("catalog?kind=topic&q=a.new.topic", "/name", "a.new.topic").await
    })
    .await?;
    let change = began.elapsed();
    let verdict = if change < BAR { "within" } else { "ABOVE" };
    println!("  a new topic is shown after {:.1} s: {verdict} the bar of {} s", change.as_secs_f64(), BAR.as_secs());

    let agent = mesh.agent("hq")?.id();
    let before = (worked()?, usage::processor_time(agent)?);
    tokio::time::sleep(QUIET).await;
    println!(
        "  while nothing changes: brokers {:.1} % of a core ({unwatched:.1} % before anybody looked), agent {:.1} %; agent {:.0} MB",
        share(worked()?, before.0),
        share(usage::processor_time(agent)?, before.1),
        usage::memory(agent)?.resident as f64 / 1e6
    );
    mesh.passed()
}

/// How long Kafka's own tools take to print what an agent reads.
async fn by_tools(folder: &Path, jars: &Jars, broker: &Broker) -> anyhow::Result<Duration> {
    let tools = Tools::plain(folder, jars, broker)?;
    let began = Instant::now();
    let described = tools.run("kafka-topics", "--describe").await?;
    for time in ["earliest", "latest"] {
        let offsets = tools.run("kafka-get-offsets", &format!("--time {time}")).await?;
        ensure!(
            offsets.lines().count() >= 4 * TOPICS,
            "kafka-get-offsets names {} partitions",
            offsets.lines().count()
        );
    }
    tools.run("kafka-log-dirs", "--describe").await?;
    let took = began.elapsed();
    let partitions = described.lines().filter(|line| line.contains("Partition: ")).count();
    ensure!(partitions >= 4 * TOPICS, "kafka-topics names {partitions} partitions");
    Ok(took)
}

/// What is shown is all there is to know, here of the last topic.
async fn is_whole(mesh: &Mesh) -> anyhow::Result<()> {
    let last = kafka::name(TOPICS - 1);
    let found =
        mesh.api.find(&format!("catalog?kind=topic&q={last}"), "/name", &last).await?.context("the last topic")?;
    let topic = mesh.api.get(&format!("catalog/{}", found["id"].as_str().context("an id")?)).await?;
    let partitions = topic["facts"]["partitions"].as_array().context("partitions")?;
    let is_known = |partition: &serde_json::Value| partition["high"] == 1 && partition["bytes"].is_u64();
    ensure!(partitions.len() == 4 && partitions.iter().all(is_known), "{topic}");
    Ok(())
}
