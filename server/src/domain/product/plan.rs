//! A plan: the terms under which a product is given.

pub mod review;

use std::collections::BTreeSet;
use std::fmt;

use mesh_protocol::id::{DesignObjectId, PlanId};
use mesh_protocol::topic::Filter;
use serde::{Deserialize, Serialize};

use super::super::field::FieldErrors;

/// Most plans of one product, closed ones left out.
pub const PLANS_MAX: usize = 20;
/// Most address filters of a plan.
pub const FILTERS_MAX: usize = 50;
/// Longest access that a plan may give, in days.
pub const DAYS_MAX: u32 = 3_650;
/// Most people whose approval a plan may ask for.
pub const APPROVALS_MAX: u8 = 5;
/// Highest quota of events, a second.
pub const EVENTS_MAX: u32 = 1_000_000;
/// Highest quota of bytes, a second.
pub const BYTES_MAX: u64 = 1 << 40;
/// Highest price, in millionths of the currency.
pub const PRICE_MAX: u64 = 1_000_000_000_000;

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Stable id.
    pub id: PlanId,
    /// The product.
    pub product: DesignObjectId,
    /// Where it is in its life.
    pub state: State,
    /// Which of its terms are offered now: 1, 2, ...
    pub number: u32,
    /// Its terms now.
    pub spec: Spec,
    /// Who wrote what waits for a reviewer, or will: none of them lets others have it. Empty = all of it was read.
    pub authors: Vec<String>,
    /// Since when a reviewer is waited for, in milliseconds since the Unix epoch; none = nobody is.
    pub asked_at_ms: Option<i64>,
    /// Terms that wait for a reviewer, while those that are offered go on.
    pub change: Option<Spec>,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Who changed it last.
    pub updated_by: String,
}

/// A plan with the number of its terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Numbered {
    /// Which plan.
    pub plan: PlanId,
    /// Which of its terms.
    pub number: u32,
}

/// Where a plan is in its life.
///
/// ```text
/// STAGING ---> PUBLISHED ---> DEPRECATED ---> CLOSED
///    '-> deleted    ^------------'   (grants go on until it is closed)
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Being written.
    #[default]
    Staging,
    /// Can be asked for.
    Published,
    /// Goes on for who has it, and can be asked for no more.
    Deprecated,
    /// Nobody has it.
    Closed,
}

impl State {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 4] = [Self::Staging, Self::Published, Self::Deprecated, Self::Closed];

    /// As people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Published => "published",
            Self::Deprecated => "deprecated",
            Self::Closed => "closed",
        }
    }

    /// Whether there is a step from here to another state.
    #[must_use]
    pub const fn leads_to(self, to: Self) -> bool {
        use State::{Closed, Deprecated, Published, Staging};
        matches!((self, to), (Staging | Deprecated, Published) | (Published, Deprecated) | (Deprecated, Closed))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a person chooses about a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Unique among the plans of its product.
    pub name: String,
    /// For readers.
    pub description: String,
    /// How clients of it may connect.
    pub protocols: BTreeSet<Protocol>,
    /// How much one grant may use.
    pub quota: Quota,
    /// The part of the product's addresses that it gives; none = all of them.
    pub filters: Vec<Filter>,
    /// Who lets somebody in.
    pub approval: Approval,
    /// How long access lasts, in days; none = until it is ended.
    pub days: Option<u32>,
    /// What it costs; none = nothing.
    pub price: Option<Price>,
}

/// How a client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// MQTT 3.1.1 and 5.
    Mqtt,
    /// HTTP publish and event streams.
    Http,
    /// Kafka's own protocol, at clusters that routes tie to what is given.
    Kafka,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 3] = [Self::Mqtt, Self::Http, Self::Kafka];

    /// The protocol as agents know it.
    #[must_use]
    pub const fn spoken(self) -> mesh_protocol::event::Protocol {
        match self {
            Self::Mqtt => mesh_protocol::event::Protocol::Mqtt,
            Self::Http => mesh_protocol::event::Protocol::Http,
            Self::Kafka => mesh_protocol::event::Protocol::Kafka,
        }
    }

    /// As people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "MQTT",
            Self::Http => "HTTP",
            Self::Kafka => "Kafka",
        }
    }
}

