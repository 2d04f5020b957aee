//! What subjects are called, and what that says about where they belong.

use super::Refusal;
use crate::domain::field::NAME_BYTES_MAX;

/// Longest name of a subject, in bytes: that of a Kafka topic with room for the name of a record.
pub const SUBJECT_BYTES_MAX: usize = 512;
/// The domain of subjects whose topics nobody claims; the registry makes it when it first needs it.
pub const UNCLAIMED: &str = "unclaimed";
/// What the usual strategy appends to the name of a topic.
const ENDS: [&str; 2] = ["-value", "-key"];

/// The Kafka topic that a subject is of when it is named as the usual strategy does; else the subject itself.
#[must_use]
pub fn topic_of(subject: &str) -> &str {
    ENDS.iter().find_map(|end| subject.strip_suffix(end)).unwrap_or(subject)
}

/// Whether a subject may be called so. Nearly everything goes: names of records and paths of files are subjects too.
///
/// # Errors
/// What is wrong.
pub fn check_subject(name: &str) -> Result<(), Refusal> {
    let wrong = if name.is_empty() {
        "it is empty"
    } else if name.len() > SUBJECT_BYTES_MAX {
        "it is longer than 512 bytes"
    } else if name.chars().any(char::is_control) {
        "it holds a control character"
    } else if name.starts_with(":.") {
        "this registry has no contexts"
    } else if name == "__GLOBAL" || name == "__EMPTY" {
        "the name is reserved"
    } else {
        return Ok(());
    };
    Err(Refusal::InvalidSubject(name.to_owned(), wrong))
}

/// A name for a subject's object, as near to the subject's as names of objects may be, that `is_taken` does not know.
#[must_use]
pub fn object_name(subject: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    let name: String = subject.to_lowercase().chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches(['-', '_', '.']).trim_end_matches('-');
    let name = if name.is_empty() { "schema" } else { name };
    // What is left of the longest name has room for a number.
    let base = &name[..name.len().min(NAME_BYTES_MAX - 8)];
    let numbered = (2_u32..).map(|number| format!("{base}-{number}"));
    let whole = name[..name.len().min(NAME_BYTES_MAX)].to_owned();
    std::iter::once(whole).chain(numbered).find(|name| !is_taken(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::field::FieldErrors;

    #[test]
    fn a_subject_is_of_a_topic() {
        assert_eq!(topic_of("orders-value"), "orders");
        assert_eq!(topic_of("orders-key"), "orders");
        assert_eq!(topic_of("shop.Order"), "shop.Order");
        assert_eq!(topic_of("a-key-value"), "a-key");
    }

    #[test]
    fn an_object_is_called_as_its_subject_where_that_can_be() {
        assert_eq!(object_name("orders-value", |_| false), "orders-value");
        assert_eq!(object_name("shop.Order", |_| false), "shop.order");
        assert_eq!(object_name("google/type/money.proto", |_| false), "google-type-money.proto");
        assert_eq!(object_name("Orders-value", |name| name == "orders-value"), "orders-value-2");
        assert_eq!(object_name("订单", |_| false), "schema");
    }

    #[test]
    fn names_that_lead_nowhere_are_refused() {
        assert_eq!(check_subject("a/b c%订"), Ok(()));
        for name in ["", "a\nb", ":.ctx:orders", "__GLOBAL", &"x".repeat(SUBJECT_BYTES_MAX + 1)] {
            assert_eq!(check_subject(name).map_err(|refusal| refusal.code()), Err(42208), "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_subject_is_called_its_object_has_a_sound_name(subject in ".{0,200}", taken in 0_usize..3) {
            let seen = std::cell::RefCell::new(Vec::new());
            let name = object_name(&subject, |name| {
                seen.borrow_mut().push(name.to_owned());
                seen.borrow().len() <= taken
            });
            let mut errors = FieldErrors::default();
            errors.name("name", &name);
            prop_assert_eq!(errors.check(), Ok(()));
        }
    }
}
