//! One queue: what is in it, how to take from it, what it was told, and what its agent says.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};
use mesh_protocol::desired::{OnFailure, WhenFull};
use mesh_protocol::id::QueueId;
use mesh_protocol::report::PartState;

use super::browse::{Browse, Counts, Holder, Keeping};
use super::consume::Consume;
use super::form::QueueForm;
use super::origins::Origins;
use super::replay::{ReplayButton, ReplayDialog, Replaying};
use super::{TOPICS, access_word};
use crate::act::{Act, ActError, sentence};
use crate::api::{ApiError, Edit, PartView, QueueFigures, QueueInput, QueueView, RolloutState};
use crate::components::{
    Age, Banner, Button, Confirm, Dialog, Main, Part, PartTable, RolloutList, Stamp, Toasts, Tone, Topic,
};
use crate::live::Live;
use crate::load::{Load, load};
use crate::viewer::{Viewer, right};
use crate::{format, quantity};

/// `/queues/:id`
#[component]
pub fn QueueDetail() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<QueueId>().ok())));
    let queue = load(
        TOPICS,
        move || id.get(),
        |api, id| async move {
            match id {
                Some(id) => api.0.queue(id).await,
                None => Err(ApiError::new("not-found", 404, "there is no such queue")),
            }
        },
    );
    view! {
        <Load resource=queue what="queue" title="Queue" one=true let:queue>
            <Detail queue=queue/>
        </Load>
    }
    .into_any()
}

/// What stands above everything else: a refusal, trouble, or that it is paused.
fn banner(queue: &QueueView) -> Option<(&'static str, String)> {
    let part = queue.parts.iter().find(|part| !matches!(part.state, PartState::Running | PartState::Starting));
    let refused = queue.rollout.iter().find(|agent| agent.state == RolloutState::Rejected);
    if let Some(part) = part.filter(|part| !part.freshness.stale) {
        let tone = if part.state == PartState::Degraded { "warn" } else { "bad" };
        let detail = part.detail.clone().unwrap_or_else(|| "it gave no reason".to_owned());
        return Some((tone, format!("{} says: {detail}", part.agent_name)));
    }
    if let Some(agent) = refused {
        let reason = agent.reason.clone().unwrap_or_else(|| "it gave no reason".to_owned());
        return Some(("bad", format!("{} refuses it: {reason}", agent.agent_name)));
    }
    if queue.owner.is_none() {
        let text = format!("No agent is enrolled at {}, so nothing is attracted yet.", queue.site_name);
        return Some(("warn", text));
    }
    if queue.config.paused {
        return Some(("warn", "It is paused: it goes on attracting, and consumers get nothing.".to_owned()));
    }
    None
}

