//! Documents for tests.

use ed25519_dalek::SigningKey;
use mesh_protocol::desired::{
    BrokerConnection, Connector, ConnectorWork, DOCUMENT_VERSION, DesiredState, Fabric, KafkaSecurity, KafkaSink,
    KafkaSource, Keys, Listener, ListenerProtocol, Policy, Site, Start,
};
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::id::{AgentId, BrokerId, EnvironmentId, ListenerId, PrincipalId, RouteId, SiteId};
use mesh_protocol::secret::SecretKey;
use mesh_protocol::signed::{Domain, Signed};
use mesh_protocol::topic::Filter;
use uuid::Uuid;

use super::Owner;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn key_text(seed: u8) -> String {
    hex::encode(key(seed).verifying_key().as_bytes())
}

pub(crate) fn owner() -> Owner {
    Owner { agent: AgentId(id(1)), environment: EnvironmentId(id(2)), enrolled_keys: vec![key(1).verifying_key()] }
}

pub(crate) fn listener() -> Listener {
    Listener {
        id: ListenerId(id(10)),
        name: "mqtt".to_owned(),
        protocol: ListenerProtocol::Mqtt,
        bind: "127.0.0.1:0".to_owned(),
        payload_bytes_max: 1_048_576,
        connections_max: 100,
        custody_timeout_ms: 10_000,
        denied_v3_publish: mesh_protocol::desired::DeniedV3Publish::Disconnect,
    }
}

/// A document with one of each, signed by key 1 next time too.
pub(crate) fn state(revision: u64) -> DesiredState {
    let broker = BrokerConnection {
        id: BrokerId(id(20)),
        name: "kafka-a".to_owned(),
        bootstrap: vec!["127.0.0.1:9092".to_owned()],
        security: KafkaSecurity { tls: false, ca_pem: None, sasl: None },
        discover: true,
        browse: false,
    };
    let connector = |route: u128, work| Connector {
        route: RouteId(id(route)),
        name: format!("route-{route}"),
        generation: 1,
        principal: PrincipalId(id(40)),
        paused: false,
        work,
    };
    let source = KafkaSource {
        broker: broker.id,
        topics: vec!["orders".to_owned()],
        template: "orders/{key}".to_owned(),
        filter: None,
        schemas: None,
        start: Start::Earliest,
        mode: DeliveryMode::Guaranteed,
    };
    let sink = KafkaSink {
        broker: broker.id,
        filters: vec![Filter::mesh("orders/>").expect("valid")],
        topic: "orders".to_owned(),
        key: None,
    };
    DesiredState {
        min_version: DOCUMENT_VERSION,
        environment: owner().environment,
        agent: owner().agent,
        generation: 1,
        revision,
        site: Site { id: SiteId(id(3)), name: "store".to_owned(), region: "eu".to_owned(), labels: Default::default() },
        keys: Keys { policy: vec![key_text(1)] },
        policy: Policy {
            secret_key: SecretKey::new([7; 32]),
            principals: Vec::new(),
            roles: Vec::new(),
            rules: Vec::new(),
            scopes: Vec::new(),
        },
        contracts: mesh_protocol::desired::Contracts::default(),
        listeners: vec![listener()],
        fabric: Fabric::default(),
        brokers: vec![broker],
        surveyed: Vec::new(),
        connectors: vec![
            connector(30, ConnectorWork::KafkaSource(source)),
            connector(31, ConnectorWork::KafkaSink(sink)),
        ],
        tls_listeners: Vec::new(),
        certificates: Vec::new(),
        decoding: Vec::new(),
        queues: Vec::new(),
        owner: None,
        durable_interest: Vec::new(),
        observe: Default::default(),
        grants: Vec::new(),
        kafka_access: Vec::new(),
    }
}

pub(crate) fn sign(state: &DesiredState, seed: u8) -> Signed {
    Signed::sign(Domain::DesiredState, serde_json::to_vec(state).expect("serializes"), &key(seed))
}
