//! A webhook as `reconcile` starts it, with its queue over a real store, against an endpoint that answers as told.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use mesh_protocol::desired::{Connector, WebhookFormat, WebhookSink};
use mesh_protocol::policy::{Action, Effect, Principal, PrincipalState, Rule, Subject};
use mesh_protocol::report::{Part, PartRef, PartState};

use super::receiver::{Receiver, Reply, Seen};
use super::*;
use crate::reconcile::enforced;

const STOP: Duration = Duration::from_secs(5);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OK: Reply = Reply::Status(204);

/// An agent's parts around one webhook.
struct World {
    wiring: Wiring,
    shared: Shared,
    connector: Connector,
    line: Arc<PartHandle>,
    running: Option<Box<dyn Running>>,
    _folder: tempfile::TempDir,
}

fn sink_to(url: String) -> WebhookSink {
    WebhookSink {
        filters: vec![Filter::mesh("orders/>").expect("valid")],
        url,
        format: WebhookFormat::Binary,
        secret: Some("erp".to_owned()),
        ca_pem: None,
        timeout_ms: 10_000,
        concurrency: 8,
        deliveries_max: None,
        private_addresses: true,
    }
}

fn sink(receiver: &Receiver) -> WebhookSink {
    sink_to(format!("http://{}/hooks", receiver.address))
}

fn document(connector: &Connector) -> DesiredState {
    let mut state = sample::state(1);
    let rule = |number, action| Rule {
        id: Uuid::from_u128(number).into(),
        subject: Subject::Anyone,
        action,
        effect: Effect::Allow,
        filter: Filter::mesh(">").expect("valid"),
        sites: Vec::new(),
    };
    state.policy.rules = vec![rule(1, Action::Connect), rule(2, Action::Subscribe)];
    state.policy.principals = vec![Principal {
        id: connector.principal,
        username: "route".to_owned(),
        state: PrincipalState::Enabled,
        secrets: Vec::new(),
        roles: Vec::new(),
        application: None,
        expires_at_ms: None,
        protocols: Vec::new(),
    }];
    state.connectors = vec![connector.clone()];
    state
}

impl World {
    /// Everything but the webhook itself.
    async fn at_rest(disk: &SimulatedDisk, sink: &WebhookSink) -> Self {
        let folder = tempfile::tempdir().expect("temp dir");
        let home = Home::at(folder.path()).expect("made");
        home.secrets().expect("a store").set("erp", SECRET).expect("stored");
        let (counters, board) = (Counters::default(), Board::default());
        let portal = "https://127.0.0.1:1".parse().expect("an address");
        let identity = crate::control::testing::Authority::new().identity(portal);
        let settings = Settings { reserve_bytes: 0, ..Settings::default() };
        let spool = Store::over(Arc::new(disk.clone()), settings, &counters).expect("opens");
        let (spool, router) = (Arc::new(spool), Router::new(Budget::new(32 * 1024 * 1024), &counters));
        let parts = Parts {
            spool: spool.clone(),
            router: router.clone(),
            counters: counters.clone(),
            board: board.clone(),
            enforcer: Arc::default(),
        };
        let shared = Shared {
            identity: watch::Sender::new(Arc::new(identity)).subscribe(),
            ledger: ledger(&home),
            enforcer: Arc::default(),
            router,
            board,
            spool,
            queues: Arc::new(Queues::new(parts)),
            quotas: Default::default(),
            outbox: Outbox::new(&counters),
            counters,
        };
        let mut connector = sample::state(1).connectors.remove(1);
        connector.work = ConnectorWork::WebhookSink(sink.clone());
        let wiring = Wiring::new(&home, shared.clone(), None).expect("made");
        let accepted = accepted(document(&connector));
        wiring.document(&accepted).await;
        shared.enforcer.apply(enforced(&accepted).expect("compiles"));
        let line = Arc::new(shared.board.part(PartRef::Sink(connector.route)));
        Self { wiring, shared, connector, line, running: None, _folder: folder }
    }

    async fn new(disk: &SimulatedDisk, sink: &WebhookSink) -> Self {
        let mut world = Self::at_rest(disk, sink).await;
        world.start().await.expect("starts");
        world
    }

