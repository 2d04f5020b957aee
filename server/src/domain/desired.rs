//! From everything the portal knows to what one agent must do: a pure function.
//!
//! The document of a revision must be the same whenever and wherever it is computed, because an agent takes "same
//! revision, other content" for an attack. So nothing here reads a clock or depends on the order of rows, and every
//! input that changes comes with a new policy revision.

mod granted;
mod grants;
mod kafka;
mod listeners;
mod written;

use std::collections::BTreeMap;
use std::sync::Arc;

use mesh_protocol::desired::{
    BrokerConnection, Connector, ConnectorWork, Contracts, DesiredState, Dial, DurableInterest, Fabric, KafkaSink,
    KafkaSource, Keys, Member, Observe, Owner, Policy, Queue as QueueState, Site as SiteState, Surveyed, WebhookSink,
};
use mesh_protocol::id::{AgentId, BrokerId, PrincipalId, RouteId, RuleId, SiteId};
use mesh_protocol::policy::{Action, Effect, Role as PolicyRole, Rule, Subject};
use mesh_protocol::topic::Filter;
use sha2::{Digest, Sha256};

use super::access::grant::Grant;
use super::access::kafka::Told;
use super::agent::{Agent, State};
use super::broker::Broker;
use super::certificate::Certificate;
use super::environment::Environment;
use super::link::Link;
use super::listener::Listener;
use super::principal::{Kind, Principal};
use super::product::publication::Publication;
use super::queue::Queue;
use super::role::Role;
use super::route::{From, Route, To};
use super::rule;
use super::scope::Scope;
use super::site::Site;

use granted::{Granted, min_version, principal_state};
pub use listeners::Authorities;
use written::{broker_state, queue_state, surveyed_state};

/// Where an agent of a site that others dial listens when nobody chose: any address, a port of the agent's choice.
const FABRIC_BIND: &str = "0.0.0.0:0";

/// Everything that desired state is made of, as of one policy revision.
#[derive(Clone, Debug)]
pub struct Mesh {
    /// Which mesh, at which revision.
    pub environment: Environment,
    /// Public keys that may sign what comes next, 64 hex digits each.
    pub policy_keys: Vec<String>,
    /// All sites.
    pub sites: Vec<Site>,
    /// All agents, revoked ones included.
    pub agents: Vec<Agent>,
    /// All links.
    pub links: Vec<Link>,
    /// All listeners.
    pub listeners: Vec<Listener>,
    /// All broker connections.
    pub brokers: Vec<Broker>,
    /// All principals.
    pub principals: Vec<Principal>,
    /// All certificates of principals.
    pub certificates: Vec<Certificate>,
    /// Who issues certificates.
    pub authorities: Authorities,
    /// All mesh roles.
    pub roles: Vec<Role>,
    /// All rules.
    pub rules: Vec<rule::Rule>,
    /// All scopes.
    pub scopes: Vec<Scope>,
    /// All routes.
    pub routes: Vec<Route>,
    /// All named queues.
    pub queues: Vec<Queue>,
    /// All grants that are not over.
    pub grants: Vec<Grant>,
    /// All Kafka credentials, also removed ones whose users are not known to be gone.
    pub kafka_credentials: Vec<Told>,
    /// All publications that were not taken back.
    pub publications: Vec<Publication>,
    /// Declared event addresses.
    pub addresses: Vec<String>,
    /// What payloads must look like.
    pub contracts: Arc<Contracts>,
}

impl Mesh {
    /// What one agent must do; none for an agent that is unknown or revoked.
    #[must_use]
    pub fn desired(&self, agent: AgentId) -> Option<DesiredState> {
        let agent = self.enrolled().find(|candidate| candidate.id == agent)?;
        let site = self.site(agent.site)?;
        let connectors = self.connectors(agent.id);
        let policy = self.policy(&connectors);
        let (decoding, connectors) = connectors.into_iter().partition(decodes);
        Some(DesiredState {
            min_version: min_version(&policy, &self.contracts),
            environment: self.environment.id,
            agent: agent.id,
            generation: self.environment.policy.generation,
            revision: self.environment.policy.revision,
            site: SiteState {
                id: site.id,
                name: site.spec.name.clone(),
                region: site.spec.region.clone(),
                labels: site.spec.labels.clone(),
            },
            keys: Keys { policy: self.policy_keys.clone() },
            policy,
            contracts: (*self.contracts).clone(),
            listeners: self.plain_listeners(site.id),
            tls_listeners: self.tls_listeners(site.id),
            certificates: self.certificates_at(site.id),
            fabric: self.fabric(agent, site),
            brokers: self.brokers_of(site.id),
            surveyed: self.surveyed_at(site.id),
            connectors,
            decoding,
            queues: self.queues_of(agent.id),
            owner: self.owner_beside(agent),
            durable_interest: self.durable_interest(),
            observe: Observe { addresses: self.addresses.clone() },
            grants: self.grants_of(agent.id),
            kafka_access: self.kafka_access_of(agent.id),
        })
    }

