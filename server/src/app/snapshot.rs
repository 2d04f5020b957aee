//! The configuration of the mesh as one consistent whole, for everything that reads.
//!
//! Views join nearly everything with nearly everything (names of sites, roles, agents), and configuration is small and
//! rarely edited. So it is read whole, in one transaction, and kept until the audit trail has grown: one cheap query
//! per request instead of a dozen joins, and correct with several replicas. Presence and status change all the time
//! and are read fresh ([`Fleet`]).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use mesh_protocol::id::{AgentId, ApplicationId, DesignObjectId, SiteId, TeamId};
use mesh_protocol::report::Status;
use mesh_protocol::wire::Revision;

use super::clock::now_ms;
use super::observed::Observed;
use super::{App, Error, Result};
use crate::domain::agent::{Agent, LastStatus};
use crate::domain::application::Application;
use crate::domain::application_domain::{self, ApplicationDomain};
use crate::domain::design::Object;
use crate::domain::desired::{Authorities, Mesh};
use crate::domain::product::plan::Plan;
use crate::domain::product::publication::Publication;
use crate::domain::site::Site;
use crate::domain::team::Team;
use crate::store::{PolicyRevision, Tx};

/// The whole configuration at one point of the audit trail.
#[derive(Clone, Debug)]
pub struct Snapshot {
    number: u64,
    /// What desired state is made of.
    pub mesh: Mesh,
    /// All applications.
    pub applications: Vec<Application>,
    /// All application domains.
    pub domains: Vec<ApplicationDomain>,
    /// All teams.
    pub teams: Vec<Team>,
    /// All plans, the oldest first.
    pub plans: Vec<Plan>,
    /// The newest policy revision with its author; none before the first edit.
    pub newest: Option<PolicyRevision>,
}

/// The agents as they are now.
#[derive(Clone, Debug)]
pub struct FleetState {
    /// When this was so.
    pub now_ms: i64,
    /// All agents, oldest first.
    pub agents: Vec<Agent>,
    statuses: HashMap<AgentId, LastStatus>,
    /// What they saw.
    pub seen: Arc<Observed>,
}

impl App {
    /// The configuration as it is now.
    pub(crate) async fn snapshot(&self) -> Result<Arc<Snapshot>> {
        let mut tx = self.store().read().await?;
        let number = tx.audit_number().await?;
        if let Some(kept) = self.kept_snapshot()
            && kept.number == number
        {
            return Ok(kept);
        }
        let snapshot = Arc::new(self.read_snapshot(&mut tx, number).await?);
        self.0.snapshot.store(Some(snapshot.clone()));
        Ok(snapshot)
    }

    /// Everything that desired state is made of, as this transaction sees it.
    pub(crate) async fn read_mesh(&self, tx: &mut Tx) -> Result<Mesh> {
        let id = self.environment();
        let environment =
            tx.environment().await?.ok_or(Error::Internal("the environment is gone from the database"))?;
        let mesh = Mesh {
            environment,
            policy_keys: self.policy_keys(tx).await?,
            sites: tx.sites(id).await?,
            agents: tx.agents(id).await?,
            links: tx.links(id).await?,
            listeners: tx.listeners(id).await?,
            brokers: tx.brokers(id).await?,
            principals: tx.principals(id).await?,
            certificates: tx.certificates(id).await?,
            authorities: Authorities {
                listeners_pem: self.authority().listeners_ca_pem().to_owned(),
                devices_pem: self.authority().devices_ca_pem().to_owned(),
            },
            roles: tx.roles(id).await?,
            rules: tx.rules(id).await?,
            scopes: tx.scopes(id).await?,
            routes: tx.routes(id).await?,
            queues: tx.queues(id).await?,
            grants: tx.open_grants(id).await?,
            kafka_credentials: Vec::new(),
            publications: publications(tx.publications(id).await?),
            addresses: Vec::new(),
            contracts: self.contracts_in(tx).await?,
        };
        // Their passwords are sealed to agents.
        Ok(Mesh { kafka_credentials: self.kafka_credentials_in(tx, &mesh).await?, ..mesh })
    }

