//! Designs of what was seen, many at once: domains, schemas, events and applications with a draft of version 1.0.0 each.

use std::collections::{BTreeMap, HashMap};

use frontend::api::{
    ApplicationDomainInput, DRIFT_TASK_MAX, DriftApplicationInput, DriftDone, DriftEventInput, DriftLine, LiveTopic,
};
use mesh_protocol::id::{ApplicationDomainId, DesignObjectId, DesignVersionId};
use uuid::Uuid;

use super::super::adopt::{first_draft, inferred, inferred_spec};
use super::super::shown;
use super::scene::Scene;
use super::task::Plan;
use crate::app::application_domain;
use crate::app::edit::{Done, Edit};
use crate::app::{App, Error, Result};
use crate::domain::application_domain::ApplicationDomain;
use crate::domain::design::drift::Index;
use crate::domain::design::{
    Address, Application, Content, Event, Fit, Graph, Kind, Object, Sharing, Spec, Validation, Version, standing,
    topics,
};
use crate::domain::field::FieldErrors;

/// What was checked, or why it cannot be, for people.
type Checked<T> = std::result::Result<T, String>;

/// What is to be made.
#[derive(Default)]
pub(super) struct Made {
    domains: Vec<ApplicationDomain>,
    /// With their first versions, events before the applications that use them.
    objects: Vec<(Object, Version)>,
}

/// What a task asks for.
pub(super) struct Wanted<'a> {
    pub(super) domains: &'a [ApplicationDomainInput],
    pub(super) events: &'a [DriftEventInput],
    pub(super) applications: &'a [DriftApplicationInput],
}

/// Builds up what is made, line by line; each is checked beside all that is there and all that was made before it.
struct Builder<'a> {
    scene: &'a Scene,
    by: &'a str,
    now_ms: i64,
    domains: Vec<ApplicationDomain>,
    objects: Vec<Object>,
    /// Versions that are there and new ones.
    versions: Vec<Version>,
    /// Events by the filters of their addresses; numbers are places in `known`.
    index: Index<usize>,
    known: Vec<(DesignVersionId, String)>,
    by_address: HashMap<String, DesignVersionId>,
    made: Made,
    lines: Vec<DriftLine>,
}

pub(super) fn plan(scene: &Scene, wanted: &Wanted<'_>, by: &str) -> Result<Plan<Made>> {
    let number = wanted.domains.len() + wanted.events.len() + wanted.applications.len();
    if number > DRIFT_TASK_MAX {
        let message = format!("name more than {DRIFT_TASK_MAX} things to make: adopt some of them first");
        return Err(FieldErrors::one("events", message).into());
    }
    if number == 0 {
        return Err(FieldErrors::one("events", "name nothing to make: choose some").into());
    }
    let mut builder = Builder::of(scene, by);
    wanted.domains.iter().for_each(|input| builder.domain(input));
    builder.events(wanted.events);
    builder.applications(wanted.applications);
    let Builder { made, lines, .. } = builder;
    let basis = (wanted.domains, wanted.events, wanted.applications);
    Ok(Plan::new(lines, made, &basis))
}

impl<'a> Builder<'a> {
    fn of(scene: &'a Scene, by: &'a str) -> Self {
        let designs = &scene.designs;
        let mut builder = Self {
            scene,
            by,
            now_ms: scene.world.now_ms(),
            domains: scene.world.config.domains.clone(),
            objects: designs.objects.clone(),
            versions: Vec::new(),
            index: Index::default(),
            known: Vec::new(),
            by_address: HashMap::new(),
            made: Made::default(),
            lines: Vec::new(),
        };
        let graph = designs.graph();
        for object in designs.objects.iter().filter(|object| object.kind == Kind::Event) {
            if let Some(version) = standing(graph.versions(object.id)) {
                builder.know(version, &object.spec.name);
            }
        }
        builder
    }

    /// An event that addresses are compared with.
    fn know(&mut self, version: &Version, name: &str) {
        let (Some(filter), Content::Event(event)) = (topics(version), &version.spec.content) else { return };
        self.index.insert(filter, self.known.len());
        self.known.push((version.id, name.to_owned()));
        self.by_address.entry(event.address.clone()).or_insert(version.id);
    }

