//! Retained events: the last value of a topic for who subscribes later.

use std::time::Duration;

use mesh_protocol::policy::Action;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnectProperties, Filter, LastWill, Packet, Publish, PublishProperties, RetainForwardRule,
};

use super::clients::{QOS0, QOS1};
use super::*;
use crate::listener::Running;
use crate::spool::SimulatedDisk;

const BUDGET: u32 = 64 * 1024 * 1024;

/// Publishes with RETAIN, and knows that it is kept.
async fn retain(mesh: &Mesh, running: &Running, topic: &str, qos: QoS, payload: &str) {
    let mut client = V5::connect(mesh, running, 9).await;
    client.client.publish(topic, qos, true, payload.to_owned()).await.expect("runs");
    client.is_served().await;
    client.client.disconnect().await.expect("runs");
    client.end().await;
}

fn wanting(path: &str, qos: QoS, rule: RetainForwardRule) -> Filter {
    let mut filter = Filter::new(path, qos);
    filter.retain_forward_rule = rule;
    filter
}

async fn subscribe(client: &mut V5, filter: Filter) {
    client.client.subscribe_many([filter]).await.expect("runs");
    client.suback().await;
}

fn told(seen: &Publish) -> (String, QoS, bool) {
    (String::from_utf8_lossy(&seen.payload).into_owned(), seen.qos, seen.retain)
}

fn at(text: &str, qos: QoS, retain: bool) -> (String, QoS, bool) {
    (text.to_owned(), qos, retain)
}

#[tokio::test]
async fn a_subscriber_gets_the_last_value_of_each_topic_and_then_what_is_new() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    retain(&mesh, &running, "open/a", QOS1, "old").await;
    retain(&mesh, &running, "open/a", QOS1, "last").await;
    retain(&mesh, &running, "open/b", QOS0, "best effort").await;
    retain(&mesh, &running, "open/c", QoS::ExactlyOnce, "c").await;
    retain(&mesh, &running, "open/c", QOS1, "").await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.subscribe("open/+", QOS1).await;
    let mut seen = [told(&client.message().await), told(&client.message().await)];
    seen.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(seen, [at("best effort", QOS0, true), at("last", QOS1, true)], "c was ended");
    retain(&mesh, &running, "open/a", QOS1, "news").await;
    assert_eq!(told(&client.message().await), at("news", QOS1, false), "it is not recalled");
    let mut zero = V5::connect(&mesh, &running, 2).await;
    zero.subscribe("open/a", QOS0).await;
    assert_eq!(told(&zero.message().await), at("news", QOS0, true));
    let mut twice = V5::connect(&mesh, &running, 3).await;
    twice.subscribe("open/a", QoS::ExactlyOnce).await;
    assert_eq!(told(&twice.message().await), at("news", QoS::ExactlyOnce, true));
    let mut old = V4::connect(&mesh, &running, 4).await;
    old.client.subscribe("open/a", rumqttc::QoS::AtLeastOnce).await.expect("runs");
    let seen = old.message().await;
    assert!(seen.payload == "news" && seen.retain);
    assert_eq!(mesh.spool.core().values().0, 2, "what was ended is none");
}

#[tokio::test]
async fn a_subscription_says_whether_it_wants_them() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    retain(&mesh, &running, "open/a", QOS1, "value").await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    subscribe(&mut client, wanting("open/a", QOS1, RetainForwardRule::Never)).await;
    subscribe(&mut client, wanting("open/a", QOS1, RetainForwardRule::OnNewSubscribe)).await;
    client.send("open/a", QOS1, "first").await;
    assert_eq!(told(&client.message().await), at("first", QOS1, false), "neither is a new subscription that wants it");
    subscribe(&mut client, wanting("open/a", QOS1, RetainForwardRule::OnEverySubscribe)).await;
    assert_eq!(told(&client.message().await), at("value", QOS1, true));
    let mut other = V5::connect(&mesh, &running, 2).await;
    subscribe(&mut other, wanting("open/a", QOS0, RetainForwardRule::OnNewSubscribe)).await;
    assert_eq!(told(&other.message().await), at("value", QOS0, true));
    // As it was published, for who wants that.
    let mut published = Filter::new("open/b", QOS1);
    published.preserve_retain = true;
    subscribe(&mut other, published).await;
    retain(&mesh, &running, "open/b", QOS1, "new").await;
    assert_eq!(told(&other.message().await), at("new", QOS1, true));
}

