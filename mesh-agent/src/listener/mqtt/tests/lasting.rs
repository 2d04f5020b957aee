//! Sessions that outlive their connection, and the agent.

use std::time::Duration;

use mesh_protocol::policy::Action;
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, Packet, PubAckReason};

use super::clients::{QOS0, QOS1, connect};
use super::*;
use crate::listener::Running;
use crate::spool::SimulatedDisk;

const BUDGET: u32 = 64 * 1024 * 1024;

fn options(running: &Running, clean: bool, expiry_s: u32) -> rumqttc::v5::MqttOptions {
    let mut options = V5::options(running, 2, "lasting");
    options.set_clean_start(clean).set_manual_acks(true);
    options.set_connect_properties(ConnectProperties {
        session_expiry_interval: Some(expiry_s),
        ..ConnectProperties::new()
    });
    options
}

/// Connects; says whether the session was there already, and how long it is to last.
async fn come(mesh: &Mesh, running: &Running, clean: bool, expiry_s: u32) -> (V5, bool, u32) {
    let mut client = V5::with(mesh, options(running, clean, expiry_s));
    let (present, lasts) = client
        .wait("CONNACK", |packet| match packet {
            Packet::ConnAck(connack) => {
                Some((connack.session_present, connack.properties.and_then(|told| told.session_expiry_interval)))
            }
            _ => None,
        })
        .await;
    (client, present, lasts.expect("is told"))
}

async fn leave(mesh: &Mesh, client: V5) {
    client.client.disconnect().await.expect("runs");
    let mut client = client;
    client.end().await;
    // Its connection's task has still to hand the session over.
    until("it rests", || mesh.clients.resting() == 1).await;
}

async fn publish(mesh: &Mesh, running: &Running, payloads: &[&str]) {
    let mut publisher = V5::connect(mesh, running, 1).await;
    for payload in payloads {
        publisher.send("open/a", QOS1, *payload).await;
        assert_eq!(publisher.puback().await, PubAckReason::Success);
    }
    publisher.client.disconnect().await.expect("runs");
}

#[tokio::test]
async fn what_comes_while_nobody_is_there_waits_in_order() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let (mut client, present, lasts) = come(&mesh, &running, true, u32::MAX).await;
    assert_eq!((present, lasts), (false, 30 * 24 * 3600), "for ever is more than there is");
    client.subscribe("open/#", QOS1).await;
    client.subscribe("open/b", QOS0).await;
    leave(&mesh, client).await;
    publish(&mesh, &running, &["1", "2", "3"]).await;
    let (mut client, present, _) = come(&mesh, &running, false, 60).await;
    assert!(present);
    for expected in ["1", "2", "3"] {
        let seen = client.message().await;
        assert_eq!((seen.payload.as_ref(), seen.dup), (expected.as_bytes(), false));
        client.client.ack(&seen).await.expect("runs");
    }
    client.send("open/b", QOS0, "direct").await;
    assert_eq!(client.message().await.payload, "direct", "its other subscriptions are back too");
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_under_its_packet_id() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let (mut client, ..) = come(&mesh, &running, true, 60).await;
    client.subscribe("open/a", QOS1).await;
    publish(&mesh, &running, &["1", "2"]).await;
    let (first, second) = (client.message().await, client.message().await);
    client.client.ack(&first).await.expect("runs");
    client.client.publish("open/mark", QOS1, false, "after the ack").await.expect("runs");
    client.puback().await;
    leave(&mesh, client).await;
    let (mut client, present, _) = come(&mesh, &running, false, 60).await;
    let again = client.message().await;
    assert!(present && again.dup);
    assert_eq!((again.payload, again.pkid), (second.payload, second.pkid));
}

