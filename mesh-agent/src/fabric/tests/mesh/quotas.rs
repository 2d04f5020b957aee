//! Quotas that nodes share.

use mesh_protocol::desired::{Grant, Quota};
use mesh_protocol::id::PrincipalId;
use uuid::Uuid;

use super::{Node, agent, filter};
use crate::quota::{Metered, Quotas};

impl Node {
    /// A client of the one grant there is, whose quota these many nodes share.
    pub(in crate::fabric::tests) fn client(&self, nodes: usize, events_per_s: u32) -> (Metered, Quotas) {
        let principal = PrincipalId(Uuid::from_u128(7));
        let grant = Grant {
            id: Uuid::from_u128(1).into(),
            name: "orders, gold".to_owned(),
            principals: vec![principal],
            publish: vec![filter("orders/>")],
            subscribe: Vec::new(),
            quota: Quota { events_per_s: Some(events_per_s), ..Quota::default() },
            agents: (0..nodes).map(agent).collect(),
        };
        let quotas = self.running.as_ref().expect("it runs").parts.quotas.clone();
        quotas.apply(agent(self.index), &[grant]);
        (quotas.client(principal), quotas)
    }
}
