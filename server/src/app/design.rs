//! The design-time catalog: objects and their versions, found, edited and moved through their lives.
//!
//! Whether a version may change or go on depends on what it is built on and on what is built on it, so all of them are
//! read together, kept until one of them changes, and edited one at a time.

mod adopt;
mod drift;
pub(super) mod news;
mod shown;
pub(super) mod version;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use frontend::api::{DesignObjectInput, DesignObjectNew, DesignObjectView, DesignQuery, Edit, LiveTopic, Page};
use mesh_protocol::desired::Contracts;
use mesh_protocol::id::DesignObjectId;
use mesh_schema::Level;
use uuid::Uuid;

use super::carried::{Carried, Wanted};
use super::contract::Edited;
use super::edit::Done;
use super::mask::Masks;
use super::page::{Slice, page};
use super::permission::Right;
use super::person::seen;
use super::sight::Sight;
use super::{App, Caller, Error, Result, team};
use crate::domain::design::{Content, Facts, Graph, Kind, Object, Sharing, Spec, State, Version, contracts};
use crate::domain::field::FieldErrors;
use crate::domain::registry::{Registry, check_subject, judging};
use crate::store::Tx;

pub(super) use adopt::designed_as;
pub use drift::Open;
pub(super) use shown::{
    class as difference_class, config as object_config, format as schema_format, kind, level_of,
    line as difference_line, state,
};
pub(super) use version::{content_type, payload};

/// First part of the actions of all edits here, by which the audit trail tells that something changed.
const AUDIT_KIND: &str = "design";
/// Rows of a list when nobody says how many, and most of them.
const LIST: u32 = 100;
const LIST_MAX: u32 = 1_000;

/// All objects and versions as of one entry of the audit trail.
#[derive(Clone, Debug)]
pub struct Designs {
    pub(super) number: u64,
    pub(super) objects: Vec<Object>,
    pub(super) versions: Vec<Version>,
    pub(super) registry: Registry,
    /// What masks values, once somebody asked.
    pub(super) masks: OnceLock<Arc<Masks>>,
    /// What agents hold payloads against, once somebody asked.
    pub(super) contracts: OnceLock<Arc<Contracts>>,
}

impl Designs {
    /// All objects.
    pub(super) fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// All versions.
    pub(super) fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// What agents hold payloads against.
    pub(super) fn contracts(&self) -> Arc<Contracts> {
        self.contracts.get_or_init(|| Arc::new(contracts(&self.objects, &self.graph()))).clone()
    }

    pub(super) fn graph(&self) -> Graph<'_> {
        Graph::of(&self.objects, &self.versions)
    }

    /// An object that is out of sight is not there.
    fn must_see(&self, sight: &Sight, id: DesignObjectId) -> Result<()> {
        if sight.sees_design(self.object(id)?) { Ok(()) } else { Err(Error::NotFound { what: "design object" }) }
    }

    /// The same after the edit of an audit entry, which added this.
    pub(super) fn with(&self, number: u64, registry: Registry, version: Version, object: Option<Object>) -> Self {
        let (objects, versions) = (self.objects.clone(), self.versions.clone());
        // What is registered is a schema that no event has yet.
        let contracts = self.contracts.clone();
        let mut next = Self { number, objects, versions, registry, masks: OnceLock::new(), contracts };
        next.objects.extend(object);
        next.versions.push(version);
        next
    }

    /// What must stay readable when a version changes: what the subject of the schema demands, of an event that of its
    /// payload's.
    pub(super) fn level_of(&self, version: &Version, graph: &Graph<'_>) -> Level {
        let schema = match &version.spec.content {
            Content::Schema(_) => Some(version.object),
            Content::Event(event) => event.schema.and_then(|id| graph.version(id)).map(|version| version.object),
            Content::Application(_) | Content::EventApi(_) | Content::Product(_) => None,
        };
        judging(schema.map_or_else(Level::default, |object| self.registry.level_of(object)))
    }

    /// What a transition of a version is decided on.
    fn facts(&self, version: &Version, graph: &Graph<'_>) -> Facts {
        let mut facts = Facts::of(version, self.level_of(version, graph), graph);
        let subject = self.registry.subject_of(version.object).filter(|_| version.state == State::InReview);
        if let Some(refused) = subject.and_then(|subject| self.registry.check_writable(&subject.name).err()) {
            facts.problems.get_or_insert_default().add("state", refused);
        }
        facts
    }

    pub(super) fn object(&self, id: DesignObjectId) -> Result<&Object> {
        self.objects.iter().find(|object| object.id == id).ok_or(Error::NotFound { what: "design object" })
    }
}

