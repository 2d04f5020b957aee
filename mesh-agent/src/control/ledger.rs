//! What the agent was told to enforce, kept so that it survives anything short of losing the disk.
//!
//! ```text
//! ledger/current.json     the newest accepted document, as it was signed
//! ledger/previous.json    the one before
//! ledger/deny-list.json   the newest deny list, as it was signed; twice (deny-list-copy.json)
//! ledger/marks.json       what was accepted last (number, digest) and which keys count; twice (marks-copy.json)
//! ```
//! A document enters when its signature fits the exact bytes, it is for this agent, not older than anything accepted
//! before, and everything in it can be enforced. Otherwise it is a [`Rejection`] with its reason, and what was there
//! stays. At start, a copy that cannot be believed any more is passed over for the one before; with neither, the agent
//! denies all until the portal sends a good one. Both are reported, neither stops the agent.
//!
//! The marks outlive the copies: an agent that had to fall back still refuses what is older than the newest it had,
//! and takes that one again only byte for byte. Keys that a document withdrew stay withdrawn.
//!
//! A deny list only ever forbids more, so an older one is no fallback: whoever was revoked since would be let in again.
//! Its two copies are the same, each heals the other, and when both are lost everything is denied until the portal has
//! sent that list, or a newer one, again.

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

/// The newest deny list, twice.
const DENY_LIST: [&str; 2] = ["deny-list.json", "deny-list-copy.json"];

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
    /// The same as it was signed, to be handed on; none = there is none, or the newest is lost.
    signed_deny_list: Option<Arc<Signed>>,
    problem: Option<Rejection>,
    /// Why the newest deny list is not here though there was one: nothing may be enforced without it.
    deny_list_lost: Option<Rejection>,
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
    /// The newest deny list ever accepted; none = never one, or marks of an older version.
    #[serde(default)]
    deny_list: Option<DenyMark>,
}

