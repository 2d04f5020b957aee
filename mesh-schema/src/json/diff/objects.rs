//! Objects, by their content models.
//!
//! An open model allows properties nobody described, a closed one does not, a partially open one allows those that
//! fit a schema. Describing a property narrows an open model, because somebody may have used the name for something
//! else; leaving one out narrows a closed model.

use super::super::view::{Described, View, Written};
use super::super::{Model, NodeId, Objects, Pattern};
use super::Diff;

/// What a content model says of a name it does not describe.
#[derive(Clone, Copy)]
pub(super) enum Cover {
    Anything,
    /// Values of this schema.
    Schema(NodeId),
    Nothing,
}

impl Objects {
    /// The schema of the first pattern that a name fits.
    fn matched(&self, name: &str) -> Option<NodeId> {
        self.patterns.iter().find(|(pattern, _)| pattern.matches(name)).map(|(_, id)| *id)
    }

    /// What it says of a name that fits no pattern and that no other part of the schema describes.
    pub(super) fn rest(&self, model: &Model) -> Cover {
        cover(model, self.additional.or(self.unevaluated))
    }

    /// Only what is said beside it tells which names are left.
    pub(super) fn leaves_unevaluated(&self) -> bool {
        self.additional.is_none() && self.unevaluated.is_some()
    }
}

pub(super) fn is_nothing(model: &Model, id: NodeId) -> bool {
    matches!(cover(model, Some(id)), Cover::Nothing)
}

fn cover(model: &Model, id: Option<NodeId>) -> Cover {
    let Some(id) = id.map(|id| model.behind(id)) else { return Cover::Anything };
    match &model.nodes[id] {
        node if node.always == Some(false) => Cover::Nothing,
        node if node.says_nothing() => Cover::Anything,
        _ => Cover::Schema(id),
    }
}

impl<'a> Diff<'a> {
    pub(super) fn objects(&mut self, reads: &'a Objects, writes: &'a Objects, written: &Written<'a>) {
        if reads.says_nothing() {
            return;
        }
        let (properties, patterns) =
            (reads.properties.len() + writes.properties.len(), reads.patterns.len() + writes.patterns.len());
        let beside = writes.leaves_unevaluated().then(|| Described::of(self.writer, written.view.id));
        let beside = beside.as_ref();
        if !self.walk.spend(properties * (patterns + 1) + beside.map_or(0, |described| described.parts)) {
            return self.undecided("a very large object");
        }
        for (name, id) in &reads.properties {
            let above = self.walk.down_to(name);
            match writes.properties.get(name) {
                Some(other) => self.kept(*id, *other, name, reads, written),
                None => {
                    let cover = self.written_cover(name, writes, written, beside);
                    self.added(*id, name, cover, reads, written);
                }
            }
            self.walk.up(above);
        }
        for (name, id) in &writes.properties {
            if !reads.properties.contains_key(name) {
                let above = self.walk.down_to(name);
                self.removed(*id, name, reads);
                self.walk.up(above);
            }
        }
        self.undescribed_required(reads, written);
        let others = self.written_rest(writes, beside);
        self.patterns(reads, writes, others);
        if !reads.leaves_unevaluated() {
            self.rest(reads, others);
        }
        self.at_least(
            reads.properties_min,
            writes.properties_min,
            ["MIN_PROPERTIES_ADDED", "MIN_PROPERTIES_INCREASED"],
            "properties",
        );
        self.at_most(
            reads.properties_max,
            writes.properties_max,
            ["MAX_PROPERTIES_ADDED", "MAX_PROPERTIES_DECREASED"],
            "properties",
        );
        self.names(reads, writes);
        self.dependencies(reads, writes, written);
    }

    /// A property that both describe.
    fn kept(&mut self, id: NodeId, other: NodeId, name: &str, reads: &Objects, written: &Written<'a>) {
        self.compare(id, View::all(other));
        let newly = reads.required.contains(name) && !written.required.contains(name);
        if newly && !self.has_default(id) {
            let advice = "leave it optional, or give it a default";
            self.walk.refuses("REQUIRED_ATTRIBUTE_ADDED", "objects without this property", advice);
        }
    }

