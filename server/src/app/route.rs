//! Routes: made, changed, paused and removed while the agents run; what is wrong with one is shown at it.

use frontend::api::{Edit, ListQuery, LiveTopic, Page, RouteFrom, RouteInput, RouteTo, RouteView, WebhookTarget};
use mesh_protocol::id::{BrokerId, PrincipalId, RouteId};
use mesh_protocol::policy::PrincipalState;
use mesh_protocol::report::{Direction, PartRef};
use uuid::Uuid;

use super::agent::{parts_of, rollout};
use super::edit::Done;
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{seen, shown};
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result, edit};
use crate::domain::principal::{Kind, Principal};
use crate::domain::route::{End, From, Route, Spec, To};
use crate::domain::webhook::Webhook;

impl App {
    /// Routes, by name.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn routes(&self, caller: &Caller, query: ListQuery) -> Result<Page<RouteView>> {
        caller.permit(Right::MeshRead)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let key = |route: &&Route| route.spec.name.clone();
        let page = page(snapshot.mesh.routes.iter().collect(), Slice::of_list(&query), key)?;
        Ok(page.map(|route| view(route, &snapshot, &fleet)))
    }

    /// One route.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn route(&self, caller: &Caller, id: RouteId) -> Result<RouteView> {
        caller.permit(Right::MeshRead)?;
        self.route_view(id).await
    }

    /// Makes a route and the principal it acts as.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_route(&self, caller: &Caller, input: RouteInput) -> Result<RouteView> {
        let mut edit = self.edit(caller.permit(Right::RouteWrite)?).await?;
        let spec = spec(input);
        self.check_route(&mut edit, &spec).await?;
        let summary = format!("added the route {}", spec.name);
        let since = edit.take_revision(&summary).await?;
        let principal = identity(&spec.name, edit.now_ms);
        let route = Route {
            id: RouteId(Uuid::now_v7()),
            principal: principal.id,
            spec,
            generation: 1,
            since_revision: since.revision,
            revision: 1,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
        };
        let now_ms = edit.now_ms;
        edit.tx.insert_principal(self.environment(), &principal, now_ms).await?;
        edit.tx.insert_route(self.environment(), &route).await?;
        edit.finish(done("route.create", &route, &summary).after(&config(&route.spec))).await?;
        self.route_view(route.id).await
    }

    /// Changes a route. With other source topics or another source cluster it starts over.
    ///
    /// # Errors
    /// The caller may not, the input is wrong or stale, or the database's.
    pub async fn update_route(&self, caller: &Caller, id: RouteId, input: Edit<RouteInput>) -> Result<RouteView> {
        let mut edit = self.edit(caller.permit(Right::RouteWrite)?).await?;
        let old = self.find_route(&mut edit, id).await?;
        let spec = spec(input.value);
        self.check_route(&mut edit, &spec).await?;
        let summary = format!("changed the route {}", spec.name);
        let since = edit.take_revision(&summary).await?;
        let route = Route {
            generation: old.generation + u32::from(spec.starts_over(&old.spec)),
            since_revision: since.revision,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
            spec,
            ..old.clone()
        };
        edit.tx.update_route(&route, seen(input.revision)).await?;
        let done = done("route.update", &route, &summary);
        edit.finish(done.before(&config(&old.spec)).after(&config(&route.spec))).await?;
        self.route_view(id).await
    }

    /// Removes a route and its principal.
    ///
    /// # Errors
    /// The caller may not, it is stale, or the database's.
    pub async fn delete_route(&self, caller: &Caller, id: RouteId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::RouteWrite)?).await?;
        let old = self.find_route(&mut edit, id).await?;
        let summary = format!("removed the route {}", old.spec.name);
        edit.take_revision(&summary).await?;
        edit.tx.delete_route(id, seen(revision)).await?;
        if let Some(principal) = edit.tx.principal(old.principal).await? {
            edit.tx.delete_principal(principal.id, principal.revision).await?;
        }
        edit.finish(done("route.delete", &old, &summary).before(&config(&old.spec))).await
    }

    async fn check_route(&self, edit: &mut edit::Edit, spec: &Spec) -> Result<()> {
        let brokers = edit.tx.brokers(self.environment()).await?;
        let sites = edit.tx.sites(self.environment()).await?;
        let end_of = |id| {
            let broker = brokers.iter().find(|broker| broker.id == id);
            broker.map_or(End::Unknown, |broker| broker.spec.end())
        };
        Ok(spec.check(end_of, |id| sites.iter().any(|site| site.id == id))?)
    }

    async fn find_route(&self, edit: &mut edit::Edit, id: RouteId) -> Result<Route> {
        let routes = edit.tx.routes(self.environment()).await?;
        routes.into_iter().find(|route| route.id == id).ok_or(Error::NotFound { what: "route" })
    }

    async fn route_view(&self, id: RouteId) -> Result<RouteView> {
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let found = snapshot.mesh.routes.iter().find(|route| route.id == id);
        found.map(|route| view(route, &snapshot, &fleet)).ok_or(Error::NotFound { what: "route" })
    }
}

