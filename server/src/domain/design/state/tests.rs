use proptest::prelude::*;

use super::super::fixture::{Catalog, event, told};
use super::*;

fn referred(field: &'static str, state: State) -> Referred {
    Referred { field, label: "schema order 1.0.0".to_owned(), state }
}

/// Facts with which every transition that is ever possible is possible.
fn easy<'a>() -> Context<'a> {
    Context { now_ms: 1_000, by: "grace", reason: "because", end_of_life_at_ms: Some(2_000), ..Context::default() }
}

/// The arrows of PORTAL.md, written down a second time.
const ARROWS: [(State, State); 6] = [
    (State::Draft, State::InReview),
    (State::InReview, State::Draft),
    (State::InReview, State::Released),
    (State::Released, State::Deprecated),
    (State::Deprecated, State::Released),
    (State::Deprecated, State::Retired),
];

#[test]
fn only_the_arrows_are_ways_and_all_others_say_what_to_do() {
    for from in State::ALL {
        for to in State::ALL {
            let error = told(transition(from, to, &easy()));
            if ARROWS.contains(&(from, to)) {
                assert_eq!(error, "", "{from} -> {to}");
            } else {
                assert!(error.starts_with(&format!("state cannot go from {from} to {to}: ")), "{error}");
            }
        }
    }
    let error = told(transition(State::Released, State::Retired, &easy()));
    assert_eq!(error, "state cannot go from released to retired: deprecate it first, so that its consumers are warned");
}

#[test]
fn a_release_stands_on_what_is_released() {
    let release = |states: &[State]| {
        let needs: Vec<_> = states.iter().map(|state| referred("references", *state)).collect();
        transition(State::InReview, State::Released, &Context { needs: &needs, ..easy() })
    };
    assert_eq!(release(&[State::Released]), Ok(vec![]));
    let warnings = release(&[State::Released, State::Deprecated]).expect("a warning is no error");
    assert_eq!(warnings, ["builds on what is deprecated: schema order 1.0.0"]);
    for state in [State::Draft, State::InReview, State::Retired] {
        let error = told(release(&[State::Released, state]));
        assert_eq!(error, format!("references names schema order 1.0.0 ({state}): release or replace them first"));
    }
    let many = told(release(&[State::Draft; 5]));
    assert!(many.contains("and 2 more: "), "{many}");
}

#[test]
fn what_became_unsound_meanwhile_goes_nowhere() {
    let problems = FieldErrors::one("text", "is not sound");
    let context = Context { problems: Some(&problems), ..easy() };
    assert_eq!(told(transition(State::Draft, State::InReview, &context)), "text is not sound");
    assert_eq!(told(transition(State::InReview, State::Released, &context)), "text is not sound");
    assert_eq!(told(transition(State::InReview, State::Draft, &context)), "", "the way back is always open");
}

#[test]
fn a_lint_that_finds_something_forbids_a_release() {
    let findings = ["has no example".to_owned()];
    let context = Context { findings: &findings, ..easy() };
    let error = told(transition(State::InReview, State::Released, &context));
    assert_eq!(error, "content does not pass the lint: has no example");
    assert_eq!(transition(State::Deprecated, State::Released, &context), Ok(vec![]), "it was released before");
}

#[test]
fn a_breaking_change_needs_a_major_number_or_consent() {
    let number = |text: &str| text.parse::<Number>().expect("a number");
    let release = |text: &str, class, has_consent| {
        let change = Some(Change { since: number("1.4.0"), number: number(text), class });
        transition(State::InReview, State::Released, &Context { change, has_consent, ..easy() })
    };
    let error = told(release("1.5.0", Class::Breaking, false));
    assert_eq!(
        error,
        "number 1.5.0 breaks consumers of 1.4.0: call it 2.0.0 or higher, or ask each owner it hurts to agree"
    );
    assert_eq!(release("2.0.0", Class::Breaking, false), Ok(vec![]));
    assert_eq!(release("1.5.0", Class::Compatible, false), Ok(vec![]));
    let warnings = release("1.5.0", Class::Breaking, true).expect("they agreed");
    assert_eq!(warnings, ["1.5.0 breaks consumers of 1.4.0, to which each owner agreed"]);
}

