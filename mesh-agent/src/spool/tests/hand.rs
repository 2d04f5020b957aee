//! Events that change queue and stay where they are in the log.

use super::*;

fn rows(taken: &Taken) -> Vec<(u64, Row)> {
    taken.entries.iter().map(|entry| (entry.seq, entry.row)).collect()
}

#[test]
fn what_is_handed_over_keeps_its_place_and_is_in_one_queue_only() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let (work, kept) = (queue(&core, "work", Limits::NONE), queue(&core, "kept", Limits::NONE));
    core.turn((0..6).map(|number| append(number, &[work])).collect());
    let taken = take(&core, work);
    let chosen = [rows(&taken)[4], rows(&taken)[1], rows(&taken)[0]];
    let hand = |from, to, rows: &[(u64, Row)]| Op::Hand { from, to, rows: rows.to_vec() };
    assert_eq!(one(&core, hand(work, kept, &chosen)), Ok(Done::Emptied(3)));
    assert_eq!(one(&core, hand(work, kept, &chosen)), Ok(Done::Emptied(0)), "once");
    assert_eq!(numbers(&core.browse(kept, 0, 10).expect("reads")), [0, 1, 4]);
    assert_eq!(core.standing(work).map(|standing| (standing.events, standing.handed_out)), Some((3, 3)));

    // Back, while a reader has what is behind: it is given what came back, and nothing that it has.
    let changed = Row { deliveries: 7, redelivered: true, replayed: true, ..chosen[1].1 };
    assert_eq!(one(&core, hand(kept, work, &[(chosen[1].0, changed)])), Ok(Done::Emptied(1)));
    one(&core, append(9, &[work])).expect("taken");
    let again = take(&core, work);
    assert_eq!(numbers(&again), [1, 9]);
    assert_eq!(again.entries[0].row, changed);
    assert_eq!(numbers(&core.browse(kept, 0, 10).expect("reads")), [0, 4]);

    let core = open(&disk.restarted(), 2);
    let (work, kept) = (core.queue("work").expect("kept"), core.queue("kept").expect("kept"));
    assert_eq!(numbers(&take(&core, work)), [1, 2, 3, 5, 9]);
    assert_eq!(numbers(&core.browse(kept, 0, 10).expect("reads")), [0, 4]);
    assert_eq!(core.standing(kept).map(|standing| (standing.events, standing.handed_out)), Some((2, 0)));
}

#[test]
fn what_a_reader_returns_it_is_given_again_in_order() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let work = queue(&core, "work", Limits::NONE);
    core.turn((0..5).map(|number| append(number, &[work])).collect());
    let taken = seqs(&take(&core, work));
    let back = Op::Return { queue: work, seqs: vec![taken[3], taken[1], 99] };
    assert_eq!(one(&core, back), Ok(Done::Durable));
    assert_eq!(core.standing(work).map(|standing| (standing.events, standing.handed_out)), Some((5, 3)));
    assert_eq!(core.take(work, 1, usize::MAX).map(|taken| numbers(&taken)).expect("reads"), [1]);
    assert_eq!(numbers(&take(&core, work)), [3]);
    assert!(take(&core, work).entries.is_empty());
    one(&core, Op::Ack { queue: work, seqs: taken }).expect("acked");
    assert_eq!((disk.rows(Place::Rows), core.standing(work).map(|standing| standing.events)), (0, Some(0)));
}

#[test]
fn a_segment_stays_as_long_as_its_events_are_kept() {
    let disk = SimulatedDisk::default();
    let core = open(&disk, 1);
    let (work, kept) = (queue(&core, "work", Limits::NONE), queue(&core, "kept", Limits::NONE));
    for number in 0..60 {
        one(&core, append(number, &[work])).expect("taken");
    }
    let taken = take(&core, work);
    let before = disk.segments().len();
    one(&core, Op::Hand { from: work, to: kept, rows: rows(&taken) }).expect("handed");
    assert_eq!(disk.segments().len(), before);
    assert_eq!(core.event(seqs(&taken)[0]).expect("reads").as_ref().map(number), Some(0));
    let gone = Op::Move { events: Vec::new(), from: kept, seqs: seqs(&taken) };
    assert_eq!(one(&core, gone), Ok(Done::Emptied(60)));
    assert_eq!(disk.segments().len(), 1);
    assert!(core.event(seqs(&taken)[0]).expect("reads").is_none());
}
