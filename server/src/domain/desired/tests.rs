use mesh_protocol::desired::{
    CONTRACTS_VERSION, Contract, DIVERTS_VERSION, DeniedV3Publish, KafkaSecurity, ListenerProtocol, OnInvalid, Start,
    SurveyedKind, WebhookFormat,
};
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::id::{EnvironmentId, LinkId, ListenerId, QueueId};
use mesh_protocol::policy::PrincipalState;
use mesh_protocol::secret::SecretKey;
use mesh_protocol::topic::Filter;
use mesh_protocol::wire::Revision;
use uuid::Uuid;

use super::*;
use crate::domain::broker::Target;
use crate::domain::webhook::Webhook;
use crate::domain::{broker, listener, queue, route, site};

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub(super) fn site(n: u128, name: &str) -> Site {
    let spec = site::Spec { name: name.into(), region: "eu".into(), ..site::Spec::default() };
    Site { id: SiteId(id(n)), spec, revision: 1, created_at_ms: 0, updated_at_ms: 0 }
}

pub(super) fn agent(n: u128, site: u128, addresses: &[&str]) -> Agent {
    Agent {
        id: AgentId(id(n)),
        site: SiteId(id(site)),
        stands_for: None,
        name: format!("agent-{n}"),
        public_key: n.to_string(),
        sealing_key: Some(format!("{n:064x}")),
        version: "1".into(),
        state: State::Enrolled,
        certificate_ends_at_ms: 0,
        fabric_addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
        listener_addresses: [].into(),
        connected: false,
        presence_since_ms: 0,
        seen_at_ms: 0,
        address: None,
        created_at_ms: 0,
    }
}

fn link(n: u128, from: u128, to: u128) -> Link {
    Link {
        id: LinkId(id(n)),
        from: SiteId(id(from)),
        to: SiteId(id(to)),
        enabled: true,
        revision: 1,
        updated_at_ms: 0,
        updated_by: String::new(),
    }
}

fn kafka(n: u128, site: u128) -> Broker {
    let spec = broker::Spec {
        site: SiteId(id(site)),
        name: format!("kafka-{n}"),
        target: Target::Kafka {
            bootstrap: vec!["k:9092".into()],
            security: KafkaSecurity { tls: false, ca_pem: None, sasl: None },
        },
        discover: true,
        browse: true,
    };
    Broker { id: BrokerId(id(n)), spec, revision: 1 }
}

pub(super) fn principal(n: u128, kind: Kind) -> Principal {
    Principal {
        id: PrincipalId(id(n)),
        username: format!("p{n}"),
        kind,
        person: None,
        state: PrincipalState::Enabled,
        application: None,
        roles: vec![],
        secrets: vec![],
        expires_at_ms: None,
        revision: 1,
        created_at_ms: 0,
    }
}

