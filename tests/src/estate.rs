//! A large estate: clusters with ten thousand topics that an agent reports by the agents' own protocol, without any cluster.
//!
//! Consoles that ask the brokers for each page stand still at this size. Here the portal is measured alone: what it takes
//! to keep the estate, and how fast its pages and its search are while reports go on coming.

mod agent;
mod names;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use demo::wait::until;
use mesh_protocol::id::BrokerId;
use mesh_protocol::report::Report;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::demo_mesh::PAGES;
use crate::mesh::Mesh;
use crate::usage;
use agent::EstateAgent;

/// Clusters the topics are spread over.
const CLUSTERS: usize = 4;
/// The portal has stored and shows all of it within this time.
const STORED: Duration = Duration::from_secs(300);
/// Pause between two scans that bring changes, as agents make it.
const SCAN_INTERVAL: Duration = Duration::from_secs(10);
/// One of so many topics has changed when a scan comes.
const CHANGED_ONE_OF: usize = 10;
/// Longest time of a page: the 95th percentile.
pub const PAGE_P95_MAX: Duration = Duration::from_millis(100);
/// Most resident memory of the portal, in bytes.
pub const PORTAL_BYTES_MAX: u64 = 300_000_000;
/// Pause of somebody who looks at a page before the next.
const READ: Duration = Duration::from_millis(20);
/// Requests of one page before the first that counts, and that count.
const REQUESTS: (usize, usize) = (3, 40);

/// How large.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Kafka topics, with four partitions each.
    pub topics: usize,
    /// Consumer groups.
    pub groups: usize,
}

impl Size {
    /// Of so many topics, with the groups that such estates have.
    #[must_use]
    pub const fn of_topics(topics: usize) -> Self {
        Self { topics, groups: topics / 5 }
    }
}

/// A portal with an estate.
#[derive(Debug)]
pub struct Estate {
    /// The portal; the estate's agent is not among its agents.
    pub mesh: Mesh,
    /// How long it took from the first report until the catalog showed all.
    pub stored_in: Duration,
    agent: EstateAgent,
    http: reqwest::Client,
    brokers: Vec<BrokerId>,
    size: Size,
    scan: u64,
}

/// How one page did.
#[derive(Clone, Debug)]
pub struct Timed {
    /// Its path.
    pub path: String,
    /// Half of the requests were faster.
    pub median: Duration,
    /// All but one of twenty were faster.
    pub p95: Duration,
}

impl Timed {
    fn of(path: String, mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { path, median: times[times.len() / 2], p95: times[times.len() * 95 / 100] }
    }
}

impl Estate {
    /// Starts a portal, joins an agent and reports everything.
    ///
    /// # Errors
    /// The portal does not come up or does not store it.
    pub async fn start(size: Size) -> anyhow::Result<Self> {
        let mesh = Mesh::start().await?;
        let site = mesh.api.post("sites", &json!({ "name": "estate", "region": "eu" })).await?;
        for area in names::AREAS {
            let owner = if area.len() % 3 == 0 { String::new() } else { format!("team {area}") };
            let input = json!({ "name": area, "kafka_topics": [format!("{area}.*")], "topics": [format!("{area}/>")], "owner": owner });
            mesh.api.post("domains", &input).await?;
        }
        let agent = EstateAgent::join(&mesh, &site, &mesh.path("agent-estate")).await?;
        let mut brokers = Vec::new();
        for number in 0..CLUSTERS {
            // Nobody connects to it: the agent only says what a scan would have found.
            let input = json!({ "name": format!("kafka-{number}"), "site": site["id"], "bootstrap": ["127.0.0.1:9"], "tls": false, "discover": true });
            let broker = mesh.api.post("brokers", &input).await?;
            brokers.push(broker["id"].as_str().context("read the broker's id")?.parse().context("an id")?);
        }
        let mut estate =
            Self { mesh, stored_in: Duration::ZERO, agent, http: reqwest::Client::new(), brokers, size, scan: 0 };
        estate.design().await?;
        let began = Instant::now();
        estate.report(1).await?;
        let objects = size.topics + size.groups;
        until("the catalog shows the whole estate", STORED, async || {
            let page = estate.mesh.api.get("catalog?limit=1").await?;
            Ok((page["total"].as_u64() >= u64::try_from(objects).ok()).then_some(()))
        })
        .await?;
        estate.stored_in = began.elapsed();
        Ok(estate)
    }

    /// A schema and an event for every area.
    async fn design(&self) -> anyhow::Result<()> {
        let api = &self.mesh.api;
        let domains = api.list("domains").await?;
        for domain in &domains {
            let area = domain["config"]["name"].as_str().context("read a name")?;
            let made = async |kind: &str, name: String, content: Value| {
                let input = json!({ "kind": kind, "name": name, "domain": domain["id"], "tags": [area, "pii"] });
                let object = api.post("designs", &input).await?;
                let id = object["id"].as_str().context("read an id")?;
                api.post(&format!("designs/{id}/versions"), &json!({ "content": content })).await
            };
            let text = json!({ "type": "record", "name": "Changed", "namespace": area, "fields": [
                { "name": "id", "type": "string" }, { "name": format!("{area}Email"), "type": "string" }, { "name": "amount", "type": "double" },
            ] });
            let content = json!({ "kind": "schema", "format": "AVRO", "text": text.to_string() });
            let schema = made("schema", format!("{area}-changed"), content).await?;
            let content =
                json!({ "kind": "event", "address": format!("{area}/{{entity}}/changed"), "schema": schema["id"] });
            made("event", format!("{area}-changed"), content).await?;
        }
        Ok(())
    }