    /// The policy of the whole mesh as the decision function takes it, for previews: routes' principals included.
    #[must_use]
    pub fn whole_policy(&self) -> Policy {
        self.policy_for(|_| true)
    }

    /// The agent that runs the connectors at a broker: the first enrolled one of the broker's site.
    #[must_use]
    pub fn owner(&self, broker: BrokerId) -> Option<AgentId> {
        self.owner_at(self.brokers.iter().find(|candidate| candidate.id == broker)?.spec.site)
    }

    /// The agent that owns what is at a site once: the first enrolled one there. One that took another's place counts as old
    /// as that one.
    #[must_use]
    pub fn owner_at(&self, site: SiteId) -> Option<AgentId> {
        self.enrolled_at(site).min_by_key(|agent| (agent.line(), agent.id)).map(|agent| agent.id)
    }

    /// Whether an agent has what other agents of its site send clients for.
    #[must_use]
    pub fn has_others_ask(&self, agent: AgentId) -> bool {
        let site = self.enrolled().find(|found| found.id == agent).map(|found| found.site);
        site.is_some_and(|site| self.owner_at(site) == Some(agent) && self.enrolled_at(site).nth(1).is_some())
    }

    /// The agent that runs a route's sink; none = the route has none, or nobody can run it.
    #[must_use]
    pub fn sink_owner(&self, route: &Route) -> Option<AgentId> {
        match &route.spec.to {
            To::Mesh => None,
            To::Kafka { broker, .. } => self.owner(*broker),
            To::Webhook(webhook) => self.owner_at(webhook.site),
        }
    }

    fn enrolled(&self) -> impl Iterator<Item = &Agent> {
        self.agents.iter().filter(|agent| agent.state == State::Enrolled)
    }

    fn enrolled_at(&self, site: SiteId) -> impl Iterator<Item = &Agent> {
        self.enrolled().filter(move |agent| agent.site == site)
    }

    /// The owner at an agent's site, when that is another one.
    fn owner_beside(&self, agent: &Agent) -> Option<Owner> {
        let owner = self.owner_at(agent.site).filter(|owner| *owner != agent.id)?;
        let owner = self.enrolled().find(|found| found.id == owner)?;
        let here = self.queues.iter().filter(|queue| queue.spec.site == agent.site);
        let mut queues: Vec<String> = here.map(|queue| queue.spec.name.clone()).collect();
        queues.sort();
        Some(Owner { agent: owner.id, listeners: self.reached(owner), queues })
    }

    fn site(&self, id: SiteId) -> Option<&Site> {
        self.sites.iter().find(|site| site.id == id)
    }

    /// Clients may appear at any site, so every agent knows all of them; a route's identity only where it publishes
    /// or takes.
    fn policy(&self, connectors: &[Connector]) -> Policy {
        self.policy_for(|principal| connectors.iter().any(|connector| connector.principal == principal))
    }

    fn policy_for(&self, runs_here: impl Fn(PrincipalId) -> bool) -> Policy {
        let here = |principal: &&Principal| principal.kind != Kind::Route || runs_here(principal.id);
        let granted = self.granted();
        let state = |principal: &Principal| principal_state(principal, Granted::to(principal, &granted));
        let mut principals: Vec<_> = self.principals.iter().filter(here).map(state).collect();
        principals.sort_by_key(|principal| principal.id);
        let mut roles: Vec<_> =
            self.roles.iter().map(|role| PolicyRole { id: role.id, name: role.name.clone() }).collect();
        roles.extend(self.granted_roles());
        roles.sort_by_key(|role| role.id);
        let mut rules: Vec<_> = self.rules.iter().map(|rule| rule.policy.clone()).collect();
        for route in self.routes.iter().filter(|route| runs_here(route.principal)) {
            rules.extend(route_rules(route));
        }
        rules.extend(self.granted_rules());
        rules.sort_by_key(|rule| rule.id);
        let mut scopes: Vec<_> = self.scopes.iter().map(|scope| scope.policy.clone()).collect();
        scopes.sort_by(|a, b| a.name.cmp(&b.name));
        Policy { secret_key: self.environment.secret_key.clone(), principals, roles, rules, scopes }
    }

