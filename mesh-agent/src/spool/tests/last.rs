//! Last values of topics.

use mesh_protocol::topic::Filter;
use proptest::prelude::*;

use super::*;

/// A retained event of a site.
fn value(topic: &str, site: u128, at_ms: i64, payload: &str) -> Admitted {
    Admitted::new(Event {
        topic: Topic::new(topic).expect("valid"),
        payload: payload.as_bytes().to_vec().into(),
        admitted_at_ms: at_ms,
        origin: Origin { site: SiteId(Uuid::from_u128(site)), principal: None, protocol: Protocol::Mqtt },
        retain: true,
        ..event(0, 0).event().clone()
    })
}

fn keep(event: Admitted, queues: &[QueueNo]) -> Op {
    let addressed = Addressed { event, queues: queues.iter().copied().collect(), redelivered: false };
    Op::Append { events: vec![addressed], mark: None, claim: None }
}

/// The same from another agent, as the next event of its stream.
fn brought(event: Admitted, queues: &[QueueNo], counter: u64) -> Op {
    let Op::Append { events, .. } = keep(event, queues) else { unreachable!() };
    let key = MarkKey { origin: SpoolId([9; 16]), epoch: Epoch(1), lane: Lane(0) };
    let (after, up_to) = (Seq::from_counter(counter - 1), Seq::from_counter(counter));
    let after = if counter == 1 { Seq::START } else { after };
    Op::Append { events, mark: Some(Mark { key, after, up_to }), claim: None }
}

fn recall(core: &Core, filter: &str) -> Vec<String> {
    let recall =
        Recall { filter: Filter::mqtt(filter).expect("valid"), after: None, whose: Whose::Shown, direct_since: None };
    let found = core.recall(&recall, 2_000).expect("reads");
    assert!(found.events.iter().all(Admitted::is_recalled));
    found.events.iter().map(|event| String::from_utf8_lossy(&event.event().payload).into_owned()).collect()
}

#[test]
fn the_last_value_of_a_topic_is_there_until_it_is_ended_and_after_a_restart() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    for (topic, at_ms, payload) in [("a/1", 1_000, "old"), ("a/1", 1_001, "new"), ("a/2", 1_000, "two"), ("b", 1, "b")]
    {
        assert_eq!(one(&core, keep(value(topic, 1, at_ms, payload), &[])), Ok(Done::Durable));
    }
    assert_eq!(recall(&core, "a/+"), ["new", "two"]);
    assert_eq!(recall(&core, "a/1"), ["new"]);
    assert_eq!(recall(&core, "#"), ["new", "two", "b"]);
    assert_eq!(recall(&core, "b/#"), ["b"], "the parent level too");
    let (topics, bytes) = core.values();
    assert_eq!(topics, 3);
    one(&core, keep(value("a/1", 1, 1_002, ""), &[])).expect("kept");
    let core = open(&disk.restarted(), 2);
    assert_eq!(recall(&core, "#"), ["two", "b"]);
    assert!(core.values().0 == 2 && core.values().1 < bytes, "its end is remembered");
    assert_eq!(core.stamp(&Topic::new("a/1").expect("valid"), 5), 1_003, "later than all before the restart");
}

