use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::deny_list::DenyList;
use crate::desired::{Policy, Scope, Site};
use crate::event::Protocol;
use crate::id::{PrincipalId, RoleId, RuleId, SiteId};
use crate::policy::{Action, Effect, Principal, PrincipalState, Role, Rule, Subject};
use crate::secret::{SecretHash, SecretKey};
use crate::topic::{Dialect, Filter, Topic};

const TILL: PrincipalId = PrincipalId(Uuid::from_u128(1));
const SENSOR: PrincipalId = PrincipalId(Uuid::from_u128(2));
const TILLS: RoleId = RoleId(Uuid::from_u128(10));
const LYON: SiteId = SiteId(Uuid::from_u128(100));
const BERLIN: SiteId = SiteId(Uuid::from_u128(101));

fn site() -> Site {
    Site { id: LYON, name: "store-lyon".into(), region: "eu".into(), labels: BTreeMap::new() }
}

fn key() -> SecretKey {
    SecretKey::new([7; 32])
}

fn principal(id: PrincipalId, username: &str, roles: &[RoleId]) -> Principal {
    Principal {
        id,
        username: username.into(),
        state: PrincipalState::Enabled,
        secrets: vec![SecretHash::of(&key(), "old"), SecretHash::of(&key(), "new")],
        roles: roles.to_vec(),
        application: None,
        expires_at_ms: None,
        protocols: Vec::new(),
    }
}

fn rule(number: u128, subject: Subject, action: Action, effect: Effect, filter: &str) -> Rule {
    let filter = Filter::mesh(filter).expect(filter);
    Rule { id: RuleId(Uuid::from_u128(number)), subject, action, effect, filter, sites: Vec::new() }
}

fn policy(rules: Vec<Rule>) -> Policy {
    Policy {
        secret_key: key(),
        principals: vec![principal(TILL, "till-7", &[TILLS]), principal(SENSOR, "sensor", &[])],
        roles: vec![Role { id: TILLS, name: "tills".into() }],
        rules,
        scopes: Vec::new(),
    }
}

fn compiled(policy: &Policy) -> CompiledPolicy {
    CompiledPolicy::compile(policy, &site()).expect("a valid policy")
}

fn session(rules: Vec<Rule>, principal: PrincipalId) -> Session {
    compiled(&policy(rules)).session(principal, "client-1", 0).expect("may log in")
}

fn topic(name: &str) -> Topic {
    Topic::new(name).expect(name)
}

fn mesh(text: &str) -> Filter {
    Filter::mesh(text).expect(text)
}

use Action::{Connect, ManageQueue, Publish, Subscribe};
use Effect::{Allow, Deny};

#[test]
fn a_login_needs_name_secret_state_and_time() {
    let mut policy = policy(Vec::new());
    policy.principals[0].expires_at_ms = Some(1_000);
    policy.principals[1].state = PrincipalState::Disabled;
    let compiled = compiled(&policy);
    assert_eq!(compiled.authenticate("till-7", "old", 999).map(|identity| identity.principal), Ok(TILL));
    assert_eq!(compiled.authenticate("till-7", "new", 999).map(|identity| identity.principal), Ok(TILL));
    assert_eq!(compiled.authenticate("till-7", "old", 1_000), Err(DenyReason::Expired { at_ms: 1_000 }));
    assert_eq!(compiled.authenticate("till-7", "other", 1_000), Err(DenyReason::WrongSecret));
    assert_eq!(compiled.authenticate("till-8", "old", 0), Err(DenyReason::UnknownUser));
    assert_eq!(compiled.authenticate("sensor", "old", 0), Err(DenyReason::Disabled));
    assert_eq!(compiled.authenticate("sensor", "", 0), Err(DenyReason::WrongSecret));
    assert_eq!(DenyReason::UnknownUser.to_string(), DenyReason::WrongSecret.to_string());
    assert_ne!(DenyReason::UnknownUser.detail(), DenyReason::WrongSecret.detail());
    assert_eq!((compiled.next_expiry(999), compiled.next_expiry(1_000)), (Some(1_000), None));
}

#[test]
fn a_principal_connects_by_the_protocols_that_it_has() {
    let mut policy = policy(Vec::new());
    policy.principals[0].protocols = vec![Protocol::Mqtt, Protocol::Kafka];
    let compiled = compiled(&policy);
    let identity = compiled.authenticate("till-7", "old", 0).expect("the secret is right");
    assert_eq!(identity.check_protocol(Protocol::Mqtt), Ok(()));
    let denied = identity.check_protocol(Protocol::Http).expect_err("not by HTTP");
    assert_eq!(
        denied.to_string(),
        "the plan does not allow HTTP: connect by MQTT or Kafka, or ask for access under a plan with HTTP"
    );
    assert!(denied.is_login() && denied.rule().is_none());
    let any = compiled.identify(SENSOR, 0).expect("known");
    assert_eq!(any.check_protocol(Protocol::Http), Ok(()), "none are named, so any will do");
}

