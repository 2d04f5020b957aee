//! The frame around every page of a signed-in person: navigation, top bar, find, keyboard.

mod bell;
mod find;
mod keyboard;
mod nav;
mod top;

use leptos::prelude::*;
use leptos_router::components::{Outlet, Redirect};
use leptos_router::hooks::use_location;
use leptos_router::params::ParamsMap;

pub(crate) use self::nav::Brand;

use self::find::Find;
use self::keyboard::Keyboard;
use self::nav::Nav;
use self::top::Top;
use crate::live::Live;
use crate::viewer::Viewer;

/// Overlays that the keyboard and the top bar share.
#[derive(Clone, Copy, Debug)]
struct Overlays {
    find: RwSignal<bool>,
    help: RwSignal<bool>,
}

/// The frame; the page is its outlet and brings `<main>` and, when it needs one, the side panel. Nobody signed in: the
/// login page, which leads back here.
#[component]
pub fn Frame() -> impl IntoView {
    let Some(me) = Viewer::get().0 else {
        let next = use_location().pathname.get_untracked();
        return view! { <Redirect path=login_path(&next)/> }.into_any();
    };
    let overlays = Overlays { find: RwSignal::new(false), help: RwSignal::new(false) };
    provide_context(overlays);
    let live = Live::get();
    Effect::new(move || live.listen());
    view! {
        <div class="m-shell">
            <a class="m-skip" href="#main">"Skip to content"</a>
            <Nav environment=me.environment.clone()/>
            <Top me=me/>
            <Outlet/>
        </div>
        <Find/>
        <Keyboard/>
    }
    .into_any()
}

/// The login page that leads back to `next`.
fn login_path(next: &str) -> String {
    if next == "/" {
        return "/login".to_owned();
    }
    let mut params = ParamsMap::new();
    params.insert("next", next.to_owned());
    format!("/login{}", params.to_query_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_leads_back_to_where_one_was() {
        assert_eq!(login_path("/"), "/login");
        assert_eq!(login_path("/acl"), "/login?next=%2Facl");
    }
}
