//! Broker connections on both databases.

use mesh_protocol::desired::{KafkaSecurity, Login, SurveyedKind};
use mesh_protocol::id::{AgentId, BrokerId, SiteId};
use mesh_protocol::report::{MissingRight, ObjectFacts, ObjectKind, SchemaReference, SubjectFacts, SubjectVersion};
use uuid::Uuid;

use super::{on_each, site};
use crate::domain::agent::{Agent, State};
use crate::domain::broker::{Broker, Spec, Surveyed, Target};
use crate::domain::runtime_object::{Found, Scan};
use crate::store::StoreError;

#[tokio::test]
async fn connections_of_each_kind_come_back_as_they_were_written() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let hq = site("hq");
        tx.insert_site(database.environment, &hq).await.expect("inserted");
        let broker = |name: &str, target| Broker {
            id: BrokerId(Uuid::now_v7()),
            spec: Spec { site: hq.id, name: name.into(), target, discover: true, browse: true },
            revision: 1,
        };
        let kafka = Target::Kafka {
            bootstrap: vec!["k:9092".into()],
            security: KafkaSecurity { tls: true, ca_pem: Some("PEM".into()), sasl: None },
        };
        let surveyed = |kind, login| {
            Target::Surveyed(Surveyed { kind, url: "https://a:8081/x".into(), ca_pem: Some("PEM".into()), login })
        };
        let login = Login { username: "meshport".into(), secret: "schemas".into() };
        let all = [
            broker("a-kafka", kafka),
            broker("b-schemas", surveyed(SurveyedKind::SchemaRegistry, Some(login))),
            broker("c-connect", surveyed(SurveyedKind::KafkaConnect, None)),
            broker("c-mqtt", surveyed(SurveyedKind::Mqtt, None)),
            broker("c-rabbit", surveyed(SurveyedKind::Rabbit, None)),
        ];
        for broker in &all {
            tx.insert_broker(database.environment, broker, 5).await.expect("inserted");
        }
        assert_eq!(tx.brokers(database.environment).await.expect("read"), all);

        let moved = Spec { name: "d-schemas".into(), ..all[2].spec.clone() };
        tx.update_broker(all[1].id, &moved, 1, 6).await.expect("updated");
        let stale = tx.update_broker(all[1].id, &moved, 1, 7).await;
        assert!(matches!(stale, Err(StoreError::Stale { table: "broker" })), "{stale:?}");
        let now = tx.brokers(database.environment).await.expect("read");
        assert_eq!(now.last(), Some(&Broker { id: all[1].id, spec: moved, revision: 2 }));
    })
    .await;
}

pub(super) fn agent(site: SiteId) -> Agent {
    Agent {
        id: AgentId(Uuid::now_v7()),
        site,
        stands_for: None,
        name: "hq-1".into(),
        public_key: "ab".into(),
        sealing_key: None,
        version: "1".into(),
        state: State::Enrolled,
        certificate_ends_at_ms: 1,
        fabric_addresses: vec![],
        listener_addresses: [].into(),
        connected: false,
        presence_since_ms: 5,
        seen_at_ms: 0,
        address: None,
        created_at_ms: 5,
    }
}

#[tokio::test]
async fn what_was_found_in_a_registry_comes_back_as_it_was_written() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let hq = site("hq");
        tx.insert_site(database.environment, &hq).await.expect("inserted");
        let target = Target::Surveyed(Surveyed {
            kind: SurveyedKind::SchemaRegistry,
            url: "http://a:8081".into(),
            ca_pem: None,
            login: None,
        });
        let spec = Spec { site: hq.id, name: "schemas".into(), target, discover: true, browse: true };
        let broker = Broker { id: BrokerId(Uuid::now_v7()), spec, revision: 1 };
        tx.insert_broker(database.environment, &broker, 5).await.expect("inserted");
        let agent = agent(hq.id);
        tx.insert_agent(database.environment, &agent).await.expect("inserted");
        let version = SubjectVersion {
            version: 1,
            id: Some(7),
            schema_type: Some("AVRO".into()),
            references: vec![SchemaReference { name: "Money".into(), subject: "money".into(), version: 1 }],
            references_left_out: 2,
        };
        let found = Found {
            broker: broker.id,
            kind: ObjectKind::Subject,
            name: "orders-value".into(),
            facts: ObjectFacts::Subject(SubjectFacts { versions: vec![version], ..SubjectFacts::default() }),
            agent: agent.id,
            first_seen_ms: 1,
            last_seen_ms: 1,
            gone_at_ms: None,
        };
        tx.put_found(database.environment, &found, Uuid::now_v7(), 1, 9).await.expect("stored");
        assert_eq!(tx.found(database.environment, 0).await.expect("read"), [found]);
        let missing = MissingRight { what: "versions".into(), right: "SUBJECT_READ".into(), command: "grant".into() };
        let missing_rights = vec![missing];
        let scan = Scan { broker: broker.id, agent: agent.id, number: 1, at_ms: 9, missing_rights, failed: None };
        tx.put_scan(&scan).await.expect("stored");
        assert_eq!(tx.scans().await.expect("read"), [scan]);
    })
    .await;
}
