//! Sites: made with their link and listeners, joined by agents with a one-time token.

use frontend::api::{Edit, JoinLine, JoinTokenInput, ListQuery, LiveTopic, Location, Page, SiteInput, SiteView};
use mesh_protocol::desired::{DeniedV3Publish, ListenerProtocol};
use mesh_protocol::enrol::JoinToken as Token;
use mesh_protocol::id::{AgentId, LinkId, ListenerId, SiteId};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::edit::{self, Done};
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result, agent, broker, listener, queue, scope};
use crate::domain::agent::State;
use crate::domain::field::FieldErrors;
use crate::domain::join_token::{self, JoinToken};
use crate::domain::link::{self, Link};
use crate::domain::listener::{Listener, Spec as ListenerSpec};
use crate::domain::site::{self, Site, Spec};

/// Longest life of a join token, in minutes.
const TOKEN_MINUTES_MAX: u32 = 7 * 24 * 60;

/// A join token as the audit trail keeps it.
#[derive(Debug, Serialize)]
pub(super) struct Kept {
    token: Uuid,
    expires_at: i64,
}

/// A join token for the audit trail.
pub(super) fn kept_token(row: &JoinToken) -> Kept {
    Kept { token: row.id, expires_at: row.expires_at_ms }
}

/// A join token that was just made: the only time that it is known whole.
pub(super) struct Fresh {
    /// As people copy it.
    pub(super) text: String,
    secret: [u8; 16],
}

impl Fresh {
    /// What is stored of it.
    pub(super) fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.secret).to_vec()
    }
}

