use super::*;
use mesh_protocol::event::{Event as MeshEvent, Origin, Protocol};
use mesh_protocol::topic::Topic;
use proptest::prelude::*;

fn event(topic: &str, payload: &[u8]) -> MeshEvent {
    let origin = Origin { site: uuid::Uuid::nil().into(), principal: None, protocol: Protocol::Mqtt };
    MeshEvent::direct(Topic::new(topic).expect("valid"), payload.to_vec(), origin)
}

fn outgoing(event: &MeshEvent) -> Outgoing<'_> {
    Outgoing { event, id: Some(7), retain: true, dup: true, subscription_ids: &[1, 200_000], ttl_left_ms: Some(1_500) }
}

/// What the core reads from what we wrote.
fn parse_v5(bytes: &[u8]) -> v5_0::Publish {
    let mut core = Connection::<role::Client>::new(Version::V5_0);
    for read in core.recv(&mut Cursor::new(bytes)) {
        if let Event::NotifyPacketReceived(GenericPacket::V5_0Publish(packet)) = read {
            return packet;
        }
    }
    panic!("no PUBLISH in {bytes:?}");
}

#[test]
fn what_is_written_is_what_the_core_reads() {
    let mut event = event("a/b", b"x");
    event.headers.content_type = Some("text/plain".to_owned());
    event.headers.reply_to = Some(Topic::new("re").expect("valid"));
    event.headers.correlation_id = Some(bytes::Bytes::from_static(b"\0\x01"));
    event.headers.traceparent = Some("00-1-2-03".to_owned());
    event.headers.user = vec![("k".to_owned(), "v".to_owned()), ("k".to_owned(), "w".to_owned())];
    let mut out = BytesMut::new();
    assert!(publish::write(&mut out, &outgoing(&event), Qos::AtLeastOnce, true, usize::MAX));
    let packet = parse_v5(&out);
    assert_eq!((packet.topic_name(), packet.packet_id(), packet.qos()), ("a/b", Some(7), Qos::AtLeastOnce));
    assert!(packet.retain() && packet.dup());
    let ids: Vec<u32> = packet
        .props()
        .iter()
        .filter_map(|p| match p {
            Property::SubscriptionIdentifier(id) => Some(id.val()),
            _ => None,
        })
        .collect();
    assert_eq!(ids, [1, 200_000]);
    let expiry = packet.props().iter().find_map(|p| match p {
        Property::MessageExpiryInterval(s) => Some(s.val()),
        _ => None,
    });
    assert_eq!(expiry, Some(2), "rounded up, so that nothing expires early");
    assert_eq!(packet.props().iter().filter(|p| matches!(p, Property::UserProperty(_))).count(), 3);
    out.clear();
    assert!(publish::write(&mut out, &outgoing(&event), Qos::ExactlyOnce, true, usize::MAX));
    assert_eq!(parse_v5(&out).qos(), Qos::ExactlyOnce);
    assert!(!publish::write(&mut out, &outgoing(&event), Qos::AtLeastOnce, true, 20), "larger than the client takes");
}

proptest! {
    #[test]
    fn every_length_is_written_right(payload in proptest::collection::vec(any::<u8>(), 0..20_000), topic in "[a-z/]{1,200}") {
        let event = event(&topic, &payload);
        let mut out = BytesMut::new();
        prop_assert!(publish::write(&mut out, &outgoing(&event), Qos::AtLeastOnce, true, usize::MAX));
        let packet = parse_v5(&out);
        prop_assert_eq!(packet.topic_name(), topic);
        prop_assert_eq!(packet.payload().as_slice(), payload);
    }

    #[test]
    fn arbitrary_bytes_are_an_error_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 0..400_usize) {
        let mut wire = Wire::new(1024);
        let _ = drive(&mut wire, &bytes, cut);
    }

    #[test]
    fn arbitrary_packets_after_a_login_are_an_error_never_a_panic(
        v5 in any::<bool>(),
        kind in 0..=255_u8,
        body in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut wire = Wire::new(1024);
        let connect: &[u8] = if v5 { b"\x10\x0e\0\x04MQTT\x05\x02\0\0\0\0\x01a" } else { b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01a" };
        prop_assert!(drive(&mut wire, connect, 3).is_ok());
        wire.welcome(&Welcome::default());
        let mut packet = vec![kind, u8::try_from(body.len()).expect("short")];
        packet.extend(body);
        let _ = drive(&mut wire, &packet, 1);
    }
}

fn drive(wire: &mut Wire, bytes: &[u8], cut: usize) -> Result<(), Broken> {
    let (head, tail) = bytes.split_at(cut.min(bytes.len()));
    for part in [head, tail] {
        let mut input = Cursor::new(part);
        while wire.next(&mut input)?.is_some() {}
    }
    Ok(())
}
