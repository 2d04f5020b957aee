//! `cargo xtask simulate`: the simulated mesh with other seeds than those of the test suite.
//!
//! The simulation is a test of the agent, so that no program contains it: what is run here is the agent's test program,
//! with the seeds in its environment.

use anyhow::Context;

use crate::cargo::run as run_command;
use crate::programs;

const SEEDS_TEST: &str = "simulation::tests::what_is_promised_is_kept_whatever_happens";
const MUTANTS_TEST: &str = "simulation::tests::every_planted_fault_is_seen";

/// Which runs.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// So many seeds.
    #[arg(long, conflicts_with = "mutants")]
    seeds: Option<u64>,
    /// This seed, or the first one of several.
    #[arg(long, conflicts_with = "mutants")]
    seed: Option<u64>,
    /// More of one kind of trouble than a seed draws: `restores` (of disks) or `crashes`.
    #[arg(long, value_parser = ["restores", "crashes"], conflicts_with = "mutants")]
    bias: Option<String>,
    /// Plant faults, one after the other, and see that each is caught.
    #[arg(long)]
    mutants: bool,
}

/// Builds the agent's test program and runs its simulation.
pub(crate) fn simulate(arguments: &Arguments) -> anyhow::Result<()> {
    // Of all unit tests, because their features are those that the whole workspace asks for.
    let programs = programs::built(&["--lib"])?;
    let agent = programs.iter().find(|program| program.name() == "mesh_agent").context("find the agent's tests")?;
    let mut command = agent.command();
    let test = if arguments.mutants { MUTANTS_TEST } else { SEEDS_TEST };
    command.args([test, "--exact", "--nocapture"]);
    let numbers = [("MESHPORT_SIMULATION_SEEDS", arguments.seeds), ("MESHPORT_SIMULATION_SEED", arguments.seed)];
    for (name, number) in numbers {
        command.env_remove(name);
        if let Some(number) = number {
            command.env(name, number.to_string());
        }
    }
    command
        .env_remove("MESHPORT_SIMULATION_BIAS")
        .envs(arguments.bias.iter().map(|bias| ("MESHPORT_SIMULATION_BIAS", bias)));
    run_command(&mut command)
}
