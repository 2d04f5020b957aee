//! Listeners.

use frontend::api::{Edit, ListQuery, ListenerInput, ListenerView, LiveTopic, Page};
use mesh_protocol::id::ListenerId;
use mesh_protocol::report::PartRef;
use uuid::Uuid;

use super::agent::parts_of;
use super::edit::{self, Done};
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;
use crate::domain::listener::{Listener, Spec};

impl App {
    /// Listeners with how they are at each agent, by site and name.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn listeners(&self, caller: &Caller, query: ListQuery) -> Result<Page<ListenerView>> {
        caller.permit(Right::MeshRead)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let key = |listener: &&Listener| (snapshot.site_name(listener.spec.site), listener.spec.name.clone());
        let page = page(snapshot.mesh.listeners.iter().collect(), Slice::of_list(&query), key)?;
        Ok(page.map(|listener| view(listener, &snapshot, &fleet)))
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
        edit.finish(done("listener.create", listener.id, &summary).after(&config(&listener.spec))).await?;
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
        let old = self.find_listener(&mut edit, id).await?;
        let spec = spec(input.value);
        self.check_listener(&spec).await?;
        let summary = format!("changed the listener {}", spec.name);
        edit.take_revision(&summary).await?;
        let now_ms = edit.now_ms;
        edit.tx.update_listener(id, &spec, seen(input.revision), now_ms).await?;
        let done = done("listener.update", id, &summary);
        edit.finish(done.before(&config(&old.spec)).after(&config(&spec))).await?;
        self.listener_view(id).await
    }

    /// Removes a listener; its clients are disconnected.
    ///
    /// # Errors
    /// The caller may not, it is stale, or the database's.
    pub async fn delete_listener(&self, caller: &Caller, id: ListenerId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::ListenerWrite)?).await?;
        let old = self.find_listener(&mut edit, id).await?;
        let summary = format!("removed the listener {}", old.spec.name);
        edit.take_revision(&summary).await?;
        edit.tx.delete_listener(id, seen(revision)).await?;
        edit.finish(done("listener.delete", id, &summary).before(&config(&old.spec))).await
    }

    async fn find_listener(&self, edit: &mut edit::Edit, id: ListenerId) -> Result<Listener> {
        let listeners = edit.tx.listeners(self.environment()).await?;
        listeners.into_iter().find(|listener| listener.id == id).ok_or(Error::NotFound { what: "listener" })
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
    Done::new(action, id, summary, LiveTopic::Topology)
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
        tls: input.tls,
        server_names: if input.tls { input.server_names } else { Vec::new() },
    }
}

fn config(spec: &Spec) -> ListenerInput {
    ListenerInput {
        site: spec.site,
        name: spec.name.clone(),
        protocol: spec.protocol,
        bind: spec.bind.clone(),
        payload_bytes_max: spec.payload_bytes_max,
        connections_max: spec.connections_max,
        custody_timeout_ms: spec.custody_timeout_ms,
        denied_v3_publish: spec.denied_v3_publish,
        tls: spec.tls,
        server_names: spec.server_names.clone(),
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
        config: config(spec),
    }
}
