use std::collections::BTreeMap;
use std::time::Duration;

use mesh_protocol::frame::SkipReason;
use mesh_protocol::id::{Epoch, Lane, Seq, SpoolId};

use super::*;

const LANE: Lane = Lane(0);
const THERE: SpoolId = SpoolId([7; 16]);

fn seq(counter: u64) -> Seq {
    Seq::from_counter(counter)
}

fn event(counter: u64) -> RunEvent<u64> {
    RunEvent { seq: seq(counter), redelivered: false, payload: counter }
}

fn sender() -> Sender<u64, u64> {
    let mut sender = Sender::new(1, Settings { initial_credit_bytes: 100, ..Settings::default() });
    sender.meet(THERE, Epoch(1), false);
    sender.set_reachable(true);
    sender
}

fn offer(sender: &mut Sender<u64, u64>, now: u64, counter: u64) -> Option<Seq> {
    sender.offer(Moment(now), LANE, event(counter), 40, counter)
}

fn runs(polled: &Polled<u64, u64>) -> Vec<(u64, bool)> {
    let events = polled.out.iter().filter_map(|out| match out {
        Out::Run(run) => Some(&run.events),
        Out::Skip { .. } => None,
    });
    events.flatten().map(|event| (event.payload, event.redelivered)).collect()
}

fn incoming(counters: &[u64]) -> Vec<Incoming<u64>> {
    let one = |&counter| Incoming { seq: seq(counter), redelivered: false, bytes: 40, verdict: Verdict::Take(counter) };
    counters.iter().map(one).collect()
}

fn delivered(batches: &[Batch<u64>]) -> Vec<(u64, bool)> {
    batches.iter().flat_map(|batch| batch.events.clone()).collect()
}

#[test]
fn credit_limits_what_is_under_way() {
    let mut sender = sender();
    assert_eq!(offer(&mut sender, 0, 1), Some(Seq::START));
    assert_eq!(offer(&mut sender, 0, 2), Some(seq(1)));
    assert_eq!(offer(&mut sender, 0, 3), None);
    assert_eq!(sender.on_ack(Moment(0), LANE, (seq(2), seq(1)), 100), Ok(vec![1]));
    assert_eq!(runs(&sender.poll(Moment(1), |_| true)), [(3, false)]);
    assert_eq!(sender.backlog(), (2, 80));
}

#[test]
fn one_event_may_always_go() {
    let mut sender = sender();
    assert!(sender.offer(Moment(0), LANE, event(1), 1_000_000, 1).is_some());
    assert!(offer(&mut sender, 0, 2).is_none());
}

#[test]
fn an_unknown_or_unreachable_destination_gets_nothing_and_keeps_the_holds() {
    let mut sender: Sender<u64, u64> = Sender::new(1, Settings::default());
    assert_eq!(offer(&mut sender, 0, 1), None);
    assert!(sender.poll(Moment(9_000_000), |_| true).out.is_empty());
    sender.meet(THERE, Epoch(1), false);
    sender.set_reachable(true);
    assert_eq!(runs(&sender.poll(Moment(9_000_000), |_| true)), [(1, false)]);
}

#[test]
fn only_nacked_ranges_are_sent_again() {
    let mut sender = sender();
    sender.on_ack(Moment(0), LANE, (Seq::START, Seq::START), 1_000).expect("fits");
    for counter in 1..=5 {
        offer(&mut sender, 0, counter);
    }
    let missing = [(seq(1), seq(2)), (seq(3), seq(4))];
    sender.on_nack(Moment(0), LANE, &missing);
    assert_eq!(runs(&sender.poll(Moment(1), |_| true)), [(2, false), (4, false)]);
    assert!(runs(&sender.poll(Moment(2), |_| true)).is_empty());
    sender.set_round_trip(Duration::from_micros(80), Duration::ZERO);
    sender.on_nack(Moment(80), LANE, &missing);
    assert!(runs(&sender.poll(Moment(80), |_| true)).is_empty(), "it was said before they could be there");
    sender.on_nack(Moment(81), LANE, &missing);
    assert_eq!(runs(&sender.poll(Moment(81), |_| true)), [(2, false), (4, false)]);
}

