//! Who subscribes to what now: always told whole, so that a lost report heals with the next.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use mesh_protocol::report::{SUBSCRIPTIONS_MAX, Subscription, Subscriptions};
use mesh_protocol::topic::Filter;

use super::Client;
use crate::reports::fit;

/// Subscriptions by client number and filter.
#[derive(Debug, Default)]
pub(super) struct Registry(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    subscriptions: BTreeMap<(u64, Filter), Subscription>,
    changed: bool,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while held")
    }

    /// A client registered a filter; a repeat changes nothing.
    pub(super) fn add(&self, number: u64, client: &Client, filter: &Filter, now_ms: i64) {
        let mut state = self.lock();
        let key = (number, filter.clone());
        if state.subscriptions.contains_key(&key) {
            return;
        }
        let subscription = Subscription {
            filter: filter.clone(),
            principal: client.principal,
            principal_name: client.principal_name.clone(),
            client_id: client.client_id.clone(),
            protocol: client.protocol,
            route: client.route,
            since_ms: now_ms,
        };
        state.subscriptions.insert(key, subscription);
        state.changed = true;
    }

    /// A client took a filter back.
    pub(super) fn remove(&self, number: u64, filter: &Filter) {
        let mut state = self.lock();
        state.changed |= state.subscriptions.remove(&(number, filter.clone())).is_some();
    }

    /// A client went.
    pub(super) fn remove_all(&self, number: u64) {
        let mut state = self.lock();
        let before = state.subscriptions.len();
        state.subscriptions.retain(|(owner, _), _| *owner != number);
        state.changed |= state.subscriptions.len() != before;
    }

    /// The whole, when it changed since it was asked for last, or when it is `due` anyway.
    pub(super) fn report(&self, due: bool, now_ms: i64) -> Option<Subscriptions> {
        let mut state = self.lock();
        if !std::mem::take(&mut state.changed) && !due {
            return None;
        }
        let mut subscriptions: Vec<_> = state.subscriptions.values().take(SUBSCRIPTIONS_MAX).cloned().collect();
        let too_many = (state.subscriptions.len() - subscriptions.len()) as u64;
        // Measured without the lock that every subscribe needs.
        drop(state);
        let left_out = too_many + fit(&mut subscriptions);
        Some(Subscriptions { at_ms: now_ms, subscriptions, left_out })
    }

    /// The report was not taken: tell it again.
    pub(super) fn untold(&self) {
        self.lock().changed = true;
    }
}
