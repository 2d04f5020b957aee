//! Mail about what one is told: one's own settings.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Answer;

/// What may be asked about one's own mail.
pub trait MailApi: Send + Sync + 'static {
    /// `GET /api/v1/me/mail`: the caller's address and what they get. A service token has none: 409.
    fn my_mail(&self) -> Answer<'_, MailView>;
    /// `PUT /api/v1/me/mail`.
    fn update_my_mail(&self, input: MailInput) -> Answer<'_, MailView>;
    /// `POST /api/v1/me/mail/test`: sends a test message to the caller's address, and says what the mail server said.
    fn send_test_mail(&self) -> Answer<'_, ()>;
}

/// How soon one gets mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailPace {
    /// Never.
    Off,
    /// At once.
    #[default]
    Now,
    /// Once a day, at 06:00 UTC, if there is anything unread.
    Daily,
}

/// One's own mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MailView {
    /// What is set.
    pub config: MailInput,
    /// This portal sends mail.
    pub configured: bool,
}

/// One's own mail, to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MailInput {
    /// Where; empty = nowhere.
    #[serde(default)]
    pub email: String,
    /// How soon.
    #[serde(default)]
    pub pace: MailPace,
    /// Names of the kinds; none = those that ask for an action, also later ones.
    #[serde(default)]
    pub kinds: Option<BTreeSet<String>>,
}
