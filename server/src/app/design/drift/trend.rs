//! How drift went: counted once an hour, told beside how it is now.
//!
//! Only for who sees everything: a count of what is out of somebody's sight would tell of it.

use frontend::api::{DriftCounts, DriftTrend, DriftTrendPoint, DriftTrendQuery};

use super::counts;
use super::scene::Scene;
use crate::app::clock::now_ms;
use crate::app::permission::Right;
use crate::app::sight::Sight;
use crate::app::{App, Caller, Error, Result};
use crate::domain::design::drift::trend::{Count, DAY_MS, DAYS_MAX, KEPT_MS, hour_of, shown, week_ago};

/// Days that are told of when nobody says how many.
const DAYS: u32 = 7;
/// So many days are read at least: a week ago may have been counted the day before.
const WEEK_DAYS: i64 = 8;

impl App {
    /// How many findings there were, and how many there are.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn drift_trend(&self, caller: &Caller, query: DriftTrendQuery) -> Result<DriftTrend> {
        caller.permit(Right::MeshRead)?;
        let now = self.open_drift(caller).await?.counts;
        let now_ms = now_ms();
        let days = i64::from(query.days.unwrap_or(DAYS)).clamp(1, DAYS_MAX);
        let mut tx = self.store().read().await?;
        let since_ms = now_ms - days.max(WEEK_DAYS) * DAY_MS;
        let counts = tx.drift_counts(self.environment(), since_ms).await?;
        Ok(DriftTrend {
            now,
            week_ago: week_ago(&counts, now_ms).map(point),
            points: shown(&counts, days, now_ms).iter().map(point).collect(),
        })
    }

    /// Counts the findings of the hour of a moment, unless that is done: by this portal or by another one on the same database.
    ///
    /// # Errors
    /// The database's; the next run makes up for it.
    pub async fn count_drift(&self, now_ms: i64) -> Result<()> {
        let hour_ms = hour_of(now_ms);
        let mut tx = self.store().read().await?;
        if tx.is_drift_counted(self.environment(), hour_ms).await? {
            return Ok(());
        }
        let decisions = tx.drift_decisions(self.environment()).await?;
        let designs = self.designs_in(&mut tx).await?;
        drop(tx);
        let world = self.world_unasked().await?;
        // Nobody waits for it, and everybody else would.
        let counted = tokio::task::spawn_blocking(move || {
            let scene = Scene::of(world, designs, Sight::whole(), decisions);
            counts(&scene.study().rows())
        });
        let counted = counted.await.map_err(|_| Error::Internal("findings could not be counted"))?;
        let count = Count {
            hour_ms,
            partial: counted.partial,
            design_only: counted.design_only,
            runtime_only: counted.runtime_only,
            matching: counted.matching,
            ignored: counted.ignored,
        };
        let mut tx = self.store().write().await?;
        tx.keep_drift_count(self.environment(), &count, hour_ms - KEPT_MS).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn point(count: &Count) -> DriftTrendPoint {
    DriftTrendPoint {
        at: count.hour_ms,
        counts: DriftCounts {
            open: count.open(),
            partial: count.partial,
            design_only: count.design_only,
            runtime_only: count.runtime_only,
            matching: count.matching,
            ignored: count.ignored,
        },
    }
}
