//! Credentials with certificates: who gets one, what is given once and kept nowhere, and what agents are told.

use rcgen::{CertificateParams, KeyPair};

use super::*;

/// The certificates that the agent knows.
async fn known(market: &Market) -> Vec<String> {
    let snapshot = market.portal.app.snapshot().await.expect("read");
    let document = snapshot.mesh.desired(market.agent).expect("a document");
    document.certificates.iter().map(|one| one.fingerprint.to_string()).collect()
}

async fn granted(market: &Market) -> String {
    let plan = market.plan("free", json!({"kind": "auto"})).await;
    market.publish().await;
    let shop = market.application("shop").await;
    market.dev("POST", "access-requests", market.wish(&shop, &plan)).await;
    shop
}

/// A listener with TLS at the agent's site.
async fn listener(market: &Market) -> Value {
    let agents = market.ok(&market.admin, "GET", "agents", None).await;
    json!({"site": agents["items"][0]["site"], "name": "mqtts", "protocol": "mqtt", "bind": "0.0.0.0:8883",
        "payload_bytes_max": 1024, "connections_max": 10, "custody_timeout_ms": 1000, "tls": true,
        "server_names": ["mqtt.lyon.example"]})
}

#[tokio::test]
async fn a_key_that_the_portal_makes_is_given_once_and_kept_nowhere() {
    let market = Market::start().await;
    let shop = granted(&market).await;
    let issue = format!("applications/{shop}/certificates");
    let issued = market.dev("POST", &issue, json!({"credential": {"username": "wall-7"}})).await;
    let key = text(&issued["key_pem"]);
    let pair = KeyPair::from_pem(&key).expect("a key");
    assert!(text(&issued["certificate_pem"]).contains("BEGIN CERTIFICATE"));
    assert_eq!(
        (&issued["credential"]["secrets"], &issued["credential"]["works"]),
        (&json!(0), &json!(true)),
        "no secret beside it"
    );
    assert_eq!(issued["credential"]["certificates"][0]["fingerprint"], issued["fingerprint"]);
    let authority = market.ok(&market.dev, "GET", "listener-authority", None).await;
    assert_eq!(issued["authority_pem"], authority["pem"]);
    let secret: String = key.lines().nth(1).expect("a line").to_owned();
    let entries = market.portal.app.store().read().await.expect("open").audit_after(0, 1_000).await.expect("read");
    assert!(!format!("{entries:?}").contains(&secret), "the audit trail");
    for path in [format!("applications/{shop}/credentials"), "policy/document".to_owned()] {
        let told = market.ok(&market.admin, "GET", &path, None).await.to_string();
        assert!(!told.contains(&secret) && !told.contains("PRIVATE KEY"), "{path}");
    }
    let again = market.dev("POST", &issue, json!({"credential": {"username": "wall-8"}})).await;
    assert_ne!(text(&again["key_pem"]), key, "nobody gets it a second time");
    // A request of one's own: the portal has no key to give.
    let params = CertificateParams::new(Vec::new()).expect("no names");
    let csr = params.serialize_request(&pair).expect("a request").pem().expect("PEM");
    let own = json!({"credential": {"username": "wall-9"}, "certificate": {"csr_pem": csr, "days": 5}});
    let own = market.dev("POST", &issue, own).await;
    assert_eq!(own["key_pem"], Value::Null);
    let days = (own["ends_at"].as_i64().expect("a time") - crate::app::clock::now_ms()) / (24 * 3_600_000);
    assert!((4..=5).contains(&days), "{days}");
}

#[tokio::test]
async fn agents_know_certificates_where_there_is_tls_until_they_are_replaced_or_removed() {
    let market = Market::start().await;
    let shop = granted(&market).await;
    let issue = format!("applications/{shop}/certificates");
    let one = market.dev("POST", &issue, json!({})).await;
    assert_eq!(known(&market).await, [""; 0], "nobody could show one there");
    market.ok(&market.admin, "POST", "listeners", Some(listener(&market).await)).await;
    assert_eq!(known(&market).await, [text(&one["fingerprint"])]);
    let id = text(&one["credential"]["id"]);
    let renew = format!("credentials/{id}/certificates");
    let two = market.dev("POST", &renew, json!({"overlap_minutes": 5})).await;
    assert_eq!(two["credential"]["certificates"].as_array().map(Vec::len), Some(2), "both while the rotation overlaps");
    let three = market.dev("POST", &renew, json!({})).await;
    assert_eq!(known(&market).await, [text(&three["fingerprint"])], "and at once without");
    let credential = &three["credential"];
    market.ok(&market.dev, "DELETE", &format!("credentials/{id}?revision={}", credential["revision"]), None).await;
    assert_eq!(known(&market).await, [""; 0]);
}

#[tokio::test]
async fn who_may_not_or_asks_wrongly_is_told_beside_the_field() {
    let market = Market::start().await;
    let shop = granted(&market).await;
    let issue = format!("applications/{shop}/certificates");
    let (_, eve) = market.portal.person(&market.admin, "eve", "developer").await;
    assert!(market.refused(&eve, "POST", &issue, json!({})).await.contains("belongs to dev"));
    let other = market.application("other").await;
    let told = market.refused(&market.dev, "POST", &format!("applications/{other}/certificates"), json!({})).await;
    assert!(told.contains("no access to anything yet"), "{told}");
    for (wish, field) in [
        (json!({"csr_pem": "x"}), "csr_pem this is not a certificate request"),
        (json!({"days": 0}), "days must be 1 to 397"),
        (json!({"days": 398}), "days must be 1 to 397"),
    ] {
        let told = market.refused(&market.dev, "POST", &issue, json!({"certificate": wish})).await;
        assert!(told.starts_with(field), "{told}");
    }
    let mut nameless = listener(&market).await;
    nameless["server_names"] = json!([]);
    let told = market.refused(&market.admin, "POST", "listeners", nameless.clone()).await;
    assert!(told.starts_with("server_names are needed"), "{told}");
    nameless["server_names"] = json!(["not a name"]);
    assert!(market.refused(&market.admin, "POST", "listeners", nameless).await.contains("neither a DNS name"));
}
