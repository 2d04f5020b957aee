//! The app: what every page may rely on (clock, toasts, readiness), and the table of routes.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, StaticSegment, path};

use crate::clock::Clock;
use crate::components::{Ready, Toaster, Toasts};
use crate::frame::Frame;
use crate::live::Live;
use crate::pages::{
    Access, Acl, AgentDeadLetters, AgentDetail, Agents, Brokers, Catalog, CatalogDetail, CatalogRecords, ClientDetail,
    Clients, CompareDocuments, DesignDetail, DesignDocument, DesignVersionDetail, Designs, Domains, Drift, GrantDetail,
    Graph, ImportDocument, Inbox, Login, MySettings, NewQueue, NotFound, Notifications, Overview, Ownership, People,
    PlanReviews, ProductDetail, Products, QueueDetail, Queues, RequestDetail, RouteDetail, RouteEvents,
    Routes as RoutesPage, Schemas, Scopes, SearchResults, Setup, SiteDetail, Sites, Subscriptions, TeamDetail, Teams,
    WebhookDetail, Webhooks,
};
use crate::viewer::Viewer;

/// The whole portal.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    #[cfg(feature = "hydrate")]
    {
        provide_context(crate::AssetPaths::from_document());
        provide_context(crate::api::Api(std::sync::Arc::new(crate::api::rest::RestApi(crate::api::fetch::Fetch))));
    }
    Viewer::share();
    Clock::provide();
    Live::provide();
    Toasts::provide();
    let ready = RwSignal::new(false);
    provide_context(Ready(ready));
    Effect::new(move || ready.set(true));

    view! {
        <Title formatter=|page: String| if page.is_empty() { "Meshport".to_owned() } else { format!("{page} · Meshport") }/>
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/login") view=Login ssr=SsrMode::Async/>
                <Route path=path!("/setup") view=Setup ssr=SsrMode::Async/>
                <ParentRoute path=StaticSegment("") view=Frame>
                    <Route path=path!("/") view=Overview ssr=SsrMode::Async/>
                    <Route path=path!("/search") view=SearchResults ssr=SsrMode::Async/>
                    <Route path=path!("/catalog") view=Catalog ssr=SsrMode::Async/>
                    <Route path=path!("/catalog/:id") view=CatalogDetail ssr=SsrMode::Async/>
                    <Route path=path!("/catalog/:id/records") view=CatalogRecords ssr=SsrMode::Async/>
                    <Route path=path!("/graph") view=Graph ssr=SsrMode::Async/>
                    <Route path=path!("/subscriptions") view=Subscriptions ssr=SsrMode::Async/>
                    <Route path=path!("/acl") view=Acl ssr=SsrMode::Async/>
                    <Route path=path!("/designs") view=Designs ssr=SsrMode::Async/>
                    <Route path=path!("/designs/:id") view=DesignDetail ssr=SsrMode::Async/>
                    <Route path=path!("/designs/:id/versions/:version") view=DesignVersionDetail ssr=SsrMode::Async/>
                    <Route path=path!("/designs/:id/versions/:version/asyncapi") view=DesignDocument ssr=SsrMode::Async/>
                    <Route path=path!("/products") view=Products ssr=SsrMode::Async/>
                    <Route path=path!("/products/:id") view=ProductDetail ssr=SsrMode::Async/>
                    <Route path=path!("/inbox") view=Inbox ssr=SsrMode::Async/>
                    <Route path=path!("/inbox/plans") view=PlanReviews ssr=SsrMode::Async/>
                    <Route path=path!("/inbox/:id") view=RequestDetail ssr=SsrMode::Async/>
                    <Route path=path!("/access") view=Access ssr=SsrMode::Async/>
                    <Route path=path!("/access/:id") view=GrantDetail ssr=SsrMode::Async/>
                    <Route path=path!("/import") view=ImportDocument ssr=SsrMode::Async/>
                    <Route path=path!("/asyncapi/diff") view=CompareDocuments ssr=SsrMode::Async/>
                    <Route path=path!("/drift") view=Drift ssr=SsrMode::Async/>
                    <Route path=path!("/domains") view=Domains ssr=SsrMode::Async/>
                    <Route path=path!("/ownership") view=Ownership ssr=SsrMode::Async/>
                    <Route path=path!("/teams") view=Teams ssr=SsrMode::Async/>
                    <Route path=path!("/teams/:id") view=TeamDetail ssr=SsrMode::Async/>
                    <Route path=path!("/schemas") view=Schemas ssr=SsrMode::Async/>
                    <Route path=path!("/scopes") view=Scopes ssr=SsrMode::Async/>
                    <Route path=path!("/clients") view=Clients ssr=SsrMode::Async/>
                    <Route path=path!("/clients/:id") view=ClientDetail ssr=SsrMode::Async/>
                    <Route path=path!("/routes") view=RoutesPage ssr=SsrMode::Async/>
                    <Route path=path!("/routes/:id") view=RouteDetail ssr=SsrMode::Async/>
                    <Route path=path!("/routes/:id/events") view=RouteEvents ssr=SsrMode::Async/>
                    <Route path=path!("/queues") view=Queues ssr=SsrMode::Async/>
                    <Route path=path!("/queues/new") view=NewQueue ssr=SsrMode::Async/>
                    <Route path=path!("/queues/:id") view=QueueDetail ssr=SsrMode::Async/>
                    <Route path=path!("/sites") view=Sites ssr=SsrMode::Async/>
                    <Route path=path!("/sites/:id") view=SiteDetail ssr=SsrMode::Async/>
                    <Route path=path!("/agents") view=Agents ssr=SsrMode::Async/>
                    <Route path=path!("/agents/:id") view=AgentDetail ssr=SsrMode::Async/>
                    <Route path=path!("/agents/:id/dead-letters") view=AgentDeadLetters ssr=SsrMode::Async/>
                    <Route path=path!("/brokers") view=Brokers ssr=SsrMode::Async/>
                    <Route path=path!("/notifications") view=Notifications ssr=SsrMode::Async/>
                    <Route path=path!("/webhooks") view=Webhooks ssr=SsrMode::Async/>
                    <Route path=path!("/webhooks/:id") view=WebhookDetail ssr=SsrMode::Async/>
                    <Route path=path!("/me") view=MySettings ssr=SsrMode::Async/>
                    <Route path=path!("/people") view=People ssr=SsrMode::Async/>
                    <Route path=path!("/*any") view=NotFound ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
        <Toaster/>
    }
    .into_any()
}
