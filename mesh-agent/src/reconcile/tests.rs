use super::*;
use crate::control::ledger::sample;
use crate::part::Update;
use mesh_protocol::desired::DesiredState;
use mesh_protocol::report::PartState;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use tokio_util::sync::CancellationToken;

/// Starts parts that do nothing but write down what happens to them.
#[derive(Debug, Default)]
struct Diary {
    entries: Mutex<Vec<String>>,
    failures: AtomicU32,
    ended: Mutex<Option<CancellationToken>>,
    secret: AtomicU8,
}

#[derive(Debug)]
struct Idle {
    name: String,
    diary: Arc<Shared>,
    ended: CancellationToken,
}

#[derive(Debug)]
struct Shared(Diary);

#[derive(Debug)]
struct Fake(Arc<Shared>);

fn name(spec: &PartSpec) -> String {
    match spec {
        PartSpec::Fabric { .. } => "fabric".to_owned(),
        PartSpec::Discovery(broker) => format!("discovery {}", broker.name),
        PartSpec::Survey(surveyed) => format!("survey {}", surveyed.name),
        PartSpec::KafkaAccess(_, broker) => format!("users {}", broker.name),
        PartSpec::Sink(connector, _) | PartSpec::Webhook(connector, _) => format!("sink {}", connector.name),
        PartSpec::Source(connector, _) => format!("source {}", connector.name),
        PartSpec::TlsListener(tls) => format!("listener {}", tls.listener.name),
        PartSpec::Listener(listener) => format!("listener {}", listener.name),
    }
}

impl Shared {
    fn note(&self, entry: String) {
        self.0.entries.lock().expect("held briefly").push(entry);
    }

    fn count(&self, entry: &str) -> usize {
        self.0.entries.lock().expect("held briefly").iter().filter(|noted| *noted == entry).count()
    }
}

#[async_trait]
impl Starter for Fake {
    async fn start(&self, spec: &PartSpec, line: Arc<PartHandle>) -> Result<Box<dyn Running>, StartError> {
        let name = name(spec);
        let fragile = name.starts_with("listener");
        if fragile && self.0.0.failures.load(Ordering::SeqCst) > 0 {
            self.0.0.failures.fetch_sub(1, Ordering::SeqCst);
            return Err(StartError::Failing("port 1883 is in use".to_owned()));
        }
        self.0.note(format!("start {name}"));
        line.running();
        let ended = CancellationToken::new();
        if fragile {
            *self.0.0.ended.lock().expect("held briefly") = Some(ended.clone());
        }
        Ok(Box::new(Idle { name, diary: self.0.clone(), ended }))
    }

    fn secret(&self, spec: &PartSpec) -> Option<Fingerprint> {
        matches!(spec, PartSpec::Sink(..)).then(|| [self.0.0.secret.load(Ordering::SeqCst); 32])
    }
}

#[async_trait]
impl Running for Idle {
    fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    async fn update(&mut self, _: &PartSpec) -> Update {
        if self.name == "fabric" { Update::Done } else { Update::Restart }
    }

    async fn stop(self: Box<Self>, _: Duration) {
        self.diary.note(format!("stop {}", self.name));
    }
}

struct Bench {
    standing: watch::Sender<Standing>,
    applied: watch::Receiver<Option<Revision>>,
    enforcer: Arc<Enforcer>,
    board: Board,
    shared: Arc<Shared>,
    tasks: Tasks,
}

impl Bench {
    fn start(failures: u32) -> Self {
        let shared = Arc::new(Shared(Diary { failures: AtomicU32::new(failures), ..Diary::default() }));
        let (standing, enforcer, board) = (watch::Sender::default(), Arc::new(Enforcer::default()), Board::default());
        let reconciler =
            Reconciler::new(standing.subscribe(), enforcer.clone(), Arc::new(Fake(shared.clone())), board.clone());
        let (applied, tasks) = (reconciler.applied(), Tasks::new("test"));
        tasks.spawn("reconcile", reconciler.run(tasks.token(), Duration::from_secs(5)));
        Self { standing, applied, enforcer, board, shared, tasks }
    }

