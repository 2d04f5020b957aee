//! What another agent wants, in the router's table: for each filter every reason why it is there.

use mesh_protocol::desired::Member;
use mesh_protocol::topic::Filter;
use rustc_hash::FxHashSet;

use super::Peer;
use crate::fabric::recall::Recalls;
use crate::mutant::{Mutant, planted};
use crate::router::{Attachment, Change, Life, Takes, Wanted};

/// Reasons why a filter is in the table for a peer; it leaves with the last of them.
const LIVE: u8 = 1;
const DURABLE: u8 = 2;
const DESIRED: u8 = 4;
/// Noted before a restart, and not heard since.
const RESTORED: u8 = 8;
/// Those for which best effort events are wanted too.
const LIVE_DIRECT: u8 = 16;
const DURABLE_DIRECT: u8 = 32;

impl Peer {
    /// Applies changes of what it wants to the table.
    pub(in crate::fabric) fn want(&mut self, table: &Attachment, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Added(wanted) => self.add(table, &wanted.filter, reason(&wanted)),
                Change::Removed(wanted) => self.remove(table, &wanted.filter, reason(&wanted)),
            }
        }
        table.show();
    }

    /// What desired state says that it wants, whether it can be reached or not.
    pub(in crate::fabric) fn desire(&mut self, table: &Attachment, filters: FxHashSet<Filter>) {
        let before = std::mem::take(&mut self.desired);
        for filter in filters.difference(&before) {
            self.add(table, filter, DESIRED);
        }
        for filter in before.difference(&filters) {
            self.remove(table, filter, DESIRED);
        }
        self.desired = filters;
        table.show();
    }

    /// What it wanted durably before this process began: an origin knows that from its first event on.
    pub(in crate::fabric) fn restore(&mut self, table: &Attachment) {
        if planted(Mutant::InterestForgotten) {
            return;
        }
        let (filters, recalling) = self.kept.noted();
        for filter in filters {
            self.add(table, &filter, RESTORED);
        }
        if recalling {
            // How far it had come is not known; what it knows already it lets lie.
            self.recalls.add_all();
        }
        table.show();
    }

    /// It has said itself what it wants.
    pub(in crate::fabric) fn forget_restored(&mut self, table: &Attachment) {
        let restored = self.reasons.iter().filter(|(_, reasons)| **reasons & RESTORED != 0);
        for filter in restored.map(|(filter, _)| filter.clone()).collect::<Vec<_>>() {
            self.remove(table, &filter, RESTORED);
        }
        table.show();
    }

    /// Notes what it wants durably, when that has changed.
    pub(in crate::fabric) fn note_interest(&mut self) {
        if std::mem::take(&mut self.unnoted) {
            let durable =
                self.reasons.iter().filter(|(_, reasons)| **reasons & (DURABLE | DURABLE_DIRECT | RESTORED) != 0);
            let recalling = self.recalls.is_pending();
            self.kept.note(&durable.map(|(filter, _)| filter).collect::<Vec<_>>(), recalling, self.held.noting());
        } else {
            self.held.as_noted();
        }
    }

    /// The agent that has its place now. It wants what this one wanted durably until it says itself what it wants: nothing
    /// that is published meanwhile passes it by.
    pub(in crate::fabric) fn succeeded_by(mut self, next: Member, table: &Attachment, passed: u64) -> Self {
        let live = self.learned.forget_live();
        self.want(table, live);
        let durable = self.reasons.iter().filter(|(_, reasons)| **reasons & (DURABLE | DURABLE_DIRECT) != 0);
        for filter in durable.map(|(filter, _)| filter.clone()).collect::<Vec<_>>() {
            self.add(table, &filter, RESTORED);
            self.remove(table, &filter, DURABLE | DURABLE_DIRECT);
        }
        let place = (self.number, self.destination);
        let (desired, reasons, unnoted) = (self.desired, self.reasons, self.unnoted);
        let recalls = Recalls::of_everybody();
        Self { desired, reasons, unnoted, recalls, ..Self::new(next, place, self.kept.handed_on(), passed) }
    }

    /// It has got all last values it was to get: a restart need not begin anew.
    pub(in crate::fabric) fn recalled(&mut self) {
        self.unnoted = true;
    }

    /// Takes everything it wants out of the table.
    pub(in crate::fabric) fn leave(&mut self, table: &Attachment) {
        for (filter, _) in self.reasons.drain() {
            table.unsubscribe(&filter, self.number);
            self.kept.repel(&filter);
        }
        table.show();
    }

    fn add(&mut self, table: &Attachment, filter: &Filter, reason: u8) {
        self.unnoted |= reason & (DURABLE | DURABLE_DIRECT) != 0;
        let reasons = self.reasons.entry(filter.clone()).or_insert(0);
        let before = std::mem::replace(reasons, *reasons | reason);
        if before == 0 {
            // What was noted before a restart was wanted all the time: what came since is in its queue.
            if reason != RESTORED {
                self.recalls.add(filter);
            }
            self.kept.attract(filter);
            table.subscribe_as(filter, self.number, Life::Live, takes(reason), self.destination);
        } else {
            table.take_instead(filter, self.number, takes(before | reason));
        }
    }

    fn remove(&mut self, table: &Attachment, filter: &Filter, reason: u8) {
        self.unnoted |= reason & (DURABLE | DURABLE_DIRECT | RESTORED) != 0;
        let Some(reasons) = self.reasons.get_mut(filter) else { return };
        *reasons &= !reason;
        if *reasons == 0 {
            self.reasons.remove(filter);
            self.recalls.remove(filter);
            table.unsubscribe(filter, self.number);
            self.kept.repel(filter);
        } else {
            table.take_instead(filter, self.number, takes(*reasons));
        }
    }
}

fn reason(wanted: &Wanted) -> u8 {
    match (wanted.life, wanted.direct) {
        (Life::Live, false) => LIVE,
        (Life::Live, true) => LIVE_DIRECT,
        (Life::Durable, false) => DURABLE,
        (Life::Durable, true) => DURABLE_DIRECT,
    }
}

/// What is sent to it without being kept here.
const fn takes(reasons: u8) -> Takes {
    if reasons & (LIVE_DIRECT | DURABLE_DIRECT) == 0 { Takes::PASSED } else { Takes::UNKEPT }
}
