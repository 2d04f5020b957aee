use super::sample::{key, key_text, owner, sign, state};
use super::*;
use serde_json::{Value, json};
use std::fs;

type Edit<T> = Box<dyn FnOnce(&mut T)>;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("temp dir"))
    }

    fn open(&self) -> Ledger {
        Ledger::open(self.0.path().to_owned(), owner())
    }

    /// A ledger that has accepted these revisions in order.
    fn with(revisions: &[u64]) -> Self {
        let folder = Self::new();
        let mut ledger = folder.open();
        for &revision in revisions {
            ledger.accept(&sign(&state(revision), 1)).expect("accepted");
        }
        folder
    }

    fn flip(&self, name: &str, position: usize) {
        let path = self.0.path().join(name);
        let mut text = fs::read(&path).expect("is there");
        let index = position % text.len();
        text[index] ^= 1;
        fs::write(&path, text).expect("written");
    }

    fn size(&self, name: &str) -> usize {
        fs::read(self.0.path().join(name)).expect("is there").len()
    }
}

fn revision(ledger: &Ledger) -> Option<u64> {
    ledger.current().map(|accepted| accepted.revision.revision)
}

fn refuse(ledger: &mut Ledger, signed: &Signed) -> Rejection {
    let before = revision(ledger);
    let rejection = ledger.accept(signed).expect_err("must be rejected");
    assert_eq!(revision(ledger), before, "a rejection changes nothing");
    assert!(!rejection.reason.is_empty());
    rejection
}

/// A document whose JSON was edited before it was signed.
fn edited(revision: u64, edit: impl FnOnce(&mut Value)) -> Signed {
    let mut value = serde_json::to_value(state(revision)).expect("serializes");
    edit(&mut value);
    Signed::sign(Domain::DesiredState, serde_json::to_vec(&value).expect("serializes"), &key(1))
}

#[test]
fn an_accepted_document_survives_a_restart() {
    let folder = Folder::with(&[1, 2]);
    let ledger = folder.open();
    assert_eq!(revision(&ledger), Some(2));
    assert_eq!(ledger.problem(), None);
}

#[test]
fn the_same_document_again_is_no_news() {
    let folder = Folder::with(&[1]);
    assert!(matches!(folder.open().accept(&sign(&state(1), 1)), Ok(Acceptance::Unchanged)));
}

#[test]
fn a_changed_byte_anywhere_is_a_bad_signature() {
    let signed = sign(&state(1), 1);
    for index in (0..signed.body.len()).step_by(97).chain([signed.body.len() - 1]) {
        let mut altered = signed.clone();
        altered.body[index] ^= 0x01;
        assert_eq!(refuse(&mut Folder::new().open(), &altered).kind, RejectionKind::Signature, "body byte {index}");
    }
    for index in [0, 31, 32, 63] {
        let mut altered = signed.clone();
        altered.signature[index] ^= 0x01;
        assert_eq!(
            refuse(&mut Folder::new().open(), &altered).kind,
            RejectionKind::Signature,
            "signature byte {index}"
        );
    }
    let mut altered = signed.clone();
    altered.signature.pop();
    assert_eq!(refuse(&mut Folder::new().open(), &altered).kind, RejectionKind::Signature);
    altered = Signed { key_id: "0".repeat(16), ..signed };
    assert_eq!(refuse(&mut Folder::new().open(), &altered).kind, RejectionKind::Signature);
}

#[test]
fn a_foreign_key_is_refused() {
    assert_eq!(refuse(&mut Folder::new().open(), &sign(&state(1), 2)).kind, RejectionKind::Signature);
}

#[test]
fn older_and_conflicting_are_told_apart() {
    let folder = Folder::with(&[5]);
    let mut ledger = folder.open();
    assert_eq!(refuse(&mut ledger, &sign(&state(4), 1)).kind, RejectionKind::Older);
    let mut other = state(5);
    other.site.region = "us".to_owned();
    assert_eq!(refuse(&mut ledger, &sign(&other, 1)).kind, RejectionKind::Conflicting);
    let mut next_generation = state(1);
    next_generation.generation = 2;
    assert!(ledger.accept(&sign(&next_generation, 1)).is_ok());
}

#[test]
fn another_agents_document_is_not_mine() {
    for field in ["agent", "environment"] {
        let signed = edited(1, |value| value[field] = json!(uuid::Uuid::from_u128(99)));
        assert_eq!(refuse(&mut Folder::new().open(), &signed).kind, RejectionKind::NotMine, "{field}");
    }
}

