//! AsyncAPI's own parser, by which documents are judged: what it refuses, no tool takes.
//!
//! It comes from npm with all it needs, each in the version of the lock in `scripts/asyncapi`, once into the user's cache and
//! without running a script of any package; from then on no network is needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use demo::cache;
use demo::process::Process;

const PACKAGE: &str = include_str!("../../scripts/asyncapi/package.json");
const LOCK: &str = include_str!("../../scripts/asyncapi/package-lock.json");
const SCRIPT: &str = include_str!("../../scripts/asyncapi-parse.mjs");

/// The parser, ready to be asked.
#[derive(Debug)]
pub struct Parser(PathBuf);

impl Parser {
    /// Finds it in the cache, or fetches it (60 MB, needs Node.js with npm and its registry).
    ///
    /// # Errors
    /// It cannot be fetched.
    pub async fn fetch() -> anyhow::Result<Self> {
        let package: serde_json::Value = serde_json::from_str(PACKAGE).context("read the list of packages")?;
        let version = package["dependencies"]["@asyncapi/parser"].as_str();
        let version = version.context("the list of packages names the parser")?;
        Ok(Self(cache::folder(&format!("asyncapi-parser-{version}"), download).await?))
    }

    /// Holds documents against it. What it says goes to `<logs>/<name>.log`.
    ///
    /// # Errors
    /// It finds an error in one of them; its last lines are in the error. Or it cannot be run.
    pub async fn accepts(&self, name: &str, files: &[PathBuf], logs: &Path) -> anyhow::Result<()> {
        ensure!(!files.is_empty(), "{name}: there is no document to look at");
        std::fs::create_dir_all(logs).with_context(|| format!("create {}", logs.display()))?;
        let script = logs.join("asyncapi-parse.mjs");
        std::fs::write(&script, SCRIPT).with_context(|| format!("write {}", script.display()))?;
        let mut command = Command::new("node");
        command.env("ASYNCAPI_PARSER", &self.0).arg(&script).args(files);
        Process::start(name, &command, logs)?.done().await
    }
}

async fn download(folder: &Path) -> anyhow::Result<()> {
    for (name, text) in [("package.json", PACKAGE), ("package-lock.json", LOCK)] {
        let file = folder.join(name);
        std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(folder);
    let why = "fetch AsyncAPI's parser from npm: are the packages `nodejs` and `npm` installed?";
    Process::start("npm", &npm, folder)?.done().await.context(why)
}
