use super::*;
use crate::kafka::secret::{NoSecrets, Secret};
use mesh_protocol::desired::{KafkaSecurity, Sasl};

#[derive(Debug)]
struct One(&'static str, &'static str);

impl Secrets for One {
    fn get(&self, name: &str) -> Option<Secret> {
        (name == self.0).then(|| Secret::new(self.1))
    }
}

fn broker(tls: bool, mechanism: Option<SaslMechanism>) -> BrokerConnection {
    let sasl = mechanism.map(|mechanism| Sasl { mechanism, username: "meshport".into(), secret: "kafka-a".into() });
    BrokerConnection {
        id: uuid::Uuid::nil().into(),
        name: "Kafka A".into(),
        bootstrap: vec!["one:9092".into(), "two:9092".into()],
        security: KafkaSecurity { tls, ca_pem: tls.then(|| "PEM".into()), sasl },
        discover: true,
        browse: false,
    }
}

#[test]
fn a_plain_cluster_needs_no_secret() {
    let config = base(&broker(false, None), &NoSecrets, "meshport").expect("complete");
    assert_eq!(config.get("bootstrap.servers"), Some("one:9092,two:9092"));
    assert_eq!(config.get("security.protocol"), Some("plaintext"));
    assert_eq!(config.get("ssl.ca.pem"), None);
}

#[test]
fn scram_over_tls_takes_the_named_secret() {
    let broker = broker(true, Some(SaslMechanism::ScramSha512));
    let config = base(&broker, &One("kafka-a", "pw"), "meshport").expect("complete");
    assert_eq!(config.get("security.protocol"), Some("sasl_ssl"));
    assert_eq!(config.get("sasl.mechanism"), Some("SCRAM-SHA-512"));
    assert_eq!(config.get("sasl.password"), Some("pw"));
    assert_eq!(config.get("ssl.ca.pem"), Some("PEM"));
}

#[test]
fn a_missing_secret_names_the_command_that_sets_it() {
    let error = base(&broker(true, Some(SaslMechanism::ScramSha256)), &NoSecrets, "x").expect_err("no secret");
    assert!(error.to_string().contains("`mesh-agent secret set kafka-a`"), "{error}");
}

#[test]
fn a_password_never_travels_unencrypted() {
    let plain = base(&broker(false, Some(SaslMechanism::Plain)), &One("kafka-a", "pw"), "x");
    assert_eq!(plain.expect_err("no TLS"), ConfigError::PlainWithoutTls("Kafka A".into()));
    assert!(base(&broker(true, Some(SaslMechanism::Plain)), &One("kafka-a", "pw"), "x").is_ok());
}

#[test]
fn no_address_is_told() {
    let mut broker = broker(false, None);
    broker.bootstrap = vec![" ".into()];
    assert_eq!(base(&broker, &NoSecrets, "x").expect_err("no address"), ConfigError::NoAddress("Kafka A".into()));
}

#[test]
fn the_library_knows_every_setting() {
    let base = base(&broker(false, Some(SaslMechanism::ScramSha512)), &One("kafka-a", "pw"), "x").expect("complete");
    consumer(base.clone(), "group").create_native_config().expect("valid for a consumer");
    producer(base).create_native_config().expect("valid for a producer");
}
