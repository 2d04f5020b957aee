//! The checks, each where what it needs becomes known.

use std::collections::BTreeSet;

use mesh_protocol::desired::OnFailure;
use mesh_protocol::event::Event;
use mesh_protocol::topic::Filter;

use super::{Kind, Ledger};
use crate::router::{Failure, Outcome};
use crate::spool::{Change, SimulatedDisk};

/// The number that the simulation gave an event.
pub(in crate::simulation) fn id_of(event: &Event) -> u64 {
    let bytes = event.payload.get(..8).and_then(|bytes| bytes.try_into().ok());
    u64::from_be_bytes(bytes.expect("every payload of the simulation begins with a number"))
}

/// What a consumer got.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulation) struct Got {
    pub(in crate::simulation) queue: usize,
    pub(in crate::simulation) seq: u64,
    pub(in crate::simulation) id: u64,
    pub(in crate::simulation) is_flagged: bool,
}

impl Ledger {
    /// A site's disk was given this, as a whole.
    pub(in crate::simulation) fn committed(&mut self, site: usize, changes: Vec<Change>) {
        let (mut held, mut left) = (Vec::new(), Vec::new());
        for change in changes {
            let book = &mut self.books[site];
            match change {
                Change::Opened(queue, name) => match Kind::of(&name, &self.plan) {
                    Some(kind) => drop(book.kinds.insert(queue, kind)),
                    None => self.break_with(format!("site {site} opens a queue {name} that nobody planned")),
                },
                Change::Closed(name) => self.break_with(format!("I1: site {site} closes its queue {name}")),
                Change::Logged(seq, event) => drop(book.log.insert(seq, id_of(&event))),
                Change::Held(queue, seq) => held.push((queue, seq)),
                Change::Left(queue, seq) => left.push((queue, seq)),
                Change::Marked(key, mark) => {
                    if book.marks.insert(key, mark).is_some_and(|before| before > mark) {
                        self.break_with(format!("I4: at site {site} the mark of {key:?} falls to {mark:?}"));
                    }
                }
                Change::Noted(queue, note) => {
                    let mut note: serde_json::Value = serde_json::from_slice(&note).expect("a note");
                    let filters: Vec<Filter> = serde_json::from_value(note["filters"].take()).expect("filters");
                    if let Some(Kind::Agent(of)) = book.kinds.get(&queue) {
                        let texts = filters.iter().map(|filter| filter.text().to_owned());
                        book.noted.entry(*of).or_default().extend(texts);
                    }
                }
            }
        }
        let mut buried = BTreeSet::new();
        for (queue, seq) in held {
            let Some(kind) = self.books[site].kinds.get(&queue).copied() else {
                self.break_with(format!("I1: site {site} puts event {seq} into a queue that is not there"));
                continue;
            };
            self.came(site, kind, seq, &mut buried);
        }
        for (queue, seq) in left {
            // Rows of a queue that has ended are swept later.
            let Some(kind) = self.books[site].kinds.get(&queue).copied() else { continue };
            if let Some(id) = self.books[site].rows.remove(&(kind, seq)) {
                if let Kind::Named(queue) = kind {
                    let keyed = self.books[site].keyed.get_mut(&(queue, self.events[&id].key.clone()));
                    keyed.into_iter().for_each(|of_key| of_key.retain(|other, _| *other != seq));
                }
                self.left(site, kind, (seq, id), &buried);
            }
        }
    }

    fn came(&mut self, site: usize, kind: Kind, seq: u64, buried: &mut BTreeSet<(Kind, u64)>) {
        let book = &mut self.books[site];
        let Some(id) = book.log.get(&seq).copied() else {
            return self.break_with(format!("I9: site {site} has a row of {kind:?} for {seq} without its event"));
        };
        if book.rows.insert((kind, seq), id).is_some() {
            // More is known of it.
            return;
        }
        if matches!(kind, Kind::DeadOf(_) | Kind::DeadLetters) {
            buried.insert((kind, id));
            return;
        }
        if matches!(kind, Kind::KeptOf(_)) {
            return;
        }
        if !book.had.insert((kind, id)) {
            return self.break_with(format!("I3: {kind:?} of site {site} gets event {id} a second time"));
        }
        let key = self.events[&id].key.clone();
        if let Kind::Named(queue) = kind {
            book.keyed.entry((queue, key.clone())).or_default().insert(seq, id);
        }
        let before = book.newest.insert((kind, key.clone()), id).unwrap_or(0);
        if before > id {
            self.break_with(format!("I2: {kind:?} of site {site} gets event {id} of key {key} after {before}"));
        }
    }

    fn left(&mut self, site: usize, kind: Kind, (seq, id): (u64, u64), buried: &BTreeSet<(Kind, u64)>) {
        let published = &self.events[&id];
        let is_over = self.was_over(published, site);
        let reason = match kind {
            Kind::Named(_) | Kind::Agent(_) if is_over => true,
            Kind::Named(queue) => {
                self.books[site].acked.contains(&(queue, seq)) || buried.contains(&(Kind::DeadOf(queue), id))
            }
            Kind::Agent(to) => {
                let had = |queue: usize| self.books[to].had(Kind::Named(queue), id);
                let has = |queue: usize| had(queue) || self.forgotten.contains(&(queue, id));
                let is_refused = buried.contains(&(Kind::DeadLetters, id)) && self.may_be_refused(published, to);
                self.plan.attracting(to, &published.topic).all(has) || is_refused || self.was_forbidden(published, to)
            }
            Kind::KeptOf(_) => true,
            Kind::DeadOf(_) | Kind::DeadLetters => false,
        };
        if !reason {
            self.break_with(format!("I1: event {id} leaves {kind:?} of site {site} and nobody has it"));
        }
    }

