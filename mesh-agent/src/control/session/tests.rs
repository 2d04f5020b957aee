use super::*;
use crate::control::ledger::{Ledger, sample};
use crate::control::testing::{Authority, Conversation, Portal};
use crate::counters::Counters;
use crate::status::Board;
use mesh_protocol::report::{Denials, RejectionKind, Report, Status};
use mesh_protocol::wire::PublishOutcome;

/// Answers every publish and forgets everything else.
#[derive(Debug)]
struct Echo;

impl Desk for Echo {
    fn take(&self, request: Request, answers: &mpsc::Sender<ToControl>) {
        if let Request::Publish { request, .. } = request {
            answers
                .try_send(ToControl::Published { request, outcome: PublishOutcome::Accepted { outlets: 3 } })
                .expect("room");
        }
    }
}

struct Bench {
    _dir: tempfile::TempDir,
    authority: Authority,
    identity: watch::Sender<Arc<Identity>>,
    outbox: Outbox,
    state: watch::Receiver<SessionState>,
    tasks: Tasks,
}

impl Bench {
    async fn start() -> (Self, Portal) {
        let authority = Authority::new();
        let portal = Portal::start(&authority).await;
        let dir = tempfile::tempdir().expect("temp dir");
        let tasks = Tasks::new("test");
        let ledger = LedgerHandle::start(Ledger::open(dir.path().to_owned(), sample::owner()), &tasks);
        let identity = watch::Sender::new(Arc::new(authority.identity(portal.address())));
        let (counters, board) = (Counters::default(), Board::default());
        let outbox = Outbox::new(&counters);
        let facts = Facts {
            standing: ledger.standing(),
            applied: watch::Sender::default().subscribe(),
            links: watch::Sender::default().subscribe(),
            identity: identity.subscribe(),
            board_changes: board.changes(),
            board,
            counters,
            started_at_ms: now_ms(),
        };
        let (desk, boot) = (Arc::new(Echo), "boot".to_owned());
        let session = Session { identity: identity.subscribe(), ledger, outbox: outbox.clone(), facts, desk, boot };
        let state = session.start(&tasks);
        (Self { _dir: dir, authority, identity, outbox, state, tasks }, portal)
    }

    async fn state(&mut self, wanted: impl Fn(&SessionState) -> bool) -> SessionState {
        let found = timeout(Duration::from_secs(20), self.state.wait_for(wanted)).await;
        found.expect("in time").expect("alive").clone()
    }
}

fn status(message: ToControl) -> Option<Status> {
    match message {
        ToControl::Status(status) => Some(status),
        _ => None,
    }
}

fn revision(hello: &ToControl) -> Option<u64> {
    let ToControl::Hello(hello) = hello else { panic!("Hello comes first: {hello:?}") };
    hello.applied.map(|applied| applied.revision)
}

async fn rejection(conversation: &mut Conversation) -> mesh_protocol::report::Rejection {
    conversation.until(|message| status(message)?.rejected).await
}

#[tokio::test]
async fn documents_are_judged_and_a_reconnect_says_what_there_is() {
    let (mut bench, portal) = Bench::start().await;
    let (mut conversation, hello) = portal.welcome().await;
    assert_eq!(revision(&hello), None);
    bench.state(|state| matches!(state, SessionState::Connected { .. })).await;
    conversation.say_desired(&sample::state(7), &sample::key(1)).await;
    conversation.say_desired(&sample::state(6), &sample::key(1)).await;
    let rejected = rejection(&mut conversation).await;
    assert_eq!((rejected.kind, rejected.revision.map(|it| it.revision)), (RejectionKind::Older, Some(6)));
    conversation.say_desired(&sample::state(8), &sample::key(2)).await;
    conversation.until(|message| status(message)?.rejected.filter(|it| it.kind == RejectionKind::Signature)).await;
    drop(conversation);
    let (_conversation, hello) = portal.welcome().await;
    assert_eq!(revision(&hello), Some(7), "what was lost is healed by what the greeting says");
}

