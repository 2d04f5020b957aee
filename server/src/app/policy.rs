//! The policy as a whole: its newest revision, and what a browser needs to preview decisions.

use frontend::api::{PolicyDocument, PolicyView};

use super::agent::rollout;
use super::permission::Right;
use super::{App, Caller, Result};

impl App {
    /// The newest revision and how far each agent is with it.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn policy(&self, caller: &Caller) -> Result<PolicyView> {
        caller.permit(Right::MeshRead)?;
        let (snapshot, fleet) = (self.snapshot().await?, self.fleet_state().await?);
        let newest = snapshot.newest.clone();
        let (made_at, made_by, summary) = newest.map_or_else(
            || (0, "portal".to_owned(), "the mesh was made".to_owned()),
            |newest| (newest.at_ms, newest.actor, newest.summary),
        );
        let agents = rollout(snapshot.revision(), &snapshot, &fleet);
        Ok(PolicyView { revision: snapshot.revision(), made_at, made_by, summary, agents })
    }

    /// The policy as the decision function takes it, secrets left out.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn policy_document(&self, caller: &Caller) -> Result<PolicyDocument> {
        caller.permit(Right::MeshRead)?;
        let mut policy = self.snapshot().await?.mesh.whole_policy();
        for principal in &mut policy.principals {
            principal.secrets.clear();
        }
        Ok(PolicyDocument { principals: policy.principals, roles: policy.roles, rules: policy.rules })
    }
}
