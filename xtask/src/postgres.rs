//! A PostgreSQL of the test run's own: on a free port, in a temporary folder, without fsync, gone at the end.
//!
//! PostgreSQL refuses to run as root, so for root it runs as the user `postgres` that Debian's package made. Tests make
//! a database each in this one server: starting a server per test would cost a second every time.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use anyhow::{Context, bail};

/// How long a start may take on a loaded machine; usual is below a second.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running server; dropping it stops it and removes its files.
#[derive(Debug)]
pub(crate) struct Postgres {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Postgres {
    /// Makes a cluster, starts it and waits until it answers.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let programs = programs()?;
        let folder = env::temp_dir().join(format!("meshport-postgres-{}", process::id()));
        make_folder(&folder)?;
        let data = folder.join("data");
        let mut initdb = unprivileged(&programs.join("initdb"));
        initdb.args(["--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "-D"]);
        let made = initdb.arg(&data).output().context("start initdb")?;
        if !made.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        }
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr())?.port();
        let child = unprivileged(&programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-k"])
            .arg(&folder)
            .args(settings([
                "listen_addresses=127.0.0.1",
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
            ]))
            .args(settings(["max_connections=200"]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.with_extension("log")).context("create the log of PostgreSQL")?)
            .spawn()
            .context("start postgres")?;
        let mut server = Self { child, folder, port };
        server.wait_until_ready(&programs)?;
        Ok(server)
    }

    /// Where the server is, with the database that every server has: `postgres://postgres@127.0.0.1:PORT/postgres`.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn wait_until_ready(&mut self, programs: &Path) -> anyhow::Result<()> {
        let began = Instant::now();
        let port = self.port.to_string();
        loop {
            let probe = Command::new(programs.join("pg_isready")).args(["-q", "-h", "127.0.0.1", "-p", &port]).status();
            if probe.context("start pg_isready")?.success() {
                return Ok(());
            }
            let log = self.folder.with_extension("log");
            if let Some(status) = self.child.try_wait().context("ask for the state of postgres")? {
                bail!("postgres ended with {status}: {}", fs::read_to_string(log).unwrap_or_default());
            }
            if began.elapsed() > START_LIMIT {
                bail!("postgres does not answer after {} s: see {}", START_LIMIT.as_secs(), log.display());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT is PostgreSQL's fast shutdown; a plain kill would leave its shared memory behind.
        let asked = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(self.folder.with_extension("log"));
    }
}

fn settings<const N: usize>(values: [&str; N]) -> impl Iterator<Item = String> {
    values.map(|value| format!("--{value}")).into_iter()
}

/// The folder of the newest installed server's programs; Debian keeps them off the search path.
fn programs() -> anyhow::Result<PathBuf> {
    let debian =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let found = debian
        .chain(env::split_paths(&path))
        .filter(|folder| folder.join("initdb").exists())
        .max_by_key(|folder| version(folder));
    found
        .context("PostgreSQL's server programs are not installed: run `make test`, or install the package `postgresql`")
}

fn version(folder: &Path) -> u32 {
    folder.parent().and_then(Path::file_name).and_then(OsStr::to_str).and_then(|name| name.parse().ok()).unwrap_or(0)
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("install");
    command.args(["-d", "-m", "700"]);
    if is_root() {
        command.args(["-o", "postgres", "-g", "postgres"]);
    }
    let status = command.arg(folder).status().context("start install")?;
    if !status.success() {
        bail!("could not make {} for PostgreSQL", folder.display());
    }
    Ok(())
}

/// A command that runs without root's rights and is ended when this process is, however that happens.
fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
    if is_root() {
        command.args(["--reuid", "postgres", "--regid", "postgres", "--init-groups"]);
    }
    command.arg("--").arg(program).current_dir("/");
    command
}
