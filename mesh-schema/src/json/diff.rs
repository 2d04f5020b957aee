//! Is every document that is valid under the writer's schema valid under the reader's?
//!
//! That cannot be decided for all schemas, so it is asked keyword by keyword, with the registry's rules and names. A
//! keyword that adds a constraint is a finding. Where a keyword can hide one and there is no rule for it, the finding
//! is `UNDECIDED`: better a refusal that a person can overrule than a consumer that stops.
//!
//! What is taken from the registry although it is not sound: a required property with a default may be added (the
//! default is for the consumer to fill in), and a branch may be added to `oneOf` (it may overlap with another one).
//!
//! Where the verdict differs from Confluent's registry:
//! - Bounds, enums and branches are compared by what they allow: `minimum: 1` to `exclusiveMinimum: 0` is compatible,
//!   and so is a union that loses a branch another one covers. Confluent compares the keywords, and counts the
//!   branches.
//! - A schema with a type and an `enum` or a `const` is compared as both. An `enum` that is added is
//!   `ENUM_ARRAY_NARROWED`.
//! - `patternProperties` alone do not close a content model, since other names stay allowed; Confluent counts them as
//!   if.
//! - `format` counts (`FORMAT_ADDED`, `FORMAT_CHANGED`), as do `contains`, `propertyNames` and `if`; Confluent
//!   ignores them. A consumer that checks formats refuses what does not keep to them.
//! - A property that is required and not described counts too; Confluent looks at described ones only.
//! - `additionalItems` without a list in `items` says nothing, as the drafts have it; Confluent compares it anyway.
//! - What `unevaluatedProperties` and `unevaluatedItems` refuse is worked out with all parts of both schemas in view,
//!   as far as that goes; Confluent looks at the keyword alone.
//!
//! The older name `PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL` does not appear: like newer registries, this one tells
//! required properties from optional ones.

mod lists;
mod objects;
mod scalars;
mod unevaluated;

pub(super) use scalars::key;

use super::super::compat::UNDECIDED;
use super::super::walk::Walk;
use super::view::{View, Written};
use super::{Kinds, Model, Node, NodeId, Problem, Sides};

pub(super) fn diff(reader: &Model, writer: &Model, sides: Sides) -> Vec<Problem> {
    let mut diff = Diff { reader, writer, walk: Walk::new(sides) };
    diff.compare(reader.root, View::all(writer.root));
    diff.walk.into_problems()
}

struct Diff<'a> {
    reader: &'a Model,
    writer: &'a Model,
    walk: Walk<(NodeId, View)>,
}

impl<'a> Diff<'a> {
    fn compare(&mut self, reads: NodeId, writes: View) {
        let reads = self.reader.behind(reads);
        let writes = View { id: self.writer.behind(writes.id), ..writes };
        let pair = (reads, writes);
        if let Some(mark) = self.walk.enter(pair) {
            self.compare_nodes(reads, writes);
            self.walk.leave(pair, mark);
        }
    }

    fn compare_nodes(&mut self, reads: NodeId, writes: View) {
        let node = &self.reader.nodes[reads];
        if node.says_nothing() {
            return;
        }
        let written = Written::of(self.writer, writes);
        if !self.walk.spend(written.weight()) {
            return self.undecided("a very large part");
        }
        if written.kinds.is_empty() {
            return;
        }
        if node.always == Some(false) {
            return self.walk.refuses(
                "TYPE_CHANGED",
                "every value here",
                "allow the values, or keep the part out of both",
            );
        }
        self.own(reads, &written);
        for part in &node.all {
            self.compare(*part, writes);
        }
        self.sum(&node.any, false, &written);
        self.sum(&node.one, true, &written);
        self.not(node, &written);
        self.condition(node, &written);
    }