/// A deny list's own signer is kept, because it may be older than all stored documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DenyMark {
    number: u64,
    signer: String,
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
        let mut ledger = Self {
            dir,
            owner,
            marks,
            current: None,
            deny_list,
            signed_deny_list: None,
            problem: None,
            deny_list_lost: None,
        };
        ledger.load_desired();
        ledger.catch_up_marks();
        ledger.load_deny_list();
        ledger
    }

    /// What must be enforced; none = deny all.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Accepted>> {
        if self.lost_deny_list() { None } else { self.current.clone() }
    }

    /// Whether a deny list that was here is lost, so that everything is denied until it comes again.
    #[must_use]
    pub fn lost_deny_list(&self) -> bool {
        self.deny_list_lost.is_some()
    }

    /// The newest deny list that is here; number 0 = none.
    #[must_use]
    pub fn deny_list(&self) -> Arc<DenyList> {
        self.deny_list.clone()
    }

    /// The newest deny list as it was signed, for agents that the portal does not reach.
    #[must_use]
    pub fn signed_deny_list(&self) -> Option<Arc<Signed>> {
        self.signed_deny_list.clone()
    }

    /// What was wrong with the stored copies at start, and is not healed yet.
    #[must_use]
    pub fn problem(&self) -> Option<Rejection> {
        self.deny_list_lost.as_ref().or(self.problem.as_ref()).cloned()
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

    /// Takes a deny list if it is newer than the one there is, or the one that was lost. Answers whether it was.
    ///
    /// # Errors
    /// A [`Rejection`] without a number: bad signature, unreadable, older than the one that was lost, or it could not be
    /// stored.
    pub fn accept_deny_list(&mut self, signed: &Signed) -> Result<bool, Rejection> {
        let list = open_deny_list(signed, &self.trusted())?;
        if self.lost_deny_list() {
            let had = self.marks.deny_list.as_ref().map_or(0, |mark| mark.number);
            if list.number < had {
                let reason = format!(
                    "deny list {} is older than {had}, which this agent had and lost; it denies everything until it gets that one or a newer",
                    list.number
                );
                return Err(judge::rejection(None, RejectionKind::Older, reason));
            }
        } else if list.number <= self.deny_list.number {
            return Ok(false);
        }
        self.store_deny_list(signed, list.number).map_err(|error| {
            judge::rejection(None, RejectionKind::Invalid, format!("the deny list cannot be stored: {error}"))
        })?;
        self.deny_list = Arc::new(list);
        self.signed_deny_list = Some(Arc::new(signed.clone()));
        self.deny_list_lost = None;
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

    /// Keys that count for the deny list on disk.
    fn trusted_for_deny_list(&self) -> Vec<VerifyingKey> {
        let signer = self.marks.deny_list.as_ref().and_then(|mark| public_key(&mark.signer));
        signer.into_iter().chain(self.trusted_for_copies()).collect()
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
        let trusted = self.trusted_for_deny_list();
        let open = |signed: &Signed| Ok((open_deny_list(signed, &trusted)?, signed.clone()));
        let copies = DENY_LIST.map(|name| read_copy(&self.dir.join(name), open));
        let same = matches!(&copies, [Copy::Good((one, _)), Copy::Good((other, _))] if one.number == other.number);
        let damage = copies.iter().find_map(Copy::damage).cloned();
        let newest = copies.into_iter().filter_map(Copy::good).max_by_key(|(list, _)| list.number);
        let had = self.marks.deny_list.as_ref().map(|mark| mark.number);
        let here = newest.as_ref().map(|(list, _)| list.number);
        // A damaged copy proves that there was a list, also where the marks of an older version do not say so.
        if here < had || (here.is_none() && damage.is_some()) {
            self.lose_deny_list(had, damage);
        } else if let Some((list, signed)) = &newest
            && (!same || had != here)
        {
            self.heal_deny_list(signed, list.number, damage.as_deref());
        }
        // An older one that is left is kept for what it forbids, though nothing is let in meanwhile.
        if let Some((list, signed)) = newest {
            self.deny_list = Arc::new(list);
            self.signed_deny_list = (!self.lost_deny_list()).then(|| Arc::new(signed));
        }
    }

    fn lose_deny_list(&mut self, had: Option<u64>, damage: Option<String>) {
        let number = had.map_or_else(String::new, |number| format!(" (number {number})"));
        let why = damage.unwrap_or_else(|| "the file is gone".to_owned());
        let reason = format!(
            "no stored copy of the agent's newest deny list{number} can be used ({why}); it denies everything until the portal has sent that list again"
        );
        tracing::error!(reason, "the ledger is damaged");
        self.deny_list_lost = Some(judge::rejection(None, RejectionKind::Signature, reason));
    }

    /// Makes what is damaged or missing anew from the good copy. Where that fails, the good copy still counts.
    fn heal_deny_list(&mut self, signed: &Signed, number: u64, damage: Option<&str>) {
        match self.store_deny_list(signed, number) {
            Ok(()) => tracing::warn!(number, damage, "the second copy of the deny list was made anew"),
            Err(error) => tracing::error!(number, damage, %error, "the deny list has one good copy only"),
        }
    }

    /// The marks last: a crash before them leaves a copy that is newer than they say, which is taken.
    fn store_deny_list(&mut self, signed: &Signed, number: u64) -> Result<(), HomeError> {
        let signer = self.trusted_for_deny_list().into_iter().find(|key| key_id(key) == signed.key_id);
        let signer = signer.map(|key| hex::encode(key.as_bytes())).unwrap_or_default();
        let text = serde_json::to_vec(signed).expect("a document serializes");
        for name in DENY_LIST {
            home::replace(&self.dir.join(name), &text)?;
        }
        self.save_marks(Marks { deny_list: Some(DenyMark { number, signer }), ..self.marks.clone() })
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
        self.save_marks(Marks { newest: Some(mark), keys, ..self.marks.clone() })
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

impl<T> Copy<T> {
    fn good(self) -> Option<T> {
        match self {
            Self::Good(document) => Some(document),
            _ => None,
        }
    }

    fn damage(&self) -> Option<&String> {
        match self {
            Self::Bad(why) => Some(why),
            _ => None,
        }
    }
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

fn open_deny_list(signed: &Signed, trusted: &[VerifyingKey]) -> Result<DenyList, Rejection> {
    signed.open(Domain::DenyList, trusted).map_err(|error| judge::distrust("deny list", &error))
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
