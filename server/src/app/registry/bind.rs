//! How subjects and schema objects find each other, and how a design version gets its number and id.

use std::collections::HashMap;

use frontend::api::LiveTopic;
use mesh_protocol::id::{ApplicationDomainId, DesignObjectId, DesignVersionId, EnvironmentId, SubjectId};
use mesh_protocol::schema_id::SchemaId;
use uuid::Uuid;

use super::Designs;
use crate::app::design::version::{checked, content};
use crate::app::edit::Done;
use crate::app::permission::Permit;
use crate::app::{App, Error, Result};
use crate::domain::application_domain::{self, ApplicationDomain, Claims};
use crate::domain::design::{Kind, Object, Sharing, Spec, Validation, Version};
use crate::domain::registry::{KnownSchema, Registered, Registry, Settings, Subject, UNCLAIMED, object_name, topic_of};
use crate::store::Tx;

/// The schema object of a subject.
#[derive(Debug)]
pub(super) enum Home {
    /// It is there.
    There(DesignObjectId),
    /// It is to be made so.
    New(Spec),
}

/// Gives numbers and ids out while one edit registers versions.
#[derive(Debug)]
pub(in crate::app) struct Enlist<'a> {
    registry: &'a Registry,
    settings: Settings,
    /// Ids that this edit gave out.
    new: HashMap<String, SchemaId>,
}

impl<'a> Enlist<'a> {
    pub(in crate::app) fn new(registry: &'a Registry) -> Self {
        Self { registry, settings: registry.settings(), new: HashMap::new() }
    }

    /// Makes a design version a version of its subject.
    pub(in crate::app) async fn add(
        &mut self,
        tx: &mut Tx,
        environment: EnvironmentId,
        subject: &mut Subject,
        (version, id): (u32, Option<SchemaId>),
        (fingerprint, design): (&str, DesignVersionId),
    ) -> Result<Registered> {
        let known = id.or_else(|| self.registry.id_of(fingerprint)).or_else(|| self.new.get(fingerprint).copied());
        let schema = match known {
            Some(id) => id,
            None => self
                .settings
                .last_id
                .checked_add(1)
                .and_then(SchemaId::new)
                .ok_or_else(|| Error::Conflict("no schema id is left below 2^31: import lower ones".to_owned()))?,
        };
        if self.registry.content_of(schema).is_none() && !self.new.values().any(|other| *other == schema) {
            let new = KnownSchema { id: schema, fingerprint: fingerprint.to_owned() };
            tx.insert_known_schema(environment, &new).await?;
            self.new.insert(new.fingerprint, schema);
        }
        self.settings.last_id = self.settings.last_id.max(schema.get());
        let registered = Registered { subject: subject.id, version, schema, design };
        tx.insert_registered_version(&registered).await?;
        subject.last_version = subject.last_version.max(version);
        tx.update_subject(subject).await?;
        Ok(registered)
    }

    /// Keeps how far ids have come.
    pub(in crate::app) async fn finish(self, tx: &mut Tx, environment: EnvironmentId) -> Result<()> {
        if self.settings != self.registry.settings() {
            tx.set_registry_settings(environment, &self.settings).await?;
        }
        Ok(())
    }
}

impl App {
    /// Gives a schema object its subject: the one that somebody chose, which may be there without an object, or one after
    /// the object's name.
    pub(in crate::app) async fn bind_subject(
        &self,
        tx: &mut Tx,
        designs: &Designs,
        object: &Object,
        chosen: Option<&str>,
    ) -> Result<Subject> {
        let name = match chosen {
            Some(name) => name.to_owned(),
            None => {
                let domains = tx.application_domains(self.environment()).await?;
                let domain = domains.iter().find(|domain| domain.id == object.spec.domain);
                let domain = domain.map(|domain| domain.spec.name.as_str()).unwrap_or_default();
                designs.registry.free_name(&object.spec.name, domain, &[])
            }
        };
        self.subject_in(tx, designs, &name, object.id).await
    }

    /// The subject of a name, bound to an object.
    pub(super) async fn subject_in(
        &self,
        tx: &mut Tx,
        designs: &Designs,
        name: &str,
        object: DesignObjectId,
    ) -> Result<Subject> {
        if let Some(subject) = designs.registry.subject(name) {
            let bound = Subject { object: Some(object), ..subject.clone() };
            if bound != *subject {
                tx.update_subject(&bound).await?;
            }
            return Ok(bound);
        }
        let subject = new_subject(name, Some(object));
        tx.insert_subject(self.environment(), &subject).await?;
        Ok(subject)
    }

    /// Makes a version that people released the next one of its subject.
    pub(in crate::app) async fn register_released(
        &self,
        tx: &mut Tx,
        designs: &Designs,
        version: &Version,
        content: String,
    ) -> Result<()> {
        let object = designs.object(version.object)?;
        let mut subject = match designs.registry.subject_of(object.id) {
            Some(subject) => subject.clone(),
            None => self.bind_subject(tx, designs, object, None).await?,
        };
        let next = next_of(&subject)?;
        let mut enlist = Enlist::new(&designs.registry);
        enlist.add(tx, self.environment(), &mut subject, (next, None), (&content, version.id)).await?;
        enlist.finish(tx, self.environment()).await
    }

