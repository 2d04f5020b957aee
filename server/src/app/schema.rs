//! Schemas before they are in the catalog: pages ask while somebody writes, builds ask before they publish.

use frontend::api::{SchemaCheck, SchemaCheckInput, SchemaField, SchemaFinding, SchemaFormat, SchemaInvalid};
use mesh_schema::{Direction, Field, Finding, Format, Invalid, Presence, Reference, Schema, describe_change};

use super::design::level_of;
use super::permission::Right;
use super::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;

/// Most earlier versions in one question.
const PREVIOUS_MAX: usize = 50;
/// Most fields in one answer.
pub(super) const FIELDS_SHOWN: usize = 1_000;

impl App {
    /// Says whether a text is a schema, what is in it, and whether it keeps what must stay readable.
    ///
    /// # Errors
    /// The caller may not, or an earlier version is no schema.
    pub async fn check_schema(&self, caller: &Caller, input: SchemaCheckInput) -> Result<SchemaCheck> {
        caller.permit(Right::Read)?;
        // A megabyte of schema is work.
        let judged = tokio::task::spawn_blocking(move || judge(&input)).await;
        judged.map_err(|_| Error::Internal("a schema could not be checked"))?
    }
}

fn judge(input: &SchemaCheckInput) -> Result<SchemaCheck> {
    if input.previous.len() > PREVIOUS_MAX {
        return Err(FieldErrors::one("previous", format_args!("are more than {PREVIOUS_MAX}")).into());
    }
    let format = format(input.format);
    let references: Vec<Reference> = input
        .references
        .iter()
        .map(|reference| Reference { name: reference.name.clone(), text: reference.text.clone() })
        .collect();
    let parse = |text: &str| Schema::parse(format, text, &references);
    let mut previous = Vec::with_capacity(input.previous.len());
    for (index, text) in input.previous.iter().enumerate() {
        let wrong = |invalid| FieldErrors::one("previous", format_args!("hold no schema at place {index}: {invalid}"));
        previous.push(parse(text).map_err(wrong)?);
    }
    let new = match parse(&input.schema) {
        Ok(new) => new,
        Err(invalid) => return Ok(SchemaCheck { invalid: Some(told(invalid)), ..SchemaCheck::default() }),
    };
    let verdict = mesh_schema::check(level_of(input.level), &new, &previous.iter().collect::<Vec<_>>());
    let change = previous.last().map(|last| describe_change(last, &new));
    let fields = new.fields();
    let example = new.example();
    Ok(SchemaCheck {
        invalid: None,
        compatible: verdict.compatible,
        findings: verdict.findings.into_iter().map(finding).collect(),
        change: change.as_ref().map(|change| change.sentence.clone()),
        changes: change.map(|change| change.list.into_iter().map(|change| change.text).collect()).unwrap_or_default(),
        fingerprint: Some(new.fingerprint().to_owned()),
        more_fields: fields.len().saturating_sub(FIELDS_SHOWN) as u64,
        fields: fields.into_iter().take(FIELDS_SHOWN).map(field).collect(),
        no_example: example.as_ref().err().map(ToString::to_string),
        example: example.ok().map(|value| format!("{value:#}")),
    })
}

fn format(format: SchemaFormat) -> Format {
    match format {
        SchemaFormat::Avro => Format::Avro,
        SchemaFormat::JsonSchema => Format::JsonSchema,
        SchemaFormat::Protobuf => Format::Protobuf,
    }
}

/// A rule's name as the API writes it.
fn rule_name(invalid: &Invalid) -> String {
    serde_json::to_value(invalid.rule).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn told(invalid: Invalid) -> SchemaInvalid {
    SchemaInvalid {
        rule: rule_name(&invalid),
        reference: invalid.reference,
        line: invalid.place.map(|place| place.line as u64),
        column: invalid.place.map(|place| place.column as u64),
        message: invalid.message,
    }
}

fn finding(finding: Finding) -> SchemaFinding {
    let direction = match finding.direction {
        Direction::Backward => "BACKWARD",
        Direction::Forward => "FORWARD",
    };
    SchemaFinding {
        direction: direction.to_owned(),
        against: finding.against as u64,
        path: finding.path,
        rule: finding.rule.to_owned(),
        reason: finding.reason,
    }
}

pub(super) fn field(field: Field) -> SchemaField {
    SchemaField {
        path: field.path,
        kind: field.kind,
        required: field.presence == Presence::Required,
        default: field.default.map(|value| value.to_string()),
        doc: field.doc,
        deprecated: field.deprecated,
        tags: field.tags,
    }
}