#[test]
fn what_security_sections_do_not_know_is_too_new_and_elsewhere_ignored() {
    let rule = json!({"id": uuid::Uuid::nil(), "subject": "anyone", "action": "publish", "effect": "deny",
        "filter": state(1).durable_filter(), "only_at_night": true});
    let edits: Vec<(&str, Edit<Value>)> = vec![
        ("policy", Box::new(|value| value["policy"]["quotas"] = json!([]))),
        ("keys", Box::new(|value| value["keys"]["threshold"] = json!(2))),
        ("rule", Box::new(move |value| value["policy"]["rules"] = json!([rule]))),
        ("version", Box::new(|value| value["min_version"] = json!(99))),
    ];
    for (name, edit) in edits {
        let rejection = refuse(&mut Folder::new().open(), &edited(1, edit));
        assert_eq!(rejection.kind, RejectionKind::TooNew, "{name}: {}", rejection.reason);
        assert!(rejection.reason.contains("update the agent"), "{name}");
    }
    let folder = Folder::new();
    let mut ledger = folder.open();
    let signed = edited(1, |value| value["listeners"][0]["colour"] = json!("blue"));
    assert!(ledger.accept(&signed).is_ok());
}

trait DurableFilter {
    fn durable_filter(&self) -> Value;
}

impl DurableFilter for DesiredState {
    fn durable_filter(&self) -> Value {
        let mesh_protocol::desired::ConnectorWork::KafkaSink(sink) = &self.connectors[1].work else { panic!("a sink") };
        serde_json::to_value(&sink.filters[0]).expect("serializes")
    }
}

#[test]
fn what_cannot_be_enforced_is_invalid_and_named() {
    let edits: Vec<(&str, Edit<DesiredState>)> = vec![
        ("no key", Box::new(|state| state.keys.policy.clear())),
        ("ed25519", Box::new(|state| state.keys.policy.push("abc".to_owned()))),
        ("mqtt", Box::new(|state| state.listeners[0].bind = "nowhere".to_owned())),
        ("payload", Box::new(|state| state.listeners[0].payload_bytes_max = u32::MAX)),
        ("fabric", Box::new(|state| state.fabric.bind = Some("7447".to_owned()))),
        ("route-31", Box::new(|state| state.connectors[1].work = sink(&state.connectors[1].work, "orders/{"))),
        ("route-30", Box::new(|state| state.brokers.clear())),
        ("kafka-a", Box::new(|state| state.brokers[0].bootstrap.clear())),
    ];
    for (named, edit) in edits {
        let mut state = state(1);
        edit(&mut state);
        let rejection = refuse(&mut Folder::new().open(), &sign(&state, 1));
        assert_eq!(rejection.kind, RejectionKind::Invalid, "{named}: {}", rejection.reason);
        assert!(rejection.reason.to_lowercase().contains(named), "{named}: {}", rejection.reason);
        assert_eq!(rejection.revision.map(|revision| revision.revision), Some(1));
    }
}

fn sink(work: &mesh_protocol::desired::ConnectorWork, topic: &str) -> mesh_protocol::desired::ConnectorWork {
    let mesh_protocol::desired::ConnectorWork::KafkaSink(sink) = work else { panic!("a sink") };
    mesh_protocol::desired::ConnectorWork::KafkaSink(mesh_protocol::desired::KafkaSink {
        topic: topic.to_owned(),
        ..sink.clone()
    })
}

#[test]
fn a_corrupt_newest_copy_falls_back_wherever_the_byte_is() {
    let size = Folder::with(&[1, 2]).size("current.json");
    for position in [0, 1, 10, size / 3, size / 2, size - 20, size - 1] {
        let folder = Folder::with(&[1, 2]);
        folder.flip("current.json", position);
        let mut ledger = folder.open();
        assert_eq!(revision(&ledger), Some(1), "byte {position}");
        assert!(ledger.problem().expect("reported").reason.contains("damaged"));
        // Still nothing older, still nothing else under the same number; the lost one heals it.
        assert_eq!(refuse(&mut ledger, &sign(&state(1), 1)).kind, RejectionKind::Older);
        let mut other = state(2);
        other.site.region = "us".to_owned();
        assert_eq!(refuse(&mut ledger, &sign(&other, 1)).kind, RejectionKind::Conflicting);
        assert!(matches!(ledger.accept(&sign(&state(2), 1)), Ok(Acceptance::New(_))));
        assert_eq!(ledger.problem(), None);
        let healed = folder.open();
        assert_eq!((revision(&healed), healed.problem()), (Some(2), None));
    }
}

