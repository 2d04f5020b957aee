//! Events between clients: what is acknowledged, when, and in which order, as two independent client libraries see it.

use rumqttc::v5::mqttbytes::v5::{Filter, PubAckReason, PublishProperties, SubscribeProperties, SubscribeReasonCode};
use rumqttc::{Incoming, QoS};

use super::clients::{QOS0, QOS1, connect};
use super::*;
use crate::listener::testing::event;
use crate::spool::{Crash, SimulatedDisk};
use mesh_protocol::desired::ListenerProtocol;
use mesh_protocol::event::DeliveryMode;

#[tokio::test]
async fn both_versions_meet_at_both_qualities() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let (mut new, mut old) = (V5::connect(&mesh, &running, 1).await, V4::connect(&mesh, &running, 2).await);
    assert_eq!(new.subscribe("open/+/a", QOS1).await, SubscribeReasonCode::Success(QOS1));
    old.client.subscribe("open/#", QoS::ExactlyOnce).await.expect("runs");
    let granted = old.wait("SUBACK", |packet| match packet {
        Incoming::SubAck(suback) => Some(suback.return_codes),
        _ => None,
    });
    assert_eq!(granted.await, [rumqttc::SubscribeReasonCode::Success(QoS::ExactlyOnce)]);
    new.send("open/x/a", QOS1, "one").await;
    assert_eq!(new.message().await.payload, "one");
    assert_eq!(new.puback().await, PubAckReason::Success);
    old.client.publish("open/x/a", QoS::AtMostOnce, false, "two").await.expect("runs");
    let second = new.message().await;
    assert_eq!((second.payload.as_ref(), second.qos), (&b"two"[..], QOS0));
    for expected in ["one", "two"] {
        let seen = old.wait("PUBLISH", |packet| match packet {
            Incoming::Publish(publish) => Some(publish.payload),
            _ => None,
        });
        assert_eq!(seen.await, expected);
    }
    until("the observer knows", || {
        mesh.notes.has("till-1 client-1 produced open/x/a") && mesh.notes.has("till-2 old-client-2 consumed open/x/a")
    })
    .await;
}

#[tokio::test]
async fn nobody_wants_it_is_said() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.send("open/void", QOS1, "x").await;
    assert_eq!(client.puback().await, PubAckReason::NoMatchingSubscribers);
}

#[tokio::test]
async fn the_ack_waits_for_custody_and_reading_goes_on() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let slow = Slow::attach(&mesh.router, "open/slow");
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.send("open/slow", QOS1, "1").await;
    client.send("open/slow", QOS1, "2").await;
    until("both were read", || slow.held() == 2).await;
    assert_eq!(
        client.subscribe("open/none", QOS0).await,
        SubscribeReasonCode::Success(QOS0),
        "answered before the PUBACKs"
    );
    assert!(slow.finish().iter().all(|event| event.event().key == "client-1"));
    assert_eq!(client.puback().await, PubAckReason::Success);
    assert_eq!(client.puback().await, PubAckReason::Success);
}

#[tokio::test]
async fn without_custody_there_is_an_error_never_an_ack() {
    let mesh = Mesh::new();
    let mut config = config(ListenerProtocol::Mqtt);
    config.custody_timeout_ms = 50;
    let running = mesh.listen(&config).await;
    let slow = Slow::attach(&mesh.router, "open/slow");
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.send("open/slow", QOS1, "1").await;
    assert_eq!(client.puback().await, PubAckReason::ImplementationSpecificError);
    assert_eq!(mesh.count("custody_timeout_events"), 1);
    let mut old = V4::connect(&mesh, &running, 2).await;
    old.client.publish("open/slow", QoS::AtLeastOnce, false, "2").await.expect("runs");
    old.end().await;
    assert_eq!(slow.held(), 2);
}

#[tokio::test]
async fn an_outlets_refusal_reaches_the_publisher() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let slow = Slow::attach(&mesh.router, "open/slow");
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.send("open/slow", QOS1, "1").await;
    until("it was read", || slow.held() == 1).await;
    slow.fail("too large for the cluster");
    assert_eq!(client.puback().await, PubAckReason::ImplementationSpecificError);
}

