//! Observed flows and the samples their history is drawn from.

use mesh_protocol::id::{AgentId, EnvironmentId, PrincipalId};
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, to_i64, to_text};
use crate::domain::flow::{Flow, FlowKey};

/// Length of a sample's slot in milliseconds.
const SLOT_MS: i64 = 10_000;
/// Slots that are kept: ten minutes and the one under way.
const SLOTS_KEPT: i64 = 61;

#[derive(sqlx::FromRow)]
struct Row {
    flow_key: Vec<u8>,
    agent_id: Uuid,
    principal_id: Option<Uuid>,
    principal_name: String,
    client_id: String,
    protocol: String,
    direction: String,
    address: String,
    example_topic: String,
    broker_id: Option<Uuid>,
    broker_topic: Option<String>,
    route_id: Option<Uuid>,
    shape: Option<String>,
    rate_millis: i64,
    events: i64,
    bytes: i64,
    first_seen_ms: i64,
    last_seen_ms: i64,
}

impl TryFrom<Row> for Flow {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let key: FlowKey = row.flow_key.try_into().map_err(|_| StoreError::Unreadable { column: "flow_key" })?;
        Ok(Self {
            key,
            agent: row.agent_id.into(),
            principal: row.principal_id.map(PrincipalId),
            principal_name: row.principal_name,
            client_id: row.client_id,
            protocol: from_text("protocol", row.protocol)?,
            direction: from_text("direction", row.direction)?,
            address: row.address,
            example_topic: row.example_topic,
            broker: row.broker_id.map(Into::into),
            broker_topic: row.broker_topic,
            route: row.route_id.map(Into::into),
            shape: row.shape,
            rate: per_second(row.rate_millis),
            events: from_i64("events", row.events)?,
            bytes: from_i64("bytes", row.bytes)?,
            first_seen_ms: row.first_seen_ms,
            last_seen_ms: row.last_seen_ms,
            schemas: Vec::new(),
        })
    }
}

