//! The harness of the benchmarks: entries that run ours and a peer one after the other and print both and the ratio.
//!
//! Numbers of one run on one machine are compared with each other only. Both sides get the same client programs, the
//! same payloads and the same acknowledgements; what differs is said with the entry. Everything that arrives is counted:
//! an event that is missing, doubled or out of order where it must not be ends the run with an error instead of a number.

mod catalog;
mod discovery;
mod ends;
mod fabric;
mod gate;
mod guaranteed;
mod interest;
mod kafka;
mod load;
mod mqtt;
mod spool;
mod wan;

use std::time::Duration;

use anyhow::Context;

use crate::frugal::{self, AGENT_BYTES_MAX, Idle, PAGE_TIME_MAX, PORTAL_BYTES_MAX};
use crate::usage;

/// What one side did.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// Events that arrived, per second.
    pub(crate) per_second: f64,
    /// Events that did not arrive, where the protocol allows that.
    pub(crate) lost: usize,
    /// Processor time of the program per event.
    pub(crate) processor: Duration,
    /// The most memory it held meanwhile, in bytes.
    pub(crate) peak: u64,
    /// From the moment an event was due to its arrival, where that was measured.
    pub(crate) latency: Option<Latency>,
}

/// How long events took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    /// Half of the events were faster.
    pub(crate) median: Duration,
    /// All but a hundredth were faster.
    pub(crate) p99: Duration,
}

impl Latency {
    /// From the times of all events; none when there were none.
    fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let at = |percent: usize| times.get(times.len() * percent / 100).or(times.last()).copied();
        Some(Self { median: at(50)?, p99: at(99)? })
    }
}

/// Ours and a peer at the same work.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What was done.
    pub(crate) work: String,
    /// What each side promised for it, and in what they differ.
    pub(crate) promise: &'static str,
    /// Ours.
    pub(crate) ours: Measured,
    /// Name and version of the peer.
    pub(crate) peer: String,
    /// The peer's.
    pub(crate) theirs: Measured,
    /// The least ratio of rates that the product promises; none where the rate was given.
    pub(crate) bar: Option<f64>,
    /// What ours cannot be faster than.
    pub(crate) limit: Option<Limit>,
}

/// A part of ours alone, and how much of its rate the whole must reach.
#[derive(Debug)]
pub(crate) struct Limit {
    /// What it is.
    pub(crate) name: &'static str,
    /// What it did.
    pub(crate) measured: Measured,
    /// The least ratio that the product promises.
    pub(crate) bar: f64,
}

impl Entry {
    fn print(&self) {
        println!("\n{}\n  {}", self.work, self.promise);
        println!(
            "  {:<24} {:>12} {:>8} {:>14} {:>9} {:>9} {:>9}",
            "", "per second", "lost", "us CPU / event", "peak MB", "p50 ms", "p99 ms"
        );
        row("Meshport agent", &self.ours);
        row(&self.peer, &self.theirs);
        if let Some(limit) = &self.limit {
            row(limit.name, &limit.measured);
        }
        let ratio = self.ours.per_second / self.theirs.per_second;
        match self.bar {
            Some(bar) => verdict("ratio", ratio, bar),
            None => println!("  ratio {ratio:.2}"),
        }
        if let Some(limit) = &self.limit {
            verdict("of the limit", self.ours.per_second / limit.measured.per_second, limit.bar);
        }
    }
}

fn verdict(what: &str, ratio: f64, bar: f64) {
    let verdict = if ratio < bar { "below the bar" } else { "reaches the bar" };
    println!("  {what} {ratio:.2}: {verdict} of {bar:.1}");
}

fn row(name: &str, side: &Measured) {
    let ms = |pick: fn(&Latency) -> Duration| {
        side.latency.as_ref().map_or_else(String::new, |latency| format!("{:.2}", pick(latency).as_secs_f64() * 1e3))
    };
    println!(
        "  {name:<24} {:>12.0} {:>8} {:>14.2} {:>9.1} {:>9} {:>9}",
        side.per_second,
        side.lost,
        side.processor.as_secs_f64() * 1e6,
        side.peak as f64 / 1e6,
        ms(|latency| latency.median),
        ms(|latency| latency.p99),
    );
}

/// What a process costs from here on.
#[derive(Debug)]
pub(crate) struct Meter {
    process: u32,
    processor: Duration,
}

impl Meter {
    fn start(process: u32) -> anyhow::Result<Self> {
        usage::forget_peak(process)?;
        Ok(Self { process, processor: usage::processor_time(process)? })
    }

