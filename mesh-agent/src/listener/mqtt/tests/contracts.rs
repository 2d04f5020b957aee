//! Payloads that are not what is promised at their topic, refused in the words of each version.

use mesh_protocol::desired::{DeniedV3Publish, ListenerProtocol, OnInvalid};
use rumqttc::QoS;
use rumqttc::v5::mqttbytes::v5::{LastWill, Packet, PubAckReason, PubRecReason};

use super::clients::{QOS0, QOS1};
use super::*;
use crate::contract::testing::{ORDER, one};

const GOOD: &str = r#"{"amount":1}"#;
const BAD: &str = r#"{"amount":"4711"}"#;

fn breaches(mesh: &Mesh) -> (u64, u64) {
    let report = mesh.enforcer.ledger().report(1);
    report.map_or((0, 0), |report| (report.events[0].checked, report.events[0].invalid))
}

#[tokio::test]
async fn a_wrong_payload_gets_its_reason_and_the_session_stays() {
    let mesh = Mesh::new();
    mesh.promise(&one("open/orders", ORDER, OnInvalid::Reject));
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.subscribe("open/#", QOS0).await;
    client.send("open/orders", QOS1, BAD).await;
    let (reason, words) = client
        .wait("PUBACK", |packet| match packet {
            Packet::PubAck(ack) => Some((ack.reason, ack.properties.and_then(|properties| properties.reason_string))),
            _ => None,
        })
        .await;
    assert_eq!(reason, PubAckReason::PayloadFormatInvalid);
    let words = words.expect("a reason");
    assert!(words.contains("order-created 1.0.0: `$.amount` is not a number") && !words.contains("4711"), "{words}");
    client.send("open/orders", rumqttc::v5::mqttbytes::QoS::ExactlyOnce, BAD).await;
    assert_eq!(client.pubrec().await, PubRecReason::PayloadFormatInvalid);
    client.send("open/orders", QOS0, BAD).await;
    client.send("open/other", QOS1, BAD).await;
    assert_eq!(client.message().await.topic, "open/other", "the first that came through");
    client.send("open/orders", QOS1, GOOD).await;
    assert_eq!(client.message().await.payload, GOOD);
    assert_eq!(
        (breaches(&mesh), mesh.count("invalid_publish_events"), mesh.count("denied_publish_events")),
        ((4, 3), 3, 0)
    );
    assert!(!mesh.notes.has("refused Publish"), "it is no matter of rights");
}

#[tokio::test]
async fn the_old_version_is_told_as_of_a_denied_publish() {
    let mesh = Mesh::new();
    mesh.promise(&one("open/orders", ORDER, OnInvalid::Reject));
    let mut config = config(ListenerProtocol::Mqtt);
    let running = mesh.listen(&config).await;
    let mut client = V4::connect(&mesh, &running, 1).await;
    client.client.publish("open/orders", QoS::AtLeastOnce, false, BAD).await.expect("runs");
    client.end().await;
    config.denied_v3_publish = DeniedV3Publish::Acknowledge;
    let _ = running.update(&config);
    let mut client = V4::connect(&mesh, &running, 1).await;
    let mut other = V5::connect(&mesh, &running, 2).await;
    other.subscribe("open/#", QOS0).await;
    for payload in [BAD, GOOD] {
        client.client.publish("open/orders", QoS::AtLeastOnce, false, payload).await.expect("runs");
        client.wait("PUBACK", |packet| matches!(packet, rumqttc::Incoming::PubAck(_)).then_some(())).await;
    }
    assert_eq!(other.message().await.payload, GOOD, "the wrong one went nowhere");
    assert_eq!((breaches(&mesh), mesh.count("invalid_publish_events")), ((3, 2), 2));
}

#[tokio::test]
async fn what_is_only_reported_goes_on() {
    let mesh = Mesh::new();
    mesh.promise(&one("open/orders", ORDER, OnInvalid::Report));
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.subscribe("open/#", QOS0).await;
    client.send("open/orders", QOS1, BAD).await;
    assert_eq!(client.puback().await, PubAckReason::Success);
    assert_eq!(client.message().await.payload, BAD);
    assert_eq!((breaches(&mesh), mesh.count("invalid_publish_events")), ((1, 1), 0));
}

#[tokio::test]
async fn a_contract_holds_for_open_sessions_and_for_wills_and_not_for_clearing() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut watcher = V5::connect(&mesh, &running, 2).await;
    watcher.subscribe("open/#", QOS0).await;
    let mut options = V5::options(&running, 1, "client-1");
    options.set_last_will(LastWill::new("open/orders", BAD, QOS1, false, None));
    let client = V5::with(&mesh, options);
    client.send("open/orders", QOS1, BAD).await;
    assert_eq!(watcher.message().await.payload, BAD, "nothing is promised yet");
    mesh.promise(&one("open/orders", ORDER, OnInvalid::Reject));
    drop(client);
    until("its will is refused", || mesh.count("invalid_publish_events") == 1).await;
    // A retained event without a payload takes the last value away.
    watcher.client.publish("open/orders", QOS1, true, "").await.expect("runs");
    assert_eq!(watcher.puback().await, PubAckReason::Success);
}
