//! "Cut the Berlin link": a link of the demo to switch off and on, with what waits for it meanwhile.

use leptos::prelude::*;

use crate::api::LinkView;
use crate::components::{Part, Run, Topic};
use crate::format;
use crate::pages::sites::{Switch, SwitchDialog, link_state, switched_off};

/// Where the demo publishes what it counts.
const TALLY: &str = "tally/>";

/// The switch, how the link is, and what waits.
#[component]
pub(super) fn Cut(
    /// The link as it is now.
    #[prop(into)]
    link: Signal<Option<LinkView>>,
) -> impl IntoView {
    let switch = Switch::new();
    let line = move || {
        link.get().map(|link| {
            let (state, word) = link_state(&link);
            let waits = waits(&link);
            let (off, some) = (switched_off(&link), link.backlog_events > 0);
            view! {
                {switch.button(link, false)}
                <Run state=state word=word/>
                {off}
                <span class="m-num" class:m-warn=some class:m-muted=!some>{waits}</span>
                <a class="m-small" href="/sites">"All links"</a>
            }
        })
    };
    view! {
        <Part title="Cut the Berlin link" note="its events wait in Berlin, and none is lost">
            <div class="m-line m-line--wrap" data-cut="">{line}</div>
            <SwitchDialog switch=switch/>
            <p class="m-small m-muted">
                "Machines in Berlin make parts all the time, and the Kafka of headquarters gets each of them. Switch the link off and they pile up in Berlin; switch it on and they come, in order. The demo numbers the parts and counts those that arrive: its terminal says so, and so does the live tail below, watched at hq with the filter "
                <Topic name=TALLY.to_owned()/>
            </p>
        </Part>
    }
    .into_any()
}

/// `1,204 events wait, 310 KB`.
fn waits(link: &LinkView) -> String {
    match link.backlog_events {
        0 => "nothing waits".to_owned(),
        1 => format!("1 event waits, {}", format::bytes(link.backlog_bytes)),
        events => format!("{} events wait, {}", format::count(events), format::bytes(link.backlog_bytes)),
    }
}
