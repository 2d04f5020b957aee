//! Where a design is seen: the addresses of an event, the Kafka topics of a schema.

use leptos::prelude::*;

use crate::api::{DesignKind, DesignObjectView, DesignState, SeenAs};
use crate::components::{Age, Part, Rate, Table};
use crate::pages::catalog::{LATE_MS, href, object_name};

/// The part of the page; nothing for applications, which are not seen by what they are called.
#[component]
pub(super) fn Seen(object: Signal<DesignObjectView>) -> impl IntoView {
    let kind = Memo::new(move |_| object.with(|object| object.kind));
    let note = Signal::derive(move || match kind.get() {
        DesignKind::Event => "addresses with its topics, as agents see them".to_owned(),
        _ => "Kafka topics whose records it describes, by its subject".to_owned(),
    });
    view! {
        <Show when=move || matches!(kind.get(), DesignKind::Event | DesignKind::Schema)>
            <Part title="Seen" note=note flush=true>
                {move || {
                    let object = object.get();
                    if object.seen.is_empty() {
                        return view! { <p class="m-small m-muted m-pad--below">{nothing(&object)}</p> }.into_any();
                    }
                    let rows = object.seen.into_iter().map(|seen| view! { <Row seen=seen/> }).collect_view();
                    view! {
                        <Table label="Seen" heads=&[("What", ""), ("Where", "m-low"), ("Rate", "m-end"), ("First seen", "m-low m-end"), ("Seen", "m-end")]>
                            {rows}
                        </Table>
                    }
                        .into_any()
                }}
            </Part>
        </Show>
    }
    .into_any()
}

fn nothing(object: &DesignObjectView) -> &'static str {
    let is_served =
        object.versions.iter().any(|version| matches!(version.state, DesignState::Released | DesignState::Deprecated));
    match (object.kind, is_served) {
        (DesignKind::Event, true) => "Nobody has published it yet, as far as the agents see.",
        (DesignKind::Event, false) => "Nothing at its address was seen.",
        _ => "No Kafka topic has the name of its subject.",
    }
}

#[component]
fn Row(seen: SeenAs) -> impl IntoView {
    let row = seen.row;
    let place = match &row.broker {
        Some(broker) => format!("{broker} at {}", row.sites.join(", ")),
        None => row.sites.join(", "),
    };
    let stale = row.freshness.as_ref().is_none_or(|seen| seen.stale);
    let part = (!seen.whole).then_some("only some of its topics are the event's");
    view! {
        <tr>
            <td>
                <div class="m-cell">
                    <a class="m-cell__name" href=href(&row.id)>{object_name(row.kind, row.name)}</a>
                    {part.map(|part| view! { <span class="m-cell__sub m-warn">{part}</span> })}
                </div>
            </td>
            <td class="m-low m-muted">{place}</td>
            <td class="m-end"><Rate per_second=row.rate stale=stale/></td>
            <td class="m-low m-end m-muted"><Age at_ms=seen.first_seen/></td>
            <td class="m-end m-muted"><Age at_ms=row.freshness.map(|seen| seen.as_of) late_ms=LATE_MS/></td>
        </tr>
    }
    .into_any()
}
