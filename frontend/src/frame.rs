//! The frame around every page of a signed-in person: navigation, top bar, find, keyboard.

mod find;
mod keyboard;
mod nav;
mod top;

use leptos::prelude::*;
use leptos_router::components::Outlet;

use self::find::Find;
use self::keyboard::Keyboard;
use self::nav::Nav;
use self::top::Top;

/// Overlays that the keyboard and the top bar share.
#[derive(Clone, Copy, Debug)]
struct Overlays {
    find: RwSignal<bool>,
    help: RwSignal<bool>,
}

/// The frame; the page is its outlet and brings `<main>` and, when it needs one, the side panel.
#[component]
pub fn Frame() -> impl IntoView {
    let overlays = Overlays { find: RwSignal::new(false), help: RwSignal::new(false) };
    provide_context(overlays);
    view! {
        <div class="m-shell">
            <a class="m-skip" href="#main">"Skip to content"</a>
            <Nav/>
            <Top/>
            <Outlet/>
        </div>
        <Find/>
        <Keyboard/>
    }
}
