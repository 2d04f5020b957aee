//! Plans are offered by somebody who did not write them, and what gives others more waits for them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Market, text};

impl Market {
    async fn review(&self, auth: &str, plan: &Value, act: &str, reason: &str) -> (StatusCode, Value) {
        let input = json!({"revision": plan["revision"], "value": {"act": act, "reason": reason}});
        self.ask(auth, "POST", &format!("plans/{}/review", text(&plan["id"])), Some(input)).await
    }

    /// What waits, as somebody sees it: the only plan.
    async fn waiting(&self, auth: &str) -> Value {
        let page = self.ok(auth, "GET", "plan-reviews", None).await;
        assert_eq!(page["total"], 1, "{page}");
        page["items"][0]["plan"].clone()
    }

    async fn edit(&self, auth: &str, plan: &Value, change: impl FnOnce(&mut Value)) -> Value {
        let mut terms = plan["config"].clone();
        change(&mut terms);
        let edit = json!({"revision": plan["revision"], "value": terms});
        self.ok(auth, "PUT", &format!("plans/{}", text(&plan["id"])), Some(edit)).await
    }
}

fn why(answer: &Value) -> String {
    format!("{} {}", answer["title"], answer["fields"])
}

#[tokio::test]
async fn a_new_plan_is_offered_by_a_reviewer_who_did_not_write_it() {
    let market = Market::start().await;
    let plans = format!("products/{}/plans", market.product);
    let plan = json!({"name": "free", "protocols": ["mqtt"], "approval": {"kind": "auto"}, "events": 10});
    // Written by a reviewer: then it takes another one.
    let own = market.ok(&market.reviewer, "POST", &plans, Some(plan)).await;
    assert_eq!(own["authors"], json!(["rita"]), "{own}");
    let publish = json!({"revision": own["revision"], "value": {"to": "published"}});
    let path = format!("plans/{}/move", text(&own["id"]));
    let told = market.refused(&market.reviewer, "POST", &path, publish.clone()).await;
    assert!(told.contains("somebody who did not write it"), "{told}");
    assert!(market.refused(&market.dev, "POST", &path, publish).await.contains("approver"));

    let edited = market.edit(&market.dev, &own, |terms| terms["events"] = json!(5)).await;
    assert_eq!(edited["authors"], json!(["rita", "dev"]), "{edited}");
    let (status, asked) = market.review(&market.dev, &edited, "ask", "").await;
    assert_eq!(status, StatusCode::OK, "{asked}");
    let (status, answer) = market.review(&market.dev, &asked, "ask", "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "it waits already: {answer}");
    assert_eq!(
        market.told(&market.admin, "plan.review_requested").await,
        ["The plan free of retail-orders waits for a reviewer"]
    );
    assert_eq!(market.told(&market.reviewer, "plan.review_requested").await, [""; 0], "an author reviews nothing");

    let theirs = market.waiting(&market.reviewer).await;
    assert!(theirs["not_reviewed_because"].as_str().is_some_and(|why| why.contains("did not write it")), "{theirs}");
    let (_, answer) = market.review(&market.reviewer, &theirs, "accept", "").await;
    assert!(why(&answer).contains("did not write it"), "{answer}");
    let (status, answer) = market.review(&market.admin, &theirs, "send_back", " ").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    assert!(why(&answer).contains("reason"), "{answer}");
    let (_, back) = market.review(&market.admin, &theirs, "send_back", "too many events").await;
    assert_eq!((&back["state"], &back["asked_at"]), (&json!("staging"), &Value::Null), "{back}");
    assert_eq!(market.told(&market.dev, "plan.sent_back").await.len(), 1);
    assert_eq!(market.ok(&market.dev, "GET", "plan-reviews", None).await["total"], 0);

    let (_, asked) = market.review(&market.dev, &back, "ask", "").await;
    let changed = market.edit(&market.dev, &asked, |terms| terms["events"] = json!(2)).await;
    let (status, _) = market.review(&market.admin, &asked, "accept", "").await;
    assert_eq!(status, StatusCode::CONFLICT, "it is not what was read any more");
    let (status, offered) = market.review(&market.admin, &changed, "accept", "").await;
    assert_eq!((status, &offered["state"]), (StatusCode::OK, &json!("published")), "{offered}");
    assert_eq!((&offered["config"]["events"], &offered["number"]), (&json!(2), &json!(1)));
    assert_eq!(market.told(&market.dev, "plan.accepted").await, ["The plan free of retail-orders is published"]);
}

#[tokio::test]
async fn a_change_that_gives_more_waits_and_one_that_does_not_is_a_reviewers() {
    let market = Market::start().await;
    let plan = market.plan("free", json!({"kind": "manual", "people": 1})).await;
    let product = format!("products/{}", market.product);
    let now = async || market.ok(&market.dev, "GET", &product, None).await["plans"][0].clone();
    market.publish().await;

    // Less: at once, and by a reviewer alone.
    let less = market.edit(&market.reviewer, &now().await, |terms| terms["events"] = json!(5)).await;
    assert_eq!((&less["number"], &less["config"]["events"], &less["change"]), (&json!(2), &json!(5), &Value::Null));

    // More, whoever writes it: it waits, and what is offered goes on.
    let wide = |terms: &mut Value| {
        terms["events"] = Value::Null;
        terms["approval"] = json!({"kind": "auto"});
        terms["protocols"] = json!(["mqtt", "http"]);
    };
    let proposed = market.edit(&market.reviewer, &less, wide).await;
    assert_eq!((&proposed["number"], &proposed["config"]["events"]), (&json!(2), &json!(5)), "{proposed}");
    assert_eq!(proposed["change"]["gives_more_by"], json!(["protocols", "events", "approval"]), "{proposed}");
    let shop = market.application("shop").await;
    let asked = market.dev("POST", "access-requests", market.wish(&shop, &plan)).await;
    assert_eq!(asked["state"], "pending", "nobody is let in by terms that nobody read: {asked}");
    let (_, answer) = market.review(&market.reviewer, &proposed, "accept", "").await;
    assert!(why(&answer).contains("did not write it"), "{answer}");
    let (status, back) = market.review(&market.reviewer, &proposed, "send_back", "").await;
    assert_eq!((status, &back["change"]), (StatusCode::OK, &Value::Null), "authors take it back: {back}");

    let proposed = market.edit(&market.dev, &back, wide).await;
    let told = "A change of the plan free of retail-orders waits for a reviewer";
    assert_eq!(market.told(&market.reviewer, "plan.review_requested").await, [told]);
    let (status, answer) = market.review(&market.dev, &proposed, "accept", "").await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
    let (status, accepted) = market.review(&market.reviewer, &proposed, "accept", "fine").await;
    assert_eq!((status, &accepted["number"]), (StatusCode::OK, &json!(3)), "{accepted}");
    assert_eq!(accepted["config"]["approval"], json!({"kind": "auto"}));
    assert_eq!((&accepted["change"], &accepted["authors"]), (&Value::Null, &Value::Null), "{accepted}");
    let (status, answer) = market.review(&market.admin, &accepted, "accept", "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "nothing waits: {answer}");
    let (_, viewer) = market.portal.person(&market.admin, "vera", "viewer").await;
    market.edit(&market.dev, &accepted, |terms| terms["days"] = json!(30)).await;
    let theirs = market.ok(&viewer, "GET", &product, None).await;
    assert_eq!(theirs["plans"][0]["change"], Value::Null, "who may not write sees what is offered: {theirs}");
    assert_eq!(
        market.waiting(&market.dev).await["change"]["gives_more_by"],
        json!([]),
        "no reviewer's hand: it waits too"
    );
    assert_eq!(market.ask(&viewer, "GET", "plan-reviews", None).await.0, StatusCode::FORBIDDEN);
}
