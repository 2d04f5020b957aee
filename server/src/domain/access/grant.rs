//! A grant: what an application may do because somebody said yes.

use std::collections::BTreeSet;
use std::fmt;

use mesh_protocol::id::{AccessRequestId, ApplicationId, DesignObjectId, DesignVersionId, GrantId};
use mesh_protocol::topic::Filter;
use serde::{Deserialize, Serialize};

use super::super::field::FieldErrors;
use super::super::product::plan::{Numbered, Protocol, Quota, Spec};

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Stable id.
    pub id: GrantId,
    /// The request that it came of; the last one, when it was renewed.
    pub request: AccessRequestId,
    /// Who has it.
    pub application: ApplicationId,
    /// A product or an event.
    pub target: DesignObjectId,
    /// The version that was asked for.
    pub version: DesignVersionId,
    /// Under which plan, with the number of its terms; none = of an event by itself.
    pub plan: Option<Numbered>,
    /// What it gives.
    pub terms: Terms,
    /// When it ends, in milliseconds since the Unix epoch; none = when somebody ends it.
    pub until_ms: Option<i64>,
    /// What was decided about it.
    pub state: State,
    /// Why, in the words of whoever decided it.
    pub reason: String,
    /// The policy revision that brought it to what it is.
    pub policy_revision: u64,
    /// When every agent concerned was seen enforcing that, in milliseconds since the Unix epoch.
    pub confirmed_at_ms: Option<i64>,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Who changed it last.
    pub updated_by: String,
}

/// What a grant gives, as it was when it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What it is called in refusals of agents: the product and the plan.
    #[serde(default)]
    pub name: String,
    /// What clients may publish.
    pub publish: Vec<Filter>,
    /// What clients may subscribe to.
    pub subscribe: Vec<Filter>,
    /// How they may connect; none = however they can.
    pub protocols: BTreeSet<Protocol>,
    /// How much it may use.
    pub quota: Quota,
}

impl Terms {
    /// Of a plan, or of an event by itself: what of these addresses it gives.
    #[must_use]
    pub fn of(target: &str, plan: Option<&Spec>, sends: &[Filter], receives: &[Filter]) -> Self {
        let part = |filters: &[Filter]| {
            let parts = filters.iter().flat_map(|filter| match plan {
                Some(plan) => plan.part_of(filter),
                None => vec![filter.clone()],
            });
            let mut seen = BTreeSet::new();
            parts.filter(|filter| seen.insert(filter.text().to_owned())).collect()
        };
        let name = plan.map_or_else(|| target.to_owned(), |plan| format!("{target}, {}", plan.name));
        Self {
            name,
            publish: part(sends),
            subscribe: part(receives),
            protocols: plan.map(|plan| plan.protocols.clone()).unwrap_or_default(),
            quota: plan.map(|plan| plan.quota).unwrap_or_default(),
        }
    }

    /// Whether clients may connect in this way.
    #[must_use]
    pub fn allows(&self, protocol: Protocol) -> bool {
        self.protocols.is_empty() || self.protocols.contains(&protocol)
    }

    /// Whether it gives nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.publish.is_empty() && self.subscribe.is_empty()
    }
}

/// What was decided about a grant.
///
/// ```text
/// ACTIVE <--> SUSPENDED
///   '------------'----> REVOKED | EXPIRED   (for good; it can be asked for again)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is given.
    Active,
    /// It is held back for a while.
    Suspended,
    /// Somebody ended it.
    Revoked,
    /// Its time is over.
    Expired,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Active, Self::Suspended, Self::Revoked, Self::Expired];

    /// As people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    /// Whether there is a step from here to another state.
    #[must_use]
    pub const fn leads_to(self, to: Self) -> bool {
        use State::{Active, Expired, Revoked, Suspended};
        matches!((self, to), (Active, Suspended | Revoked | Expired) | (Suspended, Active | Revoked | Expired))
    }

    /// Whether it is over for good.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Revoked | Self::Expired)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a grant is for those who wait for it: what was decided, and whether the mesh does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// It was given, and some agent does not know it yet.
    Provisioning,
    /// Every agent concerned knows it.
    Live,
    /// It is to be held back, and some agent still gives it.
    Suspending,
    /// Nobody gives it, for a while.
    Suspended,
    /// It was ended, and some agent still gives it.
    Revoking,
    /// Nobody gives it any more.
    Revoked,
    /// Its time is over, and some agent still gives it.
    Expiring,
    /// Its time is over, and nobody gives it any more.
    Expired,
}

