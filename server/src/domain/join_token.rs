//! A join token: the one-time right to enrol an agent at a site.

use mesh_protocol::id::{AgentId, SiteId};
use uuid::Uuid;

/// How long a token that nobody used stays good.
pub const LIFETIME_MS: i64 = 60 * 60 * 1000;

/// A token as stored; its secret is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinToken {
    /// Stable id, for the page that watches it.
    pub id: Uuid,
    /// Which site it opens.
    pub site: SiteId,
    /// Whose place the agent takes that comes with it.
    pub replaces: Option<AgentId>,
    /// Who made it.
    pub created_by: String,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// Milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
    /// The key that used it, and the agent that came of it.
    pub used: Option<Use>,
    /// Withdrawn by a person, milliseconds since the Unix epoch.
    pub revoked_at_ms: Option<i64>,
}

/// Who used a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The agent's public key, 64 hex digits.
    pub key: String,
    /// The agent that was enrolled.
    pub agent: AgentId,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// What a token allows this key now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Enrol a new agent.
    Enrol,
    /// This key enrolled with it before and lost the answer: give it again.
    Repeat(AgentId),
}

/// Why a token does not open anything, for the person at the agent's console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another key used it.
    #[error("this join token was used already by another agent: copy a new one from the site's page")]
    Used,
    /// Its time is over.
    #[error("this join token has expired: copy a new one from the site's page")]
    Expired,
    /// A person withdrew it.
    #[error("this join token was withdrawn: copy a new one from the site's page")]
    Withdrawn,
}

impl JoinToken {
    /// Decides a call with this token.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn decide(&self, key: &str, now_ms: i64) -> Result<Verdict, Refusal> {
        match &self.used {
            Some(used) if used.key == key => Ok(Verdict::Repeat(used.agent)),
            Some(_) => Err(Refusal::Used),
            None if self.revoked_at_ms.is_some() => Err(Refusal::Withdrawn),
            None if now_ms >= self.expires_at_ms => Err(Refusal::Expired),
            None => Ok(Verdict::Enrol),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> JoinToken {
        JoinToken {
            id: Uuid::nil(),
            site: SiteId(Uuid::nil()),
            replaces: None,
            created_by: "ada".into(),
            created_at_ms: 0,
            expires_at_ms: 100,
            used: None,
            revoked_at_ms: None,
        }
    }

    #[test]
    fn a_token_opens_once() {
        assert_eq!(token().decide("aa", 99), Ok(Verdict::Enrol));
        assert_eq!(token().decide("aa", 100), Err(Refusal::Expired));
        assert_eq!(JoinToken { revoked_at_ms: Some(1), ..token() }.decide("aa", 2), Err(Refusal::Withdrawn));
    }

    #[test]
    fn the_key_that_used_it_may_ask_again_and_no_other() {
        let agent = AgentId(Uuid::from_u128(7));
        let used = JoinToken { used: Some(Use { key: "aa".into(), agent, at_ms: 50 }), ..token() };
        assert_eq!(used.decide("aa", 1_000), Ok(Verdict::Repeat(agent)), "also after its time");
        assert_eq!(used.decide("bb", 60), Err(Refusal::Used));
    }
}
