//! Live updates: one event stream for the document says *what* changed, and whatever shows it loads again.
//!
//! Each topic is a counter. A resource that shows a topic has the counter in its key, so a bump reloads it; nothing is
//! pushed into the page, and a page that missed a message heals with the next.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast as _;
use leptos::wasm_bindgen::prelude::Closure;
use leptos::web_sys;
use send_wrapper::SendWrapper;

use crate::api::{LiveChange, LiveTopic};

const TOPICS: [LiveTopic; 10] = [
    LiveTopic::Overview,
    LiveTopic::Catalog,
    LiveTopic::Graph,
    LiveTopic::Subscriptions,
    LiveTopic::Denials,
    LiveTopic::Topology,
    LiveTopic::Routes,
    LiveTopic::Access,
    LiveTopic::Rollout,
    LiveTopic::People,
];

/// Whether the stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Not tried yet: the page came just now.
    Starting,
    /// Changes arrive.
    Live,
    /// Changes do not arrive since this time (milliseconds since 1970); the browser keeps trying.
    Lost(i64),
}

/// The counters and the state of the stream. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    versions: [RwSignal<u64>; TOPICS.len()],
    connection: RwSignal<Connection>,
}

impl Live {
    /// Puts it into the context of the app.
    pub(crate) fn provide() -> Self {
        let live = Self {
            versions: std::array::from_fn(|_| RwSignal::new(0)),
            connection: RwSignal::new(Connection::Starting),
        };
        provide_context(live);
        live
    }

    /// The one of this app.
    ///
    /// # Panics
    /// Outside [`App`](crate::App), which provides it.
    #[must_use]
    pub fn get() -> Self {
        use_context().expect("the app provides live updates")
    }

    /// A number that grows when one of `topics` changes. Reading it follows them.
    #[must_use]
    pub fn version(self, topics: &[LiveTopic]) -> u64 {
        let place = |topic: &LiveTopic| TOPICS.iter().position(|have| have == topic);
        topics.iter().filter_map(place).map(|i| self.versions[i].get()).sum()
    }

    /// Says that a topic changed, for example because this page just changed it.
    pub fn bump(self, topics: &[LiveTopic]) {
        for (i, topic) in TOPICS.iter().enumerate() {
            if topics.contains(topic) || topics.contains(&LiveTopic::All) {
                self.versions[i].update(|version| *version += 1);
            }
        }
    }

    /// Whether the stream stands. Reading it follows it.
    #[must_use]
    pub fn connection(self) -> Connection {
        self.connection.get()
    }

    /// Opens the stream for as long as the current owner lives. For effects only.
    pub(crate) fn listen(self) {
        let Ok(source) = web_sys::EventSource::new("/api/v1/live") else { return };
        let on_change = Closure::<dyn FnMut(web_sys::MessageEvent)>::new(move |message: web_sys::MessageEvent| {
            let text = message.data().as_string().unwrap_or_default();
            match serde_json::from_str::<LiveChange>(&text) {
                Ok(change) => self.bump(&change.topics),
                // A topic this page does not know: it may be older than the portal, so it reloads everything.
                Err(_) => self.bump(&[LiveTopic::All]),
            }
        });
        let on_open = Closure::<dyn FnMut()>::new(move || self.connection.set(Connection::Live));
        let on_error = Closure::<dyn FnMut()>::new(move || {
            self.connection.update(|connection| {
                if !matches!(connection, Connection::Lost(_)) {
                    *connection = Connection::Lost(crate::clock::now_ms());
                }
            });
        });
        let _ = source.add_event_listener_with_callback("change", on_change.as_ref().unchecked_ref());
        source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let held = SendWrapper::new((source, on_change, on_open, on_error));
        on_cleanup(move || held.0.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bump_reaches_those_who_show_the_topic_and_all_reaches_everyone() {
        Owner::new().with(|| {
            let live = Live::provide();
            live.bump(&[LiveTopic::Access]);
            assert_eq!(live.version(&[LiveTopic::Access, LiveTopic::Rollout]), 1);
            assert_eq!(live.version(&[LiveTopic::Routes]), 0);
            live.bump(&[LiveTopic::All]);
            assert_eq!(live.version(&[LiveTopic::Routes]), 1);
            assert_eq!(live.version(&[LiveTopic::Access]), 2);
        });
    }
}
