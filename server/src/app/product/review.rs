//! Plans that wait for a reviewer: sent to one, let through, sent back, and who is told of it.
//!
//! Who reviews sees what they would let others have, next to what these can have already, and by which parts it is more.

use std::collections::BTreeSet;

use frontend::api::{Edit, ListQuery, Page, PlanReview, PlanReviewAct, PlanReviewRow, PlanView};
use mesh_protocol::id::PlanId;

use super::plan::{addresses, done};
use super::shown;
use crate::app::design::version::By;
use crate::app::design::wrong;
use crate::app::notification::{About, News};
use crate::app::page::{Slice, page};
use crate::app::permission::Right;
use crate::app::person::seen;
use crate::app::{App, Caller, Result};
use crate::domain::design::Object;
use crate::domain::field::FieldErrors;
use crate::domain::notification::{Audience, Kind};
use crate::domain::person::PortalRole;
use crate::domain::product::plan::{Plan, State};

impl App {
    /// Plans that wait for a reviewer, or have a change that does, those first that wait longest.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn plan_reviews(&self, caller: &Caller, query: ListQuery) -> Result<Page<PlanReviewRow>> {
        caller.permit(Right::CatalogWrite)?;
        let shop = self.shop(caller).await?;
        let row = |plan: &Plan| {
            let product = shop.product(plan.product).ok()?;
            Some(PlanReviewRow { product: product.id, product_name: product.spec.name.clone(), plan: shop.plan(plan) })
        };
        let rows = shop.config.plans.iter().filter(|plan| plan.waits()).filter_map(row).collect();
        page(rows, Slice::of_list(&query), |row: &PlanReviewRow| (row.plan.asked_at, row.plan.id))
    }

    /// Sends a plan to review; lets others have what waits; or sends it back, which its authors may do, too.
    ///
    /// # Errors
    /// The caller may not, there is none, it does not wait, no reason was given, the revision is stale, or the database's.
    pub async fn review_plan(&self, caller: &Caller, id: PlanId, input: Edit<PlanReview>) -> Result<PlanView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let (old, others) = self.find_plan(&mut edit, id).await?;
        let PlanReview { act, reason } = input.value;
        let reason = reason.trim();
        let mut errors = FieldErrors::default();
        errors.text("reason", reason);
        let is_own = old.authors.iter().any(|author| author == edit.actor());
        if act == PlanReviewAct::SendBack && !is_own {
            caller.permit(Right::CatalogReview)?;
            if reason.is_empty() {
                errors.add("reason", "is required: say what its authors should change");
            }
        }
        errors.check()?;
        let (by, now_ms) = (edit.actor().to_owned(), edit.now_ms);
        let designs = self.designs_in(&mut edit.tx).await?;
        let name = &old.spec.name;
        let (plan, action, summary) = match act {
            PlanReviewAct::Ask => (old.asked(now_ms)?, "plan.ask_review", format!("sent the plan {name} to review")),
            PlanReviewAct::Accept => {
                may_review(&old, caller)?;
                if let Some(change) = &old.change {
                    // The product and its other plans may have changed since.
                    change.check(Some(id), &others, &addresses(old.product, &designs))?;
                }
                (old.accepted(&by, now_ms)?, "plan.accept", accepted(&old))
            }
            PlanReviewAct::SendBack => {
                let what = if old.change.is_some() { "the change of the plan" } else { "the plan" };
                let did = if is_own { "took back" } else { "sent back" };
                let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                (old.sent_back(&by, now_ms)?, "plan.send_back", format!("{did} {what} {name}{why}"))
            }
        };
        edit.tx.update_plan(&plan, seen(input.revision)).await?;
        if let Ok(product) = designs.object(old.product) {
            let told = Told { plan: &old, product, by: &by, reason };
            edit.notify(&told.news(act)).await?;
        }
        let (before, after) = (old.change.as_ref().map(|_| &old.spec), old.change.as_ref().unwrap_or(&old.spec));
        let mut entry = done(action, id, &summary);
        if let Some(before) = before {
            entry = entry.before(&shown::config(before));
        }
        edit.finish(entry.after(&shown::config(after))).await?;
        self.plan_view(caller, id).await
    }
}

/// Whether a caller may let others have what waits of a plan, or what is staged.
pub(super) fn may_review(plan: &Plan, caller: &Caller) -> Result<()> {
    caller.permit(Right::CatalogReview)?;
    plan.check_reviewer(By::of(caller).reviewer()).map_err(|why| wrong("state", why))
}

fn accepted(old: &Plan) -> String {
    let (name, authors) = (&old.spec.name, old.authors.join(", "));
    match &old.change {
        Some(_) => format!("accepted the change of the plan {name} by {authors}"),
        None => format!("accepted and published the plan {name} by {authors}"),
    }
}

/// What happened to something of a plan that waits.
pub(super) struct Told<'a> {
    /// The plan as it was before, or as it waits now.
    pub(super) plan: &'a Plan,
    pub(super) product: &'a Object,
    pub(super) by: &'a str,
    pub(super) reason: &'a str,
}

impl<'a> Told<'a> {
    /// Reviewers are asked, authors hear what became of it.
    pub(super) fn news(&self, act: PlanReviewAct) -> News<'a> {
        let (plan, product) = (self.plan, self.product);
        let is_staged = plan.state == State::Staging;
        let what = if is_staged { "The plan" } else { "A change of the plan" };
        let of = format!("{what} {} of {}", plan.spec.name, product.spec.name);
        let (kind, did) = match act {
            PlanReviewAct::Ask => (Kind::PlanReviewRequested, "waits for a reviewer"),
            PlanReviewAct::Accept => (Kind::PlanAccepted, if is_staged { "is published" } else { "is accepted" }),
            PlanReviewAct::SendBack => (Kind::PlanSentBack, "was sent back"),
        };
        let mut audience = Audience { except: BTreeSet::from([self.by.to_owned()]), ..Audience::default() };
        if act == PlanReviewAct::Ask {
            audience.roles.push(PortalRole::Approver);
            // Nobody lets others have what they wrote themselves.
            audience.except.extend(plan.authors.iter().cloned());
        } else {
            plan.authors.iter().for_each(|author| audience.name(author));
        }
        let said = if self.reason.is_empty() { String::new() } else { format!(" {}", self.reason) };
        News {
            kind,
            title: format!("{of} {did}"),
            text: format!("By {}.{said}", self.by),
            link: if act == PlanReviewAct::Ask {
                "/inbox/plans".to_owned()
            } else {
                format!("/products/{}", product.id)
            },
            about: About::Design(product),
            audience,
        }
    }
}
