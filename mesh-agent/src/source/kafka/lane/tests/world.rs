//! A source without its cluster, over a registry that does what a test says.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use bytes::Bytes;
use mesh_protocol::desired::{Connector, ConnectorWork, KafkaSource, Policy, Surveyed, SurveyedKind};
use mesh_protocol::id::RouteId;
use mesh_protocol::policy::{Action, CompiledPolicy, Effect, Principal, PrincipalState, Rule, Subject};
use mesh_protocol::topic::Filter;
use mesh_protocol::wire::Revision;
use uuid::Uuid;

use super::super::*;
use crate::connector::{Deps, Identity, Letter, Letters, Notes};
use crate::contract::Contracts;
use crate::control::ledger::sample;
use crate::counters::Counters;
use crate::kafka::client::Complaints;
use crate::kafka::contact::Contact;
use crate::kafka::secret::NoSecrets;
use crate::kafka::trouble::Target;
use crate::observe::Unobserved;
use crate::policy::{Enforced, Enforcer};
use crate::router::{Attachment, Budget, Delivery, Life, Outlet, Reach, Router};
use crate::schemas::Schemas;
use crate::schemas::testing::Scripted;
use crate::source::kafka::record::Mapping;
use crate::source::kafka::tally::Tally;
use crate::task::Tasks;

const LIMIT: Duration = Duration::from_secs(30);

/// Takes everything at once.
#[derive(Debug, Default)]
struct Bin(Mutex<Vec<String>>);

impl Outlet for Bin {
    fn offer(&self, delivery: Delivery) {
        let position = delivery.event.event().headers.message_id.clone().expect("a source gives one");
        self.0.lock().expect("no panic").push(position);
        if let Some(hold) = delivery.hold {
            hold.done();
        }
    }
}

/// Keeps letters, or refuses them.
#[derive(Debug, Default)]
struct Buried {
    letters: Mutex<Vec<Letter>>,
    is_full: AtomicBool,
}

#[async_trait]
impl Letters for Buried {
    async fn bury(&self, _: RouteId, letters: Vec<Letter>) -> Result<(), String> {
        if self.is_full.load(Ordering::Acquire) {
            return Err("it is full: empty it".to_owned());
        }
        self.letters.lock().expect("no panic").extend(letters);
        Ok(())
    }
}

#[derive(Debug)]
struct Forgetful;

impl Notes for Forgetful {
    fn load(&self, _: RouteId) -> Option<Bytes> {
        None
    }

    fn save(&self, _: RouteId, _: Bytes) -> bool {
        true
    }
}

/// See the module.
pub(super) struct World {
    pub(super) shared: Arc<Shared>,
    pub(super) registry: Scripted,
    bin: Arc<Bin>,
    buried: Arc<Buried>,
    tasks: Tasks,
    _attached: Attachment,
    _dir: tempfile::TempDir,
}

