use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::id::{ApplicationId, RoleId, RuleId};
use crate::policy::{Action, Effect, PrincipalState, Subject};
use crate::secret::SecretHash;

/// A document with every part, as version 1 wrote it. It must be readable for ever: a new version gets a file beside it.
const GOLDEN: &str = include_str!("golden/desired_v1.json");

const fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn whole() -> DesiredState {
    DesiredState {
        min_version: 1,
        environment: EnvironmentId(id(1)),
        agent: AgentId(id(2)),
        generation: 3,
        revision: 4,
        site: Site {
            id: SiteId(id(5)),
            name: "store-lyon".into(),
            region: "eu".into(),
            labels: BTreeMap::from([("kind".into(), "store".into())]),
        },
        keys: Keys { policy: vec!["ab".repeat(32)] },
        policy: policy(),
        contracts: Contracts::default(),
        listeners: vec![Listener {
            id: ListenerId(id(6)),
            name: "tills".into(),
            protocol: ListenerProtocol::Mqtt,
            bind: "0.0.0.0:1883".into(),
            payload_bytes_max: 1_048_576,
            connections_max: 1_000,
            custody_timeout_ms: 10_000,
            denied_v3_publish: DeniedV3Publish::Acknowledge,
        }],
        tls_listeners: Vec::new(),
        certificates: Vec::new(),
        fabric: Fabric {
            bind: Some("0.0.0.0:7447".into()),
            dial: vec![Dial { link: LinkId(id(7)), agent: AgentId(id(8)), addresses: vec!["hq:7447".into()] }],
            members: vec![Member {
                agent: AgentId(id(8)),
                site: SiteId(id(9)),
                site_name: "hq".into(),
                region: "eu".into(),
                sealing_key: Some("ab".repeat(32)),
                stands_for: None,
            }],
        },
        brokers: vec![broker()],
        surveyed: Vec::new(),
        connectors: connectors(),
        decoding: Vec::new(),
        queues: Vec::new(),
        owner: None,
        durable_interest: vec![DurableInterest {
            name: "orders".into(),
            agent: AgentId(id(8)),
            filter: Filter::mesh("orders/>").expect("valid"),
        }],
        observe: Observe { addresses: vec!["orders/{country}/{store}".into()] },
        grants: Vec::new(),
        kafka_access: Vec::new(),
    }
}

fn policy() -> Policy {
    let secret_key = SecretKey::new([7; 32]);
    Policy {
        principals: vec![Principal {
            id: PrincipalId(id(10)),
            username: "till-7".into(),
            state: PrincipalState::Enabled,
            secrets: vec![SecretHash::of(&secret_key, "secret")],
            roles: vec![RoleId(id(11))],
            application: Some(ApplicationId(id(12))),
            expires_at_ms: Some(1_700_000_000_000),
            protocols: Vec::new(),
        }],
        roles: vec![Role { id: RoleId(id(11)), name: "tills".into() }],
        rules: vec![Rule {
            id: RuleId(id(13)),
            subject: Subject::Role(RoleId(id(11))),
            action: Action::Publish,
            effect: Effect::Allow,
            filter: Filter::mqtt("orders/${username}/#").expect("valid"),
            sites: vec![SiteId(id(5))],
        }],
        scopes: vec![Scope {
            name: "eu-only".into(),
            filter: Filter::mesh("customers/>").expect("valid"),
            sites: vec![SiteId(id(9))],
            regions: vec!["eu".into()],
        }],
        secret_key,
    }
}

fn broker() -> BrokerConnection {
    BrokerConnection {
        id: BrokerId(id(14)),
        name: "kafka-a".into(),
        bootstrap: vec!["kafka-a:9092".into()],
        security: KafkaSecurity {
            tls: true,
            ca_pem: Some("PEM".into()),
            sasl: Some(Sasl {
                mechanism: SaslMechanism::ScramSha512,
                username: "mesh".into(),
                secret: "kafka-a".into(),
            }),
        },
        discover: true,
        browse: false,
    }
}

fn connectors() -> Vec<Connector> {
    let connector = |work| Connector {
        route: RouteId(id(15)),
        name: "orders".into(),
        generation: 2,
        principal: PrincipalId(id(16)),
        paused: false,
        work,
    };
    vec![
        connector(ConnectorWork::KafkaSource(KafkaSource {
            broker: BrokerId(id(14)),
            topics: vec!["orders".into()],
            template: "orders/{value.region}/{key}".into(),
            filter: Some("value.total > 0".into()),
            schemas: None,
            start: Start::Earliest,
            mode: DeliveryMode::Guaranteed,
        })),
        connector(ConnectorWork::KafkaSink(KafkaSink {
            broker: BrokerId(id(14)),
            filters: vec![Filter::mesh("orders/>").expect("valid")],
            topic: "orders.{2}".into(),
            key: Some("{header.id}".into()),
        })),
    ]
}

