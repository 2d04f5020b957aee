//! Asking for access: what would come of it, and doing it.

use frontend::api::{AccessInput, AccessPreview, AccessView, LiveTopic};
use mesh_protocol::id::{AccessRequestId, GrantId};
use uuid::Uuid;

use super::{AllTerms, REQUEST, given, grant_of, shown, terms_of};
use crate::app::design::Designs;
use crate::app::edit::{self, Done};
use crate::app::permission::Right;
use crate::app::product::Shop;
use crate::app::{App, Caller, Result};
use crate::domain::access::grant::{Grant, State as OfGrant, Terms};
use crate::domain::access::request::{Request, State};
use crate::domain::access::verdict::{Ask, Verdict, verdict};
use crate::domain::design::{Content, Graph, Kind, Object, State as OfVersion, Version};
use crate::domain::field::FieldErrors;
use crate::domain::product::plan::{self, Numbered, Spec};

/// What was asked for, held against everything there is.
pub(super) struct Asked<'a> {
    pub(super) object: &'a Object,
    pub(super) version: &'a Version,
    pub(super) plan: Option<Numbered>,
    pub(super) verdict: Option<Verdict>,
    pub(super) terms: Terms,
    pub(super) is_renewal: bool,
    pub(super) errors: FieldErrors,
}

impl App {
    /// What would come of asking for access. Nothing is asked.
    ///
    /// # Errors
    /// The caller may not, what is asked for is not there, or the database's.
    pub async fn preview_access(&self, caller: &Caller, input: AccessInput) -> Result<AccessPreview> {
        caller.permit(Right::AccessRequest)?;
        let scene = self.access_scene(caller).await?;
        let mut tx = self.store().read().await?;
        let requests = tx.access_requests(self.environment()).await?;
        let grants = tx.open_grants(self.environment()).await?;
        let now_ms = crate::app::clock::now_ms();
        let graph = scene.designs.graph();
        let asked = asked(&input, now_ms, (&scene.shop, &scene.designs, &graph), &scene.terms, &requests, &grants)?;
        Ok(scene.preview(&asked, &graph, &grants))
    }

    /// Asks for access. Where the plan lets everybody in, or all its rules hold, it is given at once.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn request_access(&self, caller: &Caller, input: AccessInput) -> Result<AccessView> {
        let permit = caller.permit(Right::AccessRequest)?;
        let shop = self.shop(caller).await?;
        let mut edit = self.edit(permit).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let (graph, environment) = (designs.graph(), self.environment());
        let terms = edit.tx.plan_terms(environment).await?;
        let requests = edit.tx.access_requests(environment).await?;
        let grants = edit.tx.open_grants(environment).await?;
        let asked = asked(&input, edit.now_ms, (&shop, &designs, &graph), &terms, &requests, &grants)?;
        let Asked { object, version, plan, verdict, mut errors, .. } = asked;
        let application = shop.config.application_name(input.application).unwrap_or_default();
        let (people, until_ms) = verdict.as_ref().map_or((1, None), |verdict| (verdict.people, verdict.until_ms));
        let mut request = Request {
            id: AccessRequestId(Uuid::now_v7()),
            application: input.application,
            target: object.id,
            version: version.id,
            plan,
            purpose: input.purpose.trim().to_owned(),
            until_ms,
            people,
            state: State::Pending,
            decider: None,
            steps: Vec::new(),
            revision: 1,
            created_at_ms: edit.now_ms,
            created_by: edit.actor().to_owned(),
            updated_at_ms: edit.now_ms,
        };
        if let Err(wrong) = request.check() {
            wrong.0.into_iter().for_each(|(field, message)| errors.add(&field, message));
        }
        errors.check()?;
        let what = format!("{application} to {} {}", object.spec.name, version.spec.number);
        let summary = if people == 0 {
            request.state = State::Approved;
            format!("gave {what} access at once, as the plan says")
        } else {
            format!("asked for access of {what}")
        };
        edit.tx.insert_access_request(environment, &request).await?;
        if people == 0 {
            give(self, &mut edit, &request, &summary, (&designs, &terms, &grants)).await?;
        }
        self.tell_of_request(&mut edit, &request, &designs).await?;
        let done = Done::new("access.request", request.id, &summary, LiveTopic::Access);
        edit.finish(done.after(&input)).await?;
        self.access_view(caller, request.id).await
    }
}

