//! The command line.

mod mail;

use std::io::{IsTerminal, Read};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use frontend::api::PersonInput;
use tracing_subscriber::EnvFilter;

use crate::app::Authority;
use crate::domain::person::PortalRole;
use crate::serve::{self, Folder};

/// The portal and control plane of a Kafka mesh.
#[derive(Debug, Parser)]
#[command(name = "meshport", version, about)]
pub struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Runs the portal until it is interrupted.
    Serve(ServeArgs),
    /// Prints the OpenAPI document of the REST API.
    Openapi,
    /// The key that signs the policy, from the console of a machine that holds the portal's secrets.
    PolicyKey {
        #[command(subcommand)]
        action: PolicyKeyAction,
    },
    /// People, from the console of the machine the portal runs on.
    Person {
        #[command(subcommand)]
        action: PersonAction,
    },
}

/// Where the portal keeps its state.
#[derive(Clone, Debug, Args)]
pub struct StateArgs {
    /// Folder of this portal's state: database, secrets, ports. Each portal has its own.
    #[arg(long, default_value = "./meshport-data", env = "MESHPORT_DATA")]
    pub data: PathBuf,
    /// Database: `postgres://...`; without it, SQLite in the data folder.
    #[arg(long, env = "MESHPORT_DATABASE")]
    pub database: Option<String>,
    /// Folder of the keys and authorities, which portals on one database share; default: `secrets` in the data folder.
    #[arg(long, env = "MESHPORT_SECRETS")]
    pub secrets: Option<PathBuf>,
}

/// How the portal is started.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub state: StateArgs,
    /// Address for browsers and the API; port 0 = a free one, chosen once and kept.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Address for agents; port 0 = a free one, chosen once and kept.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub agents_listen: SocketAddr,
    /// `host:port` under which agents reach this portal; default: the address it listens at.
    #[arg(long)]
    pub agents_advertise: Option<String>,
    /// URL under which browsers reach this portal, such as `https://portal.example`; default: the address it listens at.
    #[arg(long)]
    pub public_url: Option<String>,
    /// The mesh holds demo data: every page says so.
    #[arg(long)]
    pub demo: bool,
    /// Records of topics whose designs have one of these tags are shown without values to all but approvers.
    #[arg(long, value_delimiter = ',', default_value = "pii,personal,confidential,secret", env = "MESHPORT_MASK_TAGS")]
    pub mask_tags: Vec<String>,
    #[command(flatten)]
    pub mail: mail::MailArgs,
}

#[derive(Debug, Subcommand)]
enum PolicyKeyAction {
    /// Signs the policy with the next key from now on. Portals may run meanwhile; agents notice a new revision.
    Rotate {
        #[command(flatten)]
        state: StateArgs,
    },
}

#[derive(Debug, Subcommand)]
enum PersonAction {
    /// Makes a person, or resets the one with this login name. Reads the password from standard input.
    Put {
        #[command(flatten)]
        state: StateArgs,
        /// Login name.
        login: String,
        /// viewer, developer, approver, operator or admin.
        #[arg(long, default_value = "viewer")]
        role: PortalRole,
        /// Name for greeting.
        #[arg(long, default_value = "")]
        name: String,
    },
}

impl Command {
    /// Does what the command line says.
    ///
    /// # Errors
    /// Why it could not, for the person at the console.
    pub fn run(self) -> anyhow::Result<()> {
        match self.action {
            Action::Openapi => {
                println!("{}", crate::http::openapi().to_pretty_json().context("write the OpenAPI document")?);
                Ok(())
            }
            Action::Serve(arguments) => {
                log();
                runtime()?.block_on(serve::run(arguments))
            }
            Action::PolicyKey { action: PolicyKeyAction::Rotate { state } } => {
                runtime()?.block_on(rotate_policy_key(&state))
            }
            Action::Person { action: PersonAction::Put { state, login, role, name } } => {
                let mut password = String::new();
                std::io::stdin().read_to_string(&mut password).context("read the password from standard input")?;
                let password = Some(password.trim_end_matches(['\r', '\n']).to_owned());
                let name = if name.is_empty() { login.clone() } else { name };
                let role = crate::app::person::api_role(role);
                let input =
                    PersonInput { login, name, role, domains: Vec::new(), enabled: true, password, email: None };
                runtime()?.block_on(put_person(&state, input))
            }
        }
    }
}

async fn put_person(state: &StateArgs, input: PersonInput) -> anyhow::Result<()> {
    let _folder = Folder::open(&state.data)?;
    let app = serve::open(state, crate::app::Config::default()).await?;
    let person = app.put_person_from_console(input).await?;
    println!("{} can sign in", person.login);
    Ok(())
}

/// Leaves the lock of the data folder to the portal that runs: what is shared has locks of its own.
async fn rotate_policy_key(state: &StateArgs) -> anyhow::Result<()> {
    let secrets = state.secrets();
    anyhow::ensure!(
        Authority::is_in(&secrets),
        "there is no policy key in {}: say where the portal's state is with --data, or with --secrets and --database",
        secrets.display()
    );
    let app = serve::open(state, crate::app::Config::default()).await?;
    let rotated = app.rotate_policy_key().await.context("rotate the policy key")?;
    println!("Policy revision {} is signed with the key {}", rotated.since.revision, rotated.keys[0]);
    println!("The next rotation is possible once every agent has applied it; it will sign with {}", rotated.keys[1]);
    app.close().await;
    Ok(())
}

impl StateArgs {
    /// Where keys and authorities lie.
    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        self.secrets.clone().unwrap_or_else(|| self.data.join("secrets"))
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the async runtime")
}

fn log() {
    let filter =
        EnvFilter::try_from_env("MESHPORT_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,memory_serve=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
