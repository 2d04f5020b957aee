//! Design objects as the API shows them, and what it sends back.

use std::collections::BTreeMap;

use frontend::api::{
    DesignClass, DesignContent, DesignDifference, DesignDifferenceRow, DesignKind, DesignLine, DesignObjectInput,
    DesignObjectView, DesignRegistered, DesignState, DesignSubject, DesignTextChange, DesignValidation,
    DesignVersionInput, DesignVersionRow, SchemaFormat, SchemaLevel,
};
use mesh_schema::{Format, Level};

use crate::app::person::shown;
use crate::app::snapshot::Snapshot;
use crate::domain::application_domain;
use crate::domain::design::{
    Application, Class, Content, Difference, Event, EventApi, Graph, Kind, Line, Object, Product, Schema,
    SchemaReference, Sharing, Spec, State, Validation, Version, VersionSpec,
};
use crate::domain::registry::Registry;

/// Pairs of a kind here and in the contract.
macro_rules! pairs {
    ($($to:ident, $back:ident: $ours:ident = $theirs:ident { $($name:ident),* })*) => {$(
        pub(in crate::app) const fn $to(of: $ours) -> $theirs {
            match of { $($ours::$name => $theirs::$name),* }
        }
        pub(in crate::app) const fn $back(of: $theirs) -> $ours {
            match of { $($theirs::$name => $ours::$name),* }
        }
    )*};
}

pairs! {
    kind, kind_of: Kind = DesignKind { Event, Schema, Application, EventApi, Product }
    state, state_of: State = DesignState { Draft, InReview, Released, Deprecated, Retired }
    validation, validation_of: Validation = DesignValidation { Unchecked, Reported, Diverted, Rejected }
    format, format_of: Format = SchemaFormat { Avro, JsonSchema, Protobuf }
    level, level_of: Level = SchemaLevel {
        None, Backward, Forward, Full, BackwardTransitive, ForwardTransitive, FullTransitive
    }
}

pub(in crate::app) const fn class(class: Class) -> DesignClass {
    match class {
        Class::Cosmetic => DesignClass::Cosmetic,
        Class::Compatible => DesignClass::Compatible,
        Class::Breaking => DesignClass::Breaking,
    }
}

/// An object with its versions, the highest number first.
pub(super) fn object(object: &Object, graph: &Graph<'_>, registry: &Registry, snapshot: &Snapshot) -> DesignObjectView {
    let domain = snapshot.domains.iter().find(|domain| domain.id == object.spec.domain);
    let of_domain = || domain.map(|domain| application_domain::owner(domain, &snapshot.domains).to_owned());
    let own = Some(object.spec.owner.clone()).filter(|owner| !owner.is_empty());
    let owner = own.or_else(of_domain).unwrap_or_default();
    DesignObjectView {
        id: object.id,
        revision: shown(object.revision),
        kind: kind(object.kind),
        config: config(&object.spec),
        domain_name: domain.map(|domain| domain.spec.name.clone()).unwrap_or_default(),
        team: snapshot.team_named(&owner),
        owner,
        versions: graph.versions(object.id).iter().rev().map(|version| row(version, registry)).collect(),
        subject: subject(object, registry),
        created_at: object.created_at_ms,
        created_by: object.created_by.clone(),
        updated_at: object.updated_at_ms,
        updated_by: object.updated_by.clone(),
        seen: Vec::new(),
        contract: None,
    }
}

fn subject(object: &Object, registry: &Registry) -> Option<DesignSubject> {
    let subject = registry.subject_of(object.id)?;
    Some(DesignSubject {
        name: subject.name.clone(),
        level: level(registry.level(&subject.name)),
        is_own_level: subject.level.is_some(),
        is_read_only: registry.mode(&subject.name).is_read_only(),
    })
}

fn row(version: &Version, registry: &Registry) -> DesignVersionRow {
    let registered = registry.of_design(version.id).map(|(_, listed)| listed.registered);
    DesignVersionRow {
        id: version.id,
        number: version.spec.number.to_string(),
        state: state(version.state),
        description: version.spec.description.clone(),
        end_of_life_at: version.spec.end_of_life_at_ms,
        registered: registered.map(|one| DesignRegistered { version: one.version, id: one.schema.get() }),
        producers: 0,
        consumers: 0,
        updated_at: version.updated_at_ms,
        updated_by: version.updated_by.clone(),
    }
}

pub(in crate::app) fn config(spec: &Spec) -> DesignObjectInput {
    DesignObjectInput {
        name: spec.name.clone(),
        domain: spec.domain,
        owner: spec.owner.clone(),
        people: spec.people.clone(),
        tags: spec.tags.clone(),
        attributes: spec.attributes.clone(),
        document: spec.document.clone(),
        shared: spec.sharing == Sharing::Shared,
        validation: validation(spec.validation),
    }
}

pub(super) fn version_config(spec: &VersionSpec) -> DesignVersionInput {
    DesignVersionInput {
        number: spec.number.to_string(),
        description: spec.description.clone(),
        content: content(&spec.content),
        end_of_life_at: spec.end_of_life_at_ms,
        replacement: spec.replacement,
    }
}

fn content(content: &Content) -> DesignContent {
    match content.clone() {
        Content::Event(Event { address, schema, key_schema, headers_schema }) => {
            DesignContent::Event { address, schema, key_schema, headers_schema }
        }
        Content::Schema(schema) => DesignContent::Schema {
            format: format(schema.format),
            text: schema.text,
            references: schema.references.into_iter().map(|one| (one.name, one.version)).collect(),
        },
        Content::Application(Application { publishes, consumes }) => DesignContent::Application { publishes, consumes },
        Content::EventApi(EventApi { sends, receives }) => DesignContent::EventApi { sends, receives },
        Content::Product(Product { apis }) => DesignContent::Product { apis },
    }
}

pub(super) fn content_of(content: DesignContent) -> Content {
    match content {
        DesignContent::Event { address, schema, key_schema, headers_schema } => {
            Content::Event(Event { address, schema, key_schema, headers_schema })
        }
        DesignContent::Schema { format, text, references } => {
            Content::Schema(Schema { format: format_of(format), text, references: references_of(references) })
        }
        DesignContent::Application { publishes, consumes } => Content::Application(Application { publishes, consumes }),
        DesignContent::EventApi { sends, receives } => Content::EventApi(EventApi { sends, receives }),
        DesignContent::Product { apis } => Content::Product(Product { apis }),
    }
}

fn references_of(references: BTreeMap<String, mesh_protocol::id::DesignVersionId>) -> Vec<SchemaReference> {
    references.into_iter().map(|(name, version)| SchemaReference { name, version }).collect()
}

pub(super) fn difference(found: Difference) -> DesignDifference {
    DesignDifference {
        sentence: found.sentence,
        class: found.class.map(class),
        reasons: found.reasons,
        rows: found
            .rows
            .into_iter()
            .map(|row| DesignDifferenceRow {
                path: row.path,
                before: row.before,
                after: row.after,
                class: class(row.class),
            })
            .collect(),
        texts: found
            .texts
            .into_iter()
            .map(|text| DesignTextChange {
                path: text.path,
                lines: text.lines.into_iter().map(line).collect(),
                class: class(text.class),
            })
            .collect(),
    }
}

pub(in crate::app) fn line(line: Line) -> DesignLine {
    match line {
        Line::Kept(text) => DesignLine::Kept(text),
        Line::Removed(text) => DesignLine::Removed(text),
        Line::Added(text) => DesignLine::Added(text),
        Line::Skipped(count) => DesignLine::Skipped(count as u64),
    }
}
