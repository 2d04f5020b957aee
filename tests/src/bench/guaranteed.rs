//! Guaranteed events, on disk before they are acknowledged, against JetStream with `sync_interval: always`.
//!
//! At one site nobody takes the events while they are published: it is about what keeping costs. Then they are taken and
//! checked. Between two sites the consumer is at the other one; what keeps them there follows by itself, ours over the
//! fabric, the peer's as a mirror over a leaf node link, both with mutual TLS.

mod committer;
mod jetstream;

use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use self::jetstream::Stream;
use super::ends::{Consumer, MqttConsumer, MqttPublisher, Publisher, Side};
use super::load::{Bound, Load};
use super::{Entry, Limit, Measured, median};
use crate::mesh::{Login, Mesh};
use crate::mqtt::raw::{Client, Qos};
use crate::nats::{Authority, Plan, Program, Server};

/// Each side gets so many, alternating; the median counts.
const ROUNDS: usize = 3;
const LASTS: Duration = Duration::from_secs(4);
/// The least ratio to the peer that the product promises.
const BAR: f64 = 5.0;
/// The least part of what the committer alone does.
const BAR_OF_COMMITTER: f64 = 0.6;
/// Where an event waits for each sync alone, the disk sets the rate of both sides and there is no bar.
const CASES: [(usize, usize, Option<f64>); 4] =
    [(1, 1, None), (1, 64, Some(BAR)), (32, 1, Some(BAR)), (32, 64, Some(BAR))];
/// Events per second where time counts and not the rate.
const PACE: u32 = 100;

const PROMISE_AT_ONE: &str = "both acknowledge what is on disk (fsync); ours in a named queue, with rights checked, the \
                              peer's in a stream; p50 and p99 are those of acknowledgements";
const PROMISE_AT_TWO: &str = "both acknowledge what is on disk at the first site; then it is on disk at the second too and \
                              its consumer acknowledges there; p50 and p99 from publisher to consumer";

/// A named queue of the mesh.
struct Queue {
    near: String,
    far: String,
    login: Login,
    processes: Vec<u32>,
}

impl Side for Queue {
    fn processes(&self) -> Vec<u32> {
        self.processes.clone()
    }

    /// Each round takes out what it has put in.
    fn prepare(&self) -> anyhow::Result<()> {
        Ok(())
    }

    fn publisher(&self, number: usize) -> anyhow::Result<Box<dyn Publisher>> {
        let client = Client::connect(&self.near, Some(&self.login), &format!("pub-{number}"))?;
        Ok(Box::new(MqttPublisher { client, topic: format!("bench/{number}"), qos: Qos::AtLeastOnce }))
    }

    fn consumer(&self) -> anyhow::Result<Box<dyn Consumer>> {
        let mut client = Client::connect(&self.far, Some(&self.login), "sub")?;
        client.subscribe("$queue/bench", Qos::AtLeastOnce)?;
        Ok(Box::new(MqttConsumer(client)))
    }
}

/// A site, and another one that is linked to it when they are two, with a queue at the first.
async fn queue(mesh: &mut Mesh, sites: &[&str]) -> anyhow::Result<Queue> {
    let first = *sites.first().context("there is a site")?;
    let site = mesh.site(first, None).await?;
    for other in &sites[1..] {
        mesh.site(other, Some(first)).await?;
    }
    let rights = [("publish", "bench/>"), ("subscribe", "bench/>"), ("manage_queue", "bench/>")];
    let login = mesh.client("bench", &rights).await?;
    mesh.api.post("queues", &json!({ "name": "bench", "site": site["id"], "filters": ["bench/>"] })).await?;
    mesh.applied().await?;
    mesh.linked(sites.len() - 1).await?;
    let last = *sites.last().context("there is a site")?;
    let processes = sites.iter().map(|site| Ok(mesh.agent(site)?.id())).collect::<anyhow::Result<_>>()?;
    let (near, far) = (mesh.listener(last, "mqtt").await?, mesh.listener(first, "mqtt").await?);
    Ok(Queue { near, far, login, processes })
}

/// What is kept, and acknowledged when it is on disk.
pub(super) async fn one_site() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let ours = queue(&mut mesh, &["hq"]).await?;
    let program = Program::fetch().await?;
    let authority = Authority::new(mesh.path("nats-tls"))?;
    let plan = Plan { name: "near", streams: true, accepts: false, links_to: None };
    let server = Server::start(&mesh, &program, &authority, plan).await?;
    let theirs = Stream::alone(&server);
    for (publishers, in_flight, bar) in CASES {
        let load = Load { publishers, bound: Bound::Unanswered(in_flight), pace: None, lasts: LASTS };
        let (ours, theirs, alone) = tokio::task::block_in_place(|| {
            let (mut our, mut their, mut alone) = (Vec::new(), Vec::new(), Vec::new());
            for round in 0..ROUNDS {
                our.push(load.keep_at(&ours)?);
                their.push(load.keep_at(&theirs)?);
                let folder = mesh.path(&format!("committer-{publishers}-{in_flight}-{round}"));
                alone.push(committer::alone(&folder, publishers * in_flight, LASTS)?);
            }
            anyhow::Ok((median(our)?, median(their)?, median(alone)?))
        })?;
        let limit = Limit { name: "our committer alone", measured: alone, bar: BAR_OF_COMMITTER };
        let work = format!("Guaranteed, one site, {load}");
        let peer = format!("{} JetStream", program.version()?);
        Entry { work, promise: PROMISE_AT_ONE, ours, peer, theirs, bar, limit: Some(limit) }.print();
    }
    drop(server);
    mesh.passed()
}

/// What is brought from one site to the other.
pub(super) async fn two_sites() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let ours = queue(&mut mesh, &["hq", "berlin"]).await?;
    let program = Program::fetch().await?;
    let authority = Authority::new(mesh.path("nats-tls"))?;
    let plan = Plan { name: "near", streams: true, accepts: true, links_to: None };
    let near = Server::start(&mesh, &program, &authority, plan).await?;
    let plan = Plan { name: "far", streams: true, accepts: false, links_to: Some(&near) };
    let far = Server::start(&mesh, &program, &authority, plan).await?;
    let theirs = Stream::mirrored(&near, &far);
    for (publishers, in_flight, pace, bar) in
        [(1, 64, None, Some(BAR)), (32, 64, None, Some(BAR)), (1, 64, Some(PACE), None)]
    {
        let load = Load { publishers, bound: Bound::Unanswered(in_flight), pace, lasts: LASTS };
        let (ours, theirs) = rounds(load, &ours, &theirs)?;
        let work = format!("Guaranteed, from one site to another, {load}");
        let peer = format!("{} JetStream", program.version()?);
        Entry { work, promise: PROMISE_AT_TWO, ours, peer, theirs, bar, limit: None }.print();
    }
    drop((far, near));
    mesh.passed()
}

/// The median round of each side.
fn rounds(load: Load, ours: &dyn Side, theirs: &dyn Side) -> anyhow::Result<(Measured, Measured)> {
    tokio::task::block_in_place(|| {
        let (mut our, mut their) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            our.push(load.bring_through(ours)?);
            their.push(load.bring_through(theirs)?);
        }
        Ok((median(our)?, median(their)?))
    })
}
