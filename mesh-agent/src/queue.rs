//! Named durable queues: who of their consumers gets which event, and what becomes of it.
//!
//! A queue's events and how far it has come are the [`spool`](crate::spool)'s matter. Here is what lies between the spool
//! and the consumers, as a state machine without IO and with an injected clock:
//!
//! ```text
//!  spool --take--> waiting --poll--> with a consumer --ack--> done (acknowledged to the spool)
//!                     ^                  |  |
//!                     +--- release, -----+  +--- reject, or too many deliveries ---> dead letter queue, then done
//!                          lease over
//! ```

mod dead;
mod dispatch;
mod item;
mod manner;
pub mod named;
mod pump;
mod rules;

pub use crate::letter::DEAD_LETTERS;
pub use dead::{burial, stillborn};
pub use dispatch::{Dispatch, Left};
pub use item::{ConsumerId, Consumption, Dead, Delivery, Effects, Item, Order};
pub use manner::Manner;
pub use pump::Pump;
pub use rules::{Access, Backoff, OnFailure, Rules};

/// Names of sinks' queues begin with this.
pub const SINK: &str = "sink/";
/// Names of other agents' queues begin with this.
pub const PEER: &str = "spool/";
