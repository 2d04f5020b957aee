//! `meshport serve`: puts the parts together, says where it is, stops in order.

mod folder;

use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::app::config::AgentBinary;
use crate::app::{App, Authority, Config};
use crate::cli::{ServeArgs, StateArgs};
use crate::store::Store;
use crate::task::Tasks;
use crate::{agents, background, http};
pub use folder::{Endpoints, Folder};

/// How long parts may take to end before they are left behind.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long agents may take to hear that the portal stops.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs the portal until it is interrupted.
///
/// # Errors
/// Why it could not start, and what to do.
pub async fn run(arguments: ServeArgs) -> anyhow::Result<()> {
    let folder = Folder::open(&arguments.state.data)?;
    let browsers = bind(&folder, "listen", arguments.listen).await?;
    let for_agents = bind(&folder, "agents-listen", arguments.agents_listen).await?;
    let (browsers_at, agents_at) = (browsers.local_addr()?, for_agents.local_addr()?);
    let portal_url = arguments.public_url.clone().unwrap_or_else(|| format!("http://{}", reachable(browsers_at)));
    let agents_address = arguments.agents_advertise.clone().unwrap_or_else(|| reachable(agents_at));
    let config = Config {
        demo: arguments.demo,
        portal_url: portal_url.trim_end_matches('/').to_owned(),
        agents_url: format!("https://{agents_address}"),
        masked_tags: arguments.mask_tags.clone(),
        mail: arguments.mail.server()?,
        agent_binary: find_agent_binary()?,
    };
    let app = open(&arguments.state, config.clone()).await?;

    let tasks = Tasks::default();
    http::serve(&app, browsers, &tasks);
    agents::serve(&app, for_agents, &tasks)?;
    background::start(&app, &tasks);
    folder.write_endpoints(&Endpoints {
        portal: config.portal_url.clone(),
        agents: config.agents_url.clone(),
        listen: browsers_at,
        agents_listen: agents_at,
        pid: std::process::id(),
    })?;
    announce(&app, &config).await?;

    interrupted().await;
    tracing::info!("stopping");
    say_goodbye(&app).await;
    let mut left = tasks.stop(STOP_TIMEOUT).await;
    left.extend(app.errands().stop(STOP_TIMEOUT).await);
    if !left.is_empty() {
        tracing::warn!(?left, "these parts did not end in time");
    }
    app.close().await;
    Ok(())
}

/// Opens the application over the state it is told.
///
/// # Errors
/// The secrets or the database cannot be used.
pub async fn open(state: &StateArgs, config: Config) -> anyhow::Result<App> {
    let secrets = state.secrets();
    let authority = tokio::task::spawn_blocking(move || Authority::open(&secrets)).await??;
    let url = match &state.database {
        Some(url) => url.clone(),
        None => format!("sqlite:{}", state.data.join("meshport.sqlite").display()),
    };
    let store = Store::open(&url).await.context("open the portal's database")?;
    Ok(App::new(store, authority, config).await?)
}

/// Binds an address; a free port is chosen once and kept with the state.
async fn bind(folder: &Folder, name: &'static str, wanted: SocketAddr) -> anyhow::Result<TcpListener> {
    let kept = if wanted.port() == 0 { folder.kept_port(name)? } else { None };
    let address = SocketAddr::new(wanted.ip(), kept.unwrap_or(wanted.port()));
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen at {address}: stop what uses that port, or choose another with --{name} {}:PORT",
            address.ip()
        )
    })?;
    if wanted.port() == 0 && kept.is_none() {
        folder.keep_port(name, listener.local_addr()?.port())?;
    }
    Ok(listener)
}

/// An address that can be dialled from this machine.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("127.0.0.1:{}", address.port()) } else { address.to_string() }
}

/// The program `mesh-agent` beside this one, and its sum.
fn find_agent_binary() -> anyhow::Result<Option<AgentBinary>> {
    let own = std::env::current_exe().context("find this program's own file")?;
    let path = own.with_file_name("mesh-agent");
    if !path.is_file() {
        tracing::warn!("there is no mesh-agent beside this program: sites cannot download it from here");
        return Ok(None);
    }
    let (sha256, bytes) = sum_of(&path).with_context(|| format!("read {}", path.display()))?;
    Ok(Some(AgentBinary { path, sha256, bytes }))
}

fn sum_of(path: &Path) -> std::io::Result<(String, u64)> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1024 * 1024];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hex::encode(hasher.finalize()), bytes));
        }
        hasher.update(&buffer[..read]);
        bytes += read as u64;
    }
}

/// For the person at the console; scripts read `endpoints.json`.
async fn announce(app: &App, config: &Config) -> anyhow::Result<()> {
    println!("Meshport is at {}", config.portal_url);
    println!("Agents connect to {}", config.agents_url);
    if let Some(code) = app.new_setup_code().await? {
        println!("Make the first admin here (this link works once): {}/setup?code={code}", config.portal_url);
    }
    Ok(())
}

/// Ends the agents' sessions in order, so that the next start does not show agents that are not there.
async fn say_goodbye(app: &App) {
    app.fleet().end_all();
    let until = tokio::time::Instant::now() + GOODBYE_TIMEOUT;
    while !app.fleet().connected().is_empty() && tokio::time::Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn interrupted() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(error) => {
            tracing::warn!(%error, "cannot listen for SIGTERM");
            let _interrupted = tokio::signal::ctrl_c().await;
            return;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
