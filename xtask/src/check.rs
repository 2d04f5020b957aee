//! `cargo xtask check`: what can be said about the sources without running them.

use anyhow::bail;

use crate::cargo::{cargo, run};
use crate::step::Steps;
use crate::tidy;

type Check = fn() -> anyhow::Result<()>;

/// The checks, by name, in the order of their cost.
pub(crate) const CHECKS: [(&str, Check); 4] = [
    ("formatting", formatting),
    ("tidiness", tidy::tidy),
    ("lints", lints),
    ("lints of the browser's part", wasm_lints),
];

/// Runs all checks, also after one has failed, and fails when any did.
pub(crate) fn check() -> anyhow::Result<()> {
    let failed = run_all();
    if failed > 0 {
        bail!("{failed} of {} checks failed", CHECKS.len());
    }
    println!("all checks passed");
    Ok(())
}

/// Runs all checks and returns how many failed.
pub(crate) fn run_all() -> usize {
    let mut steps = Steps::new(CHECKS.len());
    CHECKS
        .iter()
        .filter(|(name, check)| match steps.step(name, check) {
            Ok(()) => false,
            Err(error) => {
                eprintln!("{name} failed: {error:#}");
                true
            }
        })
        .count()
}

fn formatting() -> anyhow::Result<()> {
    run(&mut cargo(["fmt", "--all", "--check"]))
}

fn lints() -> anyhow::Result<()> {
    run(&mut cargo(["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
}

fn wasm_lints() -> anyhow::Result<()> {
    let mut command = cargo(["clippy", "--quiet", "--package", "frontend", "--lib", "--features", "hydrate"]);
    run(command.args(["--target", "wasm32-unknown-unknown", "--", "--deny", "warnings"]))
}
