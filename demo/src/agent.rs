//! A site agent as a process: it joins with a real token and then runs, exactly as on a customer's machine.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use serde_json::{Value, json};

use crate::portal::Client;
use crate::process::Process;
use crate::programs::program;

/// An agent's state folder, joined to a site.
#[derive(Clone, Debug)]
pub struct Agent {
    name: String,
    folder: PathBuf,
    environment: Vec<(String, OsString)>,
}

impl Agent {
    /// Enrols an agent in `folder` with a fresh token of the site; an agent that is enrolled there stays as it is.
    ///
    /// # Errors
    /// The portal makes no token or the agent cannot join; with what it said.
    pub async fn join(portal: &Client, site: &Value, name: &str, folder: &Path) -> anyhow::Result<Self> {
        let agent = Self::unjoined(name, folder);
        if !folder.join("identity.json").exists() {
            let site = site["id"].as_str().context("read the site's id")?;
            let line = portal.post(&format!("sites/{site}/join-tokens"), &json!({})).await?;
            let (token, portal) = (line["token"].as_str(), line["portal"].as_str());
            let token = token.context("read the join token")?.to_owned();
            agent.join_with(portal.context("read the portal's address for agents")?, &token)?;
        }
        Ok(agent)
    }

    /// Enrols with a given token.
    ///
    /// # Errors
    /// What the agent said.
    pub fn join_with(&self, portal: &str, token: &str) -> anyhow::Result<()> {
        let mut command = self.command(&["join"])?;
        let output = command.args(["--portal", portal, "--name", &self.name]).env("MESH_AGENT_TOKEN", token).output();
        let output = output.context("start mesh-agent")?;
        let told = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{} could not join: {told}", self.name);
        Ok(())
    }

    /// A folder that has not joined anything yet.
    #[must_use]
    pub fn unjoined(name: &str, folder: &Path) -> Self {
        Self { name: name.to_owned(), folder: folder.to_owned(), environment: Vec::new() }
    }

    /// Stores a secret that the desired state refers to by name.
    ///
    /// # Errors
    /// What the agent said.
    pub fn set_secret(&self, name: &str, value: &str) -> anyhow::Result<()> {
        let mut command = self.command(&["secret", "set", name])?;
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let mut child = child.context("start mesh-agent")?;
        let mut input = child.stdin.take().expect("stdin was asked to be a pipe");
        input.write_all(value.as_bytes()).context("hand over the secret")?;
        drop(input);
        anyhow::ensure!(
            child.wait().context("wait for mesh-agent")?.success(),
            "{} did not take the secret {name}",
            self.name
        );
        Ok(())
    }

    /// What the running agent says of itself.
    ///
    /// # Errors
    /// None runs.
    pub fn status(&self) -> anyhow::Result<String> {
        self.told(&["status"])
    }

    /// One of the running agent's counters, as it is now. A counter that has counted nothing is zero.
    ///
    /// # Errors
    /// None runs.
    pub fn counter(&self, name: &str) -> anyhow::Result<u64> {
        let told = self.status_json()?;
        let counters = told.pointer("/status/counters").context("find the counters in the agent's status")?;
        Ok(counters[name].as_u64().unwrap_or_default())
    }

    /// Everything the running agent says of itself: the answer of `mesh-agent status --json`.
    ///
    /// # Errors
    /// None runs.
    pub fn status_json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.told(&["status", "--json"])?).context("read the agent's status")
    }

    fn told(&self, verb: &[&str]) -> anyhow::Result<String> {
        let output = self.command(verb)?.output().context("start mesh-agent")?;
        let told = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{} tells no status: {told}", self.name);
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts it.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn run(&self, logs: &Path) -> anyhow::Result<Process> {
        Process::start(&format!("agent-{}", self.name), &self.command(&["run"])?, logs)
    }

    /// Sets a variable of the environment it runs in, from its next start on.
    pub fn set_environment(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.push((name.to_owned(), value.into()));
    }

    /// The folder with its keys, ledger and secrets.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn command(&self, verb: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(program("mesh-agent")?);
        // Out of reach of the terminal's Ctrl-C: what is begun is finished, and then everything is stopped.
        command.args(verb).arg("--state").arg(&self.folder).process_group(0);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}
