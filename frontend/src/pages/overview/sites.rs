//! The sites as a table: what the map says, to read and to sort out.

use leptos::prelude::*;

use crate::api::{Overview, SiteState};
use crate::components::{Age, Part, Rate, Run, RunState, Table};
use crate::format;

/// From this age on a report is late.
const LATE_MS: i64 = 60_000;

/// How a site is, in a word; the worst news first.
fn state(site: &SiteState) -> (RunState, String) {
    let trouble = site.brokers.iter().find(|broker| broker.trouble.is_some());
    match (site.agents_online, site.agents, trouble) {
        (_, 0, _) => (RunState::None, "No agent yet".to_owned()),
        (0, _, _) => (RunState::Offline, "Out of reach".to_owned()),
        (_, _, Some(broker)) => (RunState::Degraded, format!("{} in trouble", broker.name)),
        (online, all, None) if online < all => (RunState::Degraded, format!("{online} of {all} online")),
        _ => (RunState::Live, "Online".to_owned()),
    }
}

/// The table.
#[component]
pub(super) fn Sites(overview: Signal<Overview>) -> impl IntoView {
    let rows = move || overview.with(|overview| overview.sites.iter().map(row).collect_view());
    let acts = view! { <a class="m-small" href="/sites">"All sites"</a> };
    view! {
        <Part title="Sites" acts=acts.into_any() flush=true>
            <Table
                label="Sites"
                class=""
                heads=&[
                    ("Site", ""),
                    ("State", ""),
                    ("Agents", "m-low m-end"),
                    ("Clients", "m-low m-end"),
                    ("In", "m-end"),
                    ("Brokers", "m-low"),
                    ("Heard", "m-end"),
                ]
            >
                {rows}
            </Table>
        </Part>
    }
    .into_any()
}

fn row(site: &SiteState) -> AnyView {
    let (run, word) = state(site);
    let stale = site.freshness.as_ref().is_none_or(|seen| seen.stale);
    let heard = site.freshness.as_ref().map(|seen| seen.as_of);
    let brokers = site
        .brokers
        .iter()
        .map(|broker| {
            let title = broker.trouble.clone().unwrap_or_else(|| "in reach".to_owned());
            let bad = broker.trouble.is_some();
            view! { <span class:m-bad=bad title=title>{broker.name.clone()}</span> " " }
        })
        .collect_view();
    view! {
        <tr>
            <td><a class="m-cell__name" href=format!("/sites/{}", site.id)>{site.name.clone()}</a></td>
            <td><Run state=run word=word/></td>
            <td class="m-low m-end m-num">{format!("{} of {}", site.agents_online, site.agents)}</td>
            <td class="m-low m-end m-num">{format::count(site.clients)}</td>
            <td class="m-end"><Rate per_second=site.rate stale=stale/></td>
            <td class="m-low m-muted">{brokers}</td>
            <td class="m-end m-muted"><Age at_ms=heard late_ms=LATE_MS/></td>
        </tr>
    }
    .into_any()
}
