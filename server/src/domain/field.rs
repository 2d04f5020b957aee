//! Errors beside the field that caused them.
//!
//! A form is checked whole: a person who made three mistakes learns of three, each where it was made.

use std::collections::BTreeMap;
use std::fmt;

/// Longest name of any object, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// Longest free text, in bytes.
pub const TEXT_BYTES_MAX: usize = 2_000;

/// What is wrong with an input, by field name. Empty = nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(pub BTreeMap<String, String>);

impl FieldErrors {
    /// One error alone.
    #[must_use]
    pub fn one(field: &str, message: impl fmt::Display) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Notes an error; the first one of a field stays.
    pub fn add(&mut self, field: &str, message: impl fmt::Display) {
        self.0.entry(field.to_owned()).or_insert_with(|| message.to_string());
    }

    /// Keeps the value of a check, or notes its error and gives nothing.
    pub fn take<T, E: fmt::Display>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(field, error)).ok()
    }

    /// Checks a name: 1 to 64 lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
    pub fn name(&mut self, field: &str, text: &str) {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let begins = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if text.is_empty() {
            self.add(field, "is required");
        } else if text.len() > NAME_BYTES_MAX {
            self.add(field, format_args!("is longer than {NAME_BYTES_MAX} characters"));
        } else if !text.starts_with(begins) || !text.chars().all(allowed) {
            self.add(field, "may hold lower-case letters, digits, `-`, `_` and `.`, and begins with a letter or digit");
        }
    }

    /// Checks a free text's length.
    pub fn text(&mut self, field: &str, text: &str) {
        if text.len() > TEXT_BYTES_MAX {
            self.add(field, format_args!("is longer than {TEXT_BYTES_MAX} characters"));
        } else if text.contains('\0') {
            self.add(field, "holds a NUL character");
        }
    }

    /// Checks `host:port`.
    pub fn address(&mut self, field: &str, text: &str) {
        let sound = text.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok() && !text.contains(char::is_whitespace)
        });
        if !sound {
            self.add(field, "must be `host:port`, for example `127.0.0.1:1883`");
        }
    }

    /// Nothing wrong?
    ///
    /// # Errors
    /// All errors noted so far.
    pub fn check(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (field, message) in &self.0 {
            write!(f, "{separator}{field} {message}")?;
            separator = "; ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_named_once() {
        let mut errors = FieldErrors::default();
        errors.name("name", "Berlin");
        errors.name("name", "");
        errors.address("bind", "1883");
        errors.name("region", "eu");
        assert_eq!(errors.0.keys().collect::<Vec<_>>(), ["bind", "name"]);
        assert!(errors.0["name"].contains("lower-case"), "the first error of a field stays");
        assert!(errors.check().is_err());
    }

    #[test]
    fn ipv6_addresses_are_addresses() {
        let mut errors = FieldErrors::default();
        errors.address("bind", "[::1]:0");
        errors.address("bind", "0.0.0.0:65535");
        assert_eq!(errors.check(), Ok(()));
    }
}