    async fn start(&mut self) -> Result<(), StartError> {
        let ConnectorWork::WebhookSink(sink) = &self.connector.work else { panic!("it is one") };
        let spec = PartSpec::Webhook(self.connector.clone(), sink.clone());
        self.running = Some(self.wiring.start(&spec, self.line.clone()).await?);
        Ok(())
    }

    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop(STOP).await;
        }
    }

    /// Publishes `KEY/NUMBER` events, keyed by the first letter; the payload is the same text.
    async fn publish(&self, texts: &[&str]) -> Outcome {
        let events = texts.iter().map(|text| Admitted::new(order(text, DeliveryMode::Guaranteed)));
        let admission = self.shared.router.budget().try_take(1).expect("room");
        self.shared.router.publish(events.collect(), admission, None).await
    }

    async fn until(&self, what: &str, so: impl Fn(&Self) -> bool) {
        for _ in 0..4_000 {
            if so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{what} did not become so: {:?}", self.part());
    }

    fn part(&self) -> Option<Part> {
        self.shared.board.parts().into_iter().find(|part| part.object == PartRef::Sink(self.connector.route))
    }

    fn is(&self, state: PartState, detail: &str) -> bool {
        let part = self.part().expect("there is a line");
        part.state == state && part.detail.unwrap_or_default().contains(detail)
    }

    fn waiting(&self) -> u64 {
        let name = format!("sink/{}", self.connector.route);
        let core = self.shared.spool.core();
        core.queue(&name).and_then(|queue| core.standing(queue)).map_or(0, |standing| standing.events)
    }

    /// Payloads and reasons.
    async fn dead_letters(&self) -> Vec<(String, String)> {
        let name = format!("dead/sink/{}", self.connector.route);
        let queue = self.shared.spool.core().queue(&name).expect("is open");
        let letters = self.shared.spool.take(queue, 100, usize::MAX).await.expect("reads");
        let told = letters.iter().map(|letter| {
            let event = letter.event.event();
            let reason = event.headers.user.iter().find(|(name, _)| name == "meshport-dead-letter-reason");
            let payload = String::from_utf8(event.payload.to_vec()).expect("text");
            (payload, reason.map(|(_, reason)| reason.clone()).unwrap_or_default())
        });
        told.collect()
    }
}

fn order(text: &str, mode: DeliveryMode) -> Event {
    let key = text.split('/').next().unwrap_or_default();
    let mut event = event(&format!("orders/{key}"));
    event.key = Bytes::copy_from_slice(key.as_bytes());
    event.payload = Bytes::copy_from_slice(text.as_bytes());
    event.headers.content_type = Some("text/plain".to_owned());
    event.mode = mode;
    event.origin.site = sample::state(1).site.id;
    event
}

fn of_key<'a>(texts: &'a [String], key: &str) -> Vec<&'a str> {
    texts.iter().map(String::as_str).filter(|text| text.split('/').next() == Some(key)).collect()
}

fn is_signed(seen: &Seen) -> bool {
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_")).expect("Base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
    mac.update(format!("{}.{}.", seen.header("webhook-id"), seen.header("webhook-timestamp")).as_bytes());
    mac.update(&seen.body);
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let sent: i64 = seen.header("webhook-timestamp").parse().expect("seconds");
    signature == seen.header("webhook-signature") && (now_ms() / 1_000 - sent).abs() < 60
}

#[tokio::test]
async fn each_event_is_one_signed_request_and_keys_keep_their_order() {
    let receiver = Receiver::start(|_| OK).await;
    let world = World::new(&SimulatedDisk::default(), &sink(&receiver)).await;
    let texts: Vec<String> = (0..90).map(|number| format!("{}/{number}", ["a", "b", "c"][number % 3])).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert!(matches!(world.publish(&texts).await, Outcome::Taken { .. }));
    world.until("everything is done", |world| world.waiting() == 0).await;
    let (seen, taken) = (receiver.seen(), receiver.taken());
    assert_eq!(seen.len(), 90, "each once");
    for key in ["a", "b", "c"] {
        let expected: Vec<&str> = texts.iter().copied().filter(|text| text.starts_with(key)).collect();
        assert_eq!(of_key(&taken, key), expected);
    }
    assert!(seen.iter().all(is_signed));
    let ids: std::collections::BTreeSet<&str> = seen.iter().map(|seen| seen.header("webhook-id")).collect();
    assert_eq!(ids.len(), 90);
    let first = &seen[0];
    let told =
        ["ce-specversion", "ce-source", "ce-type", "ce-subject", "ce-partitionkey", "content-type", "ce-redelivered"];
    let told = told.map(|name| first.header(name));
    assert_eq!(told, ["1.0", "/sites/store", "meshport.event", "orders/a", "a", "text/plain", ""]);
    assert_eq!(first.header("ce-id"), first.header("webhook-id"));
    world.until("the line tells", |world| world.is(PartState::Running, "")).await;
    world.until("it is counted", |world| world.part().is_some_and(|part| part.figures["events"] == 90)).await;
}

