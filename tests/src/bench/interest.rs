//! A hundred thousand devices at three sites, each with a filter of its own: how long until every site knows all of them.
//!
//! The wish is that of a person who sends a command: from the moment the last device has subscribed until a command from
//! any other site is wanted. Nobody beside us keeps such filters at every site, so the bar is a time.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::mesh::{Login, Mesh};
use crate::mqtt::raw::{Client, Incoming, Qos};
use crate::usage;

const SITES: [&str; 3] = ["hq", "berlin", "lyon"];
/// Connections of each site, because one has a bound on its subscriptions.
const SESSIONS: usize = 9;
/// Filters of each connection; a bit more than 100,000 in all.
const FILTERS: usize = 3_704;
/// What the product promises.
const BAR: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);

fn device(site: &str, session: usize, number: usize) -> String {
    format!("commands/{site}/device-{session}-{number:04}")
}

/// Subscribes all devices of one connection.
fn devices(address: &str, login: &Login, site: &str, session: usize) -> anyhow::Result<Client> {
    let mut client = Client::connect(address, Some(login), &format!("devices-{site}-{session}"))?;
    for number in 0..FILTERS {
        client.subscribe(&device(site, session, number), Qos::AtLeastOnce)?;
    }
    Ok(client)
}

/// Sends commands to a device until somebody wants one.
fn wanted(operator: &mut Client, topic: &str, since: Instant) -> anyhow::Result<()> {
    loop {
        operator.publish(topic, Qos::AtLeastOnce, b"open the valve");
        operator.flush()?;
        match operator.next()? {
            Some(Incoming::Taken { wanted: true }) => return Ok(()),
            Some(Incoming::Taken { wanted: false }) => {}
            Some(Incoming::Event(_)) | None => anyhow::bail!("a command to {topic} has no answer"),
        }
        ensure!(since.elapsed() < PATIENCE, "nobody wants commands to {topic}");
        std::thread::sleep(LOOK);
    }
}

/// Runs it and prints what it took.
pub(super) async fn devices_at_three_sites() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site(SITES[0], None).await?;
    for site in &SITES[1..] {
        mesh.site(site, Some(SITES[0])).await?;
    }
    let login = mesh.client("devices", &[("publish", "commands/>"), ("subscribe", "commands/>")]).await?;
    mesh.applied().await?;
    mesh.linked(2).await?;
    let mut addresses = Vec::new();
    for site in SITES {
        addresses.push((site, mesh.listener(site, "mqtt").await?));
    }
    let processes: Vec<u32> = SITES.iter().map(|site| Ok(mesh.agent(site)?.id())).collect::<anyhow::Result<_>>()?;
    let (began, told, known) = tokio::task::spawn_blocking(move || measure(&addresses, &login)).await??;
    let memory: Vec<u64> =
        processes.iter().map(|id| Ok(usage::memory(*id)?.resident)).collect::<anyhow::Result<_>>()?;
    let verdict = if known < BAR { "within" } else { "ABOVE" };
    println!("\n{} filters of devices at three sites", SITES.len() * SESSIONS * FILTERS);
    println!("  subscribed in {:.1} s, each acknowledged", (told - began).as_secs_f64());
    println!("  known everywhere {} ms after the last: {verdict} the bar of {} s", known.as_millis(), BAR.as_secs());
    println!("  memory of an agent: {:.0} MB", memory.into_iter().max().unwrap_or_default() as f64 / 1e6);
    mesh.passed()
}

/// When it began, when the last device had subscribed, and how long until all of them were known.
fn measure(addresses: &[(&str, String)], login: &Login) -> anyhow::Result<(Instant, Instant, Duration)> {
    let mut operators = Vec::new();
    for (site, address) in addresses {
        let client = Client::connect(address, Some(login), &format!("operator-{site}"))?;
        client.limit(PATIENCE)?;
        operators.push((*site, client));
    }
    let began = Instant::now();
    let subscribed: Vec<anyhow::Result<Vec<Client>>> = std::thread::scope(|scope| {
        let site = |(site, address): &(&str, String)| {
            (0..SESSIONS).map(|session| devices(address, login, site, session)).collect::<anyhow::Result<Vec<_>>>()
        };
        let sites: Vec<_> = addresses.iter().map(|address| scope.spawn(move || site(address))).collect();
        sites.into_iter().map(|site| site.join().expect("a thread that subscribes does not panic")).collect()
    });
    let _devices = subscribed.into_iter().collect::<anyhow::Result<Vec<_>>>().context("subscribe the devices")?;
    let told = Instant::now();
    for (from, operator) in &mut operators {
        for (to, _) in addresses.iter().filter(|(to, _)| to != from) {
            for session in 0..SESSIONS {
                wanted(operator, &device(to, session, FILTERS - 1), told)?;
            }
        }
    }
    Ok((began, told, told.elapsed()))
}
