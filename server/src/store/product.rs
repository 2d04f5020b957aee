//! Plans with all their terms, and publications.

use std::collections::HashMap;

use mesh_protocol::id::{EnvironmentId, PlanId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Result, StoreError, Tx, from_i64, from_text, must_hit, to_i64, to_text};
use crate::domain::product::plan::{Plan, Spec};
use crate::domain::product::publication::{Places, Publication};

#[derive(sqlx::FromRow)]
struct PlanRow {
    plan_id: Uuid,
    design_object_id: Uuid,
    state: String,
    number: i64,
    spec: Json<Spec>,
    authors: Json<Vec<String>>,
    asked_at_ms: Option<i64>,
    change: Option<Json<Spec>>,
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    updated_by: String,
}

impl TryFrom<PlanRow> for Plan {
    type Error = StoreError;
    fn try_from(row: PlanRow) -> Result<Self> {
        Ok(Self {
            id: row.plan_id.into(),
            product: row.design_object_id.into(),
            state: from_text("state", row.state)?,
            number: from_i64("number", row.number)?,
            spec: row.spec.0,
            authors: row.authors.0,
            asked_at_ms: row.asked_at_ms,
            change: row.change.map(|change| change.0),
            revision: from_i64("revision", row.revision)?,
            created_at_ms: row.created_at_ms,
            updated_at_ms: row.updated_at_ms,
            updated_by: row.updated_by,
        })
    }
}

#[derive(sqlx::FromRow)]
struct TermsRow {
    plan_id: Uuid,
    number: i64,
    spec: Json<Spec>,
}

#[derive(sqlx::FromRow)]
struct PublicationRow {
    publication_id: Uuid,
    design_object_id: Uuid,
    design_version_id: Uuid,
    places: Json<Places>,
    policy_revision: i64,
    withdrawn_at_ms: Option<i64>,
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    updated_by: String,
}

impl TryFrom<PublicationRow> for Publication {
    type Error = StoreError;
    fn try_from(row: PublicationRow) -> Result<Self> {
        Ok(Self {
            id: row.publication_id.into(),
            product: row.design_object_id.into(),
            version: row.design_version_id.into(),
            places: row.places.0,
            policy_revision: from_i64("policy_revision", row.policy_revision)?,
            withdrawn_at_ms: row.withdrawn_at_ms,
            revision: from_i64("revision", row.revision)?,
            created_at_ms: row.created_at_ms,
            updated_at_ms: row.updated_at_ms,
            updated_by: row.updated_by,
        })
    }
}

impl Tx {
    /// All plans with the terms that are offered now, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn plans(&mut self, environment: EnvironmentId) -> Result<Vec<Plan>> {
        let rows: Vec<PlanRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select p.plan_id, p.design_object_id, p.state, p.number, t.spec, p.authors, p.asked_at_ms, p.change,
                 p.revision, p.created_at_ms, p.updated_at_ms, p.updated_by
                 from plan p
                 join plan_terms t on t.plan_id = p.plan_id and t.number = p.number
                 join design_object o on o.design_object_id = p.design_object_id
                 where o.environment_id = $1 order by p.plan_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The terms of all plans under each of their numbers.
    ///
    /// # Errors
    /// The database's.
    pub async fn plan_terms(&mut self, environment: EnvironmentId) -> Result<HashMap<(PlanId, u32), Spec>> {
        let rows: Vec<TermsRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select t.plan_id, t.number, t.spec
                 from plan_terms t
                 join plan p on p.plan_id = t.plan_id
                 join design_object o on o.design_object_id = p.design_object_id
                 where o.environment_id = $1",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(|row| Ok(((row.plan_id.into(), from_i64("number", row.number)?), row.spec.0))).collect()
    }

