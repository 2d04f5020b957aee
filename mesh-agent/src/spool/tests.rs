use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use mesh_protocol::event::{DeliveryMode, Event, Headers, Origin, Protocol};
use mesh_protocol::id::{Epoch, Lane, Seq, SiteId, SpoolId};
use mesh_protocol::topic::Topic;
use smallvec::smallvec;
use uuid::Uuid;

use super::*;
use crate::router::Admitted;

mod hand;
mod last;
mod model;
mod real;

pub(super) const ID: SpoolId = SpoolId([7; 16]);

pub(super) fn event(number: u64, size: usize) -> Admitted {
    let mut payload = number.to_be_bytes().to_vec();
    payload.resize(size.max(8), b'x');
    Admitted::new(Event {
        topic: Topic::new("orders/fr").expect("valid"),
        payload: payload.into(),
        key: Bytes::new(),
        headers: Headers::default(),
        mode: DeliveryMode::Guaranteed,
        admitted_at_ms: 1_000,
        ttl_ms: None,
        origin: Origin { site: SiteId(Uuid::nil()), principal: None, protocol: Protocol::Mesh },
        path: Vec::new(),
        retain: false,
    })
}

pub(super) fn number(event: &Admitted) -> u64 {
    u64::from_be_bytes(event.event().payload[..8].try_into().expect("eight bytes"))
}

pub(super) fn numbers(taken: &Taken) -> Vec<u64> {
    assert_eq!(taken.lost, Vec::<u64>::new());
    taken.entries.iter().map(|entry| number(&entry.event)).collect()
}

pub(super) fn small() -> Settings {
    Settings { segment_bytes: 2_000, reserve_bytes: 0, ..Settings::default() }
}

pub(super) fn open(disk: &SimulatedDisk, epoch: u64) -> Core {
    Core::open(Arc::new(disk.clone()), small(), ID, Epoch(epoch)).expect("opens")
}

pub(super) fn queue(core: &Core, name: &str, limits: Limits) -> QueueNo {
    match core.turn(vec![Op::Open { name: name.into(), limits }]).0.remove(0) {
        Ok(Done::Opened(queue)) => queue,
        other => panic!("{other:?}"),
    }
}

pub(super) fn append(number: u64, queues: &[QueueNo]) -> Op {
    Op::Append { events: vec![addressed(number, queues)], mark: None, claim: None }
}

fn addressed(number: u64, queues: &[QueueNo]) -> Addressed {
    Addressed { event: event(number, 100), queues: queues.iter().copied().collect(), redelivered: false }
}

fn one(core: &Core, op: Op) -> Result<Done, Refusal> {
    core.turn(vec![op]).0.remove(0)
}

fn take(core: &Core, queue: QueueNo) -> Taken {
    core.take(queue, usize::MAX, usize::MAX).expect("reads")
}

fn seqs(taken: &Taken) -> Vec<u64> {
    taken.entries.iter().map(|entry| entry.seq).collect()
}

#[test]
fn each_queue_gets_its_events_once_and_the_log_goes_when_all_are_done() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let (a, b) = (queue(&core, "a", Limits::NONE), queue(&core, "b", Limits::NONE));
    for number in 0..100 {
        let queues: &[QueueNo] = if number % 2 == 0 { &[a, b] } else { &[a] };
        assert_eq!(one(&core, append(number, queues)), Ok(Done::Durable));
    }
    let (of_a, of_b) = (take(&core, a), take(&core, b));
    assert_eq!(numbers(&of_a), (0..100).collect::<Vec<_>>());
    assert_eq!(numbers(&of_b), (0..100).step_by(2).collect::<Vec<_>>());
    assert!(take(&core, a).entries.is_empty(), "handed out once");
    let segments = disk.segments().len();
    assert!(segments > 3);
    one(&core, Op::Ack { queue: a, seqs: seqs(&of_a) }).expect("acked");
    assert_eq!(disk.segments().len(), segments, "the other queue still needs them");
    one(&core, Op::Ack { queue: b, seqs: seqs(&of_b) }).expect("acked");
    assert_eq!(disk.segments().len(), 1, "the one that is written to");
    assert_eq!((core.standing(a), disk.rows(Place::Rows)), (Some(Standing::default()), 0));
}

