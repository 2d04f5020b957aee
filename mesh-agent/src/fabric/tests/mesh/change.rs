//! Changes of policy and of desired state while the mesh runs.

use mesh_protocol::deny_list::DenyList;
use mesh_protocol::desired::{DurableInterest, Scope};

use super::{Mesh, agent, filter, site};

impl Mesh {
    /// Desired state says so, at every agent.
    pub(in crate::fabric::tests) fn want_durably(&mut self, index: usize, text: &str) {
        for node in &mut self.nodes {
            let interest = DurableInterest { name: "sink".to_owned(), agent: agent(index), filter: filter(text) };
            node.target.durable_interest.push(interest);
            if let Some(running) = &node.running {
                running.fabric().update(node.target.section.clone(), node.target.durable_interest.clone());
            }
        }
    }

    /// One agent learns that another is revoked.
    pub(in crate::fabric::tests) fn revoke_at(&self, index: usize, revoked: usize) {
        let list = DenyList { agents: vec![agent(revoked)], ..DenyList::default() };
        self.nodes[index].running().enforcer.apply_deny_list(list);
    }

    /// One agent gets a newer policy: these topics stay at its own site.
    pub(in crate::fabric::tests) fn confine_at(&self, index: usize, text: &str) {
        let scope =
            Scope { name: "confined".to_owned(), filter: filter(text), sites: vec![site(index)], regions: Vec::new() };
        let node = &self.nodes[index];
        node.running().enforcer.apply(node.enforced(2, vec![scope]));
    }

    /// An agent that runs already is no member yet.
    pub(in crate::fabric::tests) fn dismiss(&mut self, index: usize) {
        let members = &self.nodes[0].target.section.members;
        self.away.extend(members.iter().find(|member| member.agent == agent(index)).cloned());
        for node in &mut self.nodes {
            node.target.section.members.retain(|member| member.agent != agent(index));
        }
        self.tell_members();
    }

    /// One agent is lost, and one that was no member has its place now.
    pub(in crate::fabric::tests) fn replace(&mut self, lost: usize, by: usize) {
        let at = self.away.iter().position(|member| member.agent == agent(by)).expect("it was dismissed");
        let mut next = self.away.remove(at);
        next.stands_for = Some(agent(lost));
        for node in &mut self.nodes {
            node.target.section.members.retain(|member| member.agent != agent(lost));
            node.target.section.members.push(next.clone());
        }
        self.tell_members();
    }

    fn tell_members(&self) {
        for node in &self.nodes {
            if let Some(running) = &node.running {
                running.enforcer.apply(node.enforced(2, Vec::new()));
                running.fabric().update(node.target.section.clone(), node.target.durable_interest.clone());
            }
        }
    }
}
