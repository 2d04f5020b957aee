//! Broker connections.

use frontend::api::{BrokerInput, BrokerView, Edit, Freshness, LiveTopic, SaslInput};
use mesh_protocol::desired::{KafkaSecurity, Sasl};
use mesh_protocol::id::BrokerId;
use mesh_protocol::report::{ObjectKind, PartRef};
use uuid::Uuid;

use super::agent::{freshness, parts_of};
use super::edit::Done;
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result};
use crate::domain::broker::{Broker, Spec};
use crate::domain::field::FieldErrors;

impl App {
    /// All broker connections with how they are. What scans found is joined by the read side.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn brokers(&self, caller: &Caller) -> Result<Vec<BrokerView>> {
        caller.permit(Right::Read)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        Ok(snapshot.mesh.brokers.iter().map(|broker| view(broker, &snapshot, &fleet)).collect())
    }

    /// Makes a broker connection.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_broker(&self, caller: &Caller, input: BrokerInput) -> Result<BrokerView> {
        let mut edit = self.edit(caller.permit(Right::BrokerWrite)?).await?;
        let broker = Broker { id: BrokerId(Uuid::now_v7()), spec: spec(input), revision: 1 };
        self.check_broker(&broker.spec).await?;
        let summary = format!("added the broker connection {}", broker.spec.name);
        edit.take_revision(&summary).await?;
        let now_ms = edit.now_ms;
        edit.tx.insert_broker(self.environment(), &broker, now_ms).await?;
        edit.finish(done("broker.create", broker.id, &summary)).await?;
        self.broker_view(broker.id).await
    }

    /// Changes a broker connection.
    ///
    /// # Errors
    /// The caller may not, the input is wrong or stale, or the database's.
    pub async fn update_broker(&self, caller: &Caller, id: BrokerId, input: Edit<BrokerInput>) -> Result<BrokerView> {
        let mut edit = self.edit(caller.permit(Right::BrokerWrite)?).await?;
        let spec = spec(input.value);
        self.check_broker(&spec).await?;
        let summary = format!("changed the broker connection {}", spec.name);
        edit.take_revision(&summary).await?;
        let now_ms = edit.now_ms;
        edit.tx.update_broker(id, &spec, seen(input.revision), now_ms).await?;
        edit.finish(done("broker.update", id, &summary)).await?;
        self.broker_view(id).await
    }

    /// Removes a broker connection that no route uses.
    ///
    /// # Errors
    /// The caller may not, routes use it, it is stale, or the database's.
    pub async fn delete_broker(&self, caller: &Caller, id: BrokerId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::BrokerWrite)?).await?;
        let routes = edit.tx.routes(self.environment()).await?;
        let users: Vec<_> = routes
            .iter()
            .filter(|route| route.spec.brokers().any(|used| used == id))
            .map(|route| &*route.spec.name)
            .collect();
        if !users.is_empty() {
            return Err(Error::Conflict(format!(
                "routes use this connection: {}; remove them first",
                users.join(", ")
            )));
        }
        edit.take_revision("removed a broker connection").await?;
        edit.tx.delete_broker(id, seen(revision)).await?;
        edit.finish(done("broker.delete", id, "removed a broker connection")).await
    }

    async fn check_broker(&self, spec: &Spec) -> Result<()> {
        spec.check()?;
        if self.snapshot().await?.site(spec.site).is_none() {
            return Err(FieldErrors::one("site", "is not a site of this environment").into());
        }
        Ok(())
    }

    async fn broker_view(&self, id: BrokerId) -> Result<BrokerView> {
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let found = snapshot.mesh.brokers.iter().find(|broker| broker.id == id);
        found.map(|broker| view(broker, &snapshot, &fleet)).ok_or(Error::NotFound { what: "broker" })
    }
}

fn done<'a>(action: &'a str, id: BrokerId, summary: &'a str) -> Done<'a> {
    Done { action, object: id.to_string(), summary, topic: LiveTopic::Topology, before: None, after: None }
}

fn spec(input: BrokerInput) -> Spec {
    let sasl = |sasl: SaslInput| Sasl { mechanism: sasl.mechanism, username: sasl.username, secret: sasl.secret };
    Spec {
        site: input.site,
        name: input.name,
        bootstrap: input.bootstrap,
        security: KafkaSecurity {
            tls: input.tls,
            ca_pem: input.ca_pem.filter(|pem| !pem.trim().is_empty()),
            sasl: input.sasl.map(sasl),
        },
        discover: input.discover,
    }
}

/// A broker connection as pages see it.
pub(super) fn view(broker: &Broker, snapshot: &Snapshot, fleet: &FleetState) -> BrokerView {
    let spec = &broker.spec;
    let sasl = spec.security.sasl.clone();
    let scan = fleet.seen.scan(broker.id);
    BrokerView {
        id: broker.id,
        revision: shown(broker.revision),
        site_name: snapshot.site_name(spec.site),
        parts: parts_of(|object| object == PartRef::Broker(broker.id), snapshot, fleet),
        cluster_id: fleet.seen.cluster_id(broker.id),
        topics: fleet.seen.count(broker.id, ObjectKind::Topic),
        groups: fleet.seen.count(broker.id, ObjectKind::Group),
        missing_rights: scan.map(|scan| scan.missing_rights.clone()).unwrap_or_default(),
        scanned: scan.and_then(|scan| {
            let agent = fleet.agent(scan.agent)?;
            let stale = scan.failed.is_some() || freshness(agent, fleet)?.stale;
            Some(Freshness { as_of: scan.at_ms, by: agent.name.clone(), stale })
        }),
        secret_command: sasl.as_ref().map(|sasl| format!("./mesh-agent secret set {}", sasl.secret)),
        config: BrokerInput {
            site: spec.site,
            name: spec.name.clone(),
            bootstrap: spec.bootstrap.clone(),
            tls: spec.security.tls,
            ca_pem: spec.security.ca_pem.clone(),
            sasl: sasl.map(|sasl| SaslInput {
                mechanism: sasl.mechanism,
                username: sasl.username,
                secret: sasl.secret,
            }),
            discover: spec.discover,
        },
    }
}
