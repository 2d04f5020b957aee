//! What is said of a product's versions: the documents of its plans, and who hears of the next one.

use axum::http::StatusCode;
use mesh_protocol::report::{Part, PartRef, PartState};
use serde_json::{Value, json};

use super::{Market, text};

/// The plan that gives Paris only, over HTTP, and what its document says.
#[tokio::test]
async fn a_plans_document_says_what_it_gives_and_on_which_terms() {
    let market = Market::start().await;
    let listeners = market.ok(&market.admin, "GET", "listeners", None).await["items"].clone();
    let listeners = listeners.as_array().expect("a list").iter().enumerate().map(|(at, listener)| Part {
        object: PartRef::Listener(serde_json::from_value(listener["id"].clone()).expect("an id")),
        state: PartState::Running,
        detail: None,
        since_ms: 0,
        addresses: vec![format!("127.0.0.1:{}", 40_000 + at)],
        own_certificate: false,
        figures: [].into(),
    });
    let listeners: Vec<Part> = listeners.collect();
    assert_eq!(listeners.len(), 2, "MQTT and HTTP");
    market.joins().await;
    market.applies_with(true, listeners).await;
    let price = json!({"millionths": 2_500_000, "currency": "EUR", "per": "month"});
    let plan = json!({"name": "paris", "protocols": ["http"], "approval": {"kind": "auto"}, "events": 10, "days": 90,
        "filters": ["orders/fr/created", "orders/fr/paid"], "price": price});
    let path = format!("products/{}/plans", market.product);
    let told = market.refused(&market.dev, "POST", &path, plan.clone()).await;
    assert!(told.starts_with("filters"), "nothing of it is about paid orders: {told}");
    let plan = json!({"filters": ["orders/fr/created"], "name": "paris", "protocols": plan["protocols"], "days": 90,
        "approval": plan["approval"], "events": 10, "price": plan["price"]});
    let plan = text(&market.dev("POST", &path, plan).await["id"]);
    let asked = format!("design-versions/{}/asyncapi?syntax=json&plan={plan}", market.version);
    let (status, _) = market.ask(&market.dev, "GET", &asked, None).await;
    assert_eq!(status, StatusCode::OK, "who writes plans sees what they will say");
    let (_, viewer) = market.portal.person(&market.admin, "vera", "viewer").await;
    let (status, answer) = market.ask(&viewer, "GET", &asked, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "nobody else does before it is offered: {answer}");
    let step = json!({"revision": 1, "value": {"to": "published"}});
    market.ok(&market.reviewer, "POST", &format!("plans/{plan}/move"), Some(step)).await;

    let answer = market.ok(&viewer, "GET", &asked, None).await;
    assert_eq!(answer["file_name"], "retail-orders-1.0.0-paris.asyncapi.json");
    let document: Value = serde_json::from_str(answer["text"].as_str().expect("a text")).expect("JSON");
    let terms = json!({"name": "paris", "terms": 1, "protocols": ["http"], "quota": {"eventsPerSecond": 10},
        "filters": ["orders/fr/created"], "approval": "auto", "days": 90, "price": price});
    assert_eq!(document["x-mesh-plan"], terms);
    let told = text(&document["info"]["description"]);
    assert!(told.contains("plan paris: clients connect by HTTP. At most 10 events a second"), "{told}");
    let servers = document["servers"].as_object().expect("servers");
    let protocols: Vec<&Value> = servers.values().map(|server| &server["protocol"]).collect();
    assert_eq!(protocols, ["http"], "and not by MQTT");
    let stream = document["operations"].to_string();
    assert!(stream.contains(r#""enum":["orders/fr/created"]"#), "only what it gives: {stream}");
    let whole = market.ok(&viewer, "GET", &asked[..asked.len() - plan.len() - 6], None).await;
    let whole: Value = serde_json::from_str(whole["text"].as_str().expect("a text")).expect("JSON");
    assert_eq!(whole["servers"].as_object().map(serde_json::Map::len), Some(2), "{whole}");
    assert!(whole["operations"].to_string().contains(r#""const":"orders/*/created""#), "{whole}");
    let event = asked.replace(
        &market.version,
        &text(&market.ok(&viewer, "GET", "designs?kind=event", None).await["items"][0]["versions"][0]["id"]),
    );
    let told = market.ask(&viewer, "GET", &event, None).await;
    assert!(told.1.to_string().contains("no plan of this product"), "{told:?}");
}

#[tokio::test]
async fn who_has_access_hears_of_another_version_before_it_is_released() {
    let market = Market::start().await;
    let plan = market.plan("free", json!({"kind": "auto"})).await;
    market.publish().await;
    let shop = market.application("shop").await;
    let told = async || {
        let feed = market.ok(&market.dev, "GET", "notifications", None).await["items"].clone();
        let feed = feed.as_array().cloned().unwrap_or_default();
        feed.into_iter().filter(|one| one["kind"] == "access.announced").collect::<Vec<_>>()
    };
    let path = format!("designs/{}/versions", market.product);
    let next = async |number: &str| {
        let served = market.ok(&market.dev, "GET", &format!("design-versions/{}", market.version), None).await;
        let content = json!({"number": number, "content": served["config"]["content"]});
        let made = market.ok(&market.admin, "POST", &path, Some(content)).await;
        market.steps(&market.admin, &text(&made["id"]), &["in_review"]).await;
        text(&made["id"])
    };
    let early = next("1.1.0").await;
    assert!(told().await.is_empty(), "nobody has access yet");
    let known = market.ok(&market.admin, "GET", &format!("design-versions/{early}"), None).await;
    let back = json!({"revision": known["revision"], "value": {"to": "draft", "reason": "not yet"}});
    market.ok(&market.admin, "POST", &format!("design-versions/{early}/move"), Some(back)).await;
    market.dev("POST", "access-requests", market.wish(&shop, &plan)).await;
    market.steps(&market.admin, &early, &["in_review"]).await;
    let told = told().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(text(&told[0]["title"]).contains("retail-orders 1.1.0 is on its way"), "{told:?}");
    assert!(text(&told[0]["text"]).contains("has access to retail-orders 1.0.0"), "{told:?}");
    assert_eq!(told[0]["link"], format!("/asyncapi/diff?from={}&to={early}", market.version));
}
