//! How long it takes until an event is known to have arrived: data waits in queues that signs of life do not wait in.

use std::time::Duration;

/// A smoothed time and its variation, as in RFC 6298.
#[derive(Debug, Default)]
pub(super) struct Answers {
    usual: Option<Duration>,
    variation: Duration,
}

impl Answers {
    /// An event that was sent once took so long.
    pub(super) fn add(&mut self, took: Duration) {
        let Some(usual) = self.usual else {
            (self.usual, self.variation) = (Some(took), took / 2);
            return;
        };
        self.variation = (self.variation * 3 + usual.abs_diff(took)) / 4;
        self.usual = Some((usual * 7 + took) / 8);
    }

    /// What takes longer is most probably lost. Zero when nothing is known.
    pub(super) fn longest(&self) -> Duration {
        self.usual.map_or(Duration::ZERO, |usual| usual + self.variation * 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn it_follows_what_is_usual_and_how_much_that_varies() {
        let mut answers = Answers::default();
        assert_eq!(answers.longest(), Duration::ZERO);
        answers.add(ms(100));
        assert_eq!(answers.longest(), ms(300));
        (0..100).for_each(|_| answers.add(ms(400)));
        assert!(answers.longest() > ms(390) && answers.longest() < ms(420), "{:?}", answers.longest());
        (0..100).for_each(|turn| answers.add(ms(if turn % 2 == 0 { 200 } else { 600 })));
        assert!(answers.longest() > ms(1_000), "{:?}", answers.longest());
    }
}