#[test]
fn a_source_with_schemas_is_written_in_a_list_that_older_agents_leave_aside() {
    let mut state = whole();
    let Connector { work: ConnectorWork::KafkaSource(mut source), .. } = state.connectors.remove(0) else {
        panic!("the source")
    };
    source.schemas = Some(Surveyed {
        id: BrokerId(id(17)),
        name: "schemas".into(),
        kind: SurveyedKind::SchemaRegistry,
        url: "https://schemas:8081".into(),
        ca_pem: None,
        login: Some(Login { username: "meshport".into(), secret: "schemas".into() }),
    });
    let apart = Connector { work: ConnectorWork::KafkaSource(source), ..state.connectors[0].clone() };
    state.decoding = vec![apart];
    let written = serde_json::to_value(&state).expect("serializes");
    let registry = json!({ "id": id(17), "name": "schemas", "kind": "schema_registry", "url": "https://schemas:8081",
        "ca_pem": null, "login": { "username": "meshport", "secret": "schemas" } });
    assert_eq!(written["decoding"][0]["work"]["kafka_source"]["schemas"], registry);
    assert_eq!((written["connectors"].as_array().map(Vec::len), state.all_connectors().count()), (Some(1), 2));
    assert_eq!(serde_json::from_value::<DesiredState>(written).expect("readable"), state);
}

#[test]
fn version_1_is_read_for_ever() {
    assert_eq!(serde_json::from_str::<DesiredState>(GOLDEN).expect("readable"), whole());
    let golden: Value = serde_json::from_str(GOLDEN).expect("JSON");
    assert_eq!(serde_json::to_value(whole()).expect("serializes"), golden);
}

/// Adds a field nobody knows at a place of the golden document.
fn with_unknown_field(place: &str) -> Result<DesiredState, serde_json::Error> {
    let mut document: Value = serde_json::from_str(GOLDEN).expect("JSON");
    let part = document.pointer_mut(place).unwrap_or_else(|| panic!("no {place}"));
    part.as_object_mut().expect("an object").insert("from_the_future".into(), json!(true));
    serde_json::from_value(document)
}

#[test]
fn an_unknown_security_field_is_refused() {
    for place in [
        "/keys",
        "/policy",
        "/policy/principals/0",
        "/policy/roles/0",
        "/policy/rules/0",
        "/policy/rules/0/filter",
        "/policy/scopes/0",
    ] {
        assert!(with_unknown_field(place).is_err(), "{place}");
    }
}

#[test]
fn any_other_unknown_field_is_ignored() {
    for place in ["", "/site", "/listeners/0", "/fabric", "/brokers/0", "/connectors/0", "/observe"] {
        assert_eq!(with_unknown_field(place).expect(place), whole(), "{place}");
    }
}

#[test]
fn an_invalid_filter_does_not_pass() {
    let mut document: Value = serde_json::from_str(GOLDEN).expect("JSON");
    document["policy"]["rules"][0]["filter"] = json!({"mqtt": "orders/#/x"});
    let error = serde_json::from_value::<DesiredState>(document).expect_err("invalid");
    assert!(error.to_string().contains("byte 7"), "{error}");
}

/// What is looked at is no security matter: a newer portal's kinds must not cost an agent the rest of its document.
#[test]
fn a_connection_of_an_unknown_kind_leaves_the_document_as_it_is() {
    let mut document: Value = serde_json::from_str(GOLDEN).expect("JSON");
    document["surveyed"] =
        json!([{ "id": id(20), "name": "pigeons", "kind": "carrier_pigeons", "url": "https://loft", "perch": 7 }]);
    let mut read: DesiredState = serde_json::from_value(document).expect("a document of a newer portal");
    let kinds: Vec<SurveyedKind> = read.surveyed.drain(..).map(|surveyed| surveyed.kind).collect();
    assert_eq!((kinds, read), (vec![SurveyedKind::Unknown], whole()));
}

/// What came after the golden document was written: it stands there only where there is any.
#[test]
fn grants_are_read_as_written() {
    let grant = Grant {
        id: crate::id::GrantId(id(30)),
        name: "orders, gold".into(),
        principals: vec![PrincipalId(id(10))],
        publish: vec![Filter::mesh("orders/>").expect("valid")],
        subscribe: Vec::new(),
        quota: Quota { events_per_s: Some(100), bytes_per_s: None, burst_s: Some(2) },
        agents: vec![AgentId(id(2)), AgentId(id(8))],
    };
    let state = DesiredState { grants: vec![grant], ..whole() };
    let text = serde_json::to_value(&state).expect("serializes");
    let quota = json!({"events_per_s": 100, "burst_s": 2});
    assert_eq!(text["grants"][0]["quota"], quota, "what is not limited is not written");
    assert_eq!(serde_json::from_value::<DesiredState>(text).expect("parses"), state);
    assert_eq!(serde_json::to_value(whole()).expect("serializes").get("grants"), None);
}

#[test]
fn a_quota_of_nothing_is_none() {
    let quota = |events_per_s, bytes_per_s, burst_s| Quota { events_per_s, bytes_per_s, burst_s };
    assert_eq!(quota(Some(1), Some(BYTES_PER_S_MAX), Some(60)).check(), Ok(()));
    assert_eq!(quota(None, None, None).check(), Ok(()));
    assert_eq!(quota(Some(0), None, None).check(), Err(QuotaError::Events));
    assert_eq!(quota(Some(EVENTS_PER_S_MAX + 1), None, None).check(), Err(QuotaError::Events));
    assert_eq!(quota(None, Some(0), None).check(), Err(QuotaError::Bytes));
    assert_eq!(quota(None, None, Some(0)).check(), Err(QuotaError::Burst));
    assert_eq!(quota(None, None, Some(61)).check(), Err(QuotaError::Burst));
}
