//! Variables in rules: `devices/${username}/>`.
//!
//! A value takes the place of a part of one level and may never do more: a value with `/ + # * >` in it, or an empty
//! one, or one that starts with `$`, could widen the rule to topics its author did not mean, so the rule then matches
//! nothing.

use super::{Filter, FilterError};

impl Filter {
    /// The names of its variables, in order, each as often as it stands there.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        Parts(&self.text).filter_map(|part| match part {
            Part::Variable(name) => Some(name),
            Part::Text(_) => None,
        })
    }

    /// Whether it holds any variable.
    #[must_use]
    pub fn has_variables(&self) -> bool {
        self.variables().next().is_some()
    }

    /// The filter with every variable replaced by its value; none when a variable has no value, a value could widen
    /// the filter, or the result is out of bounds. A rule for which this is none matches nothing.
    #[must_use]
    pub fn substitute<'v>(&self, value: &dyn Fn(&str) -> Option<&'v str>) -> Option<Self> {
        let mut text = String::with_capacity(self.text.len());
        for part in Parts(&self.text) {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Variable(name) => text.push_str(value(name).filter(|value| is_safe(value))?),
            }
        }
        Self::parse(&text, self.dialect).ok()
    }

    /// Whether every `${` begins a whole variable. Filters of rules must; those of clients may hold anything.
    ///
    /// # Errors
    /// [`FilterError::Variable`] with the place of the first that is not whole.
    pub fn check_variables(&self) -> Result<(), FilterError> {
        let mut at = 0;
        for part in Parts(&self.text) {
            match part {
                Part::Text(literal) => {
                    if let Some(inside) = literal.find("${") {
                        return Err(FilterError::Variable { at: at + inside });
                    }
                    at += literal.len();
                }
                Part::Variable(name) => at += name.len() + "${}".len(),
            }
        }
        Ok(())
    }
}

fn is_safe(value: &str) -> bool {
    !value.is_empty() && !value.starts_with('$') && !value.contains(['/', '+', '#', '*', '>', '\0'])
}

enum Part<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// The text cut into literal parts and whole variables.
struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if self.0.is_empty() {
            return None;
        }
        if let Some((name, rest)) = leading_variable(self.0) {
            self.0 = rest;
            return Some(Part::Variable(name));
        }
        let next = self.0.match_indices("${").map(|(at, _)| at).find(|&at| leading_variable(&self.0[at..]).is_some());
        let (text, rest) = self.0.split_at(next.unwrap_or(self.0.len()));
        self.0 = rest;
        Some(Part::Text(text))
    }
}

fn leading_variable(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix("${")?.split_once('}')?;
    let valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    valid.then_some((name, rest))
}
