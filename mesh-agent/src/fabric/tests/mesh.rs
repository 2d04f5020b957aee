//! A chain of agents' fabrics with their routers: what the tests drive.

mod change;
mod quotas;
mod values;

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use mesh_protocol::desired::{Dial, Fabric as Section, Member, Policy, Scope, Site};
use mesh_protocol::event::{DeliveryMode, Event, Headers, Origin, Protocol};
use mesh_protocol::id::{AgentId, LinkId, SiteId};
use mesh_protocol::policy::CompiledPolicy;
use mesh_protocol::report::{LinkState, PartRef, PartState, Scoped};
use mesh_protocol::secret::SecretKey;
use mesh_protocol::topic::{Filter, Topic};
use mesh_protocol::wire::Revision;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::super::{Credentials, DenyLists, Fabric, Parts, Target, ZENOH_THREADS};
use super::relay::Relay;
use crate::counters::Counters;
use crate::identity::sealing::SealingKeys;
use crate::policy::{Enforced, Enforcer};
use crate::router::{
    Admitted, Attachment, Audience, Budget, Delivery, Life, Outcome, Outlet, Reach, Receipt, Router, Takes,
};
use crate::spool::{Limits, Op, QueueNo, Settings, SimulatedDisk, Store};
use crate::status::Board;

const DEADLINE: Duration = Duration::from_secs(30);

/// A deny list without a ledger: its number is its text.
#[derive(Debug, Default)]
struct List(Mutex<u64>);

impl DenyLists for List {
    fn number(&self) -> u64 {
        *self.0.lock().expect("held")
    }

    fn signed(&self) -> Option<Bytes> {
        let number = self.number();
        (number > 0).then(|| number.to_string().into())
    }

    fn offer(&self, signed: &[u8]) {
        let offered = std::str::from_utf8(signed).ok().and_then(|text| text.parse().ok());
        let mut number = self.0.lock().expect("held");
        *number = (*number).max(offered.expect("what the other has"));
    }
}

/// Waits until it is so.
pub(super) async fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < DEADLINE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(super) fn filter(text: &str) -> Filter {
    Filter::mesh(text).expect("valid")
}

fn agent(index: usize) -> AgentId {
    AgentId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + index as u128))
}

fn site(index: usize) -> SiteId {
    SiteId(Uuid::from_u128(100 + index as u128))
}

fn free_addresses(count: usize) -> Vec<SocketAddr> {
    let ports: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    ports.iter().map(|port| port.local_addr().expect("bound")).collect()
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("valid");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).expect("signs").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn credentials(&self, agent: AgentId) -> Credentials {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("valid");
        params.distinguished_name.push(DnType::CommonName, agent.to_string());
        let certificate_pem = params.signed_by(&key, &self.issuer).expect("signs").pem();
        Credentials { certificate_pem, key_pem: key.serialize_pem(), ca_pem: self.pem.clone() }
    }
}

/// Agents in a chain; each dials the one before.
pub(super) struct Mesh {
    nodes: Vec<Node>,
    /// Agents that run and are no members.
    away: Vec<Member>,
}

/// One agent; its fabric may be down.
pub(super) struct Node {
    index: usize,
    target: Target,
    disk: SimulatedDisk,
    running: Option<Running>,
}

struct Running {
    router: Router,
    counters: Counters,
    board: Board,
    enforcer: Arc<Enforcer>,
    parts: Parts,
    fabric: Option<Fabric>,
    /// Its own, as a process has one.
    runtime: Runtime,
}

impl Running {
    fn fabric(&self) -> &Fabric {
        self.fabric.as_ref().expect("it runs")
    }
}

impl Mesh {
    pub(super) fn chain(count: usize) -> Self {
        Self::chain_with(count, |_| false)
    }

    pub(super) fn chain_with(count: usize, foreign: impl Fn(usize) -> bool) -> Self {
        let addresses = free_addresses(count);
        Self::build(&addresses, foreign, &addresses)
    }

