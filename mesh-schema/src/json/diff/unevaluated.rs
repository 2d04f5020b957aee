//! What `unevaluatedProperties` and `unevaluatedItems` refuse.
//!
//! They speak of what no other part of the schema describes, and a part counts only where it holds. So it is not
//! enough that the reader describes a name somewhere: it has to do so whenever the writer does. That is sure for what
//! stands in the node itself or is joined by `allOf`; for branches it is sure where they pair off one by one.
//! Everything else is undecided.

use std::collections::HashSet;

use super::super::view::{Described, View, Written, joined};
use super::super::{Model, Node, NodeId, Pattern};
use super::Diff;
use super::lists::Rest;
use super::objects::Cover;

/// How deep branches are paired off.
const DEPTH_MAX: usize = 16;

/// What is described for sure.
#[derive(Default)]
struct Certain<'a> {
    names: HashSet<&'a str>,
    patterns: Vec<&'a Pattern>,
    /// All other names too.
    open: bool,
    prefix: usize,
    /// All other items too.
    rest: bool,
    contains: bool,
}

impl<'a> Certain<'a> {
    /// At the top, what the node itself leaves to `unevaluated…` is what is asked for.
    fn of(model: &'a Model, id: NodeId, top: bool) -> Self {
        let mut certain = Self::default();
        for (index, part) in joined(model, id).into_iter().map(|id| &model.nodes[id]).enumerate() {
            if index > 0 || !top {
                certain.open |= part.object.unevaluated.is_some();
                certain.rest |= part.list.unevaluated.is_some();
            }
            certain.names.extend(part.object.properties.keys().map(String::as_str));
            certain.patterns.extend(part.object.patterns.iter().map(|(pattern, _)| pattern));
            certain.open |= part.object.additional.is_some();
            certain.prefix = certain.prefix.max(part.list.prefix.len());
            certain.rest |= part.list.rest.is_some();
            certain.contains |= part.list.contains.is_some();
        }
        certain
    }

    /// Whether the names a node describes are among them. What the node at the top leaves to `additionalProperties` has
    /// been looked at before.
    fn covers_names(&self, node: &Node, top: bool) -> bool {
        let object = &node.object;
        let known = |name: &String| {
            self.names.contains(name.as_str()) || self.patterns.iter().any(|pattern| pattern.matches(name))
        };
        self.open
            || ((top || (object.additional.is_none() && object.unevaluated.is_none()))
                && object.properties.keys().all(known)
                && object.patterns.iter().all(|(pattern, _)| self.patterns.contains(&pattern)))
    }

    fn covers_items(&self, node: &Node, top: bool) -> bool {
        let list = &node.list;
        let named = list.rest.is_none() && (top || list.unevaluated.is_none());
        let inside = named && list.prefix.len() <= self.prefix;
        self.rest || (inside && (list.contains.is_none() || self.contains))
    }
}

/// What is asked: of properties or of items, and between which nodes.
#[derive(Clone, Copy)]
struct Question {
    items: bool,
    reads: NodeId,
    writes: NodeId,
}

impl<'a> Diff<'a> {
    pub(super) fn unevaluated_properties(&mut self, reads: NodeId, written: &Written<'a>) {
        let objects = &self.reader.nodes[reads].object;
        let rest = objects.rest(self.reader);
        if !objects.leaves_unevaluated() || matches!(rest, Cover::Anything) {
            return;
        }
        let closing = self.closing(written, |node| node.object.additional.or(node.object.unevaluated).is_some());
        let closing: Vec<_> = closing.into_iter().filter(|writes| self.is_within(rest, *writes)).collect();
        if closing.is_empty() {
            return self.left_open(rest);
        }
        let known = Described::of(self.reader, reads);
        let mut missing: Option<Vec<&str>> = None;
        for writes in closing {
            let possible = Described::of(self.writer, writes);
            let work = possible.names.len() * (known.patterns.len() + 1) + known.parts + possible.parts;
            if known.unfinished || possible.unfinished || !self.walk.spend(work) {
                break;
            }
            let names: Vec<_> = possible.names.into_iter().filter(|name| !known.has(name)).collect();
            if names.is_empty() && self.keeps(Question { items: false, reads, writes }, reads, writes, 0) {
                return;
            }
            missing.get_or_insert(names);
        }
        match missing {
            Some(names) if !names.is_empty() => names.into_iter().for_each(|name| self.missing(name)),
            _ => self.undecided("`unevaluatedProperties`"),
        }
    }

    /// Whether what a part of the writer's schema allows beyond what it describes is allowed by the reader too.
    fn is_within(&mut self, rest: Cover, writes: NodeId) -> bool {
        match (rest, self.writer.nodes[writes].object.rest(self.writer)) {
            (_, Cover::Nothing) => true,
            (Cover::Schema(rest), Cover::Schema(other)) => self.fits(rest, View::all(other)),
            _ => false,
        }
    }

