//! Rights at the listener: every refusal beside what is allowed, and the change between the two on an open connection.

use mesh_protocol::desired::{DeniedV3Publish, ListenerProtocol};
use mesh_protocol::event::Protocol;
use mesh_protocol::policy::{Action, PrincipalState};
use rumqttc::QoS;
use rumqttc::v5::mqttbytes::v5::{PubAckReason, SubscribeReasonCode};

use super::clients::{QOS0, QOS1, connect};
use super::*;

#[tokio::test]
async fn a_login_is_refused_in_the_words_of_its_version() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    for (till, blocked, new, old) in [(77, false, 0x86, 4), (3, true, 0x87, 5)] {
        if blocked {
            mesh.deny(till.into(), Action::Connect, ">");
        }
        let mut client = Raw::open(&running).await;
        client.send(&connect(5, till, "x")).await;
        assert_eq!(client.rest().await[3], new);
        let mut client = Raw::open(&running).await;
        client.send(&connect(4, till, "x")).await;
        assert_eq!(client.rest().await, [0x20, 2, 0, old]);
    }
    assert!(mesh.notes.has("till-77 x refused Connect  by no rule: no principal has this user name here"));
    assert!(mesh.notes.has("till-3 x refused Connect  by 00000000-0000-0000-0000-00000000dead"));
    assert_eq!(mesh.count("refused_logins"), 4);
}

#[tokio::test]
async fn denied_actions_get_their_reason_and_the_session_stays() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.send("own/till-2", QOS1, "x").await;
    assert_eq!(client.puback().await, PubAckReason::NotAuthorized);
    assert_eq!(client.subscribe("own/till-2", QOS1).await, SubscribeReasonCode::NotAuthorized);
    assert_eq!(client.subscribe("#", QOS0).await, SubscribeReasonCode::NotAuthorized);
    assert_eq!(client.subscribe("own/till-1", QOS0).await, SubscribeReasonCode::Success(QOS0));
    client.send("closed/a", QOS0, "x").await;
    client.is_served().await;
    assert_eq!(mesh.count("denied_publish_events"), 2);
    assert!(mesh.notes.has("refused Publish closed/a") && mesh.notes.has("refused Subscribe #"));
}

#[tokio::test]
async fn a_denied_publish_ends_the_old_version_or_is_swallowed_as_configured() {
    let mesh = Mesh::new();
    let mut config = config(ListenerProtocol::Mqtt);
    let running = mesh.listen(&config).await;
    let mut client = V4::connect(&mesh, &running, 1).await;
    client.client.publish("closed/a", QoS::AtLeastOnce, false, "x").await.expect("runs");
    client.end().await;
    config.denied_v3_publish = DeniedV3Publish::Acknowledge;
    let _ = running.update(&config);
    let mut client = V4::connect(&mesh, &running, 1).await;
    client.client.publish("closed/a", QoS::AtLeastOnce, false, "x").await.expect("runs");
    client.wait("PUBACK", |packet| matches!(packet, rumqttc::Incoming::PubAck(_)).then_some(())).await;
    assert_eq!(mesh.count("denied_publish_events"), 2);
}

#[tokio::test]
async fn a_change_cuts_whom_it_concerns_and_nobody_else() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let (mut cut, mut stays) = (V5::connect(&mesh, &running, 1).await, V5::connect(&mesh, &running, 2).await);
    cut.subscribe("open/a", QOS1).await;
    stays.subscribe("open/a", QOS1).await;
    mesh.deny(1, Action::Subscribe, "open/>");
    let end = cut.end().await;
    assert!(end.contains("NotAuthorized") && end.contains("00000000dead"), "{end}");
    assert!(mesh.notes.has("till-1 client-1 refused Subscribe open/a by 00000000-0000-0000-0000-00000000dead"));
    for number in 0..50 {
        mesh.edit(|_| {});
        stays.send("open/a", QOS1, number.to_string()).await;
        assert_eq!(stays.message().await.payload, number.to_string());
    }
}

#[tokio::test]
async fn a_publisher_is_denied_from_the_next_event_on() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.is_served().await;
    mesh.deny(1, Action::Publish, ">");
    client.send("open/a", QOS1, "x").await;
    assert_eq!(client.puback().await, PubAckReason::NotAuthorized);
}

