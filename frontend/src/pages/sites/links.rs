//! Links between sites: who dials whom, and how the link is.

use leptos::prelude::*;
use mesh_protocol::id::{LinkId, SiteId};

use super::TOPICS;
use super::switch::{Switch, SwitchDialog, state, switched_off, waiting};
use crate::act::{Act, ActError};
use crate::api::{LinkInput, LinkView, LiveTopic, SiteView};
use crate::components::{
    Age, Button, Choice, Confirm, Dialog, LastKnown, Rate, Run, Select, Table, Toasts, Tone, either,
};
use crate::editor::{Editor, Section, closing};
use crate::live::Live;
use crate::load::{Load, Loading, load};
use crate::viewer::{Viewer, right};

/// All links, as they change. Like all that is loaded, at the top of a page.
pub(super) fn load_links() -> Loading<Vec<LinkView>> {
    load(&[LiveTopic::Topology, LiveTopic::Overview], || (), |api, ()| async move { api.0.all_links().await })
}

/// The section with all links, or with those of one site.
#[component]
pub(super) fn Links(
    /// All of them.
    links: Loading<Vec<LinkView>>,
    /// Between which sites a new one may be made.
    sites: Loading<Vec<SiteView>>,
    /// Only those of this site.
    at: Signal<Option<SiteId>>,
) -> impl IntoView {
    let editor = RwSignal::new(false);
    let deleting = RwSignal::new(None::<LinkView>);
    let confirm = RwSignal::new(false);
    let ask = Callback::new(move |link: LinkView| {
        deleting.set(Some(link));
        confirm.set(true);
    });
    let switch = Switch::new();
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
            <SwitchDialog switch=switch/>
            <Load resource=links what="links" let:links>
                {move || link_table(of_site(links.get(), at.get()), switch, ask)}
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

/// The links that end at a site; none = all.
fn of_site(mut links: Vec<LinkView>, at: Option<SiteId>) -> Vec<LinkView> {
    links.retain(|link| at.is_none_or(|site| link.from == site || link.to == site));
    links
}

fn link_table(links: Vec<LinkView>, switch: Switch, ask: Callback<LinkView>) -> AnyView {
    if links.is_empty() {
        let none = "None yet. With one site there is nothing to link; with more, make one, or what is published here stays here.";
        return view! { <p class="m-small m-muted">{none}</p> }.into_any();
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
            let (for_delete, for_switch) = (link.clone(), link.clone());
            let since = if link.enabled { link.since } else { Some(link.updated_at) };
            let (off, waiting) = (switched_off(&link), waiting(&link));
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
                            {off.map(|off| view! { <span class="m-cell__sub">{off}</span> })}
                            {seen.map(|seen| view! { <span class="m-cell__sub"><LastKnown seen=seen/></span> })}
                        </div>
                    </td>
                    <td class="m-low m-end"><Rate per_second=link.forward_rate stale=stale/></td>
                    <td class="m-low m-end"><Rate per_second=link.backward_rate stale=stale/></td>
                    <td class="m-low m-end m-num" class:m-faint=stale>{trip}</td>
                    <td class="m-end" class:m-faint=stale>{waiting}</td>
                    <td class="m-low m-end m-muted"><Age at_ms=since/></td>
                    <td class="m-tight">
                        <span class="m-acts">
                            {switch.button(for_switch, true)}
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
            save.run(LinkInput { from, to, enabled: true });
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
    fn short_trips_keep_a_decimal() {
        assert_eq!(round_trip(1_800), "1.8 ms");
        assert_eq!(round_trip(42_300), "42 ms");
    }
}
