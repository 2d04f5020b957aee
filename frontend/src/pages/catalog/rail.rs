//! How the catalog is narrowed: kinds as tabs, the other facets with their counts at the side, and what is chosen as
//! chips. All of them are links, so they work before any script does.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{kind_from, kind_word};
use crate::api::{CatalogKind, CatalogPage, Facet};
use crate::components::{ParamChip, use_param, with_param};
use crate::format;

/// The facets that are filters of the address: field, title, and what a chip says before its value.
const FIELDS: [(&str, &str); 5] =
    [("kind", "Kind"), ("site", "Site"), ("broker", "Cluster"), ("domain", "Domain"), ("owner", "Owner")];

/// The value of `owner` that stands for nobody.
const NO_OWNER: &str = "none";

fn values(page: &CatalogPage, field: &str) -> Option<Facet> {
    page.facets.iter().find(|facet| facet.field == field).cloned()
}

/// Many of a kind.
const fn kinds_word(kind: CatalogKind) -> &'static str {
    match kind {
        CatalogKind::Address => "Event addresses",
        CatalogKind::Topic => "Kafka topics",
        CatalogKind::Group => "Consumer groups",
        CatalogKind::Cluster => "Clusters",
        CatalogKind::User => "Kafka users",
        CatalogKind::Transaction => "Transactional ids",
        CatalogKind::Application => "Applications",
        CatalogKind::Principal => "Clients",
    }
}

/// The kinds, as tabs.
#[component]
pub(super) fn Kinds(page: Signal<CatalogPage>) -> impl IntoView {
    let query = use_query_map();
    let tabs = move || {
        let facet = page.with(|page| values(page, "kind"));
        let params = query.get();
        let chosen = params.get("kind").unwrap_or_default();
        let values = facet.map(|facet| facet.values).unwrap_or_default();
        let all: u64 = values.iter().map(|value| value.count).sum();
        let all = (String::new(), "All".to_owned(), all);
        std::iter::once(all)
            .chain(values.into_iter().map(|value| {
                let word = kind_from(&value.value).map_or(value.label, |kind| kinds_word(kind).to_owned());
                (value.value, word, value.count)
            }))
            .map(|(value, word, count)| {
                let href = with_param(&params, "kind", &value);
                view! {
                    <a class="m-tabs__tab" href=href aria-current=(chosen == value).then_some("page")>
                        {word}
                        <span class="m-tabs__count">{format::count(count)}</span>
                    </a>
                }
            })
            .collect_view()
    };
    view! { <nav class="m-tabs" aria-label="Kind">{tabs}</nav> }.into_any()
}

/// The other facets.
#[component]
pub(super) fn Rail(page: Signal<CatalogPage>) -> impl IntoView {
    FIELDS
        .iter()
        .skip(1)
        .map(|(field, title)| view! { <FacetBlock page=page field=*field title=*title/> })
        .collect_view()
        .into_any()
}

#[component]
fn FacetBlock(page: Signal<CatalogPage>, field: &'static str, title: &'static str) -> impl IntoView {
    let query = use_query_map();
    move || {
        let facet = page.with(|page| values(page, field)).filter(|facet| !facet.values.is_empty())?;
        let params = query.get();
        let chosen = params.get(field).unwrap_or_default();
        let rows = facet
            .values
            .into_iter()
            .map(|value| {
                let on = value.value == chosen;
                let href = with_param(&params, field, if on { "" } else { &value.value });
                let label = if value.label.is_empty() { value.value } else { value.label };
                view! {
                    <a class="m-facet__row" href=href aria-current=on.then_some("true")>
                        {label}
                        <span class="m-facet__count">{format::count(value.count)}</span>
                    </a>
                }
            })
            .collect_view();
        Some(view! {
            <div class="m-facet" role="group" aria-label=title>
                <p class="m-facet__title">{title}</p>
                {rows}
            </div>
        })
    }
}

/// What is chosen, each with the way to take it away.
#[component]
pub(super) fn Chosen() -> impl IntoView {
    FIELDS
        .iter()
        .map(|(field, title)| {
            let value = use_param(field);
            view! { <ParamChip name=*field words=Signal::derive(move || value.with(|value| chip(field, title, value)))/> }
        })
        .collect_view()
        .into_any()
}

fn chip(field: &str, title: &str, value: &str) -> String {
    match (field, kind_from(value)) {
        ("kind", Some(kind)) => format!("{title}: {}", kind_word(kind).to_lowercase()),
        ("owner", _) if value == NO_OWNER => "Without an owner".to_owned(),
        ("domain", _) if value == NO_OWNER => "In no domain".to_owned(),
        _ => format!("{title}: {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_read_as_words() {
        assert_eq!(chip("kind", "Kind", "group"), "Kind: consumer group");
        assert_eq!(chip("owner", "Owner", "none"), "Without an owner");
        assert_eq!(chip("site", "Site", "hq"), "Site: hq");
    }
}
