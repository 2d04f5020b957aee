//! The feed and the bell.

use serde_json::json;

use super::fixture::notifications::feed;
use super::fixture::{me, retailer};
use super::{admin_sees, page};

#[test]
fn the_bell_counts_what_is_unread_on_every_page() {
    for path in ["/", "/teams", "/notifications"] {
        let html = admin_sees(retailer(), path);
        assert!(html.contains("<span class=\"m-bell__count\" aria-hidden=\"true\">2</span>"), "{path}: {html}");
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
