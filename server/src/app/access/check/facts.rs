//! What the portal knows before it asks any listener: whether grant and credential are good, and where listeners are.

use std::collections::HashMap;

use frontend::api::{AgentRollout, PlanProtocol, RolloutState, TestLayer, TestState, TestStep};
use mesh_protocol::desired::{self, ListenerProtocol, Policy};
use mesh_protocol::id::{ListenerId, PrincipalId, SiteId};
use mesh_protocol::policy::{Action, CompiledPolicy, PrincipalState, Session};
use mesh_protocol::report::{Part, PartRef, PartState};
use mesh_protocol::topic::Filter;

use crate::app::agent::rollout_of;
use crate::app::door::{client_address, spoken};
use crate::app::snapshot::{FleetState, Snapshot};
use crate::domain::access::grant::{Grant, Phase};
use crate::domain::agent::{Agent, Presence, State as AgentState};
use crate::domain::listener::Listener;
use crate::domain::principal::Principal;
use crate::domain::product::plan::Protocol;

fn step(layer: TestLayer, fault: Option<(String, &str)>, what: impl Into<String>) -> TestStep {
    let (state, what, advice) = match fault {
        Some((wrong, advice)) => (TestState::Failed, wrong, advice.to_owned()),
        None => (TestState::Ok, what.into(), String::new()),
    };
    TestStep { layer, of: String::new(), state, took_ms: None, what, advice }
}

/// The grant and the credential.
pub(super) fn before(
    grant: &Grant,
    credential: &Principal,
    secret: &str,
    snapshot: &Snapshot,
    now_ms: i64,
) -> Vec<TestStep> {
    let is_published = snapshot.mesh.places_of(grant).is_some();
    let given = match grant.phase() {
        Phase::Live => "The grant is given, and every agent concerned has confirmed it.",
        _ => "The grant is given; not every agent concerned has confirmed it yet.",
    };
    vec![
        step(TestLayer::Grant, grant_fault(grant, is_published), given),
        step(
            TestLayer::Credential,
            credential_fault(credential, secret, snapshot, now_ms),
            "The credential may log in, and the secret is its.",
        ),
    ]
}

fn grant_fault(grant: &Grant, is_published: bool) -> Option<(String, &'static str)> {
    let ask_again = "Ask for access again on the product's page.";
    let fault = match grant.phase() {
        Phase::Provisioning | Phase::Live if is_published => return None,
        Phase::Provisioning | Phase::Live => {
            ("What it is about is published nowhere now.".to_owned(), "Ask whoever owns the product to publish it.")
        }
        Phase::Suspending | Phase::Suspended => {
            (format!("The grant is held back: {}.", grant.reason), "Ask whoever held it back to give it again.")
        }
        Phase::Revoking | Phase::Revoked => (format!("The grant was revoked: {}.", grant.reason), ask_again),
        Phase::Expiring | Phase::Expired => ("The time of the grant is over.".to_owned(), ask_again),
    };
    Some(fault)
}

fn credential_fault(
    credential: &Principal,
    secret: &str,
    snapshot: &Snapshot,
    now_ms: i64,
) -> Option<(String, &'static str)> {
    let issue = "Issue another credential below.";
    if credential.state != PrincipalState::Enabled {
        return Some(("The credential is switched off.".to_owned(), "Ask whoever blocked it, or issue another one."));
    }
    if credential.expires_at_ms.is_some_and(|ends| ends <= now_ms) {
        return Some(("The time of the credential is over.".to_owned(), issue));
    }
    let key = &snapshot.mesh.environment.secret_key;
    let Some(known) = credential.secrets.iter().find(|known| known.hash.matches(key, secret)) else {
        return Some((
            format!("The secret is not one of {}.", credential.username),
            "Paste the secret of this very credential, whole; if it is lost, rotate the credential.",
        ));
    };
    known.expires_at_ms.is_some_and(|ends| ends <= now_ms).then(|| {
        let what = "The secret was replaced by a rotation, and both no longer work beside each other.";
        (what.to_owned(), "Use the secret that the rotation gave.")
    })
}

/// A listener at an agent, or at none that says where it is.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) listener: ListenerId,
    pub(super) name: String,
    pub(super) protocol: PlanProtocol,
    pub(super) tls: bool,
    pub(super) site: SiteId,
    pub(super) site_name: String,
    pub(super) agent_name: String,
    pub(super) address: Option<String>,
    /// The agent has confirmed the newest policy.
    pub(super) is_confirmed: bool,
    /// How the agent is.
    pub(super) agent: TestStep,
}

/// Every listener that the grant lets its clients use, by site and name.
pub(super) fn places(grant: &Grant, snapshot: &Snapshot, fleet: &FleetState) -> Vec<Place> {
    let Some(sites) = snapshot.mesh.places_of(grant) else { return Vec::new() };
    let protocols = &grant.terms.protocols;
    let is_meant = |listener: &&Listener| {
        (sites.is_empty() || sites.contains(&listener.spec.site))
            && (protocols.is_empty() || protocols.contains(&asked(listener.spec.protocol)))
    };
    let listeners = snapshot.mesh.listeners.iter().filter(is_meant);
    let mut places: Vec<Place> = listeners.flat_map(|listener| at_agents(listener, snapshot, fleet)).collect();
    places.sort_by(|a, b| (&a.site_name, &a.name, &a.agent_name).cmp(&(&b.site_name, &b.name, &b.agent_name)));
    places
}

const fn asked(protocol: ListenerProtocol) -> Protocol {
    match protocol {
        ListenerProtocol::Mqtt => Protocol::Mqtt,
        ListenerProtocol::Http => Protocol::Http,
    }
}

