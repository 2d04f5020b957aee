//! A schema from a client: whether it may follow what is there, and its way into the catalog.

use std::sync::Arc;

use mesh_protocol::id::{DesignObjectId, DesignVersionId};
use mesh_protocol::schema_id::SchemaId;
use mesh_schema::{Format, Level};
use uuid::Uuid;

use super::bind::{Enlist, Home};
use super::{CompatibilityAnswer, Designs, ReferenceShape, Result, SchemaInput, version_number, working};
use crate::app::design::news::Step;
use crate::app::edit::Done;
use crate::app::permission::Right;
use crate::app::{App, Caller};
use crate::domain::design::{
    Content, Context, Graph, Number, Object, Schema, SchemaReference, State, Version, VersionSpec, transition,
};
use crate::domain::registry::{
    Asked, Deleted, Listed, Mode, Place, Refusal, Registered, check_subject, fingerprint, number_for, previous,
};
use frontend::api::LiveTopic;

/// A schema that a client sent, not read yet.
#[derive(Clone, Debug)]
pub struct Candidate {
    format: Format,
    text: String,
    references: Vec<ReferenceShape>,
    asked: Asked,
    is_normalized: bool,
}

/// A schema that a client sent, read and told from all others.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) schema: Schema,
    pub(super) fingerprint: String,
    parsed: mesh_schema::Schema,
}

/// What is to be written.
struct Plan {
    place: (u32, Option<SchemaId>),
    fingerprint: String,
    version: Version,
    object: Object,
    is_new_object: bool,
}

impl Candidate {
    /// Of what a client sent; `is_normalized` asks that the text be kept in its normal form.
    ///
    /// # Errors
    /// It asks for what this registry does not have.
    pub fn of(input: SchemaInput, is_normalized: bool) -> std::result::Result<Self, Refusal> {
        let is_there = |value: &Option<serde_json::Value>| {
            value.as_ref().is_some_and(|value| !value.is_null() && value != &serde_json::json!({}))
        };
        for (field, value) in [("metadata", &input.metadata), ("ruleSet", &input.rule_set)] {
            if is_there(value) {
                return Err(Refusal::Unsupported(field));
            }
        }
        let name = input.schema_type.as_deref().unwrap_or(Format::Avro.name());
        let format = Format::by_name(name).ok_or_else(|| {
            let known = Format::ALL.map(Format::name).join(", ");
            Refusal::InvalidSchema(format!("the schema type {name} is not known: choose one of {known}"))
        })?;
        let id = input.id.filter(|id| *id > 0).map(|id| {
            let id = u32::try_from(id).ok().and_then(SchemaId::new);
            id.ok_or_else(|| Refusal::NotPermitted("the id is above 2^31-1: choose a smaller one".to_owned()))
        });
        let version = input.version.filter(|version| *version > 0);
        let version = version.map(|version| version_number(&version.to_string())).transpose()?.flatten();
        let asked = Asked { id: id.transpose()?, version };
        Ok(Self { format, text: input.schema, references: input.references.unwrap_or_default(), asked, is_normalized })
    }
}

/// Reads a schema and finds what it refers to. Mostly that is nothing, and then nothing else of the catalog is looked at.
pub(super) fn read(candidate: &Candidate, designs: &Designs) -> std::result::Result<Prepared, Refusal> {
    let is_alone = candidate.references.is_empty();
    let graph = if is_alone { Graph::of(&[], &[]) } else { designs.graph() };
    prepare(candidate, designs, &graph)
}

/// The same in a graph that is there already.
fn prepare(candidate: &Candidate, designs: &Designs, graph: &Graph<'_>) -> std::result::Result<Prepared, Refusal> {
    let reference = |shape: &ReferenceShape| {
        let number = version_number(&shape.version.to_string())?;
        // A schema that is there already may refer to what is retired; a new one is refused by the catalog.
        let found = designs.registry.version(&shape.subject, number, Deleted::With);
        let missing =
            |_| Refusal::InvalidSchema(format!("no version {} of the subject {}", shape.version, shape.subject));
        Ok(SchemaReference { name: shape.name.clone(), version: found.map_err(missing)?.registered.design })
    };
    let mut references: Vec<SchemaReference> =
        candidate.references.iter().map(reference).collect::<std::result::Result<_, Refusal>>()?;
    references.sort();
    let mut schema = Schema { format: candidate.format, text: candidate.text.clone(), references };
    let texts = graph.texts(None, &schema).map_err(|error| Refusal::InvalidSchema(format!("references {error}")))?;
    let invalid = |invalid: mesh_schema::Invalid| Refusal::InvalidSchema(format!("text is not sound: {invalid}"));
    schema.text = mesh_schema::text_of(schema.format, schema.text, &texts).map_err(invalid)?;
    let parsed = graph.schema(None, &schema)?;
    if candidate.is_normalized {
        parsed.canonical().clone_into(&mut schema.text);
    }
    let fingerprint = fingerprint(schema.format, parsed.canonical(), &schema.references);
    Ok(Prepared { schema, fingerprint, parsed })
}

