//! Broker connections.

use frontend::api::{
    BasicLogin, BrokerInput, BrokerKind, BrokerView, Edit, Freshness, ListQuery, LiveTopic, Page, SaslInput,
};
use mesh_protocol::desired::{KafkaSecurity, Login, Sasl, SurveyedKind, is_encrypted};
use mesh_protocol::id::BrokerId;
use mesh_protocol::report::{ObjectKind, PartRef};
use uuid::Uuid;

use super::agent::{freshness, parts_of};
use super::catalog::{self, ObjectKey};
use super::edit::{self, Done};
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result};
use crate::domain::broker::{Broker, Spec, Surveyed, Target};
use crate::domain::field::FieldErrors;

impl App {
    /// Broker connections with how they are, by name. What scans found is joined by the read side.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn brokers(&self, caller: &Caller, query: ListQuery) -> Result<Page<BrokerView>> {
        caller.permit(Right::MeshRead)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let key = |broker: &&Broker| broker.spec.name.clone();
        let page = page(snapshot.mesh.brokers.iter().collect(), Slice::of_list(&query), key)?;
        Ok(page.map(|broker| view(broker, &snapshot, &fleet)))
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
        edit.finish(done("broker.create", broker.id, &summary).after(&config(&broker.spec))).await?;
        self.broker_view(broker.id).await
    }

    /// Changes a broker connection.
    ///
    /// # Errors
    /// The caller may not, the input is wrong or stale, users of grants are kept at what may be another cluster afterwards, or
    /// the database's.
    pub async fn update_broker(&self, caller: &Caller, id: BrokerId, input: Edit<BrokerInput>) -> Result<BrokerView> {
        let mut edit = self.edit(caller.permit(Right::BrokerWrite)?).await?;
        edit.lock().await?;
        let old = self.find_broker(&mut edit, id).await?;
        let is_confirmed = input.value.same_cluster;
        let spec = spec(input.value);
        if kind(&spec.target) != kind(&old.spec.target) {
            return Err(FieldErrors::one("kind", "stays as it is: make another connection, and remove this one").into());
        }
        self.check_broker(&spec).await?;
        if spec.site != old.spec.site {
            let routes = edit.tx.routes(self.environment()).await?;
            let tied = routes.iter().find(|route| route.spec.schemas().is_some() && route.spec.reads(id));
            if let Some(route) = tied {
                let why = format_args!(
                    "stays as it is: the route {} reads a cluster by a schema registry of the same site",
                    route.spec.name
                );
                return Err(FieldErrors::one("site", why).into());
            }
        }
        let mut summary = format!("changed the broker connection {}", spec.name);
        // Who edits what is not there any more is told that first.
        if old.revision == seen(input.revision)
            && old.spec.may_lead_elsewhere(&spec)
            && let Some(users) = self.kafka_users_at(&mut edit, id).await?
        {
            if !is_confirmed {
                let why = format_args!(
                    "is to be confirmed, because the agents may reach another cluster by this. {}. If they reach the same one, \
                     confirm that here",
                    users.told()
                );
                return Err(FieldErrors::one("same_cluster", why).into());
            }
            summary.push_str(", which leads to the same cluster as before");
        }
        edit.take_revision(&summary).await?;
        let now_ms = edit.now_ms;
        edit.tx.update_broker(id, &spec, seen(input.revision), now_ms).await?;
        let done = done("broker.update", id, &summary);
        edit.finish(done.before(&config(&old.spec)).after(&config(&spec))).await?;
        self.broker_view(id).await
    }

    /// Removes a broker connection that no route uses and by which no user of a grant is kept. Where no agent is left nobody
    /// can take users away: whoever removes the connection has to, at the cluster, and the audit trail names them.
    ///
    /// # Errors
    /// The caller may not, routes use it, users are kept by it, it is stale, or the database's.
    pub async fn delete_broker(&self, caller: &Caller, id: BrokerId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::BrokerWrite)?).await?;
        edit.lock().await?;
        let old = self.find_broker(&mut edit, id).await?;
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
        let mut summary = format!("removed the broker connection {}", old.spec.name);
        if let Some(users) = self.kafka_users_at(&mut edit, id).await? {
            if self.snapshot().await?.mesh.owner(id).is_some() {
                return Err(Error::Conflict(users.told().to_owned()));
            }
            summary.push_str(&format!("; these users stay at its cluster: {}", users.names.join(", ")));
        }
        edit.take_revision(&summary).await?;
        edit.tx.delete_broker(id, seen(revision)).await?;
        edit.finish(done("broker.delete", id, &summary).before(&config(&old.spec))).await
    }

    async fn find_broker(&self, edit: &mut edit::Edit, id: BrokerId) -> Result<Broker> {
        let brokers = edit.tx.brokers(self.environment()).await?;
        brokers.into_iter().find(|broker| broker.id == id).ok_or(Error::NotFound { what: "broker connection" })
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
    Done::new(action, id, summary, LiveTopic::Topology)
}

