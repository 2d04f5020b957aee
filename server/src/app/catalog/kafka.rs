//! What a cluster's own access control, quotas and users say around an object: facts beside others, never a decision. Who
//! may do what in a cluster is the cluster's to decide; super users, for one, stand in no list.

use std::collections::{BTreeMap, BTreeSet};

use frontend::api::{KAFKA_ROWS_MAX, KafkaAclRow, KafkaQuotaRow, KafkaSide, KafkaTransactionRow, KafkaUserRow, Listed};
use mesh_protocol::id::BrokerId;
use mesh_protocol::report::{AclFacts, ObjectFacts, QuotaFacts, ScramUserFacts, TransactionFacts};

use super::entry::Key;
use super::href;
use crate::app::observed::World;
use crate::domain::runtime_object::Found;

/// Kafka's prefix of principals that are users.
const USER: &str = "User:";
/// Everybody.
const ANYBODY: &str = "User:*";

/// Around this object; none = it is none of a cluster. Of what is no cluster of Kafka it is what the agent may not see.
pub(super) fn side(key: &Key, world: &World) -> Option<KafkaSide> {
    let broker = match key {
        Key::Topic(broker, _)
        | Key::Group(broker, _)
        | Key::User(broker, _)
        | Key::Transaction(broker, _)
        | Key::Cluster(broker)
        | Key::Registry(broker)
        | Key::Connect(broker)
        | Key::Rabbit(broker)
        | Key::Mqtt(broker) => *broker,
        Key::Address(_)
        | Key::Subject(..)
        | Key::ConnectConnector(..)
        | Key::RabbitExchange(..)
        | Key::RabbitQueue(..)
        | Key::RabbitUser(..)
        | Key::MqttAddress(..)
        | Key::Application(_)
        | Key::Principal(_) => return None,
    };
    let mut side = KafkaSide {
        missing_rights: world.seen.scan(broker).map(|scan| scan.missing_rights.clone()).unwrap_or_default(),
        ..KafkaSide::default()
    };
    let (mut acls, mut quotas, mut users, mut transactions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for found in here(broker, world) {
        match &found.facts {
            ObjectFacts::Acl(acl) => acls.extend(rows(key, broker, acl)),
            ObjectFacts::Quota(quota) if is_quota_of(key, quota) => quotas.push(quota_row(quota)),
            ObjectFacts::ScramUser(user) if is_user_of(key, &found.name) => users.push(user_row(broker, found, user)),
            ObjectFacts::Transaction(facts) if is_transaction_of(key, facts) => {
                transactions.push(transaction_row(broker, found, facts));
            }
            ObjectFacts::Cluster(cluster) => side.untold.clone_from(&cluster.untold),
            _ => {}
        }
    }
    acls.sort_by(|a: &KafkaAclRow, b| b.permission.cmp(&a.permission).then_with(|| a.cmp(b)));
    side.acls = listed(acls);
    side.quotas = listed(quotas);
    side.users = listed(users);
    side.transactions = listed(transactions);
    Some(side)
}

fn here(broker: BrokerId, world: &World) -> impl Iterator<Item = &Found> {
    world.seen.found.iter().filter(move |found| found.broker == broker && found.gone_at_ms.is_none())
}

fn listed<T>(mut rows: Vec<T>) -> Listed<T> {
    let total = rows.len() as u64;
    rows.truncate(KAFKA_ROWS_MAX);
    Listed { rows, total }
}

/// The entries of a list that matter to an object, those of one principal in one row.
fn rows(key: &Key, broker: BrokerId, acl: &AclFacts) -> Vec<KafkaAclRow> {
    let is_covered = match key {
        Key::Topic(_, name) => acl.covers("TOPIC", name),
        Key::Group(_, name) => acl.covers("GROUP", name),
        Key::Transaction(_, name) => acl.covers("TRANSACTIONAL_ID", name),
        _ => true,
    };
    if !is_covered {
        return Vec::new();
    }
    let named = |principal: &str| match key {
        Key::User(_, name) => principal == ANYBODY || principal.strip_prefix(USER) == Some(name),
        _ => true,
    };
    let mut folded: BTreeMap<(&str, &str, &str), Vec<String>> = BTreeMap::new();
    for entry in acl.entries.iter().filter(|entry| named(&entry.principal)) {
        let who = (entry.permission.as_str(), entry.principal.as_str(), entry.host.as_str());
        folded.entry(who).or_default().push(entry.operation.clone());
    }
    let row = |((permission, principal, host), operations): ((&str, &str, &str), Vec<String>)| KafkaAclRow {
        permission: permission.to_owned(),
        resource: acl.resource.clone(),
        resource_name: acl.resource_name.clone(),
        pattern: acl.pattern.clone(),
        principal: principal.to_owned(),
        href: user_of(principal).map(|name| href(&Key::User(broker, name.to_owned()))),
        host: host.to_owned(),
        operations,
    };
    folded.into_iter().map(row).collect()
}

/// The user that a principal is; none = everybody, or something that is no user.
fn user_of(principal: &str) -> Option<&str> {
    principal.strip_prefix(USER).filter(|_| principal != ANYBODY)
}

fn is_quota_of(key: &Key, quota: &QuotaFacts) -> bool {
    match key {
        Key::Cluster(_) => true,
        Key::User(_, name) => {
            quota.entity.iter().any(|entity| entity.kind == "user" && entity.name.as_ref() == Some(name))
        }
        _ => false,
    }
}

fn quota_row(quota: &QuotaFacts) -> KafkaQuotaRow {
    KafkaQuotaRow { entity: quota.name(), limits: quota.limits.clone() }
}

fn is_user_of(key: &Key, user: &str) -> bool {
    match key {
        Key::Cluster(_) => true,
        Key::User(_, name) => name == user,
        _ => false,
    }
}

fn user_row(broker: BrokerId, found: &Found, user: &ScramUserFacts) -> KafkaUserRow {
    KafkaUserRow {
        name: found.name.clone(),
        href: href(&Key::User(broker, found.name.clone())),
        credentials: user.credentials.clone(),
    }
}

fn is_transaction_of(key: &Key, transaction: &TransactionFacts) -> bool {
    match key {
        Key::Cluster(_) => true,
        Key::Topic(_, name) => transaction.partitions.contains_key(name),
        _ => false,
    }
}

fn transaction_row(broker: BrokerId, found: &Found, facts: &TransactionFacts) -> KafkaTransactionRow {
    KafkaTransactionRow {
        id: found.name.clone(),
        href: href(&Key::Transaction(broker, found.name.clone())),
        state: facts.state.clone(),
        started: facts.started_ms,
    }
}

/// A user of a cluster, put together of everything that names it.
#[derive(Clone, Debug)]
pub(super) struct User<'a> {
    pub(super) broker: BrokerId,
    pub(super) name: &'a str,
    /// What the newest of it is known from.
    pub(super) from: &'a Found,
    pub(super) first_seen_ms: i64,
    /// Nothing that names it is there any more.
    pub(super) gone: bool,
    /// How it may log in, as far as the cluster keeps its credentials.
    pub(super) mechanisms: Vec<&'a str>,
}

