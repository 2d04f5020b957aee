//! The overview: is the mesh well, and if not, what is there to do?

use leptos::prelude::*;

use crate::components::Skeleton;

/// `/`
#[component]
pub fn Overview() -> impl IntoView {
    view! {
        <main class="m-main" id="main">
            <header class="m-head">
                <div class="m-head__row"><h1>"Overview"</h1></div>
            </header>
            <Skeleton/>
        </main>
    }
    .into_any()
}
