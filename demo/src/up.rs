//! The order in which the demo comes up, and how it ends.
//!
//! The portal first: its page opens in seconds and shows the rest arrive. Kafka takes longest, so it starts at the same
//! time as the agents; what needs both waits for both.

use std::cell::OnceCell;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use anyhow::Context;
use demo::agent::Agent;
use demo::kafka::{Broker, BrokerPorts, Jars, Login, Security};
use demo::people;
use demo::portal::{Client, Portal, PortalPorts};
use demo::ports::{Known, Ports};
use demo::process::Processes;
use demo::retailer::products;
use demo::retailer::tally::Tally;
use demo::retailer::traffic::{Places, Traffic};
use demo::retailer::{
    self, BERLIN, BrokerAddress, Describer, HQ, KAFKA_A, KAFKA_A_TOPICS, KAFKA_A_USER, KAFKA_B, KAFKA_B_TOPICS, LYON,
};
use demo::site::listener_address;
use demo::state::State;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

use super::Up;

/// How long the clients that make traffic may take to end.
const LEAVE_LIMIT: Duration = Duration::from_secs(2);
/// How long portal and agents together, and then the brokers together, may take to end by themselves.
const STOP_LIMIT: Duration = Duration::from_secs(7);
/// Between two looks at the processes.
const LOOK: Duration = Duration::from_secs(1);
/// So many parts on their way are more than what just moves.
const HELD_UP: u64 = 10;
/// Between two lines about parts that are held up.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// Between two looks at what the agents found.
const DESCRIBE_EVERY: Duration = Duration::from_secs(3);

/// Starts everything, waits for Ctrl-C and stops everything, also when the start fails half-way.
pub(crate) async fn up(options: &Up) -> anyhow::Result<()> {
    let mut state = State::open(&options.data)?;
    let running = Running::default();
    let ended = tokio::select! {
        Err(error) = run(options, &mut state, &running) => Err(error),
        Err(error) = running.watch() => Err(error),
        stopped = stop_signal() => stopped,
    };
    println!("\nstopping ...");
    running.stop().await;
    println!("stopped; the state is kept in {} (`make clean` removes it)", options.data.display());
    ended
}

/// What was started so far.
#[derive(Debug, Default)]
struct Running {
    traffic: OnceCell<Traffic>,
    /// Portal and agents.
    mesh: Processes,
    kafka: Processes,
}

impl Running {
    /// Ends when a process has ended by itself.
    async fn watch(&self) -> anyhow::Result<Infallible> {
        loop {
            self.mesh.check()?;
            self.kafka.check()?;
            sleep(LOOK).await;
        }
    }

    /// Brokers last: a consumer takes leave of its group, and waits for long when there is nobody to take it of.
    async fn stop(self) {
        if let Some(traffic) = self.traffic.into_inner() {
            let _all_gone_or_time = timeout(LEAVE_LIMIT, traffic.stop()).await;
        }
        self.mesh.stop(STOP_LIMIT);
        self.kafka.stop(STOP_LIMIT);
    }
}

/// Never waits where it cannot be interrupted: with the end of the start everything ends that it holds.
async fn run(options: &Up, state: &mut State, running: &Running) -> anyhow::Result<Infallible> {
    let steps = Steps::begin();
    let describe = options.seed != 0;
    let logs = state.path("logs");
    let mut ports = Ports::open(&state.path("ports.json"))?;

    let portal_ports = PortalPorts {
        web: ports.port("portal", options.port, Known::Here)?,
        agents: ports.port("portal-agents", beside(options.port), Known::Elsewhere)?,
    };
    let portal = Portal::start(&state.path("portal"), &logs, portal_ports, &["--demo"]).await?;
    let url = portal.url();
    steps.done("portal");
    let api = people::automation(&portal, state).await;
    running.mesh.push(portal.into_process());
    let api = api?;
    people::make(&api, state).await?;
    announce(&url, state);

    let (kafka_a, kafka_b) = start_kafka(state, &mut ports, options.port != 0, &running.kafka).await?;
    let sites = retailer::sites(&api, describe).await?;
    let secret = state.password_of_kafka_user(KAFKA_A_USER);
    for (name, site) in &sites {
        let agent = Agent::join(&api, site, name, &state.path(&format!("agents/{name}"))).await?;
        if *name == HQ {
            agent.set_secret(KAFKA_A, &secret)?;
        }
        running.mesh.push(agent.run(&logs)?);
    }
    steps.done("three agents joined");
    // Before the clusters answer: the overview then says that they do not yet.
    let address =
        |kafka: &Broker<()>| BrokerAddress { bootstrap: kafka.bootstrap(), ca_pem: kafka.ca_pem().map(str::to_owned) };
    let brokers = retailer::brokers(&api, &sites, &address(&kafka_a), &address(&kafka_b)).await?;

    let known = state.secrets.clients.clone();
    state.secrets.clients = retailer::clients(&api, &known, describe).await?;
    state.save()?;
    retailer::queues(&api, &sites, describe).await?;
    if describe {
        let (developer, approver) =
            (people::signed_in(&url, state, "developer"), people::signed_in(&url, state, "approver"));
        let (developer, approver) = tokio::try_join!(developer, approver)?;
        products::make(products::Authors { developer: &developer, approver: &approver }).await?;
    }
    steps.done("broker connections, clients, roles, rules and queues");

    tokio::try_join!(kafka_a.answers(), kafka_b.answers())?;
    tokio::try_join!(kafka_a.create_topics(&KAFKA_A_TOPICS), kafka_b.create_topics(&KAFKA_B_TOPICS))?;
    steps.done("Kafka A and B answer");
    retailer::routes(&api, &brokers, describe).await?;
    steps.done("routes");

    let places = Places {
        lyon_mqtt: listener_address(&api, LYON, "mqtt").await?,
        lyon_http: listener_address(&api, LYON, "http").await?,
        berlin_mqtt: listener_address(&api, BERLIN, "mqtt").await?,
        berlin_http: listener_address(&api, BERLIN, "http").await?,
        hq_mqtt: listener_address(&api, HQ, "mqtt").await?,
        hq_http: listener_address(&api, HQ, "http").await?,
        secrets: state.secrets.clients.clone(),
        kafka_a: kafka_a.admin_config(),
    };
    let traffic = Traffic::start(&places, options.rate)?;
    let tally = traffic.tally();
    running.traffic.get_or_init(|| traffic);
    steps.done("traffic");
    println!("\nThe mesh is up: {url}   (Ctrl-C stops everything)");
    println!(
        "\n  Try: cut the Berlin link. The overview has the switch: what the factory makes for headquarters waits there,"
    );
    println!("  and comes when the link is on again. This counts what arrives.\n");
    let parts = tell_parts(&tally);
    if describe { tokio::join!(parts, describe_what_is_found(&api, &steps)).0 } else { parts.await }
}

