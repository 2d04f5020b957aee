//! A long link is filled: what may be under way follows the distance. `cargo xtask bench wan` judges how well, on a release
//! build; the floor here is what a window that does not grow would miss.

use std::time::Duration;

use anyhow::ensure;
use system_tests::proxy::Distance;
use system_tests::wan::{Load, drain_backlog};

const BITS_PER_SECOND: u64 = 20_000_000;
const ROUND_TRIP: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn one_ordering_key_fills_more_than_half_of_a_long_link() -> anyhow::Result<()> {
    let distance = Distance { round_trip: ROUND_TRIP, bits_per_second: Some(BITS_PER_SECOND) };
    let crossed = drain_backlog(Load { distance, events: 2_000, bytes: 8 * 1024, keys: 1 }).await?;
    println!("{crossed:?}");
    let ratio = crossed.goodput / BITS_PER_SECOND as f64;
    ensure!(ratio > 0.5, "only {ratio:.2} of the link: {crossed:?}");
    Ok(())
}
