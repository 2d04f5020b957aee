//! Grants as agents hold clients to them.
//!
//! A grant is told to every agent at which its clients may come: those of its sites that have a listener. They share its
//! quota, so an agent that is away still has its part.

use mesh_protocol::desired::{Grant, Quota};
use mesh_protocol::id::{AgentId, PrincipalId, SiteId};

use super::super::access::grant::Grant as Given;
use super::super::principal::Kind;
use super::Mesh;

impl Mesh {
    /// The grants that an agent holds clients to, in a lasting order.
    pub(super) fn grants_of(&self, agent: AgentId) -> Vec<Grant> {
        self.in_force().into_iter().filter_map(|(grant, sites)| self.grant_at(grant, &sites, agent)).collect()
    }

    fn grant_at(&self, grant: &Given, sites: &[SiteId], agent: AgentId) -> Option<Grant> {
        let has_listener = |site| self.listeners.iter().any(|listener| listener.spec.site == site);
        let is_for = |site| sites.is_empty() || sites.contains(&site);
        let sharing = self.enrolled().filter(|agent| is_for(agent.site) && has_listener(agent.site));
        let mut agents: Vec<AgentId> = sharing.map(|agent| agent.id).collect();
        agents.sort_unstable();
        let is_its = |kind: Kind, application| kind != Kind::Route && application == Some(grant.application);
        let its = self.principals.iter().filter(|principal| is_its(principal.kind, principal.application));
        let mut principals: Vec<PrincipalId> = its.map(|principal| principal.id).collect();
        principals.sort_unstable();
        let quota = grant.terms.quota;
        (agents.contains(&agent) && !principals.is_empty()).then(|| Grant {
            id: grant.id,
            name: grant.terms.name.clone(),
            principals,
            publish: grant.terms.publish.clone(),
            subscribe: grant.terms.subscribe.clone(),
            quota: Quota { events_per_s: quota.events, bytes_per_s: quota.bytes, burst_s: None },
            agents,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mesh_protocol::id::{ApplicationId, DesignVersionId, PlanId, PublicationId};
    use uuid::Uuid;

    use super::super::super::access::grant::State;
    use super::super::super::access::grant::tests::grant;
    use super::super::super::product::plan::Numbered;
    use super::super::super::product::publication::{Places, Publication};
    use super::super::tests::{agent, mesh, principal};
    use super::*;

    /// Of a plan, of the application with this number.
    fn given(application: u128) -> Given {
        let plan = Numbered { plan: PlanId(Uuid::from_u128(50)), number: 1 };
        Given { application: ApplicationId(Uuid::from_u128(application)), plan: Some(plan), ..grant(State::Active) }
    }

    fn published(sites: &[u128]) -> Publication {
        let sites: BTreeSet<SiteId> = sites.iter().map(|site| SiteId(Uuid::from_u128(*site))).collect();
        Publication {
            id: PublicationId(Uuid::from_u128(60)),
            product: given(5).target,
            version: DesignVersionId(Uuid::from_u128(61)),
            places: Places { sites, ..Places::default() },
            policy_revision: 1,
            withdrawn_at_ms: None,
            revision: 1,
            created_at_ms: 0,
            updated_at_ms: 0,
            updated_by: String::new(),
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
        mesh.grants = vec![given(5)];
        mesh.publications = vec![published(&[])];
        assert_eq!(shared_by(&mesh, 33), [33, 34], "both agents of the site that has a listener");
        assert_eq!(shared_by(&mesh, 11), [0; 0], "no client can come there");
        let grants = mesh.desired(AgentId(Uuid::from_u128(33))).expect("enrolled").grants;
        assert_eq!(grants[0].principals, [PrincipalId(Uuid::from_u128(72))]);
        mesh.publications = vec![published(&[1])];
        assert_eq!(shared_by(&mesh, 33), [0; 0], "the grant is for another site");
        mesh.publications = vec![published(&[])];
        mesh.grants = vec![given(6)];
        assert_eq!(shared_by(&mesh, 33), [0; 0], "nobody uses it");
    }
}
