use super::*;
use mesh_protocol::event::{Origin, Protocol};
use mesh_protocol::topic::Topic;

fn event(payload: &[u8], content_type: Option<&str>) -> Event {
    let origin = Origin { site: uuid::Uuid::nil().into(), principal: None, protocol: Protocol::Mesh };
    let mut event = Event::guaranteed(Topic::new("orders/fr/ü").expect("valid"), payload.to_vec(), origin);
    event.admitted_at_ms = 1_700_000_000_123;
    event.key = Bytes::from_static(b"till-7");
    event.headers.content_type = content_type.map(str::to_owned);
    event
}

fn told(event: &Event, format: WebhookFormat) -> Message {
    message(event, format, Circumstances { place: "spool-7", source: "/sites/lyon", redelivered: false })
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.headers.get(name).map(|value| value.to_str().expect("text"))
}

#[test]
fn in_binary_mode_the_payload_is_the_body_and_attributes_are_headers() {
    let mut event = event(b"\x00\x01", Some("application/x-own"));
    event.headers.traceparent = Some("00-aa-bb-01".to_owned());
    event.headers.user = vec![
        ("tenant".to_owned(), "a \"b\" 100% ü".to_owned()),
        ("tenant".to_owned(), "again".to_owned()),
        ("x-kind".to_owned(), "no attribute".to_owned()),
        ("id".to_owned(), "not mine".to_owned()),
        ("line".to_owned(), "a\r\nb".to_owned()),
    ];
    let message = told(&event, WebhookFormat::Binary);
    assert_eq!((&message.body[..], message.left_out), (&b"\x00\x01"[..], 4));
    let expected = [
        ("ce-specversion", "1.0"),
        ("ce-id", "spool-7"),
        ("ce-source", "/sites/lyon"),
        ("ce-type", "meshport.event"),
        ("ce-subject", "orders/fr/%C3%BC"),
        ("ce-time", "2023-11-14T22:13:20.123Z"),
        ("ce-partitionkey", "till-7"),
        ("ce-traceparent", "00-aa-bb-01"),
        ("ce-tenant", "a%20%22b%22%20100%25%20%C3%BC"),
        ("content-type", "application/x-own"),
    ];
    for (name, value) in expected {
        assert_eq!(header(&message, name), Some(value), "{name}");
    }
    assert_eq!(message.headers.len(), expected.len());
}

#[test]
fn the_id_is_the_senders_when_there_is_one() {
    let mut event = event(b"{}", None);
    event.key = Bytes::from_static(b"\xff");
    event.headers.message_id = Some("order-17".to_owned());
    let around = Circumstances { place: "spool-7", source: "/sites/lyon", redelivered: true };
    let first = message(&event, WebhookFormat::Binary, around);
    assert_eq!((first.id.as_str(), header(&first, "ce-id")), ("order-17", Some("order-17")));
    assert_eq!(header(&first, "ce-redelivered"), Some("true"));
    assert_eq!(header(&first, "ce-partitionkey"), None, "a key that is no text");
    assert_eq!(header(&first, "content-type"), None);
    event.headers.message_id = Some("order.17 ü".to_owned());
    let other = told(&event, WebhookFormat::Binary);
    assert_eq!((other.id.as_str(), header(&other, "ce-id")), ("spool-7", Some("order.17%20%C3%BC")));
    event.headers.message_id = Some("a\nb".to_owned());
    let odd = told(&event, WebhookFormat::Binary);
    assert_eq!((odd.id.as_str(), header(&odd, "ce-id")), ("spool-7", Some("spool-7")));
}

#[test]
fn many_properties_do_not_make_headers_that_no_server_takes() {
    let mut event = event(b"", None);
    event.headers.user = (0..64).map(|number| (format!("p{number}"), "x".repeat(1_000))).collect();
    let message = told(&event, WebhookFormat::Binary);
    assert_eq!(message.left_out, 62);
}

#[test]
fn in_structured_mode_data_is_what_the_payload_is() {
    let cases: [(&[u8], Option<&str>, &str); 8] = [
        (br#"{"n": 1, "n": 2}"#, Some("application/json"), r#","data":{"n": 1, "n": 2}}"#),
        (b"[1]", Some("application/vnd.x+JSON; v=1"), r#","data":[1]}"#),
        (b"7", None, r#","data":7}"#),
        (b"{broken", Some("application/json"), r#""data_base64":"e2Jyb2tlbg==""#),
        (b"a \"b\"", Some("text/plain"), r#""data":"a \"b\"""#),
        (b"\xff", Some("text/plain"), r#""data_base64":"/w==""#),
        (b"plain", None, r#""data_base64":"cGxhaW4=""#),
        (b"1", Some("application/x-own"), r#""data_base64":"MQ==""#),
    ];
    for (payload, kind, part) in cases {
        let message = told(&event(payload, kind), WebhookFormat::Structured);
        let document = String::from_utf8(message.body.to_vec()).expect("text");
        assert!(document.contains(part), "{document} lacks {part}");
        let read: Value = serde_json::from_str(&document).expect("JSON");
        assert_eq!((&read["id"], &read["subject"]), (&"spool-7".into(), &"orders/fr/ü".into()));
        assert_eq!(read["datacontenttype"].as_str(), kind);
        assert_eq!(header(&message, "content-type"), Some("application/cloudevents+json; charset=utf-8"));
    }
    let nothing = told(&event(b"", Some("application/json")), WebhookFormat::Structured);
    let read: Value = serde_json::from_slice(&nothing.body).expect("JSON");
    assert!(read.get("data").is_none() && read.get("data_base64").is_none());
}
