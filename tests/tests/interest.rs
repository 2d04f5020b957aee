//! A subscription made at one site is learned by the others, and what nobody wants stays where it is.

use std::time::{Duration, Instant};

use demo::wait::until;
use system_tests::SOON;
use system_tests::mesh::Mesh;
use system_tests::mqtt::MqttClient;
use system_tests::proxy::Proxy;

/// How long an event may take over two links.
const PROMISE: Duration = Duration::from_secs(1);
/// One event is this large, so that what crosses stands out from heartbeats.
const LARGE: usize = 100_000;
/// That many of them.
const EVENTS: usize = 20;

#[tokio::test]
async fn subscriptions_travel_and_unwanted_events_do_not() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let proxy = Proxy::start().await?;
    mesh.hub_behind(&proxy, &["berlin", "lyon"]).await?;
    let rights = [("publish", "sensors/>"), ("subscribe", "sensors/>")];
    let sensor = mesh.client("sensor", &rights).await?;
    let watcher = mesh.client("watcher", &rights).await?;
    mesh.applied().await?;
    let berlin = MqttClient::connect(&mesh.listener("berlin", "mqtt").await?, &sensor).await?;
    let lyon = MqttClient::connect(&mesh.listener("lyon", "mqtt").await?, &watcher).await?;
    mesh.linked(2).await?;

    // Nobody wants it: it does not cross.
    let before = proxy.bytes();
    for number in 0..EVENTS {
        berlin.publish("sensors/berlin/unwanted", payload(number)).await?;
    }
    let crossed = proxy.bytes() - before;
    anyhow::ensure!(crossed < LARGE as u64, "{crossed} bytes crossed a link for events that nobody wanted");

    // A new subscription at the far edge, with no change of any route or rule.
    lyon.subscribe("sensors/berlin/wanted").await?;
    wait_for_first(&berlin, &lyon, "sensors/berlin/wanted").await?;
    arrives_in_time(&berlin, &lyon, "sensors/berlin/wanted").await?;

    // Two subscribers at one site cost one copy on each link.
    let second = mesh.client("second", &rights).await?;
    mesh.applied().await?;
    let lyon_too = MqttClient::connect(&mesh.listener("lyon", "mqtt").await?, &second).await?;
    lyon_too.subscribe("sensors/berlin/+").await?;
    // Only the second subscription matches this topic: when it arrives both are known in Berlin.
    wait_for_first(&berlin, &lyon_too, "sensors/berlin/other").await?;
    let (before, resent_before) = (proxy.bytes(), resent(&mesh)?);
    for number in 0..EVENTS {
        berlin.publish("sensors/berlin/wanted", payload(number)).await?;
    }
    until("all copies arrive", SOON, async || {
        let all = [&lyon, &lyon_too].iter().all(|client| large(client) == EVENTS);
        Ok(all.then_some(()))
    })
    .await?;
    let crossed = proxy.bytes() - before;
    // On a busy machine an acknowledgement may be so late that Berlin sends an event again, over both links.
    let resent = resent(&mesh)? - resent_before;
    let one_copy = (2 * EVENTS * LARGE) as u64;
    anyhow::ensure!(
        crossed < one_copy * 3 / 2 + resent * (2 * LARGE) as u64,
        "{crossed} bytes crossed for {one_copy} bytes in one copy on two links, {resent} of {EVENTS} sent again"
    );

    // A fourth site joins and does the same.
    mesh.site("madrid", Some("hq")).await?;
    let late = mesh.client("late", &rights).await?;
    mesh.applied().await?;
    let madrid = MqttClient::connect(&mesh.listener("madrid", "mqtt").await?, &late).await?;
    madrid.subscribe("sensors/+/+").await?;
    wait_for_first(&berlin, &madrid, "sensors/berlin/late").await?;
    arrives_in_time(&berlin, &madrid, "sensors/berlin/late").await?;
    mesh.passed()
}

/// Events that Berlin, where they come from, has sent more than once so far.
fn resent(mesh: &Mesh) -> anyhow::Result<u64> {
    mesh.agent_counter("berlin", "fabric_resent_events")
}

/// Publishes until the subscriber has got one: its interest has reached the publisher's site.
async fn wait_for_first(publisher: &MqttClient, subscriber: &MqttClient, topic: &str) -> anyhow::Result<()> {
    let before = subscriber.messages().len();
    until(&format!("the interest in {topic} has arrived"), SOON, async || {
        publisher.publish(topic, "probe").await?;
        Ok((subscriber.messages().len() > before).then_some(()))
    })
    .await
}

/// Publishes one event; it must reach the subscriber over two links within the promised time.
async fn arrives_in_time(publisher: &MqttClient, subscriber: &MqttClient, topic: &str) -> anyhow::Result<()> {
    let sent = Instant::now();
    publisher.publish(topic, "the one").await?;
    let arrived = until("the event arrives", SOON, async || {
        Ok(subscriber.messages().iter().find(|message| message.payload == b"the one").map(|message| message.at))
    })
    .await?;
    let took = arrived.duration_since(sent);
    anyhow::ensure!(took < PROMISE, "an event took {} ms over two links", took.as_millis());
    Ok(())
}

/// Does not compress, or bytes on the wire would prove nothing.
fn payload(number: usize) -> Vec<u8> {
    let mut state = number as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state & 0xff) as u8
    };
    (0..LARGE).map(|_| next()).collect()
}

fn large(client: &MqttClient) -> usize {
    client.messages().iter().filter(|message| message.payload.len() == LARGE).count()
}
