//! Grants: listed, held back, ended; and confirmed when every agent concerned enforces what they became.

use frontend::api::{Edit, GrantMove, GrantQuery, GrantStep, GrantView, LiveTopic, Page, RolloutState};
use mesh_protocol::id::GrantId;

use super::told::Subject;
use super::{kafka, shown};
use crate::app::agent::rollout_of;
use crate::app::edit::Done;
use crate::app::page::{Slice, page};
use crate::app::permission::{Permit, Right};
use crate::app::person::seen;
use crate::app::snapshot::{FleetState, Snapshot};
use crate::app::{App, Caller, Error, Result};
use crate::domain::access::grant::{Grant, State};
use crate::domain::agent::{Agent, State as AgentState};

/// Rows of the list when nobody says how many, and most of them.
const LIST: u32 = 100;
const LIST_MAX: u32 = 500;

impl App {
    /// Grants, the newest first.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn grants(&self, caller: &Caller, query: GrantQuery) -> Result<Page<GrantView>> {
        caller.permit(Right::MeshRead)?;
        let mut tx = self.store().read().await?;
        let grants = if query.all {
            tx.grants(self.environment()).await?
        } else {
            let mut grants = tx.open_grants(self.environment()).await?;
            // What is not over everywhere still matters.
            let ending = tx.unconfirmed_grants(self.environment()).await?;
            grants.extend(ending.into_iter().filter(|grant| grant.state.is_over()));
            grants
        };
        drop(tx);
        let is_wanted = |grant: &Grant| {
            query.application.is_none_or(|id| id == grant.application)
                && query.target.is_none_or(|id| id == grant.target)
        };
        let wanted: Vec<Grant> = grants.into_iter().filter(is_wanted).collect();
        let slice = Slice::of(query.cursor.as_deref(), query.limit, LIST, LIST_MAX);
        let page = page(wanted, slice, |grant: &Grant| std::cmp::Reverse(grant.id))?;
        let scene = self.access_scene(caller).await?;
        let graph = scene.designs.graph();
        Ok(page.map(|grant| scene.grant(&grant, &graph)))
    }

    /// One grant.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn grant(&self, caller: &Caller, id: GrantId) -> Result<GrantView> {
        caller.permit(Right::MeshRead)?;
        let grant = self.find_grant(id).await?;
        let scene = self.access_scene(caller).await?;
        Ok(scene.grant(&grant, &scene.designs.graph()))
    }

    /// Holds a grant back, gives it again, or ends it for good. Open connections are looked at again as soon as an agent has
    /// the policy.
    ///
    /// # Errors
    /// The caller may not, there is none, there is no such step, no reason was given, the revision is stale, or the
    /// database's.
    pub async fn move_grant(&self, caller: &Caller, id: GrantId, input: Edit<GrantMove>) -> Result<GrantView> {
        let permit = caller.permit(Right::AccessDecide)?;
        let old = self.find_grant(id).await?;
        let to = match input.value.to {
            GrantStep::Suspend => State::Suspended,
            GrantStep::Resume => State::Active,
            GrantStep::Revoke => State::Revoked,
        };
        self.change_grant(permit, &old, to, &input.value.reason, seen(input.revision)).await?;
        self.grant(caller, id).await
    }

    async fn change_grant(&self, permit: Permit, old: &Grant, to: State, reason: &str, seen: u64) -> Result<()> {
        let mut edit = self.edit(permit).await?;
        edit.lock().await?;
        // Refused before a revision is taken for nothing.
        old.moved(to, reason, edit.actor(), old.policy_revision, edit.now_ms)?;
        let snapshot = self.snapshot().await?;
        let application = snapshot.application_name(old.application).unwrap_or_default();
        let designs = self.designs_in(&mut edit.tx).await?;
        let what = designs.object(old.target).map(|object| object.spec.name.clone()).unwrap_or_default();
        let did = match to {
            State::Active => "gave again",
            State::Suspended => "held back",
            State::Revoked => "revoked",
            State::Expired => "let expire",
        };
        let summary = format!("{did} the access of {application} to {what}");
        let revision = edit.take_revision(&summary).await?;
        let new = old.moved(to, reason, edit.actor(), revision.revision, edit.now_ms)?;
        edit.tx.update_grant(&new, seen).await?;
        let asked_by = edit.tx.access_request(old.request).await?.map(|request| request.created_by).unwrap_or_default();
        let of = snapshot.applications.iter().find(|one| one.id == old.application);
        let application_owner = of.map_or("", |one| one.spec.owner.as_str());
        if let Ok(target) = designs.object(old.target) {
            let owner = snapshot.owner_of(target);
            let subject = Subject { application: &application, target, owner: &owner };
            edit.notify(&subject.of_grant(&new, &asked_by, application_owner)).await?;
        }
        let done = Done::new("grant.move", old.id, &summary, LiveTopic::Access);
        edit.finish(done.before(&shown::kept(old)).after(&shown::kept(&new))).await
    }

    /// Ends what is over, and notes what every agent concerned enforces by now. Gives when the next grant or Kafka credential
    /// ends, in milliseconds since the Unix epoch; none = there is none that does.
    ///
    /// # Errors
    /// The database's.
    pub async fn settle_grants(&self) -> Result<Option<i64>> {
        let now_ms = crate::app::clock::now_ms();
        let waiting = self.store().read().await?.unconfirmed_grants(self.environment()).await?;
        let snapshot = self.snapshot().await?;
        let open = &snapshot.mesh.grants;
        for grant in open.iter().filter(|grant| grant.until_ms.is_some_and(|until| until <= now_ms)) {
            match self
                .change_grant(Permit::of_portal(), grant, State::Expired, "its time is over", grant.revision)
                .await
            {
                Ok(()) | Err(Error::Stale { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.settle_kafka_credentials(now_ms).await?;
        let kept = snapshot.mesh.kafka_credentials.iter().map(|one| &one.credential);
        let kept = kept.filter(|credential| credential.removed_at_ms.is_none());
        let ends = open.iter().filter_map(|grant| grant.until_ms).chain(kept.filter_map(|one| one.expires_at_ms));
        let next_ms = ends.filter(|ends| *ends > now_ms).min();
        if waiting.is_empty() {
            return Ok(next_ms);
        }
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let is_so = |grant: &&Grant| {
            missing(grant, &snapshot, &fleet).is_empty() && kafka::unsettled(grant, &snapshot, &fleet).is_empty()
        };
        for grant in waiting.iter().filter(is_so) {
            let mut edit = self.edit(Permit::of_portal()).await?;
            if !edit.tx.confirm_grant(grant.id, grant.policy_revision, edit.now_ms).await? {
                continue;
            }
            let summary = format!("every agent enforces the grant {} as {}", grant.id, grant.state);
            edit.finish(Done::new("grant.confirm", grant.id, &summary, LiveTopic::Access)).await?;
        }
        Ok(next_ms)
    }

    pub(super) async fn find_grant(&self, id: GrantId) -> Result<Grant> {
        let mut tx = self.store().read().await?;
        let mut grants = tx.grants(self.environment()).await?.into_iter();
        grants.find(|grant| grant.id == id).ok_or(Error::NotFound { what: "grant" })
    }
}

/// Agents that do not enforce what a grant became. What ends must end everywhere, since its credentials end with it; what is
/// given must be known where it holds.
pub(super) fn missing(grant: &Grant, snapshot: &Snapshot, fleet: &FleetState) -> Vec<frontend::api::AgentRollout> {
    if grant.confirmed_at_ms.is_some() {
        return Vec::new();
    }
    let places = snapshot.mesh.places_of(grant).filter(|sites| grant.state == State::Active && !sites.is_empty());
    let is_concerned = |agent: &&Agent| {
        agent.state == AgentState::Enrolled && places.as_ref().is_none_or(|sites| sites.contains(&agent.site))
    };
    let target = snapshot.revision_at(grant.policy_revision);
    let agents = fleet.agents.iter().filter(is_concerned);
    let rolled = agents.map(|agent| rollout_of(agent, target, snapshot, fleet));
    rolled.filter(|agent| agent.state != RolloutState::Applied).collect()
}
