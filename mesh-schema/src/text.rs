//! JSON texts: read within bounds, written in one form, and searched for the place of a part.
//!
//! The JSON parser knows where it stopped but not where a value it read stood. Errors in the meaning of a schema are
//! found later, on the values, so the place is found by walking the text once more along the path of the value.

use std::fmt::Write as _;

use serde_json::Value;

use super::invalid::{Invalid, NESTING_MAX, Place, Rule};

/// A value of a JSON text, bounded in depth, and how deep it is.
pub(super) fn read_json(text: &str) -> Result<(Value, usize), Invalid> {
    let depth = check_depth(text)?;
    let value = serde_json::from_str(text).map_err(|error| {
        let place = (error.line() > 0).then(|| Place { line: error.line(), column: error.column().max(1) });
        // The parser repeats the place at the end of its sentence.
        let full = error.to_string();
        let reason = full.split(" at line ").next().unwrap_or_default();
        Invalid::new(Rule::Syntax, format!("the text is not JSON: {reason}")).at(place)
    })?;
    Ok((value, depth))
}

fn check_depth(text: &str) -> Result<usize, Invalid> {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
        if depth > NESTING_MAX {
            return Err(too_deep().at(Some(place(text, at))));
        }
    }
    Ok(deepest)
}

/// The refusal of a text that is nested too deeply.
pub(super) fn too_deep() -> Invalid {
    Invalid::new(
        Rule::Nesting,
        format!("the schema is nested deeper than {NESTING_MAX}: name the inner types and refer to them"),
    )
}

/// Line and column of a byte.
pub(super) fn place(text: &str, at: usize) -> Place {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

/// Where the value at a path stands. A step is a key, or an index in decimal.
pub(super) fn locate(text: &str, path: &[String]) -> Option<Place> {
    let mut scanner = Scanner { text, at: 0 };
    for step in path {
        scanner.enter(step)?;
    }
    scanner.space();
    Some(place(text, scanner.at))
}

/// Walks a text that is known to be JSON.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    /// Moves to the value of a step. Of two equal keys the last one counts, as for the parser.
    fn enter(&mut self, step: &str) -> Option<()> {
        self.space();
        let object = self.take(b'{');
        if !object && !self.take(b'[') {
            return None;
        }
        let mut found = None;
        for index in 0_usize.. {
            self.space();
            if matches!(self.peek()?, b'}' | b']') {
                break;
            }
            let hit = if object { self.key()? == step } else { step.parse() == Ok(index) };
            self.space();
            if hit {
                found = Some(self.at);
            }
            self.skip()?;
            self.space();
            self.take(b',');
        }
        self.at = found?;
        Some(())
    }

    fn key(&mut self) -> Option<String> {
        let start = self.at;
        self.skip_string()?;
        let key = serde_json::from_str(&self.text[start..self.at]).ok()?;
        self.space();
        self.take(b':').then_some(key)
    }

    /// Moves behind a value.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                _ => self.skip_word(),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn skip_string(&mut self) -> Option<()> {
        if !self.take(b'"') {
            return None;
        }
        loop {
            match self.peek()? {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                _ => self.at += 1,
            }
        }
    }

    fn skip_word(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')) {
            self.at += 1;
        }
        // Never stands still, whatever the byte.
        if self.peek().is_some_and(|byte| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        self.at += usize::from(hit);
        hit
    }
}

/// Writes a value with its keys in order and without spaces.
pub(super) fn write_sorted(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => write_list(out, '[', ']', items, write_sorted),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            write_list(out, '{', '}', entries, |(key, value), out| {
                write_string(key, out);
                out.push(':');
                write_sorted(value, out);
            });
        }
        Value::String(text) => write_string(text, out),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            // Writing to a string cannot fail.
            let _ = write!(out, "{value}");
        }
    }
}

/// A value as text, with its keys in order.
pub(super) fn sorted(value: &Value) -> String {
    let mut out = String::new();
    write_sorted(value, &mut out);
    out
}

/// Writes a JSON string.
pub(super) fn write_string(text: &str, out: &mut String) {
    let _ = write!(out, "{}", Value::from(text));
}

/// Writes items between brackets, with commas.
pub(super) fn write_list<T>(
    out: &mut String,
    open: char,
    close: char,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(T, &mut String),
) {
    out.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(text: &str, path: &[&str]) -> Option<(usize, usize)> {
        let path: Vec<_> = path.iter().map(|&step| step.to_owned()).collect();
        locate(text, &path).map(|place| (place.line, place.column))
    }

    #[test]
    fn a_part_is_found_by_its_path() {
        let text = "{\n  \"a\\\"b\": [1, {\"ä\": \"}\", \"c\": null}],\n  \"d\": -1.5e3\n}";
        assert_eq!(at(text, &[]), Some((1, 1)));
        assert_eq!(at(text, &["a\"b"]), Some((2, 11)));
        assert_eq!(at(text, &["a\"b", "1", "c"]), Some((2, 31)));
        assert_eq!(at(text, &["d"]), Some((3, 8)));
        assert_eq!(at(text, &["e"]), None);
        assert_eq!(at(text, &["d", "e"]), None);
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        assert_eq!(at(r#"{"a": 1, "a": 2}"#, &["a"]), Some((1, 15)));
    }

    #[test]
    fn a_syntax_error_is_placed_and_explained() {
        let invalid = read_json("{\n  \"a\": ,\n}").expect_err("a stray comma");
        assert_eq!(invalid.rule, Rule::Syntax);
        assert_eq!(invalid.place.map(|place| place.line), Some(2));
        assert!(!invalid.message.contains("line"), "{invalid}");
    }

    #[test]
    fn brackets_in_strings_do_not_nest() {
        assert!(read_json(&format!("\"{}\"", "[".repeat(100))).is_ok());
        let deep = format!("{}{}", "[".repeat(NESTING_MAX), "]".repeat(NESTING_MAX));
        assert_eq!(read_json(&deep).expect("as deep as allowed").1, NESTING_MAX);
        assert_eq!(read_json(&format!("[{deep}]")).err().map(|invalid| invalid.rule), Some(Rule::Nesting));
    }

    #[test]
    fn keys_are_written_in_order() {
        assert_eq!(
            sorted(&json!({"b": [1, {"z": null, "y": "\n"}], "a": true})),
            r#"{"a":true,"b":[1,{"y":"\n","z":null}]}"#
        );
    }

    proptest! {
        #[test]
        fn searching_any_text_ends(text in "[\\[\\]{}\",:a0 \\\\\n-]{0,40}", step in "[a0]{0,2}") {
            let _ = locate(&text, &[step.clone(), step]);
            let _ = read_json(&text);
        }
    }
}
