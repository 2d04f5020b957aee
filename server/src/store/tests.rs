//! The contract of the store, run against SQLite always and against PostgreSQL where `MESHPORT_TEST_POSTGRES_URL` says
//! there is one. In CI a missing PostgreSQL is a failure, never a skip.

mod broker;
mod contract;
mod design;
mod design_document;
mod drift;
mod flow;
mod link;
mod mail;
mod notification;
mod product;
mod queue;
mod registry;
mod schema;
mod scope;
mod shape;
mod team;
mod usage;
mod webhook;

use std::collections::BTreeMap;

use mesh_protocol::id::{EnvironmentId, PrincipalId, RoleId, RuleId, SiteId};
use mesh_protocol::policy::{Action, Effect, PrincipalState, Rule as Policy, Subject};
use mesh_protocol::secret::{SecretHash, SecretKey};
use mesh_protocol::signed::Signed;
use mesh_protocol::topic::Filter;
use mesh_protocol::wire::Revision;
use uuid::Uuid;

use super::*;
use crate::domain::audit::{Entry, first_break};
use crate::domain::environment::Environment;
use crate::domain::principal::{Kind, Principal, Secret};
use crate::domain::role::Role;
use crate::domain::rule::Rule;
use crate::domain::site::{Location, Site, Spec};

/// A database of its own for one test.
struct Database {
    store: Store,
    environment: EnvironmentId,
    _folder: tempfile::TempDir,
}

/// Runs one test against every database there is.
async fn on_each(test: impl AsyncFn(&Database)) {
    test(&database(None).await).await;
    if let Some(url) = new_postgres_database().await {
        test(&database(Some(url)).await).await;
    }
}

/// Address of a new database on the PostgreSQL server of the test run; none where there is no server.
pub(crate) async fn new_postgres_database() -> Option<String> {
    match std::env::var("MESHPORT_TEST_POSTGRES_URL") {
        Ok(server) => Some(schema::new_postgres_database(&server).await),
        Err(_) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "CI must test PostgreSQL too: set MESHPORT_TEST_POSTGRES_URL to a server where databases may be made"
            );
            None
        }
    }
}

async fn database(postgres: Option<String>) -> Database {
    let folder = tempfile::tempdir().expect("a folder");
    let url = postgres.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("test.sqlite").display()));
    let store = Store::open(&url).await.expect("a database");
    let environment = Environment {
        id: EnvironmentId(Uuid::now_v7()),
        name: "production".into(),
        policy: Revision { generation: 1, revision: 1 },
        secret_key: SecretKey::new([7; 32]),
    };
    let mut tx = store.write().await.expect("a transaction");
    tx.insert_environment(&environment, 1).await.expect("inserted");
    tx.commit().await.expect("committed");
    Database { store, environment: environment.id, _folder: folder }
}

fn site(name: &str) -> Site {
    let spec = Spec {
        name: name.into(),
        region: "eu".into(),
        labels: BTreeMap::from([("tier".into(), "edge".into())]),
        location: Some(Location { latitude: 45.76, longitude: 4.84 }),
        fabric_bind: None,
        fabric_address: Some("hub.example:7447".into()),
    };
    Site { id: SiteId(Uuid::now_v7()), spec, revision: 1, created_at_ms: 5, updated_at_ms: 5 }
}

#[tokio::test]
async fn a_row_comes_back_as_it_was_written_and_a_stale_edit_hits_nothing() {
    on_each(async |database| {
        let lyon = site("store-lyon");
        let mut tx = database.store.write().await.expect("a transaction");
        tx.insert_site(database.environment, &lyon).await.expect("inserted");
        assert_eq!(tx.site(lyon.id).await.expect("read"), Some(lyon.clone()));
        let spec = Spec { region: "fr".into(), location: None, ..lyon.spec.clone() };
        tx.update_site(lyon.id, &spec, 1, 6).await.expect("updated");
        let stale = tx.update_site(lyon.id, &spec, 1, 7).await;
        assert!(matches!(stale, Err(StoreError::Stale { table: "site" })), "{stale:?}");
        let read = tx.sites(database.environment).await.expect("read");
        assert_eq!((&read[0].spec, read[0].revision, read[0].updated_at_ms), (&spec, 2, 6));
        tx.delete_site(lyon.id, 2).await.expect("deleted");
        tx.commit().await.expect("committed");
    })
    .await;
}

