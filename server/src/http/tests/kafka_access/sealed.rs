//! Who can open a user's password in the documents of agents, and what becomes of it with the agent's next key.

use base64::prelude::{BASE64_STANDARD, Engine};
use mesh_protocol::desired::{DesiredState, Password};
use serde_json::json;

use super::{KEY, Key, PartState, Scram, Shop, public_of, text};

const NEXT_KEY: Key = [8; 32];

impl Shop {
    /// The document of the agent as it is kept and sent.
    async fn document(&self) -> String {
        let app = &self.market.portal.app;
        app.roll_out().await.expect("rolled out");
        let kept = app.store().read().await.expect("open").document(self.market.agent).await.expect("read");
        let (revision, signed) = kept.expect("a document");
        assert_eq!(revision, app.snapshot().await.expect("read").revision(), "it is the newest");
        String::from_utf8(signed.body).expect("JSON")
    }

    async fn has_key(&self, key: &Key) {
        self.market.joins_with(Some(hex::encode(public_of(key)))).await;
    }
}

/// Nothing of a password stands in a text.
fn says_nothing_of(document: &str, scram: &Scram) {
    for secret in [&scram.salted_password, &scram.salt] {
        for written in [hex::encode(secret), BASE64_STANDARD.encode(secret), json!(secret).to_string()] {
            assert!(!document.contains(written.trim_end_matches('=')), "{document}");
        }
    }
}

#[tokio::test]
async fn a_password_opens_at_its_agent_for_its_user_and_nowhere_else() {
    let shop = Shop::open(json!(["kafka"])).await;
    let secrets = [shop.issue().await, shop.issue().await].map(|issued| text(&issued["secret"]));
    let document = shop.document().await;
    let told = shop.told().await;
    let state: DesiredState = serde_json::from_str(&document).expect("a document");
    assert_eq!(state.kafka_access[0].users, told, "what is shown is about what the agent has");
    let [one, two] = told.as_slice() else { panic!("two users: {told:?}") };
    for user in [one, two] {
        let scram = shop.opened(user, user, &KEY).expect("opened");
        assert_eq!((scram.salt.len(), scram.salted_password.len()), (16, 64));
        says_nothing_of(&document, &scram);
        assert_eq!(shop.opened(user, user, &NEXT_KEY), None, "another agent's key");
    }
    assert!(secrets.iter().all(|secret| !document.contains(secret)));
    assert_ne!(shop.opened(one, one, &KEY), shop.opened(two, two, &KEY));
    assert_eq!(shop.opened(one, two, &KEY), None, "it is no password of the other user");
}

#[tokio::test]
async fn the_same_revision_says_the_same_at_every_portal() {
    let shop = Shop::open(json!(["kafka"])).await;
    shop.issue().await;
    let document = shop.document().await;
    let replica = shop.market.portal.replica().await;
    let again = replica.app.snapshot().await.expect("read").mesh.desired(shop.market.agent).expect("enrolled");
    assert_eq!(serde_json::to_string(&again).expect("JSON"), document);
    // Sealed once and then taken from before: also with the revisions that follow.
    let before = shop.told().await;
    shop.issue().await;
    assert_eq!(shop.told().await[0], before[0]);
}

#[tokio::test]
async fn with_the_agents_next_key_its_document_is_sealed_to_that_and_users_stay() {
    let shop = Shop::open(json!(["kafka"])).await;
    shop.issue().await;
    shop.says(PartState::Running, None).await;
    assert_eq!(shop.listed().await[0]["state"], "works");
    let before = shop.told().await[0].clone();
    let scram = shop.opened(&before, &before, &KEY).expect("opened");

    shop.has_key(&NEXT_KEY).await;
    let document = shop.document().await;
    says_nothing_of(&document, &scram);
    let after = shop.told().await[0].clone();
    assert_eq!(shop.opened(&after, &after, &NEXT_KEY), Some(scram), "the same password");
    assert_eq!(shop.opened(&after, &after, &KEY), None);
    assert_eq!(after.reference(), before.reference(), "nothing is wanted otherwise");
    assert_eq!(shop.listed().await[0]["state"], "works", "and so it goes on");
    let lacks = "its password is sealed to a key that this agent does not have";
    shop.says(PartState::Failing, Some(lacks)).await;
    let listed = shop.listed().await;
    assert_eq!((&listed[0]["state"], &listed[0]["detail"]), (&json!("failed"), &json!(lacks)));
}

#[tokio::test]
async fn until_the_agent_has_told_a_key_its_users_wait_for_that() {
    let shop = Shop::open_with(json!(["kafka"]), None).await;
    let issued = shop.issue().await;
    let credential = &issued["credential"];
    assert_eq!(credential["state"], "making");
    assert!(
        text(&credential["detail"]).contains("hq-1 has told no key yet that the password can be sealed to"),
        "{issued}"
    );
    assert_eq!(shop.told().await[0].password, Some(Password::NoKey));
    // Whatever the agent makes of it: nothing is wrong yet.
    shop.says(PartState::Failing, Some("the portal knows no key of this agent")).await;
    let waits = &shop.listed().await[0];
    assert_eq!(waits["state"], "making", "{waits}");
    assert!(text(&waits["detail"]).contains("has told no key yet"), "{waits}");

    shop.has_key(&KEY).await;
    let told = shop.told().await[0].clone();
    assert!(shop.opened(&told, &told, &KEY).is_some());
    assert_eq!(shop.listed().await[0]["state"], "making", "what was said before is not about this");
    shop.says(PartState::Running, None).await;
    assert_eq!(shop.listed().await[0]["state"], "works");
}

#[tokio::test]
async fn what_is_no_key_gets_no_password() {
    let shop = Shop::open_with(json!(["kafka"]), None).await;
    // 64 hex digits of a point with which nothing can be agreed on.
    shop.market.joins_with(Some("00".repeat(32))).await;
    shop.issue().await;
    assert_eq!(shop.told().await[0].password, Some(Password::NoKey));
}
