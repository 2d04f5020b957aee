//! Named queues: what they attract, how full they are, who consumes, and what nobody could take.

mod browse;
mod consume;
mod detail;
mod event;
mod form;
mod of_agent;
mod of_route;
mod origins;
mod replay;
mod tasks;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use mesh_protocol::desired::QueueAccess;
use mesh_protocol::report::PartState;

pub use self::detail::QueueDetail;
use self::form::QueueForm;
pub use self::of_agent::AgentDeadLetters;
pub(in crate::pages) use self::of_agent::refused;
pub use self::of_route::RouteEvents;
pub(in crate::pages) use self::of_route::sink;
use crate::api::{LiveTopic, Page, QueueQuery, QueueView};
use crate::components::{
    Age, Button, Dialog, Empty, ListFoot, Main, PartChip, Rate, Run, RunState, Search, Table, Tone, Topic,
};
use crate::format;
use crate::load::{Load, load};
use crate::pages::{SiteSelect, load_sites};
use crate::viewer::{Viewer, right};

/// What a change of queues makes old.
const TOPICS: &[LiveTopic] = &[LiveTopic::Queues, LiveTopic::Rollout, LiveTopic::Topology, LiveTopic::Overview];
/// Filters that are named in a row of the list.
const NAMED: usize = 2;

/// `/queues?q=&site=&cursor=`
#[component]
pub fn Queues() -> impl IntoView {
    view! { <List making=false/> }.into_any()
}

/// `/queues/new`: the same with the form open.
#[component]
pub fn NewQueue() -> impl IntoView {
    view! { <List making=true/> }.into_any()
}

#[component]
fn List(making: bool) -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| {
        query.with(|query| {
            let text = |name| query.get(name).filter(|text| !text.is_empty());
            let q = query.get("q").unwrap_or_default();
            QueueQuery { q, site: text("site"), cursor: text("cursor"), limit: None }
        })
    });
    let sites = load_sites();
    let queues = load(TOPICS, move || key.get(), |api, query| async move { api.0.queues(query).await });
    let editor = RwSignal::new(making);
    let may = Signal::derive(|| Viewer::has(right::QUEUE_WRITE));
    let acts = view! {
        <Button tone=Tone::Primary icon="plus" right=may on_press=move |()| editor.set(true)>"New queue"</Button>
    };
    view! {
        <Main title="Queues" note="durable places that attract topics and keep events until they are taken" acts=acts.into_any()>
            <div class="m-bar">
                <Search label="Name, or part of a filter"/>
                <SiteSelect sites=sites/>
            </div>
            <Load resource=queues what="queues" let:page>
                {move || queue_table(page.get(), &key.get())}
            </Load>
        </Main>
        <Dialog open=editor label="New queue" class="m-dialog m-dialog--wide">
            <QueueForm queue=None open=editor/>
        </Dialog>
    }
    .into_any()
}

fn queue_table(page: Page<QueueView>, query: &QueueQuery) -> AnyView {
    if page.items.is_empty() {
        return nothing(query);
    }
    let total = format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "queue");
    let rows = page.items.into_iter().map(|queue| view! { <Row queue=queue/> }).collect_view();
    view! {
        <Table
            label="Queues"
            heads=&[
                ("Queue", ""),
                ("Attracts", "m-low"),
                ("Access", "m-low"),
                ("State", ""),
                ("Waiting", "m-end"),
                ("Oldest", "m-low m-end"),
                ("Consumers", "m-low m-end"),
                ("Dead letters", "m-low m-end"),
                ("Taken", "m-low m-end"),
            ]
        >
            {rows}
        </Table>
        <ListFoot total=total next=page.next/>
    }
    .into_any()
}

