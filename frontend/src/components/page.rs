//! The parts every page begins with.

use std::borrow::Cow;

use leptos::prelude::*;
use leptos_meta::Title;

/// The content of a page: title, what it is about, what can be done, and the rest.
#[component]
pub fn Main(
    /// The heading, and the title of the window.
    #[prop(into)]
    title: Signal<String>,
    /// One line beside the heading.
    #[prop(into, optional)]
    note: Signal<String>,
    /// Buttons at the end of the heading.
    #[prop(optional)]
    acts: Option<AnyView>,
    /// Links above the heading: where this page lies.
    #[prop(optional)]
    crumbs: Option<AnyView>,
    /// What follows the heading.
    children: Children,
) -> impl IntoView {
    // The head is written last on the server, when the page's own signals may be gone already.
    let first = title.get_untracked();
    view! {
        <Title text=move || title.try_get().unwrap_or_else(|| first.clone())/>
        <main class="m-main" id="main">
            <header class="m-head">
                {crumbs}
                <div class="m-head__row">
                    <h1>{title}</h1>
                    <span class="m-muted m-small">{note}</span>
                    {acts.map(|acts| view! { <div class="m-head__acts">{acts}</div> })}
                </div>
            </header>
            {children()}
        </main>
    }
    .into_any()
}

/// A section of a page.
#[component]
pub fn Part(
    /// Its heading.
    #[prop(into)]
    title: String,
    /// One line beside the heading.
    #[prop(into, optional)]
    note: Signal<String>,
    /// Buttons at the end of the heading.
    #[prop(optional)]
    acts: Option<AnyView>,
    /// What follows is a table from edge to edge.
    #[prop(optional)]
    flush: bool,
    /// What it holds.
    children: Children,
) -> impl IntoView {
    let class = if flush { "m-part m-part--flush" } else { "m-part" };
    let label = title.clone();
    view! {
        <section class=class aria-label=label>
            <div class="m-part__head">
                <h2>{title}</h2>
                <span class="m-part__note">{note}</span>
                {acts.map(|acts| view! { <div class="m-part__acts">{acts}</div> })}
            </div>
            {children()}
        </section>
    }
    .into_any()
}

/// A table that scrolls sideways when it must, without losing the page.
#[component]
pub fn Table(
    /// What it lists.
    #[prop(into)]
    label: String,
    /// Column heads: text and classes (`m-low` leaves first when it is narrow, `m-end` is for figures).
    #[prop(into)]
    heads: Cow<'static, [(&'static str, &'static str)]>,
    /// More classes, such as `m-table--two` for two-line rows.
    #[prop(default = "m-table--two")]
    class: &'static str,
    /// The rows.
    children: Children,
) -> impl IntoView {
    let heads = heads
        .iter()
        .map(|(text, class)| {
            if text.is_empty() {
                view! { <th class=*class scope="col"><span class="m-hush">"Actions"</span></th> }.into_any()
            } else {
                view! { <th class=*class scope="col">{*text}</th> }.into_any()
            }
        })
        .collect_view();
    view! {
        <div class="m-scroll" tabindex="0" role="region" aria-label=label>
            <table class=format!("m-table {class}")>
                <thead><tr>{heads}</tr></thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
    .into_any()
}
