//! One site: its agents, listeners and broker connections, and how to add an agent.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};
use mesh_protocol::id::SiteId;

use super::form::SiteForm;
use super::join::Join;
use super::links::{Links, load_links};
use super::listeners::Listeners;
use super::{TOPICS, state};
use crate::act::{Act, ActError};
use crate::api::{ApiError, LinkView, SiteView};
use crate::components::{Button, Confirm, Dialog, Main, Part, Run, Toasts, Tone};
use crate::load::{Load, Loading, load};
use crate::pages::agents::agent_table;
use crate::pages::brokers::BrokerSection;
use crate::viewer::{Viewer, right};

/// `/sites/:id`
#[component]
pub fn SiteDetail() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<SiteId>().ok())));
    let site = load(
        TOPICS,
        move || id.get(),
        |api, id| async move {
            match id {
                Some(id) => api.0.site(id).await,
                None => Err(ApiError::new("not-found", 404, "there is no such site")),
            }
        },
    );
    // What new links may join, and the links there are.
    let sites = load(TOPICS, || (), |api, ()| async move { api.0.all_sites().await });
    let links = load_links();
    view! {
        <Load resource=site what="site" title="Site" one=true let:site>
            <Detail site=site sites=sites links=links/>
        </Load>
    }
    .into_any()
}

#[component]
fn Detail(site: Signal<SiteView>, sites: Loading<Vec<SiteView>>, links: Loading<Vec<LinkView>>) -> impl IntoView {
    let editor = RwSignal::new(false);
    let may = Signal::derive(|| Viewer::has(right::SITE_WRITE));
    let name = Signal::derive(move || site.with(|site| site.name.clone()));
    let crumbs = view! { <ol class="m-crumbs"><li><a href="/sites">"Sites"</a></li><li>{name}</li></ol> };
    let acts = view! { <Button right=may on_press=move |()| editor.set(true)>"Edit"</Button> };
    view! {
        <Main
            title=name
            note=Signal::derive(move || site.with(|site| format!("region {}", site.region)))
            crumbs=crumbs.into_any()
            acts=acts.into_any()
        >
            <div class="m-pad">
                {move || {
                    let (state, word) = site.with(state);
                    let labels = site.with(|site| {
                        site.labels.iter().map(|(key, value)| view! { <span class="m-chip">{format!("{key}={value}")}</span> }).collect_view()
                    });
                    view! { <p class="m-line m-line--wrap"><Run state=state word=word/>{labels}</p> }
                }}
            </div>
            <Agents site=site/>
            <Join site=site/>
            <Listeners site=site/>
            <Links links=links sites=sites at=Signal::derive(move || Some(site.with(|site| site.id)))/>
            <BrokerSection
                site=Signal::derive(move || Some(site.with(|site| site.id)))
                brokers=Signal::derive(move || site.with(|site| site.brokers.clone()))
            />
            <Removal site=site/>
        </Main>
        <Dialog open=editor label="Change site" class="m-dialog m-dialog--wide">
            <SiteForm site=Some(site.get_untracked()) open=editor/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Agents(site: Signal<SiteView>) -> impl IntoView {
    view! {
        <Show when=move || site.with(|site| !site.agents.is_empty())>
            <Part title="Agents" note="an agent that is out of reach keeps serving its last policy">
                {move || agent_table(site.with(|site| site.agents.clone()), true)}
            </Part>
        </Show>
    }
    .into_any()
}

/// Why the portal keeps a site; nothing when it can be deleted.
fn kept_for(site: &SiteView) -> Option<&'static str> {
    match (site.agents.is_empty(), site.brokers.is_empty()) {
        (false, _) => Some(
            "It has or had agents, so it is kept for the record of what they did. Revoke those that should not go on.",
        ),
        (true, false) => Some("It has broker connections: delete these first."),
        (true, true) => None,
    }
}

#[component]
fn Removal(site: Signal<SiteView>) -> impl IntoView {
    let confirm = RwSignal::new(false);
    let toasts = Toasts::get();
    let navigate = use_navigate();
    let delete = Act::new(
        |api, (id, revision): (SiteId, i64)| async move { api.0.delete_site(id, revision).await },
        move |()| {
            // No bump: this page has nothing to load any more, and the list loads when it is opened.
            toasts.done("Site deleted.");
            navigate("/sites", NavigateOptions::default());
        },
    );
    let may = Signal::derive(|| Viewer::has(right::SITE_WRITE));
    let kept_for = Memo::new(move |_| site.with(kept_for));
    view! {
        <Part title="Delete" note="only a site that never had an agent and has no broker connection">
            <ActError act=delete/>
            {move || match kept_for.get() {
                Some(why) => view! { <p class="m-small m-muted">{why}</p> }.into_any(),
                None => view! {
                    <p><Button tone=Tone::Danger right=may on_press=move |()| confirm.set(true)>"Delete site"</Button></p>
                }
                    .into_any(),
            }}
        </Part>
        <Confirm
            open=confirm
            title=Signal::derive(move || site.with(|site| format!("Delete {}?", site.name)))
            consequence="Its listeners, links and join tokens go with it. Rules that name only this site then match nowhere."
            verb="Delete"
            on_yes=move |()| delete.run(site.with_untracked(|site| (site.id, site.revision)))
        />
    }
    .into_any()
}
