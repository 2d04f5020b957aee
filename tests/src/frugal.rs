//! What the product costs while nothing happens, and how fast its pages are: measured here, judged by a test on the
//! build at hand and by the benchmarks on a release build.

use std::time::Duration;

use anyhow::Context;
use demo::wait::until;
use tokio::time::{Instant, sleep, sleep_until};

use crate::SOON;
use crate::demo_mesh::{DemoMesh, PAGES, Seed};
use crate::mesh::Mesh;
use crate::usage::{self, Memory};

/// Most resident memory of an idle agent, in bytes.
pub const AGENT_BYTES_MAX: u64 = 40_000_000;
/// Most resident memory of an idle portal, in bytes.
pub const PORTAL_BYTES_MAX: u64 = 100_000_000;
/// Longest time of a page of the demo.
pub const PAGE_TIME_MAX: Duration = Duration::from_millis(50);

/// A program counts as idle when it has run for so long without a client: what its start took is given back by then.
const IDLE_AFTER: Duration = Duration::from_secs(60);

/// How long another program on the machine is left alone before a slow page is measured again.
const ELSEWHERE: Duration = Duration::from_secs(10);

/// Memory of a mesh that has nothing to do.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// The largest of its agents.
    pub agent: Memory,
    /// Its portal.
    pub portal: Memory,
}

/// Three sites in a chain, joined, linked, with the newest policy, and nobody connected since they started.
///
/// # Errors
/// The mesh does not come up.
pub async fn idle() -> anyhow::Result<Idle> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    mesh.site("berlin", Some("hq")).await?;
    mesh.site("lyon", Some("hq")).await?;
    let last_start = Instant::now();
    mesh.client("till", &[("publish", "orders/>")]).await?;
    mesh.applied().await?;
    until("both links are up", SOON, async || {
        let links = mesh.api.list("links").await?;
        Ok((links.len() == 2 && links.iter().all(|link| link["up"] == true)).then_some(()))
    })
    .await?;
    // A time, not a state: idle is defined by it.
    sleep_until(last_start + IDLE_AFTER).await;
    let mut agent = usage::memory(mesh.agent("hq")?.id())?;
    for site in ["berlin", "lyon"] {
        let other = usage::memory(mesh.agent(site)?.id())?;
        if other.resident > agent.resident {
            agent = other;
        }
    }
    let portal = usage::memory(mesh.portal()?.id())?;
    mesh.passed()?;
    Ok(Idle { agent, portal })
}

/// The time of each page on the demo's data and under its traffic. One that takes longer than `most` is measured again, twice
/// at most, and its shortest time counts: a page that is slow stays slow, another program on the machine goes away.
///
/// # Errors
/// The demo does not come up, or a page is not served.
pub async fn pages(most: Duration) -> anyhow::Result<Vec<(&'static str, Duration)>> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let mut demo = DemoMesh::start(folder.path(), Seed::Described).await?;
    demo.found().await?;
    let mut times = Vec::new();
    for page in PAGES {
        times.push((page, demo.page_time(page).await?));
    }
    for _ in 0..2 {
        if times.iter().any(|(_, time)| *time > most) {
            sleep(ELSEWHERE).await;
        }
        for (page, time) in times.iter_mut().filter(|(_, time)| *time > most) {
            *time = demo.page_time(page).await?.min(*time);
        }
    }
    Ok(times)
}