#[tokio::test]
async fn a_taken_name_is_told_with_table_and_column() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        tx.insert_site(database.environment, &site("hq")).await.expect("inserted");
        let taken = tx.insert_site(database.environment, &site("hq")).await;
        match taken {
            Err(StoreError::Taken { table, column }) => assert_eq!((&*table, &*column), ("site", "name")),
            other => panic!("{other:?}"),
        }
    })
    .await;
}

#[tokio::test]
async fn what_others_refer_to_stays() {
    on_each(async |database| {
        let (mut tx, hq) = (database.store.write().await.expect("a transaction"), site("hq"));
        tx.insert_site(database.environment, &hq).await.expect("inserted");
        let token = crate::domain::join_token::JoinToken {
            id: Uuid::now_v7(),
            site: hq.id,
            replaces: Some(mesh_protocol::id::AgentId(Uuid::now_v7())),
            created_by: "ada".into(),
            created_at_ms: 0,
            expires_at_ms: 1,
            used: None,
            revoked_at_ms: None,
        };
        tx.insert_join_token(&[1; 32], &token).await.expect("inserted");
        assert_eq!(tx.join_token(&[1; 32]).await.expect("read"), Some(token));
        assert!(matches!(tx.delete_site(hq.id, 1).await, Err(StoreError::Referenced)));
    })
    .await;
}

#[tokio::test]
async fn a_dropped_transaction_never_happened() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        tx.insert_site(database.environment, &site("hq")).await.expect("inserted");
        drop(tx);
        let mut tx = database.store.read().await.expect("a transaction");
        assert_eq!(tx.sites(database.environment).await.expect("read"), []);
    })
    .await;
}

#[tokio::test]
async fn a_principal_keeps_its_secrets_and_roles() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let role = Role { id: RoleId(Uuid::now_v7()), name: "till".into(), description: String::new(), revision: 1 };
        tx.insert_role(database.environment, &role, 1).await.expect("inserted");
        let hash = SecretHash::of(&SecretKey::new([7; 32]), "secret");
        let principal = Principal {
            id: PrincipalId(Uuid::now_v7()),
            username: "till-7".into(),
            kind: Kind::Client,
            person: None,
            state: PrincipalState::Enabled,
            application: None,
            roles: vec![role.id],
            secrets: vec![Secret { hash, created_at_ms: 3, expires_at_ms: Some(9) }],
            expires_at_ms: None,
            revision: 1,
            created_at_ms: 4,
        };
        tx.insert_principal(database.environment, &principal, 4).await.expect("inserted");
        assert_eq!(tx.principals(database.environment).await.expect("read"), std::slice::from_ref(&principal));
        assert!(matches!(tx.delete_role(role.id, 1).await, Err(StoreError::Referenced)));
    })
    .await;
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let principal = Principal {
            id: PrincipalId(Uuid::now_v7()),
            username: "till-8".into(),
            kind: Kind::Client,
            person: None,
            state: PrincipalState::Enabled,
            application: None,
            roles: vec![],
            secrets: vec![],
            expires_at_ms: None,
            revision: 1,
            created_at_ms: 4,
        };
        tx.insert_principal(database.environment, &principal, 4).await.expect("inserted");
        let disabled = Principal { state: PrincipalState::Disabled, expires_at_ms: Some(5), ..principal.clone() };
        tx.update_principal(&disabled, 1, 6).await.expect("updated");
        let read = tx.principal(principal.id).await.expect("read").expect("there");
        assert_eq!(read, Principal { revision: 2, ..disabled });
        tx.delete_principal(principal.id, 2).await.expect("deleted");
    })
    .await;
}

#[tokio::test]
async fn a_rule_comes_back_in_its_own_dialect() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let rule = Rule {
            policy: Policy {
                id: RuleId(Uuid::now_v7()),
                subject: Subject::Anyone,
                action: Action::Subscribe,
                effect: Effect::Deny,
                filter: Filter::mqtt("orders/+/#").expect("valid"),
                sites: vec![SiteId(Uuid::from_u128(1))],
            },
            note: "why".into(),
            is_block: false,
            since_revision: 2,
            revision: 1,
            updated_at_ms: 9,
            updated_by: "ada".into(),
        };
        tx.insert_rule(database.environment, &rule).await.expect("inserted");
        assert_eq!(tx.rules(database.environment).await.expect("read"), std::slice::from_ref(&rule));
        assert_eq!(tx.delete_blocks(PrincipalId(Uuid::nil())).await.expect("none"), 0);
        tx.delete_rule(rule.policy.id, 1).await.expect("deleted");
        assert_eq!(tx.rule(rule.policy.id).await.expect("read"), None);
    })
    .await;
}

