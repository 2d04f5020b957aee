//! Lists the fields of a JSON Schema.
//!
//! What `allOf` joins is listed as one; the branches of `anyOf` and `oneOf` are listed together, all optional.

use std::collections::{BTreeSet, HashSet};

use super::super::budget::Budget;
use super::super::field::{Cut, FIELD_DEPTH_MAX, Fields, PATH_BYTES_MAX, Presence, clip, join};
use super::super::text::sorted;
use super::spot::tags_within;
use super::view::{View, Written};
use super::{Field, Kinds, Model, Node, NodeId};

/// Most values of an `enum` that are spelled out.
const VALUES_MAX: usize = 20;
/// How deep words go into lists and branches.
const WORDS_DEPTH_MAX: usize = 4;

pub(super) fn list(model: &Model) -> Vec<Field> {
    let mut lister =
        Lister { model, fields: Fields::default(), seen: HashSet::new(), budget: Budget::new(), open: Vec::new() };
    let root = Written::of(model, View::all(model.root));
    let is_object = root.parts.iter().any(|part| !part.object.properties.is_empty()) || root.kinds == Kinds::OBJECT;
    let index =
        if is_object { None } else { lister.fields.push(entry(model, model.root, "$", true, &mut lister.budget)) };
    lister.inside(model.root, "", index, Presence::Required);
    lister.fields.into_list()
}

struct Lister<'a> {
    model: &'a Model,
    fields: Fields,
    seen: HashSet<String>,
    /// Branches can lead to the same place in exponentially many ways.
    budget: Budget,
    /// The nodes we are in.
    open: Vec<NodeId>,
}

impl<'a> Lister<'a> {
    /// Lists what is inside a node. `of` is the field that has it as its type, and `least` what its fields are at most.
    fn inside(&mut self, id: NodeId, path: &str, of: Option<usize>, least: Presence) {
        let id = self.model.behind(id);
        if self.open.contains(&id) {
            return self.fields.cut(of, Cut::Recursion);
        }
        if self.open.len() == FIELD_DEPTH_MAX || path.len() > PATH_BYTES_MAX {
            return self.fields.cut(of, Cut::TooDeep);
        }
        let written = Written::of(self.model, View::all(id));
        if !self.budget.spend(1 + written.weight()) {
            return self.fields.cut(of, Cut::TooMany);
        }
        self.open.push(id);
        for part in &written.parts {
            self.properties(part, &written.required, path, least);
            self.values(part, path, of, least);
        }
        for branch in written.sums.iter().flat_map(|sum| sum.branches) {
            self.inside(*branch, path, of, Presence::Optional);
        }
        self.open.pop();
    }

    fn properties(&mut self, part: &'a Node, required: &BTreeSet<&str>, path: &str, least: Presence) {
        for (name, id) in &part.object.properties {
            let path = join(path, name);
            if self.model.nodes[*id].always == Some(false) || !self.seen.insert(path.clone()) {
                continue;
            }
            let required = least == Presence::Required && required.contains(name.as_str());
            let Some(index) = self.fields.push(entry(self.model, *id, &path, required, &mut self.budget)) else {
                return;
            };
            self.inside(*id, &path, Some(index), Presence::Required);
        }
    }

    /// What stands behind names and places nobody knows before.
    fn values(&mut self, part: &'a Node, path: &str, of: Option<usize>, least: Presence) {
        let object = &part.object;
        for (pattern, id) in &object.patterns {
            self.inside(*id, &format!("{path}{{{}}}", pattern.text()), of, least);
        }
        if let Some(id) = object.additional {
            self.inside(id, &format!("{path}{{}}"), of, least);
        }
        for (index, id) in part.list.prefix.iter().enumerate() {
            self.inside(*id, &format!("{path}[{index}]"), of, least);
        }
        if let Some(id) = part.list.rest {
            self.inside(id, &format!("{path}[]"), of, least);
        }
    }
}

fn entry(model: &Model, id: NodeId, path: &str, required: bool, budget: &mut Budget) -> Field {
    // What stands beside the reference counts before what stands behind it.
    let notes = [&model.nodes[id].notes, &model.nodes[model.behind(id)].notes];
    Field {
        path: path.to_owned(),
        kind: words(model, id, WORDS_DEPTH_MAX, budget),
        presence: Presence::required(required),
        default: notes.iter().find_map(|notes| notes.default.clone()),
        doc: notes.iter().find_map(|notes| notes.description.clone().or_else(|| notes.title.clone())),
        deprecated: notes.iter().any(|notes| notes.deprecated),
        tags: tags_within(model, id),
        cut: None,
    }
}

/// A type in words.
fn words(model: &Model, id: NodeId, depth: usize, budget: &mut Budget) -> String {
    let written = Written::of(model, View::all(id));
    if !budget.spend(written.weight()) {
        return "…".into();
    }
    if written.kinds.is_empty() {
        return "nothing".into();
    }
    if let Some(values) = &written.values {
        let more = if values.len() > VALUES_MAX { ", …" } else { "" };
        let values: Vec<_> = values.iter().take(VALUES_MAX).map(|value| clip(sorted(value))).collect();
        return clip(format!("one of {}{more}", values.join(", ")));
    }
    let Some(depth) = depth.checked_sub(1).filter(|_| budget.spend(1)) else { return "…".into() };
    if let Some(sum) = written.sums.first().filter(|_| written.parts.iter().all(|part| part.kinds.is_none())) {
        let mut branches: Vec<_> =
            sum.branches.iter().take(VALUES_MAX).map(|id| words(model, *id, depth, budget)).collect();
        // Null comes last: what else it may be is the news.
        branches.sort_by_key(|words| words == "null");
        branches.dedup();
        return clip(branches.join(" or "));
    }
    if written.kinds == Kinds::ALL {
        return "anything".into();
    }
    let kinds: Vec<_> = written.kinds.each().map(|kind| kind_words(model, &written, kind, depth, budget)).collect();
    clip(kinds.join(" or "))
}

fn kind_words(model: &Model, written: &Written<'_>, kind: Kinds, depth: usize, budget: &mut Budget) -> String {
    let find = |of: fn(&Node) -> Option<NodeId>| written.parts.iter().find_map(|part| of(part));
    if kind == Kinds::ARRAY {
        return match find(|part| part.list.rest) {
            Some(items) => format!("list of {}", words(model, items, depth, budget)),
            None => "list".into(),
        };
    }
    if kind == Kinds::OBJECT {
        let described = written.parts.iter().any(|part| !part.object.properties.is_empty());
        let values = find(|part| part.object.additional).filter(|id| !described && model.nodes[*id].always.is_none());
        return match (values, written.parts.iter().find_map(|part| part.notes.title.as_ref())) {
            (Some(values), _) => format!("map of {}", words(model, values, depth, budget)),
            (None, Some(title)) => format!("object {}", clip(title.clone())),
            (None, None) => "object".into(),
        };
    }
    let format = written.parts.iter().find_map(|part| part.string.format.as_ref());
    match format.filter(|_| kind == Kinds::STRING) {
        Some(format) => format!("string ({})", clip(format.clone())),
        None => kind.words(),
    }
}
