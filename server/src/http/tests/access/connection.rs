//! A connection is tested, as the API tells it.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Market, text};

#[tokio::test]
async fn a_connection_is_tested_where_the_agent_says_its_listener_is() {
    let market = Market::start().await;
    let plan = market.plan("free", json!({"kind": "auto"})).await;
    market.publish().await;
    let shop = market.application("shop").await;
    let request = market.dev("POST", "access-requests", market.wish(&shop, &plan)).await;
    let issued = market.dev("POST", &format!("applications/{shop}/credentials"), json!({})).await;
    let test = format!("grants/{}/test", text(&request["grant"]));
    let with =
        |secret: &Value| json!({"credential": issued["credential"]["id"], "secret": secret, "address": "8.8.8.8:53"});
    let right = with(&issued["secret"]);

    // Nobody is there yet: the listener that the site has is named, and what to do.
    let before = market.dev("POST", &test, right.clone()).await;
    assert_eq!((&before["works"], &before["before"][1]["state"]), (&json!(false), &json!("ok")), "{before}");
    let listeners = before["listeners"].as_array().expect("listeners");
    assert_eq!(listeners.len(), 1, "the plan is of MQTT only: {before}");
    assert_eq!(listeners[0]["steps"][0]["layer"], "agent");
    assert!(text(&listeners[0]["steps"][0]["what"]).contains("not connected to the portal"), "{before}");

    // A port at which somebody is, and one at which nobody is any more.
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let at = socket.local_addr().expect("an address").to_string();
    market.joins().await;
    market.tells(&text(&listeners[0]["listener"]), &at).await;
    let closing = async {
        drop(socket.accept().await);
        socket
    };
    let (socket, tested) = tokio::join!(closing, market.dev("POST", &test, right.clone()));
    let of = |tested: &Value, layer: &str| {
        let steps = tested["listeners"][0]["steps"].as_array().cloned().expect("steps");
        let step = steps.into_iter().find(|step| step["layer"] == layer).expect("the layer");
        (text(&step["state"]), text(&step["what"]))
    };
    assert_eq!(tested["listeners"][0]["address"], json!(at), "not where the request says: {tested}");
    assert_eq!((of(&tested, "reach").0.as_str(), of(&tested, "protocol").0.as_str()), ("ok", "failed"), "{tested}");
    assert_eq!(of(&tested, "receive").0, "not_reached");
    assert!(text(&tested["seen_from"]).contains("host of the portal"));
    drop(socket);
    let gone = market.dev("POST", &test, with(&json!("something else"))).await;
    assert!(of(&gone, "reach").1.contains("refuses connections"), "{gone}");
    assert!(text(&gone["summary"]).contains("The secret is not one of"), "the lowest one that failed: {gone}");
    let mut tx = market.portal.app.store().read().await.expect("a transaction");
    let trail = format!("{:?}", tx.audit_after(0, 1_000).await.expect("read"));
    drop(tx);
    for kept in [trail, gone.to_string(), tested.to_string()] {
        assert!(!kept.contains(&text(&issued["secret"])), "the secret is kept nowhere");
    }

    // What is missing, and who may not.
    assert!(market.refused(&market.dev, "POST", &test, with(&json!(" "))).await.contains("secret is required"));
    let (_, eve) = market.portal.person(&market.admin, "eve", "developer").await;
    assert!(market.refused(&eve, "POST", &test, right).await.contains("belongs to dev"));
    let other = json!({"credential": uuid::Uuid::nil(), "secret": "x"});
    assert_eq!(market.ask(&market.dev, "POST", &test, Some(other)).await.0, StatusCode::NOT_FOUND);
}