/// hq (1) with Kafka 100, berlin (2) with Kafka 200 and a route between them, lyon (3) with a listener; 2 and 3 dial 1.
pub(super) fn mesh() -> Mesh {
    Mesh {
        environment: Environment {
            id: EnvironmentId(id(9)),
            name: "production".into(),
            policy: Revision { generation: 1, revision: 7 },
            secret_key: SecretKey::new([1; 32]),
        },
        policy_keys: vec!["aa".into()],
        sites: vec![site(1, "hq"), site(2, "berlin"), site(3, "lyon")],
        agents: vec![agent(11, 1, &["hq:7447"]), agent(22, 2, &[]), agent(33, 3, &[])],
        links: vec![link(50, 2, 1), link(51, 3, 1)],
        listeners: vec![Listener {
            id: ListenerId(id(60)),
            spec: listener::Spec {
                site: SiteId(id(3)),
                name: "mqtt".into(),
                protocol: ListenerProtocol::Mqtt,
                bind: "0.0.0.0:0".into(),
                payload_bytes_max: 1,
                connections_max: 1,
                custody_timeout_ms: 1_000,
                denied_v3_publish: DeniedV3Publish::Disconnect,
                tls: false,
                server_names: vec![],
            },
            revision: 1,
        }],
        brokers: vec![kafka(100, 1), kafka(200, 2)],
        principals: vec![principal(70, Kind::Client), principal(71, Kind::Route)],
        certificates: vec![],
        authorities: Authorities::default(),
        roles: vec![],
        rules: vec![],
        scopes: vec![],
        routes: vec![Route {
            id: RouteId(id(80)),
            principal: PrincipalId(id(71)),
            spec: route::Spec {
                name: "berlin-to-hq".into(),
                enabled: true,
                from: From::Kafka {
                    broker: BrokerId(id(200)),
                    topics: vec!["sensors".into()],
                    template: "sensors/{value.plant}/{key}".into(),
                    filter: " ".into(),
                    schemas: None,
                    start: Start::Earliest,
                },
                to: To::Kafka { broker: BrokerId(id(100)), topic: "sensors".into(), key: String::new() },
                mode: DeliveryMode::Guaranteed,
                note: String::new(),
            },
            generation: 1,
            since_revision: 1,
            revision: 1,
            updated_at_ms: 0,
            updated_by: "ada".into(),
        }],
        queues: vec![],
        kafka_credentials: vec![],
        grants: vec![],
        publications: vec![],
        addresses: vec![],
        contracts: Arc::default(),
    }
}

/// A queue at a site.
fn queue(n: u128, site: u128, filters: &[&str]) -> Queue {
    Queue {
        id: QueueId(id(n)),
        spec: queue::Spec {
            name: format!("queue-{n}"),
            site: SiteId(id(site)),
            filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
            exceptions: vec!["orders/test/>".into()],
            settings: queue::Settings::default(),
            keep: queue::Keep::default(),
            paused: false,
            note: String::new(),
        },
        since_revision: 1,
        revision: 1,
        updated_at_ms: 0,
        updated_by: "ada".into(),
    }
}

fn desired(mesh: &Mesh, agent: u128) -> DesiredState {
    mesh.desired(AgentId(id(agent))).expect("an enrolled agent")
}

#[test]
fn a_route_between_clusters_is_a_source_here_and_a_sink_there() {
    let mesh = mesh();
    let works =
        |agent| desired(&mesh, agent).connectors.into_iter().map(|connector| connector.work).collect::<Vec<_>>();
    assert!(matches!(&works(22)[..], [ConnectorWork::KafkaSource(source)] if source.filter.is_none()));
    let filter = Filter::mesh("sensors/*/*").expect("valid");
    assert!(
        matches!(&works(11)[..], [ConnectorWork::KafkaSink(sink)] if sink.filters == std::slice::from_ref(&filter))
    );
    assert!(works(33).is_empty());
    let interest = DurableInterest { name: "berlin-to-hq".into(), agent: AgentId(id(11)), filter };
    for agent in [11, 22, 33] {
        assert_eq!(
            desired(&mesh, agent).durable_interest,
            std::slice::from_ref(&interest),
            "every origin knows the sink"
        );
    }
}

/// What an older agent does not know stands in a list of its own, which it leaves aside.
#[test]
fn what_is_looked_at_is_no_cluster_and_stands_beside_them() {
    let mut mesh = mesh();
    let mut schemas = kafka(66, 1);
    let kind = SurveyedKind::SchemaRegistry;
    let url = "https://schemas:8081".to_owned();
    schemas.spec.target = Target::Surveyed(broker::Surveyed { kind, url: url.clone(), ca_pem: None, login: None });
    mesh.brokers.push(schemas.clone());
    let clusters = desired(&mesh, 11).brokers.len();
    let expected = Surveyed { id: schemas.id, name: "kafka-66".into(), kind, url, ca_pem: None, login: None };
    assert_eq!(desired(&mesh, 11).surveyed, [expected]);
    assert!(desired(&mesh, 33).surveyed.is_empty(), "another site");
    mesh.brokers.last_mut().expect("the registry").spec.discover = false;
    let state = desired(&mesh, 11);
    assert_eq!((state.surveyed.len(), state.brokers.len()), (0, clusters));
}

