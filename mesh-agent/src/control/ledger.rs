//! What the agent was told to enforce, kept so that it survives anything short of losing the disk.
//!
//! ```text
//! ledger/current.json     the newest accepted document, as it was signed
//! ledger/previous.json    the one before
//! ledger/deny-list.json   the newest deny list, as it was signed
//! ledger/marks.json       what was accepted last (number, digest) and which keys count; twice (marks-copy.json)
//! ```
//! A document enters when its signature fits the exact bytes, it is for this agent, not older than anything accepted
//! before, and everything in it can be enforced. Otherwise it is a [`Rejection`] with its reason, and what was there
//! stays. At start, a copy that cannot be believed any more is passed over for the one before; with neither, the agent
//! denies all until the portal sends a good one. Both are reported, neither stops the agent.
//!
//! The marks outlive the copies: an agent that had to fall back still refuses what is older than the newest it had,
//! and takes that one again only byte for byte. Keys that a document withdrew stay withdrawn.

mod check;
mod judge;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;
use mesh_protocol::deny_list::DenyList;
use mesh_protocol::desired::DesiredState;
use mesh_protocol::id::{AgentId, EnvironmentId};
use mesh_protocol::report::{Rejection, RejectionKind};
use mesh_protocol::signed::{Domain, Signed, key_id};
use mesh_protocol::wire::Revision;
use serde::{Deserialize, Serialize};

use crate::home::{self, HomeError};
use crate::identity::public_key;

/// Keys remembered for stored copies: current, previous, and the one being replaced.
const SIGNERS_MAX: usize = 3;

/// The marks, twice: without them a rotated key could not be told from a foreign one.
const MARKS: [&str; 2] = ["marks.json", "marks-copy.json"];

/// A document that may be enforced.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// What it says.
    pub state: DesiredState,
    /// Its number.
    pub revision: Revision,
    /// SHA-256 of its exact bytes, hex.
    pub digest: String,
}

/// What became of a document that was not rejected.
#[derive(Clone, Debug)]
pub enum Acceptance {
    /// It is new, and on disk.
    New(Arc<Accepted>),
    /// It is what is enforced already.
    Unchanged,
}

/// Whose ledger it is, and whom it believes at first.
#[derive(Clone, Debug)]
pub struct Owner {
    /// This agent.
    pub agent: AgentId,
    /// Its mesh.
    pub environment: EnvironmentId,
    /// Policy keys told at enrolment; they count until an accepted document names others.
    pub enrolled_keys: Vec<VerifyingKey>,
}

/// See the module.
#[derive(Debug)]
pub struct Ledger {
    dir: PathBuf,
    owner: Owner,
    marks: Marks,
    current: Option<Arc<Accepted>>,
    deny_list: Arc<DenyList>,
    problem: Option<Rejection>,
}

/// What must not be forgotten when a copy is lost.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Marks {
    /// The newest document ever accepted.
    newest: Option<Mark>,
    /// Keys that may sign what comes next, hex; empty = those of the enrolment.
    keys: Vec<String>,
    /// Keys that signed the stored copies, newest first, hex. They count for those copies only.
    signers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    revision: Revision,
    digest: String,
}

impl Ledger {
    /// Loads what is on disk. Damage never fails: it shows as [`Ledger::problem`].
    #[must_use]
    pub fn open(dir: PathBuf, owner: Owner) -> Self {
        let marks = MARKS.iter().find_map(|name| load(&dir.join(name))).unwrap_or_default();
        let deny_list = Arc::default();
        let mut ledger = Self { dir, owner, marks, current: None, deny_list, problem: None };
        ledger.load_desired();
        ledger.load_deny_list();
        ledger.catch_up_marks();
        ledger
    }