/// Counts aloud while parts are held up, and once they have come.
async fn tell_parts(tally: &Tally) -> ! {
    let mut told = 0;
    let mut last = Instant::now();
    loop {
        sleep(LOOK).await;
        let figures = tally.figures();
        let waiting = figures.on_the_way();
        let held_up = waiting >= HELD_UP && last.elapsed() >= TELL_EVERY;
        let drained = told > 0 && waiting == 0;
        if held_up || drained {
            println!("parts: {figures}");
            (told, last) = (if drained { 0 } else { waiting }, Instant::now());
        }
    }
}

/// Says who owns what the agents find, as they find it. The mesh does not need it: what fails is told and tried again.
async fn describe_what_is_found(api: &Client, steps: &Steps) -> ! {
    let mut describer = Describer::new(api);
    let (mut some, mut told, mut failed) = (false, false, false);
    loop {
        match describer.look().await {
            Ok(0) if some && !told => {
                steps.done("owners of what the agents found");
                told = true;
            }
            Ok(described) => {
                some |= described > 0;
                failed = false;
            }
            Err(error) => {
                if !failed {
                    println!("{}", warning(&error));
                }
                failed = true;
            }
        }
        sleep(DESCRIBE_EVERY).await;
    }
}

fn warning(error: &anyhow::Error) -> String {
    format!(
        "warning: objects of the catalog are without owners: {error:#}. The mesh works without them, and this is tried again \
         every {} s; if it stays so, name the owners on the objects' pages.",
        DESCRIBE_EVERY.as_secs()
    )
}

/// The port that the agents' one is wished to be: the next, if there is one.
fn beside(port: u16) -> u16 {
    // 0 is no wish: any free port will do.
    if port == 0 { 0 } else { port.checked_add(1).unwrap_or_default() }
}

/// Starts both clusters without waiting until they answer; with the usual ports, if they are wished for and free.
async fn start_kafka(
    state: &mut State,
    ports: &mut Ports,
    usual: bool,
    processes: &Processes,
) -> anyhow::Result<(Broker<()>, Broker<()>)> {
    let users = ["admin", KAFKA_A_USER]
        .map(|user| Login { user: user.to_owned(), password: state.password_of_kafka_user(user) });
    state.save()?;
    let mut ports_of = |name: &str, preferred: u16| -> anyhow::Result<BrokerPorts> {
        let clients = ports.port(name, if usual { preferred } else { 0 }, Known::Here)?;
        // The cluster has written down that its only voter is there.
        let controller = ports.port(&format!("{name}-controller"), 0, Known::Elsewhere)?;
        Ok(BrokerPorts { clients, controller })
    };
    let (ports_a, ports_b) = (ports_of(KAFKA_A, 9192)?, ports_of(KAFKA_B, 9292)?);
    let jars = Jars::fetch().await?;
    let start = async |name: &str, ports: BrokerPorts, security: Security| {
        let (process, broker) = Broker::start(name, &jars, &state.path(name), ports, security).await?.part();
        processes.push(process);
        anyhow::Ok(broker)
    };
    tokio::try_join!(start(KAFKA_A, ports_a, Security::Scram(users.to_vec())), start(KAFKA_B, ports_b, Security::Plain))
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

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn every_port_has_a_wish_beside_it() {
        assert_eq!([8480, u16::MAX, 0].map(beside), [8481, 0, 0]);
    }
}