/// An older agent would take records that it cannot read for poison: it must not run such a source.
#[test]
fn a_source_that_reads_by_schemas_stands_apart_with_its_registry() {
    let mut mesh = mesh();
    let mut registry = kafka(66, 2);
    let (kind, url) = (SurveyedKind::SchemaRegistry, "https://schemas:8081".to_owned());
    registry.spec.target = Target::Surveyed(broker::Surveyed { kind, url, ca_pem: None, login: None });
    registry.spec.discover = false;
    let From::Kafka { schemas, .. } = &mut mesh.routes[0].spec.from else { panic!("from Kafka") };
    *schemas = Some(registry.id);
    mesh.brokers.push(registry.clone());
    let state = desired(&mesh, 22);
    assert!(state.connectors.is_empty() && state.surveyed.is_empty(), "{state:?}");
    let ConnectorWork::KafkaSource(source) = &state.decoding[0].work else { panic!("a source") };
    assert_eq!(source.schemas.as_ref().map(|schemas| schemas.id), Some(registry.id));
    assert!(state.policy.principals.iter().any(|known| known.id == state.decoding[0].principal), "it may publish");
    let sink = desired(&mesh, 11);
    assert_eq!((sink.connectors.len(), sink.decoding.len()), (1, 0));
}

#[test]
fn a_webhook_runs_at_the_site_that_calls_and_every_origin_knows_it() {
    let mut mesh = mesh();
    mesh.routes[0].spec.from = From::Mesh { filters: vec!["orders/>".into()] };
    mesh.routes[0].spec.to = To::Webhook(Webhook {
        site: SiteId(id(3)),
        url: "https://erp.example/hooks".into(),
        format: WebhookFormat::Structured,
        secret: Some("erp".into()),
        ca_pem: None,
        timeout_ms: 2_000,
        concurrency: 4,
        deliveries_max: Some(9),
        private_addresses: true,
    });
    let connectors = desired(&mesh, 33).connectors;
    let filter = Filter::mesh("orders/>").expect("valid");
    let expected = WebhookSink {
        filters: vec![filter.clone()],
        url: "https://erp.example/hooks".into(),
        format: WebhookFormat::Structured,
        secret: Some("erp".into()),
        ca_pem: None,
        timeout_ms: 2_000,
        concurrency: 4,
        deliveries_max: Some(9),
        private_addresses: true,
    };
    assert!(matches!(&connectors[..], [one] if one.work == ConnectorWork::WebhookSink(expected)), "{connectors:?}");
    assert!(desired(&mesh, 11).connectors.is_empty() && desired(&mesh, 22).connectors.is_empty());
    let interest = DurableInterest { name: "berlin-to-hq".into(), agent: AgentId(id(33)), filter };
    assert_eq!(desired(&mesh, 22).durable_interest, [interest]);
}

#[test]
fn a_paused_route_brings_nothing_and_goes_on_attracting_for_its_sink() {
    let mut mesh = mesh();
    let interest = desired(&mesh, 33).durable_interest;
    mesh.routes[0].spec.enabled = false;
    assert!(desired(&mesh, 22).connectors.is_empty(), "its source is left out");
    let sinks = desired(&mesh, 11).connectors;
    assert!(matches!(&sinks[..], [sink] if sink.paused), "its sink does not run and keeps its queue: {sinks:?}");
    assert!(!interest.is_empty() && desired(&mesh, 33).durable_interest == interest);
}

