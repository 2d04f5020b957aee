//! Products, plans and publications as the API shows them, and what it sends back.

use std::collections::BTreeSet;

use frontend::api::{
    OfferedApi, PlanApproval, PlanBrief, PlanChange, PlanInput, PlanPer, PlanPrice, PlanProtocol, PlanState, PlanView,
    ProductEvent, ProductRow, ProductVersionRef, ProductView, PublicationInput, PublicationView, Reach, ReachSite,
    RolloutState,
};
use mesh_protocol::desired::ListenerProtocol;
use mesh_protocol::id::DesignVersionId;
use mesh_protocol::topic::Filter;

use super::Shop;
use crate::app::agent::rollout_of;
use crate::app::design::state as design_state;
use crate::app::person::shown;
use crate::domain::agent::{Agent, Presence, State as AgentState};
use crate::domain::design::{Content, Graph, Object, State, Version};
use crate::domain::field::FieldErrors;
use crate::domain::product::plan::{Approval, Per, Plan, Price, Protocol, Quota, Rules, Spec, State as OfPlan};
use crate::domain::product::publication::{Places, Publication, Reach as OfPublication, Stand};
use crate::domain::site::Site;

/// Pairs of a value here and in the contract.
macro_rules! pairs {
    ($($to:ident, $back:ident: $ours:ident = $theirs:ident { $($name:ident),* })*) => {$(
        pub(super) const fn $to(of: $ours) -> $theirs {
            match of { $($ours::$name => $theirs::$name),* }
        }
        pub(super) const fn $back(of: $theirs) -> $ours {
            match of { $($theirs::$name => $ours::$name),* }
        }
    )*};
}

pairs! {
    plan_state, plan_state_of: OfPlan = PlanState { Staging, Published, Deprecated, Closed }
    protocol, protocol_of: Protocol = PlanProtocol { Mqtt, Http, Kafka }
    per, per_of: Per = PlanPer { Event, Gibibyte, Month }
}

const fn reach(of: OfPublication) -> Reach {
    match of {
        OfPublication::Pending => Reach::Pending,
        OfPublication::Deploying => Reach::Deploying,
        OfPublication::Live => Reach::Live,
        OfPublication::Degraded => Reach::Degraded,
        OfPublication::Failed => Reach::Failed,
        OfPublication::Withdrawn => Reach::Withdrawn,
    }
}

impl Shop {
    pub(super) fn row(&self, object: &Object, graph: &Graph<'_>) -> ProductRow {
        let domain = self.config.domains.iter().find(|domain| domain.id == object.spec.domain);
        let owner = self.owner(object);
        let published = self.publication(object.id, graph);
        let version = self.offered(object.id, graph);
        let offer = version.map(|version| graph.offer(version)).unwrap_or_default();
        let stands = published.map(|(publication, _)| self.stands(publication));
        let is_offered = |plan: &&Plan| plan.state == OfPlan::Published;
        ProductRow {
            id: object.id,
            name: object.spec.name.clone(),
            domain_name: domain.map(|domain| domain.spec.name.clone()).unwrap_or_default(),
            team: self.config.team_named(&owner),
            owner,
            tags: object.spec.tags.clone(),
            description: version.map(|version| version.spec.description.clone()).unwrap_or_default(),
            version: version.map(version_ref),
            receives: offer.receives.len() as u64,
            sends: offer.sends.len() as u64,
            plans: self.plans(object.id).filter(is_offered).map(brief).collect(),
            reach: published.zip(stands.as_ref()).map(|((publication, _), stands)| reach_of(publication, stands)),
            sites: stands.map_or(0, |stands| stands.len() as u64),
            grants: self.grants(|target, _| target == object.id),
        }
    }

