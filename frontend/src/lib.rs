//! Pages and components of the portal: rendered on the server with their content, hydrated in the browser.
//!
//! Pages ask `PortalApi` and nothing else. The server implements it in process, the browser over REST, so a page
//! never knows where it runs. There are no server functions. Browser-only code lives in effects and event handlers.

// The type of a page is the nest of all its elements.
#![recursion_limit = "256"]
#![expect(clippy::needless_pass_by_value, reason = "a component owns its props")]
#![expect(unreachable_pub, reason = "`#[component]` writes `pub` itself, also inside private modules")]

pub mod act;
pub mod api;
pub mod app;
pub mod assets;
pub mod browser;
pub mod clock;
pub mod components;
pub mod document;
pub mod editor;
pub mod format;
pub mod frame;
pub mod graph;
pub mod live;
pub mod load;
mod moment;
pub mod owners;
pub mod pages;
mod quantity;
mod status;
pub mod viewer;

pub use app::App;
pub use assets::AssetPaths;
pub use document::shell;
pub use status::PageStatus;
pub use viewer::Viewer;

/// Entry point of the wasm.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(App);
    // Not reached when the page is not what the server sent.
    browser::mark_ready();
}
