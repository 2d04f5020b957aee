//! An ACL rule: principal or role, action, topic filter, effect.

use mesh_protocol::id::{RuleId, SiteId};
use mesh_protocol::policy::{Action, Effect, Rule as Policy, Subject};
use mesh_protocol::topic::{Dialect, Filter};

use super::field::FieldErrors;

/// The names a filter may substitute.
pub const VARIABLES: [&str; 4] = ["username", "client_id", "site", "region"];
/// Most sites one rule is limited to.
pub const SITES_MAX: usize = 256;

/// A rule with what only the portal knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// As the agents enforce it.
    pub policy: Policy,
    /// Why it is there, for readers.
    pub note: String,
    /// It is the deny of a blocked client, taken back by unblocking.
    pub is_block: bool,
    /// The policy revision that brought its present form.
    pub since_revision: u64,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Who changed it last.
    pub updated_by: String,
}

/// What a person chooses about a rule, not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Whom it is about.
    pub subject: Subject,
    /// Which action.
    pub action: Action,
    /// Grants or forbids.
    pub effect: Effect,
    /// Whose signs the filter is written in.
    pub dialect: Dialect,
    /// Topics; not consulted for `connect`.
    pub filter: String,
    /// Only at these; empty = everywhere.
    pub sites: Vec<SiteId>,
    /// Why it is there.
    pub note: String,
}

impl Spec {
    /// The rule, when it is sound.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self, id: RuleId) -> Result<Policy, FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.text("note", &self.note);
        if self.sites.len() > SITES_MAX {
            errors.add("sites", format_args!("are more than {SITES_MAX}"));
        }
        // The filter of a connect rule is not consulted; one that says "everything" reads best where it is shown.
        let text = match self.action {
            Action::Connect if self.filter.trim().is_empty() => ">",
            _ => self.filter.trim(),
        };
        let filter = errors.take("filter", parse_filter(text, self.dialect));
        errors.check()?;
        Ok(Policy {
            id,
            subject: self.subject,
            action: self.action,
            effect: self.effect,
            filter: filter.expect("a filter that did not parse is an error"),
            sites: self.sites.clone(),
        })
    }
}

/// A filter of a rule: one whose variables are whole and known.
///
/// # Errors
/// What is wrong, for the person who wrote it.
pub fn parse_filter(text: &str, dialect: Dialect) -> Result<Filter, String> {
    let filter = Filter::parse(text, dialect).map_err(|error| error.to_string())?;
    filter.check_variables().map_err(|error| error.to_string())?;
    let unknown = filter.variables().find(|name| !VARIABLES.contains(name)).map(str::to_owned);
    match unknown {
        Some(name) => {
            Err(format!("uses ${{{name}}}; known are ${{username}}, ${{client_id}}, ${{site}} and ${{region}}"))
        }
        None => Ok(filter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(action: Action, filter: &str) -> Spec {
        Spec {
            subject: Subject::Anyone,
            action,
            effect: Effect::Allow,
            dialect: Dialect::Mesh,
            filter: filter.into(),
            sites: vec![],
            note: String::new(),
        }
    }

    fn error(action: Action, filter: &str) -> Option<String> {
        let id = RuleId(uuid::Uuid::nil());
        spec(action, filter).check(id).err().map(|errors| errors.0["filter"].clone())
    }

    #[test]
    fn a_filter_is_needed_except_to_connect() {
        assert_eq!(error(Action::Connect, ""), None);
        assert!(error(Action::Publish, " ").is_some());
        assert_eq!(error(Action::Publish, "orders/>"), None);
    }

    #[test]
    fn unknown_and_broken_variables_are_refused() {
        assert_eq!(error(Action::Publish, "cmd/${site}/${username}"), None);
        assert!(error(Action::Publish, "cmd/${user}").expect("unknown").contains("${user}"));
        assert!(error(Action::Publish, "cmd/${site").is_some());
    }
}
