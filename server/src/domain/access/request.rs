//! A request for access, and what people said to it.

use std::fmt;

use mesh_protocol::id::{AccessRequestId, ApplicationId, DesignObjectId, DesignVersionId};
use serde::{Deserialize, Serialize};

use super::super::field::FieldErrors;
use super::super::product::plan::Numbered;

/// Shortest purpose, in characters: those who decide must learn something from it.
pub const PURPOSE_CHARS_MIN: usize = 10;
/// How long a request waits for people, in milliseconds.
pub const WAIT_MS_MAX: i64 = 30 * 24 * 60 * 60 * 1_000;
/// Most steps of one request: they cannot be asked and answered for ever.
pub const STEPS_MAX: usize = 100;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Stable id.
    pub id: AccessRequestId,
    /// Who would have access.
    pub application: ApplicationId,
    /// A product or an event.
    pub target: DesignObjectId,
    /// Its version.
    pub version: DesignVersionId,
    /// Under which plan, with the number of its terms; none = of an event by itself.
    pub plan: Option<Numbered>,
    /// What for.
    pub purpose: String,
    /// Until when, in milliseconds since the Unix epoch; none = until somebody ends it.
    pub until_ms: Option<i64>,
    /// How many people must say yes.
    pub people: u8,
    /// Where it is.
    pub state: State,
    /// Who is asked to decide, by login name; none = whoever may.
    pub decider: Option<String>,
    /// What people said, the oldest first.
    pub steps: Vec<Step>,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// Who asks.
    pub created_by: String,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
}

/// Where a request is.
///
/// ```text
/// PENDING <--> NEEDS INFO
///    |-> APPROVED | REJECTED | CANCELLED | EXPIRED   (for good)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Others have to decide.
    Pending,
    /// Who asks has to answer.
    NeedsInfo,
    /// Access was given.
    Approved,
    /// It was refused.
    Rejected,
    /// Who asked took it back.
    Cancelled,
    /// Nobody decided in time.
    Expired,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::NeedsInfo, Self::Approved, Self::Rejected, Self::Cancelled, Self::Expired];

    /// As people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::NeedsInfo => "waiting for an answer",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Cancelled => "taken back",
            Self::Expired => "expired",
        }
    }

    /// Whether somebody has still to do something.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::NeedsInfo)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What.
    pub act: Act,
    /// Who.
    pub by: String,
    /// In their words.
    pub reason: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// What can be done about a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Says yes.
    Approve,
    /// Says no.
    Reject,
    /// Asks for more.
    Ask,
    /// Answers that.
    Answer,
    /// Has somebody else decide, by login name.
    Delegate(String),
    /// Takes it back.
    Cancel,
    /// Nobody decided in time.
    Expire,
}

/// Who does it.
#[derive(Clone, Copy, Debug)]
pub struct Actor<'a> {
    /// As requests and steps name people.
    pub name: &'a str,
    /// A person, not a script.
    pub is_person: bool,
    /// May decide about requests.
    pub may_decide: bool,
}

impl Request {
    /// Those who said yes since it was last changed by an answer: what they agreed to is what stands there.
    pub fn approvers(&self) -> impl Iterator<Item = &str> {
        let since = self.steps.iter().rposition(|step| step.act == Act::Answer).map_or(0, |at| at + 1);
        self.steps[since..].iter().filter(|step| step.act == Act::Approve).map(|step| step.by.as_str())
    }

    /// How many people have still to say yes.
    #[must_use]
    pub fn missing(&self) -> usize {
        usize::from(self.people).saturating_sub(self.approvers().count())
    }

