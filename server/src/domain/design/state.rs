//! The life of a version.
//!
//! ```text
//!            review         release          deprecate           retire
//!   DRAFT ----------> IN REVIEW -------> RELEASED -------> DEPRECATED -------> RETIRED
//!   |   ^-- changes asked --'                ^---- taken back ---'                ^
//!   '-> deleted                              '--- withdrawn from its subject -----'
//! ```
//!
//! Everything from RELEASED on may be built on, so its content never changes again, and every way on protects those who
//! did build on it: none can be released on sand, none goes without a warning, none is taken away from under somebody.
//! The content is frozen in review already, so that what was read is what is released. The rules are those of
//! PORTAL.md, "State machines".
//!
//! A transition is decided on facts the caller brings ([`Context`]); what they cost is not known here.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::field::FieldErrors;
use super::spec::merge;
use super::{Class, Number, Version, VersionSpec};

/// Most objects that one error names; more are counted.
const NAMED_MAX: usize = 3;

/// Where a version is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Being written.
    #[default]
    Draft,
    /// Being read by others.
    InReview,
    /// May be built on.
    Released,
    /// Still served; to be built on no more.
    Deprecated,
    /// Gone, kept for the record.
    Retired,
}

impl State {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 5] = [Self::Draft, Self::InReview, Self::Released, Self::Deprecated, Self::Retired];

    /// As people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::InReview => "in review",
            Self::Released => "released",
            Self::Deprecated => "deprecated",
            Self::Retired => "retired",
        }
    }

    /// Whether there is a step from here to another state, whatever stands in its way now.
    #[must_use]
    pub const fn leads_to(self, to: Self) -> bool {
        use State::{Deprecated, Draft, InReview, Released, Retired};
        matches!(
            (self, to),
            (Draft, InReview)
                | (InReview, Draft | Released)
                | (Released, Deprecated)
                | (Deprecated, Released | Retired)
        )
    }

    /// Whether others rely on it now.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Released | Self::Deprecated)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Another version, as far as a transition is concerned with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referred {
    /// The field of the reference to it.
    pub field: &'static str,
    /// For people: `schema order 1.2.0`.
    pub label: String,
    /// Where it is in its life.
    pub state: State,
}

/// What a version changes against the highest version below it that was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// That version's number.
    pub since: Number,
    /// This version's number.
    pub number: Number,
    /// What it means to consumers.
    pub class: Class,
}

/// What a transition is decided on. The default is a transition nobody gave a reason for, of a version that stands
/// alone and that nobody uses.
#[derive(Clone, Debug, Default)]
pub struct Context<'a> {
    /// Milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Who asks for it.
    pub by: &'a str,
    /// Why, in their words.
    pub reason: &'a str,
    /// What the version refers to.
    pub needs: &'a [Referred],
    /// What refers to the version.
    pub users: &'a [Referred],
    /// What [`VersionSpec::check`] says of it now: what it refers to may have changed since it was saved.
    pub problems: Option<&'a FieldErrors>,
    /// Release: findings of a lint that forbid it.
    pub findings: &'a [String],
    /// Release: what it changes; none = nothing was released before it.
    pub change: Option<Change>,
    /// Release: every owner whom a breaking change hurts agreed to it.
    pub has_consent: bool,
    /// Release: clients that were seen taking the version which it changes lately.
    pub hurt: &'a [String],
    /// Release: why who asks for it may not be the one who releases it; none = they may.
    pub not_reviewed: Option<&'a str>,
    /// Deprecation: when it stops being served, in milliseconds since the Unix epoch.
    pub end_of_life_at_ms: Option<i64>,
    /// Deprecation: what the version names as its replacement.
    pub replacement: Option<Referred>,
    /// Retirement: clients that were seen using it lately.
    pub clients: u64,
    /// Retirement: although it is used. Needs a reason.
    pub is_forced: bool,
}