#[component]
fn Detail(queue: Signal<QueueView>) -> impl IntoView {
    let editor = RwSignal::new(false);
    let may = Signal::derive(|| Viewer::has(right::QUEUE_WRITE));
    let name = Signal::derive(move || queue.with(|queue| queue.config.name.clone()));
    let above = Memo::new(move |_| queue.with(banner));
    let crumbs = view! { <ol class="m-crumbs"><li><a href="/queues">"Queues"</a></li><li>{name}</li></ol> };
    let replaying = Replaying::new();
    let keeping = Keeping {
        on: Memo::new(move |_| queue.with(|queue| queue.config.keep_ms.is_some())),
        edit: Callback::new(move |()| editor.set(true)),
        replaying,
    };
    let acts = view! {
        <ReplayButton queue=queue replaying=replaying/>
        <Pause queue=queue/>
        <Button right=may on_press=move |()| editor.set(true)>"Edit"</Button>
    };
    let counts = Signal::derive(move || {
        queue.with(|queue| {
            let figures = queue.figures.as_ref();
            Counts {
                waiting: figures.map(|figures| figures.queued_events),
                dead_letters: figures.map(|figures| figures.dead_letter_events),
                kept: figures.map(|figures| figures.kept_events).filter(|_| queue.config.keep_ms.is_some()),
            }
        })
    });
    let owner = Signal::derive(move || queue.with(|queue| queue.owner.clone()));
    view! {
        <Main
            title=name
            note=Signal::derive(move || queue.with(|queue| format!("at {}", queue.site_name)))
            crumbs=crumbs.into_any()
            acts=acts.into_any()
        >
            {move || above.get().map(|(tone, text)| view! { <Banner tone=tone text=text/> })}
            <Figures queue=queue/>
            <Browse
                holder=Holder::Queue(queue.with_untracked(|queue| queue.id))
                name=name
                owner=owner
                counts=counts
                keeping=keeping
            />
            <Consume queue=queue/>
            <Settings queue=queue/>
            <Part title="Where it lies" note="the agent that holds it, and how far it is with its present form">
                {move || {
                    // Its figures stand above, in words.
                    let plain = |part: PartView| PartView { figures: BTreeMap::new(), ..part };
                    let parts: Vec<_> = queue.with(|queue| queue.parts.iter().cloned().map(plain).collect());
                    if parts.is_empty() {
                        view! { <p class="m-small m-muted">"No agent has said anything about it yet."</p> }.into_any()
                    } else {
                        view! { <PartTable parts=parts by_agent=true/> }.into_any()
                    }
                }}
                {move || view! { <RolloutList rollout=queue.with(|queue| queue.rollout.clone())/> }}
            </Part>
            <Part title="Where it attracts from" note="agents that keep what is published there for it, also while the way to it is down">
                {move || view! { <Origins origins=queue.with(|queue| queue.origins.clone())/> }}
            </Part>
            <Removal queue=queue/>
        </Main>
        <Dialog open=editor label="Change queue" class="m-dialog m-dialog--wide">
            <QueueForm queue=Some(queue.get_untracked()) open=editor/>
        </Dialog>
        <ReplayDialog queue=queue replaying=replaying/>
    }
    .into_any()
}

/// The figures, as the agent said last.
#[component]
fn Figures(queue: Signal<QueueView>) -> impl IntoView {
    let known =
        Memo::new(move |_| queue.with(|queue| queue.figures.clone().map(|figures| (figures, queue.config.clone()))));
    move || match known.get() {
        None => view! { <p class="m-small m-muted">"Its agent has not said yet what is in it."</p> }.into_any(),
        Some((figures, config)) => figure_row(figures, &config),
    }
}

fn figure_row(figures: QueueFigures, config: &QueueInput) -> AnyView {
    let stale = figures.freshness.stale;
    let item = |name: &'static str, value: AnyView, note: AnyView, warn: bool| {
        view! {
            <div class="m-figures__item">
                <dt>{name}</dt>
                <dd class="m-figures__value" class:m-faint=stale>{value}</dd>
                <dd class="m-figures__note" class:m-warn=warn && !stale>{note}</dd>
            </div>
        }
    };
    let number = |number: u64| format::count(number).into_any();
    let full = figures.queued_events.saturating_mul(10) >= config.events_max.saturating_mul(9)
        || figures.queued_bytes.saturating_mul(10) >= config.bytes_max.saturating_mul(9);
    let room = format!("{} of {}", format::bytes(figures.queued_bytes), quantity::size(config.bytes_max));
    let oldest = figures.oldest_at.map_or_else(|| "–".into_any(), |at| view! { <Age at_ms=Some(at)/> }.into_any());
    let ttl = config
        .ttl_ms
        .map_or_else(|| "no time limit here".to_owned(), |ttl| format!("at most {}", quantity::duration(ttl)));
    let hands = match figures.handed_out_events {
        0 => "nothing in their hands".to_owned(),
        n => format!("{} in their hands", format::count(n)),
    };
    let nobody = figures.consumers == 0 && figures.queued_events > 0;
    let dead = format!("of {} at most", format::count(config.dead_letters_max));
    let taken = format!("{} since its agent started", format::count(figures.delivered_events));
    let kept = config.keep_ms.map(|keep_ms| {
        let bytes = format::bytes(figures.kept_bytes);
        format!("{bytes} of {}, for {}", quantity::size(config.keep_bytes_max), quantity::duration(keep_ms))
    });
    let class = if kept.is_some() { "m-figures m-figures--six" } else { "m-figures" };
    let discarded = figures.discarded_events > 0;
    let rate = view! { {format::rate(figures.rate)}<span class="m-rate__unit">"/s"</span> };
    view! {
        <dl class=class>
            {item("Waiting", number(figures.queued_events), room.into_any(), full)}
            {item("Oldest", oldest, ttl.into_any(), false)}
            {item("Consumers", number(figures.consumers), hands.into_any(), nobody)}
            {item("Dead letters", number(figures.dead_letter_events), dead.into_any(), figures.dead_letter_events > 0)}
            {kept.map(|kept| item("Kept for replay", number(figures.kept_events), kept.into_any(), false))}
            {item("Taken", rate.into_any(), taken.into_any(), false)}
        </dl>
        <p class="m-shelf__since m-small m-muted">
            <Stamp at_ms=figures.freshness.as_of by=figures.freshness.by/>
            <span>{since(figures.redelivered_events, "delivered again")}</span>
            {(config.keep_ms.is_some() || figures.replayed_events > 0)
                .then(|| view! { <span>{since(figures.replayed_events, "replayed")}</span> })}
            <span>{since(figures.expired_events, "expired")}</span>
            <span class:m-warn=discarded>{since(figures.discarded_events, "left out because it was full")}</span>
        </p>
    }
    .into_any()
}

