//! Regular expressions of JSON Schema: whether one is one, what it matches, and a text that it matches.
//!
//! The first two are asked of the validator, so that there is one dialect. Texts are made up for the simple patterns
//! that events have, such as `^[A-Z]{3}-\d+$`; look-around and back-references give none.

use std::sync::Arc;

use serde_json::{Value, json};

/// Longest text made up, in characters.
const LENGTH_MAX: usize = 4_096;
/// Most repetitions tried beyond the fewest, to reach a length.
const EXTRA_MAX: usize = 64;
/// Deepest nesting of groups.
const DEPTH_MAX: usize = 16;

/// A regular expression. Two are equal when they are written alike.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    validator: Arc<jsonschema::Validator>,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Option<Self> {
        let validator = jsonschema::draft202012::new(&json!({ "pattern": text })).ok()?;
        Some(Self { text: text.to_owned(), validator: Arc::new(validator) })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it finds something in a text.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.validator.is_valid(&Value::from(text))
    }

    /// A text of some length that it matches, if it is simple enough.
    pub(super) fn example(&self, length_min: usize, length_max: usize) -> Option<String> {
        (0..=EXTRA_MAX).find_map(|extra| {
            let mut maker = Maker { rest: &self.text, extra, depth: 0 };
            let mut text = maker.alternatives().filter(|_| maker.rest.is_empty())?;
            // Where the pattern leaves the end open, anything may follow.
            if !self.text.ends_with('$') {
                let missing = length_min.min(LENGTH_MAX).saturating_sub(text.chars().count());
                text.extend(std::iter::repeat_n('x', missing));
            }
            let fits = (length_min..=length_max.min(LENGTH_MAX)).contains(&text.chars().count());
            (fits && self.matches(&text)).then_some(text)
        })
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A set of signs.
type Set = fn(char) -> bool;

/// Reads a pattern and writes what it matches, in one go.
struct Maker<'a> {
    rest: &'a str,
    /// How often more than needed something is repeated.
    extra: usize,
    depth: usize,
}

