//! What changes between two versions of a document, and whom it hurts.
//!
//! A comparison of texts cannot say that: a new field in a payload is nothing to those who receive and everything to
//! those who send, if it is required. So both documents are looked at as a client sees them, with references and traits
//! looked through, part by part, and payloads are compared by what they mean (see [`mesh_schema::check`]) in the
//! direction in which they are sent. Everything else that differs is told as well: equal documents have no changes,
//! and different ones have some.

mod bindings;
mod channels;
mod fields;
mod messages;
mod operations;
mod schemas;
mod security;
mod servers;
mod sides;
mod users;

use serde::Serialize;
use serde_json::Value;

use crate::document::Document;
use crate::pointer::Pointer;
use sides::Sides;
pub use users::done_by_clients;

/// Whom a change hurts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// Clients stop working, or miss something.
    Breaking,
    /// It depends on the client: somebody has to look.
    Unclassified,
    /// Nobody.
    NonBreaking,
}

/// Whose document it is: who does what its operations say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Whose {
    /// That of the clients: they do what the operations say. So are the documents of event API products.
    #[default]
    Clients,
    /// That of an application: clients do the opposite.
    Application,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The part: in the new document, or in the old one if it is gone.
    pub at: Pointer,
    /// What kind of change it is, such as `channel-removed`.
    pub rule: &'static str,
    /// Whom it hurts.
    pub impact: Impact,
    /// What stood there. None = nothing.
    pub before: Option<Value>,
    /// What stands there now. None = nothing.
    pub after: Option<Value>,
    /// All of it in one sentence.
    pub sentence: String,
    /// More sentences about it: what breaks inside a payload, and what to do instead.
    pub details: Vec<String>,
}

/// All changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// All of it in one sentence.
    pub sentence: String,
    /// What hurts most first, then in the order of places.
    pub changes: Vec<Change>,
    /// How many break clients.
    pub breaking: usize,
    /// How many somebody has to look at.
    pub unclassified: usize,
    /// How many hurt nobody.
    pub non_breaking: usize,
}

/// Compares two versions of a document.
#[must_use]
pub fn compare(old: &Document, new: &Document, whose: Whose) -> Diff {
    let (old, new) = (sides::flat(old.value()), sides::flat(new.value()));
    let mut sides = Sides::new(&old, &new, whose);
    fields::root(&mut sides);
    servers::compare(&mut sides);
    channels::compare(&mut sides);
    operations::compare(&mut sides);
    sides.rest();
    Diff::of(sides.into_changes())
}

impl Diff {
    fn of(mut changes: Vec<Change>) -> Self {
        changes.sort_by(|a, b| (a.impact, &a.at, a.rule, &a.sentence).cmp(&(b.impact, &b.at, b.rule, &b.sentence)));
        changes.dedup();
        let count = |impact| changes.iter().filter(|change| change.impact == impact).count();
        let [breaking, unclassified, non_breaking] =
            [Impact::Breaking, Impact::Unclassified, Impact::NonBreaking].map(count);
        Self {
            sentence: sentence(&changes, [breaking, unclassified, non_breaking]),
            changes,
            breaking,
            unclassified,
            non_breaking,
        }
    }

    /// Whether no client has to do anything, as far as is known.
    #[must_use]
    pub fn is_compatible(&self) -> bool {
        self.breaking == 0 && self.unclassified == 0
    }
}

fn sentence(changes: &[Change], counts: [usize; 3]) -> String {
    let [breaking, unclassified, non_breaking] = counts;
    let Some(worst) = changes.first() else { return "Nothing changes.".into() };
    let number = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let parts = [
        number(breaking, "change breaks clients", "changes break clients"),
        number(unclassified, "has to be looked at", "have to be looked at"),
        number(non_breaking, "hurts nobody", "hurt nobody"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let list = match parts.as_slice() {
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
        [] => String::new(),
    };
    if breaking == 0 && unclassified == 0 {
        let subject = if non_breaking == 1 { "1 change" } else { &format!("{non_breaking} changes") };
        return format!("{subject} and nobody is hurt: {}", worst.sentence);
    }
    format!("{list}: {}", worst.sentence)
}

#[cfg(test)]
mod tests;