#[test]
fn an_older_value_changes_nothing_and_a_recalled_one_goes_nowhere() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let session = queue(&core, "mqtt/1", Limits::NONE);
    let [older, last, newer] =
        [(900, "older"), (1_000, "last"), (1_100, "newer")].map(|(at, text)| value("a", 1, at, text));
    one(&core, keep(last.clone(), &[])).expect("kept");
    // What is new goes to its queues whatever its time; what is recalled only as the last one.
    assert_eq!(one(&core, brought(older.clone(), &[session], 1)), Ok(Done::Durable));
    assert_eq!(recall(&core, "a"), ["last"]);
    assert_eq!(one(&core, brought(older.clone().recalled(true), &[session], 2)), Ok(Done::Older(vec![0])));
    assert_eq!(
        one(&core, brought(last.clone().recalled(true), &[session], 3)),
        Ok(Done::Older(vec![0])),
        "it is known"
    );
    assert_eq!(one(&core, brought(newer.clone().recalled(true), &[session], 4)), Ok(Done::Durable));
    assert_eq!(recall(&core, "a"), ["newer"]);
    let end = value("a", 1, 1_200, "").recalled(true);
    assert_eq!(one(&core, brought(end, &[session], 5)), Ok(Done::Durable), "who was shown the value is shown its end");
    assert!(recall(&core, "a").is_empty());
    let other = value("b", 1, 1_200, "").recalled(true);
    assert_eq!(one(&core, brought(other, &[session], 6)), Ok(Done::Older(vec![0])), "nobody was shown one");
    // For a session of this agent: what is the last one when its turn comes.
    assert_eq!(one(&core, keep(newer.recalled(true), &[session])), Ok(Done::Older(vec![0])));
    let taken = take(&core, session);
    let told = |entry: &Entry| (entry.event.event().admitted_at_ms, entry.row.recalled, entry.event.is_recalled());
    assert_eq!(
        taken.entries.iter().map(told).collect::<Vec<_>>(),
        [(900, false, false), (1_100, true, true), (1_200, true, true)]
    );
    // The same from disk.
    let core = open(&disk.restarted(), 2);
    assert_eq!(
        take(&core, session).entries.iter().map(told).collect::<Vec<_>>(),
        [(900, false, false), (1_100, true, true), (1_200, true, true)]
    );
}

#[test]
fn a_topic_too_many_is_refused_to_who_publishes_and_counted_for_others() {
    let settings = Settings { values_max: 2, ..small() };
    let core = Core::open(Arc::new(SimulatedDisk::default()), settings, ID, Epoch(1)).expect("opens");
    for topic in ["a", "b"] {
        one(&core, keep(value(topic, 1, 1_000, "x"), &[])).expect("room");
    }
    let session = queue(&core, "mqtt/1", Limits::NONE);
    assert_eq!(one(&core, keep(value("c", 1, 1_000, "x"), &[session])), Err(Refusal::ValuesFull));
    assert_eq!(core.standing(session).map(|standing| standing.events), Some(0), "nothing of it is taken");
    assert_eq!(one(&core, keep(value("a", 1, 1_001, "y"), &[])), Ok(Done::Durable), "a topic that has one");
    let (answers, tally) = core.turn(vec![brought(value("c", 2, 1_000, "x"), &[session], 1)]);
    assert_eq!((answers, tally.unkept_values), (vec![Ok(Done::Durable)], 1));
    assert_eq!(core.standing(session).map(|standing| standing.events), Some(1), "the event itself arrives");
    one(&core, keep(value("b", 1, 1_001, ""), &[])).expect("its end makes room");
    assert_eq!(one(&core, keep(value("c", 1, 1_001, "z"), &[])), Ok(Done::Durable));
    assert_eq!(recall(&core, "#"), ["y", "z"]);
}

#[test]
fn what_is_over_is_forgotten_and_nothing_else() {
    const MONTH: i64 = 30 * 24 * 3600 * 1000;
    let core = open(&SimulatedDisk::default(), 1);
    let short = Admitted::new(Event { ttl_ms: Some(10), ..value("short", 1, 1_000, "x").event().clone() });
    for event in [short, value("ended", 1, 1_000, ""), value("stays", 1, 1_000, "x")] {
        one(&core, keep(event, &[])).expect("kept");
    }
    assert_eq!(recall(&core, "#"), ["x"], "what has expired is not shown");
    let over = |now_ms| core.values_over(None, now_ms).expect("reads").0;
    let names = |over: Vec<(Topic, i64)>| over.into_iter().map(|(topic, _)| topic.to_string()).collect::<Vec<_>>();
    assert!(over(2_000).is_empty(), "both are remembered for a while, so that no earlier value comes back");
    assert_eq!(names(over(1_001 + MONTH)), ["ended"]);
    assert_eq!(names(over(1_011 + MONTH)), ["ended", "short"]);
    let seen = over(1_011 + MONTH);
    one(&core, keep(value("ended", 1, 1_500, "again"), &[])).expect("kept");
    one(&core, Op::Forget(seen)).expect("forgotten");
    assert_eq!(recall(&core, "#"), ["again", "x"], "what came meanwhile stays");
    assert_eq!(core.values().0, 2);
}

