//! Whether a value is valid, within a budget.
//!
//! The validator of the `jsonschema` crate asks every branch of every branch, and a small schema can have more of
//! them than there is time for; and a reference that leads to itself without a step into the value brings it down.
//! This one stops, and what it has not finished counts as invalid. It is strict where it does not know: it only
//! judges examples, and one too few costs nothing. Tests hold it against the crate.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::super::budget::Budget;
use super::diff::key;
use super::{Kinds, Lists, Model, Node, NodeId};

/// Whether a value is valid under a model.
pub(super) fn is_valid(model: &Model, value: &Value) -> bool {
    Check { model, budget: Budget::new() }.node(model.root, value)
}

/// Whether a value is valid under a model; none = it would take too long to say, or this validator is stricter than
/// the schema.
pub(super) fn holds(model: &Model, value: &Value) -> Option<bool> {
    let mut check = Check { model, budget: Budget::new() };
    let is_valid = check.node(model.root, value);
    let is_strict = || model.is_dynamic || model.nodes.iter().any(|node| node.list.unevaluated.is_some());
    (is_valid || (check.budget.spend(1) && !is_strict())).then_some(is_valid)
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The value is valid.
    Valid,
    /// It is not, or this validator is stricter than the schema.
    Invalid,
    /// The budget was too small to say.
    Unfinished,
}

/// The same within a budget that somebody gives.
pub(super) fn verdict(model: &Model, value: &Value, budget: Budget) -> Verdict {
    let mut check = Check { model, budget };
    let is_valid = check.node(model.root, value);
    match (is_valid, check.budget.spend(1)) {
        (true, _) => Verdict::Valid,
        (false, true) => Verdict::Invalid,
        (false, false) => Verdict::Unfinished,
    }
}

struct Check<'a> {
    model: &'a Model,
    budget: Budget,
}

impl<'a> Check<'a> {
    fn node(&mut self, id: NodeId, value: &Value) -> bool {
        if !self.budget.enter() {
            // No answer from here on: a no further in may be a yes further out.
            self.budget.exhaust();
            return false;
        }
        let id = self.model.behind(id);
        let node = &self.model.nodes[id];
        let weight = node.values.as_ref().map_or(0, Vec::len) + node.object.required.len();
        let valid = node.always != Some(false)
            && self.budget.spend(weight)
            && scalar(node, value)
            && value.as_object().is_none_or(|map| self.object(id, map, value))
            && value.as_array().is_none_or(|items| self.list(&node.list, items))
            && self.branches(node, value);
        self.budget.leave();
        valid
    }

    fn branches(&mut self, node: &Node, value: &Value) -> bool {
        let all = node.all.iter().all(|part| self.node(*part, value));
        let any = node.any.is_empty() || node.any.iter().any(|part| self.node(*part, value));
        let one = node.one.is_empty() || node.one.iter().filter(|part| self.node(**part, value)).count() == 1;
        let not = node.not.is_none_or(|part| !self.node(part, value));
        all && any && one && not && self.condition(node, value) && self.budget.spend(1)
    }

    fn condition(&mut self, node: &Node, value: &Value) -> bool {
        let Some(condition) = node.condition else { return true };
        let branch = if self.node(condition.when, value) { condition.then } else { condition.otherwise };
        branch.is_none_or(|branch| self.node(branch, value))
    }

    fn object(&mut self, id: NodeId, map: &Map<String, Value>, whole: &Value) -> bool {
        let of = &self.model.nodes[id].object;
        let length = count(map.len());
        if of.properties_min.is_some_and(|min| length < min) || of.properties_max.is_some_and(|max| length > max) {
            return false;
        }
        let needs = of.needs.iter().filter(|(name, _)| map.contains_key(*name)).flat_map(|(_, needs)| needs);
        of.required.iter().chain(needs).all(|name| map.contains_key(name))
            && of.needs_schema.iter().all(|(name, part)| !map.contains_key(name) || self.node(*part, whole))
            && map.iter().all(|(name, value)| self.property(id, name, value, whole))
    }

