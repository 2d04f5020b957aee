//! One route: what it says, and what the agents that run it answer, refusals included.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::id::RouteId;
use mesh_protocol::report::{PartRef, PartState};

use super::form::RouteForm;
use super::{TOPICS, becomes, takes};
use crate::act::{Act, ActError, sentence};
use crate::api::{ApiError, Edit, RolloutState, RouteInput, RouteTo, RouteView};
use crate::components::{
    Age, Banner, Button, Confirm, Dialog, Main, Part, PartTable, Rate, RolloutList, Toasts, Tone, all_stale,
};
use crate::format;
use crate::live::Live;
use crate::load::{Load, load};
use crate::pages::queues::sink;
use crate::quantity;
use crate::viewer::{Viewer, right};

/// `/routes/:id`
#[component]
pub fn RouteDetail() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<RouteId>().ok())));
    let route = load(
        TOPICS,
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
            <Detail route=route/>
        </Load>
    }
    .into_any()
}

/// What an agent refused about it, where it was made: the worst first.
fn refusal(route: &RouteView) -> Option<String> {
    let part = route.parts.iter().find(|part| part.state == PartState::Rejected);
    let of_part = part.map(|part| {
        let detail = part.detail.clone().unwrap_or_else(|| "it gave no reason".to_owned());
        let verb = if part.freshness.stale { "refused it when it was last heard of" } else { "refuses it" };
        format!("{} {verb}: {detail}", part.agent_name)
    });
    let of_rollout = || {
        let agent = route.rollout.iter().find(|agent| agent.state == RolloutState::Rejected)?;
        let reason = agent.reason.clone().unwrap_or_else(|| "it gave no reason".to_owned());
        Some(format!("{} refuses it: {reason}", agent.agent_name))
    };
    of_part.or_else(of_rollout)
}

/// Whether its source, which reads by schemas, is not there: older agents leave such a one aside.
fn may_be_older(route: &RouteView) -> bool {
    let has_source = route.parts.iter().any(|part| matches!(part.object, PartRef::Source(_)));
    route.config.enabled && route.schemas_name.is_some() && !has_source
}

