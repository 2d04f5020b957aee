//! How a machine joins: the portal's line run as it stands, and everything that must not work.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use demo::agent::Agent;
use demo::process::Process;
use demo::wait::until;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::mesh::Mesh;

use crate::text;

/// A site that nobody has joined yet.
async fn lonely_site(mesh: &Mesh) -> anyhow::Result<Value> {
    mesh.api.post("sites", &json!({ "name": "lyon", "region": "eu" })).await
}

async fn join_line(mesh: &Mesh, site: &Value, options: &Value) -> anyhow::Result<Value> {
    mesh.api.post(&format!("sites/{}/join-tokens", text(site, "id")?), options).await
}

fn empty_folder(mesh: &Mesh, name: &str) -> anyhow::Result<PathBuf> {
    let folder = mesh.path(name);
    fs::create_dir(&folder).with_context(|| format!("make {}", folder.display()))?;
    Ok(folder)
}

/// A shell with a line as a person pastes it.
fn shell(line: &str, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).current_dir(folder).env_remove("MESH_AGENT_TOKEN");
    command
}

/// What a line that must fail says.
fn refusal(output: &Output) -> anyhow::Result<String> {
    let told = [&*output.stdout, &*output.stderr].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    anyhow::ensure!(!output.status.success(), "the line worked: {told}");
    Ok(told)
}

#[tokio::test]
async fn the_line_run_as_it_stands_in_an_empty_folder_brings_an_agent_online_once() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = lonely_site(&mesh).await?;
    let line = join_line(&mesh, &site, &json!({})).await?;
    let line = text(&line, "line")?;

    let folder = empty_folder(&mesh, "machine")?;
    let mut agent = Process::start("join-line", &shell(line, &folder), &mesh.path("logs"))?;
    until("the agent is online", SOON, async || {
        agent.check()?;
        let found = mesh.api.find("agents", "/site_name", "lyon").await?;
        Ok(found.filter(|agent| agent["presence"] == "online").map(drop))
    })
    .await?;
    mesh.applied().await?;
    mesh.listener("lyon", "mqtt").await?;

    // The same line on another machine: the token is spent.
    let other = empty_folder(&mesh, "other-machine")?;
    let told = refusal(&shell(line, &other).output().context("start a shell")?)?;
    anyhow::ensure!(told.contains("used already") && told.contains("copy a new one from the site's page"), "{told}");
    agent.check()?;
    anyhow::ensure!(mesh.api.list("agents").await?.len() == 1, "there is one agent");
    mesh.passed()
}

#[tokio::test]
async fn a_download_that_is_not_what_the_page_says_is_not_run() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = lonely_site(&mesh).await?;
    let line = join_line(&mesh, &site, &json!({})).await?;
    let sum = text(&line, "binary_sha256")?;
    let altered = text(&line, "line")?.replace(sum, &sum.chars().rev().collect::<String>());
    let folder = empty_folder(&mesh, "machine")?;
    let told = refusal(&shell(&altered, &folder).output().context("start a shell")?)?;
    anyhow::ensure!(told.contains("mesh-agent: FAILED"), "{told}");
    anyhow::ensure!(fs::read_dir(&folder)?.count() == 1, "it left more than the download");
    // The token was not spent by it.
    Agent::unjoined("late", &mesh.path("late")).join_with(text(&line, "portal")?, text(&line, "token")?)?;
    mesh.passed()
}

#[tokio::test]
async fn a_join_token_works_once_only_whole_only_here_and_only_in_its_time() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = lonely_site(&mesh).await?;
    // The shortest life there is; the rest is looked at while it runs out.
    let short = join_line(&mesh, &site, &json!({ "minutes": 1 })).await?;
    let line = join_line(&mesh, &site, &json!({})).await?;
    let (portal, token) = (text(&line, "portal")?, text(&line, "token")?);
    let join = |name: &str, token: &str| Agent::unjoined(name, &mesh.path(name)).join_with(portal, token);
    let refused = |name: &str, token: &str, words: &[&str]| {
        let told = join(name, token).err().with_context(|| format!("{name} joined"))?.to_string();
        anyhow::ensure!(words.iter().all(|word| told.contains(word)), "{name}: {told}");
        anyhow::Ok(())
    };

    refused("mangled", &token[..token.len() - 3], &["not a join token", "copied whole from the site's page"])?;
    let (start, end) = token.split_at(10);
    let other = if end.starts_with('A') { "B" } else { "A" };
    refused("unknown", &format!("{start}{other}{}", &end[1..]), &["does not know the join token", "copy a new one"])?;
    // The end of a token pins the portal: one of another portal must not even be sent here.
    let mut far = Mesh::start().await?;
    let foreign = join_line(&far, &lonely_site(&far).await?, &json!({})).await?;
    refused("foreign", text(&foreign, "token")?, &["not the portal this agent trusts", "copy the join line anew"])?;
    join("first", token)?;
    refused("second", token, &["used already", "copy a new one from the site's page"])?;

    let ends = short["expires_at"].as_i64().context("read when the token expires")?;
    until("the token's time is over", Duration::from_secs(90), async || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("read the clock")?;
        Ok((now.as_millis() > u128::try_from(ends)?).then_some(()))
    })
    .await?;
    refused("late", text(&short, "token")?, &["has expired", "copy a new one from the site's page"])?;
    let agents = mesh.api.list("agents").await?;
    anyhow::ensure!(agents.len() == 1 && agents[0]["name"] == "first", "somebody else got in: {agents:?}");
    far.passed()?;
    mesh.passed()
}