/// Why a schema may not follow others; empty = it may.
fn reasons(
    new: &mesh_schema::Schema,
    level: Level,
    earlier: &[Listed],
    designs: &Designs,
    graph: &Graph<'_>,
) -> Vec<String> {
    let mut known = Vec::with_capacity(earlier.len());
    for listed in earlier {
        let Some(Content::Schema(old)) = designs.versions.get(listed.place).map(|version| &version.spec.content) else {
            continue;
        };
        match graph.schema(Some(listed.registered.design), old) {
            Ok(parsed) => known.push(parsed),
            Err(errors) => return vec![format!("version {} cannot be read: {errors}", listed.registered.version)],
        }
    }
    let verdict = mesh_schema::check(level, new, &known.iter().collect::<Vec<_>>());
    let told = verdict.findings.into_iter().map(|finding| {
        let version = earlier.get(finding.against).map_or(0, |listed| listed.registered.version);
        let path = if finding.path.is_empty() { String::new() } else { format!("`{}`: ", finding.path) };
        format!("{path}{} ({}, version {version})", finding.reason, finding.rule)
    });
    told.collect()
}

impl App {
    /// Registers a schema under a subject. What is there already is found; what is new becomes a released version of the
    /// subject's schema object.
    ///
    /// # Errors
    /// The caller may not, the schema is wrong or hurts somebody, the mode forbids it, or the database's.
    pub async fn registry_register(
        &self,
        caller: &Caller,
        subject: String,
        candidate: Candidate,
    ) -> Result<Registered> {
        let permit = caller.permit(Right::CatalogWrite)?;
        check_subject(&subject)?;
        let (candidate, subject): (Arc<Candidate>, Arc<str>) = (candidate.into(), subject.into());
        // Producers register what they have at every start: mostly it is there, and nobody has to wait for anybody.
        let designs = self.designs().await?;
        let (asking, name) = (candidate.clone(), subject.clone());
        let place = working(move || {
            let found = read(&asking, &designs)?;
            Ok(designs.registry.place(&name, &found.fingerprint, asking.asked)?)
        });
        if let Place::There(registered) = place.await? {
            return Ok(registered);
        }
        let mut edit = self.edit(permit).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let home = self.home_of(&mut edit.tx, &designs, &subject, edit.now_ms).await?;
        let (by, now_ms) = (edit.actor().to_owned(), edit.now_ms);
        let (known, name) = (designs.clone(), subject.clone());
        let plan = working(move || plan(&candidate, &name, home, &known, (&by, now_ms)));
        let plan = match plan.await? {
            Ok(plan) => plan,
            // Somebody was faster.
            Err(registered) => return Ok(registered),
        };
        let environment = self.environment();
        if plan.is_new_object {
            edit.tx.insert_design_object(environment, &plan.object).await?;
        }
        edit.tx.insert_design_version(&plan.version).await?;
        let mut bound = self.subject_in(&mut edit.tx, &designs, &subject, plan.object.id).await?;
        let mut enlist = Enlist::new(&designs.registry);
        let registered =
            enlist.add(&mut edit.tx, environment, &mut bound, plan.place, (&plan.fingerprint, plan.version.id)).await?;
        enlist.finish(&mut edit.tx, environment).await?;
        let number = plan.version.spec.number;
        if !plan.is_new_object {
            let watchers = edit.tx.watchers(plan.object.id).await?;
            let domains = edit.tx.application_domains(environment).await?;
            let label = format!("{} {} {number}", plan.object.kind, plan.object.spec.name);
            let (from, by) = (State::InReview, edit.actor());
            let step = Step { from, version: &plan.version, label: &label, by, watchers: &watchers, holders: &[] };
            if let Some(news) = step.news(&designs, &domains) {
                edit.notify(&news).await?;
            }
        }
        let summary = format!(
            "registered version {} of the subject {subject}, schema {} {number}",
            registered.version, plan.object.spec.name
        );
        let done = Done::new("design.register", plan.object.id, &summary, LiveTopic::Catalog);
        let after = serde_json::json!({
            "subject": &*subject, "version": registered.version, "id": registered.schema, "number": number,
            "content": plan.version.spec.content,
        });
        let number = edit.finish_numbered(done.after(&after)).await?;
        let registry = designs.registry.with(&bound, registered, &plan.fingerprint, designs.versions.len());
        self.keep_designs(designs.with(number, registry, plan.version, plan.is_new_object.then_some(plan.object)));
        Ok(registered)
    }