#[test]
fn a_principal_without_secrets_has_no_login() {
    let mut policy = policy(Vec::new());
    policy.principals[0].secrets.clear();
    let compiled = compiled(&policy);
    assert_eq!(compiled.authenticate("till-7", "", 0), Err(DenyReason::WrongSecret));
    assert!(compiled.session(TILL, "route", 0).is_ok());
}

#[test]
fn the_deny_list_of_the_mesh_beats_everything() {
    let denied = DenyList { number: 1, agents: Vec::new(), principals: vec![TILL] };
    let compiled = CompiledPolicy::compile_with(&policy(Vec::new()), &site(), &denied).expect("valid");
    assert_eq!(compiled.authenticate("till-7", "old", 0), Err(DenyReason::Revoked));
    assert!(compiled.authenticate("sensor", "old", 0).is_ok());
}

#[test]
fn the_default_is_deny_and_says_so() {
    let session = session(Vec::new(), TILL);
    for decision in [
        session.decide_connect(),
        session.decide_publish(&topic("a")),
        session.decide_subscribe(&mesh("a")),
        session.decide(ManageQueue, &mesh("a")),
    ] {
        assert!(matches!(decision, Decision::Denied(DenyReason::NoRule { .. })));
    }
    let reason = session.decide_publish(&topic("orders/fr/1")).into_result().expect_err("denied");
    assert_eq!(reason.to_string(), "no rule allows till-7 to publish to orders/fr/1");
}

#[test]
fn deny_beats_allow_and_is_named() {
    let session = session(
        vec![
            rule(1, Subject::Principal(TILL), Publish, Allow, "orders/>"),
            rule(2, Subject::Role(TILLS), Publish, Deny, "orders/fr/>"),
            rule(3, Subject::Anyone, Publish, Deny, "orders/fr/*"),
        ],
        TILL,
    );
    assert_eq!(session.decide_publish(&topic("orders/de/1")), Decision::Allowed { rule: RuleId(Uuid::from_u128(1)) });
    let reason = session.decide_publish(&topic("orders/fr/1")).into_result().expect_err("denied");
    assert_eq!(
        reason.to_string(),
        "denied by rule 00000000-0000-0000-0000-000000000002: role tills may not publish to orders/fr/>"
    );
}

#[test]
fn the_most_specific_allow_is_named() {
    let session = session(
        vec![
            rule(1, Subject::Anyone, Publish, Allow, ">"),
            rule(2, Subject::Anyone, Publish, Allow, "orders/fr/*"),
            rule(3, Subject::Anyone, Publish, Allow, "orders/>"),
        ],
        TILL,
    );
    for (name, number) in [("orders/fr/1", 2), ("orders/de/1", 3), ("x", 1)] {
        assert_eq!(session.decide_publish(&topic(name)).rule(), Some(RuleId(Uuid::from_u128(number))), "{name}");
    }
}

#[test]
fn connect_needs_an_allow_and_no_deny() {
    let allow = rule(1, Subject::Role(TILLS), Connect, Allow, ">");
    let deny = rule(2, Subject::Principal(TILL), Connect, Deny, "never/consulted");
    assert!(session(vec![allow.clone()], TILL).decide_connect().is_allowed());
    assert!(!session(vec![allow.clone()], SENSOR).decide_connect().is_allowed());
    let reason = session(vec![allow, deny], TILL).decide_connect().into_result().expect_err("denied");
    assert!(reason.to_string().ends_with("principal till-7 may not connect"), "{reason}");
}

#[test]
fn a_subscription_must_lie_inside_one_grant() {
    let rules = vec![
        rule(1, Subject::Anyone, Subscribe, Allow, "orders/>"),
        rule(2, Subject::Anyone, Subscribe, Deny, "orders/secret/>"),
    ];
    let session = session(rules, TILL);
    assert!(session.decide_subscribe(&mesh("orders/fr/*")).is_allowed());
    assert!(session.decide_subscribe(&Filter::mqtt("orders/+/#").expect("valid")).is_allowed());
    assert!(!session.decide_subscribe(&Filter::mqtt("orders/#").expect("valid")).is_allowed());
    assert!(!session.decide_subscribe(&mesh(">")).is_allowed());
    let reason = session.decide_subscribe(&mesh("orders/secret/a")).into_result().expect_err("denied");
    assert!(reason.rule().is_some());
}