#[test]
fn a_routes_identity_is_known_only_where_it_runs_and_may_exactly_what_the_route_says() {
    let mesh = mesh();
    let known =
        |agent| desired(&mesh, agent).policy.principals.iter().map(|principal| principal.id.0).collect::<Vec<_>>();
    assert_eq!(known(33), [id(70)]);
    assert_eq!(known(22), [id(70), id(71)]);
    let rules = desired(&mesh, 22).policy.rules;
    let mut said: Vec<_> = rules.iter().map(|rule| (rule.action, rule.filter.text())).collect();
    said.sort_unstable();
    let all = [(Action::Connect, ">"), (Action::Publish, "sensors/*/*"), (Action::Subscribe, "sensors/*/*")];
    assert_eq!(said, all);
    assert!(desired(&mesh, 33).policy.rules.is_empty());
}

#[test]
fn a_queue_is_at_one_agent_of_its_site_and_every_origin_knows_what_it_attracts() {
    let mut mesh = mesh();
    mesh.routes.clear();
    mesh.queues = vec![queue(91, 3, &["orders/>", "returns/>"]), queue(90, 1, &["alerts/>"])];
    mesh.agents.insert(0, agent(34, 3, &[]));
    let queues = |agent| desired(&mesh, agent).queues.iter().map(|queue| queue.id.0).collect::<Vec<_>>();
    assert_eq!([queues(11), queues(22), queues(33), queues(34)], [vec![id(90)], vec![], vec![id(91)], vec![]]);
    let state = &desired(&mesh, 33).queues[0];
    assert_eq!((state.filters.len(), state.exceptions.len(), state.deliveries_max), (2, 1, Some(10)));
    let wants = |agent: u128, name: &str, filter: &str| DurableInterest {
        name: name.into(),
        agent: AgentId(id(agent)),
        filter: Filter::mesh(filter).expect("valid"),
    };
    let all =
        [wants(11, "queue-90", "alerts/>"), wants(33, "queue-91", "orders/>"), wants(33, "queue-91", "returns/>")];
    for agent in [11, 22, 33, 34] {
        assert_eq!(desired(&mesh, agent).durable_interest, all);
    }
}

#[test]
fn an_agent_is_told_what_a_queue_keeps() {
    let mut mesh = mesh();
    mesh.queues = vec![queue(91, 3, &["orders/>"])];
    assert_eq!(desired(&mesh, 33).queues[0].keep_ms, None);
    mesh.queues[0].spec.keep = queue::Keep { ms: Some(86_400_000), bytes_max: 5 << 20 };
    let state = &desired(&mesh, 33).queues[0];
    assert_eq!((state.keep_ms, state.keep_bytes_max), (Some(86_400_000), 5 << 20));
}

#[test]
fn a_paused_queue_goes_on_attracting() {
    let mut mesh = mesh();
    mesh.queues = vec![queue(91, 3, &["orders/>"])];
    let interest = desired(&mesh, 22).durable_interest;
    mesh.queues[0].spec.paused = true;
    assert!(desired(&mesh, 33).queues[0].paused);
    assert_eq!(desired(&mesh, 22).durable_interest, interest);
}

#[test]
fn a_queue_at_a_site_without_an_agent_is_nowhere_yet() {
    let mut mesh = mesh();
    mesh.routes.clear();
    mesh.queues = vec![queue(91, 3, &["orders/>"])];
    mesh.agents.retain(|agent| agent.site != SiteId(id(3)));
    assert!(desired(&mesh, 11).queues.is_empty() && desired(&mesh, 11).durable_interest.is_empty());
}

#[test]
fn agents_dial_where_the_other_end_can_be_reached() {
    let mut mesh = mesh();
    assert_eq!(desired(&mesh, 33).fabric.dial[0].addresses, ["hq:7447"]);
    assert_eq!(desired(&mesh, 33).fabric.bind, None, "nobody dials lyon");
    assert_eq!(desired(&mesh, 11).fabric.bind.as_deref(), Some(FABRIC_BIND));
    mesh.sites[0].spec.fabric_address = Some("nat.example:443".into());
    assert_eq!(desired(&mesh, 33).fabric.dial[0].addresses, ["nat.example:443"]);
    mesh.sites[0].spec.fabric_address = None;
    mesh.agents[0].fabric_addresses.clear();
    assert!(desired(&mesh, 33).fabric.dial.is_empty(), "not reported yet");
}

