//! What `reconcile` starts and stops: a listener, a source, a sink, a cluster's discovery, the fabric.
//!
//! A part is started with its piece of desired state and a line on the status board, works by itself until it is
//! stopped, and says when it died. How it works is its own matter.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::home::{PortError, SecretError};
use crate::reconcile::PartSpec;

/// A part that works.
#[async_trait]
pub trait Running: Send + Sync + Debug {
    /// Cancelled when the part ended without being asked; it is then stopped and started anew. Parts give the token
    /// of their [`Tasks`](crate::task::Tasks), which a panic cancels.
    fn ended(&self) -> CancellationToken;

    /// Takes a changed specification while it works, if it can; [`Update::Restart`] otherwise.
    async fn update(&mut self, spec: &PartSpec) -> Update {
        let _ = spec;
        Update::Restart
    }

    /// Stops intake, drains, and is gone at the deadline at the latest.
    async fn stop(self: Box<Self>, deadline: Duration);
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// It works by the new specification, its connections stayed.
    Done,
    /// It must be stopped and started with the new one.
    Restart,
}

/// Why a part did not start. The text is for its line in the portal and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// May work later by itself: it is tried again.
    #[error("{0}")]
    Failing(String),
    /// Cannot work until the configuration changes.
    #[error("{0}")]
    Rejected(String),
}

impl From<PortError> for StartError {
    fn from(error: PortError) -> Self {
        if error.needs_change() { Self::Rejected(error.to_string()) } else { Self::Failing(error.to_string()) }
    }
}

impl From<SecretError> for StartError {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Name(_) => Self::Rejected(error.to_string()),
            _ => Self::Failing(error.to_string()),
        }
    }
}