#[test]
fn what_was_not_acknowledged_is_there_after_a_restart_and_keeps_its_epoch() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let a = queue(&core, "a", Limits::NONE);
    core.turn((0..5).map(|number| append(number, &[a])).collect());
    let taken = take(&core, a);
    // Not the first one: the floor must not pass it.
    one(&core, Op::Ack { queue: a, seqs: vec![taken.entries[1].seq, taken.entries[3].seq] }).expect("acked");
    let core = open(&disk.restarted(), 2);
    assert_eq!(core.id(), ID);
    let a = core.queue("a").expect("it is kept");
    core.turn(vec![append(9, &[a])]);
    let taken = take(&core, a);
    assert_eq!(numbers(&taken), [0, 2, 4, 9]);
    let epochs: Vec<_> = taken.entries.iter().map(|entry| core.epoch_of(entry.seq).epoch.0).collect();
    assert_eq!(epochs, [1, 1, 1, 2]);
    one(&core, Op::Ack { queue: a, seqs: seqs(&taken) }).expect("acked");
    let core = open(&disk.restarted(), 3);
    assert_eq!(core.epoch().epoch, Epoch(3));
}

#[test]
fn an_append_that_does_not_fit_in_one_queue_goes_into_none() {
    let core = open(&SimulatedDisk::default(), 1);
    let (a, b) = (
        queue(&core, "a", Limits::NONE),
        queue(&core, "b", Limits { events_max: 1, bytes_max: 10_000, ..Limits::NONE }),
    );
    assert_eq!(one(&core, append(1, &[a, b])), Ok(Done::Durable));
    assert_eq!(one(&core, append(2, &[a, b])), Err(Refusal::QueueFull("b".into())));
    assert_eq!(numbers(&take(&core, a)), [1]);
    let seqs = seqs(&take(&core, b));
    one(&core, Op::Ack { queue: b, seqs }).expect("acked");
    assert_eq!(one(&core, append(2, &[a, b])), Ok(Done::Durable));
    assert_eq!(queue(&core, "b", Limits { events_max: 9, bytes_max: 200, ..Limits::NONE }), b);
    assert_eq!(one(&core, append(3, &[b])), Err(Refusal::QueueFull("b".into())), "by its bytes");
}

#[test]
fn a_full_disk_takes_acknowledgements_and_no_events() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let a = queue(&core, "a", Limits::NONE);
    one(&core, append(1, &[a])).expect("taken");
    disk.set_free_bytes(100);
    assert_eq!(one(&core, append(2, &[a])), Err(Refusal::DiskFull));
    let seqs = seqs(&take(&core, a));
    assert_eq!(one(&core, Op::Ack { queue: a, seqs }), Ok(Done::Durable));
    disk.set_free_bytes(1_000_000);
    assert_eq!(one(&core, append(2, &[a])), Ok(Done::Durable));
}

#[test]
fn the_spool_has_its_own_limit() {
    let settings = Settings { bytes_max: 300, ..small() };
    let core = Core::open(Arc::new(SimulatedDisk::default()), settings, ID, Epoch(1)).expect("opens");
    let a = queue(&core, "a", Limits::NONE);
    assert_eq!(one(&core, append(1, &[a])), Ok(Done::Durable));
    assert_eq!(one(&core, append(2, &[a])), Err(Refusal::SpoolFull));
}

#[test]
fn an_event_wakes_its_reader_whatever_else_the_turn_did_to_the_queue() {
    let core = open(&SimulatedDisk::default(), 1);
    let a = queue(&core, "a", Limits::NONE);
    core.turn(vec![append(1, &[a])]);
    let taken = take(&core, a);
    let wake = core.wake(a).expect("is open");
    wake.notified().now_or_never().expect("the first event woke it");
    core.turn(vec![Op::Ack { queue: a, seqs: seqs(&taken) }, append(2, &[a])]);
    wake.notified().now_or_never().expect("so does the second, beside an acknowledgement");
}

