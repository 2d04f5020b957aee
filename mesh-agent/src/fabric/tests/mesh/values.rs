//! Last values of topics.

use std::sync::Arc;

use mesh_protocol::event::{DeliveryMode, Event};

use super::{Bin, Node, Tail, filter};
use crate::router::{Admitted, Life, Reach, Takes};
use crate::spool::{Recall, Whose};

impl Node {
    /// Publishes what is to be the last value of its topic, with its time of admission.
    pub(in crate::fabric::tests) fn retain(&self, topic: &str, at_ms: i64, payload: &str, mode: DeliveryMode) {
        let event = self.event(topic, "k", payload.as_bytes(), mode);
        let event = Admitted::new(Event { retain: true, admitted_at_ms: at_ms, ..event.event().clone() });
        match mode {
            DeliveryMode::Direct => _ = self.running().router.publish_direct(event, None),
            DeliveryMode::Guaranteed => {
                let admission = self.running().router.budget().try_take(payload.len()).expect("room");
                drop(self.running().router.publish(vec![event], admission, None));
            }
        }
    }

    /// The last values that this agent knows, by topic.
    pub(in crate::fabric::tests) fn values(&self) -> Vec<(String, String)> {
        let recall = Recall { filter: filter(">"), after: None, whose: Whose::Shown, direct_since: None };
        let found = self.running().parts.spool.core().recall(&recall, 0).expect("reads");
        let told = |event: Admitted| {
            let payload = String::from_utf8_lossy(&event.event().payload).into_owned();
            (event.event().topic.to_string(), payload)
        };
        found.events.into_iter().map(told).collect()
    }

    /// A subscription that wants last values, too.
    pub(in crate::fabric::tests) fn subscribe_recalled(&self, text: &str) -> Tail {
        let bin = Arc::new(Bin::default());
        let attachment = self.running().router.attach(bin.clone(), Reach::Local);
        attachment.subscribe_for(&filter(text), 0, Life::Live, Takes::ALL.and_recalled());
        Tail { bin, attachment }
    }
}
