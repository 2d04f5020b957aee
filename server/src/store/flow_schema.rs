//! Which schemas the payloads of flows named.

use std::collections::HashMap;

use mesh_protocol::id::EnvironmentId;
use mesh_protocol::schema_id::SchemaId;

use super::flow::{millis, per_second};
use super::{Result, StoreError, Tx, from_i64, to_i64};
use crate::domain::flow::{Flow, FlowKey, NamedSchema, SCHEMAS_KEPT};

#[derive(sqlx::FromRow)]
struct Row {
    flow_key: Vec<u8>,
    schema_id: i64,
    rate_millis: i64,
    events: i64,
    first_seen_ms: i64,
    last_seen_ms: i64,
}

impl TryFrom<Row> for (FlowKey, NamedSchema) {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let key: FlowKey = row.flow_key.try_into().map_err(|_| StoreError::Unreadable { column: "flow_key" })?;
        let id = u32::try_from(row.schema_id).ok().and_then(SchemaId::new);
        let named = NamedSchema {
            id: id.ok_or(StoreError::Unreadable { column: "schema_id" })?,
            rate: per_second(row.rate_millis),
            events: from_i64("events", row.events)?,
            first_seen_ms: row.first_seen_ms,
            last_seen_ms: row.last_seen_ms,
        };
        Ok((key, named))
    }
}

impl Tx {
    /// Adds what one window of a flow showed of a schema.
    pub(super) async fn add_flow_schema(&mut self, flow: &FlowKey, named: &NamedSchema) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into flow_schema (flow_key, schema_id, rate_millis, events, first_seen_ms, last_seen_ms)
                 values ($1, $2, $3, $4, $5, $6)
                 on conflict (flow_key, schema_id) do update set
                 rate_millis = excluded.rate_millis,
                 events = flow_schema.events + excluded.events,
                 last_seen_ms = excluded.last_seen_ms",
            )
            .bind(flow.as_slice())
            .bind(i64::from(named.id.get()))
            .bind(millis(named.rate))
            .bind(to_i64(named.events))
            .bind(named.first_seen_ms)
            .bind(named.last_seen_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Puts to each flow the schemas that it was seen with since a time, those of the most events first.
    pub(super) async fn name_schemas(
        &mut self,
        environment: EnvironmentId,
        since_ms: i64,
        flows: &mut [Flow],
    ) -> Result<()> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select flow_schema.flow_key, schema_id, flow_schema.rate_millis, flow_schema.events,
                 flow_schema.first_seen_ms, flow_schema.last_seen_ms
                 from flow_schema join flow on flow.flow_key = flow_schema.flow_key
                 where environment_id = $1 and flow_schema.last_seen_ms >= $2
                 order by flow_schema.events desc, schema_id",
            )
            .bind(environment.0)
            .bind(since_ms)
            .fetch_all(conn)
            .await
        })?;
        let mut by_flow: HashMap<FlowKey, Vec<NamedSchema>> = HashMap::new();
        for row in rows {
            let (key, named) = row.try_into()?;
            by_flow.entry(key).or_default().push(named);
        }
        for flow in flows {
            flow.schemas = by_flow.remove(&flow.key).unwrap_or_default();
        }
        Ok(())
    }

    /// Removes what was seen last before a time, and of each flow all but those seen last.
    pub(super) async fn prune_flow_schemas(&mut self, before_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "delete from flow_schema where last_seen_ms < $1 or (flow_key, schema_id) in (
                 select flow_key, schema_id from (
                 select flow_key, schema_id, row_number() over (
                 partition by flow_key order by last_seen_ms desc, events desc, schema_id) as place from flow_schema
                 ) as ranked where place > $2)",
            )
            .bind(before_ms)
            .bind(i64::from(SCHEMAS_KEPT))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }
}
