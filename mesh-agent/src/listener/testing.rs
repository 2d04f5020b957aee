//! What tests of listeners share: a policy, a listener in this process, outlets that answer when told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use mesh_protocol::desired::{self, DeniedV3Publish, ListenerProtocol, Owner, OwnerListener, Policy, Site};
use mesh_protocol::event::{DeliveryMode, Event, Headers, Origin, Protocol};
use mesh_protocol::policy::{Action, CompiledPolicy, Effect, Principal, PrincipalState, Rule, Subject};
use mesh_protocol::queue::{QueueAnswer, QueueAsk, QueueRef, QueuedEvent, Shelf, Which};
use mesh_protocol::report::PartRef;
use mesh_protocol::secret::{SecretHash, SecretKey};
use mesh_protocol::topic::{Filter, Topic};
use mesh_protocol::wire::Revision;
use uuid::Uuid;

use super::{Clients, Deps, Running, SiteOwner, start};
use crate::contract::Contracts;
use crate::counters::Counters;
use crate::letter::{DEAD_LETTERS, DEAD_LETTERS_MAX};
use crate::observe::{Client, ClientObserver, Observer, Refusal};
use crate::policy::{Enforced, Enforcer};
use crate::queue::named::{Parts, Queues, answer};
use crate::quota::Quotas;
use crate::router::{Admitted, Attachment, Budget, Delivery, Failure, Life, Outlet, Reach, Router};
use crate::spool::{Addressed, Limits, Op, Settings, SimulatedDisk, Store};
use crate::status::Board;
use crate::task::Tasks;

/// Long enough for a busy machine; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn router() -> Router {
    Router::new(Budget::new(1_000_000), &Counters::default())
}

pub(crate) fn event(topic: &str, mode: DeliveryMode) -> Admitted {
    Admitted::new(Event {
        topic: Topic::new(topic).expect("valid"),
        payload: Bytes::from_static(b"payload"),
        key: Bytes::from_static(b"key"),
        headers: Headers::default(),
        mode,
        admitted_at_ms: crate::status::now_ms(),
        ttl_ms: None,
        origin: Origin { site: Uuid::nil().into(), principal: None, protocol: Protocol::Mesh },
        path: Vec::new(),
        retain: false,
    })
}

pub(crate) fn large(topic: &str, bytes: usize) -> Admitted {
    let event = Event { payload: vec![b'x'; bytes].into(), ..event(topic, DeliveryMode::Direct).event().clone() };
    Admitted::new(event)
}

pub(crate) fn guaranteed(topic: &str) -> Admitted {
    event(topic, DeliveryMode::Guaranteed)
}

/// An outlet that keeps what it is offered until it is told what to do with it.
#[derive(Debug)]
pub(crate) struct Slow {
    taken: Arc<Taken>,
    _attachment: Attachment,
}

#[derive(Debug, Default)]
struct Taken(Mutex<Vec<Delivery>>);

impl Outlet for Taken {
    fn offer(&self, delivery: Delivery) {
        self.0.lock().expect("held").push(delivery);
    }
}

impl Slow {
    pub(crate) fn attach(router: &Router, filter: &str) -> Self {
        let taken = Arc::new(Taken::default());
        let attachment = router.attach(taken.clone(), Reach::Local);
        attachment.subscribe(&Filter::mesh(filter).expect("valid"), 0, Life::Live);
        Self { taken, _attachment: attachment }
    }

    pub(crate) fn held(&self) -> usize {
        self.taken.0.lock().expect("held").len()
    }

    fn release(&self) -> Vec<Delivery> {
        std::mem::take(&mut *self.taken.0.lock().expect("held"))
    }

    pub(crate) fn finish(&self) -> Vec<Admitted> {
        let mut events = Vec::new();
        for delivery in self.release() {
            events.push(delivery.event);
            if let Some(hold) = delivery.hold {
                hold.done();
            }
        }
        events
    }

    pub(crate) fn fail(&self, reason: &str) {
        for hold in self.release().into_iter().filter_map(|delivery| delivery.hold) {
            hold.fail(Failure::Refused(reason.to_owned()));
        }
    }
}

