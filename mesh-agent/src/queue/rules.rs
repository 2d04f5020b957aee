//! What a queue promises its consumers.

use std::time::Duration;

/// Who may have events at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Access {
    /// The consumer that has been there longest; the others stand by.
    #[default]
    Exclusive,
    /// All of them, each event to one.
    Shared,
    /// All of them, each ordering key to one. A key moves to another consumer only when nothing of it is out.
    Partitioned,
}

/// What the failure of an event means for the later ones of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// They wait: nothing of a key overtakes.
    #[default]
    BlockKey,
    /// They go on.
    Overtake,
}

/// Pauses before an event is delivered again: doubled from the first to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// Never longer.
    pub longest: Duration,
}

impl Backoff {
    /// The pause after so many failures.
    #[must_use]
    pub fn after(&self, failures: u16) -> Duration {
        let doublings = u32::from(failures.saturating_sub(1)).min(20);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Who may have events at the same time.
    pub access: Access,
    /// What a failure means for later events of the key.
    pub on_failure: OnFailure,
    /// An event that came back so often is a dead letter; none: it is tried for ever.
    pub deliveries_max: Option<u16>,
    /// Pauses between deliveries of one event.
    pub backoff: Backoff,
    /// How long a consumer may keep an event without a word; none: as long as it is there.
    pub lease: Option<Duration>,
    /// Consumers get nothing for now.
    pub paused: bool,
    /// Events held between the spool and the consumers.
    pub events_max: usize,
    /// Their bytes; one event may always be held.
    pub bytes_max: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            access: Access::default(),
            on_failure: OnFailure::default(),
            deliveries_max: Some(10),
            backoff: Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(60) },
            lease: None,
            paused: false,
            events_max: 1_024,
            bytes_max: 4 * 1024 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(1) };
        let pauses = [0, 1, 2, 3, 4, 5, u16::MAX].map(|failures| backoff.after(failures).as_millis());
        assert_eq!(pauses, [100, 100, 200, 400, 800, 1_000, 1_000]);
    }
}
