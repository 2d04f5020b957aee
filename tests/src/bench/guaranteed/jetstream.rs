//! The peer's streams: one, or one and its mirror at another server.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::super::ends::{Consumer, NatsConsumer, NatsPublisher, Publisher, Side};
use crate::nats::Server;
use crate::nats::raw::Client;

/// The stream that takes what is published.
const NEAR: &str = "near";
/// Its copy at the other server.
const FAR: &str = "far";
const CREATE: &str = "$JS.API.STREAM.CREATE.";
const DELETE: &str = "$JS.API.STREAM.DELETE.";
/// What the consumer may have without having acknowledged it; the server's own default for a stream.
const UNACKNOWLEDGED_MAX: u32 = 1_000;

/// Streams in files. Retention is by limits, the default: what is acknowledged stays, which spares the peer its deletion.
pub(super) struct Stream {
    near: String,
    far: Option<String>,
    processes: Vec<u32>,
    /// Consumers have new names, so that none gets what an earlier one has left.
    consumers: AtomicU64,
}

impl Stream {
    /// One at one server.
    pub(super) fn alone(server: &Server) -> Self {
        let (near, processes) = (server.address.clone(), vec![server.id()]);
        Self { near, far: None, processes, consumers: AtomicU64::new(0) }
    }

    /// One with a mirror at a server that is linked to its own.
    pub(super) fn mirrored(near: &Server, far: &Server) -> Self {
        let processes = vec![near.id(), far.id()];
        let (near, far) = (near.address.clone(), Some(far.address.clone()));
        Self { near, far, processes, consumers: AtomicU64::new(0) }
    }
}

/// Makes a stream anew.
fn make(address: &str, name: &str, config: &Value) -> anyhow::Result<()> {
    // There is none in the first round.
    let _ = Client::ask(address, &format!("{DELETE}{name}"), &json!({}));
    Client::ask(address, &format!("{CREATE}{name}"), config).map(drop)
}

impl Side for Stream {
    fn processes(&self) -> Vec<u32> {
        self.processes.clone()
    }

    fn prepare(&self) -> anyhow::Result<()> {
        make(&self.near, NEAR, &json!({ "name": NEAR, "subjects": ["bench.>"], "storage": "file" }))?;
        let Some(far) = &self.far else { return Ok(()) };
        // Each server is its own domain, of the name of its stream.
        let mirror = json!({ "name": NEAR, "external": { "api": format!("$JS.{NEAR}.API"), "deliver": "" } });
        make(far, FAR, &json!({ "name": FAR, "storage": "file", "mirror": mirror }))
    }

    fn publisher(&self, number: usize) -> anyhow::Result<Box<dyn Publisher>> {
        let mut client = Client::connect(&self.near)?;
        let inbox = format!("_INBOX.pub-{number}");
        client.subscribe(&inbox)?;
        Ok(Box::new(NatsPublisher { client, subject: format!("bench.{number}"), inbox: Some(inbox) }))
    }

    fn consumer(&self) -> anyhow::Result<Box<dyn Consumer>> {
        let (address, stream) = self.far.as_ref().map_or((&self.near, NEAR), |far| (far, FAR));
        let name = format!("taker-{}", self.consumers.fetch_add(1, Ordering::Relaxed));
        let inbox = format!("_INBOX.{name}");
        let mut client = Client::connect(address)?;
        client.subscribe(&inbox)?;
        let config = json!({
            "durable_name": name,
            "deliver_subject": inbox,
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "max_ack_pending": UNACKNOWLEDGED_MAX,
        });
        let question = json!({ "stream_name": stream, "config": config });
        Client::ask(address, &format!("$JS.API.CONSUMER.CREATE.{stream}.{name}"), &question)?;
        Ok(Box::new(NatsConsumer(client)))
    }
}
