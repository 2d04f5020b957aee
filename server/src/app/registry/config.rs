//! What must stay readable, and what may be done: for the whole registry and for single subjects.

use frontend::api::{DesignLevelInput, DesignObjectView, LiveTopic};
use mesh_protocol::id::DesignObjectId;
use mesh_schema::Level;

use super::bind::new_subject;
use super::{Designs, Result};
use crate::app::design::{level_of, wrong};
use crate::app::edit::{Done, Edit};
use crate::app::permission::Right;
use crate::app::{App, Caller};
use crate::domain::design::Kind;
use crate::domain::registry::{Deleted, Mode, Refusal, Settings, Subject, check_subject};

impl App {
    /// What must stay readable: in a subject, or where no subject says otherwise.
    ///
    /// # Errors
    /// The caller may not, the subject says nothing and `or_global` does not help, or the database's.
    pub async fn registry_level(&self, caller: &Caller, subject: Option<&str>, or_global: bool) -> Result<Level> {
        caller.permit(Right::MeshRead)?;
        let registry = &self.designs().await?.registry;
        let Some(name) = subject else { return Ok(registry.settings().level) };
        match registry.subject(name).and_then(|subject| subject.level) {
            Some(level) => Ok(level),
            None if or_global => Ok(registry.level(name)),
            None => Err(Refusal::NoLevel(name.to_owned()).into()),
        }
    }

    /// Sets what must stay readable; none = for a subject what the registry demands, for the registry what a new one does.
    /// Gives what was set before.
    ///
    /// # Errors
    /// The caller may not, the mode forbids it, there is nothing to unset, or the database's.
    pub async fn registry_set_level(
        &self,
        caller: &Caller,
        subject: Option<&str>,
        level: Option<Level>,
    ) -> Result<Level> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let Some(name) = subject else {
            let old = designs.registry.settings();
            if old.mode.is_read_only() {
                return Err(Refusal::NotPermitted(
                    "The registry is in a read-only mode: set it to READWRITE".to_owned(),
                )
                .into());
            }
            let new = Settings { level: level.unwrap_or_default(), ..old };
            self.write_settings(edit, old, new).await?;
            return Ok(old.level);
        };
        let old = known_subject(&designs, name)?;
        designs.registry.check_writable(name)?;
        let before = designs.registry.level(name);
        if level.is_none() && old.level.is_none() {
            return Err(Refusal::NoSubject(name.to_owned()).into());
        }
        self.write_subject(edit, &designs, &old, Subject { level, ..old.clone() }).await?;
        Ok(before)
    }

    /// What may be done: with a subject, or where no subject says otherwise.
    ///
    /// # Errors
    /// The caller may not, the subject says nothing and `or_global` does not help, or the database's.
    pub async fn registry_mode(&self, caller: &Caller, subject: Option<&str>, or_global: bool) -> Result<Mode> {
        caller.permit(Right::MeshRead)?;
        let registry = &self.designs().await?.registry;
        let Some(name) = subject else { return Ok(registry.settings().mode) };
        match registry.subject(name).and_then(|subject| subject.mode) {
            Some(mode) => Ok(mode),
            None if or_global => Ok(registry.mode(name)),
            None => Err(Refusal::NoMode(name.to_owned()).into()),
        }
    }

    /// Sets what may be done; none = for a subject as in the registry, for the registry everything. Gives what was set
    /// before. Imports begin in an empty place, unless somebody forces it.
    ///
    /// # Errors
    /// The caller may not, there is something to import over or nothing to unset, or the database's.
    pub async fn registry_set_mode(
        &self,
        caller: &Caller,
        subject: Option<&str>,
        mode: Option<Mode>,
        is_forced: bool,
    ) -> Result<Mode> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let registry = &designs.registry;
        let is_empty = match subject {
            Some(name) => registry.versions(name, Deleted::Without).next().is_none(),
            None => registry.subjects(Deleted::Without).next().is_none(),
        };
        if mode == Some(Mode::Import) && !is_empty && !is_forced {
            let what = "Cannot import since found existing subjects: delete them first, or set force=true";
            return Err(Refusal::NotPermitted(what.to_owned()).into());
        }
        let Some(name) = subject else {
            let old = registry.settings();
            self.write_settings(edit, old, Settings { mode: mode.unwrap_or_default(), ..old }).await?;
            return Ok(old.mode);
        };
        let old = known_subject(&designs, name)?;
        let before = registry.mode(name);
        if mode.is_none() && old.mode.is_none() {
            return Err(Refusal::NoSubject(name.to_owned()).into());
        }
        self.write_subject(edit, &designs, &old, Subject { mode, ..old.clone() }).await?;
        Ok(before)
    }

    /// The same for the schema object of a subject, as pages ask for it.
    ///
    /// # Errors
    /// The caller may not, there is none, it is no schema, its mode forbids it, or the database's.
    pub async fn set_design_level(
        &self,
        caller: &Caller,
        id: DesignObjectId,
        input: DesignLevelInput,
    ) -> crate::app::Result<DesignObjectView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let object = designs.object(id)?;
        if object.kind != Kind::Schema {
            return Err(wrong("level", format_args!("is of schemas, and this is of kind {}", object.kind)));
        }
        let old = match designs.registry.subject_of(id) {
            Some(subject) => subject.clone(),
            None => self.bind_subject(&mut edit.tx, &designs, object, None).await?,
        };
        designs.registry.check_writable(&old.name).map_err(|refused| wrong("level", refused))?;
        let new = Subject { level: input.level.map(level_of), ..old.clone() };
        self.write_subject(edit, &designs, &old, new).await?;
        self.design_object_view(id).await
    }

    async fn write_settings(&self, mut edit: Edit, old: Settings, new: Settings) -> crate::app::Result<()> {
        edit.tx.set_registry_settings(self.environment(), &new).await?;
        let summary = format!("set the schema registry to {}, {}", new.level.name(), new.mode.name());
        let shown = |of: Settings| serde_json::json!({ "level": of.level, "mode": of.mode });
        let done = Done::new("design.registry", "registry", &summary, LiveTopic::Catalog);
        edit.finish(done.before(&shown(old)).after(&shown(new))).await
    }

    async fn write_subject(
        &self,
        mut edit: Edit,
        designs: &Designs,
        old: &Subject,
        new: Subject,
    ) -> crate::app::Result<()> {
        let is_there = designs.registry.subject(&new.name).is_some() || new.object.is_some();
        if is_there {
            edit.tx.update_subject(&new).await?;
        } else {
            edit.tx.insert_subject(self.environment(), &new).await?;
        }
        let level = new.level.map_or("that of the registry", Level::name);
        let mode = new.mode.map_or("that of the registry", Mode::name);
        let summary = format!("set the subject {}: level {level}, mode {mode}", new.name);
        let shown = |of: &Subject| serde_json::json!({ "subject": of.name, "level": of.level, "mode": of.mode });
        let object = new.object.map_or_else(|| new.name.clone(), |object| object.to_string());
        let done = Done::new("design.subject", object, &summary, LiveTopic::Catalog);
        edit.finish(done.before(&shown(old)).after(&shown(&new))).await
    }
}

/// A subject, there or with nothing but a name: its level and mode may be set before anything is registered.
fn known_subject(designs: &Designs, name: &str) -> Result<Subject> {
    check_subject(name)?;
    Ok(designs.registry.subject(name).cloned().unwrap_or_else(|| new_subject(name, None)))
}
