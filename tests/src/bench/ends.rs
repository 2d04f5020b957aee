//! The two ends of a measurement, the same for both sides: who publishes and who takes, over MQTT or over NATS.

use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::mqtt::raw::{self as mqtt, Incoming, Qos};
use crate::nats::raw as nats;

/// Something under load: a program or several that work together.
pub(super) trait Side: Sync {
    /// Processes that count.
    fn processes(&self) -> Vec<u32>;

    /// Makes it empty; called before each round.
    ///
    /// # Errors
    /// It cannot be made so.
    fn prepare(&self) -> anyhow::Result<()>;

    /// A publisher of its own topic and ordering key.
    ///
    /// # Errors
    /// It is not let in.
    fn publisher(&self, number: usize) -> anyhow::Result<Box<dyn Publisher>>;

    /// The one who takes everything.
    ///
    /// # Errors
    /// It is not let in.
    fn consumer(&self) -> anyhow::Result<Box<dyn Consumer>>;
}

/// The connection of a publisher.
pub(super) trait Publisher: Send {
    /// Adds an event to what the next flush sends.
    fn publish(&mut self, payload: &[u8]);

    /// Bytes that wait for a flush.
    fn unsent(&self) -> usize;

    /// Sends what was added.
    ///
    /// # Errors
    /// The connection has ended.
    fn flush(&mut self) -> anyhow::Result<()>;

    /// Waits for acknowledgements, takes all that are there and says how many they are.
    ///
    /// # Errors
    /// Something was refused or not kept, or no answer comes.
    fn answers(&mut self) -> anyhow::Result<usize>;

    /// Says goodbye; everything that was sent is taken then.
    ///
    /// # Errors
    /// The connection has ended before.
    fn end(self: Box<Self>) -> anyhow::Result<()>;
}

/// The connection of a consumer.
pub(super) trait Consumer: Send {
    /// How long [`Consumer::next`] waits.
    ///
    /// # Errors
    /// The connection cannot be told.
    fn limit(&self, limit: Duration) -> anyhow::Result<()>;

    /// The next payload, whose acknowledgement goes out with the next flush; none when nothing came for the limit.
    ///
    /// # Errors
    /// The connection has ended, or something else came.
    fn next(&mut self) -> anyhow::Result<Option<&[u8]>>;

    /// Whether the next is there without reading from the socket.
    ///
    /// # Errors
    /// What is there is not readable.
    fn has_more(&mut self) -> anyhow::Result<bool>;

    /// Sends the acknowledgements.
    ///
    /// # Errors
    /// The connection has ended.
    fn flush(&mut self) -> anyhow::Result<()>;
}

/// A publisher over MQTT.
pub(super) struct MqttPublisher {
    pub(super) client: mqtt::Client,
    pub(super) topic: String,
    pub(super) qos: Qos,
}

impl Publisher for MqttPublisher {
    fn publish(&mut self, payload: &[u8]) {
        self.client.publish(&self.topic, self.qos, payload);
    }

    fn unsent(&self) -> usize {
        self.client.unsent()
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        self.client.flush()
    }

    fn answers(&mut self) -> anyhow::Result<usize> {
        let mut answers = 0;
        while answers == 0 || self.client.has_more() {
            match self.client.next()?.context("publishes were not acknowledged in time")? {
                Incoming::Taken { wanted } => ensure!(wanted, "nobody wants {}: nothing was kept", self.topic),
                Incoming::Event(_) => bail!("a publisher got an event"),
            }
            answers += 1;
        }
        Ok(answers)
    }

    fn end(mut self: Box<Self>) -> anyhow::Result<()> {
        self.client.flush()?;
        self.client.disconnect()
    }
}

/// A consumer over MQTT.
pub(super) struct MqttConsumer(pub(super) mqtt::Client);

impl Consumer for MqttConsumer {
    fn limit(&self, limit: Duration) -> anyhow::Result<()> {
        self.0.limit(limit)
    }

    fn next(&mut self) -> anyhow::Result<Option<&[u8]>> {
        match self.0.next()? {
            Some(Incoming::Event(payload)) => Ok(Some(payload)),
            Some(Incoming::Taken { .. }) => bail!("a consumer got an acknowledgement"),
            None => Ok(None),
        }
    }

    fn has_more(&mut self) -> anyhow::Result<bool> {
        Ok(self.0.has_more())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        self.0.flush()
    }
}

/// A publisher over NATS, to a stream where there is an inbox for its acknowledgements.
pub(super) struct NatsPublisher {
    pub(super) client: nats::Client,
    pub(super) subject: String,
    pub(super) inbox: Option<String>,
}

impl Publisher for NatsPublisher {
    fn publish(&mut self, payload: &[u8]) {
        self.client.publish(&self.subject, self.inbox.as_deref(), payload);
    }

    fn unsent(&self) -> usize {
        self.client.unsent()
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        self.client.flush()
    }

    fn answers(&mut self) -> anyhow::Result<usize> {
        let mut answers = 0;
        while answers == 0 || self.client.has_more()? {
            let answer = self.client.next()?.context("publishes were not acknowledged in time")?;
            ensure!(kept(answer), "a stream answers {:?}", String::from_utf8_lossy(answer));
            answers += 1;
        }
        Ok(answers)
    }

    fn end(mut self: Box<Self>) -> anyhow::Result<()> {
        self.client.settle()
    }
}

/// `{"stream":"near","seq":7}`; an error would stand before the stream's name.
fn kept(answer: &[u8]) -> bool {
    answer.starts_with(b"{\"stream\":\"")
}

/// A consumer over NATS.
pub(super) struct NatsConsumer(pub(super) nats::Client);

impl Consumer for NatsConsumer {
    fn limit(&self, limit: Duration) -> anyhow::Result<()> {
        self.0.limit(limit)
    }

    fn next(&mut self) -> anyhow::Result<Option<&[u8]>> {
        self.0.next()
    }

    fn has_more(&mut self) -> anyhow::Result<bool> {
        self.0.has_more()
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn an_answer_is_kept_or_an_error() {
        assert!(kept(br#"{"stream":"near","domain":"a","seq":2000}"#));
        assert!(!kept(br#"{"error":{"code":503},"stream":"near"}"#));
        assert!(!kept(b""));
    }
}
