//! Five publishers and five subscribers on one listener, ours with access rules, against Mosquitto without any.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use demo::ports::free_port;
use demo::process::Process;
use demo::wait::until;
use futures::future::try_join_all;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Line;
use crate::SOON;
use crate::mesh::{Login, Mesh};

const PAIRS: usize = 5;
/// Per publisher.
const EVENTS: usize = 20_000;
const PAYLOAD_BYTES: usize = 256;
/// Publishes in flight per publisher with QoS 1, and handed to the client ahead with either.
const WINDOW: u16 = 100;
/// A receiver that has heard nothing for so long has lost the rest (QoS 0 may).
const SILENCE: Duration = Duration::from_secs(3);

pub(super) async fn five_to_five() -> anyhow::Result<Vec<Line>> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let client = mesh.client("bench", &[("publish", "bench/>"), ("subscribe", "bench/>")]).await?;
    mesh.applied().await?;
    let ours_at = mesh.listener("hq", "mqtt").await?;
    let (peer, theirs_at) = mosquitto(&mesh).await?;
    let mut lines = Vec::new();
    for (qos, name, bar) in [(QoS::AtMostOnce, "0", 2.0), (QoS::AtLeastOnce, "1", 1.0)] {
        let ours = measure(&ours_at, Some(&client), qos).await?;
        let theirs = measure(&theirs_at, None, qos).await?;
        lines.push(Line {
            work: format!("MQTT 5:5, QoS {name}, {PAYLOAD_BYTES} B"),
            ours,
            peer: "Mosquitto",
            theirs,
            bar,
        });
    }
    drop(peer);
    mesh.passed()?;
    Ok(lines)
}

async fn mosquitto(mesh: &Mesh) -> anyhow::Result<(Process, String)> {
    let port = free_port()?;
    let config = mesh.path("mosquitto.conf");
    let text =
        format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n");
    std::fs::write(&config, text).with_context(|| format!("write {}", config.display()))?;
    // Debian keeps it off the search path of ordinary users.
    let mut command = Command::new("/usr/sbin/mosquitto");
    let mut process = Process::start("mosquitto", command.arg("-c").arg(config), &mesh.path("logs"))?;
    let address = format!("127.0.0.1:{port}");
    until("Mosquitto listens", SOON, async || {
        process.check()?;
        Ok(TcpStream::connect(&address).await.ok().map(drop))
    })
    .await?;
    Ok((process, address))
}

/// Events per second from the first publish to the last arrival.
async fn measure(address: &str, login: Option<&Login>, qos: QoS) -> anyhow::Result<f64> {
    let mut subscribers = JoinSet::new();
    let (ready, mut readies) = tokio::sync::mpsc::channel(PAIRS);
    for pair in 0..PAIRS {
        subscribers.spawn(subscribe(options(address, login, &format!("sub-{pair}"))?, pair, qos, ready.clone()));
    }
    for _ in 0..PAIRS {
        readies.recv().await.context("a subscriber could not subscribe")?;
    }
    let began = Instant::now();
    let publishers = (0..PAIRS).map(|pair| publish(address, login, pair, qos));
    let published = try_join_all(publishers);
    let received = async {
        let mut last = began;
        let mut total = 0;
        while let Some(result) = subscribers.join_next().await {
            let (events, at) = result.context("a subscriber failed")??;
            total += events;
            last = last.max(at);
        }
        anyhow::Ok((total, last))
    };
    let (_, (total, last)) = tokio::try_join!(published, received)?;
    if total < PAIRS * EVENTS {
        println!("  {} of {} events arrived", total, PAIRS * EVENTS);
    }
    Ok(total as f64 / last.duration_since(began).as_secs_f64())
}

async fn subscribe(
    options: MqttOptions,
    pair: usize,
    qos: QoS,
    ready: tokio::sync::mpsc::Sender<()>,
) -> anyhow::Result<(usize, Instant)> {
    let (client, mut events) = AsyncClient::new(options, 10);
    client.subscribe(format!("bench/{pair}"), qos).await.context("subscribe")?;
    let (mut received, mut last, mut limit) = (0, Instant::now(), SOON);
    while received < EVENTS {
        let Ok(event) = tokio::time::timeout(limit, events.poll()).await else { break };
        match event.context("receive")? {
            Event::Incoming(Packet::SubAck(_)) => ready.send(()).await.context("tell that it is subscribed")?,
            Event::Incoming(Packet::Publish(_)) => {
                received += 1;
                last = Instant::now();
                limit = SILENCE;
            }
            _ => {}
        }
    }
    Ok((received, last))
}

async fn publish(address: &str, login: Option<&Login>, pair: usize, qos: QoS) -> anyhow::Result<()> {
    let mut options = options(address, login, &format!("pub-{pair}"))?;
    options.set_outgoing_inflight_upper_limit(WINDOW);
    let (client, mut events) = AsyncClient::new(options, usize::from(WINDOW));
    let send = async {
        let payload = vec![b'x'; PAYLOAD_BYTES];
        for _ in 0..EVENTS {
            client.publish(format!("bench/{pair}"), qos, false, payload.clone()).await.context("publish")?;
        }
        client.disconnect().await.context("disconnect")
    };
    let drive = async {
        // The connection ends with our DISCONNECT, which the client reports as an error.
        while events.poll().await.is_ok() {}
        anyhow::Ok(())
    };
    tokio::try_join!(send, drive).map(drop)
}

fn options(address: &str, login: Option<&Login>, client_id: &str) -> anyhow::Result<MqttOptions> {
    let (host, port) = address.rsplit_once(':').context("an address has a port")?;
    let mut options = MqttOptions::new(client_id, host, port.parse().context("a port is a number")?);
    if let Some(login) = login {
        options.set_credentials(&login.username, &login.secret);
    }
    Ok(options)
}
