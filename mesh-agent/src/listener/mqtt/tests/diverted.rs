//! Payloads that a contract diverts: acknowledged once they are dead letters of the agent, and given to nobody.

use mesh_protocol::desired::OnInvalid;
use mesh_protocol::queue::QueueAnswer;
use rumqttc::QoS;
use rumqttc::v5::mqttbytes::QoS::ExactlyOnce;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, PubCompReason, PubRecReason};

use super::clients::{QOS0, QOS1};
use super::*;
use crate::contract::testing::{ORDER, one};

const GOOD: &str = r#"{"amount":1}"#;
const BAD: &str = r#"{"amount":"4711"}"#;

fn mesh() -> Mesh {
    let mesh = Mesh::new();
    mesh.promise(&one("open/orders", ORDER, OnInvalid::Divert));
    mesh
}

#[tokio::test]
async fn a_diverted_event_is_acknowledged_at_every_quality_and_is_a_dead_letter_with_its_reason() {
    let mesh = mesh();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.subscribe("open/#", QOS1).await;
    client.send("open/orders", QOS1, BAD).await;
    assert_eq!(client.puback().await, PubAckReason::Success);
    let letters = mesh.letters().await;
    assert_eq!(letters.len(), 1, "on disk before it is acknowledged");
    assert_eq!((letters[0].topic.as_str(), letters[0].payload.as_str()), ("open/orders", BAD));
    assert_eq!(letters[0].consumer.as_deref(), Some("client client-1"), "who sent it");
    let reason = letters[0].reason.as_deref().expect("a reason");
    assert_eq!(reason, "the payload is not valid by order-created 1.0.0: `$.amount` is not a number");

    client.send("open/orders", ExactlyOnce, BAD).await;
    assert_eq!(client.pubrec().await, PubRecReason::Success);
    assert_eq!(mesh.letters().await.len(), 2);
    assert_eq!(client.pubcomp().await, PubCompReason::Success);

    client.send("open/orders", QOS0, BAD).await;
    assert_eq!(mesh.letters_until(3).await.len(), 3, "best effort, and kept all the same");

    // The old version is told nothing that it would take for an error.
    let mut old = V4::connect(&mesh, &running, 2).await;
    old.client.publish("open/orders", QoS::AtLeastOnce, false, BAD).await.expect("runs");
    old.wait("PUBACK", |packet| matches!(packet, rumqttc::Incoming::PubAck(_)).then_some(())).await;
    assert_eq!(mesh.letters().await.len(), 4);

    client.send("open/orders", QOS1, GOOD).await;
    assert_eq!(client.message().await.payload, GOOD, "the first that came through");
    let kept = mesh.enforcer.ledger().report(1).expect("news").events.remove(0);
    assert_eq!((kept.checked, kept.invalid, kept.rejected, kept.diverted), (5, 4, 0, 4));
    assert!(kept.breaches.iter().all(|breach| breach.diverted && !breach.rejected), "{:?}", kept.breaches);
    let counts = ["diverted_publish_events", "invalid_publish_events", "not_diverted_events"];
    assert_eq!(counts.map(|name| mesh.count(name)), [4, 0, 0]);
}

#[tokio::test]
async fn without_room_it_is_refused_with_what_to_do_and_at_qos_0_counted() {
    let mesh = mesh();
    mesh.fill_letters(1).await;
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.send("open/orders", QOS1, BAD).await;
    assert_eq!(client.puback().await, PubAckReason::Success, "the last place");
    client.send("open/orders", QOS1, BAD).await;
    let (reason, words) = client
        .wait("PUBACK", |packet| match packet {
            Packet::PubAck(ack) => Some((ack.reason, ack.properties.and_then(|properties| properties.reason_string))),
            _ => None,
        })
        .await;
    assert_eq!(reason, PubAckReason::QuotaExceeded);
    let words = words.expect("a reason");
    assert!(words.contains("this agent has 10000 dead letters") && words.contains("move or delete some"), "{words}");
    client.send("open/orders", QOS0, BAD).await;
    until("it is counted", || mesh.count("not_diverted_events") == 2).await;
    client.send("open/orders", QOS1, GOOD).await;
    assert_ne!(client.puback().await, PubAckReason::QuotaExceeded, "right ones need no room there");
}

#[tokio::test]
async fn it_is_sent_again_when_a_version_takes_it_and_not_before() {
    let mesh = mesh();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.subscribe("open/#", QOS1).await;
    for payload in [BAD, "true"] {
        client.send("open/orders", QOS1, payload).await;
        assert_eq!(client.puback().await, PubAckReason::Success);
    }
    let QueueAnswer::Done { events: 0, stopped: Some(why) } = mesh.retry_letters().await else { panic!("not yet") };
    assert!(why.starts_with("2 events stay: the payload is not valid by order-created 1.0.0: "), "{why}");
    assert!(why.contains("release a version that takes it"), "{why}");
    assert_eq!(mesh.letters().await.len(), 2);

    mesh.promise(&one("open/orders", r#"{"type":"object"}"#, OnInvalid::Divert));
    let QueueAnswer::Done { events: 1, stopped: Some(why) } = mesh.retry_letters().await else { panic!("one goes") };
    assert!(why.starts_with("1 event stays: "), "{why}");
    let message = client.message().await;
    assert_eq!((&*message.topic, &*message.payload), (&b"open/orders"[..], BAD.as_bytes()));
    let own = message.properties.map(|properties| properties.user_properties).unwrap_or_default();
    assert_eq!(own, [], "without the words of its burial");
    assert_eq!(mesh.letters().await.len(), 1);

    mesh.promise(&one("open/orders", ORDER, OnInvalid::Report));
    assert_eq!(mesh.retry_letters().await, QueueAnswer::Done { events: 1, stopped: None }, "nobody keeps it out now");
    assert_eq!(client.message().await.payload, "true");
}

#[tokio::test]
async fn a_retained_one_is_not_the_last_value_and_a_will_is_diverted_too() {
    let mesh = mesh();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.client.publish("open/orders", QOS1, true, BAD).await.expect("runs");
    assert_eq!(client.puback().await, PubAckReason::Success);
    client.subscribe("open/#", QOS1).await;
    client.send("open/other", QOS1, "x").await;
    assert_eq!(client.message().await.topic, "open/other", "it has no last value");

    let mut options = V5::options(&running, 2, "client-2");
    options.set_last_will(rumqttc::v5::mqttbytes::v5::LastWill::new("open/orders", BAD, QOS1, false, None));
    let other = V5::with(&mesh, options);
    other.send("open/other", QOS1, "y").await;
    // Its connection ends with the next answer.
    drop(other);
    assert_eq!(mesh.letters_until(2).await[1].consumer.as_deref(), Some("client client-2"));
}