/// Remembers what it is told, as lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<String>>>);

#[derive(Debug)]
struct Noted(Notes, String);

impl Notes {
    fn add(&self, line: String) {
        self.0.lock().expect("held").push(line);
    }

    pub(crate) fn has(&self, part: &str) -> bool {
        self.0.lock().expect("held").iter().any(|line| line.contains(part))
    }
}

impl Observer for Notes {
    fn client(&self, client: Client) -> Arc<dyn ClientObserver> {
        Arc::new(Noted(self.clone(), format!("{} {}", client.principal_name, client.client_id)))
    }
}

impl ClientObserver for Noted {
    fn produced(&self, topic: &Topic, _: &[u8], _: Option<&str>) {
        self.0.add(format!("{} produced {topic}", self.1));
    }
    fn consumed(&self, topic: &Topic, _: &[u8], _: Option<&str>) {
        self.0.add(format!("{} consumed {topic}", self.1));
    }
    fn subscribed(&self, filter: &Filter) {
        self.0.add(format!("{} subscribed {filter}", self.1));
    }
    fn unsubscribed(&self, filter: &Filter) {
        self.0.add(format!("{} unsubscribed {filter}", self.1));
    }
    fn refused(&self, refusal: Refusal) {
        let rule = refusal.rule.map_or_else(|| "no rule".to_owned(), |rule| rule.to_string());
        self.0.add(format!("{} refused {:?} {} by {rule}: {}", self.1, refusal.action, refusal.topic, refusal.reason));
    }
}

/// Principals `till-1` to `till-9`, each with the secret `secret`, who may do everything under `open` and, as `till-N`, with
/// `own/till-N`.
pub(crate) struct Mesh {
    pub(crate) enforcer: Arc<Enforcer>,
    pub(crate) router: Router,
    pub(crate) spool: Arc<Store>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) quotas: Quotas,
    pub(crate) notes: Notes,
    pub(crate) counters: Counters,
    pub(crate) clients: Clients,
    pub(crate) owner: SiteOwner,
    pub(crate) board: Board,
    pub(crate) tasks: Tasks,
    pub(crate) policy: Mutex<Policy>,
    contracts: Mutex<Arc<Contracts>>,
    /// For listeners that are started from now on.
    pub(crate) tls: Mutex<Option<super::tls::Settings>>,
    /// Certificates that clients log in with.
    pub(crate) certificates: Mutex<Vec<desired::ClientCertificate>>,
}

pub(crate) const SECRET: &str = "a secret of a till";

pub(crate) fn principal_id(number: u128) -> Uuid {
    Uuid::from_u128(0x100 + number)
}

pub(crate) fn rule(id: u128, subject: Subject, action: Action, effect: Effect, filter: &str) -> Rule {
    Rule {
        id: Uuid::from_u128(id).into(),
        subject,
        action,
        effect,
        filter: Filter::mesh(filter).expect("valid"),
        sites: Vec::new(),
    }
}

fn policy() -> Policy {
    let secret_key = SecretKey::new([7; 32]);
    let principal = |number: u128| Principal {
        id: principal_id(number).into(),
        username: format!("till-{number}"),
        state: PrincipalState::Enabled,
        secrets: vec![SecretHash::of(&secret_key, SECRET)],
        roles: Vec::new(),
        application: None,
        expires_at_ms: None,
        protocols: Vec::new(),
    };
    let allow = |id, action, filter| rule(id, Subject::Anyone, action, Effect::Allow, filter);
    Policy {
        principals: (1..=9).map(principal).collect(),
        roles: Vec::new(),
        rules: vec![
            allow(1, Action::Connect, ">"),
            allow(2, Action::Publish, "open/>"),
            // `open/#` speaks of `open`, too: no grant for `open/>` includes it.
            Rule { filter: Filter::mqtt("open/#").expect("valid"), ..allow(3, Action::Subscribe, "open") },
            allow(4, Action::Publish, "own/${username}"),
            allow(5, Action::Subscribe, "own/${username}"),
        ],
        scopes: Vec::new(),
        secret_key,
    }
}