/// Why there are no queues in the list: there are none at all only when nothing narrows it.
fn nothing(query: &QueueQuery) -> AnyView {
    if query.q.is_empty() && query.site.is_none() && query.cursor.is_none() {
        return view! {
            <Empty
                icon="queue"
                title="No queue yet"
                text="A queue attracts events by topic and keeps them, on disk at one site, until a consumer has acknowledged them. Consumers may come and go; what they could not take is kept apart as a dead letter."
            />
        }
        .into_any();
    }
    let place = query.site.as_ref().map(|site| format!(" at {site}")).unwrap_or_default();
    let title = if query.q.is_empty() {
        format!("No queue{place}")
    } else {
        format!("No queue matches “{}”{place}", query.q)
    };
    view! {
        <Empty icon="search" title=title text="The search looks for a part of a queue's name or of the filters it attracts by.">
            <a class="m-button" href="/queues">"All queues"</a>
        </Empty>
    }
    .into_any()
}

/// Who may have events at the same time, in a word.
const fn access_word(access: QueueAccess) -> &'static str {
    match access {
        QueueAccess::Exclusive => "Exclusive",
        QueueAccess::Shared => "Shared",
        QueueAccess::Partitioned => "Partitioned",
    }
}

/// How a queue is: paused counts only where nothing is wrong.
fn state(queue: &QueueView) -> AnyView {
    let is_well = queue.parts.iter().all(|part| part.state == PartState::Running && !part.freshness.stale);
    if queue.config.paused && is_well {
        view! { <Run state=RunState::Offline word="Paused"/> }.into_any()
    } else if queue.owner.is_none() {
        view! { <Run state=RunState::None word="No agent at its site"/> }.into_any()
    } else {
        view! { <PartChip parts=queue.parts.clone()/> }.into_any()
    }
}

#[component]
fn Row(queue: QueueView) -> impl IntoView {
    let (name, row) = (queue.config.name.clone(), queue.config.name.clone());
    let state = state(&queue);
    let stale = queue.figures.as_ref().is_some_and(|figures| figures.freshness.stale);
    let figure = |read: fn(&crate::api::QueueFigures) -> u64| {
        queue.figures.as_ref().map_or_else(|| "–".to_owned(), |figures| format::count(read(figures)))
    };
    let (waiting, consumers) = (figure(|figures| figures.queued_events), figure(|figures| figures.consumers));
    let dead = figure(|figures| figures.dead_letter_events);
    let has_dead = queue.figures.as_ref().is_some_and(|figures| figures.dead_letter_events > 0);
    let oldest = queue.figures.as_ref().and_then(|figures| figures.oldest_at);
    let rate = queue.figures.as_ref().map(|figures| figures.rate);
    let more = queue.config.filters.len().saturating_sub(NAMED);
    let filters = queue.config.filters.iter().take(NAMED).cloned();
    view! {
        <tr data-queue=row>
            <td>
                <div class="m-cell">
                    <a class="m-cell__name" href=format!("/queues/{}", queue.id)>{name}</a>
                    <span class="m-cell__sub">{queue.site_name}</span>
                </div>
            </td>
            <td class="m-low">
                <div class="m-cell">
                    {filters.map(|filter| view! { <Topic name=filter/> }).collect_view()}
                    {(more > 0).then(|| view! { <span class="m-cell__sub">{format!("and {more} more")}</span> })}
                </div>
            </td>
            <td class="m-low m-muted">{access_word(queue.config.access)}</td>
            <td>{state}</td>
            <td class="m-end m-num" class:m-faint=stale>{waiting}</td>
            <td class="m-low m-end m-muted">
                {oldest.map_or_else(|| view! { "–" }.into_any(), |at| view! { <Age at_ms=Some(at)/> }.into_any())}
            </td>
            <td class="m-low m-end m-num" class:m-faint=stale>{consumers}</td>
            <td class="m-low m-end m-num" class:m-warn=has_dead && !stale class:m-faint=stale>{dead}</td>
            <td class="m-low m-end">
                {rate.map_or_else(|| view! { "–" }.into_any(), |rate| view! { <Rate per_second=rate stale=stale/> }.into_any())}
            </td>
        </tr>
    }
    .into_any()
}
