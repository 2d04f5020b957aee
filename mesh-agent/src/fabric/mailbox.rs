//! Where the router leaves events for other agents. One lock, held for a push or a swap.

use std::sync::Mutex;

use mesh_protocol::event::DeliveryMode;
use tokio::sync::Notify;

use crate::counters::Counter;
use crate::router::{Delivery, EVENT_OVERHEAD_BYTES, Outlet};

/// Bytes of direct events that may wait. Guaranteed ones are bounded by the byte budget they were admitted under.
const DIRECT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The fabric's outlet.
#[derive(Debug)]
pub(super) struct Mailbox {
    waiting: Mutex<Waiting>,
    wake: Notify,
    dropped: Counter,
}

#[derive(Debug, Default)]
struct Waiting {
    deliveries: Vec<Delivery>,
    direct_bytes: usize,
}

impl Mailbox {
    pub(super) fn new(dropped: Counter) -> Self {
        Self { waiting: Mutex::default(), wake: Notify::new(), dropped }
    }

    /// Everything that waits.
    pub(super) fn take(&self) -> Vec<Delivery> {
        let mut waiting = self.waiting.lock().expect("no panic while held");
        std::mem::take(&mut *waiting).deliveries
    }

    /// Wakes when something waits.
    pub(super) async fn filled(&self) {
        self.wake.notified().await;
    }
}

impl Outlet for Mailbox {
    fn offer(&self, delivery: Delivery) {
        let mut waiting = self.waiting.lock().expect("no panic while held");
        if delivery.event.event().mode == DeliveryMode::Direct {
            let bytes = delivery.event.event().payload.len() + EVENT_OVERHEAD_BYTES;
            if waiting.direct_bytes + bytes > DIRECT_BYTES_MAX {
                self.dropped.add(delivery.matched.len() as u64);
                return;
            }
            waiting.direct_bytes += bytes;
        }
        waiting.deliveries.push(delivery);
    }

    fn flush(&self) {
        self.wake.notify_one();
    }
}
