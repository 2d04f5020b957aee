//! Ports chosen once and kept: a demo whose addresses change with every start breaks bookmarks and copied commands.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context;

/// Ports by purpose, kept in a file.
#[derive(Debug)]
pub struct Ports {
    file: PathBuf,
    chosen: BTreeMap<String, u16>,
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
    pub fn port(&mut self, purpose: &str, preferred: u16) -> anyhow::Result<u16> {
        if let Some(&port) = self.chosen.get(purpose) {
            anyhow::ensure!(
                is_free(port),
                "port {port} ({purpose}) is in use by another program: end that program, or delete the line `{purpose}` \
                 from {} to choose another port",
                self.file.display()
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
}

/// A port of the loopback address that was free a moment ago.
///
/// # Errors
/// The machine has no free port.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    Ok(listener.local_addr().context("find a free port")?.port())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{Ports, TcpListener, fs};

    #[test]
    fn a_port_is_kept_and_a_taken_one_is_named() {
        let file = std::env::temp_dir().join(format!("meshport-ports-{}.json", std::process::id()));
        let port = Ports::open(&file).and_then(|mut ports| ports.port("portal", 0)).expect("there is a free port");
        let again = Ports::open(&file).and_then(|mut ports| ports.port("portal", 0)).expect("it is still free");
        assert_eq!(port, again);
        let _other = TcpListener::bind(("127.0.0.1", port)).expect("it is free");
        let error =
            Ports::open(&file).and_then(|mut ports| ports.port("portal", 0)).expect_err("it is taken").to_string();
        assert!(error.contains(&port.to_string()) && error.contains("portal"), "{error}");
        fs::remove_file(file).expect("the file is ours");
    }
}
