//! `cargo xtask bench [NAME]`: ours and a peer in one run on one machine, with the same clients at both ends.

use clap::Parser;
use system_tests::bench;

/// Benchmarks against peers.
#[derive(Parser, Debug)]
struct Arguments {
    /// Only the entries whose name contains this: `idle`, `pages`, `catalog`, `wan`, `mqtt`, `fabric`, `guaranteed`, `kafka`.
    only: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    bench::run(Arguments::parse().only.as_deref()).await
}
