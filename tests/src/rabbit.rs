//! RabbitMQ as Debian has it, one node in the test's own folder: what discovery of it is judged by. Whatever the test makes
//! there it makes by `rabbitmqctl` and by the management API, and a consumer is one of RabbitMQ's own (a shovel).
//!
//! An Erlang node registers with `epmd`, which a node starts as a daemon where there is none: a process that nobody ends. So
//! the test starts one of its own first.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use demo::ports::free_port;
use demo::process::Process;
use demo::wait::until;
use reqwest::Method;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::SOON;
use crate::mesh::Mesh;

/// Debian's own programs are wrappers that insist on a user.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";
/// How long it may take to answer; usual is 10 s.
const READY: Duration = Duration::from_secs(180);
const PLUGINS: &str = "[rabbitmq_management,rabbitmq_shovel].";

/// A node that runs. The node is dropped before what it is registered with.
#[derive(Debug)]
pub struct Rabbit {
    node: Process,
    _names: Process,
    environment: Vec<(&'static str, String)>,
    logs: PathBuf,
    url: String,
    amqp: String,
    http: reqwest::Client,
}

impl Rabbit {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// It is not installed, or does not come up.
    pub async fn start(mesh: &Mesh) -> anyhow::Result<Self> {
        let (amqp, management, distribution, names) = (free_port()?, free_port()?, free_port()?, free_port()?);
        let folder = mesh.path("rabbit");
        std::fs::create_dir_all(folder.join("home")).context("create RabbitMQ's folder")?;
        let at = |name: &str| folder.join(name).display().to_string();
        std::fs::write(folder.join("plugins"), PLUGINS).context("write RabbitMQ's plugins")?;
        let config = format!("management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {management}\n");
        std::fs::write(folder.join("rabbitmq.conf"), config).context("write RabbitMQ's settings")?;
        let no_daemon = "-start_epmd false";
        let environment = vec![
            ("HOME", at("home")),
            ("ERL_EPMD_PORT", names.to_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODENAME", format!("test{amqp}@localhost")),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODE_PORT", amqp.to_string()),
            ("RABBITMQ_DIST_PORT", distribution.to_string()),
            ("RABBITMQ_MNESIA_BASE", at("data")),
            ("RABBITMQ_LOG_BASE", at("log")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", at("plugins")),
            ("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf")),
            ("RABBITMQ_CONF_ENV_FILE", "/dev/null".to_owned()),
            ("RABBITMQ_CTL_ERL_ARGS", no_daemon.to_owned()),
            (
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                format!("{no_daemon} -kernel inet_dist_use_interface {{127,0,0,1}}"),
            ),
            // The node is then the very process that is started, not a child of a script.
            ("RUNNING_UNDER_SYSTEMD", "1".to_owned()),
        ];
        let logs = mesh.path("logs");
        let mut epmd = Command::new("epmd");
        epmd.args(["-port", &names.to_string()]).env("ERL_EPMD_ADDRESS", "127.0.0.1");
        let why = "start RabbitMQ: is the package `rabbitmq-server` installed?";
        let mut names_process = Process::start("epmd", &epmd, &logs).context(why)?;
        until("epmd listens", SOON, async || {
            names_process.check()?;
            Ok(TcpStream::connect(("127.0.0.1", names)).await.ok().map(drop))
        })
        .await?;
        let mut command = Command::new(format!("{PROGRAMS}/rabbitmq-server"));
        command.envs(environment.clone()).current_dir(&folder);
        let node = Process::start("rabbitmq", &command, &logs).context(why)?;
        let mut rabbit = Self {
            node,
            _names: names_process,
            environment,
            logs,
            url: format!("http://127.0.0.1:{management}"),
            amqp: format!("127.0.0.1:{amqp}"),
            http: reqwest::Client::builder().no_proxy().build().context("make an HTTP client")?,
        };
        until("RabbitMQ answers", READY, async || {
            rabbit.node.check()?;
            Ok(rabbit.call(Method::GET, "overview", None).await.ok().map(drop))
        })
        .await?;
        Ok(rabbit)
    }

    /// Where its management API is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `host:port` for its AMQP clients.
    #[must_use]
    pub fn amqp(&self) -> &str {
        &self.amqp
    }

    /// Runs a line in a shell that knows `rabbitmqctl` and this node, as its operator would.
    ///
    /// # Errors
    /// It says that it failed.
    pub async fn operator(&self, line: &str) -> anyhow::Result<()> {
        let path = format!("{PROGRAMS}:{}", std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).envs(self.environment.clone()).env("PATH", path).env_remove("RUNNING_UNDER_SYSTEMD");
        Process::start("operator", &shell, &self.logs)?.done().await.with_context(|| format!("run {line}"))
    }

    /// Calls the management API as its administrator.
    ///
    /// # Errors
    /// It is refused.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<String> {
        let mut request = self.http.request(method.clone(), format!("{}/api/{path}", self.url));
        request = request.basic_auth("guest", Some("guest"));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.with_context(|| format!("reach {path}"))?;
        let (status, told) = (answer.status(), answer.text().await.unwrap_or_default());
        ensure!(status.is_success(), "{method} {path}: {status} {told}");
        Ok(told)
    }
}
