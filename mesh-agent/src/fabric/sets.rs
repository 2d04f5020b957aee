//! Destination sets: one key heard by several agents, so that an event for all of them crosses each link once.
//!
//! A set is used only after every member has confirmed that it hears the key, and a moment later, so that the routers
//! between have learned it; until then each member gets its own copy. Members forget sets that are no more announced.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mesh_protocol::id::AgentId;
use sha2::{Digest, Sha256};

use super::batch::Agents;
use crate::stream::Moment;

/// Most sets this agent asks for; beyond them members get copies of their own.
const SETS_MAX: usize = 256;
/// A set without use is given up after this.
const UNUSED_AFTER: Duration = Duration::from_secs(120);
/// An announcement is repeated this often, for members that lost it or forget.
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(5);
/// From the last confirmation until first use.
const SETTLE: Duration = Duration::from_millis(300);

/// Names a set.
pub(super) type SetId = [u8; 16];

/// Sets this agent uses as an origin.
#[derive(Debug, Default)]
pub(super) struct Sets {
    sets: BTreeMap<SetId, Set>,
}

#[derive(Debug)]
struct Set {
    members: Agents,
    confirmed: BTreeSet<AgentId>,
    usable_at: Option<Moment>,
    announced_at: Option<Moment>,
    used_at: Moment,
}

/// An announcement to make.
#[derive(Debug)]
pub(super) struct Announcement {
    pub(super) set: SetId,
    pub(super) members: Agents,
}

/// The name of a set of agents: the same at every origin.
pub(super) fn set_of(members: &[AgentId]) -> SetId {
    let mut hash = Sha256::new();
    for member in members {
        hash.update(member.0.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest[..16].try_into().expect("half of it")
}

impl Sets {
    /// The set of these members, if it may be used now; else it is asked for. `members` is sorted.
    pub(super) fn usable(&mut self, now: Moment, members: &Agents) -> Option<SetId> {
        let id = set_of(members);
        if let Some(set) = self.sets.get_mut(&id) {
            set.used_at = now;
            return set.usable_at.filter(|at| *at <= now).map(|_| id);
        }
        if self.sets.len() < SETS_MAX {
            let set = Set {
                members: members.clone(),
                confirmed: BTreeSet::new(),
                usable_at: None,
                announced_at: None,
                used_at: now,
            };
            self.sets.insert(id, set);
        }
        None
    }

    /// What must be announced now; unused sets are given up.
    pub(super) fn announcements(&mut self, now: Moment) -> Vec<Announcement> {
        self.sets.retain(|_, set| now.since(set.used_at) < UNUSED_AFTER);
        let due = self.sets.iter_mut().filter(|(_, set)| {
            let interval = if set.usable_at.is_some() { ANNOUNCE_INTERVAL } else { ANNOUNCE_INTERVAL / 10 };
            set.announced_at.is_none_or(|at| now.since(at) >= interval)
        });
        due.map(|(id, set)| {
            set.announced_at = Some(now);
            Announcement { set: *id, members: set.members.clone() }
        })
        .collect()
    }

    /// A member hears the set's key.
    pub(super) fn confirmed(&mut self, now: Moment, set: &SetId, member: AgentId) {
        let Some(set) = self.sets.get_mut(set) else { return };
        if set.members.contains(&member) {
            set.confirmed.insert(member);
        }
        if set.usable_at.is_none() && set.confirmed.len() == set.members.len() {
            set.usable_at = Some(now.after(SETTLE));
        }
    }

    /// A member went away or came back as a new process: it must confirm again.
    pub(super) fn unconfirm(&mut self, member: AgentId) {
        for set in self.sets.values_mut().filter(|set| set.members.contains(&member)) {
            set.confirmed.remove(&member);
            set.usable_at = None;
            set.announced_at = None;
        }
    }

    /// This agent's own session is new: everybody must confirm again.
    pub(super) fn unconfirm_all(&mut self) {
        for set in self.sets.values_mut() {
            set.confirmed.clear();
            set.usable_at = None;
            set.announced_at = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agents() -> Agents {
        (1..=2).map(|number| AgentId(uuid::Uuid::from_u128(number))).collect()
    }

    #[test]
    fn a_set_is_used_only_after_all_have_confirmed() {
        let (mut sets, members) = (Sets::default(), agents());
        assert_eq!(sets.usable(Moment(1), &members), None);
        let id = sets.announcements(Moment(1))[0].set;
        sets.confirmed(Moment(2), &id, members[0]);
        assert_eq!(sets.usable(Moment(10_000_000), &members), None);
        sets.confirmed(Moment(10_000_000), &id, members[1]);
        assert_eq!(sets.usable(Moment(10_000_001), &members), None);
        assert_eq!(sets.usable(Moment(10_400_000), &members), Some(id));
        sets.unconfirm(members[0]);
        assert_eq!(sets.usable(Moment(10_400_000), &members), None);
        assert_eq!(sets.announcements(Moment(10_400_000)).len(), 1, "it is announced again at once");
    }

    #[test]
    fn an_unused_set_is_given_up() {
        let (mut sets, members) = (Sets::default(), agents());
        sets.usable(Moment(1), &members);
        assert!(sets.announcements(Moment(1).after(UNUSED_AFTER)).is_empty());
        assert!(sets.sets.is_empty());
    }
}
