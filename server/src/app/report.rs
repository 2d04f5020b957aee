//! What agents see: reports come in here, bounded.
//!
//! A report that breaks a bound is refused for good, with a reason; the agent drops it and counts. Everything else is
//! acknowledged once it is stored.

use mesh_protocol::id::AgentId;
use mesh_protocol::report::{DENIALS_MAX, FLOWS_MAX, OBJECTS_MAX, Report, SUBSCRIPTIONS_MAX};

use super::{App, Result};

impl App {
    /// Takes one report; the answer is why it is refused for good, or none.
    ///
    /// # Errors
    /// The database's: then the report is not acknowledged and comes again.
    pub async fn take_report(&self, agent: AgentId, id: u64, report: Report) -> Result<Option<String>> {
        if let Some(reason) = refusal(&report) {
            tracing::warn!(%agent, id, reason, "a report was refused");
            return Ok(Some(reason));
        }
        Ok(None)
    }
}

fn refusal(report: &Report) -> Option<String> {
    let (what, count, max) = match report {
        Report::Discovery(discovery) => ("objects", discovery.objects.len().max(discovery.removed.len()), OBJECTS_MAX),
        Report::Traffic(traffic) => ("flows", traffic.flows.len(), FLOWS_MAX),
        Report::Subscriptions(subscriptions) => ("subscriptions", subscriptions.subscriptions.len(), SUBSCRIPTIONS_MAX),
        Report::Denials(denials) => ("denials", denials.denials.len(), DENIALS_MAX),
    };
    (count > max).then(|| format!("the report has {count} {what}, at most {max} are taken at once"))
}