impl Maker<'_> {
    /// The first of some alternatives; the others are read and dropped.
    fn alternatives(&mut self) -> Option<String> {
        if self.depth > DEPTH_MAX {
            return None;
        }
        let first = self.sequence()?;
        while self.take('|') {
            self.sequence()?;
        }
        Some(first)
    }

    fn sequence(&mut self) -> Option<String> {
        let mut text = String::new();
        while let Some(next) = self.peek() {
            if matches!(next, '|' | ')') {
                break;
            }
            self.rest = &self.rest[next.len_utf8()..];
            let atom = self.atom(next)?;
            let (fewest, most) = self.repetitions()?;
            let count = fewest.saturating_add(self.extra).min(most).max(fewest);
            if text.len() + atom.len().saturating_mul(count) > LENGTH_MAX {
                return None;
            }
            text.push_str(&atom.repeat(count));
        }
        Some(text)
    }

    fn atom(&mut self, first: char) -> Option<String> {
        match first {
            '^' | '$' => Some(String::new()),
            '.' => Some("x".to_owned()),
            '(' => {
                if self.take('?') && !self.take(':') {
                    return None;
                }
                self.depth += 1;
                let inner = self.alternatives()?;
                self.depth -= 1;
                self.take(')').then_some(inner)
            }
            '[' => self.class().map(String::from),
            '\\' => self.escape().map(|set| set.0.to_string()),
            '*' | '+' | '?' | '{' => None,
            literal => Some(literal.to_string()),
        }
    }

    /// How often at least and at most.
    fn repetitions(&mut self) -> Option<(usize, usize)> {
        let range = match self.peek() {
            Some('*') => (0, usize::MAX),
            Some('+') => (1, usize::MAX),
            Some('?') => (0, 1),
            Some('{') => {
                let (inside, rest) = self.rest[1..].split_once('}')?;
                self.rest = rest;
                return match inside.split_once(',') {
                    None => inside.parse().ok().map(|count| (count, count)),
                    Some((fewest, "")) => fewest.parse().ok().map(|fewest| (fewest, usize::MAX)),
                    Some((fewest, most)) => Some((fewest.parse().ok()?, most.parse().ok()?)),
                };
            }
            _ => return Some((1, 1)),
        };
        self.rest = &self.rest[1..];
        // Greedy or not makes no difference to what can match.
        self.take('?');
        Some(range)
    }

    /// A sign that stands for itself or for a set: one sign of it, and what is in it.
    fn escape(&mut self) -> Option<(char, Set)> {
        let sign = self.peek()?;
        self.rest = &self.rest[sign.len_utf8()..];
        Some(match sign {
            'd' => ('1', |char| char.is_ascii_digit()),
            'w' => ('a', |char| char.is_ascii_alphanumeric() || char == '_'),
            's' => (' ', char::is_whitespace),
            'D' => ('a', |char| !char.is_ascii_digit()),
            'W' => ('-', |char| !char.is_ascii_alphanumeric() && char != '_'),
            'S' => ('a', |char| !char.is_whitespace()),
            't' => ('\t', |char| char == '\t'),
            'n' => ('\n', |char| char == '\n'),
            'r' => ('\r', |char| char == '\r'),
            // Word bounds, back-references, code points.
            sign if sign.is_ascii_alphanumeric() => return None,
            sign => (sign, |_| false),
        })
    }

    /// One sign of a class.
    fn class(&mut self) -> Option<char> {
        let negated = self.take('^');
        let (mut ranges, mut sets): (Vec<(char, char)>, Vec<Set>) = (Vec::new(), Vec::new());
        loop {
            let sign = self.peek()?;
            self.rest = &self.rest[sign.len_utf8()..];
            let from = match sign {
                ']' => break,
                '\\' => {
                    let (sign, set) = self.escape()?;
                    sets.push(set);
                    sign
                }
                sign => sign,
            };
            let range = self.rest.strip_prefix('-').and_then(|rest| rest.chars().next()).filter(|to| *to != ']');
            let to = match range {
                Some('\\') => return None,
                Some(to) => {
                    self.rest = &self.rest[1 + to.len_utf8()..];
                    to
                }
                None => from,
            };
            ranges.push((from, to));
        }
        let within = |char: char| {
            ranges.iter().any(|(from, to)| (*from..=*to).contains(&char)) || sets.iter().any(|set| set(char))
        };
        match negated {
            true => "a0A_-. ".chars().find(|char| !within(*char)),
            false => ranges.first().map(|(from, _)| *from),
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self, sign: char) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn example(pattern: &str, least: usize, most: usize) -> Option<String> {
        Pattern::new(pattern)?.example(least, most)
    }

    #[test]
    fn simple_patterns_have_examples() {
        for (pattern, expected) in [
            ("^[A-Z]{3}-\\d+$", "AAA-1"),
            ("^(EUR|USD)$", "EUR"),
            ("^a?b*c{2,}$", "cc"),
            ("^[^a0]$", "A"),
            ("^(?:x\\.y)+$", "x.y"),
            ("^[\\w-]+@[a-z]+$", "a@a"),
            ("^äß$", "äß"),
        ] {
            assert_eq!(example(pattern, 0, 100).as_deref(), Some(expected), "{pattern}");
        }
        assert_eq!(example("^[a-z]+$", 5, 5).as_deref(), Some("aaaaa"));
        assert_eq!(example("^[a-z]", 3, 9).as_deref(), Some("axx"));
    }

    #[test]
    fn hard_patterns_have_none() {
        for pattern in ["^(?=a)b$", "^(a)\\1$", "\\bword", "^[a-z]{4}$"] {
            assert_eq!(example(pattern, 0, 3), None, "{pattern}");
        }
        assert_eq!(example("^a{99999999999}$", 0, usize::MAX), None);
    }

    #[test]
    fn only_regular_expressions_are_patterns() {
        assert!(Pattern::new("^[a-z]+(?!x)$").is_some());
        assert!(Pattern::new("[").is_none());
        assert!(Pattern::new("(a").is_none());
    }

    proptest! {
        #[test]
        fn what_is_made_up_matches(pattern in "[\\^$.\\[\\]()|*+?{}\\\\a-d1-3,:-]{0,12}", least in 0_usize..6) {
            if let Some(pattern) = Pattern::new(&pattern)
                && let Some(text) = pattern.example(least, 20)
            {
                prop_assert!(pattern.matches(&text) && text.chars().count() >= least, "{pattern:?} {text}");
            }
        }
    }
}
