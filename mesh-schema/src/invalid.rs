//! Why a text is not a schema, said so that its writer can repair it.

use serde::{Deserialize, Serialize};

use super::Reference;

/// Longest text of a schema with all it refers to, in bytes.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// Deepest nesting of brackets in one text.
pub const NESTING_MAX: usize = 64;
/// Deepest nesting of one text and the texts it refers to, added up along the longest chain.
pub const NESTING_WITH_REFERENCES_MAX: usize = 256;
/// Most parts of a schema: types, fields, subschemas, enum values.
pub const PARTS_MAX: usize = 10_000;
/// Most references of one schema.
pub const REFERENCES_MAX: usize = 100;

/// The rule that a text breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rule {
    /// At most [`TEXT_BYTES_MAX`] bytes.
    TextSize,
    /// At most [`NESTING_MAX`] deep, [`NESTING_WITH_REFERENCES_MAX`] with references.
    Nesting,
    /// At most [`PARTS_MAX`] parts.
    Parts,
    /// At most [`REFERENCES_MAX`] references, each name once, all of them sound.
    References,
    /// The text can be read: JSON, or the Protobuf language.
    Syntax,
    /// What has to be there is there, and is of the right kind.
    Structure,
    /// Names are spelled as the format wants.
    Name,
    /// Names, symbols and numbers are used once.
    Duplicate,
    /// Every named type is known.
    UnknownType,
    /// A default is a value of its type.
    Default,
    /// A JSON Schema keeps to the meta-schema of its draft.
    MetaSchema,
    /// The draft in `$schema` is known.
    Dialect,
    /// Patterns are regular expressions.
    Pattern,
}

/// Where in a text, counted from one, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Why a text is not a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", self.prefix())]
pub struct Invalid {
    /// The reference that is wrong, when it is not the schema itself.
    pub reference: Option<String>,
    /// Where, when that can be known.
    pub place: Option<Place>,
    /// The broken rule.
    pub rule: Rule,
    /// What is wrong and what to do.
    pub message: String,
}

impl Invalid {
    pub(super) fn new(rule: Rule, message: impl Into<String>) -> Self {
        Self { reference: None, place: None, rule, message: message.into() }
    }

    pub(super) fn at(mut self, place: Option<Place>) -> Self {
        self.place = self.place.or(place);
        self
    }

    pub(super) fn within(mut self, reference: Option<&str>) -> Self {
        self.reference = self.reference.or_else(|| reference.map(str::to_owned));
        self
    }

    pub(super) fn too_many_parts() -> Self {
        Self::new(Rule::Parts, format!("the schema has more than {PARTS_MAX} parts: split it and refer to the pieces"))
    }

    pub(super) fn too_deep_with_references() -> Self {
        let message = format!("with its references the schema is nested deeper than {NESTING_WITH_REFERENCES_MAX}");
        Self::new(Rule::Nesting, format!("{message}: shorten the chain of references"))
    }

    fn prefix(&self) -> String {
        let place = self.place.map(|place| format!("line {}, column {}", place.line, place.column));
        let reference = self.reference.as_ref().map(|name| format!("in the reference `{name}`"));
        let parts: Vec<_> = [reference, place].into_iter().flatten().collect();
        if parts.is_empty() { String::new() } else { format!("{}: ", parts.join(", ")) }
    }
}

/// Checks what can be known before anything is read.
pub(super) fn check_size(text: &str, references: &[Reference]) -> Result<(), Invalid> {
    let bytes = text.len() + references.iter().map(|reference| reference.text.len()).sum::<usize>();
    if bytes > TEXT_BYTES_MAX {
        let message =
            format!("the schema has {bytes} bytes with its references, {TEXT_BYTES_MAX} are allowed: split it");
        return Err(Invalid::new(Rule::TextSize, message));
    }
    if references.len() > REFERENCES_MAX {
        let message = format!("the schema has {} references, {REFERENCES_MAX} are allowed", references.len());
        return Err(Invalid::new(Rule::References, format!("{message}: join some of them")));
    }
    for (index, reference) in references.iter().enumerate() {
        if references[..index].iter().any(|other| other.name == reference.name) {
            let message = format!("two references are named `{}`: keep one", reference.name);
            return Err(Invalid::new(Rule::References, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_reference_line_and_column() {
        let place = Some(Place { line: 3, column: 5 });
        let invalid = Invalid::new(Rule::Name, "`9` is no name").at(place).within(Some("shop.Line"));
        assert_eq!(invalid.to_string(), "in the reference `shop.Line`, line 3, column 5: `9` is no name");
        assert_eq!(Invalid::new(Rule::Name, "`9` is no name").to_string(), "`9` is no name");
    }

    #[test]
    fn sizes_are_checked_before_anything_is_read() {
        let reference = |name: &str, bytes| Reference { name: name.into(), text: " ".repeat(bytes) };
        let rule =
            |text: &str, references: &[Reference]| check_size(text, references).err().map(|invalid| invalid.rule);
        assert_eq!(rule("{}", &[reference("a", 10)]), None);
        assert_eq!(rule("{}", &[reference("a", TEXT_BYTES_MAX)]), Some(Rule::TextSize));
        assert_eq!(rule("{}", &[reference("a", 1), reference("a", 1)]), Some(Rule::References));
        let many: Vec<_> = (0..=REFERENCES_MAX).map(|n| reference(&n.to_string(), 1)).collect();
        assert_eq!(rule("{}", &many), Some(Rule::References));
    }
}
