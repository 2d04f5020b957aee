use bytes::Bytes;
use mesh_protocol::desired::{ContractReference, Contracts as Section};
use mesh_protocol::event::{DeliveryMode, Headers, Origin};
use mesh_protocol::report::{BREACHES_MAX, ContractKept};
use mesh_protocol::topic::Filter;
use proptest::prelude::*;
use uuid::Uuid;

use super::testing::{ORDER, add, one};
use super::*;

fn event(topic: &str, payload: &str) -> Event {
    Event {
        topic: Topic::new(topic).expect("valid"),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        key: Bytes::new(),
        headers: Headers::default(),
        mode: DeliveryMode::Direct,
        admitted_at_ms: 0,
        ttl_ms: None,
        origin: Origin { site: Uuid::from_u128(1).into(), principal: None, protocol: Protocol::Mqtt },
        path: Vec::new(),
        retain: false,
    }
}

fn sender(client_id: &str) -> Sender<'_> {
    Sender { principal: Uuid::from_u128(7).into(), client_id }
}

fn compile(section: &Section) -> (Contracts, Ledger) {
    let ledger = Ledger::default();
    (Contracts::compile(section, &ledger).expect("can be enforced"), ledger)
}

fn check(contracts: &Contracts, event: &Event) -> Result<(), Invalid> {
    contracts.check(event, Some(&sender("till-7")))
}

const GOOD: &str = r#"{"amount":1}"#;
const BAD: &str = r#"{"amount":"4711"}"#;

#[test]
fn a_payload_is_held_against_the_contract_of_its_topic_alone() {
    let (contracts, ledger) = compile(&one("orders/*/created", ORDER, OnInvalid::Reject));
    assert_eq!(check(&contracts, &event("orders/fr/created", GOOD)), Ok(()));
    assert_eq!(check(&contracts, &event("orders/fr/paid", BAD)), Ok(()));
    let invalid = check(&contracts, &event("orders/fr/created", BAD)).expect_err("no number");
    assert_eq!(invalid.on_invalid, OnInvalid::Reject);
    let told = "the payload is not valid by order-created 1.0.0: `$.amount` is not a number";
    assert_eq!(invalid.to_string(), told);
    let report = ledger.report(1).expect("news");
    let [ContractKept { checked: 2, invalid: 1, breaches, .. }] = &*report.events else { panic!("{report:?}") };
    assert_eq!(
        (breaches[0].client_id.as_str(), breaches[0].path.as_str(), breaches[0].count),
        ("till-7", "$.amount", 1)
    );
    assert_eq!(ledger.report(2), None, "nothing new");
}

#[test]
fn one_live_version_that_takes_it_is_enough() {
    let mut section = Section::default();
    let strict = r#"{"type":"object","required":["amount","currency"]}"#;
    add(&mut section, 1, "order-created 2.0.0", "orders/*", Some(strict), OnInvalid::Reject);
    add(&mut section, 1, "order-created 1.0.0", "orders/*", Some(ORDER), OnInvalid::Reject);
    let (contracts, ledger) = compile(&section);
    assert_eq!(check(&contracts, &event("orders/fr", GOOD)), Ok(()), "by the older version");
    let invalid = check(&contracts, &event("orders/fr", BAD)).expect_err("by none");
    assert_eq!((invalid.label.as_str(), invalid.others), ("order-created 2.0.0", 1));
    assert!(invalid.to_string().ends_with("(nor by another version that is served)"), "{invalid}");
    assert_eq!(ledger.report(1).expect("news").events[0].checked, 2, "each payload once, not once for each version");
    add(&mut section, 1, "order-created 0.9.0", "orders/*", None, OnInvalid::Reject);
    assert_eq!(
        check(&compile(&section).0, &event("orders/fr", BAD)),
        Ok(()),
        "a version without a schema takes everything"
    );
}

