//! Templates name topics after what is in a record: `orders/{value.region}/{value.country}/{key}`.
//!
//! A topic decides who may see an event, so data must never shape it beyond its own level: a value that is missing,
//! empty, an object or an array, or that holds `/` or NUL, is an error that names the field, never an empty level or a
//! deeper topic. The same fields serve sinks, where `{1}` is the first level of the event's topic.
//!
//! Fields are those of [`Field`]. A literal brace is written twice: `{{`.

mod parse;

use std::fmt::{self, Write};

use crate::record::{Field, Scalar};
use crate::topic::{Filter, Topic, TopicError};

pub use crate::record::Lookup;
pub use parse::TemplateError;

/// Longest template, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = crate::topic::MAX_BYTES;

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field(Field),
}

/// Why a record gives no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The record has no such field.
    #[error("the record has no {0}")]
    Missing(Field),
    /// The field is null.
    #[error("{0} is null in the record")]
    Null(Field),
    /// The field is an object or an array.
    #[error("{0} is an object or array in the record: name one of its parts")]
    Composite(Field),
    /// The field is empty, and a level must not be.
    #[error("{0} is empty in the record")]
    Empty(Field),
    /// The field holds `/` or NUL.
    #[error("{field} holds {sign:?} in the record, which would change the topic's levels")]
    Sign {
        /// Which field.
        field: Field,
        /// What it holds.
        sign: char,
    },
    /// The name would begin with `$` because a field does.
    #[error("{0} begins with `$` in the record, which would make a system topic")]
    System(Field),
    /// The whole is not a topic.
    #[error("the record gives no valid topic: {0}")]
    Topic(TopicError),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`] with the place and what to write instead.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        parse::parse(text).map(|parts| Self { parts })
    }

    /// The fields it asks for, in order.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field(field) => Some(field),
            Part::Literal(_) => None,
        })
    }

    /// The name of a topic, of the mesh or of Kafka, for one record. Each value stays within its level.
    ///
    /// # Errors
    /// [`RenderError`] that names the field.
    pub fn render(&self, record: &dyn Lookup) -> Result<String, RenderError> {
        self.write(record, check_level)
    }

    /// As [`Template::render`], as a topic of the mesh.
    ///
    /// # Errors
    /// [`RenderError`] that names the field, or says what is wrong with the whole.
    pub fn render_topic(&self, record: &dyn Lookup) -> Result<Topic, RenderError> {
        Topic::try_from(self.render(record)?).map_err(RenderError::Topic)
    }

    /// Plain text for one record, such as the key of a Kafka record: values may be empty and hold any character.
    ///
    /// # Errors
    /// [`RenderError`] when a field is missing, null, an object or an array.
    pub fn render_text(&self, record: &dyn Lookup) -> Result<String, RenderError> {
        self.write(record, |_, _, _| Ok(()))
    }

    /// A filter that matches every topic [`Template::render_topic`] can give: a level with a field in it becomes `*`,
    /// with the text before the field as its prefix. It grants a route's principal exactly what the route says, and
    /// tells what a sink's template needs.
    #[must_use]
    pub fn pattern(&self) -> Filter {
        let mut pattern = String::new();
        let mut open = true;
        for part in &self.parts {
            match part {
                Part::Field(_) if open => {
                    pattern.push('*');
                    open = false;
                }
                Part::Field(_) => {}
                Part::Literal(text) => {
                    for sign in text.chars() {
                        open |= sign == '/';
                        if open {
                            pattern.push(sign);
                        }
                    }
                }
            }
        }
        Filter::mesh(pattern).expect("the template was parsed within the bounds of filters, and this is no longer")
    }

    fn write(
        &self,
        record: &dyn Lookup,
        check: fn(&Field, &str, bool) -> Result<(), RenderError>,
    ) -> Result<String, RenderError> {
        let mut out = String::with_capacity(64);
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Field(field) => {
                    let start = out.len();
                    append(&mut out, field, record)?;
                    check(field, &out[start..], start == 0)?;
                }
            }
        }
        Ok(out)
    }
}

fn append(out: &mut String, field: &Field, record: &dyn Lookup) -> Result<(), RenderError> {
    match field.find(record).ok_or_else(|| RenderError::Missing(field.clone()))? {
        Scalar::Text(text) | Scalar::Raw(text) => out.push_str(text),
        Scalar::Number(number) => write!(out, "{number}").expect("a string takes any text"),
        Scalar::Bool(bool) => out.push_str(if bool { "true" } else { "false" }),
        Scalar::Null => return Err(RenderError::Null(field.clone())),
        Scalar::Composite => return Err(RenderError::Composite(field.clone())),
    }
    Ok(())
}

fn check_level(field: &Field, value: &str, first: bool) -> Result<(), RenderError> {
    if value.is_empty() {
        return Err(RenderError::Empty(field.clone()));
    }
    if first && value.starts_with('$') {
        return Err(RenderError::System(field.clone()));
    }
    match value.chars().find(|&sign| sign == '/' || sign == '\0') {
        Some(sign) => Err(RenderError::Sign { field: field.clone(), sign }),
        None => Ok(()),
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Literal(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Part::Field(field) => write!(f, "{{{field}}}"),
        })
    }
}

impl std::str::FromStr for Template {
    type Err = TemplateError;
    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
