//! Enforces the policy: the only maker of [`Permit`], and so the only way to the router.
//!
//! One immutable whole ([`Enforced`]) is swapped at once when a revision is applied, so no decision ever mixes two.
//! Sessions keep their compiled rules and renew them when they notice a newer whole: a publish is decided by the
//! policy of its own moment, without a lock. A principal can expire without any change: [`Enforcer::watch_expiry`] tells
//! it as one, and sessions renew their rules after [`RENEWED_AFTER`] besides. With no policy at all everything is denied.

mod certificate;
mod denied;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use mesh_protocol::deny_list::DenyList;
use mesh_protocol::desired::{Fingerprint, Member, OnInvalid, Queue, Scope, Site};
use mesh_protocol::event::{Event, Protocol};
use mesh_protocol::id::{AgentId, PrincipalId};
use mesh_protocol::policy::{self, Action, CompiledPolicy, Decision, Identity};
use mesh_protocol::topic::{Filter, Topic};
use mesh_protocol::wire::Revision;
use rustc_hash::FxHashMap;
use tokio::sync::watch;

pub use certificate::{Certificate, CertificateError};
pub use denied::{Denied, Unqueued};

use crate::contract::{Contracts, Invalid, Ledger, Sender};
use crate::letter;
use crate::router::Admitted;
use crate::status::now_ms;

/// A session whose rules are older than this asks again, so a principal that expired is noticed within it.
pub const RENEWED_AFTER: Duration = Duration::from_secs(5);

/// The longest sleep towards the next expiry.
const EXPIRY_LOOK: Duration = Duration::from_secs(30);

/// Everything decisions depend on, as of one revision and one deny list.
#[derive(Debug)]
pub struct Enforced {
    /// Which revision.
    pub revision: Revision,
    /// Where this agent stands.
    pub site: Site,
    /// Principals, roles and rules, compiled.
    pub policy: CompiledPolicy,
    /// Agents that may send frames.
    pub members: FxHashMap<AgentId, Member>,
    /// Certificates that clients log in with, and as whom.
    pub certificates: FxHashMap<Fingerprint, PrincipalId>,
    /// What payloads must look like, compiled.
    pub contracts: Arc<Contracts>,
}

/// Decides about everything that wants to enter or leave. Shared by all parts.
#[derive(Debug)]
pub struct Enforcer {
    enforced: ArcSwapOption<Enforced>,
    denied: ArcSwap<DenyList>,
    ledger: Ledger,
    changes: watch::Sender<u64>,
}

/// Proof that policy let one event in. Consumed by [`Permit::admit`].
#[derive(Debug)]
pub struct Permit {
    event: Event,
    encoded: Option<Bytes>,
    diverted: Option<Box<Diverted>>,
}

/// What goes into the agent's dead letters instead of the mesh.
#[derive(Debug)]
struct Diverted {
    client_id: String,
    invalid: Invalid,
}

impl Permit {
    /// The admitted event, as the router takes it.
    #[must_use]
    pub fn admit(self) -> Admitted {
        match (self.diverted, self.encoded) {
            (Some(of), _) => Admitted::diverted(letter::diverted(&self.event, &of.client_id, &of.invalid.to_string())),
            (None, Some(bytes)) => Admitted::from_encoded(self.event, bytes),
            (None, None) => Admitted::new(self.event),
        }
    }

    /// Why it goes into the agent's dead letters and nowhere else; none = it goes to everybody who wants it.
    #[must_use]
    pub fn diverted(&self) -> Option<&Invalid> {
        self.diverted.as_ref().map(|diverted| &diverted.invalid)
    }

    /// The event as it came.
    #[must_use]
    pub fn into_event(self) -> Event {
        self.event
    }
}

/// A logged-in client or a connector, with its rules as of the newest policy it has noticed.
#[derive(Debug)]
pub struct Session {
    principal: PrincipalId,
    client_id: String,
    way: Way,
    compiled: ArcSwap<Compiled>,
}

/// How a session came about.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    /// How it connected; none = it is a part of the agent.
    by: Option<Protocol>,
    /// What it logged in with; it may be open for as long as that counts.
    certificate: Option<Certificate>,
}

#[derive(Debug)]
struct Compiled {
    version: u64,
    at: Instant,
    rules: Result<policy::Session, Denied>,
}

impl Session {
    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> PrincipalId {
        self.principal
    }

