//! Who is reminded of what waits for them, by a clock of the test's own.

use serde_json::json;

use super::{Market, text};

const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;

impl Market {
    /// What of a kind somebody was told: titles, the newest first.
    pub(super) async fn told(&self, auth: &str, kind: &str) -> Vec<String> {
        let feed = self.ok(auth, "GET", "notifications", None).await;
        let items = feed["items"].as_array().expect("items").iter().filter(|item| item["kind"] == kind);
        items.map(|item| text(&item["title"])).collect()
    }

    /// Looks every six hours for some days, as two portals on one database.
    async fn days_pass(&self, from_ms: i64, days: i64) {
        let other = self.portal.replica().await;
        for hour in (0..=days * 24).step_by(6) {
            let now_ms = from_ms + hour * HOUR_MS;
            let both = tokio::join!(self.portal.app.remind(now_ms), other.app.remind(now_ms));
            both.0.expect("looked");
            both.1.expect("looked");
        }
    }
}

#[tokio::test]
async fn who_must_decide_is_reminded_and_who_was_asked_too_five_times_at_most() {
    let market = Market::start().await;
    let plan = market.plan("standard", json!({"kind": "manual", "people": 1})).await;
    market.publish().await;
    let shop = market.application("shop").await;
    let request = market.dev("POST", "access-requests", market.wish(&shop, &plan)).await;
    let now_ms = request["updated_at"].as_i64().expect("a time");
    market.days_pass(now_ms, 1).await;
    assert_eq!(market.told(&market.reviewer, "access.reminder").await, [""; 0], "a day is nothing");
    market.days_pass(now_ms + DAY_MS, 3).await;
    let told = market.told(&market.reviewer, "access.reminder").await;
    assert_eq!(told.len(), 2, "after two days and after four, by two portals: {told:?}");
    assert!(told[0].contains("Access of shop to retail-orders has waited 4 days for your decision"), "{told:?}");
    assert_eq!(market.told(&market.dev, "access.reminder").await, [""; 0], "who asked does not decide");

    // A question: now who asked is reminded, and nobody else.
    let (_, asked) = market.decide(&market.reviewer, &request, "ask", "for how many walls?").await;
    let asked = asked["done"][0].clone();
    market.days_pass(asked["updated_at"].as_i64().expect("a time"), 20).await;
    let own = market.told(&market.dev, "access.reminder").await;
    assert_eq!(own.len(), 5, "five times, then no more: {own:?}");
    assert!(own[4].contains("rita has waited 2 days for your answer about access of shop to retail-orders"), "{own:?}");
    assert_eq!(market.told(&market.reviewer, "access.reminder").await.len(), 2);

    // Answered, and somebody else shall decide: they alone are reminded, from then on.
    let (_, answered) = market.decide(&market.dev, &asked, "answer", "for two").await;
    let answered = &answered["done"][0];
    let seen = json!([{"id": answered["id"], "revision": answered["revision"]}]);
    let delegate = json!({"requests": seen, "act": "delegate", "to": "ada"});
    let handed = market.ok(&market.reviewer, "POST", "access-requests/decide", Some(delegate)).await;
    let before = market.told(&market.admin, "access.reminder").await.len();
    market.days_pass(handed["done"][0]["updated_at"].as_i64().expect("a time"), 3).await;
    assert_eq!(market.told(&market.admin, "access.reminder").await.len(), before + 1);
    assert_eq!(market.told(&market.reviewer, "access.reminder").await.len(), 2);

    // Decided: nobody is reminded of it any more.
    let (_, over) = market.decide(&market.admin, &handed["done"][0], "reject", "too loud").await;
    market.days_pass(over["done"][0]["updated_at"].as_i64().expect("a time"), 12).await;
    assert_eq!(market.told(&market.admin, "access.reminder").await.len(), before + 1);
}

#[tokio::test]
async fn an_end_is_told_of_before_it_comes_to_who_has_the_access() {
    let market = Market::start().await;
    let plan = market.plan("free", json!({"kind": "auto"})).await;
    market.publish().await;
    let (_, eve) = market.portal.person(&market.admin, "eve", "developer").await;
    let owned = json!({"name": "shop", "owner": "eve"});
    let shop = text(&market.dev("POST", "applications", owned).await["id"]);
    let now_ms = crate::app::clock::now_ms();
    let mut wish = market.wish(&shop, &plan);
    wish["until"] = json!(now_ms + 20 * DAY_MS);
    let request = market.dev("POST", "access-requests", wish.clone()).await;
    assert_eq!(request["state"], "approved", "{request}");
    let next_ms = market.portal.app.settle_grants().await.expect("looked");
    assert_eq!(next_ms, Some(now_ms + 20 * DAY_MS), "until then nothing ends");
    market.days_pass(now_ms, 5).await;
    assert_eq!(market.told(&market.dev, "access.ending").await, [""; 0], "more than 14 days are left");
    market.days_pass(now_ms + 5 * DAY_MS, 15).await;
    for auth in [&market.dev, &eve] {
        let told = market.told(auth, "access.ending").await;
        assert_eq!(told.len(), 3, "14 days, 3 days and 1 day before: {told:?}");
        assert!(told[2].contains("Access of shop to retail-orders ends in 14 days"), "{told:?}");
        assert!(told[0].contains("ends in 24 hours"), "{told:?}");
    }
    assert_eq!(market.told(&market.reviewer, "access.ending").await, [""; 0], "it is not theirs");

    // Renewed it has another end.
    wish["until"] = json!(now_ms + 40 * DAY_MS);
    market.dev("POST", "access-requests", wish).await;
    market.days_pass(now_ms + 20 * DAY_MS, 7).await;
    assert_eq!(market.told(&market.dev, "access.ending").await.len(), 4);
}
