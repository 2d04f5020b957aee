//! Kafka credentials as the API shows them, and what their agents say of them.

use frontend::api::{GrantWait, KafkaCredentialState, KafkaCredentialView, KafkaLeftOut, KafkaOffer};
use mesh_protocol::desired::{KafkaUser, Password};
use mesh_protocol::report::{Part, PartRef, PartState};

use crate::app::person::shown;
use crate::app::snapshot::{FleetState, Snapshot};
use crate::domain::access::grant::Grant;
use crate::domain::access::kafka::{Told, Topics, group_prefix};
use crate::domain::agent::{Agent, Presence};
use crate::domain::broker::{Broker, Target};
use crate::domain::product::plan::Protocol;

/// Kafka's name of logging in over TLS.
pub(in crate::app::access) const SASL_SSL: &str = "SASL_SSL";

/// What clients log in with.
const MECHANISM: &str = "SCRAM-SHA-512";

/// A credential of a grant about which its agent has not said yet that it is as it is to be.
pub(in crate::app) struct Unsettled {
    /// The agent, when there is one that keeps the cluster's users.
    pub(in crate::app) wait: Option<GrantWait>,
}

/// What a grant waits for at clusters.
pub(in crate::app) fn unsettled(grant: &Grant, snapshot: &Snapshot, fleet: &FleetState) -> Vec<Unsettled> {
    if grant.confirmed_at_ms.is_some() {
        return Vec::new();
    }
    let own = snapshot.mesh.kafka_credentials.iter().filter(|one| one.credential.grant == grant.id);
    let open = own.filter(|one| !is_as_wanted(one, snapshot, fleet));
    open.map(|one| {
        let agent = keeper(one, snapshot, fleet);
        let wait = agent.map(|agent| GrantWait {
            agent: agent.id,
            agent_name: agent.name.clone(),
            site_name: snapshot.site_name(agent.site),
            reason: format!("Kafka user {}: {}", one.credential.username, waiting(one, agent, snapshot, fleet)),
        });
        Unsettled { wait }
    })
    .collect()
}

/// Whether the agent says that a user is as the document wants it: there with its rights, or gone.
pub(super) fn is_as_wanted(one: &Told, snapshot: &Snapshot, fleet: &FleetState) -> bool {
    line(one, &snapshot.mesh.kafka_user(one), snapshot, fleet).is_some_and(|part| part.state == PartState::Running)
}

/// The agent that keeps a credential's cluster.
fn keeper<'a>(one: &Told, snapshot: &Snapshot, fleet: &'a FleetState) -> Option<&'a Agent> {
    fleet.agent(snapshot.mesh.owner(one.credential.broker)?)
}

/// What the agent says of exactly this user; none = nothing, or of an older one.
fn line<'a>(one: &Told, user: &KafkaUser, snapshot: &Snapshot, fleet: &'a FleetState) -> Option<&'a Part> {
    let status = fleet.status(snapshot.mesh.owner(one.credential.broker)?)?;
    let object = PartRef::KafkaUser(user.reference());
    status.parts.iter().find(|part| part.object == object)
}

/// Why a user is not as it is to be yet.
fn waiting(one: &Told, agent: &Agent, snapshot: &Snapshot, fleet: &FleetState) -> String {
    let user = snapshot.mesh.kafka_user(one);
    let is_online = matches!(agent.presence(fleet.now_ms), Presence::Online(_));
    if user.password == Some(Password::NoKey) {
        let how = if is_online { "update the agent" } else { "it does when it connects" };
        return format!("{} has told no key yet that the password can be sealed to: {how}", agent.name);
    }
    if let Some(detail) = line(one, &user, snapshot, fleet).and_then(|part| part.detail.clone()) {
        return detail;
    }
    if !is_online {
        return format!("{} is offline", agent.name);
    }
    format!(
        "{} has not said yet that it is done; an agent that is older than this portal never does: update it",
        agent.name
    )
}