    /// The newest one that was read here.
    pub(super) fn kept_snapshot(&self) -> Option<Arc<Snapshot>> {
        self.0.snapshot.load_full()
    }

    async fn read_snapshot(&self, tx: &mut Tx, number: u64) -> Result<Snapshot> {
        let mut teams = tx.teams(self.environment()).await?;
        // The database orders names by its collation; here they are looked up.
        teams.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
        Ok(Snapshot {
            number,
            mesh: self.read_mesh(tx).await?,
            applications: tx.applications(self.environment()).await?,
            domains: tx.application_domains(self.environment()).await?,
            teams,
            plans: tx.plans(self.environment()).await?,
            newest: tx.policy_revisions(self.environment(), 1).await?.pop(),
        })
    }

    /// The agents as they are now.
    pub(crate) async fn fleet_state(&self) -> Result<FleetState> {
        let seen = self.observed().await?;
        self.fleet_with(seen).await
    }

    /// The agents as they are now, with what they were seen seeing.
    pub(super) async fn fleet_with(&self, seen: Arc<Observed>) -> Result<FleetState> {
        let mut tx = self.store().read().await?;
        let agents = tx.agents(self.environment()).await?;
        let statuses = tx.statuses(self.environment()).await?;
        let statuses = statuses.into_iter().map(|status| (status.agent, status)).collect();
        Ok(FleetState { now_ms: now_ms(), agents, statuses, seen })
    }
}

/// Those that were not taken back.
fn publications(all: Vec<Publication>) -> Vec<Publication> {
    all.into_iter().filter(|publication| publication.withdrawn_at_ms.is_none()).collect()
}

impl Snapshot {
    /// The number of the audit entry it is as of.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// A site by its id.
    #[must_use]
    pub fn site(&self, id: SiteId) -> Option<&Site> {
        self.mesh.sites.iter().find(|site| site.id == id)
    }

    /// A site's name; its id where it is gone.
    #[must_use]
    pub fn site_name(&self, id: SiteId) -> String {
        self.site(id).map_or_else(|| id.to_string(), |site| site.spec.name.clone())
    }

    /// An application's name.
    #[must_use]
    pub fn application_name(&self, id: ApplicationId) -> Option<String> {
        self.applications.iter().find(|application| application.id == id).map(|found| found.spec.name.clone())
    }

    /// Who answers for a design: its owner, else that of its domain; empty = nobody.
    #[must_use]
    pub fn owner_of(&self, object: &Object) -> String {
        if !object.spec.owner.is_empty() {
            return object.spec.owner.clone();
        }
        let domain = self.domains.iter().find(|domain| domain.id == object.spec.domain);
        domain.map(|domain| application_domain::owner(domain, &self.domains).to_owned()).unwrap_or_default()
    }

    /// Who answers for applications that have access to a product or an event, each once.
    #[must_use]
    pub fn holders(&self, target: DesignObjectId) -> Vec<String> {
        let grants = self.mesh.grants.iter().filter(|grant| grant.target == target);
        let owner = |id: ApplicationId| self.applications.iter().find(|one| one.id == id).map(|one| &one.spec.owner);
        let owners = grants.filter_map(|grant| owner(grant.application)).filter(|owner| !owner.is_empty());
        owners.cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The team of a name.
    #[must_use]
    pub fn team_named(&self, name: &str) -> Option<TeamId> {
        let at = self.teams.binary_search_by(|team| team.spec.name.as_str().cmp(name)).ok()?;
        Some(self.teams[at].id)
    }

    /// The newest policy revision.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.mesh.environment.policy
    }

    /// A number of the policy's present generation.
    #[must_use]
    pub fn revision_at(&self, revision: u64) -> Revision {
        Revision { revision, ..self.revision() }
    }
}

impl FleetState {
    /// The last status of an agent.
    #[must_use]
    pub fn status(&self, id: AgentId) -> Option<&Status> {
        self.last(id).map(|last| &last.status)
    }

    /// The last status of an agent with its time of arrival.
    #[must_use]
    pub fn last(&self, id: AgentId) -> Option<&LastStatus> {
        self.statuses.get(&id)
    }

    /// An agent by its id.
    #[must_use]
    pub fn agent(&self, id: AgentId) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.id == id)
    }
}
