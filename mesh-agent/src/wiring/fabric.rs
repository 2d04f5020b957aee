//! The fabric as a part.

mod news;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mesh_protocol::desired::{DurableInterest, Fabric as Section};
use mesh_protocol::report::LinkState;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use self::news::News;
use super::Shared;
use super::standin::StandIn;
use crate::control::standing::LedgerHandle;
use crate::fabric::{Credentials, DenyLists, Fabric, Parts, Target};
use crate::home::Ports;
use crate::identity::Identity;
use crate::part::{Running, StartError, Update};
use crate::reconcile::PartSpec;
use crate::status::PartHandle;
use crate::task::Tasks;

/// How often a backlog that grows or drains is news.
const BACKLOG_INTERVAL: Duration = Duration::from_secs(2);

/// What the fabric is made of beyond what all parts share.
#[derive(Debug)]
pub(super) struct Deps {
    /// What all parts share.
    pub(super) shared: Shared,
    /// Ports that were chosen once.
    pub(super) ports: Ports,
    /// Where link states are told.
    pub(super) links: watch::Sender<Vec<LinkState>>,
    /// Who answers for other agents while the fabric does not.
    pub(super) stand_in: Arc<StandIn>,
    /// Its line on the board.
    pub(super) line: Arc<PartHandle>,
}

/// The fabric at work, and who stands in for it before and after.
#[derive(Debug)]
struct Links {
    fabric: Fabric,
    target: Target,
    stand_in: Arc<StandIn>,
    tasks: Tasks,
}

/// The ledger's deny list, as the fabric asks for it.
#[derive(Debug)]
struct Revoked(LedgerHandle);

impl DenyLists for Revoked {
    fn number(&self) -> u64 {
        self.0.now(|standing| standing.signed_deny_list.as_ref().map_or(0, |_| standing.deny_list.number))
    }

    fn signed(&self) -> Option<Bytes> {
        let signed = self.0.now(|standing| standing.signed_deny_list.clone())?;
        Some(serde_json::to_vec(&*signed).expect("a document serializes").into())
    }

    fn offer(&self, signed: &[u8]) {
        match serde_json::from_slice(signed) {
            Ok(signed) => self.0.offer_deny_list(signed),
            Err(error) => tracing::warn!(%error, "what another agent calls its deny list is no signed document"),
        }
    }
}

/// Starts the fabric. Its streams go on where they were.
pub(super) fn start(
    section: &Section,
    durable_interest: &[DurableInterest],
    deps: Deps,
) -> Result<Box<dyn Running>, StartError> {
    let Deps { shared, ports, links, stand_in, line } = deps;
    let bind = section.bind.as_deref();
    let listen = bind.map(|bind| ports.choose("fabric", "the link to other sites", bind)).transpose()?;
    let mut identity = shared.identity.clone();
    let known = identity.borrow_and_update().clone();
    let target = Target {
        section: section.clone(),
        durable_interest: durable_interest.to_vec(),
        listen,
        credentials: credentials(&known),
        sealing: known.sealing.clone(),
    };
    let parts = Parts {
        agent: known.agent,
        enforcer: shared.enforcer,
        router: shared.router,
        spool: shared.spool,
        deny_lists: Arc::new(Revoked(shared.ledger)),
        quotas: shared.quotas,
        counters: shared.counters,
        line,
    };
    let fabric = Fabric::start(target.clone(), parts);
    // The fabric knows by now what others want durably.
    stand_in.step_aside();
    let tasks = Tasks::new("fabric wiring");
    tasks.spawn_until_stopped("links", forward(fabric.links(), links));
    let renew = fabric.renewal();
    tasks.spawn_until_stopped("renewal", async move {
        while identity.changed().await.is_ok() {
            let identity = identity.borrow_and_update().clone();
            renew.identity(credentials(&identity), identity.sealing.clone());
        }
    });
    Ok(Box::new(Links { fabric, target, stand_in, tasks }))
}

/// Keeps the links' figures fresh, and wakes who watches only for news.
async fn forward(mut from: watch::Receiver<Vec<LinkState>>, to: watch::Sender<Vec<LinkState>>) {
    let mut news = News::default();
    let mut pace = interval(BACKLOG_INTERVAL);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_time = tokio::select! {
            _ = pace.tick() => true,
            changed = from.changed() => {
                if changed.is_err() {
                    to.send_replace(Vec::new());
                    return;
                }
                false
            }
        };
        let newest = from.borrow_and_update().clone();
        let is_news = news.take(&newest, is_time);
        to.send_if_modified(|told| {
            *told = newest;
            is_news
        });
    }
}

fn credentials(identity: &Identity) -> Credentials {
    Credentials {
        certificate_pem: identity.certificate_pem.clone(),
        key_pem: identity.tls_key_pem.clone(),
        ca_pem: identity.ca_pem.clone(),
    }
}

#[async_trait]
impl Running for Links {
    fn ended(&self) -> CancellationToken {
        self.fabric.ended()
    }

    async fn update(&mut self, spec: &PartSpec) -> Update {
        let PartSpec::Fabric { fabric: section, durable_interest } = spec else { return Update::Restart };
        if section.bind != self.target.section.bind {
            return Update::Restart;
        }
        self.target.section = section.clone();
        self.target.durable_interest.clone_from(durable_interest);
        self.fabric.update(section.clone(), durable_interest.clone());
        Update::Done
    }

    async fn stop(self: Box<Self>, deadline: Duration) {
        self.stand_in.stand();
        self.tasks.stop(Duration::from_secs(1)).await;
        self.fabric.stop(deadline).await;
    }
}
