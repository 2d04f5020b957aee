//! Devices that speak MQTT 5 with QoS 1.

use std::time::Duration;

use anyhow::Context;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish, PublishProperties};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Outgoing, now_ms, ticker};

/// Between two attempts to connect.
const RETRY: Duration = Duration::from_secs(2);
/// Events that wait while the connection is slow or away; more are not made (a till without a line cannot sell).
const WAITING_MAX: usize = 16;

/// One device.
pub(super) struct Device {
    name: String,
    client: AsyncClient,
    events: EventLoop,
    listens: Vec<String>,
}

impl Device {
    /// A device that logs in as `name` at `address` (`host:port`).
    pub(super) fn new(
        name: &str,
        secret: &str,
        address: &str,
        listens: impl Into<Vec<String>>,
    ) -> anyhow::Result<Self> {
        let (host, port) = address.rsplit_once(':').with_context(|| format!("read the address {address}"))?;
        let port = port.parse().with_context(|| format!("read the port in {address}"))?;
        let mut options = MqttOptions::new(name, host, port);
        options.set_credentials(name, secret).set_keep_alive(Duration::from_secs(30));
        let (client, events) = AsyncClient::new(options, WAITING_MAX);
        Ok(Self { name: name.to_owned(), client, events, listens: listens.into() })
    }

    /// Sends what `next` makes, once in `every`, and answers commands; connects again whenever it must.
    pub(super) async fn run(self, every: Duration, mut next: impl FnMut() -> Outgoing) {
        let Self { name, client, mut events, listens } = self;
        let send = async {
            let mut ticker = ticker(every);
            loop {
                ticker.tick().await;
                publish(&client, next());
            }
        };
        let receive = async {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        for filter in &listens {
                            let _ = client.try_subscribe(filter, QoS::AtLeastOnce);
                        }
                    }
                    Ok(Event::Incoming(Packet::Publish(message))) => answer(&client, &name, &message),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::info!(%name, %error, "connection lost");
                        sleep(RETRY).await;
                    }
                }
            }
        };
        // Side by side in one task: polling must not be cut off by a tick, or a slow connect would never finish.
        tokio::join!(send, receive);
    }
}

fn publish(client: &AsyncClient, event: Outgoing) {
    let properties = PublishProperties {
        content_type: Some("application/json".to_owned()),
        response_topic: event.reply_to,
        ..PublishProperties::default()
    };
    let _ =
        client.try_publish_with_properties(event.topic, QoS::AtLeastOnce, false, event.body.to_string(), properties);
}

fn answer(client: &AsyncClient, name: &str, message: &Publish) {
    let Some(reply_to) = message.properties.as_ref().and_then(|properties| properties.response_topic.clone()) else {
        return;
    };
    let command: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
    let body = json!({ "device": name, "answers": command["number"], "cash_cents": rand::random_range(0..200_000), "at_ms": now_ms() });
    publish(client, Outgoing::new(reply_to, body));
}
