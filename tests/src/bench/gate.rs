//! Lets events in as the fabric does: there is no other way to the spool than through policy.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use mesh_agent::policy::{Enforced, Enforcer};
use mesh_agent::router::Admitted;
use mesh_protocol::desired::{Member, Policy, Site};
use mesh_protocol::event::{self, DeliveryMode, Event, Headers, Origin, Protocol};
use mesh_protocol::id::AgentId;
use mesh_protocol::policy::CompiledPolicy;
use mesh_protocol::secret::SecretKey;
use mesh_protocol::topic::Topic;
use mesh_protocol::wire::Revision;
use uuid::Uuid;

use super::load::PAYLOAD_BYTES;

/// See the module.
pub(super) struct Gate {
    enforcer: Enforcer,
    agent: AgentId,
    event: Event,
}

impl Gate {
    /// For events of the usual size.
    pub(super) fn new() -> anyhow::Result<Self> {
        let (agent, region) = (AgentId(Uuid::from_u128(1)), "eu".to_owned());
        let site =
            Site { id: Uuid::from_u128(2).into(), name: "hq".to_owned(), region: region.clone(), labels: [].into() };
        let policy = Policy {
            secret_key: SecretKey::new([7; 32]),
            principals: Vec::new(),
            roles: Vec::new(),
            rules: Vec::new(),
            scopes: Vec::new(),
        };
        let policy = CompiledPolicy::compile(&policy, &site).context("compile an empty policy")?;
        let site_name = site.name.clone();
        let member = Member { agent, site: site.id, site_name, region, sealing_key: None, stands_for: None };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("read the clock")?;
        let event = Event {
            topic: Topic::new("bench/0").context("name a topic")?,
            payload: vec![0x5a; PAYLOAD_BYTES].into(),
            key: b"pub-0".as_slice().into(),
            headers: Headers::default(),
            mode: DeliveryMode::Guaranteed,
            admitted_at_ms: i64::try_from(now.as_millis()).context("read the clock")?,
            ttl_ms: None,
            origin: Origin { site: site.id, principal: None, protocol: Protocol::Mqtt },
            path: Vec::new(),
            retain: false,
        };
        let enforcer = Enforcer::default();
        let members = [(agent, member)].into_iter().collect();
        let revision = Revision { generation: 1, revision: 1 };
        let certificates = std::iter::empty().collect();
        enforcer.apply(Enforced { revision, site, policy, members, certificates, contracts: Arc::default() });
        Ok(Self { enforcer, agent, event })
    }

    /// Encoded anew, as that of a client would be.
    pub(super) fn event(&self) -> anyhow::Result<Admitted> {
        let encoded = event::encode(&self.event);
        let permit = self.enforcer.permit_peer(self.agent, self.event.clone(), encoded);
        Ok(permit.context("let an event in")?.admit())
    }
}
