//! The retailer at work: every client is a real one of its protocol, over TCP, with its own login.

mod http;
mod kafka;
mod mqtt;
mod parts;
mod warehouse;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, SystemTime};

use crate::kafka::ClientConfig;
use anyhow::Context;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};

use super::tally::Tally;
use super::{
    DENIED, DISPATCHER, FULFILMENT, HTTP_TILLS, MACHINES, MQTT_TILLS, PARTS_GROUP, PARTS_TOPIC, PLANNING, WAREHOUSES,
};
use http::Login;
use mqtt::Device;

/// Where the clients connect and how they log in.
#[derive(Clone, Debug)]
pub struct Places {
    /// MQTT listener at the store.
    pub lyon_mqtt: String,
    /// HTTP listener at the store.
    pub lyon_http: String,
    /// MQTT listener at the factory.
    pub berlin_mqtt: String,
    /// HTTP listener at the factory.
    pub berlin_http: String,
    /// MQTT listener at the hub.
    pub hq_mqtt: String,
    /// HTTP listener at the hub.
    pub hq_http: String,
    /// Secrets of the mesh clients by user name.
    pub secrets: BTreeMap<String, String>,
    /// Client settings for Kafka A.
    pub kafka_a: ClientConfig,
}

/// All clients; they end when this is dropped.
#[derive(Debug)]
pub struct Traffic {
    clients: JoinSet<()>,
    tally: Tally,
}

impl Traffic {
    /// Starts all clients. `rate` is the number of events per second they make together; a half are orders, three tenths
    /// measurements, a tenth parts, a tenth prices.
    ///
    /// # Errors
    /// A client has no secret, or the Kafka clients cannot be made.
    pub fn start(places: &Places, rate: f64) -> anyhow::Result<Self> {
        let mut traffic = Self { clients: JoinSet::new(), tally: Tally::default() };
        let every = |clients: usize, share: f64| Duration::from_secs_f64(clients as f64 / (rate.max(0.1) * share));
        let tills = every(MQTT_TILLS.len() + HTTP_TILLS.len(), 0.5);
        for name in MQTT_TILLS {
            let listens = [format!("cmd/fr/lyon/{name}"), "prices/fr/update".to_owned()];
            let device = Device::new(name, places.secret(name)?, &places.lyon_mqtt, listens)?;
            traffic.spawn(device.run(tills, orders(name)));
        }
        for name in HTTP_TILLS {
            traffic.spawn(http::run(places.login(name, &places.lyon_http)?, tills, orders(name)));
        }
        let machines = every(MACHINES.len(), 0.3);
        for name in MACHINES {
            let device = Device::new(name, places.secret(name)?, &places.berlin_mqtt, [])?;
            traffic.spawn(device.run(machines, measurements(name)));
        }
        traffic.parts(places, every(MACHINES.len(), 0.1))?;
        for name in WAREHOUSES {
            traffic.spawn(warehouse::run(places.login(FULFILMENT, &places.hq_http)?, name));
        }
        let dispatcher =
            Device::new(DISPATCHER, places.secret(DISPATCHER)?, &places.hq_mqtt, ["cmd/+/+/+/answer".to_owned()])?;
        traffic.spawn(dispatcher.run(Duration::from_secs(3), commands()));
        // Its role is that of the Lyon tills, its orders are for Paris.
        let lost = orders_of("paris", DENIED);
        traffic.spawn(http::run(places.login(DENIED, &places.lyon_http)?, Duration::from_secs(15), lost));
        traffic.spawn(kafka::prices(&places.kafka_a, every(1, 0.1))?);
        for (group, topic) in [("billing", "retail.orders"), ("maintenance-planner", "plant.alerts")] {
            traffic.spawn(kafka::consume(&places.kafka_a, group, topic, |_| ())?);
        }
        Ok(traffic)
    }