    fn brokers_of(&self, site: SiteId) -> Vec<BrokerConnection> {
        let here = self.brokers.iter().filter(|broker| broker.spec.site == site);
        let mut brokers: Vec<_> = here.filter_map(broker_state).collect();
        brokers.sort_by_key(|broker| broker.id);
        brokers
    }

    fn surveyed_at(&self, site: SiteId) -> Vec<Surveyed> {
        let here = self.brokers.iter().filter(|broker| broker.spec.site == site && broker.spec.discover);
        let mut surveyed: Vec<_> = here.filter_map(surveyed_state).collect();
        surveyed.sort_by_key(|surveyed| surveyed.id);
        surveyed
    }

    /// A link that is off is not dialled. The endpoint it led to stays: its other links are none of that one's business,
    /// and the link finds it where it was. The agents of a site need no link: all dial its owner.
    fn fabric(&self, agent: &Agent, site: &Site) -> Fabric {
        let is_dialled = self.links.iter().any(|link| link.to == site.id) || self.has_others_ask(agent.id);
        let bind = site.spec.fabric_bind.clone().or_else(|| is_dialled.then(|| FABRIC_BIND.to_owned()));
        let mut dial: Vec<Dial> = Vec::new();
        for link in self.links.iter().filter(|link| link.enabled && link.from == agent.site) {
            let Some(far) = self.site(link.to) else { continue };
            for other in self.enrolled().filter(|other| other.site == far.id) {
                let addresses = match &far.spec.fabric_address {
                    Some(address) => vec![address.clone()],
                    None => other.fabric_addresses.clone(),
                };
                // Not reported yet: it comes with the revision that the report makes.
                if !addresses.is_empty() {
                    dial.push(Dial { link: link.id, agent: other.id, addresses });
                }
            }
        }
        let owner = self.owner_at(site.id).filter(|owner| *owner != agent.id);
        let owner = owner.and_then(|owner| self.enrolled().find(|other| other.id == owner));
        if let Some(owner) = owner.filter(|owner| !owner.fabric_addresses.is_empty()) {
            // No link that somebody made: it has the owner's own id.
            dial.push(Dial { link: owner.id.0.into(), agent: owner.id, addresses: owner.fabric_addresses.clone() });
        }
        dial.sort_by_key(|dial| (dial.link, dial.agent));
        let mut members: Vec<Member> = self
            .enrolled()
            .filter_map(|agent| {
                let site = self.site(agent.site)?;
                let (site_name, region) = (site.spec.name.clone(), site.spec.region.clone());
                let sealing_key = agent.sealing_key.clone();
                let stands_for = agent.stands_for;
                Some(Member { agent: agent.id, site: site.id, site_name, region, sealing_key, stands_for })
            })
            .collect();
        members.sort_by_key(|member| member.agent);
        Fabric { bind, dial, members }
    }

    fn connectors(&self, agent: AgentId) -> Vec<Connector> {
        let mut connectors = Vec::new();
        for route in self.all_routes() {
            let connector = |work| Connector {
                route: route.id,
                name: route.spec.name.clone(),
                generation: route.generation,
                principal: route.principal,
                paused: !route.spec.enabled,
                work,
            };
            if let From::Kafka { broker, topics, template, filter, schemas, start } = &route.spec.from
                && route.spec.enabled
                && self.owner(*broker) == Some(agent)
            {
                connectors.push(connector(ConnectorWork::KafkaSource(KafkaSource {
                    broker: *broker,
                    topics: topics.clone(),
                    template: template.clone(),
                    filter: Some(filter.trim().to_owned()).filter(|filter| !filter.is_empty()),
                    schemas: schemas.and_then(|id| self.registry(id)),
                    start: *start,
                    mode: route.spec.mode,
                })));
            }
            if self.sink_owner(route) == Some(agent) {
                connectors.extend(sink_work(route).map(connector));
            }
        }
        connectors
    }

