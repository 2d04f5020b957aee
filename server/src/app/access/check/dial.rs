//! From an address to a connection: the name, TCP and TLS, each with a reason of its own when it fails.
//!
//! Only addresses of the grant's listeners come here, as agents told them or by the names that operators gave them, never one
//! from a request. An agent is trusted with
//! the clients of its site, not with the portal's neighbours: what is link-local (the metadata of clouds), a group or no
//! address at all is not connected to, and it is the address that was judged which is connected to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use frontend::api::TestLayer;
use rustls::{CertificateError, ClientConfig};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::ladder::{Fault, Ladder};
use crate::app::error::chain;
use crate::app::roots;

/// Longest wait at one layer.
pub(super) const LAYER: Duration = Duration::from_secs(5);

/// How long there is for all of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    end: Instant,
}

impl Time {
    /// From now on.
    pub(super) fn of(all: Duration) -> Self {
        Self { end: Instant::now() + all }
    }

    /// Waits as long as one layer may take; none = too long.
    pub(super) async fn bound<T>(self, future: impl Future<Output = T>) -> Option<T> {
        timeout_at((Instant::now() + LAYER).min(self.end), future).await.ok()
    }
}

/// What is read and written by.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection.
pub(super) type Connection = Box<dyn Io>;

/// The way to a listener, as far as it is known.
pub(super) struct Way {
    host: String,
    at: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    time: Time,
}

impl Way {
    /// Climbs to the address: the name is resolved, and something takes a connection. None = the ladder says why not.
    pub(super) async fn to(address: &str, time: Time, ladder: &mut Ladder) -> Option<(Self, Connection)> {
        let began = Instant::now();
        let found = match resolve(address, time).await {
            Ok(found) => found,
            Err(fault) => {
                ladder.failed(TestLayer::Name, Some(began), fault);
                return None;
            }
        };
        let host = host_of(address).to_owned();
        let told = if host.parse::<IpAddr>().is_ok() {
            "The address is a number: there is no name to resolve.".to_owned()
        } else {
            let all: Vec<String> = found.iter().map(|at| at.ip().to_string()).collect();
            format!("{host} is {}.", all.join(", "))
        };
        ladder.passed(TestLayer::Name, Some(began), told);
        let began = Instant::now();
        match first(&found, time).await {
            Ok((at, tcp)) => {
                ladder.passed(TestLayer::Reach, Some(began), format!("{at} takes connections."));
                Some((Self { host, at, tls: None, time }, Box::new(tcp)))
            }
            Err(fault) => {
                ladder.failed(TestLayer::Reach, Some(began), fault);
                None
            }
        }
    }

    /// From now on with TLS, since that is what is spoken there: over a connection that nothing was said on yet, or over one
    /// more. Believed are the authorities of this machine and the mesh's own.
    pub(super) async fn secure(
        &mut self,
        fresh: Option<Connection>,
        authority_pem: &str,
        ladder: &mut Ladder,
    ) -> Option<Connection> {
        let began = Instant::now();
        match self.secured(fresh, authority_pem).await {
            Ok(connection) => {
                let what = "TLS is spoken there, with a certificate that is valid for the name.";
                ladder.passed(TestLayer::Tls, Some(began), what);
                Some(connection)
            }
            Err(fault) => {
                ladder.failed(TestLayer::Tls, Some(began), fault);
                None
            }
        }
    }

    async fn secured(&mut self, fresh: Option<Connection>, authority_pem: &str) -> Result<Connection, Fault> {
        self.tls = Some(roots::client(&[authority_pem]).await.map_err(|error| {
            Fault::new(format!("{}.", chain(&error)), "This is about the portal's host, not about your application.")
        })?);
        match fresh {
            Some(fresh) => self.within_tls(fresh).await,
            None => self.again().await,
        }
    }

    /// One more connection.
    pub(super) async fn again(&self) -> Result<Connection, Fault> {
        self.within_tls(Box::new(dial(self.at, self.time).await?)).await
    }

    /// The same connection while there is no TLS.
    async fn within_tls(&self, tcp: Connection) -> Result<Connection, Fault> {
        let Some(config) = &self.tls else { return Ok(tcp) };
        let host = self.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|_| tls_fault(&self.host, None))?;
        let connected = self.time.bound(TlsConnector::from(config.clone()).connect(name, tcp)).await;
        let late = || Fault::new("TLS was not agreed on within 5 s.", "Look whether what answers there is overloaded.");
        let tls = connected.ok_or_else(late)?.map_err(|error| tls_fault(&self.host, Some(&error)))?;
        Ok(Box::new(tls))
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) const fn time(&self) -> Time {
        self.time
    }
}

/// An IPv6 address stands in brackets there.
fn host_of(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']'])
}

