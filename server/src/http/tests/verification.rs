//! What docs/notifications.md tells receivers to do works as it stands there.

#[expect(unreachable_pub, reason = "it stands in the docs as receivers write it")]
mod receiver;

use std::process::Command;

use receiver::is_genuine;

use crate::domain::webhook_endpoint::{Secrets, secret_text};

const DOCS: &str = include_str!("../../../../docs/notifications.md");
const RECEIVER: &str = include_str!("verification/receiver.rs");
const BODY: &str = r#"{"type":"design.released"}"#;
const AT_S: i64 = 1_700_000_000;

/// The first block of a language in the docs.
fn block(language: &str) -> &'static str {
    let begins = format!("```{language}\n");
    let rest = DOCS.split_once(&begins).expect("there is one").1;
    rest.split_once("```").expect("it ends").0
}

/// Secret and signatures of a message, as a receiver has them.
fn signed() -> (String, String) {
    let secrets = Secrets { current: vec![7; 32], old: Some(vec![8; 32]) };
    (secret_text(&secrets.current), secrets.signatures("msg_1", AT_S, BODY))
}

#[test]
fn the_rust_of_the_docs_believes_what_is_genuine_and_nothing_else() {
    assert_eq!(block("rust"), RECEIVER, "docs/notifications.md shows this very file");
    let (secret, signatures) = signed();
    let at = AT_S.to_string();
    let body = BODY.as_bytes();
    assert!(is_genuine(&secret, "msg_1", &at, &signatures, body, AT_S + 299));
    assert!(is_genuine(&secret_text(&[8; 32]), "msg_1", &at, &signatures, body, AT_S), "either secret of an overlap");
    assert!(!is_genuine(&secret_text(&[9; 32]), "msg_1", &at, &signatures, body, AT_S), "another secret");
    assert!(!is_genuine(&secret, "msg_2", &at, &signatures, body, AT_S), "another id");
    assert!(!is_genuine(&secret, "msg_1", &at, &signatures, b"{}", AT_S), "another body");
    assert!(!is_genuine(&secret, "msg_1", &at, &signatures, body, AT_S + 301), "an old one");
    assert!(!is_genuine("secret", "msg_1", &at, &signatures, body, AT_S), "no secret");
}

#[test]
fn the_python_of_the_docs_does_the_same() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("there is no python3 here: its part of the docs was not run");
        return;
    }
    let (secret, signatures) = signed();
    let program = format!(
        "{}\nheaders = {{'webhook-id': 'msg_1', 'webhook-timestamp': '{AT_S}', 'webhook-signature': '{signatures}'}}\n\
         body = b'{BODY}'\n\
         assert is_genuine('{secret}', headers, body, {AT_S})\n\
         assert not is_genuine('{secret}', headers, b'x', {AT_S})\n\
         assert not is_genuine('{secret}', headers, body, {AT_S} + 301)\n\
         assert not is_genuine('whsec_CQkJ', headers, body, {AT_S})\n",
        block("python")
    );
    let output = Command::new("python3").args(["-c", &program]).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