#[test]
fn a_deprecation_says_until_when_and_what_instead() {
    let deprecate = |context: Context<'_>| told(transition(State::Released, State::Deprecated, &context));
    assert!(deprecate(Context { end_of_life_at_ms: None, ..easy() }).starts_with("end_of_life_at is required"));
    assert!(deprecate(Context { end_of_life_at_ms: Some(1_000), ..easy() }).contains("is over"));
    assert!(deprecate(Context { reason: " ", ..easy() }).starts_with("reason is required"));
    let replaced = |state| Context { reason: "", replacement: Some(referred("replacement", state)), ..easy() };
    assert_eq!(deprecate(replaced(State::Released)), "");
    assert!(
        deprecate(replaced(State::Deprecated)).starts_with("replacement is schema order 1.0.0, which is deprecated")
    );
}

#[test]
fn nothing_is_retired_from_under_somebody() {
    let retire = |context: &Context<'_>| transition(State::Deprecated, State::Retired, context);
    for (state, is_live) in State::ALL.map(|state| (state, state.is_live())) {
        let users = [referred("schema", state)];
        assert_eq!(retire(&Context { users: &users, ..easy() }).is_err(), is_live, "{state}");
    }
    let used = Context { clients: 2, ..easy() };
    let error = told(retire(&used));
    assert_eq!(
        error,
        "state is still used by 2 clients that were seen lately: move them first, or force it with a reason"
    );
    let forced = Context { is_forced: true, ..used };
    assert_eq!(retire(&forced), Ok(vec!["is still used by 2 clients that were seen lately".to_owned()]));
    assert!(told(retire(&Context { reason: "", ..forced })).starts_with("reason is required"));
}

#[test]
fn only_drafts_that_nobody_uses_are_deleted() {
    assert_eq!(check_delete(State::Draft, &[]), Ok(()));
    assert!(told(check_delete(State::Draft, &[referred("schema", State::Draft)])).contains("schema order 1.0.0"));
    assert!(told(check_delete(State::InReview, &[])).contains("back to draft first"));
    assert!(told(check_delete(State::Released, &[])).contains("retire it instead"));
}

fn version(state: State) -> Version {
    let mut catalog = Catalog::default();
    let (_, id) = catalog.both("order", event("orders/created", None));
    catalog.at(id).state = state;
    catalog.versions.remove(0)
}

#[test]
fn number_and_content_are_frozen_from_review_on_and_the_rest_never() {
    let change = |state, change: fn(&mut VersionSpec)| {
        let version = version(state);
        let mut new = version.spec.clone();
        new.end_of_life_at_ms = Some(1);
        change(&mut new);
        let mut errors = FieldErrors::default();
        version.check_frozen(&mut errors, &new);
        told(errors.check())
    };
    for state in State::ALL {
        let frozen = state != State::Draft;
        assert_eq!(change(state, |new| new.description = "other words".to_owned()), "");
        assert_eq!(change(state, |new| new.content = event("orders/paid", None)).starts_with("content"), frozen);
        assert_eq!(change(state, |new| new.number = "1.0.1".parse().expect("a number")).starts_with("number"), frozen);
    }
    assert!(change(State::Deprecated, |new| new.end_of_life_at_ms = None).starts_with("end_of_life_at"));
    assert!(change(State::InReview, |new| new.content = event("a", None)).ends_with("send it back to draft first"));
}

#[test]
fn what_is_released_again_is_no_longer_on_its_way_out() {
    let mut released = version(State::Released);
    released.spec.end_of_life_at_ms = Some(5_000);
    released.spec.replacement = Some(released.id);
    let early = Context { now_ms: 6_000, ..easy() };
    assert!(told(released.moved(State::Deprecated, &early)).contains("is over"), "its own end of life counts");
    let (deprecated, _) = released.moved(State::Deprecated, &easy()).expect("a way");
    assert_eq!((deprecated.state, deprecated.spec.end_of_life_at_ms), (State::Deprecated, Some(5_000)));
    assert_eq!((&*deprecated.state_reason, &*deprecated.updated_by), ("because", "grace"));
    let (again, _) = deprecated.moved(State::Released, &easy()).expect("a way back");
    assert_eq!((again.state, again.spec.end_of_life_at_ms, again.spec.replacement), (State::Released, None, None));
}

