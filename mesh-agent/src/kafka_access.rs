//! Users of grants at Kafka clusters: they are as the document wants them, and each says on a line of its own whether it is so.
//!
//! ```text
//! the document, every few minutes, somebody's end -> what does the cluster hold? -> plan -> done? every user has its line
//!                                                        ^                         |
//!                                                        '------- do it <----------'
//! ```
//! What was done is believed only when the cluster shows it. Users are told from all others by the prefix of their names
//! ([`KafkaAccess::prefix`]), and nobody without it is ever touched (`plan`). Passwords come salted, as the cluster takes them, so
//! that the agent never knows one, and sealed, so that nobody else can open one (`password`).

mod cluster;
mod password;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::desired::{BrokerConnection, KafkaAccess, KafkaUser, KafkaUserRef};
use mesh_protocol::report::PartRef;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::identity::Identity;
use crate::kafka::secret::Secrets;
use crate::part::{self, StartError, Update};
use crate::reconcile::PartSpec;
use crate::status::{Board, PartHandle, now_ms};
use crate::task::Tasks;
use cluster::{Cluster, Failures};
use password::Opener;
use plan::Plan;

/// Pause between two looks when all is as it is wanted: what others change is mended within it.
const INTERVAL: Duration = Duration::from_secs(180);
/// Pause after something could not be done.
const RETRY: Duration = Duration::from_secs(10);
/// Pause before a look at what was just done: a broker learns of it from the controller.
const SETTLE: Duration = Duration::from_millis(200);
/// So often what was done is looked at until it shows.
const ROUNDS: u32 = 25;

/// The users of one cluster at work.
#[derive(Debug)]
pub struct Running {
    tasks: Tasks,
    broker: BrokerConnection,
    wanted: watch::Sender<KafkaAccess>,
}

/// Begins to keep the users of one cluster. `line` is that of all of them together; `identity` has the keys of the moment, which
/// open passwords.
///
/// # Errors
/// What is wrong with the broker connection, and what to do.
pub fn start(
    access: &KafkaAccess,
    broker: &BrokerConnection,
    secrets: &dyn Secrets,
    identity: watch::Receiver<Arc<Identity>>,
    board: Board,
    line: Arc<PartHandle>,
) -> Result<Running, StartError> {
    let cluster = Cluster::new(broker, secrets)?;
    let (wanted, targets) = watch::channel(access.clone());
    let tasks = Tasks::new("kafka-access");
    let keeper = Keeper { cluster, identity, board, line, lines: BTreeMap::new(), set: BTreeSet::new() };
    tasks.spawn_until_stopped("users", keeper.run(targets));
    Ok(Running { tasks, broker: broker.clone(), wanted })
}

#[async_trait]
impl part::Running for Running {
    fn ended(&self) -> CancellationToken {
        self.tasks.token()
    }

    async fn update(&mut self, spec: &PartSpec) -> Update {
        match spec {
            PartSpec::KafkaAccess(access, broker) if *broker == self.broker => {
                self.wanted.send_replace(access.clone());
                Update::Done
            }
            _ => Update::Restart,
        }
    }

    async fn stop(self: Box<Self>, deadline: Duration) {
        self.tasks.stop(deadline).await;
    }
}

struct Keeper {
    cluster: Cluster,
    identity: watch::Receiver<Arc<Identity>>,
    board: Board,
    line: Arc<PartHandle>,
    /// One for each user, as the document in force wants it: what was said about an older one goes with its line.
    lines: BTreeMap<KafkaUserRef, PartHandle>,
    /// Whose password was set as it is wanted: it cannot be read, so each is set once.
    set: BTreeSet<KafkaUserRef>,
}

impl Keeper {
    async fn run(mut self, mut targets: watch::Receiver<KafkaAccess>) {
        loop {
            let access = targets.borrow_and_update().clone();
            self.take_lines(&access);
            let pause = tokio::select! {
                pause = self.look(&access) => pause,
                changed = targets.changed() => if changed.is_ok() { continue } else { return },
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = targets.changed() => if changed.is_err() { return },
            }
        }
    }

