//! Applications.

use frontend::api::{ApplicationInput, ApplicationView, Edit, LiveTopic};
use mesh_protocol::id::ApplicationId;
use uuid::Uuid;

use super::edit::Done;
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::Snapshot;
use super::{App, Caller, Error, Result};
use crate::domain::application::{Application, Spec};

impl App {
    /// All applications.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn applications(&self, caller: &Caller) -> Result<Vec<ApplicationView>> {
        caller.permit(Right::Read)?;
        let snapshot = self.snapshot().await?;
        Ok(snapshot.applications.iter().map(|application| view(application, &snapshot)).collect())
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
        edit.finish(done("application.create", application.id, &summary)).await?;
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
        let spec = spec(input.value);
        spec.check()?;
        let now_ms = edit.now_ms;
        edit.tx.update_application(id, &spec, seen(input.revision), now_ms).await?;
        let summary = format!("changed the application {}", spec.name);
        edit.finish(done("application.update", id, &summary)).await?;
        self.application_view(id).await
    }

    /// Removes an application that has no clients.
    ///
    /// # Errors
    /// The caller may not, it has clients or is stale, or the database's.
    pub async fn delete_application(&self, caller: &Caller, id: ApplicationId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::ApplicationWrite)?).await?;
        let clients = edit.tx.principals(self.environment()).await?;
        let clients = clients.iter().filter(|principal| principal.application == Some(id)).count();
        if clients > 0 {
            return Err(Error::Conflict(format!(
                "{clients} clients belong to this application: move or remove them first"
            )));
        }
        edit.tx.delete_application(id, seen(revision)).await?;
        edit.finish(done("application.delete", id, "removed an application")).await
    }

    async fn application_view(&self, id: ApplicationId) -> Result<ApplicationView> {
        let snapshot = self.snapshot().await?;
        let found = snapshot.applications.iter().find(|application| application.id == id);
        found.map(|application| view(application, &snapshot)).ok_or(Error::NotFound { what: "application" })
    }
}

fn done<'a>(action: &'a str, id: ApplicationId, summary: &'a str) -> Done<'a> {
    Done { action, object: id.to_string(), summary, topic: LiveTopic::Access, before: None, after: None }
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
        description: application.spec.description.clone(),
        principals: snapshot.mesh.principals.iter().filter(of_it).count() as u64,
    }
}
