//! The programs on the page of a grant are taken from the page as the browser has them, and run against the mesh as they are:
//! by a shell, by Python and compiled by Cargo. One that is shown and not run fails the test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use demo::cache;
use demo::portal::Client;
use demo::process::Process;
use demo::wait::until;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use system_tests::SOON;
use system_tests::browser::Browser;
use system_tests::mesh::{Login, Mesh};
use system_tests::mqtt::MqttClient;
use system_tests::tls;
use tokio::task::JoinSet;

use crate::estate::{ORDERS, browser};
use crate::faults;

/// What an order is: the portal makes an example of it.
const SCHEMA: &str = r#"{"type": "object", "required": ["total", "note"], "properties": {
    "total": {"type": "integer"}, "note": {"const": "it's \"quoted\" \\ $HOME `id` %s"}}}"#;
/// As the portal fills in the address.
const EXAMPLE: &str = "orders/country-1/store-1/created";
/// Where `xtask/install.sh` puts Python's packages.
const PACKAGES: &str = include_str!("../../../xtask/snippets.txt");
/// What programs in Rust are compiled with, and which versions of it.
const MANIFEST: &str = include_str!("../../../xtask/snippets/Cargo.toml");
const LOCK: &str = include_str!("../../../xtask/snippets/Cargo.lock");
/// A program that is there: everything but compiling takes less.
const RUN_MAX: Duration = Duration::from_secs(60);
/// Compiling for the first time.
const BUILD_MAX: Duration = Duration::from_secs(900);

#[tokio::test]
async fn every_program_on_the_page_of_a_grant_runs() -> anyhow::Result<()> {
    let mut mesh = Mesh::start_demo().await?;
    mesh.site("hq", None).await?;
    let (grant, login) = granted(&mut mesh).await.context("have access given")?;
    let developer = browser(&mut mesh, "developer").await?;
    developer.open(&format!("/access/{grant}")).await?;
    developer.element("[data-snippet]").await?;
    let shown = shown_of(&developer).await?;
    let expected: Vec<String> = ["http", "mqtt"]
        .iter()
        .flat_map(|by| ["python", "rust", "shell"].map(|language| format!("{by}-{language}")))
        .flat_map(|name| ["receive", "send"].map(|way| format!("{name}-{way}")))
        .collect();
    ensure!(shown.keys().eq(expected.iter()), "the page shows {:?}", shown.keys());
    choose(&developer).await.context("choose among them")?;
    let programs = Programs::of(&shown, &mesh, "snippets").await.context("make programs of them")?;

    let address = mesh.listener("hq", "mqtt").await?;
    let watcher = MqttClient::connect_as(&address, &login.username, &login.secret, "watcher").await?;
    watcher.subscribe(EXAMPLE).await?;
    let _feed = feed(&address, &login).await?;
    let mut ran = run_all(&programs, &shown, &login, &watcher).await?;
    programs.refused(&login).await.context("a wrong secret is told")?;

    // Where there is TLS it is what is shown, with what makes programs trust it.
    for protocol in ["mqtt", "http"] {
        tls::listener(&mesh, "hq", protocol, &[]).await?;
    }
    developer.open(&format!("/access/{grant}")).await?;
    developer.element("[data-snippet]").await?;
    let secure = shown_of(&developer).await?;
    ensure!(secure.keys().eq(expected.iter()), "the page shows {:?}", secure.keys());
    ensure!(secure.iter().all(|(name, text)| shown.get(name) != Some(text)), "every program speaks TLS");
    let before = before(&developer).await?;
    ensure!(before.contains("listeners.pem"), "the authority is fetched first: {before}");
    let programs = Programs { before: Some(before), ..Programs::of(&secure, &mesh, "snippets-tls").await? };
    ran += run_all(&programs, &secure, &login, &watcher).await.context("over TLS")?;
    ensure!(ran == shown.len() + secure.len(), "{ran} programs were run");
    developer.quit().await?;
    mesh.passed()
}