impl App {
    /// Sites with their agents, listeners and broker connections, by name.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn sites(&self, caller: &Caller, query: ListQuery) -> Result<Page<SiteView>> {
        caller.permit(Right::MeshRead)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let key = |site: &&Site| site.spec.name.clone();
        let page = page(snapshot.mesh.sites.iter().collect(), Slice::of_list(&query), key)?;
        Ok(page.map(|site| view(site, &snapshot, &fleet)))
    }

    /// One site.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn site(&self, caller: &Caller, id: SiteId) -> Result<SiteView> {
        caller.permit(Right::MeshRead)?;
        self.site_view(id).await
    }

    /// Makes a site with its link to the site it connects to and one listener per protocol.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_site(&self, caller: &Caller, input: SiteInput) -> Result<SiteView> {
        let mut edit = self.edit(caller.permit(Right::SiteWrite)?).await?;
        let connects_to = input.connects_to;
        let spec = spec(input);
        spec.check()?;
        let summary = format!("added the site {}", spec.name);
        edit.take_revision(&summary).await?;
        let id = SiteId(Uuid::now_v7());
        let site = Site { id, spec, revision: 1, created_at_ms: edit.now_ms, updated_at_ms: edit.now_ms };
        edit.tx.insert_site(self.environment(), &site).await?;
        if let Some(to) = connects_to {
            self.connect(&mut edit, id, to).await?;
        }
        for listener in default_listeners(id) {
            let now_ms = edit.now_ms;
            edit.tx.insert_listener(&listener, now_ms).await?;
        }
        edit.finish(done("site.create", id, &summary).after(&config(&site.spec, connects_to))).await?;
        self.site_view(id).await
    }

    /// Changes a site; another `connects_to` replaces its link.
    ///
    /// # Errors
    /// The caller may not, the input is wrong or stale, or the database's.
    pub async fn update_site(&self, caller: &Caller, id: SiteId, input: Edit<SiteInput>) -> Result<SiteView> {
        let mut edit = self.edit(caller.permit(Right::SiteWrite)?).await?;
        let connects_to = input.value.connects_to;
        let spec = spec(input.value);
        spec.check()?;
        let summary = format!("changed the site {}", spec.name);
        edit.take_revision(&summary).await?;
        let now_ms = edit.now_ms;
        let old = edit.tx.site(id).await?.ok_or(Error::NotFound { what: "site" })?;
        edit.tx.update_site(id, &spec, seen(input.revision), now_ms).await?;
        let links = edit.tx.links(self.environment()).await?;
        let dialled = links.iter().find(|link| link.from == id);
        let connected_to = dialled.map(|link| link.to);
        if connected_to != connects_to {
            if let Some(old) = dialled {
                edit.tx.delete_link(old.id, old.revision).await?;
            }
            if let Some(to) = connects_to {
                self.connect(&mut edit, id, to).await?;
            }
        }
        let done = done("site.update", id, &summary);
        edit.finish(done.before(&config(&old.spec, connected_to)).after(&config(&spec, connects_to))).await?;
        self.site_view(id).await
    }

    /// Removes a site where no agents are enrolled, with its links, listeners and tokens.
    ///
    /// # Errors
    /// The caller may not, agents, brokers or queues are there, it is stale, or the database's.
    pub async fn delete_site(&self, caller: &Caller, id: SiteId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::SiteWrite)?).await?;
        let old = edit.tx.site(id).await?.ok_or(Error::NotFound { what: "site" })?;
        let agents = edit.tx.agents(self.environment()).await?;
        let (enrolled, known): (usize, usize) = agents
            .iter()
            .filter(|agent| agent.site == id)
            .fold((0, 0), |sum, agent| (sum.0 + usize::from(agent.state == State::Enrolled), sum.1 + 1));
        if enrolled > 0 {
            return Err(Error::Conflict(format!("{enrolled} agents are enrolled at this site: revoke them first")));
        }
        if known > 0 {
            return Err(Error::Conflict("this site had agents: it is kept for the record of what they did".to_owned()));
        }
        let routes = edit.tx.routes(self.environment()).await?;
        let calling = routes.iter().filter(|route| route.spec.calls_from() == Some(id));
        let calling: Vec<_> = calling.map(|route| route.spec.name.as_str()).collect();
        if !calling.is_empty() {
            let names = calling.join(", ");
            return Err(Error::Conflict(format!(
                "routes call their endpoints from this site: {names}; remove them first"
            )));
        }
        queue::none_at(id, &edit.tx.queues(self.environment()).await?)?;
        scope::none_names(id, &edit.tx.scopes(self.environment()).await?)?;
        let summary = format!("removed the site {}", old.spec.name);
        edit.take_revision(&summary).await?;
        let mut connected_to = None;
        for link in edit.tx.links(self.environment()).await? {
            if link.from == id {
                connected_to = Some(link.to);
            }
            if link.from == id || link.to == id {
                edit.tx.delete_link(link.id, link.revision).await?;
            }
        }
        edit.tx.delete_listeners_of(id).await?;
        edit.tx.delete_join_tokens_of(id).await?;
        edit.tx.delete_site(id, seen(revision)).await?;
        edit.finish(done("site.delete", id, &summary).before(&config(&old.spec, connected_to))).await
    }

    /// Makes a join token and the line that uses it.
    ///
    /// # Errors
    /// The caller may not, there is no such site, the input is wrong, or the database's.
    pub async fn create_join_token(&self, caller: &Caller, site: SiteId, input: JoinTokenInput) -> Result<JoinLine> {
        let mut edit = self.edit(caller.permit(Right::SiteWrite)?).await?;
        let name = edit.tx.site(site).await?.ok_or(Error::NotFound { what: "site" })?.spec.name;
        let (token, row) = self.join_token(&edit, site, None, &input)?;
        edit.tx.insert_join_token(&token.hash(), &row).await?;
        let summary = format!("made a join token for the site {name}");
        edit.finish(done("site.token", site, &summary).after(&kept_token(&row))).await?;
        Ok(self.join_line(&token.text, row.expires_at_ms, None))
    }

    /// A new token for a site, and what is stored of it; not stored yet.
    ///
    /// # Errors
    /// It is to live for too long.
    pub(super) fn join_token(
        &self,
        edit: &edit::Edit,
        site: SiteId,
        replaces: Option<AgentId>,
        input: &JoinTokenInput,
    ) -> Result<(Fresh, JoinToken)> {
        if input.minutes.is_some_and(|minutes| minutes == 0 || minutes > TOKEN_MINUTES_MAX) {
            return Err(FieldErrors::one("minutes", format_args!("must be 1 to {TOKEN_MINUTES_MAX}")).into());
        }
        let token = Token { secret: rand::random(), ca_pin: self.authority().ca_pin() };
        let lifetime_ms = input.minutes.map_or(join_token::LIFETIME_MS, |minutes| i64::from(minutes) * 60_000);
        let row = JoinToken {
            id: Uuid::now_v7(),
            site,
            replaces,
            created_by: edit.actor().to_owned(),
            created_at_ms: edit.now_ms,
            expires_at_ms: edit.now_ms + lifetime_ms,
            used: None,
            revoked_at_ms: None,
        };
        Ok((Fresh { text: token.to_string(), secret: token.secret }, row))
    }

    /// One line for a shell in an empty folder. It does not trust the download: the sum comes from this page.
    pub(super) fn join_line(&self, token: &str, expires_at: i64, name: Option<&str>) -> JoinLine {
        let config = self.config();
        let (base, portal) = (config.portal_url.clone(), config.agents_url.clone());
        let binary_sha256 = config.agent_binary.as_ref().map(|binary| binary.sha256.clone());
        let name = name.map(|name| format!(" --name {name}")).unwrap_or_default();
        let run = format!("./mesh-agent join --portal {portal} --token {token}{name} && ./mesh-agent run");
        let line = match &binary_sha256 {
            Some(sum) => format!(
                "curl -fsSL {base}/agent/mesh-agent -o mesh-agent && echo '{sum}  mesh-agent' | sha256sum -c - \
                 && chmod +x mesh-agent && {run}"
            ),
            None => run,
        };
        JoinLine { line, token: token.to_owned(), portal, expires_at, binary_sha256 }
    }

    async fn connect(&self, edit: &mut edit::Edit, from: SiteId, to: SiteId) -> Result<()> {
        let mut errors = FieldErrors::default();
        if edit.tx.site(to).await?.is_none() {
            errors.add("connects_to", "is not a site of this environment");
        }
        let links = edit.tx.links(self.environment()).await?;
        if let Err(found) = link::check(from, to, &links) {
            errors.add("connects_to", &found.0["to"]);
        }
        errors.check()?;
        let link = Link {
            id: LinkId(Uuid::now_v7()),
            from,
            to,
            enabled: true,
            revision: 1,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
        };
        Ok(edit.tx.insert_link(self.environment(), &link).await?)
    }

    async fn site_view(&self, id: SiteId) -> Result<SiteView> {
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let found = snapshot.site(id).ok_or(Error::NotFound { what: "site" })?;
        Ok(view(found, &snapshot, &fleet))
    }
}