#[test]
fn a_reader_that_has_gone_is_handed_nothing() {
    let core = open(&SimulatedDisk::default(), 1);
    let a = queue(&core, "a", Limits::NONE);
    core.turn(vec![append(1, &[a]), append(2, &[a])]);
    // Back to what must be read from disk.
    one(&core, Op::Rewind(a)).expect("is open");
    let (asked, gone) = (std::cell::Cell::new(0), 1);
    let waits = || asked.replace(asked.get() + 1) < gone;
    let taken = core.take_while(a, usize::MAX, usize::MAX, &waits).expect("reads");
    assert_eq!((numbers(&taken), core.standing(a).expect("is open").handed_out), (vec![], 0), "it went meanwhile");
    assert_eq!(numbers(&take(&core, a)), [1, 2]);
}

#[test]
fn a_mark_is_durable_with_the_events_it_speaks_of() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let a = queue(&core, "a", Limits::NONE);
    let key = MarkKey { origin: SpoolId([1; 16]), epoch: Epoch(5), lane: Lane(2) };
    assert_eq!(core.mark(&key), Seq::START);
    let seq = |counter| if counter == 0 { Seq::START } else { Seq::from_counter(counter) };
    let mark = |after, up_to| Some(Mark { key, after: seq(after), up_to: seq(up_to) });
    let append =
        |after, up_to| Op::Append { events: vec![addressed(up_to, &[a])], mark: mark(after, up_to), claim: None };
    let batch = |up_to| append(up_to - 1, up_to);
    // In one turn each follows the one before; what does not follow is refused, with its events.
    let answers = core.turn(vec![batch(1), append(0, 9), batch(2), append(1, 9)]).0;
    let refused = Err(Refusal::OutOfOrder);
    assert_eq!(answers, [Ok(Done::Durable), refused.clone(), Ok(Done::Durable), refused]);
    assert_eq!(open(&disk.restarted(), 2).mark(&key), Seq::from_counter(2));
    disk.crash_at_next_commit(Crash::Before);
    assert_eq!(one(&core, batch(3)), Err(Refusal::Failed));
    assert_eq!(core.mark(&key), Seq::from_counter(2), "nobody is told of what is not on disk");
    let core = open(&disk.restarted(), 2);
    assert_eq!((core.mark(&key), numbers(&take(&core, a))), (Seq::from_counter(2), vec![1, 2]));
}

#[test]
fn after_a_failed_commit_nothing_is_taken() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let a = queue(&core, "a", Limits::NONE);
    disk.crash_at_next_commit(Crash::After);
    assert_eq!(one(&core, append(1, &[a])), Err(Refusal::Failed));
    assert!(core.has_failed());
    assert!(take(&core, a).entries.is_empty(), "what may not be there is shown to nobody");
    assert_eq!(one(&core, append(2, &[a])), Err(Refusal::Failed));
    assert_eq!(numbers(&take(&open(&disk.restarted(), 2), a)), [1], "it was on disk after all");
}

#[test]
fn a_closed_queue_leaves_nothing_and_the_others_go_on() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let (a, b) = (queue(&core, "a", Limits::NONE), queue(&core, "b", Limits::NONE));
    core.turn((0..50).map(|number| append(number, &[a, b])).collect());
    let taken = take(&core, a);
    one(&core, Op::Ack { queue: a, seqs: seqs(&taken) }).expect("acked");
    one(&core, append(50, &[a, b])).expect("taken");
    assert_eq!(one(&core, Op::Close(b)), Ok(Done::Emptied(51)));
    assert_eq!(one(&core, append(51, &[b])), Ok(Done::Durable), "for nobody");
    assert_eq!(one(&core, Op::Close(b)), Err(Refusal::NoQueue));
    // Also when the process stops before it has tidied up.
    let disk = disk.restarted();
    let core = open(&disk, 2);
    assert_eq!((core.queue("b"), core.has_trash()), (None, true));
    assert_eq!(numbers(&take(&core, a)), [50]);
    while core.has_trash() {
        core.sweep().expect("swept");
    }
    assert_eq!(queue(&core, "b", Limits::NONE), QueueNo(3), "a number is never used again");
    let core = open(&disk.restarted(), 3);
    assert!(!core.has_trash());
}

#[test]
fn a_count_survives_and_an_acknowledgement_in_the_same_turn_wins() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let a = queue(&core, "a", Limits::NONE);
    core.turn(vec![append(1, &[a]), append(2, &[a])]);
    let taken = take(&core, a);
    let rows = taken.entries.iter().map(|entry| (entry.seq, Row { deliveries: 3, ..entry.row })).collect();
    core.turn(vec![Op::Count { queue: a, rows }, Op::Ack { queue: a, seqs: vec![taken.entries[0].seq] }]);
    let core = open(&disk.restarted(), 2);
    let taken = take(&core, a);
    assert_eq!((numbers(&taken), taken.entries[0].row.deliveries), (vec![2], 3));
}

