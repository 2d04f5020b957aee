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
use std::sync::Mutex;

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
    /// Tags of its designs for which values are masked.
    masked_for: BTreeSet<String>,
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
        let place = self.place(entry.ok_or(Error::NotFound { what: "catalog object" })?, &world, &designs, &sight)?;
        let may_see = caller.permit(Right::DataUnmask).is_ok();
        let ask = ask(&place, &input, !may_see && !place.masked_for.is_empty())?;
        let agent = self.agent_at(place.site).await?;
        let page = match self.fleet().ask_topic(agent, ask).await? {
            TopicAnswer::Page(page) => page,
            TopicAnswer::Refused { reason } => return Err(Error::Conflict(reason)),
        };
        // Records may name schemas of other subjects than the topic's.
        let mut tags = place.masked_for.clone();
        let schemas = schemas(&page, &designs);
        tags.extend(schemas.into_iter().flat_map(|schema| self.masking_tags(schema, &designs)));
        let masked_for = (!may_see && !tags.is_empty()).then(|| masked(&tags));
        if masked_for.is_some() && !input.find.is_empty() {
            return Err(FieldErrors::one("find", WOULD_TELL).into());
        }
        self.note_look(permit, &place, &input.find, masked_for.is_some()).await?;
        Ok(told(page, &designs, masked_for, world.agent_name(agent)))
    }

    fn place<'a>(&self, entry: &'a Entry, world: &World, designs: &Designs, sight: &Sight) -> Result<Place<'a>> {
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
        let designed = std::iter::once(entry).chain(addresses).flat_map(|entry| designed_as(entry, designs, sight));
        let masked_for = designed.flat_map(|design| self.masking_tags(design.object, designs)).collect();
        Ok(Place {
            key: &entry.key,
            broker: *broker,
            topic,
            site: found.spec.site,
            cluster: found.spec.name.clone(),
            masked_for,
        })
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
        limit: input.limit.unwrap_or(LIMIT).clamp(1, RECORDS_MAX),
        content_bytes_max: CONTENT_BYTES_MAX,
    })
}

fn told(page: TopicPage, designs: &Designs, masked: Option<String>, by: String) -> RecordsPage {
    let mut teller = Teller::new(designs, masked.is_some());
    RecordsPage {
        items: page.records.into_iter().map(|record| teller.record(record)).collect(),
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
