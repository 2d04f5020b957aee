//! `cargo xtask build` and `cargo xtask run`.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Context;

use crate::cargo::{cargo, root, run as run_command, target_dir};
use crate::site::{self, Profile};
use crate::step::Steps;

/// What `make run` runs.
const PROGRAMS: [&str; 3] = ["meshport", "mesh-agent", "meshport-demo"];

/// Builds the browser's part and then all programs. The order matters: the server embeds the first in itself.
///
/// By program, not by package: features are then unified over the whole workspace, tests included, and what a later
/// build of the tests shares with this one it finds in its variant. What only tests need is left to that.
pub(crate) fn build(steps: &mut Steps) -> anyhow::Result<()> {
    if !site::exists() {
        return steps.step("build the pages (wasm), the portal, the agent and the demo", build_together);
    }
    steps.step("build the pages for the browser (wasm)", || site::build(Profile::Dev))?;
    steps.step("build the portal, the agent and the demo", || run_command(&mut programs()))
}

fn programs() -> Command {
    let mut command = cargo(["build", "--workspace"]);
    command.args(PROGRAMS.into_iter().flat_map(|program| ["--bin", program]));
    command
}

/// The first build: the pages' optimiser keeps one core busy for minutes, the programs' crates meanwhile the others. The
/// server's build script waits for the site.
fn build_together() -> anyhow::Result<()> {
    let pending = site::Pending::begin()?;
    let mut programs = programs();
    let mut programs = programs.env(site::PENDING, pending.marker()).spawn().context("start `cargo build`")?;
    let site = site::build(Profile::Dev).and_then(|()| pending.date_back());
    drop(pending);
    let status = programs.wait().context("wait for `cargo build`")?;
    site?;
    anyhow::ensure!(status.success(), "`cargo build --workspace` failed ({status})");
    Ok(())
}

/// Steps that [`build`] will take.
pub(crate) fn steps_of_build() -> usize {
    if site::exists() { 2 } else { 1 }
}

/// Builds, then becomes the demo: it starts the mesh, prints addresses and logins and stops everything on Ctrl-C.
///
/// It replaces this process, so that the terminal's Ctrl-C reaches one program that knows what to stop.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::new(steps_of_build());
    build(&mut steps)?;
    println!("built in {:.1} s", steps.elapsed_s());
    become_program(Command::new(target_dir().join("debug/meshport-demo")).arg("up"))
}

/// Builds for release, then becomes the benchmarks.
pub(crate) fn bench(only: Option<&str>) -> anyhow::Result<()> {
    release("meshport-bench")?;
    become_program(Command::new(target_dir().join("release/meshport-bench")).args(only))
}

/// Builds for release, then becomes the estate.
pub(crate) fn estate(options: &[String]) -> anyhow::Result<()> {
    release("meshport-estate")?;
    become_program(Command::new(target_dir().join("release/meshport-estate")).args(options))
}

/// Builds what runs, and a program that measures it.
fn release(measures: &str) -> anyhow::Result<()> {
    let mut steps = Steps::new(2);
    steps.step("build the pages for the browser (wasm)", || site::build(Profile::Release))?;
    let programs = PROGRAMS.into_iter().chain([measures]).flat_map(|program| ["--bin", program]);
    steps.step("build the programs for release", || {
        run_command(cargo(["build", "--workspace", "--release"]).args(programs))
    })
}

/// Builds, then becomes the torture.
pub(crate) fn torture(options: &[String]) -> anyhow::Result<()> {
    let mut steps = Steps::new(steps_of_build() + 1);
    build(&mut steps)?;
    steps
        .step("build the torture", || run_command(&mut cargo(["build", "--workspace", "--bin", "meshport-torture"])))?;
    become_program(Command::new(target_dir().join("debug/meshport-torture")).args(options))
}

fn become_program(command: &mut Command) -> anyhow::Result<()> {
    let error = command.current_dir(root()).exec();
    Err(error).with_context(|| format!("start {}", command.get_program().display()))
}
