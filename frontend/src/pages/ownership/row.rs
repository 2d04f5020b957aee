//! One thing that nobody was named for: what it is, and who could answer for it.

use leptos::prelude::*;

use super::kind_word;
use crate::api::{OwnerSuggestion, OwnershipKind, UnownedView};
use crate::components::{Age, Rate, Topic};
use crate::owners::OwnerName;
use crate::pages::catalog::{LATE_MS, place};
use crate::pages::selection::Selection;
use crate::viewer::{Viewer, right};

/// The row, with a mark to select it.
#[component]
pub(super) fn Row(thing: UnownedView, selection: Selection) -> impl IntoView {
    let may = Viewer::has(right::CATALOG_WRITE).granted();
    let id = StoredValue::new(thing.id.clone());
    let selected = move || id.with_value(|id| selection.has(id));
    let select = move |ev: leptos::ev::Event| selection.set(id.get_value(), event_target_checked(&ev));
    let (label, mark) = (format!("Select {}", thing.name), thing.name.clone());
    let gist = gist(&thing);
    let place = place(&thing.sites, thing.broker.as_deref());
    let is_seen = thing.freshness.is_some();
    let stale = thing.freshness.as_ref().is_some_and(|seen| seen.stale);
    let seen = thing.freshness.as_ref().map(|seen| seen.as_of);
    let by = thing.freshness.as_ref().map(|seen| format!("by {}", seen.by));
    let tags = thing.tags.join(", ");
    let name = match thing.kind {
        OwnershipKind::Address => view! { <Topic name=thing.name/> }.into_any(),
        _ => thing.name.into_any(),
    };
    view! {
        <tr data-thing=mark aria-selected=move || selected().then_some("true")>
            <td>
                <div class="m-bulk__what">
                    {may.then(|| view! {
                        <input class="m-check" type="checkbox" name="thing" aria-label=label prop:checked=selected on:change=select/>
                    })}
                    <div class="m-cell">
                        <a class="m-cell__name" href=thing.href>{name}</a>
                        <span class="m-cell__sub m-only-narrow">{gist}</span>
                        {(!tags.is_empty()).then(|| view! { <span class="m-cell__sub">{tags}</span> })}
                    </div>
                </div>
            </td>
            <td class="m-low">{kind_word(thing.kind)}</td>
            <td class="m-low">
                <div class="m-cell">
                    {if thing.domain_name.is_empty() {
                        view! { <span class="m-muted">"in no domain"</span> }.into_any()
                    } else {
                        view! { <span>{thing.domain_name}</span> }.into_any()
                    }}
                    {(!thing.by_domain.is_empty()).then(|| view! {
                        <span class="m-cell__sub">"of " <OwnerName owner=thing.by_domain team=thing.team/></span>
                    })}
                </div>
            </td>
            <td><Suggested suggestion=thing.suggestion/></td>
            <td class="m-low m-muted">{place}</td>
            <td class="m-end">
                {if is_seen || thing.rate > 0.0 {
                    view! { <Rate per_second=thing.rate stale=stale/> }.into_any()
                } else {
                    view! { <span class="m-faint">"–"</span> }.into_any()
                }}
            </td>
            <td class="m-low m-end m-muted m-nowrap" title=by><Age at_ms=seen late_ms=LATE_MS/></td>
        </tr>
    }
    .into_any()
}

/// Who could answer for it, and what speaks for them.
#[component]
fn Suggested(suggestion: Option<OwnerSuggestion>) -> impl IntoView {
    match suggestion {
        None => view! { <span class="m-faint">"nothing speaks for anybody"</span> }.into_any(),
        Some(OwnerSuggestion { owner, team, evidence }) => view! {
            <div class="m-cell">
                <OwnerName owner=owner team=team/>
                <span class="m-cell__sub m-wrap">{evidence.join(" ")}</span>
            </div>
        }
        .into_any(),
    }
}

/// What a narrow window has no column for.
fn gist(thing: &UnownedView) -> String {
    let home =
        if thing.domain_name.is_empty() { "in no domain".to_owned() } else { format!("in {}", thing.domain_name) };
    let by = if thing.by_domain.is_empty() { String::new() } else { format!(" of {}", thing.by_domain) };
    format!("{} {home}{by}", kind_word(thing.kind))
}
