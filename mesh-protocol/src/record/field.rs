//! Names of facts, read and written.

use std::fmt;
use std::num::NonZeroU8;
use std::str::FromStr;

/// Deepest path into a payload.
pub const FIELD_STEPS_MAX: usize = 16;

/// One fact of a record or an event.
///
/// A step of a path that holds other characters than letters, digits, `_` and `-` stands in double quotes, as JSON
/// writes a string: `header."x y"`, `value."a.b"`. A step is an index where the payload has an array.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `key`.
    Key,
    /// `header.NAME`.
    Header(String),
    /// `topic`.
    Topic,
    /// `1`, `2`...: a level of the topic, counted from one.
    Level(NonZeroU8),
    /// `partition`.
    Partition,
    /// `offset`.
    Offset,
    /// `timestamp`, milliseconds since the Unix epoch.
    Timestamp,
    /// `value` or `value.a.b`: the payload as JSON.
    Value(Vec<String>),
}

/// Why a text is not a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// None of the names.
    #[error(
        "`{0}` is not known: use key, header.NAME, topic, partition, offset, timestamp, value.PATH or a topic level such as 1"
    )]
    Unknown(String),
    /// `header` alone, or with more than a name.
    #[error("name one header, as in header.region")]
    Header,
    /// `key.x`, `offset.x`...
    #[error("`{0}` has no parts: leave out what follows it")]
    NoParts(String),
    /// `value..a`, an unfinished quote or an odd character.
    #[error(
        "the path `{0}` is not complete: separate names by single dots and put names with other characters than letters, digits, _ and - in double quotes"
    )]
    Path(String),
    /// More than [`FIELD_STEPS_MAX`] steps.
    #[error("the path is deeper than {FIELD_STEPS_MAX} steps")]
    TooDeep,
    /// `0` or above 128.
    #[error("there is no topic level {0}: count from 1 to 128")]
    Level(String),
}

impl FromStr for Field {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let level = text.parse::<NonZeroU8>().ok().filter(|level| level.get() <= 128);
            return level.map(Self::Level).ok_or_else(|| FieldError::Level(text.to_owned()));
        }
        let (name, rest) = match text.split_once('.') {
            Some((name, rest)) => (name, Some(rest)),
            None => (text, None),
        };
        let plain = match name {
            "key" => Self::Key,
            "topic" => Self::Topic,
            "partition" => Self::Partition,
            "offset" => Self::Offset,
            "timestamp" => Self::Timestamp,
            "header" => return header(rest),
            "value" => return rest.map_or(Ok(Vec::new()), steps).map(Self::Value),
            _ => return Err(FieldError::Unknown(text.to_owned())),
        };
        if rest.is_some() { Err(FieldError::NoParts(name.to_owned())) } else { Ok(plain) }
    }
}

/// A header's name may hold dots: `header.x.y` is the header `x.y`, and so is `header."x.y"`.
fn header(rest: Option<&str>) -> Result<Field, FieldError> {
    let rest = rest.ok_or(FieldError::Header)?;
    let name = if rest.starts_with('"') {
        <[String; 1]>::try_from(steps(rest)?).map(|[name]| name).map_err(|_| FieldError::Header)?
    } else {
        rest.to_owned()
    };
    let bare = rest.starts_with('"') || rest.bytes().all(|byte| is_bare(byte) || byte == b'.');
    if name.is_empty() {
        Err(FieldError::Header)
    } else if !bare {
        Err(FieldError::Path(rest.to_owned()))
    } else {
        Ok(Field::Header(name))
    }
}

fn steps(path: &str) -> Result<Vec<String>, FieldError> {
    let wrong = || FieldError::Path(path.to_owned());
    let mut steps = Vec::new();
    let mut rest = path;
    loop {
        if steps.len() == FIELD_STEPS_MAX {
            return Err(FieldError::TooDeep);
        }
        let end = step_length(rest).ok_or_else(wrong)?;
        let (step, after) = rest.split_at(end);
        steps.push(if step.starts_with('"') {
            serde_json::from_str(step).map_err(|_| wrong())?
        } else {
            step.to_owned()
        });
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(steps),
            None => return Err(wrong()),
        }
    }
}

/// The length of the step, in bytes, that a text begins with; none when there is none.
pub(crate) fn step_length(text: &str) -> Option<usize> {
    if text.starts_with('"') {
        return quoted_length(text);
    }
    let bare = text.bytes().take_while(|&byte| is_bare(byte)).count();
    (bare > 0).then_some(bare)
}

/// The length of the JSON string a text begins with, quotes included; none when it does not end.
pub(crate) fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return Some(at + 1),
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

const fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str("key"),
            Self::Topic => f.write_str("topic"),
            Self::Partition => f.write_str("partition"),
            Self::Offset => f.write_str("offset"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Level(level) => level.fmt(f),
            Self::Header(name) => {
                f.write_str("header.")?;
                write_step(f, name)
            }
            Self::Value(steps) => {
                f.write_str("value")?;
                steps.iter().try_for_each(|step| {
                    f.write_str(".")?;
                    write_step(f, step)
                })
            }
        }
    }
}

fn write_step(f: &mut fmt::Formatter<'_>, step: &str) -> fmt::Result {
    if !step.is_empty() && step.bytes().all(is_bare) {
        f.write_str(step)
    } else {
        f.write_str(&serde_json::Value::from(step).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_reads_back_as_written() {
        for text in [
            "key",
            "topic",
            "partition",
            "offset",
            "timestamp",
            "1",
            "128",
            "header.x-y",
            "value",
            "value.a.0.b",
            r#"value."a.b"."c\"d""#,
            r#"header."x y""#,
        ] {
            let field: Field = text.parse().expect(text);
            assert_eq!(field.to_string(), text);
        }
        assert_eq!("header.x.y".parse(), Ok(Field::Header("x.y".into())));
    }

    #[test]
    fn anything_else_says_what_to_write() {
        for text in [
            "",
            "kee",
            "0",
            "129",
            "header",
            "header.",
            "key.x",
            "value.",
            "value..a",
            "value.a b",
            r#"value."a"#,
            "header.x y",
        ] {
            let error = text.parse::<Field>().expect_err(text);
            assert!(!error.to_string().is_empty(), "{text}");
        }
        let deep = format!("value{}", ".a".repeat(FIELD_STEPS_MAX + 1));
        assert_eq!(deep.parse::<Field>(), Err(FieldError::TooDeep));
    }
}
