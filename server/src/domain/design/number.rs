//! Version numbers: three counters that tell a consumer what a change costs.
//!
//! They are those of Semantic Versioning 2.0.0 without its pre-releases and build metadata, for which the life cycle
//! has states. A major number of 0 promises as much as any other here: whether a change breaks is worked out from the
//! schema, so nobody needs a number that promises nothing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Class;

/// Largest value of each of the three parts.
pub const PART_MAX: u32 = 999_999;

/// The number of a version. Numbers are ordered by major, then minor, then patch (Semantic Versioning 2.0.0, 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Number {
    major: u32,
    minor: u32,
    patch: u32,
}

/// Why a text is not a version number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not three parts.
    #[error("needs three numbers with dots between them, for example 1.0.0")]
    Parts,
    /// Signs, letters, spaces or nothing where a number belongs.
    #[error("holds `{0}` where a number belongs: write digits only, for example 1.0.0")]
    Digits(String),
    /// `01` (Semantic Versioning 2.0.0, 2).
    #[error("holds `{0}`: write it without the leading zero")]
    LeadingZero(String),
    /// Above [`PART_MAX`].
    #[error("holds `{0}`: each part is at most {PART_MAX}")]
    TooLarge(String),
}

impl Number {
    /// What a first version is called.
    pub const FIRST: Self = Self { major: 1, minor: 0, patch: 0 };

    /// A number of three parts.
    ///
    /// # Errors
    /// A part is above [`PART_MAX`].
    pub fn new(major: u32, minor: u32, patch: u32) -> Result<Self, NumberError> {
        match [major, minor, patch].into_iter().find(|part| *part > PART_MAX) {
            Some(part) => Err(NumberError::TooLarge(part.to_string())),
            None => Ok(Self { major, minor, patch }),
        }
    }

    /// Counts up when a change breaks consumers.
    #[must_use]
    pub const fn major(self) -> u32 {
        self.major
    }

    /// The next number after a change: major when it breaks, minor when it adds, patch when only words change. A part
    /// that is full gives way to the one before it; none = there is none left.
    #[must_use]
    pub fn next(self, class: Class) -> Option<Self> {
        let Self { major, minor, patch } = self;
        match class {
            Class::Cosmetic if patch < PART_MAX => Some(Self { patch: patch + 1, ..self }),
            Class::Cosmetic | Class::Compatible if minor < PART_MAX => Some(Self { major, minor: minor + 1, patch: 0 }),
            _ if major < PART_MAX => Some(Self { major: major + 1, minor: 0, patch: 0 }),
            _ => None,
        }
    }
}

/// The number for a new version of an object that has versions of these numbers already: greater than all of them, by
/// as much as the change asks for. None = the numbers are used up.
#[must_use]
pub fn suggest(known: impl IntoIterator<Item = Number>, class: Class) -> Option<Number> {
    match known.into_iter().max() {
        Some(latest) => latest.next(class),
        None => Some(Number::FIRST),
    }
}

impl FromStr for Number {
    type Err = NumberError;
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let parts: Vec<&str> = text.split('.').collect();
        let [major, minor, patch] = parts[..] else { return Err(NumberError::Parts) };
        Ok(Self { major: part(major)?, minor: part(minor)?, patch: part(patch)? })
    }
}

fn part(text: &str) -> Result<u32, NumberError> {
    // `parse` alone would take a sign.
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Digits(text.to_owned()));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(NumberError::LeadingZero(text.to_owned()));
    }
    let number = text.parse().ok().filter(|number| *number <= PART_MAX);
    number.ok_or_else(|| NumberError::TooLarge(text.to_owned()))
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl TryFrom<String> for Number {
    type Error = NumberError;
    fn try_from(text: String) -> Result<Self, NumberError> {
        text.parse()
    }
}

impl From<Number> for String {
    fn from(number: Number) -> Self {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap_or_else(|error| panic!("{text} {error}"))
    }

    #[test]
    fn what_is_no_number_says_what_to_write() {
        for text in ["", "1", "1.2", "1.2.3.4"] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::Parts), "{text}");
        }
        for text in ["1..2", "v1.0.0", "1.0.0-rc1", "+1.0.0", "1. 0.0", "-1.0.0", "1.0.٣"] {
            assert!(matches!(text.parse::<Number>(), Err(NumberError::Digits(_))), "{text}");
        }
        assert_eq!("1.02.0".parse::<Number>(), Err(NumberError::LeadingZero("02".into())));
        assert_eq!("1000000.0.0".parse::<Number>(), Err(NumberError::TooLarge("1000000".into())));
        assert_eq!("99999999999999999999.0.0".parse::<Number>().is_err(), Number::new(0, 0, PART_MAX + 1).is_err());
    }

    #[test]
    fn the_change_decides_which_part_counts_up() {
        let next = |text: &str, class| number(text).next(class).map(|number| number.to_string());
        assert_eq!(next("1.2.3", Class::Breaking).as_deref(), Some("2.0.0"));
        assert_eq!(next("1.2.3", Class::Compatible).as_deref(), Some("1.3.0"));
        assert_eq!(next("1.2.3", Class::Cosmetic).as_deref(), Some("1.2.4"));
        assert_eq!(next("1.2.999999", Class::Cosmetic).as_deref(), Some("1.3.0"), "a full part gives way");
        assert_eq!(next("999999.999999.0", Class::Compatible), None);
        assert_eq!(suggest([], Class::Breaking), Some(Number::FIRST));
    }

    fn numbers() -> impl Strategy<Value = Number> {
        let part = || prop_oneof![0_u32..4, PART_MAX - 1..=PART_MAX];
        (part(), part(), part()).prop_map(|(a, b, c)| Number::new(a, b, c).expect("in bounds"))
    }

    proptest! {
        #[test]
        fn a_number_reads_back(number in numbers()) {
            prop_assert_eq!(number.to_string().parse(), Ok(number));
            let json = serde_json::to_string(&number).expect("a text");
            prop_assert_eq!(serde_json::from_str::<Number>(&json).expect("the same"), number);
        }

        #[test]
        fn the_order_is_total_and_that_of_the_parts(a in numbers(), b in numbers(), c in numbers()) {
            let parts = |number: Number| {
                let text = number.to_string();
                text.split('.').map(|part| part.parse::<u32>().expect("a part")).collect::<Vec<_>>()
            };
            prop_assert_eq!(a.cmp(&b), parts(a).cmp(&parts(b)));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert!(!(a <= b && b <= c) || a <= c);
        }

        #[test]
        fn a_suggestion_is_greater_than_all_known(known in prop::collection::vec(numbers(), 0..6), n in 0_usize..3) {
            let class = [Class::Cosmetic, Class::Compatible, Class::Breaking][n];
            match suggest(known.iter().copied(), class) {
                Some(next) => prop_assert!(known.iter().all(|number| *number < next)),
                None => prop_assert!(known.iter().any(|number| number.major() == PART_MAX)),
            }
        }
    }
}