#[test]
fn a_destination_without_memory_gets_a_skip_and_flagged_redelivery() {
    let mut sender = sender();
    sender.on_ack(Moment(0), LANE, (Seq::START, Seq::START), 120).expect("fits");
    for counter in 1..=4 {
        offer(&mut sender, 0, counter);
    }
    sender.on_ack(Moment(0), LANE, (seq(3), seq(1)), 80).expect("fits");
    sender.meet(THERE, Epoch(2), false);
    sender.on_ack(Moment(0), LANE, (Seq::START, Seq::START), 1_000).expect("fits");
    let polled = sender.poll(Moment(1), |_| true);
    assert_eq!(polled.out[0], Out::Skip { lane: LANE, after: Seq::START, up_to: seq(1), reason: SkipReason::Custody });
    assert_eq!(runs(&polled), [(2, true), (3, true), (4, false)]);
}

#[test]
fn a_durable_destination_in_a_new_epoch_gets_only_what_did_not_arrive() {
    let mut sender = sender();
    offer(&mut sender, 0, 1);
    offer(&mut sender, 0, 2);
    sender.on_ack(Moment(0), LANE, (seq(1), seq(1)), 100).expect("fits");
    sender.meet(THERE, Epoch(2), true);
    assert_eq!(runs(&sender.poll(Moment(1), |_| true)), [(2, false)]);
}

#[test]
fn a_destination_that_was_away_gets_what_had_only_arrived_there_again() {
    let mut sender = sender();
    offer(&mut sender, 0, 1);
    offer(&mut sender, 0, 2);
    sender.on_ack(Moment(0), LANE, (seq(2), seq(1)), 100).expect("fits");
    sender.set_reachable(false);
    sender.set_reachable(true);
    assert_eq!(runs(&sender.poll(Moment(1), |_| true)), [(2, false)]);
}

#[test]
fn what_did_not_arrive_in_time_is_sent_again_more_and_more_seldom() {
    let mut sender = sender();
    offer(&mut sender, 0, 1);
    let mut at = Vec::new();
    for ms in 0..4_000 {
        if !sender.poll(Moment(ms * 1_000), |_| true).out.is_empty() {
            at.push(ms);
        }
    }
    assert_eq!(at, [300, 900, 2_100]);
}

#[test]
fn forbidden_backlog_is_withdrawn_and_skipped() {
    let mut sender = sender();
    for counter in 1..=3 {
        offer(&mut sender, 0, counter);
    }
    sender.on_nack(Moment(0), LANE, &[(Seq::START, seq(2))]);
    let polled = sender.poll(Moment(1), |payload| *payload != 2 && *payload != 3);
    assert_eq!(polled.withdrawn, [2, 3], "a resend and an event that had waited for credit");
    assert_eq!(runs(&polled), [(1, false)]);
    let skip = Out::Skip { lane: LANE, after: seq(1), up_to: seq(2), reason: SkipReason::Withdrawn };
    assert_eq!(polled.out[1], skip);
}

/// The destination would drop it as a repeat for ever, and everything behind it would wait for ever.
#[test]
fn what_a_destination_has_beyond_the_memory_of_its_origin_is_told_and_stops_nothing() {
    let mut sender = sender();
    offer(&mut sender, 0, 1);
    assert_eq!(sender.on_ack(Moment(0), LANE, (seq(9), seq(9)), 100), Err(AckError::Ahead(vec![1])));
    assert!(sender.is_idle());
    assert_eq!(offer(&mut sender, 0, 10), Some(seq(1)));
    assert_eq!(sender.on_ack(Moment(0), LANE, (seq(10), seq(10)), 100), Ok(vec![10]));
}

/// Its process before buried an event that was refused, and died; nothing of that lane goes on before the answer.
#[test]
fn a_refusal_that_an_earlier_process_has_dealt_with_is_answered_again() {
    let mut sender = sender();
    sender.begin_anew(0..1, seq(9));
    sender.resume_lane(LANE, seq(3));
    offer(&mut sender, 0, 4);
    let skip = Out::Skip { lane: LANE, after: Seq::START, up_to: seq(3), reason: SkipReason::Custody };
    assert_eq!(sender.poll(Moment(1), |_| true).out[0], skip);
    assert_eq!(sender.on_refused(Moment(2), LANE, seq(2)), None);
    assert_eq!(sender.poll(Moment(2), |_| true).out, [skip], "the first one was lost");
}

