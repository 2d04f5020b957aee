//! A scope: topics that stay inside sites or regions ("eu-only").
//!
//! Scopes only take away. An event whose topic is in several must be allowed where it goes by each of them; one whose topic
//! is in none goes wherever somebody wants it.

use mesh_protocol::desired::Scope as Policy;
use mesh_protocol::id::{ScopeId, SiteId};
use mesh_protocol::topic::{Dialect, Filter};

use super::field::FieldErrors;

/// Most sites, and most regions, that one scope names.
pub const PLACES_MAX: usize = 256;

/// A scope with what only the portal knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Id.
    pub id: ScopeId,
    /// As the agents enforce it.
    pub policy: Policy,
    /// Why it is there, for readers.
    pub note: String,
    /// The policy revision that brought its present form.
    pub since_revision: u64,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Who changed it last.
    pub updated_by: String,
}

/// What a person chooses about a scope, not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Unique name.
    pub name: String,
    /// Whose signs the filter is written in.
    pub dialect: Dialect,
    /// Topics.
    pub filter: String,
    /// Where they may be: these sites,
    pub sites: Vec<SiteId>,
    /// and all sites of these regions.
    pub regions: Vec<String>,
    /// Why it is there.
    pub note: String,
}

impl Spec {
    /// The scope, when it is sound.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self) -> Result<Policy, FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.name("name", &self.name);
        errors.text("note", &self.note);
        let filter = errors.take("filter", parse_filter(self.filter.trim(), self.dialect));
        let mut regions: Vec<String> = self.regions.iter().map(|region| region.trim().to_owned()).collect();
        regions.sort();
        regions.dedup();
        if regions.iter().any(String::is_empty) {
            errors.add("regions", "name an empty region");
        }
        for (field, count) in [("sites", self.sites.len()), ("regions", regions.len())] {
            if count > PLACES_MAX {
                errors.add(field, format_args!("are more than {PLACES_MAX}"));
            }
        }
        if self.sites.is_empty() && regions.is_empty() {
            errors.add("sites", "and regions are empty: name at least one, or the topics could be nowhere");
        }
        errors.check()?;
        Ok(Policy {
            name: self.name.clone(),
            filter: filter.expect("a filter that did not parse is an error"),
            sites: self.sites.clone(),
            regions,
        })
    }
}

/// A filter of a scope: it speaks of topics alone, whoever sends them.
fn parse_filter(text: &str, dialect: Dialect) -> Result<Filter, String> {
    let filter = Filter::parse(text, dialect).map_err(|error| error.to_string())?;
    filter.check_variables().map_err(|error| error.to_string())?;
    let variable = filter.variables().next().map(str::to_owned);
    match variable {
        Some(name) => Err(format!("uses ${{{name}}}: a scope holds for topics, whoever publishes them")),
        None => Ok(filter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(change: impl FnOnce(&mut Spec)) -> Result<Policy, FieldErrors> {
        let mut spec = Spec {
            name: "eu-only".into(),
            dialect: Dialect::Mesh,
            filter: "customers/>".into(),
            sites: vec![],
            regions: vec![" eu-west".into(), "eu-central".into(), "eu-west".into()],
            note: String::new(),
        };
        change(&mut spec);
        spec.check()
    }

    fn wrong(change: impl FnOnce(&mut Spec)) -> Vec<String> {
        spec(change).err().map(|errors| errors.0.into_keys().collect()).unwrap_or_default()
    }

    #[test]
    fn regions_are_named_once_and_in_order() {
        assert_eq!(spec(|_| ()).expect("sound").regions, ["eu-central", "eu-west"]);
    }

    #[test]
    fn what_cannot_be_meant_is_told_at_its_field() {
        assert_eq!(wrong(|spec| spec.regions.clear()), ["sites"]);
        assert_eq!(wrong(|spec| spec.filter = "own/${username}".into()), ["filter"]);
        assert_eq!(wrong(|spec| spec.filter = String::new()), ["filter"]);
        assert_eq!(wrong(|spec| spec.regions.push("  ".into())), ["regions"]);
        assert_eq!(wrong(|spec| spec.name = "EU only".into()), ["name"]);
        assert_eq!(wrong(|spec| spec.sites = vec![uuid::Uuid::nil().into(); PLACES_MAX + 1]), ["sites"]);
    }
}
