//! Who may do what, how much, and who is known by the cluster itself.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_acls_response::{AclDescription, DescribeAclsResource};
use kafka_protocol::messages::describe_client_quotas_response::EntryData;
use kafka_protocol::messages::describe_user_scram_credentials_response::DescribeUserScramCredentialsResult;
use kafka_protocol::messages::{DescribeClientQuotasRequest, DescribeUserScramCredentialsRequest};
use mesh_protocol::report::{
    ACL_ENTRIES_MAX, AclEntry, AclFacts, ObjectFacts, QuotaEntity, QuotaFacts, RuntimeObject, ScramCredential,
    ScramUserFacts,
};

use super::{Lines, Notes, Told, bounded, describe_cluster};
use crate::kafka::trouble::{Operation, Resource, Right};
use crate::kafka::wire::{every_acl, refusal};

/// Most access lists, quotas and users that are told.
const OBJECTS_MAX: usize = 10_000;

/// In the order of their names, so that the same are left out each time.
fn told(objects: impl Iterator<Item = RuntimeObject>, what: &str, notes: &mut Notes) -> Told<Vec<RuntimeObject>> {
    let mut objects: Vec<_> = objects.collect();
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    Told::Is(bounded(objects, OBJECTS_MAX, what, notes))
}

/// Every access list.
pub(super) async fn acls(lines: &mut Lines<'_>, notes: &mut Notes) -> Told<Vec<RuntimeObject>> {
    let request = every_acl();
    let answer = match lines.ask_any(&request).await {
        Ok(answer) => answer,
        Err(why) => return why.into(),
    };
    match refusal(answer.error_code) {
        None => told(answer.resources.iter().map(acl), "access lists", notes),
        Some(ResponseError::SecurityDisabled) => {
            Told::Untold("it has no authoriser, so everybody may do everything".to_owned())
        }
        Some(error) => Told::from_error(error, describe_cluster()),
    }
}

fn acl(resource: &DescribeAclsResource) -> RuntimeObject {
    let mut entries: Vec<AclEntry> = resource.acls.iter().map(entry).collect();
    entries.sort();
    let entries_left_out = entries.len().saturating_sub(ACL_ENTRIES_MAX) as u64;
    entries.truncate(ACL_ENTRIES_MAX);
    let facts = AclFacts {
        resource: word(&RESOURCES, resource.resource_type),
        pattern: word(&PATTERNS, resource.pattern_type),
        resource_name: resource.resource_name.to_string(),
        entries,
        entries_left_out,
    };
    RuntimeObject { name: facts.name(), facts: ObjectFacts::Acl(facts) }
}

fn entry(acl: &AclDescription) -> AclEntry {
    AclEntry {
        principal: acl.principal.to_string(),
        operation: word(&OPERATIONS, acl.operation),
        permission: word(&PERMISSIONS, acl.permission_type),
        host: acl.host.to_string(),
    }
}

/// Kafka's numbers of types, patterns, permissions and operations, each at its place.
const RESOURCES: [&str; 8] = ["", "", "TOPIC", "GROUP", "CLUSTER", "TRANSACTIONAL_ID", "DELEGATION_TOKEN", "USER"];
const PATTERNS: [&str; 5] = ["", "", "", "LITERAL", "PREFIXED"];
const PERMISSIONS: [&str; 4] = ["", "", "DENY", "ALLOW"];
const OPERATIONS: [&str; 16] = [
    "",
    "",
    "ALL",
    "READ",
    "WRITE",
    "CREATE",
    "DELETE",
    "ALTER",
    "DESCRIBE",
    "CLUSTER_ACTION",
    "DESCRIBE_CONFIGS",
    "ALTER_CONFIGS",
    "IDEMPOTENT_WRITE",
    "CREATE_TOKENS",
    "DESCRIBE_TOKENS",
    "TWO_PHASE_COMMIT",
];

