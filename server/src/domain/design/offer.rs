//! What somebody who gets access to an event API or a product may do: the events that clients send and receive.

use mesh_protocol::id::DesignVersionId;

use super::{Content, Graph, Version};

/// Events from the view of clients, each once, in the order in which they are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Event versions that clients send.
    pub sends: Vec<DesignVersionId>,
    /// Event versions that clients receive.
    pub receives: Vec<DesignVersionId>,
}

impl Offer {
    /// All of them, each once.
    pub fn events(&self) -> impl Iterator<Item = DesignVersionId> {
        let others = self.receives.iter().filter(|id| !self.sends.contains(id));
        self.sends.iter().chain(others).copied()
    }

    fn add(&mut self, sends: &[DesignVersionId], receives: &[DesignVersionId]) {
        for (all, new) in [(&mut self.sends, sends), (&mut self.receives, receives)] {
            for id in new {
                if !all.contains(id) {
                    all.push(*id);
                }
            }
        }
    }
}

impl Graph<'_> {
    /// What a version offers to clients: an event API's own events, those of all event APIs of a product, an event by
    /// itself to who receives it. Schemas and applications offer nothing.
    #[must_use]
    pub fn offer(&self, version: &Version) -> Offer {
        let mut offer = Offer::default();
        match &version.spec.content {
            Content::EventApi(api) => offer.add(&api.sends, &api.receives),
            Content::Product(product) => {
                for api in product.apis.iter().filter_map(|id| self.version(*id)) {
                    if let Content::EventApi(api) = &api.spec.content {
                        offer.add(&api.sends, &api.receives);
                    }
                }
            }
            Content::Event(_) => offer.receives.push(version.id),
            Content::Schema(_) | Content::Application(_) => {}
        }
        offer
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Catalog, application, event, event_api, product};
    use super::*;

    #[test]
    fn a_product_offers_the_events_of_all_its_apis_once() {
        let mut catalog = Catalog::default();
        let (_, created) = catalog.both("created", event("orders/created", None));
        let (_, paid) = catalog.both("paid", event("orders/paid", None));
        let (_, order) = catalog.both("order", event("orders/new", None));
        let (_, reading) = catalog.both("reading", event_api(&[], &[created, paid]));
        let (_, ordering) = catalog.both("ordering", event_api(&[order], &[created]));
        let (_, retail) = catalog.both("retail", product(&[reading, ordering]));
        let (_, shop) = catalog.both("shop", application(&[order], &[paid]));
        let offer = |id| {
            let graph = catalog.graph();
            graph.offer(graph.version(id).expect("there"))
        };
        assert_eq!(offer(retail), Offer { sends: vec![order], receives: vec![created, paid] });
        assert_eq!(offer(retail).events().collect::<Vec<_>>(), [order, created, paid]);
        assert_eq!(offer(created), Offer { sends: vec![], receives: vec![created] });
        assert_eq!(offer(shop), Offer::default());
    }
}
