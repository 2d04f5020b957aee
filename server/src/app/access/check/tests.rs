//! Attempts at real sockets that behave in every way a listener does not.

use std::sync::Arc;

use frontend::api::{PlanProtocol, TestLayer, TestState, TestStep};
use mesh_protocol::topic::Filter;
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::Under;
use super::climb::{Login, Target, climb};
use super::dial::Time;

const ALL: std::time::Duration = std::time::Duration::from_secs(20);

#[expect(clippy::disallowed_methods, reason = "ends with its test")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(task));
}

/// Something that takes connections at an address of its own; each is handled on its own.
async fn far<F>(handle: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let at = socket.local_addr().expect("an address").to_string();
    spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            spawn(handle(stream));
        }
    });
    at
}

const fn plain(address: &str, protocol: PlanProtocol) -> Target<'_> {
    Target { address, protocol, tls: false, authority_pem: "" }
}

async fn tried(at: &str, protocol: PlanProtocol) -> Vec<TestStep> {
    tried_at(plain(at, protocol)).await
}

async fn tried_at(target: Target<'_>) -> Vec<TestStep> {
    let receive = [Filter::mesh("orders/*/created").expect("a filter"), Filter::mesh("secret/>").expect("a filter")];
    let login = Login::new("shop", "right");
    let ladder = climb(target, &login, &receive, Time::of(ALL)).await;
    ladder.whole(&receive.map(|filter| filter.text().to_owned()), &[])
}

/// The layer that failed, with what was found; everything above it was not reached.
fn failed(steps: &[TestStep]) -> (TestLayer, String) {
    let at = steps.iter().position(|step| step.state == TestState::Failed).expect("something failed");
    assert!(steps[at + 1..].iter().all(|step| step.state == TestState::NotReached), "{steps:?}");
    assert!(!steps[at].advice.is_empty(), "{:?}", steps[at]);
    (steps[at].layer, steps[at].what.clone())
}

fn states(steps: &[TestStep]) -> Vec<TestState> {
    steps.iter().map(|step| step.state).collect()
}

#[tokio::test]
async fn who_refuses_hangs_or_answers_something_else_is_told_apart() {
    let gone = {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        socket.local_addr().expect("an address").to_string()
    };
    let (layer, what) = failed(&tried(&gone, PlanProtocol::Mqtt).await);
    assert!(layer == TestLayer::Reach && what.contains("refuses connections"), "{what}");
    let (layer, what) = failed(&tried("no-such-name.invalid:1883", PlanProtocol::Mqtt).await);
    assert!(layer == TestLayer::Name && what.contains("no-such-name.invalid"), "{what}");
    let (layer, what) = failed(&tried("169.254.169.254:80", PlanProtocol::Http).await);
    assert!(layer == TestLayer::Name && what.contains("no listener is reached"), "{what}");

    let closes = far(|stream| async move { drop(stream) }).await;
    let garbage = far(|mut stream| async move {
        stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").await.expect("written");
        let mut rest = Vec::new();
        _ = stream.read_to_end(&mut rest).await;
    })
    .await;
    for protocol in [PlanProtocol::Mqtt, PlanProtocol::Http] {
        let (layer, what) = failed(&tried(&closes, protocol).await);
        assert!(layer == TestLayer::Protocol && what.contains("without an answer"), "{what}");
        let (layer, what) = failed(&tried(&garbage, protocol).await);
        assert!(layer == TestLayer::Protocol && what.contains("does not speak"), "{what}");
    }
}

#[tokio::test]
async fn who_never_answers_costs_one_layer_and_no_more() {
    let hangs = far(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let began = tokio::time::Instant::now();
    let both = tokio::join!(tried(&hangs, PlanProtocol::Mqtt), tried(&hangs, PlanProtocol::Http));
    for steps in [both.0, both.1] {
        let (layer, what) = failed(&steps);
        assert!(layer == TestLayer::Protocol && what.contains("does not answer within 5 s"), "{what}");
    }
    assert!(began.elapsed() < ALL);
}

/// Somebody who shows a certificate for a name, which is an authority to itself.
fn shows(name: &str) -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth();
    let config = config.with_single_cert(vec![made.cert.der().clone()], key).expect("a configuration");
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}

#[tokio::test]
async fn a_listener_with_tls_is_believed_by_the_authority_of_the_mesh() {
    let (acceptor, authority_pem) = shows("127.0.0.1");
    let at = far(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                mqtt(stream).await;
            }
        }
    })
    .await;
    let target = Target { tls: true, authority_pem: &authority_pem, ..plain(&at, PlanProtocol::Mqtt) };
    let steps = tried_at(target).await;
    let tls = steps.iter().find(|step| step.layer == TestLayer::Tls).expect("a step for TLS");
    assert_eq!(tls.state, TestState::Ok, "{steps:?}");
    assert!(steps.iter().any(|step| step.layer == TestLayer::Login && step.state == TestState::Ok), "{steps:?}");
    let (layer, what) = failed(&tried_at(Target { authority_pem: "", ..target }).await);
    assert_eq!(layer, TestLayer::Tls, "{what}");
}

