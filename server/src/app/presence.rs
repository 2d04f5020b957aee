//! Telling people of agents that are away for long and of those that refuse a policy revision.
//!
//! Presence is worked out of times whenever somebody looks, so nothing happens in the moment when an agent has been away for
//! five minutes: somebody has to look ([`App::tell_absences`], by `background/presence`). Who was told is a row, so that
//! portals on one database tell once.

use std::collections::BTreeSet;

use mesh_protocol::report::Status;

use super::change::Change;
use super::notification::{About, News, TOPICS};
use super::{App, Result};
use crate::domain::agent::{Agent, Presence, State};
use crate::domain::notification::{ABSENCE_MS, Audience, Kind};
use crate::domain::person::PortalRole;
use crate::store::Tx;

impl App {
    /// Tells of agents that are away for long, and of those that are back. After a start agents need a while to come back;
    /// nobody is told that one is away before `is_settled`.
    ///
    /// # Errors
    /// The database's; the next look makes up for it.
    pub async fn tell_absences(&self, now_ms: i64, is_settled: bool) -> Result<()> {
        let mut tx = self.store().read().await?;
        let (agents, told) = (tx.agents(self.environment()).await?, tx.absences().await?);
        drop(tx);
        for agent in &agents {
            let is_told = told.contains(&agent.id);
            let gone_since = match (agent.state, agent.presence(now_ms)) {
                (State::Enrolled, Presence::Offline(since)) => Some(since),
                _ => None,
            };
            match gone_since {
                Some(since) if !is_told && is_settled && now_ms.saturating_sub(since) >= ABSENCE_MS => {
                    self.tell_absence(agent, since, now_ms).await?;
                }
                None if is_told => self.tell_return(agent, now_ms).await?,
                _ => {}
            }
        }
        Ok(())
    }

    async fn tell_absence(&self, agent: &Agent, since: i64, now_ms: i64) -> Result<()> {
        let mut tx = self.store().write().await?;
        if !tx.begin_absence(agent.id, since).await? {
            return Ok(());
        }
        let site = self.snapshot().await?.site_name(agent.site);
        let text = format!(
            "It was last heard of {} ago. It goes on under the last policy it has; edits reach it when it is back.",
            span(now_ms.saturating_sub(since))
        );
        let news = of_agent(Kind::AgentOffline, agent, format!("{} at {site} is away", agent.name), text);
        self.tell_people(&mut tx, now_ms, &news).await?;
        self.commit(tx, &Change::of(TOPICS)).await
    }

    async fn tell_return(&self, agent: &Agent, now_ms: i64) -> Result<()> {
        let mut tx = self.store().write().await?;
        let Some(since) = tx.end_absence(agent.id).await? else { return Ok(()) };
        // One that was revoked meanwhile is expected no more.
        if agent.state == State::Enrolled {
            let site = self.snapshot().await?.site_name(agent.site);
            let text = format!("It was away for {}.", span(now_ms.saturating_sub(since)));
            let news = of_agent(Kind::AgentBack, agent, format!("{} at {site} is back", agent.name), text);
            self.tell_people(&mut tx, now_ms, &news).await?;
        }
        self.commit(tx, &Change::of(TOPICS)).await
    }

    /// Tells of a policy revision that an agent refuses now and did not before; true when there was something to tell.
    pub(super) async fn tell_refusal(
        &self,
        tx: &mut Tx,
        agent: &Agent,
        before: Option<&Status>,
        status: &Status,
        now_ms: i64,
    ) -> Result<bool> {
        let Some(refused) = &status.rejected else { return Ok(false) };
        if before.and_then(|before| before.rejected.as_ref()) == Some(refused) {
            return Ok(false);
        }
        let what = match refused.revision {
            Some(revision) => format!("policy revision {}", revision.revision),
            None => "a policy revision".to_owned(),
        };
        let mut text = format!("{}.", refused.reason.trim_end_matches('.'));
        if let Some(applied) = status.applied {
            text.push_str(&format!(" It keeps revision {}.", applied.revision));
        }
        let mut news = of_agent(Kind::RolloutRejected, agent, format!("{} refused {what}", agent.name), text);
        // Who made it knows best what it says.
        let newest = tx.policy_revisions(self.environment(), 1).await?;
        newest.iter().for_each(|revision| news.audience.name(&revision.actor));
        self.tell_people(tx, now_ms, &news).await?;
        Ok(true)
    }
}

/// For whoever runs the mesh.
fn of_agent(kind: Kind, agent: &Agent, title: String, text: String) -> News<'_> {
    News {
        kind,
        title,
        text,
        link: format!("/agents/{}", agent.id),
        about: About::Agent(agent),
        audience: Audience { roles: vec![PortalRole::Operator], except: BTreeSet::new(), ..Audience::default() },
    }
}

/// `7 min`, `3 h`, `2 days`.
fn span(ms: i64) -> String {
    match ms / 60_000 {
        minutes @ ..60 => format!("{} min", minutes.max(1)),
        minutes @ 60..2_880 => format!("{} h", minutes / 60),
        minutes => format!("{} days", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_read_as_people_say_them() {
        let spans = [0, 5, 59, 60, 150, 2_879, 2_880].map(|minutes| span(minutes * 60_000));
        assert_eq!(spans, ["1 min", "5 min", "59 min", "1 h", "2 h", "47 h", "2 days"]);
    }
}