impl World {
    /// Its route brings what has a number and passes the filter; an empty one lets all through.
    pub(super) fn new(filter: &str) -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        let (counters, enforcer) = (Counters::default(), Arc::new(Enforcer::default()));
        enforcer.apply(enforced());
        let router = Router::new(Budget::new(32 * 1024 * 1024), &counters);
        let bin = Arc::new(Bin::default());
        let attached = router.attach(bin.clone(), Reach::Local);
        attached.subscribe(&Filter::mesh(">").expect("valid"), 0, Life::Live);
        let (registry, buried) = (Scripted::default(), Arc::new(Buried::default()));
        let (connector, source) = source(filter);
        let deps = Deps {
            router,
            enforcer,
            observer: Arc::new(Unobserved),
            secrets: Arc::new(NoSecrets),
            counters: counters.clone(),
            notes: Arc::new(Forgetful),
            letters: buried.clone(),
            schemas: Schemas::new(dir.path().to_owned(), Arc::new(NoSecrets)),
        };
        let broker = &sample::state(1).brokers[0];
        let identity = Identity::from(&connector);
        let shared = Arc::new(Shared {
            target: Target::from(broker),
            mapping: Mapping::new(&source).expect("valid"),
            schemas: Some(Arc::new(registry.registry(dir.path()))),
            client: deps.observer.client(identity.client(broker.id)),
            complaints: Complaints::default(),
            contact: Contact::default(),
            tally: Tally::new(&counters),
            identity,
            source,
            deps,
            stopping: Arc::default(),
            splits: Mutex::default(),
            windows: Mutex::default(),
        });
        Self { shared, registry, bin, buried, tasks: Tasks::new("lanes"), _attached: attached, _dir: dir }
    }

    pub(super) fn lane(&self, partition: i32) -> Lane {
        let place = Place::new("C".into(), "orders", partition);
        let (lane, work) = Lane::shared(self.shared.clone(), place, 0, 0);
        self.tasks.spawn("lane", work);
        lane
    }

    /// Puts contracts into force.
    pub(super) fn promise(&self, section: &mesh_protocol::desired::Contracts) {
        let enforcer = &self.shared.deps.enforcer;
        let contracts = Arc::new(Contracts::compile(section, enforcer.ledger()).expect("can be enforced"));
        enforcer.apply(Enforced { contracts, ..enforced() });
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn("lane", work);
    }

    /// There is no room for dead letters, or there is again.
    pub(super) fn fill(&self, is_full: bool) {
        self.buried.is_full.store(is_full, Ordering::Release);
    }

    /// Offsets of a partition that were brought in, in their order.
    pub(super) fn brought(&self, partition: i32) -> Vec<i64> {
        let begin = format!("C/orders/{partition}/");
        let bin = self.bin.0.lock().expect("no panic");
        bin.iter().filter_map(|position| position.strip_prefix(&begin)?.parse().ok()).collect()
    }

    /// Offsets of the dead letters with their reasons, in their order.
    pub(super) fn letters(&self) -> Vec<(i64, String)> {
        let letters = self.buried.letters.lock().expect("no panic");
        let offset = |letter: &Letter| {
            let position = letter.event.headers.message_id.as_deref()?;
            position.rsplit('/').next()?.parse().ok()
        };
        letters.iter().map(|letter| (offset(letter).expect("an offset"), letter.reason.clone())).collect()
    }

    /// Topics of the letters that contracts diverted, with the clients that sent them.
    pub(super) fn diverted(&self) -> Vec<(String, String)> {
        let letters = self.buried.letters.lock().expect("no panic");
        letters
            .iter()
            .filter_map(|letter| Some((letter.event.topic.to_string(), letter.diverted_from.clone()?)))
            .collect()
    }

    /// What holds back a partition.
    pub(super) fn blocked(&self, partition: i32) -> Option<String> {
        self.shared.tally.figures().blocked.get(&format!("orders/{partition}")).cloned()
    }
}

fn enforced() -> Enforced {
    let state = sample::state(1);
    let rule = |number, action| Rule {
        id: Uuid::from_u128(number).into(),
        subject: Subject::Anyone,
        action,
        effect: Effect::Allow,
        filter: Filter::mesh(">").expect("valid"),
        sites: Vec::new(),
    };
    let principal = Principal {
        id: Uuid::from_u128(40).into(),
        username: "route".to_owned(),
        state: PrincipalState::Enabled,
        secrets: Vec::new(),
        roles: Vec::new(),
        application: None,
        expires_at_ms: None,
        protocols: Vec::new(),
    };
    let rules = vec![rule(1, Action::Connect), rule(2, Action::Publish)];
    let policy = Policy { principals: vec![principal], rules, ..state.policy };
    Enforced {
        revision: Revision { generation: 1, revision: 1 },
        policy: CompiledPolicy::compile(&policy, &state.site).expect("valid"),
        site: state.site,
        members: std::iter::empty().collect(),
        certificates: rustc_hash::FxHashMap::default(),
        contracts: Arc::default(),
    }
}

fn source(filter: &str) -> (Connector, KafkaSource) {
    let connector = sample::state(1).connectors.remove(0);
    let ConnectorWork::KafkaSource(source) = connector.work.clone() else { panic!("the sample's source") };
    let schemas: Surveyed = crate::http::testing::surveyed(SurveyedKind::SchemaRegistry, "http://127.0.0.1:1");
    let filter = Some(filter.to_owned()).filter(|filter| !filter.is_empty());
    (connector, KafkaSource { template: "orders/{value.n}".to_owned(), filter, schemas: Some(schemas), ..source })
}

/// Waits for a state.
pub(super) async fn until(what: &str, is: impl Fn() -> bool) {
    let wait = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("{what} did not come"));
}
