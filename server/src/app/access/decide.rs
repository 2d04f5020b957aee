//! Requests: listed, and decided about.

use frontend::api::{
    ACCESS_DECIDED_MAX, AccessAct, AccessDecided, AccessDecision, AccessQuery, AccessRefused, AccessSeen, AccessView,
    LiveTopic, Page,
};
use mesh_protocol::id::AccessRequestId;

use super::{AT_ONCE_MAX, By, ask, grant_of, shown};
use crate::app::design::Designs;
use crate::app::edit::Done;
use crate::app::page::{Slice, page};
use crate::app::permission::{Permit, Right};
use crate::app::person::seen;
use crate::app::{App, Caller, Error, Result};
use crate::domain::access::grant::{Grant, State as OfGrant};
use crate::domain::access::request::{Act, Actor, Request, State, WAIT_MS_MAX};
use crate::domain::field::FieldErrors;
use crate::domain::product::plan::{Plan, State as OfPlan};

/// Rows of the list when nobody says how many, and most of them.
const LIST: u32 = 50;
const LIST_MAX: u32 = 200;

impl App {
    /// Requests, the newest first. Who may not decide sees their own.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn access_requests(&self, caller: &Caller, query: AccessQuery) -> Result<Page<AccessView>> {
        caller.permit(Right::AccessRequest)?;
        let by = By::of(caller)?;
        let mut tx = self.store().read().await?;
        let requests = tx.access_requests(self.environment()).await?;
        let grants = tx.open_grants(self.environment()).await?;
        drop(tx);
        let scene = self.access_scene(caller).await?;
        let is_wanted = |request: &Request| {
            (by.may_decide || request.created_by == by.name)
                && query.state.is_none_or(|state| shown::state_of(state) == request.state)
                && (!query.open || request.state.is_open())
                && (!query.mine || request.created_by == by.name)
                && (!query.inbox || may_decide(request, &by))
                && query.application.is_none_or(|id| id == request.application)
                && query.target.is_none_or(|id| id == request.target)
        };
        let wanted: Vec<Request> = requests.into_iter().filter(is_wanted).collect();
        let slice = Slice::of(query.cursor.as_deref(), query.limit, LIST, LIST_MAX);
        let key = |request: &Request| std::cmp::Reverse(request.id);
        let page = page(wanted, slice, key)?;
        let graph = scene.designs.graph();
        Ok(page.map(|request| scene.request(&request, &by, &graph, &grants)))
    }

    /// One request.
    ///
    /// # Errors
    /// The caller may not, there is none that they see, or the database's.
    pub async fn access_request(&self, caller: &Caller, id: AccessRequestId) -> Result<AccessView> {
        caller.permit(Right::AccessRequest)?;
        self.access_view(caller, id).await
    }

    pub(super) async fn access_view(&self, caller: &Caller, id: AccessRequestId) -> Result<AccessView> {
        let by = By::of(caller)?;
        let mut tx = self.store().read().await?;
        let request = tx.access_request(id).await?.filter(|it| by.may_decide || it.created_by == by.name);
        let request = request.ok_or(MISSING)?;
        let grants = tx.open_grants(self.environment()).await?;
        drop(tx);
        let scene = self.access_scene(caller).await?;
        Ok(scene.request(&request, &by, &scene.designs.graph(), &grants))
    }

    /// Decides about requests, each by itself: one that cannot be decided holds back no other.
    ///
    /// # Errors
    /// The caller may not, they are too many, the input is wrong for all of them, or the database's.
    pub async fn decide_access(&self, caller: &Caller, input: AccessDecision) -> Result<AccessDecided> {
        caller.permit(Right::AccessRequest)?;
        let mut errors = FieldErrors::default();
        if input.requests.is_empty() || input.requests.len() > ACCESS_DECIDED_MAX {
            errors.add("requests", format_args!("must be 1 to {ACCESS_DECIDED_MAX}"));
        }
        let act = match input.act {
            AccessAct::Approve => Act::Approve,
            AccessAct::Reject => Act::Reject,
            AccessAct::Ask => Act::Ask,
            AccessAct::Answer => Act::Answer,
            AccessAct::Cancel => Act::Cancel,
            AccessAct::Delegate => Act::Delegate(self.decider(input.to.as_deref(), &mut errors).await?),
            AccessAct::Expire => {
                errors.add("act", "is done by the portal itself: reject it instead");
                Act::Expire
            }
        };
        errors.check()?;
        let mut decided = AccessDecided { done: Vec::new(), refused: Vec::new() };
        let is_one = input.requests.len() == 1;
        for asked in &input.requests {
            match self.decide(caller, asked, &act, &input.reason).await {
                Ok(()) => decided.done.push(self.access_view(caller, asked.id).await?),
                // Of one alone, what is wrong stands beside its fields.
                Err(error) if is_one => return Err(error),
                Err(Error::Invalid(wrong)) => {
                    decided.refused.push(AccessRefused { id: asked.id, reason: wrong.to_string() });
                }
                Err(error @ (Error::NotFound { .. } | Error::Stale { .. } | Error::Conflict(_))) => {
                    decided.refused.push(AccessRefused { id: asked.id, reason: error.to_string() });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(decided)
    }

    async fn decide(&self, caller: &Caller, asked: &AccessSeen, act: &Act, reason: &str) -> Result<()> {
        let by = By::of(caller)?;
        self.act(caller.permit(Right::AccessRequest)?, asked, act.clone(), reason, &by).await
    }

    async fn act(&self, permit: Permit, asked: &AccessSeen, act: Act, reason: &str, by: &By) -> Result<()> {
        let mut edit = self.edit(permit).await?;
        edit.lock().await?;
        let old = edit.tx.access_request(asked.id).await?.filter(|it| by.may_decide || it.created_by == by.name);
        let old = old.ok_or(MISSING)?;
        let new = old.after(act, reason, by.actor(), edit.now_ms)?;
        edit.tx.update_access_request(&new, seen(asked.revision)).await?;
        let summary = self.summary(&new).await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        if new.state == State::Approved {
            let environment = self.environment();
            let terms = edit.tx.plan_terms(environment).await?;
            let grants = edit.tx.open_grants(environment).await?;
            let plans = edit.tx.plans(environment).await?;
            may_be_given(&new, &designs, &plans, &grants)?;
            ask::give(self, &mut edit, &new, &summary, (&designs, &terms, &grants)).await?;
        }
        self.tell_of_request(&mut edit, &new, &designs).await?;
        let done = Done::new("access.decide", new.id, &summary, LiveTopic::Access);
        edit.finish(done.before(&old.state).after(&new.steps.last())).await
    }

    /// What happened last, as a sentence.
    async fn summary(&self, request: &Request) -> Result<String> {
        let snapshot = self.snapshot().await?;
        let designs = self.designs().await?;
        let application = snapshot.application_name(request.application).unwrap_or_default();
        let what = designs.object(request.target).map(|object| object.spec.name.clone()).unwrap_or_default();
        let did = match request.steps.last().map(|step| &step.act) {
            Some(Act::Approve) if request.state == State::Approved => "approved, and gave it,",
            Some(Act::Approve) => "approved",
            Some(Act::Reject) => "rejected",
            Some(Act::Ask) => "asked about",
            Some(Act::Answer) => "answered about",
            Some(Act::Delegate(_)) => "had somebody else decide about",
            Some(Act::Cancel) => "took back",
            Some(Act::Expire) | None => "let expire",
        };
        Ok(format!("{did} access of {application} to {what}"))
    }

    /// Who shall decide: a person who may.
    async fn decider(&self, login: Option<&str>, errors: &mut FieldErrors) -> Result<String> {
        let login = login.unwrap_or_default().trim().to_owned();
        let people = self.store().read().await?.people().await?;
        let person = people.iter().find(|person| person.username == login);
        let may = person.is_some_and(|person| {
            person.state == crate::domain::person::State::Enabled && Right::AccessDecide.is_of(person.role)
        });
        if !may {
            errors.add("to", "is nobody who may decide: name an approver or an administrator by login name");
        }
        Ok(login)
    }

    /// Ends requests that nobody decided in time.
    ///
    /// # Errors
    /// The database's.
    pub async fn expire_requests(&self) -> Result<()> {
        let now_ms = crate::app::clock::now_ms();
        let since_ms = now_ms - WAIT_MS_MAX;
        let late = self.store().read().await?.late_requests(self.environment(), since_ms, AT_ONCE_MAX).await?;
        for request in &late {
            let asked = AccessSeen { id: request.id, revision: crate::app::person::shown(request.revision) };
            let by = By { name: "portal".to_owned(), is_person: false, may_decide: true };
            match self.act(Permit::of_portal(), &asked, Act::Expire, "nobody decided within 30 days", &by).await {
                Ok(()) | Err(Error::Stale { .. } | Error::Invalid(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Whether nothing but people stood in the way of a request.
///
/// # Errors
/// Why it cannot be given all the same.
pub(super) fn may_be_given(request: &Request, designs: &Designs, plans: &[Plan], grants: &[Grant]) -> Result<()> {
    still_given(request, designs, plans)?;
    if grant_of(request, grants).is_some_and(|grant| grant.state == OfGrant::Suspended) {
        let text = "the access that it would renew is held back: give it again first, or reject it";
        return Err(Error::Conflict(text.to_owned()));
    }
    Ok(())
}

/// What was asked for may be gone by the time somebody says yes.
fn still_given(request: &Request, designs: &Designs, plans: &[Plan]) -> Result<()> {
    let version = designs.version(request.version)?;
    if !version.state.is_live() {
        return Err(Error::Conflict(format!("what was asked for is {} by now: reject it", version.state)));
    }
    let plan = request.plan.map(|asked| plans.iter().find(|plan| plan.id == asked.plan));
    match plan {
        Some(plan) if plan.is_none_or(|plan| plan.state == OfPlan::Closed) => {
            Err(Error::Conflict("the plan that was asked for is closed by now: reject it".to_owned()))
        }
        _ => Ok(()),
    }
}

const MISSING: Error = Error::NotFound { what: "access request" };

/// Whether somebody may approve it now.
fn may_decide(request: &Request, by: &By) -> bool {
    why_not(request, by.actor()).is_none() && request.decider.as_ref().is_none_or(|decider| *decider == by.name)
}

/// Why somebody may not approve it now.
pub(super) fn why_not(request: &Request, actor: Actor<'_>) -> Option<String> {
    let refused = request.after(Act::Approve, "", actor, request.updated_at_ms).err()?;
    Some(refused.0.into_values().next().unwrap_or_default())
}
