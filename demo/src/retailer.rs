//! The retailer: three sites, two Kafka clusters, tills, machines, prices, a dispatcher and a queue for the warehouse.
//!
//! ```text
//!  store-lyon                    hq (hub)                      factory-berlin
//!  tills --MQTT, HTTP--> agent ==== agent ==================== agent <--MQTT-- machines
//!                                    |  ^                        |  ^
//!                     retail.orders  v  | pricing.updates        v  | plant.sensors
//!                     plant.alerts  Kafka A (SCRAM, TLS)        Kafka B (plain)
//!                     plant.parts
//!                     and the queue orders-fulfilment
//! ```
//! Everything is made through the REST API and can be made again: what exists stays. With `describe` off only sites,
//! brokers, principals, rules, routes and queues are made; catalog and graph must then fill from what the agents see. Otherwise
//! a [`Describer`] adds what people would say about it.

mod access;
mod describe;
mod designs;
mod domains;
pub mod products;
mod queues;
mod routes;
pub mod tally;
mod teams;
pub mod traffic;

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::{Value, json};

use crate::portal::Client;
pub use describe::Describer;

/// The hub, with Kafka A.
pub const HQ: &str = "hq";
/// Where its agents listen: this machine alone, a port of their choice.
const LOOPBACK: &str = "127.0.0.1:0";
/// The factory, with Kafka B.
pub const BERLIN: &str = "factory-berlin";
/// The store, without Kafka.
pub const LYON: &str = "store-lyon";
/// Broker connection of Kafka A.
pub const KAFKA_A: &str = "kafka-a";
/// Broker connection of Kafka B.
pub const KAFKA_B: &str = "kafka-b";
/// The user of Kafka A that the hub's agent logs in as, and the name of its secret at the agent.
pub const KAFKA_A_USER: &str = "meshport";

/// The topic of Kafka A that gets each part that the factory makes.
pub const PARTS_TOPIC: &str = "plant.parts";
/// The consumer group that counts them.
pub const PARTS_GROUP: &str = "production-planning";

/// Topics of Kafka A with their partitions.
pub const KAFKA_A_TOPICS: [(&str, i32); 5] =
    [("retail.orders", 6), ("pricing.updates", 3), ("plant.alerts", 3), (PARTS_TOPIC, 3), ("retail.refunds", 1)];
/// Topics of Kafka B with their partitions.
pub const KAFKA_B_TOPICS: [(&str, i32); 2] = [("plant.sensors", 8), ("plant.maintenance", 1)];

/// Tills that speak MQTT.
pub const MQTT_TILLS: [&str; 8] = ["till-1", "till-2", "till-3", "till-4", "till-5", "till-6", "till-7", "till-8"];
/// Tills that speak HTTP.
pub const HTTP_TILLS: [&str; 2] = ["till-9", "till-10"];
/// Machines of the factory.
pub const MACHINES: [&str; 4] = ["press-1", "press-2", "oven-1", "mixer-1"];
/// A client whose rights do not fit what it does: the one to find.
pub const DENIED: &str = "kiosk-2";
/// The client at the hub that sends commands.
pub const DISPATCHER: &str = "dispatch";
/// The queue at the hub where orders wait for the warehouse.
pub const ORDERS_QUEUE: &str = "orders-fulfilment";
/// The warehouse's program, which may take orders from that queue.
pub const FULFILMENT: &str = "fulfilment";
/// Two of it work, under these names; each has tills of its own.
pub const WAREHOUSES: [&str; 2] = ["warehouse-1", "warehouse-2"];
/// The program at the hub that says how many parts were made and how many arrived.
pub const PLANNING: &str = "planning";

/// Where a broker is reached.
#[derive(Clone, Debug)]
pub struct BrokerAddress {
    /// `host:port`.
    pub bootstrap: String,
    /// Authority of its certificate; with it the connection is SCRAM over TLS.
    pub ca_pem: Option<String>,
}

/// Makes the three sites, whose agents listen on this machine alone, and returns them by name.
///
/// # Errors
/// The portal refuses.
pub async fn sites(portal: &Client, describe: bool) -> anyhow::Result<BTreeMap<&'static str, Value>> {
    let mut made = BTreeMap::new();
    let places = [
        (HQ, "eu-central", (50.11, 8.68), "cloud"),
        (BERLIN, "eu-central", (52.52, 13.4), "factory"),
        (LYON, "eu-west", (45.76, 4.84), "store"),
    ];
    for (name, region, (latitude, longitude), kind) in places {
        let hub = made.get(HQ).map(|hub: &Value| hub["id"].clone());
        let mut site = json!({ "name": name, "region": region, "connects_to": hub });
        if describe {
            site["labels"] = json!({ "kind": kind });
            site["location"] = json!({ "latitude": latitude, "longitude": longitude });
        }
        // The one that the others dial.
        if hub.is_none() {
            site["fabric_bind"] = json!(LOOPBACK);
        }
        let site = ensure(portal, "sites", "/name", name, &site).await?;
        keep_to_loopback(portal, &site).await?;
        made.insert(name, site);
    }
    Ok(made)
}

