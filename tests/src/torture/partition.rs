//! A partition of the network: the kernel drops every packet of a link. What stands on it hangs, and nobody who dials is
//! answered or refused, which a proxy cannot do.
//!
//! The rules would be everybody's, so the whole torture runs in a network namespace of its own, with nothing in it but
//! loopback. That needs the right to make one (root) and `nft`; without them the fault is left out.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::proxy::Proxy;

/// Set inside the namespace.
const INSIDE: &str = "MESHPORT_TORTURE_NETWORK";
/// The table of all rules.
const TABLE: [&str; 2] = ["inet", "torture"];

/// Begins this program anew in a network namespace of its own, where it may be had. Returns in the namespace, or where there
/// is none to be had. Called before anything else: what runs already stays where it is.
pub fn enter() {
    if std::env::var_os(INSIDE).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let up = "ip link set lo up && exec \"$0\" \"$@\"";
    // Whoever may not make one is told so by a program that does nothing.
    let may = Command::new("unshare").args(["--net", "--", "ip", "link", "set", "lo", "up"]).output();
    if may.is_ok_and(|output| output.status.success()) {
        let mut command = Command::new("unshare");
        command.args(["--net", "--", "sh", "-c", up]).arg(program).args(std::env::args_os().skip(1));
        let error = command.env(INSIDE, "1").exec();
        eprintln!("the torture goes on without a network namespace: {error}");
    }
}

/// The rules of this namespace.
#[derive(Debug)]
pub(super) struct Partitions(());

impl Partitions {
    /// Makes the table.
    ///
    /// # Errors
    /// This is nobody's own namespace, or `nft` is missing; says which.
    pub(super) fn prepare() -> anyhow::Result<Self> {
        ensure!(
            std::env::var_os(INSIDE).is_some(),
            "it needs a network namespace of its own: run `cargo xtask torture` as root, with iproute2 installed"
        );
        nft(["add", "table"].into_iter().chain(TABLE))?;
        Ok(Self(()))
    }

    /// Drops what goes to the proxy of a link and what comes from it.
    ///
    /// # Errors
    /// What `nft` said.
    pub(super) fn begin(&self, site: &str, link: &Proxy) -> anyhow::Result<()> {
        let address = link.address();
        let port = address.rsplit_once(':').map(|(_, port)| port).context("find the port of the link's proxy")?;
        nft(["add", "chain"].into_iter().chain(TABLE).chain([site, "{ type filter hook input priority 0; }"]))?;
        for end in ["dport", "sport"] {
            nft(["add", "rule"].into_iter().chain(TABLE).chain([site, "tcp", end, port, "drop"]))?;
        }
        Ok(())
    }

    /// Lets everything pass again.
    ///
    /// # Errors
    /// What `nft` said.
    pub(super) fn end(&self, site: &str) -> anyhow::Result<()> {
        nft(["flush", "chain"].into_iter().chain(TABLE).chain([site]))?;
        nft(["delete", "chain"].into_iter().chain(TABLE).chain([site]))
    }
}

fn nft(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> anyhow::Result<()> {
    let output = Command::new("nft").args(arguments).output().context("start nft, of the package nftables")?;
    ensure!(output.status.success(), "nft: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
