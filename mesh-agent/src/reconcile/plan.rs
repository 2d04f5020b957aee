//! What must start, change and stop: a pure comparison of what runs with what a document wants.

use std::collections::BTreeMap;

use mesh_protocol::desired::{
    BrokerConnection, Connector, ConnectorWork, DesiredState, DurableInterest, Fabric, KafkaAccess, Listener, Surveyed,
    TlsListener, WebhookSink,
};
use mesh_protocol::id::{BrokerId, ListenerId, RouteId};
use mesh_protocol::report::PartRef;

/// Names a part. The order is the order of starting: what carries and takes events before what brings them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The connections to other agents.
    Fabric,
    /// The discovery of a broker connection.
    Discovery(BrokerId),
    /// The users of grants at a cluster.
    KafkaAccess(BrokerId),
    /// A route's sink.
    Sink(RouteId),
    /// A route's source.
    Source(RouteId),
    /// An endpoint for clients.
    Listener(ListenerId),
}

/// All a part needs of the document. Equal means: leave it alone.
#[derive(Clone, Debug, PartialEq)]
pub enum PartSpec {
    /// The fabric's section and what is wanted durably anywhere.
    Fabric {
        /// Endpoint, links, members.
        fabric: Fabric,
        /// Interest of sinks and queues anywhere in the mesh.
        durable_interest: Vec<DurableInterest>,
    },
    /// The cluster to scan.
    Discovery(BrokerConnection),
    /// Users to keep, and the cluster where they are kept.
    KafkaAccess(KafkaAccess, BrokerConnection),
    /// What is no cluster, to scan.
    Survey(Surveyed),
    /// A connector that writes to its cluster.
    Sink(Connector, BrokerConnection),
    /// A connector that calls an HTTP endpoint.
    Webhook(Connector, WebhookSink),
    /// A connector that reads from its cluster.
    Source(Connector, BrokerConnection),
    /// The endpoint.
    Listener(Listener),
    /// The endpoint that speaks TLS.
    TlsListener(TlsListener),
}

impl PartSpec {
    /// Name of the secret it logs in with at its cluster, or signs with.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Discovery(broker)
            | Self::KafkaAccess(_, broker)
            | Self::Sink(_, broker)
            | Self::Source(_, broker) => broker.security.sasl.as_ref().map(|sasl| sasl.secret.as_str()),
            Self::Survey(surveyed) => surveyed.login.as_ref().map(|login| login.secret.as_str()),
            Self::Webhook(_, sink) => sink.secret.as_deref(),
            Self::Fabric { .. } | Self::Listener(_) | Self::TlsListener(_) => None,
        }
    }
}

/// The difference.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// No longer wanted.
    pub stop: Vec<Part>,
    /// Wanted otherwise.
    pub change: Vec<(Part, PartSpec)>,
    /// Wanted, and not there. In starting order.
    pub start: Vec<(Part, PartSpec)>,
}

/// Which parts stop together when the agent ends, one stage after the other: intake first, then what takes events,
/// then what carries them.
pub(super) const STOP_STAGES: [fn(Part) -> bool; 3] = [
    |part| matches!(part, Part::Listener(_) | Part::Source(_)),
    |part| matches!(part, Part::Sink(_) | Part::Discovery(_) | Part::KafkaAccess(_)),
    |_| true,
];

impl From<Part> for PartRef {
    fn from(part: Part) -> Self {
        match part {
            Part::Fabric => Self::Fabric,
            Part::Discovery(id) => Self::Broker(id),
            Part::KafkaAccess(id) => Self::KafkaAccess(id),
            Part::Sink(id) => Self::Sink(id),
            Part::Source(id) => Self::Source(id),
            Part::Listener(id) => Self::Listener(id),
        }
    }
}

