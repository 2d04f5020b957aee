//! How much each rule matters to a team.
//!
//! It can be read from a ruleset of Spectral, because teams have those: of such a file the severities of the rules that
//! exist here are taken. Rules of its own, which Spectral runs as JavaScript, are named as unknown and not run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::rules::{RULES, Rule};
use crate::finding::Severity;
use crate::text::{Unreadable, read};

/// The severity of each rule: that of the rule, unless it is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruleset(BTreeMap<&'static str, Option<Severity>>);

/// Why rules cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRuleset {
    /// The text cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It holds no rules.
    #[error(
        "the ruleset has no `rules`: write the names of rules below it, each with `error`, `warn`, `info`, `hint` or `off`"
    )]
    NoRules,
    /// A rule that does not exist.
    #[error("there is no rule `{0}`: look it up in the list of rules")]
    Unknown(String),
    /// A severity that does not exist.
    #[error("the severity of `{0}` is not known: write `error`, `warn`, `info`, `hint` or `off`")]
    Severity(String),
}

impl Ruleset {
    /// Reads a ruleset of Spectral, in YAML or JSON: `rules: {asyncapi-info-license: off, no-$ref-siblings: error}`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(text: &str) -> Result<Self, BadRuleset> {
        let (value, _) = read(text)?;
        let rules = value.get("rules").and_then(Value::as_object).ok_or(BadRuleset::NoRules)?;
        let mut set = Self::default();
        for (name, given) in rules {
            let given = given.get("severity").unwrap_or(given);
            let severity = severity(given).ok_or_else(|| BadRuleset::Severity(name.clone()))?;
            match severity {
                Given::Default => {
                    known(name)?;
                }
                Given::Set(severity) => set.set(name, severity)?,
            }
        }
        Ok(set)
    }

    /// Sets the severity of a rule; none = the rule is off.
    ///
    /// # Errors
    /// There is no such rule.
    pub fn set(&mut self, rule: &str, severity: Option<Severity>) -> Result<(), BadRuleset> {
        self.0.insert(known(rule)?.id, severity);
        Ok(())
    }

    /// The severity of a rule; none = it is off.
    #[must_use]
    pub fn severity(&self, rule: &Rule) -> Option<Severity> {
        self.0.get(rule.id).copied().unwrap_or(Some(rule.severity))
    }
}

enum Given {
    /// That of the rule.
    Default,
    Set(Option<Severity>),
}

/// As Spectral writes it: a word, a number from 0 for errors, or whether the rule is on.
fn severity(given: &Value) -> Option<Given> {
    let severity = match given {
        Value::Bool(true) => return Some(Given::Default),
        Value::Bool(false) => None,
        Value::Number(number) => Some(match number.as_u64()? {
            0 => Severity::Error,
            1 => Severity::Warning,
            2 => Severity::Info,
            3 => Severity::Hint,
            _ => return None,
        }),
        Value::String(word) => match word.as_str() {
            "off" => None,
            "error" => Some(Severity::Error),
            "warn" | "warning" => Some(Severity::Warning),
            "info" | "information" => Some(Severity::Info),
            "hint" => Some(Severity::Hint),
            _ => return None,
        },
        _ => return None,
    };
    Some(Given::Set(severity))
}

fn known(rule: &str) -> Result<&'static Rule, BadRuleset> {
    RULES.iter().find(|known| known.id == rule).ok_or_else(|| BadRuleset::Unknown(rule.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_taken_from_a_ruleset_of_spectral() {
        let text = "extends: [[spectral:asyncapi, all]]\nrules:\n  asyncapi-id: off\n  no-$ref-siblings: error\n  asyncapi3-tags: {severity: 1}\n  asyncapi-servers: true\n";
        let set = Ruleset::read(text).expect("a ruleset");
        let severity = |rule: &str| set.severity(known(rule).expect("a rule"));
        assert_eq!(severity("asyncapi-id"), None);
        assert_eq!(severity("no-$ref-siblings"), Some(Severity::Error));
        assert_eq!(severity("asyncapi3-tags"), Some(Severity::Warning));
        assert_eq!(severity("asyncapi-servers"), Some(Severity::Warning), "its own");
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        assert_eq!(Ruleset::read("a: 1"), Err(BadRuleset::NoRules));
        assert_eq!(Ruleset::read("rules: {my-rule: off}"), Err(BadRuleset::Unknown("my-rule".into())));
        assert_eq!(Ruleset::read("rules: {asyncapi-id: loud}"), Err(BadRuleset::Severity("asyncapi-id".into())));
        assert!(matches!(Ruleset::read("rules: ["), Err(BadRuleset::Unreadable(_))));
    }
}
