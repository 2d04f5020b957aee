//! What an event's page says of payloads that do not keep to it.

use serde_json::{Value, json};

use super::admin_sees;
use super::fixture::{Recorded, id, now_ms, retailer};

fn event(validation: &str, contract: &Value) -> Recorded {
    let at = now_ms();
    let object = json!({
        "id": id(70), "revision": 1, "kind": "event", "domain_name": "orders", "owner": "", "subject": null,
        "config": { "name": "order-created", "domain": id(95), "owner": "", "people": [], "tags": [], "attributes": {},
            "document": "", "shared": false, "validation": validation },
        "versions": [], "created_at": at, "created_by": "ada", "updated_at": at, "updated_by": "ada", "seen": [],
        "contract": contract,
    });
    retailer().with(&format!("/designs/{}", id(70)), object)
}

fn page(validation: &str, contract: &Value) -> String {
    admin_sees(event(validation, contract), &format!("/designs/{}", id(70)))
}

#[test]
fn an_events_page_tells_how_payloads_keep_to_it_and_who_does_not() {
    let at = now_ms();
    let breach = json!({ "principal": id(30), "principal_name": "tills", "client_id": "till-7", "protocol": "mqtt",
        "site_name": "berlin", "topic": "orders/fr/created", "label": "order-created 1.2.0", "path": "$.amount",
        "reason": "is not a number", "rejected": true, "diverted": false, "count": 1_234, "first": at, "last": at });
    let contract = json!({ "checked": 4_031, "invalid": 12, "rejected": 12, "diverted": 0, "checked_day": 4_031,
        "invalid_day": 12, "rejected_day": 12, "diverted_day": 0, "breaches": [breach] });
    let html = page("rejected", &contract);
    for text in [
        "agents refuse them",
        "12 of 4,031 payloads were invalid in the last hour (12 refused), last: $.amount is not a number, by client till-7 at berlin.",
        "by order-created 1.2.0",
        "1,234",
        "refused",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    assert!(html.contains(&format!("/clients/{}", id(30))), "the client is a link: {html}");
}

#[test]
fn what_was_diverted_is_told_as_dead_letters() {
    let at = now_ms();
    let breach = json!({ "principal": id(30), "principal_name": "tills", "client_id": "till-7", "protocol": "mqtt",
        "site_name": "berlin", "topic": "orders/fr/created", "label": "order-created 1.2.0", "path": "$.amount",
        "reason": "is not a number", "rejected": false, "diverted": true, "count": 3, "first": at, "last": at });
    let contract = json!({ "checked": 9, "invalid": 3, "rejected": 0, "diverted": 3, "checked_day": 9,
        "invalid_day": 3, "rejected_day": 0, "diverted_day": 3, "breaches": [breach] });
    let html = page("diverted", &contract);
    for text in ["agents put them into their dead letters", "in the last hour (3 dead letters), last:", ">dead letter<"]
    {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
}

#[test]
fn what_nobody_checks_has_no_such_part() {
    let html = page("unchecked", &Value::Null);
    assert!(html.contains("nobody looks at them"), "{html}");
    assert!(!html.contains("in the last hour"), "{html}");
    let quiet = json!({ "checked": 0, "invalid": 0, "checked_day": 0, "invalid_day": 0, "breaches": [] });
    let html = page("reported", &quiet);
    assert!(html.contains("agents count and deliver them"), "{html}");
    assert!(html.contains("No payload was checked in the last hour."), "{html}");
}