/// The guards of PORTAL.md, written down a second time.
fn is_legal(from: State, to: State, facts: &Context<'_>) -> bool {
    let needs = |allowed: &[State]| facts.needs.iter().all(|need| allowed.contains(&need.state));
    let on_solid_ground = needs(&[State::Released, State::Deprecated]);
    let used = facts.clients > 0
        || facts.users.iter().any(|user| user.state == State::Released || user.state == State::Deprecated);
    let breaks = facts.change.is_some_and(|change| {
        change.class == Class::Breaking && change.number.major() == change.since.major() && !facts.has_consent
    });
    let has_reason = !facts.reason.is_empty();
    match (from, to) {
        (State::Draft, State::InReview) => facts.needs.iter().all(|need| need.state != State::Retired),
        (State::InReview, State::Draft) => has_reason,
        (State::InReview, State::Released) => on_solid_ground && facts.findings.is_empty() && !breaks,
        (State::Released, State::Deprecated) => {
            facts.end_of_life_at_ms.is_some_and(|at| at > facts.now_ms)
                && facts.replacement.as_ref().map_or(has_reason, |other| other.state == State::Released)
        }
        (State::Deprecated, State::Released) => on_solid_ground,
        (State::Deprecated, State::Retired) => !used || (facts.is_forced && has_reason),
        _ => false,
    }
}

fn states() -> impl Strategy<Value = State> {
    prop::sample::select(State::ALL.to_vec())
}

/// Owned facts, mostly easy ones, so that lives get long.
#[derive(Debug)]
struct Facts {
    needs: Vec<Referred>,
    users: Vec<Referred>,
    findings: Vec<String>,
    context: Context<'static>,
}

fn facts() -> impl Strategy<Value = Facts> {
    let some = |field| prop::collection::vec(states().prop_map(move |state| referred(field, state)), 0..2);
    let change = (1_u32..3, prop::sample::select(vec![Class::Cosmetic, Class::Breaking])).prop_map(|(major, class)| {
        let number = |major| Number::new(major, 0, 0).expect("in bounds");
        Change { since: number(1), number: number(major), class }
    });
    let release = (prop::option::of(change), any::<bool>(), prop::collection::vec(Just("no example".to_owned()), 0..2));
    let end = (prop::option::of(500_i64..2_000), prop::option::of(states()), 0_u64..2, any::<bool>());
    (some("schema"), some("schema"), release, end, prop::sample::select(vec!["", "because"])).prop_map(
        |(
            needs,
            users,
            (change, has_consent, findings),
            (end_of_life_at_ms, replacement, clients, is_forced),
            reason,
        )| {
            let replacement = replacement.map(|state| referred("replacement", state));
            let rest = Context { now_ms: 1_000, reason, change, has_consent, replacement, ..Context::default() };
            Facts { needs, users, findings, context: Context { end_of_life_at_ms, clients, is_forced, ..rest } }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_life_takes_every_legal_way_and_no_other(steps in prop::collection::vec((states(), facts()), 1..12)) {
        let mut version = version(State::Draft);
        let content = version.spec.content.clone();
        for (to, Facts { needs, users, findings, context }) in &steps {
            let context = Context { needs, users, findings, ..context.clone() };
            version.spec.end_of_life_at_ms = context.end_of_life_at_ms;
            let from = version.state;
            match version.moved(*to, &context) {
                Ok((moved, _)) => {
                    prop_assert!(ARROWS.contains(&(from, *to)) && is_legal(from, *to, &context), "{} -> {}", from, to);
                    version = moved;
                }
                Err(errors) => {
                    prop_assert!(!is_legal(from, *to, &context), "{} -> {}: {}", from, to, errors);
                    prop_assert!(!errors.0.is_empty());
                }
            }
            prop_assert_eq!(&version.spec.content, &content);
        }
    }

    #[test]
    fn from_any_state_ways_are_decided_by_the_guards(from in states(), to in states(), facts in facts()) {
        let Facts { needs, users, findings, context } = &facts;
        let context = Context { needs, users, findings, ..context.clone() };
        prop_assert_eq!(transition(from, to, &context).is_ok(), is_legal(from, to, &context));
    }
}
