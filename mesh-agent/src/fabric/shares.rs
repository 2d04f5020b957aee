//! Quotas that agents share: what they need and lend, carried between them. What it means is [`quota`](crate::quota)'s matter.

use mesh_protocol::frame::{Control, Share};
use mesh_protocol::id::AgentId;

use super::core::Core;

impl Core {
    /// Says what there is to say now, in frames of their own.
    pub(super) fn send_shares(&mut self) {
        for (agent, shares) in self.parts.quotas.due() {
            let messages: Vec<Control> = shares.into_iter().map(Control::Share).collect();
            self.send_control(agent, &messages);
        }
    }

    /// What another agent says.
    pub(super) fn on_share(&self, agent: AgentId, share: &Share) {
        self.parts.quotas.heard(agent, share);
    }
}
