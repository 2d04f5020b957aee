//! The top bar: menu on narrow windows, find, whether the page is live, help, theme, person.

use leptos::prelude::*;

use super::Overlays;
use crate::browser;
use crate::components::Icon;

/// The top bar.
#[component]
pub(super) fn Top() -> impl IntoView {
    let overlays = expect_context::<Overlays>();
    view! {
        <header class="m-top">
            <button class="m-button m-button--quiet m-button--icon m-only-narrow" type="button" popovertarget="nav" aria-label="Menu">
                <Icon name="menu"/>
            </button>
            <button class="m-find" type="button" aria-haspopup="dialog" on:click=move |_| overlays.find.set(true)>
                <Icon name="search"/>
                <span class="m-find__text">"Search the mesh"</span>
                <kbd class="m-kbd">"/"</kbd>
            </button>
            <span class="m-top__space"></span>
            <button
                class="m-button m-button--quiet m-button--icon m-not-narrow"
                type="button"
                aria-label="Keyboard help"
                title="?"
                on:click=move |_| overlays.help.set(true)
            >
                <Icon name="help"/>
            </button>
            <button
                class="m-button m-button--quiet m-button--icon"
                type="button"
                aria-label="Switch theme"
                on:click=move |_| browser::switch_theme()
            >
                <Icon name="sun"/>
            </button>
        </header>
    }
}