impl Tx {
    /// Adds one window of a flow to what is known of it.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_flow(&mut self, environment: EnvironmentId, flow: &Flow) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into flow (flow_key, environment_id, agent_id, principal_id, principal_name, client_id, protocol,
                 direction, address, example_topic, broker_id, broker_topic, route_id, shape, rate_millis, events, bytes,
                 first_seen_ms, last_seen_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
                 on conflict (flow_key) do update set
                 example_topic = excluded.example_topic,
                 principal_id = excluded.principal_id,
                 shape = coalesce(excluded.shape, flow.shape),
                 rate_millis = excluded.rate_millis,
                 events = flow.events + excluded.events,
                 bytes = flow.bytes + excluded.bytes,
                 last_seen_ms = excluded.last_seen_ms",
            )
            .bind(flow.key.as_slice())
            .bind(environment.0)
            .bind(flow.agent.0)
            .bind(flow.principal.map(|id| id.0))
            .bind(flow.principal_name.as_str())
            .bind(flow.client_id.as_str())
            .bind(to_text(&flow.protocol))
            .bind(to_text(&flow.direction))
            .bind(flow.address.as_str())
            .bind(flow.example_topic.as_str())
            .bind(flow.broker.map(|id| id.0))
            .bind(flow.broker_topic.as_deref())
            .bind(flow.route.map(|id| id.0))
            .bind(flow.shape.as_deref())
            .bind(millis(flow.rate))
            .bind(to_i64(flow.events))
            .bind(to_i64(flow.bytes))
            .bind(flow.first_seen_ms)
            .bind(flow.last_seen_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        for named in &flow.schemas {
            self.add_flow_schema(&flow.key, named).await?;
        }
        Ok(())
    }

    /// The addresses an agent reported so far.
    ///
    /// # Errors
    /// The database's.
    pub async fn addresses_of(&mut self, agent: AgentId) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = on_db!(self, |conn| {
            sqlx::query_as("select distinct address from flow where agent_id = $1").bind(agent.0).fetch_all(conn).await
        })?;
        Ok(rows.into_iter().map(|(address,)| address).collect())
    }

    /// Forgets an agent's flows at an address.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_address(&mut self, agent: AgentId, address: &str) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from flow where agent_id = $1 and address = $2")
                .bind(agent.0)
                .bind(address)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// All flows seen since a time, most recent first.
    ///
    /// # Errors
    /// The database's.
    pub async fn flows(&mut self, environment: EnvironmentId, since_ms: i64) -> Result<Vec<Flow>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select flow_key, agent_id, principal_id, principal_name, client_id, protocol, direction, address,
                 example_topic, broker_id, broker_topic, route_id, shape, rate_millis, events, bytes, first_seen_ms,
                 last_seen_ms
                 from flow where environment_id = $1 and last_seen_ms >= $2 order by last_seen_ms desc limit 50000",
            )
            .bind(environment.0)
            .bind(since_ms)
            .fetch_all(conn)
            .await
        })?;
        let mut flows = rows.into_iter().map(TryInto::try_into).collect::<Result<Vec<Flow>>>()?;
        self.name_schemas(environment, since_ms, &mut flows).await?;
        Ok(flows)
    }

    /// Adds events to a series in the slot of a time.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_sample(&mut self, series: &str, at_ms: i64, events: u64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into sample (series, slot_ms, events) values ($1, $2, $3)
                 on conflict (series, slot_ms) do update set events = sample.events + excluded.events",
            )
            .bind(series)
            .bind(slot(at_ms))
            .bind(to_i64(events))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Events per second of a series, one value per slot of the last ten minutes, oldest first, zero where nothing
    /// was seen; the slot under way is left out.
    ///
    /// # Errors
    /// The database's.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    pub async fn history(&mut self, series: &str, now_ms: i64) -> Result<Vec<f64>> {
        let first = slot(now_ms) - (SLOTS_KEPT - 1) * SLOT_MS;
        let rows = self.samples(series, first).await?;
        let rate = |slot_ms: i64| {
            let found = rows.iter().find(|(at, _)| *at == slot_ms).map_or(0, |(_, events)| *events);
            found as f64 * 1_000.0 / SLOT_MS as f64
        };
        let known = rows.first().map_or(SLOTS_KEPT - 1, |(at, _)| (at - first) / SLOT_MS);
        Ok((known..SLOTS_KEPT - 1).map(|index| rate(first + index * SLOT_MS)).collect())
    }

    /// What a series has since a slot: slots and numbers, the oldest first.
    async fn samples(&mut self, series: &str, first_ms: i64) -> Result<Vec<(i64, i64)>> {
        let rows = on_db!(self, |conn| {
            sqlx::query_as("select slot_ms, events from sample where series = $1 and slot_ms >= $2 order by slot_ms")
                .bind(series)
                .bind(first_ms)
                .fetch_all(conn)
                .await
        })?;
        Ok(rows)
    }

    /// Sets the level of a series in the slot of a time.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_sample(&mut self, series: &str, at_ms: i64, level: u64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into sample (series, slot_ms, events) values ($1, $2, $3)
                 on conflict (series, slot_ms) do update set events = excluded.events",
            )
            .bind(series)
            .bind(slot(at_ms))
            .bind(to_i64(level))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// The level of a series in each slot of the last ten minutes, oldest first, which stays until another one was set;
    /// from the first one that was set on.
    ///
    /// # Errors
    /// The database's.
    pub async fn levels(&mut self, series: &str, now_ms: i64) -> Result<Vec<u64>> {
        let first = slot(now_ms) - (SLOTS_KEPT - 1) * SLOT_MS;
        let rows = self.samples(series, first).await?;
        let mut levels = Vec::new();
        let mut rows = rows.into_iter().peekable();
        for slot_ms in (0..SLOTS_KEPT).map(|index| first + index * SLOT_MS) {
            match rows.next_if(|(at, _)| *at == slot_ms) {
                Some((_, level)) => levels.push(from_i64("events", level)?),
                None => levels.extend(levels.last().copied()),
            }
        }
        Ok(levels)
    }

    /// Removes samples, flows and what is known of their schemas that are older than they are kept.
    ///
    /// # Errors
    /// The database's.
    pub async fn prune_flows(&mut self, now_ms: i64, retention_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from sample where slot_ms < $1")
                .bind(slot(now_ms) - SLOTS_KEPT * SLOT_MS)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        on_db!(self, |conn| {
            sqlx::query("delete from flow where last_seen_ms < $1")
                .bind(now_ms - retention_ms)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        self.prune_flow_schemas(now_ms - retention_ms).await
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
pub(super) fn per_second(millis: i64) -> f64 {
    millis as f64 / 1_000.0
}

fn slot(at_ms: i64) -> i64 {
    at_ms.div_euclid(SLOT_MS) * SLOT_MS
}

#[expect(clippy::cast_possible_truncation, reason = "saturates, and a rate is far below")]
pub(super) fn millis(rate: f64) -> i64 {
    (rate * 1_000.0).round() as i64
}
