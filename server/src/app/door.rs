//! Where clients of a site connect: its listeners that run, as agents tell them.

use frontend::api::{ConnectDoor, PlanProtocol};
use mesh_protocol::desired::ListenerProtocol;
use mesh_protocol::id::SiteId;
use mesh_protocol::report::{Part, PartRef, PartState};

use super::reach::reached_at;
use super::snapshot::{FleetState, Snapshot};
use crate::domain::agent::{Agent, Presence, State};
use crate::domain::listener::Listener;

/// Where the portal gives out the authority of listeners, to whoever asks.
pub const AUTHORITY_PATH: &str = "/listeners.pem";

/// A listener that a client can connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Door {
    /// Host name or IP address, an IPv6 address in brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    /// Its certificate is of the mesh's authority of listeners, which clients have to trust.
    pub(super) is_mesh_certificate: bool,
}

impl Door {
    /// `host:port`.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(super) const fn http_scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// What the tools of Mosquitto need beside the address, after a space.
    pub(super) const fn mosquitto_option(&self) -> &'static str {
        if self.tls { " --tls-use-os-certs" } else { "" }
    }

    /// What is typed before any line that connects there; the tools read one of the variables.
    pub(super) fn trust_lines(&self, portal_url: &str) -> Option<String> {
        let url = self.authority_url(portal_url)?;
        let file = "\"$PWD/mesh-ca.pem\"";
        Some(format!("curl -fsS {url} -o mesh-ca.pem\nexport SSL_CERT_FILE={file} CURL_CA_BUNDLE={file}"))
    }

    /// Where the authority is to be had that clients must trust; none = they need none, or know it.
    pub(super) fn authority_url(&self, portal_url: &str) -> Option<String> {
        let url = || format!("{}{AUTHORITY_PATH}", portal_url.trim_end_matches('/'));
        (self.tls && self.is_mesh_certificate).then(url)
    }

    /// As pages see it.
    pub(super) fn view(self, site_name: &str, protocol: ListenerProtocol, portal_url: &str) -> ConnectDoor {
        ConnectDoor {
            site: site_name.to_owned(),
            protocol: spoken(protocol),
            tls: self.tls,
            authority_url: self.authority_url(portal_url),
            host: self.host,
            port: self.port,
        }
    }
}

/// As plans say it.
pub(super) const fn spoken(protocol: ListenerProtocol) -> PlanProtocol {
    match protocol {
        ListenerProtocol::Mqtt => PlanProtocol::Mqtt,
        ListenerProtocol::Http => PlanProtocol::Http,
    }
}

/// The listener of a site that clients should use: one with TLS before one without.
pub(super) fn door(site: SiteId, protocol: ListenerProtocol, snapshot: &Snapshot, fleet: &FleetState) -> Option<Door> {
    let is_meant = |listener: &&Listener| listener.spec.site == site && listener.spec.protocol == protocol;
    let listeners = snapshot.mesh.listeners.iter().filter(is_meant);
    let (with_tls, plain): (Vec<_>, Vec<_>) = listeners.partition(|listener| listener.spec.tls);
    [with_tls, plain].iter().find_map(|alike| open(alike, fleet))
}

/// The first of them that an agent serves.
fn open(listeners: &[&Listener], fleet: &FleetState) -> Option<Door> {
    // One that is there before one that is gone, whose word is old.
    let is_gone = |agent: &&Agent| !matches!(agent.presence(fleet.now_ms), Presence::Online(_));
    let mut agents: Vec<&Agent> = fleet.agents.iter().filter(|agent| agent.state == State::Enrolled).collect();
    agents.sort_by_key(is_gone);
    agents.into_iter().find_map(|agent| {
        let parts = &fleet.status(agent.id)?.parts;
        parts.iter().find_map(|part| {
            let is_its = |listener: &&&Listener| part.object == PartRef::Listener(listener.id);
            let listener = listeners.iter().find(is_its)?;
            at(listener, part, agent.address.as_deref())
        })
    })
}

fn at(listener: &Listener, part: &Part, seen_at: Option<&str>) -> Option<Door> {
    if !matches!(part.state, PartState::Running | PartState::Degraded) {
        return None;
    }
    let (host, port) = client_address(listener, part.addresses.first()?, seen_at)?;
    Some(Door { host, port, tls: listener.spec.tls, is_mesh_certificate: !part.own_certificate })
}

/// Where clients reach a listener that an agent tells: one with TLS by the first name that its certificate has, or else where
/// it is.
pub(super) fn client_address(listener: &Listener, told: &str, seen_at: Option<&str>) -> Option<(String, u16)> {
    let reached = reached_at(told, seen_at);
    let (host, port) = reached.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let spec = &listener.spec;
    let name = spec.server_names.iter().find(|name| spec.tls && !name.starts_with('*'));
    let host = match name.map(String::as_str).unwrap_or(host) {
        // Nobody knows where its agent is: then it is here.
        "0.0.0.0" | "[::]" => "127.0.0.1".to_owned(),
        bare if bare.contains(':') && !bare.starts_with('[') => format!("[{bare}]"),
        host => host.to_owned(),
    };
    Some((host, port))
}

#[cfg(test)]
mod tests {
    use mesh_protocol::desired::DeniedV3Publish;
    use mesh_protocol::id::ListenerId;
    use uuid::Uuid;

    use super::*;
    use crate::domain::listener::Spec;

    fn listener(tls: bool, names: &[&str]) -> Listener {
        let spec = Spec {
            site: SiteId(Uuid::nil()),
            name: "doors".to_owned(),
            protocol: ListenerProtocol::Mqtt,
            bind: "0.0.0.0:8883".to_owned(),
            payload_bytes_max: 1,
            connections_max: 1,
            custody_timeout_ms: 1,
            denied_v3_publish: DeniedV3Publish::default(),
            tls,
            server_names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        Listener { id: ListenerId(Uuid::nil()), spec, revision: 1 }
    }

    #[test]
    fn clients_use_a_name_of_the_certificate_where_there_is_one() {
        for (tls, names, told, expected) in [
            (true, &["*.lyon.example", "mqtt.lyon.example"][..], "0.0.0.0:8883", "mqtt.lyon.example"),
            (true, &["*.lyon.example"], "0.0.0.0:8883", "10.1.2.3"),
            (true, &["2001:db8::7"], "0.0.0.0:8883", "[2001:db8::7]"),
            (true, &[], "127.0.0.1:8883", "127.0.0.1"),
            (false, &["mqtt.lyon.example"], "0.0.0.0:8883", "10.1.2.3"),
        ] {
            let found = client_address(&listener(tls, names), told, Some("10.1.2.3"));
            assert_eq!(found, Some((expected.to_owned(), 8883)), "{names:?}");
        }
        let nowhere = client_address(&listener(false, &[]), "0.0.0.0:1", None);
        assert_eq!(nowhere, Some(("127.0.0.1".to_owned(), 1)));
    }

    #[test]
    fn only_the_meshs_own_authority_is_to_be_fetched() {
        let door = |tls, is_mesh_certificate| Door { host: "h".to_owned(), port: 1, tls, is_mesh_certificate };
        assert_eq!(door(true, true).authority_url("https://p/").as_deref(), Some("https://p/listeners.pem"));
        assert_eq!(door(true, false).authority_url("https://p"), None);
        assert_eq!(door(false, true).trust_lines("https://p"), None);
    }
}
