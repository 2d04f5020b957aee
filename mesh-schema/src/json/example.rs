//! Makes up a document for a JSON Schema.
//!
//! What is made up is checked before it is shown: keywords that are not worked with, such as `not` and
//! `if`, cost at most an example, and never show a wrong one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::budget::Budget;
use super::super::field::{join, shown};
use super::valid::is_valid;
use super::view::{View, Written};
use super::{Kinds, Model, NoExample, Node, NodeId, Numbers};

/// Branches of `anyOf` and `oneOf` that are tried.
const CHOICES: usize = 4;
/// Most items of a list and most properties made up.
const COUNT_MAX: u64 = 100;
/// Longest text made up, in characters.
const LENGTH_MAX: u64 = 4_096;

pub(super) fn example(model: &Model) -> Result<Value, NoExample> {
    let mut failed = None;
    // Authors' examples first; they may be wrong.
    for (choice, trusting) in (0..CHOICES).flat_map(|choice| [(choice, true), (choice, false)]) {
        let mut maker = Maker { model, budget: Budget::for_example(), open: Vec::new(), choice, trusting };
        match maker.value(model.root, "") {
            Ok(value) if is_valid(model, &value) => return Ok(value),
            Ok(_) => {
                failed = failed.or_else(|| Some(none("", "its rules are too intricate: add an example to the schema")));
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    Err(failed.unwrap_or_else(|| none("", "there is nothing to show")))
}

struct Maker<'a> {
    model: &'a Model,
    budget: Budget,
    /// The nodes we are in.
    open: Vec<NodeId>,
    /// Which branch is taken.
    choice: usize,
    /// Whether examples and defaults are taken as they are.
    trusting: bool,
}

impl<'a> Maker<'a> {
    fn value(&mut self, id: NodeId, path: &str) -> Result<Value, NoExample> {
        let id = self.model.behind(id);
        if self.open.contains(&id) {
            return Err(none(path, "it holds itself without end: make an inner part optional"));
        }
        if !self.budget.enter() {
            return Err(none(path, "the schema is too large or too deep"));
        }
        self.open.push(id);
        let parts = self.parts(id);
        let value = self.fill(&parts, path);
        self.open.pop();
        self.budget.leave();
        value
    }

    /// The node, all it is joined with, and one branch of each choice in them.
    fn parts(&mut self, id: NodeId) -> Vec<&'a Node> {
        let mut parts: Vec<&'a Node> = Vec::new();
        let mut waiting = vec![id];
        while let Some(id) = waiting.pop() {
            let written = Written::of(self.model, View::all(id));
            if !self.budget.spend(written.weight()) {
                break;
            }
            for part in written.parts {
                if !parts.iter().any(|known| std::ptr::eq(*known, part)) {
                    parts.push(part);
                }
            }
            if parts.len() < 50 {
                waiting.extend(written.sums.iter().map(|sum| sum.branches[self.choice % sum.branches.len()]));
            }
        }
        parts
    }

    fn fill(&mut self, parts: &[&'a Node], path: &str) -> Result<Value, NoExample> {
        if parts.iter().any(|part| part.always == Some(false)) {
            return Err(none(path, "no value is allowed here"));
        }
        let notes = parts.iter().map(|part| &part.notes);
        if let Some(value) = notes.clone().find_map(|notes| notes.examples.first()).filter(|_| self.trusting) {
            return Ok(value.clone());
        }
        let default = notes.clone().find_map(|notes| notes.default.as_ref());
        if let Some(value) = default.filter(|value| self.trusting && !value.is_null()) {
            return Ok(value.clone());
        }
        if let Some(values) = parts.iter().filter_map(|part| part.values.as_ref()).min_by_key(|values| values.len()) {
            let value = values.iter().find(|value| !value.is_null()).or(values.first());
            return value.cloned().ok_or_else(|| none(path, "the list of values is empty"));
        }
        let kind = kind(parts);
        match kind.0 {
            _ if kind == Kinds::OBJECT => self.object(parts, path),
            _ if kind == Kinds::ARRAY => self.list(parts, path),
            _ if kind == Kinds::STRING => string(parts, path),
            _ if kind.meets(Kinds::INTEGER.or(Kinds::FRACTION)) => number(parts, kind == Kinds::INTEGER, path),
            _ if kind == Kinds::BOOLEAN => Ok(json!(true)),
            _ if kind == Kinds::NULL => Ok(Value::Null),
            _ => Err(none(path, "its types exclude each other")),
        }
    }

    fn object(&mut self, parts: &[&'a Node], path: &str) -> Result<Value, NoExample> {
        let required: BTreeSet<&str> =
            parts.iter().flat_map(|part| part.object.required.iter().map(String::as_str)).collect();
        let mut properties: BTreeMap<&str, NodeId> = BTreeMap::new();
        for (name, id) in parts.iter().flat_map(|part| &part.object.properties) {
            properties.entry(name).or_insert(*id);
        }
        let most = parts.iter().filter_map(|part| part.object.properties_max).min().unwrap_or(u64::MAX);
        let mut map = Map::new();
        // What is required comes first, so that a limit leaves out what is not.
        for name in &required {
            let path = join(path, name);
            let value = match properties.get(name) {
                Some(id) => self.value(*id, &path)?,
                None => self.undescribed(parts, name, &path)?,
            };
            map.insert((*name).to_owned(), value);
        }
        for (name, id) in properties.iter().filter(|(name, _)| !required.contains(*name)) {
            let notes = [&self.model.nodes[*id].notes, &self.model.nodes[self.model.behind(*id)].notes];
            if notes.iter().any(|notes| notes.deprecated) || count(map.len()) >= most {
                continue;
            }
            if let Ok(value) = self.value(*id, &join(path, name)) {
                map.insert((*name).to_owned(), value);
            }
        }
        self.pad(parts, &mut map, path)?;
        Ok(Value::Object(map))
    }

    fn undescribed(&mut self, parts: &[&'a Node], name: &str, path: &str) -> Result<Value, NoExample> {
        let mut patterns = parts.iter().flat_map(|part| &part.object.patterns);
        let matching = patterns.find(|(pattern, _)| pattern.matches(name)).map(|(_, id)| *id);
        match matching.or_else(|| parts.iter().find_map(|part| part.object.additional)) {
            Some(id) => self.value(id, path),
            None => Ok(json!("text")),
        }
    }

    /// Adds properties until there are enough, and one where there are none but some are foreseen.
    fn pad(&mut self, parts: &[&'a Node], map: &mut Map<String, Value>, path: &str) -> Result<(), NoExample> {
        let fewest = parts.iter().filter_map(|part| part.object.properties_min).max().unwrap_or_default();
        if fewest > COUNT_MAX {
            return Err(none(path, "it must have too many properties to show"));
        }
        let foreseen = parts.iter().any(|part| {
            part.object.additional.is_some_and(|id| self.model.nodes[id].always.is_none())
                || !part.object.patterns.is_empty()
        });
        let wanted = if map.is_empty() && foreseen { fewest.max(1) } else { fewest };
        let pattern = parts.iter().flat_map(|part| &part.object.patterns).map(|(pattern, _)| pattern).next();
        for number in 1..=wanted {
            if count(map.len()) >= wanted {
                break;
            }
            let plain = if number == 1 { "key".to_owned() } else { format!("key{number}") };
            let name = pattern.filter(|_| number == 1).and_then(|pattern| pattern.example(0, 100)).unwrap_or(plain);
            match self.undescribed(parts, &name, &join(path, &name)) {
                Ok(value) => map.insert(name, value),
                Err(_) if fewest == 0 => break,
                Err(error) => return Err(error),
            };
        }
        Ok(())
    }

    fn list(&mut self, parts: &[&'a Node], path: &str) -> Result<Value, NoExample> {
        let fewest = parts.iter().filter_map(|part| part.list.items_min).max().unwrap_or_default();
        let most = parts.iter().filter_map(|part| part.list.items_max).min().unwrap_or(u64::MAX);
        if fewest > COUNT_MAX {
            return Err(none(path, "it must have too many items to show"));
        }
        let prefix = parts.iter().map(|part| &part.list.prefix).find(|prefix| !prefix.is_empty());
        let prefix: &[NodeId] = prefix.map_or(&[], Vec::as_slice);
        let rest = parts.iter().find_map(|part| part.list.rest);
        let contains = parts.iter().find_map(|part| part.list.contains);
        let wanted = fewest.max(count(prefix.len())).max(1).min(most);
        let mut items: Vec<Value> = Vec::new();
        for index in 0..usize::try_from(wanted).unwrap_or_default() {
            let first = contains.filter(|_| index == prefix.len());
            let item = match prefix.get(index).copied().or(first).or(rest) {
                Some(id) => self.value(id, &format!("{path}[]")),
                None => Ok(json!("text")),
            };
            match item {
                Ok(item) => items.push(item),
                Err(_) if count(items.len()) >= fewest => break,
                Err(error) => return Err(error),
            }
        }
        if parts.iter().any(|part| part.list.unique) {
            items.iter_mut().enumerate().for_each(|(index, item)| vary(item, index));
        }
        Ok(Value::Array(items))
    }
}

fn none(path: &str, reason: &str) -> NoExample {
    NoExample { path: shown(path), reason: reason.to_owned() }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Makes items differ, where that is easy.
fn vary(item: &mut Value, index: usize) {
    match item {
        _ if index == 0 => {}
        Value::String(text) => text.push_str(&index.to_string()),
        Value::Number(number) => {
            if let Some(number) = number.as_u64() {
                *item = json!(number.saturating_add(count(index)));
            }
        }
        _ => {}
    }
}

/// The type to make: what the keywords speak of, or the first that is allowed.
fn kind(parts: &[&Node]) -> Kinds {
    let kinds = parts.iter().filter_map(|part| part.kinds).fold(Kinds::ALL, Kinds::and);
    let spoken = [
        (Kinds::OBJECT, parts.iter().any(|part| !part.object.says_nothing())),
        (Kinds::ARRAY, parts.iter().any(|part| !part.list.says_nothing())),
        (Kinds::INTEGER.or(Kinds::FRACTION), parts.iter().any(|part| part.number != Numbers::default())),
        (Kinds::STRING, true),
    ];
    let spoken =
        spoken.into_iter().find(|(kind, speaks)| *speaks && kind.meets(kinds)).map(|(kind, _)| kind.and(kinds));
    spoken.or_else(|| kinds.each().next()).unwrap_or(Kinds(0))
}

fn number(parts: &[&Node], whole: bool, path: &str) -> Result<Value, NoExample> {
    let bounds = parts.iter().map(|part| &part.number);
    let largest = |of: fn(&Numbers) -> Option<f64>| bounds.clone().filter_map(of).reduce(f64::max);
    let smallest = |of: fn(&Numbers) -> Option<f64>| bounds.clone().filter_map(of).reduce(f64::min);
    let (least, above) = (largest(|of| of.minimum), largest(|of| of.exclusive_minimum));
    let (most, below) = (smallest(|of| of.maximum), smallest(|of| of.exclusive_maximum));
    let step = largest(|of| of.multiple_of);
    let low = [least, above].into_iter().flatten().reduce(f64::max);
    let high = [most, below].into_iter().flatten().reduce(f64::min);
    let middle = low.zip(high).map(|(low, high)| low + (high - low) / 2.0);
    let unit = step.unwrap_or(1.0);
    let up = low.map(|low| (low / unit).ceil() * unit);
    let down = high.map(|high| (high / unit).floor() * unit);
    let candidates = [
        step.or(Some(if whole { 1.0 } else { 1.5 })),
        up,
        up.map(|up| up + unit),
        down,
        down.map(|down| down - unit),
        low,
        high,
        middle,
        Some(0.0),
    ];
    let fits = |number: &f64| (!whole || number.fract() == 0.0) && bounds.clone().all(|of| of.holds(*number));
    let found = candidates.into_iter().flatten().find(fits);
    let number = found.ok_or_else(|| none(path, "no number keeps to its bounds, or none that is easy to find"))?;
    Ok(if number.fract() == 0.0 && number.abs() < 1e15 {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
        let whole = number as i64;
        json!(whole)
    } else {
        json!(number)
    })
}

fn string(parts: &[&Node], path: &str) -> Result<Value, NoExample> {
    let bounds = parts.iter().map(|part| &part.string);
    let least = bounds.clone().filter_map(|of| of.length_min).max().unwrap_or_default();
    let most = bounds.clone().filter_map(|of| of.length_max).min().unwrap_or(u64::MAX);
    if least > LENGTH_MAX || least > most {
        return Err(none(path, "no text is that long"));
    }
    let least = usize::try_from(least).unwrap_or_default();
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if let Some(pattern) = bounds.clone().find_map(|of| of.pattern.as_ref()) {
        let text = pattern.example(least, most);
        let text_of = pattern.text();
        let reason = format!("no text is known that matches the pattern `{text_of}`: add an example to the schema");
        return text.map(Value::from).ok_or_else(|| none(path, &reason));
    }
    if let Some(text) = bounds.clone().find_map(|of| of.format.as_deref()).and_then(formatted) {
        return Ok(json!(text));
    }
    let mut text: String = "text".chars().take(most).collect();
    text.extend(std::iter::repeat_n('x', least.saturating_sub(text.len())));
    Ok(json!(text))
}

fn formatted(format: &str) -> Option<&'static str> {
    Some(match format {
        "date-time" => "2026-01-01T12:00:00Z",
        "date" => "2026-01-01",
        "time" => "12:00:00Z",
        "duration" => "PT1H",
        "email" | "idn-email" => "somebody@example.org",
        "hostname" | "idn-hostname" => "example.org",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "uri" | "iri" | "uri-reference" | "iri-reference" => "https://example.org/",
        "uri-template" => "https://example.org/{id}",
        "uuid" => "0194f1c4-8a00-7000-8000-000000000001",
        "json-pointer" => "/a",
        "relative-json-pointer" => "0/a",
        "regex" => "^a$",
        _ => return None,
    })
}
