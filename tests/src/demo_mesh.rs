//! The demo mesh itself, started as `make run` starts it, with its data and its traffic.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use demo::portal;
use demo::process::Process;
use demo::programs::program;
use demo::state::Secrets;
use demo::wait::until;
use reqwest::Client;

use crate::usage::processes_with;

/// The pages that show what the mesh is and does.
pub const PAGES: [&str; 29] = [
    "/",
    "/search",
    "/catalog",
    "/graph",
    "/subscriptions",
    "/acl",
    "/scopes",
    "/products",
    "/inbox",
    "/inbox/plans",
    "/access",
    "/designs",
    "/import",
    "/asyncapi/diff",
    "/drift",
    "/domains",
    "/ownership",
    "/teams",
    "/notifications",
    "/webhooks",
    "/me",
    "/schemas",
    "/clients",
    "/routes",
    "/queues",
    "/sites",
    "/agents",
    "/brokers",
    "/people",
];
/// Until everything runs and was seen: two Kafka clusters start meanwhile.
pub const UP: Duration = Duration::from_secs(180);
/// From Ctrl-C to the end: longer than the demo waits before it kills what does not end by itself.
const DOWN: Duration = Duration::from_secs(20);
/// Catalog objects that the agents have found once traffic flows everywhere.
const OBJECTS: usize = 50;
/// Requests per page before the first that counts, and that count.
const REQUESTS: (usize, usize) = (3, 21);

/// Whether people's words about the mesh are made too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// `SEED=0`.
    Bare,
    /// As `make run` does.
    Described,
}

/// A running demo; it ends when this is dropped.
#[derive(Debug)]
pub struct DemoMesh {
    /// The API, as admin.
    pub api: portal::Client,
    process: Process,
    data: PathBuf,
    url: String,
    token: String,
    http: Client,
}

impl DemoMesh {
    /// Starts it with its state in a folder, and waits until its portal is set up; the rest arrives later.
    ///
    /// # Errors
    /// It ends early, or takes too long.
    pub async fn start(folder: &Path, seed: Seed) -> anyhow::Result<Self> {
        let data = folder.join("data");
        let mut command = Command::new(program("meshport-demo")?);
        // No wishes: a wished port would bring the one beside it, which another mesh of this process may have.
        command.args(["up", "--port", "0", "--data"]).arg(&data);
        command.env_remove("RATE").env_remove("PORT").env("SEED", if seed == Seed::Bare { "0" } else { "1" });
        let mut process = Process::start("demo", &command, folder)?;
        let (url, token, api) = until("the demo's portal is set up", UP, async || {
            if let Err(ended) = process.check() {
                return Ok(Some(Err(ended)));
            }
            let url = url(&data)?;
            let token = secrets(&data)?.token.context("the portal has made no token yet")?;
            let api = portal::Client::new(&url)?.with_token(&token)?;
            api.get("me").await?;
            Ok(Some(Ok((url, token, api))))
        })
        .await??;
        let http = Client::builder().no_proxy().build().context("make an HTTP client")?;
        Ok(Self { api, process, data, url, token, http })
    }

    /// Waits until the agents have found what there is.
    ///
    /// # Errors
    /// It ends early, or they take too long.
    pub async fn found(&mut self) -> anyhow::Result<()> {
        until("the agents have found what the demo holds", UP, async || {
            if let Err(ended) = self.process.check() {
                return Ok(Some(Err(ended)));
            }
            Ok((self.api.list("catalog").await?.len() >= OBJECTS).then_some(Ok(())))
        })
        .await?
    }

    /// Where browsers find the portal.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its state.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What it keeps secret.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn secrets(&self) -> anyhow::Result<Secrets> {
        secrets(&self.data)
    }

    /// The processes that work with its state, itself included.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn processes(&self) -> anyhow::Result<Vec<u32>> {
        processes_with(&self.data.to_string_lossy())
    }

    /// Ends it as Ctrl-C does.
    ///
    /// # Errors
    /// It takes too long, fails, or leaves a process behind.
    pub fn interrupt(mut self) -> anyhow::Result<()> {
        self.process.signal("INT")?;
        ensure!(self.process.wait(DOWN), "the demo still runs {} s after Ctrl-C", DOWN.as_secs());
        let last = self.process.tail(20);
        let status = self.process.ended()?.context("it has just ended")?;
        ensure!(status.success() && last.contains("stopped; the state is kept in"), "it ended with {status}:\n{last}");
        let left = self.processes()?;
        ensure!(left.is_empty(), "it ended and left {left:?} behind");
        Ok(())
    }

    /// The time of one page, from the request to the last byte of the answer: the median of some requests after a
    /// warm-up.
    ///
    /// # Errors
    /// The page is not served.
    pub async fn page_time(&self, path: &str) -> anyhow::Result<Duration> {
        let mut times = Vec::new();
        for number in 0..REQUESTS.0 + REQUESTS.1 {
            let began = Instant::now();
            let answer = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token).send().await;
            let answer = answer.and_then(reqwest::Response::error_for_status);
            let answer = answer.with_context(|| format!("ask for {path}"))?;
            let landed = answer.url().path().to_owned();
            let page = answer.text().await.with_context(|| format!("read {path}"))?;
            if number >= REQUESTS.0 {
                times.push(began.elapsed());
            }
            ensure!(landed == path, "{path} leads to {landed}");
            ensure!(page.contains("</html>"), "{path} is no whole page");
        }
        times.sort_unstable();
        Ok(times[times.len() / 2])
    }
}

/// Where the portal is: at the port that was wished for, or at another one if that was taken.
fn url(data: &Path) -> anyhow::Result<String> {
    let file = data.join("ports.json");
    let text = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
    let ports: BTreeMap<String, u16> = serde_json::from_slice(&text).context("read the demo's ports")?;
    Ok(format!("http://127.0.0.1:{}", ports.get("portal").context("the portal has a port")?))
}

fn secrets(data: &Path) -> anyhow::Result<Secrets> {
    let file = data.join("secrets.json");
    let text = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
    serde_json::from_slice(&text).context("read the demo's secrets")
}