/// Why no credential can be made at a cluster, as a sentence; empty = one can.
pub(super) fn why_not(grant: &Grant, broker: &Broker, topics: &Topics, snapshot: &Snapshot) -> String {
    let name = &broker.spec.name;
    let Target::Kafka { security, .. } = &broker.spec.target else { return format!("{name} is no Kafka cluster.") };
    if !grant.terms.allows(Protocol::Kafka) {
        return "The plan does not have Kafka: ask for one that does.".to_owned();
    }
    if topics.is_empty() {
        return format!("Every topic of {name} with what is granted holds more than that.");
    }
    if !snapshot.mesh.holds_at(grant, broker.id) {
        return format!("The grant is not given at {}, where {name} is.", snapshot.site_name(broker.spec.site));
    }
    if security.sasl.is_none() {
        return format!(
            "The agent reaches {name} without a login, so that nobody could log in there: give the broker connection a user."
        );
    }
    if snapshot.mesh.owner(broker.id).is_none() {
        let site = snapshot.site_name(broker.spec.site);
        return format!("No agent is enrolled at {site}, so that nobody would make the user at {name}.");
    }
    String::new()
}

pub(super) fn offer(grant: &Grant, broker: &Broker, topics: Topics, snapshot: &Snapshot) -> KafkaOffer {
    KafkaOffer {
        broker: broker.id,
        broker_name: broker.spec.name.clone(),
        site_name: snapshot.site_name(broker.spec.site),
        why_not: why_not(grant, broker, &topics, snapshot),
        reads: topics.reads.into_iter().collect(),
        writes: topics.writes.into_iter().collect(),
        left_out: topics.left_out.into_iter().map(|(topic, reason)| KafkaLeftOut { topic, reason }).collect(),
    }
}

pub(in crate::app::access) fn view(
    one: &Told,
    grant: &Grant,
    snapshot: &Snapshot,
    fleet: &FleetState,
) -> KafkaCredentialView {
    let credential = &one.credential;
    let broker = snapshot.mesh.brokers.iter().find(|broker| broker.id == credential.broker);
    let (bootstrap, is_tls) = match broker.map(|broker| &broker.spec.target) {
        Some(Target::Kafka { bootstrap, security }) => (bootstrap.clone(), security.tls),
        _ => (Vec::new(), false),
    };
    let topics = Topics::of(&snapshot.mesh.routes, credential.broker, &grant.terms);
    let (state, detail) = state(one, snapshot, fleet);
    KafkaCredentialView {
        id: credential.id,
        revision: shown(credential.revision),
        grant: grant.id,
        broker: credential.broker,
        broker_name: broker.map(|broker| broker.spec.name.clone()).unwrap_or_default(),
        username: credential.username.clone(),
        bootstrap,
        security_protocol: if is_tls { SASL_SSL } else { "SASL_PLAINTEXT" }.to_owned(),
        mechanism: MECHANISM.to_owned(),
        reads: topics.reads.into_iter().collect(),
        writes: topics.writes.into_iter().collect(),
        group_prefix: group_prefix(grant.id),
        state,
        detail,
        expires_at: credential.expires_at_ms,
        created_at: credential.created_at_ms,
        created_by: credential.created_by.clone(),
    }
}

fn state(one: &Told, snapshot: &Snapshot, fleet: &FleetState) -> (KafkaCredentialState, String) {
    let user = snapshot.mesh.kafka_user(one);
    let is_over = one.credential.removed_at_ms.is_some()
        || !snapshot.mesh.grants.iter().any(|grant| grant.id == one.credential.grant);
    let part = line(one, &user, snapshot, fleet);
    let detail = || match keeper(one, snapshot, fleet) {
        Some(agent) => waiting(one, agent, snapshot, fleet),
        None => "no agent is left that keeps users at this cluster".to_owned(),
    };
    match part.map(|part| part.state) {
        // Nothing is wrong yet: the agent has to connect.
        told if told != Some(PartState::Running) && user.password == Some(Password::NoKey) => {
            (KafkaCredentialState::Making, detail())
        }
        Some(PartState::Failing | PartState::Rejected | PartState::Degraded) => {
            (KafkaCredentialState::Failed, detail())
        }
        Some(PartState::Running) if user.is_present(fleet.now_ms) => (KafkaCredentialState::Works, String::new()),
        Some(PartState::Running) if !is_over && !user.present => (KafkaCredentialState::HeldBack, String::new()),
        _ if is_over || !user.is_present(fleet.now_ms) => (KafkaCredentialState::Removing, detail()),
        _ => (KafkaCredentialState::Making, detail()),
    }
}
