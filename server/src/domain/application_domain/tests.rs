use uuid::Uuid;

use super::*;

fn id(number: u128) -> ApplicationDomainId {
    ApplicationDomainId(Uuid::from_u128(number))
}

fn domain(number: u128, name: &str, parent: Option<u128>, topics: &[&str], kafka: &[&str]) -> ApplicationDomain {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let spec = Spec {
        name: name.to_owned(),
        parent: parent.map(id),
        topics: texts(topics),
        kafka_topics: texts(kafka),
        ..Spec::default()
    };
    ApplicationDomain { id: id(number), spec, revision: 1, updated_at_ms: 0, updated_by: "ada".to_owned() }
}

fn shop() -> Vec<ApplicationDomain> {
    let mut all = vec![
        domain(1, "retail", None, &[">"], &["retail.*"]),
        domain(2, "orders", Some(1), &["orders/>"], &["retail.orders*"]),
        domain(3, "refunds", Some(2), &["orders/*/refunded"], &["retail.orders.refunds"]),
    ];
    all[0].spec.owner = "platform".to_owned();
    all[2].spec.owner = "finance".to_owned();
    all
}

#[test]
fn the_narrowest_claim_counts() {
    let all = shop();
    let claims = Claims::of(&all);
    let address = |text: &str| {
        let address = crate::domain::address::filter(text).expect("an address");
        claims.of_address(&address).map(|domain| domain.spec.name.clone())
    };
    assert_eq!(address("orders/{country}/refunded").as_deref(), Some("refunds"));
    assert_eq!(address("orders/{country}/created").as_deref(), Some("orders"));
    assert_eq!(address("sensors/{plant}").as_deref(), Some("retail"));
    assert_eq!(address("$SYS/uptime"), None, "nothing claims system topics by a wildcard");
    let kafka = |name: &str| claims.of_kafka(name).map(|domain| domain.spec.name.clone());
    assert_eq!(kafka("retail.orders.refunds").as_deref(), Some("refunds"));
    assert_eq!(kafka("retail.orders.refunds.dlq").as_deref(), Some("orders"));
    assert_eq!(kafka("retail.prices").as_deref(), Some("retail"));
    assert_eq!(kafka("billing"), None);
}

#[test]
fn the_order_of_domains_decides_nothing() {
    let mut all = shop();
    all.reverse();
    let claims = Claims::of(&all);
    let address = crate::domain::address::filter("orders/{country}/refunded").expect("an address");
    assert_eq!(claims.of_address(&address).map(|domain| domain.id), Some(id(3)));
}

#[test]
fn a_domain_without_an_owner_is_answered_for_above() {
    let all = shop();
    let claims = Claims::of(&all);
    let owners: Vec<&str> = all.iter().map(|domain| claims.owner(domain)).collect();
    assert_eq!(owners, ["platform", "platform", "finance"]);
}

#[test]
fn what_is_wrong_is_told_at_its_field() {
    let all = shop();
    let wrong = |number: Option<u128>, spec: Spec| {
        spec.check(number.map(id), &all).map_err(|errors| errors.0.into_iter().next().expect("one"))
    };
    let spec = |name: &str| Spec { name: name.to_owned(), ..Spec::default() };
    let with = |topics: &[&str], kafka: &[&str]| domain(9, "new", None, topics, kafka).spec;
    for (spec, field, words) in [
        (spec("New"), "name", "lower-case"),
        (with(&["a/>/b", "\0"], &[]), "topics", "hold"),
        (with(&["orders/>"], &[]), "topics", "orders claims already"),
        (with(&[], &["a b"]), "kafka_topics", "hold `a b`"),
        (with(&[], &["*"]), "kafka_topics", "hold `*`"),
        (with(&[], &["retail.*"]), "kafka_topics", "retail claims already"),
        (Spec { parent: Some(id(77)), ..spec("new") }, "parent", "no domain"),
        (
            Spec { topics: (0..=CLAIMS_MAX).map(|n| format!("a/{n}")).collect(), ..spec("new") },
            "topics",
            "more than 50",
        ),
    ] {
        let (told, why) = wrong(None, spec).expect_err("refused");
        assert!(told == field && why.contains(words), "{told}: {why}");
    }
    let own = Spec { parent: Some(id(3)), ..all[1].spec.clone() };
    let (field, why) = wrong(Some(2), own).expect_err("orders would be a part of itself");
    assert!(field == "parent" && why.contains("this very domain"), "{why}");
    assert_eq!(all[1].spec.check(Some(id(2)), &all), Ok(()), "its own claims are its own");
}

#[test]
fn a_chain_of_domains_has_an_end() {
    let mut all: Vec<_> =
        (1..=8).map(|n| domain(n, &format!("d{n}"), n.checked_sub(1).filter(|n| *n > 0), &[], &[])).collect();
    let deeper = Spec { name: "d9".to_owned(), parent: Some(id(8)), ..Spec::default() };
    assert!(deeper.check(None, &all).is_err());
    all.remove(0);
    let spec = Spec { parent: None, ..deeper };
    assert_eq!(spec.check(None, &all), Ok(()));
}

#[test]
fn claims_are_tidied() {
    let spec =
        Spec { topics: vec![" b/> ".to_owned(), String::new(), "a".to_owned(), "b/>".to_owned()], ..Spec::default() };
    assert_eq!(spec.tidied().topics, ["a", "b/>"]);
}
