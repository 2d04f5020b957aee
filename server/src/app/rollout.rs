//! How policy reaches the agents: a reconciler without input.
//!
//! It looks at the newest revision, gives every connected agent the document of it, and is done. It runs when somebody
//! wakes it and on a timer, so a lost wake or push heals by itself, and an agent that is offline holds nobody back:
//! it gets the newest when it is back, never the ones between.

use std::sync::Arc;

use mesh_protocol::id::AgentId;
use mesh_protocol::signed::{Domain, Signed};
use serde::Serialize;

use super::authority::PolicyKeys;
use super::clock::now_ms;
use super::{App, Error, Result};
use crate::domain::desired::Mesh;

impl App {
    /// Gives every connected agent its newest document and deny list.
    ///
    /// # Errors
    /// The database's; the next run makes up for it.
    pub async fn roll_out(&self) -> Result<()> {
        let connected = self.fleet().connected();
        if connected.is_empty() {
            return Ok(());
        }
        let snapshot = self.snapshot().await?;
        for agent in connected {
            if let Some(document) = self.document(&snapshot.mesh, agent).await? {
                self.fleet().push_desired(agent, document);
            }
        }
        let deny_list = self.deny_list().await?;
        self.fleet().push_deny_list(&deny_list);
        Ok(())
    }

    /// The deny list, signed. Ed25519 is deterministic, so the same list is the same document.
    ///
    /// # Errors
    /// The database's.
    pub async fn deny_list(&self) -> Result<Arc<Signed>> {
        let list = self.store().read().await?.deny_list().await?;
        Ok(Arc::new(sign(&self.authority().policy(), Domain::DenyList, &list)?))
    }

    /// The document of an agent for this revision: computed once, kept, and from then on sent as it was signed.
    async fn document(&self, mesh: &Mesh, agent: AgentId) -> Result<Option<Arc<Signed>>> {
        let revision = mesh.environment.policy;
        if let Some((kept, document)) = self.store().read().await?.document(agent).await?
            && kept >= revision
        {
            return Ok(Some(Arc::new(document)));
        }
        let Some(desired) = mesh.desired(agent) else { return Ok(None) };
        let keys = self.authority().policy();
        if keys.announced() != mesh.policy_keys {
            return Err(Error::Internal("the policy key was rotated while a document was made: it is made anew"));
        }
        let signed = sign(&keys, Domain::DesiredState, &desired)?;
        let mut tx = self.store().write().await?;
        tx.save_document(agent, revision, &signed, now_ms()).await?;
        let kept = tx.document(agent).await?.map(|(_, document)| Arc::new(document));
        tx.commit().await?;
        Ok(kept)
    }
}

/// A signed document. What cannot be written is never signed: an empty body would be a genuine document.
fn sign(keys: &PolicyKeys, domain: Domain, document: &impl Serialize) -> Result<Signed> {
    let body = serde_json::to_vec(document).map_err(|error| {
        tracing::error!(%error, ?domain, "a document for an agent cannot be written");
        Error::Internal("a document for an agent cannot be written")
    })?;
    Ok(keys.sign(domain, body))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::app::Authority;

    #[test]
    fn what_cannot_be_written_is_not_signed() {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = Authority::open(folder.path()).expect("keys").policy();
        assert!(sign(&keys, Domain::DenyList, &"fine").is_ok());
        // JSON has no maps by pairs.
        let unwritable = BTreeMap::from([((1, 2), 3)]);
        assert!(matches!(sign(&keys, Domain::DenyList, &unwritable), Err(Error::Internal(_))));
    }
}
