use super::*;
use crate::control::ledger::{Accepted, sample};
use crate::control::standing::Standing;
use crate::counters::Counters;
use crate::kafka::secret::NoSecrets;
use crate::reconcile;
use crate::router::Budget;
use mesh_protocol::id::RuleId;
use mesh_protocol::policy::{Action, Effect, Principal, PrincipalState, Rule, Subject};
use mesh_protocol::wire::Revision;
use uuid::Uuid;

const WATCHER: PrincipalId = PrincipalId(Uuid::from_u128(50));

struct Bench {
    enforcer: Arc<Enforcer>,
    desk: PortalDesk,
    answers: mpsc::Sender<ToControl>,
    told: mpsc::Receiver<ToControl>,
}

fn watcher() -> Principal {
    Principal {
        id: WATCHER,
        username: "watcher".to_owned(),
        state: PrincipalState::Enabled,
        secrets: Vec::new(),
        roles: Vec::new(),
        application: None,
        expires_at_ms: None,
        protocols: Vec::new(),
    }
}

/// The watcher may do this inside `orders/>`.
fn rule(action: Action, number: u128) -> Rule {
    Rule {
        id: RuleId(Uuid::from_u128(number + 1)),
        subject: Subject::Principal(WATCHER),
        action,
        effect: Effect::Allow,
        filter: Filter::mesh("orders/>").expect("valid"),
        sites: Vec::new(),
    }
}

impl Bench {
    fn start() -> Self {
        let enforcer = Arc::new(Enforcer::default());
        let router = Router::new(Budget::new(1_000_000), &Counters::default());
        let (answers, told) = mpsc::channel(8);
        let queues = Arc::new(Queues::new(named::testing::parts(&router)));
        let tasks = Tasks::new("test");
        let (_, standing) = tokio::sync::watch::channel(Standing::default());
        let topics = Arc::new(Topics::new(standing, Arc::new(NoSecrets), tasks.token()));
        let desk = PortalDesk::new(enforcer.clone(), router, queues, topics, tasks);
        let bench = Self { enforcer, desk, answers, told };
        bench.allow(1, &[Action::Connect, Action::Publish, Action::Subscribe]);
        bench
    }

    /// The watcher may do these inside `orders/>`.
    fn allow(&self, revision: u64, actions: &[Action]) {
        self.allow_until(revision, actions, None);
    }

    fn allow_until(&self, revision: u64, actions: &[Action], expires_at_ms: Option<i64>) {
        let mut state = sample::state(revision);
        state.policy.principals = vec![Principal { expires_at_ms, ..watcher() }];
        state.policy.rules = (0..).zip(actions).map(|(number, &action)| rule(action, number)).collect();
        let accepted = Accepted { state, revision: Revision { generation: 1, revision }, digest: String::new() };
        self.enforcer.apply(reconcile::enforced(&accepted).expect("compiles"));
    }

    fn open(&self, request: u64, filter: &str) {
        let filter = Filter::mesh(filter).expect("valid");
        self.desk.take(Request::OpenTail { request, principal: WATCHER, filter, payload_bytes_max: 4 }, &self.answers);
    }

    fn publish(&self, request: u64, topic: &str, mode: DeliveryMode) {
        let (topic, payload) = (Topic::new(topic).expect("valid"), "payload".to_owned());
        self.desk.take(Request::Publish { request, principal: WATCHER, topic, payload, mode }, &self.answers);
    }

    async fn told(&mut self) -> ToControl {
        timeout(Duration::from_secs(20), self.told.recv()).await.expect("in time").expect("open")
    }

    async fn published(&mut self) -> PublishOutcome {
        match self.told().await {
            ToControl::Published { outcome, .. } => outcome,
            other => panic!("not the outcome of a publish: {other:?}"),
        }
    }

    /// Publishes until the tail is attached and sees it.
    async fn seen(&mut self) -> TailEvent {
        loop {
            self.publish(0, "orders/fr/1/created", DeliveryMode::Direct);
            if let ToControl::TailEvents { request: 1, mut events, dropped: 0 } = self.told().await {
                return events.remove(0);
            }
        }
    }
}

#[tokio::test]
async fn a_publish_needs_the_principals_right() {
    let mut bench = Bench::start();
    for mode in [DeliveryMode::Direct, DeliveryMode::Guaranteed] {
        bench.publish(1, "orders/fr/1/created", mode);
        assert_eq!(bench.published().await, PublishOutcome::Accepted { outlets: 0 });
        bench.publish(2, "prices/fr/update", mode);
        assert!(matches!(bench.published().await, PublishOutcome::Denied { .. }));
    }
    bench.allow(2, &[Action::Publish]);
    bench.publish(3, "orders/fr/1/created", DeliveryMode::Direct);
    assert!(matches!(bench.published().await, PublishOutcome::Denied { .. }), "it may not even connect");
}

