//! Who looks. The server knows it before it renders and provides it; the browser reads it back with the page.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::api::{Me, PortalRole, TeamView};
use crate::components::Right;

/// What somebody who sees only some domains is told of all else.
pub(crate) const OUT_OF_SIGHT: &str =
    "You see only some application domains, and this is about all of them. An admin can let you see everything.";

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
            Some(me) if !me.may(right::MESH_READ) => Right::Missing(OUT_OF_SIGHT.to_owned()),
            Some(me) => Right::Missing(format!(
                "This takes the role {}; yours is {}. An admin can give it to you.",
                right::smallest_role(right),
                role_name(me.role)
            )),
            None => Right::Missing("Sign in first.".to_owned()),
        }
    }

    /// Whether the person may edit a team: who writes the catalog may, and its leads, but for its name.
    #[must_use]
    pub fn right_to_edit(&self, team: &TeamView) -> Right {
        let writes = self.right(right::CATALOG_WRITE);
        let leads = |me: &Me| team.members.iter().any(|member| member.is_lead && member.person == me.id);
        match writes {
            Right::Missing(_) if self.0.as_ref().is_some_and(|me| me.may(right::MESH_READ) && leads(me)) => {
                Right::Granted
            }
            Right::Missing(why) if self.0.as_ref().is_some_and(|me| me.may(right::MESH_READ)) => {
                Right::Missing(format!("{why} Or ask one of its leads."))
            }
            of_all => of_all,
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

/// The names of the permission table; the server's table is the one that decides, and its test holds the two equal.
pub mod right {
    /// The catalog, of the domains that are in sight.
    pub const READ: &str = "read";
    /// Graph, state and configuration of the mesh, which are of all domains.
    pub const MESH_READ: &str = "mesh.read";
    /// Owner and description of catalog objects.
    pub const CATALOG_WRITE: &str = "catalog.write";
    /// Release what is offered to others, which somebody else wrote.
    pub const CATALOG_REVIEW: &str = "catalog.review";
    /// Ask for access, and hold the credentials that come of it.
    pub const ACCESS_REQUEST: &str = "access.request";
    /// Decide about requests of others, and end grants.
    pub const ACCESS_DECIDE: &str = "access.decide";
    /// Applications.
    pub const APPLICATION_WRITE: &str = "application.write";
    /// Try the mesh: a short-lived client, publish, tail.
    pub const TRY: &str = "try";
    /// Clients: make, change, rotate, disable, delete.
    pub const PRINCIPAL_WRITE: &str = "principal.write";
    /// Mesh roles.
    pub const ROLE_WRITE: &str = "role.write";
    /// Access rules.
    pub const RULE_WRITE: &str = "rule.write";
    /// Stop one client's publishing, and let it go on.
    pub const BLOCK: &str = "principal.block";
    /// Sites and join tokens.
    pub const SITE_WRITE: &str = "site.write";
    /// Links between sites.
    pub const LINK_WRITE: &str = "link.write";
    /// Listeners.
    pub const LISTENER_WRITE: &str = "listener.write";
    /// Broker connections.
    pub const BROKER_WRITE: &str = "broker.write";
    /// Revoke an agent for good.
    pub const AGENT_WRITE: &str = "agent.write";
    /// Routes.
    pub const ROUTE_WRITE: &str = "route.write";
    /// Named queues.
    pub const QUEUE_WRITE: &str = "queue.write";
    /// Look into queues, payloads included.
    pub const QUEUE_READ: &str = "queue.read";
    /// Look at records of Kafka topics.
    pub const DATA_READ: &str = "data.read";
    /// See values that are masked for others.
    pub const DATA_UNMASK: &str = "data.unmask";
    /// Delete, retry, replay and move what is in queues.
    pub const QUEUE_HANDLE: &str = "queue.handle";
    /// People.
    pub const PEOPLE_WRITE: &str = "person.write";
    /// Service tokens.
    pub const TOKEN_WRITE: &str = "token.write";
    /// Webhooks.
    pub const WEBHOOK_WRITE: &str = "webhook.write";

    /// All of them, with the smallest role that has each.
    pub const ALL: [(&str, &str); 26] = [
        (READ, "viewer"),
        (MESH_READ, "viewer"),
        (CATALOG_WRITE, "developer"),
        (CATALOG_REVIEW, "approver"),
        (ACCESS_REQUEST, "developer"),
        (ACCESS_DECIDE, "approver"),
        (APPLICATION_WRITE, "developer"),
        (TRY, "developer"),
        (QUEUE_READ, "developer"),
        (DATA_READ, "developer"),
        (DATA_UNMASK, "approver"),
        (PRINCIPAL_WRITE, "approver"),
        (ROLE_WRITE, "approver"),
        (RULE_WRITE, "approver"),
        (BLOCK, "approver or operator"),
        (SITE_WRITE, "operator"),
        (AGENT_WRITE, "operator"),
        (LINK_WRITE, "operator"),
        (LISTENER_WRITE, "operator"),
        (BROKER_WRITE, "operator"),
        (ROUTE_WRITE, "operator"),
        (QUEUE_WRITE, "operator"),
        (QUEUE_HANDLE, "operator"),
        (PEOPLE_WRITE, "admin"),
        (TOKEN_WRITE, "admin"),
        (WEBHOOK_WRITE, "admin"),
    ];

    /// The smallest role that has a right.
    #[must_use]
    pub fn smallest_role(right: &str) -> &'static str {
        ALL.iter().find(|(name, _)| *name == right).map_or("admin", |(_, role)| role)
    }
}
