//! The pages: each loads what it shows through `PortalApi` and draws it with components.

mod access;
mod acl;
mod agents;
mod brokers;
mod bulk;
mod catalog;
mod clients;
mod compare;
mod designs;
mod domains;
mod door;
mod drift;
mod graph;
mod import;
mod inbox;
mod login;
mod me;
mod narrow;
mod notifications;
mod overview;
mod ownership;
mod people;
mod products;
mod queues;
mod routes;
mod schemas;
mod scopes;
mod search;
mod selection;
mod setup;
mod site_select;
mod sites;
mod subscriptions;
mod tail;
mod teams;
mod unanswered;
mod webhooks;

use leptos::prelude::*;

use crate::components::{Empty, Main};
use crate::status::PageStatus;

pub use access::{Access, GrantDetail};
pub use acl::Acl;
pub use agents::{AgentDetail, Agents};
pub use brokers::Brokers;
pub use catalog::{Catalog, CatalogDetail, CatalogRecords};
pub use clients::{ClientDetail, Clients};
pub use compare::CompareDocuments;
pub use designs::{DesignDetail, DesignDocument, DesignVersionDetail, Designs};
pub use domains::Domains;
pub use drift::Drift;
pub use graph::Graph;
pub use import::ImportDocument;
pub use inbox::{Inbox, PlanReviews, RequestDetail};
pub use login::Login;
pub use me::MySettings;
pub use notifications::Notifications;
pub(crate) use notifications::TOPICS as NOTIFICATION_TOPICS;
pub use overview::Overview;
pub use ownership::Ownership;
pub use people::People;
pub use products::{ProductDetail, Products};
pub use queues::{AgentDeadLetters, NewQueue, QueueDetail, Queues, RouteEvents};
pub use routes::{RouteDetail, Routes};
pub use schemas::Schemas;
pub use scopes::Scopes;
pub use search::SearchResults;
pub(crate) use search::{kind_words, place as hit_place};
pub use setup::Setup;
pub use sites::{SiteDetail, Sites};
pub use subscriptions::Subscriptions;
pub use teams::{TeamDetail, Teams};
pub use webhooks::{WebhookDetail, Webhooks};

use site_select::{SiteSelect, load_sites};

/// No page has this address.
#[component]
pub fn NotFound() -> impl IntoView {
    PageStatus::tell(404);
    view! {
        <Main title="There is nothing here">
            <Empty
                icon="search"
                title="No page has this address"
                text="It is wrong, or what it named is gone. Search with / or start from the overview."
            >
                <a class="m-button" href="/">"Overview"</a>
            </Empty>
        </Main>
    }
    .into_any()
}
