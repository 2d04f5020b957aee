//! Listeners of a site as its agents need them, in the clear and with TLS, and who logs in there by a certificate.

use mesh_protocol::desired::{ClientCertificate, Listener as ListenerState, ListenerTls, OwnerListener, TlsListener};
use mesh_protocol::id::SiteId;

use super::Mesh;
use super::written::listener_state;
use crate::domain::agent::Agent;
use crate::domain::certificate::server_names;
use crate::domain::listener::Listener;

/// Who issues the certificates of listeners and of clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorities {
    /// That of listeners, PEM.
    pub listeners_pem: String,
    /// That of devices, PEM.
    pub devices_pem: String,
}

impl Mesh {
    /// Those that speak in the clear.
    pub(super) fn plain_listeners(&self, site: SiteId) -> Vec<ListenerState> {
        self.listeners_at(site).filter(|listener| !listener.spec.tls).map(listener_state).collect()
    }

    /// Those that speak TLS.
    pub(super) fn tls_listeners(&self, site: SiteId) -> Vec<TlsListener> {
        let with_tls = |listener: &Listener| TlsListener {
            listener: listener_state(listener),
            tls: ListenerTls {
                names: server_names(&listener.spec.server_names, &listener.spec.bind),
                authority_pem: self.authorities.listeners_pem.clone(),
                clients_pem: self.authorities.devices_pem.clone(),
            },
        };
        self.listeners_at(site).filter(|listener| listener.spec.tls).map(with_tls).collect()
    }

    /// By which names clients know the listeners with TLS of a site, ascending.
    #[must_use]
    pub fn tls_names(&self, site: SiteId) -> Vec<String> {
        let mut names: Vec<_> = self.tls_listeners(site).into_iter().flat_map(|one| one.tls.names).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Certificates for the listeners of a site; none where nobody could show one.
    pub(super) fn certificates_at(&self, site: SiteId) -> Vec<ClientCertificate> {
        if !self.listeners_at(site).any(|listener| listener.spec.tls) {
            return Vec::new();
        }
        let known =
            |one: &super::Certificate| ClientCertificate { principal: one.principal, fingerprint: one.fingerprint };
        let mut all: Vec<_> = self.certificates.iter().map(known).collect();
        all.sort_by_key(|one| one.fingerprint);
        all
    }

    /// Where clients reach an agent.
    pub(super) fn reached(&self, owner: &Agent) -> Vec<OwnerListener> {
        let at = |listener: &Listener| {
            let address = owner.listener_addresses.get(&listener.id)?.clone();
            let (protocol, tls) = (listener.spec.protocol, listener.spec.tls);
            Some(OwnerListener { id: listener.id, protocol, tls, address })
        };
        self.listeners_at(owner.site).filter_map(at).collect()
    }

    fn listeners_at(&self, site: SiteId) -> impl Iterator<Item = &Listener> {
        let mut here: Vec<_> = self.listeners.iter().filter(|listener| listener.spec.site == site).collect();
        here.sort_by_key(|listener| listener.id);
        here.into_iter()
    }
}