    fn line(&mut self, what: String, detail: String, checked: Checked<()>) {
        self.lines.push(DriftLine { what, detail, rule: None, conflict: checked.err() });
    }

    fn domain(&mut self, input: &ApplicationDomainInput) {
        let spec = application_domain::spec(input.clone()).tidied();
        let claims: Vec<&str> = spec.topics.iter().chain(&spec.kafka_topics).map(String::as_str).collect();
        let detail =
            if claims.is_empty() { "claims nothing".to_owned() } else { format!("claims {}", claims.join(", ")) };
        let is_taken = self.domains.iter().any(|other| other.spec.name == spec.name);
        let checked = match spec.check(None, &self.domains) {
            Err(errors) => Err(cannot(&errors)),
            Ok(()) if is_taken => Err("has the name of a domain that is there: use that one".to_owned()),
            Ok(()) => Ok(()),
        };
        self.line(format!("domain {}", spec.name), detail, checked.clone());
        if checked.is_ok() {
            let domain = ApplicationDomain {
                id: ApplicationDomainId(Uuid::now_v7()),
                spec,
                revision: 1,
                updated_at_ms: self.now_ms,
                updated_by: self.by.to_owned(),
            };
            self.domains.push(domain.clone());
            self.made.domains.push(domain);
        }
    }

    fn events(&mut self, inputs: &[DriftEventInput]) {
        let scene = self.scene;
        let graph = scene.designs.graph();
        let schemas: Vec<Option<DesignVersionId>> = inputs.iter().map(|input| self.schema(input, &graph)).collect();
        // References are checked against all that is there and the schemas that were made here.
        let (objects, versions): (Vec<Object>, Vec<Version>);
        let graph = if self.made.objects.is_empty() {
            graph
        } else {
            objects = self.objects.clone();
            versions = scene.designs.versions.iter().chain(&self.versions).cloned().collect();
            Graph::of(&objects, &versions)
        };
        for (input, schema) in inputs.iter().zip(schemas) {
            self.event(&DriftEventInput { schema: schema.or(input.schema), ..input.clone() }, &graph);
        }
    }

    /// The schema that is made with an event, if one is.
    fn schema(&mut self, input: &DriftEventInput, graph: &Graph<'_>) -> Option<DesignVersionId> {
        let text = input.schema_text.as_ref().filter(|_| input.schema.is_none())?;
        // Without a domain the event is not made either, and says so.
        let domain = self.domains.iter().find(|found| found.spec.name == input.domain.trim())?.id;
        let event = event_spec(input, domain);
        let spec = inferred_spec(&event, &self.objects, 0);
        let what = format!("schema {} in {}", spec.name, input.domain.trim());
        let detail =
            format!("1.0.0 as a draft of a JSON Schema, of what payloads at {} look like", input.address.trim());
        match self.checked(Kind::Schema, spec, inferred(text.clone()), graph) {
            Ok((object, version)) => {
                let id = version.id;
                self.keep(object, version);
                self.line(what, detail, Ok(()));
                Some(id)
            }
            Err(conflict) => {
                self.line(what, detail, Err(conflict));
                None
            }
        }
    }

    fn event(&mut self, input: &DriftEventInput, graph: &Graph<'_>) {
        let what = format!("event {} in {}", input.name.trim(), input.domain.trim());
        let detail = event_detail(input, graph);
        let content = Content::Event(Event {
            address: input.address.trim().to_owned(),
            schema: input.schema,
            key_schema: input.key_schema,
            headers_schema: None,
        });
        let taken = Address::parse(input.address.trim()).ok().and_then(|address| self.taken(&address));
        let checked = match taken {
            Some(event) => Err(format!("cannot be made: {} is an address of the event {event} already", input.address)),
            None => self
                .home(&input.domain)
                .and_then(|domain| self.checked(Kind::Event, event_spec(input, domain), content, graph)),
        };
        match checked {
            Ok((object, version)) => {
                self.know(&version, &object.spec.name);
                self.keep(object, version);
                self.line(what, detail, Ok(()));
            }
            Err(conflict) => self.line(what, detail, Err(conflict)),
        }
    }