    /// A new plan.
    ///
    /// # Errors
    /// The product is gone, or the database's.
    pub async fn insert_plan(&mut self, new: &Plan) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into plan (plan_id, design_object_id, name, state, number, authors, asked_at_ms, change, revision,
                 created_at_ms, updated_at_ms, updated_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            )
            .bind(new.id.0)
            .bind(new.product.0)
            .bind(new.spec.name.as_str())
            .bind(to_text(&new.state))
            .bind(i64::from(new.number))
            .bind(Json(&new.authors))
            .bind(new.asked_at_ms)
            .bind(new.change.as_ref().map(Json))
            .bind(to_i64(new.revision))
            .bind(new.created_at_ms)
            .bind(new.updated_at_ms)
            .bind(new.updated_by.as_str())
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        self.save_terms(new).await
    }

    /// Writes a plan over the revision it was read at. Terms under a new number stand beside the earlier ones.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn update_plan(&mut self, plan: &Plan, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update plan set name = $3, state = $4, number = $5, updated_at_ms = $6, updated_by = $7, authors = $8,
                 asked_at_ms = $9, change = $10, revision = revision + 1 where plan_id = $1 and revision = $2",
            )
            .bind(plan.id.0)
            .bind(to_i64(revision))
            .bind(plan.spec.name.as_str())
            .bind(to_text(&plan.state))
            .bind(i64::from(plan.number))
            .bind(plan.updated_at_ms)
            .bind(plan.updated_by.as_str())
            .bind(Json(&plan.authors))
            .bind(plan.asked_at_ms)
            .bind(plan.change.as_ref().map(Json))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("plan", rows)?;
        self.save_terms(plan).await
    }

    async fn save_terms(&mut self, plan: &Plan) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into plan_terms (plan_id, number, spec) values ($1, $2, $3)
                 on conflict (plan_id, number) do update set spec = excluded.spec",
            )
            .bind(plan.id.0)
            .bind(i64::from(plan.number))
            .bind(Json(&plan.spec))
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Removes a plan with all its terms.
    ///
    /// # Errors
    /// It changed meanwhile, somebody has it, or the database's.
    pub async fn delete_plan(&mut self, id: PlanId, revision: u64) -> Result<()> {
        self.delete_at("plan", "delete from plan where plan_id = $1 and revision = $2", id.0, revision).await
    }

    /// All publications, withdrawn ones included, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn publications(&mut self, environment: EnvironmentId) -> Result<Vec<Publication>> {
        let rows: Vec<PublicationRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select p.publication_id, v.design_object_id, p.design_version_id, p.places, p.policy_revision, p.withdrawn_at_ms,
                 p.revision, p.created_at_ms, p.updated_at_ms, p.updated_by
                 from publication p
                 join design_version v on v.design_version_id = p.design_version_id
                 join design_object o on o.design_object_id = v.design_object_id
                 where o.environment_id = $1 order by p.publication_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A new publication.
    ///
    /// # Errors
    /// The version is published already, or gone; or the database's.
    pub async fn insert_publication(&mut self, new: &Publication) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into publication (publication_id, design_version_id, places, policy_revision,
                 withdrawn_at_ms, revision, created_at_ms, updated_at_ms, updated_by)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(new.id.0)
            .bind(new.version.0)
            .bind(Json(&new.places))
            .bind(to_i64(new.policy_revision))
            .bind(new.withdrawn_at_ms)
            .bind(to_i64(new.revision))
            .bind(new.created_at_ms)
            .bind(new.updated_at_ms)
            .bind(new.updated_by.as_str())
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Writes a publication over the revision it was read at.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn update_publication(&mut self, publication: &Publication, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update publication set places = $3, policy_revision = $4, withdrawn_at_ms = $5, updated_at_ms = $6,
                 updated_by = $7, revision = revision + 1 where publication_id = $1 and revision = $2",
            )
            .bind(publication.id.0)
            .bind(to_i64(revision))
            .bind(Json(&publication.places))
            .bind(to_i64(publication.policy_revision))
            .bind(publication.withdrawn_at_ms)
            .bind(publication.updated_at_ms)
            .bind(publication.updated_by.as_str())
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("publication", rows)
    }
}
