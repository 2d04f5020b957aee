use std::collections::BTreeMap;

use mesh_protocol::id::{AgentId, DesignObjectId, DesignVersionId, GrantId, PlanId, PrincipalId, PublicationId};
use mesh_protocol::policy::PROTOCOLS_VERSION;
use mesh_protocol::topic::Filter;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::super::access::grant::Terms;
use super::super::super::access::grant::tests::grant;
use super::super::super::product::plan::Numbered;
use super::super::super::product::publication::{Places, Publication};
use super::super::tests::{mesh, site};
use super::*;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn filters(texts: &[&str]) -> Vec<Filter> {
    texts.iter().map(|text| Filter::mesh(text).expect("sound")).collect()
}

fn given(number: u128, application: u128, state: State) -> Grant {
    Grant {
        id: GrantId(id(number)),
        application: ApplicationId(id(application)),
        target: DesignObjectId(id(40)),
        terms: Terms { subscribe: filters(&["orders/>"]), publish: filters(&["stock/new"]), ..Terms::default() },
        ..grant(state)
    }
}

fn of_plan(grant: Grant) -> Grant {
    Grant { plan: Some(Numbered { plan: PlanId(id(50)), number: 1 }), ..grant }
}

fn client(number: u128, application: u128, kind: Kind) -> Principal {
    Principal {
        id: PrincipalId(id(number)),
        username: format!("client-{number}"),
        kind,
        person: None,
        state: PrincipalState::Enabled,
        application: Some(ApplicationId(id(application))),
        roles: Vec::new(),
        secrets: Vec::new(),
        expires_at_ms: None,
        revision: 1,
        created_at_ms: 0,
    }
}

fn published(labels: &[(&str, &str)]) -> Publication {
    let labels: BTreeMap<String, String> = labels.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    Publication {
        id: PublicationId(id(60)),
        product: DesignObjectId(id(40)),
        version: DesignVersionId(id(61)),
        places: Places { labels, ..Places::default() },
        policy_revision: 1,
        withdrawn_at_ms: None,
        revision: 1,
        created_at_ms: 0,
        updated_at_ms: 0,
        updated_by: String::new(),
    }
}

#[test]
fn every_client_of_an_application_has_what_it_was_given_and_no_other() {
    let mut mesh = mesh();
    mesh.principals = vec![client(1, 3, Kind::Client), client(2, 3, Kind::Credential), client(3, 4, Kind::Client)];
    mesh.grants = vec![given(7, 3, State::Active), given(8, 4, State::Revoked)];
    let policy = mesh.whole_policy();
    let roles =
        |number| policy.principals.iter().find(|one| one.id == PrincipalId(id(number))).map(|one| one.roles.clone());
    assert_eq!(roles(1), Some(vec![RoleId(id(7))]));
    assert_eq!(roles(2), Some(vec![RoleId(id(7))]));
    assert_eq!(roles(3), Some(vec![]));
    let told: Vec<String> = policy
        .rules
        .iter()
        .filter(|rule| rule.subject == Subject::Role(RoleId(id(7))))
        .map(|rule| format!("{:?} {}", rule.action, rule.filter.text()))
        .collect();
    for rule in ["Publish stock/new", "Subscribe orders/>", "Connect >"] {
        assert!(told.iter().any(|one| one == rule), "{rule}: {told:?}");
    }
    assert!(!policy.roles.iter().any(|role| role.id == RoleId(id(8))), "what was revoked is in no policy");
}

#[test]
fn a_product_is_had_where_it_is_published_only() {
    let mut mesh = mesh();
    let mut store = site(1, "lyon");
    store.spec.labels.insert("kind".to_owned(), "store".to_owned());
    mesh.sites = vec![store, site(2, "hq")];
    mesh.grants = vec![of_plan(given(7, 3, State::Active))];
    let sites = |mesh: &Mesh| mesh.granted_rules().first().map(|rule| rule.sites.clone());
    assert_eq!(sites(&mesh), None, "published nowhere");
    mesh.publications = vec![published(&[("kind", "store")])];
    assert_eq!(sites(&mesh), Some(vec![SiteId(id(1))]));
    mesh.publications = vec![published(&[("kind", "ship")])];
    assert_eq!(sites(&mesh), None, "no such site any more");
    mesh.publications = vec![published(&[])];
    assert_eq!(sites(&mesh), Some(vec![]));
}

