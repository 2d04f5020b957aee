//! With Kafka's protocol, in topics of a cluster: confluent-kafka and rdkafka. Both are librdkafka, so their settings are one list.

use super::fill;
use super::literal::{list, python, rust};
use super::mqtt::{PYTHON_LOGIN, RUST_LEFT, RUST_LOGIN, rust_payload};
use crate::api::ConnectKafka;

const MECHANISM: &str = "SCRAM-SHA-512";

const fn protocol(cluster: &ConnectKafka) -> &'static str {
    if cluster.tls { "SASL_SSL" } else { "SASL_PLAINTEXT" }
}

const PYTHON_SETTINGS: &str = r#"    "bootstrap.servers": @bootstrap@,
    "security.protocol": @protocol@,
    "sasl.mechanism": @mechanism@,
    "sasl.username": USER,
    "sasl.password": SECRET,
"#;

const PYTHON_RECEIVE: &str = r#"import os
import sys

from confluent_kafka import Consumer

@login@TOPICS = @topics@
left = int(sys.argv[1]) if len(sys.argv) > 1 else 0  # 0: goes on

consumer = Consumer({
@settings@    "group.id": @group@,
    "auto.offset.reset": "earliest",
    "enable.auto.offset.store": False,
})
consumer.subscribe(TOPICS)
try:
    while True:
        record = consumer.poll(1.0)
        if record is None:
            continue
        if record.error():
            sys.exit(f"not read: {record.error()}")
        print(record.topic(), (record.value() or b"").decode(errors="replace"), flush=True)
        consumer.store_offsets(record)
        left -= 1
        if left == 0:
            break
finally:
    consumer.close()
"#;

pub(super) fn python_receive(cluster: &ConnectKafka, user: &str) -> String {
    let head =
        "# Receives events from Kafka. Run: pip install confluent-kafka, then python3 receive.py [how many events]\n";
    let values = [("topics", list(&cluster.receive, python)), ("group", python(&cluster.group))];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    in_python(cluster, user, &[head, PYTHON_RECEIVE].concat(), &values)
}

const PYTHON_SEND: &str = r#"import os
import sys

from confluent_kafka import Producer

@login@TOPIC = @topic@
PAYLOAD = @payload@
problem = "not taken in time"


def told(error, record):
    global problem
    problem = error and f"not taken: {error}"


producer = Producer({
@settings@})
producer.produce(TOPIC, PAYLOAD, on_delivery=told)
producer.flush(30)
sys.exit(problem)
"#;

pub(super) fn python_send(cluster: &ConnectKafka, user: &str, topic: &str, payload: Option<&str>) -> String {
    let (how, payload) = match payload {
        Some(payload) => ("python3 send.py", python(payload)),
        None => ("python3 send.py < payload", "sys.stdin.buffer.read()".to_owned()),
    };
    let head = "# Sends an event to Kafka. Run: pip install confluent-kafka, then @how@\n";
    let values = [("how", how), ("topic", &python(topic)), ("payload", &payload)];
    in_python(cluster, user, &[head, PYTHON_SEND].concat(), &values)
}

fn in_python(cluster: &ConnectKafka, user: &str, text: &str, values: &[(&str, &str)]) -> String {
    let own = fill(PYTHON_LOGIN, &[("user", &python(user))]);
    let settings = [
        ("bootstrap", python(&cluster.bootstrap)),
        ("protocol", python(protocol(cluster))),
        ("mechanism", python(MECHANISM)),
    ];
    let settings = fill(PYTHON_SETTINGS, &settings.each_ref().map(|(name, value)| (*name, value.as_str())));
    let mut all = vec![("login", own.as_str()), ("settings", &settings)];
    all.extend(values);
    fill(text, &all)
}

const RUST_SETTINGS: &str = r#"        .set("bootstrap.servers", @bootstrap@)
        .set("security.protocol", @protocol@)
        .set("sasl.mechanism", @mechanism@)
        .set("sasl.username", user)
        .set("sasl.password", secret)
"#;

const RUST_RECEIVE: &str = r#"use std::error::Error;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;

const TOPICS: [&str; @count@] = @topics@;

fn main() -> Result<(), Box<dyn Error>> {
@login@@left@    let consumer: BaseConsumer = ClientConfig::new()
@settings@        .set("group.id", @group@)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()?;
    consumer.subscribe(&TOPICS)?;
    for record in consumer.iter() {
        let record = record?;
        println!("{} {}", record.topic(), String::from_utf8_lossy(record.payload().unwrap_or_default()));
        consumer.commit_message(&record, CommitMode::Sync)?;
        left -= 1;
        if left == 0 {
            break;
        }
    }
    Ok(())
}
"#;

pub(super) fn rust_receive(cluster: &ConnectKafka, user: &str) -> String {
    let head = "// Receives events from Kafka. Cargo.toml: @crate@. Run: cargo run [-- how many events]\n";
    let values = [
        ("topics", list(&cluster.receive, rust)),
        ("count", cluster.receive.len().to_string()),
        ("group", rust(&cluster.group)),
        ("left", RUST_LEFT.to_owned()),
    ];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    in_rust(cluster, user, &[head, RUST_RECEIVE].concat(), &values)
}

const RUST_SEND: &str = r#"use std::error::Error;
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};

const TOPIC: &str = @topic@;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
@login@@payload@    let producer: FutureProducer = ClientConfig::new()
@settings@        .create()?;
    let record: FutureRecord<'_, (), [u8]> = FutureRecord::to(TOPIC).payload(AsRef::as_ref(&payload));
    producer.send(record, Duration::from_secs(30)).await.map_err(|(error, _)| error)?;
    Ok(())
}
"#;

pub(super) fn rust_send(cluster: &ConnectKafka, user: &str, topic: &str, payload: Option<&str>) -> String {
    let how = if payload.is_some() { "cargo run" } else { "cargo run < payload" };
    let head = concat!(
        "// Sends an event to Kafka. Cargo.toml: @crate@, tokio = { version = \"1\", features = [\"macros\", \"rt\"] }. ",
        "Run: @how@\n"
    );
    let payload = rust_payload(payload);
    let values = [("how", how), ("topic", &rust(topic)), ("payload", &payload)];
    in_rust(cluster, user, &[head, RUST_SEND].concat(), &values)
}

fn in_rust(cluster: &ConnectKafka, user: &str, text: &str, values: &[(&str, &str)]) -> String {
    let own = fill(RUST_LOGIN, &[("user", &rust(user))]);
    let settings = [
        ("bootstrap", rust(&cluster.bootstrap)),
        ("protocol", rust(protocol(cluster))),
        ("mechanism", rust(MECHANISM)),
    ];
    let settings = fill(RUST_SETTINGS, &settings.each_ref().map(|(name, value)| (*name, value.as_str())));
    let needs = r#"rdkafka = { version = "0.39", features = ["ssl"] }"#;
    let mut all = vec![("login", own.as_str()), ("settings", &settings), ("crate", needs)];
    all.extend(values);
    fill(text, &all)
}