impl Mesh {
    pub(crate) fn new() -> Self {
        Self::with_budget(64 * 1024 * 1024)
    }

    pub(crate) fn with_budget(bytes: u32) -> Self {
        Self::over(bytes, &SimulatedDisk::default())
    }

    /// An agent whose spool is on this disk.
    pub(crate) fn over(bytes: u32, disk: &SimulatedDisk) -> Self {
        let counters = Counters::default();
        let spool =
            Store::over(Arc::new(disk.clone()), Settings { reserve_bytes: 0, ..Settings::default() }, &counters);
        let spool = Arc::new(spool.expect("opens"));
        let router = Router::new(Budget::new(bytes), &counters);
        router.set_keeper(&spool);
        let (board, enforcer) = (Board::default(), Arc::new(Enforcer::default()));
        let parts = Parts {
            spool: spool.clone(),
            router: router.clone(),
            counters: counters.clone(),
            board: board.clone(),
            enforcer: enforcer.clone(),
        };
        let queues = Arc::new(Queues::new(parts));
        let clients = Clients::default();
        clients.restore(&spool, &router);
        let mesh = Self {
            enforcer,
            router,
            spool,
            queues,
            quotas: Quotas::default(),
            board,
            notes: Notes::default(),
            counters,
            clients,
            owner: SiteOwner::default(),
            tasks: Tasks::new("test"),
            policy: Mutex::new(policy()),
            contracts: Mutex::default(),
            tls: Mutex::default(),
            certificates: Mutex::default(),
        };
        mesh.edit(|_| {});
        mesh
    }

    /// Applies a changed policy.
    pub(crate) fn edit(&self, change: impl FnOnce(&mut Policy)) {
        let mut policy = self.policy.lock().expect("held");
        change(&mut policy);
        let site =
            Site { id: Uuid::from_u128(1).into(), name: "lyon".to_owned(), region: "eu".to_owned(), labels: [].into() };
        self.enforcer.apply(Enforced {
            revision: Revision { generation: 1, revision: 1 },
            policy: CompiledPolicy::compile(&policy, &site).expect("valid"),
            site,
            members: rustc_hash::FxHashMap::default(),
            certificates: self
                .certificates
                .lock()
                .expect("held")
                .iter()
                .map(|one| (one.fingerprint, one.principal))
                .collect(),
            contracts: self.contracts.lock().expect("held").clone(),
        });
    }

    /// Puts contracts into force.
    pub(crate) fn promise(&self, section: &desired::Contracts) {
        let contracts = Contracts::compile(section, self.enforcer.ledger()).expect("can be enforced");
        *self.contracts.lock().expect("held") = Arc::new(contracts);
        self.edit(|_| {});
    }

    /// Denies one till one thing.
    pub(crate) fn deny(&self, till: u128, action: Action, filter: &str) {
        let subject = Subject::Principal(principal_id(till).into());
        self.edit(|policy| policy.rules.push(rule(0xdead, subject, action, Effect::Deny, filter)));
    }

    /// A figure of a named queue.
    pub(crate) fn figure(&self, queue: u128, name: &str) -> Option<u64> {
        let object = PartRef::Queue(Uuid::from_u128(queue).into());
        let part = self.board.parts().into_iter().find(|part| part.object == object)?;
        part.figures.get(name).copied()
    }

    /// Lets everybody take what matches out of queues.
    pub(crate) fn allow_queues(&self, filter: &str) {
        self.edit(|policy| policy.rules.push(rule(6, Subject::Anyone, Action::ManageQueue, Effect::Allow, filter)));
    }

    /// Another agent has what is at this site once.
    pub(crate) fn is_owned_by(&self, owner: Option<&Running>, protocol: ListenerProtocol, queues: &[&str]) {
        let listener = |owner: &Running| OwnerListener {
            id: config(protocol).id,
            protocol,
            tls: self.tls.lock().expect("held").is_some(),
            address: format!("127.0.0.1:{}", port(owner)),
        };
        self.owner.set(Some(Owner {
            agent: Uuid::from_u128(2).into(),
            listeners: owner.map(listener).into_iter().collect(),
            queues: queues.iter().map(|queue| (*queue).to_owned()).collect(),
        }));
    }

