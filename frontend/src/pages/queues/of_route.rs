//! What waits for a route's sink, and its dead letters: the same shelves as those of a named queue.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use mesh_protocol::id::RouteId;
use mesh_protocol::report::PartRef;

use super::browse::{Browse, Counts, Holder};
use crate::api::{ApiError, LiveTopic, PartView, RouteTo, RouteView};
use crate::components::{Empty, Main};
use crate::load::{Load, load};

/// `/routes/:id/events`
#[component]
pub fn RouteEvents() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<RouteId>().ok())));
    let route = load(
        &[LiveTopic::Routes, LiveTopic::Topology],
        move || id.get(),
        |api, id| async move {
            match id {
                Some(id) => api.0.route(id).await,
                None => Err(ApiError::new("not-found", 404, "there is no such route")),
            }
        },
    );
    view! {
        <Load resource=route what="route" title="Route" one=true let:route>
            <Events route=route/>
        </Load>
    }
    .into_any()
}

/// The part of a route that events wait for, at the agent that runs it.
pub(in crate::pages) fn sink(route: &RouteView) -> Option<&PartView> {
    route.parts.iter().find(|part| matches!(part.object, PartRef::Sink(_)))
}

#[component]
fn Events(route: Signal<RouteView>) -> impl IntoView {
    let name = Signal::derive(move || route.with(|route| route.config.name.clone()));
    let (id, href) = route.with_untracked(|route| (route.id, format!("/routes/{}", route.id)));
    let crumbs = view! {
        <ol class="m-crumbs">
            <li><a href="/routes">"Routes"</a></li>
            <li><a href=href>{name}</a></li>
            <li>"Events"</li>
        </ol>
    };
    let figure = |part: Option<&PartView>, name: &str| part.and_then(|part| part.figures.get(name).copied());
    let counts = Signal::derive(move || {
        route.with(|route| Counts {
            waiting: figure(sink(route), "queued_events"),
            dead_letters: figure(sink(route), "dead_letter_events"),
            kept: None,
        })
    });
    let owner = Signal::derive(move || route.with(|route| sink(route).map(|part| part.agent_name.clone())));
    let waits = Memo::new(move |_| route.with(|route| !matches!(route.config.to, RouteTo::Mesh)));
    view! {
        <Main
            title=Signal::derive(move || format!("Events of {}", name.get()))
            note=Signal::derive(move || route.with(|route| format!("what waits for {}, and what it would not take", route.to_name)))
            crumbs=crumbs.into_any()
        >
            <Show
                when=move || waits.get()
                fallback=|| view! { <Empty icon="route" title="Nothing waits for this route" text="It brings events into the mesh, where whoever wants them has a queue of their own."/> }
            >
                <Browse holder=Holder::Route(id) name=name owner=owner counts=counts/>
            </Show>
        </Main>
    }
    .into_any()
}
