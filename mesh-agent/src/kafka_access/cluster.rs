//! What a cluster holds, and doing what was planned about it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, CreateAclsRequest, DeleteAclsRequest, DescribeUserScramCredentialsRequest,
};
use kafka_protocol::protocol::StrBytes;
use mesh_protocol::desired::{BrokerConnection, Scram};
use mesh_protocol::report::BrokerNode;

use super::plan::{Entry, Held, NO_AUTHORIZER, Plan, SHA_512};
use crate::causes::chain;
use crate::kafka::secret::Secrets;
use crate::kafka::trouble::{Operation, Resource, Right, Target};
use crate::kafka::wire::{Access, AskError, Connection, every_acl, refusal};
use crate::part::StartError;

/// Most entries or users of one request.
const CHUNK: usize = 200;

/// A cluster whose users are kept.
#[derive(Debug)]
pub(super) struct Cluster {
    access: Access,
    nodes: Vec<BrokerNode>,
    target: Target,
}

/// Why something could not be done about users, by name.
pub(super) type Failures = BTreeMap<String, String>;

impl Cluster {
    pub(super) fn new(broker: &BrokerConnection, secrets: &dyn Secrets) -> Result<Self, StartError> {
        let node = |(id, address): (i32, &String)| BrokerNode { id, address: address.clone(), log_dirs: Vec::new() };
        Ok(Self {
            access: Access::new(broker, secrets)?,
            nodes: (0..).zip(&broker.bootstrap).map(node).collect(),
            target: Target::from(broker),
        })
    }

    /// A connection to the first broker that takes one.
    pub(super) async fn connect(&self) -> Result<Connection, String> {
        let mut failed = String::new();
        for node in &self.nodes {
            match Connection::open(&self.access, node).await {
                Ok(connection) => return Ok(connection),
                Err(error) => failed = self.unanswered(&error),
            }
        }
        Err(failed)
    }

    /// What it holds. It tells no password.
    pub(super) async fn held(&self, line: &mut Connection) -> Result<Held, String> {
        let request = DescribeUserScramCredentialsRequest::default().with_users(Some(Vec::new()));
        let answer = line.ask(&request).await.map_err(|error| self.unanswered(&error))?;
        self.check(answer.error_code)?;
        let known = answer.results.into_iter().filter(|user| user.error_code == 0);
        let users = known.map(|user| {
            let ways = user.credential_infos.iter().map(|info| (info.mechanism, info.iterations)).collect();
            (user.user.to_string(), ways)
        });
        Ok(Held { users: users.collect(), entries: self.entries(line).await? })
    }

    async fn entries(&self, line: &mut Connection) -> Result<Option<BTreeSet<Entry>>, String> {
        let request = every_acl();
        let answer = line.ask(&request).await.map_err(|error| self.unanswered(&error))?;
        if refusal(answer.error_code) == Some(ResponseError::SecurityDisabled) {
            return Ok(None);
        }
        self.check(answer.error_code)?;
        let entries = answer.resources.iter().flat_map(|resource| {
            resource.acls.iter().map(|acl| Entry {
                principal: acl.principal.to_string(),
                resource: resource.resource_type,
                pattern: resource.pattern_type,
                name: resource.resource_name.to_string(),
                host: acl.host.to_string(),
                operation: acl.operation,
                permission: acl.permission_type,
            })
        });
        Ok(Some(entries.collect()))
    }

    /// Does what was planned. A failure about one user stops nobody else.
    pub(super) async fn perform(&self, line: &mut Connection, plan: &Plan) -> Result<Failures, String> {
        let mut failures = Failures::new();
        for chunk in plan.take.chunks(CHUNK) {
            let filters = chunk.iter().map(|(_, entry)| filter(entry)).collect();
            let request = DeleteAclsRequest::default().with_filters(filters);
            let answer = line.ask(&request).await.map_err(|error| self.unanswered(&error))?;
            let codes = answer.filter_results.iter().map(|result| {
                let inner = result.matching_acls.iter().map(|acl| acl.error_code).find(|code| *code != 0);
                inner.unwrap_or(result.error_code)
            });
            self.note(&mut failures, chunk.iter().map(|(name, _)| name), codes);
        }
        for chunk in plan.remove.chunks(CHUNK) {
            let deletions = chunk.iter().map(|(name, mechanism)| {
                ScramCredentialDeletion::default().with_name(text(name)).with_mechanism(*mechanism)
            });
            let request = AlterUserScramCredentialsRequest::default().with_deletions(deletions.collect());
            self.alter(line, &request, &mut failures).await?;
        }
        for chunk in plan.set.chunks(CHUNK) {
            let upsertions = chunk.iter().map(|(name, scram)| upsertion(name, scram)).collect();
            let request = AlterUserScramCredentialsRequest::default().with_upsertions(upsertions);
            self.alter(line, &request, &mut failures).await?;
        }
        for chunk in plan.give.chunks(CHUNK) {
            let creations = chunk.iter().map(|(_, entry)| creation(entry)).collect();
            let request = CreateAclsRequest::default().with_creations(creations);
            let answer = line.ask(&request).await.map_err(|error| self.unanswered(&error))?;
            let codes = answer.results.iter().map(|result| result.error_code);
            self.note(&mut failures, chunk.iter().map(|(name, _)| name), codes);
        }
        Ok(failures)
    }

