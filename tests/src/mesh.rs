//! A mesh of its own for one test: portal and agents as real processes on free ports, in a folder that goes with it.
//!
//! Everything is made through the REST API, as a customer would. A test says at its end that it passed
//! ([`Mesh::passed`]); otherwise, whether it panicked or returned an error, each process shows its last lines and the
//! folder with all logs stays.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use demo::agent::Agent;
use demo::people;
use demo::portal::{Client, Portal, PortalPorts};
use demo::ports::free_port;
use demo::process::Process;
use demo::site::{address_of, listener_address};
use demo::state::State;
use demo::wait::until;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::SOON;
use crate::proxy::Proxy;

/// Fields are dropped in this order: agents before the portal, the folder last.
#[derive(Debug)]
pub struct Mesh {
    /// The API, as admin.
    pub api: Client,
    agents: BTreeMap<String, SiteAgent>,
    portal: Option<Portal>,
    portal_ports: PortalPorts,
    portal_options: Vec<String>,
    state: State,
    folder: TempDir,
    passed: bool,
}

#[derive(Debug)]
struct SiteAgent {
    agent: Agent,
    running: Option<Process>,
}

/// A client of the mesh.
#[derive(Clone, Debug)]
pub struct Login {
    /// Its id.
    pub id: String,
    /// User name.
    pub username: String,
    /// Secret.
    pub secret: String,
}

