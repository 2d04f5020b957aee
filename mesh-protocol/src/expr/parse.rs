//! Reads expressions by recursive descent, bounded in length and depth.

use super::lex::{Token, Word, tokens};
use super::number::{Spelled, spelled};
use super::{EXPR_BYTES_MAX, EXPR_DEPTH_MAX, Literal, Node, Operand};
use crate::record::{Field, FieldError};

/// Why a text is not an expression. Places are byte offsets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// Longer than [`EXPR_BYTES_MAX`].
    #[error("the expression has {0} bytes: shorten it to at most {EXPR_BYTES_MAX}")]
    TooLong(usize),
    /// Deeper than [`EXPR_DEPTH_MAX`].
    #[error("the expression is nested deeper than {EXPR_DEPTH_MAX} at byte {0}: use fewer parentheses")]
    TooDeep(usize),
    /// A character that begins no word.
    #[error("the expression cannot be read at byte {at}: {hint}")]
    Sign {
        /// Where.
        at: usize,
        /// What to write instead.
        hint: &'static str,
    },
    /// A word in the wrong place.
    #[error("`{found}` at byte {at} of the expression is in the wrong place: expected {expected}")]
    Unexpected {
        /// Where.
        at: usize,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// It ends too early.
    #[error("the expression ends too early: expected {0}")]
    End(&'static str),
    /// A field that is none.
    #[error("the field at byte {at} of the expression is wrong: {error}")]
    Field {
        /// Where.
        at: usize,
        /// What is wrong.
        error: FieldError,
    },
    /// A number that is none, or too large for a 64-bit float.
    #[error("`{found}` at byte {at} of the expression is not a number: write it as in JSON")]
    Number {
        /// Where.
        at: usize,
        /// What stands there.
        found: String,
    },
}

const OPERAND: &str = "a field such as value.level, a string, a number, true, false or null";
const OPERATOR: &str = "==, !=, <, <=, >, >= or in (a field alone is no test: compare it)";

pub(super) fn parse(text: &str) -> Result<Node, ExprError> {
    if text.len() > EXPR_BYTES_MAX {
        return Err(ExprError::TooLong(text.len()));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, depth: 0 };
    let node = parser.or()?;
    match parser.tokens.first() {
        None => Ok(node),
        Some(token) => Err(unexpected(token, "and, or, or the end")),
    }
}

fn unexpected(token: &Token<'_>, expected: &'static str) -> ExprError {
    ExprError::Unexpected { at: token.at, found: token.text.to_owned(), expected }
}

/// The tokens not read yet and how deep we are.
struct Parser<'t, 'a> {
    tokens: &'t [Token<'a>],
    depth: usize,
}

impl<'t, 'a> Parser<'t, 'a> {
    fn or(&mut self) -> Result<Node, ExprError> {
        let first = self.and()?;
        self.chain("or", first, Self::and, Node::Or)
    }

    fn and(&mut self) -> Result<Node, ExprError> {
        let first = self.not()?;
        self.chain("and", first, Self::not, Node::And)
    }

    fn chain(
        &mut self,
        word: &str,
        first: Node,
        next: fn(&mut Self) -> Result<Node, ExprError>,
        join: fn(Vec<Node>) -> Node,
    ) -> Result<Node, ExprError> {
        let mut parts = vec![first];
        while self.take(|token| token == &Word::Name(word)) {
            parts.push(next(self)?);
        }
        if parts.len() > 1 { Ok(join(parts)) } else { Ok(parts.swap_remove(0)) }
    }

    fn not(&mut self) -> Result<Node, ExprError> {
        if self.take(|word| *word == Word::Name("not")) {
            return self.nested(|parser| parser.not().map(|node| Node::Not(Box::new(node))));
        }
        if self.take(|word| *word == Word::Sign('(')) {
            return self.nested(|parser| {
                let node = parser.or()?;
                parser.sign(')', "and, or, or `)`")?;
                Ok(node)
            });
        }
        self.test()
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Node, ExprError>) -> Result<Node, ExprError> {
        if self.depth == EXPR_DEPTH_MAX {
            return Err(ExprError::TooDeep(self.tokens.first().map_or(0, |token| token.at)));
        }
        self.depth += 1;
        let node = read(self);
        self.depth -= 1;
        node
    }

