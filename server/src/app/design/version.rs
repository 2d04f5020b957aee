//! Versions of design objects: what they say, and the steps of their lives.

use frontend::api::{
    DesignDifference, DesignDifferenceQuery, DesignLive, DesignMove, DesignReference, DesignStep, DesignTagged,
    DesignVersionInput, DesignVersionView, Edit,
};
use mesh_protocol::id::{DesignObjectId, DesignVersionId};
use mesh_schema::Format;
use uuid::Uuid;

use super::news::Step;
use super::{Designs, done, shown, wrong};
use crate::app::carried::{Carried, Wanted, is_only_one};
use crate::app::contract::Edited;
use crate::app::permission::Right;
use crate::app::person::{seen, shown as revision};
use crate::app::schema::{FIELDS_SHOWN, field};
use crate::app::sight::Sight;
use crate::app::{App, Caller, Error, Result};
use crate::domain::design::{
    Class, Content, Context, Facts, Graph, Number, Reviewer, State, Tagged, Version, VersionSpec, between_versions,
    check_delete, suggest, transition,
};
use crate::domain::registry::fingerprint;

impl Designs {
    pub(in crate::app) fn version(&self, id: DesignVersionId) -> Result<&Version> {
        self.versions.iter().find(|version| version.id == id).ok_or(Error::NotFound { what: "version" })
    }
}