    /// Whether a schema could be registered, beside one version of a subject or those its level compares with.
    ///
    /// # Errors
    /// The caller may not, the schema is wrong, there is no such version, or the database's.
    pub async fn registry_compatible(
        &self,
        caller: &Caller,
        subject: String,
        against: Option<Option<u32>>,
        candidate: Candidate,
        is_verbose: bool,
    ) -> Result<CompatibilityAnswer> {
        caller.permit(Right::MeshRead)?;
        let designs = self.designs().await?;
        working(move || {
            let (graph, registry) = (designs.graph(), &designs.registry);
            let level = registry.level(&subject);
            let earlier = match against {
                None => previous(level, registry.versions(&subject, Deleted::Without).copied().collect()),
                // What would be the first is compatible.
                Some(None) => registry.versions(&subject, Deleted::Without).next_back().copied().into_iter().collect(),
                Some(Some(number)) => {
                    let found = registry.version(&subject, Some(number), Deleted::Without);
                    vec![*found.map_err(|_| Refusal::NoVersion(number))?]
                }
            };
            let reasons = match prepare(&candidate, &designs, &graph) {
                Ok(new) => reasons(&new.parsed, level, &earlier, &designs, &graph),
                Err(refused @ Refusal::InvalidSchema(_)) if is_verbose => vec![refused.to_string()],
                Err(refused) => return Err(refused.into()),
            };
            Ok(CompatibilityAnswer { is_compatible: reasons.is_empty(), messages: is_verbose.then_some(reasons) })
        })
        .await
    }
}

/// What registering means for the catalog; what is there already comes back as the error.
fn plan(
    candidate: &Candidate,
    subject: &str,
    home: Home,
    designs: &Designs,
    (by, now_ms): (&str, i64),
) -> Result<std::result::Result<Plan, Registered>> {
    let graph = designs.graph();
    let Prepared { schema, fingerprint, parsed } = prepare(candidate, designs, &graph)?;
    let registry = &designs.registry;
    let place = match registry.place(subject, &fingerprint, candidate.asked)? {
        Place::There(registered) => return Ok(Err(registered)),
        Place::New { version, id } => (version, id),
    };
    let level = registry.level(subject);
    if registry.mode(subject) != Mode::Import {
        let earlier = previous(level, registry.versions(subject, Deleted::Without).copied().collect());
        let reasons = reasons(&parsed, level, &earlier, designs, &graph);
        if !reasons.is_empty() {
            return Err(Refusal::Incompatible { subject: subject.to_owned(), reasons }.into());
        }
    }
    let (object, is_new_object) = match home {
        Home::There(id) => (designs.object(id)?.clone(), false),
        Home::New(spec) => {
            let (id, kind) = (DesignObjectId(Uuid::now_v7()), crate::domain::design::Kind::Schema);
            let object = Object::new(id, kind, spec, by, now_ms);
            (object, true)
        }
    };
    let spec = VersionSpec {
        number: Number::FIRST,
        description: String::new(),
        content: Content::Schema(schema),
        end_of_life_at_ms: None,
        replacement: None,
    };
    let mut version = Version {
        state: State::Released,
        state_reason: format!("registered as {subject} version {}", place.0),
        ..Version::draft(DesignVersionId(Uuid::now_v7()), object.id, spec, by, now_ms)
    };
    let none_left = || Refusal::NotPermitted(format!("the schema object of {subject} has no version number left"));
    version.spec.number = number_for(&version, level, &graph).ok_or_else(none_left)?;
    version.spec.check(&object, None, &graph).map_err(Refusal::from)?;
    // The step that people take when they release; the number tells the truth already.
    let needs = graph.needs(&version);
    let context = Context { now_ms, by, needs: &needs, ..Context::default() };
    transition(State::InReview, State::Released, &context).map_err(Refusal::from)?;
    Ok(Ok(Plan { place, fingerprint, version, object, is_new_object }))
}
