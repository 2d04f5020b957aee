//! Bad input: whatever comes over the wire, the client is told what is wrong and nobody else notices.

use rand::{Rng, SeedableRng};
use rumqttc::v5::mqttbytes::v5::SubscribeReasonCode;

use super::clients::{QOS0, QOS1, connect};
use super::*;

/// Logs in with MQTT 5 and returns what the listener says to `bytes`.
async fn answer(running: &crate::listener::Running, bytes: &[u8]) -> Vec<u8> {
    let mut client = Raw::open(running).await;
    client.send(&connect(5, 1, "rude")).await;
    let head = client.read(2).await;
    client.read(head[1].into()).await;
    client.send(bytes).await;
    client.rest().await
}

#[tokio::test]
async fn what_is_not_offered_or_not_valid_ends_with_its_reason() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let cases: [(&[u8], u8, &str); 7] = [
        (b"\x30\x09\0\x06open/+\0", 0x90, "a wildcard in a topic name"),
        (b"\x30\x09\0\x06open/\0\0", 0x90, "NUL in a topic name"),
        (b"\x32\x0b\0\x06open/a\0\0\0", 0x82, "packet id 0"),
        (b"\x82\x09\0\0\0\0\x03a/b\0", 0x82, "packet id 0 in SUBSCRIBE"),
        (b"\x30\x03\0\0\0", 0x94, "neither topic nor alias"),
        (b"\xf0\0", 0x82, "AUTH without a method"),
        (b"\x10\0", 0x82, "a second CONNECT"),
    ];
    for (bytes, code, what) in cases {
        let answer = answer(&running, bytes).await;
        assert_eq!(answer.first(), Some(&0xe0), "{what}: {answer:?}");
        assert_eq!(answer[2], code, "{what}");
    }
    let mut good = V5::connect(&mesh, &running, 2).await;
    good.is_served().await;
}

#[tokio::test]
async fn filters_that_are_none_are_refused_one_by_one() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    for (filter, code) in [
        ("open/#/a", SubscribeReasonCode::TopicFilterInvalid),
        ("open/a+", SubscribeReasonCode::TopicFilterInvalid),
        ("$share/group/open/a", SubscribeReasonCode::SharedSubscriptionsNotSupported),
        ("open/a", SubscribeReasonCode::Success(QOS0)),
    ] {
        // The client's own check of filters would keep them from us.
        let mut raw = Raw::open(&running).await;
        raw.send(&connect(5, 2, filter)).await;
        let head = raw.read(2).await;
        raw.read(head[1].into()).await;
        let length = u8::try_from(filter.len()).expect("short");
        let mut packet = vec![0x82, length + 6, 0, 1, 0, 0, length];
        packet.extend(filter.as_bytes());
        packet.push(0);
        raw.send(&packet).await;
        let suback = raw.read(6).await;
        let expected = match code {
            SubscribeReasonCode::TopicFilterInvalid => 0x8f,
            SubscribeReasonCode::SharedSubscriptionsNotSupported => 0x9e,
            _ => 0,
        };
        assert_eq!(suback, [0x90, 4, 0, 1, 0, expected], "{filter}");
    }
    client.is_served().await;
}

#[tokio::test]
async fn an_oversized_payload_is_refused_by_size() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut client = V5::connect(&mesh, &running, 1).await;
    client.send("open/a", QOS1, vec![0; 64 * 1024 + 1]).await;
    let end = client.end().await;
    assert!(end.contains("PacketTooLarge"), "{end}");
    // A length no packet may have is refused before a byte of it is read.
    let answer = answer(&running, b"\x30\xff\xff\xff\x7f").await;
    assert_eq!((answer[0], answer[2]), (0xe0, 0x95));
}

#[tokio::test]
async fn a_connection_must_begin_with_a_connect() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    for bytes in [&b"\xc0\0"[..], b"\x30\x09\0\x06open/a\0", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0\x01"] {
        let mut client = Raw::open(&running).await;
        client.send(bytes).await;
        assert!(client.rest().await.is_empty(), "{bytes:?}");
    }
    let mut ancient = Raw::open(&running).await;
    ancient.send(b"\x10\x0d\0\x04MQTT\x03\x02\0\0\0\x01a").await;
    assert_eq!(ancient.rest().await, [0x20, 2, 0, 1]);
    until("they were counted", || mesh.count("malformed_packets") == 5).await;
}

#[tokio::test]
async fn garbage_at_the_port_ends_only_itself() {
    let mesh = Mesh::new();
    let running = mesh.mqtt().await;
    let mut good = V5::connect(&mesh, &running, 1).await;
    let mut random = rand::rngs::StdRng::seed_from_u64(7);
    for round in 0..200_u32 {
        let mut client = Raw::open(&running).await;
        if round % 2 == 0 {
            client.send(&connect(if round % 4 == 0 { 5 } else { 4 }, 2, "garbage")).await;
        }
        let mut bytes = vec![0_u8; random.random_range(1..300)];
        random.fill(&mut bytes[..]);
        if round % 3 == 0 {
            bytes[0] = [0x30, 0x32, 0x82, 0xa2, 0x40, 0x62][usize::try_from(round).expect("small") % 6];
            let length = 1 % bytes.len();
            bytes[length] = 40;
        }
        client.send(&bytes).await;
    }
    good.is_served().await;
    assert_eq!(mesh.count("faulted_connections"), 0, "malformed input never gets as far as a panic");
    until("they are all gone", || mesh.board.parts()[0].figures.get("connections") == Some(&1)).await;
}
