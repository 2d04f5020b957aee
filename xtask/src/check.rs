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

/// Runs the checks whose name contains `only` (all without it), also after one has failed; fails when any did.
pub(crate) fn check(only: Option<&str>) -> anyhow::Result<()> {
    let failed = run_all(only);
    if failed > 0 {
        bail!("{failed} checks failed");
    }
    println!("all checks passed");
    Ok(())
}

/// Runs the checks and returns how many failed.
pub(crate) fn run_all(only: Option<&str>) -> usize {
    let chosen: Vec<_> = CHECKS.iter().filter(|(name, _)| only.is_none_or(|only| name.contains(only))).collect();
    let mut steps = Steps::new(chosen.len());
    let mut failed = 0;
    for (name, check) in chosen {
        if let Err(error) = steps.step(name, check) {
            eprintln!("{name} failed: {error:#}");
            failed += 1;
        }
    }
    failed
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
