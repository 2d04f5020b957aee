use futures::future::join_all;

use super::super::testing::{Scripted, id};
use super::*;

const INT: &str = r#"{"type":"record","name":"A","fields":[{"name":"a","type":"int"}]}"#;

fn value(found: &Result<Found, NotNow>) -> i64 {
    let Ok(Found::Decoder(decoder)) = found else { panic!("{found:?}") };
    decoder.decode(&[10]).expect("decodes")["a"].as_i64().expect("a number")
}

fn reason(found: Result<Found, NotNow>) -> String {
    match found {
        Ok(Found::Never(reason)) => reason.to_string(),
        Err(not_now) => not_now.reason.to_string(),
        Ok(Found::Decoder(_)) => panic!("it was found"),
    }
}

#[tokio::test]
async fn many_that_want_one_schema_ask_once() {
    let (dir, scripted) = (tempfile::tempdir().expect("temp dir"), Scripted::default());
    scripted.put(7, INT);
    let registry = scripted.registry(dir.path());
    assert!(registry.at_hand(id(7)).is_none());
    for found in join_all((0..50).map(|_| registry.find(id(7)))).await {
        assert_eq!(value(&found), 5);
    }
    assert!(matches!(registry.at_hand(id(7)), Some(Found::Decoder(_))));
    assert_eq!(scripted.asked(), [7]);
}

#[tokio::test]
async fn what_is_kept_is_used_after_a_restart_while_the_registry_is_away() {
    let (dir, scripted) = (tempfile::tempdir().expect("temp dir"), Scripted::default());
    scripted.put(7, INT);
    assert_eq!(value(&scripted.registry(dir.path()).find(id(7)).await), 5);
    scripted.away(true);
    let restarted = scripted.registry(dir.path());
    assert_eq!(value(&restarted.find(id(7)).await), 5);
    let told = reason(restarted.find(id(8)).await);
    assert!(told.contains("schema 8 is not here yet") && told.contains("nobody answers: start it"), "{told}");
    assert_eq!(scripted.asked(), [7, 8]);
}

/// As if time had passed: what is remembered of an id is no longer true.
fn later(registry: &Registry, number: u32) {
    let mut memory = registry.lock();
    let entry = memory.entries.get_mut(&id(number)).expect("something is remembered");
    match &mut entry.known {
        Known::Decoder(_) => {}
        Known::Never { until, .. } => *until = Instant::now(),
        Known::NotNow { answer, .. } => answer.again_at = Instant::now(),
    }
}

#[tokio::test]
async fn a_registry_that_is_away_is_asked_again_with_growing_pauses() {
    let (dir, scripted) = (tempfile::tempdir().expect("temp dir"), Scripted::default());
    scripted.away(true);
    let registry = scripted.registry(dir.path());
    let mut pauses = Vec::new();
    for _ in 0..7 {
        // As every lane does that waits for it.
        for found in join_all((0..10).map(|_| registry.find(id(7)))).await {
            assert!(found.expect_err("it is away").again_at > Instant::now());
        }
        pauses.push(registry.lock().pause(id(7)).expect("it failed").as_millis());
        later(&registry, 7);
    }
    assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    assert_eq!(scripted.asked().len(), 7, "one question after each pause");
    scripted.away(false);
    scripted.put(7, INT);
    assert_eq!(value(&registry.find(id(7)).await), 5);
}

#[tokio::test]
async fn an_unknown_id_is_remembered_for_a_moment() {
    let (dir, scripted) = (tempfile::tempdir().expect("temp dir"), Scripted::default());
    let registry = scripted.registry(dir.path());
    for _ in 0..3 {
        assert_eq!(reason(registry.find(id(7)).await), "the schema registry schemas has no schema with the id 7");
    }
    assert_eq!(scripted.asked(), [7]);
    scripted.put(7, INT);
    later(&registry, 7);
    assert!(registry.at_hand(id(7)).is_none());
    assert_eq!(value(&registry.find(id(7)).await), 5);
}

#[tokio::test]
async fn a_schema_that_cannot_be_read_says_why_and_is_not_kept() {
    let (dir, scripted) = (tempfile::tempdir().expect("temp dir"), Scripted::default());
    scripted.put(7, r#"{"type":"record"}"#);
    let told = reason(scripted.registry(dir.path()).find(id(7)).await);
    assert!(told.starts_with("schema 7 of the registry schemas cannot be used: "), "{told}");
    assert!(!dir.path().join("7.json").exists());
}

#[tokio::test]
async fn memory_holds_what_was_used_last() {
    let (dir, scripted) = (tempfile::tempdir().expect("temp dir"), Scripted::default());
    let most = u32::try_from(SCHEMAS_MAX).expect("it fits");
    let registry = scripted.registry(dir.path());
    for number in 1..=most {
        drop(registry.find(id(number)).await);
    }
    assert!(registry.at_hand(id(1)).is_some(), "used just now");
    drop(registry.find(id(most + 1)).await);
    assert!(registry.at_hand(id(1)).is_some() && registry.at_hand(id(2)).is_none());
    let mut memory = Memory::default();
    for number in 1..=10 {
        memory.put(id(number), Known::Never { reason: "".into(), until: Instant::now() }, BYTES_MAX / 4);
    }
    assert_eq!((memory.entries.len(), memory.bytes), (4, BYTES_MAX));
}
