//! Looks at records of Kafka topics.
//!
//! ```text
//! who may? -- right data.read, the topic in sight --> an agent at the cluster's site reads, as policy lets it
//!      \                                                    |
//!       \-- masked? the tags of its designs         read with their schemas, masked, noted in the audit trail, shown
//! ```
//! Nothing of it is kept. The trail has who looked where and for what, before anything is shown.

mod tell;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use frontend::api::{LiveTopic, RecordsInput, RecordsPage};
use mesh_protocol::browse::{
    CONTENT_BYTES_MAX, FIND_BYTES_MAX, Places, RECORDS_MAX, TopicAnswer, TopicAsk, TopicFrom, TopicPage,
};
use mesh_protocol::id::{BrokerId, DesignObjectId, SiteId};
use mesh_protocol::schema_id::SchemaId;
use serde::Serialize;

use super::entry::{Entry, Key};
use super::read_id;
use crate::app::clock::now_ms;
use crate::app::design::{Designs, designed_as};
use crate::app::edit::Done;
use crate::app::mask::{Masks, Parts, Veil};
use crate::app::observed::World;
use crate::app::page::{Slice, write};
use crate::app::permission::{Permit, Right};
use crate::app::sight::Sight;
use crate::app::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;
use tell::{Teller, named};

/// Records when nobody says how many.
const LIMIT: u32 = 50;
/// The same look of the same person is noted again after this time, in milliseconds.
const NOTED_MS: i64 = 600_000;
/// Looks that are remembered as noted; more are noted again.
const NOTED_MAX: usize = 10_000;

/// Why what is masked cannot be searched.
const WOULD_TELL: &str = "would tell what is masked: leave it out";
/// Why an agent that would find what is masked is not asked.
const TOO_OLD: &str =
    "would tell what is masked, as the agent is older than this portal: update it, or leave the text out";

/// Looks that the audit trail has already.
#[derive(Debug, Default)]
pub(in crate::app) struct Noted(Mutex<HashMap<Look, i64>>);

/// Who looked where, and for what.
type Look = (String, Key, String);

impl Noted {
    /// Whether a look is to be noted now.
    fn is_new(&self, look: &Look, now_ms: i64) -> bool {
        let noted = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        noted.get(look).is_none_or(|at_ms| now_ms - at_ms >= NOTED_MS)
    }

    fn remember(&self, look: Look, now_ms: i64) {
        let mut noted = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        noted.retain(|_, at_ms| now_ms - *at_ms < NOTED_MS);
        if noted.len() < NOTED_MAX {
            noted.insert(look, now_ms);
        }
    }
}

/// As the audit trail keeps it.
#[derive(Debug, Serialize)]
struct Trail<'a> {
    find: &'a str,
    masked: bool,
}

/// A Kafka topic that somebody looks at.
struct Place<'a> {
    key: &'a Key,
    broker: BrokerId,
    topic: &'a str,
    site: SiteId,
    cluster: String,
    /// Tags of its designs for which values are masked as a whole.
    masked_for: BTreeSet<String>,
    /// What fields of its designs' schemas mask.
    veils: Parts,
}

impl Place<'_> {
    /// Whether a text that is looked for would tell what whoever may not see all must not see.
    fn is_delicate(&self) -> bool {
        let Parts { payload, key, headers } = &self.veils;
        !self.masked_for.is_empty() || [payload, key, headers].into_iter().any(Veil::masks)
    }
}

