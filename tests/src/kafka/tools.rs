//! Kafka's own command-line tools, as its administrators have them: the oracle of what discovery says, and the hands that
//! run what the portal tells them to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use demo::kafka::{Broker, Jars, Login};

/// Longest run of a tool; usual is 3 s.
const LIMIT: Duration = Duration::from_secs(120);
/// The administrator's settings, which lines that the portal shows name as well.
const LOGIN: &str = "admin.properties";
/// The tools and the classes they are.
const TOOLS: [(&str, &str); 7] = [
    ("kafka-acls", "org.apache.kafka.tools.AclCommand"),
    ("kafka-configs", "kafka.admin.ConfigCommand"),
    ("kafka-get-offsets", "org.apache.kafka.tools.GetOffsetShell"),
    ("kafka-log-dirs", "org.apache.kafka.tools.LogDirsCommand"),
    ("kafka-metadata-quorum", "org.apache.kafka.tools.MetadataQuorumCommand"),
    ("kafka-topics", "org.apache.kafka.tools.TopicCommand"),
    ("kafka-transactions", "org.apache.kafka.tools.TransactionsCommand"),
];

/// A shell in a folder with the tools and the administrator's `admin.properties`.
#[derive(Debug)]
pub struct Tools {
    folder: PathBuf,
    bootstrap: String,
}

impl Tools {
    /// Puts the tools into `folder`, for the administrator of a secured broker.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn new(folder: &Path, jars: &Jars, broker: &Broker, admin: &Login) -> anyhow::Result<Self> {
        let tools = Self::plain(folder, jars, broker)?;
        tools.sign_in(broker, admin)?;
        Ok(tools)
    }

    /// The same for a broker that lets anybody in.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn plain(folder: &Path, jars: &Jars, broker: &Broker) -> anyhow::Result<Self> {
        let bin = folder.join("bin");
        fs::create_dir_all(&bin).with_context(|| format!("create {}", bin.display()))?;
        for (tool, class) in TOOLS {
            let jars = Path::new(&jars.class_path()).display().to_string();
            // Only errors: what a tool warns of would stand between its answers.
            let script = format!(
                "#!/bin/sh\nexec java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.level=error -cp '{jars}' {class} \"$@\"\n"
            );
            let file = bin.join(tool);
            fs::write(&file, script).with_context(|| format!("write {}", file.display()))?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).context("make it a program")?;
        }
        fs::write(folder.join(LOGIN), "").context("write the settings of the tools")?;
        Ok(Self { folder: folder.to_owned(), bootstrap: broker.bootstrap() })
    }

    fn sign_in(&self, broker: &Broker, admin: &Login) -> anyhow::Result<()> {
        let authority = self.folder.join("ca.pem");
        fs::write(&authority, broker.ca_pem().context("the broker is secured")?).context("write the authority")?;
        let properties = format!(
            "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nssl.truststore.type=PEM\n\
             ssl.truststore.location={}\nsasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule \
             required username=\"{}\" password=\"{}\";\n",
            authority.display(),
            admin.user,
            admin.password
        );
        fs::write(self.folder.join(LOGIN), properties).context("write the administrator's login")
    }

    /// Runs a whole line of a shell, and returns what it said.
    ///
    /// # Errors
    /// It failed; with what it said.
    pub async fn shell(&self, line: &str) -> anyhow::Result<String> {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = tokio::process::Command::new("sh");
        command.arg("-c").arg(line).current_dir(&self.folder).kill_on_drop(true);
        command.env("PATH", format!("{}:{path}", self.folder.join("bin").display()));
        let output = tokio::time::timeout(LIMIT, command.output()).await;
        let output = output.with_context(|| format!("wait for {line}"))?.with_context(|| format!("run {line}"))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{line}: {}\n{said}\n{complained}", output.status);
        Ok(said)
    }

    /// Runs one tool at this cluster, as its administrator.
    ///
    /// # Errors
    /// It failed; with what it said.
    pub async fn run(&self, tool: &str, arguments: &str) -> anyhow::Result<String> {
        let bootstrap = &self.bootstrap;
        self.shell(&format!("{tool} --bootstrap-server {bootstrap} --command-config {LOGIN} {arguments}")).await
    }
}
