//! What changes between two schemas, for people.
//!
//! It is told from the fields alone, so it speaks of all formats alike and never of wire details. Who breaks is not
//! said here: that is for [`check`](super::check).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::field::Field;
use super::text::sorted;
use super::{Schema, WHOLE};

/// Most changes named one by one in the sentence; more are counted.
const NAMED_MAX: usize = 3;

/// One change of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// The field, as in [`Field::path`].
    pub path: String,
    /// A clause without a subject, such as ``makes `sku` required``.
    pub text: String,
}

/// What kind of change it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A field comes.
    Added,
    /// A field goes.
    Removed,
    /// Another type.
    Type,
    /// From optional to required, or back.
    Presence,
    /// Another default.
    Default,
    /// Deprecated now, or no longer.
    Deprecation,
    /// Other words about it.
    Documentation,
    /// Other tags.
    Tags,
}

/// The changes between two schemas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// All of it in one sentence.
    pub sentence: String,
    /// One by one.
    pub list: Vec<Change>,
}

/// Says what changes from one schema to another.
#[must_use]
pub fn describe_change(old: &Schema, new: &Schema) -> Changes {
    let mut list = changes(&old.fields(), &new.fields());
    let is_told = list.iter().any(|change| change.kind == ChangeKind::Tags && change.path == WHOLE);
    if !is_told {
        retag(WHOLE, &old.tags(), &new.tags(), &mut list);
    }
    let sentence = match list.len() {
        0 if old.format() == new.format() && old.canonical() == new.canonical() => {
            "Nothing changes but the layout.".to_owned()
        }
        0 => "The fields stay as they are; only details beside them change.".to_owned(),
        1..=NAMED_MAX => format!("The new schema {}.", joined(list.iter().map(|change| change.text.clone()))),
        _ => format!("The new schema {}.", joined(counted(&list))),
    };
    Changes { sentence, list }
}

fn changes(old: &[Field], new: &[Field]) -> Vec<Change> {
    let (before, after) = (by_path(old), by_path(new));
    let gone: BTreeSet<&str> = before.keys().filter(|path| !after.contains_key(*path)).copied().collect();
    let come: BTreeSet<&str> = after.keys().filter(|path| !before.contains_key(*path)).copied().collect();
    let mut list = Vec::new();
    let mut seen = BTreeSet::new();
    for field in new.iter().filter(|field| seen.insert(field.path.as_str())) {
        match before.get(field.path.as_str()) {
            Some(old) => compare(old, field, &mut list),
            None if inside(&field.path, &come) => {}
            None => {
                let text = format!("adds the {} field `{}`", field.presence.word(), field.path);
                list.push(Change { kind: ChangeKind::Added, path: field.path.clone(), text });
            }
        }
    }
    for path in gone.iter().filter(|path| !inside(path, &gone)) {
        let text = format!("removes the field `{path}`");
        list.push(Change { kind: ChangeKind::Removed, path: (*path).to_owned(), text });
    }
    list
}

/// The first field of each path: branches of a union may repeat one.
fn by_path(fields: &[Field]) -> BTreeMap<&str, &Field> {
    let mut map = BTreeMap::new();
    for field in fields {
        map.entry(field.path.as_str()).or_insert(field);
    }
    map
}

/// Whether a path lies below another one of the set: what is inside a new field is not a change of its own.
fn inside(path: &str, set: &BTreeSet<&str>) -> bool {
    path.match_indices(['.', '[', '{', '(']).any(|(at, _)| set.contains(&path[..at]))
}

fn compare(old: &Field, new: &Field, list: &mut Vec<Change>) {
    let path = &new.path;
    let mut add = |kind, text| list.push(Change { kind, path: path.clone(), text });
    if old.kind != new.kind {
        add(ChangeKind::Type, format!("changes `{path}` from {} to {}", old.kind, new.kind));
    }
    if old.presence != new.presence {
        add(ChangeKind::Presence, format!("makes `{path}` {}", new.presence.word()));
    }
    match (&old.default, &new.default) {
        (one, other) if one == other => {}
        (_, Some(value)) => add(ChangeKind::Default, format!("gives `{path}` the default {}", sorted(value))),
        (_, None) => add(ChangeKind::Default, format!("takes the default from `{path}`")),
    }
    match (old.deprecated, new.deprecated) {
        (false, true) => add(ChangeKind::Deprecation, format!("marks `{path}` as deprecated")),
        (true, false) => add(ChangeKind::Deprecation, format!("no longer marks `{path}` as deprecated")),
        _ => {}
    }
    match (&old.doc, &new.doc) {
        (one, other) if one == other => {}
        (_, Some(_)) => add(ChangeKind::Documentation, format!("documents `{path}` anew")),
        (_, None) => add(ChangeKind::Documentation, format!("no longer documents `{path}`")),
    }
    retag(path, &old.tags, &new.tags, list);
}