#[tokio::test]
async fn a_client_made_a_moment_ago_is_waited_for() {
    let enforcer = Enforcer::default();
    let mut state = sample::state(1);
    let apply = |state: &mesh_protocol::desired::DesiredState| {
        let revision = Revision { generation: 1, revision: state.revision };
        let accepted = Accepted { state: state.clone(), revision, digest: String::new() };
        enforcer.apply(reconcile::enforced(&accepted).expect("compiles"));
    };
    apply(&state);
    state.policy.principals = vec![watcher()];
    state.policy.rules = vec![rule(Action::Connect, 0)];
    let (found, ()) = tokio::join!(session(&enforcer, WATCHER), async { apply(&state) });
    assert_eq!(found.expect("known by then").principal(), WATCHER);
}

#[tokio::test]
async fn a_tail_shows_events_cut_to_its_limit() {
    let mut bench = Bench::start();
    bench.open(1, "orders/fr/>");
    let seen = bench.seen().await;
    assert_eq!((seen.topic.as_str(), seen.payload.as_str(), seen.payload_bytes), ("orders/fr/1/created", "payl", 7));
    assert_eq!(seen.origin_site, "store");
}

#[tokio::test]
async fn a_tail_outside_the_right_is_closed_with_the_reason() {
    let mut bench = Bench::start();
    bench.open(1, "prices/>");
    assert!(matches!(bench.told().await, ToControl::TailClosed { request: 1, .. }));
}

#[tokio::test]
async fn a_right_that_goes_ends_the_tail() {
    let mut bench = Bench::start();
    bench.open(1, "orders/fr/>");
    bench.seen().await;
    bench.allow(2, &[Action::Connect, Action::Publish]);
    while !matches!(bench.told().await, ToControl::TailClosed { request: 1, .. }) {}
}

#[tokio::test]
async fn a_tail_of_a_principal_that_expires_is_closed_at_its_time() {
    let mut bench = Bench::start();
    let enforcer = bench.enforcer.clone();
    bench.desk.tasks.spawn_until_stopped("expiry", async move { enforcer.watch_expiry().await });
    bench.open(1, "orders/fr/>");
    bench.seen().await;
    let ends = now_ms() + 500;
    bench.allow_until(2, &[Action::Connect, Action::Publish, Action::Subscribe], Some(ends));
    let reason = loop {
        if let ToControl::TailClosed { request: 1, reason } = bench.told().await {
            break reason;
        }
    };
    let late = now_ms() - ends;
    assert!((0..4_000).contains(&late) && reason.contains("expired"), "{late} ms after its time: {reason}");
}

#[tokio::test]
async fn a_session_that_is_gone_takes_its_tails_with_it() {
    let mut bench = Bench::start();
    bench.open(1, "orders/fr/>");
    bench.seen().await;
    bench.told.close();
    let deadline = Instant::now() + Duration::from_secs(20);
    while bench.desk.busy.available_permits() < REQUESTS_MAX {
        assert!(Instant::now() < deadline, "the tail goes on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(bench.desk.tails.lock().expect("held briefly").is_empty());
}

#[test]
fn a_payload_is_cut_at_a_characters_end_and_bytes_become_hex() {
    assert_eq!(cut("grün".as_bytes(), 3), "gr");
    assert_eq!(cut("grün".as_bytes(), 100), "grün");
    assert_eq!(cut(&[0xff, 0x00, 0x01], 4), "0xff00");
}

#[test]
fn a_full_tail_drops_and_counts() {
    let (events, _taken) = mpsc::channel(1);
    let queue = Queue { events, dropped: AtomicU64::new(0) };
    let router = Router::new(Budget::new(1_000), &Counters::default());
    let bench = Bench::start();
    let session = bench.enforcer.session(WATCHER, CLIENT_ID).expect("allowed");
    let queue = Arc::new(queue);
    let attachment = router.attach(queue.clone(), Reach::Local);
    attachment.subscribe(&Filter::mesh("orders/>").expect("valid"), 0, Life::Live);
    for _ in 0..3 {
        let publish = Publish {
            principal: WATCHER,
            topic: Topic::new("orders/fr").expect("valid"),
            payload: String::new(),
            mode: DeliveryMode::Direct,
        };
        let permit = bench.enforcer.permit(&session, publish.event(SiteId(Uuid::nil()))).expect("allowed");
        router.publish_direct(permit.admit(), None);
    }
    assert_eq!(queue.dropped.load(Ordering::Relaxed), 2);
}
