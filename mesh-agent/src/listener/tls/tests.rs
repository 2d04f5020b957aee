//! Against real clients of rustls, with authorities of the test's own. What is said inside TLS is bytes by hand.

use mesh_protocol::desired::{ClientCertificate, ListenerProtocol};
use mesh_protocol::report::{PartRef, PartState};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio_rustls::client::TlsStream as ClientStream;

use super::*;
use crate::listener::Running;
use crate::listener::testing::{Mesh, PATIENCE, SECRET, config, principal_id, until};

/// Who issues certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
struct Pair {
    pem: String,
    key: KeyPair,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).expect("signs itself").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn issue(&self, usage: ExtendedKeyUsagePurpose, days: i64) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.extended_key_usages = vec![usage];
        params.not_before = OffsetDateTime::now_utc() - time::Duration::days(10);
        params.not_after = OffsetDateTime::now_utc() + time::Duration::days(days);
        Pair { pem: params.signed_by(&key, &self.issuer).expect("signs").pem(), key }
    }

    fn client(&self, days: i64) -> Pair {
        self.issue(ExtendedKeyUsagePurpose::ClientAuth, days)
    }
}

impl Pair {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(&certificates(&self.pem).expect("PEM")[0]).into())
    }
}

/// An agent with a listener that speaks TLS.
struct Site {
    mesh: Mesh,
    running: Running,
    listeners: Authority,
    devices: Authority,
    told: watch::Sender<Result<Shown, String>>,
}

impl Site {
    async fn new(protocol: ListenerProtocol) -> Self {
        let (listeners, devices) = (Authority::new("listeners"), Authority::new("devices"));
        let server = listeners.issue(ExtendedKeyUsagePurpose::ServerAuth, 10);
        let shown = Shown::read(&server.pem, &server.key.serialize_pem()).expect("can be shown");
        let (told, kept) = watch::channel(Ok(shown));
        let tls = ListenerTls {
            names: vec!["localhost".to_owned()],
            authority_pem: listeners.pem.clone(),
            clients_pem: devices.pem.clone(),
        };
        let mesh = Mesh::new();
        *mesh.tls.lock().expect("held") = Some(Settings { tls, shown: Standing::of(kept) });
        let running = mesh.listen(&config(protocol)).await;
        Self { mesh, running, listeners, devices, told }
    }

    /// These, and no others, are known as those of tills 1, 2, ...
    fn know(&self, pairs: &[&Pair]) {
        let known = (1..).zip(pairs).map(|(till, pair)| ClientCertificate {
            principal: principal_id(till).into(),
            fingerprint: pair.fingerprint(),
        });
        *self.mesh.certificates.lock().expect("held") = known.collect();
        self.mesh.edit(|_| {});
    }

    async fn connect(&self, pair: Option<&Pair>) -> io::Result<ClientStream<TcpStream>> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        let builder = builder.with_root_certificates(roots(&self.listeners.pem).expect("an authority"));
        let client = match pair {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.key.serialize_der()));
                let chain = certificates(&pair.pem).expect("PEM");
                builder.with_client_auth_cert(chain, key).expect("they fit")
            }
        };
        let stream = TcpStream::connect(self.running.address()).await?;
        let name = ServerName::try_from("localhost").expect("a name");
        TlsConnector::from(Arc::new(client)).connect(name, stream).await
    }

    /// What the listener answers, until it has said as much or ends.
    async fn say(&self, pair: Option<&Pair>, bytes: &[u8], length: usize) -> io::Result<Vec<u8>> {
        let mut stream = self.connect(pair).await?;
        stream.write_all(bytes).await?;
        heard(&mut stream, length).await
    }

    fn line(&self) -> (PartState, String) {
        let object = PartRef::Listener(config(ListenerProtocol::Mqtt).id);
        let part = self.mesh.board.parts().into_iter().find(|part| part.object == object).expect("a line");
        (part.state, part.detail.unwrap_or_default())
    }
}

async fn heard(stream: &mut (impl tokio::io::AsyncRead + Unpin), length: usize) -> io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    let mut read = stream.take(length as u64);
    timeout(PATIENCE, read.read_to_end(&mut heard)).await.expect("in time")?;
    Ok(heard)
}

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).expect("short").to_be_bytes(), text.as_bytes()].concat()
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let (mut bytes, mut left) = (vec![first], body.len());
    loop {
        let low = u8::try_from(left % 128).expect("below 128");
        left /= 128;
        bytes.push(if left > 0 { low | 0x80 } else { low });
        if left == 0 {
            return [&bytes, body].concat();
        }
    }
}

/// CONNECT of MQTT 5.
fn hello(login: Option<(&str, Option<&str>)>) -> Vec<u8> {
    let flags = login.map_or(0, |(_, secret)| if secret.is_some() { 0xc0 } else { 0x80 });
    let mut body = [text("MQTT"), vec![5, 2 | flags, 0, 60, 0], text("wall")].concat();
    if let Some((username, secret)) = login {
        body.extend(text(username));
        secret.iter().for_each(|secret| body.extend(text(secret)));
    }
    packet(0x10, &body)
}

