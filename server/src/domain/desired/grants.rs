//! Grants as agents hold clients to them.
//!
//! A grant is told to every agent at which its clients may come: those of its sites that have a listener. They share its
//! quota, so an agent that is away still has its part.

use mesh_protocol::desired::{Grant, Quota};
use mesh_protocol::id::{AgentId, ApplicationId, GrantId, PrincipalId, SiteId};
use mesh_protocol::topic::Filter;

use super::Mesh;

/// A grant that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Stable id.
    pub id: GrantId,
    /// What it is called in refusals: the product and the plan.
    pub name: String,
    /// Whose principals use it.
    pub application: ApplicationId,
    /// What they publish by it. Without variables.
    pub publish: Vec<Filter>,
    /// What they receive by it. Without variables.
    pub subscribe: Vec<Filter>,
    /// How much; within its bounds.
    pub quota: Quota,
    /// Where; empty = everywhere.
    pub sites: Vec<SiteId>,
}

impl Mesh {
    /// The grants that an agent holds clients to, in a lasting order.
    pub(super) fn grants_of(&self, agent: AgentId) -> Vec<Grant> {
        let mut grants: Vec<Grant> = self.grants.iter().filter_map(|granted| self.grant_at(granted, agent)).collect();
        grants.sort_by_key(|grant| grant.id);
        grants
    }

    fn grant_at(&self, granted: &Granted, agent: AgentId) -> Option<Grant> {
        let has_listener = |site| self.listeners.iter().any(|listener| listener.spec.site == site);
        let is_for = |site| granted.sites.is_empty() || granted.sites.contains(&site);
        let sharing = self.enrolled().filter(|agent| is_for(agent.site) && has_listener(agent.site));
        let mut agents: Vec<AgentId> = sharing.map(|agent| agent.id).collect();
        agents.sort_unstable();
        let its = self.principals.iter().filter(|principal| principal.application == Some(granted.application));
        let mut principals: Vec<PrincipalId> = its.map(|principal| principal.id).collect();
        principals.sort_unstable();
        (agents.contains(&agent) && !principals.is_empty()).then(|| Grant {
            id: granted.id,
            name: granted.name.clone(),
            principals,
            publish: granted.publish.clone(),
            subscribe: granted.subscribe.clone(),
            quota: granted.quota,
            agents,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{agent, mesh, principal};
    use super::*;
    use crate::domain::principal::Kind;
    use uuid::Uuid;

    fn granted(sites: &[u128]) -> Granted {
        Granted {
            id: GrantId(Uuid::from_u128(1)),
            name: "orders, gold".to_owned(),
            application: ApplicationId(Uuid::from_u128(5)),
            publish: vec![Filter::mesh("orders/>").expect("valid")],
            subscribe: Vec::new(),
            quota: Quota { events_per_s: Some(10), ..Quota::default() },
            sites: sites.iter().map(|site| SiteId(Uuid::from_u128(*site))).collect(),
        }
    }

    fn shared_by(mesh: &Mesh, at: u128) -> Vec<u128> {
        let grants = mesh.desired(AgentId(Uuid::from_u128(at))).expect("enrolled").grants;
        grants.iter().flat_map(|grant| &grant.agents).map(|agent| agent.0.as_u128()).collect()
    }

    #[test]
    fn a_grant_is_told_where_its_clients_may_come() {
        let mut mesh = mesh();
        mesh.principals.push(crate::domain::principal::Principal {
            application: Some(ApplicationId(Uuid::from_u128(5))),
            ..principal(72, Kind::Client)
        });
        mesh.agents.push(agent(34, 3, &[]));
        mesh.grants = vec![granted(&[])];
        assert_eq!(shared_by(&mesh, 33), [33, 34], "both agents of the site that has a listener");
        assert_eq!(shared_by(&mesh, 11), [0; 0], "no client can come there");
        let grants = mesh.desired(AgentId(Uuid::from_u128(33))).expect("enrolled").grants;
        assert_eq!(grants[0].principals, [PrincipalId(Uuid::from_u128(72))]);
        mesh.grants = vec![granted(&[1])];
        assert_eq!(shared_by(&mesh, 33), [0; 0], "the grant is for another site");
        mesh.grants = vec![Granted { application: ApplicationId(Uuid::from_u128(6)), ..granted(&[]) }];
        assert_eq!(shared_by(&mesh, 33), [0; 0], "nobody uses it");
    }
}
