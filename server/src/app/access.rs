//! Access: asked for, decided, given, and ended.
//!
//! Asking and deciding are one transaction each with what comes of them: the last approval that is needed writes the grant
//! and takes the policy revision which tells the agents. What is shown of a request is worked out when somebody looks (who
//! else has it, which fields are tagged), so that whoever decides sees what is so now.

mod ask;
mod certificate;
mod check;
mod connect;
mod credential;
mod decide;
mod forecast;
mod grants;
pub(super) mod kafka;
mod remind;
mod shown;
mod told;

use std::collections::HashMap;

use mesh_protocol::id::{DesignObjectId, DesignVersionId, PlanId};
use mesh_protocol::topic::Filter;

use super::design::Designs;
use super::edit::Edit;
use super::permission::Right;
use super::{App, Caller, Result};
use crate::domain::access::grant::{Grant, State as OfGrant, Terms};
use crate::domain::access::request::{Actor, Request};
use crate::domain::design::{Address, Content, Graph, Version};
use crate::domain::product::plan::{Numbered, Spec};
pub(super) use check::Under;
use told::Subject;

/// First part of the actions of requests.
const REQUEST: &str = "access";
/// Most requests, and most grants, that a look at what is due takes; the next goes on with the rest.
const AT_ONCE_MAX: u32 = 200;

/// Terms of plans by their numbers.
type AllTerms = HashMap<(PlanId, u32), Spec>;

/// What a plan said under a number; none = of an event by itself.
fn terms_of(plan: Option<Numbered>, terms: &AllTerms) -> Option<&Spec> {
    plan.and_then(|plan| terms.get(&(plan.plan, plan.number)))
}

/// What access to a version gives.
fn given(version: &Version, graph: &Graph<'_>, plan: Option<&Spec>) -> Terms {
    let offer = graph.offer(version);
    let filters = |ids: &[DesignVersionId]| -> Vec<Filter> {
        let filter = |id: &DesignVersionId| match &graph.version(*id)?.spec.content {
            Content::Event(event) => Address::parse(&event.address).ok().map(|address| address.filter()),
            _ => None,
        };
        ids.iter().filter_map(filter).collect()
    };
    let target = graph.object(version.object).map_or("", |object| object.spec.name.as_str());
    Terms::of(target, plan, &filters(&offer.sends), &filters(&offer.receives))
}

/// The grant that an application has of something, when it is not over.
fn grant_of<'a>(request: &Request, grants: &'a [Grant]) -> Option<&'a Grant> {
    grants.iter().find(|grant| grant.application == request.application && grant.target == request.target)
}

/// Who has something now.
fn holders(target: DesignObjectId, grants: &[Grant]) -> impl Iterator<Item = &Grant> {
    grants.iter().filter(move |grant| grant.target == target && grant.state == OfGrant::Active)
}

/// Who acts, as requests know them.
#[derive(Debug)]
struct By {
    name: String,
    is_person: bool,
    may_decide: bool,
}

impl By {
    fn of(caller: &Caller) -> Result<Self> {
        let name = caller.signed_in()?.actor().to_owned();
        let may_decide = caller.permit(Right::AccessDecide).is_ok();
        Ok(Self { name, is_person: matches!(caller, Caller::Person { .. }), may_decide })
    }

    fn actor(&self) -> Actor<'_> {
        Actor { name: &self.name, is_person: self.is_person, may_decide: self.may_decide }
    }
}

/// Everything that requests and grants are shown with.
struct Scene {
    designs: std::sync::Arc<Designs>,
    shop: super::product::Shop,
    terms: AllTerms,
}

impl App {
    /// Tells people what happened to a request.
    async fn tell_of_request(&self, edit: &mut Edit, request: &Request, designs: &Designs) -> Result<()> {
        let snapshot = self.snapshot().await?;
        let target = designs.object(request.target)?;
        let application = snapshot.application_name(request.application).unwrap_or_default();
        let owner = snapshot.owner_of(target);
        let subject = Subject { application: &application, target, owner: &owner };
        match subject.of_request(request) {
            Some(news) => edit.notify(&news).await,
            None => Ok(()),
        }
    }

    async fn access_scene(&self, caller: &Caller) -> Result<Scene> {
        let shop = self.shop(caller).await?;
        let terms = self.store().read().await?.plan_terms(self.environment()).await?;
        Ok(Scene { designs: shop.designs.clone(), shop, terms })
    }
}
