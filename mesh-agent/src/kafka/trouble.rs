//! Errors of a cluster as sentences: what happened, and what to do about it.
//!
//! The client library tells a code and a line in its own words. A person in the portal needs the name of the
//! connection, the cause in plain words and the next step, down to the command that grants a missing right.

use std::fmt;

use mesh_protocol::desired::BrokerConnection;
use mesh_protocol::report::MissingRight;
use rdkafka::types::RDKafkaErrorCode as Code;

/// What is known of a connection when something goes wrong with it.
#[derive(Clone, Debug)]
pub struct Target {
    name: String,
    bootstrap: String,
    user: Option<String>,
    secret: Option<String>,
    tls: bool,
}

/// A right in a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// What one may do.
    pub operation: Operation,
    /// To what.
    pub resource: Resource,
}

/// What one may do in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Consume, commit.
    Read,
    /// Produce.
    Write,
    /// See that it exists.
    Describe,
    /// Change it; of the cluster: its users and access lists.
    Alter,
    /// See its settings.
    DescribeConfigs,
    /// Produce idempotently, on clusters older than 2.8.
    IdempotentWrite,
}

/// What a right is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// One topic; `*` = all.
    Topic(String),
    /// One consumer group; `*` = all.
    Group(String),
    /// One transactional id; `*` = all.
    TransactionalId(String),
    /// The cluster.
    Cluster,
}

impl Operation {
    /// As Kafka's documentation writes it.
    const fn name(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Describe => "DESCRIBE",
            Self::Alter => "ALTER",
            Self::DescribeConfigs => "DESCRIBE_CONFIGS",
            Self::IdempotentWrite => "IDEMPOTENT_WRITE",
        }
    }

    /// As `kafka-acls` takes it.
    const fn argument(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Describe => "Describe",
            Self::Alter => "Alter",
            Self::DescribeConfigs => "DescribeConfigs",
            Self::IdempotentWrite => "IdempotentWrite",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation.name();
        match &self.resource {
            Resource::Topic(name) => write!(f, "{operation} on Topic {name}"),
            Resource::Group(name) => write!(f, "{operation} on Group {name}"),
            Resource::TransactionalId(name) => write!(f, "{operation} on TransactionalId {name}"),
            Resource::Cluster => write!(f, "{operation} on Cluster"),
        }
    }
}

impl From<&BrokerConnection> for Target {
    fn from(broker: &BrokerConnection) -> Self {
        Self {
            name: broker.name.clone(),
            bootstrap: broker.bootstrap.join(","),
            user: broker.security.sasl.as_ref().map(|sasl| sasl.username.clone()),
            secret: broker.security.sasl.as_ref().map(|sasl| sasl.secret.clone()),
            tls: broker.security.tls,
        }
    }
}

impl Target {
    /// The connection's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The principal the cluster knows us as.
    fn principal(&self) -> String {
        format!("User:{}", self.user.as_deref().unwrap_or("ANONYMOUS"))
    }

    /// The command that grants a right, to be run by an administrator of the cluster.
    #[must_use]
    pub fn grant(&self, right: &Right) -> String {
        let resource = match &right.resource {
            Resource::Topic(name) => format!("--topic {}", quoted(name)),
            Resource::Group(name) => format!("--group {}", quoted(name)),
            Resource::TransactionalId(name) => format!("--transactional-id {}", quoted(name)),
            Resource::Cluster => "--cluster".to_owned(),
        };
        format!(
            "kafka-acls --bootstrap-server {} --command-config admin.properties --add --allow-principal {} \
             --operation {} {resource}",
            self.bootstrap,
            quoted(&self.principal()),
            right.operation.argument(),
        )
    }

    /// A missing right, as discovery reports it.
    #[must_use]
    pub fn missing(&self, what: impl Into<String>, right: &Right) -> MissingRight {
        MissingRight { what: what.into(), right: right.to_string(), command: self.grant(right) }
    }

    /// A refusal by the cluster's authoriser.
    #[must_use]
    pub fn not_allowed(&self, right: &Right) -> String {
        format!("{} at {} lacks {right}; grant it: {}", self.principal(), self.name, self.grant(right))
    }

    /// A topic that does not exist.
    #[must_use]
    pub fn no_topic(&self, topic: &str) -> String {
        format!(
            "{} has no topic {topic}, or {} may not see it; create it: kafka-topics --bootstrap-server {} \
             --command-config admin.properties --create --topic {} --partitions 6",
            self.name,
            self.principal(),
            self.bootstrap,
            quoted(topic),
        )
    }

    /// A failure of the connection itself. `reason` is the client library's own line, `code` its class.
    #[must_use]
    pub fn connection(&self, code: Code, reason: &str) -> String {
        let name = &self.name;
        match code {
            Code::Authentication | Code::SaslAuthenticationFailed => self.wrong_login(reason),
            Code::UnsupportedSASLMechanism => {
                format!("{name} does not offer the configured login mechanism; choose another ({reason})")
            }
            Code::SSL => self.wrong_tls(reason),
            Code::Resolve => {
                format!("the address of {name} ({}) cannot be resolved; check its host name", self.bootstrap)
            }
            _ if !self.tls && ["SSL listener", "APIVERSION_QUERY"].iter().any(|sign| reason.contains(sign)) => format!(
                "{name} closes the connection at once; its port may expect TLS or a login: check the connection's security \
                 settings ({reason})"
            ),
            Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut | Code::RequestTimedOut => {
                format!(
                    "{name} does not answer at {}; check that it runs and that this machine can reach it{}",
                    self.bootstrap,
                    in_brackets(reason)
                )
            }
            Code::ClusterAuthorizationFailed => {
                self.not_allowed(&Right { operation: Operation::Describe, resource: Resource::Cluster })
            }
            _ => format!("{name} answers with an error: {code}{}", in_brackets(reason)),
        }
    }

    fn wrong_login(&self, reason: &str) -> String {
        let name = &self.name;
        match (&self.user, &self.secret) {
            (Some(user), Some(secret)) => format!(
                "{name} refuses the login of {user}; check the user name and set the right password: \
                 `mesh-agent secret set {secret}`{}",
                in_brackets(reason)
            ),
            _ => format!("{name} wants a login; give the broker connection a user and a secret{}", in_brackets(reason)),
        }
    }

    fn wrong_tls(&self, reason: &str) -> String {
        let name = &self.name;
        let lower = reason.to_lowercase();
        if lower.contains("plaintext") || lower.contains("wrong version number") {
            format!("{name} does not speak TLS at {}; switch TLS off, or name its TLS port", self.bootstrap)
        } else if lower.contains("hostname") {
            format!(
                "the certificate of {name} is for another host name; use the name it was made for{}",
                in_brackets(reason)
            )
        } else if lower.contains("verif") {
            format!(
                "the certificate of {name} is not signed by the authority given for it; paste the PEM of the right \
                 authority into the broker connection{}",
                in_brackets(reason)
            )
        } else {
            format!("TLS with {name} fails; check its certificate and the given authority{}", in_brackets(reason))
        }
    }

    /// What was wrong when a client could not even be made.
    #[must_use]
    pub fn unusable(&self, error: &rdkafka::error::KafkaError) -> String {
        let text = error.to_string();
        if text.contains("ssl.ca.pem") {
            return format!(
                "the authority given for {} is no PEM certificate; paste it again, from BEGIN to END",
                self.name
            );
        }
        format!("no client for {} can be made: {text}", self.name)
    }
}

fn in_brackets(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}

/// For a shell: in single quotes unless it is plain.
fn quoted(text: &str) -> String {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "._-:".contains(sign);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests;
