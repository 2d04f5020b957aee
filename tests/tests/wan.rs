//! Over a long and narrow link everything arrives. How much of the link is filled is measured, not tested:
//! `cargo xtask bench wan`.

use std::time::Duration;

use system_tests::proxy::Distance;
use system_tests::wan::{Load, drain_backlog};

const BITS_PER_SECOND: u64 = 20_000_000;
const ROUND_TRIP: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_crosses_a_long_link_whole() -> anyhow::Result<()> {
    let distance = Distance { round_trip: ROUND_TRIP, bits_per_second: Some(BITS_PER_SECOND) };
    let crossed = drain_backlog(Load { distance, events: 2_000, bytes: 8 * 1024, keys: 1 }).await?;
    println!("{crossed:?}");
    Ok(())
}