    /// The event that has all of an address.
    fn taken(&self, address: &Address<'_>) -> Option<&str> {
        let mut found = None;
        self.index.fitting(&address.filter(), &mut |fit, at: &usize| {
            if fit == Fit::Whole {
                found = Some(*at);
            }
        });
        found.map(|at| self.known[at].1.as_str())
    }

    fn applications(&mut self, inputs: &[DriftApplicationInput]) {
        if inputs.is_empty() {
            return;
        }
        // References are checked against all that is there and all that was made here.
        let versions: Vec<Version> = self.scene.designs.versions.iter().chain(&self.versions).cloned().collect();
        let objects = self.objects.clone();
        let graph = Graph::of(&objects, &versions);
        for input in inputs {
            let what = format!("application {} in {}", input.name.trim(), input.domain.trim());
            let detail = application_detail(input);
            let checked = self.application(input, &graph);
            match checked {
                Ok((object, version)) => {
                    self.keep(object, version);
                    self.line(what, detail, Ok(()));
                }
                Err(conflict) => self.line(what, detail, Err(conflict)),
            }
        }
    }

    fn application(&self, input: &DriftApplicationInput, graph: &Graph<'_>) -> Checked<(Object, Version)> {
        let find = |addresses: &[String]| -> Checked<Vec<DesignVersionId>> {
            let find = |address: &String| self.event_at(address.trim());
            let mut found = addresses.iter().map(find).collect::<Checked<Vec<_>>>()?;
            found.sort_unstable();
            found.dedup();
            Ok(found)
        };
        let content = Application { publishes: find(&input.publishes)?, consumes: find(&input.consumes)? };
        let spec = Spec {
            name: input.name.clone(),
            domain: self.home(&input.domain)?,
            owner: input.owner.clone(),
            document: input.description.trim().to_owned(),
            ..plain_spec()
        };
        self.checked(Kind::Application, spec, Content::Application(content), graph)
    }

    /// The version that stands for the event of an address: the one that was written so, else one that has all of it.
    fn event_at(&self, address: &str) -> Checked<DesignVersionId> {
        if let Some(id) = self.by_address.get(address) {
            return Ok(*id);
        }
        let none = || format!("cannot be made: no event has the address {address}; adopt that, too, or leave it out");
        let filter = Address::parse(address).map_err(|_| none())?.filter();
        let mut found = None;
        self.index.fitting(&filter, &mut |fit, at: &usize| {
            if fit == Fit::Whole {
                found = Some(self.known[*at].0);
            }
        });
        found.ok_or_else(none)
    }

    /// The domain of a name.
    fn home(&self, domain: &str) -> Checked<ApplicationDomainId> {
        let domain = domain.trim();
        let found = self.domains.iter().find(|found| found.spec.name == domain).map(|found| found.id);
        found.ok_or_else(|| {
            format!("cannot be made: there is no domain {domain}; make it with the others, or choose one")
        })
    }

    /// An object with its first version, checked beside all others.
    fn checked(&self, kind: Kind, spec: Spec, content: Content, graph: &Graph<'_>) -> Checked<(Object, Version)> {
        let spec = spec.tidied();
        spec.check(kind, None, &self.objects).map_err(|errors| cannot(&errors))?;
        let object = Object::new(DesignObjectId(Uuid::now_v7()), kind, spec, self.by, self.now_ms);
        let version = first_draft(&object, content, self.by, self.now_ms);
        version.spec.check(&object, None, graph).map_err(|errors| cannot(&errors))?;
        Ok((object, version))
    }

    fn keep(&mut self, object: Object, version: Version) {
        self.objects.push(object.clone());
        self.versions.push(version.clone());
        self.made.objects.push((object, version));
    }
}

/// A spec that says nothing yet.
fn plain_spec() -> Spec {
    Spec {
        name: String::new(),
        domain: ApplicationDomainId(Uuid::nil()),
        owner: String::new(),
        people: Vec::new(),
        tags: Vec::new(),
        attributes: BTreeMap::new(),
        document: String::new(),
        sharing: Sharing::Domain,
        validation: Validation::default(),
    }
}

