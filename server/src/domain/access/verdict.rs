//! What a plan says to somebody who asks, before they ask: who must say yes, and why.

use std::collections::BTreeSet;

use super::super::field::FieldErrors;
use super::super::product::plan::{Approval, Spec};

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Ask<'a> {
    /// Milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Who answers for the application; empty = nobody.
    pub application_owner: &'a str,
    /// Who answers for what is asked for; empty = nobody.
    pub target_owner: &'a str,
    /// Tags of the fields that it holds.
    pub tags: BTreeSet<String>,
    /// Something would be published.
    pub sends: bool,
    /// Until when; none = as long as the plan gives.
    pub until_ms: Option<i64>,
}

/// What comes of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How many people must say yes; 0 = access is given at once.
    pub people: u8,
    /// When access ends, in milliseconds since the Unix epoch.
    pub until_ms: Option<i64>,
    /// Why, each with whether it speaks for access at once.
    pub lines: Vec<Line>,
}

/// One thing that a verdict looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// It speaks for access at once.
    pub holds: bool,
    /// What it is, as a sentence.
    pub text: String,
}

/// What a plan says; without a plan one person decides.
///
/// # Errors
/// Until when it is asked for cannot be, at `until`.
pub fn verdict(plan: Option<&Spec>, ask: &Ask<'_>) -> Result<Verdict, FieldErrors> {
    let until_ms = until(plan, ask)?;
    let (people, lines) = match plan.map(|plan| &plan.approval) {
        None => {
            (1, vec![Line { holds: false, text: "Access to an event by itself is given by one person.".to_owned() }])
        }
        Some(Approval::Auto) => (0, vec![Line { holds: true, text: "The plan lets everybody in at once.".to_owned() }]),
        Some(Approval::Manual { people }) => {
            (*people, vec![Line { holds: false, text: format!("The plan asks for {}.", approvals(*people)) }])
        }
        Some(Approval::Rules(rules)) => {
            let mut lines = Vec::new();
            let mut line = |holds, text: String| lines.push(Line { holds, text });
            if !rules.without_tags.is_empty() {
                let met: Vec<&str> = rules.without_tags.intersection(&ask.tags).map(String::as_str).collect();
                let (all, met) = (joined(&rules.without_tags), met.join(", "));
                let text = if met.is_empty() {
                    format!("No field that it gives is tagged {all}.")
                } else {
                    format!("It gives fields that are tagged {met}.")
                };
                line(met.is_empty(), text);
            }
            if rules.same_owner {
                let is_same = !ask.target_owner.is_empty() && ask.application_owner == ask.target_owner;
                let text = if is_same {
                    format!("Application and product both belong to {}.", ask.target_owner)
                } else {
                    "The application belongs to somebody else than the product.".to_owned()
                };
                line(is_same, text);
            }
            if rules.receive_only {
                let text = if ask.sends { "Clients may send events." } else { "Clients only receive events." };
                line(!ask.sends, text.to_owned());
            }
            if let Some(days) = rules.days {
                let is_short = until_ms.is_some_and(|until| until - ask.now_ms <= i64::from(days) * DAY_MS);
                let text = if is_short { "no longer" } else { "longer" };
                line(is_short, format!("It is asked for {text} than {days} days."));
            }
            (if lines.iter().all(|line| line.holds) { 0 } else { rules.people }, lines)
        }
    };
    Ok(Verdict { people, until_ms, lines })
}

/// When access ends: as it was asked for, within what the plan gives.
fn until(plan: Option<&Spec>, ask: &Ask<'_>) -> Result<Option<i64>, FieldErrors> {
    let days = plan.and_then(|plan| plan.days);
    let last = days.map(|days| ask.now_ms + i64::from(days) * DAY_MS);
    match (ask.until_ms, last) {
        (Some(until), _) if until <= ask.now_ms => {
            Err(FieldErrors::one("until", "is over: choose a time to come, or leave it out"))
        }
        // Somebody who chose the last day may do so a moment later.
        (Some(until), Some(last)) if until > last + DAY_MS => {
            let days = days.unwrap_or_default();
            Err(FieldErrors::one("until", format_args!("is too late: the plan gives access for {days} days")))
        }
        (Some(until), Some(last)) => Ok(Some(until.min(last))),
        (asked, last) => Ok(asked.or(last)),
    }
}

/// `the approval of 2 people`.
fn approvals(people: u8) -> String {
    if people == 1 { "the approval of one person".to_owned() } else { format!("the approval of {people} people") }
}

fn joined(tags: &BTreeSet<String>) -> String {
    tags.iter().map(String::as_str).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::super::super::product::plan::Rules;
    use super::*;

    fn plan(approval: Approval, days: Option<u32>) -> Spec {
        Spec { approval, days, ..Spec::default() }
    }

    fn rules() -> Rules {
        Rules {
            people: 2,
            without_tags: ["PII".to_owned()].into(),
            same_owner: true,
            receive_only: true,
            days: Some(30),
        }
    }

    #[test]
    fn rules_that_all_hold_let_somebody_in_at_once() {
        let ask = Ask {
            application_owner: "stores",
            target_owner: "stores",
            until_ms: Some(30 * DAY_MS),
            tags: ["GDPR".to_owned()].into(),
            ..Ask::default()
        };
        let people = |ask: &Ask<'_>| verdict(Some(&plan(Approval::Rules(rules()), None)), ask).expect("sound").people;
        assert_eq!(people(&ask), 0);
        assert_eq!(people(&Ask { tags: ["PII".to_owned()].into(), ..ask.clone() }), 2);
        assert_eq!(people(&Ask { application_owner: "plants", ..ask.clone() }), 2);
        assert_eq!(people(&Ask { sends: true, ..ask.clone() }), 2);
        assert_eq!(people(&Ask { until_ms: None, ..ask.clone() }), 2, "without an end it is long");
        assert_eq!(people(&Ask { application_owner: "", target_owner: "", ..ask }), 2, "nobody is not the same owner");
    }

    #[test]
    fn every_reason_is_told() {
        let told = verdict(Some(&plan(Approval::Rules(rules()), None)), &Ask::default()).expect("sound");
        let held: Vec<bool> = told.lines.iter().map(|line| line.holds).collect();
        assert_eq!(held, [true, false, true, false]);
        assert!(told.lines[0].text.contains("tagged PII"), "{told:?}");
        assert_eq!(verdict(None, &Ask::default()).expect("sound").people, 1);
        assert_eq!(verdict(Some(&plan(Approval::Auto, None)), &Ask::default()).expect("sound").people, 0);
    }

    #[test]
    fn access_ends_within_what_the_plan_gives() {
        let until = |days, until_ms| {
            let ask = Ask { now_ms: 5, until_ms, ..Ask::default() };
            verdict(Some(&plan(Approval::Auto, days)), &ask)
                .map(|verdict| verdict.until_ms)
                .map_err(|it| it.to_string())
        };
        assert_eq!(until(None, None), Ok(None));
        assert_eq!(until(Some(1), None), Ok(Some(5 + DAY_MS)));
        assert_eq!(until(Some(2), Some(5 + DAY_MS)), Ok(Some(5 + DAY_MS)));
        assert!(until(Some(1), Some(5 + 3 * DAY_MS)).expect_err("late").contains("for 1 days"));
        assert!(until(None, Some(5)).expect_err("past").contains("is over"));
    }
}
