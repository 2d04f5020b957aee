//! Products' plans and publications, requests and grants.

use std::collections::BTreeSet;

use mesh_protocol::desired::KafkaSecurity;
use mesh_protocol::id::{
    AccessRequestId, ApplicationId, BrokerId, DesignVersionId, GrantId, KafkaCredentialId, PlanId, PublicationId,
};
use mesh_protocol::topic::Filter;

use super::design::{domain, object, version};
use super::*;
use crate::domain::access::grant::{self, Grant, Terms};
use crate::domain::access::kafka::Credential;
use crate::domain::access::reminder::{About, Reminder, due_end, due_wait};
use crate::domain::access::request::{self, Act, Request, Step};
use crate::domain::application::{self, Application};
use crate::domain::broker::{self, Broker, Target};
use crate::domain::design::{Content, Kind, Product};
use crate::domain::product::plan::{self, Approval, Numbered, Per, Plan, Price, Protocol, Quota, Rules};
use crate::domain::product::publication::{Places, Publication};
use crate::store::SealedCredential;

fn filter(text: &str) -> Filter {
    Filter::mesh(text).expect("sound")
}

fn spec() -> plan::Spec {
    plan::Spec {
        name: "standard".to_owned(),
        description: "For everybody".to_owned(),
        protocols: [Protocol::Mqtt, Protocol::Http].into(),
        quota: Quota { events: Some(50), bytes: Some(1 << 40) },
        filters: vec![filter("orders/*/created")],
        approval: Approval::Rules(Rules {
            people: 2,
            without_tags: ["PII".to_owned()].into(),
            same_owner: true,
            receive_only: false,
            days: Some(30),
        }),
        days: Some(90),
        price: Some(Price { millionths: 2_500_000, currency: "EUR".to_owned(), per: Per::Month }),
    }
}

/// A product with a version, and a plan of it.
async fn product(tx: &mut Tx, environment: EnvironmentId) -> (DesignVersionId, Plan) {
    let orders = domain(tx, environment, "orders").await;
    let retail = object(Kind::Product, orders, "retail");
    tx.insert_design_object(environment, &retail).await.expect("inserted");
    let first = version(retail.id, "1.0.0", Content::Product(Product::default()));
    tx.insert_design_version(&first).await.expect("inserted");
    let plan = Plan {
        id: PlanId(Uuid::now_v7()),
        product: retail.id,
        state: plan::State::Published,
        number: 1,
        spec: spec(),
        authors: vec!["ada".to_owned()],
        asked_at_ms: None,
        change: None,
        revision: 1,
        created_at_ms: 3,
        updated_at_ms: 4,
        updated_by: "ada".to_owned(),
    };
    tx.insert_plan(&plan).await.expect("inserted");
    (first.id, plan)
}

#[tokio::test]
async fn terms_of_a_plan_stay_under_their_number() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let (_, plan) = product(&mut tx, database.environment).await;
        assert_eq!(tx.plans(database.environment).await.expect("read"), std::slice::from_ref(&plan));
        let dearer = plan::Spec { approval: Approval::Auto, price: None, ..spec() };
        let second = Plan { number: 2, spec: dearer.clone(), ..plan.clone() };
        tx.update_plan(&second, 1).await.expect("updated");
        let stale = tx.update_plan(&second, 1).await;
        assert!(matches!(stale, Err(StoreError::Stale { table: "plan" })), "{stale:?}");
        assert_eq!(tx.plans(database.environment).await.expect("read"), [Plan { revision: 2, ..second.clone() }]);
        let waits = Plan {
            authors: vec!["ada".to_owned(), "bob".to_owned()],
            asked_at_ms: Some(7),
            change: Some(spec()),
            ..second.clone()
        };
        tx.update_plan(&waits, 2).await.expect("updated");
        assert_eq!(tx.plans(database.environment).await.expect("read"), [Plan { revision: 3, ..waits }]);
        let terms = tx.plan_terms(database.environment).await.expect("read");
        assert_eq!((&terms[&(plan.id, 1)], &terms[&(plan.id, 2)]), (&spec(), &dearer));
        tx.delete_plan(plan.id, 3).await.expect("deleted");
        assert_eq!(tx.plan_terms(database.environment).await.expect("read").len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_version_is_published_once_at_a_time() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let (version, plan) = product(&mut tx, database.environment).await;
        let publication = Publication {
            id: PublicationId(Uuid::now_v7()),
            product: plan.product,
            version,
            places: Places { sites: BTreeSet::new(), labels: [("kind".to_owned(), "store".to_owned())].into() },
            policy_revision: 7,
            withdrawn_at_ms: None,
            revision: 1,
            created_at_ms: 3,
            updated_at_ms: 4,
            updated_by: "ada".to_owned(),
        };
        tx.insert_publication(&publication).await.expect("inserted");
        assert_eq!(tx.publications(database.environment).await.expect("read"), std::slice::from_ref(&publication));
        let withdrawn = Publication { withdrawn_at_ms: Some(9), policy_revision: 8, ..publication.clone() };
        tx.update_publication(&withdrawn, 1).await.expect("updated");
        let again = Publication { id: PublicationId(Uuid::now_v7()), ..publication.clone() };
        tx.insert_publication(&again).await.expect("published again");
        let read = tx.publications(database.environment).await.expect("read");
        assert_eq!(read, [Publication { revision: 2, ..withdrawn }, again]);
        let twice = tx.insert_publication(&Publication { id: PublicationId(Uuid::now_v7()), ..publication }).await;
        assert!(twice.is_err(), "it is published already");
    })
    .await;
}

