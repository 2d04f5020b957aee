//! A client and the quotas of its grants.
//!
//! | who is beyond its quota | what happens |
//! | --- | --- |
//! | publishes by MQTT 5, QoS 1 or 2 | PUBACK or PUBREC 0x97 with the reason; the client keeps the event |
//! | publishes by MQTT 5, QoS 0 | the event is dropped and counted |
//! | publishes by MQTT 3.1.1 | it is not read until there is room; when that is long, its connection ends as for any refusal (QoS 0: dropped) |
//! | receives at QoS 1 or 2, or from a queue | its events wait in their queue |
//! | receives at QoS 0 | the event is dropped for it and counted |

use std::time::Duration;

use mesh_protocol::event::Event;
use mesh_protocol::report::Direction;
use mesh_protocol::topic::Topic;
use mqtt_protocol_core::mqtt::packet::Qos;
use mqtt_protocol_core::mqtt::result_code::PubackReasonCode;
use tokio::time::Instant;

use super::acks::Cause;
use super::connection::Room;
use super::inbound::Parked;
use super::session::{End, Next, Session};
use super::wire::Publish;
use crate::quota::Over;

/// The longest that a client of MQTT 3.1.1 is not read for its quota.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// While a publish waits it is looked again at least this often: its quota may have changed.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Whether a publish is within its quota.
pub(super) enum Charged {
    /// It is, and it is counted.
    Paid,
    /// It will be soon, and its client can be made to wait.
    Later,
    /// It is not.
    Not(Over),
}

impl Session {
    /// Takes a permitted publish from its grant.
    pub(super) fn charge(&self, publish: &Publish, topic: &Topic) -> Charged {
        match self.metered.charge(Direction::Produce, topic, publish.payload_len()) {
            Ok(()) => Charged::Paid,
            Err(over) if !self.wire.is_v5() && over.wait().is_some_and(|wait| wait <= WAIT_MAX) => Charged::Later,
            Err(over) => Charged::Not(over),
        }
    }

    pub(super) fn refuse_over_quota(&mut self, publish: &Publish, over: &Over) -> Result<Next, End> {
        self.server.metrics.over_quota.one();
        over.refuse(1);
        if publish.qos() == Qos::AtMostOnce {
            return Ok(Next::Read);
        }
        self.refuse(publish, PubackReasonCode::QuotaExceeded, over.to_string(), Cause::Rejected)
    }

    /// Takes an event that the client acknowledges from its grant; when there is no room it must wait, and everything after
    /// it.
    pub(super) fn may_deliver(&mut self, event: &Event) -> bool {
        let Err(over) = self.metered.charge(Direction::Consume, &event.topic, event.payload.len()) else { return true };
        let wait = over.wait().unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
        self.slowed_until = Some(Instant::now() + wait);
        false
    }

    /// The same for one that nobody waits for; when there is no room it is dropped.
    pub(super) fn may_send_direct(&self, event: &Event) -> bool {
        let Err(over) = self.metered.charge(Direction::Consume, &event.topic, event.payload.len()) else { return true };
        self.server.metrics.dropped_over_quota.one();
        over.refuse(1);
        false
    }

    /// Whether deliveries wait for the quota.
    pub(super) fn is_slowed(&self) -> bool {
        self.slowed_until.is_some_and(|until| until > Instant::now())
    }
}

/// Waits for what a parked publish needs: first its quota, then room in the byte budget.
pub(super) fn room(session: &Session, parked: &Parked) -> Room {
    let (router, bytes) = (session.server.common.router.clone(), parked.bytes);
    let over_quota = parked.over_quota.then(|| (session.metered.again(), parked.event.clone()));
    Box::pin(async move {
        if let Some((metered, event)) = over_quota {
            let event = event.event();
            while let Err(over) = metered.charge(Direction::Produce, &event.topic, event.payload.len()) {
                tokio::time::sleep(over.wait().unwrap_or(LOOK_EVERY).min(LOOK_EVERY)).await;
            }
        }
        router.budget().take(bytes).await
    })
}
