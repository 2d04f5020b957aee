//! Which schemas the payloads of a flow name, counted per window: who still sends and takes which version of a schema.
//!
//! A payload that only begins like a record of Confluent's serializers names an id that nobody gave out. The portal leaves such
//! ids aside; here they have few places, so that payloads which are something else altogether cost no memory.

use std::cmp::Reverse;

use mesh_protocol::report::{FLOW_SCHEMAS_MAX, NamedSchema};
use mesh_protocol::schema_id::SchemaId;

/// Different ids counted in one window; twice what is told, so that few events of a wrong id do not displace a right one.
const IDS_MAX: usize = 2 * FLOW_SCHEMAS_MAX;

/// The ids of one flow in the window that is under way.
#[derive(Debug, Default)]
pub(super) struct Named(Vec<NamedSchema>);

impl Named {
    /// Counts an event; false: there are too many different ids already.
    pub(super) fn count(&mut self, id: SchemaId) -> bool {
        // Few, and the first one nearly always: looking through them is the fastest way.
        if let Some(known) = self.0.iter_mut().find(|known| known.id == id) {
            known.events += 1;
            return true;
        }
        let has_room = self.0.len() < IDS_MAX;
        if has_room {
            self.0.push(NamedSchema { id, events: 1 });
        }
        has_room
    }

    /// Ends the window: the ids of the most events first.
    pub(super) fn take(&mut self) -> Vec<NamedSchema> {
        let mut all = std::mem::take(&mut self.0);
        all.sort_by_key(|named| (Reverse(named.events), named.id));
        all.truncate(FLOW_SCHEMAS_MAX);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> SchemaId {
        SchemaId::new(u32::try_from(number).expect("small")).expect("above 0")
    }

    #[test]
    fn events_are_counted_per_id_and_window() {
        let mut named = Named::default();
        for number in [7, 3, 7, 7, 9, 9] {
            assert!(named.count(id(number)));
        }
        let told: Vec<_> = named.take().iter().map(|named| (named.id.get(), named.events)).collect();
        assert_eq!(told, [(7, 3), (9, 2), (3, 1)]);
        assert!(named.take().is_empty(), "the next window is another one");
    }

    #[test]
    fn payloads_that_only_look_like_records_have_few_places() {
        let mut named = Named::default();
        let taken = (1..=10 * IDS_MAX).filter(|number| named.count(id(*number))).count();
        assert_eq!(taken, IDS_MAX);
        assert!(named.count(id(1)) && !named.count(id(11 * IDS_MAX)), "who has a place keeps it");
        let told = named.take();
        assert_eq!((told.len(), told[0].id.get(), told[0].events), (FLOW_SCHEMAS_MAX, 1, 2));
    }
}