/// Runs each once, and says how many there were.
async fn run_all(
    programs: &Programs,
    shown: &BTreeMap<String, String>,
    login: &Login,
    watcher: &MqttClient,
) -> anyhow::Result<usize> {
    let mut ran = 0;
    for name in shown.keys() {
        let seen = watcher.messages().len();
        let said = programs.run(name, login).await.with_context(|| format!("run {name}"))?;
        if name.ends_with("receive") {
            let events = said.lines().filter(|line| line.contains(ORDERS)).count();
            ensure!(events == 2, "{name} takes as many events as it is told to: {said}");
        } else {
            let sent = until(&format!("the event of {name} arrives"), SOON, async || {
                Ok(watcher.messages_after(seen).first().map(|message| message.payload.clone()))
            })
            .await?;
            let sent: Value = serde_json::from_slice(&sent).with_context(|| format!("read what {name} sent"))?;
            ensure!(sent["note"] == "it's \"quoted\" \\ $HOME `id` %s", "{name} sends the example as it is: {sent}");
        }
        ran += 1;
    }
    Ok(ran)
}

/// What the page says is typed before any of them.
async fn before(browser: &Browser) -> anyhow::Result<String> {
    let script = "return [...document.querySelectorAll('pre, code')].map(e => e.textContent).find(text => text.includes('export MESHPORT_USER')) ?? '';";
    let text = browser.script(script).await?;
    text.as_str().filter(|text| !text.is_empty()).map(str::to_owned).context("it says what to export")
}

fn id(made: &Value) -> anyhow::Result<String> {
    made["id"].as_str().map(str::to_owned).with_context(|| format!("read the id of {made}"))
}

/// A product of one event that is received and sent, with a plan that lets everybody in; the grant of it, and a credential.
async fn granted(mesh: &mut Mesh) -> anyhow::Result<(String, Login)> {
    let person = async |mesh: &mut Mesh, login: &str| -> anyhow::Result<Client> {
        let input = json!({ "login": login, "password": mesh.person(login).await? });
        Client::new(&mesh.url())?.signed_in("login", &input).await
    };
    let (dev, approver) = (person(mesh, "developer").await?, person(mesh, "approver").await?);
    let domain = json!({ "name": "orders", "parent": null, "owner": "stores", "topics": ["orders/>"], "kafka_topics": [], "description": "" });
    let domain = dev.post("domains", &domain).await?;
    let made = async |kind: &str, name: &str, content: Value| -> anyhow::Result<(String, String)> {
        let object = json!({ "kind": kind, "name": name, "domain": domain["id"], "document": "", "tags": [] });
        let object = id(&dev.post("designs", &object).await?)?;
        let version = id(&dev.post(&format!("designs/{object}/versions"), &json!({ "content": content })).await?)?;
        dev.post(&format!("design-versions/{version}/move"), &json!({ "revision": 1, "value": { "to": "in_review" } }))
            .await?;
        let releaser = if matches!(kind, "schema" | "event") { &dev } else { &approver };
        let step = json!({ "revision": 2, "value": { "to": "released" } });
        releaser.post(&format!("design-versions/{version}/move"), &step).await?;
        Ok((object, version))
    };
    let (_, schema) = made("schema", "order", json!({ "kind": "schema", "format": "JSON", "text": SCHEMA })).await?;
    let event = json!({ "kind": "event", "address": "orders/{country}/{store}/created", "schema": schema });
    let (_, event) = made("event", "order-created", event).await?;
    let api = json!({ "kind": "event_api", "receives": [event], "sends": [event] });
    let (_, api) = made("event_api", "orders-api", api).await?;
    let (product, version) = made("product", "retail-orders", json!({ "kind": "product", "apis": [api] })).await?;
    let plan = json!({ "name": "free", "protocols": ["mqtt", "http"], "approval": { "kind": "auto" } });
    let plan = id(&dev.post(&format!("products/{product}/plans"), &plan).await?)?;
    let step = json!({ "revision": 1, "value": { "to": "published" } });
    approver.post(&format!("plans/{plan}/move"), &step).await?;
    dev.post(&format!("products/{product}/publications"), &json!({ "version": version })).await?;
    let wall = json!({ "name": "wall", "owner": "developer", "description": "" });
    let wall = id(&dev.post("applications", &wall).await?)?;
    let wish = json!({ "application": wall, "version": version, "plan": plan, "purpose": "Shows orders on the wall" });
    let request = dev.post("access-requests", &wish).await?;
    let grant = request["grant"].as_str().with_context(|| format!("access is given at once: {request}"))?.to_owned();
    let issued = dev.post(&format!("applications/{wall}/credentials"), &json!({ "username": "wall-screen" })).await?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("read the credential");
    let (username, secret) = (text(&issued["credential"]["username"])?, text(&issued["secret"])?);
    mesh.applied().await?;
    // It says where it listens.
    for protocol in ["mqtt", "http"] {
        mesh.listener("hq", protocol).await?;
    }
    Ok((grant, Login { id: id(&issued["credential"])?, username, secret }))
}