impl App {
    /// Keeps what one edit under the lock made of the designs that it read: nobody else changed them meanwhile.
    pub(super) fn keep_designs(&self, designs: Designs) {
        self.0.designs.store(Some(Arc::new(designs)));
    }

    pub(super) async fn designs(&self) -> Result<Arc<Designs>> {
        let mut tx = self.store().read().await?;
        self.designs_in(&mut tx).await
    }

    /// As this transaction sees them.
    pub(super) async fn designs_in(&self, tx: &mut Tx) -> Result<Arc<Designs>> {
        // With a team's name the owner of what it owns changes.
        let number = tx.audit_number_of(AUDIT_KIND).await?.max(tx.audit_number_of(team::AUDIT_KIND).await?);
        if let Some(kept) = self.0.designs.load_full()
            && kept.number == number
        {
            return Ok(kept);
        }
        let environment = self.environment();
        let (objects, versions) = (tx.design_objects(environment).await?, tx.design_versions(environment).await?);
        let registry = Registry::of(
            tx.registry_settings(environment).await?,
            tx.subjects(environment).await?,
            &tx.registered_versions(environment).await?,
            tx.known_schemas(environment).await?,
            &versions,
        );
        let (masks, contracts) = (OnceLock::new(), OnceLock::new());
        let designs = Arc::new(Designs { number, objects, versions, registry, masks, contracts });
        self.0.designs.store(Some(designs.clone()));
        Ok(designs)
    }

    /// Objects of the design-time catalog, by name.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn design_objects(&self, caller: &Caller, query: DesignQuery) -> Result<Page<DesignObjectView>> {
        caller.permit(Right::Read)?;
        let (designs, snapshot) = (self.designs().await?, self.snapshot().await?);
        let (graph, sight) = (designs.graph(), snapshot.sight(caller));
        let words: Vec<String> = query.q.iter().flat_map(|q| q.split_whitespace()).map(str::to_lowercase).collect();
        let wanted = designs.objects.iter().filter(|object| {
            sight.sees_design(object)
                && query.kind.is_none_or(|kind| shown::kind_of(kind) == object.kind)
                && query.domain.is_none_or(|domain| domain == object.spec.domain)
                && query.state.is_none_or(|state| {
                    graph.versions(object.id).iter().any(|version| version.state == shown::state_of(state))
                })
                && has_words(object, graph.versions(object.id), &words)
        });
        let slice = Slice::of(query.cursor.as_deref(), query.limit, LIST, LIST_MAX);
        let page = page(wanted.collect(), slice, |object: &&Object| (object.spec.name.clone(), object.id))?;
        Ok(page.map(|object| shown::object(object, &graph, &designs.registry, &snapshot)))
    }

    /// One object with its versions.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn design_object(&self, caller: &Caller, id: DesignObjectId) -> Result<DesignObjectView> {
        caller.permit(Right::Read)?;
        let (designs, world) = (self.designs().await?, self.world().await?);
        let sight = world.config.sight(caller);
        designs.must_see(&sight, id)?;
        let seen = adopt::seen_as(designs.object(id)?, &designs, &world, &sight);
        let contract = self.contract_view(designs.object(id)?, &world).await?;
        let mut view = DesignObjectView { seen, contract, ..self.design_object_view(id).await? };
        let carried = Carried::of(&world, &designs, |_| true);
        for row in &mut view.versions {
            let wanted = Wanted::Design(designs.version(row.id)?);
            let clients = carried.clients(wanted, &designs, &sight);
            (row.producers, row.consumers) = (clients.producers.len() as u64, clients.consumers.len() as u64);
        }
        Ok(view)
    }

    pub(super) async fn design_object_view(&self, id: DesignObjectId) -> Result<DesignObjectView> {
        let (designs, snapshot) = (self.designs().await?, self.snapshot().await?);
        Ok(shown::object(designs.object(id)?, &designs.graph(), &designs.registry, &snapshot))
    }

    /// Makes an object without a version.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_design_object(&self, caller: &Caller, input: DesignObjectNew) -> Result<DesignObjectView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let (kind, spec) = (shown::kind_of(input.kind), spec(input.config).tidied());
        self.check_object(&mut edit.tx, kind, None, &spec, &designs).await?;
        let subject = subject(kind, input.subject.trim(), &designs)?;
        let object = Object::new(DesignObjectId(Uuid::now_v7()), kind, spec, edit.actor(), edit.now_ms);
        edit.tx.insert_design_object(self.environment(), &object).await?;
        if kind == Kind::Schema {
            self.bind_subject(&mut edit.tx, &designs, &object, subject).await?;
        }
        let summary = format!("added the {kind} {}", object.spec.name);
        edit.finish(done("design.create", object.id, &summary).after(&shown::config(&object.spec))).await?;
        self.design_object_view(object.id).await
    }

    /// Changes an object; its versions stay.
    ///
    /// # Errors
    /// The caller may not, there is none, the input is wrong or stale, or the database's.
    pub async fn update_design_object(
        &self,
        caller: &Caller,
        id: DesignObjectId,
        input: Edit<DesignObjectInput>,
    ) -> Result<DesignObjectView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let old = designs.object(id)?;
        let spec = spec(input.value).tidied();
        self.check_object(&mut edit.tx, old.kind, Some(id), &spec, &designs).await?;
        spec.check_reach(id, &designs.graph())?;
        let by = edit.actor().to_owned();
        let object = Object { spec, updated_at_ms: edit.now_ms, updated_by: by, ..old.clone() };
        let summary = format!("changed the {} {}", object.kind, object.spec.name);
        self.enforce_contracts(&mut edit, &designs, Edited::Object(&object), "validation", &summary).await?;
        edit.tx.update_design_object(&object, seen(input.revision)).await?;
        let done = done("design.update", id, &summary);
        edit.finish(done.before(&shown::config(&old.spec)).after(&shown::config(&object.spec))).await?;
        self.design_object_view(id).await
    }

    /// Removes an object without versions.
    ///
    /// # Errors
    /// The caller may not, there is none, it has versions or is stale, or the database's.
    pub async fn delete_design_object(&self, caller: &Caller, id: DesignObjectId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let old = designs.object(id)?;
        let count = designs.graph().versions(id).len();
        if count > 0 {
            let what = if count == 1 { "a version".to_owned() } else { format!("{count} versions") };
            return Err(Error::Conflict(format!("it has {what}: delete drafts first; what was released stays")));
        }
        if let Some(subject) = designs.registry.subject_of(id) {
            edit.tx.delete_subject(subject.id).await?;
        }
        edit.tx.delete_design_object(id, seen(revision)).await?;
        let summary = format!("removed the {} {}", old.kind, old.spec.name);
        edit.finish(done("design.delete", id, &summary).before(&shown::config(&old.spec))).await
    }

    async fn check_object(
        &self,
        tx: &mut Tx,
        kind: Kind,
        id: Option<DesignObjectId>,
        spec: &Spec,
        designs: &Designs,
    ) -> Result<()> {
        let domains = tx.application_domains(self.environment()).await?;
        let checked = spec.check(kind, id, &designs.objects);
        let mut errors = checked.err().unwrap_or_default();
        if !domains.iter().any(|domain| domain.id == spec.domain) {
            errors.add("domain", "is not there: choose another one");
        }
        Ok(errors.check()?)
    }
}

