//! An environment: one mesh.

use mesh_protocol::id::EnvironmentId;
use mesh_protocol::secret::SecretKey;
use mesh_protocol::wire::Revision;

/// Name of the environment that a new portal begins with.
pub const FIRST_NAME: &str = "production";

/// One mesh with its policy counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Stable id.
    pub id: EnvironmentId,
    /// Unique.
    pub name: String,
    /// The newest policy revision.
    pub policy: Revision,
    /// Key under which the principals' secrets are hashed.
    pub secret_key: SecretKey,
}
