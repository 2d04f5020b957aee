//! The overview: is it well, and if not, what to do.

use frontend::api::{Figures, Overview, SiteState};

use super::clock::now_ms;
use super::permission::Right;
use super::{App, Caller, Result};
use crate::domain::agent::{Presence, State};

impl App {
    /// The whole first page.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn overview(&self, caller: &Caller) -> Result<Overview> {
        caller.permit(Right::Read)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let enrolled: Vec<_> = fleet.agents.iter().filter(|agent| agent.state == State::Enrolled).collect();
        let online =
            |agent: &&&crate::domain::agent::Agent| matches!(agent.presence(fleet.now_ms), Presence::Online(_));
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let sites = snapshot.mesh.sites.iter().map(|site| {
            let here: Vec<_> = enrolled.iter().filter(|agent| agent.site == site.id).collect();
            SiteState {
                id: site.id,
                name: site.spec.name.clone(),
                region: site.spec.region.clone(),
                location: site.spec.location.map(super::site::location),
                agents_online: count(here.iter().filter(|agent| online(agent)).count()),
                agents: count(here.len()),
                clients: 0,
                rate: 0.0,
                brokers: Vec::new(),
                freshness: here
                    .iter()
                    .filter_map(|agent| super::agent::freshness(agent, &fleet))
                    .max_by_key(|f| f.as_of),
            }
        });
        Ok(Overview {
            as_of: now_ms(),
            figures: Figures {
                agents_online: enrolled.iter().filter(|agent| online(agent)).count() as u64,
                agents: enrolled.len() as u64,
                ..Figures::default()
            },
            sites: sites.collect(),
            links: Vec::new(),
            attention: Vec::new(),
            revision: snapshot.revision(),
            demo: None,
        })
    }
}
