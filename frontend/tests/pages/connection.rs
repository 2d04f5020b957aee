//! The test of a connection: where it is offered, and what it came to.

use frontend::api::ConnectionTest;
use frontend::components::ConnectionLadder;
use leptos::prelude::*;
use serde_json::{Value, json};

use super::fixture::products::{GRANT, grant};
use super::fixture::{id, me, retailer};
use super::{page, run};

fn drawn(test: ConnectionTest) -> String {
    run(async {
        let owner = Owner::new();
        owner.with(|| view! { <ConnectionLadder test=test/> }.to_html())
    })
}

fn step(layer: &str, of: &str, state: &str, what: &str, advice: &str) -> Value {
    let took = (state == "failed").then_some(5_000);
    json!({ "layer": layer, "of": of, "state": state, "took_ms": took, "what": what, "advice": advice })
}

fn test(works: bool, steps: &[Value]) -> ConnectionTest {
    serde_json::from_value(json!({
        "at": 0, "took_ms": 5_012, "works": works, "summary": "It ends at reaching it of hq mqtt.",
        "seen_from": "Made from the host of the portal.",
        "before": [step("grant", "", "ok", "The grant is given.", "")],
        "listeners": [{
            "listener": id(1), "name": "mqtt", "protocol": "mqtt", "site_name": "hq", "agent_name": "hq-1",
            "address": "10.0.0.1:1883", "steps": steps,
        }],
        "left_out": 2,
    }))
    .expect("a test")
}

#[test]
fn each_layer_says_in_words_what_became_of_it_and_what_to_do() {
    let steps = [
        step("name", "", "ok", "", ""),
        step("reach", "", "failed", "10.0.0.1:1883 does not answer.", "Let the portal's host through."),
        step("tls", "", "skipped", "", ""),
        step("receive", "orders/*/created", "not_reached", "", ""),
    ];
    let html = drawn(test(false, &steps));
    for text in [
        "It ends at reaching it of hq mqtt.",
        "Made from the host of the portal.",
        "mqtt at hq",
        "10.0.0.1:1883",
        "Name resolved",
        "Reachable over TCP",
        "What to do: ",
        "Let the portal's host through.",
        "5000 ms",
        "not tested",
        "not reached",
        "orders/*/created",
        "2 listeners more are not asked.",
        "data-tone=\"bad\"",
    ] {
        assert!(html.replace("&#x27;", "'").contains(text), "it lacks {text}: {html}");
    }
    assert!(!html.contains(" style="), "{html}");
    let fine = drawn(test(true, &[step("login", "", "ok", "It let the credential in.", "")]));
    assert!(!fine.contains("data-tone=\"bad\"") && !fine.contains("What to do"), "{fine}");
}

#[test]
fn every_credential_of_a_grant_can_be_tested() {
    let at = format!("/access/{}", id(GRANT));
    let live = || retailer().with(&format!("/grants/{}", id(GRANT)), grant("live", false));
    let (_, _, html) = page(live(), Some(me("developer")), &at);
    assert!(html.contains("aria-label=\"Test the connection of kiosk-pilot-4f2a1c\""), "{html}");
    let (_, _, html) = page(live(), Some(me("viewer")), &at);
    assert!(html.contains("This takes the role developer"), "who may not is told who may: {html}");
}
