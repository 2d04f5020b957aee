//! Tags of fields on the pages of versions.

use serde_json::{Value, json};

use super::admin_sees;
use super::fixture::{Recorded, id, now_ms, retailer};

fn field(path: &str, tags: &[&str]) -> Value {
    json!({ "path": path, "kind": "string", "required": true, "default": null, "doc": null, "deprecated": false, "tags": tags })
}

/// An event, with a tagged field in its payload and one in its key.
fn with_event() -> Recorded {
    let at = now_ms();
    let object = json!({
        "id": id(70), "revision": 1, "kind": "event", "domain_name": "orders", "owner": "", "subject": null,
        "config": { "name": "order-created", "domain": id(95), "owner": "", "people": [], "tags": [], "attributes": {},
            "document": "", "shared": false },
        "versions": [], "created_at": at, "created_by": "ada", "updated_at": at, "updated_by": "ada", "seen": [],
    });
    let version = json!({
        "id": id(71), "revision": 1, "object": id(70), "object_name": "order-created", "kind": "event",
        "config": { "number": "1.0.0", "description": "", "end_of_life_at": null, "replacement": null, "content":
            { "kind": "event", "address": "orders/{id}", "schema": null, "key_schema": null, "headers_schema": null } },
        "state": "released", "state_reason": "", "needs": [], "users": [], "example": null, "steps": [],
        "fields": [field("customer.email", &["PII", "GDPR"]), field("sku", &[])], "more_fields": 3,
        "tagged": [
            { "part": "schema", "path": "customer.email", "tags": ["PII", "GDPR"] },
            { "part": "key_schema", "path": "$", "tags": ["INTERNAL"] },
        ],
        "created_at": at, "created_by": "ada", "updated_at": at, "updated_by": "ada",
    });
    let (object_path, version_path) = (format!("/designs/{}", id(70)), format!("/design-versions/{}", id(71)));
    retailer().with(&object_path, object).with(&version_path, version)
}

#[test]
fn a_version_shows_its_fields_with_their_tags_and_what_has_tags_beside_them() {
    let html = admin_sees(with_event(), &format!("/designs/{}/versions/{}", id(70), id(71)));
    for text in
        ["Fields of its payload", "customer.email", "sku", "and 3 more", "key: all of it", "/search?q=tag%3AINTERNAL"]
    {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    assert_eq!(html.matches("All that has this tag").count(), 3, "each tag once: {html}");
    assert!(html.contains("m-chip--pii"), "what is personal is told apart: {html}");
}