    fn left_open(&mut self, rest: Cover) {
        let (rule, what) = match rest {
            Cover::Nothing => ("UNEVALUATED_PROPERTIES_REMOVED", "properties that are not described"),
            _ => ("UNEVALUATED_PROPERTIES_NARROWED", "some properties that are not described"),
        };
        let above = self.walk.down("{}");
        self.walk.refuses(rule, what, "keep the schema open");
        self.walk.up(above);
    }

    fn missing(&mut self, name: &str) {
        let above = self.walk.down_to(name);
        let advice = "keep the property, or allow unevaluated ones";
        self.walk.refuses("UNEVALUATED_PROPERTIES_REMOVED", "objects with this property", advice);
        self.walk.up(above);
    }

    /// The parts of the writer's schema that refuse what is left, each on its own; all of it where none does.
    fn closing(&self, written: &Written<'a>, closes: impl Fn(&Node) -> bool) -> Vec<NodeId> {
        let mut parts = joined(self.writer, written.view.id);
        parts.retain(|id| closes(&self.writer.nodes[*id]));
        if parts.is_empty() { vec![written.view.id] } else { parts }
    }

    pub(super) fn unevaluated_items(&mut self, reads: NodeId, written: &Written<'a>) {
        let list = &self.reader.nodes[reads].list;
        let rest = list.rest(self.reader);
        if !list.leaves_unevaluated() || matches!(rest, Rest::Anything) {
            return;
        }
        // A writer of one part is compared as any list is.
        if Described::of(self.writer, written.view.id).parts == 1 {
            return;
        }
        let kept = self.closing(written, |node| node.list.leaves_unevaluated()).into_iter().any(|writes| {
            let closed = match (rest, self.writer.nodes[writes].list.rest(self.writer)) {
                (_, Rest::Nothing) => true,
                (Rest::Schema(rest), Rest::Schema(other)) => self.fits(rest, View::all(other)),
                _ => false,
            };
            closed && self.keeps(Question { items: true, reads, writes }, reads, writes, 0)
        });
        if !kept {
            self.undecided("`unevaluatedItems`");
        }
    }

    /// Whether the reader's node describes all that the writer's does, for every value that is valid under the latter.
    fn keeps(&mut self, of: Question, reads: NodeId, writes: NodeId, depth: usize) -> bool {
        let (reads, writes) = (self.reader.behind(reads), self.writer.behind(writes));
        let (one, other) = (&self.reader.nodes[reads], &self.writer.nodes[writes]);
        if depth > DEPTH_MAX || !self.walk.spend(1 + other.object.properties.len()) {
            return false;
        }
        let certain = Certain::of(self.reader, reads, reads == of.reads);
        let top = writes == of.writes;
        let covers = if of.items { certain.covers_items(other, top) } else { certain.covers_names(other, top) };
        covers
            && other.all.iter().all(|part| {
                let mut parts = std::iter::once(&reads).chain(&one.all);
                parts.any(|reads| self.keeps(of, *reads, *part, depth + 1))
            })
            && [(&one.any, &other.any), (&one.one, &other.one)].into_iter().all(|(ours, theirs)| {
                let sure = theirs.iter().all(|writes| self.keeps(of, reads, *writes, depth + 1));
                sure || self.pairs(of, ours, theirs, depth)
            })
            && self.keeps_conditions(of, (reads, one), other, depth)
    }

    /// Whether branches pair off: each of the writer's fits that of the reader, which describes as much.
    fn pairs(&mut self, of: Question, ours: &[NodeId], theirs: &[NodeId], depth: usize) -> bool {
        ours.len() >= theirs.len()
            && ours.iter().zip(theirs).all(|(reads, writes)| {
                self.fits(*reads, View::all(*writes)) && self.keeps(of, *reads, *writes, depth + 1)
            })
    }

    fn keeps_conditions(
        &mut self,
        of: Question,
        (reads, one): (NodeId, &'a Node),
        other: &'a Node,
        depth: usize,
    ) -> bool {
        let schemas = other.object.needs_schema.iter().all(|(name, writes)| {
            let ours = one.object.needs_schema.get(name).copied().unwrap_or(reads);
            self.keeps(of, ours, *writes, depth + 1)
        });
        let Some(condition) = other.condition else { return schemas };
        let branches = [Some(condition.when), condition.then, condition.otherwise];
        if schemas && branches.into_iter().flatten().all(|writes| self.keeps(of, reads, writes, depth + 1)) {
            return true;
        }
        let Some(ours) = one.condition.filter(|ours| schemas && self.same(ours.when, condition.when)) else {
            return false;
        };
        let ours = [Some(ours.when), ours.then, ours.otherwise];
        ours.into_iter()
            .zip(branches)
            .all(|(ours, theirs)| theirs.is_none_or(|writes| self.keeps(of, ours.unwrap_or(reads), writes, depth + 1)))
    }
}