#[test]
fn a_link_that_is_off_is_not_dialled_and_leaves_all_else() {
    let mut mesh = mesh();
    let before = [11, 22, 33].map(|agent| desired(&mesh, agent));
    mesh.links[0].enabled = false;
    let after = [11, 22, 33].map(|agent| desired(&mesh, agent));
    assert_eq!(after[1].fabric, Fabric { dial: vec![], ..before[1].fabric.clone() }, "berlin stays a member");
    for other in [0, 2] {
        assert_eq!(after[other].fabric, before[other].fabric, "the endpoint and the other link stay");
    }
    mesh.links[1].enabled = false;
    assert_eq!(desired(&mesh, 11).fabric.bind.as_deref(), Some(FABRIC_BIND), "it is found again where it was");
    assert_eq!(after[0].durable_interest, before[0].durable_interest, "events go on waiting for berlin");
}

#[test]
fn a_revoked_agent_is_no_member_and_gets_nothing() {
    let mut mesh = mesh();
    mesh.agents[0].state = State::Revoked;
    assert_eq!(mesh.desired(AgentId(id(11))), None);
    let members = desired(&mesh, 33).fabric.members;
    assert_eq!(members.iter().map(|member| member.agent.0).collect::<Vec<_>>(), [id(22), id(33)]);
    assert!(desired(&mesh, 33).fabric.dial.is_empty());
    assert_eq!(mesh.owner(BrokerId(id(100))), None);
}

#[test]
fn who_takes_a_lost_agents_place_owns_what_that_one_owned_and_says_whose_place_it_is() {
    let mut mesh = mesh();
    let (queue, lost) = (queue(90, 1, &["a"]), mesh.agents[0].id);
    mesh.queues = vec![queue];
    let site = mesh.agents[0].site;
    // One that came after the lost one and was there before its successor.
    let (other, next) = (agent(50, site.0.as_u128(), &[]), agent(60, site.0.as_u128(), &[]));
    mesh.agents[0].state = State::Revoked;
    mesh.agents.extend([other.clone(), Agent { stands_for: Some(lost), ..next.clone() }]);
    assert_eq!(mesh.owner_at(site), Some(next.id));
    assert_eq!((desired(&mesh, 60).queues.len(), desired(&mesh, 50).queues.len()), (1, 0));
    let members = desired(&mesh, 33).fabric.members;
    let line = |agent: &Agent| members.iter().find(|member| member.agent == agent.id).map(Member::line);
    assert_eq!((line(&next), line(&other)), (Some(lost), Some(other.id)));
}

#[test]
fn agents_of_a_site_know_who_owns_what_is_there_once_and_dial_it() {
    let mut mesh = mesh();
    mesh.queues = vec![queue(90, 3, &["a"]), queue(91, 1, &["b"])];
    assert_eq!(desired(&mesh, 33).owner, None, "nobody else is there");
    assert!(!mesh.has_others_ask(AgentId(id(33))));
    mesh.agents.push(agent(44, 3, &[]));
    let (listener, lyon) = (ListenerId(id(60)), [AgentId(id(33)), AgentId(id(44))]);
    assert_eq!(lyon.map(|agent| mesh.has_others_ask(agent)), [true, false]);
    assert_eq!(desired(&mesh, 33).owner, None, "itself");
    assert_eq!(desired(&mesh, 33).fabric.bind.as_deref(), Some(FABRIC_BIND), "the other one dials it");
    let owner = desired(&mesh, 44).owner.expect("the other one");
    assert_eq!((owner.agent, owner.queues), (lyon[0], vec!["queue-90".to_owned()]));
    assert!(owner.listeners.is_empty(), "it has not told where they are");
    assert!(desired(&mesh, 44).fabric.dial.iter().all(|dial| dial.agent != lyon[0]));
    mesh.agents[2].listener_addresses =
        [(listener, "lyon:1883".to_owned()), (ListenerId(id(61)), "gone:1".into())].into();
    mesh.agents[2].fabric_addresses = vec!["lyon:7447".to_owned()];
    let state = desired(&mesh, 44);
    let owner = state.owner.expect("the other one");
    assert_eq!(owner.address(listener, ListenerProtocol::Mqtt, false), Some("lyon:1883"));
    assert_eq!(owner.listeners.len(), 1, "one that is no more is not told");
    let dial = state.fabric.dial.iter().find(|dial| dial.agent == lyon[0]).expect("a way to the owner");
    assert_eq!(dial.addresses, ["lyon:7447"]);
    mesh.agents[2].state = State::Revoked;
    assert_eq!(desired(&mesh, 44).owner, None, "who is left has it");
}

