//! What stands in a message: the shape that the Standard Webhooks specification proposes.

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::notification::Notification;

/// The body of a message about something that happened. Its link leads to the portal at `portal_url`.
pub(super) fn message(notification: &Notification, portal_url: &str) -> String {
    let link = format!("{}{}", portal_url.trim_end_matches('/'), notification.link);
    let body = json!({
        "type": notification.kind,
        "timestamp": timestamp(notification.at_ms),
        "data": {
            "id": notification.id,
            "severity": notification.severity,
            "title": notification.title,
            "text": notification.text,
            "link": link,
            "object": { "kind": notification.object_kind, "id": notification.object_id },
            "domain": notification.domain,
        },
    });
    body.to_string()
}

/// The same of a message that only tests whether it arrives.
pub(super) fn test_message(kind: &str, by: &str, now_ms: i64) -> String {
    let body = json!({
        "type": kind,
        "timestamp": timestamp(now_ms),
        "data": { "title": "A test message", "text": format!("{by} asked for it. Nothing happened.") },
    });
    body.to_string()
}

/// RFC 3339, to the millisecond.
fn timestamp(at_ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000);
    at.ok().and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use mesh_protocol::id::NotificationId;
    use uuid::Uuid;

    use super::*;
    use crate::domain::notification::Severity;

    #[test]
    fn a_message_says_what_happened_when_to_what_and_where_to_look() {
        let notification = Notification {
            id: NotificationId(Uuid::nil()),
            kind: "design.released".into(),
            severity: Severity::Note,
            title: "schema order 1.0.0 is released".into(),
            text: "By \"ada\".".into(),
            link: "/designs/x".into(),
            object_kind: "design".into(),
            object_id: "x".into(),
            domain: None,
            at_ms: 1_700_000_000_123,
        };
        let body: serde_json::Value =
            serde_json::from_str(&message(&notification, "https://portal.example/")).expect("JSON");
        assert_eq!(body["type"], "design.released");
        assert_eq!(body["timestamp"], "2023-11-14T22:13:20.123Z");
        assert_eq!(body["data"]["link"], "https://portal.example/designs/x");
        assert_eq!((&body["data"]["severity"], &body["data"]["text"]), (&json!("note"), &json!("By \"ada\".")));
    }
}