/// Writes the grant of a request that was approved, or goes on with the one there is; and takes the policy revision which
/// tells the agents.
pub(super) async fn give(
    app: &App,
    edit: &mut edit::Edit,
    request: &Request,
    summary: &str,
    (designs, terms, grants): (&Designs, &AllTerms, &[Grant]),
) -> Result<GrantId> {
    let graph = designs.graph();
    let given = given(designs.version(request.version)?, &graph, terms_of(request.plan, terms));
    let revision = edit.take_revision(summary).await?;
    let known = grant_of(request, grants);
    let grant = Grant {
        id: known.map_or_else(|| GrantId(Uuid::now_v7()), |known| known.id),
        request: request.id,
        application: request.application,
        target: request.target,
        version: request.version,
        plan: request.plan,
        terms: given,
        until_ms: request.until_ms,
        state: OfGrant::Active,
        reason: String::new(),
        policy_revision: revision.revision,
        confirmed_at_ms: None,
        revision: known.map_or(1, |known| known.revision),
        created_at_ms: known.map_or(edit.now_ms, |known| known.created_at_ms),
        updated_at_ms: edit.now_ms,
        updated_by: edit.actor().to_owned(),
    };
    match known {
        Some(known) => edit.tx.update_grant(&grant, known.revision).await?,
        None => edit.tx.insert_grant(app.environment(), &grant).await?,
    }
    let what = format!("the grant of {REQUEST} request {}", request.id);
    let action = if known.is_some() { "grant.renew" } else { "grant.create" };
    edit.also(Done::new(action, grant.id, &what, LiveTopic::Access).after(&shown::kept(&grant))).await?;
    Ok(grant.id)
}

/// Holds what is asked for against everything there is.
///
/// # Errors
/// It is not there, or out of the caller's sight.
pub(super) fn asked<'a>(
    input: &AccessInput,
    now_ms: i64,
    (shop, designs, graph): (&Shop, &'a Designs, &Graph<'a>),
    all_terms: &AllTerms,
    requests: &[Request],
    grants: &[Grant],
) -> Result<Asked<'a>> {
    let version = designs.version(input.version)?;
    let object = designs.object(version.object)?;
    if !shop.sight.sees_design(object) {
        return Err(crate::app::Error::NotFound { what: "version" });
    }
    let mut errors = FieldErrors::default();
    match (object.kind, version.state) {
        (Kind::Product, _) if !is_published(shop, version, graph) => {
            errors.add("version", "is not published: choose the version that is");
        }
        (Kind::Product | Kind::Event, OfVersion::Released) => {}
        (Kind::Product | Kind::Event, OfVersion::Deprecated) => {
            errors.add("version", "is deprecated: it goes on for who has it, and is given to nobody else");
        }
        (Kind::Product | Kind::Event, state) => {
            errors.add("version", format_args!("is {state}: only what is released can be asked for"));
        }
        (kind, _) => {
            errors.add("version", format_args!("is of a kind that nobody asks for ({kind}): choose a product"));
        }
    }
    let plan = chosen_plan(input, object, shop, &mut errors);
    let application = shop.config.applications.iter().find(|application| application.id == input.application);
    let is_its = |request: &&Request| request.application == input.application && request.target == object.id;
    match application {
        None => errors.add("application", "is not there: choose another one"),
        Some(_) if requests.iter().any(|request| request.state.is_open() && is_its(&request)) => {
            errors.add("application", "has asked for it already: wait for the decision, or take that request back");
        }
        Some(_) => {}
    }
    let known = grants.iter().find(|grant| grant.application == input.application && grant.target == object.id);
    if known.is_some_and(|grant| grant.state == OfGrant::Suspended) {
        errors.add("application", "has it, and it is held back: ask who did that");
    }
    let numbered = plan.map(|plan| Numbered { plan: plan.id, number: plan.number });
    let spec: Option<&Spec> = plan.map(|plan| &plan.spec).or_else(|| terms_of(numbered, all_terms));
    let terms = given(version, graph, spec);
    if terms.is_empty() && errors.0.is_empty() {
        errors.add("plan", "gives none of the product's addresses: choose another one");
    }
    let tags = graph.tagged(version).into_iter().flat_map(|tagged| tagged.tags).collect();
    let ask = Ask {
        now_ms,
        application_owner: application.map_or("", |application| application.spec.owner.as_str()),
        target_owner: &shop.owner(object),
        tags,
        sends: !terms.publish.is_empty(),
        until_ms: input.until,
    };
    let verdict = verdict(spec, &ask);
    let verdict = verdict.map_err(|wrong| wrong.0.into_iter().for_each(|(field, text)| errors.add(&field, text))).ok();
    Ok(Asked { object, version, plan: numbered, verdict, terms, is_renewal: known.is_some(), errors })
}

fn is_published(shop: &Shop, version: &Version, graph: &Graph<'_>) -> bool {
    matches!(version.spec.content, Content::Product(_))
        && shop.config.mesh.publications.iter().any(|publication| publication.version == version.id)
        && graph.version(version.id).is_some()
}

fn chosen_plan<'s>(
    input: &AccessInput,
    object: &Object,
    shop: &'s Shop,
    errors: &mut FieldErrors,
) -> Option<&'s plan::Plan> {
    match (object.kind, input.plan) {
        (Kind::Product, None) => {
            errors.add("plan", "is required: choose one of the product's");
            None
        }
        (Kind::Product, Some(id)) => {
            let plan = shop.plans(object.id).find(|plan| plan.id == id);
            match plan.map(|plan| plan.state) {
                None => errors.add("plan", "is none of this product: choose one of its own"),
                Some(plan::State::Published) => {}
                Some(state) => errors.add("plan", format_args!("is {state}: choose one that is published")),
            }
            plan
        }
        (_, Some(_)) => {
            errors.add("plan", "is of products only: leave it out");
            None
        }
        (_, None) => None,
    }
}