    /// What must be enforced; none = deny all.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Accepted>> {
        self.current.clone()
    }

    /// The newest deny list; number 0 = none was ever received.
    #[must_use]
    pub fn deny_list(&self) -> Arc<DenyList> {
        self.deny_list.clone()
    }

    /// What was wrong with the stored copies at start.
    #[must_use]
    pub fn problem(&self) -> Option<Rejection> {
        self.problem.clone()
    }

    /// Takes a document, or says why not. Accepted means: on disk, synced.
    ///
    /// # Errors
    /// The [`Rejection`] to report; what was enforced before stays.
    pub fn accept(&mut self, signed: &Signed) -> Result<Acceptance, Rejection> {
        let accepted = judge::desired(signed, &self.owner, &self.trusted())?;
        let mark = Mark { revision: accepted.revision, digest: accepted.digest.clone() };
        if let Some(newest) = &self.marks.newest {
            judge::order(&mark, newest)?;
        }
        if self.current.as_ref().is_some_and(|current| current.digest == mark.digest) {
            return Ok(Acceptance::Unchanged);
        }
        let accepted = Arc::new(accepted);
        self.store(signed, &accepted, mark).map_err(|error| unstorable(&accepted, &error))?;
        self.current = Some(accepted.clone());
        self.problem = None;
        Ok(Acceptance::New(accepted))
    }

    /// Takes a deny list if it is newer than the one there is. Answers whether it was.
    ///
    /// # Errors
    /// A [`Rejection`] without a number: bad signature, unreadable, or it could not be stored.
    pub fn accept_deny_list(&mut self, signed: &Signed) -> Result<bool, Rejection> {
        let list: DenyList =
            signed.open(Domain::DenyList, &self.trusted()).map_err(|error| judge::distrust("deny list", &error))?;
        if list.number <= self.deny_list.number {
            return Ok(false);
        }
        let text = serde_json::to_vec(signed).expect("a document serializes");
        let stored = self.remember_signer(signed).and_then(|()| home::replace(&self.dir.join("deny-list.json"), &text));
        stored.map_err(|error| {
            judge::rejection(None, RejectionKind::Invalid, format!("the deny list cannot be stored: {error}"))
        })?;
        self.deny_list = Arc::new(list);
        Ok(true)
    }

    /// Keys that may sign what comes next.
    fn trusted(&self) -> Vec<VerifyingKey> {
        let named: Vec<_> = self.marks.keys.iter().filter_map(|key| public_key(key)).collect();
        if named.is_empty() { self.owner.enrolled_keys.clone() } else { named }
    }

    /// Keys that count for what is on disk.
    fn trusted_for_copies(&self) -> Vec<VerifyingKey> {
        let signers = self.marks.signers.iter().filter_map(|key| public_key(key));
        signers.chain(self.trusted()).chain(self.owner.enrolled_keys.iter().copied()).collect()
    }

    fn load_desired(&mut self) {
        let trusted = self.trusted_for_copies();
        let read = |name: &str| read_copy(&self.dir.join(name), |signed| judge::desired(signed, &self.owner, &trusted));
        let (current, previous) = (read("current.json"), read("previous.json"));
        let (taken, problem) = match (current, previous) {
            (Copy::Good(accepted), _) => (Some(accepted), None),
            (Copy::Absent, Copy::Absent) => (None, None),
            // A crash between the two renames of `store` leaves the good copy as the previous one.
            (Copy::Absent, Copy::Good(accepted)) => (Some(accepted), None),
            (Copy::Bad(why), Copy::Good(accepted)) => {
                let reason = format!(
                    "the agent's newest stored copy is damaged ({why}); it enforces the one before, revision {}, until it gets the newest again",
                    accepted.revision.revision
                );
                (Some(accepted), Some(reason))
            }
            (Copy::Bad(why), Copy::Absent) | (Copy::Absent, Copy::Bad(why)) | (Copy::Bad(why), Copy::Bad(_)) => {
                let reason = format!(
                    "no stored copy of the agent can be used ({why}); it denies everything until it gets a good one"
                );
                (None, Some(reason))
            }
        };
        self.current = taken.map(Arc::new);
        self.problem = problem.map(|reason| {
            tracing::error!(reason, "the ledger is damaged");
            judge::rejection(None, RejectionKind::Signature, reason)
        });
    }

    /// Marks that were lost, or not written any more before a crash, follow from the copy that is there.
    fn catch_up_marks(&mut self) {
        let Some(current) = &self.current else { return };
        if self.marks.newest.as_ref().is_none_or(|newest| newest.revision < current.revision) {
            self.marks.newest = Some(Mark { revision: current.revision, digest: current.digest.clone() });
            self.marks.keys.clone_from(&current.state.keys.policy);
        }
    }

    fn load_deny_list(&mut self) {
        let trusted = self.trusted_for_copies();
        let open = |signed: &Signed| {
            signed.open(Domain::DenyList, &trusted).map_err(|error| judge::distrust("deny list", &error))
        };
        match read_copy(&self.dir.join("deny-list.json"), open) {
            Copy::Good(list) => self.deny_list = Arc::new(list),
            Copy::Absent => {}
            Copy::Bad(why) => {
                tracing::error!(why, "the stored deny list is damaged; the portal sends it again");
                let reason = format!("the agent's stored deny list is damaged ({why}); it is sent again");
                self.problem.get_or_insert_with(|| judge::rejection(None, RejectionKind::Signature, reason));
            }
        }
    }

    /// Order matters: marks first (with the keys for old and new copies), then the copies, each step atomic.
    fn store(&mut self, signed: &Signed, accepted: &Accepted, mark: Mark) -> Result<(), HomeError> {
        self.remember_signer(signed)?;
        let (current, previous) = (self.dir.join("current.json"), self.dir.join("previous.json"));
        let text = serde_json::to_vec(signed).expect("a document serializes");
        let next = home::write_beside(&current, &text)?;
        // A damaged copy must not push out the good one.
        if self.problem.is_none() && current.exists() {
            home::rename(&current, &previous)?;
        }
        home::rename(&next, &current)?;
        home::sync_folder(&current)?;
        let keys = accepted.state.keys.policy.clone();
        self.save_marks(Marks { newest: Some(mark), keys, signers: self.marks.signers.clone() })
    }

    fn remember_signer(&mut self, signed: &Signed) -> Result<(), HomeError> {
        let signer = self.trusted().into_iter().find(|key| key_id(key) == signed.key_id);
        let Some(signer) = signer.map(|key| hex::encode(key.as_bytes())) else { return Ok(()) };
        if self.marks.signers.first() == Some(&signer) {
            return Ok(());
        }
        let mut marks = self.marks.clone();
        marks.signers.retain(|known| *known != signer);
        marks.signers.insert(0, signer);
        marks.signers.truncate(SIGNERS_MAX);
        self.save_marks(marks)
    }

    fn save_marks(&mut self, marks: Marks) -> Result<(), HomeError> {
        let text = serde_json::to_vec_pretty(&marks).expect("marks serialize");
        for name in MARKS {
            home::replace(&self.dir.join(name), &text)?;
        }
        self.marks = marks;
        Ok(())
    }
}

