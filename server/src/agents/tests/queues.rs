//! Questions about queues go to the agent that owns them, and what was done is in the audit trail.

use frontend::api::{Page, QueueInput, QueueView, ShelfDone, ShelfQuery, ShelfTask};
use mesh_protocol::id::QueueId;
use mesh_protocol::queue::{self, QueueAnswer, QueueAsk, QueueRef, QueuedEvent, Replay, Shelf, Which};

use super::{Portal, Session, TestAgent, ToAgent, ToControl, hear, next_desired, portal, portal_in, say};
use crate::app::{Error, Result};

/// A portal with an agent that owns two queues.
struct World {
    portal: Portal,
    agent: TestAgent,
    session: Session,
    orders: QueueView,
    late: QueueView,
}

async fn world() -> World {
    let portal = portal().await;
    let mut agent = TestAgent::new(1);
    portal.enrol(&mut agent, &portal.token().await).await.expect("enrolled");
    let mut session = portal.session(&agent).await;
    next_desired(&mut session, &agent).await;
    let site = portal.app.sites(&portal.admin, frontend::api::ListQuery::default()).await.expect("read").items[0].id;
    let make = async |name: &str| {
        let keep_ms = Some(86_400_000).filter(|_| name == "orders");
        let input = QueueInput { keep_ms, ..QueueInput::new(name, site, vec![format!("{name}/>")]) };
        portal.app.create_queue(&portal.admin, input).await.expect("made")
    };
    let (orders, late) = (make("orders").await, make("late").await);
    World { portal, agent, session, orders, late }
}

/// The next question about a queue; everything else is passed over.
async fn next_ask(session: &mut Session) -> (u64, QueueRef, QueueAsk) {
    loop {
        if let ToAgent::AskQueue { request, queue, ask } = hear(session).await {
            return (request, queue, ask);
        }
    }
}

fn event(position: u64) -> QueuedEvent {
    QueuedEvent {
        position,
        admitted_at_ms: 5,
        topic: "orders/fr".into(),
        key: "till-7".into(),
        content_type: None,
        payload: "{}".into(),
        payload_bytes: 2,
        deliveries: 1,
        expires_at_ms: None,
        consumer: None,
        reason: None,
        properties: vec![],
    }
}

impl World {
    /// What the portal asks, answered by the agent.
    async fn answered(&mut self, answer: QueueAnswer) -> (QueueRef, QueueAsk) {
        let (request, queue, ask) = next_ask(&mut self.session).await;
        say(&mut self.session, &ToControl::QueueAnswer { request, answer }).await;
        (queue, ask)
    }

    async fn look(&mut self, query: ShelfQuery, answer: QueueAnswer) -> (Result<Page<QueuedEvent>>, QueueAsk) {
        let (app, admin, id) = (self.portal.app.clone(), self.portal.admin.clone(), self.orders.id);
        let (seen, (queue, ask)) =
            tokio::join!(async move { app.queue_events(&admin, id, query).await }, self.answered(answer));
        assert_eq!(queue, QueueRef::Queue(id));
        (seen, ask)
    }

    async fn handle(&mut self, task: ShelfTask, answer: QueueAnswer) -> (Result<ShelfDone>, QueueAsk) {
        let (app, admin, id) = (self.portal.app.clone(), self.portal.admin.clone(), self.orders.id);
        let (done, (_, ask)) =
            tokio::join!(async move { app.handle_queue_events(&admin, id, task).await }, self.answered(answer));
        (done, ask)
    }

    async fn newest_entry(&self) -> (String, String, Option<u64>) {
        let entries = self.portal.app.store().read().await.expect("open").audit_after(0, 1_000).await.expect("read");
        let entry = &entries.last().expect("an entry").entry;
        (entry.action.clone(), entry.summary.clone(), entry.policy_revision)
    }
}

#[tokio::test]
async fn an_agent_gets_its_queues_and_is_asked_for_a_page_of_one() {
    let mut world = world().await;
    let desired = loop {
        let desired = next_desired(&mut world.session, &world.agent).await;
        if desired.queues.len() == 2 {
            break desired;
        }
    };
    assert_eq!((&*desired.queues[0].name, desired.queues[0].keep_ms), ("orders", Some(86_400_000)));
    assert_eq!((&*desired.queues[1].name, desired.queues[1].keep_ms), ("late", None));
    let page = queue::Page { events: vec![event(7), event(9)], more: true, total: 40 };
    let query = ShelfQuery { after: 3, limit: Some(2), ..ShelfQuery::default() };
    let (seen, ask) = world.look(query, QueueAnswer::Page(page)).await;
    let seen = seen.expect("a page");
    assert_eq!((seen.next.as_deref(), seen.total, seen.items.len()), (Some("9"), 40, 2));
    let wants = QueueAsk::Browse { shelf: Shelf::Waiting, after: 3, limit: 2, payload_bytes_max: 1024 };
    assert_eq!(ask, wants);

    let query = ShelfQuery { limit: Some(1_000), payload_bytes: Some(u32::MAX), ..ShelfQuery::default() };
    let (seen, ask) = world.look(query, QueueAnswer::Page(queue::Page::default())).await;
    assert_eq!(seen.expect("a page").next, None);
    assert!(
        matches!(ask, QueueAsk::Browse { limit: 100, payload_bytes_max: 10_485, .. }),
        "within one message: {ask:?}"
    );

    let refused = QueueAnswer::Refused { reason: "it is not here yet".into() };
    let (seen, _) = world.look(ShelfQuery::default(), refused).await;
    assert!(matches!(seen, Err(Error::Conflict(reason)) if reason == "it is not here yet"));
}

