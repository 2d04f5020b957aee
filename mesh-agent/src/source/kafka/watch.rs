//! Keeps a source's part on the board true.

use std::sync::Arc;
use std::time::Duration;

use mesh_protocol::report::PartState;

use super::Shared;
use super::tally::Figures;
use crate::status::PartHandle;

/// How often the part is brought up to date.
const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Watch {
    pub(super) shared: Arc<Shared>,
    pub(super) part: Arc<PartHandle>,
}

impl Watch {
    pub(super) async fn run(self) {
        let mut timer = tokio::time::interval(INTERVAL);
        loop {
            timer.tick().await;
            let figures = self.shared.tally.figures();
            self.tell_figures(&figures);
            let missing = self.shared.contact.missing(&self.shared.complaints, &self.shared.target);
            let (state, detail) = missing.unwrap_or_else(|| state_of(&figures));
            self.part.set(state, detail);
        }
    }

    fn tell_figures(&self, figures: &Figures) {
        let known = [
            ("events", figures.taken),
            ("unrouted_events", figures.unrouted),
            ("filtered_records", figures.filtered),
            ("looped_records", figures.looped),
            ("poison_records", figures.poison),
            ("denied_records", figures.denied),
            ("gap_records", figures.gap),
            ("partitions", figures.partitions),
            ("destinations_behind", figures.behind.len() as u64),
            ("lag_of_destinations_behind_records", figures.behind.values().sum()),
        ];
        for (name, value) in known {
            self.part.figure(name, value);
        }
        if let Some(lag) = figures.lag {
            self.part.figure("lag_records", lag);
        }
    }
}

/// The state of a part that has its cluster: first what is missing, then what blocks, then what was lost or passed over.
fn state_of(figures: &Figures) -> (PartState, Option<String>) {
    if let Some(trouble) = figures.trouble.values().next() {
        let state = if figures.partitions == 0 { PartState::Failing } else { PartState::Degraded };
        return (state, Some(trouble.clone()));
    }
    if let Some((partition, reason)) = figures.blocked.first_key_value() {
        let all = figures.blocked.len() as u64 >= figures.partitions;
        let state = if all { PartState::Failing } else { PartState::Degraded };
        return (state, Some(format!("{partition}: {reason}")));
    }
    let lost = figures.last_gap.iter().chain(&figures.last_poison).cloned().collect::<Vec<_>>();
    if !lost.is_empty() {
        return (PartState::Degraded, Some(lost.join("; ")));
    }
    if figures.partitions == 0 { (PartState::Starting, None) } else { (PartState::Running, behind(figures)) }
}

/// Who does not get on with the others; how far they are behind is told by figures, which change all the time.
fn behind(figures: &Figures) -> Option<String> {
    let all: Vec<&str> = figures.behind.keys().map(|label| &**label).collect();
    (!all.is_empty()).then(|| format!("behind, while the others go on: {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_useful_reason_is_told() {
        let mut figures = Figures::default();
        assert_eq!(state_of(&figures), (PartState::Starting, None));
        figures.trouble.insert("topic a".into(), "no topic a".into());
        assert_eq!(state_of(&figures), (PartState::Failing, Some("no topic a".into())));
        figures.trouble.clear();
        figures.partitions = 2;
        figures.blocked.insert("a/1".into(), "too large".into());
        assert_eq!(state_of(&figures), (PartState::Degraded, Some("a/1: too large".into())));
        figures.blocked.clear();
        figures.last_poison = Some("offset 7".into());
        assert_eq!(state_of(&figures), (PartState::Degraded, Some("offset 7".into())));
        figures.last_poison = None;
        figures.behind.insert("lyon".into(), 12);
        let told = "behind, while the others go on: lyon".to_owned();
        assert_eq!(state_of(&figures), (PartState::Running, Some(told)));
        figures.behind.clear();
        assert_eq!(state_of(&figures), (PartState::Running, None));
    }
}