#[test]
fn a_reader_far_behind_reads_from_disk_and_catches_up() {
    let core = open(&SimulatedDisk::default(), 1);
    let a = queue(&core, "a", Limits::NONE);
    for from in (0..10_000).step_by(100) {
        core.turn((from..from + 100).map(|number| append(number, &[a])).collect());
    }
    let mut seen = Vec::new();
    for round in 0.. {
        let taken = core.take(a, 999, usize::MAX).expect("reads");
        if taken.entries.is_empty() {
            break;
        }
        seen.extend(numbers(&taken));
        one(&core, Op::Ack { queue: a, seqs: seqs(&taken) }).expect("acked");
        if round < 3 {
            one(&core, append(10_000 + round, &[a])).expect("taken");
        }
    }
    assert_eq!(seen, (0..10_003).collect::<Vec<_>>());
}

#[test]
fn a_new_reader_gets_what_the_last_one_had_not_acknowledged() {
    let core = open(&SimulatedDisk::default(), 1);
    let a = queue(&core, "a", Limits::NONE);
    core.turn((0..4).map(|number| append(number, &[a])).collect());
    let taken = core.take(a, 3, usize::MAX).expect("reads");
    one(&core, Op::Ack { queue: a, seqs: vec![taken.entries[1].seq] }).expect("acked");
    one(&core, Op::Rewind(a)).expect("is open");
    assert_eq!(numbers(&take(&core, a)), [0, 2, 3]);
    assert_eq!(core.standing(a).map(|standing| (standing.events, standing.handed_out)), Some((3, 3)));
}

#[test]
fn browsing_changes_nothing() {
    let core = open(&SimulatedDisk::default(), 1);
    let a = queue(&core, "a", Limits::NONE);
    core.turn((0..5).map(|number| append(number, &[a])).collect());
    core.take(a, 2, usize::MAX).expect("reads");
    let first = core.browse(a, 0, 3).expect("reads");
    assert_eq!(numbers(&first), [0, 1, 2]);
    assert_eq!(numbers(&core.browse(a, first.entries[2].seq, 9).expect("reads")), [3, 4]);
    assert_eq!(numbers(&take(&core, a)), [2, 3, 4]);
}

#[test]
fn a_row_without_its_event_is_told_as_lost() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let a = queue(&core, "a", Limits::NONE);
    core.turn(vec![append(1, &[a]), append(2, &[a])]);
    let segment = disk.segments()[0];
    let damaged = disk.restarted();
    let key = Bytes::copy_from_slice(&1_u64.to_be_bytes());
    damaged.commit(vec![Write::Put(Place::Segment(segment), key, Bytes::from_static(b"?"))]).expect("written");
    let core = open(&damaged, 2);
    let taken = take(&core, a);
    assert_eq!((taken.lost, taken.entries.len()), (vec![1], 1));
    one(&core, Op::Ack { queue: a, seqs: vec![1] }).expect("acked");
    assert_eq!(core.standing(a).map(|standing| standing.events), Some(1));
}

#[test]
fn a_spool_of_a_newer_format_is_not_touched() {
    let disk = SimulatedDisk::default();
    open(&disk, 1);
    let newer = disk.restarted();
    newer
        .commit(vec![Write::Put(Place::Meta, Bytes::from_static(b"format"), Bytes::from_static(&[9]))])
        .expect("written");
    let refused = Core::open(Arc::new(newer), small(), ID, Epoch(2)).map(|_| ());
    assert!(matches!(refused, Err(DiskError::Damaged { .. })), "{refused:?}");
}