#[tokio::test]
async fn revisions_count_up_and_the_audit_chain_is_whole() {
    on_each(async |database| {
        for number in 0..3 {
            let mut tx = database.store.write().await.expect("a transaction");
            let revision = tx.next_policy_revision(database.environment, "ada", "edit", 7).await.expect("taken");
            assert_eq!(revision, Revision { generation: 1, revision: number + 2 });
            let entry = Entry { at_ms: 7, actor: "ada".into(), policy_revision: Some(number), ..Entry::default() };
            tx.append_audit(&entry).await.expect("appended");
            tx.commit().await.expect("committed");
        }
        let mut tx = database.store.read().await.expect("a transaction");
        let entries = tx.audit_after(0, 10).await.expect("read");
        assert_eq!((entries.len(), first_break(&entries)), (3, None));
        assert_eq!(tx.audit_number().await.expect("read"), 3);
        let revisions = tx.policy_revisions(database.environment, 2).await.expect("read");
        assert_eq!(revisions.iter().map(|line| line.revision.revision).collect::<Vec<_>>(), [4, 3]);
    })
    .await;
}

#[tokio::test]
async fn the_first_document_of_a_revision_stays() {
    on_each(async |database| {
        let (mut tx, hq) = (database.store.write().await.expect("a transaction"), site("hq"));
        tx.insert_site(database.environment, &hq).await.expect("inserted");
        let agent = crate::domain::agent::Agent {
            id: mesh_protocol::id::AgentId(Uuid::now_v7()),
            site: hq.id,
            stands_for: None,
            name: "hq-1".into(),
            public_key: "ab".into(),
            sealing_key: None,
            version: "1".into(),
            state: crate::domain::agent::State::Enrolled,
            certificate_ends_at_ms: 1,
            fabric_addresses: vec!["h:1".into()],
            listener_addresses: [(Uuid::from_u128(7).into(), "h:2".to_owned())].into(),
            connected: false,
            presence_since_ms: 5,
            seen_at_ms: 0,
            address: None,
            created_at_ms: 5,
        };
        tx.insert_agent(database.environment, &agent).await.expect("inserted");
        assert_eq!(tx.agent(agent.id).await.expect("read"), Some(agent.clone()));
        let document = |body: &str| Signed { body: body.into(), signature: vec![1], key_id: "k".into() };
        let at = |revision| Revision { generation: 1, revision };
        for (revision, body) in [(2, "first"), (2, "other"), (1, "older")] {
            tx.save_document(agent.id, at(revision), &document(body), 1).await.expect("saved");
        }
        assert_eq!(tx.document(agent.id).await.expect("read"), Some((at(2), document("first"))));
        tx.save_document(agent.id, at(3), &document("newer"), 1).await.expect("saved");
        assert_eq!(tx.document(agent.id).await.expect("read"), Some((at(3), document("newer"))));
        tx.set_sealing_key(agent.id, "cd").await.expect("noted");
        assert_eq!(tx.agent(agent.id).await.expect("read").expect("there").sealing_key.as_deref(), Some("cd"));
        let session = Uuid::now_v7();
        tx.begin_agent_session(agent.id, session, "2", "10.0.0.1", 9).await.expect("begun");
        tx.end_agent_session(agent.id, Uuid::now_v7(), 10).await.expect("of another session");
        assert!(tx.agent(agent.id).await.expect("read").expect("there").connected);
        tx.deny_agent(agent.id, "ada", 11).await.expect("denied");
        tx.deny_agent(agent.id, "ada", 12).await.expect("denied again");
        let list = tx.deny_list().await.expect("read");
        assert_eq!((list.number, list.agents), (1, vec![agent.id]));
        tx.rename_agent(agent.id, "hq-1 (replaced 1)", 13).await.expect("renamed");
        let next = crate::domain::agent::Agent {
            id: mesh_protocol::id::AgentId(Uuid::now_v7()),
            public_key: "cd".into(),
            stands_for: Some(agent.id),
            ..agent.clone()
        };
        tx.insert_agent(database.environment, &next).await.expect("the name is free again");
        assert_eq!(tx.agent(next.id).await.expect("read"), Some(next));
    })
    .await;
}

