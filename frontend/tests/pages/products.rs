//! Products, requests for them, and what was given.

use serde_json::json;

use super::fixture::products::{GRANT, PRODUCT, REQUEST, grant, product, request};
use super::fixture::{id, me, retailer};
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
    let (_, _, theirs) = page(retailer(), Some(me("developer")), "/inbox");
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
