//! How a pump offers the events of its queue.

use std::time::Duration;

use super::item::{Consumption, Order};
use super::rules::Backoff;

/// Events an outlet that keeps the order itself may have at once.
const WINDOW: usize = 4_096;

/// What an outlet may have at once, and what becomes of an event that it gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// What it may have at once.
    pub consumption: Consumption,
    /// Pauses before an event that was given back is offered again. They are drawn up to a quarter longer, so that what
    /// failed together does not come back together.
    pub backoff: Backoff,
    /// An event that was given back so often is a dead letter; none: it is tried for ever.
    pub deliveries_max: Option<u16>,
}

impl Manner {
    /// For an outlet that keeps the order of what it was offered and never gives anything back: a Kafka producer.
    pub const STREAM: Self = Self {
        consumption: Consumption { window: WINDOW, order: Order::GoesOn },
        backoff: Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(60) },
        deliveries_max: None,
    };

    /// For an outlet that works on several events at once, each of another ordering key, and gives back what did not work
    /// ([`Failure::Again`](crate::router::Failure::Again)): the later events of that key wait, the other keys go on.
    #[must_use]
    pub const fn one_by_one(at_once: usize, deliveries_max: Option<u16>) -> Self {
        let consumption = Consumption { window: at_once, order: Order::OneByOne };
        Self { consumption, deliveries_max, ..Self::STREAM }
    }
}
