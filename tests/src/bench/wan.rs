//! Guaranteed events over a long link: how much of it they fill.

use std::time::Duration;

use crate::proxy::Distance;
use crate::wan::{Crossed, Load, drain_backlog};

/// There and back.
const ROUND_TRIP: Duration = Duration::from_millis(80);
/// The least part of the link that the product promises to fill with payloads.
const BAR: f64 = 0.8;
/// Each link carries about as many seconds of traffic.
const SECONDS: u64 = 12;
const EVENT_BYTES: usize = 8 * 1024;

pub(super) async fn long_links() -> anyhow::Result<()> {
    println!(
        "\nGuaranteed events of {EVENT_BYTES} B over {} ms there and back, one copy, mutual TLS, custody on disk",
        ROUND_TRIP.as_millis()
    );
    println!("  the rate is kept by a token bucket in the proxy between the agents; the far side checks every event");
    for (mbits, keys) in [(20, 32), (20, 1), (100, 32), (100, 1)] {
        let bits_per_second = mbits * 1_000_000;
        let events = usize::try_from(bits_per_second * SECONDS / 8)? / EVENT_BYTES / keys * keys;
        let distance = Distance { round_trip: ROUND_TRIP, bits_per_second: Some(bits_per_second) };
        let crossed = drain_backlog(Load { distance, events, bytes: EVENT_BYTES, keys }).await?;
        let Crossed { goodput, wire, resent } = crossed;
        let ratio = goodput / bits_per_second as f64;
        let verdict = if ratio < BAR { "below the bar" } else { "reaches the bar" };
        println!(
            "  {mbits:>3} Mbit/s, {keys:>2} ordering keys: {:>5.1} Mbit/s of payload, {:>5.1} on the wire, {resent} of \
             {events} events resent; ratio {ratio:.2}: {verdict} of {BAR:.1}",
            goodput / 1e6,
            wire / 1e6
        );
    }
    Ok(())
}
