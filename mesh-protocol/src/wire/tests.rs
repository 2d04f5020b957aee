use std::collections::BTreeMap;

use uuid::Uuid;

use super::*;
use crate::event::Protocol;
use crate::id::{AgentId, BrokerId, ListenerId, RouteId, RuleId, SiteId};
use crate::policy::Action;
use crate::report::{
    Behind, BehindReason, BrokerNode, ClusterFacts, Denial, Denials, Direction, Discovery, Flow, GroupFacts,
    HeldInterest, LinkState, MemberFacts, MissingRight, NamedSchema, ObjectFacts, ObjectKey, ObjectKind, OffsetFacts,
    Part, PartRef, PartState, PartitionFacts, Rejection, RejectionKind, RuntimeObject, Scoped, Subscription,
    Subscriptions, TopicFacts, Traffic,
};
use crate::schema_id::SchemaId;

const fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// One message per line, as version 1 wrote them. They must be readable for ever: agents and portals of several
/// versions talk to each other.
fn check<M>(golden: &str, messages: &[M])
where
    M: Serialize + for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug,
{
    let written: Vec<String> = messages.iter().map(|message| serde_json::to_string(message).expect("JSON")).collect();
    for (line, message) in golden.lines().zip(messages) {
        assert_eq!(&serde_json::from_str::<M>(line).expect(line), message);
    }
    assert_eq!(written.join("\n"), golden.trim_end());
}

#[test]
fn messages_to_the_portal_are_read_for_ever() {
    check(include_str!("golden/to_control_v1.jsonl"), &to_control());
}

#[test]
fn messages_to_the_agent_are_read_for_ever() {
    check(include_str!("golden/to_agent_v1.jsonl"), &to_agent());
}

