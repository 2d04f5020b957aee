//! The mesh's live registry: who subscribes to what, where.

use frontend::api::{Freshness, Page, SubscriptionQuery, SubscriptionRow};
use mesh_protocol::report::Subscription;
use mesh_protocol::topic::Topic;

use super::observed::World;
use super::page::{Slice, page};
use super::permission::Right;
use super::{App, Caller, Result};
use crate::store::AgentSubscriptions;

/// A report that is older than this is last known. Agents repeat theirs every half minute.
const STALE_AFTER_MS: i64 = 90_000;

impl App {
    /// Registered filters, by filter.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn subscriptions(&self, caller: &Caller, query: SubscriptionQuery) -> Result<Page<SubscriptionRow>> {
        caller.permit(Right::MeshRead)?;
        let world = self.world().await?;
        let wanted = query.q.trim().to_lowercase();
        let topic = Topic::new(query.q.trim()).ok();
        let rows: Vec<SubscriptionRow> = world
            .seen
            .subscriptions
            .iter()
            .flat_map(|of_agent| rows_of(of_agent, &world))
            .filter(|(row, _)| query.site.as_ref().is_none_or(|site| *site == row.site_name))
            .filter(|(row, subscription)| is_wanted(row, subscription, &wanted, topic.as_ref()))
            .map(|(row, _)| row)
            .collect();
        page(rows, Slice::of(query.cursor.as_deref(), query.limit, 100, 500), key)
    }
}

/// One client may hold the same filter at two agents of a site, or since two moments while it reconnects.
fn key(row: &SubscriptionRow) -> ([String; 5], i64) {
    let texts = [&row.filter, &row.site_name, &row.principal_name, &row.client_id, &row.freshness.by];
    (texts.map(String::clone), row.since)
}

fn is_wanted(row: &SubscriptionRow, subscription: &Subscription, wanted: &str, topic: Option<&Topic>) -> bool {
    wanted.is_empty()
        || [&row.filter, &row.principal_name, &row.client_id].iter().any(|text| text.to_lowercase().contains(wanted))
        || topic.is_some_and(|topic| subscription.filter.matches(topic))
}

fn rows_of<'a>(
    of_agent: &'a AgentSubscriptions,
    world: &'a World,
) -> impl Iterator<Item = (SubscriptionRow, &'a Subscription)> {
    let agent = world.fleet.agent(of_agent.agent);
    let old = world.now_ms().saturating_sub(of_agent.at_ms) > STALE_AFTER_MS;
    let freshness = Freshness {
        as_of: of_agent.at_ms,
        by: world.agent_name(of_agent.agent),
        stale: old || !world.is_online(of_agent.agent),
    };
    agent.into_iter().flat_map(move |agent| {
        let (freshness, site_name) = (freshness.clone(), world.config.site_name(agent.site));
        of_agent.subscriptions.iter().map(move |subscription| {
            let row = SubscriptionRow {
                filter: subscription.filter.text().to_owned(),
                dialect: subscription.filter.dialect(),
                principal: subscription.principal,
                principal_name: subscription.principal_name.clone(),
                client_id: subscription.client_id.clone(),
                protocol: subscription.protocol,
                route: subscription.route,
                site: agent.site,
                site_name: site_name.clone(),
                since: subscription.since_ms,
                freshness: freshness.clone(),
            };
            (row, subscription)
        })
    })
}
