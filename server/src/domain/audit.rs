//! The audit trail: one chain of entries, each carrying the hash of the one before it, so that a removed or altered
//! entry shows.

use sha2::{Digest, Sha256};

/// What happened, before it has its place in the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who.
    pub actor: String,
    /// What was done: `rule.create`.
    pub action: String,
    /// Kind of the object: `rule`.
    pub object_kind: String,
    /// Its id.
    pub object_id: String,
    /// For readers.
    pub summary: String,
    /// The object before, as JSON text.
    pub before: Option<String>,
    /// The object after, as JSON text.
    pub after: Option<String>,
    /// The policy revision it made.
    pub policy_revision: Option<u64>,
}

/// An entry in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chained {
    /// Counts up from 1.
    pub number: u64,
    /// What happened.
    pub entry: Entry,
    /// Hash of the entry before; empty for the first.
    pub prev_hash: Vec<u8>,
    /// Hash of this one.
    pub hash: Vec<u8>,
}

impl Entry {
    /// SHA-256 over the number, the previous hash and every field, each with its length in front.
    #[must_use]
    pub fn hash(&self, number: u64, prev_hash: &[u8]) -> Vec<u8> {
        let revision = self.policy_revision.map(|revision| revision.to_string());
        let at = self.at_ms.to_string();
        let number = number.to_string();
        let fields: [Option<&[u8]>; 11] = [
            Some(number.as_bytes()),
            Some(prev_hash),
            Some(at.as_bytes()),
            Some(self.actor.as_bytes()),
            Some(self.action.as_bytes()),
            Some(self.object_kind.as_bytes()),
            Some(self.object_id.as_bytes()),
            Some(self.summary.as_bytes()),
            self.before.as_deref().map(str::as_bytes),
            self.after.as_deref().map(str::as_bytes),
            revision.as_deref().map(str::as_bytes),
        ];
        let mut hasher = Sha256::new();
        for field in fields {
            let length = field.map_or(u64::MAX, |bytes| bytes.len() as u64);
            hasher.update(length.to_be_bytes());
            hasher.update(field.unwrap_or_default());
        }
        hasher.finalize().to_vec()
    }
}

/// The number of the first entry that does not fit the one before it; none = the chain is whole.
#[must_use]
pub fn first_break(entries: &[Chained]) -> Option<u64> {
    let mut prev: Option<&Chained> = None;
    for chained in entries {
        let follows = prev.is_none_or(|prev| chained.number == prev.number + 1 && chained.prev_hash == prev.hash);
        if !follows || chained.entry.hash(chained.number, &chained.prev_hash) != chained.hash {
            return Some(chained.number);
        }
        prev = Some(chained);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(summaries: &[&str]) -> Vec<Chained> {
        let mut prev_hash = Vec::new();
        let mut chain = Vec::new();
        for (number, summary) in (1..).zip(summaries) {
            let entry = Entry { summary: (*summary).into(), ..Entry::default() };
            let hash = entry.hash(number, &prev_hash);
            chain.push(Chained { number, entry, prev_hash: std::mem::replace(&mut prev_hash, hash.clone()), hash });
        }
        chain
    }

    #[test]
    fn an_altered_or_missing_entry_breaks_the_chain() {
        let whole = chain(&["one", "two", "three"]);
        assert_eq!(first_break(&whole), None);
        let mut altered = whole.clone();
        altered[1].entry.summary = "zwei".into();
        assert_eq!(first_break(&altered), Some(2));
        let mut missing = whole;
        missing.remove(1);
        assert_eq!(first_break(&missing), Some(3));
    }
}
