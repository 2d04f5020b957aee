//! Where events for a queue may be published, and whether the agents there keep them for it.

use leptos::prelude::*;

use crate::api::QueueOrigin;
use crate::components::{Run, RunState, Table};
use crate::format;

/// One row for each other agent.
#[component]
pub(super) fn Origins(
    /// The agents.
    origins: Vec<QueueOrigin>,
) -> impl IntoView {
    if origins.is_empty() {
        return view! { <p class="m-small m-muted">"The mesh has no other agent: all that it attracts is published here."</p> }
            .into_any();
    }
    let rows = origins
        .into_iter()
        .map(|origin| {
            let (state, word) = if origin.pending {
                (RunState::Waiting, "Pending")
            } else {
                (RunState::Live, "Keeps events for it")
            };
            let from = origin.after_position.map_or_else(|| "–".to_owned(), |after| format!("behind {}", format::count(after)));
            view! {
                <tr>
                    <td>
                        <div class="m-cell">
                            <a class="m-cell__name" href=format!("/agents/{}", origin.agent)>{origin.agent_name}</a>
                            <span class="m-cell__sub">{origin.site_name}</span>
                        </div>
                    </td>
                    <td><Run state=state word=word/></td>
                    <td class="m-end m-num" title="Events behind this position of that agent's log are judged by what it knows">{from}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table label="Where it attracts from" class="m-table--inset" heads=&[("Agent", ""), ("State", ""), ("Position", "m-end")]>
            {rows}
        </Table>
    }
    .into_any()
}
