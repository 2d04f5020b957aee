//! Passwords of users, which only this agent can open.
//!
//! They are sealed to the agent's sealing key, which changes with each certificate. For a while the document in force may
//! be sealed to another key than those that the agent has: the portal learned of a newer one that is on its way here, or
//! the agent came back with older ones. Both are over with the next document, so that a user who is there stays until then.

use mesh_protocol::desired::{KafkaUser, Password, PasswordFor, Scram};
use mesh_protocol::id::{AgentId, BrokerId};

use crate::identity::Identity;
use crate::identity::sealing::SealingKeys;

/// Opens passwords at one cluster.
#[derive(Debug)]
pub(super) struct Opener<'a> {
    agent: AgentId,
    keys: &'a SealingKeys,
    broker: BrokerId,
}

/// Why a password is not known, in words for whoever looks at its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// The portal cannot read it any more.
    Lost,
    /// The portal has no key to seal it to.
    NoKey,
    /// It is sealed to a key that is not here.
    OtherKey,
    /// It does not open with the key that it names.
    Closed,
}

impl<'a> Opener<'a> {
    pub(super) fn new(identity: &'a Identity, broker: BrokerId) -> Self {
        Self { agent: identity.agent, keys: &identity.sealing, broker }
    }

    /// A user's password.
    pub(super) fn open(&self, user: &KafkaUser) -> Result<Scram, Unknown> {
        let sealed = match &user.password {
            Some(Password::Sealed(sealed)) => sealed,
            Some(Password::NoKey) => return Err(Unknown::NoKey),
            Some(Password::Lost) | None => return Err(Unknown::Lost),
        };
        let key = self.keys.named(&sealed.to).ok_or(Unknown::OtherKey)?;
        let place =
            PasswordFor { agent: self.agent, broker: self.broker, credential: user.id, username: &user.username };
        place.open(sealed, key.secret()).ok_or(Unknown::Closed)
    }
}

impl Unknown {
    /// Why a user is not made, and what to do.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Lost => {
                "its password cannot be read at the portal any more: remove the credential and make a new one"
            }
            Self::NoKey => {
                "the portal knows no key of this agent that its password could be sealed to: it learns it when the agent \
                 connects"
            }
            Self::OtherKey => {
                "its password is sealed to a key that this agent does not have; the portal seals it anew for the key that \
                 the agent has when it connects, and a user that is there stays as it is until then"
            }
            Self::Closed => {
                "its password does not open: it was sealed for another user or agent, or altered; remove the credential and \
                 make a new one"
            }
        }
    }

    /// Whether somebody has to know of it although the user is there, with a password that was set before.
    pub(super) fn concerns_who_is_there(self) -> bool {
        matches!(self, Self::OtherKey | Self::Closed)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use mesh_protocol::id::KafkaCredentialId;
    use mesh_protocol::sealed::Sealed;
    use sha2::{Digest, Sha256};
    use uuid::Uuid;

    use super::*;
    use crate::identity::sealing::SealingKey;

    const BROKER: u128 = 9;

    pub(in super::super) fn scram() -> Scram {
        Scram { iterations: 8_192, salt: vec![1; 16], salted_password: vec![2; 64] }
    }

    fn user(number: u128, password: Option<Password>) -> KafkaUser {
        KafkaUser {
            id: KafkaCredentialId(Uuid::from_u128(number)),
            username: format!("mp-0123456789ab-{number}"),
            present: true,
            expires_at_ms: None,
            password,
            acls: Vec::new(),
        }
    }

    fn boxed(agent: u128, number: u128, key: &SealingKey) -> Sealed {
        let user = user(number, None);
        let [agent, broker] = [agent, BROKER].map(Uuid::from_u128);
        let place =
            PasswordFor { agent: agent.into(), broker: broker.into(), credential: user.id, username: &user.username };
        let entropy = |parts: &[&[u8]]| Sha256::digest(parts.concat()).into();
        place.seal(&scram(), key.public(), entropy).expect("a key")
    }

    fn opened(keys: &SealingKeys, user: &KafkaUser) -> Result<Scram, Unknown> {
        let opener = Opener { agent: Uuid::from_u128(1).into(), keys, broker: Uuid::from_u128(BROKER).into() };
        opener.open(user)
    }

    fn sealed(sealed: Sealed) -> Option<Password> {
        Some(Password::Sealed(sealed))
    }

    #[test]
    fn it_opens_for_its_user_at_its_agent_alone() {
        let keys = SealingKeys::random();
        let mine = boxed(1, 1, keys.newest());
        assert_eq!(opened(&keys, &user(1, sealed(mine.clone()))), Ok(scram()));
        assert_eq!(opened(&keys, &user(2, sealed(mine.clone()))), Err(Unknown::Closed), "replayed for another user");
        let renamed = KafkaUser { username: "mp-0123456789ab-x".to_owned(), ..user(1, sealed(mine.clone())) };
        assert_eq!(opened(&keys, &renamed), Err(Unknown::Closed));
        assert_eq!(opened(&keys, &user(1, sealed(boxed(2, 1, keys.newest())))), Err(Unknown::Closed));
        assert_eq!(opened(&SealingKeys::random(), &user(1, sealed(mine))), Err(Unknown::OtherKey));
    }

    #[test]
    fn what_was_sealed_before_a_renewal_opens_after_it_and_the_other_way_round() {
        let before = SealingKeys::random();
        let after = before.rotated();
        let old = user(1, sealed(boxed(1, 1, before.newest())));
        let new = user(1, sealed(boxed(1, 1, after.newest())));
        assert_eq!(opened(&after, &old), Ok(scram()), "the document is not made anew yet");
        assert_eq!(opened(&after, &new), Ok(scram()));
        assert_eq!(opened(&before, &new), Err(Unknown::OtherKey), "the new key is not saved yet");
        assert_eq!(old.reference(), new.reference(), "nothing has to be said or done anew for a new key");
    }

    #[test]
    fn each_reason_says_what_it_waits_for() {
        let keys = SealingKeys::random();
        for (password, unknown, says) in [
            (None, Unknown::Lost, "make a new one"),
            (Some(Password::Lost), Unknown::Lost, "make a new one"),
            (Some(Password::NoKey), Unknown::NoKey, "when the agent connects"),
        ] {
            assert_eq!(opened(&keys, &user(1, password)), Err(unknown));
            assert!(unknown.reason().contains(says) && !unknown.concerns_who_is_there());
        }
        assert!(Unknown::OtherKey.reason().contains("seals it anew") && Unknown::OtherKey.concerns_who_is_there());
    }
}
