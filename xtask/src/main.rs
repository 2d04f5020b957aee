//! All automation of this repository: one Rust program, so that a fresh machine needs Cargo and nothing else.
//!
//! `make` only installs what is missing and calls this. Processes that make up a running mesh are not started here but
//! by the demo and the tests, which share that code; this crate stays small, so that the first step of every command
//! compiles in seconds.

mod cargo;
mod check;
mod clean;
mod postgres;
mod programs;
mod run;
mod simulate;
mod site;
mod step;
mod test;
mod tidy;

use clap::{Parser, Subcommand};

/// Automation of the Meshport repository.
#[derive(Parser, Debug)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Build the browser's part, then every program.
    Build,
    /// Build, start the demo mesh and print where to look; Ctrl-C stops all of it.
    Run,
    /// Formatting, lints and the rules of tidiness; no tests.
    Check {
        /// Only the checks whose name contains this, such as `tidi`.
        only: Option<String>,
    },
    /// Everything CI wants to see: `check`, then the build and all tests. The last line is the count.
    Test {
        /// Only the tests, and only those whose name contains this.
        filter: Option<String>,
    },
    /// A whole mesh in one thread, with crashes, losses and clocks of its own: what the test suite runs, with other seeds.
    /// A seed that fails is printed with the command that replays it.
    Simulate(simulate::Arguments),
    /// Ours and peers in one run, with release builds: `mqtt` (Mosquitto), `fabric` and `guaranteed` (NATS), `kafka`
    /// (MirrorMaker 2), `catalog` (SQLite's search), `discovery` (Kafka's own tools),
    /// and the bars for memory, page times and long links: `idle`, `pages`, `wan`.
    Bench {
        /// Only the entries whose name contains this.
        only: Option<String>,
    },
    /// A portal with a large estate, `--topics 10000`, that an agent reports without any cluster: how fast its pages are and
    /// what it takes, on a release build. `--stay` keeps it for a look.
    Estate {
        /// For `meshport-estate`; `--help` tells more.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// A mesh of real processes under load, with faults drawn from a seed; accounts for every acknowledged event at its end.
    Torture {
        /// For `meshport-torture`: `--minutes N`, `--seed S`, `--only FAULT`; `--help` tells more.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Remove the state of the demo mesh (`./data`).
    Clean,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Build => run::build(&mut step::Steps::new(run::steps_of_build())).map(drop),
        Command::Run => run::run(),
        Command::Check { only } => check::check(only.as_deref()),
        Command::Test { filter } => test::test(filter.as_deref()),
        Command::Simulate(arguments) => simulate::simulate(&arguments),
        Command::Bench { only } => run::bench(only.as_deref()),
        Command::Estate { options } => run::estate(&options),
        Command::Torture { options } => run::torture(&options),
        Command::Clean => clean::clean(),
    }
}
