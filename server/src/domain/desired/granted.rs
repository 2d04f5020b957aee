//! Grants as agents enforce them: a role of its own for each, which every client of the application has.
//!
//! A role, because an application may have thousands of clients and a grant a handful of filters. Agents know nothing of
//! grants here: rules are what they enforce, at the sites where the product is published.

use std::collections::{BTreeSet, HashMap};

use mesh_protocol::desired::{Contracts, Policy};
use mesh_protocol::event::Protocol;
use mesh_protocol::id::{ApplicationId, DesignObjectId, RoleId, RuleId, SiteId};
use mesh_protocol::policy::{
    Action, Effect, PROTOCOLS_VERSION, Principal as PolicyPrincipal, PrincipalState, Role as PolicyRole, Rule, Subject,
};
use sha2::{Digest, Sha256};

use super::super::access::grant::{Grant, State};
use super::super::principal::{Kind, Principal};
use super::super::product::plan::Protocol as OfPlan;
use super::{Mesh, everything};

impl Mesh {
    /// Where a grant holds: empty = at every site; none = nowhere, since what it is about is published nowhere now.
    #[must_use]
    pub fn places_of(&self, grant: &Grant) -> Option<Vec<SiteId>> {
        self.sites_of(grant.target, grant.plan.is_some())
    }

    /// Where a product is published, or an event is had by itself; empty and none as of a grant.
    #[must_use]
    pub fn sites_of(&self, target: DesignObjectId, is_product: bool) -> Option<Vec<SiteId>> {
        if !is_product {
            return Some(Vec::new());
        }
        let mut published = self.publications.iter().filter(|one| one.product == target).peekable();
        published.peek()?;
        if published.clone().any(|one| one.places.is_everywhere()) {
            return Some(Vec::new());
        }
        let published: Vec<_> = published.collect();
        let is_there = |site: &&super::Site| published.iter().any(|one| one.places.has(site));
        let mut sites: Vec<SiteId> = self.sites.iter().filter(is_there).map(|site| site.id).collect();
        sites.sort_unstable();
        Some(sites).filter(|sites| !sites.is_empty())
    }

    /// Grants that are given somewhere, in a lasting order.
    pub(super) fn in_force(&self) -> Vec<(&Grant, Vec<SiteId>)> {
        let active = self.grants.iter().filter(|grant| grant.state == State::Active);
        let mut all: Vec<_> = active.filter_map(|grant| Some((grant, self.places_of(grant)?))).collect();
        all.sort_by_key(|(grant, _)| grant.id);
        all
    }

    /// Their roles.
    pub(super) fn granted_roles(&self) -> Vec<PolicyRole> {
        let role = |(grant, _): (&Grant, _)| PolicyRole { id: role_of(grant), name: format!("grant {}", grant.id) };
        self.in_force().into_iter().map(role).collect()
    }

    /// Their rules.
    pub(super) fn granted_rules(&self) -> Vec<Rule> {
        let rules = self.in_force().into_iter().flat_map(|(grant, sites)| {
            let publish = grant.terms.publish.iter().map(|filter| (Action::Publish, filter.clone()));
            let subscribe = grant.terms.subscribe.iter().map(|filter| (Action::Subscribe, filter.clone()));
            let connect = std::iter::once((Action::Connect, everything()));
            let all = (0u32..).zip(publish.chain(subscribe).chain(connect));
            all.map(move |(index, (action, filter))| Rule {
                id: rule_id(grant, index),
                subject: Subject::Role(role_of(grant)),
                action,
                effect: Effect::Allow,
                filter,
                sites: sites.clone(),
            })
            .collect::<Vec<_>>()
        });
        rules.collect()
    }

    /// What grants give, by application.
    pub(super) fn granted(&self) -> HashMap<ApplicationId, OfApplication<'_>> {
        let mut all: HashMap<ApplicationId, OfApplication<'_>> = HashMap::new();
        for grant in self.grants.iter().filter(|grant| grant.state == State::Active) {
            let of = all.entry(grant.application).or_default();
            // The last one to end; one that does not end is later than all.
            of.ends = of.ends.zip(grant.until_ms).map(|(one, other)| one.max(other));
        }
        for (grant, _) in self.in_force() {
            all.entry(grant.application).and_modify(|of| {
                of.roles.push(role_of(grant));
                of.plans.push(&grant.terms.protocols);
            });
        }
        all
    }

    /// Whether an application has any grant that is given now: only then credentials are issued for it.
    #[must_use]
    pub fn has_grant(&self, application: ApplicationId) -> bool {
        self.grants.iter().any(|grant| grant.application == application && grant.state == State::Active)
    }
}

