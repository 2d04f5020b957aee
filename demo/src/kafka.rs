//! Real Apache Kafka for the demo and the system tests: no container, no tarball, jars from Maven Central.
//!
//! One node that is broker and controller. Two kinds: a plain one, and one as companies run it (SCRAM over TLS, an
//! authoriser). A broker's folder keeps its data, its certificates and its passwords, so a second start skips the
//! formatting. Ready means that a client's metadata request is answered; never a line in a log, never a pause. Nothing
//! here occupies a thread for longer than one request to a broker, so whoever waits can stop waiting at any time.

mod files;
mod jars;
mod tls;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
pub use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::metadata::{Metadata, MetadataTopic};
use rdkafka::types::RDKafkaErrorCode;
use tokio::task::spawn_blocking;

use crate::process::Process;
use crate::secrets::write_private;
use crate::wait::until;
pub use jars::Jars;

/// How long a broker may take to answer; usual is 3 to 6 s, more when everything starts at once.
const READY_LIMIT: Duration = Duration::from_secs(120);
/// How long one question to a broker may take. A thread is busy with it meanwhile, whoever stopped waiting.
const ASK_LIMIT: Duration = Duration::from_secs(1);
/// How long a broker may take to lead the partitions of a new topic; usual is a moment.
const LEADERS_LIMIT: Duration = Duration::from_secs(60);

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

/// How one is started.
struct Start {
    security: Security,
    member: Option<Member>,
    /// As Java's `-Xmx` takes it.
    heap: &'static str,
}

/// A further node of a cluster.
struct Member {
    /// Its number.
    node: u16,
    /// Port of the cluster's controller.
    controller: u16,
    /// Id of the cluster.
    cluster: String,
}

/// A broker and how it is asked. Without its process when somebody else watches and stops that: see [`Broker::part`].
#[derive(Debug)]
pub struct Broker<P = Process> {
    process: P,
    name: String,
    folder: PathBuf,
    ports: BrokerPorts,
    security: Security,
    ca_pem: Option<String>,
}

impl Broker {
    /// Starts a broker in `folder`, which is prepared when it is new. It does not answer yet: see [`Broker::ready`].
    ///
    /// # Errors
    /// The folder cannot be prepared or Java cannot be started.
    pub async fn start(
        name: &str,
        jars: &Jars,
        folder: &Path,
        ports: BrokerPorts,
        security: Security,
    ) -> anyhow::Result<Self> {
        Self::start_with(name, jars, folder, ports, Start { security, member: None, heap: "512m" }).await
    }

    /// A plain cluster of several nodes, the first of which is its controller too, for tens of thousands of partitions: one
    /// node has as many open files as it has partitions, of which machines allow some ten thousand. Its heaps hold 1 GB each.
    ///
    /// # Errors
    /// As [`Broker::start`].
    pub async fn start_cluster(
        name: &str,
        jars: &Jars,
        folder: &Path,
        ports: &[BrokerPorts],
    ) -> anyhow::Result<Vec<Self>> {
        let mut nodes = Vec::new();
        let mut member = None;
        for (number, ports) in (1..).zip(ports) {
            let name = format!("{name}-{number}");
            let folder = folder.join(&name);
            let start = Start { security: Security::Plain, member, heap: "1g" };
            nodes.push(Self::start_with(&name, jars, &folder, *ports, start).await?);
            let first = nodes.first().context("the first node")?;
            let cluster = cluster_of(&first.folder)?;
            member = Some(Member { node: number + 1, controller: first.ports.controller, cluster });
        }
        Ok(nodes)
    }

    async fn start_with(
        name: &str,
        jars: &Jars,
        folder: &Path,
        ports: BrokerPorts,
        start: Start,
    ) -> anyhow::Result<Self> {
        let Start { security, member, heap } = start;
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let ca_pem = match &security {
            Security::Plain => None,
            Security::Scram(_) => Some(tls::certificates(folder)?),
        };
        let properties = files::write_properties(folder, ports, &security, member.as_ref())?;
        format_once(name, jars, folder, &properties, &security, member.as_ref()).await?;
        let mut command = java(jars, folder, heap);
        command.arg("kafka.Kafka").arg(&properties);
        let process = Process::start(name, &command, &logs(folder))?;
        Ok(Self { process, name: name.to_owned(), folder: folder.to_owned(), ports, security, ca_pem })
    }

    /// Waits until the broker answers a client.
    ///
    /// # Errors
    /// The broker has ended (with the end of its log), or does not answer in two minutes.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let ask = asking(&self.admin_config())?;
        let what = format!("{} answers", self.name);
        let answers = until(&what, READY_LIMIT, async || {
            // A broker that has ended is not waited for: the error is the value.
            if let Err(ended) = self.process.check() {
                return Ok(Some(Err(ended)));
            }
            Ok(knows_itself(&ask(None).await?).then_some(Ok(())))
        });
        answers
            .await
            .with_context(|| format!("start {}, whose last lines are:\n{}", self.name, self.process.tail(20)))?
    }

    /// The process, to stop, freeze or kill it.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// The process for somebody who watches and stops several together, and the broker to be asked.
    #[must_use]
    pub fn part(self) -> (Process, Broker<()>) {
        let Self { process, name, folder, ports, security, ca_pem } = self;
        (process, Broker { process: (), name, folder, ports, security, ca_pem })
    }
}

