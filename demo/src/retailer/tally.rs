//! Parts made in Berlin against parts that arrived at headquarters: what "0 lost" is counted by.
//!
//! Every machine numbers its parts. A number is used up once the mesh has acknowledged its part, so what is acknowledged
//! and what arrived can be compared one by one. A part is lost when a later one of its machine arrived and it did not:
//! the mesh keeps the order of a machine's parts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A tally that several clients keep together. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Tally {
    run: u64,
    machines: Arc<Mutex<BTreeMap<String, Machine>>>,
}

/// The parts of one machine. Numbers begin with 0.
#[derive(Debug, Default)]
struct Machine {
    /// Acknowledged: all numbers below this one.
    published: u64,
    /// The number after the highest that arrived.
    next: u64,
    /// Below that and not there.
    missing: BTreeSet<u64>,
    repeated: u64,
}

/// The sums of all machines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Parts that were acknowledged in Berlin.
    pub published: u64,
    /// Different ones that headquarters has.
    pub arrived: u64,
    /// Parts that a later one of the same machine has overtaken.
    pub lost: u64,
    /// Parts that came once more, as may happen when somebody crashes.
    pub repeated: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { run: rand::random_range(0..1 << 48), machines: Arc::default() }
    }
}

impl Tally {
    /// Marks the parts of this run: what an earlier one left in Kafka does not count.
    #[must_use]
    pub fn run(&self) -> u64 {
        self.run
    }

    /// The number of a machine's next part.
    #[must_use]
    pub fn number(&self, machine: &str) -> u64 {
        self.machines().get(machine).map_or(0, |machine| machine.published)
    }

    /// The part with [`Tally::number`] was acknowledged.
    pub fn published(&self, machine: &str) {
        self.machines().entry(machine.to_owned()).or_default().published += 1;
    }

    /// A part has arrived.
    pub fn arrived(&self, run: u64, machine: &str, number: u64) {
        let mut machines = self.machines();
        let Some(machine) = machines.get_mut(machine).filter(|_| run == self.run) else { return };
        // It may arrive before its publisher hears that it is acknowledged, but not before it was made.
        if number > machine.published {
            return;
        }
        if number >= machine.next {
            machine.missing.extend(machine.next..number);
            machine.next = number + 1;
        } else if !machine.missing.remove(&number) {
            machine.repeated += 1;
        }
    }

    /// The sums.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let add = |sum: Figures, machine: &Machine| {
            let missing = machine.missing.len() as u64;
            Figures {
                published: sum.published + machine.published.max(machine.next),
                arrived: sum.arrived + machine.next - missing,
                lost: sum.lost + missing,
                repeated: sum.repeated + machine.repeated,
            }
        };
        self.machines().values().fold(Figures::default(), add)
    }

    fn machines(&self) -> MutexGuard<'_, BTreeMap<String, Machine>> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Figures {
    /// Parts that have neither arrived nor been overtaken.
    #[must_use]
    pub fn on_the_way(&self) -> u64 {
        self.published - self.arrived - self.lost
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { published, arrived, lost, repeated } = self;
        write!(f, "{published} published in Berlin, {arrived} arrived at headquarters, ")?;
        match self.on_the_way() {
            0 => {}
            waiting => write!(f, "{waiting} on their way, ")?,
        }
        write!(f, "{lost} lost")?;
        if *repeated > 0 { write!(f, ", {repeated} came twice") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn made(parts: usize) -> Tally {
        let tally = Tally::default();
        (0..parts).for_each(|_| tally.published("press-1"));
        tally
    }

    fn said(tally: &Tally) -> String {
        tally.figures().to_string()
    }

    #[test]
    fn what_waits_is_on_its_way_and_not_lost() {
        let tally = made(3);
        tally.arrived(tally.run(), "press-1", 0);
        assert_eq!(said(&tally), "3 published in Berlin, 1 arrived at headquarters, 2 on their way, 0 lost");
        tally.arrived(tally.run(), "press-1", 1);
        tally.arrived(tally.run(), "press-1", 2);
        assert_eq!(said(&tally), "3 published in Berlin, 3 arrived at headquarters, 0 lost");
    }

    #[test]
    fn what_was_overtaken_is_lost_until_it_comes_and_what_comes_again_counts_once() {
        let tally = made(4);
        for number in [0, 3, 3] {
            tally.arrived(tally.run(), "press-1", number);
        }
        assert_eq!(said(&tally), "4 published in Berlin, 2 arrived at headquarters, 2 lost, 1 came twice");
        tally.arrived(tally.run(), "press-1", 1);
        assert_eq!(tally.figures().lost, 1);
    }

    #[test]
    fn parts_of_another_run_and_parts_nobody_made_do_not_count() {
        let tally = made(1);
        tally.arrived(tally.run() + 1, "press-1", 0);
        tally.arrived(tally.run(), "press-1", 2);
        tally.arrived(tally.run(), "oven-1", 0);
        assert_eq!(tally.figures().arrived, 0);
        assert_eq!(tally.number("press-1"), 1);
    }

    #[test]
    fn a_part_may_arrive_before_its_acknowledgement() {
        let tally = made(1);
        tally.arrived(tally.run(), "press-1", 0);
        tally.arrived(tally.run(), "press-1", 1);
        assert_eq!(tally.figures().published, 2);
        assert_eq!(tally.figures().on_the_way(), 0);
    }
}
