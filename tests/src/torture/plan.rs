//! Which faults come when: drawn from a seed, so that a run can be had again.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};

/// The sites of the mesh: a chain, each linked with the one before it.
pub const SITES: [&str; 3] = ["hq", "berlin", "lyon"];
/// The site whose agent keeps its state on a small file system.
pub const SMALL_DISK: &str = "berlin";

/// Before the first fault, so that there is something to lose.
const QUIET: Duration = Duration::from_secs(4);
/// From the beginning of one fault to the next, in milliseconds; a fault may last longer than that.
const PAUSE_MS: std::ops::Range<u64> = 3_000..8_000;
/// How long a fault lasts, in milliseconds.
const LASTS_MS: std::ops::Range<u64> = 1_500..11_000;
/// How far a clock jumps, in seconds.
const JUMPS_S: [i64; 4] = [7_200, 300, -300, -7_200];

/// Something that goes wrong, and is well again some time later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of an agent.
    Kill(&'static str),
    /// An agent is stopped properly and started again.
    Restart(&'static str),
    /// SIGSTOP of an agent.
    Freeze(&'static str),
    /// A link ends and nobody can dial it: the one from this site towards the hub.
    Cut(&'static str),
    /// The same, but nothing ends: whatever is sent over it stays somewhere.
    Silence(&'static str),
    /// The same, by a kernel that drops its packets: nothing ends, and nobody who dials gets an answer.
    Partition(&'static str),
    /// SIGSTOP of Kafka: it accepts connections and never answers.
    KafkaHangs,
    /// The endpoint of the webhook takes requests and never answers.
    EndpointHangs,
    /// The endpoint of the webhook answers 503.
    EndpointFails,
    /// The small file system is full up to the reserve.
    DiskFull,
    /// `kill -9` of the portal.
    PortalAway,
    /// A client of this site loses its right to publish.
    Denied(&'static str),
    /// The wall clock of an agent jumps by so many seconds.
    Clock(&'static str, i64),
}

/// What kinds there are, as they are named on the command line.
pub const KINDS: [&str; 13] = [
    "kill",
    "restart",
    "freeze",
    "cut",
    "silence",
    "partition",
    "kafka-hangs",
    "endpoint-hangs",
    "endpoint-fails",
    "disk-full",
    "portal-away",
    "denied",
    "clock",
];

impl Fault {
    fn draw(kind: &str, random: &mut StdRng) -> Self {
        let site = SITES.choose(random).copied().expect("there are sites");
        let spoke = SITES[1..].choose(random).copied().expect("there are sites");
        match kind {
            "kill" => Self::Kill(site),
            "restart" => Self::Restart(site),
            "freeze" => Self::Freeze(site),
            "cut" => Self::Cut(spoke),
            "silence" => Self::Silence(spoke),
            "partition" => Self::Partition(spoke),
            "kafka-hangs" => Self::KafkaHangs,
            "endpoint-hangs" => Self::EndpointHangs,
            "endpoint-fails" => Self::EndpointFails,
            "disk-full" => Self::DiskFull,
            "portal-away" => Self::PortalAway,
            "denied" => Self::Denied(site),
            _ => Self::Clock(site, JUMPS_S.choose(random).copied().expect("there are jumps")),
        }
    }

    /// What it happens to: no two faults happen to one thing at a time.
    fn victim(self) -> (&'static str, &'static str) {
        match self {
            Self::Kill(site) | Self::Restart(site) | Self::Freeze(site) | Self::Clock(site, _) => ("agent", site),
            Self::DiskFull => ("agent", SMALL_DISK),
            Self::Cut(site) | Self::Silence(site) | Self::Partition(site) => ("link", site),
            Self::KafkaHangs => ("kafka", ""),
            Self::EndpointHangs | Self::EndpointFails => ("endpoint", ""),
            // A change of policy needs the portal.
            Self::PortalAway | Self::Denied(_) => ("portal", ""),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(site) => write!(f, "kill -9 of the agent of {site}"),
            Self::Restart(site) => write!(f, "restart of the agent of {site}"),
            Self::Freeze(site) => write!(f, "SIGSTOP of the agent of {site}"),
            Self::Cut(site) => write!(f, "the link from {site} is cut"),
            Self::Silence(site) => write!(f, "nothing passes the link from {site}, which stands"),
            Self::Partition(site) => write!(f, "packets of the link from {site} are dropped"),
            Self::KafkaHangs => write!(f, "SIGSTOP of Kafka"),
            Self::EndpointHangs => write!(f, "the webhook's endpoint never answers"),
            Self::EndpointFails => write!(f, "the webhook's endpoint answers 503"),
            Self::DiskFull => write!(f, "the disk of {SMALL_DISK} is full"),
            Self::PortalAway => write!(f, "kill -9 of the portal"),
            Self::Denied(site) => write!(f, "a publisher of {site} loses its right"),
            Self::Clock(site, seconds) => write!(f, "the clock of {site} jumps by {seconds} s"),
        }
    }
}

/// One fault and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it begins, from the beginning of the load.
    pub at: Duration,
    /// How long it lasts.
    pub lasts: Duration,
    /// What it is.
    pub fault: Fault,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6.1} s for {:>4.1} s: {}", self.at.as_secs_f64(), self.lasts.as_secs_f64(), self.fault)
    }
}

/// Faults that all begin and end within `length`, in the order of their beginnings. The kinds come in turn, each turn in
/// another order, so that a run of a minute has most of them.
#[must_use]
pub fn draw(seed: u64, length: Duration, kinds: &[&str]) -> Vec<Step> {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut at, mut steps, mut turn) = (QUIET, Vec::<Step>::new(), Vec::new());
    if kinds.is_empty() {
        return steps;
    }
    loop {
        if turn.is_empty() {
            turn = kinds.to_vec();
            turn.shuffle(&mut random);
        }
        let kind = turn.pop().expect("a turn has kinds");
        let fault = Fault::draw(kind, &mut random);
        let lasts = Duration::from_millis(random.random_range(LASTS_MS));
        // It waits until its victim is well again.
        let same = steps.iter().filter(|step| step.fault.victim() == fault.victim());
        let free = same.map(|step| step.at + step.lasts).max().unwrap_or_default();
        let begins = at.max(free + Duration::from_secs(1));
        if begins + lasts > length {
            return steps;
        }
        steps.push(Step { at: begins, lasts, fault });
        at = begins + Duration::from_millis(random.random_range(PAUSE_MS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(600);

    #[test]
    fn a_seed_gives_the_same_plan_again_and_another_one_another() {
        assert_eq!(draw(7, LENGTH, &KINDS), draw(7, LENGTH, &KINDS));
        assert_ne!(draw(7, LENGTH, &KINDS), draw(8, LENGTH, &KINDS));
    }

    #[test]
    fn faults_end_in_time_and_do_not_hit_what_is_down() {
        for seed in 0..200 {
            let steps = draw(seed, LENGTH, &KINDS);
            for (index, step) in steps.iter().enumerate() {
                assert!(step.at >= QUIET && step.at + step.lasts <= LENGTH, "{step}");
                assert!(index == 0 || steps[index - 1].at <= step.at);
                let clash = |other: &&Step| {
                    other.fault.victim() == step.fault.victim()
                        && other.at <= step.at
                        && other.at + other.lasts > step.at
                };
                assert_eq!(steps[..index].iter().find(clash), None, "{step}");
            }
        }
    }

    #[test]
    fn every_kind_comes_and_only_what_was_asked_for() {
        let steps = draw(1, LENGTH, &KINDS);
        assert!(steps.len() > 2 * KINDS.len(), "{}", steps.len());
        let agents = |steps: &[Step]| steps.iter().filter(|step| matches!(step.fault, Fault::Kill(_))).count();
        assert!(agents(&steps) >= 2);
        let only = draw(1, LENGTH, &["kill"]);
        assert_eq!(agents(&only), only.len());
        assert!(draw(1, LENGTH, &[]).is_empty());
    }
}