fn at_agents(listener: &Listener, snapshot: &Snapshot, fleet: &FleetState) -> Vec<Place> {
    let agents = fleet.agents.iter();
    let here = agents.filter(|agent| agent.state == AgentState::Enrolled && agent.site == listener.spec.site);
    let places: Vec<Place> = here.map(|agent| at_agent(listener, agent, snapshot, fleet)).collect();
    if !places.is_empty() {
        return places;
    }
    let advice = "Add an agent to the site: its page has the command.";
    let nobody = step(TestLayer::Agent, Some(("The site has no agent.".to_owned(), advice)), "");
    vec![place(listener, snapshot, "", None, false, nobody)]
}

fn at_agent(listener: &Listener, agent: &Agent, snapshot: &Snapshot, fleet: &FleetState) -> Place {
    let serves = |part: &&Part| part.object == PartRef::Listener(listener.id);
    let part = fleet.status(agent.id).and_then(|status| status.parts.iter().find(serves));
    let told = part.and_then(|part| part.addresses.first());
    let address = told.and_then(|told| client_address(listener, told, agent.address.as_deref()));
    let address = address.map(|(host, port)| format!("{host}:{port}"));
    let rollout = rollout_of(agent, snapshot.revision(), snapshot, fleet);
    let is_online = matches!(agent.presence(fleet.now_ms), Presence::Online(_));
    let fault = agent_fault(&rollout, is_online, part);
    let well = format!("{} is online, and has confirmed the newest policy.", agent.name);
    let is_confirmed = rollout.state == RolloutState::Applied;
    place(listener, snapshot, &agent.name, address, is_confirmed, step(TestLayer::Agent, fault, well))
}

fn agent_fault(rollout: &AgentRollout, is_online: bool, part: Option<&Part>) -> Option<(String, &'static str)> {
    let name = &rollout.agent_name;
    let look = "Look at the agent's page: it says why.";
    match (part, rollout.state) {
        _ if !is_online => Some((
            format!("{name} is not connected to the portal; what it enforces may be old."),
            "Look whether its machine runs and reaches the portal; what was decided since then is not known there.",
        )),
        (_, RolloutState::Rejected) => {
            let why = rollout.reason.as_deref().unwrap_or_default();
            Some((format!("{name} refused the newest policy: {why}."), "An operator has to look at the rollout."))
        }
        (_, RolloutState::Pending | RolloutState::Offline) => Some((
            format!("{name} has not confirmed the newest policy yet."),
            "Wait a moment and test again: a credential that was made just now is not known there yet.",
        )),
        (None, RolloutState::Applied) => Some((format!("{name} does not tell where this listener is."), look)),
        (Some(part), RolloutState::Applied) => match part.state {
            PartState::Running | PartState::Degraded => None,
            PartState::Starting => Some((format!("{name} is opening this listener."), "Test again in a moment.")),
            PartState::Failing | PartState::Rejected => {
                let why = part.detail.as_deref().unwrap_or("it does not say why");
                Some((format!("{name} cannot open this listener: {why}."), look))
            }
        },
    }
}

fn place(
    listener: &Listener,
    snapshot: &Snapshot,
    agent_name: &str,
    address: Option<String>,
    is_confirmed: bool,
    agent: TestStep,
) -> Place {
    let spec = &listener.spec;
    Place {
        listener: listener.id,
        name: spec.name.clone(),
        protocol: spoken(spec.protocol),
        tls: spec.tls,
        site: spec.site,
        site_name: snapshot.site_name(spec.site),
        agent_name: agent_name.to_owned(),
        address,
        is_confirmed,
        agent,
    }
}

/// The newest policy as each site has it, for one client.
pub(super) struct Policies {
    policy: Policy,
    sites: HashMap<SiteId, desired::Site>,
    principal: PrincipalId,
    now_ms: i64,
    authority_pem: String,
}

impl Policies {
    pub(super) fn of(snapshot: &Snapshot, principal: PrincipalId, now_ms: i64) -> Self {
        let site = |site: &crate::domain::site::Site| {
            let spec = &site.spec;
            let (name, region) = (spec.name.clone(), spec.region.clone());
            (site.id, desired::Site { id: site.id, name, region, labels: spec.labels.clone() })
        };
        let sites = snapshot.mesh.sites.iter().map(site).collect();
        let authority_pem = snapshot.mesh.authorities.listeners_pem.clone();
        Self { policy: snapshot.mesh.whole_policy(), sites, principal, now_ms, authority_pem }
    }

    /// Who issues what listeners with TLS show, PEM.
    pub(super) fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    /// Whether it may publish to all of each filter there; an error says why not.
    pub(super) fn may_send(&self, site: SiteId, client_id: &str, filters: &[Filter]) -> Vec<Result<(), String>> {
        if filters.is_empty() {
            return Vec::new();
        }
        match self.session(site, client_id) {
            Ok(session) => {
                let decide = |filter| session.decide(Action::Publish, filter).into_result();
                filters.iter().map(|filter| decide(filter).map(drop).map_err(|why| why.to_string())).collect()
            }
            Err(why) => vec![Err(why); filters.len()],
        }
    }

    fn session(&self, site: SiteId, client_id: &str) -> Result<Session, String> {
        let site = self.sites.get(&site).ok_or("its site is gone")?;
        let compiled = CompiledPolicy::compile(&self.policy, site).map_err(|error| error.to_string())?;
        compiled.session(self.principal, client_id, self.now_ms).map_err(|why| why.to_string())
    }
}
