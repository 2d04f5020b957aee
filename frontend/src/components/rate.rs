//! Rates: the figure tells the size, the line tells the shape on its own scale.

use leptos::prelude::*;

use crate::format;

/// A sparkline of samples, oldest first. Silent is a flat grey line, stale a dotted one.
#[component]
pub fn Spark(
    /// Samples, oldest first; fewer than two draw nothing.
    #[prop(into)]
    samples: Signal<Vec<f64>>,
    /// The samples are old.
    #[prop(into, optional)]
    stale: Signal<bool>,
) -> impl IntoView {
    let state = move || {
        if stale.get() {
            Some("stale")
        } else {
            samples.with(|samples| samples.iter().all(|sample| *sample <= 0.0)).then_some("silent")
        }
    };
    let paths = Memo::new(move |_| samples.with(|samples| format::spark(samples)).unwrap_or_default());
    view! {
        <svg class="m-spark" viewBox="0 0 72 20" preserveAspectRatio="none" data-state=state aria-hidden="true">
            <path class="m-spark__area" d=move || paths.get().1></path>
            <path class="m-spark__line" d=move || paths.get().0></path>
        </svg>
    }
    .into_any()
}

/// `168/s`, with a sparkline when samples are given.
#[component]
pub fn Rate(
    /// Events per second now.
    #[prop(into)]
    per_second: Signal<f64>,
    /// Samples, oldest first.
    #[prop(into, optional)]
    samples: Option<Signal<Vec<f64>>>,
    /// The figure is the last known one.
    #[prop(into, optional)]
    stale: Signal<bool>,
) -> impl IntoView {
    let faint = move || stale.get() || per_second.get() <= 0.0;
    view! {
        <span class="m-rate">
            {samples.map(|samples| view! { <Spark samples=samples stale=stale/> })}
            <span class="m-rate__value" class:m-faint=faint>
                {move || format::rate(per_second.get())}
                <span class="m-rate__unit">"/s"</span>
            </span>
        </span>
    }
    .into_any()
}
