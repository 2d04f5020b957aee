//! What checks say about a document.

use serde::{Deserialize, Serialize};

use crate::pointer::Pointer;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Tools refuse the document, or it says something that cannot be.
    Error,
    /// Somebody who reads it will be misled or will miss something.
    Warning,
    /// Worth knowing.
    Info,
    /// A matter of taste.
    Hint,
}

/// Something that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule, such as `asyncapi3-channel-parameters`: the name that the parser or Spectral has for it, where it has one.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// The part of the document.
    pub at: Pointer,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

/// The more it matters the earlier; then in the order of places, so that equal documents give equal lists.
pub(crate) fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| (a.severity, &a.at, &a.rule, &a.message).cmp(&(b.severity, &b.at, &b.rule, &b.message)));
    findings.dedup();
}
