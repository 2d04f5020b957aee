//! The protocol between two spools: what makes a guaranteed event arrive once and in order over a network that loses,
//! repeats and reorders, between processes that stop at any moment.
//!
//! Both sides are state machines without IO: frames and moments go in, frames and settled events come out, so that a
//! simulation can drive the very code that runs. A stream is (origin spool, its epoch, destination spool, lane).
//!
//! ```text
//! Sender (one destination)                                Receiver (one origin)
//!   unsent -> sent --- run: prev, seq, seq, ... --------->  prev == arrived?  yes: hand over, in order
//!               |                                                             no:  keep aside, nack the hole
//!               | <------------- nack (after, up to] ------
//!               | --- only those again ------------------->
//!               | <------------- ack arrived, up_to -------  custody up to here: events and mark are on disk, together
//!             done
//! ```
//! - A destination that comes back in a new epoch goes on at its marks. One that comes back with another spool gets a
//!   [`Skip`] over what the one before had custody of, then everything unacknowledged, what was sent before flagged.
//! - An origin that comes back drains the epochs before, one after the other, under their own numbers. What its earlier
//!   process has sent it learns from the marks; a lane begins with a [`Skip`] over what is done with.
//! - The sender never has more bytes under way than the receiver gave credit for; one event may always go.
//! - What will never be sent (refused, withdrawn, lost) is said explicitly with a [`Skip`]: never silence.
//! - Marks that do not fit (a disk was put back to an earlier state) are told as such ([`AckError`]) and never stop a stream:
//!   what the destination has beyond the origin's memory is done with; what it has forgotten is a gap.
//!
//! Deliberately absent: where events are kept (the [`spool`](crate::spool)'s matter) and who may have them (policy
//! is asked by the caller whenever a frame is built).
//!
//! [`Skip`]: mesh_protocol::frame::Skip

mod clock;
mod receiver;
mod sender;
mod window;

use std::time::Duration;

pub use clock::Clock;
pub use receiver::{Batch, Counts, Incoming, Progress, Receiver, Settled, Ticket, Verdict};
pub use sender::{AckError, Out, Polled, Run, RunEvent, Sender, Settings};

/// A moment of an injected clock, in microseconds from an arbitrary start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// So much later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)))
    }

    /// Time since an earlier moment; none at all when that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
