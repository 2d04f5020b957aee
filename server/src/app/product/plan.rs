//! Plans: written by who writes the catalog, offered by somebody else who reviews it.
//!
//! What is offered changes at once only by a reviewer's hand and only where nobody gets more by it; any other change waits
//! ([`review`](super::review)).

use frontend::api::{Edit, LiveTopic, PlanInput, PlanMove, PlanReviewAct, PlanView};
use mesh_protocol::id::{DesignObjectId, PlanId};
use mesh_protocol::topic::Filter;
use uuid::Uuid;

use super::review::{Told, may_review};
use super::{MISSING, shown};
use crate::app::design::Designs;
use crate::app::edit::{self, Done};
use crate::app::permission::Right;
use crate::app::person::seen;
use crate::app::{App, Caller, Error, Result};
use crate::domain::design::{Address, Content, Kind, State as OfVersion};
use crate::domain::product::plan::{Plan, State};

impl App {
    /// Writes a plan of a product. Nobody can ask for it yet.
    ///
    /// # Errors
    /// The caller may not, there is no such product, the input is wrong, or the database's.
    pub async fn create_plan(&self, caller: &Caller, product: DesignObjectId, input: PlanInput) -> Result<PlanView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let object = designs.object(product).ok().filter(|object| object.kind == Kind::Product).ok_or(MISSING)?;
        let spec = shown::spec(input)?;
        let others = self.plans_of(&mut edit, product).await?;
        spec.check(None, &others, &addresses(product, &designs))?;
        let plan = Plan {
            id: PlanId(Uuid::now_v7()),
            product,
            state: State::Staging,
            number: 1,
            spec,
            authors: vec![edit.actor().to_owned()],
            asked_at_ms: None,
            change: None,
            revision: 1,
            created_at_ms: edit.now_ms,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
        };
        edit.tx.insert_plan(&plan).await?;
        let summary = format!("added the plan {} of the product {}", plan.spec.name, object.spec.name);
        edit.finish(done("plan.create", plan.id, &summary).after(&shown::config(&plan.spec))).await?;
        self.plan_view(caller, plan.id).await
    }

    /// Changes a plan. What is offered gets a new number with new terms: who has it keeps theirs. A change by which others
    /// would have more, or that is no reviewer's, waits for a reviewer.
    ///
    /// # Errors
    /// The caller may not, there is none, the input is wrong or stale, or the database's.
    pub async fn update_plan(&self, caller: &Caller, id: PlanId, input: Edit<PlanInput>) -> Result<PlanView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let (old, others) = self.find_plan(&mut edit, id).await?;
        let spec = shown::spec(input.value)?;
        spec.check(Some(id), &others, &addresses(old.product, &designs))?;
        // Also refuses what is closed.
        let plan = old.edited(spec.clone(), edit.actor(), edit.now_ms)?;
        let gives_more = !old.spec.widened_by(&spec).is_empty();
        if old.state != State::Staging && (gives_more || caller.permit(Right::CatalogReview).is_err()) {
            let waits = old.proposed(spec, edit.actor(), edit.now_ms);
            edit.tx.update_plan(&waits, seen(input.revision)).await?;
            if let Ok(product) = designs.object(old.product) {
                let told = Told { plan: &waits, product, by: &waits.updated_by, reason: "" };
                edit.notify(&told.news(PlanReviewAct::Ask)).await?;
            }
            let summary = format!("proposed a change of the plan {}, which waits for a reviewer", old.spec.name);
            let change = waits.change.as_ref().map(shown::config);
            let done = done("plan.propose", id, &summary);
            edit.finish(done.before(&shown::config(&old.spec)).after(&change)).await?;
            return self.plan_view(caller, id).await;
        }
        edit.tx.update_plan(&plan, seen(input.revision)).await?;
        let mut summary = if plan.number == old.number {
            format!("changed the plan {}", plan.spec.name)
        } else {
            format!("changed the terms of the plan {}, which is offered as number {} now", plan.spec.name, plan.number)
        };
        if old.change.is_some() {
            summary.push_str("; what waited for a reviewer is dropped");
        }
        let done = done("plan.update", id, &summary);
        edit.finish(done.before(&shown::config(&old.spec)).after(&shown::config(&plan.spec))).await?;
        self.plan_view(caller, id).await
    }

    /// Offers a plan, or ends that. Takes a reviewer, and one who did not write what others have by it: a plan says who gets in.
    ///
    /// # Errors
    /// The caller may not, there is none, there is no such step, somebody has it, the revision is stale, or the database's.
    pub async fn move_plan(&self, caller: &Caller, id: PlanId, input: Edit<PlanMove>) -> Result<PlanView> {
        let mut edit = self.edit(caller.permit(Right::CatalogReview)?).await?;
        edit.lock().await?;
        let (old, _) = self.find_plan(&mut edit, id).await?;
        if old.state == State::Staging {
            may_review(&old, caller)?;
        }
        let grants = edit.tx.open_grants(self.environment()).await?;
        let has =
            |plan: PlanId| grants.iter().filter(move |grant| grant.plan.is_some_and(|of| of.plan == plan)).count();
        let plan = old.moved(shown::plan_state_of(input.value.to), has(id) as u64, edit.actor(), edit.now_ms)?;
        edit.tx.update_plan(&plan, seen(input.revision)).await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        if old.state == State::Staging
            && let Ok(product) = designs.object(old.product)
        {
            let told = Told { plan: &old, product, by: &plan.updated_by, reason: "" };
            edit.notify(&told.news(PlanReviewAct::Accept)).await?;
        }
        let summary = format!("took the plan {} from {} to {}", plan.spec.name, old.state, plan.state);
        edit.finish(done("plan.move", id, &summary).before(&old.state).after(&plan.state)).await?;
        self.plan_view(caller, id).await
    }

    /// Removes a plan that was never offered.
    ///
    /// # Errors
    /// The caller may not, there is none, it was offered or is stale, or the database's.
    pub async fn delete_plan(&self, caller: &Caller, id: PlanId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let (old, _) = self.find_plan(&mut edit, id).await?;
        if old.state != State::Staging {
            return Err(Error::Conflict(format!(
                "it is {}: only plans that nobody could ask for are removed",
                old.state
            )));
        }
        edit.tx.delete_plan(id, seen(revision)).await?;
        let summary = format!("removed the plan {}", old.spec.name);
        edit.finish(done("plan.delete", id, &summary).before(&shown::config(&old.spec))).await
    }

    async fn plans_of(&self, edit: &mut edit::Edit, product: DesignObjectId) -> Result<Vec<Plan>> {
        let mut plans = edit.tx.plans(self.environment()).await?;
        plans.retain(|plan| plan.product == product);
        Ok(plans)
    }

    /// A plan, and all plans of its product.
    pub(super) async fn find_plan(&self, edit: &mut edit::Edit, id: PlanId) -> Result<(Plan, Vec<Plan>)> {
        let plans = edit.tx.plans(self.environment()).await?;
        let plan = plans.iter().find(|plan| plan.id == id).cloned().ok_or(Error::NotFound { what: "plan" })?;
        let others = plans.into_iter().filter(|other| other.product == plan.product).collect();
        Ok((plan, others))
    }

    pub(super) async fn plan_view(&self, caller: &Caller, id: PlanId) -> Result<PlanView> {
        let shop = self.shop(caller).await?;
        let plan = shop.config.plans.iter().find(|plan| plan.id == id).ok_or(Error::NotFound { what: "plan" })?;
        Ok(shop.plan(plan))
    }
}

/// The addresses of all that a product offers in versions that are not retired.
pub(super) fn addresses(product: DesignObjectId, designs: &Designs) -> Vec<Filter> {
    let graph = designs.graph();
    let versions = graph.versions(product).iter().filter(|version| version.state != OfVersion::Retired);
    let events = versions.flat_map(|version| graph.offer(version).events().collect::<Vec<_>>());
    let filter = |id| match &graph.version(id)?.spec.content {
        Content::Event(event) => Address::parse(&event.address).ok().map(|address| address.filter()),
        _ => None,
    };
    events.filter_map(filter).collect()
}

pub(super) fn done<'a>(action: &'a str, plan: PlanId, summary: &'a str) -> Done<'a> {
    Done::new(action, plan, summary, LiveTopic::Catalog)
}
