//! The HTTP status of a page: one that is not there must say so to whoever reads no pages, such as a script or a proxy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use leptos::prelude::use_context;

/// Set while a page is drawn on the server, which provides it for each request. The browser has none.
#[derive(Clone, Debug, Default)]
pub struct PageStatus(Arc<AtomicU16>);

impl PageStatus {
    /// Says which status the page has; without being called it is 200.
    pub(crate) fn tell(status: u16) {
        if let Some(page) = use_context::<Self>() {
            page.0.store(status, Ordering::Relaxed);
        }
    }

    /// What was said, or nothing.
    #[must_use]
    pub fn told(&self) -> Option<u16> {
        Some(self.0.load(Ordering::Relaxed)).filter(|status| *status != 0)
    }
}
