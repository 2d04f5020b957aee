//! What is done about many things at once is shown exactly before, then done as a whole or not at all.
//!
//! A preview and its doing make the same plan, of what is there at their time. The preview's digest is over all that would
//! be done; when the plan at the time of doing has another one, nothing is done and the person looks again.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Error, Result};

/// The digest of a plan: of its lines, and of all else that decides what is done.
pub(super) fn digest(lines: &impl Serialize, basis: &impl Serialize) -> String {
    let text = serde_json::to_vec(&(lines, basis)).unwrap_or_default();
    hex::encode(&Sha256::digest(text)[..16])
}

/// Whether a plan is what somebody saw, and nothing stands in its way. Conflicts name what they are about and why.
///
/// # Errors
/// It is another plan by now, or there is a conflict.
pub(super) fn check<'a>(
    digest: &str,
    preview: &str,
    mut conflicts: impl Iterator<Item = (&'a String, &'a String)>,
) -> Result<()> {
    if digest != preview {
        return Err(Error::StalePreview);
    }
    match conflicts.next() {
        None => Ok(()),
        Some((what, conflict)) => {
            let more = match conflicts.count() {
                0 => String::new(),
                more => format!(" ({more} more cannot be either)"),
            };
            Err(Error::Conflict(format!("nothing was done, because {what} {conflict}{more}")))
        }
    }
}
