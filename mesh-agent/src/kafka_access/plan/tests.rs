use mesh_protocol::desired::Password;
use mesh_protocol::id::{BrokerId, KafkaCredentialId};
use mesh_protocol::sealed::Sealed;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::password::tests::scram;
use super::*;

const PREFIX: &str = "mp-0123456789ab-";

fn acl(resource: KafkaResource, name: &str, operation: KafkaOperation) -> KafkaAcl {
    let pattern = if resource == KafkaResource::Group { KafkaPattern::Prefixed } else { KafkaPattern::Literal };
    KafkaAcl { resource, pattern, name: name.to_owned(), operation }
}

fn user(number: u128) -> KafkaUser {
    KafkaUser {
        id: KafkaCredentialId(Uuid::from_u128(number)),
        username: format!("{PREFIX}{number:08x}"),
        present: true,
        expires_at_ms: None,
        password: Some(Password::Sealed(Sealed::default())),
        acls: vec![
            acl(KafkaResource::Topic, "orders", KafkaOperation::Read),
            acl(KafkaResource::Group, "mp-g.", KafkaOperation::Read),
        ],
    }
}

/// An agent that opens every box, but for those to another key.
fn open(user: &KafkaUser) -> Result<Scram, Unknown> {
    match &user.password {
        Some(Password::Sealed(sealed)) if sealed.to.is_empty() => Ok(scram()),
        Some(Password::Sealed(_)) => Err(Unknown::OtherKey),
        Some(Password::NoKey) => Err(Unknown::NoKey),
        Some(Password::Lost) | None => Err(Unknown::Lost),
    }
}

fn plan_of(access: &KafkaAccess, held: &Held, set: &BTreeSet<KafkaUserRef>, now_ms: i64) -> Plan {
    Plan::of(access, held, set, now_ms, open)
}

fn access(users: &[KafkaUser]) -> KafkaAccess {
    KafkaAccess { broker: BrokerId(Uuid::from_u128(9)), prefix: PREFIX.to_owned(), users: users.to_vec() }
}

fn empty() -> Held {
    Held { users: BTreeMap::new(), entries: Some(BTreeSet::new()) }
}

/// The cluster after it did what was planned.
fn done(held: &Held, plan: &Plan) -> Held {
    let mut after = held.clone();
    for (name, mechanism) in &plan.remove {
        let mechanisms = after.users.get_mut(name).expect("only who is there is removed");
        assert!(mechanisms.remove(mechanism).is_some());
        if mechanisms.is_empty() {
            after.users.remove(name);
        }
    }
    for (name, scram) in &plan.set {
        after.users.entry(name.clone()).or_default().insert(SHA_512, scram.iterations.cast_signed());
    }
    if let Some(entries) = &mut after.entries {
        for (_, entry) in &plan.take {
            assert!(entries.remove(entry), "only what is there is taken");
        }
        entries.extend(plan.give.iter().map(|(_, entry)| entry.clone()));
    }
    after
}

fn all_set(access: &KafkaAccess) -> BTreeSet<KafkaUserRef> {
    access.users.iter().map(KafkaUser::reference).collect()
}

#[test]
fn a_user_is_made_with_its_rights_and_then_left_alone() {
    let access = access(&[user(1)]);
    let plan = plan_of(&access, &empty(), &BTreeSet::new(), 0);
    assert_eq!((plan.set.len(), plan.give.len(), plan.take.len(), plan.remove.len()), (1, 2, 0, 0));
    assert!(plan.concerns(&user(1).username));
    let held = done(&empty(), &plan);
    assert!(plan_of(&access, &held, &all_set(&access), 0).is_done());
    let again = plan_of(&access, &held, &BTreeSet::new(), 0);
    assert_eq!(
        (again.set.len(), again.give.len()),
        (1, 0),
        "which password it has cannot be seen: it is set once more"
    );
}

