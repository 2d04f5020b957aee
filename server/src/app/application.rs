//! Applications.

use frontend::api::{ApplicationInput, ApplicationView, Edit, ListQuery, LiveTopic, Page};
use mesh_protocol::id::ApplicationId;
use uuid::Uuid;

use super::edit::{self, Done};
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::Snapshot;
use super::{App, Caller, Error, Result};
use crate::domain::application::{Application, Spec};

impl App {
    /// Applications, by name.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn applications(&self, caller: &Caller, query: ListQuery) -> Result<Page<ApplicationView>> {
        caller.permit(Right::MeshRead)?;
        let snapshot = self.snapshot().await?;
        let key = |application: &&Application| application.spec.name.clone();
        let page = page(snapshot.applications.iter().collect(), Slice::of_list(&query), key)?;
        Ok(page.map(|application| view(application, &snapshot)))
    }

    /// Makes an application.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_application(&self, caller: &Caller, input: ApplicationInput) -> Result<ApplicationView> {
        let mut edit = self.edit(caller.permit(Right::ApplicationWrite)?).await?;
        let application = Application { id: ApplicationId(Uuid::now_v7()), spec: spec(input), revision: 1 };
        application.spec.check()?;
        let now_ms = edit.now_ms;
        edit.tx.insert_application(self.environment(), &application, now_ms).await?;
        let summary = format!("added the application {}", application.spec.name);
        let done = done("application.create", application.id, &summary);
        edit.finish(done.after(&config(&application.spec))).await?;
        self.application_view(application.id).await
    }

    /// Changes an application.
    ///
    /// # Errors
    /// The caller may not, the input is wrong or stale, or the database's.
    pub async fn update_application(
        &self,
        caller: &Caller,
        id: ApplicationId,
        input: Edit<ApplicationInput>,
    ) -> Result<ApplicationView> {
        let mut edit = self.edit(caller.permit(Right::ApplicationWrite)?).await?;
        let old = self.find_application(&mut edit, id).await?;
        let spec = spec(input.value);
        spec.check()?;
        let now_ms = edit.now_ms;
        edit.tx.update_application(id, &spec, seen(input.revision), now_ms).await?;
        let summary = format!("changed the application {}", spec.name);
        let done = done("application.update", id, &summary);
        edit.finish(done.before(&config(&old.spec)).after(&config(&spec))).await?;
        self.application_view(id).await
    }

    /// Removes an application that has no clients.
    ///
    /// # Errors
    /// The caller may not, it has clients or is stale, or the database's.
    pub async fn delete_application(&self, caller: &Caller, id: ApplicationId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::ApplicationWrite)?).await?;
        let old = self.find_application(&mut edit, id).await?;
        let clients = edit.tx.principals(self.environment()).await?;
        let clients = clients.iter().filter(|principal| principal.application == Some(id)).count();
        if clients > 0 {
            return Err(Error::Conflict(format!(
                "{clients} clients belong to this application: move or remove them first"
            )));
        }
        edit.tx.delete_application(id, seen(revision)).await?;
        let summary = format!("removed the application {}", old.spec.name);
        edit.finish(done("application.delete", id, &summary).before(&config(&old.spec))).await
    }

    async fn find_application(&self, edit: &mut edit::Edit, id: ApplicationId) -> Result<Application> {
        let applications = edit.tx.applications(self.environment()).await?;
        let found = applications.into_iter().find(|application| application.id == id);
        found.ok_or(Error::NotFound { what: "application" })
    }

    async fn application_view(&self, id: ApplicationId) -> Result<ApplicationView> {
        let snapshot = self.snapshot().await?;
        let found = snapshot.applications.iter().find(|application| application.id == id);
        found.map(|application| view(application, &snapshot)).ok_or(Error::NotFound { what: "application" })
    }
}

fn done<'a>(action: &'a str, id: ApplicationId, summary: &'a str) -> Done<'a> {
    Done::new(action, id, summary, LiveTopic::Access)
}

/// An application as the API takes it.
pub(super) fn config(spec: &Spec) -> ApplicationInput {
    ApplicationInput { name: spec.name.clone(), owner: spec.owner.clone(), description: spec.description.clone() }
}

fn spec(input: ApplicationInput) -> Spec {
    Spec { name: input.name, owner: input.owner, description: input.description }
}

fn view(application: &Application, snapshot: &Snapshot) -> ApplicationView {
    let of_it = |principal: &&crate::domain::principal::Principal| principal.application == Some(application.id);
    ApplicationView {
        id: application.id,
        revision: shown(application.revision),
        name: application.spec.name.clone(),
        owner: application.spec.owner.clone(),
        team: snapshot.team_named(&application.spec.owner),
        description: application.spec.description.clone(),
        principals: snapshot.mesh.principals.iter().filter(of_it).count() as u64,
    }
}
