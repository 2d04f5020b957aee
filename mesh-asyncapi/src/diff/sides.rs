//! Both documents while they are compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Change, Impact, Whose};
use crate::build::Action;
use crate::parts::{Kind, Parts, reference};
use crate::pointer::Pointer;
use crate::refs::{Found, Refs};
use crate::traits::merged;

/// Most bytes of schemas that are read in one comparison.
const SCHEMA_BYTES_MAX: usize = 32 << 20;

/// A part on both sides, behind references.
#[derive(Clone, Debug)]
pub(super) struct Pair<'a> {
    /// Its key.
    pub(super) key: &'a str,
    pub(super) old: Found<'a>,
    pub(super) new: Found<'a>,
    /// Where the new document has it, before references.
    pub(super) at: Pointer,
}

impl<'a> Pair<'a> {
    /// A field of both.
    pub(super) fn values(&self, key: &str) -> (Option<&'a Value>, Option<&'a Value>) {
        let field = |of: &Found<'a>| of.value.as_object().and_then(|map| map.get(key));
        (field(&self.old), field(&self.new))
    }
}

pub(super) struct Sides<'a> {
    pub(super) old: Refs<'a>,
    pub(super) new: Refs<'a>,
    whose: Whose,
    changes: Vec<Change>,
    pub(super) schema_bytes: usize,
    /// What clients do with the channels of the new document.
    uses: BTreeMap<Pointer, Vec<Action>>,
}

/// A document whose operations and messages are as their traits make them.
pub(super) fn flat(value: &Value) -> Value {
    let refs = Refs::new(value);
    let mut flat = value.clone();
    let parts = Parts::of(value);
    for part in parts.all(Kind::Operation).chain(parts.all(Kind::Message)) {
        if part.value.get("traits").is_some()
            && let Some(place) = part.at.get_mut(&mut flat)
        {
            *place = merged(refs, &Found { at: part.at.clone(), value: part.value }).into_owned();
            if let Some(map) = place.as_object_mut() {
                map.shift_remove("traits");
            }
        }
    }
    flat
}

impl<'a> Sides<'a> {
    pub(super) fn new(old: &'a Value, new: &'a Value, whose: Whose) -> Self {
        let (old, new) = (Refs::new(old), Refs::new(new));
        let mut sides =
            Self { old, new, whose, changes: Vec::new(), schema_bytes: SCHEMA_BYTES_MAX, uses: BTreeMap::new() };
        sides.find_uses();
        sides
    }

    /// By operations and their replies.
    fn find_uses(&mut self) {
        let channel = |of: &Found<'_>| of.field("channel").and_then(|at| Pointer::from_reference(reference(at.value)?));
        for (_, entry) in self.new.root().entries("operations") {
            let operation = self.new.behind(&entry);
            let Some(action) = operation.text("action").and_then(Action::by_name) else { continue };
            let action = self.done_by_client(action);
            let reply = operation.field("reply").map(|reply| self.new.behind(&reply));
            for (at, action) in
                [(channel(&operation), action), (reply.and_then(|reply| channel(&reply)), action.mirrored())]
            {
                if let Some(at) = at {
                    self.uses.entry(at).or_default().push(action);
                }
            }
        }
    }

    /// What clients do with a channel of the new document.
    pub(super) fn uses_of(&self, channel: &Pointer) -> Vec<Action> {
        self.uses.get(channel).cloned().unwrap_or_default()
    }

    /// What a client does in an operation.
    pub(super) fn done_by_client(&self, action: Action) -> Action {
        match self.whose {
            Whose::Clients => action,
            Whose::Application => action.mirrored(),
        }
    }

    pub(super) fn change_count(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn add(
        &mut self,
        rule: &'static str,
        impact: Impact,
        at: &Pointer,
        values: (Option<&Value>, Option<&Value>),
        sentence: String,
    ) {
        let (before, after) = (values.0.cloned(), values.1.cloned());
        self.tell(Change { at: at.clone(), rule, impact, before, after, sentence, details: Vec::new() });
    }

    pub(super) fn tell(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// The entries of both sides: those on both, those that are gone, and those that have come. What has another key
    /// counts as the same when it is identified by the same text.
    pub(super) fn matched(
        &self,
        old: Vec<(&'a str, Found<'a>)>,
        new: Vec<(&'a str, Found<'a>)>,
        identity: impl Fn(Refs<'a>, &Found<'a>) -> Option<String>,
    ) -> Matched<'a> {
        let old_keys: BTreeSet<&str> = old.iter().map(|(key, _)| *key).collect();
        let mut left: BTreeMap<&str, (usize, Found<'a>)> = BTreeMap::new();
        let mut identities: BTreeMap<String, &str> = BTreeMap::new();
        for (index, (key, found)) in new.into_iter().enumerate() {
            if !old_keys.contains(key)
                && let Some(identity) = identity(self.new, &self.new.behind(&found))
            {
                identities.entry(identity).or_insert(key);
            }
            left.insert(key, (index, found));
        }
        let mut matched = Matched { both: Vec::new(), moved: Vec::new(), gone: Vec::new(), come: Vec::new() };
        let pair = |key, old: &Found<'a>, new: Found<'a>| Pair {
            key,
            old: self.old.behind(old),
            at: new.at.clone(),
            new: self.new.behind(&new),
        };
        for (key, found) in old {
            if let Some((_, other)) = left.remove(key) {
                matched.both.push(pair(key, &found, other));
                continue;
            }
            let other = identity(self.old, &self.old.behind(&found)).and_then(|identity| identities.remove(&identity));
            match other.and_then(|other| left.remove(other).map(|(_, found)| (other, found))) {
                Some((other, new)) => matched.moved.push((key, pair(other, &found, new))),
                None => matched.gone.push((key, found)),
            }
        }
        let mut come: Vec<_> = left.into_iter().map(|(key, (index, found))| (index, key, found)).collect();
        come.sort_by_key(|(index, ..)| *index);
        matched.come = come.into_iter().map(|(_, key, found)| (key, found)).collect();
        matched
    }

    /// Documents that differ have changes: what no other comparison looks at is told here.
    pub(super) fn rest(&mut self) {
        let (old, new) = (self.old.root(), self.new.root());
        if self.changes.is_empty() && old.value != new.value {
            let sentence = "The documents differ in parts that no client sees, such as components that nothing uses.";
            self.add("rest-changed", Impact::NonBreaking, &Pointer::root(), (None, None), sentence.into());
        }
    }

    /// Of several things said about one part by one rule, the worst.
    pub(super) fn into_changes(self) -> Vec<Change> {
        let mut worst: BTreeMap<(Pointer, &'static str, String), Change> = BTreeMap::new();
        for change in self.changes {
            // Two fields of one part are told apart by what is said of them.
            let words = if change.rule.ends_with("payload-changed") || change.rule.ends_with("headers-changed") {
                String::new()
            } else {
                change.sentence.clone()
            };
            let key = (change.at.clone(), change.rule, words);
            match worst.get(&key) {
                Some(known) if known.impact <= change.impact => {}
                _ => drop(worst.insert(key, change)),
            }
        }
        worst.into_values().collect()
    }
}

pub(super) struct Matched<'a> {
    pub(super) both: Vec<Pair<'a>>,
    /// Under another key now; the old one stands before it.
    pub(super) moved: Vec<(&'a str, Pair<'a>)>,
    pub(super) gone: Vec<(&'a str, Found<'a>)>,
    pub(super) come: Vec<(&'a str, Found<'a>)>,
}
