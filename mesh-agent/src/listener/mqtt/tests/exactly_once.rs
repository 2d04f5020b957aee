//! QoS 2, with connections and agents that end between any two of its packets.

use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{PubCompReason, PubRecReason, SubscribeReasonCode};

use super::clients::connect;
use super::*;
use crate::listener::Running;
use crate::listener::testing::event;
use crate::router::{Admitted, Outcome};
use crate::spool::{Crash, SimulatedDisk};
use mesh_protocol::desired::ListenerProtocol;
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::policy::Action;

const BUDGET: u32 = 64 * 1024 * 1024;
const QOS2: QoS = QoS::ExactlyOnce;
const DUP: u8 = 8;

/// A client of MQTT 3.1.1 whose session lasts; says whether it was there already.
async fn come(running: &Running, till: u8) -> (Raw, bool) {
    let mut packet = connect(4, till, "lasting");
    packet[9] &= !0b10;
    let mut client = Raw::open(running).await;
    client.send(&packet).await;
    let connack = client.read(4).await;
    assert_eq!((connack[0], connack[3]), (0x20, 0));
    (client, connack[2] == 1)
}

async fn go(mesh: &Mesh, client: Raw, resting: usize) {
    drop(client);
    until("its session rests", || mesh.clients.resting() == resting).await;
}

impl Raw {
    /// PUBLISH to `open/a` at QoS 2.
    async fn publish(&mut self, id: u8, flags: u8) {
        self.send(&[&[0x34 | flags], &b"\x0b\0\x06open/a\0"[..], &[id], b"x"].concat()).await;
    }

    async fn subscribe(&mut self, qos: u8) {
        self.send(&[&b"\x82\x0b\0\x01\0\x06open/a"[..], &[qos]].concat()).await;
        assert_eq!(self.read(5).await, [0x90, 3, 0, 1, qos]);
    }

    /// A delivery: its flags and its id.
    async fn delivery(&mut self) -> (u8, [u8; 2]) {
        let packet = self.read(13).await;
        assert_eq!((packet[0] & 0xf0, &packet[1..10]), (0x30, &b"\x0b\0\x06open/a"[..]), "{packet:?}");
        (packet[0] & 0x0f, [packet[10], packet[11]])
    }

    /// Nothing else waits: what comes next is the answer to a ping.
    async fn is_told_nothing(&mut self) {
        self.send(&[0xc0, 0]).await;
        assert_eq!(self.read(2).await, [0xd0, 0]);
    }

    async fn reads(&mut self, packet: &[u8]) {
        assert_eq!(self.read(packet.len()).await, packet);
    }
}

/// Somebody else's session keeps what is published to `open/a`.
async fn keep(mesh: &Mesh, running: &Running) {
    let (mut keeper, _) = come(running, 3).await;
    keeper.subscribe(1).await;
    go(mesh, keeper, 1).await;
}

fn kept(mesh: &Mesh) -> u64 {
    mesh.count("spool_appended_events")
}

async fn published(mesh: &Mesh, topics: impl Iterator<Item = &'static str>) {
    let batch: Vec<Admitted> = topics.map(short).collect();
    let admission = mesh.router.budget().try_take(1).expect("room");
    let outcome = mesh.router.publish(batch, admission, None).await;
    assert!(matches!(outcome, Outcome::Taken { .. }), "{outcome:?}");
}

fn short(topic: &str) -> Admitted {
    let event = event(topic, DeliveryMode::Guaranteed).event().clone();
    Admitted::new(mesh_protocol::event::Event { payload: "y".into(), ..event })
}

