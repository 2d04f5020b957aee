//! `cargo xtask simulate`: the simulated mesh with other seeds than those of the test suite.
//!
//! The simulation is a test of the agent, so that no program contains it: what is run here is the agent's test program,
//! with the seeds in its environment.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cargo::{cargo, root, run as run_command};

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
    let mut command = Command::new(program()?);
    let test = if arguments.mutants { MUTANTS_TEST } else { SEEDS_TEST };
    command.current_dir(root().join("mesh-agent")).args([test, "--exact", "--nocapture"]);
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

/// The agent's unit tests, built with the features that the whole workspace asks for.
fn program() -> anyhow::Result<PathBuf> {
    let mut command = cargo(["test", "--workspace", "--lib", "--no-run", "--message-format=json-render-diagnostics"]);
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().context("start `cargo test`")?;
    let output = child.stdout.take().expect("stdout was asked to be a pipe");
    let mut program = None;
    for line in BufReader::new(output).lines() {
        program = test_program(&line.context("read the output of `cargo test`")?).or(program);
    }
    let status = child.wait().context("wait for `cargo test`")?;
    if !status.success() {
        bail!("the agent's tests cannot be built ({status}): see the first error above");
    }
    program.context("`cargo test` names no test program of the agent")
}

/// The agent's test program, if Cargo speaks of it in this line.
fn test_program(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_it = message["target"]["name"] == "mesh_agent" && message["profile"]["test"] == true;
    message["executable"].as_str().filter(|_| is_it).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::test_program;

    #[test]
    fn the_test_program_is_found_among_what_cargo_says() {
        let said = |name: &str, test: bool, executable: &str| {
            format!(r#"{{"target":{{"name":"{name}"}},"profile":{{"test":{test}}},"executable":{executable}}}"#)
        };
        let found = Some(PathBuf::from("/target/mesh_agent-1"));
        assert_eq!(test_program(&said("mesh_agent", true, r#""/target/mesh_agent-1""#)), found);
        assert_eq!(test_program(&said("mesh_agent", false, "null")), None);
        assert_eq!(test_program(&said("server", true, r#""/target/server-1""#)), None);
        assert_eq!(test_program("   Compiling mesh-agent"), None);
    }
}