#[test]
fn an_unchecked_event_with_the_same_topic_takes_its_own_payloads() {
    let mut section = one("orders/*", ORDER, OnInvalid::Reject);
    add(&mut section, 2, "note-written 1.0.0", "orders/>", Some(r#"{"type":"string"}"#), OnInvalid::Accept);
    let (contracts, ledger) = compile(&section);
    assert_eq!(check(&contracts, &event("orders/fr", r#""a note""#)), Ok(()));
    assert_eq!(check(&contracts, &event("orders/fr/x", BAD)), Ok(()), "there nobody checks");
    let invalid = check(&contracts, &event("orders/fr", "true")).expect_err("neither");
    assert_eq!((invalid.label.as_str(), invalid.others), ("order-created 1.0.0", 1), "told by the one that is checked");
    let report = ledger.report(1).expect("news");
    assert_eq!(report.events.iter().map(|kept| kept.checked).collect::<Vec<_>>(), [2], "of the checked event alone");
}

#[test]
fn the_strictest_word_counts_and_reported_ones_go_on() {
    let mut section = one("orders/*", ORDER, OnInvalid::Report);
    let (contracts, ledger) = compile(&section);
    let fate = |contracts: &Contracts| check(contracts, &event("orders/fr", BAD)).expect_err("invalid").on_invalid;
    let became = |ledger: &Ledger| {
        let kept = ledger.report(1).expect("news").events.remove(0);
        (kept.invalid, kept.rejected, kept.diverted, kept.breaches[0].rejected, kept.breaches[0].diverted)
    };
    assert_eq!((fate(&contracts), became(&ledger)), (OnInvalid::Report, (1, 0, 0, false, false)));
    add(&mut section, 2, "order-strange 1.0.0", "orders/fr", Some(ORDER), OnInvalid::Divert);
    let (contracts, ledger) = compile(&section);
    assert_eq!((fate(&contracts), became(&ledger)), (OnInvalid::Divert, (1, 0, 1, false, true)));
    add(&mut section, 3, "order-strict 1.0.0", "orders/fr", Some(ORDER), OnInvalid::Reject);
    let (contracts, ledger) = compile(&section);
    assert_eq!((fate(&contracts), became(&ledger)), (OnInvalid::Reject, (1, 1, 0, true, false)));
}

#[test]
fn what_takes_something_away_is_no_payload() {
    let (contracts, _) = compile(&one("orders/*", ORDER, OnInvalid::Reject));
    let empty = event("orders/fr", "");
    assert!(check(&contracts, &empty).is_err());
    assert_eq!(check(&contracts, &Event { retain: true, ..empty.clone() }), Ok(()), "the last value is taken away");
    let mut tombstone = empty;
    tombstone.headers.user.push((TOMBSTONE.to_owned(), "1".to_owned()));
    assert!(check(&contracts, &tombstone).is_err(), "a client's own word");
    tombstone.origin.protocol = Protocol::Kafka;
    assert_eq!(check(&contracts, &tombstone), Ok(()));
}

#[test]
fn what_cannot_be_enforced_is_named() {
    let refused = |section: &Section| Contracts::compile(section, &Ledger::default()).expect_err("refused");
    let broken = one("orders/*", r#"{"type":"strin"}"#, OnInvalid::Reject);
    assert!(refused(&broken).starts_with("order-created 1.0.0: its schema: "), "{}", refused(&broken));
    let good = one("orders/*", ORDER, OnInvalid::Reject);
    let mut section = good.clone();
    section.contracts[0].schema = Some(9);
    assert_eq!(refused(&section), "order-created 1.0.0: its schema 9 is not in the document");
    let mut section = good.clone();
    section.schemas[0].references = vec![ContractReference { name: "a".to_owned(), text: 4 }];
    assert_eq!(refused(&section), "order-created 1.0.0: text 4 of its schema is not in the document");
    let mut section = good.clone();
    section.contracts[0].filter = Filter::mesh("orders/${site}").expect("valid");
    assert!(refused(&section).contains("may not use variables"));
    let mut section = good.clone();
    section.texts.push(" ".repeat(CONTRACT_TEXT_BYTES_MAX));
    assert!(refused(&section).contains("at most 2097152 are taken"), "{}", refused(&section));
    let mut section = good;
    section.contracts = vec![section.contracts[0].clone(); CONTRACTS_MAX + 1];
    assert!(refused(&section).contains("at most 5000"));
}

#[test]
fn breaches_are_folded_and_bounded_and_counted_all_the_same() {
    let (contracts, ledger) = compile(&one("orders/*", ORDER, OnInvalid::Reject));
    let bad = event("orders/fr", BAD);
    for client in 0..BREACHES_MAX + 5 {
        for _ in 0..3 {
            assert!(contracts.check(&bad, Some(&sender(&format!("till-{client}")))).is_err());
        }
    }
    assert!(contracts.check(&bad, None).is_err(), "asked again, not counted");
    let report = ledger.report(1).expect("news");
    let kept = &report.events[0];
    assert_eq!((kept.checked, kept.invalid, kept.breaches.len()), (75, 75, BREACHES_MAX));
    assert!(kept.breaches.iter().all(|breach| breach.count == 3));
    assert!(contracts.check(&bad, Some(&sender("till-0"))).is_err());
    ledger.put_back(report.events);
    let again = ledger.report(2).expect("news");
    let till = again.events[0].breaches.iter().find(|breach| breach.client_id == "till-0").expect("its line");
    assert_eq!((again.events[0].checked, till.count), (76, 4), "what nobody took is told with what came meanwhile");
}

#[test]
fn counts_outlive_a_revision_and_end_with_the_contract() {
    let section = one("orders/*", ORDER, OnInvalid::Report);
    let (first, ledger) = compile(&section);
    let good = event("orders/fr", GOOD);
    assert_eq!(check(&first, &good), Ok(()));
    let second = Contracts::compile(&section, &ledger).expect("can be enforced");
    drop(first);
    assert_eq!(check(&second, &good), Ok(()));
    assert_eq!(ledger.report(1).expect("news").events[0].checked, 2);
    assert_eq!(check(&second, &good), Ok(()));
    drop(second);
    assert_eq!(ledger.report(2).expect("news").events[0].checked, 1, "what came before the end is told");
    assert_eq!(ledger.report(3), None);
}

proptest! {
    /// Whatever comes at whatever topic: what is told adds up, and only where a contract is.
    #[test]
    fn every_payload_is_counted_once(
        sent in proptest::collection::vec(("(orders|other)/(fr|de)", r#"(\{"amount":[0-9]{1,3}\}|[a-z"{}]{0,6})"#), 0..40),
    ) {
        let (contracts, ledger) = compile(&one("orders/*", ORDER, OnInvalid::Reject));
        let (mut checked, mut invalid) = (0, 0);
        for (topic, payload) in &sent {
            let refused = check(&contracts, &event(topic, payload)).is_err();
            let is_order = topic.starts_with("orders");
            prop_assert!(is_order || !refused);
            checked += u64::from(is_order);
            invalid += u64::from(refused);
        }
        let told = ledger.report(1).map(|report| (report.events[0].checked, report.events[0].invalid));
        prop_assert_eq!(told, (checked > 0).then_some((checked, invalid)));
    }
}