    pub(super) fn chain_at(count: usize, addresses: &[SocketAddr]) -> Self {
        assert_eq!(count, addresses.len());
        Self::build(addresses, |_| false, addresses)
    }

    /// Two agents whose link goes through the relay.
    pub(super) async fn pair_through(relay: &Relay) -> Self {
        let addresses = free_addresses(2);
        relay.lead_to(addresses[0]);
        Self::build(&addresses, |_| false, &[relay.address(), addresses[1]])
    }

    /// `dialled`: where each is reached by the next one.
    fn build(addresses: &[SocketAddr], foreign: impl Fn(usize) -> bool, dialled: &[SocketAddr]) -> Self {
        // `RUST_LOG=debug` shows what happened; without it the tests are quiet.
        let log = tracing_subscriber::EnvFilter::from_default_env();
        let _ = tracing_subscriber::fmt().with_env_filter(log).with_writer(std::io::stderr).try_init();
        let threads = std::env::var("ZENOH_RUNTIME").unwrap_or_default();
        assert_eq!(
            threads, ZENOH_THREADS,
            "`.cargo/config.toml` sets zenoh's threads; run tests by Cargo, or set ZENOH_RUNTIME"
        );
        let (authority, other) = (Authority::new("agents"), Authority::new("somebody else"));
        let keys: Vec<SealingKeys> = addresses.iter().map(|_| SealingKeys::random()).collect();
        let member = |index: usize| Member {
            agent: agent(index),
            site: site(index),
            site_name: format!("site-{index}"),
            region: "eu".to_owned(),
            sealing_key: Some(keys[index].public_hex()),
            stands_for: None,
        };
        let members: Vec<Member> = (0..addresses.len()).map(member).collect();
        let dial = |index: usize| Dial {
            link: LinkId(Uuid::from_u128(index as u128)),
            agent: agent(index - 1),
            addresses: vec![dialled[index - 1].to_string()],
        };
        let nodes = (0..addresses.len()).map(|index| {
            let section = Section {
                bind: Some(addresses[index].to_string()),
                dial: if index == 0 { Vec::new() } else { vec![dial(index)] },
                members: members.clone(),
            };
            let signer = if foreign(index) { &other } else { &authority };
            let mut credentials = signer.credentials(agent(index));
            credentials.ca_pem.clone_from(&authority.pem);
            let target = Target {
                section,
                durable_interest: Vec::new(),
                listen: Some(addresses[index]),
                credentials,
                sealing: keys[index].clone(),
            };
            let mut node = Node { index, target, disk: SimulatedDisk::default(), running: None };
            node.start();
            node
        });
        Self { nodes: nodes.collect(), away: Vec::new() }
    }

    pub(super) fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    pub(super) async fn halt(&mut self, index: usize) {
        if let Some(running) = self.nodes[index].running.take() {
            if let Some(fabric) = running.fabric {
                fabric.stop(Duration::from_secs(5)).await;
            }
            running.runtime.shutdown_background();
        }
    }

    /// Ends without a goodbye: its tasks are gone before they can say one.
    pub(super) fn kill(&mut self, index: usize) {
        if let Some(running) = self.nodes[index].running.take() {
            running.runtime.shutdown_background();
        }
    }

    pub(super) fn start(&mut self, index: usize) {
        self.nodes[index].start();
    }

    /// The fabric alone begins anew, as it does when its address changes; the process and its spool go on.
    pub(super) async fn restart_fabric(&mut self, index: usize) {
        let target = self.nodes[index].target.clone();
        let running = self.nodes[index].running.as_mut().expect("it runs");
        if let Some(fabric) = running.fabric.take() {
            fabric.stop(Duration::from_secs(5)).await;
        }
        let _inside = running.runtime.enter();
        running.fabric = Some(Fabric::start(target, running.parts.clone()));
    }

    pub(super) async fn restart(&mut self, index: usize) {
        self.halt(index).await;
        self.start(index);
    }

    /// Lets the fabric's tasks run for a moment.
    pub(super) fn settle(&self) {
        tokio::task::block_in_place(|| std::thread::sleep(Duration::from_millis(30)));
    }

