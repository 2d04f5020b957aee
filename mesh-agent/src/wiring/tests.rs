mod letters;
mod receiver;
mod webhook;

use super::*;
use crate::control::ledger::{Ledger, sample};
use crate::queue::named::Parts;
use crate::router::{Admitted, Audience, Budget, Failure, Life, Outcome};
use crate::spool::{Settings, SimulatedDisk, Store};
use crate::status::now_ms;
use bytes::Bytes;
use mesh_protocol::desired::{DesiredState, DurableInterest};
use mesh_protocol::event::{DeliveryMode, Event, Headers, Origin, Protocol};
use mesh_protocol::id::{AgentId, SiteId};
use mesh_protocol::topic::{Filter, Topic};
use mesh_protocol::wire::Revision;
use uuid::Uuid;

pub(super) fn event(topic: &str) -> Event {
    Event {
        topic: Topic::new(topic).expect("valid"),
        payload: Bytes::new(),
        key: Bytes::new(),
        headers: Headers::default(),
        mode: DeliveryMode::Guaranteed,
        admitted_at_ms: now_ms(),
        ttl_ms: None,
        origin: Origin { site: SiteId(Uuid::nil()), principal: None, protocol: Protocol::Mesh },
        path: Vec::new(),
        retain: false,
    }
}

fn accepted(state: DesiredState) -> Accepted {
    let revision = Revision { generation: state.generation, revision: state.revision };
    Accepted { state, revision, digest: String::new() }
}

/// One that nothing has been told.
pub(super) fn ledger(home: &Home) -> LedgerHandle {
    let ledger = Ledger::open(home.ledger().expect("a folder"), sample::owner());
    LedgerHandle::start(ledger, &Tasks::new("test"))
}

#[tokio::test]
async fn what_a_document_wants_durably_is_answered_before_any_part_runs() {
    let dir = tempfile::tempdir().expect("temp dir");
    let home = Home::at(dir.path()).expect("made");
    let (counters, board) = (Counters::default(), Board::default());
    let router = Router::new(Budget::new(1_000), &counters);
    let authority = crate::control::testing::Authority::new();
    let portal = "https://127.0.0.1:1".parse().expect("an address");
    let (_keep, identity) = watch::channel(Arc::new(authority.identity(portal)));
    let outbox = Outbox::new(&counters);
    let settings = Settings { reserve_bytes: 0, ..Settings::default() };
    let spool = Store::over(Arc::new(SimulatedDisk::default()), settings, &counters).expect("opens");
    let spool = Arc::new(spool);
    let parts = Parts {
        spool: spool.clone(),
        router: router.clone(),
        counters: counters.clone(),
        board: board.clone(),
        enforcer: Arc::default(),
    };
    let shared = Shared {
        identity,
        ledger: ledger(&home),
        enforcer: Arc::default(),
        router: router.clone(),
        board,
        spool,
        queues: Arc::new(Queues::new(parts)),
        quotas: Default::default(),
        counters: counters.clone(),
        outbox,
    };
    let wiring = Wiring::new(&home, shared, None).expect("made");
    let publish = async |topic: &str| {
        let admission = router.budget().try_take(1).expect("room");
        router.publish(vec![Admitted::new(event(topic))], admission, None).await
    };
    let elsewhere = DurableInterest {
        name: "prices".to_owned(),
        agent: AgentId(Uuid::from_u128(99)),
        filter: Filter::mesh("prices/>").expect("valid"),
    };
    let mut state = sample::state(1);
    state.durable_interest = vec![elsewhere];
    wiring.document(&accepted(state.clone())).await;
    assert_eq!(publish("orders/fr").await, Outcome::Taken { outlets: 1 }, "the queue of a sink of its own");
    let pass = async |topic: &str| router.pass(vec![Admitted::new(event(topic))], Audience::Everybody).outcome().await;
    assert_eq!(pass("orders/fr").await, Outcome::Failed(Failure::Lost), "the sink itself does not run");
    assert_eq!(publish("prices/fr").await, Outcome::Failed(Failure::Lost), "a sink of another agent");
    assert_eq!(publish("sensors/1").await, Outcome::Unrouted);
    let told = router.interest().snapshot().wanted;
    assert!(told.iter().all(|wanted| wanted.filter.text() == "orders/>"), "others are told of its own sinks only");
    assert!(told.iter().any(|wanted| wanted.life == Life::Durable), "and that it is durable, before it runs");
    state.connectors.clear();
    state.durable_interest.clear();
    wiring.document(&accepted(state)).await;
    assert_eq!(publish("orders/fr").await, Outcome::Unrouted);
    assert_eq!(publish("prices/fr").await, Outcome::Unrouted);
}
