//! Apicurio Registry, an implementation of Confluent's registry API that is independent of ours: what discovery of schema
//! registries is judged by.
//!
//! It comes from Maven Central as a whole (109 MB), once into the user's cache, and keeps everything in memory.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use demo::cache;
use demo::maven;
use demo::ports::free_port;
use demo::process::Process;
use demo::wait::until;

use crate::mesh::Mesh;

/// The last that runs on Java 17.
const VERSION: &str = "3.0.9";
/// How long it may take to answer; usual is 10 s.
const READY: Duration = Duration::from_secs(180);

/// A registry that runs.
#[derive(Debug)]
pub struct Registry {
    process: Process,
    url: String,
}

impl Registry {
    /// Starts one in the mesh's folder and waits until it answers.
    ///
    /// # Errors
    /// It cannot be fetched, or does not come up.
    pub async fn start(mesh: &Mesh) -> anyhow::Result<Self> {
        let folder = cache::folder(&format!("apicurio-{VERSION}"), download).await?;
        let port = free_port()?;
        let mut command = Command::new("java");
        command.args(["-Xmx512m", "-XX:TieredStopAtLevel=1", "-Dquarkus.http.host=127.0.0.1"]);
        command.arg(format!("-Dquarkus.http.port={port}")).arg("-jar");
        command.arg(folder.join(format!("apicurio-registry-app-{VERSION}-runner.jar"))).current_dir(mesh.path("logs"));
        let process = Process::start("apicurio", &command, &mesh.path("logs"))?;
        let mut registry = Self { process, url: format!("http://127.0.0.1:{port}/apis/ccompat/v7") };
        let http = reqwest::Client::builder().no_proxy().build().context("make an HTTP client")?;
        until("Apicurio answers", READY, async || {
            registry.process.check()?;
            let answer = http.get(format!("{}/subjects", registry.url)).send().await;
            Ok(answer.is_ok_and(|answer| answer.status().is_success()).then_some(()))
        })
        .await?;
        Ok(registry)
    }

    /// Where Confluent's API begins.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

async fn download(folder: &Path) -> anyhow::Result<()> {
    let arguments = [
        "dependency:copy".to_owned(),
        format!("-DoutputDirectory={}", folder.display()),
        format!("-Dartifact=io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"),
    ];
    maven::fetch("Apicurio Registry", folder, &arguments).await?;
    let archive = folder.join(format!("apicurio-registry-app-{VERSION}-all.tar.gz"));
    let mut tar = Command::new("tar");
    tar.arg("xzf").arg(&archive).arg("-C").arg(folder);
    Process::start("tar", &tar, folder)?.done().await.context("unpack Apicurio Registry")?;
    std::fs::remove_file(&archive).context("remove what was only packed")
}
