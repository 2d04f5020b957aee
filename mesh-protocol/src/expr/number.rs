//! Numbers written as text, in expressions, keys and headers.

use serde_json::Number;

/// A number that a text spells.
pub(super) enum Spelled {
    Integer(i128),
    /// Finite.
    Float(f64),
}

/// The number a text spells as JSON does; none when it is no number, or too large for a 64-bit float.
pub(super) fn spelled(text: &str) -> Option<Spelled> {
    let number: Number = text.parse().ok()?;
    match number.as_i128() {
        Some(integer) => Some(Spelled::Integer(integer)),
        // The JSON parser rounds to a neighbour now and then; the standard library reads exactly.
        None => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Spelled::Float),
    }
}
