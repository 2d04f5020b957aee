//! Writes new owners and tags: each thing over the revision it was read at, with an audit entry of its own, all in one
//! transaction.

use frontend::api::{CatalogObjectInput, LiveTopic, OwnershipDone, OwnershipLine, OwnershipPreview, OwnershipVerdict};
use serde_json::{Value, json};

use super::scene::{Scene, Thing, What};
use crate::app::edit::{Done, Edit};
use crate::app::{App, Error, Result, application, application_domain, design, plan};
use crate::domain::application::Application;
use crate::domain::application_domain::ApplicationDomain;
use crate::domain::design::Object;
use crate::store::Note;

/// What would be done.
pub(super) struct Plan {
    pub(super) lines: Vec<OwnershipLine>,
    pub(super) changes: Vec<Change>,
    digest: String,
}

impl Plan {
    /// `basis` is the task that it is the plan of.
    pub(super) fn new(lines: Vec<OwnershipLine>, changes: Vec<Change>, basis: &impl serde::Serialize) -> Self {
        let revisions: Vec<(&str, u64)> =
            changes.iter().map(|change| (change.key.as_str(), change.revision())).collect();
        let digest = plan::digest(&lines, &(basis, revisions));
        Self { lines, changes, digest }
    }

    pub(super) fn preview(self) -> OwnershipPreview {
        let count = |verdict| self.lines.iter().filter(|line| line.verdict == verdict).count() as u64;
        OwnershipPreview {
            changes: count(OwnershipVerdict::Change),
            conflicts: count(OwnershipVerdict::Conflict),
            preview: self.digest,
            lines: self.lines,
        }
    }

    /// Whether it is what somebody saw, and nothing stands in its way.
    pub(super) fn check(&self, preview: &str) -> Result<()> {
        let conflicts = self.lines.iter().filter(|line| line.verdict == OwnershipVerdict::Conflict);
        plan::check(&self.digest, preview, conflicts.map(|line| (&line.what, &line.note)))?;
        if self.changes.is_empty() {
            return Err(Error::Conflict("nothing was done, because all of it is so already".to_owned()));
        }
        Ok(())
    }
}

/// One thing to write.
pub(super) struct Change {
    key: String,
    target: Target,
    owner: String,
    tags: Vec<String>,
}

/// As it was read.
enum Target {
    Domain(ApplicationDomain),
    Design(Object),
    Application(Application),
    /// Name of what was discovered, and what people say about it.
    Entry(String, Note),
}

impl Change {
    /// A thing with another owner and other tags; tags are of what was designed only.
    pub(super) fn of(thing: &Thing<'_>, owner: &str, tags: Vec<String>, scene: &Scene) -> Self {
        let target = match thing.what {
            What::Domain(domain) => Target::Domain(domain.clone()),
            What::Design(object) => Target::Design(object.clone()),
            What::Application(application) => Target::Application(application.clone()),
            What::Entry(entry) => {
                let note = scene.world.seen.notes.get(&thing.key).cloned().unwrap_or_default();
                Target::Entry(entry.row.name.clone(), note)
            }
        };
        Self { key: thing.key.clone(), target, owner: owner.to_owned(), tags }
    }

    fn revision(&self) -> u64 {
        match &self.target {
            Target::Domain(domain) => domain.revision,
            Target::Design(object) => object.revision,
            Target::Application(application) => application.revision,
            Target::Entry(_, note) => note.revision,
        }
    }
}

/// What the audit trail keeps of one change.
struct Kept {
    action: &'static str,
    object: String,
    summary: String,
    topic: LiveTopic,
    before: Value,
    after: Value,
}

impl Kept {
    fn done(&self) -> Done<'_> {
        let done = Done::new(self.action, &self.object, &self.summary, self.topic);
        done.before(&self.before).after(&self.after)
    }
}

/// Writes all changes.
///
/// # Errors
/// Something was changed meanwhile, or the database's; then nothing is written.
pub(super) async fn all(app: &App, mut edit: Edit, changes: Vec<Change>) -> Result<OwnershipDone> {
    let changed = changes.len();
    let mut last: Option<Kept> = None;
    for change in changes {
        if let Some(kept) = last.replace(one(app, &mut edit, change).await?) {
            edit.also(kept.done()).await?;
        }
    }
    let last = last.ok_or(Error::Internal("a plan without changes was applied"))?;
    edit.finish(last.done()).await?;
    app.0.latest.forget();
    let things = if changed == 1 { "1 thing".to_owned() } else { format!("{changed} things") };
    Ok(OwnershipDone { changed: changed as u64, sentence: format!("{things} changed") })
}

async fn one(app: &App, edit: &mut Edit, change: Change) -> Result<Kept> {
    let (by, now_ms, environment) = (edit.actor().to_owned(), edit.now_ms, app.environment());
    let Change { key, target, owner, tags } = change;
    Ok(match target {
        Target::Domain(old) => {
            let mut new = old.clone();
            new.spec.owner = owner;
            (new.updated_by, new.updated_at_ms) = (by, now_ms);
            edit.tx.update_application_domain(&new, old.revision).await?;
            Kept {
                action: "domain.update",
                object: old.id.to_string(),
                summary: format!("gave the domain {} to {}", new.spec.name, new.spec.owner),
                topic: LiveTopic::Catalog,
                before: json!(application_domain::config(&old.spec)),
                after: json!(application_domain::config(&new.spec)),
            }
        }
        Target::Design(old) => {
            let mut new = old.clone();
            (new.spec.owner, new.spec.tags) = (owner, tags);
            (new.updated_by, new.updated_at_ms) = (by, now_ms);
            edit.tx.update_design_object(&new, old.revision).await?;
            let what = format!("the {} {}", new.kind, new.spec.name);
            let is_given = new.spec.owner != old.spec.owner;
            Kept {
                action: "design.update",
                object: old.id.to_string(),
                summary: if is_given { format!("gave {what} to {}", new.spec.owner) } else { format!("tagged {what}") },
                topic: LiveTopic::Catalog,
                before: json!(design::object_config(&old.spec)),
                after: json!(design::object_config(&new.spec)),
            }
        }
        Target::Application(old) => {
            let mut spec = old.spec.clone();
            spec.owner = owner;
            edit.tx.update_application(old.id, &spec, old.revision, now_ms).await?;
            Kept {
                action: "application.update",
                object: old.id.to_string(),
                summary: format!("gave the application {} to {}", spec.name, spec.owner),
                topic: LiveTopic::Access,
                before: json!(application::config(&old.spec)),
                after: json!(application::config(&spec)),
            }
        }
        Target::Entry(name, old) => {
            let new = Note { owner, ..old.clone() };
            edit.tx.put_catalog_note(environment, &key, &new, &by, now_ms).await?;
            let input = |note: &Note| {
                json!(CatalogObjectInput { owner: note.owner.clone(), description: note.description.clone() })
            };
            Kept {
                action: "catalog.update",
                summary: format!("gave {name} to {}", new.owner),
                topic: LiveTopic::Catalog,
                before: input(&old),
                after: input(&new),
                object: key,
            }
        }
    })
}
