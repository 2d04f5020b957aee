//! Find: one box that goes to any place of the portal and to anything in the mesh.

use leptos::ev;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::Overlays;
use super::nav::places;
use crate::api::{CatalogKind, CatalogQuery, CatalogRow, QueueQuery, QueueView};
use crate::components::{Dialog, Icon};
use crate::load::load;

/// One line of the result.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hit {
    icon: &'static str,
    name: String,
    note: String,
    href: String,
}

/// Places whose name holds every word of the query.
fn matching_places(query: &str) -> Vec<Hit> {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    places()
        .filter(|place| {
            let name = place.name.to_lowercase();
            words.iter().all(|word| name.contains(word.as_str()))
        })
        .map(|place| Hit {
            icon: place.icon,
            name: place.name.to_owned(),
            note: format!("g {}", place.key),
            href: place.path.to_owned(),
        })
        .collect()
}

/// The find dialog.
#[component]
pub(super) fn Find() -> impl IntoView {
    let overlays = expect_context::<Overlays>();
    view! {
        <Dialog open=overlays.find label="Find" class="m-dialog--find">
            <Palette open=overlays.find/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Palette(open: RwSignal<bool>) -> impl IntoView {
    let query = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    let navigate = use_navigate();
    let places = Memo::new(move |_| query.with(|query| matching_places(query)));
    let objects = objects(query);
    let object_hits = Memo::new(move |_| {
        objects
            .with(|(queues, rows)| queues.iter().map(queue_hit).chain(rows.iter().map(object_hit)).collect::<Vec<_>>())
    });
    let hits = Memo::new(move |_| object_hits.get().into_iter().chain(places.get()).collect::<Vec<_>>());
    let follow = move |href: &str| {
        open.set(false);
        navigate(href, NavigateOptions::default());
    };
    let on_key = move |ev: ev::KeyboardEvent| {
        let last = hits.with(Vec::len).saturating_sub(1);
        match ev.key().as_str() {
            "ArrowDown" => chosen.update(|chosen| *chosen = (*chosen + 1).min(last)),
            "ArrowUp" => chosen.update(|chosen| *chosen = chosen.saturating_sub(1)),
            "Enter" => {
                let everything = catalog_search(&query.get_untracked());
                let hit = hits.with(|hits| hits.get(chosen.get_untracked()).map(|hit| hit.href.clone()));
                follow(&hit.unwrap_or(everything));
            }
            _ => return,
        }
        ev.prevent_default();
    };
    view! {
        <div class="m-palette">
            <div class="m-palette__query">
                <Icon name="search"/>
                <input
                    type="search"
                    aria-label="Find"
                    autofocus
                    autocomplete="off"
                    role="combobox"
                    aria-expanded="true"
                    aria-controls="find-hits"
                    aria-activedescendant=move || format!("find-hit-{}", chosen.get())
                    on:input=move |ev| {
                        query.set(event_target_value(&ev));
                        chosen.set(0);
                    }
                    on:keydown=on_key
                />
                <kbd class="m-kbd">"Esc"</kbd>
            </div>
            <div class="m-palette__list" id="find-hits" role="listbox" aria-label="Results">
                <Hits title="In the mesh" first=Signal::derive(|| 0) hits=object_hits chosen=chosen open=open/>
                <Hits title="Go to" first=Signal::derive(move || object_hits.with(Vec::len)) hits=places chosen=chosen open=open/>
                <Show when=move || hits.with(Vec::is_empty)>
                    <p class="m-palette__title">"Nothing found. Enter searches the whole catalog."</p>
                </Show>
            </div>
            <div class="m-palette__foot">
                <span><kbd class="m-kbd">"↑"</kbd><kbd class="m-kbd">"↓"</kbd>" move"</span>
                <span><kbd class="m-kbd">"Enter"</kbd>" open"</span>
            </div>
        </div>
    }
    .into_any()
}

/// The catalog page that searches for `query`.
fn catalog_search(query: &str) -> String {
    let mut params = leptos_router::params::ParamsMap::new();
    if !query.trim().is_empty() {
        params.insert("q", query.trim().to_owned());
    }
    format!("/catalog{}", params.to_query_string())
}

/// What was found in the mesh.
type Found = (Vec<QueueView>, Vec<CatalogRow>);

/// The queues and what the catalog finds for the query, a moment after the last key.
fn objects(query: RwSignal<String>) -> RwSignal<Found> {
    let asked = RwSignal::new(String::new());
    let mut ask = debounce(std::time::Duration::from_millis(150), move |text| asked.set(text));
    Effect::new(move |_| ask(query.get()));
    let found = load(
        &[],
        move || asked.get(),
        |api, q: String| async move {
            if q.trim().is_empty() {
                return Ok(Found::default());
            }
            let queues = QueueQuery { q: q.clone(), limit: Some(4), ..QueueQuery::default() };
            let queues = api.0.queues(queues).await?.items;
            let page = api.0.catalog(CatalogQuery { q, limit: Some(8), ..CatalogQuery::default() }).await?;
            Ok((queues, page.items))
        },
    );
    let rows = RwSignal::new(Found::default());
    Effect::new(move |_| {
        if let Some(Ok(found)) = found.get() {
            rows.set(found);
        }
    });
    rows
}

fn queue_hit(queue: &QueueView) -> Hit {
    let name = queue.config.name.clone();
    Hit { icon: "queue", name, note: format!("queue at {}", queue.site_name), href: format!("/queues/{}", queue.id) }
}

fn object_hit(row: &CatalogRow) -> Hit {
    let icon = match row.kind {
        CatalogKind::Address => "event",
        CatalogKind::Topic => "topic",
        CatalogKind::Group => "queue",
        CatalogKind::Cluster => "broker",
        CatalogKind::User => "user",
        CatalogKind::Transaction => "clock",
        CatalogKind::Application => "app",
        CatalogKind::Principal => "key",
    };
    let place = row.broker.clone().unwrap_or_else(|| row.sites.join(", "));
    Hit { icon, name: row.name.clone(), note: place, href: format!("/catalog/{}", crate::api::encoded(&row.id)) }
}

/// One group of hits; `first` is the position of its first hit in the whole list.
#[component]
fn Hits(
    title: &'static str,
    first: Signal<usize>,
    hits: Memo<Vec<Hit>>,
    chosen: RwSignal<usize>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let rows = move || {
        hits.get()
            .into_iter()
            .enumerate()
            .map(|(i, hit)| {
                let at = first.get() + i;
                view! {
                    <a
                        class="m-palette__item"
                        role="option"
                        id=format!("find-hit-{at}")
                        href=hit.href
                        tabindex="-1"
                        aria-selected=move || if chosen.get() == at { "true" } else { "false" }
                        on:click=move |_| open.set(false)
                        on:mouseenter=move |_| chosen.set(at)
                    >
                        <Icon name=hit.icon/>
                        <span>{hit.name}</span>
                        <span class="m-palette__note">{hit.note}</span>
                    </a>
                }
            })
            .collect_view()
    };
    view! {
        <Show when=move || hits.with(|hits| !hits.is_empty())>
            <div class="m-palette__group" role="group" aria-label=title>
                <p class="m-palette__title">
                    <span>{title}</span>
                    <span>{move || hits.with(Vec::len)}</span>
                </p>
                {rows}
            </div>
        </Show>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_match_by_every_word() {
        let names = |query: &str| matching_places(query).into_iter().map(|hit| hit.name).collect::<Vec<_>>();
        assert_eq!(names("flow"), ["Flow graph"]);
        assert_eq!(names("graph flow"), ["Flow graph"]);
        assert!(names("zzz").is_empty());
        assert_eq!(names("").len(), places().count());
    }

    #[test]
    fn a_query_becomes_a_catalog_address() {
        assert_eq!(catalog_search("  "), "/catalog");
        assert_eq!(catalog_search("orders fr"), "/catalog?q=orders%20fr");
    }
}