fn since(events: u64, what: &str) -> String {
    format!("{} {what}", format::count(events))
}

/// What it was told, in words.
#[component]
fn Settings(queue: Signal<QueueView>) -> impl IntoView {
    let facts = move || {
        let queue = queue.get();
        let config = queue.config;
        let ms = |ms: u32| quantity::duration(ms.into());
        let after = match config.deliveries_max {
            None => "never: it is tried for ever".to_owned(),
            Some(1) => "after one delivery".to_owned(),
            Some(most) => format!("after {} deliveries", format::count(most.into())),
        };
        let order = match config.on_failure {
            OnFailure::BlockKey => "later events of the same key wait",
            OnFailure::Overtake => "later events of the same key go on",
        };
        let full = match config.when_full {
            WhenFull::Refuse => "publishers are refused until there is room",
            WhenFull::Discard => "it goes without the newest, and counts them",
        };
        let filters =
            |filters: Vec<String>| filters.into_iter().map(|filter| view! { <Topic name=filter/> }).collect_view();
        view! {
            <dl class="m-facts">
                <dt>"Attracts"</dt>
                <dd class="m-shelf__filters">{filters(config.filters)}</dd>
                {(!config.exceptions.is_empty()).then(|| view! {
                    <dt>"Except"</dt>
                    <dd class="m-shelf__filters">{filters(config.exceptions)}</dd>
                })}
                <dt>"Access"</dt>
                <dd>{access_word(config.access).to_lowercase()}</dd>
                <dt>"When one fails"</dt>
                <dd>{order}", again after " {ms(config.backoff_first_ms)} " to " {ms(config.backoff_longest_ms)}</dd>
                <dt>"Dead letter"</dt>
                <dd>{after}</dd>
                <dt>"Lease"</dt>
                <dd>{ms(config.lease_ms)} " without a word from one that pulls"</dd>
                <dt>"Time to live"</dt>
                <dd>{config.ttl_ms.map_or_else(|| "the event's own".to_owned(), quantity::duration)}</dd>
                <dt>"Room"</dt>
                <dd>{format::count(config.events_max)} " events, " {quantity::size(config.bytes_max)}</dd>
                <dt>"When it is full"</dt>
                <dd>{full}</dd>
                <dt>"Keeps"</dt>
                <dd>{keeps(config.keep_ms, config.keep_bytes_max)}</dd>
                {(!config.note.is_empty()).then(|| view! {
                    <dt>"Why"</dt>
                    <dd>{config.note.clone()}</dd>
                })}
                <dt>"Changed"</dt>
                <dd><Age at_ms=Some(queue.updated_at)/> " ago by " {queue.updated_by}</dd>
            </dl>
        }
    };
    view! { <Part title="Settings">{facts}</Part> }.into_any()
}

