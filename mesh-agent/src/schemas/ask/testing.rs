//! Registries that answer what a test says.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mesh_protocol::schema_id::SchemaId;
use mesh_schema::Format;

use super::super::kept::Kept;
use super::super::registry::Registry;
use super::{Answer, Ask, SchemaText};

/// An id.
pub(crate) fn id(number: u32) -> SchemaId {
    SchemaId::new(number).expect("above 0")
}

/// A registry of Avro schemas. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scripted(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    schemas: HashMap<SchemaId, String>,
    away: bool,
    asked: Vec<SchemaId>,
}

impl Scripted {
    /// It has a schema from now on.
    pub(crate) fn put(&self, number: u32, text: &str) {
        self.0.lock().expect("no panic").schemas.insert(id(number), text.to_owned());
    }

    /// It answers nobody, or everybody again.
    pub(crate) fn away(&self, away: bool) {
        self.0.lock().expect("no panic").away = away;
    }

    /// What it was asked for, also in vain.
    pub(crate) fn asked(&self) -> Vec<u32> {
        self.0.lock().expect("no panic").asked.iter().map(|id| id.get()).collect()
    }

    /// As lanes ask it, with what is kept in a folder.
    pub(crate) fn registry(&self, folder: &Path) -> Registry {
        Registry::new("schemas".to_owned(), Box::new(self.clone()), Kept::new(folder.to_owned()))
    }
}

#[async_trait]
impl Ask for Scripted {
    async fn schema(&self, id: SchemaId) -> Result<Answer, String> {
        // Whoever else wants it gets a chance to ask, too.
        tokio::task::yield_now().await;
        let mut state = self.0.lock().expect("no panic");
        state.asked.push(id);
        if state.away {
            return Err("nobody answers: start it".to_owned());
        }
        let schema = |text: &String| SchemaText { format: Format::Avro, text: text.clone(), references: Vec::new() };
        Ok(state.schemas.get(&id).map_or(Answer::Unknown, |text| Answer::Schema(schema(text))))
    }
}