/// The subject that somebody chose for a new object; none = nobody did.
fn subject<'a>(kind: Kind, name: &'a str, designs: &Designs) -> Result<Option<&'a str>> {
    if name.is_empty() {
        return Ok(None);
    }
    if kind != Kind::Schema {
        return Err(wrong("subject", format_args!("is of schemas only: leave it out for a new {kind}")));
    }
    check_subject(name).map_err(|refused| wrong("subject", refused))?;
    match designs.registry.subject(name).and_then(|subject| subject.object) {
        Some(_) => Err(wrong("subject", "is that of another schema: choose another one")),
        None => Ok(Some(name)),
    }
}

/// Whether all words are somewhere in what a reader would look for.
fn has_words(object: &Object, versions: &[&Version], words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let spec = &object.spec;
    let addresses: BTreeSet<&str> = versions
        .iter()
        .filter_map(|version| match &version.spec.content {
            Content::Event(event) => Some(event.address.as_str()),
            _ => None,
        })
        .collect();
    let texts = [&spec.name, &spec.owner].into_iter().chain(&spec.people).chain(&spec.tags).map(String::as_str);
    let texts: Vec<String> = texts.chain(addresses).map(str::to_lowercase).collect();
    words.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())))
}

fn spec(input: DesignObjectInput) -> Spec {
    Spec {
        name: input.name,
        domain: input.domain,
        owner: input.owner,
        people: input.people,
        tags: input.tags,
        attributes: input.attributes,
        document: input.document,
        sharing: if input.shared { Sharing::Shared } else { Sharing::Domain },
        validation: shown::validation_of(input.validation),
    }
}

fn done<'a>(action: &'a str, object: DesignObjectId, summary: &'a str) -> Done<'a> {
    Done::new(action, object, summary, LiveTopic::Catalog)
}

/// One error of an input that no check of the domain sees.
pub(super) fn wrong(field: &str, message: impl std::fmt::Display) -> Error {
    FieldErrors::one(field, message).into()
}
