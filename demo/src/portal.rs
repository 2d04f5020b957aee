//! The portal as a process, and a client of its REST API.

mod client;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::process::Process;
use crate::programs::program;
use crate::wait::until;
pub use client::{ApiFailure, Client};

/// How long the portal may take to answer on a loaded machine; usual is below a second.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// The two ports of a portal.
#[derive(Clone, Copy, Debug)]
pub struct PortalPorts {
    /// Browsers and API.
    pub web: u16,
    /// Agents.
    pub agents: u16,
}

/// A running portal.
#[derive(Debug)]
pub struct Portal {
    process: Process,
    ports: PortalPorts,
}

impl Portal {
    /// Starts the portal with its state in `folder` and waits until it answers.
    ///
    /// # Errors
    /// The program is missing, or it ends, or does not answer; with the end of its log.
    pub async fn start(folder: &Path, logs: &Path, ports: PortalPorts, options: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(program("meshport")?);
        command.arg("serve").arg("--data").arg(folder);
        command.args(["--listen", &format!("127.0.0.1:{}", ports.web)]);
        command.args(["--agents-listen", &format!("127.0.0.1:{}", ports.agents)]).args(options);
        let mut portal = Self { process: Process::start("portal", &command, logs)?, ports };
        let client = Client::new(&portal.url())?;
        until("the portal answers", READY_LIMIT, async || {
            // A portal that has ended is not waited for: the error is the value.
            if let Err(ended) = portal.process.check() {
                return Ok(Some(Err(ended)));
            }
            client.get("setup").await.map(|_answer| Some(Ok(())))
        })
        .await??;
        Ok(portal)
    }

    /// Where browsers go.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.web)
    }

    /// The one-time code of the setup link that a new portal prints.
    ///
    /// # Errors
    /// It has printed none: it is set up already.
    pub fn setup_code(&self) -> anyhow::Result<String> {
        let log = self.process.tail(500);
        let (_, after) = log.rsplit_once("code=").context("find the setup link in what the portal printed")?;
        let end = after.find(|sign: char| !(sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_')));
        Ok(after[..end.unwrap_or(after.len())].to_owned())
    }

    /// The process, to stop or kill it.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// The process, to look at it.
    #[must_use]
    pub fn running(&self) -> &Process {
        &self.process
    }

    /// Gives the process to somebody who stops several together.
    #[must_use]
    pub fn into_process(self) -> Process {
        self.process
    }
}
