//! What a decision about many would come to.

use axum::http::StatusCode;
use serde_json::json;

use super::{Market, text};

#[tokio::test]
async fn each_line_of_a_preview_is_what_becomes_of_it() {
    let market = Market::start().await;
    let (one, two) = (
        market.plan("one", json!({"kind": "manual", "people": 1})).await,
        market.plan("two", json!({"kind": "manual", "people": 2})).await,
    );
    market.publish().await;
    let (shop, wall) = (market.application("shop").await, market.application("wall").await);
    let given = market.dev("POST", "access-requests", market.wish(&shop, &one)).await;
    let counted = market.dev("POST", "access-requests", market.wish(&wall, &two)).await;
    let own = market.application("own").await;
    let own = market.ok(&market.reviewer, "POST", "access-requests", Some(market.wish(&own, &one))).await;
    let ids = json!([given["id"], counted["id"], own["id"], uuid::Uuid::nil()]);
    let preview = "access-requests/decide/preview";
    let ask = json!({"requests": ids, "act": "approve"});
    let told = market.ok(&market.reviewer, "POST", preview, Some(ask)).await;
    let line = |n: usize| {
        let line = &told["lines"][n];
        (text(&line["outcome"]), text(&line["what"]))
    };
    assert_eq!(told["lines"][0]["name"], "shop to retail-orders 1.0.0");
    assert_eq!(line(0), ("given".to_owned(), "Access is given: receive orders/*/created.".to_owned()));
    assert_eq!(line(1), ("counted".to_owned(), "Your approval counts; 1 more to say yes.".to_owned()));
    assert!(line(2).0 == "refused" && line(2).1.contains("your own request"), "{told}");
    assert!(line(3).0 == "refused" && line(3).1.contains("no such request"), "{told}");
    let open = market.ok(&market.reviewer, "GET", "access-requests?open=true", None).await;
    assert_eq!(open["total"], 3, "nothing is decided");

    // It is what happens, with the revisions that stood there.
    let seen: Vec<_> =
        (0..2).map(|n| json!({"id": told["lines"][n]["id"], "revision": told["lines"][n]["revision"]})).collect();
    let decision = json!({"requests": seen, "act": "approve"});
    let decided = market.ok(&market.reviewer, "POST", "access-requests/decide", Some(decision)).await;
    assert_eq!((&decided["done"][0]["state"], &decided["done"][1]["missing"]), (&json!("approved"), &json!(1)));
    let again = json!({"requests": [given["id"], counted["id"]], "act": "approve"});
    let again = market.ok(&market.reviewer, "POST", preview, Some(again)).await;
    assert!(text(&again["lines"][0]["what"]).contains("approved already"), "{again}");
    assert!(text(&again["lines"][1]["what"]).contains("your approval already"), "{again}");

    // To reject takes a reason, and other acts are about one.
    let reject = |reason: &str| json!({"requests": [counted["id"]], "act": "reject", "reason": reason});
    assert!(market.refused(&market.reviewer, "POST", preview, reject(" ")).await.contains("reason is required"));
    let told = market.ok(&market.reviewer, "POST", preview, Some(reject("too loud"))).await;
    assert_eq!(told["lines"][0]["outcome"], "rejected");
    let other = json!({"requests": [counted["id"]], "act": "delegate"});
    assert!(market.refused(&market.reviewer, "POST", preview, other).await.contains("act must be"));
    let none = json!({"requests": [], "act": "approve"});
    assert!(market.refused(&market.reviewer, "POST", preview, none).await.contains("must be 1 to 100"));

    // Who decides nothing learns of their own alone, and that they may not.
    let (_, eve) = market.portal.person(&market.admin, "eve", "developer").await;
    let ask = json!({"requests": [counted["id"]], "act": "approve"});
    let theirs = market.ok(&eve, "POST", preview, Some(ask.clone())).await;
    assert!(text(&theirs["lines"][0]["what"]).contains("no such request"), "{theirs}");
    let (_, viewer) = market.portal.person(&market.admin, "vic", "viewer").await;
    assert_eq!(market.ask(&viewer, "POST", preview, Some(ask)).await.0, StatusCode::FORBIDDEN);
}
