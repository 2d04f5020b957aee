//! Wills: what a client leaves to be published when it goes without saying so.
//!
//! A will is published under the rights its session has at that moment; one that policy refuses then is counted and told,
//! like any publish. It waits for its delay, or for as long as the client wanted its session to outlive the connection if
//! that is shorter (MQTT 5, 3.1.3.2.2), and is not published when the client comes back before.

use std::sync::Arc;
use std::time::Duration;

use mesh_protocol::event::{DeliveryMode, Event};
use mesh_protocol::policy::Action;

use super::Server;
use super::clients::Registered;
use crate::listener::refusal;
use crate::observe::ClientObserver;
use crate::policy::{Denied, Session};
use crate::router::{EVENT_OVERHEAD_BYTES, Outcome};

/// A will, checked at login.
#[derive(Debug)]
pub(super) struct Will {
    pub(super) event: Event,
    /// How long it waits.
    pub(super) delay: Duration,
}

/// The will of a session that has just ended.
pub(super) struct Testament {
    pub(super) server: Arc<Server>,
    pub(super) will: Will,
    pub(super) client: Session,
    pub(super) watcher: Arc<dyn ClientObserver>,
}

impl Testament {
    /// Publishes it, now or later. `registered` tells whose it is; it may be dropped at once.
    pub(super) fn execute(self, registered: &Registered) {
        let tasks = self.server.common.tasks.clone();
        let (clients, name) = (registered.clients().clone(), registered.name().clone());
        let most = usize::try_from(self.server.common.limits.get().connections_max).unwrap_or(usize::MAX);
        let delay = self.will.delay;
        let waiting = if delay.is_zero() { None } else { clients.hold_will(&name, most) };
        let stopping = tasks.token();
        tasks.spawn("mqtt will", async move {
            if let Some(back) = waiting {
                tokio::select! {
                    () = back.cancelled() => return,
                    () = tokio::time::sleep(delay) => {}
                    () = stopping.cancelled() => {}
                }
                clients.release_will(&name, &back);
            }
            self.publish().await;
        });
    }

    async fn publish(self) {
        let Self { server, will, client, watcher } = self;
        let admitted_at_ms = server.common.admission_ms(&will.event.topic, will.event.retain);
        let event = Event { admitted_at_ms, ..will.event };
        let (topic, bytes) = (event.topic.clone(), event.payload.len() + EVENT_OVERHEAD_BYTES);
        let permit = match server.common.enforcer.permit(&client, event) {
            Ok(permit) => permit,
            Err(denied @ Denied::Invalid(_)) => {
                server.metrics.invalid.one();
                return tracing::info!(%topic, client_id = client.client_id(), %denied, "a will is not published");
            }
            Err(denied) => {
                server.metrics.denied.one();
                return watcher.refused(refusal(Action::Publish, topic.as_str(), &denied));
            }
        };
        let event = permit.admit();
        if event.is_diverted() {
            server.metrics.diverted.one();
        } else {
            watcher.produced(&event.event().topic, &event.event().payload, None);
        }
        if event.event().mode == DeliveryMode::Direct {
            server.common.router.publish_direct(event, None);
            return;
        }
        let publish = async {
            let admission = server.common.router.budget().take(bytes).await;
            server.common.router.publish(vec![event], admission, None).await
        };
        match tokio::time::timeout(server.common.limits.get().custody_timeout, publish).await {
            Ok(Outcome::Taken { .. } | Outcome::Unrouted) => {}
            Ok(Outcome::Failed(_)) | Err(_) => {
                server.metrics.lost_wills.one();
                tracing::warn!(%topic, client_id = client.client_id(), "a will was not taken by everybody who wants it");
            }
        }
    }
}
