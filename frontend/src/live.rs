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

const TOPICS: [LiveTopic; 13] = [
    LiveTopic::Overview,
    LiveTopic::Catalog,
    LiveTopic::Graph,
    LiveTopic::Subscriptions,
    LiveTopic::Denials,
    LiveTopic::Topology,
    LiveTopic::Routes,
    LiveTopic::Queues,
    LiveTopic::Access,
    LiveTopic::Rollout,
    LiveTopic::People,
    LiveTopic::Notifications,
    LiveTopic::Webhooks,
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

    /// Keeps the stream open for as long as the current owner lives and the page is shown. For effects only.
    pub(crate) fn listen(self) {
        let stream = StoredValue::new(self.open());
        // A page that one leaves may be kept to come back to, stream and all: a browser has six connections for one host,
        // and after six such pages the next would wait for a minute.
        let left = window_event_listener_untyped("pagehide", move |_| stream.set_value(None));
        let back = window_event_listener_untyped("pageshow", move |_| {
            if stream.try_with_value(Option::is_none) == Some(true) {
                stream.set_value(self.open());
                self.bump(&[LiveTopic::All]);
            }
        });
        on_cleanup(move || {
            left.remove();
            back.remove();
        });
    }

    fn open(self) -> Option<Stream> {
        let source = web_sys::EventSource::new("/api/v1/live").ok()?;
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
        Some(SendWrapper::new(Open { source, _on_change: on_change, _on_open: on_open, _on_error: on_error }))
    }
}

/// The stream, which stays in the one thread that a browser has.
type Stream = SendWrapper<Open>;

/// An open stream and who is called by it; dropping it closes it.
struct Open {
    source: web_sys::EventSource,
    _on_change: Closure<dyn FnMut(web_sys::MessageEvent)>,
    _on_open: Closure<dyn FnMut()>,
    _on_error: Closure<dyn FnMut()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.source.close();
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