fn spec(input: BrokerInput) -> Spec {
    let sasl = |sasl: SaslInput| Sasl { mechanism: sasl.mechanism, username: sasl.username, secret: sasl.secret };
    let login = |login: BasicLogin| Login { username: login.username, secret: login.secret };
    let ca_pem = input.ca_pem.filter(|pem| !pem.trim().is_empty());
    let surveyed = |kind, ca_pem| {
        Target::Surveyed(Surveyed { kind, url: input.url.clone(), ca_pem, login: input.login.clone().map(login) })
    };
    let target = match input.kind {
        BrokerKind::Kafka => Target::Kafka {
            bootstrap: input.bootstrap,
            security: KafkaSecurity { tls: input.tls, ca_pem, sasl: input.sasl.map(sasl) },
        },
        BrokerKind::SchemaRegistry => surveyed(SurveyedKind::SchemaRegistry, ca_pem),
        BrokerKind::KafkaConnect => surveyed(SurveyedKind::KafkaConnect, ca_pem),
        BrokerKind::Rabbit => surveyed(SurveyedKind::Rabbit, ca_pem),
        BrokerKind::Mqtt => surveyed(SurveyedKind::Mqtt, ca_pem),
    };
    Spec { site: input.site, name: input.name, target, discover: input.discover, browse: input.browse }
}

fn kind(target: &Target) -> BrokerKind {
    match target {
        Target::Kafka { .. } => BrokerKind::Kafka,
        Target::Surveyed(surveyed) => match surveyed.kind {
            SurveyedKind::KafkaConnect => BrokerKind::KafkaConnect,
            SurveyedKind::Rabbit => BrokerKind::Rabbit,
            SurveyedKind::Mqtt => BrokerKind::Mqtt,
            // What is stored was checked: there is no unknown one.
            SurveyedKind::SchemaRegistry | SurveyedKind::Unknown => BrokerKind::SchemaRegistry,
        },
    }
}

/// As people configure it: secrets are named here, and kept at the agents.
fn config(spec: &Spec) -> BrokerInput {
    let sasl = |sasl: Sasl| SaslInput { mechanism: sasl.mechanism, username: sasl.username, secret: sasl.secret };
    let mut input = BrokerInput {
        site: spec.site,
        name: spec.name.clone(),
        kind: kind(&spec.target),
        bootstrap: Vec::new(),
        url: String::new(),
        tls: false,
        ca_pem: None,
        sasl: None,
        login: None,
        discover: spec.discover,
        browse: spec.browse,
        same_cluster: false,
    };
    match spec.target.clone() {
        Target::Kafka { bootstrap, security } => {
            input.bootstrap = bootstrap;
            input.tls = security.tls;
            input.ca_pem = security.ca_pem;
            input.sasl = security.sasl.map(sasl);
        }
        Target::Surveyed(surveyed) => {
            input.tls = is_encrypted(&surveyed.url);
            input.url = surveyed.url;
            input.ca_pem = surveyed.ca_pem;
            input.login = surveyed.login.map(|login| BasicLogin { username: login.username, secret: login.secret });
        }
    }
    input
}

/// A broker connection as pages see it.
pub(super) fn view(broker: &Broker, snapshot: &Snapshot, fleet: &FleetState) -> BrokerView {
    let spec = &broker.spec;
    let scan = fleet.seen.scan(broker.id);
    BrokerView {
        id: broker.id,
        revision: shown(broker.revision),
        site_name: snapshot.site_name(spec.site),
        parts: parts_of(|object| object == PartRef::Broker(broker.id), snapshot, fleet),
        cluster_id: fleet.seen.cluster_id(broker.id),
        topics: fleet.seen.count(broker.id, ObjectKind::Topic),
        groups: fleet.seen.count(broker.id, ObjectKind::Group),
        subjects: fleet.seen.count(broker.id, ObjectKind::Subject),
        connectors: fleet.seen.count(broker.id, ObjectKind::ConnectConnector),
        exchanges: fleet.seen.count(broker.id, ObjectKind::RabbitExchange),
        queues: fleet.seen.count(broker.id, ObjectKind::RabbitQueue),
        addresses: fleet.seen.count(broker.id, ObjectKind::MqttAddress),
        object: page_of(broker, fleet).map(|key| catalog::write_id(&key)),
        missing_rights: scan.map(|scan| scan.missing_rights.clone()).unwrap_or_default(),
        scanned: scan.and_then(|scan| {
            let agent = fleet.agent(scan.agent)?;
            let stale = scan.failed.is_some() || freshness(agent, fleet)?.stale;
            Some(Freshness { as_of: scan.at_ms, by: agent.name.clone(), stale })
        }),
        secret_command: spec.secret().map(|name| format!("./mesh-agent secret set {name}")),
        config: config(spec),
    }
}

/// The page of what it leads to, once it was seen.
fn page_of(broker: &Broker, fleet: &FleetState) -> Option<ObjectKey> {
    let (kind, key) = match kind(&broker.spec.target) {
        BrokerKind::Kafka => (ObjectKind::Cluster, ObjectKey::Cluster(broker.id)),
        BrokerKind::SchemaRegistry => (ObjectKind::Registry, ObjectKey::Registry(broker.id)),
        BrokerKind::KafkaConnect => (ObjectKind::Connect, ObjectKey::Connect(broker.id)),
        BrokerKind::Rabbit => (ObjectKind::Rabbit, ObjectKey::Rabbit(broker.id)),
        BrokerKind::Mqtt => (ObjectKind::Mqtt, ObjectKey::Mqtt(broker.id)),
    };
    fleet.seen.found.of_kind(broker.id, kind).next().map(|_| key)
}
