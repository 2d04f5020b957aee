//! Shows an expression, with parentheses only where they are needed.

use std::fmt;

use super::{Expr, Literal, Node, Operand};

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(parts) => joined(f, " or ", parts, |part| matches!(part, Self::Or(_))),
            Self::And(parts) => joined(f, " and ", parts, |part| matches!(part, Self::Or(_) | Self::And(_))),
            Self::Not(part) => {
                f.write_str("not ")?;
                enclosed(f, part, matches!(**part, Self::Or(_) | Self::And(_)))
            }
            Self::Compare(one, operator, two) => write!(f, "{one} {} {two}", operator.sign()),
            Self::In(operand, literals) => {
                write!(f, "{operand} in [")?;
                separated(f, ", ", literals, |f, literal| literal.fmt(f))?;
                f.write_str("]")
            }
            Self::Exists(field) => write!(f, "exists({field})"),
            Self::StartsWith(field, prefix) => write!(f, "starts_with({field}, {})", quoted(prefix)),
        }
    }
}

fn joined(
    f: &mut fmt::Formatter<'_>,
    separator: &str,
    parts: &[Node],
    needs_parentheses: fn(&Node) -> bool,
) -> fmt::Result {
    separated(f, separator, parts, |f, part| enclosed(f, part, needs_parentheses(part)))
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    separator: &str,
    items: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write(f, item)?;
    }
    Ok(())
}

fn enclosed(f: &mut fmt::Formatter<'_>, node: &Node, parentheses: bool) -> fmt::Result {
    if parentheses { write!(f, "({node})") } else { fmt::Display::fmt(node, f) }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => field.fmt(f),
            Self::Literal(literal) => literal.fmt(f),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(bool) => bool.fmt(f),
            Self::Integer(number) => number.fmt(f),
            // The debug form keeps a fraction or exponent, so that it reads back as a float.
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Text(text) => f.write_str(&quoted(text)),
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
