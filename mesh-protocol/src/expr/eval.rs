//! Holds an expression against a record.

use std::cmp::Ordering;

use serde_json::Number;

use super::number::{Spelled, spelled};
use super::{Literal, Node, Operand, Operator};
use crate::record::{Lookup, Scalar};

impl Node {
    pub(super) fn holds(&self, record: &dyn Lookup) -> bool {
        match self {
            Self::Or(parts) => parts.iter().any(|part| part.holds(record)),
            Self::And(parts) => parts.iter().all(|part| part.holds(record)),
            Self::Not(part) => !part.holds(record),
            Self::Compare(one, operator, two) => compare(one.value(record), *operator, two.value(record)),
            Self::In(operand, literals) => {
                let value = operand.value(record);
                literals.iter().any(|literal| compare(value, Operator::Equal, literal.value()))
            }
            Self::Exists(field) => field.find(record).is_some(),
            Self::StartsWith(field, prefix) => {
                matches!(field.find(record), Some(Scalar::Text(text) | Scalar::Raw(text)) if text.starts_with(&**prefix))
            }
        }
    }
}

/// A value ready to compare.
#[derive(Clone, Copy)]
enum Comparable<'a> {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(&'a str),
    Raw(&'a str),
    Composite,
}

impl Operand {
    fn value<'a>(&'a self, record: &'a dyn Lookup) -> Comparable<'a> {
        match self {
            Self::Literal(literal) => literal.value(),
            Self::Field(field) => match field.find(record) {
                None | Some(Scalar::Null) => Comparable::Null,
                Some(Scalar::Bool(bool)) => Comparable::Bool(bool),
                Some(Scalar::Number(number)) => number_value(&number),
                Some(Scalar::Text(text)) => Comparable::Text(text),
                Some(Scalar::Raw(text)) => Comparable::Raw(text),
                Some(Scalar::Composite) => Comparable::Composite,
            },
        }
    }
}

impl Literal {
    fn value(&self) -> Comparable<'_> {
        match self {
            Self::Null => Comparable::Null,
            Self::Bool(bool) => Comparable::Bool(*bool),
            Self::Integer(number) => Comparable::Integer((*number).into()),
            Self::Float(number) => Comparable::Float(*number),
            Self::Text(text) => Comparable::Text(text),
        }
    }
}

fn number_value(number: &Number) -> Comparable<'static> {
    if let Some(integer) = number.as_i128() {
        Comparable::Integer(integer)
    } else {
        number.as_f64().map_or(Comparable::Null, Comparable::Float)
    }
}

fn compare(one: Comparable<'_>, operator: Operator, two: Comparable<'_>) -> bool {
    use Comparable::{Bool, Null};
    match (one, two) {
        (Null, Null) => matches!(operator, Operator::Equal),
        (Bool(one), Bool(two)) => match operator {
            Operator::Equal => one == two,
            Operator::NotEqual => one != two,
            _ => false,
        },
        (one, two) => operator.holds(order(one, two)),
    }
}

fn order(one: Comparable<'_>, two: Comparable<'_>) -> Option<Ordering> {
    use Comparable::{Float, Integer, Raw, Text};
    match (one, two) {
        (Integer(one), Integer(two)) => Some(one.cmp(&two)),
        (Float(one), Float(two)) => one.partial_cmp(&two),
        (Integer(one), Float(two)) => order_mixed(one, two),
        (Float(one), Integer(two)) => order_mixed(two, one).map(Ordering::reverse),
        (Text(one) | Raw(one), Text(two) | Raw(two)) => Some(one.cmp(two)),
        (Raw(text), Integer(_) | Float(_)) => order(raw_number(text)?, two),
        (Integer(_) | Float(_), Raw(text)) => order(one, raw_number(text)?),
        _ => None,
    }
}

/// Exact: 2^53 + 1 is greater than 2^53 as a float.
#[expect(clippy::cast_possible_truncation, reason = "a float without fraction, below the range of i128 by far")]
fn order_mixed(integer: i128, float: f64) -> Option<Ordering> {
    const BEYOND: f64 = 1e30;
    if float.is_nan() {
        None
    } else if float >= BEYOND {
        Some(Ordering::Less)
    } else if float <= -BEYOND {
        Some(Ordering::Greater)
    } else {
        let whole = float.floor();
        Some(integer.cmp(&(whole as i128)).then(if float > whole { Ordering::Less } else { Ordering::Equal }))
    }
}

fn raw_number(text: &str) -> Option<Comparable<'static>> {
    spelled(text).map(|number| match number {
        Spelled::Integer(integer) => Comparable::Integer(integer),
        Spelled::Float(float) => Comparable::Float(float),
    })
}
