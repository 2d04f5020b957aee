//! Whether a document may be believed and enforced. Pure: bytes and keys in, verdict out.

use ed25519_dalek::VerifyingKey;
use mesh_protocol::desired::{DOCUMENT_VERSION, DesiredState};
use mesh_protocol::id::{AgentId, EnvironmentId};
use mesh_protocol::report::{Rejection, RejectionKind};
use mesh_protocol::signed::{Domain, Signed, SignedError};
use mesh_protocol::wire::Revision;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Accepted, Mark, Owner, check};

/// The part of a document that every version has, read before the rest.
#[derive(Deserialize)]
struct Head {
    min_version: u32,
    environment: EnvironmentId,
    agent: AgentId,
    generation: u64,
    revision: u64,
}

/// The document, if these keys signed it for this agent and all of it can be enforced.
pub(super) fn desired(signed: &Signed, owner: &Owner, trusted: &[VerifyingKey]) -> Result<Accepted, Rejection> {
    signed.verify(Domain::DesiredState, trusted).map_err(|error| distrust("document", &error))?;
    let head: Head = serde_json::from_slice(&signed.body).map_err(|error| {
        rejection(None, RejectionKind::Invalid, format!("the document has no readable head: {error}"))
    })?;
    let revision = Revision { generation: head.generation, revision: head.revision };
    let reject = |kind, reason: String| rejection(Some(revision), kind, reason);
    if head.min_version > DOCUMENT_VERSION {
        let reason = format!(
            "it needs an agent that understands document version {}, this one understands {DOCUMENT_VERSION}: update the agent",
            head.min_version
        );
        return Err(reject(RejectionKind::TooNew, reason));
    }
    if head.environment != owner.environment || head.agent != owner.agent {
        let reason = format!("it is for agent {} of environment {}, not for this agent", head.agent, head.environment);
        return Err(reject(RejectionKind::NotMine, reason));
    }
    let state: DesiredState = serde_json::from_slice(&signed.body).map_err(|error| unreadable(revision, &error))?;
    check::enforceable(&state).map_err(|reason| reject(RejectionKind::Invalid, reason))?;
    Ok(Accepted { state, revision, digest: hex::encode(Sha256::digest(&signed.body)) })
}

/// Whether a document may follow the newest that was ever accepted.
pub(super) fn order(mark: &Mark, newest: &Mark) -> Result<(), Rejection> {
    let number = |revision: Revision| format!("{} (generation {})", revision.revision, revision.generation);
    let reject = |kind, reason| Err(rejection(Some(mark.revision), kind, reason));
    if mark.revision < newest.revision {
        let reason = format!(
            "revision {} is older than {}, which this agent has had",
            number(mark.revision),
            number(newest.revision)
        );
        return reject(RejectionKind::Older, reason);
    }
    if mark.revision == newest.revision && mark.digest != newest.digest {
        let reason =
            format!("revision {} came before with other content: a revision never changes", number(mark.revision));
        return reject(RejectionKind::Conflicting, reason);
    }
    Ok(())
}

/// The rejection for a signature that does not hold.
pub(super) fn distrust(what: &str, error: &SignedError) -> Rejection {
    let kind =
        if matches!(error, SignedError::Unreadable(_)) { RejectionKind::Invalid } else { RejectionKind::Signature };
    rejection(None, kind, format!("{what}: {error}"))
}

pub(super) fn rejection(revision: Option<Revision>, kind: RejectionKind, reason: String) -> Rejection {
    Rejection { revision, kind, reason }
}

/// Security sections refuse what they do not know; serde says so in these words.
fn unreadable(revision: Revision, error: &serde_json::Error) -> Rejection {
    let words = error.to_string();
    if words.starts_with("unknown field") || words.starts_with("unknown variant") {
        let reason = format!(
            "it holds something this agent does not understand and must not ignore ({words}): update the agent"
        );
        return rejection(Some(revision), RejectionKind::TooNew, reason);
    }
    rejection(Some(revision), RejectionKind::Invalid, format!("it cannot be read: {words}"))
}
