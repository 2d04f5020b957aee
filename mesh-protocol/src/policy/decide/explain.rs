//! Why a client may or may not, rule by rule: for previews in the portal and the browser.

use super::compile::{CompiledPolicy, PolicyError};
use super::reason::Decision;
use super::session::Target;
use crate::desired::{Policy, Site};
use crate::id::{PrincipalId, RuleId};
use crate::policy::{Action, Effect};
use crate::topic::Filter;

/// A decision with everything that was weighed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What would be decided.
    pub decision: Decision,
    /// Every rule about this client, action and site, most specific first.
    pub rules: Vec<Verdict>,
}

/// What one rule says to the wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The rule.
    pub rule: RuleId,
    /// `role tills`, `principal till-7`, `anyone`.
    pub subject: String,
    /// Allows or denies, where it applies.
    pub effect: Effect,
    /// Its filter as written.
    pub filter: Filter,
    /// Its filter for this client; none = its variables make it match nothing.
    pub effective: Option<Filter>,
    /// Whether it covers the whole of the wish.
    pub applies: bool,
    /// Whether it covers only a part of the wish: for a deny rule of a subscription, the events held back.
    pub in_part: bool,
}

/// Decides a hypothetical wish by a whole policy, on the moment `now_ms`, and says how each rule stands to it.
///
/// A principal that may not log in gets its reason as the decision, whatever the rules say.
///
/// # Errors
/// [`PolicyError`]: the policy itself is wrong.
pub fn explain(
    policy: &Policy,
    site: &Site,
    (principal, client_id): (PrincipalId, &str),
    action: Action,
    target: Target<'_>,
    now_ms: i64,
) -> Result<Explanation, PolicyError> {
    let compiled = CompiledPolicy::compile(policy, site)?;
    Ok(match compiled.session(principal, client_id, now_ms) {
        Err(reason) => Explanation { decision: Decision::Denied(reason), rules: Vec::new() },
        Ok(session) => session.explain(action, target),
    })
}

impl super::Session {
    /// Decides a wish and says how each rule about this client stands to it.
    #[must_use]
    pub fn explain(&self, action: Action, target: Target<'_>) -> Explanation {
        Explanation { decision: self.decide(action, target), rules: self.verdicts(action, target) }
    }

    fn verdicts(&self, action: Action, target: Target<'_>) -> Vec<Verdict> {
        self.rules_about(action)
            .map(|(rule, effective)| {
                let (applies, in_part) = covers(action, effective.as_ref(), target);
                Verdict {
                    rule: rule.id,
                    subject: rule.subject_name.to_string(),
                    effect: rule.effect,
                    filter: rule.written.clone(),
                    effective,
                    applies,
                    in_part,
                }
            })
            .collect()
    }
}

/// Whether a rule covers the whole wish, and whether it covers only part of it.
fn covers(action: Action, filter: Option<&Filter>, target: Target<'_>) -> (bool, bool) {
    match (filter, target) {
        _ if action == Action::Connect => (true, false),
        (None, _) | (_, Target::Session) => (false, false),
        (Some(filter), Target::Topic(topic)) => (filter.matches(topic), false),
        (Some(filter), Target::Filter(wanted)) => {
            let whole = filter.includes(wanted);
            (whole, !whole && filter.overlaps(wanted))
        }
    }
}