    pub(super) async fn stop(&mut self) {
        for index in 0..self.nodes.len() {
            self.halt(index).await;
        }
    }
}

impl Node {
    fn start(&mut self) {
        let (counters, board) = (Counters::default(), Board::default());
        let router = Router::new(Budget::new(64 * 1024 * 1024), &counters);
        let enforcer = Arc::new(Enforcer::default());
        enforcer.apply(self.enforced(1, Vec::new()));
        // A process that is gone leaves its disk behind.
        self.disk = self.disk.restarted();
        let settings = Settings { reserve_bytes: 0, ..Settings::default() };
        let spool = Arc::new(Store::over(Arc::new(self.disk.clone()), settings, &counters).expect("opens"));
        router.set_keeper(&spool);
        let parts = Parts {
            agent: agent(self.index),
            enforcer: enforcer.clone(),
            router: router.clone(),
            spool,
            deny_lists: Arc::new(List::default()),
            quotas: Default::default(),
            counters: counters.clone(),
            line: Arc::new(board.part(PartRef::Fabric)),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let fabric = {
            let _inside = runtime.enter();
            Fabric::start(self.target.clone(), parts.clone())
        };
        self.running = Some(Running { router, counters, board, enforcer, parts, fabric: Some(fabric), runtime });
    }

    fn enforced(&self, revision: u64, scopes: Vec<Scope>) -> Enforced {
        let site = Site {
            id: site(self.index),
            name: format!("site-{}", self.index),
            region: "eu".to_owned(),
            labels: Default::default(),
        };
        let policy = Policy {
            secret_key: SecretKey::new([1; 32]),
            principals: Vec::new(),
            roles: Vec::new(),
            rules: Vec::new(),
            scopes,
        };
        let members = self.target.section.members.iter().map(|member| (member.agent, member.clone())).collect();
        Enforced {
            revision: Revision { generation: 1, revision },
            policy: CompiledPolicy::compile(&policy, &site).expect("compiles"),
            site,
            members,
            certificates: rustc_hash::FxHashMap::default(),
            contracts: Arc::default(),
        }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs")
    }

    pub(super) fn subscribe(&self, text: &str, life: Life) -> Tail {
        let bin = Arc::new(Bin::default());
        let attachment = self.running().router.attach(bin.clone(), Reach::Local);
        attachment.subscribe(&filter(text), 0, life);
        Tail { bin, attachment }
    }

    /// A durable queue of this agent, with what is in it from before.
    pub(super) fn queue(&self, name: &str, text: &str) -> Queue {
        let spool = self.running().parts.spool.clone();
        let number = spool.open_queue(&name.into(), Limits::NONE);
        let attachment = self.running().router.attach_queue(number.0, Reach::Local);
        attachment.subscribe_for(&filter(text), 0, Life::Durable, Takes::GUARANTEED);
        Queue { spool, number, _attachment: attachment }
    }

    /// The number of the deny list that it has.
    pub(super) fn deny_list(&self) -> u64 {
        self.running().parts.deny_lists.number()
    }

    pub(super) fn take_deny_list(&self, number: u64) {
        self.running().parts.deny_lists.offer(number.to_string().as_bytes());
    }

    /// Publishes what its sender answers for.
    pub(super) fn pass(&self, topic: &str, key: &str, payload: &[u8]) -> BoxFuture<'static, Outcome> {
        let event = self.event(topic, key, payload, DeliveryMode::Guaranteed);
        Box::pin(self.running().router.pass(vec![event], Audience::Everybody).outcome())
    }

    fn event(&self, topic: &str, key: &str, payload: &[u8], mode: DeliveryMode) -> Admitted {
        let event = Event {
            topic: Topic::new(topic).expect("valid"),
            payload: Bytes::copy_from_slice(payload),
            key: Bytes::copy_from_slice(key.as_bytes()),
            headers: Headers::default(),
            mode,
            admitted_at_ms: 0,
            ttl_ms: None,
            origin: Origin { site: site(self.index), principal: None, protocol: Protocol::Mesh },
            path: Vec::new(),
            retain: false,
        };
        Admitted::new(event)
    }

