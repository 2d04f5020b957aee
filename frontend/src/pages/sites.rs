//! Sites: the places of the mesh. Creating one ends in the line that starts an agent there.

mod detail;
mod form;
mod join;
mod links;
mod listeners;
mod switch;

use leptos::prelude::*;

pub use self::detail::SiteDetail;
use self::form::SiteForm;
pub(in crate::pages) use self::form::{labels_of, labels_text};
pub(super) use self::join::Line as JoinedBy;
use self::links::{Links, load_links};
pub(super) use self::switch::{Switch, SwitchDialog, state as link_state, switched_off};
use crate::api::{LiveTopic, Presence, SiteView};
use crate::components::{Button, Dialog, Empty, Icon, Main, Run, RunState, Table, Tone};
use crate::format;
use crate::load::{Load, load};
use crate::viewer::{Viewer, right};

/// What a change of places makes old.
pub(super) const TOPICS: &[LiveTopic] = &[LiveTopic::Topology, LiveTopic::Rollout];

/// `/sites`
#[component]
pub fn Sites() -> impl IntoView {
    let sites = load(TOPICS, || (), |api, ()| async move { api.0.all_sites().await });
    let links = load_links();
    let editor = RwSignal::new(false);
    let may_write = Signal::derive(|| Viewer::has(right::SITE_WRITE));
    let acts = view! {
        <Button tone=Tone::Primary icon="plus" right=may_write on_press=move |()| editor.set(true)>"New site"</Button>
    };
    view! {
        <Main title="Sites" note="places with agents, and the links between them" acts=acts.into_any()>
            <Load resource=sites what="sites" let:sites>
                {move || site_table(sites.get())}
            </Load>
            <Links links=links sites=sites at=Signal::stored(None)/>
        </Main>
        <Dialog open=editor label="New site" class="m-dialog m-dialog--wide">
            <SiteForm site=None open=editor/>
        </Dialog>
    }
    .into_any()
}

/// How a site is: what its agents say, worst first.
pub(super) fn state(site: &SiteView) -> (RunState, String) {
    let online = site.agents.iter().filter(|agent| agent.presence == Presence::Online).count();
    let enrolled = site.agents.iter().filter(|agent| agent.presence != Presence::Revoked).count();
    match (online, enrolled) {
        (_, 0) => (RunState::None, "No agent yet".to_owned()),
        (0, _) => (RunState::Offline, "Out of reach".to_owned()),
        (online, enrolled) if online < enrolled => (RunState::Degraded, format!("{online} of {enrolled} online")),
        _ => (RunState::Live, "Online".to_owned()),
    }
}

/// The icon of a kind of place, by its label `kind`.
pub(super) fn icon(site: &SiteView) -> &'static str {
    match site.labels.get("kind").map(String::as_str) {
        Some("store") => "store",
        Some("factory") => "factory",
        Some("hq" | "cloud" | "datacentre") => "hq",
        _ => "site",
    }
}

fn site_table(sites: Vec<SiteView>) -> AnyView {
    if sites.is_empty() {
        return view! {
            <Empty
                icon="site"
                title="No site yet"
                text="Create the first one, usually the place where your Kafka is. You then get one line to run there; it starts an agent."
            />
        }
        .into_any();
    }
    let names: Vec<_> = sites.iter().map(|site| (site.id, site.name.clone())).collect();
    let rows = sites
        .into_iter()
        .map(|site| {
            let (state, word) = state(&site);
            let to = site
                .connects_to
                .and_then(|id| names.iter().find(|(have, _)| *have == id))
                .map(|(_, name)| name.clone());
            let icon = icon(&site);
            let name = site.name.clone();
            view! {
                <tr data-site=name>
                    <td>
                        <div class="m-cell">
                            <span class="m-line"><Icon name=icon small=true/>
                                <a class="m-cell__name" href=format!("/sites/{}", site.id)>{site.name.clone()}</a>
                            </span>
                            <span class="m-cell__sub">{site.region}</span>
                        </div>
                    </td>
                    <td><Run state=state word=word/></td>
                    <td class="m-low m-muted">{to.unwrap_or_else(|| "nobody: others dial it".to_owned())}</td>
                    <td class="m-low m-end m-num">{format::count(site.agents.len() as u64)}</td>
                    <td class="m-low m-end m-num">{format::count(site.listeners.len() as u64)}</td>
                    <td class="m-low m-end m-num">{format::count(site.brokers.len() as u64)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table
            label="Sites"
            heads=&[
                ("Site", ""),
                ("State", ""),
                ("Dials", "m-low"),
                ("Agents", "m-low m-end"),
                ("Listeners", "m-low m-end"),
                ("Brokers", "m-low m-end"),
            ]
        >
            {rows}
        </Table>
    }
    .into_any()
}
