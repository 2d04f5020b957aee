//! The Kafka source, sink and discovery of an agent against real brokers: what arrives, in which order, and what they
//! say when something is wrong. Parts are started as `reconcile` does; no portal and no fabric are involved.
//!
//! Long because one pair of brokers takes seconds to start, and all five tests share what starts and feeds them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use demo::kafka::{Broker, BrokerPorts, Jars, Login, Security};
use demo::ports::free_port;
use futures::future::join_all;
use mesh_agent::connector::Deps;
use mesh_agent::counters::Counters;
use mesh_agent::discovery;
use mesh_agent::kafka::secret::{Secret, Secrets};
use mesh_agent::observe::Unobserved;
use mesh_agent::part::{Running, StartError};
use mesh_agent::policy::{Enforced, Enforcer};
use mesh_agent::reports::{Full, ReportSink};
use mesh_agent::router::{Budget, Router};
use mesh_agent::status::Board;
use mesh_agent::{sink, source};
use mesh_protocol::desired::{
    BrokerConnection, Connector, ConnectorWork, KafkaSecurity, KafkaSink, KafkaSource, Policy, Sasl, SaslMechanism,
    Site, Start,
};
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::policy::{Action, CompiledPolicy, Effect, Principal, PrincipalState, Rule, Subject};
use mesh_protocol::report::{Discovery, ObjectFacts, Part, PartRef, PartState, Report};
use mesh_protocol::secret::SecretKey;
use mesh_protocol::topic::Filter;
use mesh_protocol::wire::Revision;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{Header, Headers, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(120);
const STOP: Duration = Duration::from_secs(10);
const PASSWORD: &str = "kafka-password-of-a-test";

/// The parts of an agent that connectors need.
struct Agent {
    router: Router,
    enforcer: Arc<Enforcer>,
    board: Board,
    counters: Counters,
}

#[derive(Debug)]
struct Passwords(&'static str);

impl Secrets for Passwords {
    fn get(&self, name: &str) -> Option<Secret> {
        (name == "kafka").then(|| Secret::new(self.0))
    }
}

impl Agent {
    fn new() -> anyhow::Result<Self> {
        let counters = Counters::default();
        let enforcer = Arc::new(Enforcer::default());
        let site =
            Site { id: Uuid::from_u128(1).into(), name: "hq".into(), region: "eu".into(), labels: BTreeMap::new() };
        enforcer.apply(Enforced {
            revision: Revision { generation: 1, revision: 1 },
            policy: CompiledPolicy::compile(&policy(), &site).context("compile the policy")?,
            site,
            members: std::iter::empty().collect(),
        });
        let router = Router::new(Budget::new(32 * 1024 * 1024), &counters);
        Ok(Self { router, enforcer, board: Board::default(), counters })
    }

    fn deps(&self, password: &'static str) -> Deps {
        Deps {
            router: self.router.clone(),
            enforcer: self.enforcer.clone(),
            observer: Arc::new(Unobserved),
            secrets: Arc::new(Passwords(password)),
            counters: self.counters.clone(),
        }
    }

    fn start(&self, connector: &Connector, broker: &BrokerConnection) -> Result<Box<dyn Running>, StartError> {
        self.start_with(connector, broker, PASSWORD)
    }

    fn start_with(
        &self,
        connector: &Connector,
        broker: &BrokerConnection,
        password: &'static str,
    ) -> Result<Box<dyn Running>, StartError> {
        let deps = self.deps(password);
        Ok(match &connector.work {
            ConnectorWork::KafkaSource(work) => {
                let line = Arc::new(self.board.part(PartRef::Source(connector.route)));
                Box::new(source::kafka::start(connector, work, broker, deps, line)?)
            }
            ConnectorWork::KafkaSink(work) => {
                let line = Arc::new(self.board.part(PartRef::Sink(connector.route)));
                Box::new(sink::kafka::start(connector, work, broker, deps, line)?)
            }
        })
    }

    /// Waits until a part's line is as wanted.
    async fn until(&self, object: PartRef, what: &str, is: impl Fn(&Part) -> bool) -> anyhow::Result<Part> {
        let began = Instant::now();
        loop {
            let part = self.board.parts().into_iter().find(|part| part.object == object);
            match part {
                Some(part) if is(&part) => return Ok(part),
                part => anyhow::ensure!(began.elapsed() < LIMIT, "{what} did not come: {part:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn policy() -> Policy {
    let rule = |id, action| Rule {
        id: Uuid::from_u128(id).into(),
        subject: Subject::Anyone,
        action,
        effect: Effect::Allow,
        filter: Filter::mesh(">").expect("valid"),
        sites: Vec::new(),
    };
    Policy {
        secret_key: SecretKey::new([7; 32]),
        principals: vec![Principal {
            id: principal().into(),
            username: "route".into(),
            state: PrincipalState::Enabled,
            secrets: Vec::new(),
            roles: Vec::new(),
            application: None,
            expires_at_ms: None,
        }],
        roles: Vec::new(),
        rules: vec![rule(1, Action::Connect), rule(2, Action::Publish), rule(3, Action::Subscribe)],
        scopes: Vec::new(),
    }
}

fn principal() -> Uuid {
    Uuid::from_u128(77)
}

fn connector(number: u128, work: ConnectorWork) -> Connector {
    Connector {
        route: Uuid::from_u128(number).into(),
        name: format!("route {number}"),
        generation: 1,
        principal: principal().into(),
        work,
    }
}

fn source_of(topic: &str, template: &str, filter: Option<&str>) -> ConnectorWork {
    ConnectorWork::KafkaSource(KafkaSource {
        broker: Uuid::from_u128(1).into(),
        topics: vec![topic.to_owned()],
        template: template.to_owned(),
        filter: filter.map(str::to_owned),
        start: Start::Earliest,
        mode: DeliveryMode::Guaranteed,
    })
}

fn sink_to(topic: &str, filter: &str) -> ConnectorWork {
    ConnectorWork::KafkaSink(KafkaSink {
        broker: Uuid::from_u128(2).into(),
        filters: vec![Filter::mesh(filter).expect("valid")],
        topic: topic.to_owned(),
        key: None,
    })
}

async fn broker(folder: &Path, name: &str, secured: bool) -> anyhow::Result<Broker> {
    let folder = folder.join(name);
    let name = name.to_owned();
    tokio::task::spawn_blocking(move || {
        let ports = BrokerPorts { clients: free_port()?, controller: free_port()? };
        let login = Login { user: "meshport".into(), password: PASSWORD.into() };
        let security = if secured { Security::Scram(vec![login]) } else { Security::Plain };
        let mut broker = Broker::start(&name, &Jars::fetch()?, &folder, ports, security)?;
        broker.ready()?;
        Ok(broker)
    })
    .await
    .context("wait for Kafka")?
}

fn connection(broker: &Broker) -> BrokerConnection {
    let sasl = broker.ca_pem().map(|_| Sasl {
        mechanism: SaslMechanism::ScramSha512,
        username: "meshport".into(),
        secret: "kafka".into(),
    });
    BrokerConnection {
        id: Uuid::from_u128(1).into(),
        name: "Kafka".into(),
        bootstrap: vec![broker.bootstrap()],
        security: KafkaSecurity { tls: sasl.is_some(), ca_pem: broker.ca_pem().map(str::to_owned), sasl },
        discover: true,
    }
}

/// Writes `count` records in `partitions` partitions; every value names its partition and its place there.
async fn fill(broker: &Broker, topic: &str, partitions: i32, from: i32, count: i32) -> anyhow::Result<()> {
    let mut config = broker.admin_config();
    config.set("linger.ms", "5").set("enable.idempotence", "true").set("queue.buffering.max.messages", "500000");
    let producer: FutureProducer = config.create().context("make a producer")?;
    let mut sent = Vec::new();
    for number in from..from + count {
        let (partition, place) = (number % partitions, number / partitions);
        let level = if place % 4 == 0 { "error" } else { "info" };
        let value = format!(r#"{{"partition":{partition},"place":{place},"level":"{level}"}}"#);
        let key = format!("k{}", number % 97);
        let headers = OwnedHeaders::new().insert(Header { key: "x-kind", value: Some("test") });
        let record = FutureRecord::to(topic).partition(partition).key(&key).payload(&value).headers(headers);
        sent.push(producer.send_result(record).map_err(|(error, _)| error).context("send")?);
    }
    for answer in join_all(sent).await {
        answer.context("the producer answers")?.map_err(|(error, _)| error).context("the broker takes it")?;
    }
    Ok(())
}

/// A record of the target topic: where it came from, its place there, and whether it is flagged.
#[derive(Debug)]
struct Arrived {
    key: String,
    partition: i64,
    place: i64,
    redelivered: bool,
    kind: Option<String>,
}

fn read(broker: &Broker, topic: &str, enough: usize) -> anyhow::Result<Vec<Arrived>> {
    let mut config = broker.admin_config();
    config.set("group.id", "reader").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().context("make a consumer")?;
    let mut list = TopicPartitionList::new();
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(20))?;
    for partition in metadata.topics()[0].partitions() {
        list.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    let (mut found, mut quiet) = (Vec::new(), Instant::now());
    while found.len() < enough || quiet.elapsed() < Duration::from_secs(2) {
        anyhow::ensure!(quiet.elapsed() < Duration::from_secs(60), "{topic} has {} of {enough}", found.len());
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message?;
        quiet = Instant::now();
        let value: serde_json::Value = serde_json::from_slice(message.payload().unwrap_or_default())?;
        let header = |name: &str| {
            let headers = message.headers()?;
            let found = headers.iter().find(|header| header.key == name)?;
            Some(String::from_utf8_lossy(found.value?).into_owned())
        };
        found.push(Arrived {
            key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
            partition: value["partition"].as_i64().context("partition")?,
            place: value["place"].as_i64().context("place")?,
            redelivered: header("mesh-redelivered").is_some(),
            kind: header("x-kind"),
        });
    }
    Ok(found)
}

/// Exactly the filtered set, each key's first arrivals in order, and no repeat that is not flagged.
fn check(arrived: &[Arrived], partitions: i64, count: i64) {
    let mut seen = BTreeSet::new();
    let mut last: BTreeMap<(String, i64), i64> = BTreeMap::new();
    for record in arrived {
        assert_eq!(record.kind.as_deref(), Some("test"), "headers travel");
        if !seen.insert((record.partition, record.place)) {
            assert!(record.redelivered, "a repeat without a flag: {record:?}");
            continue;
        }
        let before = last.insert((record.key.clone(), record.partition), record.place);
        assert!(before.is_none_or(|before| before < record.place), "overtaken after {before:?}: {record:?}");
    }
    let wanted: BTreeSet<_> = (0..count)
        .map(|number| (number % partitions, number / partitions))
        .filter(|(_, place)| place % 4 == 0)
        .collect();
    assert!(seen == wanted, "{} arrived, {} wanted", seen.len(), wanted.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filtered_topic_arrives_whole_and_in_order_over_restarts_and_a_hanging_cluster() -> anyhow::Result<()> {
    const PARTITIONS: i32 = 8;
    const COUNT: i32 = 40_000;
    let folder = tempfile::tempdir()?;
    let (b, a) = tokio::try_join!(broker(folder.path(), "b", false), broker(folder.path(), "a", true))?;
    let mut a = a;
    b.create_topics(&[("sensors", PARTITIONS)]).await?;
    a.create_topics(&[("alarms", PARTITIONS)]).await?;
    fill(&b, "sensors", PARTITIONS, 0, COUNT / 2).await?;

    let agent = Agent::new()?;
    let sink = connector(1, sink_to("alarms", "sensors/>"));
    let source = connector(2, source_of("sensors", "sensors/{partition}/{key}", Some(r#"value.level == "error""#)));
    let sink_part = agent.start(&sink, &connection(&a))?;
    let source_part = agent.start(&source, &connection(&b))?;
    let object = PartRef::Source(source.route);
    agent.until(object, "some records", |part| part.figures.get("events").is_some_and(|events| *events > 100)).await?;

    // The source stops in the middle and starts again; meanwhile the target hangs instead of refusing.
    source_part.stop(STOP).await;
    a.process().signal("STOP")?;
    fill(&b, "sensors", PARTITIONS, COUNT / 2, COUNT / 2).await?;
    let source_part = agent.start(&source, &connection(&b))?;
    let object = PartRef::Sink(sink.route);
    let part = agent.until(object, "the hanging cluster", |part| part.state == PartState::Failing).await?;
    assert!(part.detail.is_some_and(|detail| detail.contains("events wait")));
    a.process().signal("CONT")?;

    let wanted = usize::try_from(COUNT / 4)?;
    let a = Arc::new(a);
    let reading = a.clone();
    let arrived = tokio::task::spawn_blocking(move || read(&reading, "alarms", wanted)).await??;
    check(&arrived, i64::from(PARTITIONS), i64::from(COUNT));

    let object = PartRef::Source(source.route);
    let part = agent.until(object, "no lag", |part| part.figures.get("lag_records") == Some(&0)).await?;
    assert_eq!(part.state, PartState::Running);
    agent.until(PartRef::Sink(sink.route), "the sink at ease", |part| part.state == PartState::Running).await?;
    source_part.stop(STOP).await;
    sink_part.stop(STOP).await;
    assert_eq!(agent.router.budget().in_use(), 0, "all bytes are given back");

    // What was taken is committed: a new start brings nothing again.
    let before = agent.counters.counter("source_events").get();
    let sink_part = agent.start(&sink, &connection(&a))?;
    let source_part = agent.start(&source, &connection(&b))?;
    let object = PartRef::Source(source.route);
    agent.until(object, "no lag", |part| part.figures.get("lag_records") == Some(&0)).await?;
    assert_eq!(agent.counters.counter("source_events").get(), before);
    source_part.stop(STOP).await;
    sink_part.stop(STOP).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_with_what_to_do() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let broker = broker(folder.path(), "a", true).await?;
    let there = connection(&broker);
    let agent = Agent::new()?;
    let failing = |part: &Part| part.state == PartState::Failing;
    let detail = |part: Part| part.detail.unwrap_or_default();

    let wrong_password = connector(1, source_of("orders", "orders/{key}", None));
    let part = agent.start_with(&wrong_password, &there, "not the password")?;
    let told = detail(agent.until(PartRef::Source(wrong_password.route), "the refused login", failing).await?);
    assert!(told.contains("refuses the login of meshport") && told.contains("mesh-agent secret set kafka"), "{told}");
    part.stop(STOP).await;

    let mut nowhere = there.clone();
    nowhere.bootstrap = vec![format!("127.0.0.1:{}", free_port()?)];
    let unreachable = connector(2, sink_to("orders", "orders/>"));
    let part = agent.start(&unreachable, &nowhere)?;
    let told = detail(agent.until(PartRef::Sink(unreachable.route), "the silence", failing).await?);
    assert!(told.contains("does not answer"), "{told}");
    part.stop(STOP).await;

    let mut plain = there.clone();
    plain.security = KafkaSecurity { tls: false, ca_pem: None, sasl: None };
    let without_tls = connector(3, source_of("orders", "orders/{key}", None));
    let part = agent.start(&without_tls, &plain)?;
    let told = detail(agent.until(PartRef::Source(without_tls.route), "the closed connection", failing).await?);
    assert!(told.contains("TLS"), "{told}");
    part.stop(STOP).await;

    let mut other_ca = there.clone();
    other_ca.security.ca_pem = Some(broker_of_another(folder.path())?);
    let foreign = connector(4, source_of("orders", "orders/{key}", None));
    let part = agent.start(&foreign, &other_ca)?;
    let told = detail(agent.until(PartRef::Source(foreign.route), "the foreign certificate", failing).await?);
    assert!(told.contains("paste the PEM"), "{told}");
    part.stop(STOP).await;

    let missing = connector(5, source_of("orders", "orders/{key}", None));
    let part = agent.start(&missing, &there)?;
    let told = detail(agent.until(PartRef::Source(missing.route), "the missing topic", failing).await?);
    assert!(told.contains("no topic orders") && told.contains("--create --topic orders"), "{told}");
    broker.create_topics(&[("orders", 1)]).await?;
    agent.until(PartRef::Source(missing.route), "the topic", |part| part.state == PartState::Running).await?;
    part.stop(STOP).await;

    for (work, word) in [
        (source_of("orders", "{oops", None), "template"),
        (source_of("orders", "a", Some("value =")), "filter"),
        (sink_to("{", "a"), "template"),
    ] {
        let Err(StartError::Rejected(told)) = agent.start(&connector(6, work), &there) else {
            anyhow::bail!("{word} was taken")
        };
        assert!(told.contains(word), "{told}");
    }
    let mut no_secret = there.clone();
    no_secret.security.sasl.as_mut().context("it logs in")?.secret = "other".into();
    let Err(StartError::Failing(told)) = agent.start(&missing, &no_secret) else { anyhow::bail!("no secret needed?") };
    assert!(told.contains("mesh-agent secret set other"), "{told}");
    let mut garbage = there;
    garbage.security.ca_pem = Some("not a certificate".into());
    let Err(StartError::Rejected(told)) = agent.start(&missing, &garbage) else { anyhow::bail!("garbage was taken") };
    assert!(told.contains("no PEM certificate"), "{told}");
    Ok(())
}

/// The certificate of an authority that signed nothing here.
fn broker_of_another(folder: &Path) -> anyhow::Result<String> {
    let key = folder.join("other.key");
    let out = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other"])
        .args(["-days", "2", "-keyout"])
        .arg(&key)
        .output()
        .context("start openssl")?;
    anyhow::ensure!(out.status.success(), "openssl: {}", String::from_utf8_lossy(&out.stderr));
    Ok(String::from_utf8(out.stdout)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_waits_for_its_target_and_poison_is_passed_over() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let broker = broker(folder.path(), "a", false).await?;
    broker.create_topics(&[("in", 1)]).await?;
    let producer: FutureProducer = broker.admin_config().create()?;
    for value in [r#"{"partition":0,"place":0,"to":"x"}"#, "no json", r#"{"partition":0,"place":1,"to":"x"}"#] {
        let record = FutureRecord::to("in").key("k").payload(value);
        producer.send(record, LIMIT).await.map_err(|(error, _)| error)?;
    }
    let there = connection(&broker);
    let agent = Agent::new()?;
    let sink = connector(1, sink_to("out", "in/>"));
    let source = connector(2, source_of("in", "in/{value.to}", None));
    // Another cluster id would be needed to go round: a record never returns to the cluster it came from unchanged, so
    // the sink passes it over. With a changed topic it is new; here the loop itself is what is looked at.
    let sink_part = agent.start(&sink, &there)?;
    let source_part = agent.start(&source, &there)?;
    let part = agent
        .until(PartRef::Sink(sink.route), "the loop", |part| part.figures.get("looped_events") == Some(&2))
        .await?;
    assert_eq!(part.figures.get("refused_events"), Some(&0));
    let part = agent.until(PartRef::Source(source.route), "poison", |part| part.detail.is_some()).await?;
    let told = part.detail.unwrap_or_default();
    assert!(told.contains("in partition 0 offset 1 was passed over"), "{told}");
    source_part.stop(STOP).await;
    sink_part.stop(STOP).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_for_a_missing_topic_is_refused_and_its_source_waits_until_it_is_there() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (b, a) = tokio::try_join!(broker(folder.path(), "b", false), broker(folder.path(), "a", false))?;
    b.create_topics(&[("in", 2)]).await?;
    fill(&b, "in", 2, 0, 40).await?;
    let agent = Agent::new()?;
    let sink = connector(1, sink_to("out", "in/>"));
    let source = connector(2, source_of("in", "in/{key}", Some("value.level == \"error\"")));
    let sink_part = agent.start(&sink, &connection(&a))?;
    let source_part = agent.start(&source, &connection(&b))?;
    let blocked = |part: &Part| part.detail.as_ref().is_some_and(|detail| detail.contains("--create --topic out"));
    agent.until(PartRef::Source(source.route), "the reason", blocked).await?;
    agent.until(PartRef::Sink(sink.route), "the reason", blocked).await?;
    a.create_topics(&[("out", 2)]).await?;
    let arrived = tokio::task::spawn_blocking(move || read(&a, "out", 10)).await??;
    check(&arrived, 2, 40);
    source_part.stop(STOP).await;
    sink_part.stop(STOP).await;
    Ok(())
}

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
    let deps = discovery::kafka::Deps { secrets: Arc::new(Passwords(PASSWORD)), reports: reports.clone() };
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