    pub(super) fn view(
        &self,
        object: &Object,
        graph: &Graph<'_>,
        publications: &[Publication],
        environment: &str,
    ) -> ProductView {
        let version = self.offered(object.id, graph);
        let apis = version.map(|version| self.apis(version, graph)).unwrap_or_default();
        let events = version.map(|version| self.events(version, graph)).unwrap_or_default();
        let is_shown = |plan: &&Plan| self.may_write || plan.state == OfPlan::Published;
        let mine = publications.iter().filter(|publication| publication.product == object.id);
        let mine = mine.filter(|publication| self.may_write || publication.withdrawn_at_ms.is_none());
        let is_published = |id| {
            let mut all = publications.iter().filter(|publication| publication.withdrawn_at_ms.is_none());
            all.any(|publication| publication.version == id)
        };
        let free = graph.versions(object.id).iter().rev();
        let free = free.filter(|version| version.state == State::Released && !is_published(version.id));
        ProductView {
            row: self.row(object, graph),
            document: object.spec.document.clone(),
            apis,
            events,
            plans: self.plans(object.id).filter(is_shown).map(|plan| self.plan(plan)).collect(),
            publications: mine.rev().map(|one| self.publication_view(one, graph, environment)).collect(),
            publishable: if self.may_write { free.map(|version| version_ref(version)).collect() } else { Vec::new() },
        }
    }

    /// Who answers for an object: its owner, else that of its domain; empty = nobody.
    pub(in crate::app) fn owner(&self, object: &Object) -> String {
        self.config.owner_of(object)
    }

    fn apis(&self, version: &Version, graph: &Graph<'_>) -> Vec<OfferedApi> {
        let Content::Product(product) = &version.spec.content else { return Vec::new() };
        let api = |id: &DesignVersionId| {
            let version = graph.version(*id)?;
            let object = graph.object(version.object).filter(|object| self.sight.sees_design(object))?;
            Some(OfferedApi {
                object: object.id,
                version: version.id,
                name: object.spec.name.clone(),
                number: version.spec.number.to_string(),
                description: version.spec.description.clone(),
            })
        };
        product.apis.iter().filter_map(api).collect()
    }

    /// What clients receive and send, as far as it is in sight, by name.
    pub(in crate::app) fn events(&self, version: &Version, graph: &Graph<'_>) -> Vec<ProductEvent> {
        let offer = graph.offer(version);
        let event = |id: DesignVersionId, is_sent| {
            let version = graph.version(id)?;
            let object = graph.object(version.object).filter(|object| self.sight.sees_design(object))?;
            let Content::Event(event) = &version.spec.content else { return None };
            let tags: BTreeSet<String> = graph.tagged(version).into_iter().flat_map(|tagged| tagged.tags).collect();
            Some(ProductEvent {
                object: object.id,
                version: version.id,
                name: object.spec.name.clone(),
                number: version.spec.number.to_string(),
                description: version.spec.description.clone(),
                state: design_state(version.state),
                address: event.address.clone(),
                is_sent,
                tags: tags.into_iter().collect(),
            })
        };
        let received = offer.receives.iter().filter_map(|id| event(*id, false));
        let sent = offer.sends.iter().filter_map(|id| event(*id, true));
        let mut all: Vec<ProductEvent> = received.chain(sent).collect();
        all.sort_by(|a, b| (a.is_sent, &a.name).cmp(&(b.is_sent, &b.name)));
        all
    }

    pub(super) fn plan(&self, plan: &Plan) -> PlanView {
        PlanView {
            id: plan.id,
            revision: shown(plan.revision),
            number: plan.number,
            state: plan_state(plan.state),
            config: config(&plan.spec),
            authors: if self.may_write { plan.authors.clone() } else { Vec::new() },
            asked_at: plan.asked_at_ms.filter(|_| self.may_write),
            change: plan.change.as_ref().filter(|_| self.may_write).map(|change| PlanChange {
                config: config(change),
                gives_more_by: plan.spec.widened_by(change).into_iter().map(|part| part.name().to_owned()).collect(),
            }),
            not_reviewed_because: plan.check_reviewer(self.by.reviewer()).err().unwrap_or_default(),
            grants: self.grants(|_, of| of.is_some_and(|of| of.plan == plan.id)),
            steps: OfPlan::ALL.into_iter().filter(|to| plan.state.leads_to(*to)).map(plan_state).collect(),
            updated_at: plan.updated_at_ms,
            updated_by: plan.updated_by.clone(),
        }
    }