async fn resolve(address: &str, time: Time) -> Result<Vec<SocketAddr>, Fault> {
    let host = host_of(address);
    let wrong = |what: String| {
        Fault::new(
            what,
            "The agent tells this name as its address. Add it to the name service that the portal uses, or bind the \
             listener to an address that others can reach.",
        )
    };
    let found = time.bound(tokio::net::lookup_host(address.to_owned())).await;
    let found = found.ok_or_else(|| wrong(format!("No answer about the name {host} within 5 s.")))?;
    let found = found.map_err(|error| wrong(format!("The name {host} cannot be resolved: {error}.")))?;
    let found: Vec<SocketAddr> = found.collect();
    let meant: Vec<SocketAddr> = found.iter().copied().filter(|at| is_meant(at.ip())).collect();
    match (found.is_empty(), meant.is_empty()) {
        (true, _) => Err(wrong(format!("The name {host} has no address."))),
        (false, true) => Err(Fault::new(
            format!("{host} is an address at which no listener is reached from elsewhere."),
            "Bind the listener to an address of its network: link-local addresses and groups are not connected to.",
        )),
        (false, false) => Ok(meant),
    }
}

/// Whether a listener can be meant: private addresses are what sites have.
fn is_meant(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            !(v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified())
                && v4.octets() != [168, 63, 129, 16]
        }
        IpAddr::V6(v6) => !(v6.is_unicast_link_local() || v6.is_multicast() || v6.is_unspecified()),
    }
}

async fn first(found: &[SocketAddr], time: Time) -> Result<(SocketAddr, TcpStream), Fault> {
    let mut failed = Fault::new("It has no address.", "");
    for at in found {
        match dial(*at, time).await {
            Ok(tcp) => return Ok((*at, tcp)),
            Err(fault) => failed = fault,
        }
    }
    Err(failed)
}

async fn dial(at: SocketAddr, time: Time) -> Result<TcpStream, Fault> {
    match time.bound(TcpStream::connect(at)).await {
        Some(Ok(tcp)) => Ok(tcp),
        Some(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Err(Fault::new(
            format!("{at} refuses connections: nothing listens there."),
            "Look at the agent's page whether its listener runs, and whether it is bound to an address of its network \
             instead of its own machine alone.",
        )),
        Some(Err(error)) => Err(Fault::new(
            format!("{at} cannot be reached: {error}."),
            "Look at the route and the firewalls between the portal's host and the site.",
        )),
        None => Err(Fault::new(
            format!("{at} does not answer within 5 s."),
            "Usually a firewall drops it. Let the portal's host through, or test from the application's own host.",
        )),
    }
}

/// What is wrong with TLS, by the certificate where it is that.
fn tls_fault(host: &str, error: Option<&io::Error>) -> Fault {
    let rustls = error.and_then(|error| error.get_ref()?.downcast_ref::<rustls::Error>());
    let wrong = match rustls {
        Some(rustls::Error::InvalidCertificate(wrong)) => wrong,
        _ => {
            let why =
                error.map_or_else(|| "it has no name that a certificate can say".to_owned(), |error| chain(error));
            return Fault::new(
                format!("No secure connection to {host}: {why}."),
                "Look which versions of TLS are spoken there.",
            );
        }
    };
    match wrong {
        CertificateError::UnknownIssuer => Fault::new(
            "Its certificate is from an authority that the portal's host does not know.",
            "Install that authority's certificate where the client runs, too: a client that does not know it fails the \
             same way.",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Fault::new("Its certificate has expired.", "Whoever runs what ends TLS there has to renew it.")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Fault::new("Its certificate is not valid yet.", "Look at the clocks of both machines.")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Fault::new(
            format!("Its certificate is not for the name {host}."),
            "Connect by a name that the certificate has, or have one made for this name.",
        ),
        other => Fault::new(
            format!("Its certificate is not accepted: {other}."),
            "Whoever runs what ends TLS there has to replace it.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_listener_is_not_connected_to() {
        for good in ["127.0.0.1", "10.0.0.7", "192.168.1.1", "8.8.8.8", "::1", "fd00::1", "2001:db8::7"] {
            assert!(is_meant(good.parse().expect("an address")), "{good}");
        }
        for bad in ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "168.63.129.16"] {
            assert!(!is_meant(bad.parse().expect("an address")), "{bad}");
        }
    }

    #[test]
    fn a_certificate_that_is_not_accepted_is_named_by_its_fault() {
        let told = |wrong: CertificateError| {
            let error = io::Error::other(rustls::Error::InvalidCertificate(wrong));
            tls_fault("hq.example", Some(&error)).what
        };
        assert!(told(CertificateError::UnknownIssuer).contains("an authority that the portal's host does not know"));
        assert!(told(CertificateError::Expired).contains("has expired"));
        assert!(told(CertificateError::NotValidYet).contains("not valid yet"));
        assert!(told(CertificateError::NotValidForName).contains("not for the name hq.example"));
        let broken = tls_fault("hq.example", Some(&io::Error::other("cut off")));
        assert!(broken.what.contains("cut off"), "{broken:?}");
    }

    #[test]
    fn hosts_are_told_from_their_ports() {
        assert_eq!(host_of("hq.example:1883"), "hq.example");
        assert_eq!(host_of("[2001:db8::7]:1883"), "2001:db8::7");
    }
}