#[test]
fn many_values_come_in_pages() {
    let core = open(&SimulatedDisk::default(), 1);
    let topics: Vec<String> = (0..150).map(|number| format!("d/{number:03}/state")).collect();
    for topic in &topics {
        one(&core, keep(value(topic, 1, 1_000, topic), &[])).expect("kept");
        one(&core, keep(value(&format!("{topic}/other"), 1, 1_000, "not asked for"), &[])).expect("kept");
    }
    let filter = Filter::mqtt("d/+/state").expect("valid");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let found = core
            .recall(&Recall { filter: filter.clone(), after, whose: Whose::Shown, direct_since: None }, 2_000)
            .expect("reads");
        assert!(found.events.len() <= 64);
        seen.extend(found.events.iter().map(|event| event.event().topic.to_string()));
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, topics);
}

proptest! {
    /// The order in which values come, and by which way, does not matter.
    #[test]
    fn the_last_writer_wins_in_whatever_order_they_come(
        values in prop::collection::vec((0..3_i64, 0..3_u128, 0..3_u8), 1..8),
        order in prop::collection::vec(any::<prop::sample::Index>(), 8),
        ways in prop::collection::vec(0..3_u8, 8),
    ) {
        let make = |(at_ms, site, text): &(i64, u128, u8)| value("a", *site, *at_ms, if *text == 0 { "" } else { ["", "1", "2"][usize::from(*text)] });
        let expected = values.iter().max_by_key(|(at_ms, site, text)| (*at_ms, *site, *text == 0, *text));
        let expected = expected.map(make).expect("one");
        let core = open(&SimulatedDisk::default(), 1);
        let mut rest = values.clone();
        let mut counter = 0;
        for (at, way) in order.iter().zip(&ways) {
            if rest.is_empty() {
                break;
            }
            let event = make(&rest.remove(at.index(rest.len())));
            let op = if *way == 0 { keep(event, &[]) } else {
                counter += 1;
                brought(event.recalled(*way == 2), &[], counter)
            };
            core.turn(vec![op]).0.remove(0).expect("taken");
        }
        let recall = Recall { filter: Filter::mqtt("a").expect("valid"), after: None, whose: Whose::All, direct_since: None };
        let found = core.recall(&recall, 10).expect("reads").events;
        prop_assert_eq!(found[0].encoded(), expected.encoded());
        let topics = u64::from(!expected.event().payload.is_empty());
        prop_assert_eq!(core.values(), (topics, expected.encoded().len() as u64));
    }
}

#[test]
fn a_value_whose_time_is_over_ends_earlier_ones_elsewhere() {
    let origin = open(&SimulatedDisk::default(), 1);
    let [earlier, later] = [(900, "earlier"), (1_000, "later")].map(|(at, text)| value("a", 1, at, text));
    let short = Admitted::new(Event { ttl_ms: Some(10), ..later.event().clone() });
    one(&origin, keep(earlier.clone(), &[])).expect("kept");
    one(&origin, keep(short, &[])).expect("kept");
    let asked = Recall {
        filter: Filter::mqtt("#").expect("valid"),
        after: None,
        whose: Whose::Of(SiteId(Uuid::from_u128(1))),
        direct_since: None,
    };
    let mut sent = origin.recall(&asked, 2_000).expect("reads").events;
    let sent = sent.pop().expect("its end");
    assert!(sent.event().payload.is_empty() && sent.is_recalled());
    // Another agent that knows only the earlier one, and is told of that again later.
    let other = open(&SimulatedDisk::default(), 1);
    one(&other, brought(earlier.clone(), &[], 1)).expect("kept");
    let session = queue(&other, "mqtt/1", Limits::NONE);
    assert_eq!(
        one(&other, brought(sent, &[session], 2)),
        Ok(Done::Durable),
        "who was shown the value is shown its end"
    );
    assert_eq!(one(&other, brought(earlier.recalled(true), &[session], 3)), Ok(Done::Older(vec![0])));
    assert!(recall(&other, "#").is_empty());
}