#[test]
fn an_unknown_message_is_an_error_and_an_unknown_field_is_not() {
    assert!(serde_json::from_str::<ToAgent>(r#"{"type":"self_destruct"}"#).is_err());
    assert_eq!(serde_json::from_str::<ToAgent>(r#"{"type":"pong","at":1}"#).expect("known"), ToAgent::Pong);
}

/// Flows say which schemas their payloads name since they can; none is not said.
#[test]
fn the_schemas_of_a_flow_are_read_as_written() {
    let Report::Traffic(mut traffic) = traffic() else { panic!("traffic is traffic") };
    let mut flow = traffic.flows.remove(0);
    assert!(!serde_json::to_string(&flow).expect("JSON").contains("schemas"));
    flow.schemas = vec![NamedSchema { id: SchemaId::new(7).expect("an id"), events: 19 }];
    let written = serde_json::to_string(&flow).expect("JSON");
    assert!(written.ends_with(r#""schemas":[{"id":7,"events":19}]}"#), "{written}");
    assert_eq!(serde_json::from_str::<Flow>(&written).expect("read"), flow);
}

/// What came to the first version's messages later, each with a field that may be missing.
#[test]
fn what_a_link_keeps_back_and_who_is_behind_are_read_as_written() {
    let link = LinkState {
        scoped: Some(Scoped { revision: 17, after_position: 18, at_ms: 19, withheld_events: 20 }),
        behind: Some(Behind { reason: BehindReason::NotReady, revision: 21, since_ms: 22 }),
        interest: Some(HeldInterest { pending: true, after_position: 23 }),
        ..status(Revision { generation: 1, revision: 7 }).links.remove(0)
    };
    let written = serde_json::to_string(&link).expect("JSON");
    let tail = r#""scoped":{"revision":17,"after_position":18,"at_ms":19,"withheld_events":20},"behind":{"reason":"not_ready","revision":21,"since_ms":22},"interest":{"pending":true,"after_position":23}}"#;
    assert!(written.ends_with(tail), "{written}");
    assert_eq!(serde_json::from_str::<LinkState>(&written).expect("read"), link);
}

fn to_control() -> Vec<ToControl> {
    let revision = Revision { generation: 1, revision: 7 };
    let reports = [discovery(), traffic(), subscriptions(), denials()];
    let mut messages = vec![
        ToControl::Hello(Hello {
            version_min: 1,
            version_max: 1,
            capabilities: vec!["kafka".into(), "fabric".into()],
            agent_version: "0.1.0".into(),
            boot: "b1".into(),
            applied: Some(revision),
            deny_list: 2,
            sealing_key: Some("cd".repeat(32)),
        }),
        ToControl::Status(status(revision)),
        ToControl::Published { request: 1, outcome: PublishOutcome::Accepted { outlets: 3 } },
        ToControl::Published { request: 2, outcome: PublishOutcome::Denied { reason: "no rule".into() } },
        ToControl::Published { request: 3, outcome: PublishOutcome::Failed { reason: "try again".into() } },
        ToControl::TailEvents {
            request: 4,
            events: vec![TailEvent {
                at_ms: 5,
                topic: "orders/fr/1".into(),
                payload: "{}".into(),
                payload_bytes: 2,
                origin_site: "store-lyon".into(),
            }],
            dropped: 1,
        },
        ToControl::TailClosed { request: 4, reason: "no longer allowed".into() },
        ToControl::Ping,
    ];
    messages.extend((1..).zip(reports).map(|(id, report)| ToControl::Report { id, report }));
    messages
}

fn status(revision: Revision) -> Status {
    Status {
        at_ms: 1_700_000_000_000,
        applied: Some(revision),
        rejected: Some(Rejection { revision: None, kind: RejectionKind::Signature, reason: "altered".into() }),
        deny_list: 2,
        parts: vec![Part {
            object: PartRef::Listener(ListenerId(id(1))),
            state: PartState::Degraded,
            detail: Some("the port is taken".into()),
            since_ms: 4,
            addresses: vec!["127.0.0.1:1883".into()],
            own_certificate: false,
            figures: BTreeMap::from([("connections".into(), 5)]),
        }],
        links: vec![LinkState {
            agent: AgentId(id(2)),
            site: SiteId(id(3)),
            up: true,
            direct: false,
            since_ms: 6,
            round_trip_us: Some(700),
            events_sent: u64::MAX,
            events_received: 8,
            bytes_sent: 9,
            bytes_received: 10,
            backlog_events: 11,
            backlog_bytes: 12,
            scoped: None,
            behind: None,
            interest: None,
        }],
        counters: BTreeMap::from([("published_events".into(), 13)]),
        memory_bytes: 14,
        started_at_ms: 15,
        certificate_ends_at_ms: 16,
    }
}

fn discovery() -> Report {
    let cluster = ClusterFacts {
        cluster_id: "c1".into(),
        controller: Some(1),
        brokers: vec![BrokerNode { id: 1, address: "kafka-a:9092".into(), log_dirs: Vec::new() }],
        ..ClusterFacts::default()
    };
    let topic = TopicFacts {
        internal: false,
        partitions: vec![PartitionFacts {
            id: 0,
            leader: Some(1),
            replicas: vec![1],
            in_sync: vec![1],
            low: Some(0),
            high: None,
            bytes: None,
        }],
        configs: BTreeMap::from([("retention.ms".into(), "1000".into())]),
        ..TopicFacts::default()
    };
    let group = GroupFacts {
        state: "Stable".into(),
        members: vec![MemberFacts {
            client_id: "billing".into(),
            host: "/10.0.0.1".into(),
            assigned: BTreeMap::from([("orders".into(), vec![0])]),
        }],
        offsets: vec![OffsetFacts { topic: "orders".into(), partition: 0, committed: 5, lag: Some(1) }],
    };
    let object = |name: &str, facts| RuntimeObject { name: name.into(), facts };
    Report::Discovery(Discovery {
        broker: BrokerId(id(4)),
        at_ms: 17,
        full: true,
        scan: 1,
        last: true,
        objects: vec![
            object("c1", ObjectFacts::Cluster(cluster)),
            object("orders", ObjectFacts::Topic(topic)),
            object("billing", ObjectFacts::Group(group)),
        ],
        removed: vec![ObjectKey { kind: ObjectKind::Topic, name: "old".into() }],
        missing_rights: vec![MissingRight { what: "groups".into(), right: "DESCRIBE".into(), command: "acls".into() }],
        failed: None,
    })
}

fn traffic() -> Report {
    Report::Traffic(Traffic {
        at_ms: 18,
        window_ms: 10_000,
        flows: vec![Flow {
            principal: Some(PrincipalId(id(5))),
            principal_name: "till-7".into(),
            client_id: "till-7".into(),
            protocol: Protocol::Mqtt,
            direction: Direction::Produce,
            address: "orders/{country}/{store}".into(),
            example_topic: "orders/fr/1".into(),
            broker: Some(BrokerId(id(4))),
            broker_topic: Some("orders".into()),
            route: Some(RouteId(id(6))),
            events: 19,
            bytes: 20,
            shape: Some("ab12".into()),
            schemas: Vec::new(),
        }],
        left_out: 0,
    })
}

fn subscriptions() -> Report {
    Report::Subscriptions(Subscriptions {
        at_ms: 21,
        subscriptions: vec![Subscription {
            filter: Filter::mqtt("orders/#").expect("valid"),
            principal: None,
            principal_name: "orders".into(),
            client_id: String::new(),
            protocol: Protocol::Kafka,
            route: Some(RouteId(id(6))),
            since_ms: 22,
        }],
        left_out: 1,
    })
}

fn denials() -> Report {
    Report::Denials(Denials {
        at_ms: 23,
        denials: vec![Denial {
            principal: Some(PrincipalId(id(5))),
            principal_name: "till-7".into(),
            client_id: "till-7".into(),
            protocol: Protocol::Http,
            action: Action::Publish,
            topic: "orders/fr/1".into(),
            rule: Some(RuleId(id(7))),
            reason: "denied".into(),
            count: 24,
            last_ms: 25,
        }],
        left_out: 0,
    })
}

fn to_agent() -> Vec<ToAgent> {
    let signed = || Signed { body: b"{}".to_vec(), signature: vec![1, 2, 3], key_id: "k1".into() };
    vec![
        ToAgent::Welcome { version: 1, portal_version: "0.1.0".into() },
        ToAgent::Refused { reason: "update the agent".into(), update_required: true },
        ToAgent::Desired(signed()),
        ToAgent::DenyList(signed()),
        ToAgent::ReportAck { id: 1, refused: None },
        ToAgent::Publish {
            request: 2,
            principal: PrincipalId(id(5)),
            topic: Topic::new("orders/fr/1").expect("valid"),
            payload: "{}".into(),
            mode: DeliveryMode::Guaranteed,
        },
        ToAgent::OpenTail {
            request: 3,
            principal: PrincipalId(id(5)),
            filter: Filter::mesh("orders/>").expect("valid"),
            payload_bytes_max: 4_096,
        },
        ToAgent::CloseTail { request: 3 },
        ToAgent::Pong,
    ]
}

/// An agent that is newer than its portal must not lose its session over a kind the portal has never heard of.
#[test]
fn objects_of_unknown_kinds_are_left_aside() {
    let text = r#"{"name":"x","facts":{"kind":"share_group","state":"Stable"}}"#;
    let object: RuntimeObject = serde_json::from_str(text).expect("an object of a newer agent");
    assert_eq!(object.facts, ObjectFacts::Unknown);
    let key: ObjectKey = serde_json::from_str(r#"{"kind":"share_group","name":"x"}"#).expect("a key of a newer agent");
    assert_eq!(key.kind, ObjectKind::Unknown);
}
