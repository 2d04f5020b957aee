//! Runs of many seeds, and of planted faults that must be seen.
//!
//! `MESHPORT_SIMULATION_SEEDS` (how many), `MESHPORT_SIMULATION_SEED` (the first one, or the only one) and
//! `MESHPORT_SIMULATION_MUTANT` (a name of [`Mutant`]) choose others than the tests' own, and `MESHPORT_SIMULATION_BIAS`
//! (`restores`, `crashes`) more of one kind of trouble; `cargo xtask simulate` sets them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::plan::Bias;
use super::time::Simulated;
use super::world::World;
use crate::mutant::{ALL, Mutant, Planted};

/// Seeds in the test suite.
const SEEDS: u64 = 300;
/// Seeds within which a planted fault must be seen.
const MUTANT_SEEDS: u64 = 300;

/// What a fault needs to show, more of it than usual.
const fn bias_for(mutant: Mutant) -> Bias {
    match mutant {
        Mutant::LossUntold | Mutant::LostEpochUnanswered | Mutant::HolesLeftBehind | Mutant::AheadForEver => {
            Bias::Restores
        }
        Mutant::MarkOutsideBatch | Mutant::RefusalUnanswered => Bias::Crashes,
        _ => Bias::None,
    }
}

/// What a run gave: a trace, or what was wrong and what happened before.
fn run(seed: u64, bias: Bias, mutant: Option<Mutant>) -> Result<u64, (String, String)> {
    let (_time, _planted) = (Simulated::begin(), Planted::here(mutant));
    // What agents log of their crashes is of no interest, unless somebody asks.
    let is_quiet = std::env::var_os("RUST_LOG").is_none();
    let _log = is_quiet.then(|| tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::default()));
    let mut world = World::new(seed, bias);
    let done = catch_unwind(AssertUnwindSafe(|| world.run()));
    match done {
        Ok(Ok(())) => Ok(world.trace()),
        Ok(Err(broken)) => Err((broken, world.story())),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err((format!("an agent panics: {}", text.unwrap_or_default()), world.story()))
        }
    }
}

fn bias() -> Bias {
    match std::env::var("MESHPORT_SIMULATION_BIAS").as_deref() {
        Ok("restores") => Bias::Restores,
        Ok("crashes") => Bias::Crashes,
        Ok(other) => panic!("MESHPORT_SIMULATION_BIAS is {other}: it is restores or crashes"),
        Err(_) => Bias::None,
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn what_is_promised_is_kept_whatever_happens() {
    let first = number("MESHPORT_SIMULATION_SEED");
    let seeds = number("MESHPORT_SIMULATION_SEEDS").unwrap_or(if first.is_some() { 1 } else { SEEDS });
    let (first, began) = (first.unwrap_or(0), Instant::now());
    for seed in first..first + seeds {
        if let Err((broken, story)) = run(seed, bias(), None) {
            panic!("{story}\n\nseed {seed}: {broken}\nreplay: cargo xtask simulate --seed {seed}, with the same bias");
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{seeds} seeds from {first} in {seconds:.1} s, {:.1} a second", seeds as f64 / seconds);
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..5 {
        assert_eq!(run(seed, Bias::None, None), run(seed, Bias::None, None), "seed {seed}");
    }
}

#[test]
fn every_planted_fault_is_seen() {
    let only = std::env::var("MESHPORT_SIMULATION_MUTANT").ok();
    let is_meant = |mutant: &Mutant| only.as_ref().is_none_or(|only| *only == format!("{mutant:?}"));
    let mut unseen = Vec::new();
    for mutant in ALL.into_iter().filter(is_meant) {
        let began = Instant::now();
        // It is the fault that is seen only where nothing is without it.
        let bias = bias_for(mutant);
        let shows = |seed| run(seed, bias, Some(mutant)).err().filter(|_| run(seed, bias, None).is_ok());
        let first = number("MESHPORT_SIMULATION_SEED").unwrap_or(0);
        let seeds = number("MESHPORT_SIMULATION_SEEDS").unwrap_or(MUTANT_SEEDS);
        let seen = (first..first + seeds).find_map(|seed| Some((seed, shows(seed)?.0)));
        match seen {
            Some((seed, broken)) => {
                let broken = broken.lines().next().unwrap_or_default();
                println!("{mutant:?}: seed {seed}, {:.1} s: {broken}", began.elapsed().as_secs_f64());
            }
            None => unseen.push(mutant),
        }
    }
    assert!(unseen.is_empty(), "nobody sees {unseen:?}");
}