/// How much one grant may use, in each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Events a second; none = no limit.
    pub events: Option<u32>,
    /// Bytes of payloads a second; none = no limit.
    pub bytes: Option<u64>,
}

/// Who lets somebody in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Who asks is let in at once.
    #[default]
    Auto,
    /// So many people say yes, none of them who asks.
    Manual {
        /// How many, 1 to [`APPROVALS_MAX`].
        people: u8,
    },
    /// At once where everything of this holds, else as many people as it says.
    Rules(Rules),
}

/// What must hold for somebody to be let in at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// How many people must say yes where it does not, 1 to [`APPROVALS_MAX`].
    pub people: u8,
    /// No field that is given has one of these tags, such as `PII`.
    pub without_tags: BTreeSet<String>,
    /// The application belongs to the owner of the product.
    pub same_owner: bool,
    /// Nothing is sent, only received.
    pub receive_only: bool,
    /// It is asked for no longer than this, in days.
    pub days: Option<u32>,
}

impl Approval {
    /// How many people must say yes when no rule makes it unnecessary.
    #[must_use]
    pub const fn people(&self) -> u8 {
        match self {
            Self::Auto => 0,
            Self::Manual { people } => *people,
            Self::Rules(rules) => rules.people,
        }
    }
}

/// What a grant costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// In millionths of the currency.
    pub millionths: u64,
    /// Three capital letters, as ISO 4217 has them.
    pub currency: String,
    /// For what.
    pub per: Per,
}

/// What a price is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// One event, sent or received.
    Event,
    /// One gibibyte of payloads.
    Gibibyte,
    /// A month of access; each day of it is a part of the month's price.
    #[default]
    Month,
}

impl Spec {
    /// The same without what only differs in its writing.
    #[must_use]
    pub fn tidied(mut self) -> Self {
        self.name = self.name.trim().to_owned();
        self.description = self.description.trim().to_owned();
        let mut seen = BTreeSet::new();
        self.filters.retain(|filter| seen.insert(filter.text().to_owned()));
        if let Approval::Rules(rules) = &mut self.approval {
            let tags = std::mem::take(&mut rules.without_tags);
            let tags = tags.into_iter().map(|tag| tag.trim().to_owned());
            rules.without_tags = tags.filter(|tag| !tag.is_empty()).collect();
        }
        self
    }

