//! Listed values, numbers and strings.

use std::collections::HashSet;

use serde_json::Value;

use super::super::super::text::sorted;
use super::super::view::Written;
use super::super::{Node, Numbers, Strings};
use super::Diff;

impl<'a> Diff<'a> {
    pub(super) fn values(&mut self, node: &Node, written: &Written<'a>) {
        let Some(allowed) = &node.values else { return };
        let advice = "keep the values";
        let Some(values) = &written.values else {
            return self.walk.refuses(
                "ENUM_ARRAY_NARROWED",
                "values that are not listed",
                "do not add a list of values",
            );
        };
        let known: HashSet<String> = allowed.iter().map(key).collect();
        let before: HashSet<String> = values.iter().map(|value| key(value)).collect();
        let missing = values.iter().filter(|value| !known.contains(&key(value)));
        let missing: Vec<_> = missing.take(10).map(|value| format!("`{value}`")).collect();
        if missing.is_empty() {
            return;
        }
        let rule =
            if known.difference(&before).next().is_some() { "ENUM_ARRAY_CHANGED" } else { "ENUM_ARRAY_NARROWED" };
        self.walk.refuses(rule, &missing.join(", "), advice);
    }

    pub(super) fn numbers(&mut self, reads: &Numbers, writes: &Numbers, written: &Written<'a>) {
        let listed =
            |values: &Vec<&Value>| values.iter().filter_map(|value| value.as_f64()).all(|number| reads.holds(number));
        if written.values.as_ref().is_some_and(listed) {
            return;
        }
        let above = |bound: f64| {
            writes.minimum.is_some_and(|minimum| minimum > bound)
                || writes.exclusive_minimum.is_some_and(|minimum| minimum >= bound)
        };
        let below = |bound: f64| {
            writes.maximum.is_some_and(|maximum| maximum < bound)
                || writes.exclusive_maximum.is_some_and(|maximum| maximum <= bound)
        };
        if let Some(bound) = reads.minimum.filter(|bound| !above(*bound) && writes.minimum != Some(*bound)) {
            let rule = changed(writes.minimum, "MINIMUM_ADDED", "MINIMUM_INCREASED");
            self.walk.refuses(rule, &format!("numbers below {bound}"), "keep the lower bound");
        }
        if let Some(bound) = reads.exclusive_minimum.filter(|bound| !above(*bound)) {
            let rule = changed(writes.exclusive_minimum, "EXCLUSIVE_MINIMUM_ADDED", "EXCLUSIVE_MINIMUM_INCREASED");
            self.walk.refuses(rule, &format!("numbers up to {bound}"), "keep the lower bound");
        }
        if let Some(bound) = reads.maximum.filter(|bound| !below(*bound) && writes.maximum != Some(*bound)) {
            let rule = changed(writes.maximum, "MAXIMUM_ADDED", "MAXIMUM_DECREASED");
            self.walk.refuses(rule, &format!("numbers above {bound}"), "keep the upper bound");
        }
        if let Some(bound) = reads.exclusive_maximum.filter(|bound| !below(*bound)) {
            let rule = changed(writes.exclusive_maximum, "EXCLUSIVE_MAXIMUM_ADDED", "EXCLUSIVE_MAXIMUM_DECREASED");
            self.walk.refuses(rule, &format!("numbers from {bound} on"), "keep the upper bound");
        }
        self.multiples(reads, writes);
    }

    fn multiples(&mut self, reads: &Numbers, writes: &Numbers) {
        let Some(step) = reads.multiple_of else { return };
        let rule = match writes.multiple_of {
            None => "MULTIPLE_OF_ADDED",
            Some(other) if divides(step, other) => return,
            Some(other) if divides(other, step) => "MULTIPLE_OF_EXPANDED",
            Some(_) => "MULTIPLE_OF_CHANGED",
        };
        self.walk.refuses(rule, &format!("numbers that are no multiples of {step}"), "keep the step, or divide it");
    }

