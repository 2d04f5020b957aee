//! Links between sites: who dials whom, and how the link is.

use leptos::prelude::*;
use mesh_protocol::id::LinkId;

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{LinkInput, LinkView, LiveTopic, SiteView};
use crate::components::{
    Age, Button, Choice, Confirm, Dialog, LastKnown, Rate, Run, RunState, Select, Table, Toasts, Tone, either,
};
use crate::editor::{Editor, Section, closing};
use crate::format;
use crate::live::Live;
use crate::load::{Load, Loading, load};
use crate::viewer::{Viewer, right};

/// The section with all links.
#[component]
pub(super) fn Links(sites: Loading<Vec<SiteView>>) -> impl IntoView {
    let links =
        load(&[LiveTopic::Topology, LiveTopic::Overview], || (), |api, ()| async move { api.0.all_links().await });
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
            right=right::LINK_WRITE
            on_press=move |()| editor.set(true)
        >
            <ActError act=delete/>
            <Load resource=links what="links" let:links>
                {move || link_table(links.get(), ask)}
            </Load>
        </Section>
        <Dialog open=editor label="New link">
            <Load resource=sites what="sites" let:sites>
                <LinkForm sites=sites open=editor/>
            </Load>
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
    let may = Signal::derive(|| Viewer::has(right::LINK_WRITE));
    let rows = links
        .into_iter()
        .map(|link| {
            let (state, word) = state(&link);
            let seen = link.freshness.clone().filter(|seen| seen.stale);
            let stale = seen.is_some();
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
                    <td>
                        <div class="m-cell">
                            <Run state=state word=word/>
                            {seen.map(|seen| view! { <span class="m-cell__sub"><LastKnown seen=seen/></span> })}
                        </div>
                    </td>
                    <td class="m-low m-end"><Rate per_second=link.forward_rate stale=stale/></td>
                    <td class="m-low m-end"><Rate per_second=link.backward_rate stale=stale/></td>
                    <td class="m-low m-end m-num" class:m-faint=stale>{trip}</td>
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

/// How a link is; what only a silent agent said is past.
fn state(link: &LinkView) -> (RunState, &'static str) {
    match (link.up, link.freshness.as_ref().is_some_and(|seen| seen.stale)) {
        (None, _) => (RunState::None, "Not seen yet"),
        (Some(true), true) => (RunState::Stale, "Was up"),
        (Some(false), true) => (RunState::Stale, "Was down"),
        (Some(true), false) => (RunState::Live, "Up"),
        (Some(false), false) => (RunState::Offline, "Down"),
    }
}

/// `1.8 ms`, `42 ms`.
fn round_trip(us: u64) -> String {
    if us < 10_000 { format!("{:.1} ms", us as f64 / 1000.0) } else { format!("{} ms", us / 1000) }
}

#[component]
fn LinkForm(sites: Signal<Vec<SiteView>>, open: RwSignal<bool>) -> impl IntoView {
    let choices = Signal::derive(move || {
        sites.with(|sites| sites.iter().map(|site| (site.id.to_string(), site.name.clone())).collect::<Vec<Choice>>())
    });
    let nth = |n: usize| {
        RwSignal::new(choices.with_untracked(|all| all.get(n).map(|(key, _)| key.clone()).unwrap_or_default()))
    };
    let (from, to) = (nth(1), nth(0));
    // One site alone: the form says what it lacks once somebody sends it.
    let sent = RwSignal::new(false);
    let lacking = move |end: RwSignal<String>| {
        move || (sent.get() && end.with(String::is_empty)).then(|| "Choose a site; a link needs two.".to_owned())
    };
    let close = closing(open, TOPICS);
    let save = Act::new(
        |api, input: LinkInput| async move { api.0.create_link(input).await },
        move |_| close.run("Link made. The agents connect now."),
    );
    let submit = move |()| {
        sent.set(true);
        if let (Ok(from), Ok(to)) = (from.get_untracked().parse(), to.get_untracked().parse()) {
            save.run(LinkInput { from, to });
        }
    };
    view! {
        <Editor title="New link" save=save open=open right=right::LINK_WRITE verb="Make link" on_save=submit>
            <Select label="The site that dials" name="from" value=from choices=choices error=either(save.field("from"), lacking(from))/>
            <Select label="The site that answers" name="to" value=to choices=choices hint="Its agents must be reachable from the other" error=either(save.field("to"), lacking(to))/>
        </Editor>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_silent_agent_said_of_a_link_is_past() {
        let link = |up, stale| LinkView {
            id: "0190a000-0000-7000-8000-000000000091".parse().expect("an id"),
            revision: 1,
            from: "0190a000-0000-7000-8000-000000000001".parse().expect("an id"),
            from_name: "store-lyon".into(),
            to: "0190a000-0000-7000-8000-000000000002".parse().expect("an id"),
            to_name: "hq".into(),
            up,
            since: None,
            round_trip_us: None,
            forward_rate: 0.0,
            backward_rate: 0.0,
            backlog_events: 0,
            freshness: Some(crate::api::Freshness { as_of: 0, by: "lyon-1".into(), stale }),
        };
        assert_eq!(state(&link(Some(true), false)), (RunState::Live, "Up"));
        assert_eq!(state(&link(Some(true), true)), (RunState::Stale, "Was up"));
        assert_eq!(state(&link(Some(false), true)), (RunState::Stale, "Was down"));
        assert_eq!(state(&link(None, true)), (RunState::None, "Not seen yet"));
    }

    #[test]
    fn short_trips_keep_a_decimal() {
        assert_eq!(round_trip(1_800), "1.8 ms");
        assert_eq!(round_trip(42_300), "42 ms");
    }
}