impl App {
    /// One version, with what it is built on, what is built on it, and where it may go from here.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn design_version(&self, caller: &Caller, id: DesignVersionId) -> Result<DesignVersionView> {
        caller.permit(Right::Read)?;
        let (designs, sight) = (self.designs().await?, self.snapshot().await?.sight(caller));
        designs.must_see(&sight, designs.version(id)?.object)?;
        let mut view = self.design_version_view_as(id, caller, &sight).await?;
        if !sight.is_whole() {
            let is_seen =
                |other: &DesignReference| other.object.is_some_and(|object| designs.must_see(&sight, object).is_ok());
            view.needs.retain(is_seen);
            view.users.retain(is_seen);
            // What stands in a step's way may be out of sight, and only who sees everything takes steps.
            view.steps.clear();
        }
        Ok(view)
    }

    async fn design_version_view(&self, id: DesignVersionId, caller: &Caller) -> Result<DesignVersionView> {
        self.design_version_view_as(id, caller, &Sight::default()).await
    }

    async fn design_version_view_as(
        &self,
        id: DesignVersionId,
        caller: &Caller,
        sight: &Sight,
    ) -> Result<DesignVersionView> {
        let by = By::of(caller);
        let (designs, world, sight) = (self.designs().await?, self.world().await?, sight.clone());
        // Parsing schemas with all they use is work.
        let view = tokio::task::spawn_blocking(move || {
            let graph = designs.graph();
            let version = designs.version(id)?;
            let carried = Carried::of(&world, &designs, |_| true);
            let live = live(version, &designs, &carried, &sight);
            view(version, (&designs, &graph), live, &carried, (&by, world.now_ms()))
        });
        view.await.map_err(|_| Error::Internal("a version could not be shown"))?
    }

    /// Makes a draft. Without a number it gets the next one that fits what it changes.
    ///
    /// # Errors
    /// The caller may not, there is no such object, the input is wrong, or the database's.
    pub async fn create_design_version(
        &self,
        caller: &Caller,
        object: DesignObjectId,
        input: DesignVersionInput,
    ) -> Result<DesignVersionView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let (now_ms, by) = (edit.now_ms, edit.actor().to_owned());
        let made = checked(move || {
            let graph = designs.graph();
            let object = designs.object(object)?;
            let id = DesignVersionId(Uuid::now_v7());
            let asked = if input.number.trim().is_empty() { None } else { Some(number(&input.number)?) };
            let spec = spec(input, asked.unwrap_or(Number::FIRST));
            let mut version = Version::draft(id, object.id, spec, &by, now_ms);
            if asked.is_none() {
                version.spec.number = next_number(&version, &designs, &graph)?;
            }
            version.spec.check(object, None, &graph)?;
            let label = format!("{} {} {}", object.kind, object.spec.name, version.spec.number);
            Ok((version, label))
        });
        let (version, label) = made.await?;
        edit.tx.insert_design_version(&version).await?;
        let summary = format!("added {label}");
        let done = done("design.version", version.object, &summary);
        edit.finish(done.after(&shown::version_config(&version.spec))).await?;
        self.design_version_view(version.id, caller).await
    }

    /// Changes a version: a draft as a whole, later only what is for readers.
    ///
    /// # Errors
    /// The caller may not, there is none, the input is wrong, frozen or stale, or the database's.
    pub async fn update_design_version(
        &self,
        caller: &Caller,
        id: DesignVersionId,
        input: Edit<DesignVersionInput>,
    ) -> Result<DesignVersionView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let (now_ms, by) = (edit.now_ms, edit.actor().to_owned());
        let (seen_at, value) = (seen(input.revision), input.value);
        let changed = checked(move || {
            let graph = designs.graph();
            let old = designs.version(id)?;
            let asked = number(&value.number)?;
            let new = spec(value, asked);
            old.check_edit(&new, designs.object(old.object)?, &graph)?;
            let is_draft = old.state == State::Draft;
            let authors = if is_draft { old.authors_with(&by) } else { old.authors.clone() };
            let version = Version { spec: new, authors, updated_at_ms: now_ms, updated_by: by, ..old.clone() };
            Ok((old.clone(), version, graph.label(id)))
        });
        let (old, version, label) = changed.await?;
        edit.tx.update_design_version(&version, seen_at).await?;
        let summary = format!("changed {label}");
        let done = done("design.version_update", version.object, &summary);
        edit.finish(done.before(&shown::version_config(&old.spec)).after(&shown::version_config(&version.spec)))
            .await?;
        self.design_version_view(id, caller).await
    }

    /// Removes a draft that nothing is built on.
    ///
    /// # Errors
    /// The caller may not, there is none, it must stay or is stale, or the database's.
    pub async fn delete_design_version(&self, caller: &Caller, id: DesignVersionId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let (old, graph) = (designs.version(id)?, designs.graph());
        check_delete(old.state, &graph.users(id))?;
        edit.tx.delete_design_version(id, seen(revision)).await?;
        let summary = format!("removed {}", graph.label(id));
        let done = done("design.version_delete", old.object, &summary).before(&shown::version_config(&old.spec));
        edit.finish(done).await
    }

    /// Takes a version one step on, or back.
    ///
    /// # Errors
    /// The caller may not, there is none, something stands in the way, the revision is stale, or the database's.
    pub async fn move_design_version(
        &self,
        caller: &Caller,
        id: DesignVersionId,
        input: Edit<DesignMove>,
    ) -> Result<DesignVersionView> {
        let permit = caller.permit(Right::CatalogWrite)?;
        let by = By::of(caller);
        let world = self.world().await?;
        let mut edit = self.edit(permit).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let now_ms = edit.now_ms;
        let (seen_at, step) = (seen(input.revision), input.value);
        let known = designs.clone();
        let moved = checked(move || {
            let (graph, old) = (designs.graph(), designs.version(id)?);
            let facts = designs.facts(old, &graph);
            let carried = Carried::of(&world, &designs, |_| true);
            let lately = Lately::of(old, &facts, &designs, &carried);
            let not_reviewed = by.refusal(old);
            let context = Context {
                now_ms,
                by: &by.name,
                not_reviewed: not_reviewed.as_deref(),
                reason: &step.reason,
                has_consent: step.has_consent,
                is_forced: step.is_forced,
                clients: lately.clients,
                hurt: &lately.hurt,
                ..facts.context()
            };
            let (version, warnings) = old.moved(shown::state_of(step.to), &context)?;
            let enters = enters(&version, &designs, &graph)?;
            let served = served_before(&version, &graph).filter(|_| version.state == State::InReview);
            let served = served.map(|served| {
                let level = designs.level_of(&version, &graph);
                (served.clone(), between_versions(&graph, level, served, &version).sentence)
            });
            Ok((old.state, version, warnings, graph.label(id), enters, served))
        });
        let (from, version, warnings, label, enters, served) = moved.await?;
        let warned = if warnings.is_empty() { String::new() } else { format!(" ({})", warnings.join("; ")) };
        let summary = format!("took {label} from {from} to {}{warned}", version.state);
        self.enforce_contracts(&mut edit, &known, Edited::Version(&version), "state", &summary).await?;
        edit.tx.update_design_version(&version, seen_at).await?;
        if let Some(content) = enters {
            self.register_released(&mut edit.tx, &known, &version, content).await?;
        }
        let watchers = edit.tx.watchers(version.object).await?;
        let domains = edit.tx.application_domains(self.environment()).await?;
        let holders = self.snapshot().await?.holders(version.object);
        let by = edit.actor();
        let taken = Step { from, version: &version, label: &label, by, watchers: &watchers, holders: &holders };
        let announced = served.as_ref().filter(|_| !holders.is_empty());
        let announced = announced.and_then(|(served, said)| taken.announcement(&known, (served, said)));
        for news in taken.news(&known, &domains).into_iter().chain(announced) {
            edit.notify(&news).await?;
        }
        let done = done("design.move", version.object, &summary);
        edit.finish(done.before(&step_of(from, "")).after(&step_of(version.state, &version.state_reason))).await?;
        self.design_version_view(id, caller).await
    }

    /// How two versions of an object differ.
    ///
    /// # Errors
    /// The caller may not, there is none, they are of two objects, or the database's.
    pub async fn design_difference(&self, caller: &Caller, query: DesignDifferenceQuery) -> Result<DesignDifference> {
        caller.permit(Right::Read)?;
        let (designs, sight) = (self.designs().await?, self.snapshot().await?.sight(caller));
        checked(move || {
            let (from, to) = (designs.version(query.from)?, designs.version(query.to)?);
            if from.object != to.object {
                return Err(wrong("to", "is a version of another object: choose two of one"));
            }
            designs.must_see(&sight, from.object)?;
            let graph = designs.graph();
            let level = query.level.map_or_else(|| designs.level_of(to, &graph), shown::level_of);
            Ok(shown::difference(between_versions(&graph, level, from, to)))
        })
        .await
    }
}

