//! The byte budget: taken at admission, given back when custody ends.
//!
//! It bounds the memory of all events in flight, whatever the number of clients. A guaranteed sender is slowed by it
//! (MQTT reading pauses, HTTP gets 503); a direct event only needs it while it is handed out.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Fixed cost of an event beside its payload, in bytes.
pub const EVENT_OVERHEAD_BYTES: usize = 512;

/// Bytes that may be in flight at once.
#[derive(Clone, Debug)]
pub struct Budget {
    bytes: Arc<Semaphore>,
    total: u32,
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
pub struct Admission {
    _share: Option<OwnedSemaphorePermit>,
}

impl Admission {
    /// For events that are accounted for elsewhere.
    pub(super) const fn free() -> Self {
        Self { _share: None }
    }
}

/// The budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the agent holds as many unfinished events as it may; try again in a moment")]
pub struct Overloaded;

impl Budget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(bytes: u32) -> Self {
        Self { bytes: Arc::new(Semaphore::new(bytes as usize)), total: bytes }
    }

    /// Waits for room. A request above the whole budget takes all of it.
    pub async fn take(&self, bytes: usize) -> Admission {
        let share = self.bytes.clone().acquire_many_owned(self.clamp(bytes)).await;
        Admission { _share: share.ok() }
    }

    /// Takes room if there is some.
    ///
    /// # Errors
    /// [`Overloaded`] when there is none; the sender is told to come back.
    pub fn try_take(&self, bytes: usize) -> Result<Admission, Overloaded> {
        let share = self.bytes.clone().try_acquire_many_owned(self.clamp(bytes)).map_err(|_| Overloaded)?;
        Ok(Admission { _share: Some(share) })
    }

    /// Bytes in flight now.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.total as usize - self.bytes.available_permits()
    }

    fn clamp(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.total)
    }
}