/// The word of a number; one of a newer Kafka stays a number.
fn word(words: &[&str], number: i8) -> String {
    let known = usize::try_from(number).ok().and_then(|at| words.get(at)).filter(|word| !word.is_empty());
    known.map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

/// Every quota.
pub(super) async fn quotas(lines: &mut Lines<'_>, notes: &mut Notes) -> Told<Vec<RuntimeObject>> {
    let answer = match lines.ask_any(&DescribeClientQuotasRequest::default()).await {
        Ok(answer) => answer,
        Err(why) => return why.into(),
    };
    let right = Right { operation: Operation::DescribeConfigs, resource: Resource::Cluster };
    match refusal(answer.error_code) {
        None => told(answer.entries.unwrap_or_default().into_iter().map(quota), "quotas", notes),
        Some(error) => Told::from_error(error, right),
    }
}

fn quota(entry: EntryData) -> RuntimeObject {
    let entity = entry.entity.into_iter().map(|entity| QuotaEntity {
        kind: entity.entity_type.to_string(),
        name: entity.entity_name.map(|name| name.to_string()),
    });
    let mut entity: Vec<_> = entity.collect();
    // The user before the client id, as Kafka itself looks them up.
    entity.sort_by(|a, b| b.kind.cmp(&a.kind).then_with(|| a.name.cmp(&b.name)));
    // A number that JSON cannot write would be no report at all.
    let limits = entry.values.into_iter().filter(|limit| limit.value.is_finite());
    let limits: BTreeMap<_, _> = limits.map(|limit| (limit.key.to_string(), limit.value)).collect();
    let facts = QuotaFacts { entity, limits };
    RuntimeObject { name: facts.name(), facts: ObjectFacts::Quota(facts) }
}

/// Every user with SCRAM credentials. The cluster tells mechanism and rounds, nothing that is secret.
pub(super) async fn users(lines: &mut Lines<'_>, notes: &mut Notes) -> Told<Vec<RuntimeObject>> {
    // An empty list, which is all of them. So is none at all, but to that a broker that should refuse never answers.
    let request = DescribeUserScramCredentialsRequest::default().with_users(Some(Vec::new()));
    let answer = match lines.ask_any(&request).await {
        Ok(answer) => answer,
        Err(why) => return why.into(),
    };
    match refusal(answer.error_code) {
        None => {
            let known = answer.results.iter().filter(|user| user.error_code == 0);
            told(known.map(user), "users", notes)
        }
        Some(error) => Told::from_error(error, describe_cluster()),
    }
}

fn user(found: &DescribeUserScramCredentialsResult) -> RuntimeObject {
    let credentials = found.credential_infos.iter().map(|info| ScramCredential {
        mechanism: match info.mechanism {
            1 => "SCRAM-SHA-256".to_owned(),
            2 => "SCRAM-SHA-512".to_owned(),
            other => other.to_string(),
        },
        iterations: info.iterations,
    });
    let mut credentials: Vec<_> = credentials.collect();
    credentials.sort();
    RuntimeObject { name: found.user.to_string(), facts: ObjectFacts::ScramUser(ScramUserFacts { credentials }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::protocol::StrBytes;

    #[test]
    fn a_number_of_a_newer_kafka_stays_a_number() {
        assert_eq!(word(&OPERATIONS, 3), "READ");
        for unknown in [-1, 0, 1, 16, 127] {
            assert_eq!(word(&OPERATIONS, unknown), unknown.to_string());
        }
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let described = |number: usize| {
            let principal = StrBytes::from_string(format!("User:{number:05}"));
            AclDescription::default().with_principal(principal).with_operation(3).with_permission_type(3)
        };
        let resource = DescribeAclsResource::default()
            .with_resource_type(2)
            .with_pattern_type(4)
            .with_resource_name(StrBytes::from_static_str("orders."))
            .with_acls((0..ACL_ENTRIES_MAX + 7).rev().map(described).collect());
        let object = acl(&resource);
        assert_eq!(object.name, "TOPIC PREFIXED orders.");
        let ObjectFacts::Acl(facts) = object.facts else { panic!("an access list") };
        assert_eq!((facts.entries.len(), facts.entries_left_out), (ACL_ENTRIES_MAX, 7));
        assert_eq!(facts.entries[0].principal, "User:00000");
    }
}
