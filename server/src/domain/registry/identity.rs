//! When two schemas are the same schema.

use mesh_protocol::id::DesignVersionId;
use mesh_schema::Format;
use sha2::{Digest, Sha256};

use super::super::design::SchemaReference;

/// What one id stands for: SHA-256, in hex, over the format, the text in its normal form and what it refers to itself.
/// Layout does not count, and neither does the order of references; what they lead to counts by the version, not by its
/// text, because a reader has to fetch exactly that one.
#[must_use]
pub fn fingerprint(format: Format, canonical: &str, references: &[SchemaReference]) -> String {
    let mut hash = Sha256::new();
    // Lengths stand before the parts, so that no two lists of parts run together to the same bytes.
    let mut part = |bytes: &[u8]| {
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
    };
    part(format.name().as_bytes());
    part(canonical.as_bytes());
    let mut references: Vec<(&str, DesignVersionId)> =
        references.iter().map(|reference| (reference.name.as_str(), reference.version)).collect();
    references.sort_unstable();
    for (name, version) in references {
        part(name.as_bytes());
        part(version.0.as_bytes());
    }
    hex::encode(hash.finalize())
}