#[test]
fn a_credential_ends_with_the_last_grant() {
    let mut mesh = mesh();
    let credential = client(2, 3, Kind::Credential);
    let ends_of = |mesh: &Mesh, principal: &Principal| Granted::to(principal, &mesh.granted()).expires_at_ms;
    let ends = |until_ms| Grant { until_ms, ..given(7, 3, State::Active) };
    mesh.grants = vec![ends(Some(5)), ends(Some(9))];
    assert_eq!(ends_of(&mesh, &credential), Some(9));
    let own = Principal { expires_at_ms: Some(7), ..credential.clone() };
    assert_eq!(ends_of(&mesh, &own), Some(7));
    mesh.grants.push(ends(None));
    assert_eq!(ends_of(&mesh, &credential), None);
}

#[test]
fn a_credential_connects_by_the_protocols_of_its_plans() {
    let mut mesh = mesh();
    mesh.principals = vec![client(1, 3, Kind::Client), client(2, 3, Kind::Credential)];
    mesh.publications = vec![published(&[])];
    let under = |number, state, protocols: &[OfPlan]| {
        let mut grant = of_plan(given(number, 3, state));
        grant.terms.protocols = protocols.iter().copied().collect();
        grant
    };
    let told = |mesh: &Mesh, number| {
        let policy = mesh.whole_policy();
        let found = policy.principals.into_iter().find(|one| one.id == PrincipalId(id(number)));
        found.map(|found| found.protocols).expect("in the policy")
    };
    mesh.grants = vec![under(7, State::Active, &[OfPlan::Mqtt])];
    assert_eq!(told(&mesh, 2), [Protocol::Mqtt]);
    assert_eq!(told(&mesh, 1), [], "a client that somebody made by hand is not under a plan");
    mesh.grants.push(under(8, State::Suspended, &[OfPlan::Http]));
    assert_eq!(told(&mesh, 2), [Protocol::Mqtt], "what is held back gives nothing");
    mesh.grants.push(under(9, State::Active, &[OfPlan::Http]));
    assert_eq!(told(&mesh, 2), [Protocol::Mqtt, Protocol::Http], "the plans add up");
    mesh.grants.push(given(10, 3, State::Active));
    assert_eq!(told(&mesh, 2), [], "an event by itself is had by any protocol");
}

#[test]
fn protocols_demand_an_agent_that_knows_them() {
    let mut mesh = mesh();
    let version = |mesh: &Mesh| mesh.desired(AgentId(id(33))).expect("enrolled").min_version;
    mesh.publications = vec![published(&[])];
    mesh.principals.push(client(2, 3, Kind::Credential));
    let mut grant = of_plan(given(7, 3, State::Active));
    mesh.grants = vec![grant.clone()];
    assert_eq!(version(&mesh), 1);
    grant.terms.protocols = [OfPlan::Http].into();
    mesh.grants = vec![grant];
    assert_eq!(version(&mesh), PROTOCOLS_VERSION);
}

proptest! {
    /// No credential without a live grant, whatever happened to grants; clients that somebody made by hand are not touched.
    #[test]
    fn no_credential_logs_in_without_a_grant_that_is_given(states in prop::collection::vec((0..4_usize, 3..5_u128), 0..6)) {
        let mut mesh = mesh();
        mesh.principals = vec![client(1, 3, Kind::Credential), client(2, 3, Kind::Client)];
        let numbered = states.iter().zip(10..);
        mesh.grants = numbered.map(|((state, of), number)| given(number, *of, State::ALL[*state])).collect();
        let has = mesh.grants.iter().any(|grant| grant.state == State::Active && grant.application == ApplicationId(id(3)));
        let policy = mesh.whole_policy();
        let state = |number| policy.principals.iter().find(|one| one.id == PrincipalId(id(number))).map(|one| one.state);
        let expected = if has { PrincipalState::Enabled } else { PrincipalState::Disabled };
        prop_assert_eq!(state(1), Some(expected));
        prop_assert_eq!(state(2), Some(PrincipalState::Enabled));
        prop_assert_eq!(mesh.has_grant(ApplicationId(id(3))), has);
    }
}