    /// A publisher was told what became of an event.
    pub(in crate::simulation) fn told(&mut self, id: u64, outcome: &Outcome) {
        let published = &self.events[&id];
        let (origin, book) = (published.origin, &self.books[published.origin]);
        let missing = published.wants.iter().copied().find(|queue| {
            let owner = self.plan.queues[*queue].owner;
            let has = |site: usize, kind| self.books[site].had(kind, id) || self.forgotten.contains(&(*queue, id));
            if owner == origin {
                !has(origin, Kind::Named(*queue))
            } else if published.is_passing {
                !has(owner, Kind::Named(*queue)) && !self.was_forbidden(published, owner)
            } else {
                !book.had(Kind::Agent(owner), id)
            }
        });
        match (outcome, missing) {
            (Outcome::Taken { .. } | Outcome::Unrouted, Some(queue)) => {
                self.break_with(format!(
                    "I8: event {id} of site {origin} is acknowledged, and queue {queue} is without it"
                ));
            }
            (Outcome::Taken { .. } | Outcome::Unrouted, None) => {
                if let Some(published) = self.events.get_mut(&id) {
                    published.is_acked = true;
                }
            }
            (Outcome::Failed(Failure::Refused(reason)), _) if !self.events[&id].is_passing => {
                self.break_with(format!("event {id} of site {origin} is refused: {reason}"));
            }
            (Outcome::Failed(_), _) => {}
        }
    }

    /// A site's disk is read by a new process.
    pub(in crate::simulation) fn reopened(&mut self, site: usize, disk: &SimulatedDisk) {
        let content = disk.content();
        let book = &self.books[site];
        let mut there = BTreeSet::new();
        for change in &content.changes {
            if let Change::Held(queue, seq) = change
                && let Some(kind) = book.kinds.get(queue)
            {
                there.insert((*kind, *seq));
            }
        }
        let lost = book.rows.keys().find(|row| !there.contains(row)).copied();
        let unreadable = content.without_event.first().copied();
        if let Some((kind, seq)) = lost {
            self.break_with(format!("I8: after a crash of site {site} event {seq} is not in {kind:?} any more"));
        }
        if let Some((queue, seq)) = unreadable {
            self.break_with(format!("I9: event {seq} in queue {} of site {site} cannot be read", queue.0));
        }
    }

    /// Consumers of a site's queue got these in one go; `same_hand`: whether one of them has both of two.
    pub(in crate::simulation) fn delivered(&mut self, site: usize, got: &[Got], same_hand: &dyn Fn(u64, u64) -> bool) {
        for Got { queue, seq, id, is_flagged } in got.iter().copied() {
            let key = self.events[&id].key.clone();
            let book = &mut self.books[site];
            let count = book.delivered.entry((queue, seq)).or_default();
            *count += 1;
            let is_first = *count == 1;
            if !is_first && !is_flagged {
                return self.break_with(format!("I3: queue {queue} delivers event {id} again as if it were new"));
            }
            if book.rows.get(&(Kind::Named(queue), seq)) != Some(&id) {
                return self.break_with(format!("I8: queue {queue} delivers event {id}, which is not on disk there"));
            }
            if is_first {
                let before = book.firsts.insert((queue, key.clone()), seq).unwrap_or(0);
                if before > seq {
                    return self
                        .break_with(format!("I2: queue {queue} delivers event {id} of key {key} after a later one"));
                }
            }
            if self.plan.queues[queue].config.on_failure == OnFailure::BlockKey {
                let book = &self.books[site];
                let of_key = book.keyed.get(&(queue, key)).into_iter().flat_map(|of_key| of_key.range(..seq));
                let mut in_the_way = of_key.filter(|(other, id)| {
                    let is_over = self.was_over(&self.events[*id], site);
                    !is_over && !book.acked.contains(&(queue, **other)) && !same_hand(**other, seq)
                });
                if let Some((other, _)) = in_the_way.next() {
                    let what = format!("I2: queue {queue} delivers event {id} ({seq}) past {other}, of the same key");
                    return self.break_with(what);
                }
            }
        }
    }

    /// A consumer says that it is done with an event.
    pub(in crate::simulation) fn acked(&mut self, site: usize, queue: usize, seq: u64) {
        self.books[site].acked.insert((queue, seq));
    }

    /// Whether all that was kept has come where it shall be.
    pub(in crate::simulation) fn is_done(&self) -> bool {
        self.books.iter().all(|book| book.undone().next().is_none())
    }

    /// What is left, for a report.
    pub(in crate::simulation) fn left_over(&self) -> Vec<String> {
        let of = |(site, book): (usize, &super::Book)| {
            book.undone()
                .map(move |((kind, seq), id)| format!("site {site} {kind:?} {seq}: event {id}"))
                .collect::<Vec<_>>()
        };
        self.books.iter().enumerate().flat_map(of).collect()
    }

    /// In the end.
    pub(in crate::simulation) fn finish(&mut self) {
        for (id, published) in &self.events {
            if !published.is_acked {
                continue;
            }
            for queue in &published.wants {
                let owner = self.plan.queues[*queue].owner;
                let has = self.books[owner].had(Kind::Named(*queue), *id);
                let is_accounted = self.forgotten.contains(&(*queue, *id))
                    || (owner != published.origin && self.may_be_refused(published, owner))
                    || self.was_over(published, published.origin);
                if !has && !is_accounted {
                    let what = format!(
                        "I1: event {id} of site {} is acknowledged and never in queue {queue}",
                        published.origin
                    );
                    self.broken.get_or_insert(what);
                }
            }
        }
    }
}