    /// The keywords of the reader's node itself.
    fn own(&mut self, reads: NodeId, written: &Written<'a>) {
        let node = &self.reader.nodes[reads];
        self.kinds(node, written);
        self.values(node, written);
        let number = Kinds::INTEGER.or(Kinds::FRACTION);
        self.aspect(written, number, |diff, part| diff.numbers(&node.number, &part.number, written));
        self.aspect(written, Kinds::STRING, |diff, part| diff.strings(&node.string, &part.string, written));
        self.aspect(written, Kinds::OBJECT, |diff, part| diff.objects(&node.object, &part.object, written));
        if written.kinds.meets(Kinds::OBJECT) {
            self.unevaluated_properties(reads, written);
        }
        self.aspect(written, Kinds::ARRAY, |diff, part| diff.lists(&node.list, &part.list, written));
        if written.kinds.meets(Kinds::ARRAY) {
            self.unevaluated_items(reads, written);
        }
    }

    /// Compares the keywords for some types with whichever part of the writer's schema makes up for them.
    fn aspect(&mut self, written: &Written<'a>, kinds: Kinds, compare: impl Fn(&mut Self, &'a Node)) {
        if !written.kinds.meets(kinds) {
            return;
        }
        let (first, others) = (written.parts[0], &written.parts[1..]);
        if others.is_empty() && written.sums.is_empty() {
            return compare(self, first);
        }
        let mut best = (self.problems(&compare, first), first);
        for part in others {
            if best.0 > 0 {
                let found = self.problems(&compare, part);
                best = if found < best.0 { (found, part) } else { best };
            }
        }
        if best.0 == 0 || written.sums.iter().any(|sum| self.every_branch(sum.branches, written, kinds, &compare)) {
            return;
        }
        compare(self, best.1);
    }

    fn problems(&mut self, compare: &impl Fn(&mut Self, &'a Node), part: &'a Node) -> usize {
        if !self.walk.spend(1) {
            return usize::MAX;
        }
        let mark = self.walk.begin_trial();
        compare(self, part);
        self.walk.end_trial(mark)
    }

    /// Whether each branch makes up for the keywords, or has none of the types.
    fn every_branch(
        &mut self,
        branches: &'a [NodeId],
        written: &Written<'a>,
        kinds: Kinds,
        compare: &impl Fn(&mut Self, &'a Node),
    ) -> bool {
        self.walk.spend(branches.len())
            && branches.iter().all(|branch| {
                let inner = Written::of(self.writer, View { id: *branch, only: written.kinds });
                !inner.kinds.meets(kinds) || inner.parts.iter().any(|part| self.problems(compare, part) == 0)
            })
    }

    fn kinds(&mut self, node: &Node, written: &Written<'a>) {
        let Some(kinds) = node.kinds.filter(|kinds| !written.kinds.is_within(*kinds)) else { return };
        let (rule, advice) = if written.kinds.meets(kinds) {
            ("TYPE_NARROWED", "keep the wider type")
        } else {
            ("TYPE_CHANGED", "keep the type, or add a new property beside it")
        };
        let lost = Kinds(written.kinds.0 & !kinds.0).words();
        let lost =
            if lost.is_empty() { "numbers with a fraction".to_owned() } else { format!("values of the type {lost}") };
        self.walk.refuses(rule, &lost, advice);
    }

    /// Whether a view fits a node of the reader, without telling why not.
    fn fits(&mut self, reads: NodeId, writes: View) -> bool {
        let mark = self.walk.begin_trial();
        self.compare(reads, writes);
        self.walk.end_trial(mark) == 0
    }

    /// Whether a node of the reader fits one of the writer: the question the other way round.
    fn fits_back(&mut self, writes: NodeId, reads: NodeId) -> bool {
        let mut other = Diff { reader: self.writer, writer: self.reader, walk: self.walk.fork() };
        other.compare(writes, View::all(reads));
        self.walk.rejoin(other.walk)
    }

    /// Whether two nodes allow the same.
    fn same(&mut self, reads: NodeId, writes: NodeId) -> bool {
        self.fits(reads, View::all(writes)) && self.fits_back(writes, reads)
    }

    fn some_branch(&mut self, branches: &[NodeId], writes: View) -> bool {
        branches.iter().any(|branch| self.fits(*branch, writes))
    }

    fn sum(&mut self, branches: &'a [NodeId], one: bool, written: &Written<'a>) {
        if branches.is_empty() {
            return;
        }
        let mut sums = written.sums.iter().filter(|sum| sum.branches.len() > 1);
        if one && branches.len() > 1 && sums.clone().next().is_some() && sums.all(|sum| !sum.one) {
            let what = "what two branches allow at once";
            return self.walk.refuses("COMBINED_TYPE_CHANGED", what, "keep `anyOf`");
        }
        if self.some_branch(branches, written.view) || self.each_kind(branches, written) {
            return;
        }
        let view = |branch: &NodeId| View { id: *branch, only: written.kinds };
        for sum in &written.sums {
            if sum.branches.iter().all(|branch| self.some_branch(branches, view(branch))) {
                return;
            }
        }
        match (written.sums.first(), branches) {
            (Some(sum), _) => {
                for (index, branch) in sum.branches.iter().enumerate() {
                    if !self.some_branch(branches, view(branch)) {
                        let counterpart = branches.get(index).filter(|_| branches.len() >= sum.branches.len());
                        self.tell_branch(index, counterpart.copied(), view(branch));
                    }
                }
            }
            (None, [only]) => self.compare(*only, written.view),
            (None, _) => {
                let advice = "keep a branch for what was allowed before";
                self.walk.refuses("COMBINED_TYPE_SUBSCHEMAS_CHANGED", "values that fit no branch", advice);
            }
        }
    }

    /// Whether each type alone finds a branch: `["string", "null"]` is as good as one branch for either.
    fn each_kind(&mut self, branches: &[NodeId], written: &Written<'a>) -> bool {
        let kinds: Vec<_> = written.kinds.each().collect();
        kinds.len() > 1 && kinds.into_iter().all(|only| self.some_branch(branches, View { id: written.view.id, only }))
    }

    fn tell_branch(&mut self, index: usize, counterpart: Option<NodeId>, writes: View) {
        let above = self.walk.down(&format!("({})", index + 1));
        match counterpart {
            Some(reads) => self.compare(reads, writes),
            None => self.walk.refuses("SUM_TYPE_NARROWED", "this branch", "keep a branch that covers it"),
        }
        self.walk.up(above);
    }

    fn not(&mut self, node: &Node, written: &Written<'a>) {
        let Some(excluded) = node.not else { return };
        if !self.reader.kinds[excluded].meets(written.kinds) {
            return;
        }
        // The writer excludes at least as much.
        let wider: Vec<_> = written.parts.iter().filter_map(|part| part.not).collect();
        if !wider.into_iter().any(|other| self.fits_back(other, excluded)) {
            self.walk.refuses("NOT_TYPE_EXTENDED", "what `not` excludes", "exclude no more than before");
        }
    }

    fn condition(&mut self, node: &Node, written: &Written<'a>) {
        let Some(condition) = node.condition else { return };
        let others: Vec<_> = written.parts.iter().filter_map(|part| part.condition).collect();
        let kept = others.into_iter().any(|other| {
            let branch = |diff: &mut Self, reads: Option<NodeId>, writes: Option<NodeId>| match (reads, writes) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(reads), Some(writes)) => diff.fits(reads, View::all(writes)),
            };
            self.same(condition.when, other.when)
                && branch(self, condition.then, other.then)
                && branch(self, condition.otherwise, other.otherwise)
        });
        if !kept {
            self.undecided("`if`");
        }
    }

    fn undecided(&mut self, keyword: &str) {
        let Sides { reader, writer } = self.walk.sides;
        self.walk.add(
            UNDECIDED,
            format!(
                "it is not known whether a consumer with {reader} accepts all that {writer} allows, because {keyword} \
                 differs: keep it, or say it in simpler keywords"
            ),
        );
    }
}
