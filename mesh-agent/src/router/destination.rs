//! Whom a sender waits for that answers for its events itself: an agent, a sink, the queues of this agent.
//!
//! Such a sender (a Kafka source) gets a receipt for each destination and may bring them on at different speeds. What it
//! notes about one must mean the same after a restart, so a destination has a name. One without a name is waited for.

use std::sync::{Arc, Mutex, MutexGuard};

/// A destination within this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationId(u32);

impl DestinationId {
    /// Everybody who is nobody in particular: clients without a session, and stand-ins.
    pub const UNNAMED: Self = Self(0);
    /// The queues of this agent.
    pub const QUEUES: Self = Self(1);

    /// Whether it is somebody who can be left behind and brought on alone.
    #[must_use]
    pub fn has_name(self) -> bool {
        self != Self::UNNAMED
    }
}

/// For whom of those who want an event it is meant.
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    /// All of them.
    Everybody,
    /// All but these, who get it later.
    Except(&'a [DestinationId]),
    /// These, because the others have it.
    Only(&'a [DestinationId]),
}

impl Audience<'_> {
    /// Whether a destination is among them.
    #[must_use]
    pub fn has(self, destination: DestinationId) -> bool {
        match self {
            Self::Everybody => true,
            Self::Except(others) => !others.contains(&destination),
            Self::Only(those) => those.contains(&destination),
        }
    }

    /// Whether nobody is left out.
    #[must_use]
    pub fn is_everybody(self) -> bool {
        match self {
            Self::Everybody => true,
            Self::Except(others) => others.is_empty(),
            Self::Only(_) => false,
        }
    }
}

/// All destinations that this process has heard of; they are few and never forgotten.
#[derive(Debug)]
pub(super) struct Destinations(Mutex<Vec<Destination>>);

#[derive(Debug)]
struct Destination {
    name: Arc<str>,
    label: Arc<str>,
    subscriptions: u32,
}

impl Destination {
    fn new(name: &str, label: &str) -> Self {
        let label = if label.is_empty() { name } else { label };
        Self { name: name.into(), label: label.into(), subscriptions: 0 }
    }
}

impl Default for Destinations {
    fn default() -> Self {
        Self(Mutex::new(vec![Destination::new("", "somebody"), Destination::new("queues", "this agent's queues")]))
    }
}

impl Destinations {
    fn lock(&self) -> MutexGuard<'_, Vec<Destination>> {
        self.0.lock().expect("no panic while held")
    }

    pub(super) fn named(&self, name: &str, label: &str) -> DestinationId {
        let mut all = self.lock();
        let at = all.iter().position(|known| *known.name == *name).unwrap_or_else(|| {
            all.push(Destination::new(name, label));
            all.len() - 1
        });
        if !label.is_empty() {
            all[at].label = label.into();
        }
        DestinationId(u32::try_from(at).unwrap_or(0))
    }

    pub(super) fn describe(&self, destination: DestinationId) -> (Arc<str>, Arc<str>) {
        let all = self.lock();
        let found = all.get(destination.0 as usize).unwrap_or(&all[0]);
        (found.name.clone(), found.label.clone())
    }

    pub(super) fn subscribe(&self, destination: DestinationId) {
        if let Some(known) = self.lock().get_mut(destination.0 as usize) {
            known.subscriptions += 1;
        }
    }

    pub(super) fn unsubscribe(&self, destination: DestinationId) {
        if let Some(known) = self.lock().get_mut(destination.0 as usize) {
            known.subscriptions = known.subscriptions.saturating_sub(1);
        }
    }

    pub(super) fn subscribed(&self) -> Vec<DestinationId> {
        let all = self.lock();
        let ids = (0..).map(DestinationId).zip(all.iter());
        ids.filter(|(id, known)| id.has_name() && known.subscriptions > 0).map(|(id, _)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_destination_and_counts_while_it_subscribes() {
        let all = Destinations::default();
        let lyon = all.named("agent/1", "lyon");
        assert_eq!(all.named("agent/1", ""), lyon);
        assert_eq!(&*all.describe(lyon).1, "lyon");
        assert!(lyon.has_name() && lyon != DestinationId::QUEUES);
        all.subscribe(lyon);
        all.subscribe(lyon);
        all.unsubscribe(lyon);
        all.subscribe(DestinationId::UNNAMED);
        assert_eq!(all.subscribed(), [lyon]);
        all.unsubscribe(lyon);
        assert_eq!(all.subscribed(), []);
    }

    #[test]
    fn who_is_left_out_is_not_asked() {
        let (one, two) = (DestinationId(7), DestinationId(8));
        assert!(Audience::Everybody.has(one) && Audience::Except(&[two]).has(one) && Audience::Only(&[one]).has(one));
        assert!(!Audience::Except(&[one]).has(one) && !Audience::Only(&[two]).has(one));
        assert!(Audience::Except(&[]).is_everybody() && !Audience::Only(&[]).is_everybody());
    }
}
