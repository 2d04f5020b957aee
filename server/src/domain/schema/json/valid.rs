//! Whether a value is valid, within a budget.
//!
//! The validator of the `jsonschema` crate asks every branch of every branch, and a small schema can have more of them than
//! there is time for; and a reference that leads to itself without a step into the value brings it down. This one stops,
//! and what it has not finished counts as invalid. It is strict where it does not know: it only judges examples, and one
//! too few costs nothing. Tests hold it against the crate.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::super::budget::Budget;
use super::diff::key;
use super::view::{View, Written};
use super::{Kinds, Lists, Model, Node, NodeId, Objects};

/// Whether a value is valid under a model.
pub(super) fn is_valid(model: &Model, value: &Value) -> bool {
    Check { model, budget: Budget::new() }.node(model.root, value)
}

struct Check<'a> {
    model: &'a Model,
    budget: Budget,
}

impl<'a> Check<'a> {
    fn node(&mut self, id: NodeId, value: &Value) -> bool {
        if !self.budget.enter() {
            return false;
        }
        let id = self.model.behind(id);
        let node = &self.model.nodes[id];
        let valid = node.always != Some(false)
            && scalar(node, value)
            && value.as_object().is_none_or(|map| self.object(&node.object, map, id))
            && value.as_array().is_none_or(|items| self.list(&node.list, items))
            && self.branches(node, value);
        self.budget.leave();
        valid
    }

    fn branches(&mut self, node: &Node, value: &Value) -> bool {
        let all = node.all.iter().all(|part| self.node(*part, value));
        let any = node.any.is_empty() || node.any.iter().any(|part| self.node(*part, value));
        let one = node.one.is_empty() || node.one.iter().filter(|part| self.node(**part, value)).count() == 1;
        // What is too much work is not valid, so it may not count as excluded either.
        let not = node.not.is_none_or(|part| !self.node(part, value) && self.budget.spend(1));
        all && any && one && not && self.condition(node, value)
    }

    fn condition(&mut self, node: &Node, value: &Value) -> bool {
        let Some(condition) = node.condition else { return true };
        let branch = if self.node(condition.when, value) { condition.then } else { condition.otherwise };
        branch.is_none_or(|branch| self.node(branch, value))
    }

    fn object(&mut self, of: &Objects, map: &Map<String, Value>, id: NodeId) -> bool {
        let within = |count: u64| {
            of.properties_min.is_none_or(|min| count >= min) && of.properties_max.is_none_or(|max| count <= max)
        };
        let needs = of.needs.iter().filter(|(name, _)| map.contains_key(*name)).flat_map(|(_, needs)| needs);
        if !within(count(map.len())) || !of.required.iter().chain(needs).all(|name| map.contains_key(name)) {
            return false;
        }
        let whole = Value::Object(map.clone());
        of.needs_schema.iter().filter(|(name, _)| map.contains_key(*name)).all(|(_, part)| self.node(*part, &whole))
            && map.iter().all(|(name, value)| self.property(of, name, value, id))
    }

    fn property(&mut self, of: &Objects, name: &str, value: &Value, id: NodeId) -> bool {
        let described = of.properties.get(name).copied();
        let matched: Vec<_> =
            of.patterns.iter().filter(|(pattern, _)| pattern.matches(name)).map(|(_, id)| *id).collect();
        let unknown = described.is_none() && matched.is_empty();
        let rest = of.additional.filter(|_| unknown);
        let unevaluated = of.unevaluated.filter(|_| unknown && of.additional.is_none() && !self.elsewhere(id, name));
        of.names.is_none_or(|names| self.node(names, &Value::from(name)))
            && described.into_iter().chain(matched).chain(rest).chain(unevaluated).all(|part| self.node(part, value))
    }

    /// Whether another part of the same value describes a name.
    fn elsewhere(&self, id: NodeId, name: &str) -> bool {
        let mut waiting = vec![id];
        let mut seen = HashSet::new();
        while let Some(id) = waiting.pop().filter(|_| seen.len() < 1_000) {
            if seen.insert(id) {
                let written = Written::of(self.model, View::all(id));
                let describes = |part: &&Node| {
                    part.object.properties.contains_key(name)
                        || part.object.patterns.iter().any(|(pattern, _)| pattern.matches(name))
                };
                if written.parts.iter().any(describes) {
                    return true;
                }
                waiting
                    .extend(written.sums.iter().flat_map(|sum| sum.branches).map(|branch| self.model.behind(*branch)));
            }
        }
        false
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
    let schema = json!({ "format": format });
    let validator =
        jsonschema::options().should_validate_formats(true).should_ignore_unknown_formats(true).build(&schema);
    validator.is_ok_and(|validator| validator.is_valid(value))
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