#[tokio::test]
async fn requests_and_grants_come_back_as_they_were_written() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let (version, plan) = product(&mut tx, database.environment).await;
        let shop = Application {
            id: ApplicationId(Uuid::now_v7()),
            spec: application::Spec { name: "shop".to_owned(), ..application::Spec::default() },
            revision: 1,
        };
        tx.insert_application(database.environment, &shop, 1).await.expect("inserted");
        let numbered = Some(Numbered { plan: plan.id, number: 1 });
        let asked = Request {
            id: AccessRequestId(Uuid::now_v7()),
            application: shop.id,
            target: plan.product,
            version,
            plan: numbered,
            purpose: "Shows orders on the wall".to_owned(),
            until_ms: Some(99),
            people: 2,
            state: request::State::Pending,
            decider: None,
            steps: Vec::new(),
            revision: 1,
            created_at_ms: 3,
            created_by: "dev".to_owned(),
            updated_at_ms: 3,
        };
        tx.insert_access_request(database.environment, &asked).await.expect("inserted");
        let step = |act, by: &str| Step { act, by: by.to_owned(), reason: "fine".to_owned(), at_ms: 5 };
        let decided = Request {
            state: request::State::Approved,
            decider: Some("bob".to_owned()),
            steps: vec![step(Act::Delegate("bob".to_owned()), "ada"), step(Act::Approve, "bob")],
            ..asked.clone()
        };
        tx.update_access_request(&decided, 1).await.expect("updated");
        let stale = tx.update_access_request(&decided, 1).await;
        assert!(matches!(stale, Err(StoreError::Stale { table: "access_request" })), "{stale:?}");
        let read = tx.access_request(asked.id).await.expect("read");
        assert_eq!(read, Some(Request { revision: 2, ..decided }));
        assert_eq!(tx.access_requests(database.environment).await.expect("read"), [read.expect("there")]);

        let given = Grant {
            id: GrantId(Uuid::now_v7()),
            request: asked.id,
            application: shop.id,
            target: plan.product,
            version,
            plan: numbered,
            terms: Terms::of(
                "retail",
                Some(&plan.spec),
                &[],
                &[filter("orders/fr/created"), filter("orders/*/created")],
            ),
            until_ms: Some(99),
            state: grant::State::Active,
            reason: String::new(),
            policy_revision: 7,
            confirmed_at_ms: None,
            revision: 1,
            created_at_ms: 5,
            updated_at_ms: 5,
            updated_by: "bob".to_owned(),
        };
        tx.insert_grant(database.environment, &given).await.expect("inserted");
        assert!(!tx.confirm_grant(given.id, 6, 8).await.expect("asked"), "of an earlier revision");
        assert!(tx.confirm_grant(given.id, 7, 8).await.expect("asked"));
        assert!(!tx.confirm_grant(given.id, 7, 9).await.expect("asked"), "once");
        let live = Grant { confirmed_at_ms: Some(8), ..given.clone() };
        assert_eq!(tx.grants(database.environment).await.expect("read"), std::slice::from_ref(&live));
        let revoked = live.moved(grant::State::Revoked, "over", "ada", 9, 10).expect("a step");
        tx.update_grant(&revoked, 1).await.expect("updated");
        assert_eq!(tx.grants(database.environment).await.expect("read"), [Grant { revision: 2, ..revoked }]);
        let again = Grant { id: GrantId(Uuid::now_v7()), ..given.clone() };
        tx.insert_grant(database.environment, &again).await.expect("given again");
        kafka_credentials(&mut tx, database.environment, &again).await;
        let twice = tx.insert_grant(database.environment, &Grant { id: GrantId(Uuid::now_v7()), ..given }).await;
        assert!(twice.is_err(), "the application has it already");
    })
    .await;
}

