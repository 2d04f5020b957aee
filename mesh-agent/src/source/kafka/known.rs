//! Schemas that a lane has at hand, so that reading a record asks nobody.

use std::collections::HashMap;

use mesh_protocol::schema_id::SchemaId;

use crate::schemas::Found;

/// Most of them; a partition with more begins anew, and finds them in the agent's memory.
const SCHEMAS_MAX: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<SchemaId, Found>);

impl Known {
    /// What an id stands for; none = it is not at hand.
    pub(super) fn get(&self, id: SchemaId) -> Option<&Found> {
        self.0.get(&id)
    }

    /// Takes it for as long as [`Known::begin`] leaves it.
    pub(super) fn put(&mut self, id: SchemaId, found: Found) {
        self.0.insert(id, found);
    }

    /// Another batch begins: what no record could be read by may be known now.
    pub(super) fn begin(&mut self) {
        if self.0.len() > SCHEMAS_MAX {
            self.0.clear();
        }
        self.0.retain(|_, found| matches!(found, Found::Decoder(_)));
    }
}
