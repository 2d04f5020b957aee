//! Records wait for the schemas they name, before a batch with them begins: nothing is under way meanwhile, nothing of their
//! partition overtakes them, and no other lane waits.

use mesh_protocol::schema_id::SchemaId;

use super::Work;
use crate::schemas::{Found, Registry};
use crate::source::kafka::record::Record;

impl Work {
    /// As many of the first records as can be mapped with what is at hand. The schema that the very first one names is
    /// waited for, however long that takes. None: the lane ends.
    pub(super) async fn ready<'a>(&mut self, batch: &'a [Record]) -> Option<&'a [Record]> {
        let shared = self.shared.clone();
        let Some(registry) = shared.schemas.as_deref().filter(|_| shared.mapping.decodes()) else {
            return Some(batch);
        };
        self.known.begin();
        for (at, record) in batch.iter().enumerate() {
            while let Some(id) = shared.mapping.lacks(&self.state.place, record, &self.known) {
                let found = match registry.at_hand(id) {
                    Some(found) => found,
                    // What comes before it need not wait for it.
                    None if at > 0 => return Some(&batch[..at]),
                    None => self.fetch(registry, id, record.offset).await?,
                };
                self.known.put(id, found);
            }
        }
        Some(batch)
    }

    async fn fetch(&mut self, registry: &Registry, id: SchemaId, offset: i64) -> Option<Found> {
        let (closing, mut waited) = (self.closing.clone(), false);
        loop {
            match closing.run_until_cancelled(registry.find(id)).await? {
                Ok(found) => {
                    if waited {
                        self.unblocked();
                    }
                    return Some(found);
                }
                Err(not_now) => {
                    waited = true;
                    self.blocked(format!("offset {offset} waits: {}", not_now.reason));
                    closing.run_until_cancelled(tokio::time::sleep_until(not_now.again_at)).await?;
                }
            }
        }
    }
}
