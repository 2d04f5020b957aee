//! One grant used at two sites at once, far beyond its quota: what is let in stays within the tolerance that
//! `docs/quotas.md` states, who is refused is told how that page says, and the use that the portal shows is what was let in,
//! to the event.
//!
//! Nothing here depends on how fast the machine is: bounds hold between what was sent after one moment and answered before
//! another, for which a slow answer can only make the time longer; and the load goes on until enough was seen.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use demo::wait::until;
use reqwest::StatusCode;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use serde_json::Value;
use system_tests::SOON;
use system_tests::market::{Access, Market};
use system_tests::mesh::{Login, Mesh};
use system_tests::mqtt::MqttClient;

/// Events a second of the plan, at all sites together.
const QUOTA: u32 = 100;
/// Agents that share it.
const AGENTS: f64 = 2.0;
/// Publishes of one client on their way at once.
const AT_ONCE: usize = 20;
/// Between two rounds of a client: ten times the quota when every answer comes at once.
const PAUSE: Duration = Duration::from_millis(20);
/// The load takes at least so long: more than the ten seconds for which the tolerance is stated.
const LOAD: Duration = Duration::from_secs(14);
const PAYLOAD: &str = r#"{"celsius":21}"#;

/// What is known about one publish that was let in.
#[derive(Clone, Copy, Debug)]
struct LetIn {
    sent: Instant,
    answered: Instant,
}

/// What one client saw.
#[derive(Debug, Default)]
struct Seen {
    let_in: Vec<LetIn>,
    refused: u64,
}

/// What the clients of a load share.
#[derive(Debug, Default)]
struct Load {
    over: AtomicBool,
    let_in: [AtomicU64; 2],
    refused: AtomicU64,
    refused_http: AtomicU64,
}

impl Load {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn let_in(&self, site: usize) -> u64 {
        self.let_in[site].load(Ordering::Acquire)
    }
}

