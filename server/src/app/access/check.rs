//! "Test my connection": a real attempt with a credential at every listener that it can use, layer by layer, so that whoever
//! cannot connect learns which layer it is and what to do.
//!
//! ```text
//! grant -> credential -> [each listener] agent -> name -> TCP -> TLS -> protocol -> login -> may receive, may send
//! ```
//! The portal makes the attempt, so what stands between the application and the site is not seen; the answer says so. Nothing
//! of it changes anything: events are subscribed to under a client id of the test's own and never published, so what may be
//! sent is told from the policy that the agent has confirmed. The secret is used and kept nowhere.

mod climb;
mod dial;
mod facts;
mod http;
mod ladder;
mod mqtt;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use frontend::api::{ConnectionTest, ConnectionTestInput, ListenerTest, TestLayer, TestState};
use futures::future::join_all;
use mesh_protocol::id::GrantId;
use tokio::time::Instant;

use self::climb::{Login, Target, climb};
use self::dial::Time;
use self::facts::{Place, Policies, before, places};
use self::ladder::{Fault, tested};
use super::credential::{find, issued};
use crate::app::permission::Right;
use crate::app::{App, Caller, Error, Result};
use crate::domain::access::grant::Terms;
use crate::domain::field::FieldErrors;

/// Longest test.
const ALL: Duration = Duration::from_secs(20);
/// Most listeners of one test.
const PLACES_MAX: usize = 8;
/// Most tests of one person at once, and of all.
const OF_ONE_MAX: usize = 2;
const AT_ONCE_MAX: usize = 16;
/// Longest secret, in bytes; those that the portal makes have 43.
const SECRET_BYTES_MAX: usize = 1_024;

/// Tests that are under way, by who made them.
#[derive(Debug, Default)]
pub(in crate::app) struct Under(Mutex<HashMap<String, usize>>);

/// One of them; it is over when this is dropped.
#[derive(Debug)]
struct Slot<'a> {
    under: &'a Under,
    name: String,
}

impl Under {
    /// Room for one more test; none = this person or all together have enough.
    fn take(&self, name: &str) -> Option<Slot<'_>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = all.values().sum();
        if total >= AT_ONCE_MAX || all.get(name).is_some_and(|own| *own >= OF_ONE_MAX) {
            return None;
        }
        *all.entry(name.to_owned()).or_default() += 1;
        Some(Slot { under: self, name: name.to_owned() })
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut all = self.under.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = all.get_mut(&self.name) {
            *own -= 1;
            if *own == 0 {
                all.remove(&self.name);
            }
        }
    }
}

impl App {
    /// Tests a connection with a credential at each listener that a grant lets it use.
    ///
    /// # Errors
    /// The caller may not, does not answer for the application, has enough tests under way; there is no such grant or
    /// credential; the secret is missing; or the database's.
    pub async fn test_grant(&self, caller: &Caller, id: GrantId, input: ConnectionTestInput) -> Result<ConnectionTest> {
        let permit = caller.permit(Right::AccessRequest)?;
        let grant = self.find_grant(id).await?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        self.answers_for(caller, find(&snapshot, grant.application)?).await?;
        let credential = issued(&snapshot, grant.application).find(|one| one.id == input.credential);
        let credential = credential.ok_or(Error::NotFound { what: "credential" })?;
        let secret = checked(&input.secret)?;
        let busy = || Error::Conflict("some tests of yours are under way: wait until they are done".to_owned());
        let _slot = self.0.checks.take(permit.actor()).ok_or_else(busy)?;
        let (at, began) = (fleet.now_ms, Instant::now());
        let login = Login::new(&credential.username, secret);
        let before = before(&grant, credential, secret, &snapshot, at);
        let mut places = places(&grant, &snapshot, &fleet);
        let left_out = places.len().saturating_sub(PLACES_MAX);
        places.truncate(PLACES_MAX);
        let policies = Policies::of(&snapshot, credential.id, at);
        let time = Time::of(ALL);
        let attempts = places.into_iter().map(|place| attempt(place, &login, &grant.terms, &policies, time));
        let listeners = join_all(attempts).await;
        Ok(tested((at, began), self.seen_from(), before, listeners, left_out))
    }

    fn seen_from(&self) -> String {
        format!(
            "Made from the host of the portal ({}). What stands between your application and the site, such as a firewall, \
             is not seen from there.",
            self.config().portal_url
        )
    }
}

/// As it was pasted, without the space around it.
fn checked(secret: &str) -> Result<&str> {
    let secret = secret.trim();
    if secret.is_empty() {
        return Err(FieldErrors::one("secret", "is required: paste the secret of the credential").into());
    }
    if secret.len() > SECRET_BYTES_MAX {
        let message = format!("is longer than {SECRET_BYTES_MAX} bytes: paste the secret alone");
        return Err(FieldErrors::one("secret", message).into());
    }
    Ok(secret)
}

/// What one listener comes to.
async fn attempt(place: Place, login: &Login, terms: &Terms, policies: &Policies, time: Time) -> ListenerTest {
    let mut ladder = match &place.address {
        Some(address) => {
            let (protocol, tls) = (place.protocol, place.tls);
            let target = Target { address, protocol, tls, authority_pem: policies.authority_pem() };
            climb(target, login, &terms.subscribe, time).await
        }
        None => ladder::Ladder::default(),
    };
    if ladder.is_in() {
        let may_send = policies.may_send(place.site, &login.client_id, &terms.publish);
        for (filter, may) in terms.publish.iter().zip(may_send) {
            let (state, fault) = match may {
                Err(why) => (
                    TestState::Failed,
                    Fault::new(format!("The policy does not allow it: {why}."), "Ask an approver to look at Explain."),
                ),
                Ok(()) if place.is_confirmed => {
                    let what = "The policy that the agent has confirmed allows it. Nothing was sent.";
                    (TestState::Ok, Fault::new(what, ""))
                }
                Ok(()) => {
                    let what = "The newest policy allows it, which the agent has not confirmed yet. Nothing was sent.";
                    (TestState::Skipped, Fault::new(what, ""))
                }
            };
            ladder.of(TestLayer::Send, filter.text(), state, fault);
        }
    }
    let texts = |filters: &[mesh_protocol::topic::Filter]| -> Vec<String> {
        filters.iter().map(|filter| filter.text().to_owned()).collect()
    };
    let mut steps = vec![place.agent];
    steps.extend(ladder.whole(&texts(&terms.subscribe), &texts(&terms.publish)));
    ListenerTest {
        listener: place.listener,
        name: place.name,
        protocol: place.protocol,
        site_name: place.site_name,
        agent_name: place.agent_name,
        address: place.address.unwrap_or_default(),
        steps,
    }
}
