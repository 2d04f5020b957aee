//! Teams, and what names them as its owner.

use std::collections::BTreeMap;

use mesh_protocol::id::{EnvironmentId, TeamId};
use uuid::Uuid;

use super::{Result, Tx, from_i64, must_hit, to_i64};
use crate::domain::team::{Member, Owned, Spec, Team};

#[derive(sqlx::FromRow)]
struct Row {
    team_id: Uuid,
    name: String,
    description: String,
    contact: String,
    updated_by: String,
    revision: i64,
    updated_at_ms: i64,
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    team_id: Uuid,
    person_id: Uuid,
    is_lead: bool,
}

/// What names an owner and says who changed it last. Applications do not say that.
const HAND_OVER: [&str; 3] = [
    "update application_domain set owner = $3, updated_by = $4, updated_at_ms = $5, revision = revision + 1
     where environment_id = $1 and owner = $2",
    "update design_object set owner = $3, updated_by = $4, updated_at_ms = $5, revision = revision + 1
     where environment_id = $1 and owner = $2",
    "update catalog_note set owner = $3, updated_by = $4, updated_at_ms = $5, revision = revision + 1
     where environment_id = $1 and owner = $2",
];

impl Tx {
    /// All teams, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn teams(&mut self, environment: EnvironmentId) -> Result<Vec<Team>> {
        let rows: Vec<Row> = on_db!(self, |conn| {
            sqlx::query_as(
                "select team_id, name, description, contact, updated_by, revision, updated_at_ms
                 from team where environment_id = $1 order by name",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        let members: Vec<MemberRow> = on_db!(self, |conn| {
            sqlx::query_as(
                "select m.team_id, m.person_id, m.is_lead from team_member m join team t on t.team_id = m.team_id
                 where t.environment_id = $1 order by m.person_id",
            )
            .bind(environment.0)
            .fetch_all(conn)
            .await
        })?;
        let mut by_team: BTreeMap<Uuid, Vec<Member>> = BTreeMap::new();
        for row in members {
            let member = Member { person: row.person_id.into(), is_lead: row.is_lead };
            by_team.entry(row.team_id).or_default().push(member);
        }
        let team = |row: Row| {
            Ok(Team {
                id: row.team_id.into(),
                spec: Spec {
                    name: row.name,
                    description: row.description,
                    contact: row.contact,
                    members: by_team.remove(&row.team_id).unwrap_or_default(),
                },
                revision: from_i64("revision", row.revision)?,
                updated_at_ms: row.updated_at_ms,
                updated_by: row.updated_by,
            })
        };
        rows.into_iter().map(team).collect()
    }

    /// A new team with its members.
    ///
    /// # Errors
    /// The name is taken, a member is gone, or the database's.
    pub async fn insert_team(&mut self, environment: EnvironmentId, new: &Team) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into team (team_id, environment_id, name, description, contact, updated_by, revision,
                 created_at_ms, updated_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
            )
            .bind(new.id.0)
            .bind(environment.0)
            .bind(new.spec.name.as_str())
            .bind(new.spec.description.as_str())
            .bind(new.spec.contact.as_str())
            .bind(new.updated_by.as_str())
            .bind(to_i64(new.revision))
            .bind(new.updated_at_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        self.insert_members(new).await
    }

    /// Writes a team with its members over the revision it was read at. What names it is another matter:
    /// [`Tx::hand_over`].
    ///
    /// # Errors
    /// It changed meanwhile, the name is taken, a member is gone, or the database's.
    pub async fn update_team(&mut self, team: &Team, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(
                "update team set name = $3, description = $4, contact = $5, updated_by = $6, updated_at_ms = $7,
                 revision = revision + 1 where team_id = $1 and revision = $2",
            )
            .bind(team.id.0)
            .bind(to_i64(revision))
            .bind(team.spec.name.as_str())
            .bind(team.spec.description.as_str())
            .bind(team.spec.contact.as_str())
            .bind(team.updated_by.as_str())
            .bind(team.updated_at_ms)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })?;
        must_hit("team", rows)?;
        on_db!(self, |conn| {
            sqlx::query("delete from team_member where team_id = $1").bind(team.id.0).execute(conn).await.map(|_| ())
        })?;
        self.insert_members(team).await
    }

    async fn insert_members(&mut self, team: &Team) -> Result<()> {
        for member in &team.spec.members {
            on_db!(self, |conn| {
                sqlx::query("insert into team_member (team_id, person_id, is_lead) values ($1, $2, $3)")
                    .bind(team.id.0)
                    .bind(member.person.0)
                    .bind(member.is_lead)
                    .execute(conn)
                    .await
                    .map(|_| ())
            })?;
        }
        Ok(())
    }

    /// Removes a team; its members stay people.
    ///
    /// # Errors
    /// It changed meanwhile, or the database's.
    pub async fn delete_team(&mut self, id: TeamId, revision: u64) -> Result<()> {
        self.delete_at("team", "delete from team where team_id = $1 and revision = $2", id.0, revision).await
    }

    /// What names somebody as its owner, each kind by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn owned_by(&mut self, environment: EnvironmentId, owner: &str) -> Result<Owned> {
        let domains = "select name from application_domain where environment_id = $1 and owner = $2 order by name";
        let designs = "select kind || ' ' || name from design_object where environment_id = $1 and owner = $2
                       order by kind, name";
        let applications = "select name from application where environment_id = $1 and owner = $2 order by name";
        let objects = "select object_key from catalog_note where environment_id = $1 and owner = $2
                       order by object_key";
        Ok(Owned {
            domains: self.names_of(domains, environment, owner).await?,
            designs: self.names_of(designs, environment, owner).await?,
            applications: self.names_of(applications, environment, owner).await?,
            objects: self.names_of(objects, environment, owner).await?,
        })
    }

    async fn names_of(&mut self, sql: &'static str, environment: EnvironmentId, owner: &str) -> Result<Vec<String>> {
        let rows: Vec<(String,)> =
            on_db!(self, |conn| sqlx::query_as(sql).bind(environment.0).bind(owner).fetch_all(conn).await)?;
        Ok(rows.into_iter().map(|(name,)| name).collect())
    }

    /// Gives everything that names one owner to another, as an edit of each.
    ///
    /// # Errors
    /// The database's.
    pub async fn hand_over(
        &mut self,
        environment: EnvironmentId,
        from: &str,
        to: &str,
        by: &str,
        now_ms: i64,
    ) -> Result<()> {
        for sql in HAND_OVER {
            on_db!(self, |conn| {
                sqlx::query(sql)
                    .bind(environment.0)
                    .bind(from)
                    .bind(to)
                    .bind(by)
                    .bind(now_ms)
                    .execute(conn)
                    .await
                    .map(|_| ())
            })?;
        }
        on_db!(self, |conn| {
            sqlx::query(
                "update application set owner = $3, updated_at_ms = $4, revision = revision + 1
                 where environment_id = $1 and owner = $2",
            )
            .bind(environment.0)
            .bind(from)
            .bind(to)
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }
}
