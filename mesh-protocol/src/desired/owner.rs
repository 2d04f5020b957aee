//! The agent of a site that has what is there once.

use serde::{Deserialize, Serialize};

use super::ListenerProtocol;
use crate::id::{AgentId, ListenerId};

/// At a site with several agents one has the named queues and the sessions that outlive their connection; the others send
/// clients there that want either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Which agent.
    pub agent: AgentId,
    /// Where clients reach it, ascending by id. A listener whose address it has not told yet is left out.
    #[serde(default)]
    pub listeners: Vec<OwnerListener>,
    /// Names of its queues, ascending.
    #[serde(default)]
    pub queues: Vec<String>,
}

/// One of its endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerListener {
    /// The listener, which all agents of the site have.
    pub id: ListenerId,
    /// What it speaks.
    pub protocol: ListenerProtocol,
    /// Whether it speaks it inside TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls: bool,
    /// `host:port`.
    pub address: String,
}

impl Owner {
    /// Where a client of a listener goes on: at the same one, or else at another of the same protocol; in TLS only at one that
    /// speaks it, and without at one that does not.
    #[must_use]
    pub fn address(&self, listener: ListenerId, protocol: ListenerProtocol, tls: bool) -> Option<&str> {
        let mut alike = self.listeners.iter().filter(|other| other.tls == tls);
        let same = alike.clone().find(|other| other.id == listener);
        let found = same.or_else(|| alike.find(|other| other.protocol == protocol));
        found.map(|found| found.address.as_str())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_client_goes_on_at_the_same_listener_or_at_another_of_its_protocol() {
        let id = |number: u128| ListenerId(Uuid::from_u128(number));
        let listener = |number, protocol, address: &str| OwnerListener {
            id: id(number),
            protocol,
            tls: number == 4,
            address: address.into(),
        };
        let (mqtt, http) = (ListenerProtocol::Mqtt, ListenerProtocol::Http);
        let listeners = vec![
            listener(1, http, "h:1"),
            listener(2, mqtt, "h:2"),
            listener(3, mqtt, "h:3"),
            listener(4, mqtt, "h:4"),
        ];
        let owner = Owner { agent: Uuid::nil().into(), listeners, queues: vec![] };
        assert_eq!(owner.address(id(3), mqtt, false), Some("h:3"));
        assert_eq!(owner.address(id(9), mqtt, false), Some("h:2"));
        assert_eq!(owner.address(id(9), http, false), Some("h:1"));
        assert_eq!(
            owner.address(id(9), mqtt, true),
            Some("h:4"),
            "never from inside TLS to where everybody can listen"
        );
        assert_eq!(owner.address(id(9), http, true), None);
        assert_eq!(Owner { listeners: vec![], ..owner }.address(id(3), mqtt, false), None);
    }
}
