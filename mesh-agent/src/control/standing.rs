//! The ledger's owner: one task takes documents from the session and tells everybody what stands.
//!
//! Writing to disk blocks, so it happens on a thread for that; one document at a time, in the order they came.

use std::sync::Arc;

use mesh_protocol::deny_list::DenyList;
use mesh_protocol::report::Rejection;
use mesh_protocol::signed::Signed;
use tokio::sync::{mpsc, watch};

use super::ledger::{Acceptance, Accepted, Ledger};
use crate::task::Tasks;

/// Documents waiting to be judged; a session that brings more waits.
const ORDERS_MAX: usize = 4;

/// What the ledger says now.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// What must be enforced; none = deny all.
    pub accepted: Option<Arc<Accepted>>,
    /// The newest deny list.
    pub deny_list: Arc<DenyList>,
    /// The newest document that was not taken, until a later one is.
    pub rejected: Option<Rejection>,
}

/// Gives documents to the ledger and watches what stands. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct LedgerHandle {
    orders: mpsc::Sender<Order>,
    standing: watch::Receiver<Standing>,
}

#[derive(Debug)]
enum Order {
    Desired(Signed),
    DenyList(Signed),
}

impl LedgerHandle {
    /// Starts the owner of this ledger.
    #[must_use]
    pub fn start(ledger: Ledger, tasks: &Tasks) -> Self {
        let (orders, inbox) = mpsc::channel(ORDERS_MAX);
        let first = Standing { accepted: ledger.current(), deny_list: ledger.deny_list(), rejected: ledger.problem() };
        let (say, standing) = watch::channel(first);
        tasks.spawn("ledger", own(ledger, inbox, say, tasks.token()));
        Self { orders, standing }
    }

    /// What stands, and a wake-up when it changes.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Hands over a desired state; the outcome shows in [`LedgerHandle::standing`].
    pub async fn desired(&self, signed: Signed) {
        self.order(Order::Desired(signed)).await;
    }

    /// Hands over a deny list.
    pub async fn deny_list(&self, signed: Signed) {
        self.order(Order::DenyList(signed)).await;
    }

    async fn order(&self, order: Order) {
        if self.orders.send(order).await.is_err() {
            tracing::debug!("a document came while the agent stops");
        }
    }
}

async fn own(
    mut ledger: Ledger,
    mut inbox: mpsc::Receiver<Order>,
    say: watch::Sender<Standing>,
    token: tokio_util::sync::CancellationToken,
) {
    while let Some(Some(order)) = token.run_until_cancelled(inbox.recv()).await {
        // Not cancelled midway: a document is on disk whole or not at all either way, but the answer should be told.
        let judged = tokio::task::spawn_blocking(move || {
            let change = judge(&mut ledger, order);
            (ledger, change)
        });
        let change;
        (ledger, change) = judged.await.expect("judging a document does not panic");
        say.send_if_modified(|standing| change.apply(standing));
    }
}

/// What a document changed.
enum Change {
    Nothing,
    Accepted(Arc<Accepted>),
    DenyList(Arc<DenyList>),
    Rejected(Rejection),
}

impl Change {
    fn apply(self, standing: &mut Standing) -> bool {
        match self {
            Self::Nothing => return false,
            Self::Accepted(accepted) => {
                standing.accepted = Some(accepted);
                standing.rejected = None;
            }
            Self::DenyList(list) => standing.deny_list = list,
            Self::Rejected(rejection) => {
                let repeated = standing.rejected.as_ref() == Some(&rejection);
                standing.rejected = Some(rejection);
                return !repeated;
            }
        }
        true
    }
}

fn judge(ledger: &mut Ledger, order: Order) -> Change {
    let judged = match order {
        Order::Desired(signed) => ledger.accept(&signed).map(|acceptance| match acceptance {
            Acceptance::New(accepted) => Change::Accepted(accepted),
            Acceptance::Unchanged => Change::Nothing,
        }),
        Order::DenyList(signed) => ledger.accept_deny_list(&signed).map(|newer| match newer {
            true => Change::DenyList(ledger.deny_list()),
            false => Change::Nothing,
        }),
    };
    match &judged {
        Ok(Change::Accepted(accepted)) => {
            tracing::info!(revision = accepted.revision.revision, "desired state accepted");
        }
        Ok(Change::DenyList(list)) => tracing::info!(number = list.number, "deny list accepted"),
        Ok(_) => {}
        Err(rejection) => tracing::warn!(kind = ?rejection.kind, reason = rejection.reason, "document rejected"),
    }
    judged.unwrap_or_else(Change::Rejected)
}
