//! Feeds the index: what there is now is compared with what the index has, and the difference goes in.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mesh_protocol::id::AgentId;
use mesh_schema::seen;
use mesh_search::{Document, SearchError, SearchIndex, hash};
use tokio::sync::{Mutex, Notify};

use super::documents::{Fields, SeenFields, documents};
use crate::app::{App, Error, Result};

/// After feeding what agents reported, it rests so many times as long as it took, and at least a second.
pub const REST: u32 = 20;
const REST_MIN: Duration = Duration::from_secs(1);
/// However long it took.
const REST_MAX: Duration = Duration::from_secs(20);

/// The index with what it was fed.
#[derive(Debug)]
pub(in crate::app) struct Feed {
    index: SearchIndex,
    /// Edits this process heard of, one more so that the first feeding counts as one.
    edits: AtomicU64,
    /// Those that the index has.
    fed: AtomicU64,
    /// Something may have changed.
    changed: Notify,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// Hash of a document by that of its key.
    documents: HashMap<u64, u64>,
    /// Fields of schemas, which are dear to read.
    fields: Fields,
    /// Fields of payloads by who saw them where, with when that changed last.
    payloads: HashMap<(AgentId, String), (i64, Vec<String>)>,
}

impl Feed {
    /// With an empty index.
    pub(in crate::app) fn new() -> Result<Self> {
        Ok(Self {
            index: SearchIndex::new()?,
            edits: AtomicU64::new(1),
            fed: AtomicU64::new(0),
            changed: Notify::new(),
            known: Arc::default(),
        })
    }

    pub(super) fn index(&self) -> &SearchIndex {
        &self.index
    }

    /// Takes note of a change; of an edit, which must be found at once.
    pub(in crate::app) fn hear(&self, is_edit: bool) {
        if is_edit {
            self.edits.fetch_add(1, Ordering::Relaxed);
        }
        self.changed.notify_one();
    }
}

impl App {
    /// Feeds the index until it is dropped. An error of one feeding is logged, and the next makes up for it.
    pub async fn feed_search(&self) {
        loop {
            let began = Instant::now();
            match self.feed(None).await {
                Ok(()) => tracing::debug!(took = ?began.elapsed(), "search is up to date"),
                Err(error) => tracing::warn!(error = %crate::app::error::chain(&error), "search is not up to date"),
            }
            tokio::time::sleep((began.elapsed() * REST).clamp(REST_MIN, REST_MAX)).await;
            self.0.search.changed.notified().await;
        }
    }

    /// Feeds every edit that this process has heard of by now, unless the index has them.
    pub(super) async fn feed_edits(&self) -> Result<()> {
        let edits = self.0.search.edits.load(Ordering::Relaxed);
        if self.0.search.fed.load(Ordering::Relaxed) >= edits { Ok(()) } else { self.feed(Some(edits)).await }
    }

    /// One at a time; whoever waited for another one's may find that there is nothing left to do.
    async fn feed(&self, edits: Option<u64>) -> Result<()> {
        let search = &self.0.search;
        // Goes along to where the work is done: should that fail, what is known of the index is as it was.
        let mut known = search.known.clone().lock_owned().await;
        if edits.is_some_and(|edits| search.fed.load(Ordering::Relaxed) >= edits) {
            return Ok(());
        }
        let heard = search.edits.load(Ordering::Relaxed);
        if edits.is_some() {
            // What was read a moment ago may be from before the edit.
            self.0.latest.forget();
        }
        let (world, designs) = (self.world_unasked().await?, self.designs().await?);
        let payloads = self.seen_fields(&mut known.payloads).await?;
        let app = self.clone();
        let fed = tokio::task::spawn_blocking(move || {
            let Known { documents: in_index, fields, .. } = &mut *known;
            app.0.search.put(documents(&world, &designs, &payloads, fields), in_index)
        });
        fed.await.map_err(|_| Error::Internal("feeding the search index did not end"))??;
        search.fed.fetch_max(heard, Ordering::Relaxed);
        Ok(())
    }

    /// The fields of payloads; only what has become another is read.
    async fn seen_fields(&self, known: &mut HashMap<(AgentId, String), (i64, Vec<String>)>) -> Result<SeenFields> {
        let mut tx = self.store().read().await?;
        let mut now = HashMap::new();
        for (agent, address, changed_ms) in tx.shape_changes(self.environment()).await? {
            let key = (agent, address);
            let fields = match known.remove(&key).filter(|(as_of, _)| *as_of == changed_ms) {
                Some((_, fields)) => fields,
                None => {
                    let known = tx.shape(agent, &key.1).await?;
                    let fields = known.iter().flat_map(|known| seen::fields(&known.whole()));
                    fields.map(|field| field.path).collect()
                }
            };
            now.insert(key, (changed_ms, fields));
        }
        let mut by_address = SeenFields::new();
        for ((_, address), (_, fields)) in &now {
            by_address.entry(address.clone()).or_default().extend(fields.iter().cloned());
        }
        *known = now;
        Ok(by_address)
    }
}

impl Feed {
    /// Puts what is new or other than before and drops what is no more.
    fn put(&self, documents: Vec<Document>, known: &mut HashMap<u64, u64>) -> std::result::Result<(), SearchError> {
        let mut now = HashMap::with_capacity(documents.len());
        let mut put = Vec::new();
        for document in documents {
            let key = hash(&document.key);
            let mut hasher = DefaultHasher::new();
            document.hash(&mut hasher);
            let is_new = known.get(&key) != Some(&hasher.finish());
            if now.insert(key, hasher.finish()).is_none() && is_new {
                put.push(document);
            }
        }
        let drop: Vec<u64> = known.keys().filter(|key| !now.contains_key(key)).copied().collect();
        if !put.is_empty() || !drop.is_empty() {
            self.index.apply(&put, &drop)?;
        }
        *known = now;
        Ok(())
    }
}
