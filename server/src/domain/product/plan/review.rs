//! Four eyes for plans: what a plan lets somebody have is read by a reviewer who did not write it, before anybody can have it.
//!
//! ```text
//! STAGING --ask--> STAGING, waits --accept--> PUBLISHED --a change that gives more--> PUBLISHED, the change waits
//!    ^--send back-----'                          ^---accept: under a new number, send back: as it was---'
//! ```
//! A change of what is offered that gives less, or says the same in other words, needs one reviewer's hand and no second: it
//! cannot let anybody in. Anybody who writes the catalog may propose any change; then it waits.

use std::collections::BTreeSet;

use super::super::super::design::Reviewer;
use super::super::super::field::FieldErrors;
use super::{Approval, Plan, Rules, Spec, State};

/// A part of a plan's terms by which it can give more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Ways to connect.
    Protocols,
    /// Events a second.
    Events,
    /// Bytes a second.
    Bytes,
    /// Addresses.
    Filters,
    /// Who is let in without a person's yes, or with fewer.
    Approval,
    /// How long.
    Days,
}

impl Part {
    /// As the API names it, by the field of the plan.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Protocols => "protocols",
            Self::Events => "events",
            Self::Bytes => "bytes",
            Self::Filters => "filters",
            Self::Approval => "approval",
            Self::Days => "days",
        }
    }
}

impl Spec {
    /// By which parts other terms give more than these; none = nobody has anything that they could not have before.
    #[must_use]
    pub fn widened_by(&self, new: &Self) -> BTreeSet<Part> {
        let is_inside = |filter| self.filters.iter().any(|own| own.includes(filter));
        let gives_more_addresses =
            !self.filters.is_empty() && (new.filters.is_empty() || !new.filters.iter().all(is_inside));
        let parts = [
            (Part::Protocols, !new.protocols.is_subset(&self.protocols)),
            (Part::Events, is_higher(self.quota.events, new.quota.events)),
            (Part::Bytes, is_higher(self.quota.bytes, new.quota.bytes)),
            (Part::Filters, gives_more_addresses),
            (Part::Approval, self.approval.is_stricter_than(&new.approval)),
            (Part::Days, is_higher(self.days, new.days)),
        ];
        parts.into_iter().filter_map(|(part, is_wider)| is_wider.then_some(part)).collect()
    }
}

/// Whether a limit was raised or taken away.
fn is_higher<T: PartialOrd>(old: Option<T>, new: Option<T>) -> bool {
    old.is_some_and(|old| new.is_none_or(|new| new > old))
}

impl Approval {
    /// Whether another one lets somebody in whom this does not, or by fewer people.
    fn is_stricter_than(&self, new: &Self) -> bool {
        match (self, new) {
            (Self::Auto, _) => false,
            (Self::Manual { .. } | Self::Rules(_), Self::Auto) | (Self::Manual { .. }, Self::Rules(_)) => true,
            (Self::Rules(old), Self::Rules(new)) => new.people < old.people || !new.hold_all_of(old),
            (old, Self::Manual { people }) => *people < old.people(),
        }
    }
}

impl Rules {
    /// Whether whoever passes these would have passed the others.
    fn hold_all_of(&self, other: &Self) -> bool {
        other.without_tags.is_subset(&self.without_tags)
            && (self.same_owner || !other.same_owner)
            && (self.receive_only || !other.receive_only)
            && !is_higher(other.days, self.days)
    }
}