/// The reason code of the CONNACK.
async fn reason(site: &Site, pair: Option<&Pair>, login: Option<(&str, Option<&str>)>) -> u8 {
    site.say(pair, &hello(login), 4).await.expect("a CONNACK")[3]
}

#[tokio::test]
async fn a_known_certificate_logs_in_as_its_principal_and_as_nobody_else() {
    let site = Site::new(ListenerProtocol::Mqtt).await;
    let (one, two, other) = (site.devices.client(5), site.devices.client(5), site.devices.client(5));
    site.know(&[&one, &two]);
    assert_eq!(reason(&site, Some(&one), None).await, 0);
    assert_eq!(reason(&site, Some(&two), Some(("till-2", None))).await, 0);
    assert_eq!(reason(&site, Some(&two), Some(("till-2", Some("not its secret")))).await, 0, "the certificate decides");
    assert_eq!(reason(&site, Some(&two), Some(("till-1", None))).await, 0x87, "somebody else's name");
    assert_eq!(reason(&site, Some(&two), Some(("till-1", Some(SECRET)))).await, 0x87);
    assert_eq!(reason(&site, Some(&other), None).await, 0x87, "of the authority, but nobody's");
    assert_eq!(reason(&site, Some(&other), Some(("till-3", Some(SECRET)))).await, 0, "a secret still counts");
    let publish = packet(0x32, &[text("own/till-1"), vec![0, 1, 0]].concat());
    let mut stream = site.connect(Some(&one)).await.expect("agreed");
    stream.write_all(&[hello(None), publish].concat()).await.expect("written");
    until("it is told as that client's", || site.mesh.notes.has("till-1 wall produced own/till-1")).await;
}

#[tokio::test]
async fn a_client_without_certificate_has_its_secret() {
    let site = Site::new(ListenerProtocol::Mqtt).await;
    assert_eq!(reason(&site, None, Some(("till-1", Some(SECRET)))).await, 0);
    assert_eq!(reason(&site, None, Some(("till-1", Some("wrong")))).await, 0x86);
    assert_eq!(reason(&site, None, Some(("till-1", None))).await, 0x86);
    assert_eq!(reason(&site, None, None).await, 0x86);
}

#[tokio::test]
async fn another_authoritys_certificate_and_an_expired_one_get_an_alert() {
    let site = Site::new(ListenerProtocol::Mqtt).await;
    let (foreign, late) = (Authority::new("others").client(5), site.devices.client(-1));
    let server = site.devices.issue(ExtendedKeyUsagePurpose::ServerAuth, 5);
    site.know(&[&foreign, &late, &server]);
    for (pair, words) in [(&foreign, "UnknownCA"), (&late, "CertificateExpired"), (&server, "")] {
        // Under TLS 1.3 the alert comes with the first read. A secret beside it helps nobody.
        let said = site.say(Some(pair), &hello(Some(("till-1", Some(SECRET)))), 4).await;
        let error = said.expect_err("refused").to_string();
        assert!(error.contains("alert") && error.contains(words), "{error}");
    }
    until("all are counted", || site.mesh.count("refused_certificate_connections") == 3).await;
    assert_eq!(reason(&site, None, Some(("till-1", Some(SECRET)))).await, 0);
}

#[tokio::test]
async fn a_removed_certificate_ends_the_open_connection_and_no_other() {
    let site = Site::new(ListenerProtocol::Mqtt).await;
    let (stays, goes) = (site.devices.client(5), site.devices.client(5));
    site.know(&[&stays, &goes]);
    let mut streams = Vec::new();
    for pair in [&stays, &goes] {
        let mut stream = site.connect(Some(pair)).await.expect("agreed");
        stream.write_all(&hello(None)).await.expect("written");
        let head = heard(&mut stream, 2).await.expect("a CONNACK");
        heard(&mut stream, head[1].into()).await.expect("the rest");
        streams.push(stream);
    }
    site.know(&[&stays]);
    let told = heard(&mut streams[1], 10_000).await.expect("told, and closed as TLS is");
    assert_eq!((told[0], told[2]), (0xe0, 0x87), "DISCONNECT, not authorized");
    assert!(String::from_utf8_lossy(&told).contains("certificate"), "and why");
    streams[0].write_all(&[0xc0, 0]).await.expect("written");
    assert_eq!(heard(&mut streams[0], 2).await.expect("still there"), [0xd0, 0]);
    // The same certificate for somebody else is as good as gone.
    site.know(&[&goes, &stays]);
    assert_eq!(heard(&mut streams[0], 3).await.expect("told")[0], 0xe0);
}

