//! What policy refused lately, and which rule decided.

use frontend::api::{DenialQuery, DenialRow};

use super::permission::Right;
use super::{App, Caller, Result};
use crate::domain::denial::RETENTION_MS;

impl App {
    /// Runs of refusals, newest first, at most 200.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn denials(&self, caller: &Caller, query: DenialQuery) -> Result<Vec<DenialRow>> {
        caller.permit(Right::Read)?;
        let world = self.world().await?;
        let since_ms = query.since.unwrap_or(world.now_ms() - RETENTION_MS);
        let denials = self.store().read().await?.denials(self.environment(), query.principal, since_ms).await?;
        let row = |denial: crate::domain::denial::Denial| DenialRow {
            principal: denial.principal,
            site_name: world.site_of(denial.agent),
            principal_name: denial.principal_name,
            client_id: denial.client_id,
            protocol: denial.protocol,
            action: denial.action,
            topic: denial.topic,
            rule: denial.rule,
            reason: denial.reason,
            count: denial.count,
            first: denial.first_ms,
            last: denial.last_ms,
        };
        Ok(denials.into_iter().map(row).collect())
    }
}
