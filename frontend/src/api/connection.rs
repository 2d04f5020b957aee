//! "Test my connection": what a real attempt with a credential came to, layer by layer.

use mesh_protocol::id::{ListenerId, PrincipalId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Millis, PlanProtocol};

/// What a connection is tested with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionTestInput {
    /// A credential of the application that has the grant.
    pub credential: PrincipalId,
    /// Its secret: used for this test, kept nowhere.
    pub secret: String,
}

impl std::fmt::Debug for ConnectionTestInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionTestInput").field("credential", &self.credential).finish_non_exhaustive()
    }
}

/// What a test came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionTest {
    /// When it began.
    pub at: Millis,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
    /// Nothing failed, and at least one listener was asked.
    pub works: bool,
    /// All of it in a sentence: the first layer that failed.
    pub summary: String,
    /// From where it was made, and what is not seen from there.
    pub seen_from: String,
    /// What must be so before any listener is asked: the grant and the credential.
    pub before: Vec<TestStep>,
    /// Each listener that the credential can use, at each agent that serves it.
    pub listeners: Vec<ListenerTest>,
    /// Listeners that were not asked, because there are too many.
    pub left_out: u32,
}

/// What an attempt at one listener came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListenerTest {
    /// Which listener.
    pub listener: ListenerId,
    /// Its name.
    pub name: String,
    /// What it speaks.
    pub protocol: PlanProtocol,
    /// Its site.
    pub site_name: String,
    /// The agent that serves it; empty = none said that it does.
    pub agent_name: String,
    /// `host:port` as the agent told it; empty = it told none.
    pub address: String,
    /// The layers in their order; what was not reached stands there too.
    pub steps: Vec<TestStep>,
}

/// What became of one layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestStep {
    /// Which.
    pub layer: TestLayer,
    /// Of what: the filter that was asked for, where a layer has several; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// What became of it.
    pub state: TestState,
    /// How long it took, in milliseconds; none = nothing was waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u32>,
    /// What was found, as a sentence; may be empty.
    pub what: String,
    /// What to do, where it failed; else empty.
    pub advice: String,
}

/// The layers, from the grant to the right to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestLayer {
    /// The grant is given.
    Grant,
    /// The credential may log in, and the secret is its.
    Credential,
    /// The agent is there, and enforces the newest policy.
    Agent,
    /// The name of the address is known.
    Name,
    /// Something takes connections there.
    Reach,
    /// A secure connection comes about, where there is one.
    Tls,
    /// It speaks the protocol.
    Protocol,
    /// It lets the credential in.
    Login,
    /// It lets it receive.
    Receive,
    /// It lets it send.
    Send,
}

/// What became of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestState {
    /// It is as it must be.
    Ok,
    /// It is not.
    Failed,
    /// There is nothing to test, or it is not tested on purpose.
    Skipped,
    /// A layer below it failed.
    NotReached,
}
