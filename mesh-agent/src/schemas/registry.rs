//! One registry, as lanes ask it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use mesh_protocol::schema_id::SchemaId;
use mesh_schema::Decoder;
use tokio::time::Instant;

use super::ask::{Answer, Ask, SchemaText};
use super::kept::Kept;

/// Most schemas of one registry in memory, and bytes of their texts.
const SCHEMAS_MAX: usize = 1_000;
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// So long nobody asks again for an id that the registry does not have.
const NEVER_FOR: Duration = Duration::from_secs(60);
/// Shortest and longest pause before a registry that did not answer is asked again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));
/// Questions at once; one for an id at a time.
const QUESTIONS: usize = 8;

/// What an id stands for.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// A schema that reads records.
    Decoder(Arc<Decoder>),
    /// Nothing that could ever read one, and why.
    Never(Arc<str>),
}

/// Nobody can tell now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotNow {
    /// Why, and what to do.
    pub(crate) reason: Arc<str>,
    /// Nobody knows more before this moment.
    pub(crate) again_at: Instant,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Registry {
    name: String,
    ask: Box<dyn Ask>,
    kept: Arc<Kept>,
    memory: Mutex<Memory>,
    /// Whoever asks for an id has the lock of its number.
    asking: [tokio::sync::Mutex<()>; QUESTIONS],
}

#[derive(Debug, Default)]
struct Memory {
    entries: HashMap<SchemaId, Entry>,
    /// Of all texts.
    bytes: usize,
    /// Counts uses.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    known: Known,
    bytes: usize,
    used: u64,
}

#[derive(Debug)]
enum Known {
    Decoder(Arc<Decoder>),
    Never { reason: Arc<str>, until: Instant },
    NotNow { answer: NotNow, pause: Duration },
}

impl Registry {
    pub(super) fn new(name: String, ask: Box<dyn Ask>, kept: Kept) -> Self {
        let asking = std::array::from_fn(|_| tokio::sync::Mutex::default());
        Self { name, ask, kept: Arc::new(kept), memory: Mutex::default(), asking }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("no panic while held")
    }

    /// What is known of an id without asking anybody.
    pub(crate) fn at_hand(&self, id: SchemaId) -> Option<Found> {
        self.lock().find(id)?.ok()
    }

    /// What an id stands for: from memory, from disk, or from the registry.
    ///
    /// # Errors
    /// [`NotNow`].
    pub(crate) async fn find(&self, id: SchemaId) -> Result<Found, NotNow> {
        if let Some(known) = self.lock().find(id) {
            return known;
        }
        let _one_at_a_time = self.asking[id.get() as usize % QUESTIONS].lock().await;
        // Whoever was first may have it.
        if let Some(known) = self.lock().find(id) {
            return known;
        }
        let (known, bytes) = self.look(id).await;
        let mut memory = self.lock();
        memory.put(id, known, bytes);
        memory.find(id).expect("what was just put there holds for a moment")
    }

    async fn look(&self, id: SchemaId) -> (Known, usize) {
        let kept = self.kept.clone();
        let loaded = tokio::task::spawn_blocking(move || kept.load(id)).await.ok().flatten();
        if let Some(schema) = loaded {
            return (self.read(id, &schema), schema.bytes());
        }
        match self.ask.schema(id).await {
            Ok(Answer::Schema(schema)) => {
                let (known, bytes) = (self.read(id, &schema), schema.bytes());
                if matches!(known, Known::Decoder(_)) {
                    self.keep(id, schema).await;
                }
                (known, bytes)
            }
            Ok(Answer::Unknown) => {
                (self.never(format!("the schema registry {} has no schema with the id {id}", self.name)), 0)
            }
            Ok(Answer::Unusable(reason)) => (self.unusable(id, &reason), 0),
            Err(reason) => (self.not_now(id, &reason), 0),
        }
    }

    fn read(&self, id: SchemaId, schema: &SchemaText) -> Known {
        match Decoder::new(schema.format, &schema.text, &schema.references) {
            Ok(decoder) => Known::Decoder(Arc::new(decoder)),
            Err(invalid) => self.unusable(id, &invalid.to_string()),
        }
    }

    async fn keep(&self, id: SchemaId, schema: SchemaText) {
        let kept = self.kept.clone();
        match tokio::task::spawn_blocking(move || kept.save(id, &schema)).await {
            Ok(Ok(())) => tracing::info!(registry = self.name, %id, "a schema is known now"),
            Ok(Err(error)) => {
                tracing::warn!(%error, %id, "a schema could not be kept on disk; its registry is asked again after a restart");
            }
            Err(error) => tracing::warn!(%error, %id, "a schema could not be kept on disk"),
        }
    }

    fn never(&self, reason: String) -> Known {
        Known::Never { reason: reason.into(), until: Instant::now() + NEVER_FOR }
    }

    fn unusable(&self, id: SchemaId, reason: &str) -> Known {
        self.never(format!("schema {id} of the registry {} cannot be used: {reason}", self.name))
    }

    fn not_now(&self, id: SchemaId, reason: &str) -> Known {
        let before = self.lock().pause(id);
        let pause = before.map_or(PAUSE.0, |pause| (pause * 2).min(PAUSE.1));
        let reason: Arc<str> =
            format!("schema {id} is not here yet, and the registry {} cannot be asked: {reason}", self.name).into();
        if before.is_none() {
            tracing::warn!(%reason, "records wait for a schema");
        }
        // So that not all agents ask at the same moment.
        let again_at = Instant::now() + pause.mul_f64(rand::random_range(0.75..1.25));
        Known::NotNow { answer: NotNow { reason, again_at }, pause }
    }
}

impl Memory {
    /// None: nobody knows, or what was known is no longer true.
    fn find(&mut self, id: SchemaId) -> Option<Result<Found, NotNow>> {
        self.uses += 1;
        let entry = self.entries.get_mut(&id)?;
        entry.used = self.uses;
        let now = Instant::now();
        match &entry.known {
            Known::Decoder(decoder) => Some(Ok(Found::Decoder(decoder.clone()))),
            Known::Never { reason, until } if *until > now => Some(Ok(Found::Never(reason.clone()))),
            Known::NotNow { answer, .. } if answer.again_at > now => Some(Err(answer.clone())),
            Known::Never { .. } | Known::NotNow { .. } => None,
        }
    }

    /// How long was waited before the registry was asked last, if that failed.
    fn pause(&self, id: SchemaId) -> Option<Duration> {
        match self.entries.get(&id)?.known {
            Known::NotNow { pause, .. } => Some(pause),
            Known::Decoder(_) | Known::Never { .. } => None,
        }
    }

    fn put(&mut self, id: SchemaId, known: Known, bytes: usize) {
        self.uses += 1;
        self.bytes += bytes;
        let before = self.entries.insert(id, Entry { known, bytes, used: self.uses });
        self.bytes -= before.map_or(0, |before| before.bytes);
        while self.entries.len() > SCHEMAS_MAX || self.bytes > BYTES_MAX {
            let others = self.entries.iter().filter(|(other, _)| **other != id);
            let Some(oldest) = others.min_by_key(|(_, entry)| entry.used).map(|(other, _)| *other) else { return };
            let gone = self.entries.remove(&oldest);
            self.bytes -= gone.map_or(0, |gone| gone.bytes);
        }
    }
}

#[cfg(test)]
mod tests;
