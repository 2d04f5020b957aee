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
    /// The same as it was signed, to be handed on; none = there is none, or the newest is lost.
    pub signed_deny_list: Option<Arc<Signed>>,
    /// The newest document that was not taken, until a later one is.
    pub rejected: Option<Rejection>,
}

impl From<&Ledger> for Standing {
    fn from(ledger: &Ledger) -> Self {
        Self {
            accepted: ledger.current(),
            deny_list: ledger.deny_list(),
            signed_deny_list: ledger.signed_deny_list(),
            rejected: ledger.problem(),
        }
    }
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
    /// Another agent handed it over.
    FromNeighbour(Signed),
}

impl LedgerHandle {
    /// Starts the owner of this ledger.
    #[must_use]
    pub fn start(ledger: Ledger, tasks: &Tasks) -> Self {
        let (orders, inbox) = mpsc::channel(ORDERS_MAX);
        let (say, standing) = watch::channel(Standing::from(&ledger));
        tasks.spawn("ledger", own(ledger, inbox, say, tasks.token()));
        Self { orders, standing }
    }

    /// What stands, and a wake-up when it changes.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Something of what stands now.
    pub fn now<T>(&self, read: impl FnOnce(&Standing) -> T) -> T {
        read(&self.standing.borrow())
    }

    /// Hands over a desired state; the outcome shows in [`LedgerHandle::standing`].
    pub async fn desired(&self, signed: Signed) {
        self.order(Order::Desired(signed)).await;
    }

    /// Hands over a deny list.
    pub async fn deny_list(&self, signed: Signed) {
        self.order(Order::DenyList(signed)).await;
    }