#[tokio::test]
async fn they_survive_the_agent_and_an_unacknowledged_one_comes_again() {
    let disk = SimulatedDisk::default();
    {
        let mesh = Mesh::over(BUDGET, &disk);
        let running = mesh.mqtt().await;
        retain(&mesh, &running, "open/a", QOS1, "value").await;
    }
    let mesh = Mesh::over(BUDGET, &disk.restarted());
    let running = mesh.mqtt().await;
    let options = |clean| {
        let mut options = V5::options(&running, 2, "lasting");
        options.set_clean_start(clean).set_manual_acks(true);
        options.set_connect_properties(ConnectProperties {
            session_expiry_interval: Some(60),
            ..ConnectProperties::new()
        });
        options
    };
    let mut client = V5::with(&mesh, options(true));
    client.subscribe("open/#", QOS1).await;
    let first = client.message().await;
    assert_eq!((told(&first), first.dup), (at("value", QOS1, true), false));
    client.client.disconnect().await.expect("runs");
    client.end().await;
    until("it rests", || mesh.clients.resting() == 1).await;
    let mut client = V5::with(&mesh, options(false));
    let again = client.message().await;
    assert_eq!((told(&again), again.dup), (at("value", QOS1, true), true));
    client.client.ack(&again).await.expect("runs");
    // Coming back is no subscription.
    client.send("open/b", QOS1, "mark").await;
    assert_eq!(client.message().await.payload, "mark");
}

#[tokio::test]
async fn rights_and_time_to_live_hold_for_them_too() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut publisher = V5::connect(&mesh, &running, 9).await;
    let short = PublishProperties { message_expiry_interval: Some(1), ..PublishProperties::default() };
    publisher.client.publish_with_properties("open/short", QOS1, true, "short", short).await.expect("runs");
    publisher.puback().await;
    retain(&mesh, &running, "open/secret", QOS1, "secret").await;
    retain(&mesh, &running, "open/z", QOS1, "z").await;
    mesh.deny(1, Action::Subscribe, "open/secret");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.subscribe("open/#", QOS1).await;
    assert_eq!(client.message().await.payload, "z", "neither what it may not read nor what has expired");
    assert_eq!(mesh.count("withheld_events"), 1);
}

#[tokio::test]
async fn a_will_can_be_retained() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut options = V5::options(&running, 1, "leaves");
    options.set_last_will(LastWill::new("open/state", "gone", QOS1, true, None));
    let mut client = V5::with(&mesh, options);
    client.wait("CONNACK", |packet| matches!(packet, Packet::ConnAck(_)).then_some(())).await;
    drop(client);
    // The same client id takes the place of the first, which said no goodbye.
    let mut again = V5::with(&mesh, V5::options(&running, 1, "leaves"));
    again.is_served().await;
    until("the will is kept", || mesh.spool.core().values().0 == 1).await;
    again.subscribe("open/state", QOS1).await;
    assert_eq!(told(&again.message().await), at("gone", QOS1, true));
}

#[tokio::test]
async fn many_come_in_their_order_and_none_is_dropped() {
    const COUNT: usize = 3_000;
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut publisher = V5::connect(&mesh, &running, 9).await;
    for number in 0..COUNT {
        publisher.client.publish(format!("open/{number:05}"), QOS1, true, number.to_string()).await.expect("runs");
    }
    for _ in 0..COUNT {
        publisher.puback().await;
    }
    for qos in [QOS0, QOS1] {
        let mut client = V5::connect(&mesh, &running, if qos == QOS0 { 1 } else { 2 }).await;
        client.subscribe("open/#", qos).await;
        for number in 0..COUNT {
            assert_eq!(told(&client.message().await), at(&number.to_string(), qos, true));
        }
    }
    assert_eq!(mesh.count("dropped_slow_consumer_events"), 0);
}

#[tokio::test]
async fn large_ones_are_not_dropped_and_what_is_new_finds_room_in_a_queue() {
    const COUNT: usize = 100;
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut publisher = V5::connect(&mesh, &running, 9).await;
    for number in 0..COUNT {
        publisher.client.publish(format!("open/{number:05}"), QOS1, true, vec![b'x'; 60_000]).await.expect("runs");
        publisher.puback().await;
    }
    for qos in [QOS0, QOS1] {
        let mut client = V5::connect(&mesh, &running, if qos == QOS0 { 1 } else { 2 }).await;
        client.subscribe("open/#", qos).await;
        for number in 0..COUNT {
            let seen = client.message().await;
            assert_eq!((seen.topic.as_ref(), seen.retain), (format!("open/{number:05}").as_bytes(), true));
        }
    }
    assert_eq!(mesh.count("dropped_slow_consumer_events"), 0);
}

#[tokio::test]
async fn a_best_effort_flood_takes_no_more_memory_than_there_is_room_for() {
    let mesh = Mesh::with_budget(20_000);
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 9).await;
    for number in 0..500 {
        client.client.publish(format!("open/{number}"), QOS0, true, vec![b'x'; 1_000]).await.expect("runs");
    }
    client.is_served().await;
    let kept = mesh.spool.core().values().0;
    assert_eq!(kept + mesh.count("not_retained_events"), 500, "each is kept or counted");
    until("all room is given back", || mesh.router.budget().in_use() == 0).await;
}