impl Grant {
    /// What it is now. What every agent once confirmed stays so: an agent that comes later gets no older policy.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match (self.state, self.confirmed_at_ms.is_some()) {
            (State::Active, false) => Phase::Provisioning,
            (State::Active, true) => Phase::Live,
            (State::Suspended, false) => Phase::Suspending,
            (State::Suspended, true) => Phase::Suspended,
            (State::Revoked, false) => Phase::Revoking,
            (State::Revoked, true) => Phase::Revoked,
            (State::Expired, false) => Phase::Expiring,
            (State::Expired, true) => Phase::Expired,
        }
    }

    /// The grant in another state, as of a policy revision. That nobody enforces it yet is part of it.
    ///
    /// # Errors
    /// There is no such step, or no reason; by field.
    pub fn moved(
        &self,
        to: State,
        reason: &str,
        by: &str,
        policy_revision: u64,
        now_ms: i64,
    ) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        if !self.state.leads_to(to) {
            errors.add("state", format_args!("cannot go from {} to {to}: ask for access again", self.state));
        }
        let reason = reason.trim();
        errors.text("reason", reason);
        if reason.is_empty() && matches!(to, State::Revoked | State::Suspended) {
            errors.add("reason", "is required: whoever loses access is told");
        }
        errors.check()?;
        Ok(Self {
            state: to,
            reason: reason.to_owned(),
            policy_revision,
            confirmed_at_ms: None,
            updated_at_ms: now_ms,
            updated_by: by.to_owned(),
            ..self.clone()
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    pub(crate) fn grant(state: State) -> Grant {
        Grant {
            id: GrantId(Uuid::from_u128(1)),
            request: AccessRequestId(Uuid::from_u128(2)),
            application: ApplicationId(Uuid::from_u128(3)),
            target: DesignObjectId(Uuid::from_u128(4)),
            version: DesignVersionId(Uuid::from_u128(5)),
            plan: None,
            terms: Terms::default(),
            until_ms: None,
            state,
            reason: String::new(),
            policy_revision: 1,
            confirmed_at_ms: Some(1),
            revision: 1,
            created_at_ms: 0,
            updated_at_ms: 0,
            updated_by: "ada".to_owned(),
        }
    }

    #[test]
    fn ended_is_not_over_until_everybody_says_so() {
        let revoked = grant(State::Active).moved(State::Revoked, "left the company", "bob", 7, 9).expect("a step");
        assert_eq!((revoked.phase(), revoked.policy_revision), (Phase::Revoking, 7));
        assert_eq!(Grant { confirmed_at_ms: Some(10), ..revoked }.phase(), Phase::Revoked);
        let told = grant(State::Active).moved(State::Revoked, " ", "bob", 7, 9).expect_err("no reason").to_string();
        assert!(told.contains("reason is required"), "{told}");
    }

    #[test]
    fn a_plan_cuts_what_is_given() {
        let filters = |texts: &[&str]| texts.iter().map(|text| Filter::mesh(text).expect("sound")).collect::<Vec<_>>();
        let plan = Spec { filters: filters(&["orders/fr/>"]), ..Spec::default() };
        let terms =
            Terms::of("orders", Some(&plan), &filters(&["stock/new"]), &filters(&["orders/>", "orders/fr/created"]));
        assert_eq!(terms.publish, []);
        assert_eq!(terms.subscribe, filters(&["orders/fr/>", "orders/fr/created"]));
        assert_eq!(Terms::of("orders", None, &[], &filters(&["orders/>"])).subscribe, filters(&["orders/>"]));
    }

    proptest! {
        /// Whatever is asked for in whatever order, what is over stays over.
        #[test]
        fn what_is_over_never_comes_back(steps in prop::collection::vec(0..4_usize, 1..20)) {
            let mut now = grant(State::Active);
            let mut was_over = false;
            for to in steps.into_iter().map(|index| State::ALL[index]) {
                if let Ok(moved) = now.moved(to, "because", "bob", now.policy_revision + 1, 1) {
                    prop_assert!(!was_over, "{} to {to}", now.state);
                    prop_assert_eq!(moved.confirmed_at_ms, None);
                    now = moved;
                }
                was_over = now.state.is_over();
            }
        }
    }
}