impl Mesh {
    /// A portal that is set up, without any site.
    ///
    /// # Errors
    /// The portal does not come up.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(Vec::new()).await
    }

    /// The same, with a portal that tells its agents to connect to `address` instead of its own port.
    ///
    /// # Errors
    /// The portal does not come up.
    pub async fn start_behind(address: &str) -> anyhow::Result<Self> {
        Self::start_with(vec!["--agents-advertise".to_owned(), address.to_owned()]).await
    }

    /// The same, with a portal that says that it holds demo data and offers what a demo offers.
    ///
    /// # Errors
    /// The portal does not come up.
    pub async fn start_demo() -> anyhow::Result<Self> {
        Self::start_with(vec!["--demo".to_owned()]).await
    }

    async fn start_with(portal_options: Vec<String>) -> anyhow::Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("meshport-test-").tempdir().context("make a folder for the mesh")?;
        let mut state = State::open(&folder.path().join("state"))?;
        let portal_ports = PortalPorts { web: free_port()?, agents: free_port()? };
        let portal = start_portal(folder.path(), portal_ports, &portal_options).await?;
        let api = people::automation(&portal, &mut state).await?;
        Ok(Self {
            api,
            agents: BTreeMap::new(),
            portal: Some(portal),
            portal_ports,
            portal_options,
            state,
            folder,
            passed: false,
        })
    }

    /// A site with one running agent. The first site is the hub; others name the one they connect to.
    ///
    /// # Errors
    /// The portal refuses, or the agent does not come online.
    pub async fn site(&mut self, name: &str, connects_to: Option<&str>) -> anyhow::Result<Value> {
        self.site_with(name, connects_to, json!({})).await
    }

    /// The same with further fields of the site.
    ///
    /// # Errors
    /// The portal refuses, or the agent does not come online.
    pub async fn site_with(
        &mut self,
        name: &str,
        connects_to: Option<&str>,
        mut input: Value,
    ) -> anyhow::Result<Value> {
        let hub = match connects_to {
            Some(hub) => self.api.find("sites", "/name", hub).await?.map(|hub| hub["id"].clone()),
            None => None,
        };
        input["name"] = json!(name);
        input["region"] = json!("eu");
        input["connects_to"] = json!(hub);
        let site = self.api.post("sites", &input).await?;
        let agent = Agent::join(&self.api, &site, name, &self.path(&format!("agent-{name}"))).await?;
        self.agents.insert(name.to_owned(), SiteAgent { agent, running: None });
        self.run_agent(name)?;
        self.online(name).await?;
        Ok(site)
    }

    /// One more agent at a site that has one, under a name of its own; where its clients connect, by protocol.
    ///
    /// # Errors
    /// The portal refuses, or the agent does not come online with its listeners.
    pub async fn agent_beside(&mut self, site: &str, name: &str) -> anyhow::Result<BTreeMap<String, String>> {
        let site = self.api.find("sites", "/name", site).await?.context("the site exists")?;
        let agent = Agent::join(&self.api, &site, name, &self.path(&format!("agent-{name}"))).await?;
        self.agents.insert(name.to_owned(), SiteAgent { agent, running: None });
        self.run_agent(name)?;
        self.online(name).await?;
        until(&format!("{name} has opened its listeners"), SOON, async || {
            let agent = self.api.find("agents", "/name", name).await?.context("it is there")?;
            let open = |listener: &Value| {
                let protocol = listener["config"]["protocol"].as_str()?.to_owned();
                Some((protocol, address_of(&agent, &listener["id"])?))
            };
            let listeners = site["listeners"].as_array().context("a site has listeners")?;
            Ok(listeners.iter().map(open).collect::<Option<BTreeMap<String, String>>>())
        })
        .await
    }

    /// The first site, called `hq`, and others that reach it through a proxy only.
    ///
    /// # Errors
    /// The portal refuses, or an agent does not come online.
    pub async fn hub_behind(&mut self, proxy: &Proxy, others: &[&str]) -> anyhow::Result<Value> {
        let hub = self.site_with("hq", None, json!({ "fabric_address": proxy.address() })).await?;
        for site in others {
            self.site(site, Some("hq")).await?;
        }
        // It accepts others once there are some.
        self.target(proxy, "hq").await?;
        Ok(hub)
    }

    /// Lets a proxy lead to where the agent of a site accepts others, once it says so.
    ///
    /// # Errors
    /// The agent opens no endpoint for others.
    pub async fn target(&self, proxy: &Proxy, site: &str) -> anyhow::Result<()> {
        let address = until(&format!("{site} tells where it accepts others"), SOON, async || {
            let agent = self.api.find("agents", "/name", site).await?.context("the site has an agent")?;
            let parts = agent["parts"].as_array().cloned().unwrap_or_default();
            let fabric = parts.into_iter().find(|part| part["object"] == "fabric");
            Ok(fabric.and_then(|part| part["addresses"][0].as_str().map(str::to_owned)))
        })
        .await?;
        proxy.set_target(&address.replace("0.0.0.0", "127.0.0.1"));
        Ok(())
    }

    /// Waits until the portal shows so many links, all of them up.
    ///
    /// # Errors
    /// They do not come up.
    pub async fn linked(&self, count: usize) -> anyhow::Result<()> {
        until(&format!("{count} links are up"), SOON, async || {
            let links = self.api.list("links").await?;
            Ok((links.len() == count && links.iter().all(|link| link["up"] == true)).then_some(()))
        })
        .await
    }

    /// Starts the agent of a site (again).
    ///
    /// # Errors
    /// There is no such site.
    pub fn run_agent(&mut self, site: &str) -> anyhow::Result<()> {
        let logs = self.path("logs");
        let entry = self.agents.get_mut(site).with_context(|| format!("find the agent of {site}"))?;
        entry.running = Some(entry.agent.run(&logs)?);
        Ok(())
    }

    /// The running agent of a site, for signals.
    ///
    /// # Errors
    /// It does not run.
    pub fn agent(&mut self, site: &str) -> anyhow::Result<&mut Process> {
        let entry = self.agents.get_mut(site).with_context(|| format!("find the agent of {site}"))?;
        entry.running.as_mut().with_context(|| format!("the agent of {site} runs"))
    }

    /// Ends the agent of a site as a power cut would.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill_agent(&mut self, site: &str) -> anyhow::Result<()> {
        let entry = self.agents.get_mut(site).with_context(|| format!("find the agent of {site}"))?;
        entry.running.take().with_context(|| format!("the agent of {site} runs"))?.kill();
        Ok(())
    }

    /// Another machine takes the place of a site's agent, whose folder is gone.
    ///
    /// # Errors
    /// The portal refuses, or the new agent does not come online.
    pub async fn replace_agent(&mut self, site: &str) -> anyhow::Result<()> {
        let old = self.api.find("agents", "/name", site).await?.context("the site has an agent")?;
        std::fs::remove_dir_all(self.agent_folder(site)?).context("remove the folder of the lost agent")?;
        let id = old["id"].as_str().context("read the id of the agent")?;
        let line = self.api.post(&format!("agents/{id}/replacement"), &json!({})).await?;
        let (token, portal) = (line["token"].as_str(), line["portal"].as_str());
        let agent = Agent::unjoined(site, &self.path(&format!("agent-{site}-next")));
        agent.join_with(
            portal.context("read the portal's address for agents")?,
            token.context("read the replacement token")?,
        )?;
        self.agents.insert(site.to_owned(), SiteAgent { agent, running: None });
        self.run_agent(site)?;
        self.online(site).await
    }

    /// Ends the agent of a site as its supervisor would, and waits for it.
    ///
    /// # Errors
    /// It does not run, or does not end by itself within `limit`.
    pub fn stop_agent(&mut self, site: &str, limit: Duration) -> anyhow::Result<()> {
        let entry = self.agents.get_mut(site).with_context(|| format!("find the agent of {site}"))?;
        let running = entry.running.take().with_context(|| format!("the agent of {site} runs"))?;
        anyhow::ensure!(running.stop(limit), "the agent of {site} does not end within {} s", limit.as_secs());
        Ok(())
    }

    /// Sets a variable of the environment of a site's agent, from its next start on.
    ///
    /// # Errors
    /// There is no such site.
    pub fn set_agent_environment(&mut self, site: &str, name: &str, value: impl Into<OsString>) -> anyhow::Result<()> {
        let entry = self.agents.get_mut(site).with_context(|| format!("find the agent of {site}"))?;
        entry.agent.set_environment(name, value);
        Ok(())
    }

    /// Fails when the portal or an agent has ended by itself.
    ///
    /// # Errors
    /// Names it and shows its last lines.
    pub fn check(&mut self) -> anyhow::Result<()> {
        if let Some(portal) = &mut self.portal {
            portal.process().check()?;
        }
        self.agents.values_mut().filter_map(|entry| entry.running.as_mut()).try_for_each(Process::check)
    }

    /// The state folder of a site's agent.
    ///
    /// # Errors
    /// There is no such site.
    pub fn agent_folder(&self, site: &str) -> anyhow::Result<PathBuf> {
        let entry = self.agents.get(site).with_context(|| format!("find the agent of {site}"))?;
        Ok(entry.agent.folder().to_owned())
    }

    /// Stores a secret at the agent of a site.
    ///
    /// # Errors
    /// The agent does not take it.
    pub fn set_secret(&self, site: &str, name: &str, value: &str) -> anyhow::Result<()> {
        self.agents.get(site).with_context(|| format!("find the agent of {site}"))?.agent.set_secret(name, value)
    }

    /// What `mesh-agent status` says at a site.
    ///
    /// # Errors
    /// No agent runs there.
    pub fn agent_status(&self, site: &str) -> anyhow::Result<String> {
        self.agents.get(site).with_context(|| format!("find the agent of {site}"))?.agent.status()
    }

    /// Everything the running agent of a site says of itself.
    ///
    /// # Errors
    /// No agent runs there.
    pub fn agent_status_json(&self, site: &str) -> anyhow::Result<Value> {
        self.agents.get(site).with_context(|| format!("find the agent of {site}"))?.agent.status_json()
    }

    /// A counter of the running agent of a site, as it is now.
    ///
    /// # Errors
    /// No agent runs there.
    pub fn agent_counter(&self, site: &str, counter: &str) -> anyhow::Result<u64> {
        self.agents.get(site).with_context(|| format!("find the agent of {site}"))?.agent.counter(counter)
    }

    /// Waits until the portal shows an agent of the site online.
    ///
    /// # Errors
    /// It does not come.
    pub async fn online(&self, site: &str) -> anyhow::Result<()> {
        until(&format!("the agent of {site} is online"), SOON, async || {
            let agent = self.api.find("agents", "/name", site).await?;
            Ok(agent.filter(|agent| agent["presence"] == "online").map(drop))
        })
        .await
    }

    /// Waits until every online agent enforces the newest policy.
    ///
    /// # Errors
    /// An agent refuses it or takes too long.
    pub async fn applied(&self) -> anyhow::Result<()> {
        until("every agent enforces the newest policy", SOON, async || {
            let policy = self.api.get("policy").await?;
            let agents = policy["agents"].as_array().context("read the agents of the policy")?;
            let state = |agent: &Value| agent["state"].as_str().unwrap_or_default().to_owned();
            if let Some(refused) = agents.iter().find(|agent| state(agent) == "rejected") {
                anyhow::bail!("an agent refuses the policy: {refused}");
            }
            Ok(agents.iter().all(|agent| matches!(state(agent).as_str(), "applied" | "offline")).then_some(()))
        })
        .await
    }

    /// A client with rights of its own: pairs of action and filter in the mesh dialect; it may always connect.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn client(&self, username: &str, rights: &[(&str, &str)]) -> anyhow::Result<Login> {
        let made = self.api.post("principals", &json!({ "username": username, "roles": [], "enabled": true })).await?;
        let id = made["principal"]["id"].as_str().context("read the id of the client")?.to_owned();
        for (action, filter) in [("connect", ">")].iter().chain(rights) {
            self.rule(&id, "allow", action, filter).await?;
        }
        let secret = made["secret"].as_str().context("read the secret of the client")?.to_owned();
        Ok(Login { id, username: username.to_owned(), secret })
    }

    /// A rule about one client.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn rule(&self, principal: &str, effect: &str, action: &str, filter: &str) -> anyhow::Result<Value> {
        let rule =
            json!({ "subject": { "principal": principal }, "action": action, "effect": effect, "filter": filter });
        self.api.post("rules", &rule).await
    }

    /// Where clients of a protocol connect at a site.
    ///
    /// # Errors
    /// No such listener opens.
    pub async fn listener(&self, site: &str, protocol: &str) -> anyhow::Result<String> {
        listener_address(&self.api, site, protocol).await
    }

    /// Ends the portal as a power cut would.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill_portal(&mut self) -> anyhow::Result<()> {
        self.portal.take().context("the portal runs")?.into_process().kill();
        Ok(())
    }

    /// Starts the portal again.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn start_portal(&mut self) -> anyhow::Result<()> {
        self.portal = Some(start_portal(self.folder.path(), self.portal_ports, &self.portal_options).await?);
        Ok(())
    }

    /// Where browsers find the portal.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.portal_ports.web)
    }

    /// A token with every right.
    ///
    /// # Errors
    /// The portal is not set up.
    pub fn token(&self) -> anyhow::Result<&str> {
        self.state.secrets.token.as_deref().context("the portal is set up")
    }

    /// `host:port` at which the portal itself listens for agents.
    #[must_use]
    pub fn agents_port(&self) -> String {
        format!("127.0.0.1:{}", self.portal_ports.agents)
    }

    /// Where the portal answers browsers and programs.
    #[must_use]
    pub fn portal_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.portal_ports.web)
    }

    /// What the portal has logged so far.
    ///
    /// # Errors
    /// It does not run.
    pub fn portal_log(&self) -> anyhow::Result<String> {
        Ok(self.portal.as_ref().context("the portal runs")?.running().tail(usize::MAX))
    }

    /// The people of all roles; returns the password of one.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn person(&mut self, login: &str) -> anyhow::Result<String> {
        people::make(&self.api, &mut self.state).await?;
        Ok(self.state.password_of_person(login))
    }

    /// The last line of a test: it went well, so the folder goes when the mesh is dropped.
    ///
    /// # Errors
    /// A log that went to a file is coloured for a terminal.
    pub fn passed(&mut self) -> anyhow::Result<()> {
        for process in self.processes() {
            let coloured = process.tail(usize::MAX).contains('\u{1b}');
            anyhow::ensure!(!coloured, "the log of {} holds colours of a terminal", process.name());
        }
        self.passed = true;
        Ok(())
    }

    fn processes(&self) -> impl Iterator<Item = &Process> {
        let agents = self.agents.values().filter_map(|entry| entry.running.as_ref());
        self.portal.iter().map(Portal::running).chain(agents)
    }

    /// A path in the mesh's folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The portal's process.
    ///
    /// # Errors
    /// It does not run.
    pub fn portal(&mut self) -> anyhow::Result<&mut Process> {
        Ok(self.portal.as_mut().context("the portal runs")?.process())
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        if self.passed {
            return;
        }
        // A panic makes each process show them by itself.
        if !std::thread::panicking() {
            for process in self.processes() {
                eprintln!("--- {}, last lines:\n{}", process.name(), process.tail(40));
            }
        }
        self.folder.disable_cleanup(true);
        eprintln!("the mesh's files stay in {}", self.folder.path().display());
    }
}

async fn start_portal(folder: &Path, ports: PortalPorts, options: &[String]) -> anyhow::Result<Portal> {
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    Portal::start(&folder.join("portal"), &folder.join("logs"), ports, &options).await
}