#[tokio::test]
async fn what_was_done_to_events_is_in_the_audit_trail_and_is_no_policy_revision() {
    let mut world = world().await;
    let before = world.portal.app.policy(&world.portal.admin).await.expect("read").revision;
    let task = ShelfTask::Move { shelf: Shelf::DeadLetters, which: Which::These(vec![7, 9]), to: world.late.id };
    let answer = QueueAnswer::Done { events: 1, stopped: Some("late is full".into()) };
    let (done, ask) = world.handle(task, answer).await;
    assert_eq!(done.expect("done"), ShelfDone { events: 1, stopped: Some("late is full".into()) });
    assert!(matches!(ask, QueueAsk::Move { to, .. } if to == world.late.id));
    let said = "moved 1 dead letter of the queue orders to the queue late; then it stopped: late is full";
    assert_eq!(world.newest_entry().await, ("queue.handle".to_owned(), said.to_owned(), None));

    let refused = QueueAnswer::Refused { reason: "no".into() };
    let (done, _) = world.handle(ShelfTask::Retry { which: Which::All }, refused).await;
    assert!(matches!(done, Err(Error::Conflict(_))));
    assert_eq!(world.newest_entry().await.1, said, "nothing happened, so nothing is in the trail");
    assert_eq!(world.portal.app.policy(&world.portal.admin).await.expect("read").revision, before);
}

#[tokio::test]
async fn what_was_replayed_is_in_the_audit_trail_with_its_number() {
    let mut world = world().await;
    let cases = [
        (Replay::All, ", all that were kept"),
        (Replay::FromPosition(70), ", those from position 70 on"),
        (Replay::SinceMs(1_795_901_400_000), ", those admitted since 2026-11-28T21:30:00Z"),
        (Replay::These(vec![7, 9]), ""),
    ];
    for (events, (which, rest)) in (1_204..).zip(cases) {
        let task = ShelfTask::Replay { which: which.clone() };
        let (done, ask) = world.handle(task, QueueAnswer::Done { events, stopped: None }).await;
        assert_eq!(done.expect("done"), ShelfDone { events, stopped: None });
        assert_eq!(ask, QueueAsk::Replay { which });
        let said = format!("replayed {events} acknowledged events of the queue orders{rest}");
        assert_eq!(world.newest_entry().await, ("queue.handle".to_owned(), said, None));
    }
    let before = world.newest_entry().await;
    let reason = "there is room for 10 of these 1,204 events: make the queue larger, or replay fewer";
    let refused = QueueAnswer::Refused { reason: reason.into() };
    let (done, _) = world.handle(ShelfTask::Replay { which: Replay::All }, refused).await;
    assert!(matches!(done, Err(Error::Conflict(said)) if said == reason));
    assert_eq!(world.newest_entry().await, before, "all or none: nothing happened, so nothing is in the trail");
    let (app, admin) = (&world.portal.app, &world.portal.admin);
    let replayed = app.handle_queue_events(admin, world.late.id, ShelfTask::Replay { which: Replay::All }).await;
    assert!(matches!(replayed, Err(Error::Conflict(said)) if said.contains("the queue late keeps nothing")));
}

#[tokio::test]
async fn what_is_kept_is_looked_at_deleted_and_moved_as_the_rest() {
    let mut world = world().await;
    let shelf = Shelf::Acknowledged;
    let page = queue::Page { events: vec![event(7)], more: false, total: 1 };
    let (seen, ask) = world.look(ShelfQuery { shelf, ..ShelfQuery::default() }, QueueAnswer::Page(page)).await;
    assert_eq!(seen.expect("a page").items, [event(7)]);
    assert!(matches!(ask, QueueAsk::Browse { shelf: Shelf::Acknowledged, .. }), "{ask:?}");
    let to = world.late.id;
    for (task, said) in [
        (ShelfTask::Delete { shelf, which: Which::All }, "deleted 1 acknowledged event of the queue orders"),
        (
            ShelfTask::Move { shelf, which: Which::These(vec![7]), to },
            "moved 1 acknowledged event of the queue orders to the queue late",
        ),
    ] {
        let (done, _) = world.handle(task, QueueAnswer::Done { events: 1, stopped: None }).await;
        assert_eq!(done.expect("done").events, 1);
        assert_eq!(world.newest_entry().await.1, said);
    }
}

