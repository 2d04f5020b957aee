//! `cargo xtask torture`: a mesh under load and faults, and an account of every acknowledged event.

use std::time::Duration;

use clap::Parser;
use demo::kafka::Jars;
use system_tests::torture::{self, Options};
use tokio::runtime::Runtime;

/// Torture of a mesh of real processes. It prints its plan; the same seed draws the same plan again.
#[derive(Parser, Debug)]
struct Arguments {
    /// How long the load flows and faults come.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// The plan is drawn from it [default: another one each time].
    #[arg(long)]
    seed: Option<u64>,
    /// Only faults of one kind: kill, restart, freeze, cut, silence, partition, kafka-hangs, endpoint-hangs, endpoint-fails,
    /// disk-full, portal-away, denied, clock.
    #[arg(long, value_name = "FAULT")]
    only: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let Arguments { minutes, seed, only } = Arguments::parse();
    let length = Duration::try_from_secs_f64(minutes * 60.0)?;
    // While there is a network to fetch it from.
    runtime()?.block_on(Jars::fetch())?;
    torture::partition::enter();
    runtime()?.block_on(torture::run(&Options { length, seed: seed.unwrap_or_else(rand::random), only }))
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