    /// The protocol's client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Whether it logged in with a certificate.
    #[must_use]
    pub fn has_certificate(&self) -> bool {
        self.way.certificate.is_some()
    }
}

impl Default for Enforcer {
    fn default() -> Self {
        Self {
            enforced: ArcSwapOption::empty(),
            denied: ArcSwap::default(),
            ledger: Ledger::default(),
            changes: watch::Sender::new(0),
        }
    }
}

impl Enforcer {
    /// Puts a new whole into force, at once for every later decision.
    pub fn apply(&self, enforced: Enforced) {
        self.enforced.store(Some(Arc::new(enforced)));
        self.changes.send_modify(|version| *version += 1);
    }

    /// Puts a deny list into force. The caller keeps it monotone.
    pub fn apply_deny_list(&self, list: DenyList) {
        self.denied.store(Arc::new(list));
        self.changes.send_modify(|version| *version += 1);
    }

    /// Wakes when anything decisions depend on has changed: time to check open sessions and subscriptions again.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Tells every expiry of a principal as a change, at its time or later, for as long as it is polled. The clock may
    /// jump: it is looked at again at least every [`EXPIRY_LOOK`].
    pub async fn watch_expiry(&self) {
        let mut changes = self.changes();
        // Looked for from the last look on, not from now: a session that a change woke may have looked at the clock before
        // an expiry that is already over here, and would hear of it from nobody. Told in vain it costs one look more.
        let mut looked_ms = now_ms();
        loop {
            changes.mark_unchanged();
            let now = now_ms();
            let next = self.enforced().and_then(|enforced| enforced.policy.next_expiry(looked_ms.min(now)));
            if next.is_some_and(|at_ms| at_ms <= now) {
                looked_ms = now;
                self.changes.send_modify(|version| *version += 1);
                continue;
            }
            // Nothing ended until now. A clock that went back makes ends to come of those that were over.
            looked_ms = now;
            let left = next.map(|at_ms| Duration::from_millis(u64::try_from(at_ms - now).unwrap_or(0)));
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(left.unwrap_or(EXPIRY_LOOK).min(EXPIRY_LOOK)) => {}
            }
        }
    }

    /// What is enforced now; none = everything is denied.
    #[must_use]
    pub fn enforced(&self) -> Option<Arc<Enforced>> {
        self.enforced.load_full()
    }

    /// A session for a client that gave user name and secret and may connect by a protocol.
    ///
    /// # Errors
    /// The reason, of which the client is told no more than "bad credentials" or "not allowed".
    pub fn login(
        &self,
        username: &str,
        secret: &str,
        client_id: &str,
        by: Protocol,
    ) -> Result<(Session, Identity), Denied> {
        let version = *self.changes.borrow();
        let enforced = self.enforced().ok_or(Denied::NoPolicy)?;
        let identity = enforced.policy.authenticate(username, secret, now_ms()).map_err(Denied::ByPolicy)?;
        let way = Way { by: Some(by), certificate: None };
        let session = self.open(&enforced, version, identity.principal, client_id, way)?;
        Ok((session, identity))
    }

    /// A session for a principal without a secret: a route's connector, or a person who tries the mesh.
    ///
    /// # Errors
    /// The principal is unknown here, disabled, expired, revoked or may not connect.
    pub fn session(&self, principal: PrincipalId, client_id: &str) -> Result<Session, Denied> {
        let version = *self.changes.borrow();
        let enforced = self.enforced().ok_or(Denied::NoPolicy)?;
        self.open(&enforced, version, principal, client_id, Way::default())
    }

    /// A session for a client that logged in by a protocol before and has no connection now.
    ///
    /// # Errors
    /// As [`Enforcer::session`], or it may not connect by this protocol any more.
    pub fn resting_session(&self, principal: PrincipalId, client_id: &str, by: Protocol) -> Result<Session, Denied> {
        let version = *self.changes.borrow();
        let enforced = self.enforced().ok_or(Denied::NoPolicy)?;
        self.open(&enforced, version, principal, client_id, Way { by: Some(by), certificate: None })
    }

    fn open(
        &self,
        enforced: &Enforced,
        version: u64,
        principal: PrincipalId,
        client_id: &str,
        way: Way,
    ) -> Result<Session, Denied> {
        let rules = self.compile(enforced, principal, client_id, way)?;
        let compiled = ArcSwap::from_pointee(Compiled { version, at: Instant::now(), rules: Ok(rules) });
        Ok(Session { principal, client_id: client_id.to_owned(), way, compiled })
    }

    fn compile(
        &self,
        enforced: &Enforced,
        principal: PrincipalId,
        client_id: &str,
        way: Way,
    ) -> Result<policy::Session, Denied> {
        if let Some(certificate) = way.certificate {
            enforced.still_knows(&certificate, principal, now_ms())?;
        }
        if self.denied.load().principals.contains(&principal) {
            return Err(Denied::Revoked);
        }
        let session = enforced.policy.session(principal, client_id, now_ms()).map_err(Denied::ByPolicy)?;
        if let Some(by) = way.by {
            session.identity.check_protocol(by).map_err(Denied::ByPolicy)?;
        }
        match session.decide_connect() {
            Decision::Allowed { .. } => Ok(session),
            Decision::Denied(reason) => Err(Denied::ByPolicy(reason)),
        }
    }

    /// Decides by the newest policy, renewing the session's rules when it changed.
    fn with_rules<T>(
        &self,
        session: &Session,
        decide: impl FnOnce(&policy::Session) -> Result<T, Denied>,
    ) -> Result<T, Denied> {
        let version = *self.changes.borrow();
        let mut compiled = session.compiled.load_full();
        if compiled.version != version || compiled.at.elapsed() > RENEWED_AFTER {
            let rules = match self.enforced() {
                None => Err(Denied::NoPolicy),
                Some(enforced) => self.compile(&enforced, session.principal, &session.client_id, session.way),
            };
            compiled = Arc::new(Compiled { version, at: Instant::now(), rules });
            session.compiled.store(compiled.clone());
        }
        match &compiled.rules {
            Ok(rules) => decide(rules),
            Err(denied) => Err(denied.clone()),
        }
    }

    /// Whether the session may still be open.
    ///
    /// # Errors
    /// Why it must be disconnected.
    pub fn check_session(&self, session: &Session) -> Result<(), Denied> {
        self.with_rules(session, |_| Ok(()))
    }

    /// Lets one event in.
    ///
    /// # Errors
    /// The session may not publish to the event's topic, or the payload is not what is promised there.
    pub fn permit(&self, session: &Session, event: Event) -> Result<Permit, Denied> {
        let sender = Sender { principal: session.principal, client_id: &session.client_id };
        self.admit(session, event, Some(&sender))
    }

    /// The same for an event that was asked about before: what is found of its payload is not counted again.
    ///
    /// # Errors
    /// As [`Enforcer::permit`].
    pub fn permit_again(&self, session: &Session, event: Event) -> Result<Permit, Denied> {
        self.admit(session, event, None)
    }

    fn admit(&self, session: &Session, event: Event, sender: Option<&Sender<'_>>) -> Result<Permit, Denied> {
        self.with_rules(session, |rules| allowed(rules.decide_publish(&event.topic)))?;
        let enforced = self.enforced.load();
        let contracts = enforced.as_ref().map(|enforced| &enforced.contracts);
        let verdict = contracts.map_or(Ok(()), |contracts| contracts.check(&event, sender));
        let Err(invalid) = verdict else { return Ok(Permit { event, encoded: None, diverted: None }) };
        let diverted = match invalid.on_invalid {
            OnInvalid::Reject => return Err(Denied::Invalid(Box::new(invalid))),
            OnInvalid::Divert => Some(Box::new(Diverted { client_id: session.client_id.clone(), invalid })),
            OnInvalid::Report | OnInvalid::Accept => None,
        };
        Ok(Permit { event, encoded: None, diverted })
    }

    /// Lets an event in that a person takes out of this agent's dead letters. Its sender's rights were asked when it came;
    /// scopes and contracts are asked as of now, and nothing is counted.
    ///
    /// # Errors
    /// A scope keeps its topic away from here, or its payload is not what is promised there.
    pub fn permit_by_hand(&self, event: Event) -> Result<Permit, Denied> {
        let enforced = self.enforced().ok_or(Denied::NoPolicy)?;
        self.check_here(&event.topic)?;
        match enforced.contracts.check(&event, None) {
            Err(invalid) if invalid.on_invalid >= OnInvalid::Divert => Err(Denied::Invalid(Box::new(invalid))),
            Ok(()) | Err(_) => Ok(Permit { event, encoded: None, diverted: None }),
        }
    }

    /// How payloads kept to contracts.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The contracts in force; another whole whenever any of them changes.
    #[must_use]
    pub fn contracts(&self) -> Option<Arc<Contracts>> {
        self.enforced.load().as_ref().map(|enforced| enforced.contracts.clone())
    }

    /// Whether the session may publish to a topic; for previews and for refusing early.
    ///
    /// # Errors
    /// It may not.
    pub fn check_publish(&self, session: &Session, topic: &Topic) -> Result<(), Denied> {
        self.with_rules(session, |rules| allowed(rules.decide_publish(topic)))
    }

    /// Whether the session may hold a subscription. Asked again after every change.
    ///
    /// # Errors
    /// It may not.
    pub fn check_subscribe(&self, session: &Session, filter: &Filter) -> Result<(), Denied> {
        self.with_rules(session, |rules| allowed(rules.decide_subscribe(filter)))
    }

    /// Whether the session may consume a named queue: it needs the right to subscribe to everything that the queue attracts,
    /// and to manage queues of it, because what it takes others do not get.
    ///
    /// # Errors
    /// What it may not.
    pub fn check_consume(&self, session: &Session, queue: &Queue) -> Result<(), Unqueued> {
        for filter in &queue.filters {
            for action in [Action::Subscribe, Action::ManageQueue] {
                let decided = self.with_rules(session, |rules| allowed(rules.decide(action, filter)));
                decided.map_err(|denied| Unqueued { action, filter: filter.text().to_owned(), denied })?;
            }
        }
        Ok(())
    }

    /// Whether the session may be given an event of this topic now (a deny inside a granted subscription).
    #[must_use]
    pub fn may_receive(&self, session: &Session, topic: &Topic) -> bool {
        self.with_rules(session, |rules| if rules.may_receive(topic) { Ok(()) } else { Err(Denied::NoPolicy) }).is_ok()
    }

    /// Whether another agent may take part in the mesh at all.
    ///
    /// # Errors
    /// It is no member, or revoked.
    pub fn check_peer(&self, agent: AgentId) -> Result<(), Denied> {
        let enforced = self.enforced().ok_or(Denied::NoPolicy)?;
        if self.denied.load().agents.contains(&agent) {
            return Err(Denied::Revoked);
        }
        if enforced.members.contains_key(&agent) { Ok(()) } else { Err(Denied::NotAMember) }
    }

    /// Lets in an event that another agent sent, with the bytes it came in.
    ///
    /// # Errors
    /// The sender is no member or revoked, or a scope keeps the topic away from here.
    pub fn permit_peer(&self, sender: AgentId, event: Event, encoded: Bytes) -> Result<Permit, Denied> {
        self.check_peer(sender)?;
        let enforced = self.enforced().ok_or(Denied::NoPolicy)?;
        in_scope(enforced.policy.scope_allows(&event.topic, enforced.site.id, &enforced.site.region))?;
        Ok(Permit { event, encoded: Some(encoded), diverted: None })
    }

    /// Whether a topic may be at this site.
    ///
    /// # Errors
    /// A scope forbids it.
    pub fn check_here(&self, topic: &Topic) -> Result<(), Denied> {
        let enforced = self.enforced().ok_or(Denied::NoPolicy)?;
        in_scope(enforced.policy.scope_allows(topic, enforced.site.id, &enforced.site.region))
    }

    /// Whether a topic may be sent to another agent's site.
    ///
    /// # Errors
    /// The agent is unknown or revoked, or a scope forbids its site.
    pub fn check_destination(&self, topic: &Topic, agent: AgentId) -> Result<(), Denied> {
        let enforced = self.enforced().ok_or(Denied::NoPolicy)?;
        if self.denied.load().agents.contains(&agent) {
            return Err(Denied::Revoked);
        }
        let member = enforced.members.get(&agent).ok_or(Denied::NotAMember)?;
        in_scope(enforced.policy.scope_allows(topic, member.site, &member.region))
    }
}

fn allowed(decision: Decision) -> Result<(), Denied> {
    match decision {
        Decision::Allowed { .. } => Ok(()),
        Decision::Denied(reason) => Err(Denied::ByPolicy(reason)),
    }
}

fn in_scope(verdict: Result<(), &Scope>) -> Result<(), Denied> {
    verdict.map_err(|scope| Denied::OutOfScope(scope.name.clone()))
}

#[cfg(test)]
mod tests;
