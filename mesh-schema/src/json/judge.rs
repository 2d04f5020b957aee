//! Whether a payload is valid, and what is wrong with one that is not.
//!
//! The judge is the validator of the `jsonschema` crate. It asks every branch of every branch, though, and a sender chooses
//! the payload: so the check of [`valid`](super::valid) goes first, which stops. What that finds valid is; where it does
//! not come to an end the payload counts as invalid; what it finds invalid, in so many steps, the crate can judge as well.
//! Patterns are those that match in linear time.
//!
//! What is told of a payload are places in it and words of the schema, never its values. Names of properties that no part
//! of the schema knows may be values of a map: in paths they are a star.

use std::collections::BTreeSet;
use std::error::Error;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::{Location, LocationSegment};
use jsonschema::{PatternOptions, Retrieve, Uri, ValidationError, Validator};
use serde_json::Value;

use super::super::budget::Budget;
use super::super::invalid::{Invalid, Rule};
use super::documents::Documents;
use super::valid::{Verdict, verdict};
use super::{Model, Reference, read};

/// Deepest nesting of alternatives that is followed for a better reason.
const ALTERNATIVES_DEPTH_MAX: usize = 8;
/// Most names or values of the schema in one reason.
const NAMES_MAX: usize = 5;
/// Longest such name or value, in characters.
const NAME_CHARS_MAX: usize = 64;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Judge {
    model: Model,
    validator: Validator,
    /// Properties that the schema names.
    names: BTreeSet<String>,
}

/// What is wrong, and where.
pub(crate) type Wrong = (String, String);

impl Judge {
    pub(crate) fn new(text: &str, references: &[Reference]) -> Result<Self, Invalid> {
        let model = read::read(Documents::read(text, references)?)?;
        let own = &model.documents.all()[0];
        let validator = jsonschema::options()
            .with_draft(own.draft)
            .with_base_uri(own.base.clone())
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true)
            .with_pattern_options(PatternOptions::regex())
            .with_retriever(Others(model.documents.clone()))
            .build(&own.value)
            .map_err(|error| uncheckable(&error))?;
        let objects = model.nodes.iter().map(|node| &node.object);
        let names = objects.flat_map(|object| object.properties.keys().chain(&object.required)).cloned().collect();
        Ok(Self { model, validator, names })
    }

    /// # Errors
    /// What is wrong with a payload of so many bytes.
    pub(crate) fn check(&self, value: &Value, bytes: usize) -> Result<(), Wrong> {
        match verdict(&self.model, value, Budget::for_payload(bytes)) {
            Verdict::Valid => Ok(()),
            Verdict::Unfinished => {
                Err(("$".to_owned(), "nests too deep, or in too many ways, to be checked".to_owned()))
            }
            Verdict::Invalid => self.validator.validate(value).map_err(|error| self.wrong(&error, 0)),
        }
    }

    fn wrong(&self, error: &ValidationError<'_>, depth: usize) -> Wrong {
        if depth < ALTERNATIVES_DEPTH_MAX
            && let Some(inner) = meant(error)
        {
            return self.wrong(inner, depth + 1);
        }
        (self.path(error.instance_path()), reason(error))
    }

    /// `$.lines[3].amount`.
    fn path(&self, location: &Location) -> String {
        let mut path = "$".to_owned();
        for segment in location.segments() {
            match segment {
                LocationSegment::Index(index) => path.push_str(&format!("[{index}]")),
                LocationSegment::Property(name) if self.names.contains(&*name) => {
                    path.push('.');
                    path.push_str(&cut(&name));
                }
                LocationSegment::Property(_) => path.push_str(".*"),
            }
        }
        path
    }
}

/// The other texts of a schema; nothing else is ever fetched.
#[derive(Debug)]
struct Others(Documents);

impl Retrieve for Others {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let found = self.0.named(uri.as_str());
        found.cloned().ok_or_else(|| format!("nothing is known of {uri}: add it to the schema's references").into())
    }
}

fn uncheckable(error: &ValidationError<'_>) -> Invalid {
    let reason: String = error.to_string().chars().take(300).collect();
    let advice = "payloads cannot be checked by it: patterns may not look around or refer back";
    Invalid::new(Rule::Pattern, format!("{advice} ({reason})"))
}

/// Of alternatives that all failed, the error of the one that came furthest into the value: that is the one meant. None:
/// it is no error of alternatives, or none of them came further.
fn meant<'e, 'a>(error: &'e ValidationError<'a>) -> Option<&'e ValidationError<'static>>
where
    'a: 'e,
{
    let (ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }) = error.kind() else {
        return None;
    };
    let length = |error: &ValidationError<'_>| error.instance_path().segments().count();
    let furthest = context.iter().filter_map(|branch| branch.first()).max_by_key(|inner| length(inner))?;
    (context.len() == 1 || length(furthest) > length(error)).then_some(furthest)
}

/// Words that go on behind a path, without any value of the payload.
fn reason(error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::Type { kind } => format!("is not {}", types(kind)),
        Kind::Required { property } => {
            format!("lacks the property {}", property.as_str().map(quoted).unwrap_or_default())
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            format!("has properties that are not allowed: {}", list(unexpected.iter().map(|name| quoted(name))))
        }
        Kind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            format!("is none of {}", list(options.iter().map(|option| cut(&option.to_string()))))
        }
        Kind::Constant { expected_value } => format!("is not {}", cut(&expected_value.to_string())),
        Kind::Format { format } => format!("is not of the format {}", quoted(format)),
        Kind::Pattern { pattern } => format!("does not match the pattern {}", quoted(pattern)),
        Kind::Minimum { limit } => format!("is less than {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("is not more than {limit}"),
        Kind::Maximum { limit } => format!("is more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("is not less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("is no multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("has fewer than {limit} characters"),
        Kind::MaxLength { limit } => format!("has more than {limit} characters"),
        Kind::MinItems { limit } => format!("has fewer than {limit} items"),
        Kind::MaxItems { limit } => format!("has more than {limit} items"),
        Kind::AdditionalItems { limit } => format!("has more than {limit} items"),
        Kind::MinProperties { limit } => format!("has fewer than {limit} properties"),
        Kind::MaxProperties { limit } => format!("has more than {limit} properties"),
        Kind::UniqueItems => "holds an item twice".to_owned(),
        Kind::Contains => "holds none, or not as many as demanded, of the items that it must contain".to_owned(),
        Kind::FalseSchema => "is not allowed".to_owned(),
        Kind::Not { .. } => "is what it must not be".to_owned(),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            format!("is valid under none of {} alternatives", context.len())
        }
        Kind::OneOfMultipleValid { .. } => "is valid under several alternatives, of which only one may hold".to_owned(),
        Kind::PropertyNames { .. } => "has a property with a name that is not allowed".to_owned(),
        Kind::UnevaluatedItems { .. } => "has items that are not allowed".to_owned(),
        _ => format!("does not keep to `{}`", error.kind().keyword()),
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

fn list(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(NAMES_MAX);
    let mut text = all.take(NAMES_MAX).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

fn quoted(text: &str) -> String {
    format!("`{}`", cut(text))
}

fn cut(text: &str) -> String {
    if text.chars().count() <= NAME_CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(NAME_CHARS_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
