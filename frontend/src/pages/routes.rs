//! Routes: which events move between the mesh, Kafka and HTTP endpoints, and what each agent made of them.

mod detail;
mod form;

use leptos::prelude::*;

pub use self::detail::RouteDetail;
use self::form::RouteForm;
use crate::api::{LiveTopic, RouteFrom, RouteInput, RouteTo, RouteView};
use crate::components::{
    Button, Dialog, Empty, Icon, Main, PartChip, Rate, RolloutChip, Run, RunState, Table, Tone, all_stale,
};
use crate::format;
use crate::load::{Load, load};
use crate::viewer::{Viewer, right};

/// What a change of routes makes old.
const TOPICS: &[LiveTopic] = &[LiveTopic::Routes, LiveTopic::Rollout, LiveTopic::Topology, LiveTopic::Overview];

/// `/routes`
#[component]
pub fn Routes() -> impl IntoView {
    let routes = load(TOPICS, || (), |api, ()| async move { api.0.all_routes().await });
    let editor = RwSignal::new(false);
    let may = Signal::derive(|| Viewer::has(right::ROUTE_WRITE));
    let acts = view! {
        <Button tone=Tone::Primary icon="plus" right=may on_press=move |()| editor.set(true)>"New route"</Button>
    };
    view! {
        <Main title="Routes" note="what moves between the mesh, Kafka clusters and HTTP endpoints" acts=acts.into_any()>
            <Load resource=routes what="routes" let:routes>
                {move || route_table(routes.get())}
            </Load>
        </Main>
        <Dialog open=editor label="New route" class="m-dialog m-dialog--wide">
            <RouteForm route=None open=editor/>
        </Dialog>
    }
    .into_any()
}

/// What the route takes, in a few words.
fn takes(config: &RouteInput) -> String {
    match &config.from {
        RouteFrom::Mesh { filters } => filters.join(", "),
        RouteFrom::Kafka { topics, filter, .. } if filter.is_empty() => topics.join(", "),
        RouteFrom::Kafka { topics, filter, .. } => format!("{} where {filter}", topics.join(", ")),
    }
}

/// What it becomes.
fn becomes(config: &RouteInput) -> String {
    match (&config.from, &config.to) {
        (_, RouteTo::Kafka { topic, .. }) => topic.clone(),
        (_, RouteTo::Webhook(target)) => format!("POST {}", target.url),
        (RouteFrom::Kafka { template, .. }, RouteTo::Mesh) => template.clone(),
        (RouteFrom::Mesh { .. }, RouteTo::Mesh) => "the same".to_owned(),
    }
}

fn route_table(routes: Vec<RouteView>) -> AnyView {
    if routes.is_empty() {
        return view! {
            <Empty
                icon="route"
                title="No route yet"
                text="Events move inside the mesh without one. A route brings records of a Kafka topic into the mesh, or events into a Kafka topic or to an HTTP endpoint."
            >
                <a class="m-button" href="/brokers">"Attach a Kafka first"</a>
            </Empty>
        }
        .into_any();
    }
    let rows = routes.into_iter().map(|route| view! { <Row route=route/> }).collect_view();
    view! {
        <Table
            label="Routes"
            heads=&[
                ("Route", ""),
                ("Takes", "m-low"),
                ("Becomes", "m-low"),
                ("State", ""),
                ("Agents", "m-low"),
                ("Lag", "m-low m-end"),
                ("Rate", "m-end"),
            ]
        >
            {rows}
        </Table>
    }
    .into_any()
}

#[component]
fn Row(route: RouteView) -> impl IntoView {
    let takes = takes(&route.config);
    let becomes = becomes(&route.config);
    let stale = all_stale(&route.parts);
    let lag = route.lag.map_or_else(|| "–".to_owned(), format::count);
    let name = route.config.name.clone();
    view! {
        <tr data-route=name>
            <td>
                <div class="m-cell m-cell--ends">
                    <a class="m-cell__name" href=format!("/routes/{}", route.id)>{route.config.name.clone()}</a>
                    <span class="m-cell__sub m-line m-line--wrap">
                        {route.from_name}
                        <Icon name="arrow" small=true/>
                        {route.to_name}
                    </span>
                </div>
            </td>
            <td class="m-low m-mono m-small m-wrap">{takes}</td>
            <td class="m-low m-mono m-small m-wrap">{becomes}</td>
            <td>
                {if route.config.enabled {
                    view! { <PartChip parts=route.parts/> }.into_any()
                } else {
                    view! { <Run state=RunState::Offline word="Paused"/> }.into_any()
                }}
            </td>
            <td class="m-low"><RolloutChip rollout=route.rollout/></td>
            <td class="m-low m-end m-num">{lag}</td>
            <td class="m-end"><Rate per_second=route.rate stale=stale/></td>
        </tr>
    }
    .into_any()
}
