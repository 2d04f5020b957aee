//! Real Apache Kafka for the demo and the system tests: no container, no tarball, jars from Maven Central.
//!
//! One node that is broker and controller. Two kinds: a plain one, and one as companies run it (SCRAM over TLS, an
//! authoriser). A broker's folder keeps its data, its certificates and its passwords, so a second start skips the
//! formatting. Ready means that a client's metadata request is answered; never a line in a log, never a pause.

mod files;
mod jars;
mod tls;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::Context;
pub use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::process::Process;
pub use jars::Jars;

/// How long a broker may take to answer; usual is 3 to 6 s, more when everything starts at once.
const READY_LIMIT: Duration = Duration::from_secs(120);

/// The ports of one broker.
#[derive(Clone, Copy, Debug)]
pub struct BrokerPorts {
    /// Clients.
    pub clients: u16,
    /// The controller's own.
    pub controller: u16,
}

/// How clients must connect.
#[derive(Clone, Debug)]
pub enum Security {
    /// Anybody, unencrypted.
    Plain,
    /// SCRAM-SHA-512 over TLS with an authoriser; these users exist, the first is the administrator.
    Scram(Vec<Login>),
}

/// A user of a secured broker.
#[derive(Clone, Debug)]
pub struct Login {
    /// Name.
    pub user: String,
    /// Password.
    pub password: String,
}

/// A running broker.
#[derive(Debug)]
pub struct Broker {
    process: Process,
    ports: BrokerPorts,
    security: Security,
    ca_pem: Option<String>,
}

impl Broker {
    /// Starts a broker in `folder`, which is prepared when it is new. It does not answer yet: see [`Broker::ready`].
    ///
    /// # Errors
    /// The folder cannot be prepared or Java cannot be started.
    pub fn start(
        name: &str,
        jars: &Jars,
        folder: &Path,
        ports: BrokerPorts,
        security: Security,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let ca_pem = match &security {
            Security::Plain => None,
            Security::Scram(_) => Some(tls::certificates(folder)?),
        };
        let properties = files::write_properties(folder, ports, &security)?;
        format_once(jars, folder, &properties, &security)?;
        let mut command = java(jars, folder);
        command.arg("kafka.Kafka").arg(&properties);
        let process = Process::start(name, &command, &folder.join("logs"))?;
        Ok(Self { process, ports, security, ca_pem })
    }

    /// `host:port` for clients.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports.clients)
    }

    /// The authority that signed the broker's certificate, when it has one.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Client settings of the administrator.
    #[must_use]
    pub fn admin_config(&self) -> ClientConfig {
        let login = match &self.security {
            Security::Plain => None,
            Security::Scram(users) => users.first(),
        };
        self.config_as(login)
    }

    /// Client settings of one user.
    #[must_use]
    pub fn config_as(&self, login: Option<&Login>) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap()).set_log_level(RDKafkaLogLevel::Emerg);
        if let (Some(login), Some(ca)) = (login, &self.ca_pem) {
            config.set("security.protocol", "SASL_SSL").set("ssl.ca.pem", ca).set("sasl.mechanism", "SCRAM-SHA-512");
            config.set("sasl.username", &login.user).set("sasl.password", &login.password);
        }
        config
    }

    /// Waits until the broker answers a client; blocks the thread.
    ///
    /// # Errors
    /// The broker has ended (with the end of its log), or does not answer in two minutes.
    pub fn ready(&mut self) -> anyhow::Result<()> {
        let client: BaseConsumer = self.admin_config().create().context("make a Kafka client")?;
        let began = Instant::now();
        loop {
            self.process.check()?;
            match client.fetch_metadata(None, Duration::from_secs(2)) {
                Ok(metadata) if !metadata.brokers().is_empty() => return Ok(()),
                _ if began.elapsed() > READY_LIMIT => {
                    anyhow::bail!("{} does not answer; its last lines:\n{}", self.process.name(), self.process.tail(20))
                }
                _ => thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// Makes topics; those that exist stay as they are.
    ///
    /// # Errors
    /// The broker refuses one.
    pub async fn create_topics(&self, topics: &[(&str, i32)]) -> anyhow::Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.admin_config().create().context("make a Kafka client")?;
        let wanted: Vec<NewTopic<'_>> = topics
            .iter()
            .map(|(name, partitions)| NewTopic::new(name, *partitions, TopicReplication::Fixed(1)))
            .collect();
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
        for result in admin.create_topics(&wanted, &options).await.context("create topics")? {
            match result {
                Ok(_) | Err((_, rdkafka::types::RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => anyhow::bail!("create topic {topic}: {code}"),
            }
        }
        Ok(())
    }

    /// The process, to stop, freeze or kill it.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Gives the process to somebody who stops several together.
    #[must_use]
    pub fn into_process(self) -> Process {
        self.process
    }
}

fn java(jars: &Jars, folder: &Path) -> Command {
    let mut command = Command::new("java");
    command.args(["-Xms128m", "-Xmx512m", "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError"]);
    command.arg(format!("-Dlog4j2.configurationFile={}", folder.join(files::LOGGING).display()));
    command.arg("-cp").arg(jars.class_path()).current_dir(folder);
    command
}

/// Gives the data folder its cluster id and first users; a folder that has them stays.
fn format_once(jars: &Jars, folder: &Path, properties: &PathBuf, security: &Security) -> anyhow::Result<()> {
    if folder.join("data/meta.properties").exists() {
        return Ok(());
    }
    let mut command = java(jars, folder);
    command.args(["kafka.tools.StorageTool", "format", "--standalone", "-t", &cluster_id(), "-c"]).arg(properties);
    if let Security::Scram(users) = security {
        for login in users {
            command.arg("--add-scram");
            command.arg(format!("SCRAM-SHA-512=[name={},password={}]", login.user, login.password));
        }
    }
    let output = command.output().context("start java: is a Java runtime of version 17 or newer installed?")?;
    let told = [output.stdout, output.stderr].concat();
    anyhow::ensure!(output.status.success(), "prepare Kafka's data folder: {}", String::from_utf8_lossy(&told));
    Ok(())
}

/// A random cluster id in Kafka's form: a UUID in URL-safe base64. As in Kafka itself, none begins with a dash: its tools
/// would take that for an option.
fn cluster_id() -> String {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
    let mut ids = std::iter::repeat_with(|| BASE64_URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4().as_bytes()));
    ids.find(|id| !id.starts_with('-')).expect("one in 64 begins with a dash, not all")
}

#[cfg(test)]
mod tests;
