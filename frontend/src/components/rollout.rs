//! How far the agents are with a policy revision: in a word for rows, agent by agent for panels.

use leptos::prelude::*;

use super::{Age, Run, RunState, Track, TrackState};
use crate::api::{AgentRollout, RolloutState};

/// The worst news in a word: a refusal before a wait, a wait before an absence.
fn summary(rollout: &[AgentRollout]) -> (RunState, String) {
    let of = |state| rollout.iter().filter(move |agent| agent.state == state);
    let count = |state| of(state).count();
    if let Some(refused) = of(RolloutState::Rejected).next() {
        let more = count(RolloutState::Rejected) - 1;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        return (RunState::Failed, format!("Refused by {}{more}", refused.agent_name));
    }
    let applied = count(RolloutState::Applied);
    if count(RolloutState::Pending) > 0 {
        return (RunState::Deploying, format!("Applied at {applied} of {}", rollout.len()));
    }
    if let Some(offline) = of(RolloutState::Offline).next() {
        let more = count(RolloutState::Offline) - 1;
        let who = if more > 0 { format!("{} agents", more + 1) } else { offline.agent_name.clone() };
        return (RunState::Waiting, format!("Waits for {who}"));
    }
    if rollout.is_empty() { (RunState::None, "No agent yet".into()) } else { (RunState::Live, "Applied".into()) }
}

/// One word for all agents; the title names each.
#[component]
pub fn RolloutChip(
    /// Each agent concerned.
    rollout: Vec<AgentRollout>,
) -> impl IntoView {
    let (state, word) = summary(&rollout);
    let lines: Vec<String> =
        rollout.iter().map(|agent| format!("{}: {}", agent.agent_name, state_words(agent))).collect();
    view! { <span title=lines.join("\n")><Run state=state word=word/></span> }.into_any()
}

fn state_words(agent: &AgentRollout) -> String {
    let serves =
        agent.applied.map_or_else(|| "denies all".to_owned(), |applied| format!("serves r{}", applied.revision));
    match agent.state {
        RolloutState::Pending => format!("{serves}, not yet confirmed"),
        RolloutState::Applied => serves,
        RolloutState::Rejected => {
            let reason = agent.reason.clone().unwrap_or_else(|| "it gave no reason".to_owned());
            let keeps = serves.replacen("serves", "keeps", 1);
            format!("{reason}. It {keeps}")
        }
        RolloutState::Offline => format!("{serves}, will catch up by itself"),
    }
}

/// Agent by agent, grouped by site: how far, and why not.
#[component]
pub fn RolloutList(
    /// Each agent.
    rollout: Vec<AgentRollout>,
) -> impl IntoView {
    let mut rollout = rollout;
    rollout.sort_by(|a, b| (&a.site_name, &a.agent_name).cmp(&(&b.site_name, &b.agent_name)));
    let mut site = String::new();
    let mut rows = Vec::new();
    for agent in rollout {
        if site != agent.site_name {
            site.clone_from(&agent.site_name);
            rows.push(view! { <li class="m-rollout__wave"><span>{site.clone()}</span></li> }.into_any());
        }
        rows.push(view! { <AgentLine agent=agent/> }.into_any());
    }
    view! { <ol class="m-rollout">{rows}</ol> }.into_any()
}

#[component]
fn AgentLine(agent: AgentRollout) -> impl IntoView {
    let (track, state, word) = match agent.state {
        RolloutState::Pending => (TrackState::Pending, "deploying", "Pending"),
        RolloutState::Applied => (TrackState::Applied, "live", "Applied"),
        RolloutState::Rejected => (TrackState::Rejected, "failed", "Refused"),
        RolloutState::Offline => (TrackState::Offline, "offline", "Offline"),
    };
    let refused = agent.state == RolloutState::Rejected;
    let since = agent.since;
    view! {
        <li class="m-rollout__agent" data-agent=agent.agent_name.clone() data-state=state>
            <b>{agent.agent_name.clone()}</b>
            <Track state=track/>
            <span class="m-run" data-state=state>{word}</span>
            <p class:m-bad=refused>{state_words(&agent)} ", for " <Age at_ms=Some(since)/></p>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Millis;
    use mesh_protocol::wire::Revision;

    fn agent(name: &str, state: RolloutState) -> AgentRollout {
        let revision = Revision { generation: 1, revision: 418 };
        let since: Millis = 0;
        AgentRollout {
            agent: "0190a000-0000-7000-8000-000000000001".parse().expect("an id"),
            agent_name: name.into(),
            site_name: "hq".into(),
            state,
            applied: Some(revision),
            desired: revision,
            reason: None,
            since,
        }
    }

    #[test]
    fn the_worst_news_is_the_word() {
        use RolloutState::{Applied, Offline, Pending, Rejected};
        let word = |states: &[RolloutState]| {
            let agents: Vec<AgentRollout> =
                states.iter().enumerate().map(|(i, state)| agent(&format!("a-{i}"), *state)).collect();
            summary(&agents).1
        };
        assert_eq!(word(&[Applied, Pending, Rejected, Rejected]), "Refused by a-2 and 1 more");
        assert_eq!(word(&[Applied, Pending, Offline]), "Applied at 1 of 3");
        assert_eq!(word(&[Applied, Offline]), "Waits for a-1");
        assert_eq!(word(&[Applied, Applied]), "Applied");
        assert_eq!(word(&[]), "No agent yet");
    }

    #[test]
    fn a_refusal_says_what_the_agent_keeps() {
        let mut refused = agent("berlin-2", RolloutState::Rejected);
        refused.reason = Some("section acl needs 0.9.4".into());
        assert_eq!(state_words(&refused), "section acl needs 0.9.4. It keeps r418");
    }
}