#[tokio::test]
async fn an_agent_that_leaves_before_it_answers_leaves_a_question_in_the_trail() {
    let mut world = world().await;
    let (app, admin, id) = (world.portal.app.clone(), world.portal.admin.clone(), world.orders.id);
    let task = ShelfTask::Delete { shelf: Shelf::Waiting, which: Which::All };
    let leaves = async {
        next_ask(&mut world.session).await;
        world.session.close(None).await.expect("closed");
    };
    let (asked, ()) = tokio::join!(app.handle_queue_events(&admin, id, task), leaves);
    assert!(matches!(asked, Err(Error::Unavailable(_))));
    let said = "asked to delete events of the queue orders; the agent did not say what became of it";
    assert_eq!(world.newest_entry().await.1, said);
}

#[tokio::test]
async fn what_was_done_is_in_the_trail_also_when_whoever_asked_has_gone() {
    let mut world = world().await;
    let (app, admin, id) = (world.portal.app.clone(), world.portal.admin.clone(), world.orders.id);
    let task = ShelfTask::Retry { which: Which::All };
    let request = tokio::select! {
        done = app.handle_queue_events(&admin, id, task) => panic!("nobody has answered: {done:?}"),
        (request, ..) = next_ask(&mut world.session) => request,
    };
    let answer = QueueAnswer::Done { events: 3, stopped: None };
    say(&mut world.session, &ToControl::QueueAnswer { request, answer }).await;
    assert!(app.errands().stop(std::time::Duration::from_secs(20)).await.is_empty());
    let (action, summary, _) = world.newest_entry().await;
    assert!(action == "queue.handle" && summary.contains('3'), "{summary}");
}

#[tokio::test]
async fn only_the_portal_that_holds_the_agents_session_can_ask_it() {
    let world = world().await;
    let other = portal_in(world.portal.folder.clone()).await;
    let (admin, id) = (&other.admin, world.orders.id);
    let asked = other.app.queue_events(admin, id, ShelfQuery::default()).await;
    assert!(matches!(asked, Err(Error::Unavailable(reason)) if reason.contains("another one on the same database")));
}

#[tokio::test]
async fn events_move_to_another_queue_of_the_same_agent_only() {
    let world = world().await;
    let (app, admin) = (&world.portal.app, &world.portal.admin);
    let far = frontend::api::SiteInput { name: "far".into(), region: "eu".into(), ..Default::default() };
    let far = app.create_site(admin, far).await.expect("made").id;
    let elsewhere = app.create_queue(admin, QueueInput::new("far", far, vec!["a".into()])).await.expect("made").id;
    for to in [world.orders.id, elsewhere, QueueId(uuid::Uuid::nil())] {
        let task = ShelfTask::Move { shelf: Shelf::Waiting, which: Which::All, to };
        let moved = app.handle_queue_events(admin, world.orders.id, task).await;
        assert!(matches!(&moved, Err(Error::Invalid(errors)) if errors.0.contains_key("to")), "{to}: {moved:?}");
    }
    let none = ShelfTask::Delete { shelf: Shelf::Waiting, which: Which::These(vec![]) };
    let deleted = app.handle_queue_events(admin, world.orders.id, none).await;
    assert!(matches!(&deleted, Err(Error::Invalid(errors)) if errors.0.contains_key("which")), "{deleted:?}");
}

#[tokio::test]
async fn what_other_agents_refused_is_asked_of_the_agent_that_had_it() {
    let mut world = world().await;
    let (app, admin) = (world.portal.app.clone(), world.portal.admin.clone());
    let agent = app.agents(&admin, frontend::api::ListQuery::default()).await.expect("read").items.remove(0);
    let waiting = app.agent_dead_letters(&admin, agent.id, ShelfQuery::default()).await;
    assert!(matches!(waiting, Err(Error::Invalid(_))), "{waiting:?}");
    let stranger = uuid::Uuid::nil().into();
    let query = ShelfQuery { shelf: Shelf::DeadLetters, ..ShelfQuery::default() };
    let nobody = app.agent_dead_letters(&admin, stranger, query.clone()).await;
    assert!(matches!(nobody, Err(Error::NotFound { what: "agent" })));

    let letter = |consumer: String| QueuedEvent { consumer: Some(consumer), reason: Some("no".into()), ..event(7) };
    let events = vec![letter(agent.id.to_string()), letter(stranger.to_string())];
    let page = QueueAnswer::Page(queue::Page { events, more: false, total: 2 });
    let (seen, (queue, ask)) = tokio::join!(app.agent_dead_letters(&admin, agent.id, query), world.answered(page));
    assert_eq!(queue, QueueRef::Fabric);
    assert!(matches!(ask, QueueAsk::Browse { shelf: Shelf::DeadLetters, .. }));
    let refused_by: Vec<_> = seen.expect("a page").items.into_iter().filter_map(|event| event.consumer).collect();
    assert_eq!(refused_by, [agent.name.clone(), stranger.to_string()], "one that is not known keeps its id");

    let task = ShelfTask::Retry { which: Which::All };
    let done = QueueAnswer::Done { events: 2, stopped: None };
    let (done, _) = tokio::join!(app.handle_agent_dead_letters(&admin, agent.id, task), world.answered(done));
    assert_eq!(done.expect("done").events, 2);
    let (action, summary, _) = world.newest_entry().await;
    assert_eq!((&*action, summary), ("agent.handle", format!("retried 2 dead letters of the agent {}", agent.name)));
}
