//! Listeners with TLS, from the form to the end of a certificate: real clients of MQTT and HTTP trust the mesh's authority, log
//! in by a certificate alone, lose their connection when it is replaced, and are refused when access ends.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use anyhow::{Context, ensure};
use demo::process::Process;
use demo::wait::until;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::market::Market;
use system_tests::mesh::Mesh;
use system_tests::tls;
use tokio::process::Command;
use tokio::time::timeout;

/// Longest time of one command.
const COMMAND_MAX: Duration = Duration::from_secs(30);
/// The only name in the listeners' certificates beside their address.
const NAME: &str = "localhost";

async fn run(command: &mut Command) -> anyhow::Result<Output> {
    timeout(COMMAND_MAX, command.kill_on_drop(true).output()).await.context("it ends")?.context("it starts")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A device with a key of its own, or one that was made for it.
struct Device {
    folder: PathBuf,
}

impl Device {
    fn at(mesh: &Mesh, name: &str) -> anyhow::Result<Self> {
        let folder = mesh.path(name);
        std::fs::create_dir_all(&folder).context("make a folder for a device")?;
        Ok(Self { folder })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// As docs/tls.md says.
    async fn request(&self) -> anyhow::Result<String> {
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/"]);
        openssl.arg("-keyout").arg(self.file("key.pem")).arg("-out").arg(self.file("request.pem"));
        let output = run(&mut openssl).await?;
        ensure!(output.status.success(), "openssl: {}", said(&output));
        std::fs::read_to_string(self.file("request.pem")).context("read the request")
    }

    fn keep(&self, issued: &Value) -> anyhow::Result<()> {
        let certificate = issued["certificate_pem"].as_str().context("it was given a certificate")?;
        std::fs::write(self.file("certificate.pem"), certificate).context("write the certificate")?;
        if let Some(key) = issued["key_pem"].as_str() {
            std::fs::write(self.file("key.pem"), key).context("write the key")?;
        }
        Ok(())
    }

    fn show(&self, command: &mut Command) {
        command.arg("--cert").arg(self.file("certificate.pem")).arg("--key").arg(self.file("key.pem"));
    }
}

/// Both listeners, and whom their clients trust.
struct Doors<'a> {
    mqtt: u16,
    http: u16,
    authority: &'a Path,
}

impl Doors<'_> {
    /// Publishes over MQTT; an error is what the client was told.
    async fn publish(&self, device: Option<&Device>, payload: &str) -> anyhow::Result<Result<(), String>> {
        let mut tool = Command::new("mosquitto_pub");
        let port = self.mqtt.to_string();
        tool.args(["-V", "5", "-h", NAME, "-p", port.as_str(), "-q", "1", "-t", "readings/lyon/taken", "-m", payload]);
        tool.arg("--cafile").arg(self.authority);
        if let Some(device) = device {
            device.show(&mut tool);
        }
        let output = run(&mut tool).await?;
        Ok(if output.status.success() { Ok(()) } else { Err(said(&output)) })
    }

    /// The status of a publish over HTTP; none = there was no answer.
    async fn post(&self, device: Option<&Device>, authority: Option<&Path>) -> anyhow::Result<Option<u16>> {
        let mut tool = Command::new("curl");
        let url = format!("https://{NAME}:{}/v1/events/readings/lyon/taken", self.http);
        tool.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*", "-d", "by http", &url]);
        if let Some(authority) = authority {
            tool.arg("--cacert").arg(authority);
        }
        if let Some(device) = device {
            device.show(&mut tool);
        }
        let output = run(&mut tool).await?;
        let status: u16 = String::from_utf8_lossy(&output.stdout).trim().parse().context("read curl's status")?;
        Ok((status != 0).then_some(status))
    }
}

/// What a client that stays wrote down so far.
fn log_of(mesh: &Mesh, name: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(mesh.path("logs").join(format!("{name}.log"))).context("read what it said")
}

