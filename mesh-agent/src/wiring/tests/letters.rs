//! What sources can never bring in is kept, and people can look at it.

use mesh_protocol::queue::{QueueAnswer, QueueAsk, QueueRef, Shelf, Which};

use super::*;
use crate::connector::{Letter, Letters as _};
use crate::queue::named::answer;

#[tokio::test]
async fn a_record_that_no_route_can_read_is_a_dead_letter_of_the_agent() {
    let (counters, settings) = (Counters::default(), Settings { reserve_bytes: 0, ..Settings::default() });
    let spool = Arc::new(Store::over(Arc::new(SimulatedDisk::default()), settings, &counters).expect("opens"));
    let router = Router::new(Budget::new(1_000), &counters);
    let parts = Parts { spool: spool.clone(), router, counters, board: Board::default(), enforcer: Arc::default() };
    let queues = Queues::new(parts);
    let (letters, route) = (SourceLetters(spool), RouteId(Uuid::from_u128(9)));
    let letter = || Letter {
        event: event("orders"),
        reason: "it names schema 7, which nobody has".to_owned(),
        diverted_from: None,
    };
    letters.bury(route, vec![letter(), letter()]).await.expect("kept");
    let browse = QueueAsk::Browse { shelf: Shelf::DeadLetters, after: 0, limit: 10, payload_bytes_max: 100 };
    let QueueAnswer::Page(page) = answer(&queues, QueueRef::Fabric, browse).await else { panic!("no page") };
    assert_eq!((page.events.len(), page.events[0].topic.as_str()), (2, "orders"));
    assert_eq!(page.events[0].reason.as_deref(), Some("it names schema 7, which nobody has"));
    assert_eq!(page.events[0].consumer, Some(format!("route {route}")));
    let retried = answer(&queues, QueueRef::Fabric, QueueAsk::Retry { which: Which::All }).await;
    let QueueAnswer::Done { events: 0, stopped: Some(why) } = retried else { panic!("{retried:?}") };
    assert!(why.contains("records that their routes cannot read"), "{why}");

    let most = usize::try_from(crate::letter::DEAD_LETTERS_MAX).expect("it fits");
    let refused = letters.bury(route, (1..most).map(|_| letter()).collect()).await.expect_err("too many");
    assert!(refused.starts_with("this agent has 2 dead letters, and may have 10000"), "{refused}");
}
