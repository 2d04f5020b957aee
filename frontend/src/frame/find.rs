//! Find: one box that goes to any place of the portal and to anything in the mesh.

use leptos::ev;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::Overlays;
use super::nav::{Place, places};
use crate::api::{SearchHit, SearchPage, SearchQuery};
use crate::components::{Dialog, Icon};
use crate::format;
use crate::load::load;
use crate::pages::{hit_place, kind_words};

/// Hits that are listed; the page of the search has the rest.
const HITS: u32 = 12;

/// One line of the result.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hit {
    icon: &'static str,
    name: String,
    note: String,
    href: String,
}

/// Places whose name holds every word of the query.
fn matching_places(query: &str, is_open: impl Fn(Place) -> bool) -> Vec<Hit> {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    places()
        .filter(|place| is_open(**place))
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
    let places = Memo::new(move |_| query.with(|query| matching_places(query, Place::is_open)));
    let found = found(query);
    let object_hits = Memo::new(move |_| {
        found.with(|page| page.items.iter().map(object_hit).chain(rest(page, query)).collect::<Vec<_>>())
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
                let everything = search_page(&query.get_untracked());
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
                <Hits title="Found" first=Signal::derive(|| 0) hits=object_hits chosen=chosen open=open/>
                <Hits title="Go to" first=Signal::derive(move || object_hits.with(Vec::len)) hits=places chosen=chosen open=open/>
                <Show when=move || hits.with(Vec::is_empty)>
                    <p class="m-palette__title">"Nothing found. A word must begin a word of a name, description, owner, tag or field."</p>
                </Show>
            </div>
            <div class="m-palette__foot">
                <span><kbd class="m-kbd">"↑"</kbd><kbd class="m-kbd">"↓"</kbd>" move"</span>
                <span><kbd class="m-kbd">"Enter"</kbd>" open"</span>
                <span class="m-push"></span>
                <span class="m-mono m-muted">"orders/+/created  field:email  owner:none  kind:rule"</span>
            </div>
        </div>
    }
    .into_any()
}

/// The page with everything that is found for `query`.
fn search_page(query: &str) -> String {
    let mut params = leptos_router::params::ParamsMap::new();
    if !query.trim().is_empty() {
        params.insert("q", query.trim().to_owned());
    }
    format!("/search{}", params.to_query_string())
}

/// What is found for the query, a moment after the last key.
fn found(query: RwSignal<String>) -> RwSignal<SearchPage> {
    let asked = RwSignal::new(String::new());
    let mut ask = debounce(std::time::Duration::from_millis(100), move |text| asked.set(text));
    Effect::new(move |_| ask(query.get()));
    let found = load(
        &[],
        move || asked.get(),
        |api, q: String| async move {
            if q.trim().is_empty() {
                return Ok(SearchPage::default());
            }
            api.0.search(SearchQuery { q, limit: Some(HITS), ..SearchQuery::default() }).await
        },
    );
    let page = RwSignal::new(SearchPage::default());
    Effect::new(move |_| {
        if let Some(Ok(found)) = found.get() {
            page.set(found);
        }
    });
    page
}

/// The way to what is not listed.
fn rest(page: &SearchPage, query: RwSignal<String>) -> Option<Hit> {
    let more = page.total.saturating_sub(page.items.len() as u64);
    let name = format!("{} more", format::count(more));
    let href = query.with(|query| search_page(query));
    (more > 0).then(|| Hit { icon: "search", name, note: "all results".to_owned(), href })
}

fn object_hit(hit: &SearchHit) -> Hit {
    let (word, _, icon) = kind_words(hit.kind);
    let place = hit_place(hit);
    let note = match hit.why.first() {
        Some(why) => format!("{}, {} {}", word.to_lowercase(), why.what, why.text),
        None if place.is_empty() => word.to_lowercase(),
        None if hit.broker.is_none() => format!("{} at {place}", word.to_lowercase()),
        None => format!("{}, {place}", word.to_lowercase()),
    };
    Hit { icon, name: hit.name.clone(), note, href: hit.href.clone() }
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
        let names = |query: &str| matching_places(query, |_| true).into_iter().map(|hit| hit.name).collect::<Vec<_>>();
        assert_eq!(names("flow"), ["Flow graph"]);
        assert_eq!(names("graph flow"), ["Flow graph"]);
        assert!(names("zzz").is_empty());
        assert_eq!(names("").len(), places().count());
    }

    #[test]
    fn a_query_becomes_the_address_of_a_page() {
        assert_eq!(search_page("  "), "/search");
        assert_eq!(search_page("orders fr"), "/search?q=orders%20fr");
    }
}
