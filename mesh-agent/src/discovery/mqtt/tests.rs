use std::sync::Mutex;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::http::testing::{OneSecret, surveyed};
use crate::task::Tasks;

/// What a broker does that a test made.
#[derive(Debug, Default)]
struct Script {
    connack: u8,
    /// Filters that it does not permit.
    refused: Vec<&'static str>,
    /// It ends the connection instead.
    hangs_up: bool,
    /// Topic, message, retained: sent after a subscription that begins as the topic does.
    messages: Vec<(String, Vec<u8>, bool)>,
    /// What was asked of it.
    asked: Vec<String>,
}

#[derive(Clone, Debug)]
struct Broker {
    script: Arc<Mutex<Script>>,
    url: String,
    tasks: Tasks,
}

impl Broker {
    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("mqtt://{}", listener.local_addr().expect("an address"));
        let broker = Self { script: Arc::new(Mutex::new(script)), url, tasks: Tasks::new("broker") };
        let serving = broker.clone();
        broker.tasks.spawn_until_stopped("accept", async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.tasks.spawn_until_stopped("connection", serving.clone().serve(stream));
            }
        });
        broker
    }

    /// One with TLS, and the authority of its certificate.
    async fn start_secure(script: Script) -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a key for its certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("mqtts://localhost:{}", listener.local_addr().expect("an address").port());
        let broker = Self { script: Arc::new(Mutex::new(script)), url, tasks: Tasks::new("broker") };
        let serving = broker.clone();
        broker.tasks.spawn_until_stopped("accept", async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Who does not believe the certificate hangs up.
                let Ok(stream) = acceptor.accept(stream).await else { continue };
                serving.tasks.spawn_until_stopped("connection", serving.clone().serve(stream));
            }
        });
        (broker, made.cert.pem())
    }

    fn mqtt(&self) -> Mqtt {
        Mqtt::new(&surveyed(SurveyedKind::Mqtt, &self.url), &OneSecret).expect("a sound connection")
    }

    fn asked(&self) -> Vec<String> {
        self.script.lock().expect("no panic").asked.clone()
    }

    async fn serve(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        while let Ok(kind) = stream.read_u8().await {
            let mut length = usize::from(stream.read_u8().await.unwrap_or_default());
            if length >= 128 {
                length = length - 128 + 128 * usize::from(stream.read_u8().await.unwrap_or_default());
            }
            let mut body = vec![0; length];
            if stream.read_exact(&mut body).await.is_err() {
                return;
            }
            let Some(answer) = self.answer(kind, &body) else { return };
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }

    /// None = it hangs up.
    fn answer(&self, kind: u8, body: &[u8]) -> Option<Vec<u8>> {
        let mut script = self.script.lock().expect("no panic");
        let filter =
            |body: &[u8]| String::from_utf8_lossy(body.get(4..).unwrap_or_default()).trim_end_matches('\0').to_owned();
        match kind {
            0x10 => {
                script.asked.push(format!("connect {}", String::from_utf8_lossy(&body[12..])));
                Some(vec![0x20, 2, 0, script.connack])
            }
            0x82 => {
                let filter = filter(body);
                script.asked.push(format!("subscribe {filter}"));
                if script.hangs_up && script.refused.contains(&filter.as_str()) {
                    return None;
                }
                let code = if script.refused.contains(&filter.as_str()) { 0x80 } else { 0 };
                let mut answer = vec![0x90, 3, body[0], body[1], code];
                let own = filter.starts_with("$SYS");
                let sent = script.messages.iter().filter(|(topic, ..)| code == 0 && topic.starts_with("$SYS") == own);
                sent.for_each(|(topic, message, retained)| answer.extend(publish(topic, message, *retained)));
                Some(answer)
            }
            0xa2 => {
                script.asked.push(format!("unsubscribe {}", filter(body)));
                Some(vec![0xb0, 2, body[0], body[1]])
            }
            0xc0 => Some(vec![0xd0, 0]),
            _ => None,
        }
    }
}

fn publish(topic: &str, message: &[u8], retained: bool) -> Vec<u8> {
    let length = 2 + topic.len() + message.len();
    let mut packet = vec![if retained { 0x31 } else { 0x30 }];
    let mut rest = length;
    while rest >= 128 {
        packet.push(u8::try_from(rest % 128).expect("small") | 128);
        rest /= 128;
    }
    packet.push(u8::try_from(rest).expect("small"));
    packet.extend(u16::try_from(topic.len()).expect("a short topic").to_be_bytes());
    packet.extend(topic.as_bytes());
    packet.extend(message);
    packet
}

fn message(topic: &str, message: &str, retained: bool) -> (String, Vec<u8>, bool) {
    (topic.to_owned(), message.as_bytes().to_vec(), retained)
}

fn addresses(found: &Found) -> Vec<(&str, u64)> {
    let kept = found.objects.iter().filter_map(|object| match &object.facts {
        ObjectFacts::MqttAddress(address) => Some((object.name.as_str(), address.bytes)),
        _ => None,
    });
    kept.collect()
}

