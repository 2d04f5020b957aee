//! `meshport`: the portal and control plane of a Kafka mesh.

use clap::Parser;
use server::cli::Command;
use tikv_jemallocator::Jemalloc;

/// A portal makes much at once (a reading, a page, a hashed password) and then little for long. This one gives the memory
/// back a second later, where the system's keeps it: an idle portal has half as much.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> anyhow::Result<()> {
    Command::parse().run()
}
