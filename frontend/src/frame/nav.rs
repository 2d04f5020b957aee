//! The navigation: one table of places, which the keyboard and find use too.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::browser;
use crate::components::{Icon, Right};
use crate::viewer::{Viewer, right};

/// A place of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its path.
    pub(super) path: &'static str,
    /// Its name.
    pub(super) name: &'static str,
    /// Its icon.
    pub(super) icon: &'static str,
    /// The key after `g` that goes there.
    pub(super) key: char,
    /// The right that it is of no use without.
    pub(super) right: &'static str,
}

impl Place {
    /// Whether the person of this page may see anything there.
    pub(super) fn is_open(self) -> bool {
        Viewer::has(self.right) == Right::Granted
    }
}

const fn place(path: &'static str, name: &'static str, icon: &'static str, key: char) -> Place {
    Place { path, name, icon, key, right: right::MESH_READ }
}

/// A place for everybody, whatever domains they see.
const fn open(path: &'static str, name: &'static str, icon: &'static str, key: char) -> Place {
    Place { right: right::READ, ..place(path, name, icon, key) }
}

/// The places by group; the first group has no title.
pub(super) const GROUPS: [(&str, &[Place]); 4] = [
    (
        "",
        &[
            place("/", "Overview", "overview", 'o'),
            Place { right: right::ACCESS_REQUEST, ..place("/inbox", "Inbox", "inbox", 'x') },
        ],
    ),
    (
        "Discover",
        &[
            open("/search", "Search", "search", 'k'),
            open("/catalog", "Catalog", "catalog", 'c'),
            open("/products", "Products", "product", 'v'),
            open("/designs", "Design", "event", 'n'),
            open("/drift", "Drift", "drift", 'i'),
            open("/domains", "Domains", "app", 'd'),
            open("/ownership", "Ownership", "ask", 'w'),
            open("/teams", "Teams", "team", 't'),
            open("/schemas", "Schemas", "schema", 'm'),
            place("/graph", "Flow graph", "graph", 'f'),
            place("/subscriptions", "Subscriptions", "filter", 'u'),
        ],
    ),
    (
        "Govern",
        &[
            place("/access", "Access", "key", 'z'),
            place("/acl", "Access rules", "shield", 'a'),
            place("/scopes", "Scopes", "lock", 'e'),
            place("/clients", "Clients", "client", 'l'),
            place("/routes", "Routes", "route", 'r'),
            place("/queues", "Queues", "queue", 'q'),
        ],
    ),
    (
        "Run",
        &[
            place("/sites", "Sites", "site", 's'),
            place("/agents", "Agents", "agent", 'g'),
            place("/brokers", "Brokers", "broker", 'b'),
        ],
    ),
];

/// Places at the foot of the navigation.
pub(super) const FOOT: &[Place] = &[
    open("/notifications", "Notifications", "bell", 'y'),
    Place { right: right::WEBHOOK_WRITE, ..place("/webhooks", "Webhooks", "out", 'h') },
    place("/people", "People", "user", 'p'),
];

/// Pages that lie below none of the places by their path, each with the place that leads to it.
const ELSEWHERE: &[(&str, &str)] = &[("/import", "/designs"), ("/asyncapi/diff", "/designs")];

/// All places.
pub(super) fn places() -> impl Iterator<Item = &'static Place> {
    GROUPS.iter().flat_map(|(_, places)| places.iter()).chain(FOOT)
}

/// Whether a page at `path` belongs to `place`.
fn is_at(place: &str, path: &str) -> bool {
    if place == "/" {
        return path == "/";
    }
    is_below(place, path) || ELSEWHERE.iter().any(|(page, of)| *of == place && is_below(page, path))
}

