//! Requests and grants as the API shows them.

use frontend::api::{
    AccessAct, AccessField, AccessLine, AccessPlan, AccessPreview, AccessState, AccessStep, AccessTarget, AccessTerms,
    AccessView, AgentRollout, GrantPhase, GrantView, GrantWait, PlanProtocol, RolloutState,
};
use serde::Serialize;

use super::ask::Asked;
use super::{By, Scene, credential, decide, given, grants, holders, kafka, terms_of};
use crate::app::design::kind as design_kind;
use crate::app::person::shown;
use crate::domain::access::grant::{Grant, Phase, State as OfGrant, Terms};
use crate::domain::access::request::{Act, Request, State, Step};
use crate::domain::design::{Graph, Version};
use crate::domain::product::plan::{Numbered, Protocol};
use mesh_protocol::id::{AccessRequestId, ApplicationId, DesignObjectId, DesignVersionId, SiteId};

/// Most fields with tags, and most names of others, that one answer holds.
const FIELDS_MAX: usize = 200;
const OTHERS_MAX: usize = 20;

const fn state(of: State) -> AccessState {
    match of {
        State::Pending => AccessState::Pending,
        State::NeedsInfo => AccessState::NeedsInfo,
        State::Approved => AccessState::Approved,
        State::Rejected => AccessState::Rejected,
        State::Cancelled => AccessState::Cancelled,
        State::Expired => AccessState::Expired,
    }
}

pub(super) const fn state_of(of: AccessState) -> State {
    match of {
        AccessState::Pending => State::Pending,
        AccessState::NeedsInfo => State::NeedsInfo,
        AccessState::Approved => State::Approved,
        AccessState::Rejected => State::Rejected,
        AccessState::Cancelled => State::Cancelled,
        AccessState::Expired => State::Expired,
    }
}

const fn phase(of: Phase) -> GrantPhase {
    match of {
        Phase::Provisioning => GrantPhase::Provisioning,
        Phase::Live => GrantPhase::Live,
        Phase::Suspending => GrantPhase::Suspending,
        Phase::Suspended => GrantPhase::Suspended,
        Phase::Revoking => GrantPhase::Revoking,
        Phase::Revoked => GrantPhase::Revoked,
        Phase::Expiring => GrantPhase::Expiring,
        Phase::Expired => GrantPhase::Expired,
    }
}

impl Scene {
    pub(super) fn preview(&self, asked: &Asked<'_>, graph: &Graph<'_>, grants: &[Grant]) -> AccessPreview {
        let verdict = asked.verdict.as_ref();
        let line =
            |line: &crate::domain::access::verdict::Line| AccessLine { holds: line.holds, text: line.text.clone() };
        let (others, others_total) = self.others(asked.object.id, None, grants);
        AccessPreview {
            people: verdict.map_or(1, |verdict| verdict.people),
            lines: verdict.map(|verdict| verdict.lines.iter().map(line).collect()).unwrap_or_default(),
            until: verdict.and_then(|verdict| verdict.until_ms),
            is_renewal: asked.is_renewal,
            terms: self.terms(&asked.terms, asked.object.id, asked.plan),
            fields: fields(asked.version, graph),
            others,
            others_total,
            problems: asked.errors.0.clone().into_iter().collect(),
        }
    }

    pub(super) fn request(&self, request: &Request, by: &By, graph: &Graph<'_>, grants: &[Grant]) -> AccessView {
        let application = self.shop.config.applications.iter().find(|one| one.id == request.application);
        let version = graph.version(request.version);
        let plan = terms_of(request.plan, &self.terms);
        let terms = version.map(|version| given(version, graph, plan)).unwrap_or_default();
        let (others, others_total) = self.others(request.target, Some(request.application), grants);
        let grant = grants.iter().find(|grant| grant.request == request.id);
        AccessView {
            id: request.id,
            revision: shown(request.revision),
            application: request.application,
            application_name: application.map(|one| one.spec.name.clone()).unwrap_or_default(),
            application_owner: application.map(|one| one.spec.owner.clone()).unwrap_or_default(),
            target: self.target(request.target, request.version, request.plan, graph),
            purpose: request.purpose.clone(),
            until: request.until_ms,
            state: state(request.state),
            people: request.people,
            missing: u8::try_from(request.missing()).unwrap_or(u8::MAX),
            decider: request.decider.clone(),
            steps: request.steps.iter().map(step).collect(),
            terms: self.terms(&terms, request.target, request.plan),
            fields: version.map(|version| fields(version, graph)).unwrap_or_default(),
            others,
            others_total,
            grant: grant.map(|grant| grant.id),
            not_decided_because: decide::why_not(request, by.actor()).unwrap_or_default(),
            is_own: request.created_by == by.name,
            created_at: request.created_at_ms,
            created_by: request.created_by.clone(),
            updated_at: request.updated_at_ms,
        }
    }