#[tokio::test]
async fn the_ack_follows_the_spool_and_waits_for_no_subscriber() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut options = V5::options(&running, 2, "lazy");
    options.set_manual_acks(true);
    let mut lazy = V5::with(&mesh, options);
    assert_eq!(lazy.subscribe("open/a", QOS1).await, SubscribeReasonCode::Success(QOS1));
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.send("open/a", QOS1, "1").await;
    assert_eq!(client.puback().await, PubAckReason::Success, "the agent has it");
    assert_eq!(mesh.count("spool_appended_events"), 1);
    assert_eq!(lazy.message().await.payload, "1");
    lazy.client.disconnect().await.expect("runs");
    until("its queue went with it", || mesh.count("ended_with_session_events") == 1).await;
    client.send("open/a", QOS1, "2").await;
    assert_eq!(client.puback().await, PubAckReason::NoMatchingSubscribers);
}

#[tokio::test]
async fn what_the_disk_does_not_take_is_never_acknowledged() {
    let disk = SimulatedDisk::default();
    let mesh = Mesh::over(64 * 1024 * 1024, &disk);
    let running = mesh.mqtt().await;
    let mut subscriber = V5::connect(&mesh, &running, 2).await;
    subscriber.subscribe("open/a", QOS1).await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.send("open/a", QOS1, "1").await;
    assert_eq!(client.puback().await, PubAckReason::Success);
    disk.set_free_bytes(0);
    client.send("open/a", QOS1, "2").await;
    assert_eq!(client.puback().await, PubAckReason::QuotaExceeded);
    disk.set_free_bytes(u64::MAX);
    disk.crash_at_next_commit(Crash::Before);
    client.send("open/a", QOS1, "3").await;
    assert_eq!(client.puback().await, PubAckReason::ImplementationSpecificError);
    assert!(mesh.spool.failed().is_cancelled(), "the agent must open it anew");
}

#[tokio::test]
async fn a_full_budget_pauses_reading_and_loses_nothing() {
    let mesh = Mesh::with_budget(1_100);
    let running = mesh.mqtt().await;
    let slow = Slow::attach(&mesh.router, "open/slow");
    let mut client = V5::connect(&mesh, &running, 1).await;
    for number in 0..20 {
        client.send("open/slow", QOS1, number.to_string()).await;
    }
    let mut seen = Vec::new();
    while seen.len() < 20 {
        until("room for more", || slow.held() > 0).await;
        assert!(slow.held() <= 2, "two events fit into the budget");
        seen.extend(slow.finish().iter().map(|event| event.event().payload.clone()));
    }
    let expected: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(seen, expected);
    for _ in 0..20 {
        assert_eq!(client.puback().await, PubAckReason::Success);
    }
}

#[tokio::test]
async fn metadata_travels_and_subscription_options_hold() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let (mut one, mut two) = (V5::connect(&mesh, &running, 1).await, V5::connect(&mesh, &running, 2).await);
    let id = |id| SubscribeProperties { id: Some(id), user_properties: Vec::new() };
    two.client.subscribe_with_properties("open/#", QOS0, id(7)).await.expect("runs");
    two.suback().await;
    two.client.subscribe_with_properties("open/a", QOS1, id(9)).await.expect("runs");
    two.suback().await;
    let own = Filter { path: "open/a".to_owned(), qos: QOS1, nolocal: true, ..Filter::default() };
    one.client.subscribe_many([own]).await.expect("runs");
    one.suback().await;
    let properties = PublishProperties {
        message_expiry_interval: Some(60),
        response_topic: Some("open/reply".to_owned()),
        correlation_data: Some("corr".into()),
        content_type: Some("text/plain".to_owned()),
        user_properties: vec![("k".to_owned(), "v".to_owned()), ("k".to_owned(), "w".to_owned())],
        ..PublishProperties::default()
    };
    one.send_with("open/a", properties.clone()).await;
    let seen = two.message().await;
    assert_eq!(seen.qos, QOS1, "one copy, at the best of both");
    let told = seen.properties.expect("has some");
    assert_eq!(told.subscription_identifiers, [7, 9]);
    assert_eq!(PublishProperties { subscription_identifiers: Vec::new(), ..told }, properties);
    assert_eq!(one.puback().await, PubAckReason::Success);
    assert!(!mesh.notes.has("client-1 consumed"), "no local");
}

