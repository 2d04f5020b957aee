//! Solace, 0.4.0.

use serde::Serialize;

/// A broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SolaceServer {
    /// The message VPN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_vpn: Option<String>,
    /// The client's name, 1 to 160 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
}

/// Where something is sent or received.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SolaceOperation {
    /// Queues and topics.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<Destination>,
    /// In ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_to_live: Option<u64>,
    /// 0 to 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Whether what expires goes to the dead message queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dmq_eligible: Option<bool>,
}

/// A queue or a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "destinationType", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Destination {
    /// A queue.
    Queue {
        /// How it delivers.
        delivery_mode: DeliveryMode,
        /// Which one.
        queue: SolaceQueue,
    },
    /// Topics.
    Topic {
        /// How they deliver.
        delivery_mode: DeliveryMode,
        /// Which ones.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        topic_subscriptions: Vec<String>,
    },
}

/// How messages are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryMode {
    /// Whoever is there gets them.
    Direct,
    /// They are kept.
    Persistent,
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SolaceQueue {
    /// Its name.
    pub name: String,
    /// What it attracts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topic_subscriptions: Vec<String>,
    /// Who consumes.
    pub access_type: AccessType,
    /// How long messages stay, in seconds, as a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ttl: Option<String>,
    /// How much it holds, as a text with a unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_msg_spool_size: Option<String>,
}

/// Who consumes from a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessType {
    /// One consumer.
    Exclusive,
    /// Many.
    NonExclusive,
}

impl AccessType {
    /// Reads it as the bindings write it (`nonexclusive`) or as Event Portal does (`non-exclusive`).
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
            "exclusive" => Some(Self::Exclusive),
            "nonexclusive" => Some(Self::NonExclusive),
            _ => None,
        }
    }
}
