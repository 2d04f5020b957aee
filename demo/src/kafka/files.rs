//! The configuration files of one broker.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{BrokerPorts, Member, Security};
use crate::secrets::write_private;

/// Name of the logging configuration in a broker's folder.
pub(super) const LOGGING: &str = "log4j2.properties";

const LOGGING_TEXT: &str = "\
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
";

/// One node needs every internal topic to live with one replica.
const ALONE: &str = "\
controller.listener.names=CONTROLLER
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
";

/// Writes what the broker reads at its start and returns the path of its properties.
pub(super) fn write_properties(
    folder: &Path,
    ports: BrokerPorts,
    security: &Security,
    member: Option<&Member>,
) -> anyhow::Result<PathBuf> {
    let logging = folder.join(LOGGING);
    fs::write(&logging, LOGGING_TEXT).with_context(|| format!("write {}", logging.display()))?;
    let file = folder.join("broker.properties");
    // It holds the administrator's password.
    write_private(&file, &properties(folder, ports, security, member))?;
    Ok(file)
}

fn properties(folder: &Path, ports: BrokerPorts, security: &Security, member: Option<&Member>) -> String {
    let BrokerPorts { clients, controller } = ports;
    let mut text = ALONE.to_owned();
    let mut line = |words: std::fmt::Arguments<'_>| writeln!(text, "{words}").expect("a string takes any text");
    let listener = match security {
        Security::Plain => "PLAINTEXT",
        Security::Scram(_) => "SASL_SSL",
    };
    match member {
        None => {
            line(format_args!("process.roles=broker,controller\nnode.id=1"));
            line(format_args!("controller.quorum.bootstrap.servers=127.0.0.1:{controller}"));
            line(format_args!("listeners={listener}://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{controller}"));
        }
        Some(Member { node, controller, .. }) => {
            line(format_args!("process.roles=broker\nnode.id={node}"));
            line(format_args!("controller.quorum.bootstrap.servers=127.0.0.1:{controller}"));
            line(format_args!("listeners={listener}://127.0.0.1:{clients}"));
        }
    }
    line(format_args!("advertised.listeners={listener}://127.0.0.1:{clients}"));
    line(format_args!("listener.security.protocol.map=CONTROLLER:PLAINTEXT,{listener}:{listener}"));
    line(format_args!("inter.broker.listener.name={listener}"));
    line(format_args!("log.dirs={}", folder.join("data").display()));
    if let Security::Scram(users) = security {
        let module = "org.apache.kafka.common.security.scram.ScramLoginModule required";
        let jaas = users.first().map(|admin| format!(" username=\"{}\" password=\"{}\"", admin.user, admin.password));
        // ANONYMOUS only because the controller's listener is plain; no listener for clients admits it.
        let mut super_users = "User:ANONYMOUS".to_owned();
        for login in users {
            write!(super_users, ";User:{}", login.user).expect("a string takes any text");
        }
        line(format_args!("sasl.enabled.mechanisms=SCRAM-SHA-512"));
        line(format_args!("sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512"));
        let jaas = jaas.unwrap_or_default();
        line(format_args!("listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={module}{jaas};"));
        line(format_args!("ssl.keystore.type=PEM"));
        line(format_args!("ssl.keystore.location={}", folder.join("server.pem").display()));
        // Needed though no client shows a certificate: at its start the broker tries to connect to itself.
        line(format_args!("ssl.truststore.type=PEM"));
        line(format_args!("ssl.truststore.location={}", folder.join("ca.pem").display()));
        line(format_args!("authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer"));
        line(format_args!("super.users={super_users}"));
        line(format_args!("allow.everyone.if.no.acl.found=false"));
    }
    text
}
