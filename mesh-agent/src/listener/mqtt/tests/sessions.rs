//! The life of a session: login, takeover, wills, keep alive, and its end.

use std::time::Duration;

use mesh_protocol::desired::ListenerProtocol;
use mesh_protocol::policy::Action;
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, LastWill, LastWillProperties, Packet};

use super::clients::{QOS1, connect};
use super::*;

#[tokio::test]
async fn what_is_not_there_is_announced() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = V5::with(&mesh, V5::options(&running, 1, ""));
    let told = client
        .wait("CONNACK", |packet| match packet {
            Packet::ConnAck(connack) => connack.properties,
            _ => None,
        })
        .await;
    assert_eq!((told.max_qos, told.retain_available, told.shared_subscription_available), (None, None, Some(0)));
    assert_eq!((told.session_expiry_interval, told.wildcard_subscription_available), (Some(0), None));
    assert!(told.assigned_client_identifier.expect("assigned").starts_with("auto-"));
    assert!(told.max_packet_size.is_some_and(|max| max > 64 * 1024));
}

#[tokio::test]
async fn the_same_client_takes_over_and_the_old_connection_is_told() {
    let mesh = Mesh::new();
    let (running, other_port) = (mesh.mqtt().await, mesh.mqtt().await);
    let mut old = V5::connect(&mesh, &running, 1).await;
    let mut new = V5::connect(&mesh, &other_port, 1).await;
    let end = old.end().await;
    assert!(end.contains("SessionTakenOver"), "{end}");
    new.is_served().await;
    let mut stranger = V5::with(&mesh, V5::options(&running, 2, "client-1"));
    stranger.is_served().await;
    new.is_served().await;
}

fn will(delay: Option<u32>) -> LastWill {
    let properties = LastWillProperties {
        delay_interval: delay,
        payload_format_indicator: None,
        message_expiry_interval: None,
        content_type: Some("text/plain".to_owned()),
        response_topic: None,
        correlation_data: None,
        user_properties: Vec::new(),
    };
    LastWill::new("open/will", "gone", QOS1, false, Some(properties))
}

async fn watcher(mesh: &Mesh, running: &crate::listener::Running) -> V5 {
    let mut watcher = V5::connect(mesh, running, 9).await;
    watcher.subscribe("open/#", QOS1).await;
    watcher
}

/// A raw MQTT 5 client with a will for `open/will`, after its CONNACK.
async fn with_will(running: &crate::listener::Running) -> Raw {
    let mut packet = connect(5, 1, "dying");
    packet[9] |= 0b0000_1100; // will flag, will QoS 1
    let at = packet.len() - ("till-1".len() + SECRET.len() + 4);
    packet.splice(at..at, b"\0\0\x09open/will\0\x04gone".iter().copied());
    packet[1] = u8::try_from(packet.len() - 2).expect("short");
    let mut client = Raw::open(running).await;
    client.send(&packet).await;
    assert_eq!(client.read(1).await, [0x20]);
    client
}

#[tokio::test]
async fn a_will_is_published_when_the_connection_just_ends_and_not_after_a_goodbye() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut watcher = watcher(&mesh, &running).await;
    let mut polite = with_will(&running).await;
    polite.send(&[0xe0, 0]).await;
    polite.rest().await;
    watcher.send("open/mark", QOS1, "x").await;
    assert_eq!(watcher.message().await.topic, "open/mark");
    drop(with_will(&running).await);
    let seen = watcher.message().await;
    assert_eq!((seen.topic.as_ref(), seen.payload.as_ref()), (&b"open/will"[..], &b"gone"[..]));
    let mut impolite = with_will(&running).await;
    impolite.send(&[0xe0, 1, 0x04]).await;
    assert_eq!(watcher.message().await.topic, "open/will", "it asked for its will");
}

#[tokio::test]
async fn a_will_needs_the_right_to_publish_when_it_is_published() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let dying = with_will(&running).await;
    mesh.deny(1, Action::Publish, "open/will");
    drop(dying);
    until("it was refused", || mesh.notes.has("till-1 dying refused Publish open/will")).await;
}

#[tokio::test]
async fn a_delayed_will_is_not_published_when_the_client_comes_back() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut watcher = watcher(&mesh, &running).await;
    let options = |expiry, delay| {
        let mut options = V5::options(&running, 1, "wavering");
        options.set_connect_properties(ConnectProperties {
            session_expiry_interval: Some(expiry),
            ..ConnectProperties::new()
        });
        options.set_last_will(will(Some(delay)));
        options
    };
    let mut first = V5::with(&mesh, options(3_600, 3_600));
    first.is_served().await;
    drop(watcher.message().await);
    let mut second = V5::with(&mesh, options(0, 3_600));
    assert!(first.end().await.contains("SessionTakenOver"));
    second.is_served().await;
    assert_eq!(watcher.message().await.topic, "open/ping", "no will of the first");
    let _third = V5::with(&mesh, V5::options(&running, 1, "wavering"));
    assert!(second.end().await.contains("SessionTakenOver"));
    let seen = watcher.message().await;
    assert_eq!(seen.topic, "open/will", "its session ended at once, so its will did not wait");
    assert_eq!(seen.properties.and_then(|told| told.content_type).as_deref(), Some("text/plain"));
}

#[tokio::test]
async fn silence_ends_a_session_after_its_keep_alive() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut packet = connect(4, 1, "silent");
    packet[11] = 1;
    let mut client = Raw::open(&running).await;
    client.send(&packet).await;
    assert_eq!(client.rest().await, [0x20, 2, 0, 0]);
}

#[tokio::test]
async fn one_client_too_many_is_told_so() {
    let mesh = Mesh::new();
    let mut config = config(ListenerProtocol::Mqtt);
    config.connections_max = 1;
    let running = mesh.listen(&config).await;
    let mut first = V5::connect(&mesh, &running, 1).await;
    let mut second = Raw::open(&running).await;
    second.send(&connect(5, 2, "x")).await;
    assert_eq!(second.rest().await[3], 0x97);
    first.is_served().await;
    assert_eq!(mesh.count("refused_connections"), 1);
}

#[tokio::test]
async fn stopping_tells_clients_and_leaves_nobody() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.subscribe("open/a", QOS1).await;
    assert!(running.stop(Duration::from_secs(10)).await.is_empty());
    assert!(client.end().await.contains("ServerShuttingDown"));
    assert!(mesh.router.interest().snapshot().wanted.is_empty());
}