    fn test(&mut self) -> Result<Node, ExprError> {
        if self.take(|word| *word == Word::Name("exists")) {
            self.sign('(', "`(`")?;
            let field = self.field()?;
            self.sign(')', "`)`")?;
            return Ok(Node::Exists(field));
        }
        if self.take(|word| *word == Word::Name("starts_with")) {
            self.sign('(', "`(`")?;
            let field = self.field()?;
            self.sign(',', "`,` and a string")?;
            let prefix = self.string()?;
            self.sign(')', "`)`")?;
            return Ok(Node::StartsWith(field, prefix));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Node, ExprError> {
        let one = self.operand()?;
        let token = self.next(OPERATOR)?;
        match &token.word {
            Word::Operator(operator) => Ok(Node::Compare(one, *operator, self.operand()?)),
            Word::Name("in") => Ok(Node::In(one, self.list()?)),
            _ => Err(unexpected(token, OPERATOR)),
        }
    }

    fn list(&mut self) -> Result<Vec<Literal>, ExprError> {
        self.sign('[', "`[` and a list of values")?;
        let mut literals = Vec::new();
        loop {
            let token = self.next("a value")?;
            literals.push(literal(token)?.ok_or_else(|| unexpected(token, "a string, a number, true, false or null"))?);
            if !self.take(|word| *word == Word::Sign(',')) {
                self.sign(']', "`,` or `]`")?;
                return Ok(literals);
            }
        }
    }

    fn operand(&mut self) -> Result<Operand, ExprError> {
        let token = self.next(OPERAND)?;
        if let Some(literal) = literal(token)? {
            return Ok(Operand::Literal(literal));
        }
        field(token, OPERAND).map(Operand::Field)
    }

    fn field(&mut self) -> Result<Field, ExprError> {
        const EXPECTED: &str = "a field such as value.level";
        field(self.next(EXPECTED)?, EXPECTED)
    }

    fn string(&mut self) -> Result<String, ExprError> {
        const EXPECTED: &str = "a string in double quotes";
        let token = self.next(EXPECTED)?;
        match &token.word {
            Word::Text(text) => Ok(text.clone()),
            _ => Err(unexpected(token, EXPECTED)),
        }
    }

    fn sign(&mut self, sign: char, expected: &'static str) -> Result<(), ExprError> {
        let token = self.next(expected)?;
        if token.word == Word::Sign(sign) { Ok(()) } else { Err(unexpected(token, expected)) }
    }

    fn next(&mut self, expected: &'static str) -> Result<&'t Token<'a>, ExprError> {
        let (token, rest) = self.tokens.split_first().ok_or(ExprError::End(expected))?;
        self.tokens = rest;
        Ok(token)
    }

    fn take(&mut self, wanted: impl Fn(&Word<'a>) -> bool) -> bool {
        match self.tokens.split_first() {
            Some((token, rest)) if wanted(&token.word) => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }
}

/// The literal a token is; none when it is a name or sign.
fn literal(token: &Token<'_>) -> Result<Option<Literal>, ExprError> {
    Ok(Some(match &token.word {
        Word::Text(text) => Literal::Text(text.clone()),
        Word::Number(number) => {
            self::number(number).ok_or_else(|| ExprError::Number { at: token.at, found: (*number).to_owned() })?
        }
        Word::Name("null") => Literal::Null,
        Word::Name("true") => Literal::Bool(true),
        Word::Name("false") => Literal::Bool(false),
        _ => return Ok(None),
    }))
}

fn number(text: &str) -> Option<Literal> {
    match spelled(text)? {
        Spelled::Integer(number) => i64::try_from(number).map(Literal::Integer).ok().or_else(|| float(text)),
        Spelled::Float(number) => Some(Literal::Float(number)),
    }
}

fn float(text: &str) -> Option<Literal> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Literal::Float)
}

fn field(token: &Token<'_>, expected: &'static str) -> Result<Field, ExprError> {
    match token.word {
        Word::Name("and" | "or" | "not" | "in" | "exists" | "starts_with" | "null" | "true" | "false") => {
            Err(unexpected(token, expected))
        }
        Word::Name(name) => name.parse().map_err(|error| ExprError::Field { at: token.at, error }),
        _ => Err(unexpected(token, expected)),
    }
}