    pub(crate) async fn listen(&self, config: &desired::Listener) -> Running {
        start(config, "127.0.0.1:0".parse().expect("valid"), self.deps(config)).await.expect("a free port")
    }

    pub(crate) fn deps(&self, config: &desired::Listener) -> Deps {
        Deps {
            enforcer: self.enforcer.clone(),
            router: self.router.clone(),
            spool: self.spool.clone(),
            queues: self.queues.clone(),
            quotas: self.quotas.clone(),
            observer: Arc::new(self.notes.clone()),
            counters: self.counters.clone(),
            part: Arc::new(self.board.part(PartRef::Listener(config.id))),
            tasks: self.tasks.clone(),
            clients: self.clients.clone(),
            owner: self.owner.clone(),
            tls: self.tls.lock().expect("held").clone(),
        }
    }

    /// What tills 1 and 2 publish and receive below `open` is by a grant with this quota.
    pub(crate) fn grant(&self, quota: desired::Quota) {
        let filter = || vec![Filter::mqtt("open/#").expect("valid")];
        let grant = desired::Grant {
            id: Uuid::from_u128(0x6).into(),
            name: "the open plan".to_owned(),
            principals: [1, 2].map(|till| principal_id(till).into()).to_vec(),
            publish: filter(),
            subscribe: filter(),
            quota,
            agents: Vec::new(),
        };
        self.quotas.apply(Uuid::from_u128(3).into(), &[grant]);
    }

    /// The dead letters of the agent.
    pub(crate) async fn letters(&self) -> Vec<QueuedEvent> {
        let browse = QueueAsk::Browse { shelf: Shelf::DeadLetters, after: 0, limit: 10, payload_bytes_max: 100 };
        match answer(&self.queues, QueueRef::Fabric, browse).await {
            QueueAnswer::Page(page) => page.events,
            QueueAnswer::Refused { .. } => Vec::new(),
            done => panic!("{done:?}"),
        }
    }

    /// Waits until the agent has so many dead letters, and shows the first of them.
    pub(crate) async fn letters_until(&self, count: u64) -> Vec<QueuedEvent> {
        let there = || {
            let core = self.spool.core();
            core.queue(DEAD_LETTERS).and_then(|queue| core.standing(queue)).map_or(0, |standing| standing.events)
        };
        until("the dead letters", || there() == count).await;
        self.letters().await
    }

    /// All dead letters are sent again.
    pub(crate) async fn retry_letters(&self) -> QueueAnswer {
        answer(&self.queues, QueueRef::Fabric, QueueAsk::Retry { which: Which::All }).await
    }

    /// The agent has as many dead letters as it may, but for so many.
    pub(crate) async fn fill_letters(&self, but: u64) {
        let queue = self.spool.open_queue(&DEAD_LETTERS.into(), Limits::NONE);
        let letter = guaranteed("old");
        let events = (but..DEAD_LETTERS_MAX).map(|_| Addressed {
            event: letter.clone(),
            queues: std::iter::once(queue).collect(),
            redelivered: false,
        });
        let op = Op::Append { events: events.collect(), mark: None, claim: None };
        self.spool.ask(op).await.expect("there is room");
    }

    pub(crate) fn count(&self, name: &'static str) -> u64 {
        self.counters.counter(name).get()
    }
}

pub(crate) fn config(protocol: ListenerProtocol) -> desired::Listener {
    desired::Listener {
        id: Uuid::from_u128(9).into(),
        name: "clients".to_owned(),
        protocol,
        bind: "127.0.0.1:0".to_owned(),
        payload_bytes_max: 64 * 1024,
        connections_max: 100,
        custody_timeout_ms: 15_000,
        denied_v3_publish: DeniedV3Publish::Disconnect,
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !so() {
        assert!(tokio::time::Instant::now() < deadline, "{what} did not become so");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn port(running: &Running) -> u16 {
    let address: SocketAddr = running.address();
    address.port()
}