    /// Processor time per event, and the peak of the memory.
    fn read(&self, events: usize) -> anyhow::Result<(Duration, u64)> {
        let used = usage::processor_time(self.process)?.saturating_sub(self.processor);
        Ok((used.div_f64(events.max(1) as f64), usage::memory(self.process)?.peak))
    }
}

/// The same for programs that work together: processor time is that of all of them, and so is memory.
#[derive(Debug)]
pub(crate) struct Meters(Vec<Meter>);

impl Meters {
    fn start(processes: &[u32]) -> anyhow::Result<Self> {
        Ok(Self(processes.iter().map(|process| Meter::start(*process)).collect::<anyhow::Result<_>>()?))
    }

    fn read(&self, events: usize) -> anyhow::Result<(Duration, u64)> {
        self.0.iter().try_fold((Duration::ZERO, 0), |(processor, peak), meter| {
            let (its, memory) = meter.read(events)?;
            Ok((processor + its, peak + memory))
        })
    }
}

/// The round in the middle, by its rate.
fn median(mut rounds: Vec<Measured>) -> anyhow::Result<Measured> {
    rounds.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
    let middle = rounds.len() / 2;
    rounds.into_iter().nth(middle).context("there are rounds")
}

/// Runs the entries whose name contains `only` and prints each as soon as it is there.
///
/// # Errors
/// A program does not start, a client is refused, or something that must arrive does not.
pub async fn run(only: Option<&str>) -> anyhow::Result<()> {
    let wanted = |name: &str| only.is_none_or(|only| name.contains(only));
    let cores = std::thread::available_parallelism()?;
    println!("{cores} cores for ours, the peer and the clients of both");
    if wanted("idle") {
        idle().await?;
    }
    if wanted("pages") {
        pages().await?;
    }
    if wanted("catalog") {
        catalog::run().await?;
    }
    if wanted("discovery") {
        discovery::large_cluster().await?;
    }
    if wanted("interest") {
        interest::devices_at_three_sites().await?;
    }
    if wanted("spool") {
        tokio::task::spawn_blocking(spool::opening).await??;
    }
    if wanted("wan") {
        wan::long_links().await?;
    }
    if wanted("mqtt") {
        mqtt::five_to_five().await?;
    }
    if wanted("fabric") {
        fabric::two_links().await?;
    }
    if wanted("guaranteed") {
        guaranteed::one_site().await?;
        guaranteed::two_sites().await?;
    }
    if wanted("kafka") {
        for size in kafka::SIZES {
            kafka::cluster_to_cluster(size).await?.print();
        }
    }
    Ok(())
}

async fn idle() -> anyhow::Result<()> {
    let Idle { agent, portal } = frugal::idle().await?;
    println!("\nA mesh of three sites that has nothing to do");
    for (name, memory, bar) in [("agent", agent, AGENT_BYTES_MAX), ("portal", portal, PORTAL_BYTES_MAX)] {
        let verdict = if memory.resident < bar { "within" } else { "ABOVE" };
        println!("  {name:<8} {memory}: {verdict} the bar of {} MB", bar / 1_000_000);
    }
    Ok(())
}

async fn pages() -> anyhow::Result<()> {
    let times = frugal::pages(Duration::MAX).await?;
    println!("\nPages of the demo under its traffic, from the request to the last byte, median");
    for (page, time) in times {
        let verdict = if time < PAGE_TIME_MAX { "within" } else { "ABOVE" };
        let (time, bar) = (time.as_secs_f64() * 1e3, PAGE_TIME_MAX.as_millis());
        println!("  {page:<16} {time:>6.1} ms: {verdict} the bar of {bar} ms");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_in_the_middle_counts() {
        let round = |per_second| Measured { per_second, lost: 0, processor: Duration::ZERO, peak: 0, latency: None };
        let rate = |rates: &[f64]| median(rates.iter().copied().map(round).collect()).map(|round| round.per_second);
        assert!(rate(&[30.0, 10.0, 20.0]).is_ok_and(|rate| (rate - 20.0).abs() < 0.1));
        assert!(rate(&[]).is_err());
    }

    #[test]
    fn percentiles_are_taken_from_all_times() {
        let times: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
        let latency = Latency::of(times).expect("there are times");
        assert_eq!(latency.median, Duration::from_millis(101));
        assert_eq!(latency.p99, Duration::from_millis(199));
        assert!(Latency::of(Vec::new()).is_none());
    }
}
