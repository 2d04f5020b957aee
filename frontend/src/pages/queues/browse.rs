//! What is in a queue, or waits for a route's sink, as the agent that holds it answers now.
//!
//! It is asked for by the browser alone: it takes an agent's answer, and no page should wait for that. Whoever looks
//! sees when that was and looks again; a table that moved under one's hand would have the wrong rows selected.

use std::collections::BTreeSet;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use mesh_protocol::id::{AgentId, QueueId, RouteId};
use mesh_protocol::queue::{QueuedEvent, Shelf};

use super::event::events;
use super::replay::Replaying;
use super::tasks::{Tasks, act};
use crate::act::Act;
use crate::api::{Answer, Api, ApiError, LiveTopic, Page, ShelfDone, ShelfQuery, ShelfTask};
use crate::components::{Button, Empty, Skeleton, Stamp, use_param};
use crate::format;
use crate::live::Live;
use crate::pages::unanswered::{Titles, unanswered};
use crate::viewer::{Viewer, right};

/// What holds events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// A named queue.
    Queue(QueueId),
    /// The sink of a route.
    Route(RouteId),
    /// An agent, for the others: only what they refused.
    Agent(AgentId),
}

impl Holder {
    pub(super) fn look(self, api: &Api, query: ShelfQuery) -> Answer<'_, Page<QueuedEvent>> {
        match self {
            Self::Queue(id) => api.0.queue_events(id, query),
            Self::Route(id) => api.0.route_events(id, query),
            Self::Agent(id) => api.0.agent_dead_letters(id, query),
        }
    }

    pub(super) fn handle(self, api: &Api, task: ShelfTask) -> Answer<'_, ShelfDone> {
        match self {
            Self::Queue(id) => api.0.handle_queue_events(id, task),
            Self::Route(id) => api.0.handle_route_events(id, task),
            Self::Agent(id) => api.0.handle_agent_dead_letters(id, task),
        }
    }

    /// What changes when somebody does something to its content.
    const fn topics(self) -> &'static [LiveTopic] {
        match self {
            Self::Queue(_) => &[LiveTopic::Queues],
            Self::Route(_) => &[LiveTopic::Routes],
            Self::Agent(_) => &[LiveTopic::Topology],
        }
    }

    /// Whether it has dead letters and no other shelf.
    const fn has_letters_alone(self) -> bool {
        matches!(self, Self::Agent(_))
    }
}

/// How many the agent said there are, when it said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) waiting: Option<u64>,
    pub(super) dead_letters: Option<u64>,
    pub(super) kept: Option<u64>,
}

/// What a named queue has beyond a sink: a shelf for what was acknowledged, if it keeps that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeping {
    /// Whether it keeps anything.
    pub(super) on: Memo<bool>,
    /// Opens the form that changes it.
    pub(super) edit: Callback<()>,
    /// Asks what to replay.
    pub(super) replaying: Replaying,
}

/// What is looked at: the shelf and behind which position.
type Key = (Shelf, u64);

/// What came of the last look.
#[derive(Clone, Debug, PartialEq)]
enum Look {
    Under(Key),
    There { key: Key, page: Page<QueuedEvent>, at_ms: i64 },
    Failed { key: Key, error: ApiError },
}

/// What a page of a shelf needs of the whole.
#[derive(Clone, Copy)]
pub(super) struct Browsing {
    pub(super) holder: Holder,
    pub(super) shelf: Memo<Shelf>,
    /// None for the sink of a route.
    pub(super) keeping: Option<Keeping>,
    /// Does something to events.
    pub(super) act: Act<ShelfTask>,
    /// Positions of the rows that are selected.
    pub(super) selected: RwSignal<BTreeSet<u64>>,
    look: RwSignal<Look>,
}

impl Browsing {
    /// How many there were on the shelf at the last look.
    pub(super) fn total(self) -> u64 {
        self.look.with(|look| if let Look::There { page, .. } = look { page.total } else { 0 })
    }

    /// Whether the shelf that is chosen is one that the queue does not have as it is set now.
    fn is_off(self) -> bool {
        self.shelf.get() == Shelf::Acknowledged && self.keeping.is_none_or(|keeping| !keeping.on.get())
    }
}

const fn shelf_name(shelf: Shelf) -> &'static str {
    match shelf {
        Shelf::Waiting => "waiting",
        Shelf::DeadLetters => "dead",
        Shelf::Acknowledged => "acknowledged",
    }
}

