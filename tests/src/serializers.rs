//! Confluent's Python client, by which a schema registry is judged: its serializers are what people use.
//!
//! It comes from PyPI with all it needs, each in a fixed version and as a wheel, once into the user's cache; from then on
//! no network is needed. Its Kafka client is librdkafka, like ours, but the bytes of its records are its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use demo::cache;
use demo::process::Process;

/// The packages, one a line.
const PACKAGES: &str = include_str!("serializers.txt");

/// A Python that has the client.
#[derive(Debug)]
pub struct Python(PathBuf);

impl Python {
    /// Finds it in the cache, or fetches it (40 MB, needs Python with `venv` and its registry).
    ///
    /// # Errors
    /// It cannot be fetched.
    pub async fn fetch() -> anyhow::Result<Self> {
        let version = PACKAGES.lines().find_map(|line| line.strip_prefix("confluent-kafka=="));
        let version = version.context("the list of packages names the client")?;
        let folder = cache::folder(&format!("confluent-kafka-{version}"), download).await?;
        Ok(Self(folder))
    }

    /// Runs a script with arguments to its end and gives what it printed.
    ///
    /// # Errors
    /// It fails; its last lines are in the error.
    pub async fn run(&self, name: &str, script: &Path, arguments: &[&str], logs: &Path) -> anyhow::Result<String> {
        let mut command = Command::new("python3");
        // The packages stand in a folder of their own, which may lie anywhere: a virtual environment knows its place.
        command.env("PYTHONPATH", self.0.join("packages")).env("PYTHONDONTWRITEBYTECODE", "1");
        command.arg("-u").arg(script).args(arguments);
        let log = logs.join(format!("{name}.log"));
        Process::start(name, &command, logs)?.done().await?;
        std::fs::read_to_string(&log).with_context(|| format!("read {}", log.display()))
    }
}

async fn download(folder: &Path) -> anyhow::Result<()> {
    let why = "fetch Confluent's Python client from PyPI: are the packages `python3` and `python3-venv` installed?";
    let list = folder.join("packages.txt");
    std::fs::write(&list, PACKAGES).with_context(|| format!("write {}", list.display()))?;
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(folder.join("pip"));
    Process::start("venv", &venv, folder)?.done().await.context(why)?;
    let mut pip = Command::new(folder.join("pip/bin/python"));
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--only-binary", ":all:", "--no-deps"]);
    pip.arg("--target").arg(folder.join("packages")).arg("-r").arg(&list);
    Process::start("pip", &pip, folder)?.done().await.context(why)?;
    // Only pip was needed of it.
    std::fs::remove_dir_all(folder.join("pip")).context("remove what only installed the client")
}
