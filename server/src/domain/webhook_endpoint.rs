//! Endpoints of other systems that are told what people are told, by the Standard Webhooks specification 1.0.
//!
//! A message has an id that stays the same however often it is sent, so that a receiver can leave out what it has; it is
//! signed with the time of the attempt, so that nobody can send an old one again. Whoever cannot be reached is tried for
//! three days at growing distances; an endpoint that fails for five days is switched off, and admins are told.

use std::collections::BTreeSet;

use base64::prelude::{BASE64_STANDARD, Engine};
use mesh_protocol::desired::check_webhook_url;
use mesh_protocol::id::{WebhookDeliveryId, WebhookEndpointId};
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::field::FieldErrors;
use super::notification::{Kind, fitted};

/// Kind of a message that somebody sends to see whether it arrives.
pub const TEST_KIND: &str = "webhook.test";
/// Before a secret's base64, by the specification.
const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret; the specification asks for 24 to 64.
pub const SECRET_BYTES: usize = 32;
/// Longest time that an old secret signs beside the new one, in hours.
pub const OVERLAP_HOURS_MAX: u32 = 168;
/// A message is tried for so long.
pub const TRIED_MS: i64 = 3 * 24 * 60 * 60 * 1000;
/// An endpoint that fails for so long is switched off.
pub const FAILING_MS: i64 = 5 * 24 * 60 * 60 * 1000;
/// The first distance between attempts, and the longest.
const PAUSE_MS: i64 = 5_000;
const PAUSE_MS_MAX: i64 = 6 * 60 * 60 * 1000;
/// Longest pause that an endpoint gets by asking for it.
pub const RETRY_AFTER_MS_MAX: i64 = 60 * 60 * 1000;
/// How much of an answer is kept, in characters.
pub const RESPONSE_CHARS_MAX: usize = 1024;
/// How many attempts of a message are kept, the newest.
pub const ATTEMPTS_KEPT: usize = 10;
/// Most endpoints.
pub const ENDPOINTS_MAX: usize = 50;

/// An endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Stable id.
    pub id: WebhookEndpointId,
    /// What a person chose.
    pub spec: Spec,
    /// Why it was switched off by the portal; empty = it was not.
    pub gave_up: String,
    /// Since when every attempt fails, milliseconds since the Unix epoch; none = the last one worked.
    pub failing_since_ms: Option<i64>,
    /// Until when the secret before the present one signs too, milliseconds since the Unix epoch.
    pub overlap_until_ms: Option<i64>,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Who changed it last.
    pub updated_by: String,
}

/// What a person chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Unique.
    pub name: String,
    /// Where messages go.
    pub url: String,
    /// Names of the kinds it is told; empty = all, also later ones.
    pub kinds: BTreeSet<String>,
    /// Addresses of private networks and of the portal's own machine may be called.
    pub private_addresses: bool,
    /// It is told.
    pub enabled: bool,
}

impl Spec {
    /// Checks everything.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.name("name", &self.name);
        errors.take("url", check_webhook_url(&self.url));
        if self.url.starts_with("http://") && !self.private_addresses {
            errors.add("url", "must begin with `https://`: without it only private addresses can be called");
        }
        if let Some(unknown) = self.kinds.iter().find(|kind| Kind::by_name(kind).is_none()) {
            errors.add("kinds", format_args!("hold `{unknown}`, which nothing sends: take it out"));
        }
        errors.check()
    }

    /// Whether it is told of a kind.
    #[must_use]
    pub fn wants(&self, kind: &str) -> bool {
        self.enabled && (self.kinds.is_empty() || self.kinds.contains(kind))
    }
}

/// The secrets of an endpoint as they are now. Never shown again, and in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// Signs.
    pub current: Vec<u8>,
    /// Signs too, until it is taken away.
    pub old: Option<Vec<u8>>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

/// A secret as a receiver configures it.
#[must_use]
pub fn secret_text(secret: &[u8]) -> String {
    format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(secret))
}

impl Secrets {
    /// The header `webhook-signature` of a message sent at a time (seconds since the Unix epoch): one for each secret.
    #[must_use]
    pub fn signatures(&self, id: &str, at_s: i64, body: &str) -> String {
        let signed = format!("{id}.{at_s}.{body}");
        let sign = |secret: &Vec<u8>| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            format!("v1,{}", BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes())))
        };
        let all: Vec<String> = std::iter::once(&self.current).chain(&self.old).map(sign).collect();
        all.join(" ")
    }
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It will be sent, or sent again.
    Waiting,
    /// The endpoint took it.
    Delivered,
    /// It will not be sent by itself any more.
    GivenUp,
}

