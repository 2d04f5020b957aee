use super::*;
use mesh_protocol::desired::{KafkaSecurity, Sasl, SaslMechanism};

fn target(tls: bool, user: Option<&str>) -> Target {
    let sasl = user.map(|user| Sasl {
        mechanism: SaslMechanism::ScramSha512,
        username: user.to_owned(),
        secret: "kafka-a".into(),
    });
    Target::from(&BrokerConnection {
        id: uuid::Uuid::nil().into(),
        name: "Kafka A".into(),
        bootstrap: vec!["kafka:9092".into()],
        security: KafkaSecurity { tls, ca_pem: None, sasl },
        discover: true,
        browse: false,
    })
}

#[test]
fn each_failure_says_what_to_do() {
    let cases = [
        (Code::Authentication, "invalid credentials", "`mesh-agent secret set kafka-a`"),
        (Code::SSL, "certificate verify failed", "paste the PEM"),
        (Code::SSL, "wrong version number: connecting to a PLAINTEXT broker listener?", "switch TLS off"),
        (Code::BrokerTransportFailure, "Connection refused", "check that it runs"),
        (Code::Resolve, "", "check its host name"),
        (Code::UnsupportedSASLMechanism, "SCRAM-SHA-512", "choose another"),
    ];
    for (code, reason, advice) in cases {
        let sentence = target(true, Some("meshport")).connection(code, reason);
        assert!(sentence.contains(advice), "{sentence}");
        assert!(sentence.contains("Kafka A"), "{sentence}");
    }
    let plain = target(false, None).connection(Code::BrokerTransportFailure, "connecting to a SSL listener?");
    assert!(plain.contains("may expect TLS"), "{plain}");
}

#[test]
fn a_missing_right_comes_with_the_command_that_grants_it() {
    let right = Right { operation: Operation::Read, resource: Resource::Topic("orders".into()) };
    let sentence = target(true, Some("mesh port")).not_allowed(&right);
    assert!(sentence.contains("READ on Topic orders"), "{sentence}");
    assert!(sentence.contains("--allow-principal 'User:mesh port' --operation Read --topic orders"), "{sentence}");
    let all = Right { operation: Operation::Describe, resource: Resource::Group("*".into()) };
    assert!(
        target(false, None).grant(&all).ends_with("--allow-principal User:ANONYMOUS --operation Describe --group '*'")
    );
}

#[test]
fn an_unknown_topic_comes_with_the_command_that_creates_it() {
    assert!(target(false, None).no_topic("orders").contains("--create --topic orders"));
}
