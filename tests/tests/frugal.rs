//! The bars for memory and page times, on the build at hand.
//!
//! Most of what is resident of an idle agent is the pages of its own program, so a build for development optimises the
//! larger part of them (`Cargo.toml`). Pages are rendered by unoptimised code there: such a build is held to a multiple of
//! the time, and `cargo xtask bench` judges a release build by the bar.

use std::time::Duration;

use anyhow::ensure;
use system_tests::frugal::{AGENT_BYTES_MAX, Idle, PAGE_TIME_MAX, PORTAL_BYTES_MAX, idle, pages};

/// Heap and stacks of an idle agent; 6 MB when this was written.
const AGENT_OWN_BYTES_MAX: u64 = 15_000_000;
/// Heap and stacks of an idle portal; 23 MB when this was written, with a search index and its writer.
const PORTAL_OWN_BYTES_MAX: u64 = 30_000_000;
/// What the program's own pages may take more without optimisation: most of the agent is optimised a little, its libraries
/// for the spool and for Kafka are not.
const UNOPTIMISED_BYTES: u64 = 14_000_000;
/// The same of the portal, whose own code and nearly all libraries are not optimised: what of its program is resident grows
/// with every page that it has (22 MB over the bar when this was written).
const PORTAL_UNOPTIMISED_BYTES: u64 = 40_000_000;
/// How many times slower a page may be without optimisation, on a machine that is busy with other tests.
const UNOPTIMISED: u32 = 8;

#[tokio::test]
async fn an_idle_mesh_takes_little_memory() -> anyhow::Result<()> {
    let Idle { agent, portal } = idle().await?;
    println!("agent: {agent}\nportal: {portal}");
    ensure!(agent.anonymous < AGENT_OWN_BYTES_MAX, "an idle agent has {agent}");
    ensure!(portal.anonymous < PORTAL_OWN_BYTES_MAX, "an idle portal has {portal}");
    let portal_max =
        if cfg!(debug_assertions) { PORTAL_BYTES_MAX + PORTAL_UNOPTIMISED_BYTES } else { PORTAL_BYTES_MAX };
    ensure!(portal.resident < portal_max, "an idle portal has {portal}");
    let agent_max = if cfg!(debug_assertions) { AGENT_BYTES_MAX + UNOPTIMISED_BYTES } else { AGENT_BYTES_MAX };
    ensure!(agent.resident < agent_max, "an idle agent has {agent}");
    Ok(())
}

#[tokio::test]
async fn the_demos_pages_are_fast() -> anyhow::Result<()> {
    let most: Duration = if cfg!(debug_assertions) { PAGE_TIME_MAX * UNOPTIMISED } else { PAGE_TIME_MAX };
    let times = pages(most).await?;
    for (page, time) in &times {
        println!("{page:<16} {:>6.1} ms", time.as_secs_f64() * 1e3);
    }
    let slow: Vec<_> = times.into_iter().filter(|(_, time)| *time > most).collect();
    ensure!(slow.is_empty(), "slower than {} ms: {slow:?}", most.as_millis());
    Ok(())
}
