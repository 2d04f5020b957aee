//! The live registry: who wants what, and at which site, as the agents know it now.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::api::{LiveTopic, Page, SubscriptionQuery, SubscriptionRow};
use crate::components::{Age, Empty, ListFoot, Main, Search, Table, Topic, use_param};
use crate::format;
use crate::load::{Load, load};
use crate::pages::{SiteSelect, load_sites};

/// From this age on a report is late: agents report changes at once and everything every few seconds.
const LATE_MS: i64 = 60_000;

/// `/subscriptions?q=&site=&cursor=`
#[component]
pub fn Subscriptions() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| {
        query.with(|query| {
            let text = |name| query.get(name).filter(|text| !text.is_empty());
            SubscriptionQuery {
                q: query.get("q").unwrap_or_default(),
                site: text("site"),
                cursor: text("cursor"),
                limit: None,
            }
        })
    });
    let sites = load_sites();
    let rows = load(
        &[LiveTopic::Subscriptions],
        move || key.get(),
        |api, query| async move { api.0.subscriptions(query).await },
    );
    let q = use_param("q");
    view! {
        <Main title="Subscriptions" note="who wants what, as the agents know it now">
            <div class="m-bar">
                <Search label="Filter, client, or a topic such as orders/fr/lyon/created"/>
                <SiteSelect sites=sites/>
                <Show when=move || q.with(|q| is_topic(q))>
                    <span class="m-small m-muted">"Filters that match this topic, and names that contain it"</span>
                </Show>
            </div>
            <Load resource=rows what="subscriptions" let:page>
                {move || list(page.get(), &key.get())}
            </Load>
        </Main>
    }
    .into_any()
}

/// Whether the search is for one concrete topic.
fn is_topic(q: &str) -> bool {
    q.contains('/') && !q.contains(['*', '+', '#', '>'])
}

fn list(page: Page<SubscriptionRow>, query: &SubscriptionQuery) -> AnyView {
    if page.items.is_empty() {
        return nothing(query);
    }
    let total = format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "subscription");
    let rows = page.items.into_iter().map(|row| view! { <Row row=row/> }).collect_view();
    view! {
        <Table
            label="Subscriptions"
            heads=&[
                ("Filter", ""),
                ("Who", ""),
                ("Protocol", "m-low"),
                ("Site", "m-low"),
                ("For", "m-low m-end"),
                ("Reported", "m-end"),
            ]
        >
            {rows}
        </Table>
        <ListFoot total=total next=page.next/>
    }
    .into_any()
}

/// Why there are no subscriptions in the list: there are none at all only when nothing narrows it.
fn nothing(query: &SubscriptionQuery) -> AnyView {
    let q = query.q.as_str();
    let place = query.site.as_ref().map(|site| format!(" at {site}")).unwrap_or_default();
    if q.is_empty() && place.is_empty() && query.cursor.is_none() {
        view! {
            <Empty
                icon="filter"
                title="Nobody subscribes"
                text="A subscription appears here within seconds of a client making it, at any site, without a route or a configuration. Routes from the mesh to a broker appear too."
            >
                <a class="m-button" href="/clients">"Clients"</a>
            </Empty>
        }
        .into_any()
    } else if q.is_empty() {
        view! {
            <Empty
                icon="filter"
                title=format!("Nobody subscribes{place}")
                text="A subscription appears here within seconds of a client making it, without a route or a configuration."
            >
                <a class="m-button" href="/subscriptions">"All subscriptions"</a>
            </Empty>
        }
        .into_any()
    } else {
        let title = if is_topic(q) {
            format!("Nobody gets “{q}”{place}")
        } else {
            format!("Nothing matches “{q}”{place}")
        };
        view! {
            <Empty icon="search" title=title text="The search looks for a part of a filter or of a client's name. A whole topic lists every filter that matches it.">
                <a class="m-button" href="/subscriptions">"All subscriptions"</a>
            </Empty>
        }
        .into_any()
    }
}

#[component]
fn Row(row: SubscriptionRow) -> impl IntoView {
    let href = match (&row.route, &row.principal) {
        (Some(route), _) => Some(format!("/routes/{route}")),
        (None, Some(principal)) => Some(format!("/clients/{principal}")),
        (None, None) => None,
    };
    let name = if row.route.is_some() { format!("route {}", row.principal_name) } else { row.principal_name.clone() };
    let who = match href {
        Some(href) => view! { <a class="m-cell__name" href=href>{name}</a> }.into_any(),
        None => view! { <span class="m-cell__name">{name}</span> }.into_any(),
    };
    let client_id = (row.client_id != row.principal_name).then_some(row.client_id);
    let protocol = format::protocol(row.protocol);
    let stale = row.freshness.stale;
    let filter = row.filter.clone();
    view! {
        <tr data-filter=filter>
            <td>
                <div class="m-cell">
                    <Topic name=row.filter/>
                    <span class="m-cell__sub m-only-narrow">{format!("{protocol} at {}", row.site_name)}</span>
                </div>
            </td>
            <td>
                <div class="m-cell">
                    {who}
                    {client_id.map(|id| view! { <span class="m-cell__sub m-mono">{id}</span> })}
                </div>
            </td>
            <td class="m-low m-muted">{protocol}</td>
            <td class="m-low"><a href=format!("/sites/{}", row.site)>{row.site_name}</a></td>
            <td class="m-low m-end m-muted"><Age at_ms=Some(row.since)/></td>
            <td class="m-end m-muted" title=format!("reported by {}", row.freshness.by)>
                {stale.then(|| view! { <span class="m-warn m-small">"last known "</span> })}
                <Age at_ms=Some(row.freshness.as_of) late_ms=LATE_MS/>
            </td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_levels_and_no_wildcards() {
        assert!(is_topic("orders/fr/lyon/created"));
        assert!(!is_topic("till-7"));
        assert!(!is_topic("orders/>"));
        assert!(!is_topic("orders/+/created"));
    }
}