/// Users of a cluster that a grant is used by.
async fn kafka_credentials(tx: &mut Tx, environment: EnvironmentId, grant: &Grant) {
    let hq = site("hq");
    tx.insert_site(environment, &hq).await.expect("inserted");
    let security = KafkaSecurity { tls: true, ca_pem: None, sasl: None };
    let target = Target::Kafka { bootstrap: vec!["k:9092".into()], security };
    let broker = Broker {
        id: BrokerId(Uuid::now_v7()),
        spec: broker::Spec { site: hq.id, name: "kafka".into(), target, discover: false, browse: false },
        revision: 1,
    };
    tx.insert_broker(environment, &broker, 5).await.expect("inserted");
    let one = Credential {
        id: KafkaCredentialId(Uuid::now_v7()),
        grant: grant.id,
        broker: broker.id,
        username: "mp-0123456789ab-1".to_owned(),
        expires_at_ms: Some(9),
        removed_at_ms: None,
        revision: 1,
        created_at_ms: 5,
        created_by: "dev".to_owned(),
    };
    let two =
        Credential { id: KafkaCredentialId(Uuid::now_v7()), username: "mp-0123456789ab-2".to_owned(), ..one.clone() };
    tx.insert_kafka_credential(environment, &one, &[1, 2]).await.expect("inserted");
    tx.insert_kafka_credential(environment, &two, &[3]).await.expect("inserted");
    let removed = Credential { removed_at_ms: Some(7), expires_at_ms: None, ..one.clone() };
    tx.update_kafka_credential(&removed, 1).await.expect("updated");
    let stale = tx.update_kafka_credential(&removed, 1).await;
    assert!(matches!(stale, Err(StoreError::Stale { table: "kafka_credential" })), "{stale:?}");
    let sealed = |credential: Credential, sealed: &[u8]| SealedCredential { credential, sealed: sealed.to_vec() };
    let all = [sealed(Credential { revision: 2, ..removed }, &[1, 2]), sealed(two.clone(), &[3])];
    assert_eq!(tx.kafka_credentials(environment).await.expect("read"), all);
    tx.delete_kafka_credential(one.id, 2).await.expect("deleted");
    assert_eq!(tx.kafka_credentials(environment).await.expect("read").len(), 1);
    tx.delete_broker(broker.id, 1).await.expect("where no agent is left, a connection goes with its users");
    assert_eq!(tx.kafka_credentials(environment).await.expect("read"), []);
}

#[tokio::test]
async fn a_reminder_is_taken_once_and_forgotten_when_what_it_is_about_is_over() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let object = Uuid::now_v7();
        let first = Reminder { since_ms: 5, count: 1, at_ms: 100 };
        assert!(tx.take_reminder(object, About::Decision, first).await.expect("asked"));
        assert!(!tx.take_reminder(object, About::Decision, first).await.expect("asked"), "another portal was faster");
        assert!(tx.take_reminder(object, About::Answer, first).await.expect("asked"), "it is about something else");
        let second = Reminder { count: 2, at_ms: 200, ..first };
        assert!(tx.take_reminder(object, About::Decision, second).await.expect("asked"));
        assert!(!tx.take_reminder(object, About::Decision, first).await.expect("asked"), "it is late");
        let anew = Reminder { since_ms: 6, count: 1, at_ms: 300 };
        assert!(tx.take_reminder(object, About::Decision, anew).await.expect("asked"), "the wait began anew");
        assert_eq!(tx.reminder(object, About::Decision).await.expect("read"), Some(anew));
        assert_eq!(tx.reminder(object, About::End).await.expect("read"), None);
        assert!(tx.has_reminders_of_what_is_over().await.expect("asked"));
        assert_eq!(tx.delete_reminders_of_what_is_over().await.expect("deleted"), 2, "there is no such request");
        assert!(!tx.has_reminders_of_what_is_over().await.expect("asked"));
        assert_eq!(tx.reminder(object, About::Decision).await.expect("read"), None);
    })
    .await;
}

