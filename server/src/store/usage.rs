//! What was used of grants: totals of hours as agents tell them, and totals of days that are worked out of those.

use mesh_protocol::id::{AgentId, EnvironmentId, GrantId};
use mesh_protocol::report::{Direction, GrantUsage};

use super::{Result, StoreError, Tx, from_i64, from_text, to_i64, to_text};
use crate::domain::usage::{DAY_MS, Totals, Used};

#[derive(sqlx::FromRow)]
struct Row {
    grant_id: uuid::Uuid,
    direction: String,
    from_ms: i64,
    events: i64,
    bytes: i64,
    refused_events: i64,
}

impl Row {
    fn read(self) -> Result<(GrantId, i64, Direction, Totals)> {
        let totals = Totals {
            events: from_i64("events", self.events)?,
            bytes: from_i64("bytes", self.bytes)?,
            refused_events: from_i64("refused_events", self.refused_events)?,
        };
        Ok((self.grant_id.into(), self.from_ms, from_text("direction", self.direction)?, totals))
    }
}

impl Tx {
    /// Keeps the totals of an hour, where they are more than those that are known. The day they are of is worked out anew by
    /// [`Tx::sum_usage_day`].
    ///
    /// # Errors
    /// The database's.
    pub async fn put_usage(
        &mut self,
        environment: EnvironmentId,
        (agent, meter): (AgentId, &str),
        usage: &GrantUsage,
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into usage_hour (environment_id, grant_id, direction, hour_ms, agent_id, meter, events, bytes,
                 refused_events) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 on conflict (environment_id, grant_id, direction, hour_ms, agent_id, meter) do update set
                 events = case when excluded.events > usage_hour.events then excluded.events else usage_hour.events end,
                 bytes = case when excluded.bytes > usage_hour.bytes then excluded.bytes else usage_hour.bytes end,
                 refused_events = case when excluded.refused_events > usage_hour.refused_events
                 then excluded.refused_events else usage_hour.refused_events end",
            )
            .bind(environment.0)
            .bind(usage.grant.0)
            .bind(to_text(&usage.direction))
            .bind(usage.hour_ms)
            .bind(agent.0)
            .bind(meter)
            .bind(to_i64(usage.events))
            .bind(to_i64(usage.bytes))
            .bind(to_i64(usage.refused_events))
            .execute(conn)
            .await
            .map(drop)
        })?;
        Ok(())
    }

    /// Works out the totals of a day of one meter, of its hours.
    ///
    /// # Errors
    /// The database's.
    pub async fn sum_usage_day(
        &mut self,
        environment: EnvironmentId,
        (agent, meter): (AgentId, &str),
        (grant, direction): (GrantId, Direction),
        day_ms: i64,
    ) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into usage_day (environment_id, grant_id, direction, day_ms, agent_id, meter, events, bytes,
                 refused_events)
                 select environment_id, grant_id, direction, $1, agent_id, meter, cast(sum(events) as bigint),
                 cast(sum(bytes) as bigint), cast(sum(refused_events) as bigint) from usage_hour
                 where environment_id = $2 and grant_id = $3 and direction = $4 and hour_ms >= $1 and hour_ms < $5
                 and agent_id = $6 and meter = $7
                 group by environment_id, grant_id, direction, agent_id, meter
                 on conflict (environment_id, grant_id, direction, day_ms, agent_id, meter) do update set
                 events = excluded.events, bytes = excluded.bytes, refused_events = excluded.refused_events",
            )
            .bind(day_ms)
            .bind(environment.0)
            .bind(grant.0)
            .bind(to_text(&direction))
            .bind(day_ms + DAY_MS)
            .bind(agent.0)
            .bind(meter)
            .execute(conn)
            .await
            .map(drop)
        })?;
        Ok(())
    }

    /// Use by hour in a time, of one grant or of all, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn usage_by_hour(
        &mut self,
        environment: EnvironmentId,
        grant: Option<GrantId>,
        (from_ms, to_ms): (i64, i64),
    ) -> Result<Vec<Used>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select grant_id, direction, hour_ms as from_ms, cast(sum(events) as bigint) as events,
                 cast(sum(bytes) as bigint) as bytes, cast(sum(refused_events) as bigint) as refused_events
                 from usage_hour where environment_id = $1 and hour_ms >= $2 and hour_ms < $3
                 and (cast($4 as integer) = 0 or grant_id = $5)
                 group by grant_id, direction, hour_ms order by hour_ms, grant_id, direction",
            )
            .bind(environment.0)
            .bind(from_ms)
            .bind(to_ms)
            .bind(i32::from(grant.is_some()))
            .bind(grant.unwrap_or(GrantId(uuid::Uuid::nil())).0)
            .fetch_all(conn)
            .await
        })?;
        used(rows)
    }

    /// Use by day in a time, of one grant or of all, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn usage_by_day(
        &mut self,
        environment: EnvironmentId,
        grant: Option<GrantId>,
        (from_ms, to_ms): (i64, i64),
    ) -> Result<Vec<Used>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select grant_id, direction, day_ms as from_ms, cast(sum(events) as bigint) as events,
                 cast(sum(bytes) as bigint) as bytes, cast(sum(refused_events) as bigint) as refused_events
                 from usage_day where environment_id = $1 and day_ms >= $2 and day_ms < $3
                 and (cast($4 as integer) = 0 or grant_id = $5)
                 group by grant_id, direction, day_ms order by day_ms, grant_id, direction",
            )
            .bind(environment.0)
            .bind(from_ms)
            .bind(to_ms)
            .bind(i32::from(grant.is_some()))
            .bind(grant.unwrap_or(GrantId(uuid::Uuid::nil())).0)
            .fetch_all(conn)
            .await
        })?;
        used(rows)
    }

    /// Forgets hours and days before these moments.
    ///
    /// # Errors
    /// The database's.
    pub async fn prune_usage(&mut self, hours_before_ms: i64, days_before_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from usage_hour where hour_ms < $1").bind(hours_before_ms).execute(conn).await.map(drop)
        })?;
        on_db!(self, |conn| {
            sqlx::query("delete from usage_day where day_ms < $1").bind(days_before_ms).execute(conn).await.map(drop)
        })?;
        Ok(())
    }
}

/// Both directions of an hour or day in one, in the order of the rows.
fn used(rows: Vec<Row>) -> Result<Vec<Used>> {
    let mut all: Vec<Used> = Vec::new();
    for row in rows {
        let (grant, from_ms, direction, totals) = row.read()?;
        if all.last().is_none_or(|last| (last.grant, last.from_ms) != (grant, from_ms)) {
            all.push(Used::none(grant, from_ms));
        }
        let Some(last) = all.last_mut() else { return Err(StoreError::Unreadable { column: "grant_id" }) };
        match direction {
            Direction::Produce => last.published = totals,
            Direction::Consume => last.received = totals,
        }
    }
    Ok(all)
}
