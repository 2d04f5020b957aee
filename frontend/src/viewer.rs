//! Who looks. The server knows it before it renders and provides it; the browser reads it back with the page.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::api::{Me, PortalRole};
use crate::components::Right;

/// The signed-in person, or nobody. The server provides it as context for each request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer(pub Option<Me>);

impl Viewer {
    /// Hands what the server provided to the hydrated page. Called once, by the app.
    pub(crate) fn share() -> Self {
        let viewer = SharedValue::new(|| use_context::<Self>().unwrap_or_default()).into_inner();
        provide_context(viewer.clone());
        viewer
    }

    /// The person of this page, or nobody.
    #[must_use]
    pub fn get() -> Self {
        use_context().unwrap_or_default()
    }

    /// Whether the person has `right` (a name of the permission table); if not, why not and who helps.
    #[must_use]
    pub fn right(&self, right: &str) -> Right {
        match &self.0 {
            Some(me) if me.may(right) => Right::Granted,
            Some(me) => Right::Missing(format!(
                "Needs the right {right}, which your role, {}, does not have. An admin can give you another role.",
                role_name(me.role)
            )),
            None => Right::Missing("Sign in first.".to_owned()),
        }
    }

    /// [`Viewer::right`] of the person of this page.
    #[must_use]
    pub fn has(right: &str) -> Right {
        Self::get().right(right)
    }
}

/// How a role is written.
#[must_use]
pub const fn role_name(role: PortalRole) -> &'static str {
    match role {
        PortalRole::Viewer => "viewer",
        PortalRole::Developer => "developer",
        PortalRole::Approver => "approver",
        PortalRole::Operator => "operator",
        PortalRole::Admin => "admin",
    }
}

/// Names of the permission table that pages ask for.
pub mod right {
    /// Owner and description of catalog objects.
    pub const CATALOG_WRITE: &str = "catalog.write";
    /// Applications.
    pub const APPLICATION_WRITE: &str = "application.write";
    /// Clients: make, change, rotate, disable, delete.
    pub const PRINCIPAL_WRITE: &str = "principal.write";
    /// Stop one client's publishing, and let it go on.
    pub const PRINCIPAL_BLOCK: &str = "principal.block";
    /// Mesh roles.
    pub const ROLE_WRITE: &str = "role.write";
    /// Access rules.
    pub const RULE_WRITE: &str = "rule.write";
    /// Sites and join tokens.
    pub const SITE_WRITE: &str = "site.write";
    /// Agents: revoke.
    pub const AGENT_WRITE: &str = "agent.write";
    /// Links between sites.
    pub const LINK_WRITE: &str = "link.write";
    /// Endpoints for clients.
    pub const LISTENER_WRITE: &str = "listener.write";
    /// Broker connections.
    pub const BROKER_WRITE: &str = "broker.write";
    /// Routes.
    pub const ROUTE_WRITE: &str = "route.write";
    /// People and service tokens.
    pub const PERSON_WRITE: &str = "person.write";
    /// Try the mesh: a short-lived client, publish, tail.
    pub const TRY: &str = "try";

    /// All of them.
    pub const ALL: [&str; 14] = [
        CATALOG_WRITE,
        APPLICATION_WRITE,
        PRINCIPAL_WRITE,
        PRINCIPAL_BLOCK,
        ROLE_WRITE,
        RULE_WRITE,
        SITE_WRITE,
        AGENT_WRITE,
        LINK_WRITE,
        LISTENER_WRITE,
        BROKER_WRITE,
        ROUTE_WRITE,
        PERSON_WRITE,
        TRY,
    ];
}
