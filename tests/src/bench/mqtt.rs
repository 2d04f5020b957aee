//! Five publishers and five subscribers on one listener, ours with access rules, against Mosquitto without any.

mod load;

use std::process::Command;

use anyhow::Context;
use demo::ports::free_port;
use demo::process::Process;
use demo::wait::until;
use tokio::net::TcpStream;

use super::{Entry, Measured, median};
use crate::SOON;
use crate::mesh::Mesh;
use crate::mosquitto::PROGRAM as MOSQUITTO;
use crate::mqtt::raw::Qos;
use load::{Load, Target};

/// Each side gets so many, alternating; the median counts.
const ROUNDS: usize = 3;

pub(super) async fn five_to_five() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let client = mesh.client("bench", &[("publish", "bench/>"), ("subscribe", "bench/>")]).await?;
    mesh.applied().await?;
    let address = mesh.listener("hq", "mqtt").await?;
    let ours = Target { address, login: Some(client), process: mesh.agent("hq")?.id() };
    let (mosquitto, theirs) = start_mosquitto(&mesh).await?;
    let peer = version()?;
    for (load, promise, bar) in [
        (
            Load { qos: Qos::AtMostOnce, events: 100_000, pace: None },
            "nothing is acknowledged; ours checks the rights to every publish and delivery, the peer checks nothing",
            Some(2.0),
        ),
        (
            Load { qos: Qos::AtLeastOnce, events: 60_000, pace: None },
            "ours acknowledges what is on disk (fsync), the peer holds events in memory and acknowledges on receipt",
            Some(1.0),
        ),
        (
            Load { qos: Qos::AtLeastOnce, events: 4_000, pace: Some(1_000) },
            "the same at a given rate, to see how long an event takes",
            None,
        ),
    ] {
        let (ours, theirs) = rounds(&ours, &theirs, load).await?;
        Entry { work: load.to_string(), promise, ours, peer: peer.clone(), theirs, bar, limit: None }.print();
    }
    drop(mosquitto);
    mesh.passed()
}

/// The median round of each side.
async fn rounds(ours: &Target, theirs: &Target, load: Load) -> anyhow::Result<(Measured, Measured)> {
    let mut done = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (target, rounds) in [(ours, &mut done.0), (theirs, &mut done.1)] {
            let target = target.clone();
            let round = tokio::task::spawn_blocking(move || load.put_on(&target)).await.context("wait for a round")?;
            rounds.push(round?);
        }
    }
    Ok((median(done.0)?, median(done.1)?))
}

async fn start_mosquitto(mesh: &Mesh) -> anyhow::Result<(Process, Target)> {
    let port = free_port()?;
    let config = mesh.path("mosquitto.conf");
    let text =
        format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n");
    std::fs::write(&config, text).with_context(|| format!("write {}", config.display()))?;
    let mut command = Command::new(MOSQUITTO);
    let mut process = Process::start("mosquitto", command.arg("-c").arg(config), &mesh.path("logs"))?;
    let address = format!("127.0.0.1:{port}");
    until("Mosquitto listens", SOON, async || {
        process.check()?;
        Ok(TcpStream::connect(&address).await.ok().map(drop))
    })
    .await?;
    let target = Target { address, login: None, process: process.id() };
    Ok((process, target))
}

/// `Mosquitto 2.0.11`, as it says itself.
fn version() -> anyhow::Result<String> {
    let output = Command::new(MOSQUITTO).arg("-h").output().context("start mosquitto: install the package")?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = told.lines().next().and_then(|line| line.split_whitespace().last()).unwrap_or("?");
    Ok(format!("Mosquitto {number}"))
}
