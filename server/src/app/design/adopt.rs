//! What is designed beside what was seen: each shows the other, and what is only seen becomes a design.

use frontend::api::{AdoptInput, DesignObjectView, DesignedAs, SeenAs};
use mesh_protocol::id::{DesignObjectId, DesignVersionId};
use uuid::Uuid;

use super::{Designs, done, shown, wrong};
use crate::app::catalog::{Entry, ObjectKey, read_id};
use crate::app::observed::World;
use crate::app::permission::Right;
use crate::app::sight::Sight;
use crate::app::{App, Caller, Error, Result};
use crate::domain::design::{
    Content, Event, Fit, Graph, Kind, Number, Object, Schema, Sharing, Spec, Validation, Version, VersionSpec,
    events_of, fit, standing, topics,
};
use crate::domain::registry::object_name;
use mesh_schema::Format;

/// How a subject goes on behind the name of its Kafka topic, by the strategy that serializers have when nobody chose one.
const OF_TOPIC: [&str; 2] = ["-value", "-key"];

/// What was designed of something that was seen, as far as it is in sight.
pub(in crate::app) fn designed_as(entry: &Entry, designs: &Designs, sight: &Sight) -> Vec<DesignedAs> {
    let graph = designs.graph();
    let row = |object: &Object, fit: Fit| {
        let version = standing(graph.versions(object.id));
        DesignedAs {
            object: object.id,
            name: object.spec.name.clone(),
            kind: shown::kind(object.kind),
            version: version.map(|version| version.id),
            number: version.map(|version| version.spec.number.to_string()).unwrap_or_default(),
            state: version.map(|version| shown::state(version.state)),
            whole: fit == Fit::Whole,
        }
    };
    match (&entry.key, &entry.pattern) {
        (ObjectKey::Topic(_, name), _) => {
            let subject = |end: &&str| designs.registry.subject(&format!("{name}{end}"))?.object;
            let objects = OF_TOPIC.iter().filter_map(subject).filter_map(|id| designs.object(id).ok());
            objects.filter(|object| sight.sees_design(object)).map(|object| row(object, Fit::Whole)).collect()
        }
        (_, Some(pattern)) => {
            let bound = events_of(pattern, &designs.objects, &graph).into_iter();
            bound.filter(|(_, object, _)| sight.sees_design(object)).map(|(fit, object, _)| row(object, fit)).collect()
        }
        _ => Vec::new(),
    }
}

/// What was seen of a design, as far as it is in sight.
pub(super) fn seen_as(object: &Object, designs: &Designs, world: &World, sight: &Sight) -> Vec<SeenAs> {
    let graph = designs.graph();
    let of_event = standing(graph.versions(object.id)).and_then(topics);
    let of_schema = designs.registry.subject_of(object.id).map(|subject| subject.name.as_str());
    let fits = |entry: &Entry| match &entry.key {
        ObjectKey::Address(_) => fit(of_event.as_ref()?, entry.pattern.as_ref()?),
        ObjectKey::Topic(_, name) => {
            let rest = of_schema?.strip_prefix(name.as_str())?;
            OF_TOPIC.contains(&rest).then_some(Fit::Whole)
        }
        _ => None,
    };
    let seen = world.catalog().iter().filter(|entry| sight.sees(entry.domain) && !entry.row.gone);
    let fitting = seen.filter_map(|entry| {
        let fit = fits(entry)?;
        Some(SeenAs { first_seen: entry.first_seen, row: entry.row.clone(), whole: fit == Fit::Whole })
    });
    fitting.collect()
}

