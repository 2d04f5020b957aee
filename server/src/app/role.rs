//! Mesh roles. One edit of a role or its rules takes effect for all its clients at all sites.

use frontend::api::{Edit, ListQuery, LiveTopic, Page, RoleInput, RoleView};
use mesh_protocol::id::RoleId;
use mesh_protocol::policy::Subject;
use uuid::Uuid;

use super::edit::{self, Done};
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::Snapshot;
use super::{App, Caller, Error, Result};
use crate::domain::role::{self, Role};

impl App {
    /// Mesh roles, by name.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn roles(&self, caller: &Caller, query: ListQuery) -> Result<Page<RoleView>> {
        caller.permit(Right::MeshRead)?;
        let snapshot = self.snapshot().await?;
        let page =
            page(snapshot.mesh.roles.iter().collect(), Slice::of_list(&query), |role: &&Role| role.name.clone())?;
        Ok(page.map(|role| view(role, &snapshot)))
    }

    /// Makes a mesh role.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_role(&self, caller: &Caller, input: RoleInput) -> Result<RoleView> {
        let mut edit = self.edit(caller.permit(Right::RoleWrite)?).await?;
        role::check(&input.name, &input.description)?;
        let id = RoleId(Uuid::now_v7());
        let role = Role { id, name: input.name, description: input.description, revision: 1 };
        let summary = format!("added the role {}", role.name);
        edit.take_revision(&summary).await?;
        let now_ms = edit.now_ms;
        edit.tx.insert_role(self.environment(), &role, now_ms).await?;
        edit.finish(done("role.create", id, &summary).after(&config(&role))).await?;
        self.role_view(id).await
    }

    /// Changes a mesh role.
    ///
    /// # Errors
    /// The caller may not, the input is wrong or stale, or the database's.
    pub async fn update_role(&self, caller: &Caller, id: RoleId, input: Edit<RoleInput>) -> Result<RoleView> {
        let mut edit = self.edit(caller.permit(Right::RoleWrite)?).await?;
        let old = self.find_role(&mut edit, id).await?;
        role::check(&input.value.name, &input.value.description)?;
        let role = Role { id, name: input.value.name, description: input.value.description, revision: 0 };
        let summary = format!("changed the role {}", role.name);
        edit.take_revision(&summary).await?;
        let now_ms = edit.now_ms;
        edit.tx.update_role(&role, seen(input.revision), now_ms).await?;
        edit.finish(done("role.update", id, &summary).before(&config(&old)).after(&config(&role))).await?;
        self.role_view(id).await
    }

    /// Removes a mesh role that no client has, with its rules.
    ///
    /// # Errors
    /// The caller may not, clients have it, it is stale, or the database's.
    pub async fn delete_role(&self, caller: &Caller, id: RoleId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::RoleWrite)?).await?;
        let old = self.find_role(&mut edit, id).await?;
        let clients = edit.tx.principals(self.environment()).await?;
        let clients = clients.iter().filter(|principal| principal.roles.contains(&id)).count();
        if clients > 0 {
            return Err(Error::Conflict(format!("{clients} clients have this role: take it from them first")));
        }
        let summary = format!("removed the role {}", old.name);
        edit.take_revision(&summary).await?;
        edit.tx.delete_rules_about(Subject::Role(id)).await?;
        edit.tx.delete_role(id, seen(revision)).await?;
        edit.finish(done("role.delete", id, &summary).before(&config(&old))).await
    }

    async fn find_role(&self, edit: &mut edit::Edit, id: RoleId) -> Result<Role> {
        let roles = edit.tx.roles(self.environment()).await?;
        roles.into_iter().find(|role| role.id == id).ok_or(Error::NotFound { what: "role" })
    }

    async fn role_view(&self, id: RoleId) -> Result<RoleView> {
        let snapshot = self.snapshot().await?;
        let found = snapshot.mesh.roles.iter().find(|role| role.id == id);
        found.map(|role| view(role, &snapshot)).ok_or(Error::NotFound { what: "role" })
    }
}

fn done<'a>(action: &'a str, id: RoleId, summary: &'a str) -> Done<'a> {
    Done::new(action, id, summary, LiveTopic::Access)
}

fn config(role: &Role) -> RoleInput {
    RoleInput { name: role.name.clone(), description: role.description.clone() }
}

fn view(role: &Role, snapshot: &Snapshot) -> RoleView {
    let mesh = &snapshot.mesh;
    RoleView {
        id: role.id,
        revision: shown(role.revision),
        name: role.name.clone(),
        description: role.description.clone(),
        principals: mesh.principals.iter().filter(|principal| principal.roles.contains(&role.id)).count() as u64,
        rules: mesh.rules.iter().filter(|rule| rule.policy.subject == Subject::Role(role.id)).count() as u64,
    }
}
