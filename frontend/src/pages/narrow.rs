//! How lists of anything are narrowed: kinds as tabs, the other facets with their counts at the side, and what is chosen
//! as chips. All of them are links, so they work before any script does.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::api::Facet;
use crate::components::{Icon, ParamChip, use_param, with_param};
use crate::format;

/// Facets that are filters of the address: the parameter, and its title.
pub(super) type Fields = &'static [(&'static str, &'static str)];

/// The value of a facet that stands for having none.
const NONE: &str = "none";

fn values(facets: &[Facet], field: &str) -> Option<Facet> {
    facets.iter().find(|facet| facet.field == field).cloned()
}

/// The kinds, as tabs.
#[component]
pub(super) fn Kinds(
    /// Counts of the list.
    #[prop(into)]
    facets: Signal<Vec<Facet>>,
    /// What many of a kind are called.
    word: fn(&str) -> Option<&'static str>,
) -> impl IntoView {
    let query = use_query_map();
    let tabs = move || {
        let facet = facets.with(|facets| values(facets, "kind"));
        let params = query.get();
        let chosen = params.get("kind").unwrap_or_default();
        let values = facet.map(|facet| facet.values).unwrap_or_default();
        let all: u64 = values.iter().map(|value| value.count).sum();
        let all = (String::new(), "All".to_owned(), all);
        std::iter::once(all)
            .chain(values.into_iter().map(|value| {
                let word = word(&value.value).map_or(value.label, str::to_owned);
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

/// The other facets: at the side of a wide window, behind a button on a narrow one.
#[component]
pub(super) fn Narrow(
    /// Counts of the list.
    #[prop(into)]
    facets: Signal<Vec<Facet>>,
    /// Which, in their order; the kind is not among them.
    fields: Fields,
) -> impl IntoView {
    view! {
        <details class="m-browse__fold">
            <summary class="m-button m-button--small"><Icon name="filter" small=true/>"Filters"</summary>
            <Rail facets=facets fields=fields/>
        </details>
        <nav class="m-browse__rail" aria-label="Narrow down"><Rail facets=facets fields=fields/></nav>
    }
    .into_any()
}

#[component]
fn Rail(facets: Signal<Vec<Facet>>, fields: Fields) -> impl IntoView {
    fields
        .iter()
        .filter(|(field, _)| *field != "kind")
        .map(|(field, title)| view! { <FacetBlock facets=facets field=*field title=*title/> })
        .collect_view()
        .into_any()
}

#[component]
fn FacetBlock(facets: Signal<Vec<Facet>>, field: &'static str, title: &'static str) -> impl IntoView {
    let query = use_query_map();
    move || {
        let facet = facets.with(|facets| values(facets, field)).filter(|facet| !facet.values.is_empty())?;
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
pub(super) fn Chosen(
    /// Which filters there are.
    fields: Fields,
    /// What a kind is called.
    kind: fn(&str) -> Option<&'static str>,
) -> impl IntoView {
    fields
        .iter()
        .map(|(field, title)| {
            let value = use_param(field);
            let words = move || value.with(|value| chip(field, title, value, kind));
            view! { <ParamChip name=*field words=Signal::derive(words)/> }
        })
        .collect_view()
        .into_any()
}

fn chip(field: &str, title: &str, value: &str, kind: fn(&str) -> Option<&'static str>) -> String {
    match field {
        "kind" => format!("{title}: {}", kind(value).map_or(value.to_owned(), str::to_lowercase)),
        "owner" if value == NONE => "Without an owner".to_owned(),
        "domain" if value == NONE => "In no domain".to_owned(),
        _ => format!("{title}: {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_read_as_words() {
        let kind = |text: &str| (text == "group").then_some("Consumer group");
        assert_eq!(chip("kind", "Kind", "group", kind), "Kind: consumer group");
        assert_eq!(chip("owner", "Owner", "none", kind), "Without an owner");
        assert_eq!(chip("site", "Site", "hq", kind), "Site: hq");
    }
}