    /// How many outlets it was offered to.
    pub(super) fn publish_direct(&self, topic: &str, payload: &[u8]) -> usize {
        self.running().router.publish_direct(self.event(topic, "", payload, DeliveryMode::Direct), None)
    }

    pub(super) fn publish(&self, topic: &str, key: &str, payload: &[u8]) -> Receipt {
        let router = &self.running().router;
        let admission = router.budget().try_take(payload.len()).expect("room");
        router.publish(vec![self.event(topic, key, payload, DeliveryMode::Guaranteed)], admission, None)
    }

    /// Whether anybody is known to want a topic.
    pub(super) fn knows(&self, topic: &str) -> bool {
        self.running().router.knows(&Topic::new(topic).expect("valid"))
    }

    pub(super) fn counter(&self, name: &'static str) -> u64 {
        self.running().counters.counter(name).get()
    }

    fn link(&self, index: usize) -> Option<LinkState> {
        self.running().fabric().links().borrow().iter().find(|link| link.agent == agent(index)).cloned()
    }

    pub(super) fn link_up(&self, index: usize) -> bool {
        self.link(index).is_some_and(|link| link.up)
    }

    /// All that it wants durably is on another one's disk.
    pub(super) fn is_held_at(&self, index: usize) -> bool {
        self.link(index).and_then(|link| link.interest).is_some_and(|held| !held.pending)
    }

    pub(super) fn scoped(&self, index: usize) -> Option<Scoped> {
        self.link(index)?.scoped
    }

    pub(super) fn backlog(&self, index: usize) -> u64 {
        self.link(index).map_or(0, |link| link.backlog_events)
    }

    pub(super) fn state(&self) -> Option<PartState> {
        self.running().board.parts().first().map(|part| part.state)
    }

    pub(super) fn detail(&self) -> String {
        self.running().board.parts().first().and_then(|part| part.detail.clone()).unwrap_or_default()
    }
}

/// A durable queue.
pub(super) struct Queue {
    spool: Arc<Store>,
    number: QueueNo,
    _attachment: Attachment,
}

impl Queue {
    /// All that is in it, and whether it is flagged.
    pub(super) async fn content(&self) -> Vec<(String, bool)> {
        self.spool.ask(Op::Rewind(self.number)).await.expect("is open");
        let entries = self.spool.take(self.number, usize::MAX, usize::MAX).await.expect("reads");
        let told = |entry: &crate::spool::Entry| {
            (String::from_utf8_lossy(&entry.event.event().payload).into_owned(), entry.row.redelivered)
        };
        entries.iter().map(told).collect()
    }

    pub(super) fn len(&self) -> u64 {
        self.spool.core().standing(self.number).map_or(0, |standing| standing.events)
    }
}

/// An outlet that remembers what it was given.
#[derive(Debug, Default)]
struct Bin {
    state: Mutex<BinState>,
}

#[derive(Debug, Default)]
struct BinState {
    seen: Vec<(String, bool)>,
}

impl Outlet for Bin {
    fn offer(&self, delivery: Delivery) {
        let text = String::from_utf8_lossy(&delivery.event.event().payload).into_owned();
        let mut state = self.state.lock().expect("held");
        state.seen.push((text, delivery.redelivered));
        drop(state);
        if let Some(hold) = delivery.hold {
            hold.done();
        }
    }
}

/// A local subscription.
pub(super) struct Tail {
    bin: Arc<Bin>,
    attachment: Attachment,
}

impl Tail {
    /// One filter more.
    pub(super) fn subscribe(&self, filter: &Filter) {
        self.attachment.subscribe(filter, 0, Life::Live);
    }

    pub(super) fn deliveries(&self) -> Vec<(String, bool)> {
        self.bin.state.lock().expect("held").seen.clone()
    }

    pub(super) fn seen(&self) -> Vec<String> {
        self.deliveries().into_iter().map(|(text, _)| text).collect()
    }

    pub(super) fn clear(&self) {
        self.bin.state.lock().expect("held").seen.clear();
    }
}
