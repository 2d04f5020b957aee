//! Who sends a request: a principal's user name and secret, as Basic credentials or as one API key (in `X-Api-Key`, or as a
//! Bearer token).
//!
//! Checking a secret costs microseconds (it is random, so a fast keyed hash suffices), so every request is checked anew
//! and by the policy of its own moment.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mesh_protocol::event::{Origin, Protocol};
use mesh_protocol::policy::{Action, DenyReason};
use mesh_protocol::secret::of_api_key;

use super::Gate;
use super::problem::Problem;
use crate::listener::refusal;
use crate::listener::tls::Peer;
use crate::observe::{Client, ClientObserver};
use crate::policy::{Denied, Session};
use crate::quota::Metered;

/// Longest part of a user agent that names a client, in bytes.
const CLIENT_ID_MAX: usize = 128;
/// The header of API keys.
const API_KEY: &str = "x-api-key";

/// A caller who may connect.
pub(super) struct Caller {
    pub(super) session: Session,
    pub(super) watcher: Arc<dyn ClientObserver>,
    pub(super) origin: Origin,
    /// What it uses of its grants.
    pub(super) metered: Metered,
}

impl Gate {
    /// The caller of a request, by its certificate or by what the request says.
    pub(super) fn caller(&self, headers: &HeaderMap, peer: Peer) -> Result<Caller, Problem> {
        let client_id = client_id(headers);
        let (username, secret) = credentials(headers).unwrap_or_default();
        let given = |text: &'_ str| (!username.is_empty()).then(|| text.to_owned());
        let (name, secret) = (given(&username), given(&secret));
        let attempt = self.common.login(peer, name.as_deref(), secret.as_deref(), &client_id, Protocol::Http);
        let (session, username) = match attempt {
            Ok(found) => found,
            Err(denied) => {
                self.metrics.refused_logins.one();
                self.watcher(None, &username, &client_id).refused(refusal(Action::Connect, "", &denied));
                return Err(not_let_in(&denied));
            }
        };
        let principal = Some(session.principal());
        let enforced = self.common.enforcer.enforced().ok_or_else(|| not_let_in(&Denied::NoPolicy))?;
        let origin = Origin { site: enforced.site.id, principal, protocol: Protocol::Http };
        let watcher = self.watcher(principal, &username, &client_id);
        let metered = self.common.quotas.client(session.principal());
        Ok(Caller { session, watcher, origin, metered })
    }

    fn watcher(
        &self,
        principal: Option<mesh_protocol::id::PrincipalId>,
        username: &str,
        client_id: &str,
    ) -> Arc<dyn ClientObserver> {
        self.common.observer.client(Client {
            principal,
            principal_name: username.to_owned(),
            client_id: client_id.to_owned(),
            protocol: Protocol::Http,
            route: None,
            broker: None,
        })
    }
}

fn not_let_in(denied: &Denied) -> Problem {
    match denied {
        Denied::ByPolicy(DenyReason::NoCredentials | DenyReason::UnknownUser | DenyReason::WrongSecret) => {
            Problem::unauthorized(denied.to_string())
        }
        Denied::NoPolicy => Problem::later(denied.to_string()),
        _ => Problem::forbidden(denied),
    }
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    if let Some(key) = headers.get(API_KEY) {
        return of_api_key(key.to_str().ok()?);
    }
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return of_api_key(encoded);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (username, secret) = decoded.split_once(':')?;
    Some((username.to_owned(), secret.to_owned()))
}

/// HTTP clients have no id; their user agent stands for it.
fn client_id(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("http");
    agent.chars().take(CLIENT_ID_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_and_api_keys_are_read() {
        let of = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("valid"));
            credentials(&headers)
        };
        let read = |value: &str| of("authorization", value);
        let key = mesh_protocol::secret::api_key("till-1", "a:b");
        assert_eq!(of("x-api-key", &key), Some(("till-1".to_owned(), "a:b".to_owned())));
        assert_eq!(read(&format!("Bearer {key}")), of("x-api-key", &key));
        assert_eq!(of("x-api-key", "Basic dGlsbC0xOmE6Yg=="), None);
        assert_eq!(read("Basic dGlsbC0xOmE6Yg=="), Some(("till-1".to_owned(), "a:b".to_owned())));
        assert_eq!(read("basic dGlsbC0xOmE6Yg=="), read("Basic dGlsbC0xOmE6Yg=="));
        for bad in ["Bearer x", "Basic", "Basic ?", "Basic dGlsbA=="] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
