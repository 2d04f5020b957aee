//! Torture: a mesh of real processes under load, with faults drawn from a seed, and an account of every acknowledged event
//! at its end.
//!
//! ```text
//!   till, press (each site)          hq ------- berlin ------- lyon
//!     each answer is noted           Kafka      MQTT session   webhook, named queue
//!                                      '----------- each delivery is noted -----'
//! ```
//! Every event goes to all four. Faults come and go while it flows; then everything is healed, the publishers stop, and what
//! was acknowledged has to be with everybody: at least once, in the order of its key, repeats flagged, and with no loss that
//! an agent counts. See [`Ledger`](ledger::Ledger) for what exactly is promised.
//!
//! Links are cut and silenced in proxies, which needs no rights. A partition, in which the kernel drops packets, needs a network
//! namespace, and a full disk the right to mount: both are left out without it.

mod clock;
mod disk;
mod kafka;
pub mod ledger;
mod load;
pub mod partition;
pub mod plan;
mod world;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use demo::wait::until;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::SOON;
use crate::mqtt::MqttClient;
use crate::queue::QueueClient;
use ledger::{Answer, payload};
use load::{Book, HttpPublisher, Stop};
use plan::{Fault, KINDS, SITES, Step};
use world::{LOAD, NAME, World};

/// Ordering keys of one publisher over HTTP.
const KEYS: [&str; 2] = ["a", "b"];
/// Keys of events that only ask whether everybody listens begin with this.
const WARM: &str = "warm-";
/// How long everything may take to arrive once all is well, on a machine that is busy with other things.
const ARRIVES: Duration = Duration::from_secs(300);
/// Nothing has arrived for so long: nothing more comes.
const QUIET: Duration = Duration::from_secs(4);
/// Origins note with their next heartbeat what others want durably; nothing outside tells that they have.
const NOTED: Duration = Duration::from_secs(2);
/// Between two looks at whether everything still runs.
const LOOK: Duration = Duration::from_millis(500);
/// A key with fewer acknowledged events says that the load has stopped.
const LEAST: usize = 20;

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long the load flows and faults come.
    pub length: Duration,
    /// The plan is drawn from it.
    pub seed: u64,
    /// Only faults of this kind; none = of all.
    pub only: Option<String>,
}

/// Runs it and prints what happens.
///
/// # Errors
/// The mesh does not come up, a process ends by itself, or an acknowledged event is not accounted for.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut kinds: Vec<&str> = KINDS.to_vec();
    if let Some(only) = &options.only {
        kinds.retain(|kind| kind == only);
        ensure!(!kinds.is_empty(), "there is no fault {only:?}: choose one of {}", KINDS.join(", "));
    }
    let (mut world, missing) = World::build().await?;
    for (kind, why) in missing {
        println!("left out: {kind}: {why}");
        kinds.retain(|its| *its != kind);
    }
    let steps = plan::draw(options.seed, options.length, &kinds);
    println!("seed {}, {} s, {} faults:", options.seed, options.length.as_secs(), steps.len());
    steps.iter().for_each(|step| println!("  {step}"));
    match torture(&mut world, &steps, options.length).await {
        Ok(()) => world.passed(),
        Err(error) => {
            world.keep();
            Err(error.context(format!("the run with --seed {} failed", options.seed)))
        }
    }
}

async fn torture(world: &mut World, steps: &[Step], length: Duration) -> anyhow::Result<()> {
    let (book, stop, end) = (Book::default(), Stop::default(), Stop::default());
    let whole = async {
        let _consumers = consumers(world, &book, &end).await?;
        all_listen(world, &book).await?;
        let publishers = publishers(world, &book, &stop).await?;
        happen(world, steps, length).await?;
        stop.now();
        load::join(publishers).await?;
        account(world, &book).await
    };
    let result = whole.await;
    // However it went: threads of clients end only by this.
    stop.now();
    end.now();
    result
}

/// Faults begin and end at their times; everything that should run is watched meanwhile.
async fn happen(world: &mut World, steps: &[Step], length: Duration) -> anyhow::Result<()> {
    let mut turns: Vec<(Duration, bool, Fault)> = Vec::new();
    for step in steps {
        turns.push((step.at, true, step.fault));
        turns.push((step.at + step.lasts, false, step.fault));
    }
    turns.sort_by_key(|(at, ..)| *at);
    let began = Instant::now();
    for (at, begins, fault) in turns {
        wait_until(world, began, at).await?;
        let turn = if begins { world.begin(fault).await } else { world.end(fault).await };
        turn.with_context(|| format!("at {:.1} s: {fault}", at.as_secs_f64()))?;
        println!("{:>6.1} s: {} {fault}", began.elapsed().as_secs_f64(), if begins { "begins:" } else { "ends:  " });
    }
    wait_until(world, began, length).await
}

async fn wait_until(world: &mut World, began: Instant, at: Duration) -> anyhow::Result<()> {
    loop {
        world.check()?;
        match at.checked_sub(began.elapsed()) {
            Some(left) if left > Duration::ZERO => sleep(left.min(LOOK)).await,
            _ => return Ok(()),
        }
    }
}

