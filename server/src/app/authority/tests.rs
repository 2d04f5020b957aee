use std::os::unix::fs::PermissionsExt;

use mesh_protocol::signed::key_id;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;

fn request(algorithm: &'static rcgen::SignatureAlgorithm) -> String {
    let key = KeyPair::generate_for(algorithm).expect("a key");
    let params = CertificateParams::new(vec!["portal.meshport.internal".to_owned()]).expect("valid names");
    params.serialize_request(&key).expect("a request").pem().expect("PEM")
}

#[test]
fn a_second_start_keeps_every_key_and_nobody_else_reads_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Authority::open(&folder.path().join("secrets")).expect("made");
    let second = Authority::open(&folder.path().join("secrets")).expect("loaded");
    assert_eq!(first.fingerprint(), second.fingerprint());
    assert_eq!(first.policy_keys(), second.policy_keys());
    assert_ne!(first.agents_ca_pem(), first.devices_ca_pem());
    for entry in std::fs::read_dir(folder.path().join("secrets")).expect("the folder") {
        let mode = entry.expect("a file").metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn an_agents_certificate_carries_its_id_and_nothing_it_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::open(folder.path()).expect("made");
    let agent = AgentId(uuid::Uuid::now_v7());
    let (pem, ends_at_ms) = authority.issue_agent(agent, &request(&PKCS_ECDSA_P256_SHA256)).expect("issued");
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
    let (_, certificate) = X509Certificate::from_der(&der).expect("a certificate");
    assert_eq!(certificate.subject().to_string(), format!("CN={agent}"));
    let names = format!("{:?}", certificate.subject_alternative_name().expect("readable").expect("present").value);
    assert!(!names.contains(PORTAL_TLS_NAME), "an agent can never play the portal: {names}");
    let (_, ca) = X509Certificate::from_der(authority.agents_ca()).expect("a certificate");
    certificate.verify_signature(Some(ca.public_key())).expect("signed by the agents' authority");
    let days = (ends_at_ms / 1000 - OffsetDateTime::now_utc().unix_timestamp()) / 86_400;
    assert!((CERTIFICATE_DAYS - 1..=CERTIFICATE_DAYS).contains(&days));
}

#[test]
fn only_p256_requests_are_signed() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::open(folder.path()).expect("made");
    let agent = AgentId(uuid::Uuid::now_v7());
    for csr in
        ["", "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----", &request(&rcgen::PKCS_ED25519)]
    {
        assert!(matches!(authority.issue_agent(agent, csr), Err(AuthorityError::Request)));
    }
}

#[test]
fn the_announced_keys_are_two_and_the_first_signs() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::open(folder.path()).expect("made");
    let signed = authority.sign(Domain::DesiredState, b"{}".to_vec());
    let keys = authority.policy_keys();
    assert_eq!(keys.len(), 2);
    let mut bytes = [0; 32];
    hex::decode_to_slice(&keys[0], &mut bytes).expect("hex");
    let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).expect("a key");
    assert_eq!(signed.key_id, key_id(&key));
    signed.verify(Domain::DesiredState, &[key]).expect("signed by the current key");
}

#[test]
fn a_damaged_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Authority::open(folder.path()).expect("made"));
    std::fs::write(folder.path().join("policy.key"), "xx").expect("written");
    let error = Authority::open(folder.path()).expect_err("damaged");
    assert!(error.to_string().contains("policy.key"), "{error}");
}
