//! Where facts for the portal go. Who finds them out names this trait; `reconcile` hands over the outbox.

use std::fmt::Debug;

use mesh_protocol::report::Report;

/// Takes reports. Never waits.
pub trait ReportSink: Send + Sync + Debug {
    /// Takes one.
    ///
    /// # Errors
    /// [`Full`]: it was not taken; send the whole picture when there is room again.
    fn send(&self, report: Report) -> Result<(), Full>;
}

/// Too many reports wait for the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many reports wait for the portal: send the whole picture later")]
pub struct Full;