/// What grants give to an application.
#[derive(Debug)]
pub(super) struct OfApplication<'a> {
    roles: Vec<RoleId>,
    /// When the last of them ends; none = one has no end.
    ends: Option<i64>,
    /// How their plans let clients connect, of each that is given somewhere; one that names none lets them in by any.
    plans: Vec<&'a BTreeSet<OfPlan>>,
}

impl Default for OfApplication<'_> {
    fn default() -> Self {
        Self { roles: Vec::new(), ends: Some(0), plans: Vec::new() }
    }
}

impl OfApplication<'_> {
    /// Protocols by which its credentials connect; empty = any. A client has one connection for all that it was given, so
    /// that the plans add up.
    fn protocols(&self) -> Vec<Protocol> {
        if self.plans.iter().any(|named| named.is_empty()) {
            return Vec::new();
        }
        let named: BTreeSet<OfPlan> = self.plans.iter().flat_map(|named| named.iter().copied()).collect();
        named.into_iter().map(OfPlan::spoken).collect()
    }
}

/// What grants make of a client.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) roles: Vec<RoleId>,
    pub(super) state: PrincipalState,
    pub(super) expires_at_ms: Option<i64>,
    /// Protocols by which it may connect; empty = any.
    pub(super) protocols: Vec<Protocol>,
}

impl Granted {
    /// Of a client of an application with these grants: their roles, and of one that was issued for them, whether it may
    /// log in, until when and by which protocols.
    pub(super) fn to(principal: &Principal, all: &HashMap<ApplicationId, OfApplication<'_>>) -> Self {
        let of = principal.application.and_then(|application| all.get(&application));
        let roles = of.map(|of| of.roles.clone()).unwrap_or_default();
        let (mut state, mut expires_at_ms, mut protocols) = (principal.state, principal.expires_at_ms, Vec::new());
        if principal.kind == Kind::Credential {
            match of {
                None => state = PrincipalState::Disabled,
                Some(of) => {
                    let both = expires_at_ms.zip(of.ends).map(|(own, ends)| own.min(ends));
                    expires_at_ms = both.or(expires_at_ms).or(of.ends);
                    protocols = of.protocols();
                }
            }
        }
        Self { roles, state, expires_at_ms, protocols }
    }
}

/// A client as agents know it.
pub(super) fn principal_state(principal: &Principal, granted: Granted) -> PolicyPrincipal {
    let mut roles = principal.roles.clone();
    roles.extend(granted.roles);
    roles.sort_unstable();
    PolicyPrincipal {
        id: principal.id,
        username: principal.username.clone(),
        state: if principal.kind == Kind::Route { PrincipalState::Enabled } else { granted.state },
        secrets: principal.secrets.iter().map(|secret| secret.hash.clone()).collect(),
        roles,
        application: principal.application,
        expires_at_ms: granted.expires_at_ms,
        protocols: granted.protocols,
    }
}

/// What an agent must understand at least, so that one which would let in what is forbidden refuses the document.
pub(super) fn min_version(policy: &Policy, contracts: &Contracts) -> u32 {
    let limits = policy.principals.iter().any(|principal| !principal.protocols.is_empty());
    let of_contracts = contracts.min_version();
    if limits { of_contracts.max(PROTOCOLS_VERSION) } else { of_contracts }
}

/// A grant's role has the grant's own id.
fn role_of(grant: &Grant) -> RoleId {
    grant.id.0.into()
}

/// A rule nobody wrote still needs an id that stays the same: a hash of what it derives from (UUID version 8).
fn rule_id(grant: &Grant, index: u32) -> RuleId {
    let mut hasher = Sha256::new();
    hasher.update(b"meshport/grant-rule/v1\0");
    hasher.update(grant.id.0.as_bytes());
    hasher.update(index.to_be_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize()[..16]);
    RuleId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests;