#[test]
fn what_is_not_wanted_any_more_goes() {
    let both = access(&[user(1), user(2)]);
    let held = done(&empty(), &plan_of(&both, &empty(), &BTreeSet::new(), 0));
    for (wanted, now_ms) in [
        (access(&[user(1), KafkaUser { present: false, ..user(2) }]), 0),
        (access(&[user(1), KafkaUser { expires_at_ms: Some(5), ..user(2) }]), 5),
        (access(&[user(1)]), 0),
    ] {
        let plan = plan_of(&wanted, &held, &all_set(&wanted), now_ms);
        assert_eq!(plan.remove, [(user(2).username, SHA_512)]);
        assert_eq!(plan.take.len(), 2);
        assert!(!plan.concerns(&user(1).username) && plan.concerns(&user(2).username));
        assert!(plan_of(&wanted, &done(&held, &plan), &all_set(&wanted), now_ms).is_done());
    }
    let less = access(&[user(1), KafkaUser { acls: Vec::new(), ..user(2) }]);
    let plan = plan_of(&less, &held, &all_set(&less), 0);
    assert_eq!((plan.take.len(), plan.remove.len()), (2, 0), "it may nothing any more, and is still there");
}

#[test]
fn a_way_in_that_somebody_else_made_goes_and_a_denial_stays() {
    let wanted = access(&[user(1)]);
    let mut held = done(&empty(), &plan_of(&wanted, &empty(), &BTreeSet::new(), 0));
    held.users.get_mut(&user(1).username).expect("made").insert(1, 4_096);
    let right = Entry::of(&user(1).username, &acl(KafkaResource::Topic, "payments", KafkaOperation::Read));
    let elsewhere = Entry { host: "10.0.0.1".to_owned(), ..right.clone() };
    let denied = Entry { permission: 2, ..right.clone() };
    held.entries.as_mut().expect("an authorizer").extend([right.clone(), elsewhere.clone(), denied]);
    let plan = plan_of(&wanted, &held, &all_set(&wanted), 0);
    assert_eq!(plan.remove, [(user(1).username, 1)]);
    let mut taken: Vec<Entry> = plan.take.into_iter().map(|(_, entry)| entry).collect();
    taken.sort();
    let mut expected = vec![right, elsewhere];
    expected.sort();
    assert_eq!(taken, expected);
}

#[test]
fn who_cannot_be_held_to_anything_is_not_made() {
    let wanted = access(&[user(1), KafkaUser { password: Some(Password::Lost), ..user(2) }]);
    let open = Held { users: BTreeMap::new(), entries: None };
    let plan = plan_of(&wanted, &open, &BTreeSet::new(), 0);
    assert!(plan.is_done());
    assert!(plan.stuck[&user(1).username].contains("no authorizer"));
    let plan = plan_of(&wanted, &empty(), &BTreeSet::new(), 0);
    assert!(plan.stuck[&user(2).username].contains("make a new one"));
    assert!(!plan.concerns(&user(2).username) && plan.concerns(&user(1).username));
    // One that is there goes on with the password that it has.
    let there = BTreeMap::from([(user(2).username, BTreeMap::from([(SHA_512, 8_192)]))]);
    let plan = plan_of(&wanted, &Held { users: there, ..empty() }, &BTreeSet::new(), 0);
    assert!(plan.stuck.is_empty() && plan.set.iter().all(|(name, _)| *name == user(1).username));
    assert_eq!(plan.give.iter().filter(|(name, _)| *name == user(2).username).count(), 2);
}

#[test]
fn while_a_password_is_sealed_to_another_key_its_user_stays_and_says_so() {
    let other = Some(Password::Sealed(Sealed { to: "0123456789abcdef".to_owned(), ..Sealed::default() }));
    let wanted = access(&[KafkaUser { password: other, ..user(1) }]);
    let plan = plan_of(&wanted, &empty(), &BTreeSet::new(), 0);
    assert!(plan.is_done() && plan.stuck[&user(1).username].contains("does not have"), "it cannot be made: {plan:?}");
    let held = done(&empty(), &plan_of(&access(&[user(1)]), &empty(), &BTreeSet::new(), 0));
    let plan = plan_of(&wanted, &held, &BTreeSet::new(), 0);
    assert!(plan.is_done() && plan.stuck.contains_key(&user(1).username), "it stays, and nobody knows its password");
    let set = all_set(&access(&[user(1)]));
    let plan = plan_of(&wanted, &held, &set, 0);
    assert!(plan.is_done() && plan.stuck.is_empty(), "its password was set before the key changed: {plan:?}");
    let less = Held { entries: Some(BTreeSet::new()), ..held };
    assert_eq!(plan_of(&wanted, &less, &BTreeSet::new(), 0).give.len(), 2, "its rights are kept up all the same");
}

