//! How large a document may be, counted on its value.
//!
//! Findings carry the way to their part, so what is done with a document grows with the sum of all ways in it. A few
//! long keys around many small values make that sum endless while the text stays short.

use serde_json::Value;

use super::{CONTENT_BYTES_MAX, NESTING_MAX, VALUES_MAX, too_deep, too_much};

/// Largest sum of the lengths of the ways to all values, in bytes.
pub(crate) const WAYS_BYTES_MAX: usize = 256 << 20;

/// Checks a whole value.
pub(crate) fn check(value: &Value) -> Result<(), String> {
    let mut count = Count::default();
    count.value(value, 0, 0)?;
    if count.ways > WAYS_BYTES_MAX {
        Err("the document has too long keys around too many values: shorten them".into())
    } else {
        Ok(())
    }
}

#[derive(Default)]
struct Count {
    values: usize,
    bytes: usize,
    ways: usize,
}

impl Count {
    fn value(&mut self, value: &Value, depth: usize, way: usize) -> Result<(), String> {
        self.values += 1;
        self.ways = self.ways.saturating_add(way);
        match value {
            Value::String(text) => self.bytes += text.len(),
            Value::Array(_) | Value::Object(_) if depth >= NESTING_MAX => return Err(too_deep()),
            Value::Array(list) => list.iter().try_for_each(|item| self.value(item, depth + 1, way + 2))?,
            Value::Object(map) => {
                for (key, inner) in map {
                    self.values += 1;
                    self.bytes += key.len();
                    self.value(inner, depth + 1, way + key.len() + 1)?;
                }
            }
            _ => {}
        }
        if self.values > VALUES_MAX || self.bytes > CONTENT_BYTES_MAX { Err(too_much()) } else { Ok(()) }
    }
}
