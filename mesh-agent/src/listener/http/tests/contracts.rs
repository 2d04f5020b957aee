//! Payloads that are not what is promised at their topic.

use mesh_protocol::desired::OnInvalid;
use serde_json::{Value, json};

use super::*;
use crate::contract::testing::{ORDER, one};

#[tokio::test]
async fn a_wrong_payload_is_told_with_its_place_and_a_batch_with_its_line() {
    let mesh = Mesh::new();
    mesh.promise(&one("open/orders", ORDER, OnInvalid::Reject));
    let running = mesh.http().await;
    let answer = ask(&running, "POST /v1/events/open/orders", &login(1), r#"{"amount":"4711"}"#).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(answer.head.contains("application/problem+json") && !answer.body.contains("4711"), "{}", answer.body);
    let problem: Value = serde_json::from_str(&answer.body).expect("JSON");
    let facts = ["contract", "path", "reason", "line"].map(|name| problem[name].clone());
    let wanted = [json!("order-created 1.0.0"), json!("$.amount"), json!("is not a number"), Value::Null];
    assert_eq!(facts, wanted, "{problem}");
    assert_eq!(ask(&running, "POST /v1/events/open/orders", &login(1), r#"{"amount":1}"#).await.status, 202);

    let headers = format!("{}Content-Type: application/x-ndjson\r\n", login(1));
    let batch =
        "{\"topic\":\"open/orders\",\"payload\":{\"amount\":1}}\n\n{\"topic\":\"open/orders\",\"payload\":{}}\n";
    let answer = ask(&running, "POST /v1/events", &headers, batch).await;
    let problem: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!((answer.status, &problem["line"]), (422, &json!(3)), "{problem}");
    assert!(
        problem["detail"].as_str().expect("words").starts_with("line 3: the payload is not valid by "),
        "{problem}"
    );
    assert!(problem["detail"].as_str().expect("words").contains("lacks the property `amount`"), "{problem}");
    assert_eq!(mesh.count("invalid_publish_events"), 2);
    assert_eq!(ask(&running, "POST /v1/events/closed/a", &login(1), "x").await.status, 403, "rights come first");
}

#[tokio::test]
async fn what_is_diverted_is_accepted_and_told_apart_and_refused_without_room() {
    let mesh = Mesh::new();
    mesh.promise(&one("open/orders", ORDER, OnInvalid::Divert));
    let slow = Slow::attach(&mesh.router, "open/orders");
    let running = mesh.http().await;
    let post = async |headers: &str, body: &str| ask(&running, "POST /v1/events/open/orders", headers, body).await;
    for delivery in ["", "Meshport-Delivery: direct\r\n"] {
        let answer = post(&format!("{}{delivery}", login(1)), r#"{"amount":"4711"}"#).await;
        let told: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!((answer.status, &told), (202, &json!({ "events": 1, "outlets": 0, "diverted": 1 })));
    }
    assert_eq!(mesh.letters().await.len(), 2, "on disk before it is accepted");

    let headers = format!("{}Content-Type: application/x-ndjson\r\n", login(1));
    let batch = "{\"topic\":\"open/other\",\"payload\":{}}\n{\"topic\":\"open/orders\",\"payload\":{}}\n";
    let answer = ask(&running, "POST /v1/events", &headers, batch).await;
    let told: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!((answer.status, &told["events"], &told["diverted"]), (202, &json!(2), &json!(1)), "{told}");
    let letters = mesh.letters().await;
    assert_eq!(letters.len(), 3);
    assert!(letters[2].reason.as_deref().is_some_and(|why| why.contains("lacks the property `amount`")), "{letters:?}");
    assert_eq!(slow.held(), 0, "nobody gets it");
    assert_eq!((mesh.count("diverted_publish_events"), mesh.count("invalid_publish_events")), (3, 0));

    mesh.fill_letters(3).await;
    let answer = post(&login(1), "{}").await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.head.contains("retry-after: 1") && answer.body.contains("10000 dead letters"), "{}", answer.body);
}
