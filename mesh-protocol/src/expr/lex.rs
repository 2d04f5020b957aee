//! Cuts an expression into words.

use super::Operator;
use super::parse::ExprError;
use crate::record::{quoted_length, step_length};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word<'a> {
    Operator(Operator),
    /// `(`, `)`, `[`, `]` or `,`.
    Sign(char),
    Text(String),
    Number(&'a str),
    /// A keyword or a field.
    Name(&'a str),
}

/// A word and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) at: usize,
    pub(super) text: &'a str,
    pub(super) word: Word<'a>,
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ExprError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let rest = &text[at..];
        if rest.is_empty() {
            return Ok(tokens);
        }
        let (word, length) = word(rest).map_err(|wrong| ExprError::Sign { at: at + wrong.at, hint: wrong.hint })?;
        tokens.push(Token { at, text: &rest[..length], word });
        at += length;
    }
}

/// What cannot be read, how far into the text.
struct Wrong {
    at: usize,
    hint: &'static str,
}

const fn wrong(hint: &'static str) -> Wrong {
    Wrong { at: 0, hint }
}

/// The word a text begins with and its length in bytes, or what to write instead.
fn word(text: &str) -> Result<(Word<'_>, usize), Wrong> {
    if let Some((sign, operator)) = Operator::ALL.iter().find(|(sign, _)| text.starts_with(sign)) {
        return Ok((Word::Operator(*operator), sign.len()));
    }
    let first = text.chars().next().ok_or(wrong("write something"))?;
    match first {
        '(' | ')' | '[' | ']' | ',' => Ok((Word::Sign(first), 1)),
        '"' => string(text),
        '\'' => Err(wrong("write strings in double quotes")),
        '=' => Err(wrong("write `==` to compare")),
        '!' => Err(wrong("write `not`, or `!=` to compare")),
        '&' => Err(wrong("write `and`")),
        '|' => Err(wrong("write `or`")),
        '+' | '*' | '/' | '%' => Err(wrong("there is no arithmetic: compare fields and values only")),
        '-' | '0'..='9' => {
            let length = text[1..].find(|sign: char| !is_number(sign)).map_or(text.len(), |end| end + 1);
            Ok((Word::Number(&text[..length]), length))
        }
        _ => name(text).map(|length| (Word::Name(&text[..length]), length)),
    }
}

fn is_number(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '.' | '+' | '-' | '_')
}

fn string(text: &str) -> Result<(Word<'_>, usize), Wrong> {
    let length = quoted_length(text).ok_or(wrong("close the string with a double quote"))?;
    let string =
        serde_json::from_str(&text[..length]).map_err(|_| wrong("write the string as JSON does: \\n, \\\", \\\\"))?;
    Ok((Word::Text(string), length))
}

/// A field's length: steps joined by dots.
fn name(text: &str) -> Result<usize, Wrong> {
    const HINT: &str = "use fields, values, ==, !=, <, <=, >, >=, in, and, or, not and parentheses";
    let mut length = step_length(text).ok_or(wrong(HINT))?;
    while text[length..].starts_with('.') {
        length +=
            1 + step_length(&text[length + 1..]).ok_or(Wrong { at: length + 1, hint: "write a name after the dot" })?;
    }
    Ok(length)
}