/// Everybody whom credentials, access lists or quotas name.
pub(super) fn users(world: &World) -> Vec<User<'_>> {
    let mut users: BTreeMap<(BrokerId, &str), User<'_>> = BTreeMap::new();
    for found in &world.seen.found {
        for name in names(found) {
            let user = users.entry((found.broker, name)).or_insert_with(|| User {
                broker: found.broker,
                name,
                from: found,
                first_seen_ms: found.first_seen_ms,
                gone: true,
                mechanisms: Vec::new(),
            });
            user.first_seen_ms = user.first_seen_ms.min(found.first_seen_ms);
            let there = found.gone_at_ms.is_none();
            if (there, found.last_seen_ms) > (!user.gone, user.from.last_seen_ms) {
                user.from = found;
            }
            user.gone &= !there;
            if let (ObjectFacts::ScramUser(facts), true) = (&found.facts, there) {
                user.mechanisms = facts.credentials.iter().map(|known| known.mechanism.as_str()).collect();
            }
        }
    }
    users.into_values().collect()
}

/// Users that an object names.
fn names(found: &Found) -> BTreeSet<&str> {
    match &found.facts {
        ObjectFacts::ScramUser(_) => BTreeSet::from([found.name.as_str()]),
        ObjectFacts::Acl(acl) => acl.entries.iter().filter_map(|entry| user_of(&entry.principal)).collect(),
        ObjectFacts::Quota(quota) => {
            let users = quota.entity.iter().filter(|entity| entity.kind == "user");
            users.filter_map(|entity| entity.name.as_deref()).collect()
        }
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_protocol::report::AclEntry;

    fn entry(principal: &str, operation: &str, permission: &str) -> AclEntry {
        AclEntry {
            principal: principal.to_owned(),
            operation: operation.to_owned(),
            permission: permission.to_owned(),
            host: "*".to_owned(),
        }
    }

    fn list(pattern: &str, name: &str) -> AclFacts {
        AclFacts {
            resource: "TOPIC".to_owned(),
            pattern: pattern.to_owned(),
            resource_name: name.to_owned(),
            entries: vec![
                entry("User:alice", "DESCRIBE", "ALLOW"),
                entry("User:alice", "READ", "ALLOW"),
                entry("User:*", "READ", "DENY"),
                entry("Group:ops", "READ", "ALLOW"),
            ],
            entries_left_out: 0,
        }
    }

    #[test]
    fn what_covers_an_object_is_one_row_for_each_principal() {
        let broker = uuid::Uuid::nil().into();
        let topic = Key::Topic(broker, "orders.fr".to_owned());
        let told = rows(&topic, broker, &list("PREFIXED", "orders."));
        let told: Vec<_> = told.iter().map(|row| (row.principal.as_str(), row.operations.join(" "))).collect();
        let expected = [("Group:ops", "READ"), ("User:alice", "DESCRIBE READ"), ("User:*", "READ")]
            .map(|(a, b)| (a, b.to_owned()));
        assert_eq!(told, expected);
        assert!(rows(&topic, broker, &list("LITERAL", "orders.")).is_empty());
        assert!(rows(&Key::Group(broker, "orders.fr".to_owned()), broker, &list("PREFIXED", "orders.")).is_empty());
    }

    #[test]
    fn a_user_is_told_what_names_it_and_what_names_everybody() {
        let broker = uuid::Uuid::nil().into();
        let of = |name: &str| rows(&Key::User(broker, name.to_owned()), broker, &list("LITERAL", "orders"));
        let principals = |name: &str| of(name).into_iter().map(|row| row.principal).collect::<Vec<_>>();
        assert_eq!(principals("alice"), ["User:alice", "User:*"]);
        assert_eq!(principals("bob"), ["User:*"]);
        assert_eq!((user_of("User:*"), user_of("Group:ops"), user_of("User:bob")), (None, None, Some("bob")));
    }
}
