use uuid::Uuid;

use super::*;

fn spec() -> Spec {
    Spec {
        name: "pager".into(),
        url: "https://hooks.example/in".into(),
        kinds: BTreeSet::new(),
        private_addresses: false,
        enabled: true,
    }
}

fn delivery() -> Delivery {
    let (id, endpoint) = (WebhookDeliveryId(Uuid::from_u128(7)), WebhookEndpointId(Uuid::nil()));
    Delivery::new(id, endpoint, "design.released", "{}".into(), 1_000)
}

fn answer(at_ms: i64, status: Option<u16>) -> Answer {
    let trouble = if status == Some(204) { String::new() } else { "it failed".to_owned() };
    let attempt = Attempt { at_ms, took_ms: 10, status, trouble, response: "x".repeat(5_000) };
    Answer { attempt, retry_after_ms: None }
}

#[test]
fn each_mistake_is_named_at_its_field() {
    assert_eq!(spec().check(), Ok(()));
    let wrong = Spec {
        name: "No Name".into(),
        url: "ftp://x".into(),
        kinds: BTreeSet::from(["design.eaten".to_owned()]),
        ..spec()
    };
    let errors = wrong.check().expect_err("refused");
    assert_eq!(errors.0.keys().collect::<Vec<_>>(), ["kinds", "name", "url"]);
    let plain = Spec { url: "http://hooks.example".into(), ..spec() };
    assert!(plain.check().expect_err("refused").0["url"].contains("https"));
    assert_eq!(Spec { private_addresses: true, ..plain }.check(), Ok(()), "inside one's own network it may be plain");
}

#[test]
fn an_endpoint_is_told_what_it_wants_and_only_while_it_is_on() {
    assert!(spec().wants("design.released") && spec().wants("one.of.tomorrow"));
    let some = Spec { kinds: BTreeSet::from(["agent.back".to_owned()]), ..spec() };
    assert!(some.wants("agent.back") && !some.wants("design.released"));
    assert!(!Spec { enabled: false, ..spec() }.wants("design.released"));
}

/// The example of the specification's own libraries.
#[test]
fn signatures_are_those_of_the_specification() {
    let secret = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
    assert_eq!(secret_text(&secret), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let secrets = Secrets { current: secret.clone(), old: None };
    let signed = secrets.signatures("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    let both = Secrets { current: vec![1; 32], old: Some(secret) };
    let both = both.signatures("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
    assert_eq!(both.split(' ').count(), 2, "while both are valid, either finds its own");
    assert!(both.ends_with(&signed));
    assert_eq!(format!("{:?}", Secrets { current: vec![1], old: None }), "Secrets(..)");
}

#[test]
fn pauses_grow_to_six_hours_and_are_never_all_the_same() {
    assert_eq!([1, 2, 3].map(|tries| pause_ms(tries, 1.0)), [5_000, 10_000, 20_000]);
    assert_eq!([1, 2].map(|tries| pause_ms(tries, 0.0)), [2_500, 5_000]);
    for tries in [14, 40, u32::MAX] {
        assert_eq!(pause_ms(tries, 1.0), PAUSE_MS_MAX, "{tries}");
    }
    assert_eq!(pause_ms(3, 7.0), 20_000, "chance is 0 to 1");
}

#[test]
fn a_message_is_tried_for_three_days_and_then_given_up() {
    let mut waiting = delivery();
    let mut tries = 0;
    while waiting.state == State::Waiting {
        waiting.note(&answer(waiting.next_at_ms, Some(500)), 0.5);
        tries += 1;
        assert!(tries < 100, "it ends");
    }
    assert_eq!(waiting.state, State::GivenUp);
    assert!(waiting.tries > 15, "{}", waiting.tries);
    assert!(waiting.next_at_ms - waiting.made_at_ms > TRIED_MS);
    assert_eq!(waiting.attempts.len(), ATTEMPTS_KEPT);
    assert_eq!(waiting.attempts[0].response.chars().count(), RESPONSE_CHARS_MAX);

    let mut taken = delivery();
    taken.note(&answer(1_000, None), 0.0);
    assert_eq!((taken.state, taken.next_at_ms), (State::Waiting, 1_010 + 2_500));
    taken.note(&answer(5_000, Some(204)), 0.0);
    assert_eq!((taken.state, taken.tries), (State::Delivered, 2));

    let mut asked = delivery();
    asked.note(&Answer { retry_after_ms: Some(60_000), ..answer(1_000, Some(429)) }, 1.0);
    assert_eq!(asked.next_at_ms, 61_010, "an endpoint may ask for a pause");
    asked.note(&Answer { retry_after_ms: Some(i64::MAX), ..answer(1_000, Some(503)) }, 1.0);
    assert_eq!(asked.next_at_ms, 1_010 + RETRY_AFTER_MS_MAX, "within bounds");
}

#[test]
fn an_endpoint_that_fails_for_five_days_is_switched_off_and_one_answer_between_saves_it() {
    let endpoint = || Endpoint {
        id: WebhookEndpointId(Uuid::nil()),
        spec: spec(),
        gave_up: String::new(),
        failing_since_ms: None,
        overlap_until_ms: None,
        revision: 1,
        updated_at_ms: 1,
        updated_by: "ada".into(),
    };
    let mut dead = endpoint();
    assert_eq!(dead.note(&answer(1_000, Some(500))), None);
    assert_eq!(dead.note(&answer(1_000 + FAILING_MS - 1, None)), None);
    assert_eq!(dead.failing_since_ms, Some(1_000));
    let why = dead.note(&answer(1_000 + FAILING_MS, None)).expect("switched off");
    assert!(why.contains("five days") && why.contains("it failed"), "{why}");
    assert_eq!((dead.spec.enabled, &dead.gave_up), (false, &why));

    let mut alive = endpoint();
    alive.note(&answer(1_000, Some(500)));
    assert_eq!(alive.note(&answer(2_000, Some(204))), None);
    assert_eq!(alive.failing_since_ms, None);
    assert_eq!(alive.note(&answer(1_000 + FAILING_MS, Some(404))), None);
    assert!(alive.note(&answer(1_000 + FAILING_MS, Some(410))).is_some(), "it says itself that it is gone");
    let mut message = delivery();
    message.note(&answer(1_000, Some(410)), 0.0);
    assert_eq!(message.state, State::GivenUp);
}