    /// A schema registry, as a source asks it.
    fn registry(&self, id: BrokerId) -> Option<Surveyed> {
        self.brokers.iter().find(|broker| broker.id == id).and_then(surveyed_state)
    }

    fn durable_interest(&self) -> Vec<DurableInterest> {
        let mut interest = Vec::new();
        for route in self.all_routes() {
            let Some(agent) = self.sink_owner(route) else { continue };
            for filter in route.spec.takes() {
                interest.push(DurableInterest { name: route.spec.name.clone(), agent, filter });
            }
        }
        for queue in self.all_queues() {
            let Some(agent) = self.owner_at(queue.spec.site) else { continue };
            for filter in queue.spec.attracts() {
                interest.push(DurableInterest { name: queue.spec.name.clone(), agent, filter });
            }
        }
        interest
    }

    fn queues_of(&self, agent: AgentId) -> Vec<QueueState> {
        self.all_queues().filter(|queue| self.owner_at(queue.spec.site) == Some(agent)).map(queue_state).collect()
    }

    /// In a lasting order.
    fn all_queues(&self) -> impl Iterator<Item = &Queue> {
        let mut queues: Vec<&Queue> = self.queues.iter().collect();
        queues.sort_by_key(|queue| queue.id);
        queues.into_iter()
    }

    /// In a lasting order.
    fn all_routes(&self) -> impl Iterator<Item = &Route> {
        let mut routes: Vec<&Route> = self.routes.iter().collect();
        routes.sort_by_key(|route| route.id);
        routes.into_iter()
    }
}

/// Whether it reads records by their schemas.
fn decodes(connector: &Connector) -> bool {
    matches!(&connector.work, ConnectorWork::KafkaSource(source) if source.schemas.is_some())
}

/// What takes a route's events off the mesh.
fn sink_work(route: &Route) -> Option<ConnectorWork> {
    let filters = route.spec.takes();
    match &route.spec.to {
        To::Mesh => None,
        To::Kafka { broker, topic, key } => Some(ConnectorWork::KafkaSink(KafkaSink {
            broker: *broker,
            filters,
            topic: topic.clone(),
            key: Some(key.clone()).filter(|key| !key.is_empty()),
        })),
        To::Webhook(webhook) => Some(ConnectorWork::WebhookSink(WebhookSink {
            filters,
            url: webhook.url.clone(),
            format: webhook.format,
            secret: webhook.secret.clone(),
            ca_pem: webhook.ca_pem.clone(),
            timeout_ms: webhook.timeout_ms,
            concurrency: webhook.concurrency,
            deliveries_max: webhook.deliveries_max,
            private_addresses: webhook.private_addresses,
        })),
    }
}

/// The rules of a route's own principal: exactly what the route says.
#[must_use]
pub fn route_rules(route: &Route) -> Vec<Rule> {
    let publishes = route.spec.publishes().into_iter().map(|filter| (Action::Publish, filter));
    let takes = route.spec.takes().into_iter().map(|filter| (Action::Subscribe, filter));
    // A connector opens a session like every client. The filter of a connect rule is not consulted.
    let connects = std::iter::once((Action::Connect, everything()));
    (0u32..)
        .zip(publishes.chain(takes).chain(connects))
        .map(|(index, (action, filter))| Rule {
            id: derived_rule_id(route.id, index),
            subject: Subject::Principal(route.principal),
            action,
            effect: Effect::Allow,
            filter,
            sites: Vec::new(),
        })
        .collect()
}

fn everything() -> Filter {
    Filter::mesh(">").expect("a valid filter")
}

/// A rule nobody wrote still needs an id that stays the same: a hash of what it derives from (UUID version 8).
fn derived_rule_id(route: RouteId, index: u32) -> RuleId {
    let mut hasher = Sha256::new();
    hasher.update(b"meshport/route-rule/v1\0");
    hasher.update(route.0.as_bytes());
    hasher.update(index.to_be_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize()[..16]);
    RuleId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// Names of sites, for pages.
#[must_use]
pub fn site_names(sites: &[Site]) -> BTreeMap<SiteId, String> {
    sites.iter().map(|site| (site.id, site.spec.name.clone())).collect()
}

#[cfg(test)]
mod tests;
