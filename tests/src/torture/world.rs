//! The mesh that is tortured: a chain of three sites, everything that takes events, and the faults that happen to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use demo::kafka::Broker;
use demo::wait::until;
use serde_json::{Value, json};

use super::clock::{self, Clock};
use super::disk::SmallDisk;
use super::partition::Partitions;
use super::plan::{Fault, SITES, SMALL_DISK};
use crate::SOON;
use crate::kafka;
use crate::mesh::{Login, Mesh};
use crate::proxy::Proxy;
use crate::webhook::{Endpoint, Mood};

/// What the load is published under.
pub(super) const LOAD: &str = "load/>";
/// The topic, and the queue, everything goes to.
pub(super) const NAME: &str = "load";
const PARTITIONS: i32 = 3;
/// How long an agent may take to stop.
const STOP: Duration = Duration::from_secs(30);

/// What an agent counts that nothing in a plan explains: events lost, given up or thrown away.
const LOSSES: [&str; 10] = [
    "dead_letter_events",
    "fabric_gaps_ranges",
    "fabric_marks_ahead_messages",
    "queue_expired_events",
    "sink_dropped_events",
    "sink_given_up_events",
    "sink_refused_events",
    "spool_discarded_events",
    "spool_lost_events",
    "withheld_events",
];

/// See the module. Fields are dropped in this order: what uses the mesh's folder before the mesh.
pub(super) struct World {
    disk: Option<SmallDisk>,
    partitions: Option<Partitions>,
    pub(super) broker: Broker,
    pub(super) mesh: Mesh,
    pub(super) endpoint: Arc<Endpoint>,
    /// By the site that dials through it.
    links: BTreeMap<&'static str, Proxy>,
    clocks: BTreeMap<&'static str, Clock>,
    publishers: BTreeMap<&'static str, Login>,
    denial: Option<Value>,
    /// Sums of [`LOSSES`] of processes that have ended.
    losses: BTreeMap<&'static str, u64>,
}

impl World {
    /// Everything runs and is linked. With it, why a kind of fault is not to be had here.
    pub(super) async fn build() -> anyhow::Result<(Self, Vec<(&'static str, String)>)> {
        let mut mesh = Mesh::start().await?;
        let mut missing = Vec::new();
        let disk = match SmallDisk::mount(&mesh.path(&format!("agent-{SMALL_DISK}"))) {
            Ok(disk) => Some(disk),
            Err(error) => {
                missing.push(("disk-full", format!("{error:#}")));
                None
            }
        };
        let partitions = Partitions::prepare();
        let partitions = partitions.map_err(|error| missing.push(("partition", format!("{error:#}")))).ok();
        let (links, sites) = chain(&mut mesh).await?;
        let clocks = clocks(&mut mesh)?;
        let broker = kafka::start(&mesh, "kafka", &[]).await?;
        broker.create_topics(&[(NAME, PARTITIONS)]).await?;
        let endpoint = Arc::new(Endpoint::start().await?);
        targets(&mesh, &sites, &broker, &endpoint).await?;
        let mut publishers = BTreeMap::new();
        for site in SITES {
            let login = mesh.client(&format!("till-{site}"), &[("publish", LOAD)]).await?;
            publishers.insert(site, login);
        }
        mesh.applied().await?;
        let (denial, losses) = (None, BTreeMap::new());
        let world = Self { disk, partitions, mesh, broker, endpoint, links, clocks, publishers, denial, losses };
        Ok((world, missing))
    }

    pub(super) fn publisher(&self, site: &str) -> anyhow::Result<Login> {
        self.publishers.get(site).cloned().with_context(|| format!("find the publisher of {site}"))
    }

    pub(super) async fn begin(&mut self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Kill(site) => {
                // One that has just begun cannot be asked yet, and has counted nothing yet.
                let _asked = self.note_losses(site);
                self.mesh.kill_agent(site)
            }
            Fault::Restart(site) => {
                let _asked = self.note_losses(site);
                tokio::task::block_in_place(|| self.mesh.stop_agent(site, STOP))
            }
            Fault::Freeze(site) => self.mesh.agent(site)?.signal("STOP"),
            Fault::Cut(site) => self.link(site).map(|link| link.set_cut(true)),
            Fault::Silence(site) => self.link(site).map(|link| link.set_silent(true)),
            Fault::Partition(site) => self.partitions()?.begin(site, self.link(site)?),
            Fault::KafkaHangs => self.broker.process().signal("STOP"),
            Fault::EndpointHangs => {
                self.endpoint.set_mood(Mood::Hangs);
                Ok(())
            }
            Fault::EndpointFails => {
                self.endpoint.set_mood(Mood::Fails);
                Ok(())
            }
            Fault::DiskFull => self.disk.as_ref().context("there is a small disk")?.fill(),
            Fault::PortalAway => self.mesh.kill_portal(),
            Fault::Denied(site) => {
                let id = self.publisher(site)?.id;
                self.denial = Some(self.mesh.rule(&id, "deny", "publish", LOAD).await?);
                Ok(())
            }
            Fault::Clock(site, ahead_s) => self.clock(site)?.set(ahead_s),
        }
    }