    fn take_lines(&mut self, access: &KafkaAccess) {
        let wanted: BTreeSet<KafkaUserRef> = access.users.iter().map(KafkaUser::reference).collect();
        self.lines.retain(|user, _| wanted.contains(user));
        self.set.retain(|user| wanted.contains(user));
        for user in wanted {
            self.lines.entry(user).or_insert_with(|| self.board.part(PartRef::KafkaUser(user)));
        }
    }

    /// Brings the cluster to what is wanted, and says of each user how it is. Gives the pause until the next look.
    async fn look(&mut self, access: &KafkaAccess) -> Duration {
        match self.bring(access).await {
            Ok((plan, failures)) => self.tell(access, &plan, &failures),
            Err(reason) => {
                tracing::warn!(reason, "users of grants cannot be kept at a cluster");
                self.line.failing(reason.clone());
                self.lines.values().for_each(|line| line.failing(reason.clone()));
                RETRY
            }
        }
    }

    /// Does what is planned until the cluster shows it: what was left to do, and what could not be done.
    async fn bring(&mut self, access: &KafkaAccess) -> Result<(Plan, Failures), String> {
        let mut connection = self.cluster.connect().await?;
        let mut failures = Failures::new();
        for round in 0..ROUNDS {
            let held = self.cluster.held(&mut connection).await?;
            let identity = self.identity.borrow().clone();
            let opener = Opener::new(&identity, access.broker);
            let plan = Plan::of(access, &held, &self.set, now_ms(), |user| opener.open(user));
            let is_last = round + 1 == ROUNDS;
            if plan.is_done() || is_last || !failures.is_empty() {
                return Ok((plan, failures));
            }
            failures = self.cluster.perform(&mut connection, &plan).await?;
            let set = plan.set.iter().map(|(name, _)| name).filter(|name| !failures.contains_key(*name));
            for name in set {
                let users = access.users.iter().filter(|user| user.username == *name);
                self.set.extend(users.map(KafkaUser::reference));
            }
            tokio::time::sleep(SETTLE).await;
        }
        Err("the cluster was not looked at".to_owned())
    }

    fn tell(&self, access: &KafkaAccess, plan: &Plan, failures: &Failures) -> Duration {
        for user in &access.users {
            let Some(line) = self.lines.get(&user.reference()) else { continue };
            match trouble(&user.username, plan, failures) {
                Some(reason) => line.failing(reason),
                None => line.running(),
            }
        }
        self.line.figure("users", access.users.iter().filter(|user| user.is_present(now_ms())).count() as u64);
        let troubled = failures.values().map(String::as_str).chain(plan.stuck.values().copied()).next();
        match troubled {
            Some(reason) => self.line.failing(reason),
            None if plan.is_done() => self.line.running(),
            None => self.line.failing(NOT_SHOWN),
        }
        if troubled.is_some() || !plan.is_done() { RETRY } else { pause(access) }
    }
}

const NOT_SHOWN: &str = "the cluster took the change and does not show it yet; it is looked at again";

/// Why a user is not as it is wanted; none = it is.
fn trouble(username: &str, plan: &Plan, failures: &Failures) -> Option<String> {
    let failed = failures.get(username).map(String::as_str);
    let stuck = failed.or_else(|| plan.stuck.get(username).copied());
    stuck.or_else(|| plan.concerns(username).then_some(NOT_SHOWN)).map(str::to_owned)
}

/// Until the next look: nobody stays after their end.
fn pause(access: &KafkaAccess) -> Duration {
    let now = now_ms();
    let ends = access.users.iter().filter(|user| user.present).filter_map(|user| user.expires_at_ms);
    let next = ends.filter(|ends| *ends > now).min().and_then(|ends| u64::try_from(ends - now).ok());
    next.map_or(INTERVAL, |next| INTERVAL.min(Duration::from_millis(next)))
}
