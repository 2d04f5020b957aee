//! A product as one of its plans gives it: only what the plan's filters hold, by its protocols, where the product is published.

use std::borrow::Cow;
use std::collections::BTreeSet;

use mesh_protocol::id::{PlanId, SiteId};
use mesh_protocol::topic::Filter;
use serde_json::{Map, Value, json};

use crate::app::observed::World;
use crate::domain::design::{Object, Version};
use crate::domain::field::FieldErrors;
use crate::domain::product::plan::{Approval, Per, Plan, Protocol};

/// A plan of the product that a document is about.
pub(super) struct Offered<'a> {
    plan: &'a Plan,
    /// Where this version of the product can be had; where it is not published yet, wherever it could be.
    pub(super) sites: BTreeSet<SiteId>,
}

impl<'a> Offered<'a> {
    /// # Errors
    /// It is no plan of this object, at `plan`.
    pub(super) fn of(
        id: PlanId,
        (object, version): (&Object, &Version),
        world: &'a World,
    ) -> Result<Self, FieldErrors> {
        let plan = world.config.plans.iter().find(|plan| plan.id == id && plan.product == object.id);
        let Some(plan) = plan else {
            return Err(FieldErrors::one("plan", "is no plan of this product: leave it out, or name one of its plans"));
        };
        let mesh = &world.config.mesh;
        let mut published = mesh.publications.iter().filter(|publication| publication.version == version.id).peekable();
        let is_published = published.peek().is_some();
        let places: Vec<_> = published.map(|publication| &publication.places).collect();
        let has = |site: &&crate::domain::site::Site| !is_published || places.iter().any(|places| places.has(site));
        Ok(Self { plan, sites: mesh.sites.iter().filter(has).map(|site| site.id).collect() })
    }

    /// Whether clients of it may connect like this.
    pub(super) fn speaks(&self, protocol: Protocol) -> bool {
        self.plan.spec.protocols.contains(&protocol)
    }

    /// What of an event's topics it gives; nothing = nothing of it.
    pub(super) fn part_of(&self, topics: &Filter) -> Vec<Filter> {
        self.plan.spec.part_of(topics)
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.plan.spec.name
    }

    /// Its terms for programs; what it does not limit is left out.
    pub(super) fn terms(&self) -> Value {
        let spec = &self.plan.spec;
        let mut terms = Map::new();
        terms.insert("name".to_owned(), json!(spec.name));
        terms.insert("terms".to_owned(), json!(self.plan.number));
        let protocols: Vec<String> = spec.protocols.iter().map(|protocol| protocol.name().to_lowercase()).collect();
        terms.insert("protocols".to_owned(), json!(protocols));
        let mut quota = Map::new();
        quota.extend(spec.quota.events.map(|events| ("eventsPerSecond".to_owned(), json!(events))));
        quota.extend(spec.quota.bytes.map(|bytes| ("bytesPerSecond".to_owned(), json!(bytes))));
        if !quota.is_empty() {
            terms.insert("quota".to_owned(), Value::Object(quota));
        }
        if !spec.filters.is_empty() {
            let filters: Vec<&str> = spec.filters.iter().map(Filter::text).collect();
            terms.insert("filters".to_owned(), json!(filters));
        }
        let approval = match &spec.approval {
            Approval::Auto => "auto",
            Approval::Manual { .. } => "manual",
            Approval::Rules(_) => "rules",
        };
        terms.insert("approval".to_owned(), json!(approval));
        terms.extend(spec.days.map(|days| ("days".to_owned(), json!(days))));
        if let Some(price) = &spec.price {
            let per = match price.per {
                Per::Event => "event",
                Per::Gibibyte => "gibibyte",
                Per::Month => "month",
            };
            let price = json!({ "millionths": price.millionths, "currency": price.currency, "per": per });
            terms.insert("price".to_owned(), price);
        }
        Value::Object(terms)
    }

    /// Its terms for people, in a few sentences.
    pub(super) fn words(&self) -> String {
        let spec = &self.plan.spec;
        let protocols: Vec<&str> = spec.protocols.iter().map(|protocol| protocol.name()).collect();
        let mut said = vec![format!("Under the plan {}: clients connect by {}.", spec.name, protocols.join(" or "))];
        let limits = [
            spec.quota.events.map(|events| format!("{events} events a second")),
            spec.quota.bytes.map(|bytes| format!("{bytes} bytes a second")),
        ];
        let limits: Vec<String> = limits.into_iter().flatten().collect();
        if !limits.is_empty() {
            said.push(format!("At most {} in each direction.", limits.join(" and ")));
        }
        said.push(
            match &spec.approval {
                Approval::Auto => Cow::Borrowed("Who asks is let in at once."),
                Approval::Manual { people: 1 } => Cow::Borrowed("One person decides who is let in."),
                Approval::Manual { people } => Cow::Owned(format!("{people} people decide who is let in.")),
                Approval::Rules(_) => Cow::Borrowed("Rules or people decide who is let in."),
            }
            .into_owned(),
        );
        said.extend(spec.days.map(|days| format!("Access lasts {days} days.")));
        [spec.description.trim(), &said.join(" ")]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join("\n\n")
    }
}
