//! A site with two agents: one has the lasting sessions and the queues, clients come to the other.

use mesh_protocol::desired::ListenerProtocol;
use rumqttc::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, SubscribeReasonCode};

use super::clients::{QOS1, connect};
use super::*;
use crate::listener::Running;
use crate::queue::named::testing::queue;

/// The owner, which has the queue `work`, and the other one.
struct Site {
    owner: Mesh,
    at_owner: Running,
    other: Mesh,
    at_other: Running,
}

async fn site() -> Site {
    let (owner, other) = (Mesh::new(), Mesh::new());
    owner.allow_queues("open/>");
    owner.queues.want(&[queue(1, "work", &["open/>"])]);
    let (at_owner, at_other) = (owner.mqtt().await, other.mqtt().await);
    other.is_owned_by(Some(&at_owner), ListenerProtocol::Mqtt, &["work"]);
    Site { owner, at_owner, other, at_other }
}

async fn publish(mesh: &Mesh, running: &Running, payload: &str) {
    let mut publisher = V5::connect(mesh, running, 9).await;
    publisher.send("open/a", QOS1, payload).await;
    publisher.puback().await;
    publisher.client.disconnect().await.expect("runs");
}

fn lasting(running: &Running) -> rumqttc::v5::MqttOptions {
    let mut options = V5::options(running, 2, "lasting");
    options.set_connect_properties(ConnectProperties { session_expiry_interval: Some(60), ..ConnectProperties::new() });
    options
}

/// A whole packet, its head left out.
async fn packet(client: &mut Raw) -> Vec<u8> {
    let head = client.read(2).await;
    client.read(head[1].into()).await
}

#[tokio::test]
async fn a_client_whose_session_is_to_last_is_told_who_has_it() {
    let site = site().await;
    let mut client = Raw::open(&site.at_other).await;
    // A CONNECT with a Session Expiry Interval of a minute.
    let mut bytes = connect(5, 1, "raw");
    bytes.splice(12..13, [5, 0x11, 0, 0, 0, 60]);
    bytes[1] += 5;
    client.send(&bytes).await;
    let connack = packet(&mut client).await;
    assert_eq!(connack[..2], [0, 0x9c], "use another server");
    let address = site.at_owner.address().to_string();
    let mut reference = vec![0x1c, 0, u8::try_from(address.len()).expect("short")];
    reference.extend(address.as_bytes());
    assert!(connack.windows(reference.len()).any(|part| part == reference), "the server reference is {address}");
    assert!(client.rest().await.is_empty(), "and that is all");
    assert_eq!((site.other.count("redirected_clients"), site.other.count("refused_logins")), (1, 0));
    // A session that ends with its connection may be anywhere.
    V5::connect(&site.other, &site.at_other, 3).await.is_served().await;
}

#[tokio::test]
async fn an_old_client_is_carried_to_its_session() {
    let site = site().await;
    let (mut client, present) = V4::come(&site.other, &site.at_other, 1, false).await;
    assert!(!present);
    client.client.subscribe("open/a", QoS::AtLeastOnce).await.expect("runs");
    client.wait("SUBACK", |packet| matches!(packet, rumqttc::Incoming::SubAck(_)).then_some(())).await;
    client.client.disconnect().await.expect("runs");
    client.end().await;
    until("the session rests with the owner", || site.owner.clients.resting() == 1).await;
    assert_eq!(site.other.clients.resting(), 0);
    publish(&site.owner, &site.at_owner, "missed").await;
    let (mut client, present) = V4::come(&site.other, &site.at_other, 1, false).await;
    assert!(present, "whichever agent it asks");
    assert_eq!(client.message().await.payload, "missed");
    let (_client, present) = V4::come(&site.owner, &site.at_owner, 1, false).await;
    assert!(present);
    client.end().await;
    assert_eq!(site.other.count("carried_connections"), 2);
}

#[tokio::test]
async fn a_session_that_is_here_already_stays() {
    let site = site().await;
    site.other.owner.set(None);
    let mut client = V5::with(&site.other, lasting(&site.at_other));
    client.subscribe("open/a", QOS1).await;
    client.client.disconnect().await.expect("runs");
    client.end().await;
    until("it rests", || site.other.clients.resting() == 1).await;
    site.other.is_owned_by(Some(&site.at_owner), ListenerProtocol::Mqtt, &[]);
    publish(&site.other, &site.at_other, "missed").await;
    let mut options = lasting(&site.at_other);
    options.set_clean_start(false);
    assert_eq!(V5::with(&site.other, options).message().await.payload, "missed");
}

#[tokio::test]
async fn who_wants_a_queue_goes_on_where_it_is() {
    let site = site().await;
    publish(&site.owner, &site.at_owner, "1").await;
    let mut client = V5::connect(&site.other, &site.at_other, 1).await;
    assert_eq!(client.subscribe("$queue/none", QOS1).await, SubscribeReasonCode::TopicFilterInvalid);
    client.client.subscribe("$queue/work", QOS1).await.expect("runs");
    let end = client.end().await;
    let address = site.at_owner.address().to_string();
    assert!(end.contains("UseAnotherServer") && end.contains(&address), "{end}");

    // Version 3.1.1 goes on over the same connection, as long as it has nothing here.
    let mut client = V4::connect(&site.other, &site.at_other, 2).await;
    client.client.subscribe("$queue/work", QoS::AtLeastOnce).await.expect("runs");
    assert_eq!(client.message().await.payload, "1");
    until("it is done with", || site.owner.figure(1, "queued_events") == Some(0)).await;
    client.client.disconnect().await.expect("runs");
    client.end().await;

    let mut client = V4::connect(&site.other, &site.at_other, 3).await;
    for (filter, granted) in [("open/a", true), ("$queue/work", false)] {
        client.client.subscribe(filter, QoS::AtLeastOnce).await.expect("runs");
        let codes = client.wait("SUBACK", |packet| match packet {
            rumqttc::Incoming::SubAck(suback) => Some(suback.return_codes),
            _ => None,
        });
        assert_eq!(codes.await[0] != rumqttc::SubscribeReasonCode::Failure, granted, "{filter}");
    }
}

#[tokio::test]
async fn an_owner_that_cannot_be_reached_is_no_session_and_no_loss() {
    let site = site().await;
    site.other.is_owned_by(None, ListenerProtocol::Mqtt, &["work"]);
    let mut client = V5::with(&site.other, lasting(&site.at_other));
    let end = client.end().await;
    assert!(end.contains("ServerUnavailable"), "it has not told its address: {end}");
    site.other.is_owned_by(Some(&site.at_owner), ListenerProtocol::Mqtt, &["work"]);
    site.at_owner.stop(PATIENCE).await;
    let mut client = Raw::open(&site.at_other).await;
    let mut bytes = connect(4, 1, "raw");
    // Not clean.
    bytes[9] &= !2;
    client.send(&bytes).await;
    assert_eq!(client.rest().await, [0x20, 2, 0, 3], "server unavailable");
    assert_eq!(site.other.count("failed_carried_connections"), 1);
}