#[test]
fn with_both_copies_corrupt_nothing_is_enforced_and_the_next_document_heals() {
    let folder = Folder::with(&[1, 2]);
    folder.flip("current.json", 40);
    folder.flip("previous.json", 40);
    let mut ledger = folder.open();
    assert_eq!(revision(&ledger), None);
    assert!(ledger.problem().expect("reported").reason.contains("denies everything"));
    assert_eq!(refuse(&mut ledger, &sign(&state(1), 1)).kind, RejectionKind::Older);
    ledger.accept(&sign(&state(3), 1)).expect("accepted");
    assert_eq!(revision(&folder.open()), Some(3));
}

#[test]
fn a_crash_between_the_renames_loses_nothing() {
    let folder = Folder::with(&[1, 2]);
    fs::rename(folder.0.path().join("current.json"), folder.0.path().join("previous.json")).expect("renamed");
    assert_eq!(revision(&folder.open()), Some(2));
}

#[test]
fn a_new_key_takes_over_and_the_old_one_ends() {
    let folder = Folder::new();
    let mut ledger = folder.open();
    let with_keys = |revision, seeds: &[u8]| {
        let mut state = state(revision);
        state.keys.policy = seeds.iter().map(|&seed| key_text(seed)).collect();
        state
    };
    ledger.accept(&sign(&with_keys(1, &[1, 2]), 1)).expect("announces the next key");
    ledger.accept(&sign(&with_keys(2, &[2]), 1)).expect("the old key's last word");
    assert_eq!(refuse(&mut ledger, &sign(&with_keys(3, &[1]), 1)).kind, RejectionKind::Signature);
    let mut ledger = folder.open();
    assert_eq!(revision(&ledger), Some(2), "a copy signed by the withdrawn key is still ours");
    assert_eq!(refuse(&mut ledger, &sign(&with_keys(3, &[1]), 1)).kind, RejectionKind::Signature);
    ledger.accept(&sign(&with_keys(3, &[2]), 2)).expect("the new key");
    ledger.accept(&sign(&with_keys(4, &[2]), 2)).expect("the new key");
    folder.flip("marks.json", 0);
    assert_eq!(revision(&folder.open()), Some(4), "the marks are there twice");
}

#[test]
fn the_deny_list_only_grows() {
    let folder = Folder::with(&[1]);
    let mut ledger = folder.open();
    assert_eq!(ledger.accept_deny_list(&deny_list(2, 1)), Ok(true));
    assert_eq!(ledger.accept_deny_list(&deny_list(1, 1)), Ok(false));
    assert_eq!(ledger.accept_deny_list(&deny_list(3, 2)).expect_err("foreign").kind, RejectionKind::Signature);
    folder.flip("current.json", 30);
    assert_eq!(folder.open().deny_list().number, 2, "it outlives a damaged copy");
}

fn deny_list(number: u64, seed: u8) -> Signed {
    let list = DenyList { number, ..DenyList::default() };
    Signed::sign(Domain::DenyList, serde_json::to_vec(&list).expect("serializes"), &key(seed))
}

#[test]
fn a_damaged_deny_list_is_healed_from_its_copy() {
    for name in DENY_LIST {
        let folder = Folder::with(&[1]);
        folder.open().accept_deny_list(&deny_list(2, 1)).expect("accepted");
        folder.flip(name, 30);
        let healed = folder.open();
        assert_eq!((healed.deny_list().number, revision(&healed), healed.problem()), (2, Some(1), None), "{name}");
        let [one, other] = DENY_LIST.map(|name| fs::read(folder.0.path().join(name)).expect("is there"));
        assert_eq!(one, other, "both are good again");
    }
}