impl App {
    /// Makes a designed event of an address that was seen, with a draft of its first version.
    ///
    /// # Errors
    /// The caller may not, there is no such address, an event has it already, the input is wrong, or the database's.
    pub async fn adopt_catalog_object(
        &self,
        caller: &Caller,
        id: String,
        input: AdoptInput,
    ) -> Result<DesignObjectView> {
        let permit = caller.permit(Right::CatalogWrite)?;
        let key = read_id(&id)?;
        let world = self.world().await?;
        let entry = world.catalog().get(&key).ok_or(Error::NotFound { what: "catalog object" })?;
        let (ObjectKey::Address(address), Some(pattern)) = (&entry.key, &entry.pattern) else {
            return Err(Error::Conflict(
                "only event addresses become events: register the schema of a Kafka topic under its name".to_owned(),
            ));
        };
        let mut edit = self.edit(permit).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let graph = designs.graph();
        let taken = events_of(pattern, &designs.objects, &graph).into_iter().find(|(fit, ..)| *fit == Fit::Whole);
        if let Some((_, event, _)) = taken {
            return Err(Error::Conflict(format!("it is an address of the event {} already", event.spec.name)));
        }
        // Who answers for it by its domain does so for the event, too.
        let owner = if entry.row.owner_by_domain { String::new() } else { entry.row.owner.clone() };
        let spec = Spec {
            name: input.name,
            domain: input.domain,
            owner,
            people: Vec::new(),
            tags: Vec::new(),
            attributes: std::collections::BTreeMap::new(),
            document: entry.row.description.clone(),
            sharing: Sharing::Domain,
            validation: Validation::default(),
        };
        let spec = spec.tidied();
        self.check_object(&mut edit.tx, Kind::Event, None, &spec, &designs).await?;
        let (by, now_ms) = (edit.actor().to_owned(), edit.now_ms);
        let schema = match input.with_schema {
            true => Some(self.seen_schema(address, &spec, &designs, (&by, now_ms)).await?),
            false => None,
        };
        let (mut objects, mut versions) = (designs.objects.clone(), designs.versions.clone());
        if let Some((object, version)) = &schema {
            objects.push(object.clone());
            versions.push(version.clone());
        }
        let object = Object::new(DesignObjectId(Uuid::now_v7()), Kind::Event, spec, &by, now_ms);
        let content = Event {
            address: address.clone(),
            schema: schema.as_ref().map(|(_, version)| version.id),
            ..Event::default()
        };
        let version = first_draft(&object, Content::Event(content), &by, now_ms);
        version.spec.check(&object, None, &Graph::of(&objects, &versions))?;
        if let Some((schema, text)) = &schema {
            edit.tx.insert_design_object(self.environment(), schema).await?;
            edit.tx.insert_design_version(text).await?;
            let summary = format!("made the schema {} of the payloads at {address}", schema.spec.name);
            edit.also(done("design.adopt", schema.id, &summary).after(&shown::config(&schema.spec))).await?;
        }
        edit.tx.insert_design_object(self.environment(), &object).await?;
        edit.tx.insert_design_version(&version).await?;
        let summary = format!("adopted {address} as the event {}", object.spec.name);
        edit.finish(done("design.adopt", object.id, &summary).after(&shown::config(&object.spec))).await?;
        self.design_object_view(object.id).await
    }

    /// A schema of what the payloads at an address were seen to look like, called as the event is.
    async fn seen_schema(
        &self,
        address: &str,
        event: &Spec,
        designs: &Designs,
        (by, now_ms): (&str, i64),
    ) -> Result<(Object, Version)> {
        let Some((text, payloads)) = self.schema_at(&[address]).await? else {
            return Err(wrong("with_schema", "cannot be: no JSON payload was looked at there so far"));
        };
        let spec = inferred_spec(event, &designs.objects, payloads);
        let object = Object::new(DesignObjectId(Uuid::now_v7()), Kind::Schema, spec, by, now_ms);
        let version = first_draft(&object, inferred(text), by, now_ms);
        version.spec.check(&object, None, &designs.graph())?;
        Ok((object, version))
    }
}

/// What a schema is that is made of payloads.
pub(super) fn inferred(text: String) -> Content {
    Content::Schema(Schema { format: Format::JsonSchema, text, references: Vec::new() })
}

/// How such a schema is called: as the event whose it is, with a number where that is taken.
pub(super) fn inferred_spec(event: &Spec, objects: &[Object], payloads: u64) -> Spec {
    let is_taken = |name: &str| {
        objects
            .iter()
            .any(|object| object.kind == Kind::Schema && object.spec.domain == event.domain && object.spec.name == name)
    };
    Spec {
        name: object_name(&event.name, is_taken),
        domain: event.domain,
        owner: event.owner.clone(),
        people: Vec::new(),
        tags: Vec::new(),
        attributes: std::collections::BTreeMap::new(),
        document: match payloads {
            0 => "Made of what payloads were seen to look like.".to_owned(),
            1 => "Made of what 1 payload was seen to look like.".to_owned(),
            payloads => format!("Made of what {payloads} payloads were seen to look like."),
        },
        sharing: event.sharing,
        validation: Validation::default(),
    }
}

/// The draft of an object's first version.
pub(super) fn first_draft(object: &Object, content: Content, by: &str, now_ms: i64) -> Version {
    let first = VersionSpec {
        number: Number::FIRST,
        description: String::new(),
        content,
        end_of_life_at_ms: None,
        replacement: None,
    };
    Version::draft(DesignVersionId(Uuid::now_v7()), object.id, first, by, now_ms)
}