/// The parts a document wants. A connector whose cluster is missing is left out; the ledger refuses such a document.
pub(super) fn parts(state: &DesiredState) -> BTreeMap<Part, PartSpec> {
    let brokers: BTreeMap<_, _> = state.brokers.iter().map(|broker| (broker.id, broker)).collect();
    let fabric = PartSpec::Fabric { fabric: state.fabric.clone(), durable_interest: state.durable_interest.clone() };
    let discoveries = state.brokers.iter().filter(|broker| broker.discover);
    let working = state.all_connectors().filter(|connector| !connector.paused);
    let connectors = working.filter_map(|connector| match &connector.work {
        ConnectorWork::KafkaSource(source) => {
            let broker = (*brokers.get(&source.broker)?).clone();
            Some((Part::Source(connector.route), PartSpec::Source(connector.clone(), broker)))
        }
        ConnectorWork::KafkaSink(sink) => {
            let broker = (*brokers.get(&sink.broker)?).clone();
            Some((Part::Sink(connector.route), PartSpec::Sink(connector.clone(), broker)))
        }
        ConnectorWork::WebhookSink(sink) => {
            Some((Part::Sink(connector.route), PartSpec::Webhook(connector.clone(), sink.clone())))
        }
    });
    let accesses = state.kafka_access.iter().filter_map(|access| {
        let broker = (*brokers.get(&access.broker)?).clone();
        Some((Part::KafkaAccess(access.broker), PartSpec::KafkaAccess(access.clone(), broker)))
    });
    let surveys = state.surveyed.iter().map(|one| (Part::Discovery(one.id), PartSpec::Survey(one.clone())));
    let listeners = state.listeners.iter().map(|plain| (plain.id, PartSpec::Listener(plain.clone())));
    let with_tls = state.tls_listeners.iter().map(|tls| (tls.listener.id, PartSpec::TlsListener(tls.clone())));
    std::iter::once((Part::Fabric, fabric))
        .chain(discoveries.map(|broker| (Part::Discovery(broker.id), PartSpec::Discovery(broker.clone()))))
        .chain(surveys)
        .chain(accesses)
        .chain(connectors)
        .chain(listeners.chain(with_tls).map(|(id, spec)| (Part::Listener(id), spec)))
        .collect()
}

/// What leads from the one to the other.
pub(super) fn diff(running: &BTreeMap<Part, PartSpec>, wanted: BTreeMap<Part, PartSpec>) -> Plan {
    let stop = running.keys().filter(|part| !wanted.contains_key(part)).copied().collect();
    let mut plan = Plan { stop, ..Plan::default() };
    for (part, spec) in wanted {
        match running.get(&part) {
            None => plan.start.push((part, spec)),
            Some(same) if *same == spec => {}
            Some(_) => plan.change.push((part, spec)),
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::ledger::sample;
    use proptest::prelude::{Strategy, proptest};
    use uuid::Uuid;

    fn listener(id: u128, bind: &str) -> (Part, PartSpec) {
        let mut listener = sample::listener();
        listener.id = ListenerId(Uuid::from_u128(id));
        bind.clone_into(&mut listener.bind);
        (Part::Listener(listener.id), PartSpec::Listener(listener))
    }

    #[test]
    fn the_same_needs_nothing() {
        let wanted = parts(&sample::state(1));
        assert!(!wanted.is_empty());
        assert_eq!(diff(&wanted.clone(), wanted), Plan::default());
    }

    #[test]
    fn only_the_difference_is_touched() {
        let (one, two, three) = (listener(1, "a:1"), listener(2, "a:2"), listener(3, "a:3"));
        let changed = listener(2, "a:22");
        let running = BTreeMap::from([one.clone(), two, three.clone()]);
        let fourth = listener(4, "a:4");
        let plan = diff(&running, BTreeMap::from([one, changed.clone(), fourth.clone()]));
        assert_eq!(plan, Plan { stop: vec![three.0], change: vec![changed], start: vec![fourth] });
    }

    #[test]
    fn what_brings_events_in_starts_last() {
        let plan = diff(&BTreeMap::new(), parts(&sample::state(1)));
        let order: Vec<_> = plan.start.iter().map(|(part, _)| *part).collect();
        assert_eq!(order.first(), Some(&Part::Fabric));
        assert!(matches!(order.last(), Some(Part::Listener(_))));
    }

    fn any_parts() -> impl Strategy<Value = BTreeMap<Part, PartSpec>> {
        let one = (0u128..6, 0u8..3).prop_map(|(id, port)| listener(id, &format!("a:{port}")));
        proptest::collection::vec(one, 0..6).prop_map(|all| all.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_plan_leads_from_any_state_to_any_other(running in any_parts(), wanted in any_parts()) {
            let plan = diff(&running, wanted.clone());
            let mut result = running;
            for part in &plan.stop {
                assert!(result.remove(part).is_some());
            }
            for (part, spec) in plan.change {
                assert!(result.insert(part, spec).is_some());
            }
            for (part, spec) in plan.start {
                assert!(result.insert(part, spec).is_none());
            }
            assert_eq!(result, wanted);
        }
    }
}
