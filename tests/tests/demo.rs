//! The demo as a newcomer meets it: it shows what it is without being told, keeps its secrets, ends as a whole with
//! Ctrl-C at any moment, and goes on with what it had.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use demo::people::LOGINS;
use demo::portal::Client;
use demo::retailer::HQ;
use demo::state::Secrets;
use demo::wait::until;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::asyncapi_parser::Parser;
use system_tests::demo_mesh::{DemoMesh, Seed, UP};
use system_tests::usage;

/// Larger files are Kafka's indexes, which are made of zeros.
const SEARCHED_BYTES_MAX: u64 = 4_000_000;
/// What an agent makes of `cmd/fr/lyon/till-1`, `-2` and so on, once it has seen enough of them.
const FOLDED: &str = "cmd/fr/lyon/{level4}";

#[tokio::test]
async fn the_demo_shows_itself_ends_with_ctrl_c_and_goes_on_with_what_it_had() -> anyhow::Result<()> {
    let mut folder = tempfile::Builder::new().prefix("meshport-demo-").tempdir().context("make a folder")?;
    let shown = show(folder.path()).await;
    if shown.is_err() {
        folder.disable_cleanup(true);
        eprintln!("the demo's files stay in {}", folder.path().display());
    }
    shown
}

async fn show(folder: &Path) -> anyhow::Result<()> {
    // Ctrl-C in the middle of the first start, while Kafka is made.
    let demo = DemoMesh::start(folder, Seed::Bare).await?;
    until("something of Kafka runs", SOON, async || {
        Ok(demo.processes()?.into_iter().any(|process| runs(process, "java")).then_some(()))
    })
    .await?;
    demo.interrupt()?;

    let demo = DemoMesh::start(folder, Seed::Bare).await?;
    until("catalog and graph fill", UP, async || is_full(&demo.api).await.map(|full| full.then_some(()))).await?;
    nothing_is_described(&demo.api).await?;
    nothing_listens_for_others(&demo)?;
    ensure!(demo.processes()?.len() >= 7, "itself, the portal, three agents, two brokers: {:?}", demo.processes());
    let (before, hub) = (demo.secrets()?, demo.api.find("sites", "/name", HQ).await?);
    let data = demo.data().to_owned();
    demo.interrupt()?;
    secrets_are_private(&data, &before)?;

    let demo = DemoMesh::start(folder, Seed::Described).await?;
    for login in LOGINS {
        let input = json!({ "login": login, "password": before.people.get(login) });
        Client::new(demo.url())?.signed_in("login", &input).await.with_context(|| format!("log in as {login}"))?;
    }
    let id = |site: &Option<Value>| site.as_ref().map(|site| site["id"].clone());
    ensure!(id(&demo.api.find("sites", "/name", HQ).await?) == id(&hub) && hub.is_some(), "the hub is another one");
    until("one topic has no owner", UP, async || one_topic_has_no_owner(&demo.api).await.map(Some)).await?;
    until("the document of orders tells what runs", UP, async || document_is_true(&demo.api).await).await?;
    tools_take_every_document(&demo.api, folder).await?;
    ensure!(demo.secrets()?.clients == before.clients, "clients have new secrets");
    demo.interrupt()
}

/// Everything that the agents can find is there, with nobody having described it.
async fn is_full(api: &Client) -> anyhow::Result<bool> {
    let rows = api.list("catalog").await?;
    let has = |kind: &str, name: &str| rows.iter().any(|row| row["kind"] == kind && row["name"] == name);
    let graph = api.get("graph").await?;
    let edges = graph["edges"].as_array().context("a graph has edges")?;
    let observed = edges.iter().filter(|edge| edge["evidence"]["observed"] == true).count();
    Ok(has("address", "orders/fr/lyon/created")
        && has("address", FOLDED)
        && has("topic", "retail.refunds")
        && has("topic", "plant.sensors")
        && has("group", "billing")
        && has("cluster", "kafka-a")
        && has("cluster", "kafka-b")
        && observed >= 20)
}

/// Of all that the demo has started, nothing can be reached from another machine.
fn nothing_listens_for_others(demo: &DemoMesh) -> anyhow::Result<()> {
    let mut seen = 0;
    for process in demo.processes()? {
        for address in usage::listens_at(process)? {
            ensure!(address.ip().to_canonical().is_loopback(), "process {process} listens for others, at {address}");
            seen += 1;
        }
    }
    ensure!(seen >= 9, "two clusters, the portal and three agents listen, at only {seen} addresses");
    Ok(())
}

async fn nothing_is_described(api: &Client) -> anyhow::Result<()> {
    let told = |row: &Value, field: &str| row[field].as_str().is_some_and(|text| !text.is_empty());
    for row in api.list("catalog").await? {
        ensure!(!told(&row, "owner"), "somebody gave an owner: {row}");
        // Of the others their state is told, which the agents see.
        let is_silent = matches!(row["kind"].as_str(), Some("address" | "principal"));
        ensure!(!is_silent || !told(&row, "description"), "somebody described it: {row}");
    }
    ensure!(api.list("applications").await?.is_empty(), "somebody made applications");
    for site in api.list("sites").await? {
        ensure!(site["location"].is_null() && site["labels"] == json!({}), "somebody described a site: {site}");
    }
    for role in api.list("roles").await? {
        ensure!(!told(&role, "description"), "somebody described a role: {role}");
    }
    for route in api.list("routes").await? {
        ensure!(!told(&route["config"], "note"), "somebody described a route: {route}");
    }
    Ok(())
}