fn event_spec(input: &DriftEventInput, domain: ApplicationDomainId) -> Spec {
    Spec {
        name: input.name.clone(),
        domain,
        owner: input.owner.clone(),
        document: input.description.trim().to_owned(),
        sharing: if input.shared { Sharing::Shared } else { Sharing::Domain },
        validation: Validation::default(),
        ..plain_spec()
    }
}

fn cannot(errors: &FieldErrors) -> String {
    let told: Vec<String> =
        errors.0.iter().map(|(field, message)| format!("{} {message}", field.replace('_', " "))).collect();
    format!("cannot be made: {}", told.join("; "))
}

fn event_detail(input: &DriftEventInput, graph: &Graph<'_>) -> String {
    let mut parts = vec![format!("1.0.0 as a draft at {}", input.address.trim())];
    parts.extend(input.schema.map(|id| format!("payload by {}", graph.name(id))));
    parts.extend(input.key_schema.map(|id| format!("key by {}", graph.name(id))));
    parts.extend(owned_by(&input.owner));
    if input.shared {
        parts.push("shared with all domains".to_owned());
    }
    parts.join(", ")
}

fn application_detail(input: &DriftApplicationInput) -> String {
    let list =
        |verb: &str, addresses: &[String]| (!addresses.is_empty()).then(|| format!("{verb} {}", addresses.join(" ")));
    let mut parts = vec!["1.0.0 as a draft".to_owned()];
    parts.extend(list("publishes", &input.publishes));
    parts.extend(list("consumes", &input.consumes));
    parts.extend(owned_by(&input.owner));
    parts.join(", ")
}

fn owned_by(owner: &str) -> Option<String> {
    let owner = owner.trim();
    (!owner.is_empty()).then(|| format!("owned by {owner}"))
}

/// One thing that was made, for the audit trail.
struct Noted {
    action: &'static str,
    object: String,
    summary: String,
    after: serde_json::Value,
}

impl Noted {
    fn done(&self) -> Done<'_> {
        Done::new(self.action, &self.object, &self.summary, LiveTopic::Catalog).after(&self.after)
    }
}

/// Writes all of it, with an audit entry for each.
pub(super) async fn make(app: &App, mut edit: Edit, made: &Made) -> Result<DriftDone> {
    let mut noted = Vec::new();
    for domain in &made.domains {
        edit.tx.insert_application_domain(app.environment(), domain).await?;
        noted.push(Noted {
            action: "domain.create",
            object: domain.id.to_string(),
            summary: format!("added the domain {}", domain.spec.name),
            after: serde_json::json!(application_domain::config(&domain.spec)),
        });
    }
    for (object, version) in &made.objects {
        edit.tx.insert_design_object(app.environment(), object).await?;
        edit.tx.insert_design_version(version).await?;
        let of = match &version.spec.content {
            Content::Event(event) => event.address.as_str(),
            Content::Schema(_) => "what payloads look like",
            Content::Application(_) | Content::EventApi(_) | Content::Product(_) => "what its clients do",
        };
        noted.push(Noted {
            action: "design.adopt",
            object: object.id.to_string(),
            summary: format!("adopted {of} as the {} {}", object.kind, object.spec.name),
            after: serde_json::json!(shown::config(&object.spec)),
        });
    }
    let Some((last, others)) = noted.split_last() else {
        return Err(Error::Internal("an adoption makes nothing"));
    };
    for one in others {
        edit.also(one.done()).await?;
    }
    edit.finish(last.done()).await?;
    Ok(DriftDone { made: noted.len() as u64, sentence: sentence(made) })
}

fn sentence(made: &Made) -> String {
    let kinds = |kind: Kind| made.objects.iter().filter(|(object, _)| object.kind == kind).count();
    let words = |number: usize, word: &str| match number {
        0 => None,
        1 => Some(format!("1 {word}")),
        more => Some(format!("{more} {word}s")),
    };
    let parts = [
        words(made.domains.len(), "domain"),
        words(kinds(Kind::Schema), "schema"),
        words(kinds(Kind::Event), "event"),
        words(kinds(Kind::Application), "application"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{} made", parts.join(", "))
}
