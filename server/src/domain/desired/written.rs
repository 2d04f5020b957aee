//! Rows as documents write them.

use mesh_protocol::desired::{BrokerConnection, Listener as ListenerState, Queue as QueueState, Surveyed};

use super::super::broker::{Broker, Target};
use super::super::listener::Listener;
use super::super::queue::Queue;

pub(super) fn listener_state(listener: &Listener) -> ListenerState {
    let spec = &listener.spec;
    ListenerState {
        id: listener.id,
        name: spec.name.clone(),
        protocol: spec.protocol,
        bind: spec.bind.clone(),
        payload_bytes_max: spec.payload_bytes_max,
        connections_max: spec.connections_max,
        custody_timeout_ms: spec.custody_timeout_ms,
        denied_v3_publish: spec.denied_v3_publish,
    }
}

pub(super) fn broker_state(broker: &Broker) -> Option<BrokerConnection> {
    let spec = &broker.spec;
    let Target::Kafka { bootstrap, security } = &spec.target else { return None };
    Some(BrokerConnection {
        id: broker.id,
        name: spec.name.clone(),
        bootstrap: bootstrap.clone(),
        security: security.clone(),
        discover: spec.discover,
        browse: spec.browse,
    })
}

pub(super) fn surveyed_state(broker: &Broker) -> Option<Surveyed> {
    let Target::Surveyed(surveyed) = &broker.spec.target else { return None };
    Some(Surveyed {
        id: broker.id,
        name: broker.spec.name.clone(),
        kind: surveyed.kind,
        url: surveyed.url.clone(),
        ca_pem: surveyed.ca_pem.clone(),
        login: surveyed.login.clone(),
    })
}

pub(super) fn queue_state(queue: &Queue) -> QueueState {
    let (spec, settings) = (&queue.spec, &queue.spec.settings);
    QueueState {
        id: queue.id,
        name: spec.name.clone(),
        filters: spec.attracts(),
        exceptions: spec.leaves(),
        access: settings.access,
        on_failure: settings.on_failure,
        paused: spec.paused,
        deliveries_max: settings.deliveries_max,
        backoff_first_ms: settings.backoff_first_ms,
        backoff_longest_ms: settings.backoff_longest_ms,
        lease_ms: settings.lease_ms,
        ttl_ms: settings.ttl_ms,
        events_max: settings.events_max,
        bytes_max: settings.bytes_max,
        when_full: settings.when_full,
        dead_letters_max: settings.dead_letters_max,
        keep_ms: spec.keep.ms,
        keep_bytes_max: spec.keep.bytes_max,
    }
}
