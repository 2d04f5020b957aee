//! What a page or a list says when it has nothing to show: why, and the next step.

use leptos::prelude::*;

use super::Icon;

/// The shape of what comes. The style sheet shows it only after 150 ms.
#[component]
pub fn Skeleton(
    /// How many lines.
    #[prop(default = 5)]
    lines: usize,
) -> impl IntoView {
    view! {
        <div class="m-loading" role="status" aria-label="Loading">
            {(0..lines).map(|_| view! { <span class="m-skeleton"></span> }).collect_view()}
        </div>
    }
    .into_any()
}

/// Nothing here: the reason, then the way on as children.
#[component]
pub fn Empty(
    /// An icon of the sprite.
    #[prop(default = "info")]
    icon: &'static str,
    /// What is not there.
    #[prop(into)]
    title: String,
    /// Why, and what to do.
    #[prop(into)]
    text: String,
    /// A button, a link or a command.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="m-empty">
            <Icon name=icon/>
            <h3>{title}</h3>
            <p>{text}</p>
            {children.map(|children| children())}
        </div>
    }
    .into_any()
}

/// One sentence above an object and one way out of it.
#[component]
pub fn Banner(
    /// `ok`, `warn` or `bad`.
    tone: &'static str,
    /// The sentence.
    #[prop(into)]
    text: Signal<String>,
    /// The way out.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="m-banner m-banner--top" data-tone=tone role="status">
            <Icon name="alert"/>
            <p class="m-banner__text">{text}</p>
            {children.map(|children| children())}
        </div>
    }
    .into_any()
}
