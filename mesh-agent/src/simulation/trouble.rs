//! What goes wrong, and how it ends.

use std::time::Duration;

use rand::Rng;

use super::plan::{Allowed, agent};
use super::world::World;
use crate::stream::Moment;

impl World {
    /// One draw of everything that may go wrong between two steps.
    pub(super) fn go_wrong(&mut self) {
        let faults = self.plan.faults;
        let index = self.rng.random_range(0..self.plan.sites);
        if self.chance(faults.crash) {
            self.crash(index);
        }
        if self.chance(faults.restore) {
            self.restore(index);
        }
        if self.rng.random_ratio(1, 100) && self.sites[index].process.is_some() {
            self.sites[index].keep_snapshot(&mut self.ledger);
        }
        if self.chance(faults.partition) {
            self.partition(index);
        }
        if !self.cut.is_empty() && self.rng.random_ratio(1, 40) {
            self.cut.clear();
            self.tell("all links are whole again");
        }
        if self.chance(faults.pause) && self.sites[index].process.is_some() {
            let pause = Duration::from_millis(self.rng.random_range(100..4_000));
            self.away_until[index] = self.now.after(pause);
            self.tell(&format!("site {index} hangs for {pause:?}"));
        }
        if self.chance(faults.policy) {
            self.change_policy();
        }
        if self.chance(faults.clock) {
            let jump = self.rng.random_range(-3_600_000..3_600_000);
            self.sites[index].wall_offset_ms += jump;
            self.tell(&format!("the wall clock of site {index} jumps by {jump} ms"));
        }
    }

    fn crash(&mut self, index: usize) {
        match self.rng.random_range(0..4) {
            0 | 1 => self.crash_at_commit(index),
            2 => self.go_down(index, "is killed"),
            _ => {
                self.at(index);
                if let Some(process) = &mut self.sites[index].process {
                    process.fabric.leave();
                }
                self.post(index);
                self.go_down(index, "stops");
            }
        }
    }

    fn restore(&mut self, index: usize) {
        self.sites[index].kill(&mut self.ledger);
        let is_restored = self.sites[index].restore(&mut self.ledger);
        self.away_until[index] = self.now.after(Duration::from_millis(self.rng.random_range(1..3_000)));
        let how = if is_restored { "is put back to an earlier state" } else { "is killed" };
        self.tell(&format!("site {index} {how}"));
        if !is_restored {
            self.sites[index].reboot(0, false);
        }
    }

    fn partition(&mut self, index: usize) {
        let other = self.rng.random_range(0..self.plan.sites);
        if other != index {
            self.cut.push((index, other));
            let both = self.rng.random_ratio(2, 3);
            if both {
                self.cut.push((other, index));
            }
            self.tell(&format!(
                "site {index} is not heard at site {other}{}",
                if both { ", nor the other way" } else { "" }
            ));
        }
    }

    fn change_policy(&mut self) {
        let allowed = Allowed::draw(&mut self.rng, self.plan.sites);
        self.policies.push(allowed);
        let revision = self.policies.len() as u64;
        for index in 0..self.plan.sites {
            let late = Duration::from_millis(self.rng.random_range(0..1_500));
            self.policy_due.insert((self.now.after(late), index), revision);
        }
    }

    /// From now on nothing goes wrong: all are there, hear each other and enforce the same.
    pub(super) fn calm_down(&mut self) {
        self.trouble = false;
        self.cut.clear();
        self.away_until.fill(Moment::default());
        let revision = self.policies.len() as u64;
        self.policy_due.extend((0..self.plan.sites).map(|index| ((self.now, index), revision)));
        self.tell("nothing goes wrong any more");
    }

    /// Whether there is nothing left to do, anywhere.
    pub(super) fn is_quiet(&self) -> bool {
        let at_rest = |process: &super::site::Process| process.is_quiet();
        self.ledger.is_done()
            && self.sites.iter().all(|site| site.process.as_ref().is_some_and(at_rest))
            && self.disagreement().is_none()
    }

    /// I7: whoever does not know what another wants, or does not hear it.
    fn disagreement(&self) -> Option<String> {
        let sites = self.sites.iter().filter_map(|site| Some((site.index, site.process.as_ref()?)));
        let sites: Vec<_> = sites.collect();
        for (one, its) in &sites {
            for (other, theirs) in sites.iter().filter(|(other, _)| other != one) {
                let seen = its.fabric.seen(agent(*other))?;
                if !seen.live || !seen.is_quiet {
                    return Some(format!("site {one} is not at rest with site {other}: {seen:?}"));
                }
                if seen.learned != theirs.fabric.advertised() {
                    let says = theirs.fabric.advertised();
                    return Some(format!(
                        "I7: site {one} knows {:?} of site {other}, which says {says:?}",
                        seen.learned
                    ));
                }
            }
        }
        None
    }

    /// Why it is not at rest.
    pub(super) fn unrest(&mut self) -> String {
        let mut why: Vec<String> = self.disagreement().into_iter().collect();
        for site in &mut self.sites {
            let Some(process) = &mut site.process else { continue };
            for other in (0..self.plan.sites).filter(|other| *other != site.index) {
                why.push(format!("site {} and {other}: {}", site.index, process.fabric.describe(agent(other))));
            }
            let standing: Vec<_> = process.queues.iter().map(|(at, queue)| (*at, queue.standing())).collect();
            let (waiting, bytes) = (process.waiting(), process.budget_in_use());
            why.push(format!("site {}: {waiting} publishers wait, {bytes} bytes in flight, {standing:?}", site.index));
        }
        why.extend(self.ledger.left_over().into_iter().take(12));
        why.join("\n  ")
    }

    /// Whether anybody can know of these: an origin that has not been restarted since remembers what its destination had.
    fn must_be_told(&self, lost: &[(usize, u64)]) -> bool {
        let stays = |origin: usize| self.sites[origin].starts == 1;
        lost.iter().any(|(queue, id)| {
            let origin = self.ledger.origin_of(*id);
            origin != self.plan.queues[*queue].owner && stays(origin)
        })
    }

    /// In the end.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        self.ledger.finish();
        if let Some(broken) = self.ledger.broken() {
            return Err(broken.to_owned());
        }
        let unreadable: u64 = self
            .sites
            .iter()
            .filter_map(|site| site.process.as_ref())
            .map(|process| process.counter("spool_lost_events"))
            .sum();
        if unreadable > 0 {
            return Err(format!("I9: {unreadable} events could not be read any more"));
        }
        // Nothing is lost in silence, not even with a disk.
        let lost = self.ledger.lost_with_disks();
        let reports: u64 = self.sites.iter().map(super::site::Site::reports).sum();
        match lost.first() {
            Some((queue, id)) if reports == 0 && self.must_be_told(&lost) => {
                Err(format!("I1: queue {queue} has lost event {id} with its disk, and nobody says so"))
            }
            _ => Ok(()),
        }
    }
}
