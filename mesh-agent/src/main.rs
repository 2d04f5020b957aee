//! The agent's program: the command line around [`mesh_agent`].

mod cli;

use std::io::{IsTerminal, Read, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use cli::{Cli, Command, Join, Run, Secret, State, Status};
use mesh_agent::admin;
use mesh_agent::control::enrol;
use mesh_agent::home::{Home, Secrets};
use mesh_agent::identity::IdentityError;
use mesh_agent::wiring::ListenerFiles;
use mesh_agent::work::Agent;
use mesh_protocol::enrol::JoinToken;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Largest secret read from standard input, in bytes; the store checks it again.
const SECRET_BYTES_MAX: u64 = 128 * 1024;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("mesh-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Join(arguments) => {
            single_threaded()?.block_on(join(arguments))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Run(arguments) => {
            // Before the runtime has threads.
            mesh_agent::fabric::prepare_process();
            log();
            // The fabric needs a runtime of several threads; two are enough for an idle agent.
            let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 16));
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
            runtime.block_on(work(arguments))
        }
        Command::Status(arguments) => {
            single_threaded()?.block_on(status(&arguments))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Secret(command) => {
            secret(&command)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn single_threaded() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")
}

/// To standard error; JSON unless a person watches. `RUST_LOG` chooses what.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,zenoh=error,rdkafka=warn"));
    let terminal = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(terminal);
    if terminal { log.init() } else { log.json().init() }
}

async fn join(arguments: Join) -> anyhow::Result<()> {
    let token: JoinToken = arguments.token.parse()?;
    let home = Home::at(&arguments.state.state)?;
    let name = arguments.name.unwrap_or_else(host_name);
    let lock = home.lock()?;
    let identity = enrol::join(&home, arguments.portal, &token, name).await?;
    drop(lock);
    println!("Joined as {} at site {}.", identity.name, identity.site_name);
    println!("Start it with: mesh-agent run --state {}", home.dir().display());
    Ok(())
}

/// The host's name, or a plain word where there is none.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "agent".to_owned() } else { name.to_owned() }
}

async fn work(arguments: Run) -> anyhow::Result<ExitCode> {
    let home = existing(&arguments.state)?;
    let files = arguments.listener_cert.zip(arguments.listener_key);
    let files = files.map(|(certificate, key)| ListenerFiles { certificate, key });
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let agent = Agent::start_with(&home, files)?;
    let code = tokio::select! {
        _ = interrupt.recv() => ExitCode::SUCCESS,
        _ = terminate.recv() => ExitCode::SUCCESS,
        () = agent.failed() => ExitCode::FAILURE,
    };
    tracing::info!("agent stops");
    let stopping = agent.stop();
    tokio::select! {
        () = stopping => {}
        _ = interrupt.recv() => tracing::warn!("stopped at once, on a second Ctrl-C"),
    }
    Ok(code)
}

async fn status(arguments: &Status) -> anyhow::Result<()> {
    let answer = admin::ask(&existing(&arguments.state)?).await?;
    let text = if arguments.json { serde_json::to_string_pretty(&answer)? + "\n" } else { answer.to_text() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn secret(command: &Secret) -> anyhow::Result<()> {
    match command {
        Secret::Set { name, state } => {
            let secrets = secrets(state)?;
            let mut value = String::new();
            if std::io::stdin().is_terminal() {
                eprintln!("Type the value of {name} and press Ctrl-D on a new line:");
            }
            let read = std::io::stdin().take(SECRET_BYTES_MAX).read_to_string(&mut value);
            read.context("the value could not be read from standard input")?;
            let value = value.strip_suffix('\n').map_or(value.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
            secrets.set(name, value)?;
            println!("Secret {name} is set. A running agent uses it at its next attempt.");
        }
        Secret::List { state } => {
            let names = secrets(state)?.names().context("the secrets cannot be listed")?;
            if names.is_empty() {
                println!("No secrets are set.");
            }
            names.iter().for_each(|name| println!("{name}"));
        }
    }
    Ok(())
}

fn secrets(state: &State) -> anyhow::Result<Secrets> {
    Ok(existing(state)?.secrets()?)
}

fn existing(state: &State) -> anyhow::Result<Home> {
    match Home::existing(&state.state) {
        Some(home) => Ok(home),
        None => bail!(IdentityError::NotJoined(state.state.display().to_string())),
    }
}
