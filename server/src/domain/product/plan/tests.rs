use uuid::Uuid;

use super::*;

pub(super) fn filters(texts: &[&str]) -> Vec<Filter> {
    texts.iter().map(|text| Filter::mesh(text).expect("sound")).collect()
}

pub(super) fn spec() -> Spec {
    Spec { name: "standard".to_owned(), protocols: [Protocol::Mqtt].into(), ..Spec::default() }
}

pub(super) fn plan(state: State) -> Plan {
    Plan {
        id: PlanId(Uuid::from_u128(1)),
        product: DesignObjectId(Uuid::from_u128(2)),
        state,
        number: 1,
        spec: spec(),
        authors: vec!["ada".to_owned()],
        asked_at_ms: None,
        change: None,
        revision: 1,
        created_at_ms: 0,
        updated_at_ms: 0,
        updated_by: "ada".to_owned(),
    }
}

fn told(spec: &Spec, others: &[Plan]) -> String {
    let checked = spec.check(None, others, &filters(&["orders/*/created", "stock/>"]));
    checked.err().map(|errors| errors.to_string()).unwrap_or_default()
}

#[test]
fn a_sound_plan_is_taken_and_a_wrong_one_told_field_by_field() {
    assert_eq!(told(&spec(), &[]), "");
    let wrong = Spec {
        name: "Standard".to_owned(),
        protocols: BTreeSet::new(),
        quota: Quota { events: Some(0), bytes: Some(u64::MAX) },
        filters: filters(&["payments/>"]),
        approval: Approval::Rules(Rules::default()),
        days: Some(0),
        price: Some(Price { millionths: 0, currency: "euro".to_owned(), per: Per::Event }),
        ..Spec::default()
    };
    let told = told(&wrong, &[]);
    for field in ["name", "protocols", "events", "bytes", "filters hold `payments/>`", "people", "approval", "days"] {
        assert!(told.contains(field), "{field}: {told}");
    }
    assert!(told.contains("price must be") && told.contains("currency must be"), "{told}");
}

#[test]
fn names_are_free_again_when_a_plan_is_closed() {
    assert!(told(&spec(), &[plan(State::Published)]).contains("name is that of another plan"));
    assert_eq!(told(&spec(), &[plan(State::Closed)]), "");
    let many = vec![Plan { spec: Spec { name: "other".to_owned(), ..spec() }, ..plan(State::Staging) }; PLANS_MAX];
    assert!(told(&spec(), &many).contains("at most 20 plans"));
}

#[test]
fn what_is_offered_changes_by_a_new_number_only() {
    let dearer = Spec { price: Some(Price { millionths: 5, currency: "EUR".to_owned(), per: Per::Event }), ..spec() };
    let worded = Spec { description: "For everybody".to_owned(), ..spec() };
    let number = |state, spec: &Spec| plan(state).edited(spec.clone(), "bob", 5).map(|plan| plan.number).ok();
    assert_eq!(number(State::Staging, &dearer), Some(1));
    assert_eq!(number(State::Published, &dearer), Some(2));
    assert_eq!(number(State::Published, &worded), Some(1), "words are no terms");
    assert_eq!(number(State::Closed, &worded), None);
}

#[test]
fn a_plan_that_somebody_has_is_not_closed() {
    let closed = plan(State::Deprecated).moved(State::Closed, 2, "bob", 5);
    assert!(closed.expect_err("in use").to_string().contains("while 2 grants have it"));
    assert!(plan(State::Deprecated).moved(State::Closed, 0, "bob", 5).is_ok());
    for (from, to) in
        [(State::Staging, State::Closed), (State::Closed, State::Published), (State::Published, State::Staging)]
    {
        assert!(plan(from).moved(to, 0, "bob", 5).is_err(), "{from} to {to}");
    }
}

#[test]
fn a_plan_gives_its_part_of_an_address() {
    let part = |own: &[&str], of: &str| {
        let spec = Spec { filters: filters(own), ..spec() };
        let part = spec.part_of(&Filter::mesh(of).expect("sound"));
        part.iter().map(|filter| filter.text().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(part(&[], "orders/*/created"), ["orders/*/created"]);
    assert_eq!(part(&["orders/>"], "orders/*/created"), ["orders/*/created"]);
    assert_eq!(part(&["orders/fr/created", "stock/>"], "orders/*/created"), ["orders/fr/created"]);
    assert_eq!(part(&["stock/>"], "orders/*/created"), [""; 0]);
    assert_eq!(part(&["orders/fr/*"], "orders/*/created"), [""; 0], "what both have is not told by either");
}
