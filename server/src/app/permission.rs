//! Who may do what in the portal: one table of rights and roles, one of endpoints and rights.
//!
//! The application enforces the first below every facade: a use case that changes or shows anything begins with
//! [`Caller::permit`]. The second says which right each endpoint needs; a test calls every endpoint of the OpenAPI
//! document as every role and compares, so an endpoint that is missing here, or enforces something else, fails it.

use mesh_protocol::id::{ApplicationDomainId, PersonId};
use uuid::Uuid;

use super::{Error, Result};
use crate::domain::person::PortalRole;

/// Something a person may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// See the catalog, of the domains that are in sight.
    Read,
    /// See the graph, the state of the mesh and its configuration, which are of all domains.
    MeshRead,
    /// Describe catalog objects and say who owns them.
    CatalogWrite,
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
}

/// Every right, its name for the browser, and the smallest roles that have it (approver and operator are siblings).
pub const RIGHTS: &[(Right, &str, &[PortalRole])] = &[
    (Right::Read, "read", &[PortalRole::Viewer]),
    (Right::MeshRead, "mesh.read", &[PortalRole::Viewer]),
    (Right::CatalogWrite, "catalog.write", &[PortalRole::Developer]),
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

/// Every operation of the REST API, by its operation id.
pub const ENDPOINTS: &[(&str, Access)] = &[
    ("setup_state", Access::Open),
    ("setup", Access::Open),
    ("login", Access::Open),
    ("logout", Access::Open),
    ("me", Access::SignedIn),
    ("people", Access::Right(Right::PeopleWrite)),
    ("create_person", Access::Right(Right::PeopleWrite)),
    ("update_person", Access::Right(Right::PeopleWrite)),
    ("delete_person", Access::Right(Right::PeopleWrite)),
    ("tokens", Access::Right(Right::TokenWrite)),
    ("create_token", Access::Right(Right::TokenWrite)),
    ("delete_token", Access::Right(Right::TokenWrite)),
    ("overview", Access::Right(Right::MeshRead)),
    ("search", Access::Right(Right::Read)),
    ("catalog", Access::Right(Right::Read)),
    ("catalog_object", Access::Right(Right::Read)),
    ("adopt_catalog_object", Access::Right(Right::CatalogWrite)),
    ("catalog_records", Access::Right(Right::DataRead)),
    ("update_catalog_object", Access::Right(Right::CatalogWrite)),
    ("graph", Access::Right(Right::MeshRead)),
    ("subscriptions", Access::Right(Right::MeshRead)),
    ("denials", Access::Right(Right::MeshRead)),
    ("live", Access::Right(Right::Read)),
    ("sites", Access::Right(Right::MeshRead)),
    ("site", Access::Right(Right::MeshRead)),
    ("create_site", Access::Right(Right::SiteWrite)),
    ("update_site", Access::Right(Right::SiteWrite)),
    ("delete_site", Access::Right(Right::SiteWrite)),
    ("create_replacement", Access::Right(Right::AgentWrite)),
    ("create_join_token", Access::Right(Right::SiteWrite)),
    ("agents", Access::Right(Right::MeshRead)),
    ("agent", Access::Right(Right::MeshRead)),
    ("revoke_agent", Access::Right(Right::AgentWrite)),
    ("links", Access::Right(Right::MeshRead)),
    ("create_link", Access::Right(Right::LinkWrite)),
    ("update_link", Access::Right(Right::LinkWrite)),
    ("delete_link", Access::Right(Right::LinkWrite)),
    ("listeners", Access::Right(Right::MeshRead)),
    ("create_listener", Access::Right(Right::ListenerWrite)),
    ("update_listener", Access::Right(Right::ListenerWrite)),
    ("delete_listener", Access::Right(Right::ListenerWrite)),
    ("brokers", Access::Right(Right::MeshRead)),
    ("create_broker", Access::Right(Right::BrokerWrite)),
    ("update_broker", Access::Right(Right::BrokerWrite)),
    ("delete_broker", Access::Right(Right::BrokerWrite)),
    ("routes", Access::Right(Right::MeshRead)),
    ("route", Access::Right(Right::MeshRead)),
    ("create_route", Access::Right(Right::RouteWrite)),
    ("update_route", Access::Right(Right::RouteWrite)),
    ("delete_route", Access::Right(Right::RouteWrite)),
    ("route_events", Access::Right(Right::QueueRead)),
    ("agent_dead_letters", Access::Right(Right::QueueRead)),
    ("handle_route_events", Access::Right(Right::QueueHandle)),
    ("handle_agent_dead_letters", Access::Right(Right::QueueHandle)),
    ("queues", Access::Right(Right::MeshRead)),
    ("queue", Access::Right(Right::MeshRead)),
    ("create_queue", Access::Right(Right::QueueWrite)),
    ("update_queue", Access::Right(Right::QueueWrite)),
    ("delete_queue", Access::Right(Right::QueueWrite)),
    ("queue_events", Access::Right(Right::QueueRead)),
    ("handle_queue_events", Access::Right(Right::QueueHandle)),
    ("domains", Access::Right(Right::Read)),
    ("domain_suggestions", Access::Right(Right::MeshRead)),
    ("create_domain", Access::Right(Right::CatalogWrite)),
    ("update_domain", Access::Right(Right::CatalogWrite)),
    ("delete_domain", Access::Right(Right::CatalogWrite)),
    ("teams", Access::Right(Right::Read)),
    ("team", Access::Right(Right::Read)),
    ("team_owned", Access::Right(Right::Read)),
    ("create_team", Access::Right(Right::CatalogWrite)),
    ("update_team", Access::Right(Right::CatalogWrite)),
    ("delete_team", Access::Right(Right::CatalogWrite)),
    ("owner_choices", Access::Right(Right::CatalogWrite)),
    ("ownership", Access::Right(Right::Read)),
    ("preview_ownership", Access::Right(Right::CatalogWrite)),
    ("apply_ownership", Access::Right(Right::CatalogWrite)),
    ("preview_owners", Access::Right(Right::CatalogWrite)),
    ("import_owners", Access::Right(Right::CatalogWrite)),
    ("check_schema", Access::Right(Right::Read)),
    ("design_objects", Access::Right(Right::Read)),
    ("design_object", Access::Right(Right::Read)),
    ("create_design_object", Access::Right(Right::CatalogWrite)),
    ("update_design_object", Access::Right(Right::CatalogWrite)),
    ("delete_design_object", Access::Right(Right::CatalogWrite)),
    ("set_design_level", Access::Right(Right::CatalogWrite)),
    ("create_design_version", Access::Right(Right::CatalogWrite)),
    ("design_version", Access::Right(Right::Read)),
    ("update_design_version", Access::Right(Right::CatalogWrite)),
    ("delete_design_version", Access::Right(Right::CatalogWrite)),
    ("design_document", Access::Right(Right::Read)),
    ("preview_asyncapi", Access::Right(Right::CatalogWrite)),
    ("import_asyncapi", Access::Right(Right::CatalogWrite)),
    ("compare_asyncapi", Access::Right(Right::Read)),
    ("move_design_version", Access::Right(Right::CatalogWrite)),
    ("design_difference", Access::Right(Right::Read)),
    ("drift", Access::Right(Right::Read)),
    ("drift_trend", Access::Right(Right::MeshRead)),
    ("drift_proposals", Access::Right(Right::CatalogWrite)),
    ("preview_drift", Access::Right(Right::CatalogWrite)),
    ("apply_drift", Access::Right(Right::CatalogWrite)),
    ("preview_push", Access::Right(Right::CatalogWrite)),
    ("push_drift", Access::Right(Right::RuleWrite)),
    ("applications", Access::Right(Right::MeshRead)),
    ("create_application", Access::Right(Right::ApplicationWrite)),
    ("update_application", Access::Right(Right::ApplicationWrite)),
    ("delete_application", Access::Right(Right::ApplicationWrite)),
    ("principals", Access::Right(Right::MeshRead)),
    ("principal", Access::Right(Right::MeshRead)),
    ("create_principal", Access::Right(Right::PrincipalWrite)),
    ("update_principal", Access::Right(Right::PrincipalWrite)),
    ("rotate_principal", Access::Right(Right::PrincipalWrite)),
    ("block_principal", Access::Right(Right::Block)),
    ("unblock_principal", Access::Right(Right::Block)),
    ("delete_principal", Access::Right(Right::PrincipalWrite)),
    ("roles", Access::Right(Right::MeshRead)),
    ("create_role", Access::Right(Right::RoleWrite)),
    ("update_role", Access::Right(Right::RoleWrite)),
    ("delete_role", Access::Right(Right::RoleWrite)),
    ("scopes", Access::Right(Right::MeshRead)),
    ("withheld", Access::Right(Right::MeshRead)),
    ("create_scope", Access::Right(Right::RuleWrite)),
    ("update_scope", Access::Right(Right::RuleWrite)),
    ("delete_scope", Access::Right(Right::RuleWrite)),
    ("rules", Access::Right(Right::MeshRead)),
    ("create_rule", Access::Right(Right::RuleWrite)),
    ("update_rule", Access::Right(Right::RuleWrite)),
    ("delete_rule", Access::Right(Right::RuleWrite)),
    ("policy", Access::Right(Right::MeshRead)),
    ("policy_document", Access::Right(Right::MeshRead)),
    ("try_client", Access::Right(Right::Try)),
    ("publish", Access::Right(Right::Try)),
    ("tail", Access::Right(Right::Try)),
];

/// Every endpoint of the schema registry, by its name there. What only finds out goes by POST too.
pub const REGISTRY_ENDPOINTS: &[(&str, Access)] = &[
    ("root", Access::Right(Right::Read)),
    ("contexts", Access::Right(Right::Read)),
    ("metadata_id", Access::Right(Right::Read)),
    ("metadata_version", Access::Right(Right::Read)),
    ("subjects", Access::Right(Right::MeshRead)),
    ("lookup", Access::Right(Right::MeshRead)),
    ("delete_subject", Access::Right(Right::CatalogWrite)),
    ("versions", Access::Right(Right::MeshRead)),
    ("register", Access::Right(Right::CatalogWrite)),
    ("version", Access::Right(Right::MeshRead)),
    ("delete_version", Access::Right(Right::CatalogWrite)),
    ("version_text", Access::Right(Right::MeshRead)),
    ("referenced_by", Access::Right(Right::MeshRead)),
    ("schemas", Access::Right(Right::MeshRead)),
    ("types", Access::Right(Right::Read)),
    ("schema", Access::Right(Right::MeshRead)),
    ("schema_text", Access::Right(Right::MeshRead)),
    ("schema_subjects", Access::Right(Right::MeshRead)),
    ("schema_versions", Access::Right(Right::MeshRead)),
    ("compatibility", Access::Right(Right::MeshRead)),
    ("compatibility_with", Access::Right(Right::MeshRead)),
    ("config", Access::Right(Right::MeshRead)),
    ("set_config", Access::Right(Right::CatalogWrite)),
    ("delete_config", Access::Right(Right::CatalogWrite)),
    ("subject_config", Access::Right(Right::MeshRead)),
    ("set_subject_config", Access::Right(Right::CatalogWrite)),
    ("delete_subject_config", Access::Right(Right::CatalogWrite)),
    ("mode", Access::Right(Right::MeshRead)),
    ("set_mode", Access::Right(Right::CatalogWrite)),
    ("delete_mode", Access::Right(Right::CatalogWrite)),
    ("subject_mode", Access::Right(Right::MeshRead)),
    ("set_subject_mode", Access::Right(Right::CatalogWrite)),
    ("delete_subject_mode", Access::Right(Right::CatalogWrite)),
];

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
