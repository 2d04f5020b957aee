//! Two minutes of faults in a mesh under load: `cargo xtask torture` runs longer and with other seeds.

use std::collections::HashSet;
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;
use demo::process::Process;
use system_tests::torture::plan::{KINDS, draw};

/// Drawn once, so that a run is the same plan everywhere. It has every kind of fault.
const SEED: u64 = 12;
const MINUTES: f64 = 2.0;
/// With all that is before and after the load.
const DEADLINE: Duration = Duration::from_secs(900);

#[tokio::test]
async fn every_acknowledged_event_is_accounted_for_after_two_minutes_of_faults() -> anyhow::Result<()> {
    let logs = tempfile::tempdir()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshport-torture"));
    command.args(["--seed", &SEED.to_string(), "--minutes", &MINUTES.to_string()]);
    let mut torture = Process::start("torture", &command, logs.path())?;
    let ended = tokio::task::spawn_blocking(move || {
        torture.wait(DEADLINE);
        let ended = torture.ended();
        // Two minutes of a busy mesh: what it did is worth reading when it went wrong.
        println!("{}", torture.tail(usize::MAX));
        ended
    });
    let status = ended.await??;
    ensure!(status.is_some_and(|status| status.success()), "the torture went wrong: {status:?}");
    Ok(())
}

#[test]
fn the_plan_of_the_two_minutes_has_every_kind_of_fault() {
    let steps = draw(SEED, Duration::from_secs_f64(MINUTES * 60.0), &KINDS);
    let kinds: HashSet<_> = steps.iter().map(|step| std::mem::discriminant(&step.fault)).collect();
    assert_eq!(kinds.len(), KINDS.len(), "choose another seed");
}
