//! What a RabbitMQ cluster says of itself: nodes, virtual hosts, exchanges with their bindings, queues, users.
//!
//! Names of exchanges and queues are unique within a virtual host only, so objects are named by both ([`rabbit_key`]).
//! Of users the names and rights are told; what a password looks like does not leave the agent.

use serde::{Deserialize, Serialize};

/// Most nodes that are told.
pub const RABBIT_NODES_MAX: usize = 100;
/// Most virtual hosts that are told, and looked into.
pub const RABBIT_VHOSTS_MAX: usize = 200;
/// Most bindings that are told of one exchange.
pub const RABBIT_BINDINGS_MAX: usize = 500;
/// Most consumers that are told of one queue.
pub const RABBIT_CONSUMERS_MAX: usize = 100;
/// Most permissions that are told of one user, and most topic permissions.
pub const RABBIT_PERMISSIONS_MAX: usize = 200;

/// A RabbitMQ cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RabbitFacts {
    /// Version of the node that was asked; empty = it does not tell.
    pub version: String,
    /// Name of the cluster; empty = it does not tell.
    pub cluster_name: String,
    /// In order, at most [`RABBIT_NODES_MAX`]; none = they may not be seen.
    pub nodes: Option<Vec<RabbitNode>>,
    /// Nodes left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub nodes_left_out: u64,
    /// In order, at most [`RABBIT_VHOSTS_MAX`].
    pub vhosts: Vec<RabbitVhost>,
    /// Virtual hosts left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub vhosts_left_out: u64,
    /// Exchanges that are told.
    pub exchanges: u64,
    /// Exchanges left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub exchanges_left_out: u64,
    /// Queues that are told.
    pub queues: u64,
    /// Queues left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub queues_left_out: u64,
    /// Exclusive queues, which belong to one connection and go with it: they are counted only.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub exclusive_queues: u64,
    /// Users that are told; none = they may not be seen.
    pub users: Option<u64>,
    /// Users left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub users_left_out: u64,
}

/// A node of a RabbitMQ cluster. What a node that is down had is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RabbitNode {
    /// `rabbit@host`.
    pub name: String,
    /// It is up.
    pub running: bool,
    /// It takes nothing from publishers, because its memory is full.
    pub memory_alarm: bool,
    /// It takes nothing from publishers, because its disk is full.
    pub disk_alarm: bool,
    /// Memory that it uses.
    pub memory_bytes: Option<u64>,
    /// Memory from which on it raises the alarm.
    pub memory_limit_bytes: Option<u64>,
    /// Room on its disk.
    pub disk_free_bytes: Option<u64>,
    /// Room below which it raises the alarm.
    pub disk_free_limit_bytes: Option<u64>,
}

/// A virtual host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RabbitVhost {
    /// Name.
    pub name: String,
    /// What its owner says of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What is in it could be read.
    pub is_read: bool,
}

/// An exchange.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RabbitExchangeFacts {
    /// Its virtual host.
    pub vhost: String,
    /// Its name there; empty = the default exchange.
    pub name: String,
    /// `direct`, `topic`, `fanout`, `headers`, or of a plugin.
    pub exchange_type: String,
    /// It outlives a restart.
    pub durable: bool,
    /// It goes with its last binding.
    pub auto_delete: bool,
    /// Only other exchanges send to it.
    pub internal: bool,
    /// Where goes what fits no binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternate: Option<String>,
    /// The policy that applies to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Messages that come in per second; none = it does not tell.
    pub in_rate: Option<f64>,
    /// Messages that go out per second; none = it does not tell.
    pub out_rate: Option<f64>,
    /// Where messages go from here, in order, at most [`RABBIT_BINDINGS_MAX`].
    pub bindings: Vec<RabbitBinding>,
    /// Bindings left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub bindings_left_out: u64,
}

/// A way from an exchange to a queue or to another exchange of the same virtual host.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RabbitBinding {
    /// It leads to an exchange, not to a queue.
    pub to_exchange: bool,
    /// Name of the queue or exchange.
    pub to: String,
    /// Which messages take it.
    pub routing_key: String,
    /// Arguments, as JSON; empty = none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub arguments: String,
}

/// A queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RabbitQueueFacts {
    /// Its virtual host.
    pub vhost: String,
    /// Its name there.
    pub name: String,
    /// `classic`, `quorum`, `stream`.
    pub queue_type: String,
    /// It outlives a restart.
    pub durable: bool,
    /// It goes with its last consumer.
    pub auto_delete: bool,
    /// `running`, `down`...; empty = it does not tell.
    pub state: String,
    /// The node that leads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The policy that applies to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Messages that wait; none = it does not tell.
    pub ready: Option<u64>,
    /// Messages that consumers have and did not acknowledge; none = it does not tell.
    pub unacknowledged: Option<u64>,
    /// Messages that come in per second; none = it does not tell.
    pub in_rate: Option<f64>,
    /// Messages that go to consumers per second; none = it does not tell.
    pub out_rate: Option<f64>,
    /// The exchange that gets what is refused or too old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_exchange: Option<String>,
    /// With this routing key; none = its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_routing_key: Option<String>,
    /// Consumers; none = it does not tell.
    pub consumers: Option<u64>,
    /// Who they are, in order, at most [`RABBIT_CONSUMERS_MAX`].
    pub consumed_by: Vec<RabbitConsumer>,
    /// Left out of them because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub consumed_by_left_out: u64,
}

