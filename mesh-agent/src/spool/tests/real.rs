//! The same spool on fjall, in a real folder, with journals that are damaged in every way a crash or a disk may.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn open_at(folder: &Path, epoch: u64) -> (Core, Vec<Repaired>) {
    let (disk, repaired) = FjallDisk::open(folder).expect("opens");
    let settings = Settings { segment_bytes: 20_000, reserve_bytes: 0, ..Settings::default() };
    (Core::open(Arc::new(disk), settings, ID, Epoch(epoch)).expect("opens"), repaired)
}

/// A copy of the folder as a crash would leave it: the process has not said goodbye.
fn crashed(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    copy_all(folder, copy.path());
    copy
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("known").is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

fn journal(folder: &Path) -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .expect("readable")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|end| end == "jnl"))
        .collect();
    found.sort();
    found.pop().expect("a journal")
}

/// Where the journal's written part ends: the rest are zeros.
fn written(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

#[test]
fn events_survive_and_segments_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let (core, repaired) = open_at(folder.path(), 1);
    assert_eq!(repaired, []);
    let a = queue(&core, "a", Limits::NONE);
    for from in (0..1_000).step_by(50) {
        core.turn((from..from + 50).map(|number| append(number, &[a])).collect());
    }
    let first = core.take(a, 500, usize::MAX).expect("reads");
    one(&core, Op::Ack { queue: a, seqs: seqs(&first) }).expect("acked");
    let crash = crashed(folder.path());
    drop(core);
    for folder in [folder.path(), crash.path()] {
        let (core, repaired) = open_at(folder, 2);
        assert_eq!(repaired, []);
        let a = core.queue("a").expect("it is kept");
        let taken = take(&core, a);
        assert_eq!(numbers(&taken), (500..1_000).collect::<Vec<_>>());
        one(&core, Op::Ack { queue: a, seqs: seqs(&taken) }).expect("acked");
        assert!(core.stored_bytes() < 30_000, "{} bytes are left", core.stored_bytes());
    }
}

#[test]
fn an_old_event_is_read_from_the_attic_also_after_a_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    let (core, _) = open_at(folder.path(), 1);
    let (a, old) = (queue(&core, "a", Limits::NONE), queue(&core, "old", Limits::NONE));
    one(&core, append(0, &[a, old])).expect("taken");
    for from in (1..1_001).step_by(50) {
        core.turn((from..from + 50).map(|number| append(number, &[a])).collect());
    }
    let first = core.take(a, 900, usize::MAX).expect("reads");
    one(&core, Op::Ack { queue: a, seqs: seqs(&first) }).expect("acked");
    let before = core.stored_bytes();
    assert!(core.has_trash());
    core.sweep().expect("swept");
    assert!(core.stored_bytes() < before && !core.has_trash());
    let crash = crashed(folder.path());
    drop(core);
    for folder in [folder.path(), crash.path()] {
        let (core, _) = open_at(folder, 2);
        let (a, old) = (core.queue("a").expect("kept"), core.queue("old").expect("kept"));
        let taken = take(&core, old);
        assert_eq!(numbers(&taken), [0]);
        one(&core, Op::Ack { queue: old, seqs: seqs(&taken) }).expect("acked");
        assert_eq!(numbers(&take(&core, a)), (900..1_001).collect::<Vec<_>>());
        drop(core);
        let (core, _) = open_at(folder, 3);
        assert!(take(&core, core.queue("old").expect("kept")).entries.is_empty());
    }
}

/// Writes ten events, one commit each, and damages a copy of the journal; returns what is still there afterwards.
fn damaged(damage: impl Fn(&mut Vec<u8>, usize)) -> (Vec<u64>, Vec<Repaired>) {
    let folder = tempfile::tempdir().expect("a folder");
    let (core, _) = open_at(folder.path(), 1);
    let a = queue(&core, "a", Limits::NONE);
    for number in 0..10 {
        one(&core, append(number, &[a])).expect("taken");
    }
    let crash = crashed(folder.path());
    let journal = journal(crash.path());
    let mut bytes = fs::read(&journal).expect("readable");
    let end = written(&bytes);
    damage(&mut bytes, end);
    fs::write(&journal, bytes).expect("written");
    let (core, repaired) = open_at(crash.path(), 2);
    let a = core.queue("a").expect("it is kept");
    let seen = take(&core, a).entries.iter().map(|entry| number(&entry.event)).collect();
    // What was mended stays so, and the spool goes on.
    one(&core, append(99, &[a])).expect("taken");
    drop(core);
    let (core, again) = open_at(crash.path(), 3);
    assert_eq!(again, [], "mended once");
    assert_eq!(numbers(&take(&core, core.queue("a").expect("it is kept"))).last(), Some(&99));
    (seen, repaired)
}

#[test]
fn garbage_after_the_last_batch_costs_nothing() {
    for seed in 0..6_u8 {
        let (seen, repaired) = damaged(|bytes, end| {
            // Anything, the tags of fjall's own entries included.
            let garbage: Vec<u8> = (0..200_u8).map(|at| at.wrapping_mul(seed | 1).wrapping_add(seed) % 7).collect();
            bytes[end..end + garbage.len()].copy_from_slice(&garbage);
        });
        assert_eq!(seen, (0..10).collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(repaired.len(), 1);
    }
}

#[test]
fn a_torn_last_batch_is_set_aside() {
    let (seen, repaired) = damaged(|bytes, end| bytes[end - 20..end].fill(0));
    assert_eq!(seen, (0..9).collect::<Vec<_>>());
    assert_eq!((repaired.len(), repaired[0].rescued_batches), (1, 0));
    let (seen, repaired) = damaged(|bytes, end| bytes.truncate(end - 20));
    assert_eq!((seen, repaired.len()), ((0..9).collect::<Vec<_>>(), 1));
}

#[test]
fn complete_batches_behind_a_damaged_one_are_kept() {
    let (seen, repaired) = damaged(|bytes, end| {
        // In the middle of what was written: events of one batch, maybe two, are hit.
        let middle = end / 2;
        bytes[middle..middle + 40].fill(0xee);
    });
    assert!(seen.len() >= 8, "{seen:?}");
    assert!(seen.contains(&9), "the last one was whole: {seen:?}");
    assert!(repaired[0].rescued_batches > 0 && repaired[0].damaged_bytes > 0, "{repaired:?}");
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "x").expect("written");
    let error = FjallDisk::open(&file).expect_err("no folder");
    assert!(error.to_string().contains("file"), "{error}");
}
