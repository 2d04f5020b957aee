//! The pages: each loads what it shows through `PortalApi` and draws it with components.

mod door;
mod login;
mod overview;
mod setup;

use leptos::prelude::*;

use crate::components::Empty;

pub use login::Login;
pub use overview::Overview;
pub use setup::Setup;

/// No page has this address.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <main class="m-main" id="main">
            <Empty
                icon="search"
                title="There is nothing here"
                text="The address is wrong, or what it named is gone. Search with / or start from the overview."
            >
                <a class="m-button" href="/">"Overview"</a>
            </Empty>
        </main>
    }
    .into_any()
}
