//! Teams on both databases, and what names them.

use mesh_protocol::id::{ApplicationDomainId, DesignObjectId, PersonId, TeamId};
use uuid::Uuid;

use super::*;
use crate::domain::application::{Application, Spec as ApplicationSpec};
use crate::domain::application_domain::{ApplicationDomain, Spec as DomainSpec};
use crate::domain::design::{self, Kind as DesignKind, Object, Sharing, Validation};
use crate::domain::person::{Person, PortalRole, State};
use crate::domain::team::{Member, Owned, Spec as TeamSpec, Team};

pub(super) fn person(username: &str) -> Person {
    Person {
        id: PersonId(Uuid::now_v7()),
        username: username.into(),
        display_name: username.to_uppercase(),
        role: PortalRole::Developer,
        domains: Vec::new(),
        state: State::Enabled,
        revision: 1,
        created_at_ms: 1,
        login_at_ms: None,
    }
}

fn team(name: &str, members: &[Member]) -> Team {
    let mut members = members.to_vec();
    members.sort();
    let spec = TeamSpec { name: name.into(), description: "who sells".into(), contact: "#tills".into(), members };
    Team { id: TeamId(Uuid::now_v7()), spec, revision: 1, updated_at_ms: 5, updated_by: "ada".into() }
}

#[tokio::test]
async fn a_team_comes_back_with_its_members_and_loses_those_who_are_gone() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let (eve, bob) = (person("eve"), person("bob"));
        for one in [&eve, &bob] {
            tx.insert_person(one, "hash").await.expect("inserted");
        }
        let lead = Member { person: eve.id, is_lead: true };
        let tills = team("tills", &[lead, Member { person: bob.id, is_lead: false }]);
        tx.insert_team(database.environment, &tills).await.expect("inserted");
        tx.insert_team(database.environment, &team("shops", &[])).await.expect("inserted");
        let all = tx.teams(database.environment).await.expect("read");
        assert_eq!(all.iter().map(|team| team.spec.name.as_str()).collect::<Vec<_>>(), ["shops", "tills"]);
        assert_eq!(all[1], tills);

        let spec = TeamSpec { contact: "tills@shop.example".into(), members: vec![lead], ..tills.spec.clone() };
        let changed = Team { spec, updated_at_ms: 7, updated_by: "eve".into(), ..tills.clone() };
        tx.update_team(&changed, 1).await.expect("updated");
        let stale = tx.update_team(&changed, 1).await;
        assert!(matches!(stale, Err(StoreError::Stale { table: "team" })), "{stale:?}");
        let all = tx.teams(database.environment).await.expect("read");
        assert_eq!(all[1], Team { revision: 2, ..changed.clone() });

        tx.delete_person(eve.id, 1).await.expect("deleted");
        let all = tx.teams(database.environment).await.expect("read");
        assert_eq!(all[1].spec.members, [], "who is gone is in no team");
        assert!(matches!(tx.delete_team(tills.id, 1).await, Err(StoreError::Stale { table: "team" })));
        tx.delete_team(tills.id, 2).await.expect("deleted");
        assert_eq!(tx.teams(database.environment).await.expect("read").len(), 1);
        assert!(tx.person(bob.id).await.expect("read").is_some());
        tx.commit().await.expect("committed");
    })
    .await;
}

#[tokio::test]
async fn a_name_of_a_team_is_taken_once() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        tx.insert_team(database.environment, &team("tills", &[])).await.expect("inserted");
        let taken = tx.insert_team(database.environment, &team("tills", &[])).await;
        let Err(StoreError::Taken { table, column }) = taken else { panic!("{taken:?}") };
        assert_eq!((table.as_str(), column.as_str()), ("team", "name"));
    })
    .await;
}

#[tokio::test]
async fn a_member_must_be_there() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let nobody = Member { person: PersonId(Uuid::now_v7()), is_lead: false };
        let missing = tx.insert_team(database.environment, &team("tills", &[nobody])).await;
        assert!(matches!(missing, Err(StoreError::Referenced)), "{missing:?}");
    })
    .await;
}

pub(super) fn domain(name: &str, owner: &str) -> ApplicationDomain {
    ApplicationDomain {
        id: ApplicationDomainId(Uuid::now_v7()),
        spec: DomainSpec { name: name.into(), owner: owner.into(), ..DomainSpec::default() },
        revision: 1,
        updated_at_ms: 1,
        updated_by: "ada".into(),
    }
}

pub(super) fn event(domain: &ApplicationDomain, name: &str, owner: &str) -> Object {
    let spec = design::Spec {
        name: name.into(),
        domain: domain.id,
        owner: owner.into(),
        people: Vec::new(),
        tags: Vec::new(),
        attributes: BTreeMap::new(),
        document: String::new(),
        sharing: Sharing::Domain,
        validation: Validation::default(),
    };
    Object::new(DesignObjectId(Uuid::now_v7()), DesignKind::Event, spec, "ada", 1)
}

#[tokio::test]
async fn what_an_owner_has_is_named_and_goes_to_another_as_a_whole() {
    on_each(async |database| {
        let environment = database.environment;
        let mut tx = database.store.write().await.expect("a transaction");
        let (shop, other) = (domain("shop", "tills"), domain("other", "somebody"));
        for one in [&shop, &other] {
            tx.insert_application_domain(environment, one).await.expect("inserted");
        }
        for one in [event(&shop, "sold", "tills"), event(&shop, "paid", "somebody")] {
            tx.insert_design_object(environment, &one).await.expect("inserted");
        }
        let application = Application {
            id: Uuid::now_v7().into(),
            spec: ApplicationSpec { name: "till".into(), owner: "tills".into(), description: String::new() },
            revision: 1,
        };
        tx.insert_application(environment, &application, 1).await.expect("inserted");
        let note = Note { owner: "tills".into(), description: "x".into(), revision: 0 };
        tx.put_catalog_note(environment, "address:orders/fr", &note, "ada", 1).await.expect("kept");
        let owned = tx.owned_by(environment, "tills").await.expect("read");
        let names = |name: &str| vec![name.to_owned()];
        let all = Owned {
            domains: names("shop"),
            designs: names("event sold"),
            applications: names("till"),
            objects: names("address:orders/fr"),
        };
        assert_eq!(owned, all);

        tx.hand_over(environment, "tills", "sales", "eve", 9).await.expect("handed over");
        assert!(tx.owned_by(environment, "tills").await.expect("read").is_empty());
        assert_eq!(tx.owned_by(environment, "sales").await.expect("read"), all);
        assert_eq!(tx.owned_by(environment, "somebody").await.expect("read").len(), 2, "others stay");
        let domains = tx.application_domains(environment).await.expect("read");
        let moved = domains.iter().find(|domain| domain.id == shop.id).expect("there");
        assert_eq!((moved.revision, moved.updated_at_ms, moved.updated_by.as_str()), (2, 9, "eve"));
        let kept = domains.iter().find(|domain| domain.id == other.id).expect("there");
        assert_eq!((kept.revision, kept.updated_by.as_str()), (1, "ada"), "what is another's is not edited");
        let designs = tx.design_objects(environment).await.expect("read");
        let revisions: Vec<(&str, u64)> =
            designs.iter().map(|object| (object.spec.name.as_str(), object.revision)).collect();
        assert_eq!(revisions, [("paid", 1), ("sold", 2)]);
        assert_eq!(tx.catalog_notes(environment).await.expect("read")["address:orders/fr"].revision, 2);
        assert_eq!(tx.applications(environment).await.expect("read")[0].revision, 2);
        tx.commit().await.expect("committed");
    })
    .await;
}