/// Orders that keep coming, for who receives.
async fn feed(address: &str, login: &Login) -> anyhow::Result<JoinSet<()>> {
    let sender = MqttClient::connect_as(address, &login.username, &login.secret, "feeder").await?;
    let mut feed = JoinSet::new();
    feed.spawn(async move {
        loop {
            let _ = sender.publish(ORDERS, r#"{"total":42,"note":"it's \"quoted\" \\ $HOME `id` %s"}"#).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    Ok(feed)
}

/// The text of each, by name; also of those that are not chosen now.
async fn shown_of(browser: &Browser) -> anyhow::Result<BTreeMap<String, String>> {
    let script =
        "return [...document.querySelectorAll('[data-snippet]')].map(e => [e.dataset.snippet, e.textContent]);";
    let all: Vec<(String, String)> = serde_json::from_value(browser.script(script).await?).context("read them")?;
    let count = all.len();
    let all: BTreeMap<String, String> = all.into_iter().collect();
    ensure!(all.len() == count, "two programs have one name");
    Ok(all)
}

/// One is shown at a time, as it is chosen.
async fn choose(browser: &Browser) -> anyhow::Result<()> {
    let is_shown = async |name: &str| {
        until(&format!("{name} alone is shown"), SOON, async || {
            let script = "return [...document.querySelectorAll('[data-snippet]')].filter(e => e.checkVisibility()).map(e => e.dataset.snippet);";
            let shown = browser.script(script).await?;
            Ok((shown == json!([name])).then_some(()))
        })
        .await
    };
    is_shown("mqtt-shell-receive").await?;
    browser.click("HTTP").await?;
    is_shown("http-shell-receive").await?;
    browser.click_at("//label[normalize-space(.)='Python']").await?;
    is_shown("http-python-receive").await?;
    browser.click_at("//label[normalize-space(.)='Send']").await?;
    is_shown("http-python-send").await?;
    ensure!(browser.path().await?.starts_with("/access/"), "it is the same page");
    faults::none(&faults::faults(browser, "access with its programs").await?)
}

/// The programs as files, those in Rust compiled.
struct Programs {
    folder: PathBuf,
    logs: PathBuf,
    python: PathBuf,
    built: PathBuf,
    /// What is typed in the shell before; none = the secret alone is set.
    before: Option<String>,
}

impl Programs {
    async fn of(shown: &BTreeMap<String, String>, mesh: &Mesh, folder: &str) -> anyhow::Result<Self> {
        let folder = mesh.path(folder);
        let bins = folder.join("src/bin");
        std::fs::create_dir_all(&bins).context("make a folder for programs")?;
        for (name, text) in shown {
            let file = if name.contains("-rust-") { bins.join(format!("{name}.rs")) } else { folder.join(name) };
            std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
        }
        let digest = hex_of(&Sha256::digest(PACKAGES));
        let python = cache::place(&format!("snippets-{}", &digest[..12]))?.join("bin/python");
        ensure!(
            python.is_file(),
            "Python's packages for this test are not at {}: run `bash xtask/install.sh test`",
            python.display()
        );
        let own = std::env::current_exe().context("find the running program")?;
        let target = own.ancestors().nth(3).context("find the target folder")?.join("snippets");
        let programs = Self { logs: mesh.path("logs"), built: target.join("debug"), folder, python, before: None };
        programs.compile(shown, &target).await?;
        Ok(programs)
    }

    /// A package of its own with what they all say that they need, which is there already: with TLS, that is what they need
    /// without and more.
    async fn compile(&self, shown: &BTreeMap<String, String>, target: &Path) -> anyhow::Result<()> {
        let needs = [
            ("mqtt-rust", "rumqttc = { version = \"0.25\", default-features = false }", "rumqttc = \"0.25\""),
            (
                "http-rust",
                "reqwest = { version = \"0.13\", default-features = false }",
                "reqwest = { version = \"0.13\", default-features = false, features = [\"rustls\"] }",
            ),
        ];
        for (of, plain, with_tls) in needs {
            for (name, text) in shown.iter().filter(|(name, _)| name.contains(of)) {
                ensure!(text.contains(plain) || text.contains(with_tls), "{name} says what it needs: {text}");
            }
            ensure!(MANIFEST.contains(with_tls), "xtask/snippets/Cargo.toml has {with_tls}");
        }
        std::fs::write(self.folder.join("Cargo.toml"), MANIFEST).context("write the manifest")?;
        std::fs::write(self.folder.join("Cargo.lock"), LOCK).context("write the lock file")?;
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--offline", "--bins"]).current_dir(&self.folder).env("CARGO_TARGET_DIR", target);
        within(BUILD_MAX, Process::start("snippets-cargo", &cargo, &self.logs)?).await
    }

    fn command(&self, name: &str, secret: &str) -> anyhow::Result<Command> {
        let mut words = match name.split('-').nth(1) {
            Some("shell") => vec![PathBuf::from("sh")],
            Some("python") => vec![self.python.clone()],
            Some("rust") => vec![self.built.join(name)],
            _ => bail!("nobody knows how to run {name}"),
        };
        if !name.contains("-rust-") {
            words.push(self.folder.join(name));
        }
        if name.ends_with("receive") {
            words.push("2".into());
        }
        let mut command = match &self.before {
            None => {
                let mut command = Command::new(&words[0]);
                command.args(&words[1..]).env("MESHPORT_SECRET", secret);
                command
            }
            Some(before) => {
                // The secret is typed, as far as a shell without a terminal can tell.
                let script = format!("printf '%s\\n' \"$TYPED\" | {{\n{before}\nexec \"$@\"\n}}");
                let mut command = Command::new("sh");
                command.arg("-c").arg(script).arg("sh").args(&words).current_dir(&self.folder).env("TYPED", secret);
                command
            }
        };
        command.env_remove("MESHPORT_USER").env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        Ok(command)
    }

    /// Runs one to its end, with nothing but the secret, and gives what it said.
    async fn run(&self, name: &str, login: &Login) -> anyhow::Result<String> {
        let command = self.command(name, &login.secret)?;
        let run = format!("{}-{name}", if self.before.is_some() { "tls" } else { "snippet" });
        within(RUN_MAX, Process::start(&run, &command, &self.logs)?).await?;
        let log = self.logs.join(format!("{run}.log"));
        std::fs::read_to_string(&log).with_context(|| format!("read {}", log.display()))
    }

    /// With a wrong secret every one of them fails.
    async fn refused(&self, login: &Login) -> anyhow::Result<()> {
        for by in ["mqtt", "http"] {
            for language in ["shell", "python", "rust"] {
                for way in ["receive", "send"] {
                    let name = format!("{by}-{language}-{way}");
                    let command = self.command(&name, &format!("not {}", login.secret))?;
                    let process = Process::start(&format!("refused-{name}"), &command, &self.logs)?;
                    let ended = tokio::time::timeout(RUN_MAX, process.done()).await.context("it ends")?;
                    ensure!(ended.is_err(), "{name} says that it failed");
                }
            }
        }
        Ok(())
    }
}

async fn within(limit: Duration, process: Process) -> anyhow::Result<()> {
    tokio::time::timeout(limit, process.done()).await.with_context(|| format!("it is done within {limit:?}"))?
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