/// Decides on a transition. Gives what to warn of.
///
/// # Errors
/// Why it cannot be, by field, and what to do first.
pub fn transition(from: State, to: State, context: &Context<'_>) -> Result<Vec<String>, FieldErrors> {
    use State::{Deprecated, Draft, InReview, Released, Retired};
    if !from.leads_to(to) {
        return Err(FieldErrors::one("state", format_args!("cannot go from {from} to {to}: {}", way_out(from, to))));
    }
    let mut errors = FieldErrors::default();
    errors.text("reason", context.reason);
    let warnings = match (from, to) {
        (Draft, InReview) => {
            merge(&mut errors, context.problems.cloned());
            check_needs(&mut errors, context.needs, &[Retired], "replace them")
        }
        (InReview, Draft) => {
            require_reason(&mut errors, context, "say what should be changed");
            Vec::new()
        }
        (InReview, Released) => check_release(&mut errors, context),
        (Released, Deprecated) => check_deprecation(&mut errors, context),
        (Deprecated, Released) => check_needs(&mut errors, context.needs, &[Draft, InReview, Retired], MAKE_READY),
        // `leads_to` leaves no other.
        _ => check_retirement(&mut errors, context),
    };
    errors.check()?;
    Ok(warnings)
}

/// What to do instead of a transition that is never possible.
fn way_out(from: State, to: State) -> &'static str {
    use State::{Deprecated, Draft, InReview, Released, Retired};
    match (from, to) {
        _ if from == to => "it is there already",
        (Retired, _) => "that is the end of its life; make a new version",
        (Released | Deprecated, Draft | InReview) => "others may rely on its content; make a new version",
        (Draft, Released) => "send it to review first",
        (Draft, _) => "nothing relies on a draft; delete it",
        (InReview, _) => "nothing relies on it yet; send it back to draft and delete it",
        (Released, _) => "deprecate it first, so that its consumers are warned",
        (Deprecated, _) => "only release and retirement follow",
    }
}

const MAKE_READY: &str = "release or replace them first";

fn check_release(errors: &mut FieldErrors, context: &Context<'_>) -> Vec<String> {
    use State::{Draft, InReview, Retired};
    merge(errors, context.problems.cloned());
    if let Some(why) = context.not_reviewed {
        errors.add("state", why);
    }
    if !context.findings.is_empty() {
        let findings = some_of(context.findings.iter().cloned(), "; ");
        errors.add("content", format_args!("does not pass the lint: {findings}"));
    }
    let mut warnings = check_needs(errors, context.needs, &[Draft, InReview, Retired], MAKE_READY);
    if let Some(Change { since, number, class: Class::Breaking }) = context.change
        && number.major() == since.major()
    {
        let hurt = some_of(context.hurt.iter().cloned(), ", ");
        let seen = if hurt.is_empty() { String::new() } else { format!(" ({hurt}, by what was seen lately)") };
        let problem = format!("breaks consumers of {since}{seen}");
        if context.has_consent {
            warnings.push(format!("{number} {problem}, to which each owner agreed"));
        } else {
            let next =
                since.next(Class::Breaking).map_or_else(|| "a new major number".to_owned(), |next| next.to_string());
            let way_out = format!("call it {next} or higher, or ask each owner it hurts to agree");
            errors.add("number", format_args!("{number} {problem}: {way_out}"));
        }
    }
    warnings
}

fn check_deprecation(errors: &mut FieldErrors, context: &Context<'_>) -> Vec<String> {
    match context.end_of_life_at_ms {
        None => errors.add("end_of_life_at", "is required: consumers must know how long they can wait"),
        Some(at) if at <= context.now_ms => errors.add("end_of_life_at", "is over: choose a time to come"),
        Some(_) => {}
    }
    match &context.replacement {
        None => require_reason(errors, context, "say why, or name a replacement"),
        Some(Referred { state: State::Released, .. }) => {}
        Some(Referred { label, state, .. }) => {
            errors.add("replacement", format_args!("is {label}, which is {state}: name a released version"));
        }
    }
    let users = context.users.iter().filter(|user| user.state.is_live());
    warn(users.map(|user| user.label.clone()), "is still used by")
}

fn check_retirement(errors: &mut FieldErrors, context: &Context<'_>) -> Vec<String> {
    let clients = match context.clients {
        0 => None,
        1 => Some("1 client that was seen lately".to_owned()),
        count => Some(format!("{count} clients that were seen lately")),
    };
    let users = context.users.iter().filter(|user| user.state.is_live()).map(|user| user.label.clone());
    let warnings = warn(clients.into_iter().chain(users), "is still used by");
    match warnings.first() {
        None => {}
        Some(_) if context.is_forced => require_reason(errors, context, "say why it is retired although it is used"),
        Some(problem) => errors.add("state", format_args!("{problem}: move them first, or force it with a reason")),
    }
    warnings
}

