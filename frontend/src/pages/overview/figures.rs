//! The five figures, each with its shape of the last ten minutes where there is one.

use leptos::prelude::*;

use crate::api::Overview;
use crate::components::Spark;
use crate::format;

/// The ruled row of figures.
#[component]
pub(super) fn Figures(overview: Signal<Overview>) -> impl IntoView {
    let figures = Memo::new(move |_| overview.with(|overview| overview.figures.clone()));
    let events = Signal::derive(move || figures.with(|figures| figures.events_history.clone()));
    let copies = Signal::derive(move || figures.with(|figures| figures.copies_history.clone()));
    let peak = move || {
        // What is now may not have a place in the history yet.
        let now = figures.with(|figures| figures.events_per_second);
        let peak = events.with(|events| events.iter().copied().fold(now, f64::max));
        if peak > 0.0 { format!("peak {}/s in 10 min", format::rate(peak)) } else { "nothing in 10 min".to_owned() }
    };
    let agents = move || figures.with(|figures| (figures.agents_online, figures.agents));
    let saved = move || figures.with(|figures| format::count(figures.copies_saved.max(0).unsigned_abs()));
    view! {
        <dl class="m-figures">
            <div class="m-figures__item">
                <dt>"Events in"</dt>
                <dd class="m-figures__value">
                    {move || figures.with(|figures| format::rate(figures.events_per_second))}
                    <span class="m-rate__unit">"/s"</span>
                </dd>
                <dd class="m-figures__note">{peak}</dd>
                <dd class="m-figures__shape"><Spark samples=events/></dd>
            </div>
            <div class="m-figures__item">
                <dt>"Clients connected"</dt>
                <dd class="m-figures__value">{move || figures.with(|figures| format::count(figures.clients))}</dd>
                <dd class="m-figures__note"><a href="/clients">"Clients"</a></dd>
            </div>
            <div class="m-figures__item">
                <dt>"Agents online"</dt>
                <dd class="m-figures__value">
                    {move || agents().0}
                    <span class="m-rate__unit">{move || format!(" of {}", agents().1)}</span>
                </dd>
                <dd class="m-figures__note" class:m-warn=move || agents().0 < agents().1>
                    {move || match agents() {
                        (online, all) if online < all => format!("{} out of reach", all - online),
                        (_, 0) => "none enrolled yet".to_owned(),
                        _ => "all of them".to_owned(),
                    }}
                </dd>
                <dd class="m-figures__shape">
                    <svg class="m-meter" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                        <rect class="m-meter__rest" width="100" height="6"></rect>
                        <rect class="m-meter__part" width=move || percent(agents()) height="6"></rect>
                    </svg>
                </dd>
            </div>
            <div class="m-figures__item">
                <dt title="Deliveries at other sites minus the copies that crossed a link for them, since the agents started">
                    "WAN copies saved"
                </dt>
                <dd class="m-figures__value">{saved}</dd>
                <dd class="m-figures__note">
                    {move || figures.with(|figures| format!("{}/s cross a link now", format::rate(figures.copies_per_second)))}
                </dd>
                <dd class="m-figures__shape"><Spark samples=copies/></dd>
            </div>
            <div class="m-figures__item">
                <dt>"Refused by policy"</dt>
                <dd class="m-figures__value">{move || figures.with(|figures| format::count(figures.denials))}</dd>
                <dd class="m-figures__note">"in 10 min. "<a href="/acl">"Access rules"</a></dd>
            </div>
        </dl>
    }
    .into_any()
}

fn percent((part, all): (u64, u64)) -> String {
    format!("{:.0}", 100.0 * part as f64 / all.max(1) as f64)
}