    fn property(&mut self, id: NodeId, name: &str, value: &Value, whole: &Value) -> bool {
        let of = &self.model.nodes[id].object;
        let described = of.properties.get(name).copied();
        let matched: Vec<_> =
            of.patterns.iter().filter(|(pattern, _)| pattern.matches(name)).map(|(_, id)| *id).collect();
        let unknown = described.is_none() && matched.is_empty();
        let rest = of.additional.filter(|_| unknown);
        let left = unknown && rest.is_none() && of.unevaluated.is_some() && !self.inside_describes(id, name, whole);
        let unevaluated = of.unevaluated.filter(|_| left);
        of.names.is_none_or(|names| self.node(names, &Value::from(name)))
            && described.into_iter().chain(matched).chain(rest).chain(unevaluated).all(|part| self.node(part, value))
    }

    /// Whether a node describes a name: itself, or a part that holds for the whole object.
    fn describes(&mut self, id: NodeId, name: &str, whole: &Value) -> bool {
        let id = self.model.behind(id);
        let of = &self.model.nodes[id].object;
        of.additional.is_some()
            || of.unevaluated.is_some()
            || of.properties.contains_key(name)
            || of.patterns.iter().any(|(pattern, _)| pattern.matches(name))
            || self.inside_describes(id, name, whole)
    }

    fn inside_describes(&mut self, id: NodeId, name: &str, whole: &Value) -> bool {
        if !self.budget.enter() {
            return false;
        }
        let model = self.model;
        let node = &model.nodes[id];
        let choices = node.any.iter().chain(&node.one).chain(node.object.needs_schema.values());
        let describes = node.all.iter().any(|part| self.describes(*part, name, whole))
            || choices.into_iter().any(|part| self.node(*part, whole) && self.describes(*part, name, whole))
            || node.condition.is_some_and(|condition| {
                let holds = self.node(condition.when, whole);
                let branch = if holds { condition.then } else { condition.otherwise };
                (holds && self.describes(condition.when, name, whole))
                    || branch.is_some_and(|branch| self.describes(branch, name, whole))
            });
        self.budget.leave();
        describes
    }

    fn list(&mut self, of: &Lists, items: &[Value]) -> bool {
        let length = count(items.len());
        if of.items_min.is_some_and(|min| length < min) || of.items_max.is_some_and(|max| length > max) {
            return false;
        }
        let mut seen = HashSet::new();
        if of.unique && !items.iter().all(|item| seen.insert(key(item))) {
            return false;
        }
        // What other parts say of items is not looked up: too strict, not too lax.
        let rest = of.rest.or(of.unevaluated);
        let each = items
            .iter()
            .enumerate()
            .all(|(index, item)| of.prefix.get(index).copied().or(rest).is_none_or(|part| self.node(part, item)));
        each && of.contains.is_none_or(|part| {
            let found = count(items.iter().filter(|item| self.node(part, item)).count());
            found >= of.contains_min.unwrap_or(1) && of.contains_max.is_none_or(|max| found <= max)
        })
    }
}

fn scalar(node: &Node, value: &Value) -> bool {
    node.kinds.is_none_or(|kinds| Kinds::of(value).is_within(kinds))
        && node.values.as_ref().is_none_or(|values| {
            let wanted = key(value);
            values.iter().any(|value| key(value) == wanted)
        })
        && value.as_f64().is_none_or(|number| node.number.holds(number))
        && value.as_str().is_none_or(|text| {
            node.string.keeps(text) && node.string.format.as_ref().is_none_or(|format| is_formatted(format, value))
        })
}

/// Formats are asked of the crate, which knows them; a format nobody knows says nothing.
fn is_formatted(format: &str, value: &Value) -> bool {
    /// Formats come from texts of strangers; those that exist are fewer.
    const KEPT_MAX: usize = 64;
    thread_local! {
        static KEPT: RefCell<HashMap<String, Option<Validator>>> = RefCell::default();
    }
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= KEPT_MAX && !kept.contains_key(format) {
            kept.clear();
        }
        let validator = kept.entry(format.to_owned()).or_insert_with(|| {
            let options = jsonschema::options().should_validate_formats(true).should_ignore_unknown_formats(true);
            options.build(&json!({ "format": format })).ok()
        });
        validator.as_ref().is_some_and(|validator| validator.is_valid(value))
    })
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
