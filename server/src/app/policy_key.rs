//! Rotation of the key that signs policy, so that a key that may have been copied becomes worthless.
//!
//! There are two keys at any time and every document names both: the one that signs, and the next. An agent believes
//! the keys that the newest document it accepted names. So a key may sign once every agent has applied a document that
//! names it, and a rotation is a renaming and one more revision:
//!
//! ```text
//! policy.key  policy-next.key   newest revision
//!     A             B           names A and B, signed by A
//!     B             C           names B and C, signed by B     <- rotated
//! ```
//! The next rotation waits until every enrolled agent has applied that revision: one that has not would not know C.
//!
//! The database holds which keys were announced by which revision. The files are renamed before that is written, and
//! whoever starts next finds files that are ahead and makes the revision: a rotation that is interrupted anywhere is
//! finished or never happened. Running portals find a database that is ahead of what they loaded, and load again.

use frontend::api::LiveTopic;
use mesh_protocol::wire::Revision;
use serde::{Deserialize, Serialize};

use super::clock::now_ms;
use super::edit::{Done, Edit};
use super::permission::Permit;
use super::{App, Error, Result};
use crate::domain::agent::State;
use crate::store::Tx;

/// Setting that holds [`Announced`].
const ANNOUNCED: &str = "policy_keys";

/// The keys that documents name, now and next, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// The public keys, 64 hex digits each.
    pub keys: Vec<String>,
    /// The first revision whose documents name them.
    pub since: Revision,
}

impl App {
    /// Makes what documents announce and what lies in the secrets folder the same: at the first start, and after a
    /// rotation that was interrupted.
    pub(super) async fn settle_policy_keys(&self) -> Result<()> {
        let known = announced(&mut self.store().read().await?).await?;
        if known.is_some_and(|known| known.keys == self.authority().policy_keys()) {
            return Ok(());
        }
        let mut edit = self.edit(Permit::of_portal()).await?;
        edit.lock().await?;
        // Somebody may have rotated between the reading of the files and the lock.
        self.reload_policy_keys().await?;
        let keys = self.authority().policy_keys();
        match announced(&mut edit.tx).await? {
            Some(known) if known.keys == keys => Ok(()),
            Some(known) if known.keys.contains(&keys[0]) => self.announce(edit, &known, keys).await.map(drop),
            Some(_) => Err(Error::ForeignSecrets),
            None => {
                // They are what every document named since the first.
                let since = Revision { revision: 1, ..edit.environment().await?.policy };
                write(&mut edit.tx, &Announced { keys, since }).await?;
                Ok(edit.tx.commit().await?)
            }
        }
    }

    /// Makes the next policy key the one that signs, and a revision that is signed with it and names the one after.
    ///
    /// # Errors
    /// An agent does not know the next key yet; or the files' or the database's.
    pub async fn rotate_policy_key(&self) -> Result<Announced> {
        let mut edit = self.edit(Permit::of_portal()).await?;
        edit.lock().await?;
        let known = announced(&mut edit.tx).await?;
        let known = known.ok_or(Error::Internal("a portal that runs has announced its policy keys"))?;
        self.must_be_known_everywhere(&mut edit, &known).await?;
        let authority = self.authority().clone();
        let rotated = tokio::task::spawn_blocking(move || authority.rotate_policy_key()).await;
        rotated.map_err(|_| Error::Internal("the renaming of the keys did not end"))??;
        let keys = self.authority().policy_keys();
        self.announce(edit, &known, keys).await
    }

    async fn announce(&self, mut edit: Edit, known: &Announced, keys: Vec<String>) -> Result<Announced> {
        let summary = if keys[0] == known.keys[0] {
            "announced another key for the next rotation of the policy key"
        } else {
            "rotated the policy key"
        };
        let new = Announced { keys, since: edit.take_revision(summary).await? };
        write(&mut edit.tx, &new).await?;
        let done = Done::new("policy.rotate", self.environment(), summary, LiveTopic::Rollout);
        edit.finish(done.before(known).after(&new)).await?;
        Ok(new)
    }

    async fn must_be_known_everywhere(&self, edit: &mut Edit, known: &Announced) -> Result<()> {
        let statuses = edit.tx.statuses(self.environment()).await?;
        let applied = |id| statuses.iter().find(|last| last.agent == id).and_then(|last| last.status.applied);
        let agents = edit.tx.agents(self.environment()).await?;
        let behind: Vec<&str> = agents
            .iter()
            .filter(|agent| agent.state == State::Enrolled && applied(agent.id) < Some(known.since))
            .map(|agent| agent.name.as_str())
            .collect();
        if behind.is_empty() {
            return Ok(());
        }
        Err(Error::Conflict(format!(
            "these agents have not applied policy revision {} yet, which announced the next key: {}; wait until they \
             have, or revoke those that will not come back",
            known.since.revision,
            behind.join(", ")
        )))
    }

