//! The official JSON Schemas of AsyncAPI, asked for sentences that help.
//!
//! The schema of AsyncAPI says "a reference or else a channel" nearly everywhere, so a validator's own words are "is
//! not valid under any of the schemas". What its author meant can be known, though: who writes no `$ref` did not
//! mean a reference, and who writes `type: scramSha256` meant that scheme. So of all branches the one meant is
//! followed, down to the part that is wrong in it.
//!
//! The schemas stand in the folder `official`, which says where they come from. They are compiled once.

use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::Value;

use crate::document::{Document, Version, kind};
use crate::finding::{Finding, Severity, sort};
use crate::pointer::Pointer;

/// The rule of what the official schema finds: the parser's name of it.
pub const RULE: &str = "asyncapi-document-unresolved";

/// Most findings that are told.
pub const FINDINGS_MAX: usize = 500;

static V3_0: LazyLock<Validator> = LazyLock::new(|| compile(include_str!("../official/asyncapi-3.0.0.json")));
static V3_1: LazyLock<Validator> = LazyLock::new(|| compile(include_str!("../official/asyncapi-3.1.0.json")));

/// The official schema of a version, as it stands in the file.
#[must_use]
pub fn schema(version: Version) -> &'static str {
    match version {
        Version::V3_0 => include_str!("../official/asyncapi-3.0.0.json"),
        Version::V3_1 => include_str!("../official/asyncapi-3.1.0.json"),
    }
}

/// Checks a document against the official schema of its version. Empty = it is valid.
#[must_use]
pub fn check(document: &Document) -> Vec<Finding> {
    let leaves = validator(document).iter_errors(document.value()).flat_map(|error| leaves(&error));
    let mut findings: Vec<Finding> = leaves.take(FINDINGS_MAX).map(Leaf::into_finding).collect();
    sort(&mut findings);
    findings
}

/// The keys of a document that its version does not know where they stand.
pub(crate) fn unknown_keys(document: &Document) -> Vec<Pointer> {
    let leaves = validator(document).iter_errors(document.value()).flat_map(|error| leaves(&error));
    leaves.filter(|leaf| leaf.why == Why::Unknown).map(|leaf| leaf.at).take(FINDINGS_MAX).collect()
}

fn validator(document: &Document) -> &'static Validator {
    match document.version() {
        Version::V3_0 => &V3_0,
        Version::V3_1 => &V3_1,
    }
}

fn compile(text: &str) -> Validator {
    let mut schema: Value = serde_json::from_str(text).expect("the file of this crate is JSON");
    // As the parser does: braces in a reference are no error to anybody.
    if let Some(reference) = schema.pointer_mut("/definitions/ReferenceObject").and_then(Value::as_object_mut) {
        reference.shift_remove("format");
    }
    let options = jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true);
    options.build(&schema).expect("the file of this crate is a JSON Schema")
}

/// What a part breaks in itself, no union in between.
#[derive(Clone, Debug)]
struct Leaf {
    at: Pointer,
    /// Where the rule was asked: that of an unknown key is the object around it.
    asked_at: Pointer,
    why: Why,
    message: String,
    advice: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Why {
    Missing(String),
    Type,
    /// Its key is not known there.
    Unknown,
    /// It has to be one of these.
    Options(Vec<String>),
    Other,
}

impl Leaf {
    fn into_finding(self) -> Finding {
        let Self { at, message, advice, .. } = self;
        Finding { rule: RULE.into(), severity: Severity::Error, at, message, advice }
    }
}

/// Follows an error through all unions to what is wrong.
fn leaves(error: &ValidationError<'_>) -> Vec<Leaf> {
    let at = Pointer::parse(error.instance_path().as_str());
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let branches = context.iter().map(|errors| errors.iter().flat_map(leaves).collect()).collect();
            choose(branches, &at, error.instance())
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unexpected.iter().map(|key| unknown_key(&at, key)).collect()
        }
        ValidationErrorKind::PropertyNames { error } => vec![Leaf { asked_at: at.clone(), at, ..leaf(error) }],
        _ => vec![leaf(error)],
    }
}

fn unknown_key(at: &Pointer, key: &str) -> Leaf {
    Leaf {
        at: at.child(key),
        asked_at: at.clone(),
        why: Why::Unknown,
        message: format!("`{key}` is not known {}", place(at)),
        advice: "correct its name, remove it, or begin it with `x-` if it is your own".into(),
    }
}

/// In a sentence: "in `channels.orders`".
fn place(at: &Pointer) -> String {
    match at.last() {
        None => "at the top of a document".into(),
        Some(_) => format!("in `{}`", at.steps().collect::<Vec<_>>().join(".")),
    }
}