/// Tags that come and go, in one clause.
fn retag(path: &str, old: &[String], new: &[String], list: &mut Vec<Change>) {
    let only_in = |these: &[String], others: &[String]| {
        let only: Vec<&str> = these.iter().filter(|tag| !others.contains(tag)).map(String::as_str).collect();
        (!only.is_empty()).then(|| only.join(", "))
    };
    let text = match (only_in(new, old), only_in(old, new)) {
        (None, None) => return,
        (Some(come), None) => format!("tags `{path}` {come}"),
        (None, Some(gone)) => format!("no longer tags `{path}` {gone}"),
        (Some(come), Some(gone)) => format!("tags `{path}` {come} instead of {gone}"),
    };
    list.push(Change { kind: ChangeKind::Tags, path: path.to_owned(), text });
}

fn counted(list: &[Change]) -> Vec<String> {
    let mut counts: BTreeMap<ChangeKind, usize> = BTreeMap::new();
    for change in list {
        *counts.entry(change.kind).or_default() += 1;
    }
    let clause = |(kind, count): (&ChangeKind, &usize)| {
        let fields = if *count == 1 { "1 field".to_owned() } else { format!("{count} fields") };
        match kind {
            ChangeKind::Added => format!("adds {fields}"),
            ChangeKind::Removed => format!("removes {fields}"),
            ChangeKind::Type => format!("changes the type of {fields}"),
            ChangeKind::Presence => format!("changes whether {fields} must be there"),
            ChangeKind::Default => format!("changes the default of {fields}"),
            ChangeKind::Deprecation => format!("changes the deprecation of {fields}"),
            ChangeKind::Documentation => format!("changes the documentation of {fields}"),
            ChangeKind::Tags => format!("changes the tags of {fields}"),
        }
    };
    counts.iter().map(clause).collect()
}

/// `a`, `a and b`, `a, b and c`.
fn joined(clauses: impl IntoIterator<Item = String>) -> String {
    let clauses: Vec<_> = clauses.into_iter().collect();
    match clauses.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::*;

    fn schema(properties: &str, required: &str) -> Schema {
        let text = format!(r#"{{"type": "object", "properties": {{{properties}}}, "required": [{required}]}}"#);
        Schema::parse(Format::JsonSchema, &text, &[]).unwrap_or_else(|invalid| panic!("{text}: {invalid}"))
    }

    fn texts(changes: &Changes) -> Vec<&str> {
        changes.list.iter().map(|change| change.text.as_str()).collect()
    }

    #[test]
    fn each_change_is_a_clause() {
        let old = schema(r#""sku": {"type": "string"}, "gone": {"type": "object", "properties": {"x": {}}}"#, "");
        let new = schema(
            r#""sku": {"type": "string", "default": "A", "deprecated": true},
               "note": {"type": "object", "properties": {"y": {}}}"#,
            r#""sku""#,
        );
        assert_eq!(
            texts(&describe_change(&old, &new)),
            [
                "adds the optional field `note`",
                "makes `sku` required",
                "gives `sku` the default \"A\"",
                "marks `sku` as deprecated",
                "removes the field `gone`",
            ]
        );
    }

    #[test]
    fn a_few_changes_are_named_and_many_are_counted() {
        let old = schema(r#""a": {"type": "string"}"#, "");
        let few = describe_change(&old, &schema(r#""a": {"type": "integer"}, "b": {}"#, ""));
        assert_eq!(few.sentence, "The new schema changes `a` from string to integer and adds the optional field `b`.");
        let many = describe_change(&old, &schema(r#""b": {}, "c": {}, "d": {}"#, ""));
        assert_eq!(many.sentence, "The new schema adds 3 fields and removes 1 field.");
    }

    #[test]
    fn layout_is_no_change() {
        let changes = describe_change(&schema(r#""a": {}"#, ""), &schema("\n\"a\" : { }", ""));
        assert_eq!((changes.sentence.as_str(), changes.list.len()), ("Nothing changes but the layout.", 0));
    }
}