    /// Offers a deny list that another agent handed over; it is judged like the portal's. Never waits: when the ledger is
    /// busy the list is not taken, and comes again.
    pub fn offer_deny_list(&self, signed: Signed) {
        if self.orders.try_send(Order::FromNeighbour(signed)).is_err() {
            tracing::debug!("a deny list came while the ledger is busy");
        }
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
    /// A desired state was accepted, or a deny list that was lost is back: all of it is told anew.
    Stands(Standing),
    DenyList(Arc<DenyList>, Option<Arc<Signed>>),
    Rejected(Rejection),
}

impl Change {
    fn apply(self, standing: &mut Standing) -> bool {
        match self {
            Self::Nothing => return false,
            Self::Stands(now) => *standing = now,
            Self::DenyList(list, signed) => (standing.deny_list, standing.signed_deny_list) = (list, signed),
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
        Order::Desired(signed) => desired(ledger, &signed),
        Order::DenyList(signed) => deny_list(ledger, &signed),
        // What another agent makes up is not what the portal must hear that this one rejects.
        Order::FromNeighbour(signed) => deny_list(ledger, &signed).or_else(|rejection| {
            tracing::warn!(reason = rejection.reason, "another agent's deny list is not taken");
            Ok(Change::Nothing)
        }),
    };
    judged.unwrap_or_else(|rejection| {
        tracing::warn!(kind = ?rejection.kind, reason = rejection.reason, "document rejected");
        Change::Rejected(rejection)
    })
}

fn desired(ledger: &mut Ledger, signed: &Signed) -> Result<Change, Rejection> {
    match ledger.accept(signed)? {
        Acceptance::New(accepted) => {
            tracing::info!(revision = accepted.revision.revision, "desired state accepted");
            // Not the document itself: while the deny list is lost, nothing is enforced all the same.
            Ok(Change::Stands(Standing::from(&*ledger)))
        }
        Acceptance::Unchanged => Ok(Change::Nothing),
    }
}

fn deny_list(ledger: &mut Ledger, signed: &Signed) -> Result<Change, Rejection> {
    let was_lost = ledger.lost_deny_list();
    if !ledger.accept_deny_list(signed)? {
        return Ok(Change::Nothing);
    }
    let list = ledger.deny_list();
    tracing::info!(number = list.number, "deny list accepted");
    Ok(if was_lost {
        Change::Stands(Standing::from(&*ledger))
    } else {
        Change::DenyList(list, ledger.signed_deny_list())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::ledger::sample::{key, owner, sign, state};
    use mesh_protocol::signed::Domain;
    use std::time::Duration;

    fn list(number: u64) -> Signed {
        let list = DenyList { number, ..DenyList::default() };
        Signed::sign(Domain::DenyList, serde_json::to_vec(&list).expect("serializes"), &key(1))
    }

    #[tokio::test]
    async fn another_agents_deny_list_counts_when_the_portal_signed_it() {
        let dir = tempfile::tempdir().expect("temp dir");
        let tasks = Tasks::new("test");
        let handle = LedgerHandle::start(Ledger::open(dir.path().to_owned(), owner()), &tasks);
        let mut standing = handle.standing();
        let mut forged = list(9);
        forged.body = list(8).body;
        handle.offer_deny_list(forged);
        handle.offer_deny_list(list(3));
        let taken = standing.wait_for(|standing| standing.deny_list.number > 0);
        let taken =
            tokio::time::timeout(Duration::from_secs(20), taken).await.expect("in time").expect("alive").clone();
        assert_eq!((taken.deny_list.number, taken.signed_deny_list), (3, Some(Arc::new(list(3)))));
        assert_eq!(taken.rejected, None, "what a neighbour makes up is no news for the portal");
        // It is handed on after a restart too, and an older one is not taken.
        let again = Ledger::open(dir.path().to_owned(), owner());
        assert_eq!(again.signed_deny_list(), Some(Arc::new(list(3))));
        handle.offer_deny_list(list(2));
        handle.deny_list(list(4)).await;
        let newer = standing.wait_for(|standing| standing.deny_list.number != 3);
        let newer =
            tokio::time::timeout(Duration::from_secs(20), newer).await.expect("in time").expect("alive").clone();
        assert_eq!(newer.deny_list.number, 4);
    }

    #[tokio::test]
    async fn without_its_deny_list_nothing_stands_until_that_is_back() {
        let dir = tempfile::tempdir().expect("temp dir");
        let mut ledger = Ledger::open(dir.path().to_owned(), owner());
        ledger.accept(&sign(&state(1), 1)).expect("accepted");
        ledger.accept_deny_list(&list(7)).expect("accepted");
        for name in ["deny-list.json", "deny-list-copy.json"] {
            std::fs::write(dir.path().join(name), b"damaged").expect("written");
        }
        let tasks = Tasks::new("test");
        let handle = LedgerHandle::start(Ledger::open(dir.path().to_owned(), owner()), &tasks);
        let mut standing = handle.standing();
        let revision = |standing: &Standing| standing.accepted.as_ref().map(|accepted| accepted.revision.revision);
        let why = standing.borrow_and_update().rejected.clone().expect("it says why");
        assert!(revision(&standing.borrow()).is_none() && why.reason.contains("denies everything"), "{}", why.reason);
        // A newer document is kept, and does not stand either; nor does an older list help.
        handle.desired(sign(&state(2), 1)).await;
        standing.changed().await.expect("alive");
        let stands = standing.borrow_and_update().clone();
        assert_eq!((revision(&stands), stands.rejected.as_ref()), (None, Some(&why)));
        handle.deny_list(list(6)).await;
        let refused = standing.wait_for(|standing| standing.rejected.as_ref() != Some(&why));
        let refused =
            tokio::time::timeout(Duration::from_secs(20), refused).await.expect("in time").expect("alive").clone();
        assert!(revision(&refused).is_none(), "{:?}", refused.rejected);
        handle.deny_list(list(7)).await;
        let back = standing.wait_for(|standing| standing.accepted.is_some());
        let back = tokio::time::timeout(Duration::from_secs(20), back).await.expect("in time").expect("alive").clone();
        assert_eq!((revision(&back), back.deny_list.number, back.rejected), (Some(2), 7, None));
    }
}