    fn publication_view(&self, publication: &Publication, graph: &Graph<'_>, environment: &str) -> PublicationView {
        let stands = self.stands(publication);
        let number = graph.version(publication.version).map(|version| version.spec.number.to_string());
        PublicationView {
            id: publication.id,
            revision: shown(publication.revision),
            config: place_config(publication),
            number: number.unwrap_or_default(),
            environment: environment.to_owned(),
            reach: reach_of(publication, &stands),
            sites: stands.into_iter().map(|(site, stand)| reach_site(site, stand)).collect(),
            withdrawn_at: publication.withdrawn_at_ms,
            created_at: publication.created_at_ms,
            updated_at: publication.updated_at_ms,
            updated_by: publication.updated_by.clone(),
        }
    }

    /// How far each site of a publication is, by name.
    fn stands(&self, publication: &Publication) -> Vec<(&Site, Stand)> {
        let offered = self.plans(publication.product).filter(|plan| plan.state == OfPlan::Published);
        let plans: Vec<&Plan> = offered.collect();
        let sites = self.config.mesh.sites.iter().filter(|site| publication.places.has(site));
        let mut all: Vec<_> = sites.map(|site| (site, self.stand(site, publication, &plans))).collect();
        all.sort_by(|(a, _), (b, _)| a.spec.name.cmp(&b.spec.name));
        all
    }

    fn stand(&self, site: &Site, publication: &Publication, plans: &[&Plan]) -> Stand {
        let listeners = self.config.mesh.listeners.iter().filter(|listener| listener.spec.site == site.id);
        let mut spoken: BTreeSet<Protocol> = listeners.map(|listener| spoken(listener.spec.protocol)).collect();
        let brokers = self.config.mesh.brokers.iter();
        if brokers.filter(|broker| broker.spec.site == site.id).any(|broker| broker.spec.is_kafka()) {
            spoken.insert(Protocol::Kafka);
        }
        let is_deaf = |plan: &&&Plan| plan.spec.protocols.is_disjoint(&spoken);
        if let Some(plan) = plans.iter().find(is_deaf) {
            let wanted: Vec<&str> = plan.spec.protocols.iter().map(|protocol| protocol.name()).collect();
            let (wanted, name) = (wanted.join(" or "), &plan.spec.name);
            return Stand::Missing(format!("no listener or cluster for {wanted}, which the plan {name} asks for"));
        }
        let target = self.config.revision_at(publication.policy_revision);
        let enrolled = self.fleet.agents.iter().filter(|agent| agent.state == AgentState::Enrolled);
        let mut agents = enrolled.filter(|agent| agent.site == site.id).peekable();
        if agents.peek().is_none() {
            return Stand::Missing("no agent is enrolled there".to_owned());
        }
        let is_online = |agent: &Agent| matches!(agent.presence(self.fleet.now_ms), Presence::Online(_));
        let roll = |agent| (rollout_of(agent, target, &self.config, &self.fleet), is_online(agent));
        let rolled: Vec<_> = agents.map(roll).collect();
        // One agent that gives it is enough; of several that do not, the gravest is told.
        if rolled.iter().any(|(agent, is_online)| *is_online && agent.state == RolloutState::Applied) {
            return Stand::Live;
        }
        let rolled: Vec<_> = rolled.into_iter().map(|(agent, _)| agent).collect();
        let named = |state| rolled.iter().find(|agent| agent.state == state);
        if let Some(agent) = named(RolloutState::Rejected) {
            return Stand::Failed(format!("{}: {}", agent.agent_name, agent.reason.as_deref().unwrap_or_default()));
        }
        if named(RolloutState::Pending).is_some() {
            return Stand::Deploying;
        }
        let names: Vec<&str> = rolled.iter().map(|agent| agent.agent_name.as_str()).collect();
        Stand::Missing(format!("{} is offline", names.join(", ")))
    }
}

fn reach_of(publication: &Publication, stands: &[(&Site, Stand)]) -> Reach {
    let stands: Vec<Stand> = stands.iter().map(|(_, stand)| stand.clone()).collect();
    reach(publication.reach(&stands))
}

