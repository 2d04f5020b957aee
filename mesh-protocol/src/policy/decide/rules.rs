//! Rules made ready: each with its rank, and sets of them in the shape each question needs.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::id::RuleId;
use crate::policy::{Action, Effect, Rule, Subject};
use crate::topic::{Filter, FilterTree, Path};

/// A rule's place in the policy's list, which is sorted by rank: the lower of two is the more specific.
pub(super) type Rank = u32;

/// A rule as decisions name it.
#[derive(Clone, Debug)]
pub(super) struct RankedRule {
    pub(super) id: RuleId,
    pub(super) subject: Subject,
    /// `role tills`, `principal till-7`, `anyone`.
    pub(super) subject_name: Arc<str>,
    pub(super) action: Action,
    pub(super) effect: Effect,
    /// As written, with the variables of the site replaced; none when those make it match nothing.
    pub(super) filter: Option<Filter>,
    /// As written.
    pub(super) written: Filter,
}

/// What sorts rules, most specific first: whom, then how many exact levels, then how many levels, then the id.
pub(super) fn specificity(rule: &Rule) -> impl Ord + use<> {
    let subject = match rule.subject {
        Subject::Principal(_) => 0,
        Subject::Role(_) => 1,
        Subject::Anyone => 2,
    };
    (subject, Reverse(rule.filter.exact_levels()), Reverse(rule.filter.text().split('/').count()), rule.id)
}

/// Rules that all apply to the same sessions.
#[derive(Clone, Debug, Default)]
pub(super) struct RuleSet {
    connect: ByEffect<Option<Rank>>,
    publish: ByEffect<FilterTree<Rank>>,
    /// The same once more, for wishes about whole filters.
    publish_list: ByEffect<Vec<(Filter, Rank)>>,
    subscribe: ByEffect<Vec<(Filter, Rank)>>,
    manage_queue: ByEffect<Vec<(Filter, Rank)>>,
    /// The deny rules of `subscribe` once more, for single topics.
    receive_deny: FilterTree<Rank>,
}

#[derive(Clone, Debug, Default)]
struct ByEffect<T> {
    allow: T,
    deny: T,
}

impl<T> ByEffect<T> {
    const fn get(&self, effect: Effect) -> &T {
        match effect {
            Effect::Allow => &self.allow,
            Effect::Deny => &self.deny,
        }
    }

    const fn get_mut(&mut self, effect: Effect) -> &mut T {
        match effect {
            Effect::Allow => &mut self.allow,
            Effect::Deny => &mut self.deny,
        }
    }
}

impl RuleSet {
    /// Adds a rule under a filter whose variables are all replaced.
    pub(super) fn add(&mut self, rank: Rank, action: Action, effect: Effect, filter: &Filter) {
        match action {
            Action::Connect => {
                let slot = self.connect.get_mut(effect);
                *slot = lower(*slot, Some(rank));
            }
            Action::Publish => {
                self.publish.get_mut(effect).insert(filter, rank);
                self.publish_list.get_mut(effect).push((filter.clone(), rank));
            }
            Action::Subscribe => {
                self.subscribe.get_mut(effect).push((filter.clone(), rank));
                if effect == Effect::Deny {
                    self.receive_deny.insert(filter, rank);
                }
            }
            Action::ManageQueue => self.manage_queue.get_mut(effect).push((filter.clone(), rank)),
        }
    }

    /// The most specific rule about connecting.
    pub(super) const fn connect(&self, effect: Effect) -> Option<Rank> {
        *self.connect.get(effect)
    }

    /// The most specific rule whose filter matches the topic.
    pub(super) fn publish(&self, effect: Effect, topic: &Path<'_>) -> Option<Rank> {
        lowest_match(self.publish.get(effect), topic)
    }

    /// The most specific rule that forbids to receive the topic.
    pub(super) fn receive_deny(&self, topic: &Path<'_>) -> Option<Rank> {
        lowest_match(&self.receive_deny, topic)
    }

    /// Whether any rule forbids to receive anything.
    pub(super) const fn has_receive_deny(&self) -> bool {
        !self.receive_deny.is_empty()
    }

    /// Whether a rule forbids to receive some of what the filter matches.
    pub(super) fn receive_deny_overlaps(&self, filter: &Filter) -> bool {
        self.subscribe.deny.iter().any(|(deny, _)| deny.overlaps(filter))
    }

    /// The most specific of the listed rules for which `fits` holds.
    pub(super) fn listed(&self, action: Action, effect: Effect, fits: impl Fn(&Filter) -> bool) -> Option<Rank> {
        let list = match action {
            Action::Publish => &self.publish_list,
            Action::Subscribe => &self.subscribe,
            Action::ManageQueue => &self.manage_queue,
            Action::Connect => return None,
        };
        list.get(effect).iter().filter(|(filter, _)| fits(filter)).map(|(_, rank)| *rank).min()
    }
}

fn lowest_match(tree: &FilterTree<Rank>, topic: &Path<'_>) -> Option<Rank> {
    let mut lowest = None;
    tree.matches_path(topic, &mut |rank| lowest = lower(lowest, Some(*rank)));
    lowest
}

/// The lower of two ranks, where there are any.
pub(super) fn lower(one: Option<Rank>, two: Option<Rank>) -> Option<Rank> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    }
}
