//! Makes the agent do what the ledger says.
//!
//! The reconciler takes no input: it reads what stands, compares it with what runs, and changes the difference. Events
//! only wake it, and a timer runs it anyway. Policy goes first and at once, as one whole; then each part is told its
//! own target. Every part has its own [`runner`], so one that hangs or fails holds up nobody else, and a part whose
//! specification did not change is not touched: its connections stay.

mod plan;
mod runner;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::desired;
use mesh_protocol::policy::CompiledPolicy;
use mesh_protocol::report::PartRef;
use mesh_protocol::wire::Revision;
use tokio::sync::watch;
use tokio::time::interval;

pub use plan::{Part, PartSpec, Plan};

use crate::contract::{Contracts, Ledger};
use crate::control::ledger::Accepted;
use crate::control::standing::Standing;
use crate::part::{Running, StartError};
use crate::policy::{Enforced, Enforcer};
use crate::status::{Board, PartHandle};
use crate::task::Tasks;
use runner::Runner;

/// A look at everything also when nothing woke the reconciler.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// SHA-256 of a secret: tells two apart and nothing else.
pub type Fingerprint = [u8; 32];

/// Starts parts: in the agent the real ones, in tests others.
#[async_trait]
pub trait Starter: Send + Sync + Debug {
    /// Starts one part. The line is the part's own for as long as it is wanted, across restarts.
    async fn start(&self, spec: &PartSpec, line: Arc<PartHandle>) -> Result<Box<dyn Running>, StartError>;

    /// A fingerprint of the secret that a part would be started with now. A part is started anew when it is another one:
    /// a password that somebody mends at this machine must work without a restart of the agent or an edit in the portal.
    fn secret(&self, spec: &PartSpec) -> Option<Fingerprint> {
        let _ = spec;
        None
    }

    /// A document is in force: for what all parts share (declared addresses, members), before any part is told.
    async fn document(&self, accepted: &Accepted) {
        let _ = accepted;
    }
}

/// See the module.
#[derive(Debug)]
pub struct Reconciler {
    standing: watch::Receiver<Standing>,
    applied: watch::Sender<Option<Revision>>,
    enforcer: Arc<Enforcer>,
    starter: Arc<dyn Starter>,
    board: Board,
    tasks: Tasks,
    runners: BTreeMap<Part, Runner>,
    enforced_digest: Option<String>,
    /// Kept as they are until they change: those of many schemas are dear to compile.
    contracts: Option<(desired::Contracts, Arc<Contracts>)>,
    denied_number: u64,
}

impl Reconciler {
    /// A reconciler that has nothing running and denies all.
    #[must_use]
    pub fn new(
        standing: watch::Receiver<Standing>,
        enforcer: Arc<Enforcer>,
        starter: Arc<dyn Starter>,
        board: Board,
    ) -> Self {
        Self {
            standing,
            applied: watch::Sender::new(None),
            enforcer,
            starter,
            board,
            tasks: Tasks::new("parts"),
            runners: BTreeMap::new(),
            enforced_digest: None,
            contracts: None,
            denied_number: 0,
        }
    }

    /// What is enforced, for the status.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<Option<Revision>> {
        self.applied.subscribe()
    }

    /// Reconciles until cancelled, then stops all parts: first those that take in, last the fabric.
    pub async fn run(mut self, token: tokio_util::sync::CancellationToken, deadline: Duration) {
        let mut timer = interval(LOOK_INTERVAL);
        loop {
            tokio::select! {
                () = token.cancelled() => break,
                _ = timer.tick() => {}
                Ok(()) = self.standing.changed() => {}
            }
            self.look().await;
        }
        self.stop(deadline).await;
    }

    async fn look(&mut self) {
        let standing = self.standing.borrow_and_update().clone();
        if standing.deny_list.number > self.denied_number {
            self.denied_number = standing.deny_list.number;
            self.enforcer.apply_deny_list((*standing.deny_list).clone());
        }
        let Some(accepted) = standing.accepted else { return };
        // Before anybody may publish by the new policy, everything it wants durably has somebody who answers.
        self.starter.document(&accepted).await;
        self.enforce(&accepted);
        let wanted = plan::parts(&accepted.state);
        let running = self.runners.iter().map(|(part, runner)| (*part, runner.spec())).collect();
        self.apply(plan::diff(&running, wanted));
        self.applied.send_if_modified(|applied| {
            let news = *applied != Some(accepted.revision);
            *applied = Some(accepted.revision);
            news
        });
    }

    /// Puts the document's policy into force, unless it is.
    fn enforce(&mut self, accepted: &Accepted) {
        if self.enforced_digest.as_ref() == Some(&accepted.digest) {
            return;
        }
        match self.compile(accepted) {
            Ok(enforced) => {
                self.enforcer.apply(enforced);
                self.enforced_digest = Some(accepted.digest.clone());
                tracing::info!(revision = accepted.revision.revision, "policy in force");
            }
            // The ledger compiled it before accepting, so this is a defect; the previous policy stays.
            Err(error) => tracing::error!(error, "an accepted policy does not compile"),
        }
    }

    fn compile(&mut self, accepted: &Accepted) -> Result<Enforced, String> {
        let section = &accepted.state.contracts;
        let contracts = match &self.contracts {
            Some((known, contracts)) if known == section => contracts.clone(),
            _ => {
                let contracts = Arc::new(Contracts::compile(section, self.enforcer.ledger())?);
                self.contracts = Some((section.clone(), contracts.clone()));
                contracts
            }
        };
        enforced_with(accepted, contracts)
    }

    fn apply(&mut self, plan: Plan) {
        for part in plan.stop {
            // It stops on its own time, and so frees its port or group for whoever comes next.
            drop(self.runners.remove(&part));
        }
        for (part, spec) in plan.change {
            if let Some(runner) = self.runners.get(&part) {
                runner.retarget(spec);
            }
        }
        for (part, spec) in plan.start {
            let line = Arc::new(self.board.part(PartRef::from(part)));
            self.runners.insert(part, Runner::start(spec, self.starter.clone(), line, &self.tasks));
        }
    }

    async fn stop(mut self, deadline: Duration) {
        for stage in plan::STOP_STAGES {
            let (now, later) = self.runners.into_iter().partition(|(part, _)| stage(*part));
            self.runners = later;
            futures::future::join_all(BTreeMap::into_values(now).map(|runner: Runner| runner.stop(deadline))).await;
        }
        self.tasks.stop(deadline).await;
    }
}

/// The document as decisions need it.
///
/// # Errors
/// What in it does not compile.
pub fn enforced(accepted: &Accepted) -> Result<Enforced, String> {
    let contracts = Contracts::compile(&accepted.state.contracts, &Ledger::default())?;
    enforced_with(accepted, Arc::new(contracts))
}

fn enforced_with(accepted: &Accepted, contracts: Arc<Contracts>) -> Result<Enforced, String> {
    let state = &accepted.state;
    let policy = CompiledPolicy::compile(&state.policy, &state.site).map_err(|error| error.to_string())?;
    let members = state.fabric.members.iter().map(|member| (member.agent, member.clone())).collect();
    let certificates = state.certificates.iter().map(|known| (known.fingerprint, known.principal)).collect();
    Ok(Enforced { revision: accepted.revision, site: state.site.clone(), policy, members, certificates, contracts })
}

#[cfg(test)]
mod tests;