/// A new site listens at every address of its machine, as a real one must. Nobody who tries this out opens a port to others.
async fn keep_to_loopback(portal: &Client, site: &Value) -> anyhow::Result<()> {
    for listener in site["listeners"].as_array().context("a site has listeners")? {
        let mut config = listener["config"].clone();
        if config["bind"] != LOOPBACK {
            config["bind"] = json!(LOOPBACK);
            let path = format!("listeners/{}", listener["id"].as_str().context("a listener has an id")?);
            portal.put(&path, listener, &config).await.with_context(|| format!("change {}", config["name"]))?;
        }
    }
    Ok(())
}

/// The two broker connections.
#[derive(Clone, Debug)]
pub struct Brokers {
    kafka_a: Value,
    kafka_b: Value,
}

/// Makes the broker connections, or tells where the clusters are now; they need not answer yet, the portal then says
/// that they do not.
///
/// # Errors
/// The portal refuses.
pub async fn brokers(
    portal: &Client,
    sites: &BTreeMap<&str, Value>,
    kafka_a: &BrokerAddress,
    kafka_b: &BrokerAddress,
) -> anyhow::Result<Brokers> {
    let kafka_a = broker(portal, KAFKA_A, &sites[HQ], kafka_a).await?;
    let kafka_b = broker(portal, KAFKA_B, &sites[BERLIN], kafka_b).await?;
    Ok(Brokers { kafka_a, kafka_b })
}

/// Makes the routes between clusters and mesh.
///
/// # Errors
/// The portal refuses.
pub async fn routes(portal: &Client, brokers: &Brokers, describe: bool) -> anyhow::Result<()> {
    routes::make(portal, &brokers.kafka_a, &brokers.kafka_b, describe).await
}

/// Makes the named queues.
///
/// # Errors
/// The portal refuses.
pub async fn queues(portal: &Client, sites: &BTreeMap<&str, Value>, describe: bool) -> anyhow::Result<()> {
    queues::make(portal, &sites[HQ], describe).await
}

/// Makes the clients with their rights; returns their secrets, new ones for clients whose secret is not in `known`.
///
/// # Errors
/// The portal refuses.
pub async fn clients(
    portal: &Client,
    known: &BTreeMap<String, String>,
    describe: bool,
) -> anyhow::Result<BTreeMap<String, String>> {
    if describe {
        teams::make(portal).await?;
        domains::make(portal).await?;
        designs::make(portal).await?;
    }
    access::make(portal, known, describe).await
}

async fn broker(portal: &Client, name: &str, site: &Value, address: &BrokerAddress) -> anyhow::Result<Value> {
    let login = json!({ "mechanism": "SCRAM-SHA-512", "username": KAFKA_A_USER, "secret": KAFKA_A });
    let input = json!({
        "site": site["id"],
        "name": name,
        "bootstrap": [address.bootstrap],
        "tls": address.ca_pem.is_some(),
        "ca_pem": address.ca_pem,
        "sasl": address.ca_pem.is_some().then_some(login),
        "discover": true,
        "browse": true,
    });
    let found = ensure(portal, "brokers", "/config/name", name, &input).await?;
    let mut config = found["config"].clone();
    for field in ["bootstrap", "ca_pem"] {
        config[field] = input[field].clone();
    }
    if config == found["config"] {
        return Ok(found);
    }
    // The cluster listens at another port than at the last start; what people changed besides stays.
    let id = found["id"].as_str().with_context(|| format!("read the id of {name}"))?;
    portal.put(&format!("brokers/{id}"), &found, &config).await.with_context(|| format!("tell where {name} is now"))
}

/// The object of a list whose `field` is `name`, made from `input` when there is none.
async fn ensure(portal: &Client, list: &str, field: &str, name: &str, input: &Value) -> anyhow::Result<Value> {
    if let Some(found) = portal.find(list, field, name).await? {
        return Ok(found);
    }
    portal.post(list, input).await.with_context(|| format!("make {name} of {list}"))
}
