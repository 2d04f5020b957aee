//! Documents as texts for people: the same value always gives the same text, so that a comparison line by line shows
//! what changed and nothing else.

use std::fmt::Write as _;

use serde_json::Value;

use super::plain;

/// Longest key that stands before its value on one line; readers need not look further for the colon.
const KEY_CHARS_MAX: usize = 500;

/// Writes JSON with two spaces, and a new line at the end.
#[must_use]
pub fn to_json(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Writes YAML in blocks. Whatever some reader of YAML takes for something else than text stands in quotes.
#[must_use]
pub fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(&mut out, value, 0),
        Value::Array(list) if !list.is_empty() => block(&mut out, value, 0),
        _ => {
            inline(&mut out, value, 2);
            out.push('\n');
        }
    }
    out
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// A list or map that is not empty, from the start of a line.
fn block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) => {
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 {
                    pad(out, indent);
                }
                entry(out, key, value, indent);
            }
        }
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    pad(out, indent);
                }
                out.push_str("- ");
                if is_block(item) {
                    block(out, item, indent + 2);
                } else {
                    inline(out, item, indent + 2);
                    out.push('\n');
                }
            }
        }
        _ => {}
    }
}

fn entry(out: &mut String, key: &str, value: &Value, indent: usize) {
    if key.chars().count() > KEY_CHARS_MAX {
        let _ = write!(out, "? {}\n{:indent$}:", quoted(key), "");
    } else if plain::is_text(key) {
        let _ = write!(out, "{key}:");
    } else {
        let _ = write!(out, "{}:", quoted(key));
    }
    if is_block(value) {
        out.push('\n');
        pad(out, indent + 2);
        block(out, value, indent + 2);
    } else {
        out.push(' ');
        inline(out, value, indent + 2);
        out.push('\n');
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    }
}

/// Everything else. Lines that follow the first are indented.
fn inline(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::String(text) if plain::is_text(text) && !text.contains('\n') => out.push_str(text),
        Value::String(text) if is_literal(text) => literal(out, text, indent),
        Value::String(text) => out.push_str(&quoted(text)),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

/// Whether a text of several lines may stand as it is.
fn is_literal(text: &str) -> bool {
    text.trim_end_matches('\n').contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && !text.ends_with("\n\n")
        && text.chars().all(|c| c == '\n' || is_printable(c))
        && text.lines().all(|line| line.is_empty() || !line.ends_with([' ', '\t']))
}

fn literal(out: &mut String, text: &str, indent: usize) {
    out.push_str(if text.ends_with('\n') { "|" } else { "|-" });
    for line in text.lines() {
        out.push('\n');
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
    }
}

fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// In single quotes where nothing has to be escaped.
fn quoted(text: &str) -> String {
    if text.chars().all(is_printable) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_printable(c) => out.push(c),
            c => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}