    pub(super) async fn end(&mut self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Kill(site) | Fault::Restart(site) => self.mesh.run_agent(site),
            Fault::Freeze(site) => self.mesh.agent(site)?.signal("CONT"),
            Fault::Cut(site) => self.link(site).map(|link| link.set_cut(false)),
            Fault::Silence(site) => self.link(site).map(|link| link.set_silent(false)),
            Fault::Partition(site) => self.partitions()?.end(site),
            Fault::KafkaHangs => self.broker.process().signal("CONT"),
            Fault::EndpointHangs | Fault::EndpointFails => {
                self.endpoint.set_mood(Mood::Well);
                Ok(())
            }
            Fault::DiskFull => self.disk.as_ref().context("there is a small disk")?.free(),
            Fault::PortalAway => self.mesh.start_portal().await,
            Fault::Denied(_) => {
                let rule = self.denial.take().context("there is a denial")?;
                let id = rule["id"].as_str().context("read the id of a rule")?;
                self.mesh.api.delete(&format!("rules/{id}"), &rule).await
            }
            Fault::Clock(site, _) => self.clock(site)?.set(0),
        }
    }

    fn link(&self, site: &str) -> anyhow::Result<&Proxy> {
        self.links.get(site).with_context(|| format!("find the link from {site}"))
    }

    fn partitions(&self) -> anyhow::Result<&Partitions> {
        self.partitions.as_ref().context("there is a network namespace")
    }

    fn clock(&self, site: &str) -> anyhow::Result<&Clock> {
        self.clocks.get(site).with_context(|| format!("find the clock of {site}"))
    }

    /// What the process counts is gone with it.
    fn note_losses(&mut self, site: &str) -> anyhow::Result<()> {
        let status = self.mesh.agent_status_json(site)?;
        for name in LOSSES {
            let count = status.pointer("/status/counters").and_then(|counters| counters[name].as_u64());
            *self.losses.entry(name).or_default() += count.unwrap_or_default();
        }
        Ok(())
    }

    /// Fails when something has ended that should run.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        self.mesh.check()?;
        self.broker.process().check()
    }

    /// Events that wait for another site, as the agents say; none while one does not answer.
    pub(super) fn waiting(&self) -> anyhow::Result<u64> {
        let mut waiting = 0;
        for site in SITES {
            let status = self.mesh.agent_status_json(site)?;
            let links = status.pointer("/status/links").and_then(Value::as_array).cloned().unwrap_or_default();
            waiting += links.iter().filter_map(|link| link["backlog_events"].as_u64()).sum::<u64>();
        }
        Ok(waiting)
    }

    /// What the agents count as lost, given up or thrown away, in all their lives; only what is not nothing.
    pub(super) fn all_losses(&mut self) -> anyhow::Result<Vec<(&'static str, u64)>> {
        for site in SITES {
            self.note_losses(site)?;
        }
        let losses = std::mem::take(&mut self.losses);
        Ok(losses.into_iter().filter(|(_, count)| *count > 0).collect())
    }

    /// It went well: nothing of it is kept.
    pub(super) fn passed(mut self) -> anyhow::Result<()> {
        for site in SITES {
            self.mesh.kill_agent(site)?;
        }
        self.disk = None;
        self.mesh.passed()
    }

    /// It went wrong: what is on the small disk outlives it, with the mesh's folder.
    pub(super) fn keep(self) {
        if let Some(Err(error)) = self.disk.as_ref().map(SmallDisk::keep) {
            eprintln!("the state of {SMALL_DISK} could not be kept: {error:#}");
        }
    }
}

