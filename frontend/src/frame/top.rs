//! The top bar: menu on narrow windows, find, whether the page is live, help, theme, person.

use leptos::prelude::*;

use super::Overlays;
use super::bell::Bell;
use crate::act::Act;
use crate::api::Me;
use crate::browser;
use crate::clock::Clock;
use crate::components::{Glyph, Icon};
use crate::format;
use crate::live::{Connection, Live};
use crate::viewer::role_name;

/// The top bar.
#[component]
pub(super) fn Top(
    /// Who is signed in.
    me: Me,
) -> impl IntoView {
    let demo = me.demo;
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
            {demo.then(|| view! { <span class="m-chip" title="This mesh and its traffic are made up">"Demo data"</span> })}
            <Connected/>
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
            <Bell/>
            <Person me=me/>
        </header>
    }
    .into_any()
}

/// Whether changes arrive; if not, since when the page may be old.
#[component]
fn Connected() -> impl IntoView {
    let live = Live::get();
    let clock = Clock::get();
    view! {
        <span class="m-not-narrow">
            {move || match live.connection() {
                Connection::Starting => ().into_any(),
                Connection::Live => {
                    view! {
                        <span class="m-stamp">
                            <span class="m-stamp__dot" aria-hidden="true"></span>
                            "Live, "
                            <span class="m-num">{move || format::time_of_day(clock.now_ms())}</span>
                        </span>
                    }
                        .into_any()
                }
                Connection::Lost(since) => {
                    view! {
                        <span class="m-stamp" data-stale="">
                            <Glyph name="stale"/>
                            {move || format!("Portal out of reach for {}", format::age(clock.age_ms(since)))}
                        </span>
                    }
                        .into_any()
                }
            }}
        </span>
    }
    .into_any()
}

/// Who is signed in, and the way out.
#[component]
fn Person(me: Me) -> impl IntoView {
    let logout = Act::new(|api, ()| async move { api.0.logout().await }, |()| browser::open("/login"));
    view! {
        <button class="m-person__button" type="button" popovertarget="person" aria-label=format!("{}, {}, account", format::initials(&me.name), me.name)>
            <span class="m-avatar" aria-hidden="true">{format::initials(&me.name)}</span>
        </button>
        <div class="m-menu m-person__menu" id="person" popover="auto">
            <p class="m-person__who">
                <b>{me.name}</b>
                <span class="m-small m-muted">{format!("{}, {}", me.login, role_name(me.role))}</span>
            </p>
            <a class="m-menu__item" href="/me" on:click=|_| browser::close_popover("person")>
                <Icon name="settings"/>
                "My settings"
            </a>
            <button class="m-menu__item" type="button" on:click=move |_| logout.run(())>
                <Icon name="out"/>
                "Sign out"
            </button>
        </div>
    }
    .into_any()
}