#[tokio::test]
async fn clients_log_in_by_certificates_for_as_long_as_those_count() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let market = Market::open(&mut mesh).await?;
    let plan = market.plan("open", None).await?;
    let access = market.access("scales", &plan).await?;
    let authority = mesh.path("mesh-ca.pem");
    let doors = Doors {
        mqtt: tls::listener(&mesh, "hq", "mqtt", &[NAME]).await?,
        http: tls::listener(&mesh, "hq", "http", &[NAME]).await?,
        authority: &authority,
    };

    // Whoever asks gets the authority, and what people are shown leads there.
    let url = format!("{}/listeners.pem", mesh.url());
    let shown = market.doors(&access).await?;
    for (protocol, port) in [("mqtt", doors.mqtt), ("http", doors.http)] {
        let door = shown.as_array().into_iter().flatten().find(|door| door["protocol"] == protocol);
        let expected = json!({ "site": "hq", "protocol": protocol, "host": NAME, "port": port, "tls": true, "authority_url": url });
        ensure!(door == Some(&expected), "{shown}");
    }
    let output = run(Command::new("curl").args(["-fsS", "--noproxy", "*", &url, "-o"]).arg(&authority)).await?;
    ensure!(output.status.success(), "{}", said(&output));
    let document = market.document(&plan).await?;
    let mut spoken: Vec<_> = document["servers"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, server)| server["protocol"].as_str())
        .collect();
    spoken.sort_unstable();
    ensure!(spoken == ["https", "secure-mqtt"], "{}", document["servers"]);
    let schemes = document["components"]["securitySchemes"].to_string();
    ensure!(schemes.contains("X509"), "{schemes}");

    // A key that was made for the device, and one that never left it.
    let (given, own) = (Device::at(&mesh, "given")?, Device::at(&mesh, "own")?);
    given.keep(&market.certificate(&access, "scale-given", None).await?)?;
    let request = own.request().await?;
    let issued = market.certificate(&access, "scale-own", Some(&request)).await?;
    ensure!(issued["key_pem"].is_null(), "nobody else has its key");
    own.keep(&issued)?;
    let credential = issued["credential"]["id"].as_str().context("read the credential")?.to_owned();
    mesh.applied().await?;

    // What it says comes line by line.
    let mut stays = std::process::Command::new("stdbuf");
    stays.args(["-oL", "-eL", "mosquitto_sub"]);
    let port = doors.mqtt.to_string();
    stays
        .args(["-d", "-V", "5", "-h", NAME, "-p", port.as_str(), "-q", "1", "-t", Market::FILTER, "--cafile"])
        .arg(&authority);
    stays.arg("--cert").arg(own.file("certificate.pem")).arg("--key").arg(own.file("key.pem"));
    let stays = Process::start("stays", &stays, &mesh.path("logs"))?;
    until("it is subscribed", SOON, async || Ok(log_of(&mesh, "stays")?.contains("SUBACK").then_some(()))).await?;
    doors.publish(Some(&given), "by mqtt").await?.map_err(anyhow::Error::msg)?;
    ensure!(doors.post(Some(&given), Some(&authority)).await?.is_some_and(|status| status < 300), "HTTP takes it");
    for payload in ["by mqtt", "by http"] {
        until(&format!("what was sent {payload} arrives"), SOON, async || {
            Ok(log_of(&mesh, "stays")?.contains(payload).then_some(()))
        })
        .await?;
    }

    // Nobody without either, and nobody is believed that shows another authority's certificate.
    let refused = doors.publish(None, "by nobody").await?;
    ensure!(refused.is_err(), "without a certificate and a secret nobody comes in");
    ensure!(doors.post(None, Some(&authority)).await? == Some(401), "over HTTP neither");
    ensure!(doors.post(Some(&given), None).await?.is_none(), "who does not trust the authority does not connect");

    // A secret works there as well, and a test of the connection climbs over TLS.
    let login = market.credential(&access, "scale-secret").await?;
    mesh.applied().await?;
    let tested = market.tested(&access, &login).await?;
    let with_tls: Vec<_> = tested["listeners"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["address"].as_str().is_some_and(|at| at.starts_with(NAME)))
        .collect();
    ensure!(with_tls.len() == 2, "{tested}");
    for listener in with_tls {
        let steps = listener["steps"].as_array().context("it has steps")?;
        ensure!(steps.iter().all(|step| step["state"] == "ok"), "{listener}");
        ensure!(steps.iter().any(|step| step["layer"] == "tls"), "{listener}");
    }

    // Another certificate on the same key: the first ends at once, and with it what is open by it.
    let renewed = market.renewed(&credential, &request).await?;
    until("what is open by the earlier certificate ends", SOON, async || {
        Ok(log_of(&mesh, "stays")?.contains("DISCONNECT").then_some(()))
    })
    .await?;
    drop(stays);
    let refused = doors.publish(Some(&own), "by an old certificate").await?;
    ensure!(refused.is_err(), "an earlier certificate does not count any more");
    own.keep(&renewed)?;
    mesh.applied().await?;
    doors.publish(Some(&own), "by a new certificate").await?.map_err(anyhow::Error::msg)?;

    // With the access everything ends that came of it.
    market.revoke(&access).await?;
    market.phase(&access, "revoked").await?;
    for device in [&given, &own] {
        ensure!(doors.publish(Some(device), "too late").await?.is_err(), "access has ended");
        ensure!(doors.post(Some(device), Some(&authority)).await?.is_some_and(|status| status >= 400), "over HTTP too");
    }
    mesh.passed()
}