/// Work on schemas, which may be large, beside the requests of others.
pub(in crate::app) async fn checked<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Internal("a version could not be checked"))?
}

fn number(text: &str) -> Result<Number> {
    text.trim().parse().map_err(|error| wrong("number", error))
}

/// The number that fits what a new version changes against the latest one.
fn next_number(version: &Version, designs: &Designs, graph: &Graph<'_>) -> Result<Number> {
    let others = graph.versions(version.object);
    let class = others.last().map_or(Class::Compatible, |latest| {
        between_versions(graph, designs.level_of(version, graph), latest, version).class.unwrap_or(Class::Cosmetic)
    });
    let known = others.iter().map(|other| other.spec.number);
    suggest(known, class).ok_or_else(|| wrong("number", "none is left: make a new object"))
}

fn spec(input: DesignVersionInput, number: Number) -> VersionSpec {
    let spec = VersionSpec {
        number,
        description: input.description,
        content: shown::content_of(input.content),
        end_of_life_at_ms: input.end_of_life_at,
        replacement: input.replacement,
    };
    spec.tidied()
}

fn step_of(state: State, reason: &str) -> serde_json::Value {
    serde_json::json!({ "state": state, "reason": reason })
}

/// What a schema that is released now says, for its subject; none = it is no schema, or there already.
fn enters(version: &Version, designs: &Designs, graph: &Graph<'_>) -> Result<Option<String>> {
    let is_new = version.state == State::Released && designs.registry.of_design(version.id).is_none();
    if is_new { content(version, graph) } else { Ok(None) }
}

