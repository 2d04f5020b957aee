//! The command line. Values that are secret come from standard input, never from an argument.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use mesh_agent::control::portal::PortalAddress;

/// The site agent of a Kafka mesh.
#[derive(Debug, Parser)]
#[command(name = "mesh-agent", version, propagate_version = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Join a mesh with a token from the portal; once for each state folder.
    Join(Join),
    /// Run the agent until it is stopped (Ctrl-C or SIGTERM).
    Run(Run),
    /// Show how the running agent is.
    Status(Status),
    /// Secrets for brokers, kept at this agent.
    #[command(subcommand)]
    Secret(Secret),
}

/// Where the agent keeps what it must remember.
#[derive(Args, Debug)]
pub(crate) struct State {
    /// The agent's state folder.
    #[arg(long, value_name = "DIR", env = "MESH_AGENT_STATE", default_value = "mesh-agent-state")]
    pub(crate) state: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Run {
    /// Certificate that listeners with TLS show to clients, PEM, the listener's own first; read again when it changes
    /// [default: one that the portal issues].
    #[arg(long, value_name = "FILE", env = "MESH_AGENT_LISTENER_CERT", requires = "listener_key")]
    pub(crate) listener_cert: Option<PathBuf>,
    /// Private key of that certificate, PEM.
    #[arg(long, value_name = "FILE", env = "MESH_AGENT_LISTENER_KEY", requires = "listener_cert")]
    pub(crate) listener_key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) state: State,
}

#[derive(Args, Debug)]
pub(crate) struct Join {
    /// The portal's address for agents, https://HOST:PORT.
    #[arg(long, value_name = "URL")]
    pub(crate) portal: PortalAddress,
    /// The join token from the site's page; it works once.
    #[arg(long, value_name = "TOKEN", env = "MESH_AGENT_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
    /// Name of the agent, unique at its site [default: the host's name].
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) state: State,
}

#[derive(Args, Debug)]
pub(crate) struct Status {
    /// Print the whole status as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) state: State,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// Set a secret; its value is read from standard input, without its last line break.
    Set {
        /// Name of the secret, as the broker connection refers to it.
        name: String,
        #[command(flatten)]
        state: State,
    },
    /// List the names of the secrets that are set.
    List {
        #[command(flatten)]
        state: State,
    },
}
