//! The app: what every page may rely on (clock, toasts, readiness), and the table of routes.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, StaticSegment, path};

use crate::browser;
use crate::clock::Clock;
use crate::components::{Ready, Toaster, Toasts};
use crate::frame::Frame;
use crate::pages::{NotFound, Overview};

/// The whole portal.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    #[cfg(feature = "hydrate")]
    provide_context(crate::AssetPaths::from_document());
    Clock::provide();
    Toasts::provide();
    let ready = RwSignal::new(false);
    provide_context(Ready(ready));
    Effect::new(move || {
        ready.set(true);
        browser::mark_ready();
    });

    view! {
        <Title formatter=|page: String| if page.is_empty() { "Meshport".to_owned() } else { format!("{page} · Meshport") }/>
        <Router>
            <Routes fallback=NotFound>
                <ParentRoute path=StaticSegment("") view=Frame>
                    <Route path=path!("/") view=Overview ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
        <Toaster/>
    }
}