/// What a new site opens for its clients; ports are chosen by its agents.
fn default_listeners(site: SiteId) -> [Listener; 2] {
    let listener = |name: &str, protocol| Listener {
        id: ListenerId(Uuid::now_v7()),
        spec: ListenerSpec {
            site,
            name: name.to_owned(),
            protocol,
            bind: "0.0.0.0:0".to_owned(),
            payload_bytes_max: 1024 * 1024,
            connections_max: 1_000,
            custody_timeout_ms: 10_000,
            denied_v3_publish: DeniedV3Publish::Disconnect,
            tls: false,
            server_names: Vec::new(),
        },
        revision: 1,
    };
    [listener("mqtt", ListenerProtocol::Mqtt), listener("http", ListenerProtocol::Http)]
}

fn spec(input: SiteInput) -> Spec {
    let location = |at: Location| site::Location { latitude: at.latitude, longitude: at.longitude };
    Spec {
        name: input.name,
        region: input.region,
        labels: input.labels,
        location: input.location.map(location),
        fabric_bind: input.fabric_bind.filter(|bind| !bind.is_empty()),
        fabric_address: input.fabric_address.filter(|address| !address.is_empty()),
    }
}

fn done<'a>(action: &'a str, id: SiteId, summary: &'a str) -> Done<'a> {
    Done::new(action, id, summary, LiveTopic::Topology)
}

fn config(spec: &Spec, connects_to: Option<SiteId>) -> SiteInput {
    SiteInput {
        name: spec.name.clone(),
        region: spec.region.clone(),
        labels: spec.labels.clone(),
        location: spec.location.map(location),
        connects_to,
        fabric_bind: spec.fabric_bind.clone(),
        fabric_address: spec.fabric_address.clone(),
    }
}

/// A point on the map, for the API.
pub(super) fn location(at: site::Location) -> Location {
    Location { latitude: at.latitude, longitude: at.longitude }
}

fn view(site: &Site, snapshot: &Snapshot, fleet: &FleetState) -> SiteView {
    let mesh = &snapshot.mesh;
    let listeners = mesh.listeners.iter().filter(|listener| listener.spec.site == site.id);
    let brokers = mesh.brokers.iter().filter(|broker| broker.spec.site == site.id);
    let agents = fleet.agents.iter().filter(|agent| agent.site == site.id);
    SiteView {
        id: site.id,
        revision: shown(site.revision),
        name: site.spec.name.clone(),
        region: site.spec.region.clone(),
        labels: site.spec.labels.clone(),
        location: site.spec.location.map(location),
        connects_to: mesh.links.iter().find(|link| link.from == site.id).map(|link| link.to),
        fabric_bind: site.spec.fabric_bind.clone(),
        fabric_address: site.spec.fabric_address.clone(),
        agents: agents.map(|agent| agent::view(agent, snapshot, fleet)).collect(),
        listeners: listeners.map(|listener| listener::view(listener, snapshot, fleet)).collect(),
        brokers: brokers.map(|broker| broker::view(broker, snapshot, fleet)).collect(),
    }
}
