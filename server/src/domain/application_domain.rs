//! An application domain: addresses and Kafka topics that belong together, and who answers for them.
//!
//! A domain claims addresses by filters of the mesh and Kafka topics by name, the last `*` meaning whatever follows. Nothing
//! is assigned one by one: what is discovered tomorrow belongs to its domain tomorrow. Where several claim an object, the
//! narrowest claim counts, so that a domain may leave a part of its tree to another.

mod claims;
mod suggest;

use mesh_protocol::id::ApplicationDomainId;
use mesh_protocol::topic::{Filter, FilterError};

use super::field::FieldErrors;

pub use claims::Claims;
pub use suggest::{Suggestion, Unclaimed, suggest};

/// Most claims of each kind.
pub const CLAIMS_MAX: usize = 50;
/// Longest way from a domain up to one without a parent.
pub const DEPTH_MAX: usize = 8;
/// Longest name that Kafka gives a topic.
const KAFKA_NAME_MAX: usize = 249;

/// An application domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationDomain {
    /// Stable id.
    pub id: ApplicationDomainId,
    /// What a person chose.
    pub spec: Spec,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Who changed it last.
    pub updated_by: String,
}

/// What a person chooses about a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// Unique in the environment.
    pub name: String,
    /// The domain it is a part of.
    pub parent: Option<ApplicationDomainId>,
    /// Filters, in the mesh dialect.
    pub topics: Vec<String>,
    /// Names of Kafka topics; a last `*` stands for whatever follows.
    pub kafka_topics: Vec<String>,
    /// Who answers for what nobody else answers for; empty = nobody yet.
    pub owner: String,
    /// For readers.
    pub description: String,
}

impl Spec {
    /// The same without what only differs in its writing: spaces, empty claims, claims named twice.
    #[must_use]
    pub fn tidied(self) -> Self {
        let tidy = |claims: Vec<String>| {
            let mut claims: Vec<String> = claims.into_iter().map(|claim| claim.trim().to_owned()).collect();
            claims.retain(|claim| !claim.is_empty());
            claims.sort();
            claims.dedup();
            claims
        };
        Self {
            name: self.name.trim().to_owned(),
            topics: tidy(self.topics),
            kafka_topics: tidy(self.kafka_topics),
            owner: self.owner.trim().to_owned(),
            description: self.description.trim().to_owned(),
            ..self
        }
    }

    /// Checks it beside the others; `id` is its own, when it is there already.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self, id: Option<ApplicationDomainId>, all: &[ApplicationDomain]) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.name("name", &self.name);
        errors.text("owner", &self.owner);
        errors.text("description", &self.description);
        for (field, claims) in [("topics", &self.topics), ("kafka_topics", &self.kafka_topics)] {
            if claims.len() > CLAIMS_MAX {
                errors.add(field, format_args!("are more than {CLAIMS_MAX}"));
            }
        }
        for topic in &self.topics {
            errors.take("topics", filter(topic).map_err(|error| format!("hold `{topic}`: {error}")));
        }
        if let Some(wrong) = self.kafka_topics.iter().find(|name| !is_kafka_claim(name)) {
            errors.add(
                "kafka_topics",
                format_args!("hold `{wrong}`: a name has letters, digits, `.`, `_` and `-`, and may end with `*`"),
            );
        }
        let others = || all.iter().filter(|other| Some(other.id) != id);
        for (field, claims) in [("topics", &self.topics), ("kafka_topics", &self.kafka_topics)] {
            let taken = others().find_map(|other| {
                let theirs = if field == "topics" { &other.spec.topics } else { &other.spec.kafka_topics };
                Some((claims.iter().find(|claim| theirs.contains(claim))?, &other.spec.name))
            });
            if let Some((claim, name)) = taken {
                errors.add(field, format_args!("hold `{claim}`, which the domain {name} claims already"));
            }
        }
        if let Some(parent) = self.parent {
            errors.take("parent", check_parent(id, parent, all));
        }
        errors.check()
    }
}

fn check_parent(
    id: Option<ApplicationDomainId>,
    parent: ApplicationDomainId,
    all: &[ApplicationDomain],
) -> Result<(), String> {
    let mut above = Some(parent);
    for _ in 0..DEPTH_MAX {
        let Some(next) = above else { return Ok(()) };
        if Some(next) == id {
            return Err("is a part of this very domain".to_owned());
        }
        let found = all.iter().find(|domain| domain.id == next);
        above = found.ok_or("is no domain of this environment")?.spec.parent;
    }
    Err(format!("lies deeper than {DEPTH_MAX} domains"))
}

fn filter(text: &str) -> Result<Filter, FilterError> {
    Filter::mesh(text)
}

fn is_kafka_claim(name: &str) -> bool {
    let fixed = name.strip_suffix('*').unwrap_or(name);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !fixed.is_empty() && fixed.len() <= KAFKA_NAME_MAX && fixed.chars().all(allowed)
}

/// Who answers for what is in a domain: its owner, or that of the nearest domain above that has one; empty = nobody.
#[must_use]
pub fn owner<'a>(domain: &'a ApplicationDomain, all: &'a [ApplicationDomain]) -> &'a str {
    let mut here = Some(domain);
    for _ in 0..=DEPTH_MAX {
        match here {
            Some(domain) if domain.spec.owner.is_empty() => {
                let parent = domain.spec.parent;
                here = parent.and_then(|parent| all.iter().find(|other| other.id == parent));
            }
            Some(domain) => return &domain.spec.owner,
            None => break,
        }
    }
    ""
}

#[cfg(test)]
mod tests;