#[tokio::test]
async fn a_publish_is_taken_once_across_connections_and_agents() {
    let disk = SimulatedDisk::default();
    {
        let mesh = Mesh::over(BUDGET, &disk);
        let running = mesh.mqtt().await;
        keep(&mesh, &running).await;
        let (mut client, _) = come(&running, 2).await;
        client.publish(7, 0).await;
        client.reads(&[0x50, 2, 0, 7]).await;
        client.publish(7, DUP).await;
        client.reads(&[0x50, 2, 0, 7]).await;
        go(&mesh, client, 2).await;
        let (mut client, present) = come(&running, 2).await;
        assert!(present);
        client.publish(7, DUP).await;
        client.reads(&[0x50, 2, 0, 7]).await;
        assert_eq!(kept(&mesh), 1);
    }
    let mesh = Mesh::over(BUDGET, &disk.restarted());
    let running = mesh.mqtt().await;
    let (mut client, present) = come(&running, 2).await;
    assert!(present);
    client.publish(7, DUP).await;
    client.reads(&[0x50, 2, 0, 7]).await;
    assert_eq!(kept(&mesh), 0, "the agent before this one has it");
    for _ in 0..2 {
        client.send(&[0x62, 2, 0, 7]).await;
        client.reads(&[0x70, 2, 0, 7]).await;
    }
    client.publish(7, 0).await;
    client.reads(&[0x50, 2, 0, 7]).await;
    assert_eq!(kept(&mesh), 1, "the id was free again");
}

#[tokio::test]
async fn an_id_that_was_released_is_free_after_a_crash_too() {
    let disk = SimulatedDisk::default();
    {
        let mesh = Mesh::over(BUDGET, &disk);
        let running = mesh.mqtt().await;
        keep(&mesh, &running).await;
        let (mut client, _) = come(&running, 2).await;
        client.publish(7, 0).await;
        client.reads(&[0x50, 2, 0, 7]).await;
        client.send(&[0x62, 2, 0, 7]).await;
        client.reads(&[0x70, 2, 0, 7]).await;
        // What was told is on disk now, whatever happens to the agent.
        let mesh = Mesh::over(BUDGET, &disk.restarted());
        let running = mesh.mqtt().await;
        let (mut client, present) = come(&running, 2).await;
        assert!(present);
        client.publish(7, 0).await;
        client.reads(&[0x50, 2, 0, 7]).await;
        assert_eq!(kept(&mesh), 1, "another event, not the same again");
    }
}

#[tokio::test]
async fn a_session_that_is_to_last_is_there_from_the_connack_on() {
    let disk = SimulatedDisk::default();
    let mesh = Mesh::over(BUDGET, &disk);
    let running = mesh.mqtt().await;
    let (_client, present) = come(&running, 2).await;
    assert!(!present);
    // The process dies here. A client that is told of no session forgets what was not acknowledged.
    let mesh = Mesh::over(BUDGET, &disk.restarted());
    let (_client, present) = come(&mesh.mqtt().await, 2).await;
    assert!(present);
    let broken = SimulatedDisk::default();
    let mesh = Mesh::over(BUDGET, &broken);
    let running = mesh.mqtt().await;
    broken.crash_at_next_commit(Crash::Before);
    let mut packet = connect(4, 2, "lasting");
    packet[9] &= !0b10;
    let mut client = Raw::open(&running).await;
    client.send(&packet).await;
    client.reads(&[0x20, 2, 0, 3]).await;
}

#[tokio::test]
async fn nothing_is_told_before_custody_and_what_was_promised_goes_with_the_session() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let slow = Slow::attach(&mesh.router, "open/a");
    let (mut client, _) = come(&running, 2).await;
    client.publish(7, 0).await;
    client.publish(7, DUP).await;
    client.is_told_nothing().await;
    assert_eq!(slow.held(), 1);
    go(&mesh, client, 1).await;
    let mut next = Box::pin(come(&running, 2));
    let early = tokio::time::timeout(Duration::from_millis(200), &mut next).await;
    assert!(early.is_err(), "its state is not known yet");
    slow.finish();
    let (mut client, present) = next.await;
    assert!(present);
    client.publish(7, DUP).await;
    client.reads(&[0x50, 2, 0, 7]).await;
    assert_eq!(slow.held(), 0, "it was not offered again");
}