#[test]
fn a_refusal_of_what_has_expired_since_is_answered() {
    let mut sender = sender();
    sender.begin_anew(0..1, seq(9));
    for counter in [1, 2, 5] {
        offer(&mut sender, 0, counter);
    }
    let _ = sender.poll(Moment(1), |_| true);
    assert_eq!(sender.on_refused(Moment(2), LANE, seq(4)), None);
    assert_eq!(sender.poll(Moment(2), |_| true).out, [], "it may still be offered");
    assert_eq!(sender.on_ack(Moment(2), LANE, (seq(2), seq(2)), 100), Ok(vec![1, 2]));
    assert_eq!(runs(&sender.poll(Moment(3), |_| true)), [(5, false)]);
    assert_eq!(sender.on_refused(Moment(4), LANE, seq(4)), None);
    let skip = Out::Skip { lane: LANE, after: seq(2), up_to: seq(4), reason: SkipReason::Refused };
    assert_eq!(sender.poll(Moment(4), |_| true).out, [skip]);
}

#[test]
fn a_destination_that_has_forgotten_what_it_had_is_told_of_the_gap() {
    let mut sender = sender();
    sender.meet(THERE, Epoch(2), true);
    for counter in 1..=2 {
        offer(&mut sender, 0, counter);
    }
    assert_eq!(sender.on_ack(Moment(0), LANE, (seq(2), seq(2)), 100), Ok(vec![1, 2]));
    sender.meet(THERE, Epoch(3), true);
    assert_eq!(sender.on_ack(Moment(0), LANE, (seq(1), seq(1)), 100), Err(AckError::Fallen));
    let gap = Out::Skip { lane: LANE, after: seq(1), up_to: seq(2), reason: SkipReason::Lost };
    assert_eq!(sender.poll(Moment(1), |_| true).out, std::slice::from_ref(&gap));
    assert_eq!(sender.on_ack(Moment(0), LANE, (seq(1), seq(1)), 100), Ok(vec![]), "it is told once");
    sender.on_nack(Moment(1), LANE, &[(seq(1), seq(2))]);
    assert_eq!(sender.poll(Moment(2), |_| true).out, [gap], "and again when that was lost");
    sender.meet(THERE, Epoch(4), true);
    assert_eq!(sender.on_ack(Moment(0), LANE, (seq(2), seq(2)), 100), Ok(vec![]), "it has passed the gap");
}

#[test]
fn a_publisher_that_gave_up_is_forgotten_unless_its_event_is_under_way() {
    let mut sender = sender();
    for counter in 1..=4 {
        offer(&mut sender, 0, counter);
    }
    assert_eq!(sender.prune(|_| true), 2);
    assert_eq!(sender.backlog(), (2, 80));
}

#[test]
fn a_pause_ends_with_everything_that_did_not_arrive() {
    let mut sender = sender();
    offer(&mut sender, 0, 1);
    sender.on_behind(Moment(0), LANE);
    assert_eq!(offer(&mut sender, 1, 2), None);
    assert!(sender.poll(Moment(299_000), |_| true).out.is_empty());
    assert_eq!(runs(&sender.poll(Moment(300_000), |_| true)), [(1, false), (2, false)]);
}

#[test]
fn custody_waits_for_receipts_in_order() {
    let mut receiver = Receiver::new(1_000, BTreeMap::new());
    let first = receiver.on_events(LANE, Seq::START, incoming(&[1, 2]));
    let second = receiver.on_events(LANE, seq(2), incoming(&[3]));
    receiver.settle(Moment(0), LANE, second[0].ticket, Settled::Taken);
    let progress = receiver.progress(Moment(0), false);
    assert_eq!((progress[0].arrived, progress[0].up_to), (seq(3), Seq::START));
    receiver.settle(Moment(0), LANE, first[0].ticket, Settled::Taken);
    assert_eq!(receiver.progress(Moment(0), false)[0].up_to, seq(3));
    assert!(receiver.progress(Moment(0), false).is_empty(), "nothing is owed any more");
}