    /// Reports one of `of` topics and groups; with 1 a full scan.
    ///
    /// # Errors
    /// The agent cannot say it.
    pub async fn report(&mut self, of: usize) -> anyhow::Result<()> {
        self.scan += 1;
        for (cluster, broker) in self.brokers.iter().enumerate() {
            let part = names::Part { cluster, clusters: CLUSTERS, size: self.size, scan: self.scan, of };
            for report in names::reports(*broker, part) {
                self.agent.say(Report::Discovery(report)).await?;
            }
        }
        Ok(())
    }

    /// Times every page while scans go on.
    ///
    /// # Errors
    /// A page is not served.
    pub async fn pages(&mut self) -> anyhow::Result<Vec<Timed>> {
        let topic = self.mesh.api.get("catalog?kind=topic&limit=1&q=orders").await?;
        let topic = topic["items"][0]["id"].as_str().context("a topic is there")?.to_owned();
        let more = [
            "/catalog?q=orders".to_owned(),
            "/catalog?kind=topic&owner=none&domain=billing".to_owned(),
            format!("/catalog/{topic}"),
            "/search?q=orders%20created".to_owned(),
            "/search?q=field%3Aemail".to_owned(),
            "/search?q=billing%2F%2B%2Fchanged&kind=event".to_owned(),
        ];
        let paths: Vec<String> = PAGES.iter().map(|page| (*page).to_owned()).chain(more).collect();
        let mut times: Vec<Vec<Duration>> = vec![Vec::new(); paths.len()];
        let mut scanned = Instant::now();
        // One page after the other, and all of them again: what a page costs when something has just changed counts too.
        for round in 0..REQUESTS.0 + REQUESTS.1 {
            if scanned.elapsed() >= SCAN_INTERVAL {
                scanned = Instant::now();
                self.report(CHANGED_ONE_OF).await?;
            }
            for (path, times) in paths.iter().zip(&mut times) {
                let time = self.time(path).await?;
                if round >= REQUESTS.0 {
                    times.push(time);
                }
                tokio::time::sleep(READ).await;
            }
        }
        Ok(paths.into_iter().zip(times).map(|(path, times)| Timed::of(path, times)).collect())
    }

    async fn time(&self, path: &str) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let answer = self.http.get(format!("{}{path}", self.mesh.url())).bearer_auth(self.mesh.token()?).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status).with_context(|| format!("ask for {path}"))?;
        let page = answer.text().await.with_context(|| format!("read {path}"))?;
        ensure!(page.contains("</html>"), "{path} is no whole page");
        Ok(began.elapsed())
    }

    /// Resident memory of the portal now, in bytes.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn portal_bytes(&mut self) -> anyhow::Result<u64> {
        Ok(usage::memory(self.mesh.portal()?.id())?.resident)
    }
}

/// Where an estate that stays is told to its user.
///
/// # Errors
/// Nobody can sign in.
pub async fn tell(estate: &mut Estate) -> anyhow::Result<()> {
    let password = estate.mesh.person("admin").await?;
    println!("{}  login admin, password {password}", estate.mesh.url());
    Ok(())
}

/// Runs the measurement and prints it; with `stay` until Ctrl-C.
///
/// # Errors
/// The estate does not come up, or a page is not served.
pub async fn run(topics: usize, stay: bool) -> anyhow::Result<()> {
    let size = Size::of_topics(topics);
    println!("An estate of {topics} topics with {} partitions and {} groups", topics * 4, size.groups);
    let mut estate = Estate::start(size).await?;
    println!("  stored and shown in {:.1} s", estate.stored_in.as_secs_f64());
    for Timed { path, median, p95 } in estate.pages().await? {
        let verdict = if p95 < PAGE_P95_MAX { "within" } else { "ABOVE" };
        let (median, p95) = (median.as_secs_f64() * 1e3, p95.as_secs_f64() * 1e3);
        println!("  {path:<48} median {median:>6.1} ms, p95 {p95:>6.1} ms: {verdict} {} ms", PAGE_P95_MAX.as_millis());
    }
    let bytes = estate.portal_bytes()?;
    let verdict = if bytes < PORTAL_BYTES_MAX { "within" } else { "ABOVE" };
    println!("  portal {} MB: {verdict} {} MB", bytes / 1_000_000, PORTAL_BYTES_MAX / 1_000_000);
    if stay {
        tell(&mut estate).await?;
        println!("Ctrl-C ends it.");
        let mut timer = tokio::time::interval(SCAN_INTERVAL);
        loop {
            tokio::select! {
                _ = timer.tick() => estate.report(CHANGED_ONE_OF).await?,
                stop = tokio::signal::ctrl_c() => {
                    stop.context("wait for Ctrl-C")?;
                    break;
                }
            }
        }
    }
    estate.mesh.passed()
}

/// The folder of an agent of the estate.
fn folder(path: &Path) -> anyhow::Result<mesh_agent::home::Home> {
    mesh_agent::home::Home::at(path.to_owned()).context("open the agent's folder")
}