/// The newest version that is served while another one is on its way.
fn served_before<'a>(version: &Version, graph: &Graph<'a>) -> Option<&'a Version> {
    let served =
        |other: &&&Version| other.id != version.id && matches!(other.state, State::Released | State::Deprecated);
    graph.versions(version.object).iter().filter(served).max_by_key(|other| other.spec.number).copied()
}

/// What a schema says, as ids tell schemas apart; none = it is another kind of version.
pub(in crate::app) fn content(version: &Version, graph: &Graph<'_>) -> Result<Option<String>> {
    let Content::Schema(schema) = &version.spec.content else { return Ok(None) };
    let parsed = graph.schema(Some(version.id), schema)?;
    Ok(Some(fingerprint(schema.format, parsed.canonical(), &schema.references)))
}

/// Who was seen using a version.
fn live(version: &Version, designs: &Designs, carried: &Carried<'_>, sight: &Sight) -> DesignLive {
    let users = carried.users(Wanted::Design(version), designs, sight);
    DesignLive {
        producers: users.producers,
        consumers: users.consumers,
        left_out: users.left_out,
        is_untold: matches!(version.spec.content, Content::Event(_))
            && version.state.is_live()
            && !is_only_one(version, designs),
    }
}

/// Who asks for a step.
#[derive(Clone, Debug)]
pub(in crate::app) struct By {
    name: String,
    is_person: bool,
    may_review: bool,
}

impl By {
    pub(in crate::app) fn of(caller: &Caller) -> Self {
        let name = caller.signed_in().map(|permit| permit.actor().to_owned()).unwrap_or_default();
        let may_review = caller.permit(Right::CatalogReview).is_ok();
        Self { name, is_person: matches!(caller, Caller::Person { .. }), may_review }
    }

    pub(in crate::app) fn reviewer(&self) -> Reviewer<'_> {
        Reviewer { name: &self.name, is_person: self.is_person, may_review: self.may_review }
    }

    /// Why they may not release a version.
    fn refusal(&self, version: &Version) -> Option<String> {
        version.check_reviewer(self.reviewer()).err()
    }
}

/// What traffic says of a step, whoever asks: clients that were seen lately.
#[derive(Debug)]
struct Lately {
    /// How many use the version.
    clients: u64,
    /// Who takes the version that it changes.
    hurt: Vec<String>,
}

impl Lately {
    fn of(version: &Version, facts: &Facts, designs: &Designs, carried: &Carried<'_>) -> Self {
        let seen = |version: &Version| carried.clients(Wanted::Design(version), designs, &Sight::default());
        let since = facts.change.filter(|change| change.class == Class::Breaking).and_then(|change| {
            let is_it = |other: &&Version| other.object == version.object && other.spec.number == change.since;
            designs.versions.iter().find(is_it)
        });
        let hurt = since.map(|since| seen(since).consumers).unwrap_or_default().into_iter().map(|(name, _)| name);
        let mut hurt: Vec<String> = hurt.collect();
        hurt.dedup();
        let clients = seen(version);
        Self { clients: (clients.producers.len() + clients.consumers.len()) as u64, hurt }
    }
}