/// The principal a route acts as. It has no secret, so nobody logs in as it; the name cannot be one of a client,
/// because theirs may not hold a colon.
fn identity(route: &str, now_ms: i64) -> Principal {
    let id = Uuid::now_v7();
    let mut short = id.simple().to_string();
    short.drain(..24);
    Principal {
        id: PrincipalId(id),
        username: format!("route:{route}:{short}"),
        kind: Kind::Route,
        person: None,
        state: PrincipalState::Enabled,
        application: None,
        roles: Vec::new(),
        secrets: Vec::new(),
        expires_at_ms: None,
        revision: 1,
        created_at_ms: now_ms,
    }
}

fn done<'a>(action: &'a str, route: &Route, summary: &'a str) -> Done<'a> {
    Done::new(action, route.id, summary, LiveTopic::Routes)
}

fn spec(input: RouteInput) -> Spec {
    let from = match input.from {
        RouteFrom::Mesh { filters } => From::Mesh { filters },
        RouteFrom::Kafka { broker, topics, template, filter, schemas, start } => {
            From::Kafka { broker, topics, template, filter, schemas, start }
        }
    };
    let to = match input.to {
        RouteTo::Mesh => To::Mesh,
        RouteTo::Kafka { broker, topic, key } => To::Kafka { broker, topic, key },
        RouteTo::Webhook(target) => To::Webhook(webhook(target)),
    };
    Spec { name: input.name, enabled: input.enabled, from, to, mode: input.mode, note: input.note }
}

fn webhook(target: WebhookTarget) -> Webhook {
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    Webhook {
        site: target.site,
        url: target.url,
        format: target.format,
        secret: filled(target.secret),
        ca_pem: filled(target.ca_pem),
        timeout_ms: target.timeout_ms,
        concurrency: target.concurrency,
        deliveries_max: target.deliveries_max,
        private_addresses: target.private_addresses,
    }
}

fn target(webhook: Webhook) -> WebhookTarget {
    let Webhook { site, url, format, secret, ca_pem, timeout_ms, concurrency, deliveries_max, private_addresses } =
        webhook;
    WebhookTarget { site, url, format, secret, ca_pem, timeout_ms, concurrency, deliveries_max, private_addresses }
}

fn config(spec: &Spec) -> RouteInput {
    let from = match spec.from.clone() {
        From::Mesh { filters } => RouteFrom::Mesh { filters },
        From::Kafka { broker, topics, template, filter, schemas, start } => {
            RouteFrom::Kafka { broker, topics, template, filter, schemas, start }
        }
    };
    let to = match spec.to.clone() {
        To::Mesh => RouteTo::Mesh,
        To::Kafka { broker, topic, key } => RouteTo::Kafka { broker, topic, key },
        To::Webhook(webhook) => RouteTo::Webhook(target(webhook)),
    };
    RouteInput { name: spec.name.clone(), enabled: spec.enabled, from, to, mode: spec.mode, note: spec.note.clone() }
}

fn view(route: &Route, snapshot: &Snapshot, fleet: &FleetState) -> RouteView {
    let mesh = &snapshot.mesh;
    let broker_name = |id: BrokerId| {
        let found = mesh.brokers.iter().find(|broker| broker.id == id);
        found.map_or_else(|| "removed".to_owned(), |broker| broker.spec.name.clone())
    };
    let from_name = match &route.spec.from {
        From::Mesh { .. } => "mesh".to_owned(),
        From::Kafka { broker, .. } => broker_name(*broker),
    };
    let to_name = match &route.spec.to {
        To::Mesh => "mesh".to_owned(),
        To::Kafka { broker, .. } => broker_name(*broker),
        To::Webhook(webhook) => webhook.host().to_owned(),
    };
    // A route between two clusters is seen twice, at its source and at its sink: what goes in is what it moves.
    let side = match route.spec.from {
        From::Mesh { .. } => Direction::Consume,
        From::Kafka { .. } => Direction::Produce,
    };
    let serves = |object| object == PartRef::Source(route.id) || object == PartRef::Sink(route.id);
    let parts = parts_of(serves, snapshot, fleet);
    let caller = route.spec.calls_from().and_then(|site| mesh.owner_at(site));
    let owners: Vec<_> = route.spec.brokers().filter_map(|broker| mesh.owner(broker)).chain(caller).collect();
    let mut rollout = rollout(snapshot.revision_at(route.since_revision), snapshot, fleet);
    rollout.retain(|agent| owners.contains(&agent.agent));
    RouteView {
        schemas_name: route.spec.schemas().map(broker_name),
        id: route.id,
        revision: shown(route.revision),
        config: config(&route.spec),
        from_name,
        to_name,
        lag: parts.iter().filter_map(|part| part.figures.get("lag_records").copied()).reduce(|sum, lag| sum + lag),
        parts,
        rollout,
        rate: fleet.seen.rate(fleet.now_ms, |flow| flow.route == Some(route.id) && flow.direction == side),
        updated_at: route.updated_at_ms,
        updated_by: route.updated_by.clone(),
    }
}