#[tokio::test]
async fn who_does_not_speak_tls_is_closed_in_order() {
    let site = Site::new(ListenerProtocol::Mqtt).await;
    let mut stream = TcpStream::connect(site.running.address()).await.expect("accepts");
    stream.write_all(&hello(Some(("till-1", Some(SECRET))))).await.expect("written");
    let said = heard(&mut stream, 1_000).await.expect("closed, not reset");
    assert_eq!(said.first(), Some(&21), "an alert of TLS");
    assert_eq!((site.mesh.count("failed_tls_connections"), site.mesh.count("refused_logins")), (1, 0));
}

#[tokio::test]
async fn more_than_a_socket_takes_at_once_goes_through_whole_both_ways() {
    let site = Site::new(ListenerProtocol::Mqtt).await;
    let (payload, count) = (vec![b'x'; 60_000], 60);
    let mut stream = site.connect(None).await.expect("agreed");
    let subscribe = packet(0x82, &[vec![0, 9, 0], text("open/big"), vec![0]].concat());
    stream.write_all(&[hello(Some(("till-1", Some(SECRET)))), subscribe].concat()).await.expect("written");
    until("it is subscribed", || site.mesh.notes.has("subscribed open/big")).await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let publish = packet(0x30, &[text("open/big"), vec![0], payload.clone()].concat());
    let said = async {
        for _ in 0..count {
            writer.write_all(&publish).await.expect("written");
        }
        writer.flush().await.expect("written");
    };
    let read = async {
        let (mut seen, mut buffer) = (0, vec![0; 16 * 1024]);
        while seen < count * payload.len() {
            let length = timeout(PATIENCE, reader.read(&mut buffer)).await.expect("in time").expect("readable");
            assert!(length > 0, "it ended");
            seen += buffer[..length].iter().filter(|byte| **byte == b'x').count();
        }
        seen
    };
    assert_eq!(tokio::join!(said, read).1, count * payload.len());
}

#[tokio::test]
async fn over_http_a_certificate_stands_for_the_login_of_every_request() {
    let site = Site::new(ListenerProtocol::Http).await;
    let pair = site.devices.client(5);
    site.know(&[&pair]);
    let post = b"POST /v1/events/own/till-1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx";
    let status = |said: Vec<u8>| String::from_utf8(said).expect("text").split(' ').nth(1).expect("a status").to_owned();
    assert_eq!(status(site.say(Some(&pair), post, 40).await.expect("answered")), "202");
    assert_eq!(status(site.say(None, post, 40).await.expect("answered")), "401");
    let tail = b"GET /v1/events?filter=own/till-1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut stream = site.connect(Some(&pair)).await.expect("agreed");
    stream.write_all(tail).await.expect("written");
    assert_eq!(status(heard(&mut stream, 40).await.expect("answered")), "200");
    site.know(&[]);
    let rest = String::from_utf8(heard(&mut stream, 1_000_000).await.expect("closed")).expect("text");
    assert!(rest.contains("certificate"), "{rest}");
    assert_eq!(status(site.say(Some(&pair), post, 40).await.expect("answered")), "403");
}

#[tokio::test]
async fn the_line_says_when_clients_cannot_believe_the_listener() {
    let site = Site::new(ListenerProtocol::Mqtt).await;
    until("it works", || site.line().0 == PartState::Running).await;
    let late = site.listeners.issue(ExtendedKeyUsagePurpose::ServerAuth, -1);
    let late = Shown::read(&late.pem, &late.key.serialize_pem()).expect("can be read");
    site.told.send(Ok(late)).expect("heard");
    until("it says so", || site.line().0 == PartState::Failing && site.line().1.contains("expired")).await;
    site.told.send(Err("there is none: do this".to_owned())).expect("heard");
    until("it says so", || site.line().1 == "there is none: do this").await;
    site.connect(None).await.expect_err("nothing to show");
    let next = site.listeners.issue(ExtendedKeyUsagePurpose::ServerAuth, 5);
    site.told.send(Shown::read(&next.pem, &next.key.serialize_pem()).map_err(|_| String::new())).expect("heard");
    until("it works again", || site.line().0 == PartState::Running).await;
    site.connect(None).await.expect("the next client sees the next certificate");
    let is_own = || site.mesh.board.parts().iter().any(|part| part.own_certificate);
    assert!(!is_own(), "it is the mesh's");
    let own = Shown::read(&next.pem, &next.key.serialize_pem()).expect("can be read").of_its_own();
    site.told.send(Ok(own)).expect("heard");
    until("it says whose it is", is_own).await;
}

#[test]
fn a_key_of_another_certificate_is_not_shown() {
    let authority = Authority::new("listeners");
    let (one, two) = (authority.client(5), authority.client(5));
    assert_eq!(Shown::read(&one.pem, &two.key.serialize_pem()).err(), Some(NotUsable::Mismatch));
    assert_eq!(Shown::read("", &one.key.serialize_pem()).err(), Some(NotUsable::Certificate));
    assert_eq!(Shown::read(&one.pem, "x").err(), Some(NotUsable::Key));
}