/// What it keeps for a replay, in words.
fn keeps(keep_ms: Option<u64>, bytes_max: u64) -> String {
    keep_ms.map_or_else(
        || "nothing that was acknowledged".to_owned(),
        |ms| format!("what was acknowledged for {}, at most {}", quantity::duration(ms), quantity::size(bytes_max)),
    )
}

/// Pause and go on: events go on coming in.
#[component]
fn Pause(queue: Signal<QueueView>) -> impl IntoView {
    let live = Live::get();
    let toasts = Toasts::get();
    let switch = Act::new(
        |api, (id, edit): (QueueId, Edit<QueueInput>)| async move { api.0.update_queue(id, edit).await },
        move |queue: QueueView| {
            live.bump(TOPICS);
            let word = if queue.config.paused { "is paused; it goes on attracting" } else { "gives events again" };
            toasts.done(format!("{} {word}.", queue.config.name));
        },
    );
    Effect::new(move |_| {
        if let Some(error) = switch.error.get() {
            toasts.failed(format!("That did not work. {}", sentence(&error, &[])));
        }
    });
    let may = Signal::derive(|| Viewer::has(right::QUEUE_WRITE));
    let press = move |()| {
        let queue = queue.get_untracked();
        let value = QueueInput { paused: !queue.config.paused, ..queue.config };
        switch.run((queue.id, Edit { revision: queue.revision, value }));
    };
    view! {
        <Button right=may on_press=press>
            {move || if queue.with(|queue| queue.config.paused) { "Resume" } else { "Pause" }}
        </Button>
    }
    .into_any()
}

/// What goes with it, as far as anybody knows.
fn consequence(queue: &QueueView) -> String {
    let many = |number: u64, word: &str| format::plural(usize::try_from(number).unwrap_or(usize::MAX), word);
    let held = match &queue.figures {
        Some(figures) if figures.queued_events + figures.dead_letter_events + figures.kept_events > 0 => {
            let (waiting, dead) =
                (many(figures.queued_events, "event"), many(figures.dead_letter_events, "dead letter"));
            match figures.kept_events {
                0 => format!("The {waiting} that wait and {dead} go with it for good."),
                kept => {
                    let kept = many(kept, "acknowledged event");
                    format!("The {waiting} that wait, {dead} and {kept} go with it for good.")
                }
            }
        }
        Some(_) => "Nothing is in it now.".to_owned(),
        None => "Whatever is in it goes with it for good.".to_owned(),
    };
    let consumers = match queue.figures.as_ref().map(|figures| figures.consumers) {
        None | Some(0) => String::new(),
        Some(n) => format!(" Its {} {} nothing any more.", many(n, "consumer"), if n == 1 { "gets" } else { "get" }),
    };
    format!("{held}{consumers} To stop consumers for a while, pause it: then what comes is kept.")
}

#[component]
fn Removal(queue: Signal<QueueView>) -> impl IntoView {
    let confirm = RwSignal::new(false);
    let toasts = Toasts::get();
    let navigate = use_navigate();
    let delete = Act::new(
        |api, (id, revision): (QueueId, i64)| async move { api.0.delete_queue(id, revision).await },
        move |()| {
            // No bump: this page has nothing to load any more, and the list loads when it is opened.
            toasts.done("Queue deleted.");
            navigate("/queues", NavigateOptions::default());
        },
    );
    let may = Signal::derive(|| Viewer::has(right::QUEUE_WRITE));
    view! {
        <Part title="Delete" note="with everything in it; to empty it and keep it, purge what waits">
            <ActError act=delete/>
            <p><Button tone=Tone::Danger right=may on_press=move |()| confirm.set(true)>"Delete queue"</Button></p>
        </Part>
        <Confirm
            open=confirm
            title=Signal::derive(move || queue.with(|queue| format!("Delete {}?", queue.config.name)))
            consequence=Signal::derive(move || queue.with(consequence))
            verb="Delete"
            on_yes=move |()| delete.run(queue.with_untracked(|queue| (queue.id, queue.revision)))
        />
    }
    .into_any()
}
