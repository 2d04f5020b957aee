//! How two documents differ: those of versions, or texts that somebody has.

use std::sync::Arc;

use frontend::api::{
    AsyncApiChange, AsyncApiCompare, AsyncApiDifference, AsyncApiImpact, AsyncApiQuery, AsyncApiWhose,
};
use mesh_asyncapi::build::Action;
use mesh_asyncapi::diff::{Change, Impact, Whose, compare, done_by_clients};
use mesh_asyncapi::import::import;
use mesh_asyncapi::{Document, to_yaml};
use mesh_protocol::id::DesignVersionId;
use serde_json::Value;

use super::import::view;
use crate::app::design::version::checked;
use crate::app::design::{Designs, difference_line, wrong};
use crate::app::observed::World;
use crate::app::permission::Right;
use crate::app::sight::Sight;
use crate::app::{App, Caller, Result};
use crate::domain::design::{Content, compare as compare_lines};

/// Most changes that are told.
const CHANGES_MAX: usize = 1_000;

/// One of the two, not read yet.
enum Side {
    Version(DesignVersionId, Option<Value>),
    Text(String),
}

/// The catalog as the caller sees it.
struct Catalog {
    designs: Arc<Designs>,
    world: World,
    sight: Sight,
}

impl App {
    /// How two documents differ, and whom that hurts.
    ///
    /// # Errors
    /// The caller may not, one of the two is missing or no document, or the database's.
    pub async fn compare_asyncapi(&self, caller: &Caller, input: AsyncApiCompare) -> Result<AsyncApiDifference> {
        caller.permit(Right::Read)?;
        let (designs, world) = (self.designs().await?, self.world().await?);
        let sight = world.config.sight(caller);
        let from = self.side("from", input.from, input.from_text.clone()).await?;
        let to = self.side("to", input.to, input.to_text.clone()).await?;
        checked(move || difference(&Catalog { designs, world, sight }, from, to, &input)).await
    }

    async fn side(&self, field: &str, version: Option<DesignVersionId>, text: Option<String>) -> Result<Side> {
        match (version, text) {
            (Some(version), None) => {
                let kept = self.store().read().await?.design_document(version).await?;
                Ok(Side::Version(version, kept))
            }
            (None, Some(text)) => Ok(Side::Text(text)),
            (None, None) => Err(wrong(field, "is missing: name a version, or give a text")),
            (Some(_), Some(_)) => Err(wrong(field, "is given twice: name a version or give a text, not both")),
        }
    }
}

fn difference(catalog: &Catalog, from: Side, to: Side, input: &AsyncApiCompare) -> Result<AsyncApiDifference> {
    let is_application = |side: &Side| match side {
        Side::Version(id, _) => {
            let version = catalog.designs.version(*id)?;
            Ok::<_, crate::app::Error>(matches!(version.spec.content, Content::Application(_)))
        }
        Side::Text(_) => Ok(false),
    };
    let of_application = is_application(&from)? || is_application(&to)?;
    let by_kind = if of_application { AsyncApiWhose::Application } else { AsyncApiWhose::Clients };
    let told = input.whose.unwrap_or(by_kind);
    let whose = match told {
        AsyncApiWhose::Clients => Whose::Clients,
        AsyncApiWhose::Application => Whose::Application,
    };
    let (before, old) = read(catalog, "from_text", from, input)?;
    let (after, new) = read(catalog, "to_text", to, input)?;
    let found = compare(&old, &new, whose);
    let left_out = found.changes.len().saturating_sub(CHANGES_MAX) as u64;
    let changes = found.changes.into_iter().take(CHANGES_MAX).map(|change| shown(change, &old, &new, whose));
    let lines = compare_lines(&to_yaml(old.value()), &to_yaml(new.value()));
    Ok(AsyncApiDifference {
        sentence: found.sentence,
        before,
        after,
        whose: told,
        breaking: found.breaking as u64,
        unclassified: found.unclassified as u64,
        non_breaking: found.non_breaking as u64,
        changes: changes.collect(),
        left_out,
        lines: lines.into_iter().map(difference_line).collect(),
    })
}

/// What it is called, and the document.
fn read(catalog: &Catalog, field: &str, side: Side, input: &AsyncApiCompare) -> Result<(String, Document)> {
    let Catalog { designs, world, sight } = catalog;
    match side {
        Side::Version(id, kept) => {
            let is_application = matches!(designs.version(id)?.spec.content, Content::Application(_));
            let side = input.side.filter(|_| !is_application);
            let query = AsyncApiQuery { side, ..AsyncApiQuery::default() };
            let document = super::made(designs, world, sight, id, query, kept.as_ref())?;
            Ok((designs.graph().label(id), document))
        }
        Side::Text(text) => {
            let read = import(&text, view(input.publish)).map_err(|error| wrong(field, error))?;
            let title = [read.document.title(), read.document.content_version()].join(" ");
            let title = if title.trim().is_empty() { "the text".to_owned() } else { title.trim().to_owned() };
            Ok((title, read.document))
        }
    }
}

fn shown(change: Change, old: &Document, new: &Document, whose: Whose) -> AsyncApiChange {
    let json = |value: Option<Value>| match value {
        None => String::new(),
        Some(Value::String(text)) => text,
        Some(value) => format!("{value:#}"),
    };
    let document = if change.at.get(new.value()).is_some() { new } else { old };
    let done = match change.impact {
        Impact::NonBreaking => Vec::new(),
        _ => done_by_clients(document, &change.at, whose),
    };
    let hurts = match (done.contains(&Action::Receive), done.contains(&Action::Send)) {
        (true, true) => "who receives and who sends",
        (true, false) => "who receives",
        (false, true) => "who sends",
        (false, false) if change.impact == Impact::NonBreaking => "",
        (false, false) => "all clients",
    };
    AsyncApiChange {
        at: change.at.to_string(),
        rule: change.rule.to_owned(),
        impact: match change.impact {
            Impact::Breaking => AsyncApiImpact::Breaking,
            Impact::Unclassified => AsyncApiImpact::Unclassified,
            Impact::NonBreaking => AsyncApiImpact::NonBreaking,
        },
        before: json(change.before),
        after: json(change.after),
        sentence: change.sentence,
        details: change.details,
        hurts: hurts.to_owned(),
    }
}
