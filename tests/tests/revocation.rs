//! A grant is revoked while its clients publish and receive as fast as they can at two sites, and a third site's agent is
//! dead. Open connections end; what is sent after the portal says that an agent has it is not let in there; the grant waits
//! for the dead agent by name, and is revoked when that is back; and the clients of another grant notice nothing.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context, ensure};
use demo::wait::until;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use system_tests::SOON;
use system_tests::market::{Access, Market};
use system_tests::mesh::{Login, Mesh};
use system_tests::mqtt::MqttClient;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Publishes of one client on their way at once.
const AT_ONCE: usize = 32;
/// Every publisher has so many acknowledged before anything happens.
const UNDER_WAY: u64 = 200;
/// Sites with clients; a third one has none.
const SITES: [&str; 2] = ["hq", "berlin"];

/// What is known of the publishes of one grant.
#[derive(Debug, Default)]
struct Book {
    /// When each payload was handed to its client.
    sent: HashMap<String, Instant>,
    acknowledged: BTreeSet<String>,
    refused: Vec<String>,
}

/// A client that publishes until it is told to stop, or its connection ends for good.
struct Publisher {
    name: String,
    topic: String,
    client: Arc<MqttClient>,
    book: Arc<Mutex<Book>>,
    acknowledged: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Publisher {
    async fn run(self) -> anyhow::Result<()> {
        let mut open: VecDeque<(String, oneshot::Receiver<PubAckReason>)> = VecDeque::new();
        for number in 0_u64.. {
            if self.stop.load(Ordering::Acquire) {
                break;
            }
            let payload = format!("{} {number}", self.name);
            self.book.lock().expect("no panic while held").sent.insert(payload.clone(), Instant::now());
            // A client whose connection has ended takes nothing any more, or keeps it for ever.
            let sent = self.client.send(&self.topic, payload.clone());
            tokio::select! {
                sent = sent => open.push_back((payload, sent?)),
                () = self.stopped() => break,
            }
            while open.len() >= AT_ONCE {
                if !self.settle(&mut open).await {
                    break;
                }
            }
        }
        while !open.is_empty() && self.settle(&mut open).await {}
        Ok(())
    }

    /// Waits for the oldest answer; false when it was told to stop and none came since.
    async fn settle(&self, open: &mut VecDeque<(String, oneshot::Receiver<PubAckReason>)>) -> bool {
        let Some((payload, answer)) = open.front_mut() else { return false };
        let answer = tokio::select! {
            biased;
            answer = answer => answer,
            () = self.given_up() => return false,
        };
        let mut book = self.book.lock().expect("no panic while held");
        match answer {
            Ok(PubAckReason::Success) => {
                book.acknowledged.insert(payload.clone());
                self.acknowledged.fetch_add(1, Ordering::AcqRel);
            }
            Ok(other) => book.refused.push(format!("{payload}: {other:?}")),
            // The client has ended.
            Err(_) => {}
        }
        open.pop_front();
        true
    }

    async fn stopped(&self) {
        while !self.stop.load(Ordering::Acquire) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// It was stopped, and its connection is lost: nobody will answer.
    async fn given_up(&self) {
        self.stopped().await;
        while self.client.losses().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// The clients of one grant: at each site one that publishes and one that receives.
struct Crowd {
    login: Login,
    topic: String,
    book: Arc<Mutex<Book>>,
    stop: Arc<AtomicBool>,
    acknowledged: Vec<Arc<AtomicU64>>,
    publishers: Vec<Arc<MqttClient>>,
    receivers: Vec<MqttClient>,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Crowd {
    async fn start(mesh: &Mesh, login: Login, store: &str) -> anyhow::Result<Self> {
        let mut crowd = Self {
            topic: Market::topic(store),
            login,
            book: Arc::default(),
            stop: Arc::default(),
            acknowledged: Vec::new(),
            publishers: Vec::new(),
            receivers: Vec::new(),
            tasks: JoinSet::new(),
        };
        for site in SITES {
            let address = mesh.listener(site, "mqtt").await?;
            let client = async |role: &str| {
                let id = format!("{store}-{role}-{site}");
                MqttClient::connect_as(&address, &crowd.login.username, &crowd.login.secret, &id).await
            };
            let receiver = client("receiver").await?;
            receiver.subscribe(Market::FILTER).await?;
            let publisher = Arc::new(client("publisher").await?);
            crowd.receivers.push(receiver);
            crowd.publishers.push(publisher);
        }
        Ok(crowd)
    }

    /// Waits until what is published at each site gets to every receiver, and then publishes for good.
    async fn publish(&mut self) -> anyhow::Result<()> {
        for (site, client) in SITES.into_iter().zip(&self.publishers) {
            let payload = format!("first at {site}");
            until(&format!("{payload} is received everywhere"), SOON, async || {
                client.publish(&self.topic, payload.as_str()).await?;
                let has = |receiver: &MqttClient| {
                    receiver.messages().iter().any(|message| message.payload == payload.as_bytes())
                };
                Ok(self.receivers.iter().all(has).then_some(()))
            })
            .await?;
        }
        for (site, client) in SITES.into_iter().zip(&self.publishers) {
            let acknowledged = Arc::new(AtomicU64::new(0));
            self.acknowledged.push(acknowledged.clone());
            let publisher = Publisher {
                name: format!("{} at {site}", self.topic),
                topic: self.topic.clone(),
                client: client.clone(),
                book: self.book.clone(),
                acknowledged,
                stop: self.stop.clone(),
            };
            self.tasks.spawn(publisher.run());
        }
        Ok(())
    }

    async fn is_under_way(&self, more: u64) -> anyhow::Result<()> {
        let from: Vec<u64> = self.acknowledged.iter().map(|count| count.load(Ordering::Acquire)).collect();
        until("every publisher is under way", SOON, async || {
            let now = self.acknowledged.iter().map(|count| count.load(Ordering::Acquire));
            Ok(now.zip(&from).all(|(now, from)| now >= from + more).then_some(()))
        })
        .await
    }

    async fn ends(&mut self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Release);
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("a publisher ended")??;
        }
        Ok(())
    }

    /// What each receiver has of this crowd's own publishes.
    fn received(&self) -> Vec<BTreeSet<String>> {
        let of = |receiver: &MqttClient| {
            let all = receiver.messages().into_iter().filter(|message| message.topic == self.topic);
            let text = |payload: Vec<u8>| String::from_utf8_lossy(&payload).into_owned();
            all.map(|message| text(message.payload)).filter(|payload| !payload.starts_with("first at ")).collect()
        };
        self.receivers.iter().map(of).collect()
    }

    fn clients(&self) -> impl Iterator<Item = &MqttClient> {
        self.receivers.iter().chain(self.publishers.iter().map(AsRef::as_ref))
    }
}

/// Who the grant waits for, by name.
fn waits_for(grant: &serde_json::Value) -> Vec<String> {
    let names = grant["waits_for"].as_array().into_iter().flatten().map(|wait| wait["agent_name"].as_str());
    names.flatten().map(str::to_owned).collect()
}

/// A listener is there and lets nobody in with these.
async fn is_refused(address: &str, login: &Login) -> anyhow::Result<()> {
    let refusal = MqttClient::refusal(address, &login.username, &login.secret).await?;
    ensure!(refusal.contains("BadUserNamePassword") || refusal.contains("NotAuthorized"), "{address}: {refusal}");
    Ok(())
}

/// Neither were any of these let in that were sent after a moment, nor did any of the crowd's receivers get anything that
/// anybody sent after it.
fn is_shut(revoked: &Crowd, other: &Crowd, since: Instant) -> anyhow::Result<()> {
    let book = revoked.book.lock().expect("no panic while held");
    let late = |payload: &&String| book.sent.get(*payload).is_some_and(|sent| *sent > since);
    let let_in: Vec<_> = book.acknowledged.iter().filter(late).take(5).collect();
    ensure!(let_in.is_empty(), "let in after every agent with clients had confirmed the end: {let_in:?}");
    let sent = &other.book.lock().expect("no panic while held").sent;
    for receiver in &revoked.receivers {
        for message in receiver.messages() {
            let payload = String::from_utf8_lossy(&message.payload).into_owned();
            let is_late = [sent, &book.sent].iter().any(|all| all.get(&payload).is_some_and(|sent| *sent > since));
            ensure!(!is_late, "{payload} was sent after the end and received");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_ends_under_load_at_every_site_and_others_notice_nothing() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    mesh.site("berlin", Some("hq")).await?;
    mesh.site("lyon", Some("hq")).await?;
    mesh.linked(2).await?;
    let market = Market::open(&mut mesh).await?;
    let plan = market.plan("open", None).await?;
    let mut accesses: Vec<(Access, Login)> = Vec::new();
    for name in ["leaving", "staying"] {
        let access = market.access(name, &plan).await?;
        let login = market.credential(&access, &format!("{name}-1")).await?;
        accesses.push((access, login));
    }
    mesh.applied().await?;
    let mut leaving = Crowd::start(&mesh, accesses[0].1.clone(), "leaving").await?;
    let mut staying = Crowd::start(&mesh, accesses[1].1.clone(), "staying").await?;
    let lyon = mesh.listener("lyon", "mqtt").await?;
    leaving.publish().await?;
    staying.publish().await?;
    leaving.is_under_way(UNDER_WAY).await?;
    staying.is_under_way(UNDER_WAY).await?;

    // One agent is dead at that moment: it is named for as long as it has not said that it follows.
    mesh.kill_agent("lyon")?;
    let access = &accesses[0].0;
    let asked = market.revoke(access).await?;
    ensure!(asked["phase"] == "revoking", "{asked}");
    ensure!(waits_for(&asked).iter().any(|name| name == "lyon"), "{asked}");
    let waiting = until("the agents that live follow", SOON, async || {
        let grant = market.grant(access).await?;
        ensure!(grant["phase"] == "revoking", "it is over before every agent said so: {grant}");
        Ok((waits_for(&grant) == ["lyon"]).then_some(grant))
    })
    .await?;
    let confirmed = Instant::now();
    ensure!(waiting["waits_for"][0]["site_name"] == "lyon", "{waiting}");
    ensure!(waiting["waits_for"][0]["reason"].as_str().is_some_and(|why| !why.is_empty()), "{waiting}");

    // Whoever was connected is not any more, and nobody comes in again.
    until("every connection of the grant ends", SOON, async || {
        Ok(leaving.clients().all(|client| !client.losses().is_empty()).then_some(()))
    })
    .await?;
    for site in SITES {
        is_refused(&mesh.listener(site, "mqtt").await?, &leaving.login).await?;
    }
    // The others go on while nobody of the ended grant does.
    staying.is_under_way(UNDER_WAY).await?;
    is_shut(&leaving, &staying, confirmed)?;

    // The dead agent comes back with what it knew last, takes what is new, and it is over.
    mesh.run_agent("lyon")?;
    mesh.online("lyon").await?;
    let over = market.phase(access, "revoked").await?;
    ensure!(waits_for(&over).is_empty() && over["confirmed_at"].as_i64().is_some(), "{over}");
    is_refused(&lyon, &leaving.login).await?;
    staying.is_under_way(UNDER_WAY).await?;
    leaving.ends().await?;
    is_shut(&leaving, &staying, confirmed)?;

    // The other grant: every acknowledged event was received at both sites, on the first connection.
    staying.ends().await?;
    let acknowledged = staying.book.lock().expect("no panic while held").acknowledged.clone();
    let refused = staying.book.lock().expect("no panic while held").refused.clone();
    ensure!(refused.is_empty(), "of the other grant were refused: {refused:?}");
    until("all that was acknowledged is received", SOON, async || {
        Ok(staying.received().iter().all(|received| acknowledged.is_subset(received)).then_some(()))
    })
    .await?;
    for received in staying.received() {
        let extra: Vec<_> = received.difference(&acknowledged).take(5).collect();
        ensure!(extra.is_empty(), "received without an acknowledgement: {extra:?}");
    }
    for client in staying.clients() {
        ensure!(client.connections() == 1 && client.losses().is_empty(), "{:?}", client.losses());
    }
    println!("{} events of the other grant, none lost", acknowledged.len());
    mesh.check()?;
    mesh.passed()
}