fn leaf(error: &ValidationError<'_>) -> Leaf {
    let at = Pointer::parse(error.instance_path().as_str());
    let name = at.last().map_or_else(|| "the document".to_owned(), |last| format!("`{last}`"));
    let given = shown(error.instance());
    let (why, message, advice) = match error.kind() {
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default().to_owned();
            (Why::Missing(key.clone()), format!("`{key}` is missing {}", place(&at)), format!("add `{key}`"))
        }
        ValidationErrorKind::Type { kind: wanted } => {
            let wanted = types(wanted);
            let message = format!("{name} has to be {wanted}, not {}", kind(error.instance()));
            (Why::Type, message, format!("write {wanted} here"))
        }
        ValidationErrorKind::Enum { options } => one_of(&name, &given, options.as_array().map_or(&[], Vec::as_slice)),
        ValidationErrorKind::Constant { expected_value } => {
            one_of(&name, &given, std::slice::from_ref(&**expected_value))
        }
        ValidationErrorKind::Pattern { pattern } => {
            let message = format!("{name} is {given}, which does not have the form `{pattern}`");
            (Why::Other, message, "write it in that form".into())
        }
        ValidationErrorKind::Format { format } => {
            let (wanted, advice) = format_in_words(format);
            (Why::Other, format!("{name} is {given}, which is no {wanted}"), advice.into())
        }
        ValidationErrorKind::OneOfMultipleValid { .. } => {
            let message = format!("{name} can be read in more than one way");
            (Why::Other, message, "leave out what belongs to only one of them".into())
        }
        ValidationErrorKind::Not { .. } | ValidationErrorKind::FalseSchema => {
            let message = format!("{name} holds something that does not belong there");
            (Why::Other, message, "compare it with the specification and remove what is too much".into())
        }
        other => {
            let message = format!("{name} breaks the rule `{}`: {}", other.keyword(), error.masked_with("it"));
            (Why::Other, message, "compare it with the specification".into())
        }
    };
    Leaf { asked_at: at.clone(), at, why, message, advice }
}

fn one_of(name: &str, given: &str, options: &[Value]) -> (Why, String, String) {
    let options: Vec<String> = options.iter().map(shown).collect();
    let list = options.join(", ");
    let wanted = if options.len() == 1 { list.clone() } else { format!("one of {list}") };
    (Why::Options(options), format!("{name} is {given}, but has to be {wanted}"), format!("write {wanted}"))
}

fn format_in_words(format: &str) -> (&str, &'static str) {
    match format {
        "uri" => ("absolute URI", "begin it with a scheme, as in `https://` or `urn:`"),
        "uri-reference" => ("URI", "escape the signs that a URI cannot hold"),
        "email" => ("address of mail", "write it as `name@example.com`"),
        other => (other, "write it in that format"),
    }
}

fn types(wanted: &TypeKind) -> String {
    let word = |name: &str| match name {
        "string" => "a text",
        "object" => "an object",
        "array" => "a list",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        _ => "null",
    };
    match wanted {
        TypeKind::Single(of) => word(&of.to_string()).to_owned(),
        TypeKind::Multiple(set) => {
            let words: Vec<_> = set.iter().map(|of| word(&of.to_string())).collect();
            words.join(" or ")
        }
    }
}

/// A value in a sentence, cut where it is long.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() <= 80 => format!("`{text}`"),
        Value::String(text) => format!("`{}…`", text.chars().take(80).collect::<String>()),
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
        other => format!("`{other}`"),
    }
}

/// The errors of the branch that was meant.
fn choose(mut branches: Vec<Vec<Leaf>>, at: &Pointer, instance: &Value) -> Vec<Leaf> {
    let is_reference = instance.as_object().is_some_and(|map| map.contains_key("$ref"));
    let lacks_reference = |leaf: &Leaf| leaf.asked_at == *at && leaf.why == Why::Missing("$ref".into());
    if !is_reference {
        keep(&mut branches, |branch| !branch.iter().any(lacks_reference));
    }
    keep(&mut branches, |branch| !branch.iter().any(|leaf| leaf.asked_at == *at && leaf.why == Why::Type));
    if let Some(leaf) = discriminate(&mut branches, at) {
        return vec![leaf];
    }
    let depth = |branch: &Vec<Leaf>| branch.iter().map(|leaf| leaf.at.steps().len()).max().unwrap_or(0);
    let best = branches.into_iter().min_by_key(|branch| (branch.len(), usize::MAX - depth(branch)));
    best.unwrap_or_default()
}

/// Drops branches as long as one is left.
fn keep(branches: &mut Vec<Vec<Leaf>>, is_meant: impl Fn(&Vec<Leaf>) -> bool) {
    if branches.iter().any(&is_meant) {
        branches.retain(is_meant);
    }
}

/// Keeps the branches whose fixed words are those of the value. When no branch has the word that stands there, it is
/// that word which is wrong, and all the others are told.
fn discriminate(branches: &mut Vec<Vec<Leaf>>, at: &Pointer) -> Option<Leaf> {
    let words = |leaf: &Leaf| match &leaf.why {
        Why::Options(options) if leaf.at.parent().as_ref() == Some(at) => Some(options.clone()),
        _ => None,
    };
    let is_word = |leaf: &Leaf| words(leaf).is_some();
    keep(branches, |branch| !branch.iter().any(is_word));
    if branches.len() < 2 || !branches.iter().all(|branch| branch.iter().any(is_word)) {
        return None;
    }
    let wrong = branches.iter().flatten().find(|leaf| is_word(leaf))?.clone();
    let mut options: Vec<String> =
        branches.iter().flatten().filter(|leaf| leaf.at == wrong.at).filter_map(words).flatten().collect();
    options.sort_unstable();
    options.dedup();
    let list = options.join(", ");
    let (subject, _) = wrong.message.split_once(", but").unwrap_or((&wrong.message, ""));
    let (message, advice) = (format!("{subject}, but has to be one of {list}"), format!("write one of {list}"));
    Some(Leaf { message, advice, why: Why::Options(options), ..wrong })
}

#[cfg(test)]
mod tests;
