//! Users of Kafka clusters that grants are made of: clients that speak to a cluster itself log in there, and the cluster's own
//! access lists hold them to what was granted.
//!
//! The secret itself is in no document: what travels is what the cluster is told, the salted password. Whoever has that can
//! log in as this one user, so it is sealed to the agent that keeps the cluster's users, whose own login there may set any
//! user's password anyway, and bound to agent, cluster and user: it opens nowhere else and for nobody else.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{AgentId, BrokerId, KafkaCredentialId};
use crate::sealed::{self, Key, Sealed};
use crate::signed::base64_bytes;

/// Rounds of PBKDF2 by which passwords are salted; Kafka takes 4,096 to 16,384.
pub const SCRAM_ITERATIONS: u32 = 8_192;

/// What boxes with passwords are for.
const PURPOSE: &[u8] = b"meshport/kafka-password/v1";

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
    /// How it logs in (SCRAM-SHA-512); none for one that is to be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// What it may do, and nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acls: Vec<KafkaAcl>,
}

/// A user's password as its agent is told it. Where it is not told, a user that is there stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Password {
    /// A [`Scram`], sealed to the agent ([`PasswordFor`]).
    Sealed(Sealed),
    /// The portal cannot read it any more.
    Lost,
    /// The agent has told no key yet that it could be sealed to.
    NoKey,
}

/// For whom a password is sealed: it opens for nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordFor<'a> {
    /// The agent that tells the cluster.
    pub agent: AgentId,
    /// The cluster.
    pub broker: BrokerId,
    /// The credential.
    pub credential: KafkaCredentialId,
    /// The user's name there.
    pub username: &'a str,
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
/// wanted of the same user can never be taken for it. How a password is sealed is no wish: a user has one for good, and an
/// agent's new key makes nothing of it otherwise.
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
        let password = self.password.as_ref().map(|password| match password {
            Password::Sealed(_) => Password::Sealed(Sealed::default()),
            told => told.clone(),
        });
        let text = serde_json::to_vec(&Self { password, ..self.clone() }).expect("names and numbers can be written");
        let digest = Sha256::digest(text);
        u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
    }

    /// Whether it is to be there at a moment, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn is_present(&self, now_ms: i64) -> bool {
        self.present && self.expires_at_ms.is_none_or(|ends| ends > now_ms)
    }
}