impl App {
    /// Records of a Kafka topic.
    ///
    /// # Errors
    /// The caller may not, there is no such topic, the input is wrong, policy lets nobody look, no agent can be asked or it
    /// refuses, or the database's.
    pub async fn catalog_records(&self, caller: &Caller, id: String, input: RecordsInput) -> Result<RecordsPage> {
        let permit = caller.permit(Right::DataRead)?;
        let key = read_id(&id)?;
        let (world, designs) = (self.world().await?, self.designs().await?);
        let sight = world.config.sight(caller);
        let entry = world.catalog().get(&key).filter(|entry| sight.sees(entry.domain));
        let masks = match caller.permit(Right::DataUnmask) {
            Ok(_) => Arc::default(),
            Err(_) => self.masks().await?,
        };
        let entry = entry.ok_or(Error::NotFound { what: "catalog object" })?;
        let place = place(entry, &world, &designs, &sight, &masks)?;
        let hidden: &[SchemaId] = if input.find.is_empty() { &[] } else { masks.ids() };
        let ask = TopicAsk { hidden: hidden.to_vec(), ..ask(&place, &input, place.is_delicate())? };
        let agent = self.agent_at(place.site).await?;
        let page = match self.fleet().ask_topic(agent, ask).await? {
            TopicAnswer::Page(page) => page,
            TopicAnswer::Refused { reason } => return Err(Error::Conflict(reason)),
        };
        if !hidden.is_empty() && !page.hides {
            return Err(FieldErrors::one("find", TOO_OLD).into());
        }
        // Records may name schemas of other subjects than the topic's.
        let mut tags = place.masked_for.clone();
        tags.extend(schemas(&page, &designs).into_iter().flat_map(|schema| masks.whole(schema)).cloned());
        let masked_for = (!tags.is_empty()).then(|| masked(&tags));
        let teller = Teller::new(&designs, &masks, masked_for.is_some(), place.veils.clone());
        let page = told(page, teller, masked_for, world.agent_name(agent));
        self.note_look(permit, &place, &input.find, page.masked.is_some()).await?;
        Ok(page)
    }

    /// Puts a look into the audit trail, unless the same one is there from a moment ago.
    async fn note_look(&self, permit: Permit, place: &Place<'_>, find: &str, masked: bool) -> Result<()> {
        let look = (permit.actor().to_owned(), place.key.clone(), find.to_owned());
        let now_ms = now_ms();
        if !self.0.noted.is_new(&look, now_ms) {
            return Ok(());
        }
        let summary = format!("looked at records of {} in {}", place.topic, place.cluster);
        let edit = self.edit(permit).await?;
        let done = Done::new("catalog.look", place.key, &summary, LiveTopic::Catalog);
        edit.finish(done.after(&Trail { find, masked })).await?;
        self.0.noted.remember(look, now_ms);
        Ok(())
    }
}

/// Where somebody looks, and what masks it.
fn place<'a>(entry: &'a Entry, world: &World, designs: &Designs, sight: &Sight, masks: &Masks) -> Result<Place<'a>> {
    let Key::Topic(broker, topic) = &entry.key else {
        return Err(Error::Conflict("only Kafka topics keep records that can be looked at".to_owned()));
    };
    let found = world.config.mesh.brokers.iter().find(|found| found.id == *broker);
    let found = found.ok_or(Error::NotFound { what: "broker" })?;
    if !found.spec.browse {
        return Err(Error::Conflict(format!(
            "nobody may look into the topics of {}: an operator can allow it in its connection",
            found.spec.name
        )));
    }
    // An event that a route brings to the topic or takes from it says as much about it as its schemas.
    let of_topic = world
        .seen
        .flows
        .iter()
        .filter(|flow| flow.broker == Some(*broker) && flow.broker_topic.as_deref() == Some(topic.as_str()));
    let addresses: BTreeSet<&str> = of_topic.map(|flow| flow.address.as_str()).collect();
    let addresses = addresses.into_iter().filter_map(|at| world.catalog().get(&Key::Address(at.to_owned())));
    let events: Vec<_> = addresses.flat_map(|entry| designed_as(entry, designs, sight)).map(|of| of.object).collect();
    let of_subject = |end: &str| designs.registry.subject(&format!("{topic}{end}"))?.object;
    let (value, key) = (of_subject("-value"), of_subject("-key"));
    let graph = designs.graph();
    let of_object = |id: &DesignObjectId| masks.of_object(*id, &graph);
    let of_events: Vec<Parts> = events.iter().map(of_object).collect();
    let (of_value, of_key) = (value.as_ref().map(of_object), key.as_ref().map(of_object));
    let veils = Parts {
        payload: Veil::join(of_value.iter().chain(&of_events).map(|parts| &parts.payload)),
        key: Veil::join(of_key.iter().map(|parts| &parts.payload).chain(of_events.iter().map(|parts| &parts.key))),
        headers: Veil::join(of_events.iter().map(|parts| &parts.headers)),
    };
    let designed = events.into_iter().chain(value).chain(key);
    Ok(Place {
        key: &entry.key,
        broker: *broker,
        topic,
        site: found.spec.site,
        cluster: found.spec.name.clone(),
        masked_for: designed.flat_map(|id| masks.whole(id)).cloned().collect(),
        veils,
    })
}

