//! Ports chosen once and kept: a demo whose addresses change with every start breaks bookmarks and copied commands.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, io, process};

use anyhow::Context;

/// Well above what is usually installed on a machine.
const FIRST: u16 = 10_000;
/// From here the system takes ports for outgoing connections, unless it says otherwise.
const EPHEMERAL: (u16, u16) = (32_768, 60_999);
/// 2^64 divided by the golden ratio: numbers that follow each other, multiplied by it, are far apart.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Ports by purpose, kept in a file.
#[derive(Debug)]
pub struct Ports {
    file: PathBuf,
    chosen: BTreeMap<String, u16>,
}

/// Who knows a port besides the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nobody who does not learn of another one at the next start.
    Here,
    /// Others have written it down for good: enrolled agents, a cluster that consists of itself.
    Elsewhere,
}

impl Ports {
    /// Reads what was chosen before, if anything.
    ///
    /// # Errors
    /// The file is there but cannot be read or is no list of ports.
    pub fn open(file: &Path) -> anyhow::Result<Self> {
        let chosen = match fs::read(file) {
            Ok(text) => {
                serde_json::from_slice(&text).with_context(|| format!("read the ports in {}", file.display()))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).with_context(|| format!("read {}", file.display())),
        };
        Ok(Self { file: file.to_owned(), chosen })
    }

    /// The port for a purpose: the one of earlier starts, or a free one (`preferred` if it is free), kept from now on.
    ///
    /// # Errors
    /// The kept port is taken by somebody else: the message names it and the way out.
    pub fn port(&mut self, purpose: &str, preferred: u16, known: Known) -> anyhow::Result<u16> {
        if let Some(&port) = self.chosen.get(purpose) {
            anyhow::ensure!(
                is_free(port),
                "port {port} ({purpose}) is in use by another program: end that program, or {}",
                self.way_out(purpose, known)
            );
            return Ok(port);
        }
        let taken = self.chosen.values().any(|&port| port == preferred);
        let port = if preferred != 0 && !taken && is_free(preferred) { preferred } else { free_port()? };
        self.chosen.insert(purpose.to_owned(), port);
        let text = serde_json::to_string_pretty(&self.chosen).context("write ports as JSON")?;
        fs::write(&self.file, text).with_context(|| format!("write {}", self.file.display()))?;
        Ok(port)
    }

    fn way_out(&self, purpose: &str, known: Known) -> String {
        match known {
            Known::Here => format!("take `{purpose}` out of {} to choose another port", self.file.display()),
            Known::Elsewhere => {
                let folder = self.file.parent().unwrap_or(&self.file);
                format!(
                    "remove {} to begin anew (`make clean` does so after `make run`): it is written down there in more \
                     than one place",
                    folder.display()
                )
            }
        }
    }
}

/// A port of the loopback address that was free a moment ago, another one at every call.
///
/// It is not one that the system gives to outgoing connections: a server often binds it seconds later, and until then a
/// client that already tries to connect could be given that very port and talk to itself. Programs that look for ports
/// at the same time begin at different places.
///
/// # Errors
/// The machine has no free port.
pub fn free_port() -> anyhow::Result<u16> {
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    let candidates = candidates(ephemeral());
    let start = u64::from(process::id()).wrapping_mul(SPREAD) >> 32;
    let start = usize::try_from(start).context("find a free port")?;
    for _ in 0..candidates.len() {
        let next = TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = candidates[(start + next) % candidates.len()];
        if is_free(port) {
            return Ok(port);
        }
    }
    anyhow::bail!("find a free port: none of {} is", candidates.len())
}

fn candidates((first, last): (u16, u16)) -> Vec<u16> {
    let outside: Vec<u16> = (FIRST..=u16::MAX).filter(|port| !(first..=last).contains(port)).collect();
    // A system may give all of them to connections; then there is no better choice.
    if outside.is_empty() { (FIRST..=u16::MAX).collect() } else { outside }
}

/// The first and the last port that the system takes for outgoing connections.
fn ephemeral() -> (u16, u16) {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut numbers = text.split_whitespace().map_while(|number| number.parse().ok());
    numbers.next().zip(numbers.next()).unwrap_or(EPHEMERAL)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Known, Ports, TcpListener, candidates, ephemeral, free_port, fs};

    #[test]
    fn a_port_is_kept_and_a_taken_one_is_named() {
        let file = std::env::temp_dir().join(format!("meshport-ports-{}.json", std::process::id()));
        let ask = |purpose, known| Ports::open(&file).and_then(|mut ports| ports.port(purpose, 0, known));
        let port = ask("portal", Known::Here).expect("there is a free port");
        assert_eq!(ask("portal", Known::Here).expect("it is still free"), port);
        let _other = TcpListener::bind(("127.0.0.1", port)).expect("it is free");
        let told = |known| ask("portal", known).expect_err("it is taken").to_string();
        let error = told(Known::Here);
        assert!(error.contains(&port.to_string()) && error.contains("take `portal` out of"), "{error}");
        let error = told(Known::Elsewhere);
        assert!(error.contains(&port.to_string()) && error.contains("make clean"), "{error}");
        fs::remove_file(file).expect("the file is ours");
    }

    #[test]
    fn no_free_port_is_handed_out_twice_or_one_of_the_systems_own() {
        let ports: Vec<u16> = (0..100).map(|_| free_port().expect("there are many")).collect();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), ports.len(), "{ports:?}");
        let (first, last) = ephemeral();
        assert!(ports.iter().all(|port| *port < first || *port > last), "{ports:?}");
    }

    #[test]
    fn a_system_that_takes_all_ports_for_connections_leaves_a_choice() {
        assert!(candidates((1_024, u16::MAX)).len() > 1_000);
        assert_eq!(candidates((10_001, 65_534)), [10_000, 65_535]);
    }
}