/// Notes what a reference may not be in, by field, and gives warnings of what is deprecated.
fn check_needs(errors: &mut FieldErrors, needs: &[Referred], wrong: &[State], way_out: &str) -> Vec<String> {
    let wrong: Vec<&Referred> = needs.iter().filter(|need| wrong.contains(&need.state)).collect();
    for field in wrong.iter().map(|need| need.field).collect::<BTreeSet<_>>() {
        let all = wrong.iter().filter(|need| need.field == field);
        let all = some_of(all.map(|need| format!("{} ({})", need.label, need.state)), ", ");
        errors.add(field, format_args!("names {all}: {way_out}"));
    }
    let deprecated = needs.iter().filter(|need| need.state == State::Deprecated);
    warn(deprecated.map(|need| need.label.clone()), "builds on what is deprecated:")
}

fn require_reason(errors: &mut FieldErrors, context: &Context<'_>, why: &str) {
    if context.reason.trim().is_empty() {
        errors.add("reason", format_args!("is required: {why}"));
    }
}

fn warn(labels: impl Iterator<Item = String>, what: &str) -> Vec<String> {
    let labels = some_of(labels, ", ");
    if labels.is_empty() { Vec::new() } else { vec![format!("{what} {labels}")] }
}

/// The first few, and how many more there are.
pub(super) fn some_of(all: impl Iterator<Item = String>, separator: &str) -> String {
    let mut all: Vec<String> = all.collect();
    let more = all.len().saturating_sub(NAMED_MAX);
    all.truncate(NAMED_MAX);
    let named = all.join(separator);
    if more == 0 { named } else { format!("{named} and {more} more") }
}

/// Whether a version may be deleted: only a draft that nothing refers to.
///
/// # Errors
/// Why it may not, at `state`.
pub fn check_delete(state: State, users: &[Referred]) -> Result<(), FieldErrors> {
    if state != State::Draft {
        let way_out = if state == State::InReview { "send it back to draft first" } else { "retire it instead" };
        return Err(FieldErrors::one("state", format_args!("is {state}, and only drafts can be deleted: {way_out}")));
    }
    if users.is_empty() {
        return Ok(());
    }
    let users = some_of(users.iter().map(|user| user.label.clone()), ", ");
    Err(FieldErrors::one("state", format_args!("must stay, because it is used by {users}: change them first")))
}

impl Version {
    /// The version after a transition, and what to warn of. Its end of life is what its spec says, edited before. One
    /// that is released again is no longer on its way out.
    ///
    /// # Errors
    /// As [`transition`].
    pub fn moved(&self, to: State, context: &Context<'_>) -> Result<(Self, Vec<String>), FieldErrors> {
        let context = Context { end_of_life_at_ms: self.spec.end_of_life_at_ms, ..context.clone() };
        let warnings = transition(self.state, to, &context)?;
        let mut moved = Self {
            state: to,
            state_reason: context.reason.trim().to_owned(),
            updated_at_ms: context.now_ms,
            updated_by: context.by.to_owned(),
            ..self.clone()
        };
        if (self.state, to) == (State::Deprecated, State::Released) {
            moved.spec.end_of_life_at_ms = None;
            moved.spec.replacement = None;
        }
        Ok((moved, warnings))
    }

    /// The version retired at once, because it was deleted from its subject in the schema registry: clients of that know no
    /// warning. The caller has made sure that nothing which is served uses it.
    #[must_use]
    pub fn withdrawn(&self, by: &str, now_ms: i64) -> Self {
        Self {
            state: State::Retired,
            state_reason: "deleted from its subject".to_owned(),
            updated_at_ms: now_ms,
            updated_by: by.to_owned(),
            ..self.clone()
        }
    }

    /// Notes what would change although others read it or rely on it.
    pub(super) fn check_frozen(&self, errors: &mut FieldErrors, new: &VersionSpec) {
        let way_out = match self.state {
            State::Draft => return,
            State::InReview => "send it back to draft first",
            _ => "make a new version",
        };
        let frozen = [("number", self.spec.number != new.number), ("content", self.spec.content != new.content)];
        for (field, _) in frozen.into_iter().filter(|(_, changes)| *changes) {
            errors.add(field, format_args!("cannot change while the version is {}: {way_out}", self.state));
        }
        if self.state == State::Deprecated && new.end_of_life_at_ms.is_none() {
            errors.add("end_of_life_at", "is required while the version is deprecated");
        }
    }
}

#[cfg(test)]
mod tests;