/// The schemas that the records of an answer name.
fn schemas(page: &TopicPage, designs: &Designs) -> BTreeSet<DesignObjectId> {
    let contents = page.records.iter().flat_map(|record| record.key.iter().chain(&record.payload));
    let ids: BTreeSet<SchemaId> = contents.filter_map(|content| named(&content.piece)).collect();
    let held = ids.into_iter().filter_map(|id| designs.registry.holders(id).ok()).flatten();
    held.filter_map(|(_, listed)| Some(designs.versions.get(listed.place)?.object)).collect()
}

fn masked(tags: &BTreeSet<String>) -> String {
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    format!("Values are masked: what is designed of the topic is tagged {}. Approvers see them.", tags.join(", "))
}

fn ask(place: &Place<'_>, input: &RecordsInput, is_masked: bool) -> Result<TopicAsk> {
    let mut errors = FieldErrors::default();
    if input.find.len() > FIND_BYTES_MAX {
        errors.add("find", format_args!("is longer than {FIND_BYTES_MAX} bytes"));
    }
    if is_masked && !input.find.is_empty() {
        errors.add("find", WOULD_TELL);
    }
    if input.partition.is_some_and(i32::is_negative) {
        errors.add("partition", "counts from 0");
    }
    let from = match (&input.cursor, input.offset, input.since) {
        (Some(_), _, _) => {
            Slice::of(input.cursor.as_deref(), None, 1, 1).after::<TopicFrom>()?.unwrap_or(TopicFrom::Newest)
        }
        (None, Some(_), Some(_)) => {
            errors.add("offset", "and `since` are two places to begin at: give one");
            TopicFrom::Newest
        }
        (None, Some(offset), None) => {
            if input.partition.is_none() {
                errors.add("partition", "is needed with `offset`: each partition counts its own");
            }
            if offset < 0 {
                errors.add("offset", "counts from 0");
            }
            TopicFrom::After { places: Places::from_iter(input.partition.map(|partition| (partition, offset))) }
        }
        (None, None, Some(at_ms)) => TopicFrom::Since { at_ms },
        (None, None, None) => TopicFrom::Newest,
    };
    errors.check()?;
    Ok(TopicAsk {
        broker: place.broker,
        topic: place.topic.to_owned(),
        partition: input.partition,
        from,
        find: input.find.clone(),
        hidden: Vec::new(),
        limit: input.limit.unwrap_or(LIMIT).clamp(1, RECORDS_MAX),
        content_bytes_max: CONTENT_BYTES_MAX,
    })
}

fn told(page: TopicPage, mut teller: Teller<'_>, masked: Option<String>, by: String) -> RecordsPage {
    let items = page.records.into_iter().map(|record| teller.record(record)).collect();
    let masked = masked.or_else(|| teller.masked());
    RecordsPage {
        items,
        older: (!page.older.is_empty()).then(|| write(&TopicFrom::Before { places: page.older })),
        newer: write(&TopicFrom::After { places: page.newer }),
        looked_at: page.looked_at,
        stopped: page.stopped,
        masked,
        at: now_ms(),
        by,
    }
}

#[cfg(test)]
mod tests;
