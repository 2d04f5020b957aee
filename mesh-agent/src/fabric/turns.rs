//! In which order the epochs of one origin are taken.
//!
//! The events of a key keep their order over a restart of their origin because its process sends all that is left of an
//! epoch before it begins the next, and begins it when it has heard that everything is in custody. One whose disk was put back
//! to an earlier state does not know of what it had sent since: there holes stay, and what came behind them waits. Its next
//! epoch tells that they will never be filled: what waits is delivered first, each hole counted as a gap, and the new epoch
//! waits for its custody.

use std::ops::Range;

use mesh_protocol::id::{Epoch, Lane};

use super::peer::PASSING;
use crate::mutant::{Mutant, planted};
use crate::router::Admitted;
use crate::spool::LANES;
use crate::stream::{Batch, Receiver};

/// The lanes of what an origin answers for itself.
const KEPT: Range<u16> = 0..LANES;

/// What the origin's process has begun.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// One after the other.
    begun: Vec<Epoch>,
    /// What is left of earlier ones may not be in custody yet.
    is_held_up: bool,
}

impl Turns {
    /// Events of this epoch have come that are news here.
    pub(super) fn begin(
        &mut self,
        epoch: Epoch,
        receivers: &mut [(Epoch, Receiver<Admitted>)],
    ) -> Vec<(Epoch, Vec<Batch<Admitted>>)> {
        if self.begun.contains(&epoch) || planted(Mutant::HolesLeftBehind) {
            return Vec::new();
        }
        self.begun.push(epoch);
        self.is_held_up = true;
        let others = receivers.iter_mut().filter(|(its, _)| *its != epoch);
        others.map(|(its, receiver)| (*its, receiver.conclude(KEPT))).collect()
    }

    /// What it sends now, of what it answers for.
    pub(super) fn newest(&self) -> Option<Epoch> {
        self.begun.last().copied()
    }

    /// Whether what came on a lane of this epoch has to wait.
    pub(super) fn is_held_up(&mut self, epoch: Epoch, lane: Lane, receivers: &[(Epoch, Receiver<Admitted>)]) -> bool {
        if PASSING.contains(&lane.0) || self.begun.last() != Some(&epoch) {
            return false;
        }
        if self.is_held_up {
            self.is_held_up = receivers.iter().any(|(its, receiver)| *its != epoch && receiver.is_open_on(KEPT));
        }
        self.is_held_up
    }
}
