//! What the portal can be asked, with who asks: every use case is one method here, and every right is enforced here,
//! below all facades. Pages, REST, agents and background work call the same methods.
//!
//! A use case that changes something takes a [`Permit`](permission::Permit), runs in one transaction together with
//! its policy revision and its audit entry, and wakes whoever reconciles. Inputs and answers are the types of
//! `frontend::api`: they are the portal's public language, and a second set that says the same would only drift.

pub mod access;
mod agent;
pub mod application;
pub mod application_domain;
mod asyncapi;
pub mod authority;
pub mod broker;
mod carried;
pub mod catalog;
mod change;
pub mod clock;
pub mod config;
mod contract;
pub mod denial;
pub mod design;
pub mod door;
pub mod edit;
pub mod enrol;
pub mod error;
pub mod fleet;
pub mod flow;
pub mod link;
pub mod listener;
pub mod live;
pub mod login;
pub mod mail;
mod mask;
pub mod notification;
pub mod observed;
pub mod overview;
pub mod ownership;
mod page;
pub mod permission;
pub mod person;
mod plan;
pub mod policy;
pub mod policy_key;
mod presence;
pub mod principal;
mod product;
pub mod queue;
mod reach;
pub mod registry;
mod renewal;
mod replacement;
pub mod report;
mod rights;
pub mod role;
pub mod rollout;
mod roots;
pub mod route;
pub mod rule;
pub mod schema;
pub mod scope;
pub mod search;
pub mod service_token;
mod sight;
pub mod site;
pub mod snapshot;
pub mod subscription;
pub mod team;
pub mod trial;
mod usage;
pub mod webhook;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use mesh_protocol::id::EnvironmentId;
use tokio::sync::Notify;

use crate::store::Store;
use crate::task::Tasks;
pub use authority::Authority;
pub use config::Config;
pub use error::{Error, Result};
pub use mask::Mask;
pub use permission::Caller;

/// The application. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    environment: EnvironmentId,
    authority: Authority,
    config: Config,
    live: live::Live,
    fleet: fleet::Fleet,
    guard: login::Guard,
    rollout: Notify,
    snapshot: ArcSwapOption<snapshot::Snapshot>,
    designs: ArcSwapOption<design::Designs>,
    drift: ArcSwapOption<design::Open>,
    latest: observed::Latest,
    observed_kept: ArcSwapOption<observed::Kept>,
    renewal: renewal::Renewal,
    noted: catalog::Noted,
    search: search::Feed,
    heard: change::Heard,
    errands: Tasks,
    checks: access::Under,
}

impl App {
    /// Puts the application together; on the first start this makes the environment.
    ///
    /// # Errors
    /// The database's, or secrets that belong to another database.
    pub async fn new(store: Store, authority: Authority, config: Config) -> Result<Self> {
        let environment = config::prepare(&store, &authority).await?;
        let app = Self(Arc::new(Inner {
            store,
            environment,
            authority,
            config,
            live: live::Live::default(),
            fleet: fleet::Fleet::default(),
            guard: login::Guard::default(),
            rollout: Notify::new(),
            snapshot: ArcSwapOption::empty(),
            designs: ArcSwapOption::empty(),
            drift: ArcSwapOption::empty(),
            latest: observed::Latest::default(),
            observed_kept: ArcSwapOption::empty(),
            renewal: renewal::Renewal::default(),
            noted: catalog::Noted::default(),
            search: search::Feed::new()?,
            heard: change::Heard::default(),
            errands: Tasks::default(),
            checks: access::Under::default(),
        }));
        app.settle_policy_keys().await?;
        app.settle_registry().await?;
        Ok(app)
    }

    /// What must come to its end although whoever asked for it has gone, so that the audit trail knows of it.
    #[must_use]
    pub fn errands(&self) -> &Tasks {
        &self.0.errands
    }

    /// The certificate authorities and the policy key.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.0.authority
    }

    /// How this portal was started.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Who is told that something changed.
    #[must_use]
    pub fn live(&self) -> &live::Live {
        &self.0.live
    }

    /// The agents that are connected to this process.
    #[must_use]
    pub fn fleet(&self) -> &fleet::Fleet {
        &self.0.fleet
    }

    /// Wakes the rollout; it takes no input, so a wake that is lost only delays.
    pub fn wake_rollout(&self) {
        self.0.rollout.notify_one();
    }

    /// Ends once somebody woke the rollout.
    pub async fn rollout_woken(&self) {
        self.0.rollout.notified().await;
    }

    /// Ends the connections to the database, once the last use case is done.
    pub async fn close(&self) {
        self.store().close().await;
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn environment(&self) -> EnvironmentId {
        self.0.environment
    }
}
