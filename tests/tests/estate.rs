//! A large estate, reported by the agents' protocol: all of it is kept, shown and found, and what changes shows.

use std::time::Duration;

use anyhow::{Context, ensure};
use demo::wait::until;
use system_tests::estate::{Estate, PORTAL_BYTES_MAX, Size};

/// A change that an agent reports shows within this time.
const CHANGED: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_estate_that_an_agent_reports_is_kept_shown_and_found() -> anyhow::Result<()> {
    let size = Size::of_topics(2_000);
    let mut estate = Estate::start(size).await?;
    let total = async |estate: &Estate, path: &str| -> anyhow::Result<u64> {
        estate.mesh.api.get(path).await?["total"].as_u64().context("read the total")
    };
    // 25 areas of 40 things each: with 2,000 topics two verbs of each.
    ensure!(total(&estate, "catalog?kind=topic&limit=1").await? == 2_000, "every topic is in the catalog");
    ensure!(total(&estate, "catalog?kind=group&limit=1").await? == 400, "every group is");
    until("the search has all of it", CHANGED, async || {
        Ok((total(&estate, "search?kind=topic&limit=1").await? == 2_000).then_some(()))
    })
    .await?;
    ensure!(total(&estate, "search?q=orders%20created&kind=topic&limit=1").await? == 40, "by two words");
    ensure!(total(&estate, "search?q=field%3Aemail&kind=schema&limit=1").await? == 25, "by a field of a schema");
    ensure!(total(&estate, "search?q=billing%2Finvoice%2Fchanged&kind=event&limit=1").await? == 1, "by a topic");
    let lag = async |estate: &Estate| -> anyhow::Result<Vec<i64>> {
        let page = estate.mesh.api.get("catalog?kind=group&limit=200").await?;
        let rows = page["items"].as_array().context("read the groups")?;
        Ok(rows.iter().filter_map(|row| row["lag"].as_i64()).collect())
    };
    let before = lag(&estate).await?;
    ensure!(before.len() == 200, "every group has a lag");
    estate.report(1).await?;
    until("what changed shows", CHANGED, async || {
        let now = lag(&estate).await?;
        Ok(now.iter().zip(&before).all(|(now, before)| now > before).then_some(()))
    })
    .await?;
    let bytes = estate.portal_bytes()?;
    ensure!(bytes < PORTAL_BYTES_MAX, "the portal takes {} MB", bytes / 1_000_000);
    estate.mesh.passed()
}
