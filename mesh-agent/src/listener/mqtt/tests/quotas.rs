//! Quotas at the listener: what becomes of publishes and deliveries beyond them. Beside each refusal stands what passes.

use std::time::{Duration, Instant};

use mesh_protocol::desired::Quota;
use rumqttc::QoS;
use rumqttc::v5::mqttbytes::v5::{PubAckReason, PubRecReason, SubscribeReasonCode};

use super::clients::{QOS0, QOS1};
use super::*;
use crate::queue::named::testing::queue;

const QOS2: rumqttc::v5::mqttbytes::QoS = rumqttc::v5::mqttbytes::QoS::ExactlyOnce;

fn events(rate: u32) -> Quota {
    Quota { events_per_s: Some(rate), ..Quota::default() }
}

/// With a grant of so many events a second for tills 1 and 2.
async fn mesh(rate: u32) -> (Mesh, crate::listener::Running) {
    let mesh = Mesh::new();
    mesh.allow_queues("open/>");
    mesh.queues.want(&[queue(1, "work", &["open/>"])]);
    mesh.grant(events(rate));
    let running = mesh.mqtt().await;
    (mesh, running)
}

/// So many events from a client without a grant.
async fn publish(mesh: &Mesh, running: &crate::listener::Running, count: usize, qos: rumqttc::v5::mqttbytes::QoS) {
    let mut publisher = V5::connect(mesh, running, 9).await;
    for number in 0..count {
        publisher.send("open/a", qos, number.to_string()).await;
        if qos == QOS1 {
            publisher.puback().await;
        }
    }
    publisher.is_served().await;
}

#[tokio::test]
async fn a_client_of_version_5_is_told_in_the_acknowledgement_and_stays() {
    let (mesh, running) = mesh(2).await;
    let (mut one, mut two) = (V5::connect(&mesh, &running, 1).await, V5::connect(&mesh, &running, 2).await);
    one.send("open/a", QOS1, "x").await;
    assert_ne!(one.puback().await, PubAckReason::QuotaExceeded);
    two.send("open/b", QOS1, "x").await;
    assert_ne!(two.puback().await, PubAckReason::QuotaExceeded);
    // Faster than half a second in all.
    one.send("open/a", QOS1, "x").await;
    assert_eq!(one.puback().await, PubAckReason::QuotaExceeded, "the quota is the grant's, not the client's");
    two.send("open/a", QOS2, "x").await;
    assert_eq!(two.pubrec().await, PubRecReason::QuotaExceeded);
    one.send("open/a", QOS0, "x").await;
    one.send("own/till-1", QOS1, "x").await;
    assert_ne!(one.puback().await, PubAckReason::QuotaExceeded, "no grant is for this topic");
    assert_eq!(mesh.count("over_quota_publish_events"), 3);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    one.send("open/a", QOS1, "x").await;
    assert_ne!(one.puback().await, PubAckReason::QuotaExceeded, "time brings more");
    mesh.quotas.apply(uuid::Uuid::from_u128(3).into(), &[]);
    for _ in 0..10 {
        one.send("open/a", QOS1, "x").await;
        assert_ne!(one.puback().await, PubAckReason::QuotaExceeded, "without a grant nothing is limited");
    }
}

#[tokio::test]
async fn a_client_of_version_3_is_slowed_and_loses_nothing() {
    let (mesh, running) = mesh(5).await;
    let mut client = V4::connect(&mesh, &running, 1).await;
    let begun = Instant::now();
    for number in 0..12 {
        let qos = if number % 3 == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
        client.client.publish("open/a", qos, false, "x").await.expect("runs");
        if qos == QoS::AtLeastOnce {
            client.wait("PUBACK", |packet| matches!(packet, rumqttc::Incoming::PubAck(_)).then_some(())).await;
        }
    }
    assert!(begun.elapsed() >= Duration::from_millis(1_200), "{:?}", begun.elapsed());
    assert_eq!((mesh.count("over_quota_publish_events"), mesh.count("published_events")), (0, 12));
}

#[tokio::test]
async fn a_wait_that_is_too_long_ends_the_connection_of_version_3() {
    let mesh = Mesh::new();
    mesh.grant(Quota { bytes_per_s: Some(100), ..Quota::default() });
    let running = mesh.mqtt().await;
    let mut client = V4::connect(&mesh, &running, 1).await;
    client.client.publish("open/a", QoS::AtLeastOnce, false, vec![b'x'; 2_000]).await.expect("runs");
    client.wait("PUBACK", |packet| matches!(packet, rumqttc::Incoming::PubAck(_)).then_some(())).await;
    client.client.publish("open/a", QoS::AtLeastOnce, false, "x").await.expect("runs");
    client.end().await;
    assert_eq!(mesh.count("over_quota_publish_events"), 1);
}

#[tokio::test]
async fn a_subscriber_that_acknowledges_is_slowed_and_gets_everything_in_order() {
    let (mesh, running) = mesh(5).await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    assert_eq!(client.subscribe("open/a", QOS1).await, SubscribeReasonCode::Success(QOS1));
    let begun = Instant::now();
    publish(&mesh, &running, 12, QOS1).await;
    for number in 0..12 {
        let message = client.message().await;
        assert_eq!((message.payload.as_ref(), message.dup), (number.to_string().as_bytes(), false));
    }
    assert!(begun.elapsed() >= Duration::from_millis(1_200), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_subscriber_that_does_not_acknowledge_loses_what_is_beyond_and_it_is_counted() {
    let (mesh, running) = mesh(5).await;
    let (mut limited, mut free) = (V5::connect(&mesh, &running, 1).await, V5::connect(&mesh, &running, 3).await);
    for client in [&mut limited, &mut free] {
        client.subscribe("open/a", QOS0).await;
    }
    publish(&mesh, &running, 20, QOS0).await;
    for number in 0..20 {
        assert_eq!(free.message().await.payload, number.to_string(), "others get everything");
    }
    until("the rest is dropped", || mesh.count("dropped_over_quota_events") >= 10).await;
    for number in 0..5 {
        assert_eq!(limited.message().await.payload, number.to_string(), "the first ones");
    }
    assert_eq!(mesh.count("dropped_slow_consumer_events"), 0);
}

#[tokio::test]
async fn a_consumer_of_a_queue_is_slowed_and_gets_everything_once() {
    let (mesh, running) = mesh(5).await;
    publish(&mesh, &running, 12, QOS1).await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    let begun = Instant::now();
    assert_eq!(client.subscribe("$queue/work", QOS1).await, SubscribeReasonCode::Success(QOS1));
    for number in 0..12 {
        let message = client.message().await;
        assert_eq!((message.payload.as_ref(), message.dup), (number.to_string().as_bytes(), false));
    }
    assert!(begun.elapsed() >= Duration::from_millis(1_200), "{:?}", begun.elapsed());
    until("the queue is empty", || mesh.figure(1, "queued_events") == Some(0)).await;
}
