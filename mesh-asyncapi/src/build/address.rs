//! Addresses of channels.
//!
//! AsyncAPI knows literals and parameters. A filter's last `>` (or `#`), which stands for one level or more, has no
//! expression there: it becomes a parameter that is described as such, and the channel says so in `x-mesh-subtree`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::extensions::put;

/// The field of a channel that names the parameter which stands for all levels from there on.
pub(crate) const SUBTREE: &str = "x-mesh-subtree";

/// One level of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    /// This text.
    Literal(String),
    /// Any text, with a name.
    Parameter(String),
    /// One level or more, at the end.
    Rest,
}

/// What a parameter stands for. Empty = not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameter {
    /// What it is.
    pub description: String,
    /// The only values there are.
    pub values: Vec<String>,
    /// The value where none is given.
    pub default: String,
    /// Some values.
    pub examples: Vec<String>,
    /// Where a message carries it: `$message.payload#/country`.
    pub location: String,
}

/// An address, or that none is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// None = not known.
    text: Option<String>,
    parameters: Vec<(String, Parameter)>,
    rest: Option<String>,
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Nothing.
    #[error("the address is empty: write its levels, with `/` between them")]
    Empty,
    /// `?` or `#` inside, or braces that are no level.
    #[error("the level `{0}` of the address holds a sign that it cannot have: leave out `?`, `#`, `*`, `>` and braces")]
    Sign(String),
    /// Two parameters with one name.
    #[error("the parameter `{0}` stands twice in the address: give each level a name of its own")]
    Twice(String),
    /// A rest before the end.
    #[error("`>` stands before the end of the address: it means all that follows")]
    RestInside,
    /// A description of a parameter that is not there.
    #[error("the address has no parameter `{0}`: describe those in its braces")]
    NoParameter(String),
}

