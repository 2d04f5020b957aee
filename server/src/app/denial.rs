//! What policy refused lately, and which rule decided.

use frontend::api::{DenialQuery, DenialRow, Page};

use super::page::Slice;
use super::permission::Right;
use super::{App, Caller, Result};
use crate::domain::denial::RETENTION_MS;
use crate::store::WantedDenials as Wanted;

/// Runs on a page when nobody says how many.
const PAGE: u32 = 200;
/// Most runs on a page.
const PAGE_MAX: u32 = 500;

impl App {
    /// Runs of refusals, newest first.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn denials(&self, caller: &Caller, query: DenialQuery) -> Result<Page<DenialRow>> {
        caller.permit(Right::MeshRead)?;
        let world = self.world().await?;
        let since_ms = query.since.unwrap_or(world.now_ms() - RETENTION_MS);
        let slice = Slice::of(query.cursor.as_deref(), query.limit, PAGE, PAGE_MAX);
        let after =
            slice.after::<(i64, String)>()?.map(|(last_ms, key)| (last_ms, hex::decode(key).unwrap_or_default()));
        let wanted = Wanted { principal: query.principal, since_ms, after };
        let limit = u32::try_from(slice.limit()).unwrap_or(PAGE_MAX);
        let mut tx = self.store().read().await?;
        // One more than the page holds says that there is more.
        let denials = tx.denials(self.environment(), &wanted, limit + 1).await?;
        let (total, _) = tx.count_denials(self.environment(), &wanted).await?;
        drop(tx);
        let page = slice.cut(denials, total, |denial| (denial.last_ms, hex::encode(denial.key)));
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
        Ok(page.map(row))
    }
}
