//! The running parts of an agent: a listener, a source, a sink, a connection, the fabric; how each is and what to do.

use leptos::prelude::*;
use mesh_protocol::report::{PartRef, PartState};

use super::{Age, LastKnown, Run, RunState, Table};
use crate::api::PartView;

/// A part's state as a mark and a word.
#[must_use]
pub(crate) const fn part_state(state: PartState) -> (RunState, &'static str) {
    match state {
        PartState::Starting => (RunState::Deploying, "Starting"),
        PartState::Running => (RunState::Live, "Running"),
        PartState::Degraded => (RunState::Degraded, "In part"),
        PartState::Failing => (RunState::Failed, "Failing, tries again"),
        PartState::Rejected => (RunState::Failed, "Refused"),
    }
}

/// The same of a part whose agent is silent: what was is not what is, good or bad.
const fn past_state(state: PartState) -> (RunState, &'static str) {
    let word = match state {
        PartState::Starting => "Was starting",
        PartState::Running => "Was running",
        PartState::Degraded => "Worked in part",
        PartState::Failing => "Was failing",
        PartState::Rejected => "Was refused",
    };
    (RunState::Stale, word)
}

/// How a part is, as far as anybody knows.
const fn known_state(part: &PartView) -> (RunState, &'static str) {
    if part.freshness.stale { past_state(part.state) } else { part_state(part.state) }
}

/// Whether nobody has heard of any of the parts lately, so that their figures are the last known ones.
#[must_use]
pub(crate) fn all_stale(parts: &[PartView]) -> bool {
    !parts.is_empty() && parts.iter().all(|part| part.freshness.stale)
}

/// What kind of part it is, in a word.
const fn kind(object: PartRef) -> &'static str {
    match object {
        PartRef::Listener(_) => "listener",
        PartRef::Source(_) => "source",
        PartRef::Sink(_) => "sink",
        PartRef::Broker(_) => "broker connection",
        PartRef::Fabric => "fabric endpoint",
        PartRef::Queue(_) => "queue",
        PartRef::KafkaAccess(_) => "users of a cluster",
        PartRef::KafkaUser(_) => "Kafka user",
    }
}

/// The worst of several parts, with what it says; none = nothing runs yet. One that nobody hears of may be as bad as any,
/// but what is known to be wrong comes first.
#[must_use]
pub(crate) fn worst(parts: &[PartView]) -> Option<&PartView> {
    let rank = |part: &&PartView| match part.state {
        _ if part.freshness.stale => 2,
        PartState::Rejected => 5,
        PartState::Failing => 4,
        PartState::Degraded => 3,
        PartState::Starting => 1,
        PartState::Running => 0,
    };
    parts.iter().max_by_key(rank)
}

/// The worst state in a word; its detail below, because that is what one can act on.
#[component]
pub fn PartChip(
    /// The parts, at all agents.
    parts: Vec<PartView>,
) -> impl IntoView {
    match worst(&parts) {
        None => view! { <Run state=RunState::None word="Not running yet"/> }.into_any(),
        Some(part) => {
            let (state, word) = known_state(part);
            let trouble = part.state != PartState::Running;
            let detail = part.detail.clone().filter(|_| trouble);
            let seen = part.freshness.stale.then(|| part.freshness.clone());
            view! {
                <div class="m-cell">
                    <Run state=state word=word/>
                    {seen.map(|seen| view! { <span class="m-cell__sub"><LastKnown seen=seen/></span> })}
                    {detail.map(|detail| view! { <span class="m-cell__sub m-wrap">{format!("{}: {detail}", part.agent_name)}</span> })}
                </div>
            }
                .into_any()
        }
    }
}

/// Every part in a row of its own.
#[component]
pub fn PartTable(
    /// The parts.
    parts: Vec<PartView>,
    /// Whether the agent is worth a column.
    #[prop(optional)]
    by_agent: bool,
) -> impl IntoView {
    let rows = parts
        .into_iter()
        .map(|part| {
            let (state, word) = known_state(&part);
            let stale = part.freshness.stale;
            let seen = stale.then_some(part.freshness);
            let sub = if by_agent { part.agent_name.clone() } else { kind(part.object).to_owned() };
            let figures: Vec<String> = part
                .figures
                .iter()
                .map(|(name, value)| format!("{} {}", crate::format::count(*value), name.replace('_', " ")))
                .collect();
            view! {
                <tr>
                    <td>
                        <div class="m-cell">
                            <span class="m-cell__name">{part.name}</span>
                            <span class="m-cell__sub">{sub}</span>
                        </div>
                    </td>
                    <td>
                        <div class="m-cell">
                            <Run state=state word=word/>
                            {seen.map(|seen| view! { <span class="m-cell__sub"><LastKnown seen=seen/></span> })}
                            {part.detail.map(|detail| view! { <span class="m-cell__sub m-wrap">{detail}</span> })}
                        </div>
                    </td>
                    <td class="m-mono m-small" class:m-faint=stale>{part.addresses.join(", ")}</td>
                    <td class="m-low m-muted m-small" class:m-faint=stale>{figures.join(", ")}</td>
                    <td class="m-low m-end m-muted"><Age at_ms=Some(part.since)/></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table
            label="Parts"
            class="m-table--inset m-table--two"
            heads=&[("What", ""), ("State", ""), ("Reached at", ""), ("Figures", "m-low"), ("For", "m-low m-end")]
        >
            {rows}
        </Table>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Freshness;

    fn part(state: PartState) -> PartView {
        PartView {
            agent: "0190a000-0000-7000-8000-000000000001".parse().expect("an id"),
            agent_name: "hq-1".into(),
            object: PartRef::Fabric,
            name: "fabric".into(),
            state,
            detail: None,
            since: 0,
            addresses: Vec::new(),
            figures: std::collections::BTreeMap::new(),
            freshness: Freshness { as_of: 0, by: "hq-1".into(), stale: false },
        }
    }

    #[test]
    fn what_needs_somebody_comes_before_what_heals_itself() {
        use PartState::{Degraded, Failing, Rejected, Running};
        let worst_of = |states: &[PartState]| {
            let parts: Vec<PartView> = states.iter().map(|state| part(*state)).collect();
            worst(&parts).map(|part| part.state)
        };
        assert_eq!(worst_of(&[Running, Failing, Rejected, Degraded]), Some(Rejected));
        assert_eq!(worst_of(&[Running, Degraded]), Some(Degraded));
        assert_eq!(worst_of(&[]), None);
    }

    #[test]
    fn a_part_of_a_silent_agent_is_not_running_but_was() {
        let silent = |state| {
            let mut part = part(state);
            part.freshness.stale = true;
            part
        };
        assert_eq!(known_state(&part(PartState::Running)), (RunState::Live, "Running"));
        assert_eq!(known_state(&silent(PartState::Running)), (RunState::Stale, "Was running"));
        assert_eq!(known_state(&silent(PartState::Failing)).0, RunState::Stale, "bad news grows old too");
        let one_of_two = [part(PartState::Running), silent(PartState::Running)];
        assert!(worst(&one_of_two).is_some_and(|part| part.freshness.stale), "the other does not hide it");
        assert!(!all_stale(&one_of_two) && all_stale(&one_of_two[1..]) && !all_stale(&[]));
    }
}
