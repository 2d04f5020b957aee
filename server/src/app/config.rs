//! How this portal was started, and the first start.

use std::path::PathBuf;

use mesh_protocol::id::EnvironmentId;
use mesh_protocol::secret::SecretKey;
use mesh_protocol::wire::Revision;
use uuid::Uuid;

use super::clock::now_ms;
use super::mail::Server;
use super::{Authority, Error, Result};
use crate::domain::environment::{Environment, FIRST_NAME};
use crate::store::Store;

/// How this portal was started.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The mesh holds demo data; every page says so.
    pub demo: bool,
    /// `https://host:port` where browsers reach the portal; in the join line.
    pub portal_url: String,
    /// `https://host:port` where agents reach it.
    pub agents_url: String,
    /// Tags of designs whose records are shown without values to whoever may not see them, upper and lower case alike.
    pub masked_tags: Vec<String>,
    /// The mail server; none = people are told in the portal only.
    pub mail: Option<Server>,
    /// The `mesh-agent` binary that the portal hands out; none = not found beside this program.
    pub agent_binary: Option<AgentBinary>,
}

/// The program that the portal hands out to new sites.
#[derive(Clone, Debug)]
pub struct AgentBinary {
    /// Where it lies.
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Setting that ties a database to the secrets beside it.
const AUTHORITY: &str = "authority";

/// Finds or makes the environment, and refuses to run with secrets that are not those of this database: every agent
/// would refuse the portal, and the reason would be hard to find there.
pub(super) async fn prepare(store: &Store, authority: &Authority) -> Result<EnvironmentId> {
    let now_ms = now_ms();
    let mut tx = store.write().await?;
    let fingerprint = authority.fingerprint();
    match tx.setting(AUTHORITY).await? {
        None => tx.set_setting(AUTHORITY, &fingerprint, now_ms).await?,
        Some(known) if known == fingerprint => {}
        Some(_) => return Err(Error::ForeignSecrets),
    }
    let environment = match tx.environment().await? {
        Some(environment) => environment.id,
        None => {
            let new = Environment {
                id: EnvironmentId(Uuid::now_v7()),
                name: FIRST_NAME.to_owned(),
                policy: Revision { generation: 1, revision: 1 },
                secret_key: SecretKey::new(rand::random()),
            };
            tx.insert_environment(&new, now_ms).await?;
            new.id
        }
    };
    tx.commit().await?;
    Ok(environment)
}