    pub(super) fn grant(&self, grant: &Grant, graph: &Graph<'_>) -> GrantView {
        let config = &self.shop.config;
        let missing = grants::missing(grant, config, &self.shop.fleet);
        let users = kafka::unsettled(grant, config, &self.shop.fleet).into_iter().filter_map(|user| user.wait);
        GrantView {
            id: grant.id,
            revision: shown(grant.revision),
            request: grant.request,
            application: grant.application,
            application_name: config.application_name(grant.application).unwrap_or_default(),
            target: self.target(grant.target, grant.version, grant.plan, graph),
            terms: self.terms(&grant.terms, grant.target, grant.plan),
            until: grant.until_ms,
            phase: phase(grant.phase()),
            reason: grant.reason.clone(),
            waits_for: missing.into_iter().map(wait).chain(users).collect(),
            confirmed_at: grant.confirmed_at_ms,
            credentials: credential::issued(config, grant.application).count() as u64,
            created_at: grant.created_at_ms,
            updated_at: grant.updated_at_ms,
            updated_by: grant.updated_by.clone(),
        }
    }

    fn target(
        &self,
        object: DesignObjectId,
        version: DesignVersionId,
        plan: Option<Numbered>,
        graph: &Graph<'_>,
    ) -> AccessTarget {
        let found = graph.object(object);
        let named = terms_of(plan, &self.terms).map(|spec| spec.name.clone());
        AccessTarget {
            object,
            kind: found.map(|object| design_kind(object.kind)).unwrap_or_default(),
            name: found.map(|object| object.spec.name.clone()).unwrap_or_default(),
            version,
            number: graph.version(version).map(|version| version.spec.number.to_string()).unwrap_or_default(),
            plan: plan.map(|plan| AccessPlan { id: plan.plan, name: named.unwrap_or_default(), number: plan.number }),
            owner: found.map(|object| self.shop.owner(object)).unwrap_or_default(),
        }
    }

    fn terms(&self, terms: &Terms, target: DesignObjectId, plan: Option<Numbered>) -> AccessTerms {
        let texts = |filters: &[mesh_protocol::topic::Filter]| {
            filters.iter().map(|filter| filter.text().to_owned()).collect::<Vec<_>>()
        };
        let mesh = &self.shop.config.mesh;
        let sites = mesh.sites_of(target, plan.is_some()).unwrap_or_default();
        let mut sites: Vec<String> = sites.into_iter().map(|site: SiteId| self.shop.config.site_name(site)).collect();
        sites.sort();
        AccessTerms {
            publish: texts(&terms.publish),
            subscribe: texts(&terms.subscribe),
            protocols: terms.protocols.iter().copied().map(protocol).collect(),
            events: terms.quota.events,
            bytes: terms.quota.bytes,
            sites,
        }
    }

    /// Names of applications that have something, and how many have it.
    fn others(&self, target: DesignObjectId, but: Option<ApplicationId>, grants: &[Grant]) -> (Vec<String>, u64) {
        let others: Vec<ApplicationId> =
            holders(target, grants).map(|grant| grant.application).filter(|id| Some(*id) != but).collect();
        let mut names: Vec<String> = others.iter().filter_map(|id| self.shop.config.application_name(*id)).collect();
        names.sort();
        names.truncate(OTHERS_MAX);
        (names, others.len() as u64)
    }
}

pub(super) const fn protocol(of: Protocol) -> PlanProtocol {
    match of {
        Protocol::Mqtt => PlanProtocol::Mqtt,
        Protocol::Http => PlanProtocol::Http,
        Protocol::Kafka => PlanProtocol::Kafka,
    }
}

fn fields(version: &Version, graph: &Graph<'_>) -> Vec<AccessField> {
    let tagged = graph.tagged(version).into_iter().take(FIELDS_MAX);
    tagged.map(|tagged| AccessField { path: tagged.path, tags: tagged.tags }).collect()
}

fn step(step: &Step) -> AccessStep {
    let (act, to) = match &step.act {
        Act::Approve => (AccessAct::Approve, None),
        Act::Reject => (AccessAct::Reject, None),
        Act::Ask => (AccessAct::Ask, None),
        Act::Answer => (AccessAct::Answer, None),
        Act::Delegate(to) => (AccessAct::Delegate, Some(to.clone())),
        Act::Cancel => (AccessAct::Cancel, None),
        Act::Expire => (AccessAct::Expire, None),
    };
    AccessStep { act, to, by: step.by.clone(), reason: step.reason.clone(), at: step.at_ms }
}

fn wait(agent: AgentRollout) -> GrantWait {
    let reason = match agent.state {
        RolloutState::Rejected => format!("refused the policy: {}", agent.reason.unwrap_or_default()),
        RolloutState::Offline => "is offline".to_owned(),
        RolloutState::Pending | RolloutState::Applied => "is taking the policy".to_owned(),
    };
    GrantWait { agent: agent.agent, agent_name: agent.agent_name, site_name: agent.site_name, reason }
}

/// A grant as the audit trail keeps it.
#[derive(Serialize)]
pub(super) struct Kept<'a> {
    request: AccessRequestId,
    application: ApplicationId,
    target: DesignObjectId,
    plan: Option<Numbered>,
    terms: &'a Terms,
    until_ms: Option<i64>,
    state: OfGrant,
    reason: &'a str,
}

pub(super) fn kept(grant: &Grant) -> Kept<'_> {
    Kept {
        request: grant.request,
        application: grant.application,
        target: grant.target,
        plan: grant.plan,
        terms: &grant.terms,
        until_ms: grant.until_ms,
        state: grant.state,
        reason: &grant.reason,
    }
}
