//! What people decided about a finding: to leave it for now.

use super::super::super::field::FieldErrors;
use super::Finding;

/// Longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 500;
/// Longest time that a finding can be ignored for, in milliseconds: about three years.
const AHEAD_MS_MAX: i64 = 3 * 366 * 24 * 3_600_000;

/// A finding that somebody ignores until a time, or until what differs is something else, whichever comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The finding's key.
    pub key: String,
    /// What differed when it was decided.
    pub digest: String,
    /// The end, in milliseconds since the Unix epoch; none = until it changes.
    pub until_ms: Option<i64>,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

impl Decision {
    /// Whether it still holds for the finding as it is now.
    #[must_use]
    pub fn holds(&self, finding: &Finding<'_>, now_ms: i64) -> bool {
        self.until_ms.is_none_or(|until| now_ms < until) && self.digest == finding.digest()
    }

    /// Checks what a person chose.
    ///
    /// # Errors
    /// What is wrong, at `until` or `reason`.
    pub fn check(until_ms: Option<i64>, reason: &str, now_ms: i64) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        if reason.trim().is_empty() {
            errors.add("reason", "is required: say why it may wait");
        } else if reason.len() > REASON_BYTES_MAX {
            errors.add("reason", format_args!("is longer than {REASON_BYTES_MAX} bytes"));
        } else if reason.contains('\0') {
            errors.add("reason", "holds a NUL character");
        }
        match until_ms {
            Some(until) if until <= now_ms => errors.add("until", "has passed: choose a time to come"),
            Some(until) if until - now_ms > AHEAD_MS_MAX => {
                errors.add("until", "is more than three years ahead: leave it out to ignore it until it changes");
            }
            _ => {}
        }
        errors.check()
    }
}