#[tokio::test]
async fn only_requests_and_grants_that_are_due_are_answered_as_the_domain_says() {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    on_each(async |database| {
        let (environment, now_ms) = (database.environment, 100 * DAY_MS);
        let mut tx = database.store.write().await.expect("a transaction");
        let (version, plan) = product(&mut tx, environment).await;
        let shop = Application {
            id: ApplicationId(Uuid::now_v7()),
            spec: application::Spec { name: "shop".to_owned(), ..application::Spec::default() },
            revision: 1,
        };
        tx.insert_application(environment, &shop, 1).await.expect("inserted");
        // Waits of 0 to 11 days in every state, each reminded of in another way.
        let mut requests = Vec::new();
        for (state, days) in request::State::ALL.into_iter().flat_map(|state| (0..12).map(move |days| (state, days))) {
            let asked = Request {
                id: AccessRequestId(Uuid::now_v7()),
                application: shop.id,
                target: plan.product,
                version,
                plan: None,
                purpose: String::new(),
                until_ms: None,
                people: 1,
                state,
                decider: None,
                steps: Vec::new(),
                revision: 1,
                created_at_ms: 3,
                created_by: "dev".to_owned(),
                updated_at_ms: now_ms - days * DAY_MS,
            };
            tx.insert_access_request(environment, &asked).await.expect("inserted");
            let about = if state == request::State::NeedsInfo { About::Answer } else { About::Decision };
            let count = u32::try_from(days % 7).expect("small");
            let since_ms = asked.updated_at_ms - if days == 9 { 1 } else { 0 };
            let last = (days % 3 > 0).then_some(Reminder { since_ms, count, at_ms: now_ms - days * DAY_MS / 2 });
            if let Some(last) = last {
                assert!(tx.take_reminder(asked.id.0, about, last).await.expect("asked"));
            }
            requests.push((asked, last));
        }
        let is_due = |(asked, last): &&(Request, Option<Reminder>)| {
            asked.state.is_open() && due_wait(asked.updated_at_ms, *last, now_ms).is_some()
        };
        let ids = |requests: &[Request]| requests.iter().map(|asked| asked.id).collect::<BTreeSet<_>>();
        let expected: BTreeSet<_> = requests.iter().filter(is_due).map(|(asked, _)| asked.id).collect();
        let due = tx.due_waits(environment, now_ms, 1_000).await.expect("read");
        assert!(expected.len() > 5 && expected.len() < 24, "{}", expected.len());
        assert_eq!(ids(&due), expected);
        let oldest = tx.due_waits(environment, now_ms, 2).await.expect("read");
        assert_eq!(oldest, due[..2], "the longest wait first");
        assert!(due.is_sorted_by_key(|asked| asked.updated_at_ms));
        let late = tx.late_requests(environment, now_ms - 10 * DAY_MS, 1_000).await.expect("read");
        assert_eq!(late.len(), 4, "two days of two open states");

        let mut grants = Vec::new();
        for (which, days) in [0, 1, 2, 3, 4, 13, 14, 15, 30].into_iter().flat_map(|days| (0..4).map(move |n| (n, days)))
        {
            let of = Application { id: ApplicationId(Uuid::now_v7()), ..shop.clone() };
            let spec = application::Spec { name: format!("shop-{days}-{which}"), ..shop.spec.clone() };
            tx.insert_application(environment, &Application { spec, ..of.clone() }, 1).await.expect("inserted");
            let given = Grant {
                id: GrantId(Uuid::now_v7()),
                request: requests[0].0.id,
                application: of.id,
                target: plan.product,
                version,
                plan: None,
                terms: Terms::of("retail", None, &[], &[]),
                until_ms: (which < 3 || days > 3).then_some(now_ms + days * DAY_MS),
                state: if which == 2 && days == 2 { grant::State::Suspended } else { grant::State::Active },
                reason: String::new(),
                policy_revision: 7,
                confirmed_at_ms: None,
                revision: 1,
                created_at_ms: 5,
                // Some were given for a few days only.
                updated_at_ms: if which == 1 { now_ms - DAY_MS } else { 5 },
                updated_by: "bob".to_owned(),
            };
            tx.insert_grant(environment, &given).await.expect("inserted");
            let last = (which > 1).then_some(Reminder { since_ms: now_ms + days * DAY_MS, count: which, at_ms: 1 });
            if let Some(last) = last {
                assert!(tx.take_reminder(given.id.0, About::End, last).await.expect("asked"));
            }
            grants.push((given, last));
        }
        let is_due = |(given, last): &&(Grant, Option<Reminder>)| {
            given.state == grant::State::Active
                && given.until_ms.is_some_and(|until| due_end(until, given.updated_at_ms, *last, now_ms).is_some())
        };
        let expected: BTreeSet<_> = grants.iter().filter(is_due).map(|(given, _)| given.id).collect();
        let due = tx.due_ends(environment, now_ms, 1_000).await.expect("read");
        assert!(expected.len() > 5 && expected.len() < 24, "{}", expected.len());
        assert_eq!(due.iter().map(|given| given.id).collect::<BTreeSet<_>>(), expected);
        assert_eq!(tx.due_ends(environment, now_ms, 2).await.expect("read"), due[..2], "the first end first");
    })
    .await;
}
