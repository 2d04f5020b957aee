//! The demo mesh itself, started as `make run` starts it, with its data and its traffic.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use demo::ports::free_port;
use demo::process::Process;
use demo::programs::program;
use demo::state::Secrets;
use demo::wait::until;
use reqwest::Client;
use tempfile::TempDir;

/// The pages that show what the mesh is and does.
pub const PAGES: [&str; 11] = [
    "/",
    "/catalog",
    "/graph",
    "/subscriptions",
    "/acl",
    "/clients",
    "/routes",
    "/sites",
    "/agents",
    "/brokers",
    "/people",
];
/// Until everything runs and was seen: two Kafka clusters start meanwhile.
const UP: Duration = Duration::from_secs(180);
/// Catalog objects that the agents have found once traffic flows everywhere.
const OBJECTS: usize = 50;
/// Requests per page before the first that counts, and that count.
const REQUESTS: (usize, usize) = (3, 21);

/// A running demo; it ends when this is dropped.
#[derive(Debug)]
pub struct DemoMesh {
    process: Process,
    url: String,
    token: String,
    http: Client,
    _folder: TempDir,
}

impl DemoMesh {
    /// Starts it, and waits until the agents have found what there is.
    ///
    /// # Errors
    /// It ends early, or takes too long.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("meshport-demo-").tempdir().context("make a folder")?;
        let data = folder.path().join("data");
        let port = free_port()?;
        let mut command = Command::new(program("meshport-demo")?);
        command.args(["up", "--port", &port.to_string(), "--data"]).arg(&data);
        command.env_remove("RATE").env_remove("SEED").env_remove("PORT");
        let mut process = Process::start("demo", &command, folder.path())?;
        let token = until("the demo's portal is set up", UP, async || {
            process.check()?;
            token(&data.join("secrets.json"))
        })
        .await?;
        let http = Client::builder().no_proxy().build().context("make an HTTP client")?;
        let mut mesh = Self { process, url: format!("http://127.0.0.1:{port}"), token, http, _folder: folder };
        let api = demo::portal::Client::new(&mesh.url)?.with_token(&mesh.token)?;
        until("the agents have found what the demo holds", UP, async || {
            mesh.process.check()?;
            Ok((api.list("catalog").await?.len() >= OBJECTS).then_some(()))
        })
        .await?;
        Ok(mesh)
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

/// The token of the demo's own automation, once it has one.
fn token(file: &Path) -> anyhow::Result<Option<String>> {
    let Ok(text) = fs::read(file) else { return Ok(None) };
    // It may be half written.
    Ok(serde_json::from_slice::<Secrets>(&text).ok().and_then(|secrets| secrets.token))
}