fn view(
    version: &Version,
    (designs, graph): (&Designs, &Graph<'_>),
    live: DesignLive,
    carried: &Carried<'_>,
    (by, now_ms): (&By, i64),
) -> Result<DesignVersionView> {
    let (object, facts) = (designs.object(version.object)?, designs.facts(version, graph));
    let lately = Lately::of(version, &facts, designs, carried);
    let needs = version.spec.content.needs().into_iter().map(|need| (need.field, need.version));
    let users = graph.used_by(version.id).into_iter().flat_map(|user| {
        let fields = user.spec.content.needs().into_iter().filter(|need| need.version == version.id);
        fields.map(|need| (need.field, user.id)).collect::<Vec<_>>()
    });
    let reference = |(field, id): (&'static str, DesignVersionId)| DesignReference {
        field: field.to_owned(),
        object: graph.version(id).map(|other| other.object),
        version: id,
        label: graph.label(id),
        state: shown::state(graph.version(id).map_or(State::Retired, |other| other.state)),
    };
    let payload = payload(version, graph);
    let fields = payload.as_ref().map(mesh_schema::Schema::fields).unwrap_or_default();
    let example = payload.and_then(|schema| schema.example().ok()).map(|value| format!("{value:#}"));
    Ok(DesignVersionView {
        id: version.id,
        revision: revision(version.revision),
        object: object.id,
        object_name: object.spec.name.clone(),
        kind: shown::kind(object.kind),
        config: shown::version_config(&version.spec),
        state: shown::state(version.state),
        state_reason: version.state_reason.clone(),
        needs: needs.map(reference).collect(),
        users: users.map(reference).collect(),
        live,
        more_fields: fields.len().saturating_sub(FIELDS_SHOWN) as u64,
        fields: fields.into_iter().take(FIELDS_SHOWN).map(field).collect(),
        tagged: graph.tagged(version).into_iter().map(tagged).collect(),
        example,
        steps: State::ALL.into_iter().filter_map(|to| step(version, to, &facts, &lately, by, now_ms)).collect(),
        created_at: version.created_at_ms,
        created_by: version.created_by.clone(),
        authors: version.authors.clone(),
        updated_at: version.updated_at_ms,
        updated_by: version.updated_by.clone(),
    })
}

/// A step that exists from here, with what stands in its way.
fn step(version: &Version, to: State, facts: &Facts, lately: &Lately, by: &By, now_ms: i64) -> Option<DesignStep> {
    if !version.state.leads_to(to) {
        return None;
    }
    let end_of_life_at_ms = version.spec.end_of_life_at_ms;
    let not_reviewed = by.refusal(version);
    let asked = |reason: &'static str| {
        let context = Context {
            now_ms,
            reason,
            end_of_life_at_ms,
            not_reviewed: not_reviewed.as_deref(),
            clients: lately.clients,
            hurt: &lately.hurt,
            ..facts.context()
        };
        transition(version.state, to, &context)
    };
    // What is wrong whatever reason is given; and whether one must be given.
    let with_reason = asked("a reason");
    let without = asked("");
    let needs_reason = without.as_ref().is_err_and(|errors| errors.0.contains_key("reason"));
    let (problems, warnings) = match with_reason {
        Ok(warnings) => (Vec::new(), warnings),
        Err(errors) => (errors.0.into_iter().collect(), Vec::new()),
    };
    Some(DesignStep { to: shown::state(to), needs_reason, problems, warnings })
}

fn tagged(tagged: Tagged) -> DesignTagged {
    DesignTagged { part: tagged.part.to_owned(), path: tagged.path, tags: tagged.tags }
}

/// As the payload is sent in each language.
pub(in crate::app) const fn content_type(format: Format) -> &'static str {
    match format {
        Format::Avro => "application/vnd.apache.avro",
        Format::JsonSchema => "application/json",
        Format::Protobuf => "application/x-protobuf",
    }
}

/// The schema of a schema version, or of an event's payload.
pub(in crate::app) fn payload(version: &Version, graph: &Graph<'_>) -> Option<mesh_schema::Schema> {
    let (id, schema) = match &version.spec.content {
        Content::Schema(schema) => (version.id, schema),
        Content::Event(event) => match (event.schema?, &graph.version(event.schema?)?.spec.content) {
            (id, Content::Schema(schema)) => (id, schema),
            _ => return None,
        },
        Content::Application(_) | Content::EventApi(_) | Content::Product(_) => return None,
    };
    graph.schema(Some(id), schema).ok()
}
