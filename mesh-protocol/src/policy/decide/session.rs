//! One client's rights.

use std::sync::Arc;

use super::compile::Inner;
use super::login::Identity;
use super::reason::{Decision, DenyReason};
use super::rules::{Rank, RankedRule, RuleSet, lower};
use crate::policy::{Action, Effect};
use crate::topic::{Filter, Path, Topic};

/// A client that is logged in, with the rules about it. A new policy revision needs a new session, which costs little.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who the client is.
    pub identity: Identity,
    /// What it calls itself, as `${client_id}` in rules.
    pub client_id: Arc<str>,
    policy: Arc<Inner>,
    /// Most specific first; those of the client's own values last.
    rules: Vec<Arc<RuleSet>>,
}

/// What a client wants to act on.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// Nothing but the session itself: for [`Action::Connect`].
    Session,
    /// One topic. For [`Action::Subscribe`]: whether the client may have events of it.
    Topic(&'a Topic),
    /// Everything the filter matches.
    Filter(&'a Filter),
}

impl<'a> From<&'a Topic> for Target<'a> {
    fn from(topic: &'a Topic) -> Self {
        Self::Topic(topic)
    }
}

impl<'a> From<&'a Filter> for Target<'a> {
    fn from(filter: &'a Filter) -> Self {
        Self::Filter(filter)
    }
}

impl Target<'_> {
    fn shared_text(self) -> Arc<str> {
        match self {
            Self::Session => "".into(),
            Self::Topic(topic) => Arc::clone(topic.shared()),
            Self::Filter(filter) => Arc::clone(filter.shared()),
        }
    }
}

impl Session {
    pub(super) fn new(policy: Arc<Inner>, identity: Identity, client_id: &str) -> Self {
        let mut rules = policy.shared_rules(&identity);
        rules.extend(policy.own_rules(&identity, client_id));
        Self { identity, client_id: client_id.into(), policy, rules }
    }

    /// Decides one wish; the module says by what.
    pub fn decide<'t>(&self, action: Action, target: impl Into<Target<'t>>) -> Decision {
        self.decide_target(action, target.into())
    }

    /// Whether the client may open the session at all.
    pub fn decide_connect(&self) -> Decision {
        self.decide_target(Action::Connect, Target::Session)
    }

    /// Whether it may send an event to the topic.
    pub fn decide_publish(&self, topic: &Topic) -> Decision {
        self.decide_target(Action::Publish, Target::Topic(topic))
    }

    /// Whether it may subscribe to the whole filter.
    pub fn decide_subscribe(&self, filter: &Filter) -> Decision {
        self.decide_target(Action::Subscribe, Target::Filter(filter))
    }

    /// Whether an event of the topic may go to a subscription that was allowed. Needed only where
    /// [`Session::filters_delivery`] says so.
    #[must_use]
    pub fn may_receive(&self, topic: &Topic) -> bool {
        if !self.rules.iter().any(|rules| rules.has_receive_deny()) {
            return true;
        }
        let path = Path::of(topic.as_str());
        self.rules.iter().all(|rules| rules.receive_deny(&path).is_none())
    }

    /// Whether a deny rule forbids part of what the subscription matches, so that each event must be asked for with
    /// [`Session::may_receive`].
    #[must_use]
    pub fn filters_delivery(&self, subscription: &Filter) -> bool {
        self.rules.iter().any(|rules| rules.receive_deny_overlaps(subscription))
    }

    fn decide_target(&self, action: Action, target: Target<'_>) -> Decision {
        let path = match target {
            Target::Topic(topic) => Some(Path::of(topic.as_str())),
            Target::Session | Target::Filter(_) => None,
        };
        let find = |effect| {
            let ranks = self.rules.iter().map(|rules| rank(rules, action, effect, target, path.as_ref()));
            ranks.fold(None, lower)
        };
        if let Some(deny) = find(Effect::Deny) {
            return Decision::Denied(self.denied_by(deny));
        }
        match find(Effect::Allow) {
            Some(allow) => Decision::Allowed { rule: self.policy.rules[allow as usize].id },
            None => Decision::Denied(DenyReason::NoRule {
                username: Arc::clone(&self.identity.username),
                action,
                target: target.shared_text(),
            }),
        }
    }

    /// The rules about this client and action, most specific first, each with its filter for this client.
    pub(super) fn rules_about(&self, action: Action) -> impl Iterator<Item = (&RankedRule, Option<Filter>)> {
        self.policy
            .rules
            .iter()
            .filter(move |rule| rule.action == action && Inner::applies_to(rule, &self.identity))
            .map(|rule| (rule, self.policy.filter_for(rule, &self.identity, &self.client_id)))
    }

    fn denied_by(&self, rank: Rank) -> DenyReason {
        let rule = &self.policy.rules[rank as usize];
        DenyReason::Rule {
            rule: rule.id,
            subject: Arc::clone(&rule.subject_name),
            action: rule.action,
            filter: rule.written.clone(),
        }
    }
}

/// The most specific rule of a set that speaks of the wish. `path` is the target's, when it is a topic.
fn rank(rules: &RuleSet, action: Action, effect: Effect, target: Target<'_>, path: Option<&Path<'_>>) -> Option<Rank> {
    match (action, target, path) {
        (Action::Connect, ..) => rules.connect(effect),
        (Action::Publish, _, Some(path)) => rules.publish(effect, path),
        (_, Target::Topic(topic), _) => rules.listed(action, effect, |filter| filter.matches(topic)),
        (_, Target::Filter(wanted), _) => rules.listed(action, effect, |filter| filter.includes(wanted)),
        (_, Target::Session, _) => None,
    }
}