#[test]
fn what_is_beyond_a_hole_waits_and_the_hole_is_named() {
    let mut receiver = Receiver::new(1_000, BTreeMap::new());
    assert!(receiver.on_events(LANE, seq(2), incoming(&[3])).is_empty());
    assert!(receiver.on_events(LANE, seq(5), incoming(&[6])).is_empty());
    let missing = receiver.progress(Moment(0), false)[0].missing.clone();
    assert_eq!(missing, [(Seq::START, seq(2)), (seq(3), seq(5))]);
    assert_eq!(
        delivered(&receiver.on_events(LANE, Seq::START, incoming(&[1, 2]))),
        [(1, false), (2, false), (3, false)]
    );
    assert_eq!(delivered(&receiver.on_events(LANE, seq(3), incoming(&[4, 5]))), [(4, false), (5, false), (6, false)]);
}

#[test]
fn duplicates_are_dropped_and_acknowledged_again() {
    let mut receiver = Receiver::new(1_000, BTreeMap::new());
    let _batch = receiver.on_events(LANE, Seq::START, incoming(&[1, 2]));
    let _progress = receiver.progress(Moment(0), false);
    assert_eq!(delivered(&receiver.on_events(LANE, Seq::START, incoming(&[1, 2, 3]))), [(3, false)]);
    assert!(receiver.on_events(LANE, Seq::START, incoming(&[1])).is_empty());
    assert!(!receiver.progress(Moment(0), false).is_empty());
    assert_eq!(receiver.take_counts().duplicates, 3);
}

#[test]
fn a_batch_that_was_not_taken_goes_again_and_nothing_overtakes_it() {
    let mut receiver = Receiver::new(1_000, BTreeMap::new());
    let first = receiver.on_events(LANE, Seq::START, incoming(&[1]));
    let second = receiver.on_events(LANE, seq(1), incoming(&[2]));
    receiver.settle(Moment(0), LANE, first[0].ticket, Settled::Lost);
    assert!(receiver.on_events(LANE, seq(2), incoming(&[3])).is_empty(), "nothing overtakes what was lost");
    let late = Moment(0).after(Duration::from_secs(1));
    assert!(receiver.poll(late, |_| true).is_empty(), "one answer is still open");
    receiver.settle(Moment(0), LANE, second[0].ticket, Settled::Lost);
    assert!(receiver.poll(late, |_| false).is_empty(), "nobody is ready to take it");
    let late = late.after(Duration::from_secs(1));
    assert_eq!(delivered(&receiver.poll(late, |_| true)), [(1, false), (2, false), (3, false)]);
}