/// The sites and the links between them, each through a proxy of its own.
async fn chain(mesh: &mut Mesh) -> anyhow::Result<(BTreeMap<&'static str, Proxy>, BTreeMap<&'static str, Value>)> {
    let (mut links, mut sites) = (BTreeMap::new(), BTreeMap::new());
    let mut before: Option<(&'static str, Proxy)> = None;
    for site in SITES {
        let proxy = Proxy::start().await?;
        let towards = before.as_ref().map(|(site, _)| *site);
        sites.insert(site, mesh.site_with(site, towards, json!({ "fabric_address": proxy.address() })).await?);
        if let Some((hub, link)) = before.replace((site, proxy)) {
            mesh.target(&link, hub).await?;
            links.insert(site, link);
        }
    }
    mesh.linked(SITES.len() - 1).await?;
    Ok((links, sites))
}

/// A clock for each agent, which it has from now on.
fn clocks(mesh: &mut Mesh) -> anyhow::Result<BTreeMap<&'static str, Clock>> {
    let library = clock::build(&mesh.path(""))?;
    let mut clocks = BTreeMap::new();
    for site in SITES {
        let clock = Clock::new(&library, mesh.path(&format!("clock-{site}")))?;
        for (name, value) in clock.environment() {
            mesh.set_agent_environment(site, name, value)?;
        }
        mesh.kill_agent(site)?;
        mesh.run_agent(site)?;
        clocks.insert(site, clock);
    }
    Ok(clocks)
}

/// A Kafka cluster at the hub, an endpoint and a queue at the far end.
async fn targets(
    mesh: &Mesh,
    sites: &BTreeMap<&'static str, Value>,
    broker: &Broker,
    endpoint: &Endpoint,
) -> anyhow::Result<()> {
    let id = |site: &str| sites.get(site).map(|site| site["id"].clone()).unwrap_or_default();
    let cluster = json!({ "site": id("hq"), "name": "kafka", "bootstrap": [broker.bootstrap()], "tls": false,
        "ca_pem": null, "sasl": null, "discover": false });
    let cluster = mesh.api.post("brokers", &cluster).await?;
    let targets = [
        ("kafka", json!({ "kind": "kafka", "broker": cluster["id"], "topic": NAME, "key": "" })),
        (
            "endpoint",
            json!({ "kind": "webhook", "site": id("lyon"), "url": endpoint.url(), "private_addresses": true,
                "timeout_ms": 2_000 }),
        ),
    ];
    for (name, to) in targets {
        let from = json!({ "kind": "mesh", "filters": [LOAD] });
        let input = json!({ "name": name, "enabled": true, "from": from, "to": to, "mode": "guaranteed" });
        mesh.api.post("routes", &input).await?;
    }
    let queue = json!({ "name": NAME, "site": id("lyon"), "filters": [LOAD], "lease_ms": 5_000,
        "deliveries_max": null, "backoff_longest_ms": 2_000 });
    mesh.api.post("queues", &queue).await?;
    mesh.applied().await?;
    until("both routes run", SOON, async || {
        let routes = mesh.api.list("routes").await?;
        let runs = |route: &Value| route["parts"][0]["state"] == "running";
        Ok((routes.len() == 2 && routes.iter().all(runs)).then_some(()))
    })
    .await
}
