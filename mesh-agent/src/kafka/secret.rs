//! Passwords of clusters, kept at the agent and named in desired state.

use std::fmt;

/// The agent's own store of secrets (`mesh-agent secret set NAME`).
pub trait Secrets: Send + Sync + fmt::Debug {
    /// The secret of this name; none = nobody has set it here.
    fn get(&self, name: &str) -> Option<Secret>;
}

/// A secret that does not show itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one who hands it to a client library.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// No secrets at all, for clusters without a login.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn get(&self, _: &str) -> Option<Secret> {
        None
    }
}
