//! The address of an event at design time: `orders/{country}/{store}/created`.
//!
//! It is a topic of the mesh in which whole levels may be variables. Wildcards are for those who subscribe: an address
//! with one could not be published to, and AsyncAPI has no way to say it. So what an address may hold is what every
//! protocol of the mesh can carry.

use mesh_protocol::topic::{Filter, Topic, TopicError};

use super::super::address;
use super::super::field::NAME_BYTES_MAX;
use super::Class;

/// Signs that mean something in filters (`*`, `>`, `+`, `#`) or in URLs (`?`).
const SIGNS: [char; 5] = ['*', '>', '+', '#', '?'];

/// A sound address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address<'a>(&'a str);

/// One level of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level<'a> {
    /// This text.
    Literal(&'a str),
    /// Any text, with a name.
    Variable(&'a str),
}

/// Why a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Empty, too long, too deep or with NUL.
    #[error("is not a topic: {0}")]
    Topic(TopicError),
    /// Topics of the mesh itself.
    #[error("begins with `$`, which is kept for topics of the mesh itself: begin with another sign")]
    System,
    /// A wildcard, or a sign that some protocol cannot carry.
    #[error("holds `{sign}` in the level `{level}`: write `{{name}}` for a level that varies, or leave the sign out")]
    Sign {
        /// The sign.
        sign: char,
        /// The level it stands in.
        level: String,
    },
    /// A brace that does not make a whole level a variable.
    #[error("holds a brace inside the level `{0}`: a variable is a whole level, such as `{{country}}`")]
    Brace(String),
    /// The name between the braces.
    #[error(
        "holds the variable `{{{0}}}`: name it with 1 to {NAME_BYTES_MAX} letters, digits, `_` and `-`, a letter first"
    )]
    Variable(String),
    /// Two levels with one name, which would promise that they are equal.
    #[error("holds the variable `{{{0}}}` twice: give each level a name of its own")]
    Twice(String),
}

impl<'a> Address<'a> {
    /// Reads an address.
    ///
    /// # Errors
    /// The first thing that is wrong, and what to do about it.
    pub fn parse(text: &'a str) -> Result<Self, AddressError> {
        Topic::new(text).map_err(AddressError::Topic)?;
        if text.starts_with('$') {
            return Err(AddressError::System);
        }
        let address = Self(text);
        text.split('/').try_for_each(check_level)?;
        let mut seen = Vec::new();
        for name in address.variables() {
            if seen.contains(&name) {
                return Err(AddressError::Twice(name.to_owned()));
            }
            seen.push(name);
        }
        Ok(address)
    }

    /// Its levels, at least one.
    pub fn levels(&self) -> impl Iterator<Item = Level<'a>> {
        self.0.split('/').map(|level| match variable(level) {
            Some(name) => Level::Variable(name),
            None => Level::Literal(level),
        })
    }

    /// The names of its variables, each once.
    pub fn variables(&self) -> impl Iterator<Item = &'a str> {
        self.levels().filter_map(|level| match level {
            Level::Variable(name) => Some(name),
            Level::Literal(_) => None,
        })
    }

    /// The filter of all its topics.
    #[must_use]
    pub fn filter(&self) -> Filter {
        address::filter(self.0).expect("a topic is a filter as well, and `*` is no longer than a variable")
    }

    /// What it means to those who subscribed when this becomes another address: they miss events (breaking), they
    /// still get what they got (compatible), or only a variable is called differently (cosmetic).
    #[must_use]
    pub fn change(&self, to: &Self) -> Class {
        let (old, new) = (self.filter(), to.filter());
        if old == new {
            Class::Cosmetic
        } else if new.includes(&old) {
            Class::Compatible
        } else {
            Class::Breaking
        }
    }
}

fn check_level(level: &str) -> Result<(), AddressError> {
    if let Some(name) = variable(level) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let sound = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(allowed);
        let sound = sound && name.len() <= NAME_BYTES_MAX;
        return if sound { Ok(()) } else { Err(AddressError::Variable(name.to_owned())) };
    }
    if level.contains(['{', '}']) {
        return Err(AddressError::Brace(level.to_owned()));
    }
    match level.chars().find(|c| SIGNS.contains(c)) {
        Some(sign) => Err(AddressError::Sign { sign, level: level.to_owned() }),
        None => Ok(()),
    }
}

fn variable(level: &str) -> Option<&str> {
    level.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_levels_may_be_variables() {
        let address = Address::parse("orders/{country}/{store-2}/created").expect("sound");
        assert_eq!(address.variables().collect::<Vec<_>>(), ["country", "store-2"]);
        assert_eq!(address.levels().next(), Some(Level::Literal("orders")));
        assert_eq!(address.filter().text(), "orders/*/*/created");
        assert!(Address::parse("a//b").is_ok(), "empty levels are legal in the mesh");
    }

    #[test]
    fn what_cannot_be_published_to_is_refused() {
        let error = |text: &str| Address::parse(text).err().map(|error| error.to_string()).unwrap_or_default();
        for (text, words) in [
            ("", "is not a topic"),
            ("a\0", "NUL"),
            ("$SYS/uptime", "begins with `$`"),
            ("orders/*", "`{name}` for a level that varies"),
            ("orders/>", "holds `>`"),
            ("orders/#", "holds `#`"),
            ("orders/c+", "holds `+`"),
            ("orders/v{n}", "a variable is a whole level"),
            ("orders/${site}", "a variable is a whole level"),
            ("orders/{", "a variable is a whole level"),
            ("orders/{}", "holds the variable `{}`"),
            ("orders/{a b}", "name it with"),
            ("orders/{{a}}", "name it with"),
            ("{a}/{b}/{a}", "twice"),
        ] {
            assert!(error(text).contains(words), "{text}: {}", error(text));
        }
        assert!(error(&format!("{{{}}}", "n".repeat(NAME_BYTES_MAX + 1))).contains("name it with"));
    }

    #[test]
    fn a_change_is_judged_by_who_would_miss_events() {
        let change = |from, to| Address::parse(from).expect("sound").change(&Address::parse(to).expect("sound"));
        assert_eq!(change("orders/{country}", "orders/{land}"), Class::Cosmetic);
        assert_eq!(change("orders/eu", "orders/{region}"), Class::Compatible);
        assert_eq!(change("orders/{region}", "orders/eu"), Class::Breaking);
        assert_eq!(change("orders/{region}", "orders/{region}/created"), Class::Breaking);
    }
}
