//! `meshport`: the portal and control plane of a Kafka mesh.

use clap::Parser;
use server::cli::Command;

fn main() -> anyhow::Result<()> {
    Command::parse().run()
}
