//! `mesh-agent status`: what the running agent says of itself, over a Unix socket in its state folder.
//!
//! One answer per connection: a JSON document, then the end. The socket lies in a folder of mode 0700, so only the
//! agent's own user (and root) can ask. Nothing can be changed this way.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mesh_protocol::report::{PartRef, PartState, Status};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::control::facts::Facts;
use crate::control::session::SessionState;
use crate::home::Home;
use crate::task::Tasks;

/// Longest path a Unix socket may have on every system.
const SOCKET_PATH_BYTES_MAX: usize = 100;
/// Largest answer read.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Time for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// What the running agent answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The agent's name.
    pub name: String,
    /// Its site's name.
    pub site: String,
    /// Its portal's address.
    pub portal: String,
    /// Its program's version.
    pub version: String,
    /// Is the portal there?
    pub session: SessionState,
    /// The same status that the portal gets.
    pub status: Status,
}

/// Why the running agent cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// None runs.
    #[error("no agent runs with the state folder {0}: start it with `mesh-agent run`, or name its folder with --state")]
    NotRunning(String),
    /// It does not answer.
    #[error("the agent does not answer at its socket")]
    NoAnswer(#[source] io::Error),
    /// It answers something else.
    #[error("the agent's answer cannot be read: is this program of the same version?")]
    Answer(#[source] serde_json::Error),
}

/// Answers from now on. A socket that cannot be opened is no reason not to work; it is told and left.
pub fn start(home: &Home, facts: Facts, session: watch::Receiver<SessionState>, tasks: &Tasks) {
    let path = home.admin_socket();
    // The folder's lock is ours, so a socket that is there is one that a killed agent left.
    let _ = fs::remove_file(&path);
    match ShortPath::of(&path).and_then(|short| UnixListener::bind(&short.path)) {
        Ok(listener) => tasks.spawn_until_stopped("admin", async move {
            loop {
                let answer = match listener.accept().await {
                    Ok((stream, _)) => {
                        timeout(ANSWER_TIMEOUT, answer(stream, &facts, &session)).await.unwrap_or(Ok(()))
                    }
                    Err(error) => Err(error),
                };
                if let Err(error) = answer {
                    tracing::debug!(%error, "a status request failed");
                }
            }
        }),
        Err(error) => tracing::warn!(%error, path = %path.display(), "no socket for `mesh-agent status`"),
    }
}

async fn answer(mut stream: UnixStream, facts: &Facts, session: &watch::Receiver<SessionState>) -> io::Result<()> {
    let identity = facts.identity.borrow().clone();
    let answer = Answer {
        name: identity.name.clone(),
        site: identity.site_name.clone(),
        portal: identity.portal.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        session: session.borrow().clone(),
        status: facts.status(),
    };
    let text = serde_json::to_vec(&answer).expect("a status serializes");
    stream.write_all(&text).await?;
    stream.shutdown().await
}

/// Asks the agent that runs in this folder.
///
/// # Errors
/// [`AdminError::NotRunning`] when there is none.
pub async fn ask(home: &Home) -> Result<Answer, AdminError> {
    let not_running = || AdminError::NotRunning(home.dir().display().to_string());
    let short = ShortPath::of(&home.admin_socket()).map_err(|_| not_running())?;
    let stream = UnixStream::connect(&short.path).await.map_err(|_| not_running())?;
    let mut text = Vec::new();
    let read = timeout(ANSWER_TIMEOUT, stream.take(ANSWER_BYTES_MAX).read_to_end(&mut text)).await;
    read.map_err(|_| io::ErrorKind::TimedOut.into()).and_then(|read| read).map_err(AdminError::NoAnswer)?;
    serde_json::from_slice(&text).map_err(AdminError::Answer)
}

/// A socket's path that fits the system's limit: through the open folder when the real one is too long.
struct ShortPath {
    path: PathBuf,
    _folder: Option<File>,
}

impl ShortPath {
    fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
            return Ok(Self { path: path.to_owned(), _folder: None });
        }
        let (folder, name) = path.parent().zip(path.file_name()).ok_or(io::ErrorKind::InvalidInput)?;
        let folder = File::open(folder)?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        Ok(Self { path, _folder: Some(folder) })
    }
}

impl Answer {
    /// For a person at a terminal.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let status = &self.status;
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<12}{value}");
        };
        line("agent", format!("{} at {} ({})", self.name, self.site, self.version));
        line("portal", format!("{}: {}", self.portal, session(&self.session)));
        line(
            "policy",
            match status.applied {
                Some(applied) => format!("revision {} is in force", applied.revision),
                None => "none: everything is denied".to_owned(),
            },
        );
        if let Some(rejected) = &status.rejected {
            line("rejected", rejected.reason.clone());
        }
        line("memory", format!("{} MB", status.memory_bytes / 1_000_000));
        for part in &status.parts {
            let (kind, id) = part_name(part.object);
            let detail = part.detail.as_deref().unwrap_or_default();
            line(
                kind,
                format!("{:<9} {id} {} {detail}", state(part.state), part.addresses.join(" ")).trim_end().to_owned(),
            );
        }
        for link in &status.links {
            line("link", format!("{:<9} {}", if link.up { "up" } else { "down" }, link.agent));
        }
        text
    }
}

fn session(state: &SessionState) -> String {
    match state {
        SessionState::Connected { .. } => "connected".to_owned(),
        SessionState::Connecting { last_error: None } => "connecting".to_owned(),
        SessionState::Connecting { last_error: Some(error) } => format!("not connected, trying again ({error})"),
    }
}

fn part_name(part: PartRef) -> (&'static str, String) {
    match part {
        PartRef::Listener(id) => ("listener", id.to_string()),
        PartRef::Source(id) => ("source", id.to_string()),
        PartRef::Sink(id) => ("sink", id.to_string()),
        PartRef::Broker(id) => ("broker", id.to_string()),
        PartRef::Queue(id) => ("queue", id.to_string()),
        PartRef::Fabric => ("fabric", String::new()),
        PartRef::KafkaAccess(id) => ("kafka-access", id.to_string()),
        PartRef::KafkaUser(user) => ("kafka-user", user.id.to_string()),
    }
}

const fn state(state: PartState) -> &'static str {
    match state {
        PartState::Starting => "starting",
        PartState::Running => "running",
        PartState::Degraded => "degraded",
        PartState::Failing => "failing",
        PartState::Rejected => "rejected",
    }
}