    fn want(&self, state: DesiredState) {
        let revision = Revision { generation: state.generation, revision: state.revision };
        let accepted = Accepted { state, revision, digest: revision.revision.to_string() };
        self.standing.send_modify(|standing| standing.accepted = Some(Arc::new(accepted)));
    }

    async fn until(&self, what: &str, holds: impl Fn(&Shared) -> bool) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while !holds(&self.shared) {
            assert!(tokio::time::Instant::now() < deadline, "{what}: {:?}", self.shared.0.entries);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn applied(&mut self, revision: u64) {
        let applied = self.applied.wait_for(|applied| applied.is_some_and(|applied| applied.revision == revision));
        tokio::time::timeout(Duration::from_secs(20), applied).await.expect("in time").expect("alive");
    }
}

#[tokio::test]
async fn a_document_is_enforced_and_only_changed_parts_are_touched() {
    let mut bench = Bench::start(0);
    assert!(bench.enforcer.enforced().is_none(), "nothing means deny all");
    bench.want(sample::state(1));
    bench.applied(1).await;
    assert_eq!(bench.enforcer.enforced().map(|enforced| enforced.revision.revision), Some(1));
    bench.until("started", |diary| diary.count("start listener mqtt") == 1 && diary.count("start fabric") == 1).await;

    let mut state = sample::state(2);
    state.fabric.bind = Some("127.0.0.1:0".to_owned());
    state.connectors.remove(1);
    bench.want(state);
    bench.applied(2).await;
    bench.until("stopped", |diary| diary.count("stop sink route-31") == 1).await;
    assert_eq!(bench.shared.count("stop fabric"), 0, "it took the change while it worked");
    assert_eq!(bench.shared.count("stop listener mqtt"), 0);
    assert_eq!(bench.shared.count("start source route-30"), 1);
    assert!(bench.tasks.stop(Duration::from_secs(10)).await.is_empty());
    let entries = bench.shared.0.entries.lock().expect("held briefly").clone();
    let at =
        |entry: &str| entries.iter().position(|noted| noted == entry).unwrap_or_else(|| panic!("{entry}: {entries:?}"));
    assert!(at("stop listener mqtt") < at("stop discovery kafka-a"));
    assert!(at("stop discovery kafka-a") < at("stop fabric"));
}

#[tokio::test]
async fn a_part_that_fails_is_tried_again_and_shows_why() {
    let bench = Bench::start(1);
    bench.want(sample::state(1));
    let shows = |state| {
        bench.board.parts().iter().any(|part| matches!(part.object, PartRef::Listener(_)) && part.state == state)
    };
    bench.until("failing", |_| shows(PartState::Failing)).await;
    assert_eq!(bench.shared.count("start fabric"), 1, "nobody else waits for it");
    bench.until("running", |_| shows(PartState::Running)).await;
}

#[tokio::test]
async fn a_part_that_ended_by_itself_is_started_anew() {
    let bench = Bench::start(0);
    bench.want(sample::state(1));
    bench.until("started", |diary| diary.count("start listener mqtt") == 1).await;
    bench.shared.0.ended.lock().expect("held briefly").take().expect("started").cancel();
    bench
        .until("again", |diary| diary.count("start listener mqtt") == 2 && diary.count("stop listener mqtt") == 1)
        .await;
}

#[tokio::test]
async fn a_part_whose_secret_is_set_anew_is_started_with_it() {
    let bench = Bench::start(0);
    bench.want(sample::state(1));
    bench.until("started", |diary| diary.count("start sink route-31") == 1).await;
    bench.shared.0.secret.store(1, Ordering::SeqCst);
    bench
        .until("again", |diary| diary.count("start sink route-31") == 2 && diary.count("stop sink route-31") == 1)
        .await;
    assert_eq!(bench.shared.count("start source route-30"), 1, "its secret is the same");
}
