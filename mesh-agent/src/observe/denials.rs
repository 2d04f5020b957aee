//! What policy refused, folded by who, what and why.

use std::collections::BTreeMap;
use std::sync::Mutex;

use mesh_protocol::policy::Action;
use mesh_protocol::report::{DENIALS_MAX, Denial, Denials};

use super::{Client, Refusal};
use crate::reports::fit;

/// Refusals since the last report.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    denials: BTreeMap<(String, String, Action, String, String), Denial>,
    left_out: u64,
}

impl Ledger {
    /// Counts a refusal.
    pub(super) fn add(&self, client: &Client, refusal: Refusal, now_ms: i64) {
        let mut state = self.0.lock().expect("no panic while held");
        let Refusal { action, topic, rule, reason } = refusal;
        let key = (client.principal_name.clone(), client.client_id.clone(), action, topic.clone(), reason.clone());
        if let Some(denial) = state.denials.get_mut(&key) {
            denial.count += 1;
            denial.last_ms = now_ms;
            return;
        }
        if state.denials.len() >= DENIALS_MAX {
            state.left_out += 1;
            return;
        }
        let denial = Denial {
            principal: client.principal,
            principal_name: client.principal_name.clone(),
            client_id: client.client_id.clone(),
            protocol: client.protocol,
            action,
            topic,
            rule,
            reason,
            count: 1,
            last_ms: now_ms,
        };
        state.denials.insert(key, denial);
    }

    /// What was refused since it was asked for last; none = nothing.
    pub(super) fn report(&self, now_ms: i64) -> Option<Denials> {
        let state = std::mem::take(&mut *self.0.lock().expect("no panic while held"));
        if state.denials.is_empty() {
            return None;
        }
        let mut denials: Vec<_> = state.denials.into_values().collect();
        let left_out = state.left_out + fit(&mut denials);
        Some(Denials { at_ms: now_ms, denials, left_out })
    }
}
