//! ACL rules.

use mesh_protocol::id::{EnvironmentId, PrincipalId, RuleId, SiteId};
use mesh_protocol::policy::{Rule as Policy, Subject};
use mesh_protocol::topic::Filter;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, must_hit, to_i64, to_text};
use crate::domain::rule::Rule;

#[derive(sqlx::FromRow)]
struct Row {
    rule_id: Uuid,
    subject_kind: String,
    subject_id: Option<Uuid>,
    action: String,
    effect: String,
    dialect: String,
    filter: String,
    sites: Json<Vec<SiteId>>,
    note: String,
    is_block: bool,
    since_revision: i64,
    updated_by: String,
    revision: i64,
    updated_at_ms: i64,
}

impl TryFrom<Row> for Rule {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let subject = match (row.subject_kind.as_str(), row.subject_id) {
            ("principal", Some(id)) => Subject::Principal(id.into()),
            ("role", Some(id)) => Subject::Role(id.into()),
            ("anyone", None) => Subject::Anyone,
            _ => return Err(StoreError::Unreadable { column: "subject_kind" }),
        };
        let dialect = from_text("dialect", row.dialect)?;
        Ok(Self {
            policy: Policy {
                id: row.rule_id.into(),
                subject,
                action: from_text("action", row.action)?,
                effect: from_text("effect", row.effect)?,
                filter: Filter::parse(&row.filter, dialect).map_err(|_| StoreError::Unreadable { column: "filter" })?,
                sites: row.sites.0,
            },
            note: row.note,
            is_block: row.is_block,
            since_revision: from_i64("since_revision", row.since_revision)?,
            revision: from_i64("revision", row.revision)?,
            updated_at_ms: row.updated_at_ms,
            updated_by: row.updated_by,
        })
    }
}

fn subject_columns(subject: Subject) -> (&'static str, Option<Uuid>) {
    match subject {
        Subject::Principal(id) => ("principal", Some(id.0)),
        Subject::Role(id) => ("role", Some(id.0)),
        Subject::Anyone => ("anyone", None),
    }
}

impl Tx {
    /// All rules, oldest first. The documents of the agents need them all; lists filter and page above.
    ///
    /// # Errors
    /// The database's.
    pub async fn rules(&mut self, environment: EnvironmentId) -> Result<Vec<Rule>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select rule_id, subject_kind, subject_id, action, effect, dialect, filter, sites, note, is_block,
                 since_revision, updated_by, revision, updated_at_ms
                 from rule where environment_id = $1 order by rule_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One rule.
    ///
    /// # Errors
    /// The database's.
    pub async fn rule(&mut self, id: RuleId) -> Result<Option<Rule>> {
        let row: Option<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select rule_id, subject_kind, subject_id, action, effect, dialect, filter, sites, note, is_block,
                 since_revision, updated_by, revision, updated_at_ms from rule where rule_id = $1",
            )
            .bind(id.0)
            .fetch_optional(conn)
            .await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// A new rule.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert_rule(&mut self, environment: EnvironmentId, rule: &Rule) -> Result<()> {
        let (subject_kind, subject_id) = subject_columns(rule.policy.subject);
        on_db!(self, |conn| {
            sqlx::query(
                "insert into rule (rule_id, environment_id, subject_kind, subject_id, action, effect, dialect, filter,
                 sites, note, is_block, since_revision, updated_by, revision, created_at_ms, updated_at_ms)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)",
            )
            .bind(rule.policy.id.0)
            .bind(environment.0)
            .bind(subject_kind)
            .bind(subject_id)
            .bind(to_text(&rule.policy.action))
            .bind(to_text(&rule.policy.effect))
            .bind(to_text(&rule.policy.filter.dialect()))
            .bind(rule.policy.filter.text())
            .bind(Json(&rule.policy.sites))
            .bind(rule.note.as_str())
            .bind(rule.is_block)
            .bind(to_i64(rule.since_revision))
            .bind(rule.updated_by.as_str())
            .bind(to_i64(rule.revision))
            .bind(rule.updated_at_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a rule over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn update_rule(&mut self, rule: &Rule, revision: u64) -> Result<()> {
        let (subject_kind, subject_id) = subject_columns(rule.policy.subject);
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update rule set subject_kind = $3, subject_id = $4, action = $5, effect = $6, dialect = $7, filter = $8,
                 sites = $9, note = $10, since_revision = $11, updated_by = $12, updated_at_ms = $13,
                 revision = revision + 1 where rule_id = $1 and revision = $2",
            )
            .bind(rule.policy.id.0)
            .bind(to_i64(revision))
            .bind(subject_kind)
            .bind(subject_id)
            .bind(to_text(&rule.policy.action))
            .bind(to_text(&rule.policy.effect))
            .bind(to_text(&rule.policy.filter.dialect()))
            .bind(rule.policy.filter.text())
            .bind(Json(&rule.policy.sites))
            .bind(rule.note.as_str())
            .bind(to_i64(rule.since_revision))
            .bind(rule.updated_by.as_str())
            .bind(rule.updated_at_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("rule", rows)
    }

    /// Removes a rule.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn delete_rule(&mut self, id: RuleId, revision: u64) -> Result<()> {
        self.delete_at("rule", "delete from rule where rule_id = $1 and revision = $2", id.0, revision).await
    }

    /// Removes the rules about a principal or role that goes; how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_rules_about(&mut self, subject: Subject) -> Result<u64> {
        let (kind, id) = subject_columns(subject);
        let rows = on_db!(self, |conn| {
            sqlx::query("delete from rule where subject_kind = $1 and subject_id = $2")
                .bind(kind)
                .bind(id)
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(rows)
    }

    /// Takes the block of a principal back; how many rules that were.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_blocks(&mut self, principal: PrincipalId) -> Result<u64> {
        let rows = on_db!(self, |conn| {
            sqlx::query("delete from rule where is_block = $2 and subject_id = $1")
                .bind(principal.0)
                .bind(true)
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(rows)
    }
}