impl Broker<()> {
    /// Waits until the broker answers a client. Whether it has ended meanwhile must be watched elsewhere.
    ///
    /// # Errors
    /// It does not answer in two minutes.
    pub async fn answers(&self) -> anyhow::Result<()> {
        let ask = asking(&self.admin_config())?;
        let what = format!("{} answers (its log lies in {})", self.name, logs(&self.folder).display());
        until(&what, READY_LIMIT, async || Ok(knows_itself(&ask(None).await?).then_some(()))).await
    }
}

impl<P> Broker<P> {
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

    /// Makes topics; those that exist stay as they are. Afterwards every partition of each has its leader: a broker
    /// acknowledges a topic some time before it serves it, long before when it is busy.
    ///
    /// # Errors
    /// The broker refuses one, or does not come to lead it.
    pub async fn create_topics(&self, topics: &[(&str, i32)]) -> anyhow::Result<()> {
        let admin = admin(&self.admin_config())?;
        let wanted: Vec<NewTopic<'_>> = topics
            .iter()
            .map(|(name, partitions)| NewTopic::new(name, *partitions, TopicReplication::Fixed(1)))
            .collect();
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
        let mut expected: BTreeMap<String, i32> =
            topics.iter().map(|(name, partitions)| ((*name).to_owned(), *partitions)).collect();
        for answer in admin.create_topics(&wanted, &options).await.context("create topics")? {
            match answer {
                Ok(_) => {}
                // It may have been given another number of partitions.
                Err((topic, RDKafkaErrorCode::TopicAlreadyExists)) => {
                    expected.insert(topic, 1);
                }
                Err((topic, code)) => anyhow::bail!("create topic {topic}: {code}"),
            }
        }
        let ask = asking(&self.admin_config())?;
        for (name, partitions) in &expected {
            until(&format!("all partitions of {name} have their leaders"), LEADERS_LIMIT, async || {
                let metadata = ask(Some(name)).await?;
                Ok(metadata.topics().iter().any(|topic| is_led(topic, *partitions)).then_some(()))
            })
            .await?;
        }
        Ok(())
    }
}

fn admin(config: &ClientConfig) -> anyhow::Result<AdminClient<DefaultClientContext>> {
    config.create().context("make a Kafka client")
}

/// A client that asks for metadata: of one topic, or of all.
fn asking(config: &ClientConfig) -> anyhow::Result<impl AsyncFn(Option<&str>) -> anyhow::Result<Metadata> + use<>> {
    let client = Arc::new(admin(config)?);
    Ok(async move |topic: Option<&str>| {
        let (client, topic) = (Arc::clone(&client), topic.map(str::to_owned));
        let asked = spawn_blocking(move || client.inner().fetch_metadata(topic.as_deref(), ASK_LIMIT));
        asked.await.context("wait for Kafka")?.context("ask Kafka for its metadata")
    })
}

fn knows_itself(metadata: &Metadata) -> bool {
    !metadata.brokers().is_empty()
}

/// Whether a topic has at least so many partitions, each with a leader.
fn is_led(topic: &MetadataTopic, partitions: i32) -> bool {
    let all = topic.partitions();
    i32::try_from(all.len()).is_ok_and(|count| count >= partitions)
        && all.iter().all(|partition| partition.error().is_none() && partition.leader() >= 0)
}

fn logs(folder: &Path) -> PathBuf {
    folder.join("logs")
}

fn java(jars: &Jars, folder: &Path, heap: &str) -> Command {
    let mut command = Command::new("java");
    command.args(["-Xms128m", &format!("-Xmx{heap}"), "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError"]);
    command.arg(format!("-Dlog4j2.configurationFile={}", folder.join(files::LOGGING).display()));
    command.arg("-cp").arg(jars.class_path()).current_dir(folder);
    command
}

/// Gives the data folder its cluster id and first users; a folder that has them stays.
async fn format_once(
    name: &str,
    jars: &Jars,
    folder: &Path,
    properties: &Path,
    security: &Security,
    member: Option<&Member>,
) -> anyhow::Result<()> {
    let data = folder.join("data");
    if data.join("meta.properties").exists() {
        return Ok(());
    }
    // Written last: without it this is what an interrupted attempt left, over which Kafka's tool stumbles.
    if data.exists() {
        fs::remove_dir_all(&data).with_context(|| format!("remove the unfinished {}", data.display()))?;
    }
    let which = match member {
        None => format!("--standalone\n-t\n{}", cluster_id()),
        Some(member) => format!("-t\n{}", member.cluster),
    };
    let mut arguments = format!("format\n{which}\n-c\n{}\n", properties.display());
    if let Security::Scram(users) = security {
        for Login { user, password } in users {
            arguments.push_str(&format!("--add-scram\nSCRAM-SHA-512=[name={user},password={password}]\n"));
        }
    }
    // In a file, one argument a line: everybody on the machine can read what stands on a command line.
    let file = folder.join("format.arguments");
    write_private(&file, &arguments)?;
    let mut command = java(jars, folder, "512m");
    command.arg("kafka.tools.StorageTool").arg(format!("@{}", file.display()));
    let formatted = Process::start(&format!("{name}-format"), &command, &logs(folder))?.done().await;
    fs::remove_file(&file).with_context(|| format!("remove {}", file.display()))?;
    formatted.context("prepare Kafka's data folder: is a Java runtime of version 17 or newer installed?")
}

/// The id of the cluster that a node's folder is prepared for.
fn cluster_of(folder: &Path) -> anyhow::Result<String> {
    let file = folder.join("data/meta.properties");
    let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    let id = text.lines().find_map(|line| line.strip_prefix("cluster.id="));
    id.map(str::to_owned).with_context(|| format!("{} names no cluster", file.display()))
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
