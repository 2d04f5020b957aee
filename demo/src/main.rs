//! `meshport-demo up`: starts the demo mesh, feeds it and stops it on Ctrl-C.
//!
//! One thread drives everything here; the work is done by the processes and by the runtime's own threads for IO.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

mod up;

/// The demo mesh of Meshport.
#[derive(Parser, Debug)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Start portal, Kafka, agents and traffic; Ctrl-C stops all of it.
    Up(Up),
}

/// How to start.
#[derive(clap::Args, Debug)]
struct Up {
    /// Folder of the demo's state; it is kept for the next start.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// Events per second that all clients make together.
    #[arg(long, env = "RATE", default_value_t = 30.0)]
    rate: f64,
    /// 0: make only sites, brokers, principals, rules and routes, and describe nothing.
    #[arg(long, env = "SEED", default_value_t = 1)]
    seed: u8,
    /// Port of the portal, if it is free at the first start; 0: any free one, for the brokers too.
    #[arg(long, env = "PORT", default_value_t = 8480)]
    port: u16,
}

fn main() -> anyhow::Result<()> {
    // A client whose broker ends says so loudly, and here brokers end on purpose.
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "warn,rumqttc=error,rdkafka=off".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let runtime = Runtime::new().context("start the runtime")?;
    let result = match Arguments::parse().command {
        Command::Up(options) => runtime.block_on(up::up(&options)),
    };
    // A client of a broker that is gone may wait for it for long; when all else has ended nobody waits for that.
    runtime.shutdown_background();
    result
}