#[tokio::test]
async fn what_was_not_taken_is_taken_when_it_comes_again() {
    let mesh = Mesh::new();
    let mut config = config(ListenerProtocol::Mqtt);
    config.custody_timeout_ms = 300;
    let running = mesh.listen(&config).await;
    let slow = Slow::attach(&mesh.router, "open/a");
    let (mut client, _) = come(&running, 2).await;
    client.publish(7, 0).await;
    assert!(client.rest().await.is_empty(), "no answer, neither a good nor a bad one");
    until("its session rests", || mesh.clients.resting() == 1).await;
    let mut packet = connect(4, 2, "lasting");
    packet[9] &= !0b10;
    let mut turned_away = Raw::open(&running).await;
    turned_away.send(&packet).await;
    turned_away.reads(&[0x20, 2, 0, 3]).await;
    slow.fail("the target is full");
    until("its session rests", || mesh.clients.resting() == 1).await;
    let (mut client, present) = come(&running, 2).await;
    assert!(present);
    client.publish(7, DUP).await;
    until("it is offered again", || slow.held() == 1).await;
    slow.finish();
    client.reads(&[0x50, 2, 0, 7]).await;
}

#[tokio::test]
async fn a_delivery_goes_on_where_it_was_across_connections_and_agents() {
    let disk = SimulatedDisk::default();
    let id = {
        let mesh = Mesh::over(BUDGET, &disk);
        let running = mesh.mqtt().await;
        let (mut client, _) = come(&running, 2).await;
        client.subscribe(2).await;
        published(&mesh, ["open/a"].into_iter()).await;
        let (flags, id) = client.delivery().await;
        assert_eq!(flags, 0b0100);
        go(&mesh, client, 1).await;
        let (mut client, _) = come(&running, 2).await;
        assert_eq!(client.delivery().await, (0b1100, id), "the same again");
        id
    };
    let disk = disk.restarted();
    let mesh = Mesh::over(BUDGET, &disk);
    let running = mesh.mqtt().await;
    let (mut client, _) = come(&running, 2).await;
    assert_eq!(
        client.delivery().await,
        (0b1100, id),
        "this agent does not know that it was sent, but the id is the same"
    );
    client.send(&[0x50, 2, id[0], id[1]]).await;
    client.reads(&[0x62, 2, id[0], id[1]]).await;
    go(&mesh, client, 1).await;
    let (mut client, _) = come(&running, 2).await;
    client.reads(&[0x62, 2, id[0], id[1]]).await;
    client.is_told_nothing().await;
    let disk = disk.restarted();
    let mesh = Mesh::over(BUDGET, &disk);
    let running = mesh.mqtt().await;
    let (mut client, _) = come(&running, 2).await;
    client.reads(&[0x62, 2, id[0], id[1]]).await;
    client.send(&[0x70, 2, id[0], id[1]]).await;
    client.is_told_nothing().await;
    until("its claim is gone", || {
        mesh.spool.core().queues().iter().all(|(_, queue)| mesh.spool.core().claims(*queue).is_empty())
    })
    .await;
    go(&mesh, client, 1).await;
    let (mut client, _) = come(&running, 2).await;
    client.is_told_nothing().await;
}

#[tokio::test]
async fn an_event_waits_for_the_id_that_it_shares_with_another() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut filler = V5::connect(&mesh, &running, 4).await;
    filler.subscribe("open/filler", QoS::AtLeastOnce).await;
    let (mut client, _) = come(&running, 2).await;
    client.subscribe(2).await;
    published(&mesh, ["open/a"].into_iter()).await;
    let (_, id) = client.delivery().await;
    // As many as there are ids.
    published(&mesh, std::iter::repeat_n("open/filler", 0x7fff)).await;
    published(&mesh, ["open/a"].into_iter()).await;
    client.is_told_nothing().await;
    client.send(&[0x50, 2, id[0], id[1]]).await;
    client.reads(&[0x62, 2, id[0], id[1]]).await;
    client.is_told_nothing().await;
    client.send(&[0x70, 2, id[0], id[1]]).await;
    assert_eq!(client.delivery().await, (0b0100, id), "the other one");
}