/// Names of our own users and of others, among them some that look nearly like ours.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        (1..4_u128).prop_map(|number| user(number).username),
        Just(PREFIX.to_owned()),
        Just("mp-0123456789ac-00000001".to_owned()),
        Just("MP-0123456789ab-00000001".to_owned()),
        Just("admin".to_owned()),
        Just("*".to_owned()),
        Just(format!("x{PREFIX}1")),
    ]
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let principal = prop_oneof![
        any_name().prop_map(|name| format!("User:{name}")),
        any_name().prop_map(|name| format!("Group:{name}")),
        any_name(),
    ];
    (principal, 2..6_i8, 3..5_i8, prop_oneof![Just("orders"), Just("mp-g.")], 3..9_i8, 2..4_i8).prop_map(
        |(principal, resource, pattern, name, operation, permission)| Entry {
            principal,
            resource,
            pattern,
            name: name.to_owned(),
            host: ANYWHERE.to_owned(),
            operation,
            permission,
        },
    )
}

fn any_held() -> impl Strategy<Value = Held> {
    let users = proptest::collection::btree_map(
        any_name(),
        proptest::collection::btree_map(1..3_i8, prop_oneof![Just(4_096), Just(8_192)], 1..3),
        0..6,
    );
    let entries = proptest::option::weighted(0.9, proptest::collection::btree_set(any_entry(), 0..30));
    (users, entries).prop_map(|(users, entries)| Held { users, entries })
}

fn any_access() -> impl Strategy<Value = KafkaAccess> {
    let one = (any_name(), any::<bool>(), any::<bool>(), any::<bool>());
    proptest::collection::vec(one, 0..6).prop_map(|all| {
        let users = (1_u128..).zip(all).map(|(number, (username, present, has_password, has_acls))| KafkaUser {
            username,
            present,
            password: Some(if has_password { Password::Sealed(Sealed::default()) } else { Password::Lost }),
            acls: if has_acls { user(number).acls } else { Vec::new() },
            ..user(number)
        });
        access(&users.collect::<Vec<_>>())
    })
}

proptest! {
    /// Whatever a cluster holds and whatever is wanted, nobody else is touched, and what an administrator denied stays.
    #[test]
    fn foreign_users_and_their_access_are_never_touched(access in any_access(), held in any_held(), now_ms in 0..10_i64) {
        let plan = plan_of(&access, &held, &BTreeSet::new(), now_ms);
        let is_own = |name: &String| name.starts_with(PREFIX) && name.len() > PREFIX.len();
        for (name, entry) in plan.take.iter().chain(&plan.give) {
            prop_assert!(is_own(name));
            prop_assert_eq!(&entry.principal, &format!("User:{name}"));
            prop_assert_eq!(entry.permission, ALLOW);
        }
        prop_assert!(plan.remove.iter().map(|(name, _)| name).all(is_own));
        prop_assert!(plan.set.iter().map(|(name, _)| name).all(is_own));
    }

    /// Doing what is planned leaves nothing to do, except about those who are stuck.
    #[test]
    fn what_is_planned_leads_to_what_is_wanted(access in any_access(), held in any_held()) {
        let plan = plan_of(&access, &held, &BTreeSet::new(), 0);
        let again = plan_of(&access, &done(&held, &plan), &all_set(&access), 0);
        prop_assert!(again.is_done(), "{again:?}");
    }
}
