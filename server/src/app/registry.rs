//! The schema registry: subjects, versions and ids of the design-time catalog's schemas, as Kafka's serializers ask for
//! them.
//!
//! It is a second language of the catalog, not a second catalog. What is registered is a design version, released at
//! once, by the rules that hold for those of people; what people release is registered. Everything is answered from what
//! the catalog keeps in memory; only what changes something goes to the database first.
//!
//! Confluent's names, numbers and rules hold here, because their clients ask. Inputs and answers are therefore not those
//! of the portal's own API.

mod bind;
mod config;
mod read;
mod register;
mod remove;
mod shape;

use super::design::Designs;
use crate::domain::registry::Refusal;
use crate::store::StoreError;

pub use read::{Listing, Text};
pub use register::Candidate;
pub use shape::{CompatibilityAnswer, ReferenceShape, SchemaAnswer, SchemaInput, VersionAnswer};

/// Why a request to the registry was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// By the registry's own rules.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// As anywhere in the portal.
    #[error(transparent)]
    Portal(#[from] super::Error),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Portal(error.into())
    }
}

/// A result of the registry.
pub type Result<T> = std::result::Result<T, Error>;

/// The number of a version as clients write it: from 1, or the newest (`latest`, `-1`), which is none here.
///
/// # Errors
/// It is none of these.
pub fn version_number(text: &str) -> std::result::Result<Option<u32>, Refusal> {
    if matches!(text, "latest" | "-1") {
        return Ok(None);
    }
    let number = text.parse().ok().filter(|number| (1..=i32::MAX.cast_unsigned()).contains(number));
    number.map(Some).ok_or_else(|| Refusal::InvalidVersion(text.to_owned()))
}

/// Work on schemas, which may be large, beside the requests of others.
async fn working<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| super::Error::Internal("a schema could not be worked on"))?
}