fn reach_site(site: &Site, stand: Stand) -> ReachSite {
    let (reach, reason) = match stand {
        Stand::Live => (Reach::Live, String::new()),
        Stand::Deploying => (Reach::Deploying, String::new()),
        Stand::Failed(why) => (Reach::Failed, why),
        Stand::Missing(why) => (Reach::Pending, why),
    };
    ReachSite { site: site.id, name: site.spec.name.clone(), reach, reason }
}

/// What a listener speaks, as plans have it.
const fn spoken(protocol: ListenerProtocol) -> Protocol {
    match protocol {
        ListenerProtocol::Mqtt => Protocol::Mqtt,
        ListenerProtocol::Http => Protocol::Http,
    }
}

fn version_ref(version: &Version) -> ProductVersionRef {
    ProductVersionRef {
        id: version.id,
        number: version.spec.number.to_string(),
        state: design_state(version.state),
        end_of_life_at: version.spec.end_of_life_at_ms,
    }
}

fn brief(plan: &Plan) -> PlanBrief {
    PlanBrief {
        id: plan.id,
        name: plan.spec.name.clone(),
        is_auto: plan.spec.approval == Approval::Auto,
        price: plan.spec.price.as_ref().map(price),
    }
}

fn price(price: &Price) -> PlanPrice {
    PlanPrice { millionths: price.millionths, currency: price.currency.clone(), per: per(price.per) }
}

/// A plan as the API takes it.
pub(in crate::app) fn config(spec: &Spec) -> PlanInput {
    PlanInput {
        name: spec.name.clone(),
        description: spec.description.clone(),
        protocols: spec.protocols.iter().copied().map(protocol).collect(),
        events: spec.quota.events,
        bytes: spec.quota.bytes,
        filters: spec.filters.iter().map(|filter| filter.text().to_owned()).collect(),
        approval: match &spec.approval {
            Approval::Auto => PlanApproval::Auto,
            Approval::Manual { people } => PlanApproval::Manual { people: *people },
            Approval::Rules(rules) => PlanApproval::Rules {
                people: rules.people,
                without_tags: rules.without_tags.iter().cloned().collect(),
                same_owner: rules.same_owner,
                receive_only: rules.receive_only,
                days: rules.days,
            },
        },
        days: spec.days,
        price: spec.price.as_ref().map(price),
    }
}

/// A plan that the API took.
pub(super) fn spec(input: PlanInput) -> Result<Spec, FieldErrors> {
    let mut errors = FieldErrors::default();
    let read = |text: &String| Filter::mesh(text.trim());
    let filters = input.filters.iter().filter(|text| !text.trim().is_empty());
    let filters: Vec<Filter> = filters
        .filter_map(|text| errors.take("filters", read(text).map_err(|error| format!("hold `{text}`, which {error}"))))
        .collect();
    if filters.iter().any(|filter| filter.variables().next().is_some()) {
        errors.add("filters", "hold a variable: a plan gives the same to everybody");
    }
    errors.check()?;
    let spec = Spec {
        name: input.name,
        description: input.description,
        protocols: input.protocols.into_iter().map(protocol_of).collect(),
        quota: Quota { events: input.events, bytes: input.bytes },
        filters,
        approval: match input.approval {
            PlanApproval::Auto => Approval::Auto,
            PlanApproval::Manual { people } => Approval::Manual { people },
            PlanApproval::Rules { people, without_tags, same_owner, receive_only, days } => Approval::Rules(Rules {
                people,
                without_tags: without_tags.into_iter().collect(),
                same_owner,
                receive_only,
                days,
            }),
        },
        days: input.days,
        price: input.price.map(|price| Price {
            millionths: price.millionths,
            currency: price.currency.trim().to_owned(),
            per: per_of(price.per),
        }),
    };
    Ok(spec.tidied())
}

/// Where a publication is, as the API takes it.
pub(super) fn place_config(publication: &Publication) -> PublicationInput {
    PublicationInput {
        version: publication.version,
        sites: publication.places.sites.iter().copied().collect(),
        labels: publication.places.labels.clone(),
    }
}

pub(super) fn places(input: &PublicationInput) -> Places {
    Places { sites: input.sites.iter().copied().collect(), labels: input.labels.clone() }
}
