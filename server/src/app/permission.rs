//! Who may do what in the portal: one table of rights and roles, one of endpoints and rights.
//!
//! The application enforces the first below every facade: a use case that changes or shows anything begins with
//! [`Caller::permit`]. The second says which right each endpoint needs; a test calls every endpoint of the OpenAPI
//! document as every role and compares, so an endpoint that is missing here, or enforces something else, fails it.

mod endpoints;

use mesh_protocol::id::{ApplicationDomainId, PersonId};
use uuid::Uuid;

use super::{Error, Result};
use crate::domain::person::PortalRole;

pub use endpoints::{ENDPOINTS, REGISTRY_ENDPOINTS};

/// Something a person may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// See the catalog, of the domains that are in sight.
    Read,
    /// See the graph, the state of the mesh and its configuration, which are of all domains.
    MeshRead,
    /// Describe catalog objects and say who owns them.
    CatalogWrite,
    /// Release what is offered to others, which somebody else wrote.
    CatalogReview,
    /// Ask for access, and hold the credentials that come of it.
    AccessRequest,
    /// Decide about requests of others, and end grants.
    AccessDecide,
    /// Make and change applications.
    ApplicationWrite,
    /// Try the mesh: a short-lived client, publish, live tail.
    Try,
    /// Look into queues and at what waits for sinks, payloads included.
    QueueRead,
    /// Look at records of Kafka topics.
    DataRead,
    /// See values that are masked for others.
    DataUnmask,
    /// Make, change, rotate and disable clients.
    PrincipalWrite,
    /// Make and change mesh roles.
    RoleWrite,
    /// Make and change access rules and scopes.
    RuleWrite,
    /// Stop one client in an emergency, and undo it.
    Block,
    /// Sites and join tokens.
    SiteWrite,
    /// Revoke an agent for good.
    AgentWrite,
    /// Links.
    LinkWrite,
    /// Listeners.
    ListenerWrite,
    /// Broker connections.
    BrokerWrite,
    /// Routes.
    RouteWrite,
    /// Named queues.
    QueueWrite,
    /// Delete, retry, replay and move what is in queues and waits for sinks.
    QueueHandle,
    /// People.
    PeopleWrite,
    /// Service tokens.
    TokenWrite,
    /// Webhooks, and what is sent to them.
    WebhookWrite,
}

/// Every right, its name for the browser, and the smallest roles that have it (approver and operator are siblings).
pub const RIGHTS: &[(Right, &str, &[PortalRole])] = &[
    (Right::Read, "read", &[PortalRole::Viewer]),
    (Right::MeshRead, "mesh.read", &[PortalRole::Viewer]),
    (Right::CatalogWrite, "catalog.write", &[PortalRole::Developer]),
    (Right::CatalogReview, "catalog.review", &[PortalRole::Approver]),
    (Right::AccessRequest, "access.request", &[PortalRole::Developer]),
    (Right::AccessDecide, "access.decide", &[PortalRole::Approver]),
    (Right::ApplicationWrite, "application.write", &[PortalRole::Developer]),
    (Right::Try, "try", &[PortalRole::Developer]),
    (Right::QueueRead, "queue.read", &[PortalRole::Developer]),
    (Right::DataRead, "data.read", &[PortalRole::Developer]),
    (Right::DataUnmask, "data.unmask", &[PortalRole::Approver]),
    (Right::PrincipalWrite, "principal.write", &[PortalRole::Approver]),
    (Right::RoleWrite, "role.write", &[PortalRole::Approver]),
    (Right::RuleWrite, "rule.write", &[PortalRole::Approver]),
    (Right::Block, "principal.block", &[PortalRole::Approver, PortalRole::Operator]),
    (Right::SiteWrite, "site.write", &[PortalRole::Operator]),
    (Right::AgentWrite, "agent.write", &[PortalRole::Operator]),
    (Right::LinkWrite, "link.write", &[PortalRole::Operator]),
    (Right::ListenerWrite, "listener.write", &[PortalRole::Operator]),
    (Right::BrokerWrite, "broker.write", &[PortalRole::Operator]),
    (Right::RouteWrite, "route.write", &[PortalRole::Operator]),
    (Right::QueueWrite, "queue.write", &[PortalRole::Operator]),
    (Right::QueueHandle, "queue.handle", &[PortalRole::Operator]),
    (Right::PeopleWrite, "person.write", &[PortalRole::Admin]),
    (Right::TokenWrite, "token.write", &[PortalRole::Admin]),
    (Right::WebhookWrite, "webhook.write", &[PortalRole::Admin]),
];

/// What an endpoint asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: it must work before anybody is signed in.
    Open,
    /// Any person or service that is signed in.
    SignedIn,
    /// A right.
    Right(Right),
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody is signed in.
    Anonymous,
    /// A person, with the session that says so.
    Person {
        /// Who.
        id: PersonId,
        /// Login name.
        username: String,
        /// For greeting.
        display_name: String,
        /// What they may do.
        role: PortalRole,
        /// The only domains they see; empty = everything.
        domains: Vec<ApplicationDomainId>,
    },
    /// A script with a service token.
    Service {
        /// Which token.
        id: Uuid,
        /// What it is for.
        name: String,
        /// What it may do.
        role: PortalRole,
        /// The only domains it sees; empty = everything.
        domains: Vec<ApplicationDomainId>,
    },
}

/// A right that was checked, and for whom. What changes something asks for one, so that no use case forgets.
#[derive(Clone, Debug)]
pub struct Permit {
    actor: String,
    person: Option<PersonId>,
}