#[component]
fn Detail(route: Signal<RouteView>) -> impl IntoView {
    let editor = RwSignal::new(false);
    let may = Signal::derive(|| Viewer::has(right::ROUTE_WRITE));
    let name = Signal::derive(move || route.with(|route| route.config.name.clone()));
    let refused = Memo::new(move |_| route.with(refusal));
    let crumbs = view! { <ol class="m-crumbs"><li><a href="/routes">"Routes"</a></li><li>{name}</li></ol> };
    let acts = view! {
        <Pause route=route/>
        <Button right=may on_press=move |()| editor.set(true)>"Edit"</Button>
    };
    view! {
        <Main
            title=name
            note=Signal::derive(move || route.with(|route| format!("{} to {}", route.from_name, route.to_name)))
            crumbs=crumbs.into_any()
            acts=acts.into_any()
        >
            <Show when=move || refused.get().is_some()>
                <Banner tone="bad" text=Signal::derive(move || refused.get().unwrap_or_default())>
                    <Button right=may on_press=move |()| editor.set(true)>"Mend it"</Button>
                </Banner>
            </Show>
            <Facts route=route/>
            <Part title="Where it runs" note="its source and its sink at the agents">
                <Show when=move || route.with(may_be_older)>
                    <p class="m-small m-muted">
                        "Its source is not there yet. An agent from before there were schemas does not start it: then update the agent. Nothing is lost meanwhile, its position stays."
                    </p>
                </Show>
                {move || {
                    let parts = route.with(|route| route.parts.clone());
                    if parts.is_empty() {
                        view! { <p class="m-small m-muted">"No agent has said anything about it yet."</p> }.into_any()
                    } else {
                        view! { <PartTable parts=parts by_agent=true/> }.into_any()
                    }
                }}
            </Part>
            <Part title="Agents" note="how far they are with its present form">
                {move || view! { <RolloutList rollout=route.with(|route| route.rollout.clone())/> }}
            </Part>
            <Removal route=route/>
        </Main>
        <Dialog open=editor label="Change route" class="m-dialog m-dialog--wide">
            <RouteForm route=Some(route.get_untracked()) open=editor/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Facts(route: Signal<RouteView>) -> impl IntoView {
    move || {
        let route = route.get();
        let mode = match route.config.mode {
            DeliveryMode::Guaranteed => "guaranteed: what the far side has not taken is kept",
            DeliveryMode::Direct => "direct: best effort",
        };
        let takes = takes(&route.config);
        let becomes = becomes(&route.config);
        view! {
            <div class="m-pad">
                <dl class="m-facts">
                    <dt>"Takes"</dt>
                    <dd><code>{takes}</code></dd>
                    <dt>"Becomes"</dt>
                    <dd><code>{becomes}</code></dd>
                    {route.schemas_name.clone().map(|name| view! {
                        <dt>"Schemas from"</dt>
                        <dd>{name}</dd>
                    })}
                    {endpoint(&route.config)}
                    <dt>"Delivery"</dt>
                    <dd>{mode}</dd>
                    <dt>"Rate"</dt>
                    <dd><Rate per_second=route.rate stale=all_stale(&route.parts)/></dd>
                    {route.lag.map(|lag| view! {
                        <dt>"Lag"</dt>
                        <dd class="m-num">{format::count(lag)} " records not yet taken"</dd>
                    })}
                    {sink(&route).map(|sink| {
                        let figure = |name: &str| format::count(sink.figures.get(name).copied().unwrap_or_default());
                        let (queued, dead) = (figure("queued_events"), figure("dead_letter_events"));
                        let events = format!("/routes/{}/events", route.id);
                        let letters = format!("{events}?shelf=dead");
                        let stale = sink.freshness.stale;
                        view! {
                            <dt>"Waiting"</dt>
                            <dd class:m-faint=stale><span class="m-num">{queued}</span> " events for it, " <a href=events>"look at them"</a></dd>
                            <dt>"Dead letters"</dt>
                            <dd class:m-faint=stale><span class="m-num">{dead}</span> " that it would not take, " <a href=letters>"look at them"</a></dd>
                        }
                    })}
                    {(!route.config.note.is_empty()).then(|| view! {
                        <dt>"Why"</dt>
                        <dd>{route.config.note.clone()}</dd>
                    })}
                    <dt>"Changed"</dt>
                    <dd><Age at_ms=Some(route.updated_at)/> " ago by " {route.updated_by}</dd>
                </dl>
            </div>
        }
    }
}

/// How an endpoint is called, for a route that calls one.
fn endpoint(config: &RouteInput) -> Option<AnyView> {
    let RouteTo::Webhook(target) = &config.to else { return None };
    let signed = match &target.secret {
        Some(secret) => format!("with the secret {secret} of the agent"),
        None => "no: anybody could send such requests".to_owned(),
    };
    let tries = match target.deliveries_max {
        Some(most) => format!("up to {most} times, then it is a dead letter"),
        None => "for ever; later events of its ordering key wait".to_owned(),
    };
    let within = quantity::duration(target.timeout_ms.into());
    let pace = format!("{} requests at once, each answered within {within}", target.concurrency);
    let facts = view! {
        <dt>"Signed"</dt>
        <dd>{signed}</dd>
        <dt>"Pace"</dt>
        <dd>{pace}</dd>
        <dt>"Sent again"</dt>
        <dd>{tries}</dd>
    };
    Some(facts.into_any())
}

/// Pause and go on: a source keeps its position.
#[component]
fn Pause(route: Signal<RouteView>) -> impl IntoView {
    let live = Live::get();
    let toasts = Toasts::get();
    let switch = Act::new(
        |api, (id, edit): (RouteId, Edit<RouteInput>)| async move { api.0.update_route(id, edit).await },
        move |route: RouteView| {
            live.bump(TOPICS);
            let word = if route.config.enabled { "runs again" } else { "is paused; it keeps its position" };
            toasts.done(format!("{} {word}.", route.config.name));
        },
    );
    Effect::new(move |_| {
        if let Some(error) = switch.error.get() {
            toasts.failed(format!("That did not work. {}", sentence(&error, &[])));
        }
    });
    let may = Signal::derive(|| Viewer::has(right::ROUTE_WRITE));
    let press = move |()| {
        let route = route.get_untracked();
        let value = RouteInput { enabled: !route.config.enabled, ..route.config };
        switch.run((route.id, Edit { revision: route.revision, value }));
    };
    view! {
        <Button right=may on_press=press>
            {move || if route.with(|route| route.config.enabled) { "Pause" } else { "Let it run" }}
        </Button>
    }
    .into_any()
}

#[component]
fn Removal(route: Signal<RouteView>) -> impl IntoView {
    let confirm = RwSignal::new(false);
    let toasts = Toasts::get();
    let navigate = use_navigate();
    let delete = Act::new(
        |api, (id, revision): (RouteId, i64)| async move { api.0.delete_route(id, revision).await },
        move |()| {
            // No bump: this page has nothing to load any more, and the list loads when it is opened.
            toasts.done("Route deleted.");
            navigate("/routes", NavigateOptions::default());
        },
    );
    let may = Signal::derive(|| Viewer::has(right::ROUTE_WRITE));
    view! {
        <Part title="Delete" note="what has arrived stays where it is">
            <ActError act=delete/>
            <p><Button tone=Tone::Danger right=may on_press=move |()| confirm.set(true)>"Delete route"</Button></p>
        </Part>
        <Confirm
            open=confirm
            title=Signal::derive(move || route.with(|route| format!("Delete {}?", route.config.name)))
            consequence="It stops at once. What waits for its cluster or endpoint is dropped and its position is forgotten: a route made again begins where its start says. To stop it for a while, pause it: then what comes is kept."
            verb="Delete"
            on_yes=move |()| delete.run(route.with_untracked(|route| (route.id, route.revision)))
        />
    }
    .into_any()
}