    /// Checks it beside the other plans of its product; `id` is its own, when it is there already. `addresses` are those of
    /// the product's versions that are not retired.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self, id: Option<PlanId>, others: &[Plan], addresses: &[Filter]) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.name("name", &self.name);
        errors.text("description", &self.description);
        let open = others.iter().filter(|plan| plan.state != State::Closed && Some(plan.id) != id);
        if open.clone().any(|plan| plan.spec.name == self.name) {
            errors.add("name", "is that of another plan of this product: choose another one");
        }
        if open.count() >= PLANS_MAX {
            errors.add(
                "name",
                format_args!("cannot be added: a product has at most {PLANS_MAX} plans, close some first"),
            );
        }
        if self.protocols.is_empty() {
            errors.add("protocols", "are none: choose how clients may connect");
        }
        if self.quota.events.is_some_and(|events| events == 0 || events > EVENTS_MAX) {
            errors.add("events", format_args!("must be 1 to {EVENTS_MAX} a second; leave it empty for no limit"));
        }
        if self.quota.bytes.is_some_and(|bytes| bytes == 0 || bytes > BYTES_MAX) {
            errors.add("bytes", format_args!("must be 1 to {BYTES_MAX} a second; leave it empty for no limit"));
        }
        if self.filters.len() > FILTERS_MAX {
            errors.add("filters", format_args!("are more than {FILTERS_MAX}: use wildcards"));
        }
        if let Some(lost) = self.filters.iter().find(|filter| !addresses.iter().any(|one| one.overlaps(filter))) {
            errors.add("filters", format_args!("hold `{}`, which is at no address of the product", lost.text()));
        }
        let people = self.approval.people();
        let needs_people = self.approval != Approval::Auto;
        if needs_people && !(1..=APPROVALS_MAX).contains(&people) {
            errors.add("people", format_args!("must be 1 to {APPROVALS_MAX}"));
        }
        if let Approval::Rules(rules) = &self.approval {
            let is_empty = rules.without_tags.is_empty() && !rules.same_owner && !rules.receive_only;
            if is_empty && rules.days.is_none() {
                errors.add("approval", "has no rule: choose one, or let everybody in at once");
            }
            if rules.days.is_some_and(|days| days == 0 || days > DAYS_MAX) {
                errors.add("rule_days", format_args!("must be 1 to {DAYS_MAX}"));
            }
        }
        if self.days.is_some_and(|days| days == 0 || days > DAYS_MAX) {
            errors.add("days", format_args!("must be 1 to {DAYS_MAX}; leave it empty for no end"));
        }
        if let Some(price) = &self.price {
            price.check(&mut errors);
        }
        errors.check()
    }

    /// Whether what it gives differs, not only how it is described: then a plan that is offered gets a new number.
    #[must_use]
    pub fn has_other_terms(&self, new: &Self) -> bool {
        let terms = |spec: &Self| Self { name: String::new(), description: String::new(), ..spec.clone() };
        terms(self) != terms(new)
    }

    /// The part of a filter that it gives: the filter itself when it gives all of it, its own filters inside it, else none.
    ///
    /// Of two filters that overlap and neither of which includes the other, nothing is given: what both have in common
    /// may not be one filter.
    #[must_use]
    pub fn part_of(&self, filter: &Filter) -> Vec<Filter> {
        if self.filters.is_empty() || self.filters.iter().any(|own| own.includes(filter)) {
            return vec![filter.clone()];
        }
        self.filters.iter().filter(|own| filter.includes(own)).cloned().collect()
    }
}

impl Price {
    fn check(&self, errors: &mut FieldErrors) {
        if self.millionths == 0 || self.millionths > PRICE_MAX {
            errors.add("price", format_args!("must be 0.000001 to {}", PRICE_MAX / 1_000_000));
        }
        let is_code = self.currency.len() == 3 && self.currency.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_code {
            errors.add("currency", "must be three capital letters, such as EUR");
        }
    }
}

impl Plan {
    /// The plan in another state.
    ///
    /// `grants` is how many have it now.
    ///
    /// # Errors
    /// Why it cannot be, at `state`.
    pub fn moved(&self, to: State, grants: u64, by: &str, now_ms: i64) -> Result<Self, FieldErrors> {
        if !self.state.leads_to(to) {
            let message = format_args!("cannot go from {} to {to}", self.state);
            return Err(FieldErrors::one("state", message));
        }
        if to == State::Closed && grants > 0 {
            let has = if grants == 1 { "1 grant has".to_owned() } else { format!("{grants} grants have") };
            return Err(FieldErrors::one("state", format_args!("cannot be closed while {has} it: end them first")));
        }
        let plan = Self { state: to, updated_at_ms: now_ms, updated_by: by.to_owned(), ..self.clone() };
        // What is read now, or will never be.
        let is_over = self.state == State::Staging || to == State::Closed;
        Ok(if is_over { plan.settled() } else { plan })
    }

    /// The plan with other words or terms, in place of a change that waited. What is offered gets a new number with new terms.
    ///
    /// # Errors
    /// It is closed, at `state`.
    pub fn edited(&self, spec: Spec, by: &str, now_ms: i64) -> Result<Self, FieldErrors> {
        if self.state == State::Closed {
            return Err(FieldErrors::one("state", "is closed, and changes no more: make another plan"));
        }
        if self.state == State::Staging {
            return Ok(Self { spec, ..self.written(by, now_ms) });
        }
        let is_new = self.spec.has_other_terms(&spec);
        let number = if is_new { self.number.saturating_add(1) } else { self.number };
        let plan = Self { number, spec, updated_at_ms: now_ms, updated_by: by.to_owned(), ..self.clone() };
        Ok(plan.settled())
    }
}

#[cfg(test)]
mod tests;