/// Of all that the agents of this start have found, exactly one thing is left for a newcomer to find.
async fn one_topic_has_no_owner(api: &Client) -> anyhow::Result<()> {
    let rows = api.list("catalog").await?;
    let folded = rows.iter().find(|row| row["name"] == FOLDED).context("the tills' commands are one address")?;
    ensure!(folded["freshness"]["stale"] == false, "no command was seen in this start");
    let tills: Vec<_> = rows.iter().filter(|row| is_like(row, "cmd/fr/lyon/till-")).map(|row| &row["name"]).collect();
    ensure!(tills.is_empty(), "these were folded long ago: {tills:?}");
    // The clients were made by a start that describes nothing, so that they are of no application.
    let unowned = rows.iter().filter(|row| row["owner"] == "" && row["kind"] != "principal");
    let unowned: Vec<_> = unowned.map(|row| &row["name"]).collect();
    ensure!(unowned == ["retail.refunds"], "these have no owner: {unowned:?}");
    let overview = api.get("overview").await?;
    let attention = overview["attention"].as_array().context("an overview tells what needs attention")?;
    let line = attention.iter().find(|entry| entry["title"] == "the topic retail.refunds has no owner");
    ensure!(line.is_some_and(|line| line["href"] == "/ownership?kind=topic"), "it is not told: {attention:?}");
    Ok(())
}

/// The AsyncAPI document of an event names the listeners that take it and the Kafka topic that holds it, with its settings.
async fn document_is_true(api: &Client) -> anyhow::Result<Option<()>> {
    let event =
        api.find("designs?kind=event", "/config/name", "order-created").await?.context("orders are designed")?;
    let version = event["versions"][0]["id"].as_str().context("an event has a version")?;
    let made = api.get(&format!("design-versions/{version}/asyncapi?syntax=json")).await?;
    let errors = made["findings"].as_array().into_iter().flatten().filter(|finding| finding["severity"] == "error");
    ensure!(errors.count() == 0, "tools refuse it: {made}");
    let document: Value =
        serde_json::from_str(made["text"].as_str().unwrap_or_default()).context("read the document")?;
    let values = |part: &str| document[part].as_object().into_iter().flat_map(|map| map.values().cloned());
    let speaks = |protocol: &str| {
        values("servers").any(|server| server["protocol"] == protocol && !server["security"].is_null())
    };
    let mut holds = values("channels").filter(|channel| channel["address"] == "retail.orders");
    let is_told = holds.any(|channel| channel["bindings"]["kafka"]["partitions"].as_u64() >= Some(1));
    ensure!(document["operations"]["receive-order-created"]["action"] == "receive", "a consumer receives: {document}");
    // Agents report within seconds.
    Ok((speaks("mqtt") && speaks("kafka-secure") && is_told).then_some(()))
}

/// Every document there is, of each side, is accepted by AsyncAPI's own parser.
async fn tools_take_every_document(api: &Client, folder: &Path) -> anyhow::Result<()> {
    let logs = folder.join("documents");
    fs::create_dir_all(&logs).context("make a folder for documents")?;
    let mut files = Vec::new();
    for object in api.list("designs").await? {
        let sides: &[&str] = match object["kind"].as_str() {
            Some("event" | "event_api") => &["consumer", "provider"],
            Some("application") => &[""],
            _ => continue,
        };
        for version in object["versions"].as_array().context("an object has versions")? {
            let id = version["id"].as_str().context("a version has an id")?;
            for (side, spec) in sides.iter().flat_map(|side| ["3.0.0", "3.1.0"].map(|spec| (side, spec))) {
                let asked = if side.is_empty() { String::new() } else { format!("&side={side}") };
                let made = api.get(&format!("design-versions/{id}/asyncapi?spec={spec}{asked}")).await?;
                let file = logs.join(format!("{spec}-{}", made["file_name"].as_str().context("a name")?));
                fs::write(&file, made["text"].as_str().context("a text")?).context("write a document")?;
                files.push(file);
            }
        }
    }
    ensure!(files.len() >= 4, "the demo designs events and applications: {files:?}");
    Parser::fetch().await?.accepts("asyncapi-parser", &files, &logs).await
}

fn is_like(row: &Value, begin: &str) -> bool {
    row["name"].as_str().is_some_and(|name| name.starts_with(begin))
}

/// No file that others may read holds a secret of the demo or a private key.
fn secrets_are_private(data: &Path, secrets: &Secrets) -> anyhow::Result<()> {
    let kept = [&secrets.people, &secrets.clients, &secrets.kafka].into_iter().flat_map(|kept| kept.values());
    let words: Vec<&str> = kept.chain(&secrets.token).map(String::as_str).chain(["PRIVATE KEY"]).collect();
    let mut found = Vec::new();
    for file in files(data)? {
        let text = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
        let text = String::from_utf8_lossy(&text);
        if words.iter().any(|word| text.contains(word)) {
            let mode = fs::metadata(&file).with_context(|| format!("look at {}", file.display()))?.permissions().mode();
            ensure!(mode & 0o777 == 0o600, "{} holds a secret and has the mode {mode:o}", file.display());
            found.push(file);
        }
    }
    let holds = |name: &str| found.contains(&data.join(name));
    ensure!(holds("secrets.json") && holds("kafka-a/broker.properties") && holds("kafka-a/server.pem"), "{found:?}");
    Ok(())
}

/// The files of a folder and of those in it that are small enough to be searched.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let entry = entry.with_context(|| format!("list {}", folder.display()))?;
        let about = entry.metadata().with_context(|| format!("look at {}", entry.path().display()))?;
        if about.is_dir() {
            files.extend(self::files(&entry.path())?);
        } else if about.is_file() && about.len() <= SEARCHED_BYTES_MAX {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// Whether a process runs a certain program.
fn runs(process: u32, program: &str) -> bool {
    fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == program)
}
