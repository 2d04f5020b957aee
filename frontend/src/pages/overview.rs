//! The overview: is the mesh well, and if not, what is there to do? In a demo mesh also: what can I try?

mod attention;
mod cut;
mod demo;
mod figures;
mod map;
mod sites;
mod trial;

use leptos::prelude::*;

use self::attention::Attention;
use self::demo::{Demo, Starting};
use self::figures::Figures;
use self::map::Map;
use self::sites::Sites;
use super::SearchResults;
use super::drift::trend::{TrendCard, load_trend};
use crate::api::{DenialQuery, DenialRow, DriftTrend, LiveTopic, Overview as Seen, SiteState};
use crate::components::{Empty, Main, Right};
use crate::format;
use crate::load::{Load, Loading, load};
use crate::viewer::{Viewer, right};

/// What makes the overview old.
pub(super) const TOPICS: &[LiveTopic] = &[LiveTopic::Overview, LiveTopic::Topology, LiveTopic::Rollout];

/// `/`: for whoever sees only some domains, all that they see.
#[component]
pub fn Overview() -> impl IntoView {
    if Viewer::has(right::MESH_READ) == Right::Granted {
        view! { <OfMesh/> }.into_any()
    } else {
        view! { <SearchResults/> }.into_any()
    }
}

#[component]
fn OfMesh() -> impl IntoView {
    let overview = load(TOPICS, || (), |api, ()| async move { api.0.overview().await });
    // Which client the demo offers to block is not known yet: the refusals of all are few, and only a demo shows them.
    let demo = Viewer::get().0.is_some_and(|me| me.demo);
    let denials = load(
        &[LiveTopic::Denials],
        || (),
        move |api, ()| async move {
            if demo { api.0.denials(DenialQuery::default()).await.map(|page| page.items) } else { Ok(Vec::new()) }
        },
    );
    let trend = load_trend(&[LiveTopic::Catalog, LiveTopic::Overview]);
    view! {
        <Load resource=overview what="overview" title="Overview" let:overview>
            <Page overview=overview denials=denials trend=trend/>
        </Load>
    }
    .into_any()
}

/// What there is to begin with, before the figures say anything.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Start {
    /// There is no site.
    NoSite,
    /// There are sites; this one waits for its first agent, and no other has one.
    NoAgent { href: String, name: String },
    /// Agents were seen.
    Running,
}

fn start(sites: &[SiteState]) -> Start {
    match sites.first() {
        None => Start::NoSite,
        Some(first) if sites.iter().all(|site| site.agents == 0) => {
            Start::NoAgent { href: format!("/sites/{}", first.id), name: first.name.clone() }
        }
        Some(_) => Start::Running,
    }
}

/// `3 sites, 2 links. Policy r418`.
fn note(overview: &Seen) -> String {
    format!(
        "{}, {}. Policy r{}",
        format::plural(overview.sites.len(), "site"),
        format::plural(overview.links.len(), "link"),
        overview.revision.revision
    )
}

#[component]
fn Page(overview: Signal<Seen>, denials: Loading<Vec<DenialRow>>, trend: Loading<Option<DriftTrend>>) -> impl IntoView {
    let note = Signal::derive(move || overview.with(note));
    let begin = Memo::new(move |_| overview.with(|overview| start(&overview.sites)));
    let is_demo = Memo::new(move |_| overview.with(|overview| overview.demo.is_some()));
    view! {
        <Main title="Overview" note=note>
            <Starting overview=overview/>
            {move || first_step(begin.get())}
            <Show when=move || begin.get() != Start::NoSite>
                <Figures overview=overview/>
                <div class="m-split">
                    <Map overview=overview/>
                    <Attention overview=overview/>
                </div>
                <Sites overview=overview/>
                <TrendCard trend=trend away=true/>
            </Show>
            <Show when=move || is_demo.get()>
                <Demo overview=overview denials=denials/>
            </Show>
        </Main>
    }
    .into_any()
}

/// The next step of somebody who just installed it.
fn first_step(start: Start) -> AnyView {
    match start {
        Start::Running => ().into_any(),
        Start::NoSite => view! {
            <Empty
                icon="site"
                title="The mesh has no site yet"
                text="A site is a place with agents: a data centre, a factory, a store. Add the first one, run the line it shows on a machine there, and the estate appears here."
            >
                <a class="m-button m-button--primary" href="/sites">"Add a site"</a>
            </Empty>
        }
        .into_any(),
        Start::NoAgent { href, name } => view! {
            <Empty
                icon="agent"
                title=format!("{name} waits for its first agent")
                text="Its page makes a line that downloads, verifies, enrols and starts an agent. Run it on a Linux machine at the site; nothing has to be opened towards it."
            >
                <a class="m-button m-button--primary" href=href>"Get the join line"</a>
            </Empty>
        }
        .into_any(),
    }
}

#[cfg(test)]
mod tests;
