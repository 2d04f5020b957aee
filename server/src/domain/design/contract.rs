//! What agents hold payloads against: the versions of events that are served, as their owners want them checked.
//!
//! A payload is valid when one live version of an event with its topic takes it. So an event that nobody wants checked is in
//! here as well where it shares topics with one that is: its payloads are valid there.

use std::collections::{BTreeMap, HashMap};

use mesh_protocol::desired::{
    CONTRACT_TEXT_BYTES_MAX, CONTRACTS_MAX, Contract, ContractFormat, ContractReference, ContractSchema, Contracts,
    OnInvalid,
};
use mesh_protocol::id::DesignVersionId;
use mesh_protocol::topic::Filter;
use mesh_schema::{Format, Reference, Validator};
use serde::{Deserialize, Serialize};

use super::{Content, Graph, Kind, Object, Version, binding};

/// What happens to payloads that match no live version of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validation {
    /// Nobody looks.
    #[default]
    Unchecked,
    /// They are counted and shown, and delivered.
    Reported,
    /// They are acknowledged to their sender and go into the agent's dead letters instead of the mesh.
    Diverted,
    /// They are refused where they would enter the mesh.
    Rejected,
}

impl Validation {
    /// As people and the API write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unchecked => "unchecked",
            Self::Reported => "reported",
            Self::Diverted => "diverted",
            Self::Rejected => "rejected",
        }
    }

    const fn on_invalid(self) -> OnInvalid {
        match self {
            Self::Unchecked => OnInvalid::Accept,
            Self::Reported => OnInvalid::Report,
            Self::Diverted => OnInvalid::Divert,
            Self::Rejected => OnInvalid::Reject,
        }
    }
}

/// A live version of an event on its way into the document.
struct Live<'a> {
    object: &'a Object,
    version: &'a Version,
    filter: Filter,
}

/// The contracts of all these designs, always in the same order. What cannot be enforced [`check`] finds out.
#[must_use]
pub fn contracts(objects: &[Object], graph: &Graph<'_>) -> Contracts {
    let events = objects.iter().filter(|object| object.kind == Kind::Event);
    let live = |object: &'_ Object, is_checked: bool| (object.spec.validation != Validation::Unchecked) == is_checked;
    let (checked, others): (Vec<&Object>, Vec<&Object>) = events.partition(|object| live(object, true));
    if checked.is_empty() {
        return Contracts::default();
    }
    let mut all: Vec<Live<'_>> = checked.iter().flat_map(|object| versions(object, graph)).collect();
    let beside: Vec<Live<'_>> = others
        .iter()
        .flat_map(|object| versions(object, graph))
        .filter(|other| all.iter().any(|one| one.filter.overlaps(&other.filter)))
        .collect();
    all.extend(beside);
    all.sort_by(|a, b| (a.object.id, b.version.spec.number).cmp(&(b.object.id, a.version.spec.number)));
    let mut table = Table::default();
    for Live { object, version, filter } in all {
        let schema = match &version.spec.content {
            Content::Event(event) => event.schema,
            _ => None,
        };
        let contract = Contract {
            event: object.id,
            label: format!("{} {}", object.spec.name, version.spec.number),
            filter,
            schema: schema.map(|id| table.schema(id, graph)),
            on_invalid: object.spec.validation.on_invalid(),
        };
        table.contracts.contracts.push(contract);
    }
    table.contracts
}

fn versions<'a>(object: &'a Object, graph: &Graph<'a>) -> impl Iterator<Item = Live<'a>> {
    let live: Vec<&Version> =
        graph.versions(object.id).iter().filter(|version| version.state.is_live()).copied().collect();
    live.into_iter().filter_map(move |version| Some(Live { object, version, filter: binding::topics(version)? }))
}

