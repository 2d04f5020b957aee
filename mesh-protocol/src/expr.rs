//! Filter expressions choose records: `value.level == "error" and not header.region in ["us", "ap"]`.
//!
//! The language is small on purpose: no arithmetic, no functions of time, no loops, so an expression costs about its
//! length and cannot fail at run time.
//!
//! ```text
//! or      = and { "or" and }
//! and     = not { "and" not }
//! not     = "not" not | "(" or ")" | test
//! test    = "exists" "(" field ")"
//!         | "starts_with" "(" field "," string ")"
//!         | operand ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) operand
//!         | operand "in" "[" literal { "," literal } "]"
//! operand = field | literal
//! literal = string | number | "true" | "false" | "null"
//! ```
//! Fields are those of [`Field`], strings are written as in JSON. What compares how:
//! - A missing field compares as null. `exists(field)` tells it from a null that is there.
//! - Only equal kinds compare: `==` of a string and a number is false, `!=` is true, and every order between kinds is
//!   false. So is every order of null and of booleans. Strings order by code point.
//! - The key, headers, the topic and its levels are text on the wire: beside a number they count as the number they
//!   spell, if they do.
//! - Objects and arrays equal nothing, not even null.

mod eval;
mod lex;
mod number;
mod parse;
mod write;

use std::cmp::Ordering;

use crate::record::{Field, Lookup};

pub use parse::ExprError;

/// Longest expression, in bytes.
pub const EXPR_BYTES_MAX: usize = 4096;
/// Deepest nesting of parentheses and `not`.
pub const EXPR_DEPTH_MAX: usize = 32;

/// A parsed expression. Shown, it parses to itself again.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr(Node);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// At least two parts.
    Or(Vec<Node>),
    /// At least two parts.
    And(Vec<Node>),
    Not(Box<Node>),
    Compare(Operand, Operator, Operand),
    In(Operand, Vec<Literal>),
    Exists(Field),
    StartsWith(Field, String),
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Field(Field),
    Literal(Literal),
}

#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Null,
    Bool(bool),
    Integer(i64),
    /// Finite.
    Float(f64),
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    const ALL: [(&'static str, Self); 6] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<=", Self::LessOrEqual),
        ("<", Self::Less),
        (">=", Self::GreaterOrEqual),
        (">", Self::Greater),
    ];

    fn sign(self) -> &'static str {
        Self::ALL.iter().find(|(_, operator)| *operator == self).map_or("", |(sign, _)| sign)
    }

    /// What it says of two values: how they order, or none when they do not compare.
    fn holds(self, ordering: Option<Ordering>) -> bool {
        match self {
            Self::Equal => ordering == Some(Ordering::Equal),
            Self::NotEqual => ordering != Some(Ordering::Equal),
            Self::Less => ordering == Some(Ordering::Less),
            Self::LessOrEqual => ordering.is_some_and(Ordering::is_le),
            Self::Greater => ordering == Some(Ordering::Greater),
            Self::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
        }
    }
}

impl Expr {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`ExprError`] with the place and what to write instead.
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        parse::parse(text).map(Self)
    }

    /// Whether a record satisfies it.
    #[must_use]
    pub fn matches(&self, record: &dyn Lookup) -> bool {
        self.0.holds(record)
    }
}

impl Expr {
    /// Whether it asks for the payload.
    #[must_use]
    pub fn asks_for_value(&self) -> bool {
        self.0.asks_for_value()
    }
}

impl Node {
    fn asks_for_value(&self) -> bool {
        let operand = |operand: &Operand| matches!(operand, Operand::Field(Field::Value(_)));
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().any(Self::asks_for_value),
            Self::Not(part) => part.asks_for_value(),
            Self::Compare(one, _, two) => operand(one) || operand(two),
            Self::In(one, _) => operand(one),
            Self::Exists(field) | Self::StartsWith(field, _) => matches!(field, Field::Value(_)),
        }
    }
}

impl std::str::FromStr for Expr {
    type Err = ExprError;
    fn from_str(text: &str) -> Result<Self, ExprError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
