//! What no domain claims yet, sorted by how names begin: each is a domain that could be made.

use leptos::prelude::*;

use super::{Claims, Draft};
use crate::api::{ApplicationDomainInput, DomainSuggestion, Page};
use crate::components::{Button, Part, Rate, Table};
use crate::format;
use crate::viewer::{Viewer, right};

/// The suggestions; nothing when everything is claimed.
#[component]
pub(super) fn Suggestions(page: Signal<Page<DomainSuggestion>>, edit: Callback<Draft>) -> impl IntoView {
    move || {
        let items = page.with(|page| page.items.clone());
        if items.is_empty() {
            return view! { <div></div> }.into_any();
        }
        let rows = items.into_iter().map(|found| view! { <Row found=found edit=edit/> }).collect_view();
        view! {
            <Part title="In no domain" note="what was discovered and nobody claims, by how its names begin" flush=true>
                <Table
                    label="In no domain"
                    heads=&[
                        ("Names begin with", ""),
                        ("Would claim", "m-low"),
                        ("Addresses", "m-end"),
                        ("Kafka topics", "m-end"),
                        ("Rate", "m-low m-end"),
                        ("", "m-tight"),
                    ]
                >
                    {rows}
                </Table>
            </Part>
        }
        .into_any()
    }
}

#[component]
fn Row(found: DomainSuggestion, edit: Callback<Draft>) -> impl IntoView {
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let claims: Vec<String> = found.topics.iter().chain(&found.kafka_topics).cloned().collect();
    let input = ApplicationDomainInput {
        name: if found.is_there { String::new() } else { found.name.clone() },
        topics: found.topics,
        kafka_topics: found.kafka_topics,
        ..ApplicationDomainInput::default()
    };
    let label = format!("Make a domain of {}", found.name);
    let press = move |()| edit.run(Draft { known: None, suggested: Some(input.clone()) });
    view! {
        <tr>
            <td>
                <div class="m-cell">
                    <span class="m-cell__name">{found.name}</span>
                    {found.is_there.then(|| view! { <span class="m-cell__sub">"a domain of this name claims others"</span> })}
                </div>
            </td>
            <td class="m-low"><Claims claims=claims/></td>
            <td class="m-end m-num">{format::count(found.addresses)}</td>
            <td class="m-end m-num">{format::count(found.kafka_found)}</td>
            <td class="m-low m-end"><Rate per_second=found.rate/></td>
            <td class="m-tight">
                <Button small=true right=may label=label on_press=press>"Make a domain"</Button>
            </td>
        </tr>
    }
    .into_any()
}
