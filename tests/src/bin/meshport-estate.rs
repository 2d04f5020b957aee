//! `cargo xtask estate`: a portal with a large estate, measured.

use clap::Parser;
use system_tests::estate;

/// A portal with a large estate that an agent reports, without any cluster.
#[derive(Parser, Debug)]
struct Arguments {
    /// Kafka topics, with four partitions each and a consumer group for every five.
    #[arg(long, default_value_t = 10_000)]
    topics: usize,
    /// Stay until Ctrl-C, to look at it in a browser.
    #[arg(long)]
    stay: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    estate::run(arguments.topics, arguments.stay).await
}
