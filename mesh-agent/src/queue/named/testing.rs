//! What tests of named queues share.

use std::sync::Arc;

use mesh_protocol::desired::{self, OnFailure, QueueAccess, WhenFull};
use mesh_protocol::topic::Filter;
use uuid::Uuid;

use super::Parts;
use crate::counters::Counters;
use crate::router::Router;
use crate::spool::{Settings, SimulatedDisk, Store};
use crate::status::Board;

/// What queues work with, over a disk in memory, for a router that has no keeper yet.
pub(crate) fn parts(router: &Router) -> Parts {
    parts_over(router, &SimulatedDisk::default())
}

/// The same over this disk.
pub(crate) fn parts_over(router: &Router, disk: &SimulatedDisk) -> Parts {
    let counters = Counters::default();
    let settings = Settings { reserve_bytes: 0, ..Settings::default() };
    let spool = Arc::new(Store::over(Arc::new(disk.clone()), settings, &counters).expect("opens"));
    router.set_keeper(&spool);
    Parts { spool, router: router.clone(), counters, board: Board::default(), enforcer: Arc::default() }
}

/// A queue that attracts these, with short times.
pub(crate) fn queue(number: u128, name: &str, filters: &[&str]) -> desired::Queue {
    desired::Queue {
        id: Uuid::from_u128(number).into(),
        name: name.to_owned(),
        filters: filters.iter().map(|filter| Filter::mesh(filter).expect("valid")).collect(),
        exceptions: Vec::new(),
        access: QueueAccess::Exclusive,
        on_failure: OnFailure::BlockKey,
        paused: false,
        deliveries_max: Some(3),
        backoff_first_ms: 1,
        backoff_longest_ms: 5,
        lease_ms: 30_000,
        ttl_ms: None,
        events_max: 1_000,
        bytes_max: 1_000_000,
        when_full: WhenFull::Refuse,
        dead_letters_max: 100,
        keep_ms: None,
        keep_bytes_max: 1_000_000,
    }
}
