//! How one connects to an object: lines that work once a name and a password are put in.

use frontend::api::{Snippet, encoded};
use mesh_protocol::desired::{KafkaSecurity, ListenerProtocol, SaslMechanism};
use mesh_protocol::report::Direction;

use super::entry::{Entry, Key};
use crate::app::door::door;
use crate::app::observed::World;
use crate::domain::address;
use crate::domain::broker::{Broker, Target};

/// Stand for what whoever connects was given.
const USER: &str = "USER";
const PASSWORD: &str = "PASSWORD";

/// The lines of an object; none for what nobody connects to.
pub(super) fn snippets(entry: &Entry, world: &World, portal_url: &str) -> Vec<Snippet> {
    match &entry.key {
        Key::Address(address) => of_address(address, world, portal_url),
        Key::Topic(broker, topic) if !entry.row.gone => {
            let found = world.config.mesh.brokers.iter().find(|found| found.id == *broker);
            found.map(|broker| of_topic(broker, topic)).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

fn snippet(title: String, text: String) -> Snippet {
    Snippet { title, text }
}

/// At the sites where it is seen, through the listeners that run there.
fn of_address(address: &str, world: &World, portal_url: &str) -> Vec<Snippet> {
    let flows = || world.seen.flows.iter().filter(|flow| flow.address == address);
    let produced = flows().find(|flow| flow.direction == Direction::Produce);
    let example = produced.or_else(|| flows().next()).map_or(address, |flow| flow.example_topic.as_str());
    let filter = address::mqtt_filter(address);
    let mut all = Vec::new();
    let mut sites: Vec<_> = flows().filter_map(|flow| world.fleet.agent(flow.agent)).map(|agent| agent.site).collect();
    sites.sort_unstable();
    sites.dedup();
    for site in sites {
        let name = world.config.site_name(site);
        let at = |protocol| door(site, protocol, &world.config, &world.fleet);
        let (mqtt, http) = (at(ListenerProtocol::Mqtt), at(ListenerProtocol::Http));
        if let Some(lines) = mqtt.iter().chain(&http).find_map(|door| door.trust_lines(portal_url)) {
            all.push(snippet(format!("Once, to trust the listeners at {name}"), lines));
        }
        if let Some(door) = mqtt {
            let (host, port, tls) = (&door.host, door.port, door.mosquitto_option());
            let login = format!("-V 5 -h {host} -p {port}{tls} -u {USER} -P {PASSWORD} -q 1");
            all.push(snippet(
                format!("Subscribe over MQTT at {name}"),
                format!("mosquitto_sub {login} -t {}", quoted(&filter)),
            ));
            all.push(snippet(
                format!("Publish over MQTT at {name}"),
                format!("mosquitto_pub {login} -t {} -m '{{}}'", quoted(example)),
            ));
        }
        if let Some(door) = http {
            let url = format!("{}://{}/v1/events", door.http_scheme(), door.address());
            let path = example.split('/').map(encoded).collect::<Vec<_>>().join("/");
            all.push(snippet(
                format!("Publish over HTTP at {name}"),
                format!("curl -u {USER}:{PASSWORD} -X POST {url}/{path} -H 'content-type: application/json' -d '{{}}'"),
            ));
        }
    }
    all
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn of_topic(broker: &Broker, topic: &str) -> Vec<Snippet> {
    let Target::Kafka { bootstrap, security } = &broker.spec.target else { return Vec::new() };
    let bootstrap = bootstrap.join(",");
    let mut all = Vec::new();
    let mut options = String::new();
    if security.tls || security.sasl.is_some() {
        all.push(snippet("Settings of a Kafka client: client.properties".to_owned(), properties(security)));
        options.push_str(" --consumer.config client.properties");
    }
    all.push(snippet(
        "Consume with Kafka's own tool".to_owned(),
        format!("kafka-console-consumer --bootstrap-server {bootstrap}{options} --topic {topic} --from-beginning"),
    ));
    all.push(snippet("Consume in Python, with confluent-kafka".to_owned(), python(&bootstrap, security, topic)));
    all
}

fn protocol(security: &KafkaSecurity) -> &'static str {
    match (security.tls, security.sasl.is_some()) {
        (false, false) => "PLAINTEXT",
        (true, false) => "SSL",
        (false, true) => "SASL_PLAINTEXT",
        (true, true) => "SASL_SSL",
    }
}

fn mechanism(security: &KafkaSecurity) -> Option<&'static str> {
    Some(match security.sasl.as_ref()?.mechanism {
        SaslMechanism::Plain => "PLAIN",
        SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
        SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
    })
}

/// Of Java clients. The certificates of the cluster's own authority are a file that whoever connects must have.
fn properties(security: &KafkaSecurity) -> String {
    let mut lines = vec![format!("security.protocol={}", protocol(security))];
    if let Some(mechanism) = mechanism(security) {
        let module = if mechanism == "PLAIN" { "plain.PlainLoginModule" } else { "scram.ScramLoginModule" };
        lines.push(format!("sasl.mechanism={mechanism}"));
        lines.push(format!(
            r#"sasl.jaas.config=org.apache.kafka.common.security.{module} required username="{USER}" password="{PASSWORD}";"#
        ));
    }
    if security.ca_pem.is_some() {
        lines.push("ssl.truststore.type=PEM".to_owned());
        lines.push("ssl.truststore.location=ca.pem".to_owned());
    }
    lines.join("\n")
}

fn python(bootstrap: &str, security: &KafkaSecurity, topic: &str) -> String {
    let mut settings = vec![
        format!(r#""bootstrap.servers": "{bootstrap}""#),
        r#""group.id": "my-application""#.to_owned(),
        r#""auto.offset.reset": "earliest""#.to_owned(),
    ];
    if protocol(security) != "PLAINTEXT" {
        settings.push(format!(r#""security.protocol": "{}""#, protocol(security)));
    }
    if let Some(mechanism) = mechanism(security) {
        settings.push(format!(r#""sasl.mechanism": "{mechanism}""#));
        settings.push(format!(r#""sasl.username": "{USER}""#));
        settings.push(format!(r#""sasl.password": "{PASSWORD}""#));
    }
    if security.ca_pem.is_some() {
        settings.push(r#""ssl.ca.location": "ca.pem""#.to_owned());
    }
    let settings: Vec<String> = settings.iter().map(|setting| format!("    {setting},")).collect();
    format!(
        "from confluent_kafka import Consumer\n\nconsumer = Consumer({{\n{}\n}})\nconsumer.subscribe([\"{topic}\"])\nwhile True:\n    record = consumer.poll(1.0)\n    if record is not None and record.error() is None:\n        print(record.key(), record.value())\n",
        settings.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use mesh_protocol::desired::Sasl;

    use super::*;

    #[test]
    fn names_stand_in_lines_as_shells_take_them() {
        assert_eq!(quoted("it's/a topic"), r"'it'\''s/a topic'");
    }

    #[test]
    fn a_secured_cluster_takes_a_name_a_password_and_its_authority() {
        let sasl =
            Sasl { mechanism: SaslMechanism::ScramSha512, username: "meshport".into(), secret: "kafka-a".into() };
        let security = KafkaSecurity { tls: true, ca_pem: Some("PEM".to_owned()), sasl: Some(sasl) };
        let text = properties(&security) + &python("a:9092", &security, "orders");
        for part in ["SASL_SSL", "SCRAM-SHA-512", "ScramLoginModule", "ca.pem", r#"username="USER""#, "PASSWORD"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            !text.contains("meshport") && !text.contains("kafka-a"),
            "the agent's own login is nobody else's: {text}"
        );
        let plain = KafkaSecurity { tls: false, ca_pem: None, sasl: None };
        assert!(!python("a:9092", &plain, "orders").contains("security"));
    }
}
