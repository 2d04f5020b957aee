//! Reading and writing Kafka as an independent program would.

mod tools;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use demo::kafka::{Broker, BrokerPorts, Jars, Login, Security};
use demo::ports::free_port;
use demo::process::Process;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::mesh::Mesh;

pub use tools::Tools;

/// Longest wait for one answer of a cluster.
const ANSWER: Duration = Duration::from_secs(20);

/// One record as it lies in its partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its partition.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: i64,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    /// It says that it may have been written before.
    pub redelivered: bool,
}

/// Starts a broker in the mesh's folder and waits until it answers.
///
/// # Errors
/// It does not come up.
pub async fn start(mesh: &Mesh, name: &str, users: &[Login]) -> anyhow::Result<Broker> {
    start_at(mesh, name, users, BrokerPorts { clients: free_port()?, controller: free_port()? }).await
}

/// The same at ports that are known before.
///
/// # Errors
/// It does not come up.
pub async fn start_at(mesh: &Mesh, name: &str, users: &[Login], ports: BrokerPorts) -> anyhow::Result<Broker> {
    let security = if users.is_empty() { Security::Plain } else { Security::Scram(users.to_vec()) };
    let mut broker = Broker::start(name, &Jars::fetch().await?, &mesh.path(name), ports, security).await?;
    broker.ready().await?;
    Ok(broker)
}

/// A consumer at the beginning of all partitions of a topic; it commits nothing.
///
/// # Errors
/// Kafka cannot be asked, or there is no such topic.
pub fn from_beginning(config: &ClientConfig, topic: &str) -> anyhow::Result<BaseConsumer> {
    let mut config = config.clone();
    config.set("group.id", "meshport-test-reader").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().context("make a consumer")?;
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(20)).context("ask for the topic")?;
    let mut places = TopicPartitionList::new();
    for partition in metadata.topics().first().context("the topic exists")?.partitions() {
        places.add_partition_offset(topic, partition.id(), Offset::Beginning).context("choose where to begin")?;
    }
    consumer.assign(&places).context("begin to read")?;
    Ok(consumer)
}

/// Reads a topic from its beginning until `enough` says so; blocks the thread.
///
/// # Errors
/// `limit` has passed; tells how many records there were.
pub fn read_until(
    config: &ClientConfig,
    topic: &str,
    limit: Duration,
    mut enough: impl FnMut(&[Record]) -> bool,
) -> anyhow::Result<Vec<Record>> {
    let consumer = from_beginning(config, topic)?;
    let began = Instant::now();
    let mut records = Vec::new();
    while !enough(&records) {
        anyhow::ensure!(began.elapsed() < limit, "{topic} holds {} records after {} s", records.len(), limit.as_secs());
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => records.push(Record {
                partition: message.partition(),
                offset: message.offset(),
                key: message.key().unwrap_or_default().to_vec(),
                value: message.payload().unwrap_or_default().to_vec(),
                redelivered: is_redelivered(&message),
            }),
            Some(Err(error)) => return Err(error).context("read a record"),
            None => {}
        }
    }
    Ok(records)
}

fn is_redelivered(message: &BorrowedMessage<'_>) -> bool {
    message.headers().is_some_and(|headers| headers.iter().any(|header| header.key == "mesh-redelivered"))
}

/// How many records a topic has had, all partitions together; blocks the thread.
///
/// # Errors
/// The cluster does not answer.
pub fn end_of(config: &ClientConfig, topic: &str) -> anyhow::Result<i64> {
    let consumer: BaseConsumer = config.create().context("make a consumer")?;
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER).context("ask for the topic")?;
    let mut end = 0;
    for partition in metadata.topics().first().context("the topic exists")?.partitions() {
        end += consumer.fetch_watermarks(topic, partition.id(), ANSWER).context("ask for the ends")?.1;
    }
    Ok(end)
}

/// What the group of a route has committed in a topic, all partitions together; blocks the thread.
///
/// # Errors
/// The cluster does not answer, or the route has no group.
pub fn committed(config: &ClientConfig, route: &str, topic: &str) -> anyhow::Result<i64> {
    let asking: BaseConsumer = config.create().context("make a consumer")?;
    let groups = asking.fetch_group_list(None, ANSWER).context("ask for the groups")?;
    let name = groups.groups().iter().map(|group| group.name()).find(|name| name.contains(route));
    let mut config = config.clone();
    config.set("group.id", name.context("the route has a group")?);
    let consumer: BaseConsumer = config.create().context("make a consumer")?;
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER).context("ask for the topic")?;
    let mut places = TopicPartitionList::new();
    for partition in metadata.topics().first().context("the topic exists")?.partitions() {
        places.add_partition(topic, partition.id());
    }
    let committed = consumer.committed_offsets(places, ANSWER).context("ask for the positions")?;
    Ok(committed.elements().iter().filter_map(|element| element.offset().to_raw()).map(|at| at.max(0)).sum())
}

/// The values of records by partition, in order.
#[must_use]
pub fn by_partition(records: &[Record]) -> BTreeMap<i32, Vec<&[u8]>> {
    let mut partitions: BTreeMap<i32, Vec<&[u8]>> = BTreeMap::new();
    for record in records {
        partitions.entry(record.partition).or_default().push(&record.value);
    }
    partitions
}

/// Starts MirrorMaker 2, the peer of the benchmarks, from `a` to `b`; its copies are named `a.<topic>`.
///
/// # Errors
/// It cannot be started.
pub fn start_mirror_maker(mesh: &Mesh, jars: &Jars, a: &Broker, b: &Broker) -> anyhow::Result<Process> {
    let mut text = format!(
        "clusters=a,b\na.bootstrap.servers={}\nb.bootstrap.servers={}\na->b.enabled=true\na->b.topics=bench.*\n\
         b->a.enabled=false\ntasks.max=2\nreplication.factor=1\nrefresh.topics.interval.seconds=5\n",
        a.bootstrap(),
        b.bootstrap()
    );
    for internal in [
        "checkpoints.topic",
        "heartbeats.topic",
        "offset-syncs.topic",
        "offset.storage",
        "status.storage",
        "config.storage",
    ] {
        text.push_str(&format!("{internal}.replication.factor=1\n"));
    }
    let file = mesh.path("mm2.properties");
    std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
    let mut command = Command::new("java");
    command.arg("-Xmx1g").arg("-cp").arg(jars.class_path());
    command.arg("org.apache.kafka.connect.mirror.MirrorMaker").arg(file).current_dir(mesh.path("logs"));
    Process::start("mirror-maker", &command, &mesh.path("logs"))
}