/// Whether agents can enforce these contracts. Those that stood `before` were asked about then.
///
/// # Errors
/// What stands in the way, in words that go on behind the name of a field.
pub fn check(contracts: &Contracts, before: &Contracts) -> Result<(), String> {
    if contracts.contracts.len() > CONTRACTS_MAX {
        return Err(format!(
            "would make {} versions that agents check, at most {CONTRACTS_MAX} can be: check fewer events, or retire versions",
            contracts.contracts.len()
        ));
    }
    let bytes = contracts.text_bytes();
    if bytes > CONTRACT_TEXT_BYTES_MAX {
        return Err(format!(
            "would make the schemas that agents check {bytes} bytes, and all together may have {CONTRACT_TEXT_BYTES_MAX}: check fewer events, retire versions, or shorten schemas"
        ));
    }
    let known: Vec<_> = before.schemas.iter().filter_map(|schema| texts(before, schema)).collect();
    for contract in &contracts.contracts {
        let Some(schema) = contract.schema else { continue };
        let found = contracts.schemas.get(schema as usize).and_then(|schema| Some((schema, texts(contracts, schema)?)));
        let (schema, (text, references)) =
            found.ok_or_else(|| format!("cannot be so while the schema of {} cannot be read", contract.label))?;
        if known.contains(&(text, references.clone())) {
            continue;
        }
        let references: Vec<_> = references
            .into_iter()
            .map(|(name, text)| Reference { name: name.to_owned(), text: text.to_owned() })
            .collect();
        Validator::new(format(schema.format), text, &references)
            .map_err(|invalid| format!("cannot be so, because agents cannot check {}: {invalid}", contract.label))?;
    }
    Ok(())
}

/// A schema's texts, as they stand in the table; none = it lacks one.
fn texts<'a>(contracts: &'a Contracts, schema: &'a ContractSchema) -> Option<(&'a str, Vec<(&'a str, &'a str)>)> {
    let text = |at: u32| contracts.texts.get(at as usize).map(String::as_str);
    let references = schema.references.iter().map(|one| Some((one.name.as_str(), text(one.text)?)));
    Some((text(schema.text)?, references.collect::<Option<_>>()?))
}

/// No text has this place: what cannot be read must not look like what takes everything.
const UNREADABLE: u32 = u32::MAX;

/// The document's tables while they are filled.
#[derive(Default)]
struct Table {
    contracts: Contracts,
    texts: HashMap<String, u32>,
    schemas: BTreeMap<ContractSchema, u32>,
    by_version: HashMap<DesignVersionId, u32>,
}

impl Table {
    fn schema(&mut self, id: DesignVersionId, graph: &Graph<'_>) -> u32 {
        if let Some(known) = self.by_version.get(&id) {
            return *known;
        }
        let schema = self.read(id, graph);
        let place = schema.map_or(UNREADABLE, |schema| self.place(schema));
        self.by_version.insert(id, place);
        place
    }

    fn read(&mut self, id: DesignVersionId, graph: &Graph<'_>) -> Option<ContractSchema> {
        let Content::Schema(schema) = &graph.version(id)?.spec.content else { return None };
        let references = graph.texts(Some(id), schema).ok()?;
        let reference =
            |reference: Reference| ContractReference { text: self.text(&reference.text), name: reference.name };
        let references = references.into_iter().map(reference).collect();
        let format = match schema.format {
            Format::Avro => ContractFormat::Avro,
            Format::JsonSchema => ContractFormat::Json,
            Format::Protobuf => ContractFormat::Protobuf,
        };
        Some(ContractSchema { format, text: self.text(&schema.text), references })
    }

    fn place(&mut self, schema: ContractSchema) -> u32 {
        let all = &mut self.contracts.schemas;
        *self.schemas.entry(schema).or_insert_with_key(|schema| {
            all.push(schema.clone());
            place_of(all.len() - 1)
        })
    }

    fn text(&mut self, text: &str) -> u32 {
        if let Some(known) = self.texts.get(text) {
            return *known;
        }
        self.contracts.texts.push(text.to_owned());
        let place = place_of(self.contracts.texts.len() - 1);
        self.texts.insert(text.to_owned(), place);
        place
    }
}

fn place_of(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(UNREADABLE)
}

fn format(format: ContractFormat) -> Format {
    match format {
        ContractFormat::Avro => Format::Avro,
        ContractFormat::Json => Format::JsonSchema,
        ContractFormat::Protobuf => Format::Protobuf,
    }
}

#[cfg(test)]
mod tests;