    /// Checks what a person wrote.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.text("purpose", &self.purpose);
        if self.purpose.trim().chars().count() < PURPOSE_CHARS_MIN {
            errors.add(
                "purpose",
                format_args!("must be at least {PURPOSE_CHARS_MIN} characters: those who decide read it"),
            );
        }
        errors.check()
    }

    /// The request after somebody did something about it.
    ///
    /// # Errors
    /// They may not, or not now; by field.
    pub fn after(&self, act: Act, reason: &str, actor: Actor<'_>, now_ms: i64) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let reason = reason.trim();
        errors.text("reason", reason);
        if !self.state.is_open() {
            errors.add("state", format_args!("is {} already: ask for access again", self.state));
        } else if self.steps.len() >= STEPS_MAX {
            errors.add("state", "has been talked about enough: take it back and ask again");
        }
        let is_own = actor.name == self.created_by;
        match &act {
            Act::Approve | Act::Reject | Act::Ask | Act::Delegate(_) => {
                if is_own {
                    errors.add("state", "is your own request: somebody else decides about it");
                } else if !actor.may_decide {
                    errors.add("state", "is decided by an approver or an administrator");
                } else if !actor.is_person {
                    errors.add("state", "is decided by a person, and this is a token");
                } else if act == Act::Approve && self.state == State::NeedsInfo {
                    errors.add("state", "waits for an answer: it can be approved when it is there");
                } else if act == Act::Approve && self.approvers().any(|name| name == actor.name) {
                    errors.add("state", "has your approval already: somebody else has to give theirs");
                }
            }
            Act::Answer if self.state != State::NeedsInfo => errors.add("state", "was not asked about"),
            Act::Answer | Act::Cancel if !is_own => errors.add("state", "is somebody else's request"),
            Act::Answer | Act::Cancel | Act::Expire => {}
        }
        if let Act::Delegate(to) = &act
            && (*to == self.created_by || *to == actor.name)
        {
            errors.add("to", "must be somebody else than who asks and yourself");
        }
        if matches!(act, Act::Reject | Act::Ask | Act::Answer) && reason.is_empty() {
            errors.add("reason", "is required: the other side reads it");
        }
        errors.check()?;
        let mut after = Self { updated_at_ms: now_ms, ..self.clone() };
        after.steps.push(Step {
            act: act.clone(),
            by: actor.name.to_owned(),
            reason: reason.to_owned(),
            at_ms: now_ms,
        });
        match act {
            Act::Approve if after.missing() == 0 => after.state = State::Approved,
            Act::Approve => after.decider = None,
            Act::Reject => after.state = State::Rejected,
            Act::Ask => after.state = State::NeedsInfo,
            Act::Answer => after.state = State::Pending,
            Act::Delegate(to) => after.decider = Some(to),
            Act::Cancel => after.state = State::Cancelled,
            Act::Expire => after.state = State::Expired,
        }
        Ok(after)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    pub(crate) fn request(people: u8) -> Request {
        Request {
            id: AccessRequestId(Uuid::from_u128(1)),
            application: ApplicationId(Uuid::from_u128(2)),
            target: DesignObjectId(Uuid::from_u128(3)),
            version: DesignVersionId(Uuid::from_u128(4)),
            plan: None,
            purpose: "Shows orders on the wall of the store".to_owned(),
            until_ms: None,
            people,
            state: State::Pending,
            decider: None,
            steps: Vec::new(),
            revision: 1,
            created_at_ms: 0,
            created_by: "dev".to_owned(),
            updated_at_ms: 0,
        }
    }

    fn actor(name: &str) -> Actor<'_> {
        Actor { name, is_person: true, may_decide: name != "dev" && name != "vic" }
    }

    fn told(request: &Request, act: Act, by: &str) -> String {
        request.after(act, "because", actor(by), 5).err().map(|errors| errors.to_string()).unwrap_or_default()
    }

    #[test]
    fn nobody_decides_about_their_own() {
        let two = request(2);
        assert!(
            told(&Request { created_by: "ada".to_owned(), ..two.clone() }, Act::Approve, "ada").contains("your own")
        );
        assert!(told(&two, Act::Approve, "vic").contains("by an approver"));
        let token = Actor { name: "token ci", is_person: false, may_decide: true };
        assert!(two.after(Act::Approve, "", token, 5).expect_err("a token").to_string().contains("by a person"));
        let one = two.after(Act::Approve, "", actor("ada"), 5).expect("approved");
        assert_eq!((one.state, one.missing()), (State::Pending, 1));
        assert!(told(&one, Act::Approve, "ada").contains("your approval already"));
        let both = one.after(Act::Approve, "", actor("bob"), 6).expect("approved");
        assert_eq!(both.state, State::Approved);
        assert!(told(&both, Act::Reject, "bob").contains("approved already"));
    }

    #[test]
    fn an_answer_asks_for_approval_anew() {
        let asked = request(2).after(Act::Approve, "", actor("ada"), 1).expect("approved");
        let asked = asked.after(Act::Ask, "how long?", actor("bob"), 2).expect("asked");
        assert!(told(&asked, Act::Approve, "cleo").contains("waits for an answer"));
        assert!(told(&asked, Act::Answer, "bob").contains("somebody else's"));
        let answered = asked.after(Act::Answer, "a year", actor("dev"), 3).expect("answered");
        assert_eq!((answered.state, answered.missing()), (State::Pending, 2));
    }

    #[test]
    fn a_request_says_what_for() {
        assert!(request(1).check().is_ok());
        let short = Request { purpose: "tests".to_owned(), ..request(1) };
        assert!(short.check().expect_err("short").to_string().contains("at least 10"));
        let error = request(1).after(Act::Reject, " ", actor("ada"), 5).expect_err("no reason");
        assert!(error.to_string().contains("reason is required"));
        assert!(told(&request(1), Act::Delegate("dev".to_owned()), "ada").contains("somebody else"));
    }

    proptest! {
        /// However people act, access is given only by as many others as were asked for, and never after it was decided.
        #[test]
        fn approved_by_enough_others_or_not_at_all(
            people in 1..4_u8,
            acts in prop::collection::vec((0..7_usize, 0..5_usize), 1..40),
        ) {
            let names = ["dev", "ada", "bob", "cleo", "vic"];
            let mut now = request(people);
            for (act, who) in acts {
                let act = [
                    Act::Approve, Act::Reject, Act::Ask, Act::Answer, Act::Delegate("bob".to_owned()), Act::Cancel,
                    Act::Expire,
                ][act].clone();
                let Ok(after) = now.after(act, "because", actor(names[who]), 1) else { continue };
                prop_assert!(now.state.is_open(), "{} was final", now.state);
                now = after;
            }
            if now.state == State::Approved {
                let mut approvers: Vec<&str> = now.approvers().collect();
                approvers.sort_unstable();
                approvers.dedup();
                prop_assert_eq!(approvers.len(), usize::from(people));
                prop_assert!(!approvers.contains(&"dev") && !approvers.contains(&"vic"));
            }
        }
    }
}