/// The shelves as tabs, and a page of the one that is chosen.
#[component]
pub(super) fn Browse(
    /// What holds the events.
    holder: Holder,
    /// Its name.
    #[prop(into)]
    name: Signal<String>,
    /// The agent that owns it; events go to queues of the same agent only.
    #[prop(into)]
    owner: Signal<Option<String>>,
    /// How many there are.
    #[prop(into)]
    counts: Signal<Counts>,
    /// A shelf for what was acknowledged; sinks have none.
    #[prop(optional)]
    keeping: Option<Keeping>,
) -> impl IntoView {
    let (shelf, after) = (use_param("shelf"), use_param("after"));
    let shelf = Memo::new(move |_| {
        if holder.has_letters_alone() {
            return Shelf::DeadLetters;
        }
        let is = |of| shelf.with(|shelf| shelf == shelf_name(of));
        let there = [Shelf::DeadLetters, Shelf::Acknowledged].into_iter().find(|of| is(*of));
        there.filter(|of| *of != Shelf::Acknowledged || keeping.is_some()).unwrap_or_default()
    });
    let key = Memo::new(move |_| (shelf.get(), after.with(|after| after.parse().unwrap_or_default())));
    let again = RwSignal::new(0_u64);
    let look = RwSignal::new(Look::Under(key.get_untracked()));
    let selected = RwSignal::new(BTreeSet::new());
    let browsing = Browsing { holder, shelf, keeping, act: act(holder), selected, look };
    let may = Viewer::has(right::QUEUE_READ).granted();
    if may {
        look_on(browsing, key, again);
    }
    view! {
        <section class="m-part m-part--flush" aria-label="Content">
            <div class="m-part__head">
                <h2>"Content"</h2>
                <span class="m-part__note">"as the agent that holds it says, oldest first"</span>
                {may.then(|| view! {
                    <div class="m-part__acts">
                        {move || look.with(|look| match look {
                            Look::There { at_ms, .. } => Some(view! { <Stamp at_ms=*at_ms/> }),
                            _ => None,
                        })}
                        <Show when=move || !browsing.is_off()>
                            <Button small=true on_press=move |()| again.update(|again| *again += 1)>"Look again"</Button>
                        </Show>
                    </div>
                })}
            </div>
        </section>
        {(!holder.has_letters_alone()).then(|| view! { <Tabs shelf=shelf counts=counts keeping=keeping/> })}
        {if may {
            view! {
                <Tasks browsing=browsing name=name owner=owner/>
                {move || shown(browsing, again)}
            }
                .into_any()
        } else {
            closed()
        }}
    }
    .into_any()
}

/// Looks whenever another page is chosen, somebody asks for another look, or somebody did something to the content.
fn look_on(browsing: Browsing, key: Memo<Key>, again: RwSignal<u64>) {
    let api = expect_context::<Api>();
    let live = Live::get();
    let asked = StoredValue::new(0_u64);
    Effect::new(move |_| {
        let key = key.get();
        again.track();
        let _ = live.version(browsing.holder.topics());
        let number = asked.get_value() + 1;
        asked.set_value(number);
        if browsing.is_off() {
            browsing.look.set(Look::Under(key));
            browsing.selected.update(BTreeSet::clear);
            return;
        }
        let same = browsing.look.with_untracked(|look| matches!(look, Look::There { key: old, .. } if *old == key));
        if !same {
            browsing.look.set(Look::Under(key));
            browsing.selected.update(BTreeSet::clear);
        }
        let api = api.clone();
        spawn_local(async move {
            let query = ShelfQuery { shelf: key.0, after: key.1, ..ShelfQuery::default() };
            let answer = browsing.holder.look(&api, query).await;
            // A newer look is under way, or the page was left.
            if asked.try_get_value() != Some(number) {
                return;
            }
            let at_ms = crate::clock::now_ms();
            let _ = browsing.look.try_set(match answer {
                Ok(page) => Look::There { key, page, at_ms },
                Err(error) => Look::Failed { key, error },
            });
            // Rows that are gone cannot stay selected.
            let there = browsing.look.try_with(|look| match look {
                Look::There { page, .. } => page.items.iter().map(|event| event.position).collect(),
                _ => BTreeSet::new(),
            });
            if let Some(there) = there {
                let _ = browsing.selected.try_update(|selected| selected.retain(|one| there.contains(one)));
            }
        });
    });
}

/// The address of a shelf of this page, or of a page of it.
fn address(query: &ParamsMap, shelf: Shelf, after: Option<&str>) -> String {
    let mut params = query.clone();
    params.remove("shelf");
    params.remove("after");
    if shelf != Shelf::Waiting {
        params.insert("shelf", shelf_name(shelf).to_owned());
    }
    if let Some(after) = after {
        params.insert("after", after.to_owned());
    }
    let text = params.to_query_string();
    // An empty reference would keep the old query.
    if text.is_empty() { "?".to_owned() } else { text }
}