impl Plan {
    /// Whether it waits for a reviewer: itself, or a change of it.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.asked_at_ms.is_some()
    }

    /// Whether somebody may let others have what waits, or what is staged.
    ///
    /// # Errors
    /// Why not, and who can.
    pub fn check_reviewer(&self, reviewer: Reviewer<'_>) -> Result<(), String> {
        reviewer.check(&self.authors)
    }

    /// The plan with a change that waits, over one that waited before. What is offered stays as it is.
    #[must_use]
    pub fn proposed(&self, spec: Spec, by: &str, now_ms: i64) -> Self {
        Self { change: Some(spec), asked_at_ms: Some(now_ms), ..self.written(by, now_ms) }
    }

    /// The plan with one more author.
    pub(super) fn written(&self, by: &str, now_ms: i64) -> Self {
        let mut plan = Self { updated_at_ms: now_ms, updated_by: by.to_owned(), ..self.clone() };
        if !plan.authors.iter().any(|author| author == by) {
            plan.authors.push(by.to_owned());
        }
        plan
    }

    /// The plan once a reviewer was asked to read it. Who asks is no author by that.
    ///
    /// # Errors
    /// It waits already, or is offered, at `state`.
    pub fn asked(&self, now_ms: i64) -> Result<Self, FieldErrors> {
        if self.waits() {
            return Err(FieldErrors::one("state", "waits for a reviewer already"));
        }
        if self.state != State::Staging {
            let message = format_args!("is {}: change its terms, and the change waits for a reviewer", self.state);
            return Err(FieldErrors::one("state", message));
        }
        Ok(Self { asked_at_ms: Some(now_ms), ..self.clone() })
    }

    /// The plan once a reviewer said yes: it is offered, or its change is.
    ///
    /// # Errors
    /// Nothing of it waits, or it was closed meanwhile, at `state`.
    pub fn accepted(&self, by: &str, now_ms: i64) -> Result<Self, FieldErrors> {
        match &self.change {
            _ if !self.waits() => Err(FieldErrors::one("state", "does not wait for a reviewer: load it again")),
            Some(change) => self.edited(change.clone(), by, now_ms),
            None => self.moved(State::Published, 0, by, now_ms),
        }
    }

    /// The plan once what waited does so no more: it is staged as before, or offered without the change.
    ///
    /// # Errors
    /// Nothing of it waits, at `state`.
    pub fn sent_back(&self, by: &str, now_ms: i64) -> Result<Self, FieldErrors> {
        if !self.waits() {
            return Err(FieldErrors::one("state", "does not wait for a reviewer: load it again"));
        }
        let plan = Self { asked_at_ms: None, updated_at_ms: now_ms, updated_by: by.to_owned(), ..self.clone() };
        Ok(if self.state == State::Staging { plan } else { plan.settled() })
    }

    /// The plan without anything that waits, and without those who wrote it.
    pub(super) fn settled(self) -> Self {
        Self { asked_at_ms: None, change: None, authors: Vec::new(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{filters, plan, spec};
    use super::super::{Protocol, Quota};
    use super::*;

    fn widened(old: &Spec, new: &Spec) -> Vec<&'static str> {
        old.widened_by(new).into_iter().map(Part::name).collect()
    }

    #[test]
    fn each_part_that_gives_more_is_named_and_what_gives_less_is_not() {
        let narrow = Spec {
            quota: Quota { events: Some(10), bytes: Some(1_000) },
            filters: filters(&["orders/fr/>", "stock/>"]),
            approval: Approval::Manual { people: 2 },
            days: Some(30),
            ..spec()
        };
        let wide = Spec {
            protocols: [Protocol::Mqtt, Protocol::Kafka].into(),
            quota: Quota::default(),
            filters: Vec::new(),
            approval: Approval::Auto,
            days: None,
            ..narrow.clone()
        };
        assert_eq!(widened(&narrow, &wide), ["protocols", "events", "bytes", "filters", "approval", "days"]);
        assert_eq!(widened(&wide, &narrow), [""; 0]);
        assert_eq!(widened(&narrow, &narrow), [""; 0]);
        let with = |texts: &[&str]| Spec { filters: filters(texts), ..narrow.clone() };
        assert_eq!(widened(&narrow, &with(&["orders/fr/created"])), [""; 0], "a part of what there was");
        assert_eq!(widened(&narrow, &with(&["orders/fr/>", "orders/de/created"])), ["filters"]);
        let more = Spec { quota: Quota { events: Some(11), bytes: Some(999) }, days: Some(31), ..narrow.clone() };
        assert_eq!(widened(&narrow, &more), ["events", "days"]);
        let worded = Spec { description: "For all".to_owned(), price: None, ..narrow.clone() };
        assert_eq!(widened(&narrow, &worded), [""; 0]);
    }

    #[test]
    fn approval_is_laxer_by_fewer_people_and_by_fewer_rules() {
        let rules = |change: fn(&mut Rules)| {
            let mut rules = Rules {
                people: 2,
                without_tags: ["PII".to_owned()].into(),
                same_owner: true,
                receive_only: true,
                days: Some(30),
            };
            change(&mut rules);
            Approval::Rules(rules)
        };
        let (old, manual) = (rules(|_| ()), |people| Approval::Manual { people });
        for laxer in [
            rules(|rules| rules.people = 1),
            rules(|rules| rules.without_tags.clear()),
            rules(|rules| rules.same_owner = false),
            rules(|rules| rules.receive_only = false),
            rules(|rules| rules.days = Some(31)),
            rules(|rules| rules.days = None),
            manual(1),
            Approval::Auto,
        ] {
            assert!(old.is_stricter_than(&laxer), "{laxer:?}");
        }
        for stricter in [
            rules(|rules| rules.people = 3),
            rules(|rules| rules.without_tags.extend(["SECRET".to_owned()])),
            rules(|rules| rules.days = Some(1)),
            manual(2),
        ] {
            assert!(!old.is_stricter_than(&stricter), "{stricter:?}");
        }
        assert!(manual(1).is_stricter_than(&old), "rules let some in at once");
        assert!(!Approval::Auto.is_stricter_than(&manual(1)));
    }

    fn may(plan: &Plan, name: &str) -> bool {
        plan.check_reviewer(Reviewer { name, is_person: true, may_review: true }).is_ok()
    }

    #[test]
    fn who_wrote_at_a_staged_plan_does_not_offer_it() {
        let staged = plan(State::Staging).edited(spec(), "bob", 5).expect("staged");
        assert_eq!(staged.authors, ["ada", "bob"]);
        let asked = staged.asked(6).expect("asked");
        assert!(asked.waits() && asked.asked(7).is_err(), "once");
        assert!(!may(&asked, "ada") && !may(&asked, "bob") && may(&asked, "cleo"));
        assert!(asked.check_reviewer(Reviewer { name: "token ci", is_person: false, may_review: true }).is_err());
        let back = asked.sent_back("cleo", 8).expect("it waits");
        assert_eq!((back.waits(), back.state, back.authors.len()), (false, State::Staging, 2));
        assert!(back.accepted("cleo", 9).is_err(), "nothing waits");
        let offered = asked.accepted("cleo", 9).expect("it waits");
        assert_eq!((offered.state, offered.waits(), offered.number), (State::Published, false, 1));
        assert!(offered.authors.is_empty() && offered.asked(9).is_err());
    }

    #[test]
    fn a_change_waits_while_the_plan_goes_on_and_gets_a_number_when_it_is_accepted() {
        let offered = Plan { authors: Vec::new(), ..plan(State::Published) };
        let wide = Spec { protocols: [Protocol::Mqtt, Protocol::Http].into(), ..spec() };
        let waits = offered.proposed(wide.clone(), "ada", 5).proposed(wide.clone(), "bob", 6);
        assert_eq!((&waits.spec, waits.number, waits.asked_at_ms), (&spec(), 1, Some(6)));
        assert!(!may(&waits, "ada") && !may(&waits, "bob") && may(&waits, "cleo"));
        let accepted = waits.accepted("cleo", 7).expect("it waits");
        assert_eq!((&accepted.spec, accepted.number, accepted.change.is_none()), (&wide, 2, true));
        assert!(!accepted.waits() && accepted.authors.is_empty());
        let back = waits.sent_back("cleo", 7).expect("it waits");
        assert_eq!((&back.spec, back.change, back.authors.len()), (&spec(), None, 0));
        let closed = Plan { state: State::Closed, ..waits };
        assert!(closed.accepted("cleo", 8).is_err(), "it changes no more");
    }
}
