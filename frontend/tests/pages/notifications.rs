//! The feed and the bell.

use serde_json::json;

use super::fixture::notifications::{WEBHOOK, feed};
use super::fixture::{id, me, retailer};
use super::{admin_sees, page};

#[test]
fn the_bell_counts_what_is_unread_on_every_page() {
    for path in ["/", "/teams", "/notifications"] {
        let html = admin_sees(retailer(), path);
        assert!(html.contains("class=\"m-bell__count\">2<"), "{path}: {html}");
        assert!(html.contains(", 2 unread"), "{path}");
    }
    let none = retailer().with("/notifications", feed(&json!([]), 0));
    assert!(!admin_sees(none, "/teams").contains("m-bell__count"), "nothing unread is no number");
    let broken = retailer().failing("/notifications", 500, "internal", "the store did not answer");
    assert!(!admin_sees(broken, "/teams").contains("m-bell__count"), "a page works without it");
}

#[test]
fn the_feed_shows_what_happened_where_and_whether_it_was_read() {
    let html = admin_sees(retailer(), "/notifications");
    for text in [
        "nantes-1 at store-nantes is away",
        "href=\"/agents/x\"",
        "Does not work",
        "Needs a look",
        "eve asks for a review.",
        "Mark all as read",
        "Mark unread: event sold 1.0.0 is deprecated",
        "3 notifications",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    assert_eq!(html.matches("data-unread").count(), 2);
    let (_, _, viewers) = page(retailer(), Some(me("viewer")), "/notifications");
    assert!(viewers.contains("Mark all as read"), "a feed is everybody's own");
}

#[test]
fn an_empty_feed_says_how_one_is_told_and_a_read_one_that_all_is_read() {
    let none = || retailer().with("/notifications", feed(&json!([]), 0));
    let html = admin_sees(none(), "/notifications");
    assert!(html.contains("Nothing yet") && html.contains("href=\"/designs\""), "{html}");
    assert!(!html.contains("Mark all as read"));
    let html = admin_sees(none(), "/notifications?unread=true");
    assert!(html.contains("Nothing unread") && !html.contains("Nothing yet"), "{html}");
}

#[test]
fn webhooks_say_whether_they_are_on_and_who_switched_them_off() {
    let html = admin_sees(retailer(), "/webhooks");
    for text in
        ["pager", "https://pager.example/in", "agent.offline", "Switched off by the portal", "it answered 410 Gone"]
    {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    assert!(html.contains(&format!("href=\"/webhooks/{}\"", id(WEBHOOK))));
    let none = retailer().with("/webhooks", json!([]));
    assert!(admin_sees(none, "/webhooks").contains("No webhooks yet"));
    let closed = retailer().failing("/webhooks", 403, "forbidden", "closed");
    let (_, _, viewers) = page(closed, Some(me("viewer")), "/webhooks");
    assert!(viewers.contains("The webhooks are closed to you"), "{viewers}");
    assert!(!viewers.contains("href=\"/webhooks\""), "the way there is not offered: {viewers}");
}

#[test]
fn a_webhook_shows_what_was_sent_and_what_it_answered() {
    let html = admin_sees(retailer(), &format!("/webhooks/{}", id(WEBHOOK)));
    for text in [
        "Send a test",
        "New secret",
        "Delivered",
        "Given up after 21 tries",
        "204, after 12 ms",
        "it answered 500, after 12 ms",
        "no answer within 10 s",
        "&lt;h1&gt;no&lt;/h1&gt;",
        "Send again: msg_2",
        "2 messages",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    assert!(!html.contains("whsec_"), "no secret");
}

#[test]
fn everybody_sets_what_they_get_by_mail() {
    let (_, _, html) = page(retailer(), Some(me("viewer")), "/me");
    for text in ["value=\"claire@shop.example\"", "Once a day", "A version is released", "Send a test message"] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    let off = json!({ "config": { "email": "", "pace": "now", "kinds": null }, "configured": false });
    let html = admin_sees(retailer().with("/me/mail", off), "/me");
    assert!(html.contains("This portal sends no mail") && !html.contains("Send a test message"), "{html}");
    assert!(!html.contains("A version is released<"), "the kinds are chosen by themselves: {html}");
}