/// Publishes at QoS 1 until the load is over.
async fn by_mqtt(client: &MqttClient, load: &Load, site: usize, topic: &str) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    while !load.is_over() {
        let mut round = Vec::with_capacity(AT_ONCE);
        for _ in 0..AT_ONCE {
            round.push((Instant::now(), client.send(topic, PAYLOAD).await?));
        }
        for (sent, answer) in round {
            let answer = tokio::time::timeout(SOON, answer).await.context("wait for a PUBACK")?;
            match answer.context("the connection ended")? {
                PubAckReason::Success => {
                    seen.let_in.push(LetIn { sent, answered: Instant::now() });
                    load.let_in[site].fetch_add(1, Ordering::AcqRel);
                }
                PubAckReason::QuotaExceeded => {
                    seen.refused += 1;
                    load.refused.fetch_add(1, Ordering::AcqRel);
                }
                other => anyhow::bail!("a publish was answered with {other:?}"),
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(seen)
}

/// Publishes over HTTP until the load is over.
async fn by_http(address: &str, login: &Login, load: &Load, site: usize, topic: &str) -> anyhow::Result<Seen> {
    let client = reqwest::Client::builder().no_proxy().timeout(SOON).build().context("make an HTTP client")?;
    let url = format!("http://{address}/v1/events/{topic}");
    let mut seen = Seen::default();
    while !load.is_over() {
        let sent = Instant::now();
        let request = client.post(&url).basic_auth(&login.username, Some(&login.secret)).body(PAYLOAD);
        let answer = request.send().await.context("publish over HTTP")?;
        match answer.status() {
            StatusCode::ACCEPTED => {
                seen.let_in.push(LetIn { sent, answered: Instant::now() });
                load.let_in[site].fetch_add(1, Ordering::AcqRel);
            }
            StatusCode::TOO_MANY_REQUESTS => {
                let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
                let after: u64 = header("retry-after").and_then(|text| text.parse().ok()).context("a time to wait")?;
                ensure!(after >= 1, "Retry-After: {after}");
                let policy = header("ratelimit-policy").context("the policy")?.to_owned();
                ensure!(policy.starts_with("\"events\";q="), "RateLimit-Policy: {policy}");
                ensure!(header("ratelimit").is_some_and(|state| state.starts_with("\"events\";r=")), "RateLimit");
                ensure!(header("content-type") == Some("application/problem+json"), "a problem document");
                seen.refused += 1;
                load.refused_http.fetch_add(1, Ordering::AcqRel);
            }
            other => anyhow::bail!("a publish over HTTP was answered with {other}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(seen)
}

/// The most that may be let in within a time: the quota for that time and its burst of one second, and an event for each
/// agent besides.
fn most(time: Duration) -> f64 {
    f64::from(QUOTA) * (time.as_secs_f64() + 1.0) + AGENTS
}

/// What was sent after a moment and answered within `time` of it was certainly let in within `time`.
fn within(all: &[LetIn], time: Duration) -> (usize, usize) {
    let certain = |from: Instant| all.iter().filter(|one| one.sent >= from && one.answered <= from + time).count();
    let most = all.iter().enumerate().map(|(at, one)| (certain(one.sent), at)).max();
    most.unwrap_or_default()
}

/// All use of a grant that the portal shows.
async fn used(mesh: &Mesh, access: &Access) -> anyhow::Result<(u64, u64, u64)> {
    // A day or an hour may have begun meanwhile.
    let rows = mesh.api.list(&format!("usage?grant={}", access.grant)).await?;
    Ok(total(&rows))
}

fn total(rows: &[Value]) -> (u64, u64, u64) {
    let sum = |field: &str| rows.iter().filter_map(|row| row["published"][field].as_u64()).sum();
    (sum("events"), sum("bytes"), sum("refused_events"))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_grant_at_two_sites_keeps_to_its_quota_and_is_counted_to_the_event() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    mesh.site("berlin", Some("hq")).await?;
    mesh.linked(1).await?;
    let reader = mesh.client("reader", &[("subscribe", "readings/>")]).await?;
    let market = Market::open(&mut mesh).await?;
    let plan = market.plan("small", Some(QUOTA)).await?;
    let access = market.access("dashboard", &plan).await?;
    let login = market.credential(&access, "dashboard-1").await?;
    mesh.applied().await?;
    // It has no grant: it is neither limited nor counted, and sees whatever was let in.
    let reader = MqttClient::connect(&mesh.listener("hq", "mqtt").await?, &reader).await?;
    reader.subscribe(Market::FILTER).await?;

    let (mut clients, mut first, mut refused_first) = (Vec::new(), 0_u64, 0_u64);
    for name in ["hq", "berlin"] {
        let address = mesh.listener(name, "mqtt").await?;
        let client = MqttClient::connect_as(&address, &login.username, &login.secret, &format!("{name}-1")).await?;
        // The other site may not want it yet, and nobody wanting it is another answer.
        until("the reader's wish is known", SOON, async || {
            let answer = client.publish(&Market::topic("first"), PAYLOAD).await?;
            first += u64::from(matches!(answer, PubAckReason::Success | PubAckReason::NoMatchingSubscribers));
            refused_first += u64::from(answer == PubAckReason::QuotaExceeded);
            Ok((answer == PubAckReason::Success).then_some(()))
        })
        .await?;
        clients.push(client);
    }

    let load = Load::default();
    let http = mesh.listener("berlin", "http").await?;
    let topics = [Market::topic("hq"), Market::topic("berlin")];
    let began = Instant::now();
    let enough = async {
        until("both sites have their part, and both protocols were refused", SOON * 2, async || {
            let parts = (0..2).all(|site| load.let_in(site) >= 3 * u64::from(QUOTA));
            let told = load.refused.load(Ordering::Acquire) > 0 && load.refused_http.load(Ordering::Acquire) > 0;
            Ok((parts && told && began.elapsed() >= LOAD).then_some(()))
        })
        .await
        .inspect(|()| load.over.store(true, Ordering::Release))
        .inspect_err(|_| load.over.store(true, Ordering::Release))
    };
    let hq = by_mqtt(&clients[0], &load, 0, &topics[0]);
    let berlin = by_mqtt(&clients[1], &load, 1, &topics[1]);
    let web = by_http(&http, &login, &load, 1, &topics[1]);
    let (hq, berlin, web, enough) = tokio::join!(hq, berlin, web, enough);
    let time = began.elapsed();
    let seen = [hq?, berlin?, web?];
    enough?;

    let refused: u64 = seen.iter().map(|one| one.refused).sum();
    let mut let_in: Vec<LetIn> = seen.iter().flat_map(|one| one.let_in.iter().copied()).collect();
    let_in.sort_by_key(|one| one.sent);
    println!("{} let in and {refused} refused in {:.1} s", let_in.len(), time.as_secs_f64());
    ensure!(let_in.len() as f64 <= most(time), "{} were let in within {time:?}", let_in.len());
    for window in [1, 3, 10].map(Duration::from_secs) {
        let (count, at) = within(&let_in, window);
        println!("at most {count} within {} s, {:.0} may be", window.as_secs(), most(window));
        ensure!(count as f64 <= most(window), "{count} were let in within {window:?}, from the {at}th on");
    }

    // What was let in arrives, and nothing else.
    let all = let_in.len();
    let arrived = || reader.messages().iter().filter(|message| topics.contains(&message.topic)).count();
    until("all of it arrives", SOON, async || Ok((arrived() >= all).then_some(()))).await?;
    ensure!(arrived() == all, "{} arrived of {all} that were acknowledged", arrived());

    // And it is the use that is shown: once, and told every ten seconds.
    let wanted = (first + all as u64, refused_first + refused);
    let shown = until("the portal shows the use", SOON, async || {
        let shown = used(&mesh, &access).await?;
        ensure!(shown.0 <= wanted.0 && shown.2 <= wanted.1, "more than there was: {shown:?}, {wanted:?}");
        Ok(((shown.0, shown.2) == wanted).then_some(shown))
    })
    .await?;
    ensure!(shown.1 == shown.0 * PAYLOAD.len() as u64, "{shown:?}");
    exported(&mesh, &access, shown).await?;
    mesh.passed()
}

/// The files say the same as the pages.
async fn exported(mesh: &Mesh, access: &Access, shown: (u64, u64, u64)) -> anyhow::Result<()> {
    let rows = mesh.api.get(&format!("usage.json?grant={}", access.grant)).await?;
    let rows = rows.as_array().context("rows as JSON")?;
    ensure!(total(rows) == shown, "{rows:?}");
    let csv = mesh.api.get(&format!("usage.csv?grant={}", access.grant)).await?;
    let csv = csv.as_str().context("text")?;
    let mut lines = csv.lines();
    let heads: Vec<&str> = lines.next().context("a line of heads")?.rsplit(',').collect();
    let column =
        |name: &str| heads.iter().position(|head| *head == name).with_context(|| format!("{name} in {heads:?}"));
    let mut sums = [0_u64; 3];
    for line in lines {
        ensure!(line.starts_with(&access.grant), "{line}");
        // From the right: behind the name, which may hold commas, no column does.
        let fields: Vec<&str> = line.rsplit(',').collect();
        for (sum, name) in sums.iter_mut().zip(["published_events", "published_bytes", "published_refused_events"]) {
            let field = fields.get(column(name)?).with_context(|| format!("{name} in {line}"))?;
            *sum += field.parse::<u64>().with_context(|| format!("read {name} of {line}"))?;
        }
    }
    ensure!(sums == [shown.0, shown.1, shown.2], "{csv}");
    Ok(())
}
