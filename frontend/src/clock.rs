//! What time the page shows. Ages ("as of 2 s ago") are derived from one signal, so that they tick together and so that
//! the server's first picture and the browser's first picture are the same.

use leptos::prelude::*;

/// Now, in milliseconds since 1970, as everything on the page sees it.
#[derive(Clone, Copy, Debug)]
pub struct Clock(RwSignal<i64>);

impl Clock {
    /// Starts with the server's time and, in the browser, ticks every second.
    pub fn provide() {
        let now = SharedValue::new(now_ms).into_inner();
        let clock = Self(RwSignal::new(now));
        provide_context(clock);
        Effect::new(move || {
            let tick = move || clock.0.set(now_ms());
            if let Ok(handle) = set_interval_with_handle(tick, std::time::Duration::from_secs(1)) {
                on_cleanup(move || handle.clear());
            }
        });
    }

    /// The clock of this page.
    ///
    /// # Panics
    /// Outside [`App`](crate::App), which provides it.
    #[must_use]
    pub fn get() -> Self {
        use_context().expect("the app provides a clock")
    }

    /// Milliseconds since 1970; reading it makes the reader tick.
    #[must_use]
    pub fn now_ms(self) -> i64 {
        self.0.get()
    }

    /// Milliseconds since `at_ms`, never negative.
    #[must_use]
    pub fn age_ms(self, at_ms: i64) -> i64 {
        (self.now_ms() - at_ms).max(0)
    }
}

#[cfg(target_arch = "wasm32")]
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit for 285,000 years")]
pub(crate) fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn now_ms() -> i64 {
    let nanos = time::OffsetDateTime::now_utc().unix_timestamp_nanos();
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}