#[tokio::test]
async fn a_setting_is_taken_once() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        tx.set_setting("code", "a", 1).await.expect("set");
        tx.set_setting("code", "b", 2).await.expect("set");
        assert!(!tx.take_setting("code", "a").await.expect("not this one"));
        assert!(tx.take_setting("code", "b").await.expect("taken"));
        assert!(!tx.take_setting("code", "b").await.expect("gone"));
    })
    .await;
}

#[tokio::test]
async fn refusals_go_on_behind_a_key_also_when_many_happened_at_once() {
    on_each(async |database| {
        let (mut tx, hq) = (database.store.write().await.expect("a transaction"), site("hq"));
        tx.insert_site(database.environment, &hq).await.expect("inserted");
        let agent = crate::domain::agent::Agent {
            id: mesh_protocol::id::AgentId(Uuid::now_v7()),
            site: hq.id,
            stands_for: None,
            name: "hq-1".into(),
            public_key: "ab".into(),
            sealing_key: None,
            version: "1".into(),
            state: crate::domain::agent::State::Enrolled,
            certificate_ends_at_ms: 1,
            fabric_addresses: vec![],
            listener_addresses: [].into(),
            connected: false,
            presence_since_ms: 5,
            seen_at_ms: 0,
            address: None,
            created_at_ms: 5,
        };
        tx.insert_agent(database.environment, &agent).await.expect("inserted");
        for (number, last_ms) in [(1, 5), (2, 5), (3, 5), (4, 9), (5, 1)] {
            let denial = crate::domain::denial::Denial {
                key: [number; 32],
                agent: agent.id,
                principal: None,
                principal_name: "till-7".into(),
                client_id: String::new(),
                protocol: mesh_protocol::event::Protocol::Mqtt,
                action: Action::Publish,
                topic: "a".into(),
                rule: None,
                reason: "no rule".into(),
                count: 2,
                first_ms: 0,
                last_ms,
            };
            tx.add_denial(database.environment, &denial).await.expect("added");
        }
        let mut wanted = WantedDenials { since_ms: 2, ..WantedDenials::default() };
        let mut seen = Vec::new();
        loop {
            let rows = tx.denials(database.environment, &wanted, 2).await.expect("read");
            let Some(last) = rows.last() else { break };
            wanted.after = Some((last.last_ms, last.key.to_vec()));
            seen.extend(rows.iter().map(|row| row.key[0]));
        }
        assert_eq!(seen, [4, 1, 2, 3]);
        assert_eq!(tx.count_denials(database.environment, &wanted).await.expect("read"), (4, 8));
    })
    .await;
}

#[tokio::test]
async fn settings_are_removed_by_how_their_names_begin_and_how_old_they_are() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        for (name, at_ms) in [("code:a", 1), ("code:b", 5), ("co", 1), ("coder", 1)] {
            tx.set_setting(name, "x", at_ms).await.expect("set");
        }
        tx.delete_settings("code:", 5).await.expect("removed");
        for (name, stays) in [("code:a", false), ("code:b", true), ("co", true), ("coder", true)] {
            assert_eq!(tx.setting(name).await.expect("read").is_some(), stays, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_notice_comes_when_its_transaction_is_visible_and_never_when_it_is_not() {
    let Some(url) = new_postgres_database().await else { return };
    let database = database(Some(url)).await;
    let mut notices = database.store.notices().await.expect("an answer").expect("PostgreSQL has them");
    let mut never = database.store.write().await.expect("a transaction");
    never.notify("never").await.expect("told");
    drop(never);
    let mut tx = database.store.write().await.expect("a transaction");
    tx.set_setting("a", "b", 1).await.expect("set");
    tx.notify("done").await.expect("told");
    tx.commit().await.expect("committed");
    let heard = tokio::time::timeout(Duration::from_secs(20), notices.next()).await.expect("in time").expect("open");
    assert_eq!(heard.as_deref(), Some("done"));
    let mut tx = database.store.read().await.expect("a transaction");
    assert_eq!(tx.setting("a").await.expect("read").as_deref(), Some("b"));
}
