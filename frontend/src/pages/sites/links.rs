//! Links between sites: who dials whom, and how the link is.

use leptos::prelude::*;
use mesh_protocol::id::LinkId;

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{LinkInput, LinkView, LiveTopic, SiteView};
use crate::components::{
    Age, Button, Choice, Confirm, Dialog, Rate, Run, RunState, Select, Submit, Table, Toasts, Tone,
};
use crate::format;
use crate::live::Live;
use crate::load::{Load, Loading, load};
use crate::pages::clients::Section;
use crate::viewer::{Viewer, right};

/// The section with all links.
#[component]
pub(super) fn Links(sites: Loading<Vec<SiteView>>) -> impl IntoView {
    let links = load(&[LiveTopic::Topology, LiveTopic::Overview], || (), |api, ()| async move { api.0.links().await });
    let editor = RwSignal::new(false);
    let deleting = RwSignal::new(None::<LinkView>);
    let confirm = RwSignal::new(false);
    let ask = Callback::new(move |link: LinkView| {
        deleting.set(Some(link));
        confirm.set(true);
    });
    let live = Live::get();
    let toasts = Toasts::get();
    let delete = Act::new(
        |api, (id, revision): (LinkId, i64)| async move { api.0.delete_link(id, revision).await },
        move |()| {
            live.bump(TOPICS);
            toasts.done("Link deleted.");
        },
    );
    view! {
        <Section
            title="Links"
            note="one is made with each site; more make the mesh survive the loss of one"
            verb="New link"
            right=right::SITE_WRITE
            on_press=move |()| editor.set(true)
        >
            <ActError error=delete.error/>
            <Load resource=links what="links" let:links>
                {move || link_table(links.get(), ask)}
            </Load>
        </Section>
        <Dialog open=editor label="New link">
            <Transition>
                {move || sites.get().and_then(Result::ok).map(|sites| view! { <LinkForm sites=sites open=editor/> })}
            </Transition>
        </Dialog>
        <Confirm
            open=confirm
            title="Delete this link?"
            consequence="Events between these sites then take another way, if there is one; guaranteed events wait where they are until there is."
            verb="Delete"
            on_yes=move |()| {
                if let Some(link) = deleting.get_untracked() {
                    delete.run((link.id, link.revision));
                }
            }
        />
    }
    .into_any()
}

fn link_table(links: Vec<LinkView>, ask: Callback<LinkView>) -> AnyView {
    if links.is_empty() {
        return view! { <p class="m-small m-muted">"None yet: with one site there is nothing to link."</p> }.into_any();
    }
    let may = Signal::derive(|| Viewer::has(right::SITE_WRITE));
    let rows = links
        .into_iter()
        .map(|link| {
            let (state, word) = match link.up {
                Some(true) => (RunState::Live, "Up"),
                Some(false) => (RunState::Offline, "Down"),
                None => (RunState::None, "Not seen yet"),
            };
            let stale = link.freshness.as_ref().is_some_and(|fresh| fresh.stale);
            let trip = link.round_trip_us.map_or_else(|| "–".to_owned(), round_trip);
            let label = format!("Delete the link from {} to {}", link.from_name, link.to_name);
            let waiting = link.backlog_events > 0;
            let for_delete = link.clone();
            view! {
                <tr>
                    <td>
                        <a class="m-cell__name" href=format!("/sites/{}", link.from)>{link.from_name}</a>
                        " to "
                        <a class="m-cell__name" href=format!("/sites/{}", link.to)>{link.to_name}</a>
                    </td>
                    <td><Run state=state word=word/></td>
                    <td class="m-low m-end"><Rate per_second=link.forward_rate stale=stale/></td>
                    <td class="m-low m-end"><Rate per_second=link.backward_rate stale=stale/></td>
                    <td class="m-low m-end m-num">{trip}</td>
                    <td class=if waiting { "m-end m-num m-warn" } else { "m-end m-num m-muted" }>{format::count(link.backlog_events)}</td>
                    <td class="m-low m-end m-muted"><Age at_ms=link.since/></td>
                    <td class="m-tight">
                        <span class="m-acts">
                            <Button small=true tone=Tone::Danger right=may label=label on_press=move |()| ask.run(for_delete.clone())>
                                "Delete"
                            </Button>
                        </span>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table
            label="Links"
            class="m-table--inset"
            heads=&[
                ("Link", ""),
                ("State", ""),
                ("There", "m-low m-end"),
                ("Back", "m-low m-end"),
                ("Round trip", "m-low m-end"),
                ("Waiting", "m-end"),
                ("For", "m-low m-end"),
                ("", "m-tight"),
            ]
        >
            {rows}
        </Table>
    }
    .into_any()
}

/// `1.8 ms`, `42 ms`.
fn round_trip(us: u64) -> String {
    if us < 10_000 { format!("{:.1} ms", us as f64 / 1000.0) } else { format!("{} ms", us / 1000) }
}

#[component]
fn LinkForm(sites: Vec<SiteView>, open: RwSignal<bool>) -> impl IntoView {
    let live = Live::get();
    let toasts = Toasts::get();
    let choices: Vec<Choice> = sites.into_iter().map(|site| (site.id.to_string(), site.name)).collect();
    let nth = |n: usize| RwSignal::new(choices.get(n).map(|(key, _)| key.clone()).unwrap_or_default());
    let (from, to) = (nth(1), nth(0));
    let save = Act::new(
        |api, input: LinkInput| async move { api.0.create_link(input).await },
        move |_| {
            live.bump(TOPICS);
            toasts.done("Link made. The agents connect now.");
            open.set(false);
        },
    );
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if let (Ok(from), Ok(to)) = (from.get_untracked().parse(), to.get_untracked().parse()) {
            save.run(LinkInput { from, to });
        }
    };
    view! {
        <form method="post" on:submit=submit>
            <div class="m-dialog__body">
                <h2>"New link"</h2>
                <Select label="The site that dials" name="from" value=from choices=choices.clone() error=save.field("from")/>
                <Select label="The site that answers" name="to" value=to choices=choices hint="Its agents must be reachable from the other" error=save.field("to")/>
                <ActError error=save.error/>
            </div>
            <div class="m-dialog__foot">
                <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                <Submit busy=save.busy>"Make link"</Submit>
            </div>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_trips_keep_a_decimal() {
        assert_eq!(round_trip(1_800), "1.8 ms");
        assert_eq!(round_trip(42_300), "42 ms");
    }
}