/// Those who take, and note what they get. They end with what this returns.
async fn consumers(world: &mut World, book: &Book, end: &Stop) -> anyhow::Result<JoinSet<()>> {
    for name in [load::KAFKA, load::SESSION, load::QUEUE, load::ENDPOINT] {
        book.open().consumer(name);
    }
    let mesh = &world.mesh;
    let rights = [("subscribe", LOAD), ("manage_queue", LOAD)];
    let worker = mesh.client("worker", &rights).await?;
    mesh.applied().await?;
    let berlin = mesh.listener("berlin", "mqtt").await?;
    let session = MqttClient::connect_lasting(&berlin, &worker).await?;
    session.subscribe("load/+/+").await?;
    let queue = QueueClient::new(&mesh.listener("lyon", "http").await?, NAME, &worker);
    let mut consumers = JoinSet::new();
    consumers.spawn(load::follow_session(session, book.clone()));
    consumers.spawn(load::follow_endpoint(world.endpoint.clone(), book.clone()));
    consumers.spawn(load::consume_queue(queue, book.clone()));
    let (config, book, end) = (world.broker.admin_config(), book.clone(), end.clone());
    consumers.spawn_blocking(move || {
        if let Err(error) = kafka::read(&config, NAME, &book, &end) {
            eprintln!("Kafka cannot be read: {error:#}");
        }
    });
    Ok(consumers)
}

async fn http_publisher(world: &World, site: &'static str) -> anyhow::Result<HttpPublisher> {
    let client = reqwest::Client::builder().no_proxy().build().context("make an HTTP client")?;
    let address = world.mesh.listener(site, "http").await?;
    Ok(HttpPublisher { address, login: world.publisher(site)?, site, client })
}

/// Publishes at each site until every consumer has got something from it: what was acknowledged before that was not wanted
/// by all, so these count as unacknowledged.
async fn all_listen(world: &World, book: &Book) -> anyhow::Result<()> {
    for site in SITES {
        let publisher = http_publisher(world, site).await?;
        let key = format!("{WARM}{site}");
        until(&format!("everybody gets what is published at {site}"), SOON, async || {
            let number = book.open().send(&key);
            let _answer = publisher.publish(&key, payload(&key, number, 0)).await;
            book.open().answered(&key, number, Answer::Unknown);
            let missing = book.open().without(&key);
            anyhow::ensure!(missing.is_empty(), "nothing has arrived at {missing:?}");
            Ok(Some(()))
        })
        .await?;
    }
    sleep(NOTED).await;
    Ok(())
}

async fn publishers(world: &World, book: &Book, stop: &Stop) -> anyhow::Result<JoinSet<()>> {
    let mut publishers = JoinSet::new();
    for site in SITES {
        let publisher = http_publisher(world, site).await?;
        for key in KEYS {
            publishers.spawn(publisher.clone().run(format!("{site}-{key}"), book.clone(), stop.clone()));
        }
        let login = world.mesh.client(&format!("press-{site}"), &[("publish", LOAD)]).await?;
        world.mesh.applied().await?;
        let (address, topic) = (world.mesh.listener(site, "mqtt").await?, format!("load/{site}/press"));
        let (book, stop) = (book.clone(), stop.clone());
        publishers.spawn_blocking(move || load::publish_over_mqtt(&address, &login, &topic, &book, &stop));
    }
    Ok(publishers)
}

/// Everything is healed and nobody publishes any more: all of it has to arrive, and all of it has to be right.
async fn account(world: &mut World, book: &Book) -> anyhow::Result<()> {
    let began = Instant::now();
    let arrived = until("every acknowledged event is with everybody", ARRIVES, async || {
        // A look is some work.
        sleep(LOOK).await;
        let missing = book.open().missing();
        ensure!(missing.is_empty(), "missing: {missing:?}");
        Ok(Some(()))
    })
    .await;
    world.check()?;
    load::settle(book, QUIET, ARRIVES).await;
    println!("healed: {:.1} s until nothing more arrived", began.elapsed().as_secs_f64());
    let mut complaints = book.open().complaints();
    let waiting = until("nothing waits for another site", SOON, async || {
        let waiting = world.waiting()?;
        ensure!(waiting == 0, "{waiting} events wait for another site");
        Ok(Some(()))
    });
    complaints.extend(waiting.await.err().map(|error| format!("{error:#}")));
    complaints.extend(arrived.err().map(|error| format!("{error:#}")));
    let losses = world.all_losses()?;
    complaints
        .extend(losses.iter().map(|(name, count)| format!("agents count {count} {name}, which nothing explains")));
    let ledger = book.open();
    println!("{} sent, {} acknowledged, {} denied", ledger.sent(), ledger.acknowledged(), ledger.denied());
    for (consumer, sums) in ledger.sums() {
        let (events, repeats, more) = (sums.events, sums.repeats, sums.unacknowledged);
        println!("  {consumer:<18} {events} events, {more} of them not acknowledged, {repeats} flagged repeats");
    }
    let idle = ledger.idle(LEAST).filter(|key| !key.starts_with(WARM));
    complaints.extend(idle.map(|key| format!("fewer than {LEAST} events of {key} were acknowledged")));
    complaints.iter().for_each(|complaint| eprintln!("  {complaint}"));
    ensure!(complaints.is_empty(), "{} complaints", complaints.len());
    Ok(())
}
