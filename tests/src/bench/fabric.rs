//! Direct events from site to site over two links, against NATS with leaf nodes: A and B each linked to a hub, both ends of
//! every link prove who they are, clients are outside and without TLS.
//!
//! Nobody acknowledges direct events, and each side loses them in its own way when a publisher is faster than the way. So the
//! rates that are compared are those with a bound on what is under way, which the two clients share; what happens without
//! the bound is shown beside them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::ends::{Consumer, MqttConsumer, MqttPublisher, NatsConsumer, NatsPublisher, Publisher, Side};
use super::load::{Bound, Load};
use super::{Entry, median};
use crate::mesh::{Login, Mesh};
use crate::mqtt::raw::{self as mqtt, Qos};
use crate::nats::{Authority, Plan, Program, Server, raw as nats};

/// Each side gets so many, alternating; the median counts.
const ROUNDS: usize = 3;
const LASTS: Duration = Duration::from_secs(4);
/// The least ratio from client to client that the product promises.
const BAR: f64 = 1.0;
/// Events under way, of all publishers together: fewer than what either side lets wait.
const UNDER_WAY: u64 = 2_048;
const KEYS: usize = 16;
/// Events per second where time counts and not the rate.
const PACE: u32 = 2_000;
const PROMISE: &str = "nothing is acknowledged, links with mutual TLS; ours checks rights at every publish and delivery and \
                       who sent it at every link, the peer has no rights to check";

/// Sites of the mesh.
struct Sites {
    near: String,
    far: String,
    login: Login,
    processes: Vec<u32>,
}

impl Side for Sites {
    fn processes(&self) -> Vec<u32> {
        self.processes.clone()
    }

    fn prepare(&self) -> anyhow::Result<()> {
        Ok(())
    }

    fn publisher(&self, number: usize) -> anyhow::Result<Box<dyn Publisher>> {
        let client = mqtt::Client::connect(&self.near, Some(&self.login), &format!("pub-{number}"))?;
        Ok(Box::new(MqttPublisher { client, topic: format!("bench/{number}"), qos: Qos::AtMostOnce }))
    }

    fn consumer(&self) -> anyhow::Result<Box<dyn Consumer>> {
        let mut client = mqtt::Client::connect(&self.far, Some(&self.login), "sub")?;
        client.subscribe("bench/+", Qos::AtMostOnce)?;
        Ok(Box::new(MqttConsumer(client)))
    }
}

/// Servers of NATS.
struct Leaves {
    near: Server,
    hub: Server,
    far: Server,
}

impl Leaves {
    async fn start(mesh: &Mesh, program: &Program) -> anyhow::Result<Self> {
        let authority = Authority::new(mesh.path("nats-tls"))?;
        let start = async |name, links_to: Option<&Server>| {
            let plan = Plan { name, streams: false, accepts: links_to.is_none(), links_to };
            Server::start(mesh, program, &authority, plan).await
        };
        let hub = start("hub", None).await?;
        Ok(Self { near: start("near", Some(&hub)).await?, far: start("far", Some(&hub)).await?, hub })
    }
}

impl Side for Leaves {
    fn processes(&self) -> Vec<u32> {
        [&self.near, &self.hub, &self.far].map(Server::id).to_vec()
    }

    fn prepare(&self) -> anyhow::Result<()> {
        Ok(())
    }

    fn publisher(&self, number: usize) -> anyhow::Result<Box<dyn Publisher>> {
        let client = nats::Client::connect(&self.near.address)?;
        Ok(Box::new(NatsPublisher { client, subject: format!("bench.{number}"), inbox: None }))
    }

    fn consumer(&self) -> anyhow::Result<Box<dyn Consumer>> {
        let mut client = nats::Client::connect(&self.far.address)?;
        client.subscribe("bench.*")?;
        Ok(Box::new(NatsConsumer(client)))
    }
}

/// What was lost where so far: counters of the sites by name, and the way between what is sent and what arrives.
fn lost(mesh: &Mesh) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut lost = BTreeMap::new();
    let mut events = BTreeMap::new();
    for site in ["near", "hq", "far"] {
        let status = mesh.agent_status_json(site)?;
        let counters = status.pointer("/status/counters").and_then(Value::as_object).context("find the counters")?;
        let of_loss = |name: &str| name.starts_with("fabric_") || name.starts_with("dropped_");
        let counters = counters.iter().filter(|(name, _)| of_loss(name));
        lost.extend(counters.map(|(name, count)| (format!("{name} at {site}"), count.as_u64().unwrap_or_default())));
        let links = status.pointer("/status/links").and_then(Value::as_array).context("find the links")?;
        for what in ["events_sent", "events_received"] {
            events.insert((site, what), links.iter().filter_map(|link| link[what].as_u64()).sum::<u64>());
        }
    }
    let (sent, received) = (events[&("near", "events_sent")], events[&("far", "events_received")]);
    lost.insert("events between the agents".to_owned(), sent.saturating_sub(received));
    Ok(lost)
}

pub(super) async fn two_links() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    for site in ["near", "far"] {
        mesh.site(site, Some("hq")).await?;
    }
    let login = mesh.client("bench", &[("publish", "bench/>"), ("subscribe", "bench/>")]).await?;
    mesh.applied().await?;
    mesh.linked(2).await?;
    let processes = ["near", "hq", "far"].map(|site| Ok(mesh.agent(site)?.id()));
    let processes = processes.into_iter().collect::<anyhow::Result<_>>()?;
    let (near, far) = (mesh.listener("near", "mqtt").await?, mesh.listener("far", "mqtt").await?);
    let ours = Sites { near, far, login, processes };
    let program = Program::fetch().await?;
    let theirs = Leaves::start(&mesh, &program).await?;
    for (publishers, bound, pace, bar) in [
        (1, Bound::UnderWay(UNDER_WAY), None, Some(BAR)),
        (KEYS, Bound::UnderWay(UNDER_WAY / KEYS as u64), None, Some(BAR)),
        (1, Bound::Nothing, None, None),
        (1, Bound::Nothing, Some(PACE), None),
    ] {
        let load = Load { publishers, bound, pace, lasts: LASTS };
        let before = lost(&mesh)?;
        let (ours, theirs) = tokio::task::block_in_place(|| {
            let (mut our, mut their) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                our.push(load.bring_through(&ours)?);
                their.push(load.bring_through(&theirs)?);
            }
            anyhow::Ok((median(our)?, median(their)?))
        })?;
        let work = format!("Direct, from site to site over two links, {load}");
        let peer = format!("{} leaf nodes", program.version()?);
        Entry { work, promise: PROMISE, ours, peer, theirs, bar, limit: None }.print();
        for (place, after) in lost(&mesh)? {
            let before = before.get(&place).copied().unwrap_or_default();
            if after > before {
                println!("  ours in all rounds: {} {place}", after - before);
            }
        }
    }
    drop(theirs);
    mesh.passed()
}