/// A queue that may hold 100 events never has room for 101 at once.
#[test]
fn what_was_not_taken_goes_again_in_ever_smaller_batches() {
    let mut receiver = Receiver::new(1_000, BTreeMap::new());
    let mut batches = receiver.on_events(LANE, Seq::START, incoming(&[1, 2, 3, 4, 5]));
    let mut now = Moment(0);
    for expected in [vec![5], vec![3, 2], vec![2, 1, 1, 1], vec![1, 1, 1, 1, 1], vec![1, 1, 1, 1, 1]] {
        assert_eq!(batches.iter().map(|batch| batch.events.len()).collect::<Vec<_>>(), expected);
        assert_eq!(delivered(&batches).iter().map(|(event, _)| *event).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert!(batches.windows(2).all(|two| two[0].up_to == two[1].after) && batches[0].after == Seq::START);
        assert_eq!(batches.last().map(|batch| batch.up_to), Some(seq(5)));
        batches.iter().for_each(|batch| receiver.settle(now, LANE, batch.ticket, Settled::Lost));
        now = now.after(Duration::from_secs(10));
        batches = receiver.poll(now, |_| true);
    }
}

#[test]
fn what_the_origin_has_given_up_is_not_handed_over_any_more() {
    let mut receiver = Receiver::new(1_000, BTreeMap::new());
    let batch = receiver.on_events(LANE, Seq::START, incoming(&[1]));
    receiver.settle(Moment(0), LANE, batch[0].ticket, Settled::Lost);
    receiver.give_up(0..1);
    assert!(receiver.poll(Moment(0).after(Duration::from_secs(10)), |_| true).is_empty() && !receiver.is_busy());
}

#[test]
fn a_refusal_names_its_event_and_holds_custody_until_the_origin_answers() {
    let mut receiver = Receiver::new(1_000, BTreeMap::new());
    let mut events = incoming(&[1, 2, 3]);
    events[1].verdict = Verdict::Refuse("bad".to_owned());
    let batch = receiver.on_events(LANE, Seq::START, events);
    assert_eq!(delivered(&batch), [(1, false)], "nothing is handed over behind it");
    receiver.settle(Moment(0), LANE, batch[0].ticket, Settled::Taken);
    let progress = receiver.progress(Moment(0), false);
    assert_eq!((progress[0].up_to, &progress[0].refused), (seq(1), &vec![(seq(2), "bad".to_owned())]));
    let rest = receiver.on_skip(LANE, seq(1), seq(2), SkipReason::Refused);
    assert_eq!((rest[0].after, rest[0].up_to, rest[0].events.len()), (seq(1), seq(2), 0), "only the mark moves");
    assert_eq!(delivered(&rest), [(3, false)]);
    for batch in &rest {
        receiver.settle(Moment(0), LANE, batch.ticket, Settled::Taken);
    }
    assert_eq!(receiver.progress(Moment(0), false)[0].up_to, seq(3));
}

#[test]
fn a_lane_whose_mark_has_moved_without_it_goes_on_there() {
    let mut receiver = Receiver::new(1_000, BTreeMap::new());
    let stale = receiver.on_events(LANE, Seq::START, incoming(&[1, 2]));
    receiver.settle(Moment(0), LANE, stale[0].ticket, Settled::Lost);
    receiver.catch_up(LANE, Seq::START);
    assert!(receiver.is_busy(), "the mark is where it was: the batch goes again");
    receiver.catch_up(LANE, seq(2));
    assert_eq!(receiver.progress(Moment(0), true)[0].up_to, seq(2));
    let next = receiver.on_events(LANE, seq(2), incoming(&[3]));
    assert_eq!((next[0].after, next[0].up_to), (seq(2), seq(3)));
}

#[test]
fn a_gap_is_counted() {
    let mut receiver: Receiver<u64> = Receiver::new(1_000, BTreeMap::new());
    let mark = receiver.on_skip(LANE, Seq::START, seq(4), SkipReason::Lost);
    assert_eq!(receiver.take_counts().gaps, 1);
    receiver.settle(Moment(0), LANE, mark[0].ticket, Settled::Taken);
    assert_eq!(receiver.progress(Moment(0), false)[0].up_to, seq(4));
}

#[test]
fn what_is_behind_a_hole_is_delivered_when_nothing_more_will_come() {
    let mut receiver = Receiver::new(1_000, BTreeMap::new());
    let mut bad = incoming(&[3]);
    bad[0].verdict = Verdict::Refuse("bad".to_owned());
    assert!(receiver.on_events(LANE, seq(1), incoming(&[2])).is_empty());
    assert!(receiver.on_events(LANE, seq(2), bad).is_empty());
    assert!(receiver.on_events(LANE, seq(4), incoming(&[5])).is_empty());
    assert!(!receiver.is_open_on(0..1) && receiver.is_busy());
    assert!(receiver.conclude(1..2).is_empty(), "it is another lane's end");
    let rest = receiver.conclude(0..1);
    assert_eq!(delivered(&rest), [(2, false), (5, false)]);
    assert_eq!(receiver.take_counts().gaps, 2);
    assert!(receiver.is_open_on(0..1));
    rest.iter().for_each(|batch| receiver.settle(Moment(0), LANE, batch.ticket, Settled::Taken));
    assert_eq!(receiver.progress(Moment(0), false)[0].up_to, seq(5));
    assert!(!receiver.is_open_on(0..1) && !receiver.is_busy());
}

#[test]
fn what_an_earlier_process_had_sent_besides_is_no_hole() {
    let mut receiver = Receiver::new(1_000, BTreeMap::new());
    assert_eq!(delivered(&receiver.on_events(LANE, Seq::START, incoming(&[1, 2]))), [(1, false), (2, false)]);
    // The second has expired meanwhile, and the next process sends without it.
    let next = receiver.on_events(LANE, seq(1), incoming(&[4]));
    assert_eq!(delivered(&next), [(4, false)]);
    assert_eq!((next[0].after, next[0].up_to), (seq(2), seq(4)));
}

#[test]
fn a_refused_event_is_passed_only_when_it_has_been_dealt_with() {
    let mut sender = sender();
    offer(&mut sender, 0, 1);
    assert_eq!(sender.on_refused(Moment(1), LANE, seq(1)), Some(&1));
    assert_eq!(sender.on_refused(Moment(2), LANE, seq(1)), None, "it is being dealt with");
    sender.set_reachable(false);
    sender.set_reachable(true);
    assert!(sender.poll(Moment(3), |_| true).out.is_empty(), "neither it nor a word about it");
    let later = Moment(6_000_000);
    assert_eq!(sender.on_refused(later, LANE, seq(1)), Some(&1), "nothing came of that");
    assert_eq!(sender.answer_refusal(LANE, seq(1)), Some(1));
    let skip = Out::Skip { lane: LANE, after: Seq::START, up_to: seq(1), reason: SkipReason::Refused };
    assert_eq!(sender.poll(later, |_| true).out, std::slice::from_ref(&skip));
    assert_eq!(sender.on_refused(later, LANE, seq(1)), None);
    assert_eq!(sender.poll(later, |_| true).out, [skip], "the first one was lost");
}

#[test]
fn what_had_arrived_and_is_forgotten_is_sent_again() {
    let mut sender = sender();
    offer(&mut sender, 0, 1);
    let word = |sender: &mut Sender<u64, u64>, arrived| sender.on_ack(Moment(1), LANE, (seq(arrived), Seq::START), 100);
    assert_eq!(word(&mut sender, 1), Ok(vec![]));
    assert!(sender.poll(Moment(1_000_000), |_| true).out.is_empty(), "it has arrived");
    assert_eq!(word(&mut sender, 0), Ok(vec![]));
    assert_eq!(runs(&sender.poll(Moment(1_000_000), |_| true)), [(1, false)]);
    assert_eq!(word(&mut sender, 1), Ok(vec![]));
    assert!(sender.poll(Moment(10_900_000), |_| true).out.is_empty());
    assert_eq!(runs(&sender.poll(Moment(11_000_000), |_| true)), [(1, false)], "it may have forgotten it silently");
}

#[test]
fn a_batch_says_where_the_mark_must_be_for_it() {
    let mut receiver = Receiver::new(1_000, BTreeMap::from([(LANE, seq(3))]));
    assert!(receiver.on_events(LANE, Seq::START, incoming(&[1, 2, 3])).is_empty(), "they are below the mark");
    let first = receiver.on_events(LANE, seq(3), incoming(&[4, 5]));
    let second = receiver.on_events(LANE, seq(5), incoming(&[6]));
    let marks = |batches: &[Batch<u64>]| (batches[0].after, batches[0].up_to);
    assert_eq!((marks(&first), marks(&second)), ((seq(3), seq(5)), (seq(5), seq(6))));
}

#[test]
fn what_an_earlier_process_has_sent_is_not_sent_again() {
    let mut sender = sender();
    sender.begin_anew(0..1, seq(9));
    sender.resume_lane(LANE, seq(3));
    assert_eq!(offer(&mut sender, 0, 4), None, "the skip goes first");
    assert_eq!(offer(&mut sender, 0, 8), None);
    assert_eq!(sender.on_ack(Moment(0), LANE, (seq(7), seq(7)), 100), Ok(vec![4]), "the one before had sent more");
    let polled = sender.poll(Moment(1), |_| true);
    assert_eq!((runs(&polled), polled.out.len()), (vec![(8, false)], 1));
    assert_eq!(offer(&mut sender, 1, 7), None);
    assert_eq!(sender.poll(Moment(2), |_| true).done, [7]);
    assert_eq!(
        sender.on_ack(Moment(0), LANE, (seq(10), seq(10)), 100),
        Err(AckError::Ahead(vec![8])),
        "what it knows is done"
    );
}