#[tokio::test]
async fn many_writers_share_a_sync() {
    let disk = SimulatedDisk::default();
    let core = Arc::new(open(&disk, 1));
    let counters = crate::counters::Counters::default();
    let committer = Arc::new(Committer::start(core.clone(), &counters).expect("a thread"));
    let Ok(Done::Opened(a)) = committer.ask(Op::Open { name: "a".into(), limits: Limits::NONE }).await else {
        panic!("not opened")
    };
    let writers = (0..1_000).map(|number| {
        let committer = committer.clone();
        async move { committer.ask(append(number, &[a])).await }
    });
    let answers = futures::future::join_all(writers).await;
    assert!(answers.iter().all(|answer| *answer == Ok(Done::Durable)));
    assert_eq!(numbers(&take(&core, a)), (0..1_000).collect::<Vec<_>>());
    assert!(disk.commits() < 1_000, "{} commits", disk.commits());
    assert_eq!(counters.counter("spool_appended_events").get(), 1_000);
    disk.crash_at_next_commit(Crash::Before);
    assert_eq!(committer.ask(append(0, &[a])).await, Err(Refusal::Failed));
    committer.failed().cancelled().await;
}

#[test]
fn a_dropped_committer_has_done_what_was_submitted() {
    let core = Arc::new(open(&SimulatedDisk::default(), 1));
    let committer = Committer::start(core.clone(), &crate::counters::Counters::default()).expect("a thread");
    let a = queue(&core, "a", Limits::NONE);
    let (told, heard) = std::sync::mpsc::channel();
    for number in 0..100 {
        let told = told.clone();
        committer.submit(append(number, &[a]), Box::new(move |done| told.send(done).expect("somebody listens")));
    }
    drop((committer, told));
    assert_eq!(heard.iter().filter(|done| *done == Ok(Done::Durable)).count(), 100);
    assert_eq!(numbers(&take(&core, a)).len(), 100);
}

#[test]
fn an_event_keeps_its_time_to_live() {
    let core = open(&SimulatedDisk::default(), 1);
    let a = queue(&core, "a", Limits::NONE);
    let mut short = event(1, 10).event().clone();
    short.ttl_ms = Some(500);
    let addressed = Addressed { event: Admitted::new(short), queues: smallvec![a], redelivered: true };
    one(&core, Op::Append { events: vec![addressed], mark: None, claim: None }).expect("taken");
    let row = take(&core, a).entries[0].row;
    assert_eq!((row.expires_at_ms, row.redelivered), (Some(1_500), true));
}

#[test]
fn equal_keys_share_a_lane_and_keys_spread() {
    assert_eq!(lane_of(b"till-7", LANES), lane_of(b"till-7", LANES));
    let used: std::collections::BTreeSet<_> = (0..100u32).map(|key| lane_of(&key.to_be_bytes(), LANES)).collect();
    assert_eq!(used.len(), usize::from(LANES));
}

#[test]
fn what_is_taken_away_is_gone_for_its_reader_whether_it_was_handed_out_or_not() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let (a, dead) = (queue(&core, "a", Limits::NONE), queue(&core, "dead", Limits { events_max: 2, ..Limits::NONE }));
    core.turn((0..6).map(|number| append(number, &[a])).collect());
    let first = core.take(a, 2, usize::MAX).expect("reads");
    let all = seqs(&core.browse(a, 0, 10).expect("reads"));
    let of = |from, seqs: &[u64], events| Op::Move { events, from, seqs: seqs.to_vec() };
    // One that is handed out, two that are not, one that never was; and one letter for them.
    let gone = [all[0], all[2], all[4], 99];
    assert_eq!(one(&core, of(a, &gone, vec![addressed(7, &[dead])])), Ok(Done::Emptied(3)));
    assert_eq!(one(&core, of(a, &gone, Vec::new())), Ok(Done::Emptied(0)), "once");
    assert_eq!(core.standing(a).map(|standing| (standing.events, standing.handed_out)), Some((3, 1)));
    assert_eq!(numbers(&take(&core, a)), [3, 5]);
    let letters = vec![addressed(8, &[dead]), addressed(9, &[dead])];
    assert_eq!(one(&core, of(a, &all, letters)), Err(Refusal::QueueFull("dead".into())), "then nothing happens");
    one(&core, Op::Ack { queue: a, seqs: seqs(&first) }).expect("acked");
    let again = open(&disk.restarted(), 2);
    let (a, dead) = (again.queue("a").expect("kept"), again.queue("dead").expect("kept"));
    assert_eq!((numbers(&take(&again, a)), numbers(&take(&again, dead))), (vec![3, 5], vec![7]));
    assert_eq!(again.standing(a).map(|standing| standing.events), Some(2));
}