#[tokio::test]
async fn a_key_that_fails_holds_up_only_itself_and_goes_on_in_order() {
    let mut failures = 2;
    let receiver = Receiver::start(move |seen| match seen.text() {
        "a/1" if failures > 0 => {
            failures -= 1;
            Reply::Full(503, ("retry-after", "1"), "busy")
        }
        _ => OK,
    })
    .await;
    let world = World::new(&SimulatedDisk::default(), &sink(&receiver)).await;
    world.publish(&["a/1", "a/2", "b/1", "a/3", "b/2", "c/1"]).await;
    world.until("the others went on", |_| receiver.taken().len() == 3).await;
    assert!(receiver.taken().iter().all(|text| !text.starts_with('a')));
    world.until("some wait", |world| world.is(PartState::Degraded, "503")).await;
    world.until("everything is done", |world| world.waiting() == 0).await;
    assert_eq!(of_key(&receiver.taken(), "a"), ["a/1", "a/2", "a/3"]);
    let attempts: Vec<Seen> = receiver.seen().into_iter().filter(|seen| seen.text() == "a/1").collect();
    let told = attempts.iter().map(|seen| seen.header("ce-redelivered")).collect::<Vec<_>>();
    assert_eq!(told, ["", "true", "true"]);
    assert!(attempts.iter().all(|seen| seen.header("ce-id") == attempts[0].header("ce-id") && is_signed(seen)));
    world.until("it is well again", |world| world.is(PartState::Running, "")).await;
    assert_eq!(world.part().expect("a line").figures["failed_requests"], 2);
}

#[tokio::test]
async fn an_endpoint_that_hangs_for_one_key_answers_for_the_others() {
    let mut hung = false;
    let receiver = Receiver::start(move |seen| match seen.text() {
        "a/1" if !std::mem::replace(&mut hung, true) => Reply::Hang,
        _ => OK,
    })
    .await;
    let sink = WebhookSink { timeout_ms: 2_000, concurrency: 2, ..sink(&receiver) };
    let world = World::new(&SimulatedDisk::default(), &sink).await;
    world.publish(&["a/1"]).await;
    world.until("it hangs", |_| receiver.seen().len() == 1).await;
    let began = std::time::Instant::now();
    world.publish(&["a/2", "b/1", "b/2", "c/1", "c/2"]).await;
    world.until("the others went on", |_| receiver.taken().len() == 4).await;
    assert!(began.elapsed() < Duration::from_millis(1_900), "while it hung");
    world.until("everything is done", |world| world.waiting() == 0).await;
    assert_eq!(of_key(&receiver.taken(), "a"), ["a/1", "a/2"]);
    assert_eq!(world.shared.counters.counter("webhook_failed_requests").get(), 1, "its time was over");
}

#[tokio::test]
async fn what_is_refused_for_good_is_a_dead_letter_that_says_why() {
    let elsewhere = Receiver::start(|_| OK).await;
    let receiver = Receiver::start(|seen| match seen.text() {
        "a/1" => Reply::Full(422, ("x-any", "thing"), "no such\r\n  product"),
        "b/1" => Reply::Full(307, ("location", "http://elsewhere.example/"), ""),
        _ => OK,
    })
    .await;
    let world = World::new(&SimulatedDisk::default(), &sink(&receiver)).await;
    world.publish(&["a/1", "a/2", "b/1", "b/2"]).await;
    world.until("everything is done", |world| world.waiting() == 0).await;
    let mut taken = receiver.taken();
    taken.sort();
    assert_eq!(taken, ["a/2", "b/2"], "the others of the key go on");
    let mut letters = world.dead_letters().await;
    letters.sort();
    assert_eq!(letters.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), ["a/1", "b/1"]);
    assert!(letters[0].1.contains("422") && letters[0].1.ends_with(": no such product"), "{letters:?}");
    assert!(letters[1].1.contains("http://elsewhere.example/") && letters[1].1.contains("not followed"), "{letters:?}");
    assert!(elsewhere.seen().is_empty());
    world.until("it is shown", |world| world.is(PartState::Degraded, "2 events refused")).await;
}

