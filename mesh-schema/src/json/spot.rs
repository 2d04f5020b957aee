//! Where a JSON value stands in a JSON Schema: at a node, and at every other that may look at the same value.
//!
//! Which branches hold for a value is not asked: a tag in any of them counts. What a schema says of all that is not named
//! in it (`additionalProperties: true`) says nothing of what it is, so such values stand nowhere.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::tags::one_each;
use super::view::joined;
use super::{Kinds, Model, Node, NodeId};

/// The nodes that may look at a value.
#[derive(Clone, Debug)]
pub(crate) struct Spot<'a> {
    model: &'a Model,
    /// Those that do, whatever the value.
    sure: Vec<NodeId>,
    /// Those that do if some branch above holds.
    maybe: Vec<NodeId>,
    /// All these, and what they are made of.
    nodes: Vec<NodeId>,
}

/// A node and all that may look at the same value.
fn around(model: &Model, starts: impl IntoIterator<Item = NodeId>) -> Vec<NodeId> {
    let mut waiting: Vec<NodeId> = starts.into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if seen.insert(id) {
            let node = &model.nodes[id];
            waiting.extend(node.in_place().chain(node.not));
        }
    }
    seen.into_iter().collect()
}

/// The tags of a value at a node, each once.
pub(super) fn tags(model: &Model, id: NodeId) -> Vec<String> {
    let nodes = around(model, [id]);
    one_each(nodes.into_iter().flat_map(|id| model.nodes[id].notes.tags.clone()))
}

/// The same with those of the items of a list and of the values of a map: what has no name of its own.
pub(super) fn tags_within(model: &Model, id: NodeId) -> Vec<String> {
    let mut waiting = vec![id];
    let mut seen = BTreeSet::new();
    let mut tags = Vec::new();
    while let Some(id) = waiting.pop() {
        if seen.insert(id) {
            let node = &model.nodes[id];
            tags.extend(node.notes.tags.iter().cloned());
            waiting.extend(node.in_place().chain(node.not).chain(nameless(node)));
        }
    }
    one_each(tags)
}

fn nameless(node: &Node) -> impl Iterator<Item = NodeId> {
    let (object, list) = (&node.object, &node.list);
    let patterns = object.patterns.iter().map(|(_, id)| *id);
    let values = object.additional.into_iter().chain(object.unevaluated).chain(object.names);
    let items = list.prefix.iter().copied().chain(list.rest).chain(list.unevaluated).chain(list.contains);
    patterns.chain(values).chain(items)
}

/// All tags there are, wherever.
pub(crate) fn all(model: &Model) -> impl Iterator<Item = &str> {
    model.nodes.iter().flat_map(|node| &node.notes.tags).map(String::as_str)
}

impl<'a> Spot<'a> {
    /// None = what the schema means is not all known.
    pub(crate) fn root(model: &'a Model) -> Option<Self> {
        (!model.is_dynamic).then(|| Self::at(model, vec![model.root], Vec::new()))
    }

    fn at(model: &'a Model, sure: Vec<NodeId>, maybe: Vec<NodeId>) -> Self {
        Self { model, nodes: around(model, sure.iter().chain(&maybe).copied()), sure, maybe }
    }

    fn all(&self) -> impl Iterator<Item = &'a Node> {
        let model = self.model;
        self.nodes.iter().map(|id| &model.nodes[*id])
    }

    /// Where a part of the value stands: the nodes that each node here has for it.
    fn below(&self, of: impl Fn(&'a Node) -> Vec<NodeId>) -> Option<Self> {
        let certain: BTreeSet<NodeId> = self.sure.iter().flat_map(|id| joined(self.model, *id)).collect();
        let (mut sure, mut maybe) = (Vec::new(), Vec::new());
        for id in &self.nodes {
            let place = if certain.contains(id) { &mut sure } else { &mut maybe };
            place.extend(of(&self.model.nodes[*id]));
        }
        (!sure.is_empty() || !maybe.is_empty()).then(|| Self::at(self.model, sure, maybe))
    }

    /// Also of the names that its parts have: they are in the value as well.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &'a str> {
        let model = self.model;
        let names = around(model, self.all().filter_map(|node| node.object.names));
        let all: Vec<NodeId> = self.nodes.iter().copied().chain(names).collect();
        all.into_iter().flat_map(move |id| &model.nodes[id].notes.tags).map(String::as_str)
    }

    pub(crate) fn named(&self, name: &str) -> Option<Self> {
        self.below(|node| {
            let object = &node.object;
            let matching = object.patterns.iter().filter(|(pattern, _)| pattern.matches(name)).map(|(_, id)| *id);
            let own: Vec<NodeId> = object.properties.get(name).copied().into_iter().chain(matching).collect();
            if !own.is_empty() {
                return own;
            }
            object.additional.into_iter().chain(object.unevaluated).filter(|id| self.says_something(*id)).collect()
        })
    }

    pub(crate) fn item(&self, index: usize) -> Option<Self> {
        self.below(|node| {
            let list = &node.list;
            let own = list.prefix.get(index).copied().or(list.rest.filter(|id| self.says_something(*id)));
            let others = list.unevaluated.into_iter().chain(list.contains).filter(|id| self.says_something(*id));
            own.into_iter().chain(others).collect()
        })
    }

    fn says_something(&self, id: NodeId) -> bool {
        let node = &self.model.nodes[id];
        !node.says_nothing() || !node.notes.tags.is_empty()
    }

    /// Whether a value without parts may stand here. Where only objects and lists are described, none is expected.
    pub(crate) fn takes(&self, value: &Value) -> bool {
        let kind = Kinds::of(value);
        let may = |id: &NodeId| kind.is_within(self.model.kinds[self.model.behind(*id)]);
        let is_meant = |node: &Node| {
            node.kinds.is_some_and(|kinds| kind.is_within(kinds))
                || node.values.as_ref().is_some_and(|values| values.contains(value))
        };
        let has_parts = |node: &Node| !node.object.says_nothing() || !node.list.says_nothing();
        let may_stand = self.sure.iter().all(may) && (!self.sure.is_empty() || self.maybe.iter().any(may));
        may_stand && (self.all().any(is_meant) || !self.all().any(has_parts))
    }

    pub(crate) fn weight(&self) -> usize {
        self.nodes.len()
    }
}
