//! Commands and secrets to copy.

use leptos::prelude::*;

use super::Icon;
use crate::browser;

/// A block of code with a copy button, which says so for two seconds when it has copied.
#[component]
pub fn Code(
    /// The text, exactly as it is copied.
    #[prop(into)]
    text: Signal<String>,
    /// What it is, for the button's label: `the join line`.
    #[prop(into)]
    what: String,
    /// Which of the page's programs it is, for those that look for it: `mqtt-python-receive`.
    #[prop(into, optional)]
    snippet: Option<String>,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = move |_| {
        browser::copy(&text.get_untracked());
        copied.set(true);
        set_timeout(move || copied.set(false), std::time::Duration::from_secs(2));
    };
    let word = move || if copied.get() { "Copied" } else { "Copy" };
    view! {
        <div class="m-code">
            <pre tabindex="0" data-snippet=snippet><code>{text}</code></pre>
            <button class="m-button m-button--small" type="button" aria-label=move || format!("{} {what}", word()) on:click=copy>
                <Icon name="copy" small=true/>
                <span aria-live="polite">{word}</span>
            </button>
        </div>
    }
    .into_any()
}

/// A secret that the portal shows this once.
#[component]
pub fn Secret(
    /// Whose secret it is, in words.
    #[prop(into)]
    title: String,
    /// The secret.
    #[prop(into)]
    secret: Signal<String>,
    /// What is kept of it, and what to do when it is lost.
    #[prop(default = "Shown once. The portal keeps only a verifier of it; when it is lost, rotate it.")]
    note: &'static str,
    /// How to use it, usually a [`Code`].
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <section class="m-secret" role="status">
            <h3>{title}</h3>
            <p class="m-small">{note}</p>
            <Code text=secret what="the secret"/>
            {children.map(|children| children())}
        </section>
    }
    .into_any()
}
