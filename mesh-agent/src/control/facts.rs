//! How the agent is, put together from those who know: the status that the portal and `mesh-agent status` get.

use std::fs;
use std::sync::Arc;

use mesh_protocol::report::{LinkState, Status};
use mesh_protocol::wire::Revision;
use tokio::sync::watch;

use super::standing::Standing;
use crate::counters::Counters;
use crate::identity::Identity;
use crate::status::{Board, now_ms};

/// Everything a status is made of. Cloning is cheap; each clone sees changes on its own.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What the ledger says.
    pub standing: watch::Receiver<Standing>,
    /// What is enforced, told by `reconcile`.
    pub applied: watch::Receiver<Option<Revision>>,
    /// Links to other agents, told by the fabric.
    pub links: watch::Receiver<Vec<LinkState>>,
    /// Who the agent is.
    pub identity: watch::Receiver<Arc<Identity>>,
    /// How the parts are.
    pub board: Board,
    /// Wakes when a part's line changed.
    pub board_changes: watch::Receiver<u64>,
    /// The counters of the process.
    pub counters: Counters,
    /// When the process started, milliseconds since the Unix epoch.
    pub started_at_ms: i64,
}

impl Facts {
    /// The status now.
    #[must_use]
    pub fn status(&self) -> Status {
        let standing = self.standing.borrow();
        let (rejected, deny_list) = (standing.rejected.clone(), standing.deny_list.number);
        drop(standing);
        Status {
            at_ms: now_ms(),
            applied: *self.applied.borrow(),
            rejected,
            deny_list,
            parts: self.board.parts(),
            links: self.links.borrow().clone(),
            counters: self.counters.snapshot(),
            memory_bytes: memory_bytes(),
            started_at_ms: self.started_at_ms,
            certificate_ends_at_ms: self.certificate_ends_at_ms(),
        }
    }

    /// Wakes when something changed that should not wait for the next regular status. Cancel-safe.
    pub async fn changed(&mut self) {
        // A closed channel is a part that ended for good: it has no news, and the others go on.
        tokio::select! {
            Ok(()) = self.standing.changed() => {}
            Ok(()) = self.applied.changed() => {}
            Ok(()) = self.links.changed() => {}
            Ok(()) = self.identity.changed() => {}
            Ok(()) = self.board_changes.changed() => {}
            else => std::future::pending().await,
        }
    }

    fn certificate_ends_at_ms(&self) -> i64 {
        let validity = self.identity.borrow().validity();
        validity.map_or(0, |validity| validity.until.unix_timestamp().saturating_mul(1000))
    }
}

/// Resident memory of this process, in bytes; 0 where the system does not tell.
#[must_use]
pub fn memory_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse().ok());
    kilobytes.unwrap_or(0u64) * 1024
}
