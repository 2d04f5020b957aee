//! Schemas, compared by what they mean.

use mesh_schema::{Level, Schema, check, describe_change};

use super::Change;
use super::Impact::{self, Breaking, NonBreaking, Unclassified};
use super::messages::Does;
use super::sides::{Pair, Sides};
use crate::pointer::Pointer;
use crate::refs::{Found, Refs};
use crate::schema::{Trouble, parse, text};

/// Most findings that are told of one schema.
const DETAILS_MAX: usize = 20;

/// A field of a part that holds a schema.
pub(super) fn field<'a>(sides: &mut Sides<'a>, pair: &Pair<'a>, key: &str, rule: &'static str, what: &str, does: Does) {
    let at = pair.at.child(key);
    let values = pair.values(key);
    match (pair.old.field(key), pair.new.field(key)) {
        (None, None) => {}
        (None, Some(_)) => {
            let impact = if key == "headers" && does != Does::Send { NonBreaking } else { Unclassified };
            sides.add(
                rule,
                impact,
                &at,
                values,
                format!("The {key} of {what} are described now, which they were not."),
            );
        }
        (Some(_), None) => {
            sides.add(rule, Unclassified, &at, values, format!("The {key} of {what} are no longer described."));
        }
        (Some(old), Some(new)) => between(sides, (&old, &new), &at, rule, &format!("the {key} of {what}"), does),
    }
}

/// Two schemas at one place.
pub(super) fn between<'a>(
    sides: &mut Sides<'a>,
    (old, new): (&Found<'a>, &Found<'a>),
    at: &Pointer,
    rule: &'static str,
    what: &str,
    does: Does,
) {
    let (before, after) = (Some(old.value), Some(new.value));
    let loaded = (load(sides.old, old, &mut sides.schema_bytes), load(sides.new, new, &mut sides.schema_bytes));
    let (Ok(old_schema), Ok(new_schema)) = loaded else {
        if seen(sides.old, old) != seen(sides.new, new) {
            let sentence =
                format!("{} changed, and cannot be compared by what it means.", super::fields::capital(what));
            sides.add(rule, Unclassified, at, (before, after), sentence);
        }
        return;
    };
    if old_schema.fingerprint() == new_schema.fingerprint() {
        return;
    }
    let (impact, details) = judge(&old_schema, &new_schema, does);
    let change = describe_change(&old_schema, &new_schema).sentence;
    let said = match impact {
        Breaking => "breaks clients",
        NonBreaking => "breaks nobody",
        Unclassified => "has to be looked at",
    };
    let sentence = format!("A change of {what} {said}. {change}");
    let (before, after) = (before.cloned(), after.cloned());
    sides.tell(Change { at: at.clone(), rule, impact, before, after, sentence, details });
}

/// Whom it hurts. Clients have the old schema: those who receive read with it what is written with the new one, and what
/// those who send write with it is read with the new one.
fn judge(old: &Schema, new: &Schema, does: Does) -> (Impact, Vec<String>) {
    let level = match does {
        Does::Send => Level::Backward,
        Does::Receive => Level::Forward,
        Does::Unknown => Level::Full,
    };
    let verdict = check(level, new, &[old]);
    let details =
        verdict.findings.iter().take(DETAILS_MAX).map(|finding| format!("`{}`: {}", finding.path, finding.reason));
    let is_decided = verdict.findings.iter().any(|finding| finding.rule != "UNDECIDED");
    let impact = match does {
        _ if verdict.compatible => NonBreaking,
        Does::Unknown => Unclassified,
        _ if is_decided => Breaking,
        _ => Unclassified,
    };
    (impact, details.collect())
}

fn load<'a>(refs: Refs<'a>, found: &Found<'a>, left: &mut usize) -> Result<Schema, Trouble> {
    if *left == 0 {
        return Err(Trouble::TooLarge);
    }
    let (format, text) = text(refs, found)?;
    *left = left.saturating_sub(text.len());
    parse(format, &text)
}

fn seen<'a>(refs: Refs<'a>, found: &Found<'a>) -> Option<String> {
    text(refs, found).ok().map(|(_, text)| text).or_else(|| Some(refs.behind(found).value.to_string()))
}
