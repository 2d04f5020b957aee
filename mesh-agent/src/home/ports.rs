//! Free ports, chosen once per endpoint and kept.
//!
//! An endpoint configured with port 0 gets a free port the first time and the same one ever after, because devices and
//! neighbours have learned it. When something else took it meanwhile, that is an error that names the port and the way
//! out, never a silent move.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::{HomeError, read, replace};

/// The ports of one agent. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Ports {
    path: PathBuf,
    chosen: Arc<Mutex<BTreeMap<String, u16>>>,
}

/// Why an endpoint cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Another program listens there.
    #[error(
        "port {port} of {endpoint} is in use by another program: stop it (`ss -ltnp 'sport = :{port}'` shows it) or change the \
         endpoint's port in the portal{kept}",
        kept = if *kept { "; the port was chosen by this agent and is kept in ports.json of its state folder" } else { "" }
    )]
    InUse {
        /// Which endpoint.
        endpoint: String,
        /// Which port.
        port: u16,
        /// Chosen earlier by this agent, rather than configured.
        kept: bool,
    },
    /// The address is not one.
    #[error(
        "`{bind}` of {endpoint} is not an address to bind: write address:port, such as 0.0.0.0:1883, or port 0 for a free one"
    )]
    Address {
        /// Which endpoint.
        endpoint: String,
        /// What was configured.
        bind: String,
    },
    /// The system refuses.
    #[error("cannot listen at {address} for {endpoint}: {hint}")]
    Refused {
        /// Which endpoint.
        endpoint: String,
        /// Where.
        address: SocketAddr,
        /// What to do.
        hint: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The chosen port cannot be kept.
    #[error("the chosen port cannot be kept")]
    Keep(#[from] HomeError),
}

impl PortError {
    /// Only a change of the configuration helps.
    #[must_use]
    pub fn needs_change(&self) -> bool {
        matches!(self, Self::Address { .. })
    }
}

impl Ports {
    /// Ports kept in this file. One that cannot be read counts as empty: ports are then chosen anew.
    pub(super) fn open(path: PathBuf) -> Self {
        let chosen = read(&path).ok().flatten().and_then(|text| serde_json::from_slice(&text).ok());
        Self { path, chosen: Arc::new(Mutex::new(chosen.unwrap_or_default())) }
    }

    /// Opens an endpoint and keeps its port under `key`, which never changes; `endpoint` is its name for people.
    ///
    /// # Errors
    /// [`PortError`], readable on the part's status line.
    pub fn bind(&self, key: &str, endpoint: &str, bind: &str) -> Result<TcpListener, PortError> {
        let (address, kept) = self.resolve(key, endpoint, bind)?;
        let listener = TcpListener::bind(address).map_err(|error| refused(endpoint, address, kept, error))?;
        listener.set_nonblocking(true).map_err(|error| refused(endpoint, address, kept, error))?;
        if address.port() == 0 {
            let port = listener.local_addr().map_err(|error| refused(endpoint, address, kept, error))?.port();
            self.keep(key, port)?;
        }
        Ok(listener)
    }

    /// The address an endpoint has, for parts that open it themselves: checked to be free, and kept.
    ///
    /// # Errors
    /// [`PortError`], readable on the part's status line.
    pub fn choose(&self, key: &str, endpoint: &str, bind: &str) -> Result<SocketAddr, PortError> {
        let listener = self.bind(key, endpoint, bind)?;
        listener.local_addr().map_err(|source| {
            let address = SocketAddr::from(([0, 0, 0, 0], 0));
            PortError::Refused { endpoint: endpoint.to_owned(), address, hint: "try again", source }
        })
    }

    fn resolve(&self, key: &str, endpoint: &str, bind: &str) -> Result<(SocketAddr, bool), PortError> {
        let wrong = || PortError::Address { endpoint: endpoint.to_owned(), bind: bind.to_owned() };
        let mut address = bind.to_socket_addrs().map_err(|_| wrong())?.next().ok_or_else(wrong)?;
        let kept = self.chosen.lock().expect("no panic while held").get(key).copied();
        match kept {
            Some(port) if address.port() == 0 => {
                address.set_port(port);
                Ok((address, true))
            }
            _ => Ok((address, false)),
        }
    }

    fn keep(&self, key: &str, port: u16) -> Result<(), HomeError> {
        let mut chosen = self.chosen.lock().expect("no panic while held");
        chosen.insert(key.to_owned(), port);
        let text = serde_json::to_vec_pretty(&*chosen).expect("a map of numbers serializes");
        replace(&self.path, &text)
    }
}

fn refused(endpoint: &str, address: SocketAddr, kept: bool, source: io::Error) -> PortError {
    let endpoint = endpoint.to_owned();
    let hint = match source.kind() {
        io::ErrorKind::AddrInUse => return PortError::InUse { endpoint, port: address.port(), kept },
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need the right CAP_NET_BIND_SERVICE, or choose a higher one"
        }
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address; 0.0.0.0 means all it has",
        _ => "see the agent's log",
    };
    PortError::Refused { endpoint, address, hint, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(dir: &tempfile::TempDir) -> Ports {
        Ports::open(dir.path().join("ports.json"))
    }

    #[test]
    fn a_free_port_is_chosen_once_and_kept() {
        let dir = tempfile::tempdir().expect("temp dir");
        let first = ports(&dir).choose("a", "listener a", "127.0.0.1:0").expect("free");
        let again = ports(&dir).choose("a", "listener a", "127.0.0.1:0").expect("still free");
        let other = ports(&dir).choose("b", "listener b", "127.0.0.1:0").expect("free");
        assert_eq!(first, again);
        assert_ne!(first, other);
    }

    #[test]
    fn a_taken_port_is_named_with_the_way_out() {
        let dir = tempfile::tempdir().expect("temp dir");
        let held = ports(&dir).bind("a", "listener a", "127.0.0.1:0").expect("free");
        let port = held.local_addr().expect("bound").port();
        let error = ports(&dir).bind("a", "listener a", "127.0.0.1:0").expect_err("taken");
        assert!(matches!(error, PortError::InUse { kept: true, .. }));
        assert!(error.to_string().contains(&port.to_string()), "{error}");
        let error = ports(&dir).bind("b", "listener b", &format!("127.0.0.1:{port}")).expect_err("taken");
        assert!(matches!(error, PortError::InUse { kept: false, .. }));
    }

    #[test]
    fn an_address_that_is_none_says_how_to_write_one() {
        let dir = tempfile::tempdir().expect("temp dir");
        let error = ports(&dir).bind("a", "listener a", "1883").expect_err("no address");
        assert!(error.needs_change());
        assert!(error.to_string().contains("0.0.0.0:1883"));
    }
}
