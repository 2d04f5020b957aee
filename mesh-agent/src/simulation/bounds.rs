//! I10: nothing grows beyond its limit.

use crate::stream::Settings;

use super::plan::agent;
use super::world::World;

/// What the fabric reads ahead of the credit, beyond the last event.
const UNSENT_BYTES: u64 = 512 * 1024;
/// The largest event of a plan with its metadata.
const EVENT_BYTES: u64 = 64 * 1024;

pub(super) fn check(world: &World, index: usize) -> Result<(), String> {
    let Some(process) = &world.sites[index].process else { return Ok(()) };
    for other in (0..world.plan.sites).filter(|other| *other != index) {
        let Some(seen) = process.fabric.seen(agent(other)) else { continue };
        let (bytes, events) = seen.under_way;
        let granted = world.granted.get(&(other, index)).copied().unwrap_or_default();
        if events > 1 && bytes > granted.max(Settings::default().initial_credit_bytes) {
            return Err(format!("I10: site {index} has {bytes} bytes under way on one lane to site {other}"));
        }
        // What passes through is bounded by the budget of its publishers.
        let passing = process.budget_in_use() as u64;
        if seen.unsent_bytes > UNSENT_BYTES + EVENT_BYTES + passing {
            return Err(format!("I10: site {index} has taken {} bytes to send to site {other}", seen.unsent_bytes));
        }
    }
    for (at, queue) in &process.queues {
        let (waiting, out, dying) = queue.standing();
        if waiting + out + dying > 8_192 {
            return Err(format!("I10: queue {at} has {waiting} + {out} + {dying} events in hand"));
        }
    }
    Ok(())
}
