//! The catalog: everything that exists in the mesh, found by what agents saw and by what people said about it.
//!
//! Every object has a key of its own (`topic:<broker>:<name>`), which outlives scans and restarts; notes hang on it.

mod brokered;
mod connect;
mod entry;
mod facts;
mod kafka;
mod records;
mod search;
mod shape;
mod surveyed;
mod whole;

use std::cmp::Reverse;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use frontend::api::{CatalogObject, CatalogObjectInput, CatalogPage, CatalogQuery, Edit, FlowRow, LiveTopic};
use mesh_protocol::id::BrokerId;

use super::design::designed_as;
use super::edit::Done;
use super::permission::Right;
use super::person::{seen, shown};
use super::report::lag_series;
use super::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;
use crate::store::Note;
use entry::Key;

/// Most consumer groups of a topic whose lag is drawn over time.
const LAGS_MAX: usize = 20;

impl App {
    /// Finds objects.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn catalog(&self, caller: &Caller, query: CatalogQuery) -> Result<CatalogPage> {
        caller.permit(Right::Read)?;
        let world = self.world().await?;
        let sight = world.config.sight(caller);
        search::search(world.catalog().by_name().filter(|entry| sight.sees(entry.domain)), &query)
    }

    /// One object.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn catalog_object(&self, caller: &Caller, id: String) -> Result<CatalogObject> {
        caller.permit(Right::Read)?;
        self.object(caller, &id).await
    }

    async fn object(&self, caller: &Caller, id: &str) -> Result<CatalogObject> {
        let key = read_id(id)?;
        let world = self.world().await?;
        let sight = world.config.sight(caller);
        let entry = world
            .catalog()
            .get(&key)
            .filter(|entry| sight.sees(entry.domain))
            .ok_or(Error::NotFound { what: "catalog object" })?;
        let rate_history = match facts::series(&key) {
            Some(series) => self.store().read().await?.history(&series, world.now_ms()).await?,
            None => Vec::new(),
        };
        let lag_history = match &key {
            Key::Group(broker, name) => {
                let mut tx = self.store().read().await?;
                tx.levels(&lag_series(*broker, name, None), world.now_ms()).await?
            }
            _ => Vec::new(),
        };
        let shape = self.shape_of(&key, &sight, &world).await?;
        let note = world.seen.notes.get(&key.to_string());
        let designs = self.designs().await?;
        let designed = designed_as(entry, &designs, &sight);
        let (mut producers, mut consumers) = facts::sides(&key, &world, &designs, &sight);
        if let Key::Topic(broker, name) = &key {
            self.put_lag_histories(*broker, name, &mut consumers, world.now_ms()).await?;
        }
        let mut related = facts::related(&key, &world);
        if !sight.is_whole() {
            // Who sends and takes is said of what is seen; their own pages are not of its domain.
            producers.iter_mut().chain(&mut consumers).for_each(|flow| flow.href = None);
            related.clear();
        }
        Ok(CatalogObject {
            revision: shown(note.map_or(0, |note| note.revision)),
            first_seen: entry.first_seen,
            facts: facts::of(&key, &world),
            designed,
            shape,
            kafka: if sight.is_whole() { kafka::side(&key, &world) } else { None },
            related,
            connect: if sight.is_whole() {
                connect::snippets(entry, &world, &self.config().portal_url)
            } else {
                Vec::new()
            },
            row: entry.row.clone(),
            producers,
            consumers,
            rate_history,
            lag_history,
        })
    }

    /// Puts to the groups that are most behind at a topic how far they were.
    async fn put_lag_histories(&self, broker: BrokerId, topic: &str, rows: &mut [FlowRow], now_ms: i64) -> Result<()> {
        let mut groups: Vec<&mut FlowRow> = rows.iter_mut().filter(|row| row.lag.is_some()).collect();
        groups.sort_by_key(|row| Reverse(row.lag));
        let mut tx = self.store().read().await?;
        for row in groups.into_iter().take(LAGS_MAX) {
            row.lag_history = tx.levels(&lag_series(broker, &row.name, Some(topic)), now_ms).await?;
        }
        Ok(())
    }

    /// Says who owns an object and what it is.
    ///
    /// # Errors
    /// The caller may not, the object is described elsewhere, the edit is stale, or the database's.
    pub async fn update_catalog_object(
        &self,
        caller: &Caller,
        id: String,
        input: Edit<CatalogObjectInput>,
    ) -> Result<CatalogObject> {
        let permit = caller.permit(Right::CatalogWrite)?;
        let key = read_id(&id)?;
        if matches!(key, Key::Application(_) | Key::Principal(_)) {
            return Err(Error::Conflict("owner and description of this object are edited on its own page".to_owned()));
        }
        let row = self.object(caller, &id).await?.row;
        let mut errors = FieldErrors::default();
        errors.text("owner", &input.value.owner);
        errors.text("description", &input.value.description);
        errors.check()?;
        let mut edit = self.edit(permit).await?;
        let note = Note {
            owner: input.value.owner.trim().to_owned(),
            description: input.value.description.trim().to_owned(),
            revision: seen(input.revision),
        };
        let (by, now_ms) = (edit.actor().to_owned(), edit.now_ms);
        edit.tx.put_catalog_note(self.environment(), &key.to_string(), &note, &by, now_ms).await?;
        let summary = format!("described {}", row.name);
        let owner = if row.owner_by_domain { String::new() } else { row.owner };
        let old = CatalogObjectInput { owner, description: row.description };
        let done = Done::new("catalog.update", &key, &summary, LiveTopic::Catalog);
        edit.finish(done.before(&old).after(&input.value)).await?;
        self.0.latest.forget();
        self.object(caller, &id).await
    }
}

/// An object's id in addresses of pages: its key without characters that mean something in a path.
pub(super) fn write_id(key: &Key) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(key.to_string())
}

pub(super) fn read_id(id: &str) -> Result<Key> {
    let text = BASE64_URL_SAFE_NO_PAD.decode(id).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.and_then(|text| Key::read(&text)).ok_or(Error::NotFound { what: "catalog object" })
}

/// A key as notes hang on it; none = it is none that this version knows.
pub(super) fn read_key(text: &str) -> Option<Key> {
    Key::read(text)
}

/// Where an object's page is.
pub(super) fn href(key: &Key) -> String {
    format!("/catalog/{}", write_id(key))
}

pub(super) use entry::{Entry, Key as ObjectKey};
pub(super) use facts::{OWN_GROUPS, flow_row, read_by, readers_of};
pub(super) use records::Noted;
pub(super) use surveyed::uses;
pub(super) use whole::{Catalog, Reading};

#[cfg(test)]
mod tests;
