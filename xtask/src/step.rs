//! Named steps with the time each took, so that nobody has to guess what a long first build is doing.

use std::time::Instant;

/// Counts steps and prints them as they begin and end.
#[derive(Debug)]
pub(crate) struct Steps {
    total: usize,
    done: usize,
    began: Instant,
}

impl Steps {
    /// Announces nothing yet; `total` is the number that each step is shown out of.
    pub(crate) fn new(total: usize) -> Self {
        Self { total, done: 0, began: Instant::now() }
    }

    /// Runs one step; prints its name first, because it may take minutes, and its time when it is over.
    pub(crate) fn step<T>(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        self.done += 1;
        let place = format!("[{}/{}]", self.done, self.total);
        println!("{place} {name} ...");
        let began = Instant::now();
        let result = work()?;
        println!("{place} {name}: {:.1} s", began.elapsed().as_secs_f64());
        Ok(result)
    }

    /// Seconds since the first step began.
    pub(crate) fn elapsed_s(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}
