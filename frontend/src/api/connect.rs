//! What somebody who was given access needs to know to connect. The code itself is written by the page, out of this.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PlanProtocol;

/// Where clients of a grant connect, and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectView {
    /// Listeners that run at the sites of the grant and that its plan allows, by site and protocol.
    pub doors: Vec<ConnectDoor>,
    /// How many sites of the grant are left out, since there are more than fit here.
    #[serde(default)]
    pub left_out: u64,
    /// Filters that may be subscribed to, in the mesh dialect.
    pub receive: Vec<String>,
    /// An event that may be sent; none = nothing may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<ConnectEvent>,
    /// The grant in Kafka; none = it is not given there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kafka: Vec<ConnectKafka>,
}

/// A listener of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectDoor {
    /// Name of the site.
    pub site: String,
    /// What it speaks.
    pub protocol: PlanProtocol,
    /// Host name or IP address, an IPv6 address in brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// It speaks TLS.
    pub tls: bool,
    /// Where the authority is to be had that clients must trust; none = it has no TLS, or a certificate of an authority of its
    /// owner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_url: Option<String>,
}

/// An event as an example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectEvent {
    /// A topic that it may be sent to, its parameters filled in.
    pub topic: String,
    /// A payload that is valid by the event's schema; none = nobody can write one down as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// What the payload is.
    pub content_type: String,
}

/// A Kafka cluster in which something was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectKafka {
    /// Name of the cluster.
    pub name: String,
    /// The grant's newest user there.
    pub user: String,
    /// `host:port`, several by commas.
    pub bootstrap: String,
    /// It speaks TLS.
    pub tls: bool,
    /// Topics that may be read.
    pub receive: Vec<String>,
    /// The consumer group to read them in.
    pub group: String,
    /// A topic that may be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
}