#[tokio::test]
async fn sessions_survive_the_agent() {
    let disk = SimulatedDisk::default();
    {
        let mesh = Mesh::over(BUDGET, &disk);
        let running = mesh.mqtt().await;
        let (mut client, ..) = come(&mesh, &running, true, 60).await;
        client.subscribe("open/a", QOS1).await;
        let mut ends = V5::connect(&mesh, &running, 3).await;
        ends.subscribe("open/a", QOS1).await;
        leave(&mesh, client).await;
        publish(&mesh, &running, &["1"]).await;
        until("it is on disk", || mesh.count("spool_appended_events") == 1).await;
    }
    let mesh = Mesh::over(BUDGET, &disk.restarted());
    assert_eq!(mesh.clients.resting(), 1, "only the one that is to last");
    let running = mesh.mqtt().await;
    publish(&mesh, &running, &["2"]).await;
    let (mut client, present, _) = come(&mesh, &running, false, 60).await;
    assert!(present);
    for expected in ["1", "2"] {
        let seen = client.message().await;
        assert_eq!((seen.payload.as_ref(), seen.dup), (expected.as_bytes(), false));
    }
    let queues = mesh.spool.core().queues();
    assert_eq!(queues.len(), 1, "the queue of the session that ended with the agent is gone: {queues:?}");
}

#[tokio::test]
async fn a_session_that_is_connected_again_has_not_left_when_the_agent_dies() {
    let disk = SimulatedDisk::default();
    let mesh = Mesh::over(BUDGET, &disk);
    let running = mesh.mqtt().await;
    {
        let (mut client, ..) = come(&mesh, &running, true, 2).await;
        client.subscribe("open/a", QOS1).await;
        leave(&mesh, client).await;
        let (mut client, present, _) = come(&mesh, &running, false, 2).await;
        assert!(present);
        // Longer than it may last without a connection.
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        publish(&mesh, &running, &["1"]).await;
        assert_eq!(client.message().await.payload, "1");
        until("it is on disk", || mesh.count("spool_appended_events") == 1).await;
        // The process dies here; nobody says goodbye.
        let crashed = Mesh::over(BUDGET, &disk.restarted());
        assert_eq!(crashed.clients.resting(), 1, "its time begins with the end of its connection");
        let running = crashed.mqtt().await;
        let (mut client, present, _) = come(&crashed, &running, false, 2).await;
        let again = client.message().await;
        assert!(present && again.dup, "nobody knows whether it had it");
        assert_eq!(again.payload, "1");
    }
}

#[tokio::test]
async fn a_clean_start_and_the_end_of_its_time_end_a_session() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let (mut client, ..) = come(&mesh, &running, true, 60).await;
    client.subscribe("open/a", QOS1).await;
    leave(&mesh, client).await;
    publish(&mesh, &running, &["1"]).await;
    let (mut client, present, _) = come(&mesh, &running, true, 1).await;
    assert!(!present);
    assert_eq!(mesh.count("ended_with_session_events"), 1);
    client.subscribe("open/a", QOS1).await;
    leave(&mesh, client).await;
    until("its time is over", || mesh.clients.resting() == 0).await;
    assert!(mesh.router.interest().snapshot().wanted.is_empty());
    let (_, present, _) = come(&mesh, &running, false, 0).await;
    assert!(!present);
}

#[tokio::test]
async fn rights_that_go_meanwhile_go_for_the_session_too() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let (mut client, ..) = come(&mesh, &running, true, 60).await;
    client.subscribe("open/a", QOS1).await;
    leave(&mesh, client).await;
    mesh.deny(2, Action::Subscribe, "open/a");
    until("the filter is gone", || mesh.router.interest().snapshot().wanted.is_empty()).await;
    mesh.edit(|policy| policy.principals.retain(|principal| principal.username != "till-2"));
    until("the session is gone", || mesh.clients.resting() == 0).await;
}

#[tokio::test]
async fn the_old_versions_sessions_last_when_they_are_not_clean() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut packet = connect(4, 2, "old");
    packet[9] &= !0b10;
    let mut client = Raw::open(&running).await;
    client.send(&packet).await;
    assert_eq!(client.read(4).await, [0x20, 2, 0, 0]);
    client.send(b"\x82\x0b\0\x01\0\x06open/a\x01").await;
    assert_eq!(client.read(5).await, [0x90, 3, 0, 1, 1]);
    drop(client);
    until("it rests", || mesh.clients.resting() == 1).await;
    publish(&mesh, &running, &["1"]).await;
    let mut client = Raw::open(&running).await;
    client.send(&packet).await;
    assert_eq!(client.read(4).await, [0x20, 2, 1, 0], "its session is present");
    assert_eq!(client.read(13).await, b"\x32\x0b\0\x06open/a\0\x011");
    tokio::time::timeout(Duration::from_millis(1), client.rest()).await.expect_err("and stays open");
}
