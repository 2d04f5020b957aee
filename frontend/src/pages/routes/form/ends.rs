//! What a route can lead from and to, and by what its records can be read.

use mesh_protocol::id::SiteId;
use serde::{Deserialize, Serialize};

use crate::api::{BrokerKind, BrokerView};
use crate::components::Choice;

/// Broker connections as choices, with their sites.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Ends {
    clusters: Vec<(SiteId, Choice)>,
    registries: Vec<(SiteId, Choice)>,
}

impl Ends {
    pub(super) fn of(brokers: Vec<BrokerView>) -> Self {
        let mut ends = Self::default();
        for broker in brokers {
            let choice = (broker.id.to_string(), format!("{} at {}", broker.config.name, broker.site_name));
            match broker.config.kind {
                BrokerKind::Kafka => ends.clusters.push((broker.config.site, choice)),
                BrokerKind::SchemaRegistry => ends.registries.push((broker.config.site, choice)),
                BrokerKind::KafkaConnect | BrokerKind::Rabbit | BrokerKind::Mqtt => {}
            }
        }
        ends
    }

    pub(super) fn clusters(&self) -> Vec<Choice> {
        self.clusters.iter().map(|(_, choice)| choice.clone()).collect()
    }

    /// The schema registries at a cluster's site: only the agents there ask them.
    pub(super) fn registries_beside(&self, cluster: &str) -> Vec<Choice> {
        let site = self.clusters.iter().find(|(_, (id, _))| id == cluster).map(|(site, _)| *site);
        self.registries.iter().filter(|(there, _)| Some(*there) == site).map(|(_, choice)| choice.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_registries_of_the_clusters_site_are_offered() {
        let site = |n: u128| SiteId(uuid::Uuid::from_u128(n));
        let choice = |name: &str| (name.to_owned(), name.to_owned());
        let ends = Ends {
            clusters: vec![(site(1), choice("a")), (site(2), choice("b"))],
            registries: vec![(site(1), choice("x")), (site(1), choice("y"))],
        };
        assert_eq!(ends.registries_beside("a"), [choice("x"), choice("y")]);
        assert_eq!((ends.registries_beside("b").len(), ends.registries_beside("mesh").len()), (0, 0));
        assert_eq!(ends.clusters(), [choice("a"), choice("b")]);
    }
}