#[tokio::test]
async fn what_may_not_be_sent_any_more_is_released_without_it() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let (mut client, _) = come(&running, 2).await;
    client.subscribe(2).await;
    published(&mesh, ["open/a"].into_iter()).await;
    let (_, id) = client.delivery().await;
    go(&mesh, client, 1).await;
    mesh.deny(2, Action::Subscribe, "open/a");
    until("the filter is gone", || mesh.router.interest().snapshot().wanted.is_empty()).await;
    let (mut client, _) = come(&running, 2).await;
    client.reads(&[0x62, 2, id[0], id[1]]).await;
    client.send(&[0x70, 2, id[0], id[1]]).await;
    client.is_told_nothing().await;
}

#[tokio::test]
async fn the_new_version_says_what_became_of_it() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.send("open/void", QOS2, "x").await;
    assert_eq!(client.pubrec().await, PubRecReason::NoMatchingSubscribers);
    assert_eq!(client.pubcomp().await, PubCompReason::Success);
    client.send("closed/a", QOS2, "x").await;
    assert_eq!(client.pubrec().await, PubRecReason::NotAuthorized);
    assert_eq!(client.subscribe("open/a", QOS2).await, SubscribeReasonCode::Success(QOS2));
    for payload in ["1", "2", "3"] {
        client.send("open/a", QOS2, payload).await;
        assert_eq!(client.pubrec().await, PubRecReason::Success);
        let seen = client.message().await;
        assert_eq!((seen.payload.as_ref(), seen.qos, seen.dup), (payload.as_bytes(), QOS2, false));
        assert_eq!(client.pubcomp().await, PubCompReason::Success);
    }
    until("the client took them", || mesh.count("spool_acked_events") == 3).await;
    let mut raw = Raw::open(&running).await;
    raw.send(&connect(5, 2, "by hand")).await;
    let length = usize::from(raw.read(2).await[1]);
    raw.read(length).await;
    raw.send(&[0x62, 2, 0, 9]).await;
    raw.reads(&[0x70, 3, 0, 9, 0x92]).await;
}

#[tokio::test]
async fn the_window_counts_until_pubcomp() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut packet = connect(5, 2, "narrow");
    // Receive Maximum 1.
    packet.splice(12..13, *b"\x03\x21\0\x01");
    packet[1] += 3;
    let mut client = Raw::open(&running).await;
    client.send(&packet).await;
    let length = usize::from(client.read(2).await[1]);
    client.read(length).await;
    client.send(b"\x82\x0c\0\x01\0\0\x06open/a\x02").await;
    client.reads(&[0x90, 4, 0, 1, 0, 2]).await;
    published(&mesh, ["open/a", "open/a"].into_iter()).await;
    for _ in 0..2 {
        let packet = client.read(14).await;
        let [high, low] = [packet[10], packet[11]];
        assert_eq!(packet[0], 0x34);
        client.send(&[0x50, 2, high, low]).await;
        client.reads(&[0x62, 2, high, low]).await;
        client.is_told_nothing().await;
        client.send(&[0x70, 2, high, low]).await;
    }
    client.is_told_nothing().await;
}

#[tokio::test]
async fn a_release_before_its_time_is_an_error() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let slow = Slow::attach(&mesh.router, "open/a");
    let (mut client, _) = come(&running, 2).await;
    client.publish(7, 0).await;
    client.send(&[0x62, 2, 0, 7]).await;
    assert!(client.rest().await.is_empty());
    assert_eq!(slow.held(), 1);
}
