//! What is designed as AsyncAPI documents, with the servers, topics and settings that really run.
//!
//! A document is one side's view: that of an application, or of whoever consumes or provides an event. What an application
//! publishes it sends; what the consumer's document of an event receives its provider's document sends.
//!
//! ```text
//! event version -> message with its schemas
//!              \-> a channel at its address   on the MQTT and HTTP listeners of the sites where it is seen
//!               \> a channel for each Kafka topic that connectors tie to it, with partitions and settings as discovered
//! ```
//! A document is made when somebody asks, out of what the caller may see, and each is held against the official schema and
//! the rules of `mesh_asyncapi::lint` before it is given away. Of what was imported the author's document is kept, because
//! it says more than the catalog models: that is put back (`mesh_asyncapi::keep`).

mod difference;
mod import;
mod offered;
mod outline;
mod places;
mod servers;
mod write;

use frontend::api::{
    AsyncApiDocument, AsyncApiFinding, AsyncApiQuery, AsyncApiSeverity, AsyncApiSide, AsyncApiSpec, AsyncApiSyntax,
};
use mesh_asyncapi::build::Action;
use mesh_asyncapi::keep::merged;
use mesh_asyncapi::lint::{Ruleset, check};
use mesh_asyncapi::{Document, Finding, Severity, Version as Spec, to_json, to_yaml};
use mesh_protocol::id::DesignVersionId;
use serde_json::Value;

use self::offered::Offered;
use super::design::Designs;
use super::observed::World;
use super::permission::Right;
use super::sight::Sight;
use super::{App, Caller, Error, Result};
use crate::domain::design::{Content, Object, Version};
use crate::domain::field::FieldErrors;
use crate::domain::product::plan::{self, Plan};

impl App {
    /// The AsyncAPI document of an application's or an event's version, and what checks say about it.
    ///
    /// # Errors
    /// The caller may not, there is none, it is of a schema, a side is asked of an application, a plan that is none of this
    /// product's, or the database's.
    pub async fn design_document(
        &self,
        caller: &Caller,
        id: DesignVersionId,
        query: AsyncApiQuery,
    ) -> Result<AsyncApiDocument> {
        caller.permit(Right::Read)?;
        let (designs, world) = (self.designs().await?, self.world().await?);
        let sight = world.config.sight(caller);
        // Who may not write does not learn of plans that are still being written.
        let is_hidden = |plan: &Plan| Some(plan.id) == query.plan && plan.state == plan::State::Staging;
        if world.config.plans.iter().any(is_hidden) && caller.permit(Right::CatalogWrite).is_err() {
            return Err(Error::NotFound { what: "plan" });
        }
        let kept = self.store().read().await?.design_document(id).await?;
        // Schemas are read with all they use, and the document is held against the official one.
        let made = tokio::task::spawn_blocking(move || document(&designs, &world, &sight, id, query, kept.as_ref()));
        made.await.map_err(|_| Error::Internal("a document could not be made"))?
    }
}

/// What one side does with an event.
type Does<'a> = (Action, &'a Version);

fn document(
    designs: &Designs,
    world: &World,
    sight: &Sight,
    id: DesignVersionId,
    query: AsyncApiQuery,
    kept: Option<&Value>,
) -> Result<AsyncApiDocument> {
    let document = made(designs, world, sight, id, query, kept)?;
    let version = designs.version(id)?;
    let object = designs.object(version.object)?;
    let report = check(&document, &Ruleset::default());
    let outline = query.outline.then(|| outline::outline(&document));
    let syntax = query.syntax.unwrap_or_default();
    let text = match syntax {
        AsyncApiSyntax::Yaml => to_yaml(document.value()),
        AsyncApiSyntax::Json => to_json(document.value()),
    };
    Ok(AsyncApiDocument {
        version: id,
        file_name: file_name(object, version, (query.side, plan_name(world, query).as_deref()), syntax),
        text,
        score: report.score,
        findings: report.findings.into_iter().map(finding).collect(),
        outline,
    })
}