    /// Parts from Berlin, and who counts them at headquarters.
    fn parts(&mut self, places: &Places, every: Duration) -> anyhow::Result<()> {
        let tally = self.tally();
        for name in MACHINES {
            self.spawn(parts::make(places.login(name, &places.berlin_http)?, every, tally.clone()));
        }
        let counted = tally.clone();
        let count = move |record: &[u8]| parts::count(&counted, record);
        self.spawn(kafka::consume(&places.kafka_a, PARTS_GROUP, PARTS_TOPIC, count)?);
        self.spawn(parts::tell(places.login(PLANNING, &places.hq_http)?, tally));
        Ok(())
    }

    /// The parts made in Berlin, and those that arrived.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// Ends all clients and waits until they have gone.
    pub async fn stop(mut self) {
        self.clients.shutdown().await;
    }

    fn spawn(&mut self, client: impl Future<Output = ()> + Send + 'static) {
        self.clients.spawn(client);
    }
}

impl Places {
    fn secret(&self, name: &str) -> anyhow::Result<&str> {
        self.secrets.get(name).map(String::as_str).with_context(|| format!("find the secret of {name}"))
    }

    fn login(&self, name: &str, address: &str) -> anyhow::Result<Login> {
        Login::new(name, self.secret(name)?, address)
    }
}

/// One event to send.
#[derive(Debug)]
struct Outgoing {
    topic: String,
    body: Value,
    /// Where an answer is expected.
    reply_to: Option<String>,
}

impl Outgoing {
    fn new(topic: String, body: Value) -> Self {
        Self { topic, body, reply_to: None }
    }
}

fn orders(till: &'static str) -> impl FnMut() -> Outgoing + Send + 'static {
    orders_of("lyon", till)
}

/// An order is created, and paid right after.
fn orders_of(store: &'static str, till: &'static str) -> impl FnMut() -> Outgoing + Send + 'static {
    let mut number = 0_u64;
    let mut amount = 0_u32;
    move || {
        let verb = if number.is_multiple_of(2) { "created" } else { "paid" };
        if verb == "created" {
            amount = rand::random_range(150..12_000);
        }
        let order = format!("{till}-{}", number / 2);
        number += 1;
        let body = json!({ "order": order, "till": till, "country": "fr", "store": store, "verb": verb,
            "amount_cents": amount, "currency": "EUR", "at_ms": now_ms() });
        Outgoing::new(format!("orders/fr/{store}/{verb}"), body)
    }
}

fn measurements(machine: &'static str) -> impl FnMut() -> Outgoing + Send + 'static {
    let metrics = [("temperature", "C", 45.0..84.0), ("vibration", "mm/s", 0.2..4.0), ("power", "kW", 3.0..22.0)];
    let mut turn = 0;
    move || {
        let (metric, unit, range) = &metrics[turn % metrics.len()];
        turn += 1;
        let value = (rand::random_range(range.clone()) * 10.0_f64).round() / 10.0;
        let body = json!({ "plant": "berlin", "machine": machine, "metric": metric, "value": value, "unit": unit,
            "at_ms": now_ms() });
        Outgoing::new(format!("sensors/berlin/{machine}/{metric}"), body)
    }
}

/// A command to one till after the other; each answers.
fn commands() -> impl FnMut() -> Outgoing + Send + 'static {
    let mut turn = 0;
    move || {
        let till = MQTT_TILLS[turn % MQTT_TILLS.len()];
        turn += 1;
        let topic = format!("cmd/fr/lyon/{till}");
        let body = json!({ "command": "report-cash", "device": till, "number": turn, "at_ms": now_ms() });
        Outgoing { reply_to: Some(format!("{topic}/answer")), ..Outgoing::new(topic, body) }
    }
}

/// A ticker whose first tick comes after a random part of its period, so that clients do not march in step.
fn ticker(every: Duration) -> Interval {
    let first = tokio::time::Instant::now() + every.mul_f64(rand::random());
    let mut ticker = tokio::time::interval_at(first, every);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