/// A message to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Stable id; the receiver gets it as the id of the message.
    pub id: WebhookDeliveryId,
    /// To whom.
    pub endpoint: WebhookEndpointId,
    /// What kind of thing it tells.
    pub kind: String,
    /// JSON, as it is signed and sent.
    pub body: String,
    /// Where it is.
    pub state: State,
    /// Since when it is tried, milliseconds since the Unix epoch.
    pub made_at_ms: i64,
    /// When it is sent next, milliseconds since the Unix epoch.
    pub next_at_ms: i64,
    /// How often it was tried.
    pub tries: u32,
    /// The newest attempts, oldest first.
    pub attempts: Vec<Attempt>,
}

/// One attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// The status of the answer; none = there was no answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// Why it did not work; empty = it did.
    #[serde(default)]
    pub trouble: String,
    /// The beginning of the answer.
    #[serde(default)]
    pub response: String,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For the log.
    pub attempt: Attempt,
    /// The endpoint asked not to be called earlier than after so many milliseconds.
    pub retry_after_ms: Option<i64>,
}

/// HTTP 410: the receiver says that it is gone for good.
const GONE: u16 = 410;

impl Answer {
    /// Whether the endpoint took the message.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.attempt.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the endpoint says that it is gone for good.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.attempt.status == Some(GONE)
    }
}

impl Delivery {
    /// A new one, to be sent at once.
    #[must_use]
    pub fn new(id: WebhookDeliveryId, endpoint: WebhookEndpointId, kind: &str, body: String, now_ms: i64) -> Self {
        Self {
            id,
            endpoint,
            kind: kind.to_owned(),
            body,
            state: State::Waiting,
            made_at_ms: now_ms,
            next_at_ms: now_ms,
            tries: 0,
            attempts: Vec::new(),
        }
    }

    /// The id that the receiver sees.
    #[must_use]
    pub fn message_id(&self) -> String {
        format!("msg_{}", self.id.0.simple())
    }

    /// Begins anew, as when somebody asks for it.
    pub fn again(&mut self, now_ms: i64) {
        self.state = State::Waiting;
        (self.made_at_ms, self.next_at_ms, self.tries) = (now_ms, now_ms, 0);
    }

    /// Notes what came of an attempt, and when the next one is. `chance` is 0 to 1: attempts of many messages that failed
    /// together must not come together again.
    pub fn note(&mut self, answer: &Answer, chance: f64) {
        let at_ms = answer.attempt.at_ms + answer.attempt.took_ms;
        let mut attempt = answer.attempt.clone();
        attempt.response = fitted(&attempt.response, RESPONSE_CHARS_MAX);
        self.attempts.push(attempt);
        if self.attempts.len() > ATTEMPTS_KEPT {
            self.attempts.remove(0);
        }
        self.tries = self.tries.saturating_add(1);
        if answer.is_taken() {
            self.state = State::Delivered;
            return;
        }
        let asked = answer.retry_after_ms.unwrap_or_default().min(RETRY_AFTER_MS_MAX);
        self.next_at_ms = at_ms + pause_ms(self.tries, chance).max(asked);
        let is_over = self.next_at_ms - self.made_at_ms > TRIED_MS;
        self.state = if is_over || answer.is_gone() { State::GivenUp } else { State::Waiting };
    }
}

/// The pause after so many tries: twice as long each time, up to six hours, and half of it left to chance.
#[must_use]
pub fn pause_ms(tries: u32, chance: f64) -> i64 {
    let doubled = 1_i64.checked_shl(tries.saturating_sub(1).min(30)).unwrap_or(i64::MAX);
    let whole = PAUSE_MS.saturating_mul(doubled).min(PAUSE_MS_MAX);
    let half = whole / 2;
    #[expect(clippy::cast_possible_truncation, reason = "at most three hours in milliseconds")]
    let drawn = (half as f64 * chance.clamp(0.0, 1.0)) as i64;
    half + drawn
}

impl Endpoint {
    /// Notes what came of an attempt; gives why the endpoint must be switched off now, when it must.
    pub fn note(&mut self, answer: &Answer) -> Option<String> {
        let at_ms = answer.attempt.at_ms;
        if answer.is_taken() {
            self.failing_since_ms = None;
            return None;
        }
        let since = *self.failing_since_ms.get_or_insert(at_ms);
        let why = if answer.is_gone() {
            "it answered 410 Gone: it is there no more".to_owned()
        } else if at_ms - since >= FAILING_MS {
            format!("every attempt failed for five days; the last one: {}", answer.attempt.trouble)
        } else {
            return None;
        };
        self.spec.enabled = false;
        self.gave_up.clone_from(&why);
        Some(why)
    }
}

#[cfg(test)]
mod tests;