#[test]
fn a_segment_goes_when_nobody_needs_anything_in_it_whatever_is_older() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let (a, old) = (queue(&core, "a", Limits::NONE), queue(&core, "old", Limits::NONE));
    one(&core, append(0, &[old])).expect("taken");
    for number in 1..100 {
        one(&core, append(number, &[a])).expect("taken");
    }
    assert!(disk.segments().len() > 3);
    let taken = take(&core, a);
    one(&core, Op::Ack { queue: a, seqs: seqs(&taken) }).expect("acked");
    assert_eq!(disk.segments().len(), 2, "that of the old event, and the one that is written to");
    assert!(!core.has_trash(), "it is not old enough to be moved");
    let core = open(&disk.restarted(), 2);
    let old = core.queue("old").expect("kept");
    one(&core, append(100, &[old])).expect("taken");
    assert_eq!(numbers(&take(&core, old)), [0, 100]);
}

#[test]
fn one_old_event_does_not_keep_what_was_around_it() {
    let disk = SimulatedDisk::default();
    let settings = Settings { segment_bytes: 10_000, ..small() };
    let core = Core::open(Arc::new(disk.clone()), settings, ID, Epoch(1)).expect("opens");
    let (a, old, other) =
        (queue(&core, "a", Limits::NONE), queue(&core, "old", Limits::NONE), queue(&core, "other", Limits::NONE));
    one(&core, append(0, &[a, old, other])).expect("taken");
    for number in 1..400 {
        one(&core, append(number, &[a])).expect("taken");
    }
    let taken = take(&core, a);
    // All but the newest: their segments stay, and so the old one is old.
    let keep = seqs(&taken).split_off(50);
    one(&core, Op::Ack { queue: a, seqs: seqs(&taken)[..50].to_vec() }).expect("acked");
    let (before, stored) = (disk.segments().len(), core.stored_bytes());
    assert!(core.has_trash());
    core.sweep().expect("swept");
    assert_eq!(disk.rows(Place::Segment(SegmentNo(0))), 1, "it is in the attic");
    assert!(!disk.segments().contains(&SegmentNo(1)) && disk.segments().len() <= before, "{:?}", disk.segments());
    assert!(core.stored_bytes() < stored);
    assert_eq!(numbers(&take(&core, old)), [0], "and is read from there");
    let core = open(&disk.restarted(), 2);
    let (a, old, other) = (core.queue("a"), core.queue("old"), core.queue("other"));
    let (a, old, other) = (a.expect("kept"), old.expect("kept"), other.expect("kept"));
    let (of_old, of_other) = (take(&core, old), take(&core, other));
    assert_eq!((numbers(&of_old), numbers(&of_other)), (vec![0], vec![0]));
    one(&core, Op::Ack { queue: old, seqs: seqs(&of_old) }).expect("acked");
    assert_eq!(disk_rows(&core, other), [0], "the other queue still needs it");
    one(&core, Op::Close(other)).expect("closed");
    one(&core, append(300, &[old])).expect("taken");
    let taken = take(&core, a);
    assert_eq!(seqs(&taken), keep);
    one(&core, Op::Ack { queue: a, seqs: keep }).expect("acked");
    assert_eq!(numbers(&take(&core, old)), [300]);
}

fn disk_rows(core: &Core, queue: QueueNo) -> Vec<u64> {
    numbers(&core.browse(queue, 0, 10).expect("reads"))
}

#[test]
fn a_destination_that_is_away_leaves_room_for_the_others() {
    let settings = Settings { bytes_max: 8_000, ..small() };
    let core = Core::open(Arc::new(SimulatedDisk::default()), settings, ID, Epoch(1)).expect("opens");
    let (away, other) = (queue(&core, "away", core.share()), queue(&core, "other", core.share()));
    let full = (0..100).find(|number| one(&core, append(*number, &[away])).is_err()).expect("it is full at some time");
    assert_eq!(one(&core, append(full, &[away, other])), Err(Refusal::QueueFull("away".into())));
    assert!(core.stored_bytes() <= 8_000 / 2, "{full} events");
    assert_eq!(one(&core, append(full, &[other])), Ok(Done::Durable), "whoever does not want it there is taken");
}