impl Address {
    /// Reads levels with `/` between them: `orders/{country}/*/>`. A level `*` or `+` is a parameter with the level's
    /// number; `>` or `#` at the end is the rest.
    ///
    /// # Errors
    /// The first level that is wrong.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let last = text.split('/').count().saturating_sub(1);
        let levels = text.split('/').enumerate().map(|(index, level)| match level {
            ">" | "#" if index == last => Ok(Level::Rest),
            ">" | "#" => Err(BadAddress::RestInside),
            "*" | "+" => Ok(Level::Parameter(format!("level{}", index + 1))),
            level => Ok(match level.strip_prefix('{').and_then(|level| level.strip_suffix('}')) {
                Some(name) => Level::Parameter(name.to_owned()),
                None => Level::Literal(level.to_owned()),
            }),
        });
        Self::of(&levels.collect::<Result<Vec<_>, _>>()?)
    }

    /// An address of levels.
    ///
    /// # Errors
    /// The first level that is wrong.
    pub fn of(levels: &[Level]) -> Result<Self, BadAddress> {
        if levels.iter().all(|level| matches!(level, Level::Literal(text) if text.is_empty())) {
            return Err(BadAddress::Empty);
        }
        let mut address = Self { text: None, parameters: Vec::new(), rest: None };
        let mut texts = Vec::new();
        for (index, level) in levels.iter().enumerate() {
            match level {
                Level::Literal(text) if text.contains(['?', '#', '*', '>', '{', '}']) => {
                    return Err(BadAddress::Sign(text.clone()));
                }
                Level::Literal(text) => texts.push(text.clone()),
                Level::Parameter(name) => texts.push(address.parameter(name, Parameter::default())?),
                Level::Rest if index + 1 < levels.len() => return Err(BadAddress::RestInside),
                Level::Rest => texts.push(address.rest()?),
            }
        }
        address.text = Some(texts.join("/"));
        Ok(address)
    }

    /// A name as it is, such as a Kafka topic: `shop.orders`.
    ///
    /// # Errors
    /// It is empty, or has signs that mean something.
    pub fn literal(text: &str) -> Result<Self, BadAddress> {
        Self::of(&[Level::Literal(text.to_owned())])
    }

    /// Not known before run time.
    #[must_use]
    pub fn unknown() -> Self {
        Self { text: None, parameters: Vec::new(), rest: None }
    }

    /// Says what a parameter stands for.
    ///
    /// # Errors
    /// There is no such parameter.
    pub fn describe(mut self, name: &str, what: Parameter) -> Result<Self, BadAddress> {
        let known = self.parameters.iter_mut().find(|(known, _)| known == name);
        known.ok_or_else(|| BadAddress::NoParameter(name.to_owned()))?.1 = what;
        Ok(self)
    }

    /// As the document writes it; none = not known.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    fn parameter(&mut self, name: &str, what: Parameter) -> Result<String, BadAddress> {
        let is_sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || !name.chars().all(is_sign) {
            return Err(BadAddress::Sign(format!("{{{name}}}")));
        }
        if self.parameters.iter().any(|(known, _)| known == name) {
            return Err(BadAddress::Twice(name.to_owned()));
        }
        self.parameters.push((name.to_owned(), what));
        Ok(format!("{{{name}}}"))
    }

    fn rest(&mut self) -> Result<String, BadAddress> {
        let taken: BTreeSet<&str> = self.parameters.iter().map(|(name, _)| name.as_str()).collect();
        let names = std::iter::once("rest".to_owned()).chain((2..).map(|number| format!("rest{number}")));
        let name = names.into_iter().find(|name| !taken.contains(name.as_str())).unwrap_or_default();
        let description = "All levels from here on, at least one, with `/` between them.".to_owned();
        self.rest = Some(name.clone());
        self.parameter(&name, Parameter { description, ..Parameter::default() })
    }

    pub(super) fn write(&self, object: &mut Map<String, Value>) {
        object.insert("address".into(), self.text.clone().into());
    }

    pub(super) fn write_parameters(&self, object: &mut Map<String, Value>) {
        let parameters = self.parameters.iter().map(|(name, what)| (name.clone(), what.to_value()));
        put(object, "parameters", parameters.collect::<Map<_, _>>());
    }

    pub(super) fn write_rest(&self, object: &mut Map<String, Value>) {
        put(object, SUBTREE, self.rest.clone());
    }
}

impl Parameter {
    fn to_value(&self) -> Value {
        let mut object = Map::new();
        put(&mut object, "enum", self.values.clone());
        put(&mut object, "default", self.default.clone());
        put(&mut object, "description", self.description.clone());
        put(&mut object, "examples", self.examples.clone());
        put(&mut object, "location", self.location.clone());
        object.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(address: &str) -> Result<String, BadAddress> {
        Address::parse(address).map(|address| address.text.unwrap_or_default())
    }

    #[test]
    fn levels_become_literals_and_parameters() {
        assert_eq!(text("orders/{country}/placed"), Ok("orders/{country}/placed".into()));
        assert_eq!(text("orders/*/+"), Ok("orders/{level2}/{level3}".into()));
        assert_eq!(text("orders/>"), Ok("orders/{rest}".into()));
        assert_eq!(text("{rest}/#"), Ok("{rest}/{rest2}".into()));
        assert_eq!(text(""), Err(BadAddress::Empty));
        assert_eq!(text("orders/>/x"), Err(BadAddress::RestInside));
        assert_eq!(text("orders/a?b"), Err(BadAddress::Sign("a?b".into())));
        assert_eq!(text("orders/a{b}"), Err(BadAddress::Sign("a{b}".into())));
        assert_eq!(text("{a}/{a}"), Err(BadAddress::Twice("a".into())));
        assert_eq!(text("{a b}"), Err(BadAddress::Sign("{a b}".into())));
    }

    #[test]
    fn only_what_is_there_is_described() {
        let address = Address::parse("orders/{country}").expect("an address");
        assert!(address.clone().describe("country", Parameter::default()).is_ok());
        assert_eq!(address.describe("land", Parameter::default()), Err(BadAddress::NoParameter("land".into())));
    }
}
