//! Listeners.

use frontend::api::{Edit, ListenerInput, ListenerView, LiveTopic};
use mesh_protocol::id::ListenerId;
use mesh_protocol::report::PartRef;
use uuid::Uuid;

use super::agent::parts_of;
use super::edit::Done;
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;
use crate::domain::listener::{Listener, Spec};

impl App {
    /// All listeners with how they are at each agent.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn listeners(&self, caller: &Caller) -> Result<Vec<ListenerView>> {
        caller.permit(Right::Read)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        Ok(snapshot.mesh.listeners.iter().map(|listener| view(listener, &snapshot, &fleet)).collect())
    }

    /// Makes a listener.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_listener(&self, caller: &Caller, input: ListenerInput) -> Result<ListenerView> {
        let mut edit = self.edit(caller.permit(Right::ListenerWrite)?).await?;
        let listener = Listener { id: ListenerId(Uuid::now_v7()), spec: spec(input), revision: 1 };
        self.check_listener(&listener.spec).await?;
        let summary = format!("added the listener {}", listener.spec.name);
        edit.take_revision(&summary).await?;
        let now_ms = edit.now_ms;
        edit.tx.insert_listener(&listener, now_ms).await?;
        edit.finish(done("listener.create", listener.id, &summary)).await?;
        self.listener_view(listener.id).await
    }

    /// Changes a listener; its site stays.
    ///
    /// # Errors
    /// The caller may not, the input is wrong or stale, or the database's.
    pub async fn update_listener(
        &self,
        caller: &Caller,
        id: ListenerId,
        input: Edit<ListenerInput>,
    ) -> Result<ListenerView> {
        let mut edit = self.edit(caller.permit(Right::ListenerWrite)?).await?;
        let spec = spec(input.value);
        self.check_listener(&spec).await?;
        let summary = format!("changed the listener {}", spec.name);
        edit.take_revision(&summary).await?;
        let now_ms = edit.now_ms;
        edit.tx.update_listener(id, &spec, seen(input.revision), now_ms).await?;
        edit.finish(done("listener.update", id, &summary)).await?;
        self.listener_view(id).await
    }

    /// Removes a listener; its clients are disconnected.
    ///
    /// # Errors
    /// The caller may not, it is stale, or the database's.
    pub async fn delete_listener(&self, caller: &Caller, id: ListenerId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::ListenerWrite)?).await?;
        edit.take_revision("removed a listener").await?;
        edit.tx.delete_listener(id, seen(revision)).await?;
        edit.finish(done("listener.delete", id, "removed a listener")).await
    }

    async fn check_listener(&self, spec: &Spec) -> Result<()> {
        spec.check()?;
        if self.snapshot().await?.site(spec.site).is_none() {
            return Err(FieldErrors::one("site", "is not a site of this environment").into());
        }
        Ok(())
    }

    async fn listener_view(&self, id: ListenerId) -> Result<ListenerView> {
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let found = snapshot.mesh.listeners.iter().find(|listener| listener.id == id);
        found.map(|listener| view(listener, &snapshot, &fleet)).ok_or(Error::NotFound { what: "listener" })
    }
}

fn done<'a>(action: &'a str, id: ListenerId, summary: &'a str) -> Done<'a> {
    Done { action, object: id.to_string(), summary, topic: LiveTopic::Topology, before: None, after: None }
}

fn spec(input: ListenerInput) -> Spec {
    Spec {
        site: input.site,
        name: input.name,
        protocol: input.protocol,
        bind: input.bind,
        payload_bytes_max: input.payload_bytes_max,
        connections_max: input.connections_max,
        custody_timeout_ms: input.custody_timeout_ms,
        denied_v3_publish: input.denied_v3_publish,
    }
}

/// A listener as pages see it.
pub(super) fn view(listener: &Listener, snapshot: &Snapshot, fleet: &FleetState) -> ListenerView {
    let spec = &listener.spec;
    ListenerView {
        id: listener.id,
        revision: shown(listener.revision),
        site_name: snapshot.site_name(spec.site),
        parts: parts_of(|object| object == PartRef::Listener(listener.id), snapshot, fleet),
        config: ListenerInput {
            site: spec.site,
            name: spec.name.clone(),
            protocol: spec.protocol,
            bind: spec.bind.clone(),
            payload_bytes_max: spec.payload_bytes_max,
            connections_max: spec.connections_max,
            custody_timeout_ms: spec.custody_timeout_ms,
            denied_v3_publish: spec.denied_v3_publish,
        },
    }
}