impl PasswordFor<'_> {
    /// Seals a password to the agent's public key. `entropy` is made from all that it is given, with a key of the sealer's own
    /// (see [`sealed`](crate::sealed)). None = that is no key.
    #[must_use]
    pub fn seal(&self, scram: &Scram, to: &Key, entropy: impl FnOnce(&[&[u8]]) -> [u8; 32]) -> Option<Sealed> {
        let text = serde_json::to_vec(scram).expect("numbers and texts can be written");
        let bound = self.bound();
        sealed::seal(to, &entropy(&[PURPOSE, to, &bound, &text]), PURPOSE, &bound, &text)
    }

    /// Opens a password with the agent's private key; none = it is sealed to another one, for another user, or altered.
    #[must_use]
    pub fn open(&self, sealed: &Sealed, key: &Key) -> Option<Scram> {
        let text = sealed::open(sealed, key, PURPOSE, &self.bound())?;
        serde_json::from_slice(&text).ok()
    }

    /// Three ids of fixed length, and the name.
    fn bound(&self) -> Vec<u8> {
        let ids = [self.agent.0, self.broker.0, self.credential.0].map(|id| *id.as_bytes());
        [ids.concat().as_slice(), self.username.as_bytes()].concat()
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

    /// The agent's key.
    const MINE: Key = [5; 32];

    fn scram() -> Scram {
        Scram { iterations: 4_096, salt: vec![1; 16], salted_password: vec![2; 64] }
    }

    fn place() -> PasswordFor<'static> {
        let [agent, broker, credential] = [3, 2, 1].map(Uuid::from_u128);
        let username = "mp-0123456789ab-c0ffee00";
        PasswordFor { agent: agent.into(), broker: broker.into(), credential: credential.into(), username }
    }

    /// Told from all it is given; a real sealer has a key for it.
    fn entropy(parts: &[&[u8]]) -> [u8; 32] {
        Sha256::digest(parts.concat()).into()
    }

    fn boxed() -> Sealed {
        place().seal(&scram(), &sealed::public_of(&MINE), entropy).expect("a key")
    }

    fn user() -> KafkaUser {
        KafkaUser {
            id: KafkaCredentialId(Uuid::from_u128(1)),
            username: "mp-0123456789ab-c0ffee00".to_owned(),
            present: true,
            expires_at_ms: None,
            password: Some(Password::Sealed(boxed())),
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
        assert_eq!(format!("{:?}", scram()), "Scram(4096 rounds)");
        assert!(!format!("{:?}", user()).contains("[2, 2"));
        let (salted, salt) = (scram().salted_password, scram().salt);
        let base64 = |bytes: &[u8]| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes);
        for secret in [hex::encode(&salted), base64(&salted), hex::encode(&salt), base64(&salt)] {
            assert!(!text.contains(secret.trim_end_matches('=')), "{text}");
        }
        for told in [Password::Lost, Password::NoKey] {
            let user = KafkaUser { password: Some(told), ..user() };
            let text = serde_json::to_string(&user).expect("JSON");
            assert_eq!(serde_json::from_str::<KafkaUser>(&text).expect("a user"), user);
        }
    }

    #[test]
    fn a_password_opens_with_its_agents_key_and_for_its_user_alone() {
        assert_eq!(place().open(&boxed(), &MINE), Some(scram()));
        assert_eq!(place().open(&boxed(), &[6; 32]), None, "another agent's key");
        let other = Uuid::from_u128(77);
        for foreign in [
            PasswordFor { agent: other.into(), ..place() },
            PasswordFor { broker: other.into(), ..place() },
            PasswordFor { credential: other.into(), ..place() },
            PasswordFor { username: "mp-0123456789ab-c0ffee01", ..place() },
        ] {
            assert_eq!(foreign.open(&boxed(), &MINE), None, "{foreign:?}");
        }
    }

    #[test]
    fn what_a_box_is_made_from_is_all_that_it_says_and_for_whom() {
        let all = std::cell::RefCell::new(Vec::new());
        let seal = |place: PasswordFor<'_>, scram: &Scram, to: Key| {
            let sealed = place.seal(scram, &sealed::public_of(&to), |parts| {
                let entropy = entropy(parts);
                all.borrow_mut().push(entropy);
                entropy
            });
            sealed.expect("a key")
        };
        assert_eq!(seal(place(), &scram(), MINE), boxed(), "the same is always the same");
        seal(place(), &scram(), [6; 32]);
        seal(place(), &Scram { salt: vec![3; 16], ..scram() }, MINE);
        seal(PasswordFor { username: "another", ..place() }, &scram(), MINE);
        seal(PasswordFor { broker: Uuid::from_u128(7).into(), ..place() }, &scram(), MINE);
        let mut drawn = all.into_inner();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), 5, "no two of them share a key");
    }

    #[test]
    fn what_is_wanted_otherwise_has_another_number() {
        let others = [
            KafkaUser { present: false, ..user() },
            KafkaUser { acls: Vec::new(), ..user() },
            KafkaUser { expires_at_ms: Some(1), ..user() },
            KafkaUser { password: None, ..user() },
            KafkaUser { password: Some(Password::Lost), ..user() },
            KafkaUser { password: Some(Password::NoKey), ..user() },
        ];
        assert_eq!(user().wanted(), user().wanted());
        let anew = place().seal(&scram(), &sealed::public_of(&[6; 32]), entropy).expect("a key");
        let renewed = KafkaUser { password: Some(Password::Sealed(anew)), ..user() };
        assert!(renewed != user() && renewed.wanted() == user().wanted(), "a new key of the agent is no other wish");
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