impl Permit {
    /// For what the portal does by itself: reconciling, expiry, enrolment. Never for what a caller asked.
    pub(super) fn of_portal() -> Self {
        Self { actor: "portal".to_owned(), person: None }
    }

    /// As audit entries name them.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The person, when it is one.
    #[must_use]
    pub fn person(&self) -> Option<PersonId> {
        self.person
    }
}

impl Right {
    fn row(self) -> &'static (Right, &'static str, &'static [PortalRole]) {
        RIGHTS.iter().find(|(right, ..)| *right == self).expect("every right has its row: a test checks it")
    }

    /// Whether a role has it.
    #[must_use]
    pub fn is_of(self, role: PortalRole) -> bool {
        self.row().2.iter().any(|smallest| role.includes(*smallest))
    }
}

impl Right {
    /// Whether somebody who sees only some domains may have it. All else shows or changes what belongs to every domain.
    #[must_use]
    pub const fn is_of_some_domains(self) -> bool {
        matches!(self, Self::Read)
    }
}

impl Caller {
    /// The caller's role; none for nobody.
    #[must_use]
    pub fn role(&self) -> Option<PortalRole> {
        match self {
            Self::Anonymous => None,
            Self::Person { role, .. } | Self::Service { role, .. } => Some(*role),
        }
    }

    /// The only domains that the caller sees; empty = everything.
    #[must_use]
    pub fn domains(&self) -> &[ApplicationDomainId] {
        match self {
            Self::Anonymous => &[],
            Self::Person { domains, .. } | Self::Service { domains, .. } => domains,
        }
    }

    /// The names of all rights the caller has, for the browser.
    #[must_use]
    pub fn rights(&self) -> Vec<String> {
        let has = |right: Right| self.permit(right).is_ok();
        RIGHTS.iter().filter(|(right, ..)| has(*right)).map(|(_, name, _)| (*name).to_owned()).collect()
    }

    /// Checks a right.
    ///
    /// # Errors
    /// Nobody is signed in, the role is too small, or it is about more than the caller sees.
    pub fn permit(&self, right: Right) -> Result<Permit> {
        let role = self.role().ok_or(Error::Unauthenticated)?;
        if !right.is_of(role) {
            return Err(Error::Forbidden { needs: right.row().2[0] });
        }
        if !self.domains().is_empty() && !right.is_of_some_domains() {
            return Err(Error::OutOfSight);
        }
        self.signed_in()
    }

    /// Checks only that somebody is signed in.
    ///
    /// # Errors
    /// Nobody is.
    pub fn signed_in(&self) -> Result<Permit> {
        match self {
            Self::Anonymous => Err(Error::Unauthenticated),
            Self::Person { id, username, .. } => Ok(Permit { actor: username.clone(), person: Some(*id) }),
            Self::Service { name, .. } => Ok(Permit { actor: format!("token {name}"), person: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::person::api_role;

    fn caller(role: PortalRole) -> Caller {
        Caller::Service { id: Uuid::nil(), name: "test".into(), role, domains: Vec::new() }
    }

    #[test]
    fn every_right_has_one_row_and_an_admin_has_all() {
        for (right, name, _) in RIGHTS {
            assert_eq!(right.row().1, *name);
            assert!(caller(PortalRole::Admin).permit(*right).is_ok());
            assert!(matches!(Caller::Anonymous.permit(*right), Err(Error::Unauthenticated)));
        }
    }

    #[test]
    fn pages_know_every_right_and_who_has_it() {
        let words = |roles: &[PortalRole]| {
            let roles = roles.iter().map(|role| frontend::viewer::role_name(api_role(*role)));
            roles.collect::<Vec<_>>().join(" or ")
        };
        let ours: Vec<(&str, String)> = RIGHTS.iter().map(|(_, name, roles)| (*name, words(roles))).collect();
        let theirs = frontend::viewer::right::ALL.map(|(name, words)| (name, words.to_owned()));
        assert_eq!(ours, theirs, "frontend::viewer::right::ALL lists the rights in the order of this table");
    }

    #[test]
    fn approver_and_operator_are_different_hands() {
        assert!(caller(PortalRole::Approver).permit(Right::RuleWrite).is_ok());
        assert!(caller(PortalRole::Operator).permit(Right::RuleWrite).is_err());
        assert!(caller(PortalRole::Operator).permit(Right::RouteWrite).is_ok());
        assert!(caller(PortalRole::Approver).permit(Right::RouteWrite).is_err());
        assert!(caller(PortalRole::Operator).permit(Right::Block).is_ok());
        assert!(caller(PortalRole::Operator).permit(Right::Try).is_ok(), "both include the developer");
    }

    #[test]
    fn who_sees_some_domains_has_only_what_is_about_some_domains() {
        let domains = vec![Uuid::nil().into()];
        for role in PortalRole::ALL {
            let limited = Caller::Service { id: Uuid::nil(), name: "test".into(), role, domains: domains.clone() };
            for (right, ..) in RIGHTS.iter().filter(|(right, ..)| right.is_of(role)) {
                let is_allowed = limited.permit(*right).is_ok();
                assert_eq!(is_allowed, *right == Right::Read, "{right:?} of {role:?}");
            }
            assert_eq!(limited.rights(), ["read"]);
        }
    }

    #[test]
    fn a_refusal_names_the_smallest_role() {
        let refused = caller(PortalRole::Viewer).permit(Right::RouteWrite);
        assert!(matches!(refused, Err(Error::Forbidden { needs: PortalRole::Operator })));
    }
}