#[tokio::test]
async fn a_certificate_of_an_authority_that_nobody_knows_is_named() {
    let (acceptor, _) = shows("localhost");
    let at = far(move |stream| {
        let acceptor = acceptor.clone();
        async move { drop(acceptor.accept(stream).await) }
    })
    .await;
    for protocol in [PlanProtocol::Mqtt, PlanProtocol::Http] {
        let (layer, what) = failed(&tried(&at, protocol).await);
        assert_eq!(layer, TestLayer::Tls, "{what}");
        assert!(what.contains("authority that the portal's host does not know") || what.contains("package"), "{what}");
    }
}

/// An MQTT listener that knows one secret, and gives the first filter of two alone.
async fn mqtt(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut read = vec![0; 4_096];
    let count = stream.read(&mut read).await.expect("a CONNECT");
    let connect = String::from_utf8_lossy(&read[..count]).into_owned();
    assert!(connect.contains("meshport-test-"), "a client id of its own");
    assert_eq!(read[9], 0xC2, "user name, password and a clean start; no will");
    let lets_in = connect.contains("right");
    stream.write_all(&[0x20, 3, 0, if lets_in { 0 } else { 0x86 }, 0]).await.expect("a CONNACK");
    let count = stream.read(&mut read).await.expect("what comes then");
    if !lets_in {
        assert_eq!(read[0] >> 4, 14, "it goes");
        return;
    }
    assert_eq!(read[0] >> 4, 8, "it subscribes, and never publishes");
    assert!(String::from_utf8_lossy(&read[..count]).contains("secret/+/#"));
    assert_eq!(read[count - 1] & 0x30, 0x20, "without what is retained");
    stream.write_all(&[0x90, 5, read[2], read[3], 0, 0, 0x87]).await.expect("a SUBACK");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("the end");
    assert_eq!(rest[0] >> 4, 10, "it unsubscribes at once");
}

#[tokio::test]
async fn over_mqtt_each_filter_says_what_became_of_it() {
    use TestState::{Failed, Ok, Skipped};
    let at = far(mqtt).await;
    let steps = tried(&at, PlanProtocol::Mqtt).await;
    assert_eq!(states(&steps), [Ok, Ok, Skipped, Ok, Ok, Ok, Failed], "{steps:?}");
    assert!(steps[6].what.contains("secret/+/#") && steps[6].of == "secret/>", "{:?}", steps[6]);

    let wrong = Login::new("shop", "wrong");
    let ladder = climb(plain(&at, PlanProtocol::Mqtt), &wrong, &[], Time::of(ALL)).await;
    let (layer, what) = failed(&ladder.whole(&[], &[]));
    assert!(layer == TestLayer::Login && what.contains("does not let it in"), "{what}");
}

/// An HTTP listener as the agent's is.
async fn http(mut stream: TcpStream) {
    let mut read = vec![0; 4_096];
    let count = stream.read(&mut read).await.expect("a request");
    let text = String::from_utf8_lossy(&read[..count]).into_owned();
    let line = text.lines().next().unwrap_or_default();
    let known = text.contains("Basic c2hvcDpyaWdodA==");
    let refused = |status: &str, detail: &str| {
        let body = format!("{{\"detail\": \"{detail}\"}}");
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    let answer = match line {
        "GET /healthz HTTP/1.1" => "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n".to_owned(),
        _ if !known => refused("401 Unauthorized", "wrong secret"),
        "GET /v1/events HTTP/1.1" => refused("400 Bad Request", "say what to subscribe to"),
        _ if line.contains("secret%2F%3E") => refused("403 Forbidden", "no rule"),
        _ => "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_owned(),
    };
    stream.write_all(answer.as_bytes()).await.expect("written");
    let mut rest = Vec::new();
    _ = stream.read_to_end(&mut rest).await;
}

#[tokio::test]
async fn over_http_nothing_is_sent_and_each_filter_says_what_became_of_it() {
    use TestState::{Failed, Ok, Skipped};
    let at = far(http).await;
    let steps = tried(&at, PlanProtocol::Http).await;
    assert_eq!(states(&steps), [Ok, Ok, Skipped, Ok, Ok, Ok, Failed], "{steps:?}");
    assert!(steps[6].what.contains("no rule"), "{:?}", steps[6]);
    let wrong = Login::new("shop", "wrong");
    let ladder = climb(plain(&at, PlanProtocol::Http), &wrong, &[], Time::of(ALL)).await;
    let (layer, what) = failed(&ladder.whole(&[], &[]));
    assert!(layer == TestLayer::Login && what.contains("wrong secret"), "{what}");
}

#[test]
fn one_person_tests_few_at_once_and_a_test_that_is_over_makes_room() {
    let under = Under::default();
    let (first, second) = (under.take("ada"), under.take("ada"));
    assert!(first.is_some() && second.is_some() && under.take("ada").is_none());
    assert!(under.take("bob").is_some(), "somebody else has room");
    drop(first);
    assert!(under.take("ada").is_some());
}