    /// The object of a subject, there or to be made: in the domain that claims its topic, else in the one for what nobody
    /// claims, which is made when it is first needed.
    pub(super) async fn home_of(&self, tx: &mut Tx, designs: &Designs, subject: &str, now_ms: i64) -> Result<Home> {
        if let Some(object) = designs.registry.subject(subject).and_then(|subject| subject.object) {
            return Ok(Home::There(object));
        }
        let domains = tx.application_domains(self.environment()).await?;
        let domain = match Claims::of(&domains).of_kafka(topic_of(subject)) {
            Some(domain) => domain.id,
            None => self.unclaimed(tx, &domains, now_ms).await?,
        };
        let is_taken = |name: &str| {
            let mut all = designs.objects.iter();
            all.any(|other| other.kind == Kind::Schema && other.spec.domain == domain && other.spec.name == name)
        };
        Ok(Home::New(Spec {
            name: object_name(subject, is_taken),
            domain,
            owner: String::new(),
            people: Vec::new(),
            tags: Vec::new(),
            attributes: std::collections::BTreeMap::new(),
            document: String::new(),
            // Clients refer to each other's subjects without asking.
            sharing: Sharing::Shared,
            validation: Validation::default(),
        }))
    }

    async fn unclaimed(&self, tx: &mut Tx, domains: &[ApplicationDomain], now_ms: i64) -> Result<ApplicationDomainId> {
        if let Some(domain) = domains.iter().find(|domain| domain.spec.name == UNCLAIMED) {
            return Ok(domain.id);
        }
        let spec = application_domain::Spec {
            name: UNCLAIMED.to_owned(),
            description: "Schemas that were registered for topics which no domain claims: move them to their own."
                .to_owned(),
            ..application_domain::Spec::default()
        };
        let id = ApplicationDomainId(Uuid::now_v7());
        let by = Permit::of_portal().actor().to_owned();
        let domain = ApplicationDomain { id, spec, revision: 1, updated_at_ms: now_ms, updated_by: by };
        tx.insert_application_domain(self.environment(), &domain).await?;
        Ok(id)
    }

    /// Gives subjects and numbers to what was there before the registry was: schema objects and what is served of them.
    pub(in crate::app) async fn settle_registry(&self) -> Result<()> {
        if is_settled(&*self.designs().await?) {
            return Ok(());
        }
        let mut edit = self.edit(Permit::of_portal()).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let domains = edit.tx.application_domains(self.environment()).await?;
        let mut subjects = HashMap::new();
        let mut names = Vec::new();
        for object in designs.objects.iter().filter(|object| object.kind == Kind::Schema) {
            if let Some(subject) = designs.registry.subject_of(object.id) {
                subjects.insert(object.id, subject.clone());
                continue;
            }
            let domain = domains.iter().find(|domain| domain.id == object.spec.domain);
            let domain = domain.map(|domain| domain.spec.name.as_str()).unwrap_or_default();
            let name = designs.registry.free_name(&object.spec.name, domain, &names);
            let subject = self.subject_in(&mut edit.tx, &designs, &name, object.id).await?;
            names.push(name);
            subjects.insert(object.id, subject);
        }
        let known = designs.clone();
        let contents = checked(move || {
            let graph = known.graph();
            // By number within each object, so that the highest is the newest.
            let mut new: Vec<&Version> = known.versions.iter().filter(|version| is_missing(version, &known)).collect();
            new.sort_by_key(|version| (version.object, version.spec.number));
            // What cannot be read any more cannot be served.
            let content =
                |version: &Version| content(version, &graph).ok().flatten().map(|content| (version.id, content));
            Ok(new.into_iter().filter_map(|version| Some((version.object, content(version)?))).collect::<Vec<_>>())
        })
        .await?;
        if names.is_empty() && contents.is_empty() {
            return Ok(());
        }
        let mut enlist = Enlist::new(&designs.registry);
        for (object, (version, content)) in &contents {
            let Some(subject) = subjects.get_mut(object) else { continue };
            let next = next_of(subject)?;
            enlist.add(&mut edit.tx, self.environment(), subject, (next, None), (content, *version)).await?;
        }
        enlist.finish(&mut edit.tx, self.environment()).await?;
        let summary = format!("named {} subjects and registered {} schema versions", names.len(), contents.len());
        edit.finish(Done::new("design.settle", "registry", &summary, LiveTopic::Catalog)).await
    }
}

pub(super) fn new_subject(name: &str, object: Option<DesignObjectId>) -> Subject {
    let id = SubjectId(Uuid::now_v7());
    Subject { id, name: name.to_owned(), object, level: None, mode: None, last_version: 0 }
}

fn next_of(subject: &Subject) -> Result<u32> {
    let next = subject.last_version.checked_add(1);
    next.ok_or_else(|| Error::Conflict(format!("the subject {} has no number left", subject.name)))
}

fn is_missing(version: &Version, designs: &Designs) -> bool {
    let is_schema = version.spec.content.kind() == Kind::Schema;
    is_schema && version.state.is_live() && designs.registry.of_design(version.id).is_none()
}

/// Whether every schema object has its subject, and every schema that is served its number. One that left its subject
/// for good is retired, so it is not missed.
fn is_settled(designs: &Designs) -> bool {
    let is_bound = |object: &Object| object.kind != Kind::Schema || designs.registry.subject_of(object.id).is_some();
    designs.objects.iter().all(is_bound) && !designs.versions.iter().any(|version| is_missing(version, designs))
}
