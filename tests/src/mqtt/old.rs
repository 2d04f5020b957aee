//! A client of MQTT 3.1.1, by another library's hand: what it is told, packet by packet.

use anyhow::Context;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, QoS, SubscribeReasonCode};

use crate::SOON;
use crate::mesh::Login;

/// A connected client; it does not connect again by itself.
#[expect(missing_debug_implementations, reason = "the library's connection has none")]
pub struct OldClient {
    /// For what it says.
    pub client: AsyncClient,
    events: EventLoop,
}

impl OldClient {
    /// Connects with the user name as client id, for a session that lasts. Tells whether that was there.
    ///
    /// # Errors
    /// It is refused, or nobody answers.
    pub async fn lasting(address: &str, login: &Login) -> anyhow::Result<(Self, bool)> {
        Self::connect(address, login, false).await
    }

    /// The same for a session that ends with the connection.
    ///
    /// # Errors
    /// It is refused, or nobody answers.
    pub async fn passing(address: &str, login: &Login) -> anyhow::Result<Self> {
        Ok(Self::connect(address, login, true).await?.0)
    }

    async fn connect(address: &str, login: &Login, clean: bool) -> anyhow::Result<(Self, bool)> {
        let (host, port) = address.rsplit_once(':').context("an address has a port")?;
        let mut options = MqttOptions::new(&login.username, host, port.parse().context("a port is a number")?);
        options.set_credentials(&login.username, &login.secret).set_clean_session(clean);
        let (client, events) = AsyncClient::new(options, 10);
        let mut old = Self { client, events };
        let present = old
            .wait(|packet| match packet {
                Packet::ConnAck(connack) => Some(connack.session_present),
                _ => None,
            })
            .await?;
        Ok((old, present))
    }

    /// The first packet that is what is asked for.
    ///
    /// # Errors
    /// The connection ends, or it does not come.
    pub async fn wait<T>(&mut self, wanted: impl Fn(&Packet) -> Option<T>) -> anyhow::Result<T> {
        let found = async {
            loop {
                if let Event::Incoming(packet) = self.events.poll().await?
                    && let Some(found) = wanted(&packet)
                {
                    return Ok(found);
                }
            }
        };
        tokio::time::timeout(SOON, found).await.context("wait for the listener")?
    }

    /// Subscribes at QoS 1.
    ///
    /// # Errors
    /// It is not granted.
    pub async fn subscribe(&mut self, filter: &str) -> anyhow::Result<()> {
        self.client.subscribe(filter, QoS::AtLeastOnce).await?;
        let codes = self.wait(|packet| match packet {
            Packet::SubAck(suback) => Some(suback.return_codes.clone()),
            _ => None,
        });
        let codes = codes.await?;
        anyhow::ensure!(
            codes == [SubscribeReasonCode::Success(QoS::AtLeastOnce)],
            "{filter} was answered with {codes:?}"
        );
        Ok(())
    }

    /// Publishes a retained event at QoS 1 and waits for its PUBACK.
    ///
    /// # Errors
    /// It is not acknowledged.
    pub async fn retain(&mut self, topic: &str, payload: &str) -> anyhow::Result<()> {
        self.client.publish(topic, QoS::AtLeastOnce, true, payload).await?;
        self.wait(|packet| matches!(packet, Packet::PubAck(_)).then_some(())).await
    }

    /// The next event.
    ///
    /// # Errors
    /// None comes.
    pub async fn message(&mut self) -> anyhow::Result<Publish> {
        self.wait(|packet| match packet {
            Packet::Publish(publish) => Some(publish.clone()),
            _ => None,
        })
        .await
    }

    /// Says goodbye.
    ///
    /// # Errors
    /// The connection is over already.
    pub async fn leave(mut self) -> anyhow::Result<()> {
        self.client.disconnect().await?;
        while self.events.poll().await.is_ok() {}
        Ok(())
    }
}