    pub(super) fn strings(&mut self, reads: &Strings, writes: &Strings, written: &Written<'a>) {
        let listed =
            |values: &Vec<&Value>| values.iter().filter_map(|value| value.as_str()).all(|text| reads.holds(text));
        if written.values.as_ref().is_some_and(listed) {
            return;
        }
        self.at_least(reads.length_min, writes.length_min, ["MIN_LENGTH_ADDED", "MIN_LENGTH_INCREASED"], "characters");
        self.at_most(reads.length_max, writes.length_max, ["MAX_LENGTH_ADDED", "MAX_LENGTH_DECREASED"], "characters");
        if let Some(pattern) = reads.pattern.as_ref().filter(|pattern| Some(*pattern) != writes.pattern.as_ref()) {
            let rule = changed(writes.pattern.as_ref(), "PATTERN_ADDED", "PATTERN_CHANGED");
            let what = format!("texts that do not match `{}`, maybe", pattern.text());
            self.walk.refuses(rule, &what, "keep the pattern: whether another one allows as much cannot be decided");
        }
        if let Some(format) = reads.format.as_ref().filter(|format| Some(*format) != writes.format.as_ref()) {
            let rule = changed(writes.format.as_ref(), "FORMAT_ADDED", "FORMAT_CHANGED");
            self.walk.refuses(rule, &format!("texts that are no `{format}`"), "keep the format, or add a new property");
        }
    }

    /// A lower bound of a count.
    pub(super) fn at_least(&mut self, reads: Option<u64>, writes: Option<u64>, rules: [&'static str; 2], of: &str) {
        if let Some(bound) = reads.filter(|bound| *bound > writes.unwrap_or_default()) {
            let rule = changed(writes, rules[0], rules[1]);
            self.walk.refuses(rule, &format!("less than {bound} {of}"), "keep the lower bound");
        }
    }

    /// An upper bound of a count.
    pub(super) fn at_most(&mut self, reads: Option<u64>, writes: Option<u64>, rules: [&'static str; 2], of: &str) {
        if let Some(bound) = reads.filter(|bound| writes.is_none_or(|other| other > *bound)) {
            let rule = changed(writes, rules[0], rules[1]);
            self.walk.refuses(rule, &format!("more than {bound} {of}"), "keep the upper bound");
        }
    }
}

/// The name of a constraint that is new, or of one that changed.
fn changed<T: Copy>(before: Option<T>, added: &'static str, changed: &'static str) -> &'static str {
    if before.is_some() { changed } else { added }
}

/// Equal for values that JSON Schema calls equal: `1` is `1.0`.
pub(in super::super) fn key(value: &Value) -> String {
    fn plain(value: &Value) -> Value {
        match value {
            // A whole number keeps all its digits.
            Value::Number(number) if !number.is_f64() => Value::from(number.to_string()),
            Value::Number(number) => Value::from(number.as_f64().unwrap_or_default().to_string()),
            Value::Array(items) => items.iter().map(plain).collect(),
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
            // Told from a number that is written as text.
            Value::String(text) => Value::from(format!("\"{text}")),
            other => other.clone(),
        }
    }
    sorted(&plain(value))
}

/// Whether every multiple of `other` is one of `step`.
fn divides(step: f64, other: f64) -> bool {
    let quotient = other / step;
    step > 0.0 && (quotient - quotient.round()).abs() < 1e-9 * quotient.abs().max(1.0)
}

impl Numbers {
    /// Whether a number keeps to the bounds.
    pub(in super::super) fn holds(&self, number: f64) -> bool {
        self.minimum.is_none_or(|bound| number >= bound)
            && self.exclusive_minimum.is_none_or(|bound| number > bound)
            && self.maximum.is_none_or(|bound| number <= bound)
            && self.exclusive_maximum.is_none_or(|bound| number < bound)
            && self.multiple_of.is_none_or(|step| number == 0.0 || divides(step, number.abs()))
    }
}

impl Strings {
    /// Whether a text keeps to all of it; a format is not looked into.
    fn holds(&self, text: &str) -> bool {
        self.format.is_none() && self.keeps(text)
    }

    /// Whether a text keeps to length and pattern.
    pub(in super::super) fn keeps(&self, text: &str) -> bool {
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        self.length_min.is_none_or(|bound| length >= bound)
            && self.length_max.is_none_or(|bound| length <= bound)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
    }
}