#[tokio::test]
async fn an_event_that_fails_too_often_is_a_dead_letter_and_the_next_one_goes() {
    let receiver = Receiver::start(|seen| if seen.text() == "a/1" { Reply::Status(500) } else { OK }).await;
    let sink = WebhookSink { deliveries_max: Some(2), ..sink(&receiver) };
    let world = World::new(&SimulatedDisk::default(), &sink).await;
    world.publish(&["a/1", "a/2"]).await;
    world.until("everything is done", |world| world.waiting() == 0).await;
    assert_eq!(receiver.taken(), ["a/2"]);
    let letters = world.dead_letters().await;
    assert!(letters.len() == 1 && letters[0].1.contains("500") && letters[0].1.contains("2 times"), "{letters:?}");
    assert_eq!(receiver.seen().len(), 3);
}

#[tokio::test]
async fn a_restart_loses_nothing_and_keeps_the_order() {
    let disk = SimulatedDisk::default();
    let receiver = Receiver::start(|_| Reply::Hang).await;
    let sink = WebhookSink { concurrency: 2, ..sink(&receiver) };
    let mut world = World::new(&disk, &sink).await;
    world.publish(&["a/1", "a/2", "b/1", "c/1"]).await;
    world.until("some are under way", |_| receiver.seen().len() == 2).await;
    world.stop().await;
    assert_eq!(world.waiting(), 4);
    world.publish(&["a/3"]).await;
    drop(world);
    receiver.script(|_| OK);
    let world = World::new(&disk.restarted(), &sink).await;
    world.publish(&["a/4"]).await;
    world.until("everything is done", |world| world.waiting() == 0).await;
    let taken = receiver.taken();
    assert_eq!((taken.len(), of_key(&taken, "a")), (6, vec!["a/1", "a/2", "a/3", "a/4"]));
    let seen = receiver.seen();
    let ids: Vec<&str> = seen.iter().filter(|seen| seen.text() == "a/1").map(|seen| seen.header("ce-id")).collect();
    assert!(ids.len() == 2 && ids[0] == ids[1], "the same event for whoever looks at ids: {ids:?}");
}

#[tokio::test]
async fn an_endpoint_that_is_away_fails_for_all_and_gets_everything_when_it_is_back() {
    let receiver = Receiver::start(|_| OK).await;
    let sink = sink(&receiver);
    let address = receiver.address;
    drop(receiver);
    let world = World::new(&SimulatedDisk::default(), &sink).await;
    assert!(matches!(world.publish(&["a/1", "b/1"]).await, Outcome::Taken { .. }), "publishers do not wait for it");
    world.until("it says so", |world| world.is(PartState::Failing, "cannot be reached")).await;
    assert_eq!(world.waiting(), 2, "{address}");
}

#[tokio::test]
async fn what_a_kafka_source_brings_is_its_queues_own_whether_it_runs_or_not() {
    let receiver = Receiver::start(|_| OK).await;
    let mut world = World::at_rest(&SimulatedDisk::default(), &sink(&receiver)).await;
    let pass = async |world: &World, text: &str| {
        let batch = vec![Admitted::new(order(text, DeliveryMode::Guaranteed))];
        world.shared.router.pass(batch, Audience::Everybody).outcome().await
    };
    assert_eq!(pass(&world, "a/1").await, Outcome::Taken { outlets: 1 }, "a paused route keeps it");
    assert_eq!(world.waiting(), 1);
    world.start().await.expect("starts");
    assert_eq!(pass(&world, "a/2").await, Outcome::Taken { outlets: 1 });
    world.until("everything is done", |world| world.waiting() == 0).await;
    assert_eq!(receiver.taken(), ["a/1", "a/2"]);
}

#[tokio::test]
async fn a_route_that_ended_at_a_cluster_keeps_its_queue() {
    let receiver = Receiver::start(|_| OK).await;
    let mut world = World::at_rest(&SimulatedDisk::default(), &sink(&receiver)).await;
    let webhook = world.connector.clone();
    let kafka = sample::state(1).connectors.remove(1);
    assert_eq!(kafka.route, webhook.route);
    world.wiring.document(&accepted(document(&kafka))).await;
    world.publish(&["a/1"]).await;
    world.wiring.document(&accepted(document(&webhook))).await;
    world.publish(&["a/2"]).await;
    assert_eq!(world.waiting(), 2, "each once");
    world.start().await.expect("starts");
    world.until("everything is done", |world| world.waiting() == 0).await;
    assert_eq!(receiver.taken(), ["a/1", "a/2"]);
}

