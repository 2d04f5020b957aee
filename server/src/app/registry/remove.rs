//! Versions and subjects that go: softly first, which is retirement, then for good.

use frontend::api::LiveTopic;

use super::Result;
use crate::app::edit::Done;
use crate::app::permission::Right;
use crate::app::{App, Caller, Error};
use crate::domain::registry::Subject;

impl App {
    /// Deletes a subject and gives the numbers that went.
    ///
    /// # Errors
    /// The caller may not, it is not there or not in that state, others are built on it, or the database's.
    pub async fn registry_delete_subject(
        &self,
        caller: &Caller,
        subject: &str,
        is_permanent: bool,
    ) -> Result<Vec<u32>> {
        self.registry_delete(caller, subject, None, is_permanent).await
    }

    /// Deletes one version, without a number the newest, and gives its number.
    ///
    /// # Errors
    /// As [`App::registry_delete_subject`].
    pub async fn registry_delete_version(
        &self,
        caller: &Caller,
        subject: &str,
        number: Option<u32>,
        is_permanent: bool,
    ) -> Result<u32> {
        let gone = self.registry_delete(caller, subject, Some(number), is_permanent).await?;
        Ok(gone.into_iter().next().ok_or(Error::Internal("a deletion took nothing"))?)
    }

    async fn registry_delete(
        &self,
        caller: &Caller,
        name: &str,
        version: Option<Option<u32>>,
        is_permanent: bool,
    ) -> Result<Vec<u32>> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let (registry, graph) = (&designs.registry, designs.graph());
        let delete = match version {
            None => registry.delete_subject(name, is_permanent, &graph)?,
            Some(number) => registry.delete_version(name, number, is_permanent, &graph)?,
        };
        let subject = registry.subject(name).ok_or(Error::Internal("a subject with versions is not there"))?;
        let by = edit.actor().to_owned();
        for one in &delete.versions {
            if is_permanent {
                edit.tx.delete_registered_version(one).await?;
            } else {
                let version = designs.version(one.design)?;
                edit.tx.update_design_version(&version.withdrawn(&by, edit.now_ms), version.revision).await?;
            }
        }
        if delete.is_all && (subject.level.is_some() || subject.mode.is_some()) {
            edit.tx.update_subject(&Subject { level: None, mode: None, ..subject.clone() }).await?;
        }
        let numbers: Vec<u32> = delete.versions.iter().map(|one| one.version).collect();
        let list = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let how = if is_permanent { "removed for good" } else { "deleted" };
        let summary = format!("{how} from the subject {name} the versions {list}");
        let object = subject.object.map_or_else(|| name.to_owned(), |object| object.to_string());
        let done = Done::new("design.unregister", object, &summary, LiveTopic::Catalog);
        let before = serde_json::json!({ "subject": name, "versions": numbers, "permanent": is_permanent });
        edit.finish(done.before(&before)).await?;
        Ok(numbers)
    }
}
