//! What a writer's schema allows at one place, with `allOf` and references taken apart.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::{Kinds, Model, Node, NodeId, Pattern};

/// How far types are looked for in branches of branches and behind references.
const KINDS_ROUNDS: usize = 12;
/// Most parts of one `allOf` that are looked at. Less knowledge of the writer refuses more, and never less.
const PARTS_MAX: usize = 200;
/// Most parts of one value of which it is known what they describe.
const DESCRIBED_MAX: usize = 1_000;

/// A node, of which only values of some types are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct View {
    pub(super) id: NodeId,
    pub(super) only: Kinds,
}

impl View {
    pub(super) fn all(id: NodeId) -> Self {
        Self { id, only: Kinds::ALL }
    }
}

/// The conjunction that a view is.
#[derive(Debug)]
pub(super) struct Written<'a> {
    pub(super) view: View,
    /// The node and all it is joined with by `allOf`, none of them alone the whole truth.
    pub(super) parts: Vec<&'a Node>,
    /// The branches of each `anyOf` and `oneOf`.
    pub(super) sums: Vec<Sum<'a>>,
    /// The types it can have.
    pub(super) kinds: Kinds,
    /// The only values it can have, when they are listed.
    pub(super) values: Option<Vec<&'a Value>>,
    /// What every part together requires.
    pub(super) required: BTreeSet<&'a str>,
}

/// The branches of an `anyOf` or a `oneOf`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum<'a> {
    pub(super) branches: &'a [NodeId],
    /// Exactly one holds.
    pub(super) one: bool,
}

impl<'a> Written<'a> {
    pub(super) fn of(model: &'a Model, view: View) -> Self {
        let ids = joined(model, view.id);
        let parts: Vec<_> = ids.iter().map(|id| &model.nodes[*id]).collect();
        let sums = parts.iter().flat_map(|part| {
            let sum = |branches: &'a Vec<NodeId>, one| Sum { branches, one };
            [sum(&part.any, false), sum(&part.one, true)].into_iter().filter(|sum| !sum.branches.is_empty())
        });
        let sums = sums.collect();
        let kinds = model.kinds[model.behind(view.id)].and(view.only);
        let values = parts.iter().filter_map(|part| part.values.as_ref()).min_by_key(|values| values.len());
        let values = values.map(|values| values.iter().filter(|value| Kinds::of(value).meets(kinds)).collect());
        let required = parts.iter().flat_map(|part| part.object.required.iter().map(String::as_str)).collect();
        Self { view, parts, sums, kinds, values, required }
    }

    /// How much there is to look at.
    pub(super) fn weight(&self) -> usize {
        self.parts.len() + self.required.len() + self.values.as_ref().map_or(0, Vec::len)
    }
}

/// A node and everything `allOf` joins with it.
pub(super) fn joined(model: &Model, id: NodeId) -> Vec<NodeId> {
    let mut found = vec![model.behind(id)];
    let mut known: HashSet<NodeId> = found.iter().copied().collect();
    let mut next = 0;
    while let Some(id) = found.get(next).copied() {
        for part in &model.nodes[id].all {
            let part = model.behind(*part);
            if found.len() < PARTS_MAX && known.insert(part) {
                found.push(part);
            }
        }
        next += 1;
    }
    found
}

/// What the parts of one value describe in whatever branch: what `unevaluatedProperties` leaves alone, at most.
#[derive(Debug, Default)]
pub(super) struct Described<'a> {
    pub(super) names: BTreeSet<&'a str>,
    pub(super) patterns: Vec<&'a Pattern>,
    /// Some part describes all other names too.
    pub(super) open: bool,
    /// How many parts there are.
    pub(super) parts: usize,
    /// There are more than were looked at.
    pub(super) unfinished: bool,
}

impl<'a> Described<'a> {
    pub(super) fn of(model: &'a Model, id: NodeId) -> Self {
        let mut described = Self::default();
        let mut waiting = vec![id];
        let mut seen = HashSet::new();
        while let Some(id) = waiting.pop() {
            if !seen.insert(id) {
                continue;
            }
            if seen.len() > DESCRIBED_MAX {
                described.unfinished = true;
                break;
            }
            let node = &model.nodes[id];
            described.add(model, node);
            waiting.extend(node.in_place());
        }
        described.parts = seen.len();
        described
    }

    fn add(&mut self, model: &Model, node: &'a Node) {
        let object = &node.object;
        self.names.extend(object.properties.keys().map(String::as_str));
        self.patterns.extend(object.patterns.iter().map(|(pattern, _)| pattern));
        self.open |= object.additional.is_some_and(|id| model.nodes[id].always != Some(false));
    }

    /// Whether some part describes a name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.open || self.names.contains(name) || self.patterns.iter().any(|pattern| pattern.matches(name))
    }
}

impl Node {
    /// The nodes that look at the same value as this one.
    pub(super) fn in_place(&self) -> impl Iterator<Item = NodeId> {
        let condition = self.condition.into_iter();
        let condition = condition.flat_map(|of| [Some(of.when), of.then, of.otherwise].into_iter().flatten());
        let lists = [&self.all, &self.any, &self.one].into_iter().flatten();
        let needs = self.object.needs_schema.values();
        self.target.into_iter().chain(lists.copied()).chain(needs.copied()).chain(condition)
    }
}

/// The types each node can have, at most: narrowed round by round, so that circles end.
pub(super) fn all_kinds(nodes: &[Node]) -> Vec<Kinds> {
    let mut kinds = vec![Kinds::ALL; nodes.len()];
    for _ in 0..KINDS_ROUNDS {
        kinds = nodes.iter().map(|node| narrowed(node, &kinds)).collect();
    }
    kinds
}

fn narrowed(node: &Node, known: &[Kinds]) -> Kinds {
    if node.always == Some(false) {
        return Kinds(0);
    }
    let any_of = |of: &mut dyn Iterator<Item = Kinds>| of.fold(Kinds(0), Kinds::or);
    let mut kinds = node.kinds.unwrap_or(Kinds::ALL);
    if let Some(values) = &node.values {
        kinds = kinds.and(any_of(&mut values.iter().map(Kinds::of)));
    }
    kinds = node.target.iter().chain(&node.all).fold(kinds, |kinds, part| kinds.and(known[*part]));
    for branches in [&node.any, &node.one].into_iter().filter(|branches| !branches.is_empty()) {
        kinds = kinds.and(any_of(&mut branches.iter().map(|branch| known[*branch])));
    }
    kinds
}