    async fn alter(
        &self,
        line: &mut Connection,
        request: &AlterUserScramCredentialsRequest,
        failures: &mut Failures,
    ) -> Result<(), String> {
        let answer = line.ask(request).await.map_err(|error| self.unanswered(&error))?;
        for result in &answer.results {
            // It went in the meantime.
            let is_gone = refusal(result.error_code) == Some(ResponseError::ResourceNotFound);
            if let (false, Err(reason)) = (is_gone, self.check(result.error_code)) {
                failures.insert(result.user.to_string(), reason);
            }
        }
        Ok(())
    }

    fn note<'a>(
        &self,
        failures: &mut Failures,
        names: impl Iterator<Item = &'a String>,
        codes: impl Iterator<Item = i16>,
    ) {
        for (name, code) in names.zip(codes) {
            if let Err(reason) = self.check(code) {
                failures.insert(name.clone(), reason);
            }
        }
    }

    /// What an answer's code means for somebody who may have to do something about it.
    fn check(&self, code: i16) -> Result<(), String> {
        match refusal(code) {
            None => Ok(()),
            // Who may alter may describe: one command is enough for questions and changes.
            Some(ResponseError::ClusterAuthorizationFailed) => {
                Err(self.target.not_allowed(&Right { operation: Operation::Alter, resource: Resource::Cluster }))
            }
            Some(ResponseError::SecurityDisabled) => Err(NO_AUTHORIZER.to_owned()),
            Some(error) => Err(format!("{} refuses it: {error}", self.target.name())),
        }
    }

    fn unanswered(&self, error: &AskError) -> String {
        let name = self.target.name();
        match error {
            AskError::Unknown => {
                format!("users cannot be kept at {name}: its version of Kafka is older than 2.7; update it")
            }
            error => format!("users cannot be kept at {name}: {}", chain(error)),
        }
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn upsertion(name: &str, scram: &Scram) -> ScramCredentialUpsertion {
    ScramCredentialUpsertion::default()
        .with_name(text(name))
        .with_mechanism(SHA_512)
        .with_iterations(i32::try_from(scram.iterations).unwrap_or(i32::MAX))
        .with_salt(Bytes::from(scram.salt.clone()))
        .with_salted_password(Bytes::from(scram.salted_password.clone()))
}

fn creation(entry: &Entry) -> AclCreation {
    AclCreation::default()
        .with_resource_type(entry.resource)
        .with_resource_name(text(&entry.name))
        .with_resource_pattern_type(entry.pattern)
        .with_principal(text(&entry.principal))
        .with_host(text(&entry.host))
        .with_operation(entry.operation)
        .with_permission_type(entry.permission)
}

/// A filter that fits exactly this entry.
fn filter(entry: &Entry) -> DeleteAclsFilter {
    DeleteAclsFilter::default()
        .with_resource_type_filter(entry.resource)
        .with_resource_name_filter(Some(text(&entry.name)))
        .with_pattern_type_filter(entry.pattern)
        .with_principal_filter(Some(text(&entry.principal)))
        .with_host_filter(Some(text(&entry.host)))
        .with_operation(entry.operation)
        .with_permission_type(entry.permission)
}

#[cfg(test)]
mod tests {
    use mesh_protocol::desired::{KafkaSecurity, Sasl, SaslMechanism};
    use uuid::Uuid;

    use super::*;
    use crate::kafka::secret::Secret;

    #[derive(Debug)]
    struct Known;

    impl Secrets for Known {
        fn get(&self, _: &str) -> Option<Secret> {
            Some(Secret::new("secret".to_owned()))
        }
    }

    #[test]
    fn a_missing_right_is_named_with_the_command_that_grants_it() {
        let sasl = Sasl {
            mechanism: SaslMechanism::ScramSha512,
            username: "meshport".to_owned(),
            secret: "kafka-a".to_owned(),
        };
        let broker = BrokerConnection {
            id: Uuid::nil().into(),
            name: "Kafka A".to_owned(),
            bootstrap: vec!["kafka:9092".to_owned()],
            security: KafkaSecurity { tls: false, ca_pem: None, sasl: Some(sasl) },
            discover: false,
            browse: false,
        };
        let cluster = Cluster::new(&broker, &Known).expect("a cluster");
        let told = cluster.check(31).expect_err("refused");
        assert!(told.contains("User:meshport at Kafka A lacks ALTER on Cluster"), "{told}");
        assert!(told.ends_with("--add --allow-principal User:meshport --operation Alter --cluster"), "{told}");
        assert!(cluster.check(54).expect_err("refused").contains("authorizer.class.name"));
        assert_eq!(cluster.check(0), Ok(()));
        assert!(cluster.unanswered(&AskError::Unknown).contains("older than 2.7"));
    }

    #[test]
    fn a_filter_fits_its_entry_and_no_other() {
        let entry = Entry {
            principal: "User:mp-0123456789ab-1".to_owned(),
            resource: 2,
            pattern: 3,
            name: "orders".to_owned(),
            host: "*".to_owned(),
            operation: 3,
            permission: 3,
        };
        let filter = filter(&entry);
        assert_eq!(filter.principal_filter.as_deref(), Some("User:mp-0123456789ab-1"));
        assert_eq!((filter.resource_type_filter, filter.pattern_type_filter), (2, 3));
        assert_eq!((filter.operation, filter.permission_type), (3, 3), "never `any`");
        assert_eq!(
            (filter.resource_name_filter.as_deref(), filter.host_filter.as_deref()),
            (Some("orders"), Some("*"))
        );
    }
}
