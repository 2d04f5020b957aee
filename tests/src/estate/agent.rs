//! The estate's agent: the control session of a real one, with nothing behind it but what it is told to say.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use demo::agent::Agent;
use demo::wait::until;
use mesh_agent::control::facts::Facts;
use mesh_agent::control::ledger::{Ledger, Owner};
use mesh_agent::control::outbox::{NotTaken, Outbox};
use mesh_agent::control::session::{Desk, Request, Session, SessionState};
use mesh_agent::control::standing::LedgerHandle;
use mesh_agent::counters::Counters;
use mesh_agent::identity::Identity;
use mesh_agent::status::{Board, now_ms};
use mesh_agent::task::Tasks;
use mesh_protocol::report::Report;
use mesh_protocol::wire::ToControl;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::folder;
use crate::SOON;
use crate::mesh::Mesh;

/// Pause while the portal has not taken what was said before.
const PAUSE: Duration = Duration::from_millis(50);

/// Connected until it is dropped.
#[derive(Debug)]
pub(super) struct EstateAgent {
    outbox: Outbox,
    tasks: Tasks,
    // What the session listens to: it ends when these are gone.
    _identity: watch::Sender<Arc<Identity>>,
    _applied: watch::Sender<Option<mesh_protocol::wire::Revision>>,
    _links: watch::Sender<Vec<mesh_protocol::report::LinkState>>,
}

/// Nobody asks an estate for events.
#[derive(Debug)]
struct Deaf;

impl Desk for Deaf {
    fn take(&self, _: Request, _: &mpsc::Sender<ToControl>) {}
}

impl EstateAgent {
    /// Joins and connects.
    pub(super) async fn join(mesh: &Mesh, site: &Value, path: &Path) -> anyhow::Result<Self> {
        Agent::join(&mesh.api, site, "estate-1", path).await?;
        let home = folder(path)?;
        let identity = Identity::load(&home).context("read the agent's identity")?;
        let owner = Owner {
            agent: identity.agent,
            environment: identity.environment,
            enrolled_keys: identity.enrolled_policy_keys(),
        };
        let tasks = Tasks::new("estate");
        let ledger = LedgerHandle::start(Ledger::open(home.ledger().context("open the ledger")?, owner), &tasks);
        let (counters, board) = (Counters::default(), Board::default());
        let outbox = Outbox::new(&counters);
        let identity = watch::Sender::new(Arc::new(identity));
        let (applied, links) = (watch::Sender::new(None), watch::Sender::new(Vec::new()));
        let facts = Facts {
            standing: ledger.standing(),
            applied: applied.subscribe(),
            links: links.subscribe(),
            identity: identity.subscribe(),
            board_changes: board.changes(),
            board,
            counters,
            started_at_ms: now_ms(),
        };
        let session = Session {
            identity: identity.subscribe(),
            ledger,
            outbox: outbox.clone(),
            facts,
            desk: Arc::new(Deaf),
            boot: "estate".to_owned(),
        };
        let state = session.start(&tasks);
        until("the estate's agent is connected", SOON, async || {
            Ok(matches!(*state.borrow(), SessionState::Connected { .. }).then_some(()))
        })
        .await?;
        Ok(Self { outbox, tasks, _identity: identity, _applied: applied, _links: links })
    }

    /// Says it, once there is room.
    pub(super) async fn say(&self, report: Report) -> anyhow::Result<()> {
        loop {
            match self.outbox.push(report.clone()) {
                Ok(()) => return Ok(()),
                Err(NotTaken::Full) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error).context("hand over a report"),
            }
        }
    }
}

impl Drop for EstateAgent {
    fn drop(&mut self) {
        self.tasks.token().cancel();
    }
}