enum Copy<T> {
    Good(T),
    Bad(String),
    Absent,
}

fn read_copy<T>(path: &Path, open: impl FnOnce(&Signed) -> Result<T, Rejection>) -> Copy<T> {
    let text = match home::read(path) {
        Ok(Some(text)) => text,
        Ok(None) => return Copy::Absent,
        Err(error) => return Copy::Bad(error.to_string()),
    };
    let Ok(signed) = serde_json::from_slice::<Signed>(&text) else {
        return Copy::Bad("it is not a signed document any more".to_owned());
    };
    match open(&signed) {
        Ok(document) => Copy::Good(document),
        Err(rejection) => Copy::Bad(rejection.reason),
    }
}

/// None for absent and for damaged marks: the copies and the enrolment's keys then speak for themselves.
fn load(path: &Path) -> Option<Marks> {
    let text = home::read(path).ok().flatten()?;
    let marks = serde_json::from_slice(&text);
    if marks.is_err() {
        tracing::error!(path = %path.display(), "the ledger's marks are damaged; they are rebuilt from the stored copies");
    }
    marks.ok()
}

fn unstorable(accepted: &Accepted, error: &HomeError) -> Rejection {
    let reason = format!(
        "it cannot be stored at the agent ({error}), so it is not enforced either: make room or repair the disk"
    );
    judge::rejection(Some(accepted.revision), RejectionKind::Invalid, reason)
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