fn broker_facts(found: &Found) -> &mesh_protocol::report::MqttFacts {
    match found.objects.last().map(|object| &object.facts) {
        Some(ObjectFacts::Mqtt(facts)) => facts,
        other => panic!("no broker: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_kept_is_told_without_what_it_says_and_live_messages_are_not() {
    let script = Script {
        messages: vec![
            message("$SYS/broker/version", "mosquitto version 2.0.11", true),
            message("$SYS/broker/retained messages/count", "4", true),
            message("orders/eu", "hunter2", true),
            message("orders/us", "", true),
            message("orders/live", "hunter2", false),
        ],
        ..Script::default()
    };
    let broker = Broker::start(script).await;
    let mut mqtt = broker.mqtt();
    let found = mqtt.scan(true).await.expect("it answers");
    assert_eq!(addresses(&found), [("orders/eu", 7)]);
    let facts = broker_facts(&found);
    assert_eq!((facts.version.as_deref(), facts.addresses), (Some("mosquitto version 2.0.11"), 1));
    let all = serde_json::to_string(&found.objects).expect("JSON");
    assert!(!all.contains("hunter2"), "{all}");
    assert!(!found.in_part && found.notes.missing.is_empty() && found.notes.optional.is_empty(), "{:?}", found.notes);
    let again = mqtt.scan(true).await.expect("it answers");
    assert_eq!(addresses(&again), [("orders/eu", 7)]);
    let asked = broker.asked();
    assert!(asked[0].starts_with("connect") && asked[0].contains("meshport-discovery-"), "{asked:?}");
    assert_eq!(asked[1..], ["subscribe $SYS/#", "subscribe #", "unsubscribe #"], "one connection, one look");
}

#[tokio::test]
async fn what_is_refused_is_named_with_the_lines_that_grant_it() {
    let script = Script { refused: vec!["$SYS/#", "#"], ..Script::default() };
    let broker = Broker::start(script).await;
    let found = broker.mqtt().scan(true).await.expect("it answers");
    let lines: Vec<&str> = found.notes.missing.iter().map(|right| right.command.as_str()).collect();
    assert_eq!(lines, ["user meshport\ntopic read $SYS/#", "user meshport\ntopic read #"]);
    assert!(found.in_part && !broker_facts(&found).tells);
}

#[tokio::test]
async fn a_broker_that_takes_everything_and_sends_nothing_is_in_doubt() {
    let broker = Broker::start(Script::default()).await;
    let mut mqtt = broker.mqtt();
    let found = mqtt.scan(true).await.expect("it answers");
    assert_eq!((found.notes.missing.len(), found.notes.optional.len()), (0, 2), "it may just be empty");
    assert!(mqtt.is_in_doubt() && !mqtt.is_look_due());
    // Rights were granted: what it tells of itself comes by the subscription that is there, what it keeps does not.
    mqtt.system.take("$SYS/broker/uptime", b"21 seconds");
    assert!(mqtt.is_in_doubt(), "there may be more now");
    broker.script.lock().expect("no panic").messages.push(message("orders/eu", "1", true));
    mqtt.looked_at = Instant::now().checked_sub(DOUBT_INTERVAL);
    assert!(mqtt.is_look_due());
    let found = mqtt.scan(false).await.expect("it answers");
    assert!(addresses(&found) == [("orders/eu", 1)] && !mqtt.is_in_doubt());
}

#[tokio::test]
async fn a_filter_that_ends_the_connection_is_left_alone_afterwards() {
    let script = Script { refused: vec!["#"], hangs_up: true, ..Script::default() };
    let broker = Broker::start(script).await;
    let mut mqtt = broker.mqtt();
    let reason = mqtt.scan(true).await.expect_err("the connection ended");
    assert!(reason.contains("ended the connection"), "{reason}");
    let found = mqtt.scan(true).await.expect("it is there without it");
    assert_eq!(found.notes.missing[0].command, "user meshport\ntopic read #");
    assert_eq!(broker.asked().iter().filter(|asked| *asked == "subscribe #").count(), 1);
}

#[tokio::test]
async fn a_login_that_is_refused_says_how_to_set_it_and_nobody_there_is_said() {
    for code in [4, 5] {
        let broker = Broker::start(Script { connack: code, ..Script::default() }).await;
        let reason = broker.mqtt().scan(true).await.expect_err("it lets nobody in");
        assert!(reason.contains("mesh-agent secret set known"), "{reason}");
    }
    let mut nobody = Mqtt::new(&surveyed(SurveyedKind::Mqtt, "mqtt://127.0.0.1:1"), &OneSecret).expect("sound");
    let reason = nobody.scan(true).await.expect_err("nobody is there");
    assert!(reason.starts_with("mqtt://127.0.0.1:1 cannot be reached: "), "{reason}");
}

#[tokio::test]
async fn a_broker_with_tls_is_believed_by_its_authority_alone() {
    let (broker, authority) =
        Broker::start_secure(Script { messages: vec![message("orders/eu", "1", true)], ..Script::default() }).await;
    let connection = surveyed(SurveyedKind::Mqtt, &broker.url);
    let (_, other) = Broker::start_secure(Script::default()).await;
    let stranger = Surveyed { ca_pem: Some(other), ..connection.clone() };
    let reason = Mqtt::new(&stranger, &OneSecret).expect("sound").scan(true).await.expect_err("a stranger");
    assert!(reason.contains("gives no secure connection"), "{reason}");
    let known = Surveyed { ca_pem: Some(authority), ..connection };
    let found = Mqtt::new(&known, &OneSecret).expect("sound").scan(true).await.expect("it answers");
    assert_eq!(addresses(&found), [("orders/eu", 1)]);
}

#[tokio::test]
async fn a_look_is_cut_when_it_becomes_too_much() {
    let messages = (0..100).map(|number| message(&format!("t/{number}"), "0123456789", true)).collect();
    let broker = Broker::start(Script { messages, ..Script::default() }).await;
    let mqtt = broker.mqtt();
    let mut client = Client::connect(&mqtt.place).await.expect("it lets us in");
    let (mut seen, bounds) = (0, Bounds { bytes: 200, ..ADDRESS_BOUNDS });
    assert!(client.subscribe(ALL, &mut |_| true).await.expect("an answer"));
    let mut take = |_: Message<'_>| {
        seen += 1;
        true
    };
    assert_eq!(client.listen(bounds, &mut take).await.expect("messages"), End::Cut);
    assert!((10..20).contains(&seen), "{seen}");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_said_and_what_was_known_stays() {
    let broker = Broker::start(Script { messages: vec![message("a", "1", true)], ..Script::default() }).await;
    let mut mqtt = broker.mqtt();
    mqtt.scan(true).await.expect("it answers");
    let huge = ("b".to_owned(), vec![0; 9 * 1024 * 1024], true);
    broker.script.lock().expect("no panic").messages.push(huge);
    mqtt.looked_at = None;
    let reason = mqtt.scan(true).await.expect_err("the look failed");
    assert!(reason.contains("more than 8 MiB"), "{reason}");
    let found = mqtt.scan(true).await.expect("it is there all the same");
    assert_eq!(addresses(&found), [("a", 1)]);
    assert!(found.in_part && found.notes.trouble()[0].contains("more than 8 MiB"), "{:?}", found.notes);
}

#[test]
fn a_connection_that_cannot_work_is_refused_with_the_reason() {
    let refused = |url: &str| {
        let refused = Mqtt::new(&surveyed(SurveyedKind::Mqtt, url), &OneSecret);
        refused.expect_err("it cannot work").to_string()
    };
    assert!(refused("mqtt://broker.example").ends_with("use mqtts"), "a readable password");
    assert!(refused("ws://broker.example").contains("`mqtts://`"));
    assert_eq!(host_and_port("a:1", 1883), ("a".to_owned(), 1));
    assert_eq!(host_and_port("[::1]", 8883), ("::1".to_owned(), 8883));
    assert_eq!(host_and_port("[::1]:9", 8883), ("::1".to_owned(), 9));
}

#[test]
fn addresses_are_bounded_counted_and_kept_when_a_look_is_cut() {
    let kept = |topics: std::ops::Range<usize>, in_part| {
        let mut addresses = Addresses { in_part, ..Addresses::default() };
        for number in topics {
            let topic = format!("t/{number:05}");
            addresses.take(Message { topic: &topic, payload: b"12", retained: true });
        }
        addresses
    };
    let mut all = kept(0..5_003, false);
    assert_eq!((all.kept.len(), all.left_out, all.count()), (MQTT_ADDRESSES_MAX, 3, 5_003));
    all.take(Message { topic: &"x".repeat(2_000), payload: b"1", retained: true });
    assert_eq!(all.left_out, 4);
    let mut some = kept(0..3, false);
    some.update(kept(2..5, true));
    assert_eq!((some.kept.len(), some.in_part), (5, true), "what was not got to is there all the same");
    some.update(kept(4..5, false));
    assert_eq!((some.kept.len(), some.in_part), (1, false));
}

#[tokio::test]
async fn what_the_broker_counts_and_does_not_send_is_missing() {
    let mut mqtt = Mqtt::new(&surveyed(SurveyedKind::Mqtt, "mqtt://127.0.0.1:1"), &OneSecret).expect("sound");
    mqtt.system.take("$SYS/broker/retained messages/count", b"5");
    mqtt.addresses.take(Message { topic: "a", payload: b"1", retained: true });
    mqtt.address_standing = Standing::Permitted;
    (mqtt.counted, mqtt.looked_at) = (Some(6), Instant::now().checked_sub(COUNT_DELAY));
    mqtt.compare();
    assert_eq!(mqtt.hidden, 3, "five are kept: one is its own, one was sent");
    let mut notes = Notes::default();
    mqtt.note(&mut notes);
    assert_eq!(notes.missing[0].what, "addresses with a retained message: there are 3 more");
    mqtt.looked_at = Some(Instant::now());
    mqtt.counted = Some(2);
    mqtt.compare();
    assert_eq!(mqtt.hidden, 0, "others came after the look");
}
