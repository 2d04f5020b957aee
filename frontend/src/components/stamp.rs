//! When and by whom: every runtime fact has one stamp per block.

use leptos::prelude::*;

use super::Glyph;
use crate::clock::Clock;
use crate::format::{self, Freshness};

/// `as of 2 s ago by berlin-1`; after a minute `last known 14 min ago by nantes-1`.
#[component]
pub fn Stamp(
    /// When it was so, in milliseconds since 1970.
    #[prop(into)]
    at_ms: Signal<i64>,
    /// Who said so, usually an agent. Empty when many did.
    #[prop(into, optional)]
    by: Signal<String>,
) -> impl IntoView {
    let clock = Clock::get();
    let freshness = Memo::new(move |_| Freshness::of(clock.age_ms(at_ms.get())));
    let text = move || {
        let words = if freshness.get() == Freshness::Stale { "last known" } else { "as of" };
        let by = by.with(|by| if by.is_empty() { String::new() } else { format!(" by {by}") });
        format!("{words} {} ago{by}", format::age(clock.age_ms(at_ms.get())))
    };
    view! {
        <span class="m-stamp" data-stale=move || (freshness.get() == Freshness::Stale).then_some("")>
            {move || match freshness.get() {
                Freshness::Live => view! { <span class="m-stamp__dot" aria-hidden="true"></span> }.into_any(),
                Freshness::Recent => ().into_any(),
                Freshness::Stale => view! { <Glyph name="stale"/> }.into_any(),
            }}
            {text}
        </span>
    }
    .into_any()
}

/// `last known 14 min ago by nantes-1`, beside a mark that says the same: nobody has heard of it since.
#[component]
pub fn LastKnown(
    /// When it was so, and who said so.
    seen: crate::api::Freshness,
) -> impl IntoView {
    let clock = Clock::get();
    let text = move || format!("last known {} ago by {}", format::age(clock.age_ms(seen.as_of)), seen.by);
    view! { <span class="m-num">{text}</span> }.into_any()
}

/// A bare age that ticks: `14 min`. Late ages are in the warning colour.
#[component]
pub fn Age(
    /// When it was, in milliseconds since 1970; nothing is drawn as `never`.
    #[prop(into)]
    at_ms: Signal<Option<i64>>,
    /// From this age on it is late. Never, when left out.
    #[prop(default = i64::MAX)]
    late_ms: i64,
) -> impl IntoView {
    let clock = Clock::get();
    let age_ms = move || at_ms.get().map(|at| clock.age_ms(at));
    view! {
        <span class="m-num" class:m-warn=move || age_ms().is_some_and(|age| age >= late_ms)>
            {move || age_ms().map_or_else(|| "never".to_owned(), format::age)}
        </span>
    }
    .into_any()
}
