//! Who wants what at other agents: the set this agent advertises and the sets it has learned.
//!
//! A set has a version that grows with every change and a hash that does not depend on order, so that two agents can
//! tell from a heartbeat whether they agree. Changes travel as deltas; whoever misses one asks for the whole. Pure: the
//! fabric carries the messages.

mod advertised;
mod learned;

use mesh_protocol::frame::InterestChange;
use mesh_protocol::topic::Dialect;
use sha2::{Digest, Sha256};

use crate::router::{Life, Wanted};

pub use advertised::Advertised;
pub use learned::{Applied, Learned};

/// Most filters that are kept of one peer, whatever it sends and however it sends it; the rest is cut off and counted
/// ([`Learned::cut_off`]), and the whole set is asked for again, rarely, once there is room.
pub const WANTED_MAX: usize = 1_000_000;

/// The hash of one entry. A set's hash is the wrapping sum over its entries.
fn hash_of(wanted: &Wanted) -> u64 {
    let mut hash = Sha256::new();
    let kind = [wanted.life == Life::Durable, wanted.filter.dialect() == Dialect::Mqtt, wanted.direct];
    hash.update(kind.map(u8::from));
    hash.update(wanted.filter.text().as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    u64::from_be_bytes(digest[..8].try_into().expect("eight of its bytes"))
}

/// One entry as a frame carries it.
fn wanted(change: &InterestChange) -> Wanted {
    let life = if change.durable { Life::Durable } else { Life::Live };
    Wanted { filter: change.filter.clone(), life, direct: change.direct }
}

#[cfg(test)]
mod tests;
