//! Named queues over MQTT.

use mesh_protocol::policy::Action;
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, SubscribeReasonCode};
use rumqttc::{Incoming, QoS};

use super::clients::{QOS0, QOS1, connect};
use super::*;
use crate::listener::Running;
use crate::queue::named::testing::queue;

async fn mesh() -> (Mesh, Running) {
    let mesh = Mesh::new();
    mesh.allow_queues("open/>");
    mesh.queues.want(&[queue(1, "work", &["open/>"]), queue(2, "closed", &["other/>"])]);
    let running = mesh.mqtt().await;
    (mesh, running)
}

async fn publish(mesh: &Mesh, running: &Running, payloads: &[&str]) {
    let mut publisher = V5::connect(mesh, running, 9).await;
    for payload in payloads {
        publisher.send("open/a", QOS1, *payload).await;
        publisher.puback().await;
    }
    publisher.client.disconnect().await.expect("runs");
}

/// A client that acknowledges when it is told to.
async fn consumer(mesh: &Mesh, running: &Running, till: u32, id: &str) -> V5 {
    let mut options = V5::options(running, till, id);
    options.set_manual_acks(true).set_clean_start(false);
    options.set_connect_properties(ConnectProperties { session_expiry_interval: Some(60), ..ConnectProperties::new() });
    V5::with(mesh, options)
}

#[tokio::test]
async fn a_subscription_to_a_queue_consumes_it() {
    let (mesh, running) = mesh().await;
    publish(&mesh, &running, &["1", "2"]).await;
    let mut client = consumer(&mesh, &running, 1, "c").await;
    assert_eq!(client.subscribe("$queue/work", QOS1).await, SubscribeReasonCode::Success(QOS1));
    let first = client.message().await;
    assert_eq!((first.topic.as_ref(), first.payload.as_ref(), first.dup), (&b"open/a"[..], &b"1"[..], false));
    client.client.ack(&first).await.expect("runs");
    assert_eq!(client.message().await.payload, "2");
    // It goes without a word about the second, and comes back to the same session.
    client.client.disconnect().await.expect("runs");
    client.end().await;
    until("the session rests", || mesh.clients.resting() == 1).await;
    let mut client = consumer(&mesh, &running, 1, "c").await;
    let again = client.message().await;
    assert_eq!((again.payload.as_ref(), again.dup), (&b"2"[..], true), "its subscription came back with it");
    client.client.ack(&again).await.expect("runs");
    client.client.unsubscribe("$queue/work").await.expect("runs");
    until("the queue is empty", || mesh.figure(1, "queued_events") == Some(0)).await;
    until("nobody consumes it", || mesh.figure(1, "consumers") == Some(0)).await;
    assert!(mesh.notes.has("till-1 c consumed open/a"));
}

#[tokio::test]
async fn what_may_not_be_consumed_is_refused_in_the_suback() {
    let (mesh, running) = mesh().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    for (filter, qos, code) in [
        ("$queue/closed", QOS1, SubscribeReasonCode::NotAuthorized),
        ("$queue/none", QOS1, SubscribeReasonCode::TopicFilterInvalid),
        ("$queue/work", QOS0, SubscribeReasonCode::ImplementationSpecific),
    ] {
        assert_eq!(client.subscribe(filter, qos).await, code, "{filter}");
    }
    client.subscribe("$queue/work", QOS1).await;
    mesh.deny(1, Action::ManageQueue, "open/>");
    assert!(client.end().await.contains("NotAuthorized"));
    let mut client = V5::connect(&mesh, &running, 2).await;
    client.subscribe("$queue/work", QOS1).await;
    mesh.queues.want(&[]);
    assert!(client.end().await.contains("AdministrativeAction"), "the queue is no more");
}

#[tokio::test]
async fn an_old_client_consumes_too() {
    let (mesh, running) = mesh().await;
    publish(&mesh, &running, &["1"]).await;
    let mut client = V4::connect(&mesh, &running, 1).await;
    client.client.subscribe("$queue/work", QoS::AtLeastOnce).await.expect("runs");
    let payload = client.wait("PUBLISH", |packet| match packet {
        Incoming::Publish(publish) => Some(publish.payload),
        _ => None,
    });
    assert_eq!(payload.await, "1");
    until("it is done with", || mesh.figure(1, "queued_events") == Some(0)).await;
}

#[tokio::test]
async fn a_puback_with_a_reason_gives_the_event_back_or_up() {
    let (mesh, running) = mesh().await;
    let mut client = Raw::open(&running).await;
    client.send(&connect(5, 1, "raw")).await;
    let head = client.read(2).await;
    client.read(head[1].into()).await;
    client.send(b"\x82\x11\0\x01\0\0\x0b$queue/work\x01").await;
    assert_eq!(client.read(6).await, b"\x90\x04\0\x01\0\x01");
    publish(&mesh, &running, &["1"]).await;
    // PUBLISH: header, length, topic, packet id, no properties, payload.
    let (fresh, again) = (0x32, 0x3a);
    let first = client.read(14).await;
    assert_eq!((first[0], &first[4..10], first[13]), (fresh, &b"open/a"[..], b'1'));
    client.send(&[0x40, 3, first[10], first[11], 0x80]).await;
    let second = client.read(14).await;
    assert_eq!((second[0], second[13]), (again, b'1'), "released: it comes again");
    client.send(&[0x40, 3, second[10], second[11], 0x99]).await;
    until("it is a dead letter", || mesh.count("dead_letter_events") == 1).await;
    until("and done with", || mesh.figure(1, "queued_events") == Some(0)).await;
}
