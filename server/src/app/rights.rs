//! What policy permits, for the evidence beside what was observed: the same decision function the agents use, over the
//! whole policy, at each flow's own site.

use std::collections::HashMap;

use mesh_protocol::id::{PrincipalId, SiteId};
use mesh_protocol::policy::{Action, CompiledPolicy, Effect, Session, Subject};
use mesh_protocol::report::Direction;
use mesh_protocol::topic::{Filter, Topic};

use super::observed::World;
use crate::domain::flow::Flow;
use crate::domain::principal::{Kind, Principal};

/// Answers by site and client, each compiled once.
pub(super) struct Rights<'a> {
    world: &'a World,
    policies: HashMap<SiteId, Option<CompiledPolicy>>,
    sessions: HashMap<(SiteId, PrincipalId, String), Option<Session>>,
}

impl<'a> Rights<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        Self { world, policies: HashMap::new(), sessions: HashMap::new() }
    }

    /// Whether policy permits what this flow does, now. The mesh's own traffic needs no rule.
    pub(super) fn permits(&mut self, flow: &Flow) -> bool {
        let Some(principal) = flow.principal else { return true };
        let Some(site) = self.world.fleet.agent(flow.agent).map(|agent| agent.site) else { return false };
        let Ok(topic) = Topic::new(&flow.example_topic) else { return false };
        let Some(session) = self.session(site, principal, &flow.client_id) else { return false };
        match flow.direction {
            Direction::Produce => session.decide_publish(&topic).is_allowed(),
            Direction::Consume => {
                let asked = Filter::mesh(&flow.example_topic);
                asked.is_ok_and(|filter| session.decide_subscribe(&filter).is_allowed()) && session.may_receive(&topic)
            }
        }
    }

    fn session(&mut self, site: SiteId, principal: PrincipalId, client_id: &str) -> Option<&Session> {
        let key = (site, principal, client_id.to_owned());
        if !self.sessions.contains_key(&key) {
            let now_ms = self.world.now_ms();
            let made = self.policy(site).and_then(|policy| policy.session(principal, client_id, now_ms).ok());
            self.sessions.insert(key.clone(), made);
        }
        self.sessions.get(&key).and_then(Option::as_ref)
    }

    fn policy(&mut self, site: SiteId) -> Option<&CompiledPolicy> {
        let mesh = &self.world.config.mesh;
        let made = self.policies.entry(site).or_insert_with(|| {
            let found = mesh.sites.iter().find(|found| found.id == site)?;
            let place = mesh_protocol::desired::Site {
                id: found.id,
                name: found.spec.name.clone(),
                region: found.spec.region.clone(),
                labels: found.spec.labels.clone(),
            };
            CompiledPolicy::compile(&mesh.whole_policy(), &place).ok()
        });
        made.as_ref()
    }
}

/// Clients that policy lets do something inside an address, by rules without variables.
pub(super) fn granted<'a>(address: &Filter, action: Action, world: &'a World) -> Vec<&'a Principal> {
    let mesh = &world.config.mesh;
    let grants = |rule: &mesh_protocol::policy::Rule, principal: &Principal| {
        rule.effect == Effect::Allow
            && rule.action == action
            && rule.filter.overlaps(address)
            && match rule.subject {
                Subject::Anyone => false,
                Subject::Principal(id) => id == principal.id,
                Subject::Role(id) => principal.roles.contains(&id),
            }
    };
    let clients = mesh.principals.iter().filter(|principal| principal.kind == Kind::Client);
    clients.filter(|principal| mesh.rules.iter().any(|rule| grants(&rule.policy, principal))).collect()
}
