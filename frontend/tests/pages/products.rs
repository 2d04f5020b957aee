//! Products, requests for them, and what was given.

use serde_json::json;

use super::fixture::products::{
    APPLICATION, GRANT, PRODUCT, REQUEST, connect, credential, grant, kafka_credential, offer, plan_review, product,
    request,
};
use super::fixture::{id, me, now_ms, retailer};
use super::{admin_sees, page};

#[test]
fn products_are_listed_with_what_clients_get_and_what_it_costs() {
    let html = admin_sees(retailer(), "/products");
    for text in [
        "retail-orders",
        "receive 2 events, send 1 event",
        "standard: EUR 2.50 a month, on approval",
        "Degraded",
        &format!("href=\"/products/{}\"", id(PRODUCT)),
        "1 product",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    let none = || retailer().with("/products", json!([]));
    assert!(admin_sees(none(), "/products").contains("Nothing is offered yet"));
    assert!(admin_sees(none(), "/products?q=x").contains("No product is like that"));
}

#[test]
fn a_product_says_what_it_is_its_terms_and_where_it_can_be_had() {
    let at = format!("/products/{}", id(PRODUCT));
    let html = admin_sees(retailer(), &at);
    for text in [
        "Every order of every store.",
        "of orders-api 1.0.0",
        "order-created 1.2.0",
        "receive it",
        "send it",
        "when 2 people say yes",
        "for 90 days",
        "200 events/s",
        "only orders/fr/&gt;",
        "lyon-1 is offline",
        "Version 1.0.0 in production",
        "Request access",
        "asyncapi",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    let (_, _, viewers) = page(retailer(), Some(me("viewer")), &at);
    assert!(viewers.contains("This takes the role developer"), "{viewers}");
    assert!(!viewers.contains("New plan"), "who may not write sees no buttons to write");
    let mut none = product("live");
    none["plans"] = json!([]);
    let html = admin_sees(retailer().with(&at, none), &at);
    assert!(html.contains("No plan yet"), "{html}");
    let (_, _, html) = page(retailer(), Some(me("admin")), &format!("/products/{}", id(77)));
    assert!(html.contains("It is not here"), "{html}");
}

#[test]
fn a_plan_that_waits_says_what_it_would_give_and_who_may_not_let_it_through() {
    let html = admin_sees(retailer(), "/inbox/plans");
    for text in [
        "A change of standard of retail-orders",
        "200 events/s",
        "500 events/s",
        "gives more",
        "90 days",
        "30 days",
        "It is released by somebody who did not write it",
        "Take back",
        "1 plan",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    assert_eq!(html.matches("gives more").count(), 1, "less days give less: {html}");
    assert!(!html.contains("EUR 2.50"), "what stays is not repeated: {html}");
    let mut other = plan_review();
    other["plan"]["authors"] = json!(["dev"]);
    other["plan"]["not_reviewed_because"] = json!("");
    other["plan"]["change"] = json!(null);
    let html = admin_sees(retailer().with("/plan-reviews", json!([other])), "/inbox/plans");
    for text in ["standard of retail-orders, a new plan", "EUR 2.50 a month", "Send back"] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    assert!(!html.contains("did not write it") && !html.contains("Take back"), "{html}");
    assert!(admin_sees(retailer().with("/plan-reviews", json!([])), "/inbox/plans").contains("No plan waits"));
    let (_, _, viewers) = page(retailer(), Some(me("viewer")), "/inbox");
    assert!(!viewers.contains("Plans to review") && admin_sees(retailer(), "/inbox").contains("Plans to review"));

    let at = format!("/products/{}", id(PRODUCT));
    let mut view = product("live");
    view["plans"] = json!([plan_review()["plan"]]);
    assert!(admin_sees(retailer().with(&at, view.clone()), &at).contains("a change waits for a reviewer"));
    view["plans"][0]["change"] = json!(null);
    view["plans"][0]["state"] = json!("staging");
    view["plans"][0]["steps"] = json!(["published"]);
    let html = admin_sees(retailer().with(&at, view.clone()), &at);
    assert!(html.contains(">waits for a reviewer<") && !html.contains("Send the plan standard to review"), "{html}");
    assert!(html.contains("It is released by somebody who did not write it"), "{html}");
    view["plans"][0]["asked_at"] = json!(null);
    assert!(admin_sees(retailer().with(&at, view), &at).contains("Send the plan standard to review"));
}

#[test]
fn the_inbox_says_who_wants_what_and_a_request_all_there_is_to_know() {
    let html = admin_sees(retailer(), "/inbox");
    for text in ["kiosk-pilot to receive retail-orders", "plan standard", "1 more to say yes", "PII", "To decide"] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    assert!(
        html.contains("type=\"checkbox\"") && html.contains("Select kiosk-pilot to receive retail-orders"),
        "{html}"
    );
    for text in ["Select requests, or take all", "Select this page", "aria-label=\"What to do with them\""] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    let (_, _, theirs) = page(retailer(), Some(me("viewer")), "/inbox");
    assert!(
        !theirs.contains("Select kiosk-pilot") && !theirs.contains("Select requests"),
        "who decides nothing: {theirs}"
    );
    let over = retailer().with("/access-requests", json!([request("approved", "is approved already", false)]));
    assert!(!admin_sees(over, "/inbox?view=all").contains("Select requests"), "what is decided is not selected");
    let none = || retailer().with("/access-requests", json!([]));
    assert!(admin_sees(none(), "/inbox").contains("Nothing waits for you"));
    let at = format!("/inbox/{}", id(REQUEST));
    let html = admin_sees(retailer(), &at);
    for text in [
        "kiosk-pilot wants to receive retail-orders",
        "Shows what is sold most",
        "customer.mail",
        "for how many screens?",
        "hq, store-lyon",
        "200 events/s",
        "billing",
        "1 person has",
        "Approve",
        "Delegate",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    let own =
        retailer().with(&at.replace("/inbox", "/access-requests"), request("needs_info", "is your own request", true));
    let html = admin_sees(own, &at);
    assert!(html.contains("Your answer") && html.contains("claire asks: for how many screens?"), "{html}");
    assert!(!html.contains("Approve"), "nobody decides about their own: {html}");
    let twice = request("pending", "has your approval already: somebody else has to give theirs", false);
    let html = admin_sees(retailer().with(&at.replace("/inbox", "/access-requests"), twice), &at);
    assert!(html.contains("It has your approval already"), "the button says why: {html}");
    let over =
        retailer().with(&at.replace("/inbox", "/access-requests"), request("approved", "is approved already", false));
    assert!(!admin_sees(over, &at).contains("Reject"), "what was decided is not decided again");
}

#[test]
fn what_ends_names_the_agents_it_waits_for() {
    let html = admin_sees(retailer(), "/access");
    for text in ["kiosk-pilot", "Revoking", "waits: lyon-1 is offline", "plan standard", "1 grant"] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    assert!(admin_sees(retailer().with("/grants", json!([])), "/access").contains("Nobody has access"));
    let at = format!("/access/{}", id(GRANT));
    let html = admin_sees(retailer(), &at);
    for text in [
        "kiosk-pilot to retail-orders",
        "left the company",
        "Waits for",
        "is offline",
        "kiosk-pilot-4f2a1c",
        "the earlier one until",
        "4,031",
        "1.29 EUR",
        "Without access there is nothing to log in for.",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    assert!(!html.contains("End it"), "what is over is not ended again: {html}");
    let live = retailer().with(&format!("/grants/{}", id(GRANT)), grant("live", false));
    let html = admin_sees(live, &at);
    assert!(html.contains("Suspend") && html.contains("Revoke") && !html.contains("Waits for"), "{html}");
}

#[test]
fn access_comes_with_programs_that_connect() {
    let at = format!("/access/{}", id(GRANT));
    let live = || retailer().with(&format!("/grants/{}", id(GRANT)), grant("live", false));
    let html = admin_sees(live(), &at);
    for by in ["mqtt", "http"] {
        for language in ["shell", "python", "rust"] {
            for way in ["receive", "send"] {
                let name = format!("data-snippet=\"{by}-{language}-{way}\"");
                assert_eq!(html.matches(&name).count(), 1, "{name} is there once: {html}");
            }
        }
    }
    for text in [
        "orders/fr/+/#",
        "kiosk-pilot-4f2a1c",
        "MESHPORT_SECRET",
        "10.0.0.7",
        "Copy Send over HTTP in Rust",
        "store-lyon",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    assert!(!html.contains("data-snippet=\"kafka"), "it was not given in Kafka: {html}");

    // At a site without MQTT there is HTTP alone.
    let html = admin_sees(live(), &format!("{at}?at=store-lyon"));
    assert!(html.contains("http-rust-send") && !html.contains("mqtt-") && html.contains("8081"), "{html}");

    let mut nowhere = connect();
    nowhere["doors"] = json!([]);
    let html = admin_sees(live().with(&format!("/grants/{}/connect", id(GRANT)), nowhere), &at);
    assert!(html.contains("Nothing to connect to yet"), "{html}");
    let html = admin_sees(retailer(), &at);
    assert!(!html.contains("data-snippet"), "what is being revoked is not connected to: {html}");
}

#[test]
fn a_grant_is_used_over_kafka_where_a_cluster_has_it() {
    let at = format!("/access/{}", id(GRANT));
    let with = |offers: serde_json::Value, users: serde_json::Value| {
        let mut live = grant("live", false);
        live["terms"]["protocols"] = json!(["mqtt", "kafka"]);
        let recorded = retailer().with(&format!("/grants/{}", id(GRANT)), live);
        let recorded = recorded.with(&format!("/grants/{}/kafka-clusters", id(GRANT)), offers);
        admin_sees(recorded.with(&format!("/grants/{}/kafka-credentials", id(GRANT)), users), &at)
    };
    let none = with(json!([]), json!([]));
    assert!(!none.contains("No Kafka credential yet"), "no cluster has it, so nothing is said of Kafka: {none}");
    let offered = with(json!([offer("")]), json!([]));
    for text in ["No Kafka credential yet", "payments at kafka-hq: It cannot be read"] {
        assert!(offered.contains(text), "it lacks {text}: {offered}");
    }
    let refused = with(json!([offer("No agent is enrolled at hq.")]), json!([]));
    assert!(refused.contains("No agent is enrolled at hq."), "the button says why: {refused}");
    let command = "User:meshport at kafka-hq lacks ALTER on Cluster; grant it: kafka-acls --add";
    for (state, detail, word) in [
        ("making", "hq-1 is offline", "Being made"),
        ("works", "", "Works"),
        ("failed", command, "Failed"),
        ("removing", "hq-1 has not said yet that it is done", "Being removed"),
    ] {
        let html = with(json!([offer("")]), json!([kafka_credential(state, detail)]));
        for text in ["mp-0123456789ab-c0ffee0001", "groups mp-00000000014a.", "reads orders", word, detail] {
            assert!(html.contains(text), "{state} lacks {text}: {html}");
        }
    }
}

#[test]
fn who_logs_in_by_a_certificate_is_shown_with_it_and_no_secret_is_asked_for() {
    let at = format!("/access/{}", id(GRANT));
    let live = || retailer().with(&format!("/grants/{}", id(GRANT)), grant("live", false));
    let html = admin_sees(live(), &at);
    assert!(html.contains("No certificate") && html.contains("Rotate kiosk-pilot-4f2a1c"), "{html}");
    let mut one = credential();
    one["secrets"] = json!(0);
    one["rotated_at"] = json!(null);
    one["overlap_until"] = json!(null);
    one["certificates"] =
        json!([{ "fingerprint": "c0ffee00".repeat(8), "until": now_ms() + 86_400_000, "created_at": now_ms() }]);
    let mut doors = connect();
    for door in doors["doors"].as_array_mut().expect("a list") {
        door["tls"] = json!(true);
        door["authority_url"] = json!("https://portal.shop.example/listeners.pem");
    }
    let recorded = live()
        .with(&format!("/applications/{}/credentials", id(APPLICATION)), json!([one]))
        .with(&format!("/grants/{}/connect", id(GRANT)), doors);
    let html = admin_sees(recorded, &at);
    for text in [
        "by certificate",
        "c0ffee00c0ffee00",
        "Renew the certificate of kiosk-pilot-4f2a1c",
        "https://portal.shop.example/listeners.pem",
        "SSL_CERT_FILE",
        "--tls-use-os-certs",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    assert!(!html.contains("Rotate kiosk-pilot-4f2a1c") && !html.contains("No certificate"), "{html}");
    assert!(html.contains("MESHPORT_USER='USER'"), "programs log in by a secret, which nobody has yet: {html}");
}