/// The document itself; `kept` is what its author wrote, where it was imported.
fn made(
    designs: &Designs,
    world: &World,
    sight: &Sight,
    id: DesignVersionId,
    query: AsyncApiQuery,
    kept: Option<&Value>,
) -> Result<Document> {
    let version = designs.version(id)?;
    let object = designs.object(version.object)?;
    if !sight.sees_design(object) {
        return Err(Error::NotFound { what: "version" });
    }
    let does = does(version, designs, sight, query.side)?;
    let spec = match query.spec.unwrap_or_default() {
        AsyncApiSpec::V3_0 => Spec::V3_0,
        AsyncApiSpec::V3_1 => Spec::V3_1,
    };
    let offered = query.plan.map(|plan| Offered::of(plan, (object, version), world)).transpose();
    let offered = offered.map_err(Error::Invalid)?;
    let whose = (query.side, offered.as_ref());
    let export = write::Writer::new(designs, world, sight, (object, version), spec, whose).write(&does)?;
    Ok(match kept {
        // An author's document has the view of clients.
        Some(kept) if query.side == Some(AsyncApiSide::Provider) => merged(export.mirrored(), kept).mirrored(),
        Some(kept) => merged(export, kept),
        None => export,
    })
}

/// What the side whose document it is does, as far as it is in sight.
fn does<'a>(
    version: &'a Version,
    designs: &'a Designs,
    sight: &Sight,
    side: Option<AsyncApiSide>,
) -> Result<Vec<Does<'a>>> {
    let named = |action, ids: &[DesignVersionId]| -> Vec<Does<'a>> {
        let event = |id: &DesignVersionId| designs.versions().iter().find(|version| version.id == *id);
        ids.iter().filter_map(event).map(|version| (action, version)).collect()
    };
    let is_seen = |(_, version): &Does<'_>| designs.object(version.object).is_ok_and(|it| sight.sees_design(it));
    let refused = |field, message: &str| {
        let mut errors = FieldErrors::default();
        errors.add(field, message);
        Err(Error::Invalid(errors))
    };
    match &version.spec.content {
        Content::Schema(_) => {
            refused("id", "is a schema: a document is about an event, or about an application that sends and receives")
        }
        Content::Event(_) => Ok(vec![match side.unwrap_or_default() {
            AsyncApiSide::Consumer => (Action::Receive, version),
            AsyncApiSide::Provider => (Action::Send, version),
        }]),
        Content::Application(_) if side.is_some() => {
            refused("side", "is for events: an application has one document, which is its own view; leave it out")
        }
        Content::Application(application) => {
            let mut all = named(Action::Send, &application.publishes);
            all.extend(named(Action::Receive, &application.consumes));
            all.retain(is_seen);
            Ok(all)
        }
        Content::EventApi(_) | Content::Product(_) => {
            let turned = |action: Action| match side.unwrap_or_default() {
                AsyncApiSide::Consumer => action,
                AsyncApiSide::Provider => action.mirrored(),
            };
            let offer = designs.graph().offer(version);
            let mut all = named(turned(Action::Send), &offer.sends);
            all.extend(named(turned(Action::Receive), &offer.receives));
            all.retain(is_seen);
            Ok(all)
        }
    }
}

fn plan_name(world: &World, query: AsyncApiQuery) -> Option<String> {
    let plan = world.config.plans.iter().find(|plan| Some(plan.id) == query.plan)?;
    Some(plan.spec.name.replace(|c: char| !c.is_alphanumeric(), "-"))
}

fn file_name(
    object: &Object,
    version: &Version,
    (side, plan): (Option<AsyncApiSide>, Option<&str>),
    syntax: AsyncApiSyntax,
) -> String {
    let side = if side == Some(AsyncApiSide::Provider) { "-provider" } else { "" };
    let plan = plan.map(|plan| format!("-{plan}")).unwrap_or_default();
    format!("{}-{}{plan}{side}.asyncapi.{}", object.spec.name, version.spec.number, syntax.name())
}

fn finding(found: Finding) -> AsyncApiFinding {
    AsyncApiFinding {
        rule: found.rule,
        severity: match found.severity {
            Severity::Error => AsyncApiSeverity::Error,
            Severity::Warning => AsyncApiSeverity::Warning,
            Severity::Info => AsyncApiSeverity::Info,
            Severity::Hint => AsyncApiSeverity::Hint,
        },
        at: found.at.to_string(),
        message: found.message,
        advice: found.advice,
    }
}