#[tokio::test]
async fn an_unsubscribed_filter_gets_nothing() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.subscribe("open/a", QOS0).await;
    client.client.unsubscribe("open/a").await.expect("runs");
    until("it is gone", || mesh.notes.has("unsubscribed open/a")).await;
    assert_eq!(mesh.router.publish_direct(event("open/a", DeliveryMode::Direct), None), 0);
    assert!(mesh.router.interest().snapshot().wanted.is_empty());
}

#[tokio::test]
async fn qos_2_of_the_old_version_gets_its_handshake() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = Raw::open(&running).await;
    client.send(&connect(4, 1, "old")).await;
    assert_eq!(client.read(4).await, [0x20, 2, 0, 0]);
    client.send(b"\x34\x0a\0\x06open/a\x01\x02").await;
    assert_eq!(client.read(4).await, [0x50, 2, 1, 2]);
    client.send(&[0x62, 2, 1, 2]).await;
    assert_eq!(client.read(4).await, [0x70, 2, 1, 2]);
}

#[tokio::test]
async fn expired_events_are_not_sent() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.subscribe("open/#", QOS1).await;
    client
        .send_with("open/old", PublishProperties { message_expiry_interval: Some(0), ..PublishProperties::default() })
        .await;
    client.send("open/new", QOS1, "x").await;
    assert_eq!(client.message().await.topic, "open/new");
    assert_eq!(mesh.count("expired_events"), 1);
}

#[tokio::test]
async fn a_burst_larger_than_the_buffer_arrives_whole() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.subscribe("open/#", QOS0).await;
    for _ in 0..4_000 {
        mesh.router.publish_direct(crate::listener::testing::large("open/a", 500), None);
    }
    for _ in 0..4_000 {
        client.message().await;
    }
    assert_eq!(mesh.count("dropped_slow_consumer_events"), 0);
}

#[tokio::test]
async fn the_clients_own_limits_hold() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut options = V5::options(&running, 1, "small");
    options.set_receive_maximum(Some(2)).set_max_packet_size(Some(200)).set_manual_acks(true);
    let mut client = V5::with(&mesh, options);
    client.subscribe("open/#", QOS1).await;
    let mut publisher = V5::connect(&mesh, &running, 2).await;
    publisher.send("open/large", QOS1, vec![0; 300]).await;
    assert_eq!(publisher.puback().await, PubAckReason::Success);
    until("it was passed over", || mesh.count("too_large_for_client_events") == 1).await;
    for number in 0..3 {
        publisher.send("open/a", QOS1, number.to_string()).await;
    }
    publisher.send("open/direct", QOS0, "overtakes").await;
    let mut seen = [client.message().await, client.message().await, client.message().await];
    seen.sort_by_key(|publish| publish.topic.clone());
    let topics = seen.each_ref().map(|publish| publish.topic.clone());
    assert_eq!(topics, ["open/a", "open/a", "open/direct"], "the third guaranteed one waits for room in the window");
    let [first, ..] = seen;
    client.client.ack(&first).await.expect("runs");
    assert_eq!(client.message().await.payload, "2");
}

#[tokio::test]
async fn topic_aliases_of_a_client_are_followed() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.subscribe("open/#", QOS0).await;
    let alias = PublishProperties { topic_alias: Some(3), ..PublishProperties::default() };
    client.send_with("open/aliased", alias.clone()).await;
    client.send_with("", alias).await;
    for _ in 0..2 {
        assert_eq!(client.message().await.topic, "open/aliased");
    }
}
