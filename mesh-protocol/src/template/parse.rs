//! Reads templates.

use super::{Part, TEMPLATE_BYTES_MAX};
use crate::record::{FieldError, quoted_length};
use crate::topic::{Filter, FilterError};

/// Why a text is not a template. Places are byte offsets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{` without `}`.
    #[error("the `{{` at byte {0} of the template is never closed: add `}}`, or write a literal brace twice")]
    Unclosed(usize),
    /// `}` without `{`.
    #[error("the `}}` at byte {0} of the template closes nothing: remove it, or write a literal brace twice")]
    Unopened(usize),
    /// What stands in the braces is not a field.
    #[error("the field at byte {at} of the template is wrong: {error}")]
    Field {
        /// Where its brace stands.
        at: usize,
        /// What is wrong.
        error: FieldError,
    },
    /// Empty, too long, too deep, with NUL, or reserved: its pattern is not a filter.
    #[error("the template gives no topic: {0}")]
    Topic(FilterError),
}

pub(super) fn parse(text: &str) -> Result<Vec<Part>, TemplateError> {
    Filter::mesh(text).map_err(TemplateError::Topic)?;
    debug_assert!(text.len() <= TEMPLATE_BYTES_MAX, "a filter is no longer");
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(sign) = text[at..].find(['{', '}']).map(|ahead| at + ahead) {
        literal.push_str(&text[at..sign]);
        let rest = &text[sign..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            literal.push_str(&rest[..1]);
            at = sign + 2;
        } else if rest.starts_with('}') {
            return Err(TemplateError::Unopened(sign));
        } else {
            let end = closing(&rest[1..]).ok_or(TemplateError::Unclosed(sign))?;
            let field = rest[1..=end].parse().map_err(|error| TemplateError::Field { at: sign, error })?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Field(field));
            at = sign + end + 2;
        }
    }
    literal.push_str(&text[at..]);
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}

/// Where the closing brace stands; a quoted name may hold one.
fn closing(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let ahead = rest.find(['}', '"'])?;
        if rest[ahead..].starts_with('}') {
            return Some(at + ahead);
        }
        at += ahead + quoted_length(&rest[ahead..])?;
    }
}
