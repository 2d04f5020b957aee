//! Whether this agent takes an event that another one sent: policy at the destination.

use bytes::Bytes;
use mesh_protocol::event;
use mesh_protocol::frame::{BehindReason, Header, StreamEvent};
use mesh_protocol::id::AgentId;

use super::core::Core;
use crate::policy::{Denied, Permit};
use crate::router::Admitted;
use crate::status::now_ms;
use crate::stream::{Incoming, Verdict};

/// A retained event from a clock that is further ahead is delivered and not kept: the last writer would be that clock's site
/// for as long.
const AHEAD_MS_MAX: i64 = 10 * 60 * 1000;

/// Why a stream frame is not taken now.
pub(super) struct NotNow(pub(super) BehindReason);

impl Core {
    /// What shall become of one guaranteed event.
    ///
    /// An older policy here is no reason to refuse: the event waits until this agent has caught up, but only when it
    /// matters (denied here, or wanted by nobody yet), so that an agent that is cut off from the portal still takes
    /// what it knows.
    pub(super) fn judge(
        &mut self,
        sender: AgentId,
        header: &Header,
        event: StreamEvent,
    ) -> Result<Incoming<Admitted>, NotNow> {
        let newer = header.revision > self.revision();
        let StreamEvent { seq, redelivered, recalled, bytes } = event;
        let size = bytes.len();
        let verdict = match self.permit(sender, bytes) {
            Ok(admitted) => {
                let topic = &admitted.event().topic;
                let mut waits = false;
                self.not_ready.matches(topic, &mut |_| waits = true);
                if waits {
                    return Err(NotNow(BehindReason::NotReady));
                }
                if newer && !self.advertised.wants(topic) {
                    return Err(NotNow(BehindReason::Revision));
                }
                Verdict::Take(self.believed(admitted).recalled(recalled))
            }
            Err(Some(_)) if newer => return Err(NotNow(BehindReason::Revision)),
            Err(Some(denied)) => {
                self.counts.forbidden.one();
                Verdict::Refuse(denied.to_string())
            }
            Err(None) => Verdict::Refuse("the event cannot be read at its destination".to_owned()),
        };
        Ok(Incoming { seq, redelivered, bytes: size, verdict })
    }

    /// An event as it is kept here.
    pub(super) fn believed(&self, event: Admitted) -> Admitted {
        if event.is_last_value() && event.event().admitted_at_ms > now_ms().saturating_add(AHEAD_MS_MAX) {
            self.counts.not_retained.one();
            return event.unkept();
        }
        event
    }

    /// The admitted event; none in the error = it cannot be read.
    pub(super) fn permit(&self, sender: AgentId, bytes: Bytes) -> Result<Admitted, Option<Denied>> {
        let event = event::decode(bytes.clone()).map_err(|_| None)?;
        self.parts.enforcer.permit_peer(sender, event, bytes).map(Permit::admit).map_err(Some)
    }
}