    fn has_default(&self, id: NodeId) -> bool {
        let own = self.reader.nodes[id].notes.default.is_some();
        own || self.reader.nodes[self.reader.behind(id)].notes.default.is_some()
    }

    /// What the writer's schema says of a name that this part of it does not describe. `beside` is what all of it
    /// describes, where that matters.
    fn written_cover(
        &self,
        name: &str,
        writes: &Objects,
        written: &Written<'a>,
        beside: Option<&Described<'_>>,
    ) -> Cover {
        if let Some(id) = writes.matched(name) {
            return cover(self.writer, Some(id));
        }
        let Some(beside) = beside else { return writes.rest(self.writer) };
        match written.parts.iter().find_map(|part| part.object.properties.get(name)) {
            Some(id) => cover(self.writer, Some(*id)),
            None if beside.unfinished || beside.has(name) => Cover::Anything,
            None => writes.rest(self.writer),
        }
    }

    /// What the writer's schema says of all other names. What its other parts describe is not known here.
    fn written_rest(&self, writes: &Objects, beside: Option<&Described<'_>>) -> Cover {
        let more = |described: &Described<'_>| {
            let (names, patterns) = (described.names.len(), described.patterns.len());
            let more = names > writes.properties.len() || patterns > writes.patterns.len();
            more || described.open || described.unfinished
        };
        if beside.is_some_and(more) { Cover::Anything } else { writes.rest(self.writer) }
    }

    /// A property that only the reader describes.
    fn added(&mut self, id: NodeId, name: &str, before: Cover, reads: &Objects, written: &Written<'a>) {
        let required = reads.required.contains(name) && !written.required.contains(name);
        let default = self.has_default(id);
        let anything = matches!(cover(self.reader, Some(id)), Cover::Anything);
        match before {
            Cover::Anything if anything && (!required || default) => {}
            Cover::Anything => {
                let (rule, what) = match (required, default) {
                    (true, false) => ("REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", "objects without this property"),
                    (true, true) => {
                        ("REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL", "other values under this name")
                    }
                    (false, _) => ("OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", "other values under this name"),
                };
                let advice = "close the schema with `additionalProperties: false` before properties are added to it";
                self.walk.refuses(rule, what, advice);
            }
            cover => {
                if let Cover::Schema(other) = cover
                    && !self.fits(id, View::all(other))
                {
                    let rule = "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
                    self.walk.refuses(
                        rule,
                        "other values under this name",
                        "let the property allow what its name allowed before",
                    );
                }
                if required && !default {
                    let rule = "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL";
                    self.walk.refuses(rule, "objects without this property", "leave it optional, or give it a default");
                }
            }
        }
    }

    /// A property that only the writer describes.
    fn removed(&mut self, id: NodeId, name: &str, reads: &Objects) {
        // What `unevaluatedProperties` refuses is told there, with all parts in view.
        if is_nothing(self.writer, id) || (reads.leaves_unevaluated() && reads.matched(name).is_none()) {
            return;
        }
        let after = match reads.matched(name) {
            Some(matched) => cover(self.reader, Some(matched)),
            None => reads.rest(self.reader),
        };
        match after {
            Cover::Anything => {}
            Cover::Schema(rest) => {
                if !self.fits(rest, View::all(id)) {
                    let rule = "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
                    self.walk.refuses(rule, "the values of this property", "keep the property");
                }
            }
            Cover::Nothing => {
                let advice = "keep the property, or allow additional ones";
                self.walk.refuses("PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", "objects with this property", advice);
            }
        }
    }

    fn undescribed_required(&mut self, reads: &Objects, written: &Written<'a>) {
        for name in &reads.required {
            if !written.required.contains(name.as_str()) && !reads.properties.contains_key(name) {
                let above = self.walk.down_to(name);
                self.walk.refuses("REQUIRED_ATTRIBUTE_ADDED", "objects without this property", "leave it optional");
                self.walk.up(above);
            }
        }
    }

    fn patterns(&mut self, reads: &'a Objects, writes: &'a Objects, others: Cover) {
        for (pattern, id) in &reads.patterns {
            let above = self.walk.down(&format!("{{{}}}", pattern.text()));
            match writes.patterns.iter().find(|(other, _)| other == pattern) {
                Some((_, other)) => self.compare(*id, View::all(*other)),
                None => self.added_pattern(pattern, *id, writes, others),
            }
            self.walk.up(above);
        }
        for (pattern, id) in &writes.patterns {
            if reads.patterns.iter().any(|(other, _)| other == pattern) || is_nothing(self.writer, *id) {
                continue;
            }
            let fits = match reads.rest(self.reader) {
                Cover::Anything => true,
                Cover::Schema(rest) => self.fits(rest, View::all(*id)),
                Cover::Nothing => false,
            };
            if !fits {
                let above = self.walk.down(&format!("{{{}}}", pattern.text()));
                self.walk.refuses("PATTERN_PROPERTIES_REMOVED", "properties with such names", "keep the pattern");
                self.walk.up(above);
            }
        }
    }

    fn added_pattern(&mut self, pattern: &Pattern, id: NodeId, writes: &'a Objects, rest: Cover) {
        let named = writes.properties.iter().filter(|(name, _)| pattern.matches(name));
        let named: Vec<_> = named.map(|(_, other)| *other).collect();
        let rest = match rest {
            Cover::Anything => matches!(cover(self.reader, Some(id)), Cover::Anything),
            Cover::Schema(other) => self.fits(id, View::all(other)),
            Cover::Nothing => true,
        };
        // Whether names of another pattern match this one too cannot be known.
        let others = writes.patterns.iter().all(|(_, other)| self.fits(id, View::all(*other)));
        if !rest || !others || !named.into_iter().all(|other| self.fits(id, View::all(other))) {
            self.walk.refuses("PATTERN_PROPERTIES_ADDED", "other values under such names", "do not add the pattern");
        }
    }

    /// Names that nobody described.
    fn rest(&mut self, reads: &'a Objects, before: Cover) {
        let above = self.walk.down("{}");
        match (reads.rest(self.reader), before) {
            (Cover::Anything, _) | (_, Cover::Nothing) => {}
            (Cover::Nothing, _) => {
                let what = "properties that are not described";
                self.walk.refuses("ADDITIONAL_PROPERTIES_REMOVED", what, "keep the schema open");
            }
            (Cover::Schema(reads), Cover::Schema(writes)) => self.compare(reads, View::all(writes)),
            (Cover::Schema(_), Cover::Anything) => {
                let what = "some properties that are not described";
                self.walk.refuses("ADDITIONAL_PROPERTIES_NARROWED", what, "keep the schema open");
            }
        }
        self.walk.up(above);
    }

    fn names(&mut self, reads: &Objects, writes: &Objects) {
        let Some(names) = reads.names else { return };
        if !writes.names.is_some_and(|other| self.fits(names, View::all(other))) {
            self.undecided("`propertyNames`");
        }
    }

    fn dependencies(&mut self, reads: &Objects, writes: &Objects, written: &Written<'a>) {
        for (name, needs) in &reads.needs {
            let before = writes.needs.get(name);
            let met = |need: &String| {
                written.required.contains(need.as_str()) || before.is_some_and(|set| set.contains(need))
            };
            if needs.iter().all(met) {
                continue;
            }
            let rule = match before {
                None => "DEPENDENCY_ARRAY_ADDED",
                Some(before) if before.is_subset(needs) => "DEPENDENCY_ARRAY_EXTENDED",
                Some(_) => "DEPENDENCY_ARRAY_CHANGED",
            };
            let above = self.walk.down_to(name);
            self.walk.refuses(rule, "this property without others", "do not make one property demand another");
            self.walk.up(above);
        }
        for (name, id) in &reads.needs_schema {
            let above = self.walk.down_to(name);
            match writes.needs_schema.get(name) {
                Some(other) => self.compare(*id, View::all(*other)),
                None => {
                    let advice = "do not make one property demand another";
                    self.walk.refuses("DEPENDENCY_SCHEMA_ADDED", "this property with some other ones", advice);
                }
            }
            self.walk.up(above);
        }
    }
}