#[tokio::test]
async fn best_effort_events_are_offered_once_while_it_runs() {
    let receiver = Receiver::start(|seen| if seen.text() == "b/1" { Reply::Status(503) } else { OK }).await;
    let mut world = World::at_rest(&SimulatedDisk::default(), &sink(&receiver)).await;
    let direct = |world: &World, text: &str| {
        world.shared.router.publish_direct(Admitted::new(order(text, DeliveryMode::Direct)), None)
    };
    let count = |world: &World, name: &'static str| world.shared.counters.counter(name).get();
    assert_eq!(direct(&world, "a/0"), 1, "it is dropped and counted, not unrouted");
    assert_eq!(count(&world, "absent_destination_dropped_events"), 1);
    world.start().await.expect("starts");
    for text in ["a/1", "b/1", "a/2", "b/2"] {
        assert_eq!(direct(&world, text), 1);
    }
    world.until("they are there", |_| receiver.seen().len() == 4).await;
    world.until("what failed is counted", |world| count(world, "sink_dropped_events") == 1).await;
    assert_eq!(of_key(&receiver.taken(), "a"), ["a/1", "a/2"]);
    assert_eq!(world.waiting(), 0);
}

#[tokio::test]
async fn tls_is_believed_with_the_authority_of_the_route_alone() {
    let receiver = Receiver::start_secure(|_| OK).await;
    let url = format!("https://localhost:{}/", receiver.address.port());
    let trusting = WebhookSink { ca_pem: Some(receiver.ca_pem.clone()), secret: None, ..sink_to(url.clone()) };
    let world = World::new(&SimulatedDisk::default(), &trusting).await;
    world.publish(&["a/1", "a/2"]).await;
    world.until("everything is done", |world| world.waiting() == 0).await;
    let seen = receiver.seen();
    assert_eq!((seen[0].version, seen[0].header("webhook-signature")), (hyper::Version::HTTP_2, ""));
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let doubting = WebhookSink { ca_pem: Some(other.cert.pem()), ..sink_to(url) };
    let world = World::new(&SimulatedDisk::default(), &doubting).await;
    world.publish(&["a/3"]).await;
    world.until("it is not believed", |world| world.is(PartState::Failing, "certificate must be valid")).await;
    assert_eq!((receiver.seen().len(), world.waiting()), (2, 1));
}

#[tokio::test]
async fn an_address_nobody_meant_is_not_called_and_costs_no_event() {
    let receiver = Receiver::start(|_| OK).await;
    let port = receiver.address.port();
    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"] {
        let sink = sink_to(format!("http://{host}:{port}/"));
        let sink = WebhookSink { private_addresses: false, deliveries_max: Some(1), ..sink };
        let world = World::new(&SimulatedDisk::default(), &sink).await;
        world.publish(&["a/1"]).await;
        world.until("it says what to do", |world| world.is(PartState::Failing, "allow private addresses")).await;
        assert_eq!((world.waiting(), world.dead_letters().await.len()), (1, 0), "{host}");
    }
    assert!(receiver.seen().is_empty());
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_named_and_starts_it_when_it_is_set() {
    let receiver = Receiver::start(|_| OK).await;
    let sink = WebhookSink { secret: Some("other".to_owned()), ..sink(&receiver) };
    let mut world = World::at_rest(&SimulatedDisk::default(), &sink).await;
    let Err(StartError::Failing(reason)) = world.start().await else { panic!("it cannot start") };
    assert!(reason.contains("mesh-agent secret set other"), "{reason}");
    let spec = PartSpec::Webhook(world.connector.clone(), sink);
    assert_eq!(world.wiring.secret(&spec), None);
    world.wiring.secrets.set("other", "a").expect("stored");
    let first = world.wiring.secret(&spec);
    world.wiring.secrets.set("other", "b").expect("stored");
    assert!(first.is_some() && first != world.wiring.secret(&spec), "another secret is another start");
    world.start().await.expect("starts");
}
