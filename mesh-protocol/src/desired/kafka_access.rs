//! Users of Kafka clusters that grants are made of: clients that speak to a cluster itself log in there, and the cluster's own
//! access lists hold them to what was granted.
//!
//! The secret itself is in no document: what travels is what the cluster is told, the salted password. Whoever has that can
//! log in as this one user, so it goes only to the agent that keeps the cluster's users, whose own login there may set any
//! user's password anyway.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{BrokerId, KafkaCredentialId};
use crate::signed::base64_bytes;

/// Rounds of PBKDF2 by which passwords are salted; Kafka takes 4,096 to 16,384.
pub const SCRAM_ITERATIONS: u32 = 8_192;

/// The users of one cluster, all that are wanted there and all that must still be taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KafkaAccess {
    /// Which cluster; its connection stands among the document's brokers.
    pub broker: BrokerId,
    /// What the names of all users begin with that this mesh keeps by this connection, and of nobody else. The agent touches no
    /// user and no access of a user without it, and takes away whoever has it and is not listed.
    pub prefix: String,
    /// In a lasting order.
    pub users: Vec<KafkaUser>,
}

impl KafkaAccess {
    /// Whether its prefix sets its users apart from all others, and each of them has it. An agent takes away whoever has the
    /// prefix and is not listed, so that one that is too short could cost others their access.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub fn check(&self) -> Result<(), String> {
        let digits = self.prefix.strip_prefix("mp-").and_then(|rest| rest.strip_suffix('-'));
        let is_digit = |sign: char| sign.is_ascii_digit() || ('a'..='f').contains(&sign);
        if !digits.is_some_and(|digits| digits.len() == 12 && digits.chars().all(is_digit)) {
            return Err(format!("`{}` is no prefix of users: it is `mp-`, 12 hex digits and `-`", self.prefix));
        }
        match self.users.iter().find(|user| !self.is_own(&user.username)) {
            Some(user) => Err(format!("the user {} does not begin with {}", user.username, self.prefix)),
            None => Ok(()),
        }
    }

    /// Whether a user of this name is one that this mesh keeps here.
    #[must_use]
    pub fn is_own(&self, username: &str) -> bool {
        username.strip_prefix(&self.prefix).is_some_and(|rest| !rest.is_empty())
    }
}

/// One user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KafkaUser {
    /// The credential; state is told by it.
    pub id: KafkaCredentialId,
    /// The user's name, which begins with the prefix.
    pub username: String,
    /// It is to be there; otherwise it and all its access are to be gone.
    pub present: bool,
    /// After this it is as if it were not to be there, in milliseconds since the Unix epoch; none = it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
    /// How it logs in (SCRAM-SHA-512); none = nobody can say any more: a user that is there stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scram: Option<Scram>,
    /// What it may do, and nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acls: Vec<KafkaAcl>,
}

/// A salted password, as a cluster takes it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scram {
    /// Rounds.
    pub iterations: u32,
    /// Random bytes.
    #[serde(with = "base64_bytes")]
    pub salt: Vec<u8>,
    /// `Hi(secret, salt, iterations)` with SHA-512: 64 bytes.
    #[serde(with = "base64_bytes")]
    pub salted_password: Vec<u8>,
}

/// One thing that a user may do, from every host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KafkaAcl {
    /// To what kind of thing.
    pub resource: KafkaResource,
    /// How it is named.
    pub pattern: KafkaPattern,
    /// Its name, or what its name begins with.
    pub name: String,
    /// What.
    pub operation: KafkaOperation,
}

/// What a right is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KafkaResource {
    /// Topics.
    Topic,
    /// Consumer groups.
    Group,
}

/// How what a right is about is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KafkaPattern {
    /// The one of this name.
    Literal,
    /// All whose names begin so.
    Prefixed,
}

/// What one may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KafkaOperation {
    /// Consume; of a group: be in it and commit.
    Read,
    /// Produce.
    Write,
    /// See that it exists, and its partitions.
    Describe,
}

/// A user as one document wants it: what is said about it is said about exactly this. A word about what an older document
/// wanted of the same user can never be taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KafkaUserRef {
    /// The credential.
    pub id: KafkaCredentialId,
    /// [`KafkaUser::wanted`] of it.
    pub wanted: u32,
}

impl KafkaUser {
    /// What reports call it.
    #[must_use]
    pub fn reference(&self) -> KafkaUserRef {
        KafkaUserRef { id: self.id, wanted: self.wanted() }
    }

    /// A number for what is wanted of it: another one when anything of it is otherwise.
    #[must_use]
    pub fn wanted(&self) -> u32 {
        let text = serde_json::to_vec(self).expect("names and numbers can be written");
        let digest = Sha256::digest(text);
        u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
    }

    /// Whether it is to be there at a moment, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn is_present(&self, now_ms: i64) -> bool {
        self.present && self.expires_at_ms.is_none_or(|ends| ends > now_ms)
    }
}

impl fmt::Debug for Scram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scram({} rounds)", self.iterations)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user() -> KafkaUser {
        KafkaUser {
            id: KafkaCredentialId(Uuid::from_u128(1)),
            username: "mp-0123456789ab-c0ffee00".to_owned(),
            present: true,
            expires_at_ms: None,
            scram: Some(Scram { iterations: 4_096, salt: vec![1; 16], salted_password: vec![2; 64] }),
            acls: vec![KafkaAcl {
                resource: KafkaResource::Topic,
                pattern: KafkaPattern::Literal,
                name: "orders".to_owned(),
                operation: KafkaOperation::Read,
            }],
        }
    }

    #[test]
    fn a_user_is_read_as_written_and_shows_no_password() {
        let text = serde_json::to_string(&user()).expect("JSON");
        assert!(
            text.contains(r#""resource":"topic","pattern":"literal","name":"orders","operation":"read""#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<KafkaUser>(&text).expect("a user"), user());
        assert!(format!("{:?}", user()).contains("Scram(4096 rounds)"));
        assert!(!format!("{:?}", user()).contains("AQEB") && !format!("{:?}", user()).contains("[2, 2"));
    }

    #[test]
    fn what_is_wanted_otherwise_has_another_number() {
        let others = [
            KafkaUser { present: false, ..user() },
            KafkaUser { acls: Vec::new(), ..user() },
            KafkaUser { expires_at_ms: Some(1), ..user() },
            KafkaUser { scram: None, ..user() },
        ];
        assert_eq!(user().wanted(), user().wanted());
        assert!(others.iter().all(|other| other.wanted() != user().wanted()));
    }

    #[test]
    fn a_prefix_that_could_be_others_is_refused() {
        let access = |prefix: &str| KafkaAccess {
            broker: BrokerId(Uuid::from_u128(2)),
            prefix: prefix.to_owned(),
            users: vec![user()],
        };
        assert_eq!(access("mp-0123456789ab-").check(), Ok(()));
        for prefix in ["", "m", "mp-", "mp--", "mp-0123456789ab", "mp-0123456789AB-", "mp-0123456789-"] {
            assert!(access(prefix).check().expect_err(prefix).contains("12 hex digits"));
        }
        assert!(access("mp-ffffffffffff-").check().expect_err("another's").contains("does not begin with"));
        assert!(!access("mp-0123456789ab-").is_own("mp-0123456789ab-"), "nobody has the bare prefix");
    }

    #[test]
    fn a_user_ends_by_the_clock() {
        let ends = KafkaUser { expires_at_ms: Some(10), ..user() };
        assert!(ends.is_present(9) && !ends.is_present(10) && user().is_present(i64::MAX));
        assert!(!KafkaUser { present: false, ..user() }.is_present(0));
    }
}
