//! Mosquitto with logins and an access list, and its own clients: what discovery of MQTT brokers is judged by.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use demo::ports::free_port;
use demo::process::Process;
use demo::wait::until;
use tokio::net::TcpStream;

use crate::SOON;
use crate::mesh::Mesh;

/// Debian keeps it off the search path of ordinary users.
pub(crate) const PROGRAM: &str = "/usr/sbin/mosquitto";
/// Who may do everything, for the test itself.
const OWNER: (&str, &str) = ("owner", "owner-secret");

/// A broker that runs.
#[derive(Debug)]
pub struct Mosquitto {
    process: Process,
    port: u16,
    access: PathBuf,
    logs: PathBuf,
}

impl Mosquitto {
    /// Starts one that knows a user, who may nothing yet, and waits until it listens.
    ///
    /// # Errors
    /// It is not installed, or does not come up.
    pub async fn start(mesh: &Mesh, user: &str, password: &str) -> anyhow::Result<Self> {
        let folder = mesh.path("mosquitto");
        std::fs::create_dir_all(&folder).context("create Mosquitto's folder")?;
        let (logs, port) = (mesh.path("logs"), free_port()?);
        let (passwords, access) = (folder.join("passwords"), folder.join("access"));
        std::fs::write(&passwords, "").context("write the password file")?;
        for (user, password) in [OWNER, (user, password)] {
            let mut command = Command::new("mosquitto_passwd");
            command.arg("-b").arg(&passwords).args([user, password]);
            let why = "set a password: is the package `mosquitto` installed?";
            Process::start("mosquitto_passwd", &command, &logs)?.done().await.context(why)?;
        }
        let granted = format!("user {}\ntopic readwrite #\n", OWNER.0);
        std::fs::write(&access, granted).context("write the access list")?;
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\nacl_file {}\nsys_interval 2\nuser root\n",
            passwords.display(),
            access.display()
        );
        let config = folder.join("mosquitto.conf");
        std::fs::write(&config, text).with_context(|| format!("write {}", config.display()))?;
        let mut command = Command::new(PROGRAM);
        let mut process = Process::start("mosquitto", command.arg("-c").arg(config), &logs)?;
        until("Mosquitto listens", SOON, async || {
            process.check()?;
            Ok(TcpStream::connect(("127.0.0.1", port)).await.ok().map(drop))
        })
        .await?;
        Ok(Self { process, port, access, logs })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Adds lines to its access list, as its operator would, and has it read that again.
    ///
    /// # Errors
    /// The file cannot be written, or it does not run.
    pub fn grant(&self, lines: &str) -> anyhow::Result<()> {
        let mut text = std::fs::read_to_string(&self.access).context("read the access list")?;
        text.push_str(&format!("{lines}\n"));
        std::fs::write(&self.access, text).context("write the access list")?;
        self.process.signal("HUP")
    }

    /// Sends a message by Mosquitto's own client: one that is kept, or one that is not. An empty one that is kept clears the
    /// address.
    ///
    /// # Errors
    /// The client says that it failed.
    pub async fn publish(&self, topic: &str, message: &str, kept: bool) -> anyhow::Result<()> {
        let mut command = Command::new("mosquitto_pub");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-u", OWNER.0, "-P", OWNER.1, "-q", "1"]);
        command.args(["-t", topic]);
        if message.is_empty() {
            command.arg("-n");
        } else {
            command.args(["-m", message]);
        }
        if kept {
            command.arg("-r");
        }
        let why = "publish: is the package `mosquitto-clients` installed?";
        Process::start("mosquitto_pub", &command, &self.logs)?.done().await.context(why)
    }
}