#[tokio::test]
async fn a_portal_that_comes_back_is_found_again() {
    let (mut bench, portal) = Bench::start().await;
    let address = portal.socket_address();
    drop(portal.welcome().await);
    drop(portal);
    bench.state(|state| matches!(state, SessionState::Connecting { last_error: Some(_) })).await;
    let portal = Portal::again(address, &bench.authority).await;
    let _session = portal.welcome().await;
    bench.state(|state| matches!(state, SessionState::Connected { .. })).await;
}

#[tokio::test]
async fn a_report_is_sent_again_until_it_is_acknowledged() {
    let (bench, portal) = Bench::start().await;
    let denials = Report::Denials(Denials { at_ms: 1, denials: Vec::new(), left_out: 0 });
    bench.outbox.push(denials.clone()).expect("room");
    let report = |message| match message {
        ToControl::Report { id, report } => Some((id, report)),
        _ => None,
    };
    let (mut conversation, _) = portal.welcome().await;
    let first = conversation.until(report).await;
    drop(conversation);
    let (mut conversation, _) = portal.welcome().await;
    let second = conversation.until(report).await;
    assert_eq!((first, &second.1), (second.clone(), &denials));
    conversation.say(&ToAgent::ReportAck { id: second.0, refused: None }).await;
    let later = Report::Denials(Denials { at_ms: 2, denials: Vec::new(), left_out: 0 });
    bench.outbox.push(later.clone()).expect("room");
    assert_eq!(conversation.until(report).await.1, later);
}

#[tokio::test]
async fn the_heart_beats_and_requests_are_answered() {
    let (_bench, portal) = Bench::start().await;
    let (mut conversation, _) = portal.welcome().await;
    conversation.until(|message| (message == ToControl::Ping).then_some(())).await;
    let topic = mesh_protocol::topic::Topic::new("orders/fr/1/created").expect("a topic");
    let principal = mesh_protocol::id::PrincipalId(uuid::Uuid::nil());
    let mode = mesh_protocol::event::DeliveryMode::Direct;
    let publish = ToAgent::Publish { request: 9, principal, topic, payload: "{}".to_owned(), mode };
    conversation.say(&publish).await;
    let published = |message| match message {
        ToControl::Published { request, outcome } => Some((request, outcome)),
        _ => None,
    };
    assert_eq!(conversation.until(published).await, (9, PublishOutcome::Accepted { outlets: 3 }));
}

#[tokio::test]
async fn a_refusal_is_shown_with_the_portals_reason() {
    let (mut bench, portal) = Bench::start().await;
    let (mut conversation, _) = portal.session().await;
    let reason = "this agent was revoked".to_owned();
    conversation.say(&ToAgent::Refused { reason, update_required: false }).await;
    let state = bench.state(|state| matches!(state, SessionState::Connecting { last_error: Some(_) })).await;
    assert!(format!("{state:?}").contains("this agent was revoked"), "{state:?}");
}

#[tokio::test]
async fn a_new_certificate_is_used_at_once() {
    let (bench, portal) = Bench::start().await;
    let (mut conversation, _) = portal.welcome().await;
    bench.identity.send_replace(Arc::new(bench.authority.identity(portal.address())));
    while conversation.hear().await.is_some() {}
    portal.welcome().await;
}

#[tokio::test]
async fn stopping_closes_the_session() {
    let (bench, portal) = Bench::start().await;
    let (mut conversation, _) = portal.welcome().await;
    let (left, ()) =
        tokio::join!(bench.tasks.stop(Duration::from_secs(10)), async { while conversation.hear().await.is_some() {} });
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn pauses_grow_to_a_cap_and_are_spread() {
    let mut backoff = Backoff::default();
    let pauses: Vec<_> = (0..40).map(|_| backoff.next()).collect();
    assert!(pauses[0] <= BACKOFF_MIN);
    assert!(pauses.iter().all(|pause| *pause <= BACKOFF_MAX && *pause >= BACKOFF_MIN / 2));
    assert!(pauses[20..].iter().all(|pause| *pause >= BACKOFF_MAX / 2));
    assert!(pauses[20..].iter().any(|pause| *pause != pauses[20]), "not all the same");
}