/// Who consumes from a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RabbitConsumer {
    /// User name.
    pub user: String,
    /// Address that it connects from.
    pub host: String,
    /// So many consumers.
    pub count: u64,
}

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RabbitUserFacts {
    /// `administrator`, `monitoring`...
    pub tags: Vec<String>,
    /// What it may, by virtual host, at most [`RABBIT_PERMISSIONS_MAX`].
    pub permissions: Vec<RabbitPermission>,
    /// Left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub permissions_left_out: u64,
    /// What it may at topic exchanges, at most [`RABBIT_PERMISSIONS_MAX`].
    pub topic_permissions: Vec<RabbitTopicPermission>,
    /// Left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub topic_permissions_left_out: u64,
}

/// What a user may in a virtual host: regular expressions over names.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RabbitPermission {
    /// Where.
    pub vhost: String,
    /// What it may make and remove.
    pub configure: String,
    /// What it may send to.
    pub write: String,
    /// What it may read.
    pub read: String,
}

/// What a user may at a topic exchange: regular expressions over routing keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RabbitTopicPermission {
    /// Where.
    pub vhost: String,
    /// Which exchange; empty = every one.
    pub exchange: String,
    /// Keys that it may send with.
    pub write: String,
    /// Keys that it may bind with.
    pub read: String,
}

impl RabbitNode {
    /// Whether it is down or takes nothing.
    #[must_use]
    pub const fn is_in_trouble(&self) -> bool {
        !self.running || self.memory_alarm || self.disk_alarm
    }
}

impl RabbitQueueFacts {
    /// Whether its state is one in which it does not work: `down`, `crashed`, `minority`... Not told is not bad.
    #[must_use]
    pub fn is_in_trouble(&self) -> bool {
        !matches!(self.state.as_str(), "" | "running" | "idle" | "flow")
    }
}

/// The name under which an exchange or a queue is told: one name for each virtual host and name. In the virtual host, what
/// stands for something else in it (`%`, `/`) is written as in the paths of RabbitMQ's own API.
#[must_use]
pub fn rabbit_key(vhost: &str, name: &str) -> String {
    format!("{}/{name}", vhost.replace('%', "%25").replace('/', "%2F"))
}

/// A name as people write it: that of the virtual host stands before it, unless it is the usual one (`/`).
#[must_use]
pub fn rabbit_name(vhost: &str, name: &str) -> String {
    let name = if name.is_empty() { "(default)" } else { name };
    if vhost == "/" { name.to_owned() } else { format!("{vhost}/{name}") }
}

/// Whether an exchange is one that every virtual host has from the beginning.
#[must_use]
pub fn is_rabbit_built_in(exchange: &str) -> bool {
    exchange.is_empty() || exchange.starts_with("amq.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ObjectFacts;

    #[test]
    fn each_virtual_host_and_name_has_one_key() {
        let all = [("/", "a"), ("a", "b/c"), ("a/b", "c"), ("a%2Fb", "c"), ("/", "")];
        let keys: Vec<String> = all.iter().map(|(vhost, name)| rabbit_key(vhost, name)).collect();
        assert_eq!(keys, ["%2F/a", "a/b/c", "a%2Fb/c", "a%252Fb/c", "%2F/"]);
        let names: Vec<String> = all.iter().map(|(vhost, name)| rabbit_name(vhost, name)).collect();
        assert_eq!(names, ["a", "a/b/c", "a/b/c", "a%2Fb/c", "(default)"]);
    }

    #[test]
    fn facts_are_read_as_written() {
        let node = RabbitNode { name: "rabbit@a".into(), running: true, ..RabbitNode::default() };
        let vhost = RabbitVhost { name: "/".into(), is_read: true, ..RabbitVhost::default() };
        let rabbit = RabbitFacts {
            version: "3.10.8".into(),
            cluster_name: "shop".into(),
            nodes: Some(vec![node]),
            vhosts: vec![vhost],
            queues: 1,
            queues_left_out: 2,
            ..RabbitFacts::default()
        };
        let binding = RabbitBinding { to: "billing".into(), routing_key: "eu.#".into(), ..RabbitBinding::default() };
        let exchange = RabbitExchangeFacts {
            vhost: "/".into(),
            name: "orders".into(),
            exchange_type: "topic".into(),
            durable: true,
            in_rate: Some(1.5),
            bindings: vec![binding],
            ..RabbitExchangeFacts::default()
        };
        for (facts, text) in [
            (
                ObjectFacts::Rabbit(rabbit),
                r#"{"kind":"rabbit","version":"3.10.8","cluster_name":"shop","nodes":[{"name":"rabbit@a","running":true,"memory_alarm":false,"disk_alarm":false,"memory_bytes":null,"memory_limit_bytes":null,"disk_free_bytes":null,"disk_free_limit_bytes":null}],"vhosts":[{"name":"/","is_read":true}],"exchanges":0,"queues":1,"queues_left_out":2,"users":null}"#,
            ),
            (
                ObjectFacts::RabbitExchange(exchange),
                r#"{"kind":"rabbit_exchange","vhost":"/","name":"orders","exchange_type":"topic","durable":true,"auto_delete":false,"internal":false,"in_rate":1.5,"out_rate":null,"bindings":[{"to_exchange":false,"to":"billing","routing_key":"eu.#"}]}"#,
            ),
            (
                ObjectFacts::RabbitQueue(RabbitQueueFacts { consumers: Some(1), ..RabbitQueueFacts::default() }),
                r#"{"kind":"rabbit_queue","vhost":"","name":"","queue_type":"","durable":false,"auto_delete":false,"state":"","ready":null,"unacknowledged":null,"in_rate":null,"out_rate":null,"consumers":1,"consumed_by":[]}"#,
            ),
            (
                ObjectFacts::RabbitUser(RabbitUserFacts::default()),
                r#"{"kind":"rabbit_user","tags":[],"permissions":[],"topic_permissions":[]}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&facts).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<ObjectFacts>(text).expect(text), facts);
        }
    }
}