#[tokio::test]
async fn a_disabled_principal_is_disconnected() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let (mut gone, mut old) = (V5::connect(&mesh, &running, 1).await, V4::connect(&mesh, &running, 1).await);
    let mut stays = V5::connect(&mesh, &running, 2).await;
    mesh.edit(|policy| policy.principals[0].state = PrincipalState::Disabled);
    assert!(gone.end().await.contains("NotAuthorized"));
    old.end().await;
    stays.is_served().await;
}

#[tokio::test]
async fn who_was_given_other_protocols_is_not_let_in_and_told_which() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let words = "the plan does not allow MQTT: connect by HTTP or Kafka";
    mesh.edit(|policy| policy.principals[2].protocols = vec![Protocol::Http, Protocol::Kafka]);
    let mut client = Raw::open(&running).await;
    client.send(&connect(5, 3, "x")).await;
    let told = client.rest().await;
    assert_eq!(told[3], 0x87);
    assert!(String::from_utf8_lossy(&told).contains(words), "{}", String::from_utf8_lossy(&told));
    let mut client = Raw::open(&running).await;
    client.send(&connect(4, 3, "x")).await;
    assert_eq!(client.rest().await, [0x20, 2, 0, 5]);
    assert!(mesh.notes.has(&format!("till-3 x refused Connect  by no rule: {words}")));
    assert_eq!(mesh.count("refused_logins"), 2);
    mesh.edit(|policy| policy.principals[2].protocols.push(Protocol::Mqtt));
    V5::connect(&mesh, &running, 3).await.is_served().await;
}

#[tokio::test]
async fn an_open_connection_ends_when_its_protocol_is_taken_away() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let (mut gone, mut old) = (V5::connect(&mesh, &running, 1).await, V4::connect(&mesh, &running, 1).await);
    let mut stays = V5::connect(&mesh, &running, 2).await;
    mesh.edit(|policy| {
        policy.principals[0].protocols = vec![Protocol::Http];
        policy.principals[1].protocols = vec![Protocol::Http, Protocol::Mqtt];
    });
    let end = gone.end().await;
    assert!(end.contains("NotAuthorized") && end.contains("connect by HTTP"), "{end}");
    old.end().await;
    stays.is_served().await;
}

#[tokio::test]
async fn a_principal_that_expires_is_disconnected_at_its_time() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let enforcer = mesh.enforcer.clone();
    mesh.tasks.spawn_until_stopped("expiry", async move { enforcer.watch_expiry().await });
    let (mut gone, mut stays) = (V5::connect(&mesh, &running, 1).await, V5::connect(&mesh, &running, 2).await);
    let ends = crate::status::now_ms() + 500;
    mesh.edit(|policy| policy.principals[0].expires_at_ms = Some(ends));
    assert!(gone.end().await.contains("NotAuthorized"));
    let late = crate::status::now_ms() - ends;
    // Not before its time; how soon after it is the machine's matter, but no timer of ours is this short.
    assert!((0..4_000).contains(&late), "{late} ms after its time");
    stays.is_served().await;
}

#[tokio::test]
async fn a_deny_inside_a_subscription_withholds_events_without_a_word() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.subscribe("open/#", QOS1).await;
    mesh.deny(1, Action::Subscribe, "open/secret");
    let mut other = V5::connect(&mesh, &running, 2).await;
    other.send("open/secret", QOS1, "x").await;
    other.send("open/public", QOS1, "x").await;
    assert_eq!(client.message().await.topic, "open/public");
    assert_eq!(mesh.count("withheld_events"), 1);
    assert_eq!(other.puback().await, PubAckReason::Success, "the publisher learns nothing of it");
}

#[tokio::test]
async fn no_policy_denies_everything() {
    let mut mesh = Mesh::new();
    mesh.enforcer = std::sync::Arc::default();
    let running = mesh.mqtt().await;
    let mut client = Raw::open(&running).await;
    client.send(&connect(4, 1, "x")).await;
    assert_eq!(client.rest().await, [0x20, 2, 0, 3]);
}