#[test]
fn events_of_an_overlapping_deny_are_held_back() {
    let rules = vec![
        rule(1, Subject::Anyone, Subscribe, Allow, "orders/>"),
        rule(2, Subject::Anyone, Subscribe, Deny, "*/secret/>"),
    ];
    let session = session(rules, TILL);
    assert!(session.decide_subscribe(&mesh("orders/>")).is_allowed());
    assert!(session.filters_delivery(&mesh("orders/>")));
    assert!(!session.filters_delivery(&mesh("orders/fr/>")));
    assert!(session.may_receive(&topic("orders/fr/1")));
    assert!(!session.may_receive(&topic("orders/secret/1")));
}

#[test]
fn rules_are_filled_in_for_site_and_client() {
    let rules = vec![
        rule(1, Subject::Role(TILLS), Publish, Allow, "${region}/${site}/${username}/${client_id}/>"),
        rule(2, Subject::Role(TILLS), Subscribe, Allow, "commands/${site}/*"),
        rule(3, Subject::Role(TILLS), Publish, Deny, "${region}/${site}/${username}/${client_id}/x"),
    ];
    let session = session(rules, TILL);
    assert!(session.decide_publish(&topic("eu/store-lyon/till-7/client-1/y")).is_allowed());
    assert!(!session.decide_publish(&topic("eu/store-lyon/till-8/client-1/y")).is_allowed());
    assert!(session.decide_subscribe(&mesh("commands/store-lyon/*")).is_allowed());
    let reason = session.decide_publish(&topic("eu/store-lyon/till-7/client-1/x")).into_result().expect_err("denied");
    assert!(reason.to_string().ends_with("publish to ${region}/${site}/${username}/${client_id}/x"), "{reason}");
}

#[test]
fn an_identity_never_widens_a_rule() {
    for client_id in ["", "+", "#", "*", ">", "a/b", "x*", "$SYS"] {
        let policy = policy(vec![rule(1, Subject::Anyone, Publish, Allow, "${client_id}/>")]);
        let session = compiled(&policy).session(TILL, client_id, 0).expect("may log in");
        for name in ["a/b", "a/b/c", "+/x", "$SYS/x"] {
            assert!(!session.decide_publish(&topic(name)).is_allowed(), "{client_id} {name}");
        }
    }
}

#[test]
fn a_rule_of_other_sites_does_not_count() {
    let mut elsewhere = rule(1, Subject::Anyone, Publish, Allow, ">");
    elsewhere.sites = vec![BERLIN];
    assert!(!session(vec![elsewhere.clone()], TILL).decide_publish(&topic("a")).is_allowed());
    elsewhere.sites.push(LYON);
    assert!(session(vec![elsewhere], TILL).decide_publish(&topic("a")).is_allowed());
}

#[test]
fn scopes_keep_topics_inside() {
    let mut policy = policy(Vec::new());
    policy.scopes = vec![
        Scope { name: "eu-only".into(), filter: mesh("customers/>"), sites: vec![BERLIN], regions: vec!["eu".into()] },
        Scope { name: "nowhere".into(), filter: mesh("customers/secret/>"), sites: Vec::new(), regions: Vec::new() },
    ];
    let compiled = compiled(&policy);
    let forbidden = |name: &str, site, region| {
        compiled.scope_allows(&topic(name), site, region).map_err(|scope| scope.name.clone()).err()
    };
    assert_eq!(forbidden("customers/1", LYON, "eu"), None);
    assert_eq!(forbidden("customers/1", BERLIN, "us"), None);
    assert_eq!(forbidden("customers/1", LYON, "us"), Some("eu-only".into()));
    assert_eq!(forbidden("customers/secret/1", LYON, "us"), Some("eu-only".into()));
    assert_eq!(forbidden("customers/secret/1", LYON, "eu"), Some("nowhere".into()));
    assert_eq!(forbidden("orders/1", LYON, "us"), None);
}

#[test]
fn a_policy_that_contradicts_itself_is_refused() {
    let error = |policy: &Policy| CompiledPolicy::compile(policy, &site()).expect_err("wrong").to_string();
    let mut twice = policy(Vec::new());
    twice.principals[1].username = "till-7".into();
    assert!(error(&twice).contains("till-7"));
    let unknown = policy(vec![rule(1, Subject::Anyone, Publish, Allow, "a/${user}")]);
    assert!(error(&unknown).contains("${user}"), "{}", error(&unknown));
    let unfinished = policy(vec![rule(1, Subject::Anyone, Publish, Deny, "a/${username")]);
    assert!(error(&unfinished).contains("byte 2"));
    let mut scoped = policy(Vec::new());
    let filter = mesh("a/${site}");
    scoped.scopes = vec![Scope { name: "s".into(), filter, sites: Vec::new(), regions: Vec::new() }];
    assert!(error(&scoped).contains("scope s"));
}