#[test]
fn the_document_does_not_depend_on_the_order_of_rows() {
    let mut mesh = mesh();
    mesh.queues = vec![queue(90, 1, &["a"]), queue(91, 1, &["b", "c"])];
    let mut shuffled = mesh.clone();
    shuffled.sites.reverse();
    shuffled.agents.reverse();
    shuffled.links.reverse();
    shuffled.principals.reverse();
    shuffled.queues.reverse();
    for agent in [11, 22, 33] {
        assert_eq!(desired(&mesh, agent), desired(&shuffled, agent));
    }
}

#[test]
fn only_an_agents_own_site_opens_listeners_and_reaches_clusters() {
    let mesh = mesh();
    assert_eq!(desired(&mesh, 33).listeners.len(), 1);
    assert!(desired(&mesh, 11).listeners.is_empty());
    assert_eq!(desired(&mesh, 11).brokers[0].id, BrokerId(id(100)));
    assert!(desired(&mesh, 33).brokers.is_empty());
}

#[test]
fn every_agent_gets_every_scope_in_the_order_of_names() {
    let mut mesh = mesh();
    let scope = |n: u128, name: &str| Scope {
        id: mesh_protocol::id::ScopeId(id(n)),
        policy: mesh_protocol::desired::Scope {
            name: name.into(),
            filter: Filter::mesh("customers/>").expect("valid"),
            sites: vec![SiteId(id(2))],
            regions: vec!["eu".into()],
        },
        note: String::new(),
        since_revision: 7,
        revision: 1,
        updated_at_ms: 0,
        updated_by: "ada".into(),
    };
    mesh.scopes = vec![scope(2, "later"), scope(1, "earlier")];
    for agent in [11, 22, 33] {
        let desired = mesh.desired(AgentId(id(agent))).expect("enrolled");
        let names: Vec<_> = desired.policy.scopes.iter().map(|scope| scope.name.as_str()).collect();
        assert_eq!(names, ["earlier", "later"]);
    }
}

#[test]
fn contracts_go_to_every_agent_and_those_that_keep_payloads_out_demand_one_that_knows_them() {
    let mut mesh = mesh();
    let words = [(OnInvalid::Report, 1), (OnInvalid::Reject, CONTRACTS_VERSION), (OnInvalid::Divert, DIVERTS_VERSION)];
    for (on_invalid, version) in words {
        let (event, label, filter) = (id(5).into(), "order 1.0.0".into(), Filter::mesh("orders/>").expect("valid"));
        let contract = Contract { event, label, filter, schema: None, on_invalid };
        mesh.contracts = Arc::new(Contracts { contracts: vec![contract], ..Contracts::default() });
        for agent in [11, 22, 33] {
            let state = mesh.desired(AgentId(id(agent))).expect("known");
            assert_eq!((state.min_version, state.contracts), (version, (*mesh.contracts).clone()));
        }
    }
}
