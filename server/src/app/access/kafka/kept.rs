//! Users that are at a cluster until its agent has said that they are gone. Whoever takes the cluster away from under the agent
//! leaves them there for good, with their passwords and rights.

use std::collections::BTreeMap;

use mesh_protocol::id::{BrokerId, GrantId};

use crate::app::edit::Edit;
use crate::app::{App, Result};
use crate::store::SealedCredential;

/// Most accesses that are named; of more it is said how many.
const NAMED_MAX: usize = 5;

/// Users that may be at a cluster.
#[derive(Debug)]
pub(in crate::app) struct KeptUsers {
    /// How many, and by which accesses.
    told: String,
    /// Their names.
    pub(in crate::app) names: Vec<String>,
}

impl KeptUsers {
    /// What to do before the cluster may go, as sentences.
    pub(in crate::app) fn told(&self) -> &str {
        &self.told
    }
}

impl App {
    /// The users that are kept by a broker connection, also removed ones of which the agent has not said that they are gone;
    /// none = nobody is. To be asked after [`Edit::lock`], so that none is made meanwhile.
    ///
    /// # Errors
    /// The database's.
    pub(in crate::app) async fn kafka_users_at(&self, edit: &mut Edit, broker: BrokerId) -> Result<Option<KeptUsers>> {
        let mut here = edit.tx.kafka_credentials(self.environment()).await?;
        here.retain(|one| one.credential.broker == broker);
        if here.is_empty() {
            return Ok(None);
        }
        let mut by_grant: BTreeMap<GrantId, usize> = BTreeMap::new();
        here.iter().for_each(|one| *by_grant.entry(one.credential.grant).or_default() += 1);
        let mut named = Vec::new();
        for (grant, count) in by_grant.iter().take(NAMED_MAX) {
            named.push(format!("{count} of {}", self.access_in(edit, *grant).await?));
        }
        if by_grant.len() > NAMED_MAX {
            named.push(format!("the others of {} more accesses", by_grant.len() - NAMED_MAX));
        }
        let told = told(&here, &named);
        Ok(Some(KeptUsers { told, names: here.into_iter().map(|one| one.credential.username).collect() }))
    }

    /// An access as people call it, and its page.
    async fn access_in(&self, edit: &mut Edit, id: GrantId) -> Result<String> {
        let grants = edit.tx.grants(self.environment()).await?;
        let page = format!("/access/{id}");
        let Some(grant) = grants.iter().find(|grant| grant.id == id) else { return Ok(page) };
        let application = self.snapshot().await?.application_name(grant.application).unwrap_or_default();
        let designs = self.designs_in(&mut edit.tx).await?;
        let what = designs.object(grant.target).map(|object| object.spec.name.clone()).unwrap_or_default();
        Ok(format!("the access of {application} to {what} ({page})"))
    }
}

fn told(here: &[SealedCredential], named: &[String]) -> String {
    let removed = here.iter().filter(|one| one.credential.removed_at_ms.is_some()).count();
    let (kept, named) = (if here.len() == 1 { "user of a grant is" } else { "users of grants are" }, named.join(", "));
    let todo = match here.len() - removed {
        0 => "All of them are removed, and their agent has not said yet that they are gone: wait for that".to_owned(),
        open => format!(
            "Remove these credentials first ({open} of them), and wait until their agent has said that the users are gone"
        ),
    };
    format!("{} Kafka {kept} kept there: {named}. {todo}", here.len())
}
