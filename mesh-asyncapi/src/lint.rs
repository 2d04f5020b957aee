//! Checks beyond the official schema: what tools refuse although it is well formed, and what readers miss.
//!
//! The parser of the AsyncAPI initiative checks little of version 3 ("recommended validation for v3 is still WIP"), and
//! people trust a green tick. So what it checks is checked here under its names, and what it leaves out as well. Each
//! rule has an id that stays, and a team may set its severity or turn it off. [`RULES`] lists them all.

mod bindings;
mod channels;
mod examples;
mod info;
mod messages;
mod operations;
mod references;
mod rules;
mod ruleset;
mod schemas;
mod secrets;
mod security;
mod usage;

use std::collections::BTreeMap;

use mesh_schema::Schema;
use serde::Serialize;
use serde_json::Value;

use crate::document::{Document, Version};
use crate::finding::{Finding, Severity, sort};
use crate::official;
use crate::parts::Parts;
use crate::pointer::Pointer;
use crate::refs::{Found, Refs};
use crate::schema::{self, Trouble};

pub use rules::{RULES, Rule};
pub use ruleset::{BadRuleset, Ruleset};
pub(crate) use secrets::secrets;

/// Most findings of one rule that are told.
pub const FINDINGS_OF_RULE_MAX: usize = 100;

/// Most bytes of schemas that are read for one document, each with what it refers to.
const SCHEMA_BYTES_MAX: usize = 16 << 20;

/// What the checks say about a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was found, what matters most first.
    pub findings: Vec<Finding>,
    /// 0 to 100, see [`score`].
    pub score: u8,
    /// How many of the findings are errors.
    pub errors: usize,
    /// How many of them are warnings.
    pub warnings: usize,
}

impl Report {
    fn of(mut findings: Vec<Finding>) -> Self {
        sort(&mut findings);
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        Self { score: score(&findings), errors, warnings, findings }
    }

    /// Whether tools will take the document.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.errors == 0
    }
}

/// Checks a document against the official schema and every rule here.
#[must_use]
pub fn check(document: &Document, rules: &Ruleset) -> Report {
    let own = lint(document, rules);
    let official = official::check(document);
    // What both find is told once, in the words that know more.
    let is_told = |finding: &Finding| own.iter().any(|own| own.severity == Severity::Error && own.at == finding.at);
    let rest: Vec<Finding> = official.into_iter().filter(|finding| !is_told(finding)).collect();
    Report::of(own.into_iter().chain(rest).collect())
}

/// Checks a document against the rules here only.
#[must_use]
pub fn lint(document: &Document, rules: &Ruleset) -> Vec<Finding> {
    let root = document.value();
    let mut lint = Lint {
        root,
        version: document.version(),
        refs: Refs::new(root),
        parts: Parts::of(root),
        rules,
        findings: Vec::new(),
        told: BTreeMap::new(),
        schema_bytes: SCHEMA_BYTES_MAX,
    };
    for group in GROUPS {
        group(&mut lint);
    }
    let mut findings = lint.findings;
    sort(&mut findings);
    findings
}

/// How good a document is, from 0 to 100.
///
/// Every rule that found something takes points: an error 20, a warning 6, an info 2, a hint none. Each further finding
/// of the same rule takes a quarter of that more, up to twice as much in all. With an error the score is at most 59.
#[must_use]
pub fn score(findings: &[Finding]) -> u8 {
    let mut counts: BTreeMap<(&str, Severity), u32> = BTreeMap::new();
    for finding in findings {
        *counts.entry((&finding.rule, finding.severity)).or_default() += 1;
    }
    let quarters = |((_, severity), count): (&(&str, Severity), &u32)| {
        let first: u32 = match severity {
            Severity::Error => 80,
            Severity::Warning => 24,
            Severity::Info => 8,
            Severity::Hint => 0,
        };
        first + first.min((count - 1).saturating_mul(first / 4))
    };
    let taken: u32 = counts.iter().map(quarters).sum::<u32>().div_ceil(4);
    let is_sound = findings.iter().all(|finding| finding.severity != Severity::Error);
    let score = 100_u32.saturating_sub(taken).min(if is_sound { 100 } else { 59 });
    u8::try_from(score).unwrap_or(0)
}

const GROUPS: [fn(&mut Lint<'_>); 11] = [
    info::check,
    references::check,
    channels::check,
    operations::check,
    messages::check,
    examples::check,
    schemas::check,
    bindings::check,
    security::check,
    secrets::check,
    usage::check,
];

/// A document while it is checked.
struct Lint<'a> {
    root: &'a Value,
    version: Version,
    refs: Refs<'a>,
    parts: Parts<'a>,
    rules: &'a Ruleset,
    findings: Vec<Finding>,
    told: BTreeMap<&'static str, usize>,
    /// Bytes of schemas that may still be read.
    schema_bytes: usize,
}

impl<'a> Lint<'a> {
    /// A schema by itself, as long as not too many were read.
    fn load(&mut self, schema: &Found<'a>) -> Result<Schema, Trouble> {
        if self.schema_bytes == 0 {
            return Err(Trouble::TooLarge);
        }
        let (format, text) = schema::text(self.refs, schema)?;
        self.schema_bytes = self.schema_bytes.saturating_sub(text.len());
        schema::parse(format, &text)
    }

    fn is_on(&self, rule: &Rule) -> bool {
        self.rules.severity(rule).is_some()
    }

    /// Adds a finding, if its rule is on.
    fn add(&mut self, rule: &Rule, at: Pointer, message: impl Into<String>, advice: impl Into<String>) {
        let Some(severity) = self.rules.severity(rule) else { return };
        let told = self.told.entry(rule.id).or_default();
        *told += 1;
        if *told <= FINDINGS_OF_RULE_MAX {
            let (message, advice) = (message.into(), advice.into());
            self.findings.push(Finding { rule: rule.id.into(), severity, at, message, advice });
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