    /// The policy keys that documents of this moment name; loaded again when another process has rotated them.
    pub(super) async fn policy_keys(&self, tx: &mut Tx) -> Result<Vec<String>> {
        let known = announced(tx).await?;
        let known = known.ok_or(Error::Internal("a portal that runs has announced its policy keys"))?;
        if known.keys != self.authority().policy_keys() {
            self.reload_policy_keys().await?;
        }
        if known.keys == self.authority().policy_keys() { Ok(known.keys) } else { Err(Error::ForeignSecrets) }
    }

    async fn reload_policy_keys(&self) -> Result<()> {
        let authority = self.authority().clone();
        let loaded = tokio::task::spawn_blocking(move || authority.reload_policy_keys()).await;
        Ok(loaded.map_err(|_| Error::Internal("the reading of the keys did not end"))??)
    }
}

async fn announced(tx: &mut Tx) -> Result<Option<Announced>> {
    let text = tx.setting(ANNOUNCED).await?;
    let read = |text: String| serde_json::from_str(&text);
    text.map(read).transpose().map_err(|_| Error::Internal("the stored policy keys cannot be read"))
}

async fn write(tx: &mut Tx, announced: &Announced) -> Result<()> {
    let text = serde_json::to_string(announced).expect("keys and numbers");
    Ok(tx.set_setting(ANNOUNCED, &text, now_ms()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Authority, Config};
    use crate::store::Store;

    async fn open(folder: &std::path::Path) -> Result<App> {
        let authority = Authority::open(&folder.join("secrets")).expect("keys");
        let url = format!("sqlite:{}", folder.join("test.sqlite").display());
        App::new(Store::open(&url).await.expect("a database"), authority, Config::default()).await
    }

    async fn told(app: &App) -> Announced {
        announced(&mut app.store().read().await.expect("open")).await.expect("read").expect("written")
    }

    #[tokio::test]
    async fn a_rotation_makes_the_next_key_sign_and_a_revision_that_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let (portal, console) =
            (open(folder.path()).await.expect("opened"), open(folder.path()).await.expect("opened"));
        let before = told(&portal).await;
        assert_eq!((&before.keys, before.since.revision), (&portal.authority().policy_keys(), 1));
        let rotated = console.rotate_policy_key().await.expect("no agent is behind");
        assert_eq!(rotated.keys[0], before.keys[1]);
        assert!(!before.keys.contains(&rotated.keys[1]));
        assert_eq!(told(&portal).await, rotated);
        let entry = portal.store().read().await.expect("open").audit_after(0, 10).await.expect("read").pop();
        let entry = entry.expect("an entry").entry;
        assert_eq!((&*entry.action, entry.policy_revision), ("policy.rotate", Some(rotated.since.revision)));
        // A portal that runs takes the keys with the next thing it reads.
        let mesh = portal.snapshot().await.expect("read").mesh.clone();
        assert_eq!((mesh.policy_keys, portal.authority().policy_keys()), (rotated.keys.clone(), rotated.keys));
    }

    #[tokio::test]
    async fn a_rotation_that_was_cut_after_the_renaming_is_finished_by_the_next_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let app = open(folder.path()).await.expect("opened");
        let before = told(&app).await;
        let elsewhere = Authority::open(&folder.path().join("secrets")).expect("keys");
        elsewhere.rotate_policy_key().expect("renamed");
        let again = open(folder.path()).await.expect("opened");
        let after = told(&again).await;
        assert_eq!((&after.keys, after.keys[0] == before.keys[1]), (&elsewhere.policy_keys(), true));
        assert!(after.since > before.since);
        assert_eq!(told(&open(folder.path()).await.expect("opened")).await, after, "once");
    }

    #[tokio::test]
    async fn keys_that_agents_do_not_believe_any_more_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let app = open(folder.path()).await.expect("opened");
        let path = folder.path().join("secrets/policy.key");
        let old = std::fs::read(&path).expect("readable");
        app.rotate_policy_key().await.expect("rotated");
        std::fs::write(&path, old).expect("written");
        assert!(matches!(open(folder.path()).await, Err(Error::ForeignSecrets)));
    }
}