#[test]
fn an_explanation_shows_every_rule_and_how_it_stands() {
    let policy = policy(vec![
        rule(1, Subject::Anyone, Subscribe, Allow, "orders/>"),
        rule(2, Subject::Role(TILLS), Subscribe, Deny, "orders/*/secret"),
        rule(3, Subject::Principal(TILL), Subscribe, Allow, "tills/${username}"),
        rule(4, Subject::Principal(SENSOR), Subscribe, Allow, ">"),
    ]);
    let target = mesh("orders/fr/*");
    let explained =
        explain(&policy, &site(), (TILL, "c"), Subscribe, Target::Filter(&target), 0).expect("a valid policy");
    assert!(explained.decision.is_allowed());
    let rows: Vec<_> = explained
        .rules
        .iter()
        .map(|verdict| (verdict.rule.0.as_u128(), &*verdict.subject, verdict.applies, verdict.in_part))
        .collect();
    assert_eq!(
        rows,
        [(3, "principal till-7", false, false), (2, "role tills", false, true), (1, "anyone", true, false)]
    );
    let filled = explained.rules[0].effective.as_ref().map(Filter::text);
    assert_eq!(filled, Some("tills/till-7"));
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let subject = prop::sample::select(vec![
        Subject::Principal(TILL),
        Subject::Principal(SENSOR),
        Subject::Role(TILLS),
        Subject::Anyone,
    ]);
    let filter = "(a|b|\\*|a\\*|\\$\\{username\\}|\\$\\{site\\})(/(a|b|\\*))?(/>)?";
    let filter = filter.prop_map(|text| Filter::parse(&text, Dialect::Mesh).expect("valid"));
    let action = prop::sample::select(vec![Publish, Subscribe]);
    let effect = prop::sample::select(vec![Allow, Allow, Deny]);
    let rule = (subject, action, effect, filter);
    prop::collection::vec(rule, 0..8).prop_map(|rules| {
        let numbered = (0..).zip(rules);
        numbered
            .map(|(number, (subject, action, effect, filter))| Rule {
                id: RuleId(Uuid::from_u128(number)),
                subject,
                action,
                effect,
                filter,
                sites: Vec::new(),
            })
            .collect()
    })
}

/// The rules as the module's text has them, one after the other.
fn naive(rules: &[Rule], action: Action, fits: impl Fn(&Filter) -> bool) -> bool {
    let says = |effect: Effect| {
        rules.iter().any(|rule| {
            let about_till = matches!(rule.subject, Subject::Anyone)
                || rule.subject == Subject::Principal(TILL)
                || rule.subject == Subject::Role(TILLS);
            let text = rule.filter.text().replace("${username}", "till-7").replace("${site}", "store-lyon");
            about_till && rule.action == action && rule.effect == effect && fits(&mesh(&text))
        })
    };
    says(Allow) && !says(Deny)
}

proptest! {
    #[test]
    fn decisions_agree_with_the_naive_reading(
        rules in rules(),
        name in "(a|b|ab|till-7|store-lyon)(/(a|b|c)){0,3}",
        wanted in "(a|b|\\*|a\\*|till-7)(/(a|b|\\*))?(/>)?",
    ) {
        let session = session(rules.clone(), TILL);
        let (name, wanted) = (topic(&name), mesh(&wanted));
        let publish = session.decide_publish(&name).is_allowed();
        prop_assert_eq!(publish, naive(&rules, Publish, |filter| filter.matches(&name)));
        let subscribe = session.decide_subscribe(&wanted).is_allowed();
        prop_assert_eq!(subscribe, naive(&rules, Subscribe, |filter| filter.includes(&wanted)));
        let explained = session.explain(Publish, Target::Topic(&name));
        prop_assert_eq!(explained.decision.is_allowed(), publish);
        if let Some(rule) = explained.decision.rule() {
            let first = explained.rules.iter().find(|verdict| verdict.applies && (verdict.effect == Deny) != publish);
            prop_assert_eq!(first.map(|verdict| verdict.rule), Some(rule), "the most specific is named");
        }
        let received = session.may_receive(&name);
        if session.decide(Subscribe, &name).is_allowed() {
            prop_assert!(received);
        }
        if subscribe && wanted.matches(&name) && !session.filters_delivery(&wanted) {
            prop_assert!(received, "an unfiltered subscription forbids nothing");
        }
    }
}
