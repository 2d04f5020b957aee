//! The order in which the demo comes up, and how it ends.
//!
//! The portal first: its page opens in seconds and shows the rest arrive. Kafka takes longest, so it starts at the same
//! time as the agents; what needs both waits for both.

use std::time::{Duration, Instant};

use anyhow::Context;
use demo::agent::Agent;
use demo::kafka::{Broker, BrokerPorts, Jars, Login, Security};
use demo::people;
use demo::portal::{Portal, PortalPorts};
use demo::ports::Ports;
use demo::process::Processes;
use demo::retailer::traffic::{Places, Traffic};
use demo::retailer::{self, BERLIN, BrokerAddress, HQ, KAFKA_A, KAFKA_A_TOPICS, KAFKA_A_USER, KAFKA_B_TOPICS, LYON};
use demo::site::listener_address;
use demo::state::State;
use tokio::signal::unix::{SignalKind, signal};

use super::Up;

/// How long each process may take to end by itself.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Between two looks at the processes.
const LOOK: Duration = Duration::from_secs(1);

/// Starts everything, waits for Ctrl-C and stops everything, also when the start fails half-way.
pub(crate) async fn up(options: &Up) -> anyhow::Result<()> {
    let mut processes = Processes::default();
    let result = tokio::select! {
        result = run(options, &mut processes) => result,
        stopped = stop_signal() => stopped,
    };
    println!("\nstopping ...");
    processes.stop(STOP_LIMIT);
    println!("stopped; the state is kept in {} (`make clean` removes it)", options.data.display());
    result
}

async fn run(options: &Up, processes: &mut Processes) -> anyhow::Result<()> {
    let steps = Steps::begin();
    let describe = options.seed != 0;
    let mut state = State::open(&options.data)?;
    let logs = state.path("logs");
    let mut ports = Ports::open(&state.path("ports.json"))?;

    let portal_ports = PortalPorts {
        web: ports.port("portal", options.port)?,
        agents: ports.port("portal-agents", options.port + 1)?,
    };
    let portal = Portal::start(&state.path("portal"), &logs, portal_ports, &["--demo"]).await?;
    let url = portal.url();
    steps.done("portal");
    let api = people::automation(&portal, &mut state).await;
    processes.push(portal.into_process());
    let api = api?;
    people::make(&api, &mut state).await?;
    announce(&url, &state);

    let (mut kafka_a, mut kafka_b) = start_kafka(&mut state, &mut ports).await?;
    let sites = retailer::sites(&api, describe).await?;
    let secret = state.password_of_kafka_user(KAFKA_A_USER);
    for (name, site) in &sites {
        let agent = Agent::join(&api, site, name, &state.path(&format!("agents/{name}"))).await?;
        if *name == HQ {
            agent.set_secret(KAFKA_A, &secret)?;
        }
        processes.push(agent.run(&logs)?);
    }
    steps.done("three agents joined");
    // Before the clusters answer: the overview then says that they do not yet.
    let address =
        |kafka: &Broker| BrokerAddress { bootstrap: kafka.bootstrap(), ca_pem: kafka.ca_pem().map(str::to_owned) };
    let brokers = retailer::brokers(&api, &sites, &address(&kafka_a), &address(&kafka_b)).await?;

    let known = state.secrets.clients.clone();
    state.secrets.clients = retailer::clients(&api, &known, describe).await?;
    state.save()?;
    steps.done("broker connections, clients, roles and rules");

    let (kafka_a, kafka_b) = tokio::task::spawn_blocking(move || {
        kafka_a.ready()?;
        kafka_b.ready()?;
        anyhow::Ok((kafka_a, kafka_b))
    })
    .await
    .context("wait for Kafka")??;
    kafka_a.create_topics(&KAFKA_A_TOPICS).await?;
    kafka_b.create_topics(&KAFKA_B_TOPICS).await?;
    steps.done("Kafka A and B answer");
    retailer::routes(&api, &brokers).await?;
    steps.done("routes");

    let places = Places {
        lyon_mqtt: listener_address(&api, LYON, "mqtt").await?,
        lyon_http: listener_address(&api, LYON, "http").await?,
        berlin_mqtt: listener_address(&api, BERLIN, "mqtt").await?,
        hq_mqtt: listener_address(&api, HQ, "mqtt").await?,
        secrets: state.secrets.clients.clone(),
        kafka_a: kafka_a.admin_config(),
    };
    processes.push(kafka_a.into_process());
    processes.push(kafka_b.into_process());
    let _traffic = Traffic::start(&places, options.rate)?;
    steps.done("traffic");
    println!("\nThe mesh is up: {url}   (Ctrl-C stops everything)");
    if describe {
        retailer::describe(&api).await?;
        steps.done("owners of what the agents found");
    }
    loop {
        processes.check()?;
        tokio::time::sleep(LOOK).await;
    }
}

/// Starts both clusters without waiting for them.
async fn start_kafka(state: &mut State, ports: &mut Ports) -> anyhow::Result<(Broker, Broker)> {
    let users = ["admin", KAFKA_A_USER]
        .map(|user| Login { user: user.to_owned(), password: state.password_of_kafka_user(user) });
    state.save()?;
    let folders = (state.path("kafka-a"), state.path("kafka-b"));
    let ports_of = |ports: &mut Ports, name: &str, preferred: u16| -> anyhow::Result<BrokerPorts> {
        let clients = ports.port(name, preferred)?;
        Ok(BrokerPorts { clients, controller: ports.port(&format!("{name}-controller"), 0)? })
    };
    let (ports_a, ports_b) = (ports_of(ports, "kafka-a", 9192)?, ports_of(ports, "kafka-b", 9292)?);
    tokio::task::spawn_blocking(move || {
        let jars = Jars::fetch()?;
        let a = Broker::start("kafka-a", &jars, &folders.0, ports_a, Security::Scram(users.to_vec()))?;
        let b = Broker::start("kafka-b", &jars, &folders.1, ports_b, Security::Plain)?;
        Ok((a, b))
    })
    .await
    .context("start Kafka")?
}

fn announce(url: &str, state: &State) {
    println!("\n  Open {url}");
    println!("  It shows the rest arrive. Logins (kept in {}):", state.path("secrets.json").display());
    for login in people::LOGINS {
        println!("    {login:<10} {}", state.secrets.people.get(login).map_or("", String::as_str));
    }
    println!();
}

/// Ends with Ctrl-C, the polite signal of `kill`, or a closed terminal.
async fn stop_signal() -> anyhow::Result<()> {
    let listen = |kind| signal(kind).context("listen for Ctrl-C");
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

/// Named steps with elapsed time.
#[derive(Debug)]
struct Steps {
    began: Instant,
}

impl Steps {
    fn begin() -> Self {
        Self { began: Instant::now() }
    }

    fn done(&self, what: &str) {
        println!("[{:5.1} s] {what}", self.began.elapsed().as_secs_f64());
    }
}