#[test]
fn a_lost_deny_list_denies_everything_until_it_comes_again() {
    let folder = Folder::with(&[1]);
    folder.open().accept_deny_list(&deny_list(2, 1)).expect("accepted");
    for name in DENY_LIST {
        folder.flip(name, 30);
    }
    let mut ledger = folder.open();
    assert_eq!((revision(&ledger), ledger.deny_list().number), (None, 0));
    let problem = ledger.problem().expect("reported").reason;
    assert!(problem.contains("denies everything") && problem.contains("number 2"), "{problem}");
    // A good document is kept and is not enforced, an older list is not taken for the lost one.
    ledger.accept(&sign(&state(2), 1)).expect("stored");
    assert_eq!(ledger.accept_deny_list(&deny_list(1, 1)).expect_err("older").kind, RejectionKind::Older);
    assert!(ledger.accept_deny_list(&deny_list(2, 2)).is_err(), "foreign");
    assert_eq!(revision(&ledger), None);
    assert_eq!(ledger.accept_deny_list(&deny_list(2, 1)), Ok(true), "the same number heals it");
    assert_eq!((revision(&ledger), ledger.problem()), (Some(2), None));
    let healed = folder.open();
    assert_eq!((revision(&healed), healed.deny_list().number, healed.problem()), (Some(2), 2, None));
}

#[test]
fn an_older_copy_of_the_deny_list_is_no_fallback() {
    let folder = Folder::with(&[1]);
    let mut ledger = folder.open();
    ledger.accept_deny_list(&deny_list(1, 1)).expect("accepted");
    let older = fs::read(folder.0.path().join(DENY_LIST[0])).expect("is there");
    ledger.accept_deny_list(&deny_list(2, 1)).expect("accepted");
    let put = |name: &str| fs::write(folder.0.path().join(name), &older).expect("written");
    // A crash between the two copies of a list that was not accepted yet is the only way to this, and no loss.
    put(DENY_LIST[1]);
    assert_eq!(folder.open().deny_list().number, 2);
    DENY_LIST.iter().for_each(|name| put(name));
    let ledger = folder.open();
    assert_eq!((revision(&ledger), ledger.deny_list().number), (None, 1), "whoever was revoked by 2 stays out");
    DENY_LIST.iter().for_each(|name| fs::remove_file(folder.0.path().join(name)).expect("removed"));
    let ledger = folder.open();
    assert_eq!(revision(&ledger), None);
    assert!(ledger.problem().expect("reported").reason.contains("gone"));
}

#[test]
fn what_an_older_version_left_is_taken_over() {
    let folder = Folder::with(&[1]);
    let path = |name: &str| folder.0.path().join(name);
    let text = serde_json::to_vec(&deny_list(3, 1)).expect("serializes");
    fs::write(path(DENY_LIST[0]), text).expect("written");
    assert_eq!(folder.open().deny_list().number, 3);
    assert!(path(DENY_LIST[1]).exists(), "it is there twice from now on");
    // Its marks know no number; what is damaged was there all the same.
    let folder = Folder::with(&[1]);
    fs::write(folder.0.path().join(DENY_LIST[0]), b"damaged").expect("written");
    let mut ledger = folder.open();
    assert_eq!(revision(&ledger), None);
    ledger.accept_deny_list(&deny_list(0, 1)).expect("the portal's newest, whichever that is");
    assert_eq!(revision(&ledger), Some(1));
}

#[test]
fn a_deny_list_outlives_the_key_that_signed_it() {
    let folder = Folder::new();
    let mut ledger = folder.open();
    let with_keys = |revision, seeds: &[u8]| {
        let mut state = state(revision);
        state.keys.policy = seeds.iter().map(|&seed| key_text(seed)).collect();
        state
    };
    // Key 2 signs the list; then the keys go on, more often than signers of documents are remembered.
    ledger.accept(&sign(&with_keys(1, &[2]), 1)).expect("accepted");
    ledger.accept_deny_list(&deny_list(5, 2)).expect("accepted");
    for (revision, (signer, next)) in (2..).zip([(2, 3), (3, 4), (4, 5), (5, 6), (6, 7)]) {
        ledger.accept(&sign(&with_keys(revision, &[next]), signer)).expect("accepted");
    }
    let ledger = folder.open();
    assert_eq!((revision(&ledger), ledger.deny_list().number), (Some(6), 5));
}

#[test]
fn nothing_in_the_folder_can_make_opening_fail() {
    let folder = Folder::with(&[1, 2]);
    let names =
        ["current.json", "previous.json", "deny-list.json", "deny-list-copy.json", "marks.json", "marks-copy.json"];
    for name in names {
        fs::write(folder.0.path().join(name), b"\xff\x00 garbage").expect("written");
    }
    assert_eq!(revision(&folder.open()), None);
}
