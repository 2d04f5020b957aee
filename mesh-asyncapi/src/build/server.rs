//! Servers: where clients connect.

use serde_json::{Map, Value};

use super::extensions::{Extensions, described, put, tags};
use super::key::SchemeKey;
use super::security::Requirement;
use crate::bindings::{ServerBinding, to_object};
use crate::document::Version;

/// A protocol, by the conventional name for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are called what they are")]
pub enum Protocol {
    Kafka,
    KafkaSecure,
    Mqtt,
    SecureMqtt,
    /// AMQP 1.0.
    Amqp1,
    /// AMQP 1.0 over TLS.
    Amqps1,
    Http,
    Https,
    Ws,
    Wss,
    Solace,
    /// Any other, by its name.
    Other(String),
}

impl Protocol {
    /// As the document names it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Kafka => "kafka",
            Self::KafkaSecure => "kafka-secure",
            Self::Mqtt => "mqtt",
            Self::SecureMqtt => "secure-mqtt",
            Self::Amqp1 => "amqp",
            Self::Amqps1 => "amqps",
            Self::Http => "http",
            Self::Https => "https",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Solace => "solace",
            Self::Other(name) => name,
        }
    }

    /// The version that tells it from another protocol of the same name.
    fn version(&self) -> Option<&'static str> {
        matches!(self, Self::Amqp1 | Self::Amqps1).then_some("1.0")
    }
}

/// Why a text is no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// Nothing.
    #[error("the host is empty: write a name and a port, as in `broker.example:9093`")]
    Empty,
    /// A user or a password, which is not repeated here.
    #[error(
        "the host holds a user or a password: leave out all up to `@`, and say in `security` how clients prove who they are"
    )]
    UserInfo,
    /// A scheme, a query or white space.
    #[error("the host holds a scheme, a query or white space: write a name and a port only")]
    NotAHost,
    /// A path that does not begin with `/`, or holds a query.
    #[error("the path does not begin with `/`, or holds `?` or `#`: write it as in `/mesh`")]
    BadPath,
}

/// A variable in braces of a server's host or path. Empty = not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variable {
    /// What it is.
    pub description: String,
    /// The only values there are.
    pub values: Vec<String>,
    /// The value where none is given.
    pub default: String,
}

/// A server.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    protocol: Protocol,
    host: String,
    pathname: String,
    protocol_version: String,
    title: String,
    summary: String,
    description: String,
    variables: Vec<(String, Variable)>,
    security: Vec<Requirement>,
    tags: Vec<String>,
    bindings: Vec<ServerBinding>,
    extensions: Extensions,
}

described!(Server);

impl Server {
    /// A host with its port.
    ///
    /// # Errors
    /// It is more than that. Users and passwords are refused, and never repeated in the error.
    pub fn new(protocol: Protocol, host: &str) -> Result<Self, BadHost> {
        if host.trim().is_empty() {
            return Err(BadHost::Empty);
        }
        if host.contains('@') {
            return Err(BadHost::UserInfo);
        }
        if host.contains(['/', '?', '#', '\\']) || host.contains(char::is_whitespace) {
            return Err(BadHost::NotAHost);
        }
        Ok(Self {
            protocol_version: protocol.version().unwrap_or_default().into(),
            protocol,
            host: host.into(),
            pathname: String::new(),
            title: String::new(),
            summary: String::new(),
            description: String::new(),
            variables: Vec::new(),
            security: Vec::new(),
            tags: Vec::new(),
            bindings: Vec::new(),
            extensions: Extensions::new(),
        })
    }

    /// A path, such as `/mesh`.
    ///
    /// # Errors
    /// It does not begin with `/`, or has a query, in which secrets like to stand.
    pub fn path(mut self, path: &str) -> Result<Self, BadHost> {
        if !path.starts_with('/') || path.contains(['?', '#', '@']) || path.contains(char::is_whitespace) {
            return Err(BadHost::BadPath);
        }
        self.pathname = path.into();
        Ok(self)
    }

    /// The protocol's version, such as `5` of MQTT. That of AMQP 1.0 is there already.
    #[must_use]
    pub fn protocol_version(mut self, version: impl Into<String>) -> Self {
        self.protocol_version = version.into();
        self
    }

    /// What stands in braces in the host or path.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, variable: Variable) -> Self {
        self.variables.push((name.into(), variable));
        self
    }

    /// One more way for clients to prove who they are: any one of them will do.
    #[must_use]
    pub fn security(self, scheme: &SchemeKey) -> Self {
        self.requires(Requirement::Scheme(scheme.clone()))
    }

    /// The same, also with scopes.
    #[must_use]
    pub fn requires(mut self, requirement: Requirement) -> Self {
        self.security.push(requirement);
        self
    }

    /// What its protocol adds.
    #[must_use]
    pub fn binding(mut self, binding: impl Into<ServerBinding>) -> Self {
        self.bindings.push(binding.into());
        self
    }

    pub(super) fn requirements(&self) -> &[Requirement] {
        &self.security
    }

    pub(super) fn to_value(&self, version: Version, security: Vec<Value>) -> Value {
        let mut object = Map::new();
        object.insert("host".into(), self.host.clone().into());
        put(&mut object, "pathname", self.pathname.clone());
        object.insert("protocol".into(), self.protocol.name().into());
        put(&mut object, "protocolVersion", self.protocol_version.clone());
        put(&mut object, "title", self.title.clone());
        put(&mut object, "summary", self.summary.clone());
        put(&mut object, "description", self.description.clone());
        let variables = self.variables.iter().map(|(name, variable)| (name.clone(), variable.to_value()));
        put(&mut object, "variables", variables.collect::<Map<_, _>>());
        put(&mut object, "security", security);
        put(&mut object, "tags", tags(&self.tags));
        put(&mut object, "bindings", to_object(&self.bindings, version));
        self.extensions.write(&mut object);
        object.into()
    }
}

impl Variable {
    fn to_value(&self) -> Value {
        let mut object = Map::new();
        put(&mut object, "enum", self.values.clone());
        put(&mut object, "default", self.default.clone());
        put(&mut object, "description", self.description.clone());
        object.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credential_gets_into_a_host() {
        let host = |host: &str| Server::new(Protocol::KafkaSecure, host).err();
        assert_eq!(host("broker.example:9093"), None);
        assert_eq!(host("{region}.broker.example:9093"), None);
        assert_eq!(host("till:hunter2@broker.example:9093"), Some(BadHost::UserInfo));
        assert!(!BadHost::UserInfo.to_string().contains("hunter2"));
        assert_eq!(host("kafka://broker.example"), Some(BadHost::NotAHost));
        assert_eq!(host("broker.example?token=a"), Some(BadHost::NotAHost));
        assert_eq!(host(" "), Some(BadHost::Empty));
        let path = |path: &str| Server::new(Protocol::Https, "x.example").and_then(|server| server.path(path)).err();
        assert_eq!(
            (path("/mesh"), path("/mesh?key=1"), path("mesh")),
            (None, Some(BadHost::BadPath), Some(BadHost::BadPath))
        );
    }
}