fn is_below(place: &str, path: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The mark and the name.
#[component]
pub(crate) fn Brand() -> impl IntoView {
    view! {
        <svg class="m-nav__mark" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linejoin="round" aria-hidden="true">
            <path d="M3.5 15.5v-11L10 11l6.5-6.5v11"></path>
            <g fill="var(--canvas)">
                <circle cx="3.5" cy="15.5" r="1.9"></circle>
                <circle cx="10" cy="11" r="1.9"></circle>
                <circle cx="16.5" cy="15.5" r="1.9"></circle>
            </g>
            <g fill="currentColor">
                <circle cx="3.5" cy="4.5" r="1.9"></circle>
                <circle cx="16.5" cy="4.5" r="1.9"></circle>
            </g>
        </svg>
        "Meshport"
    }
    .into_any()
}

#[component]
fn Item(place: Place) -> impl IntoView {
    let pathname = use_location().pathname;
    let current = move || is_at(place.path, &pathname.get()).then_some("page");
    view! {
        <a class="m-nav__item" href=place.path title=format!("g then {}", place.key) aria-current=current>
            <Icon name=place.icon/>
            {place.name}
        </a>
    }
    .into_any()
}

/// The navigation column; on a narrow window a drawer that the top bar opens.
#[component]
pub(super) fn Nav(
    /// Name of the environment this portal runs.
    environment: String,
) -> impl IntoView {
    let pathname = use_location().pathname;
    Effect::new(move |_| {
        pathname.track();
        browser::close_popover("nav");
    });
    let groups = GROUPS
        .iter()
        .map(|(title, places)| (title, places.iter().filter(|place| place.is_open()).collect::<Vec<_>>()))
        .filter(|(_, places)| !places.is_empty())
        .map(|(title, places)| {
            view! {
                <div class="m-nav__group">
                    {(!title.is_empty()).then(|| view! { <p class="m-nav__title">{*title}</p> })}
                    {places.into_iter().map(|place| view! { <Item place=*place/> }).collect_view()}
                </div>
            }
        })
        .collect_view();
    view! {
        <nav class="m-nav" id="nav" popover="auto" aria-label="Main">
            <a class="m-nav__brand" href="/"><Brand/></a>
            <p class="m-env">
                <span>
                    <span class="m-env__name">{environment}</span>
                    <br/>
                    <span class="m-env__note">"Environment"</span>
                </span>
            </p>
            {groups}
            <div class="m-nav__group m-nav__foot">
                {FOOT.iter().filter(|place| place.is_open()).map(|place| view! { <Item place=*place/> }).collect_view()}
                <a class="m-nav__item" href="/api/openapi.json" rel="external"><Icon name="schema"/>"API"</a>
            </div>
        </nav>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_belongs_to_the_place_above_it() {
        assert!(is_at("/", "/"));
        assert!(!is_at("/", "/acl"));
        assert!(is_at("/sites", "/sites/0190"));
        assert!(!is_at("/sites", "/sitesmap"));
        assert!(is_at("/designs", "/import") && is_at("/designs", "/asyncapi/diff"));
        assert!(!is_at("/designs", "/importance") && !is_at("/catalog", "/import"));
    }

    #[test]
    fn every_page_belongs_to_one_place() {
        // Who is not signed in sees no navigation, and one's own settings are behind one's name.
        let outside = ["/login", "/setup", "/me", "/*any"];
        let routes = include_str!("../app.rs").split("path!(\"").skip(1);
        let pages: Vec<&str> = routes.filter_map(|rest| rest.split_once('"').map(|(path, _)| path)).collect();
        assert!(pages.contains(&"/import"), "the pages are read from the source: {pages:?}");
        for page in pages.into_iter().filter(|page| !outside.contains(page)) {
            let marked: Vec<&str> = places().map(|place| place.path).filter(|place| is_at(place, page)).collect();
            assert_eq!(marked.len(), 1, "{page} is of {marked:?}");
        }
    }

    #[test]
    fn every_place_has_an_icon_of_its_own() {
        let sprite = include_str!("../../../assets/icons.svg");
        let mut icons: Vec<&str> = places().map(|place| place.icon).collect();
        for icon in &icons {
            assert!(sprite.contains(&format!("id=\"i-{icon}\"")), "the sprite lacks {icon}");
        }
        icons.sort_unstable();
        let count = icons.len();
        icons.dedup();
        assert_eq!(icons.len(), count, "{icons:?}");
    }

    #[test]
    fn every_place_has_its_own_key_and_path() {
        let mut keys: Vec<char> = places().map(|place| place.key).collect();
        keys.sort_unstable();
        let count = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }
}
