use proptest::prelude::*;

use super::*;

fn topics() -> impl Strategy<Value = Topic> {
    "[a-z/ä$]{1,20}".prop_filter_map("a topic", |name| Topic::new(name).ok())
}

fn headers() -> impl Strategy<Value = Headers> {
    let text = || prop::option::of(".{0,12}");
    let user = prop::collection::vec((".{0,5}", ".{0,5}"), 0..5);
    let correlation = prop::option::of(prop::collection::vec(any::<u8>(), 0..9));
    (text(), text(), text(), correlation, prop::option::of(topics()), text(), user).prop_map(
        |(content_type, schema_ref, message_id, correlation_id, reply_to, traceparent, user)| Headers {
            content_type,
            schema_ref,
            message_id,
            correlation_id: correlation_id.map(Bytes::from),
            reply_to,
            traceparent,
            user,
        },
    )
}

fn origins() -> impl Strategy<Value = Origin> {
    (any::<u128>(), prop::option::of(any::<u128>()), 0..5_u8).prop_map(|(site, principal, code)| Origin {
        site: SiteId(Uuid::from_u128(site)),
        principal: principal.map(|id| PrincipalId(Uuid::from_u128(id))),
        protocol: protocol(code).expect("a known code"),
    })
}

fn events() -> impl Strategy<Value = Event> {
    let hop = (".{0,8}", any::<[u8; 8]>()).prop_map(|(cluster, content)| Hop { cluster, content });
    let path = prop::collection::vec(hop, 0..4);
    let bytes = || prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
    let facts = (any::<bool>(), any::<bool>(), any::<i64>(), prop::option::of(any::<u64>()));
    (topics(), bytes(), bytes(), headers(), origins(), path, facts).prop_map(
        |(topic, payload, key, headers, origin, path, (guaranteed, retain, admitted_at_ms, ttl_ms))| Event {
            topic,
            payload,
            key,
            headers,
            mode: if guaranteed { DeliveryMode::Guaranteed } else { DeliveryMode::Direct },
            admitted_at_ms,
            ttl_ms,
            origin,
            path,
            retain,
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(event in events()) {
        prop_assert_eq!(event.check(), Ok(()));
        let bytes = encode(&event);
        prop_assert_eq!(decode(bytes), Ok(event));
    }

    #[test]
    fn whatever_is_cut_off_is_noticed(event in events()) {
        let bytes = encode(&event);
        for end in 0..bytes.len() {
            prop_assert!(matches!(decode(bytes.slice(..end)), Err(DecodeError::Truncated(_))), "cut at {}", end);
        }
        let longer = [&bytes[..], &[0]].concat();
        prop_assert_eq!(decode(longer.into()), Err(DecodeError::Trailing(1)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(bytes.into());
    }

    /// One bit flipped gives an error or another event, and then exactly the bytes of that other event: there are no two
    /// encodings of one event.
    #[test]
    fn an_event_has_one_encoding(event in events(), place: prop::sample::Index, bit in 0..8_u8) {
        let mut bytes = encode(&event).to_vec();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(other) = decode(bytes.clone().into()) {
            prop_assert_eq!(&encode(&other)[..], &bytes[..]);
        }
    }
}

/// An event with every field, as version 1 wrote it for the first time. This file must be readable for ever: a new
/// version gets a new file beside it.
#[test]
fn version_1_is_read_for_ever() {
    let golden = include_str!("golden/event_v1.hex");
    let event = full_event();
    assert_eq!(hex::encode(encode(&event)), golden.trim());
    assert_eq!(decode(hex::decode(golden.trim()).expect("hex").into()), Ok(event));
}

fn full_event() -> Event {
    Event {
        topic: Topic::new("orders/fr/lyon/1").expect("valid"),
        payload: Bytes::from_static(b"{\"total\":12.5}"),
        key: Bytes::from_static(b"till-7"),
        headers: Headers {
            content_type: Some("application/json".into()),
            schema_ref: Some("order:3".into()),
            message_id: Some("m-1".into()),
            correlation_id: Some(Bytes::from_static(&[0, 255, 1])),
            reply_to: Some(Topic::new("answers/till-7").expect("valid")),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            user: vec![("currency".into(), "EUR".into()), ("currency".into(), String::new())],
        },
        mode: DeliveryMode::Guaranteed,
        admitted_at_ms: 1_700_000_000_123,
        ttl_ms: Some(300_000),
        origin: Origin {
            site: SiteId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)),
            principal: Some(PrincipalId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002))),
            protocol: Protocol::Mqtt,
        },
        path: vec![Hop { cluster: "kafka-b".into(), content: [1, 2, 3, 4, 5, 6, 7, 8] }],
        retain: true,
    }
}

#[test]
fn what_is_newer_is_named() {
    let bytes = encode(&full_event()).to_vec();
    let with = |place: usize, value: u8| {
        let mut changed = bytes.clone();
        changed[place] = value;
        decode(changed.into())
    };
    assert_eq!(with(0, 2), Err(DecodeError::NewerVersion(2)));
    assert_eq!(with(2, bytes[2] | 0x80), Err(DecodeError::NewerFields(0x8000)));
    assert_eq!(with(3, 9), Err(DecodeError::Malformed("protocol")));
}

#[test]
fn a_length_is_held_against_its_bound_first() {
    let event = Event { path: vec![Hop { cluster: String::new(), content: [0; 8] }; MAX_PATH + 1], ..full_event() };
    assert!(event.check().is_err());
    assert!(matches!(decode(encode(&event)), Err(DecodeError::TooLong { field: "path", .. })));
}

#[test]
fn the_payload_is_not_copied() {
    let bytes = encode(&full_event());
    let range = bytes.as_ptr_range();
    let event = decode(bytes.clone()).expect("valid");
    assert!(range.contains(&event.payload.as_ptr()));
}

#[test]
fn time_to_live_counts_from_admission() {
    let event = full_event();
    assert_eq!(event.ttl_left_ms(event.admitted_at_ms - 5), Some(300_000));
    assert_eq!(event.ttl_left_ms(event.admitted_at_ms + 1), Some(299_999));
    assert!(event.is_expired(event.admitted_at_ms + 300_000));
    assert!(!Event { ttl_ms: None, ..event }.is_expired(i64::MAX));
}
