//! Kafka Connect out of Kafka's own distribution, with its connectors for files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use demo::cache;
use demo::kafka::{Broker, Jars};
use demo::maven;
use demo::ports::free_port;
use demo::process::Process;
use demo::wait::until;
use reqwest::Method;
use serde_json::Value;

use crate::mesh::Mesh;

const VERSION: &str = "4.1.1";
/// How long it may take to answer; usual is 10 s.
const READY: Duration = Duration::from_secs(180);
/// How long it may say that its workers are just sharing work.
const SETTLED: Duration = Duration::from_secs(60);

/// One worker, which is a whole cluster.
#[derive(Debug)]
pub struct Connect {
    process: Process,
    url: String,
    http: reqwest::Client,
}

impl Connect {
    /// Starts one for a broker without logins and waits until it answers.
    ///
    /// # Errors
    /// It cannot be fetched, or does not come up.
    pub async fn start(mesh: &Mesh, broker: &Broker) -> anyhow::Result<Self> {
        let jars = Jars::fetch().await?;
        let files = cache::folder(&format!("connect-file-{VERSION}"), download).await?;
        let url = format!("http://127.0.0.1:{}", free_port()?);
        let properties = properties(mesh, broker, &url, &files)?;
        let mut command = Command::new("java");
        command.args(["-Xmx384m", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=warn", "-cp"]).arg(jars.class_path());
        command.arg("org.apache.kafka.connect.cli.ConnectDistributed").arg(properties).current_dir(mesh.path("logs"));
        let process = Process::start("connect", &command, &mesh.path("logs"))?;
        let http = reqwest::Client::builder().no_proxy().build().context("make an HTTP client")?;
        let mut connect = Self { process, url, http };
        until("Kafka Connect answers", READY, async || {
            connect.process.check()?;
            let answer = connect.http.get(format!("{}/connectors", connect.url)).send().await;
            Ok(answer.is_ok_and(|answer| answer.status().is_success()).then_some(()))
        })
        .await?;
        Ok(connect)
    }

    /// Where its API is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes a connector or changes it.
    ///
    /// # Errors
    /// It is refused.
    pub async fn put(&self, name: &str, config: &Value) -> anyhow::Result<()> {
        self.call(Method::PUT, &format!("connectors/{name}/config"), Some(config)).await
    }

    /// Removes a connector.
    ///
    /// # Errors
    /// It is refused.
    pub async fn delete(&self, name: &str) -> anyhow::Result<()> {
        self.call(Method::DELETE, &format!("connectors/{name}"), None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<()> {
        until(&format!("{method} {path} is taken"), SETTLED, async || {
            let mut request = self.http.request(method.clone(), format!("{}/{path}", self.url));
            if let Some(body) = body {
                request = request.json(body);
            }
            let answer = request.send().await.with_context(|| format!("reach {path}"))?;
            let (status, told) = (answer.status(), answer.text().await.unwrap_or_default());
            // Its workers are sharing the work anew: it says to come again.
            if status.as_u16() == 409 {
                return Ok(None);
            }
            ensure!(status.is_success(), "{method} {path}: {status} {told}");
            Ok(Some(()))
        })
        .await
    }
}

fn properties(mesh: &Mesh, broker: &Broker, url: &str, files: &Path) -> anyhow::Result<PathBuf> {
    let mut text = format!(
        "bootstrap.servers={}\ngroup.id=connect\nlisteners={url}\nplugin.path={}\nplugin.discovery=hybrid_warn\n\
         key.converter=org.apache.kafka.connect.storage.StringConverter\n\
         value.converter=org.apache.kafka.connect.storage.StringConverter\nscheduled.rebalance.max.delay.ms=0\n\
         offset.storage.partitions=1\nstatus.storage.partitions=1\n",
        broker.bootstrap(),
        files.display()
    );
    for storage in ["offset", "config", "status"] {
        text.push_str(&format!("{storage}.storage.topic=connect-{storage}\n{storage}.storage.replication.factor=1\n"));
    }
    let file = mesh.path("connect.properties");
    std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
    Ok(file)
}

async fn download(folder: &Path) -> anyhow::Result<()> {
    let plugin = folder.join("file");
    std::fs::create_dir_all(&plugin).with_context(|| format!("create {}", plugin.display()))?;
    let arguments = [
        "dependency:copy".to_owned(),
        format!("-DoutputDirectory={}", plugin.display()),
        format!("-Dartifact=org.apache.kafka:connect-file:{VERSION}"),
    ];
    maven::fetch("Kafka Connect's connectors for files", &plugin, &arguments).await
}
