use super::*;
use crate::control::testing::{Authority as TestAuthority, Portal};

struct Bench {
    _dir: tempfile::TempDir,
    home: Home,
    authority: TestAuthority,
    portal: Portal,
}

impl Bench {
    async fn start() -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        let home = Home::at(dir.path().join("state")).expect("made");
        let authority = TestAuthority::new();
        let portal = Portal::start(&authority).await;
        Self { _dir: dir, home, authority, portal }
    }

    async fn join(&self) -> Result<Identity, EnrolError> {
        join(&self.home, self.portal.address(), &self.authority.token(), "tills".to_owned()).await
    }

    /// What the agent says to a portal that refuses with these words.
    async fn refused(&self, status: &str, body: &str) -> String {
        let (_, joined) = tokio::join!(self.portal.answer(status, |_| body.to_owned()), self.join());
        joined.expect_err("refused").to_string()
    }
}

#[tokio::test]
async fn a_token_joins_once_and_the_folder_then_belongs_to_the_agent() {
    let bench = Bench::start().await;
    let (request, joined) = tokio::join!(bench.portal.enrol(&bench.authority), bench.join());
    let identity = joined.expect("joined");
    assert_eq!((request.name.as_str(), request.agent), ("tills", None));
    assert_eq!(request.token, bench.authority.token().to_string());
    let loaded = Identity::load(&bench.home).expect("kept");
    assert_eq!((loaded.agent, &loaded.site_name), (identity.agent, &"store-lyon".to_owned()));
    assert_eq!(request.sealing_key, Some(loaded.sealing.public_hex()));
    let again = bench.join().await.expect_err("taken").to_string();
    assert!(again.contains("belongs to agent tills") && again.contains("--state"), "{again}");
}

#[tokio::test]
async fn a_lost_answer_is_repeated_with_the_same_key() {
    let bench = Bench::start().await;
    let (first, joined) = tokio::join!(bench.portal.answer("200 OK", |_| "half an ans".to_owned()), bench.join());
    assert!(matches!(joined, Err(EnrolError::Answer)));
    let (second, joined) = tokio::join!(bench.portal.enrol(&bench.authority), bench.join());
    joined.expect("joined");
    assert_eq!(first.public_key, second.public_key);
}

#[tokio::test]
async fn the_portals_refusal_is_told_in_its_words() {
    let bench = Bench::start().await;
    for words in ["the token was used already", "the token has expired"] {
        let body = format!(r#"{{"type":"x","title":"refused","detail":"{words}: copy a new one"}}"#);
        let told = bench.refused("403 Forbidden", &body).await;
        assert!(told.contains(words), "{told}");
    }
    assert!(!bench.home.identity().exists());
}

#[tokio::test]
async fn another_authority_than_the_tokens_gets_nothing() {
    let bench = Bench::start().await;
    let stranger = TestAuthority::new();
    let token = stranger.token();
    let joined = async { join(&bench.home, bench.portal.address(), &token, "tills".to_owned()).await };
    let accept = async { tokio::time::timeout(std::time::Duration::from_secs(2), bench.portal.session()).await };
    let joined =
        tokio::select! { joined = joined => joined, _ = failing(accept) => unreachable!("the handshake must fail") };
    let told = joined.expect_err("refused");
    assert!(matches!(told, EnrolError::Portal(PortalError::WrongAuthority(_))), "{told:?}");
}

/// A handshake that fails panics in the portal's task; that is the other side's matter here.
async fn failing(work: impl Future) {
    let _ = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(work)).await;
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn an_agents_certificate_of_the_same_authority_never_plays_the_portal() {
    let bench = Bench::start().await;
    let impostor = Portal::named(&bench.authority, "0192-agent").await;
    let token = bench.authority.token();
    let joined = join(&bench.home, impostor.address(), &token, "tills".to_owned());
    let joined =
        tokio::select! { joined = joined => joined, () = failing(impostor.session()) => unreachable!("refused") };
    assert!(matches!(joined, Err(EnrolError::Portal(PortalError::Tls { .. }))), "{joined:?}");
}

#[tokio::test]
async fn a_portal_that_is_away_is_named() {
    let bench = Bench::start().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let nowhere: PortalAddress = format!("https://{free}").parse().expect("an address");
    let told = join(&bench.home, nowhere, &bench.authority.token(), "tills".to_owned()).await.expect_err("away");
    assert!(told.to_string().contains(&free.to_string()) && told.to_string().contains("cannot be reached"), "{told}");
}

#[tokio::test]
async fn a_renewal_keeps_the_agent_and_changes_the_key() {
    let bench = Bench::start().await;
    let (_, joined) = tokio::join!(bench.portal.enrol(&bench.authority), bench.join());
    let old = joined.expect("joined");
    let (request, renewed) = tokio::join!(bench.portal.enrol(&bench.authority), renew(&bench.home, &old));
    let new = renewed.expect("renewed");
    assert_eq!((request.agent, request.token.as_str()), (Some(old.agent), ""));
    assert_ne!(new.tls_key_pem, old.tls_key_pem);
    // The portal is told of the new sealing key only once it is kept; others still use the one before.
    assert_eq!(request.sealing_key, None);
    assert_ne!(new.sealing.public_hex(), old.sealing.public_hex());
    assert!(new.sealing.find(old.sealing.newest().id()).is_some());
    assert_eq!(Identity::load(&bench.home).expect("kept").certificate_pem, new.certificate_pem);
}

#[tokio::test]
async fn an_identity_from_before_sealing_keys_gets_one_and_keeps_it() {
    let bench = Bench::start().await;
    let (_, joined) = tokio::join!(bench.portal.enrol(&bench.authority), bench.join());
    joined.expect("joined");
    let path = bench.home.identity();
    let text = std::fs::read(&path).expect("there");
    let mut older: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    older.as_object_mut().expect("an object").remove("sealing").expect("it has them");
    std::fs::write(&path, older.to_string()).expect("written");
    let made = Identity::load(&bench.home).expect("loads").sealing;
    assert!(!made.is_empty());
    assert_eq!(Identity::load(&bench.home).expect("loads").sealing, made);
}
