//! Two minutes of faults in a mesh under load: `cargo xtask torture` runs longer and with other seeds.

use std::time::Duration;

use system_tests::torture::{Options, run};

/// Drawn once, so that a run is the same plan everywhere. It has every kind of fault.
const SEED: u64 = 12;
const LENGTH: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_event_is_accounted_for_after_two_minutes_of_faults() -> anyhow::Result<()> {
    run(&Options { length: LENGTH, seed: SEED, only: None }).await
}