#[component]
fn Tabs(shelf: Memo<Shelf>, counts: Signal<Counts>, keeping: Option<Keeping>) -> impl IntoView {
    let query = use_query_map();
    let tab = move |of: Shelf, words: &'static str, count: fn(Counts) -> Option<u64>| {
        view! {
            <a
                class="m-tabs__tab"
                href=move || query.with(|query| address(query, of, None))
                data-noscroll
                aria-current=move || (shelf.get() == of).then_some("page")
            >
                {words}
                <span class="m-tabs__count">{move || count(counts.get()).map(format::count)}</span>
            </a>
        }
    };
    view! {
        <nav class="m-tabs" aria-label="Shelves">
            {tab(Shelf::Waiting, "Waiting", |counts| counts.waiting)}
            {tab(Shelf::DeadLetters, "Dead letters", |counts| counts.dead_letters)}
            {keeping.map(|_| tab(Shelf::Acknowledged, "Acknowledged", |counts| counts.kept))}
        </nav>
    }
    .into_any()
}

fn shown(browsing: Browsing, again: RwSignal<u64>) -> AnyView {
    if browsing.is_off() {
        return browsing.keeping.map(not_kept).into_any();
    }
    match browsing.look.get() {
        Look::Under(_) => view! { <Skeleton/> }.into_any(),
        Look::Failed { error, .. } => unanswered(&error, &UNANSWERED, again),
        Look::There { page, key, .. } if page.items.is_empty() => nothing(key, browsing.holder),
        Look::There { page, key, .. } => {
            let total = format!("{} in all", format::count(page.total));
            let next = page.next.clone();
            view! {
                {events(page.items, browsing)}
                <Foot key=key total=total next=next/>
            }
            .into_any()
        }
    }
}

/// How many there are, the way to the next page and back to the oldest.
#[component]
fn Foot(key: Key, total: String, next: Option<String>) -> impl IntoView {
    let query = use_query_map();
    let (shelf, after) = key;
    let first = (after > 0).then(|| query.with_untracked(|query| address(query, shelf, None)));
    let next = next.map(|next| query.with_untracked(|query| address(query, shelf, Some(&next))));
    view! {
        <p class="m-tail m-tail--still">
            <span class="m-num">{total}</span>
            <span class="m-push"></span>
            {first.map(|href| view! { <a href=href data-noscroll>"The oldest"</a> })}
            {next.map(|href| view! { <a href=href data-noscroll>"Next page"</a> })}
        </p>
    }
    .into_any()
}

fn nothing((shelf, after): Key, holder: Holder) -> AnyView {
    let (title, text) = match shelf {
        _ if after > 0 => ("Nothing behind this position", "What was here has been taken since. Begin at the oldest."),
        Shelf::Waiting => ("Nothing waits", "Every event that came has been taken, or none has come yet."),
        Shelf::DeadLetters if holder.has_letters_alone() => (
            "No dead letters",
            "An event comes here when another agent refuses it for good, because it is too large for it, say, or when its contract diverts it.",
        ),
        Shelf::DeadLetters => {
            ("No dead letters", "An event comes here when it could not be brought to anybody, with the reason.")
        }
        Shelf::Acknowledged => (
            "Nothing is kept",
            "An event comes here when a consumer has acknowledged it, and can be delivered again until its time here is over.",
        ),
    };
    view! { <Empty icon="queue" title=title text=text/> }.into_any()
}

/// That the queue keeps nothing, and how to change that.
fn not_kept(keeping: Keeping) -> AnyView {
    let may = Signal::derive(|| Viewer::has(right::QUEUE_WRITE));
    view! {
        <Empty
            icon="queue"
            title="Acknowledged events are not kept"
            text="An event goes from the agent's disk as soon as a consumer has acknowledged it. A queue that keeps them for a time can deliver them again: choose Keep acknowledged events for replay in its settings."
        >
            <Button right=may on_press=keeping.edit>"Change the settings"</Button>
        </Empty>
    }
    .into_any()
}

const UNANSWERED: Titles = Titles {
    away: "The agent that holds them cannot be asked",
    refused: ("agent", "The agent does not say"),
    closed: "What is in it is closed to you",
    lost: "The events did not load",
    meanwhile: "Nothing is lost by that: events lie on the agent's disk.",
};

/// Payloads are for those who may read them.
fn closed() -> AnyView {
    let needs = right::smallest_role(right::QUEUE_READ);
    let text = format!(
        "Events show what people and machines said, so it takes the role {needs}. An admin can give it to you."
    );
    view! { <Empty icon="lock" title="What is in it is closed to you" text=text/> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shelf_has_an_address_and_forgets_the_position_of_the_other() {
        let mut query = ParamsMap::new();
        query.insert("shelf", "dead".to_owned());
        query.insert("after", "7".to_owned());
        assert_eq!(address(&query, Shelf::Waiting, None), "?");
        assert_eq!(address(&query, Shelf::DeadLetters, None), "?shelf=dead");
        assert_eq!(address(&query, Shelf::Acknowledged, None), "?shelf=acknowledged");
        assert_eq!(address(&query, Shelf::Waiting, Some("50")), "?after=50");
    }
}
