//! What an acknowledgement is worth: the disk has the event before it leaves, and no crash loses it afterwards.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use demo::process::Process;
use demo::wait::until;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use system_tests::SOON;
use system_tests::mesh::{Login, Mesh};
use system_tests::mqtt::MqttClient;

/// Publishes that are traced.
const TRACED: usize = 50;
/// Publishes among which agents are killed.
const PUBLISHED: usize = 300;

/// A subscriber at QoS 2 that keeps what it knows of packet ids while it connects again; each event is a line.
/// (Mosquitto's library takes an event that comes again before its release for another one.)
const PAHO: &str = r#"
import sys, paho.mqtt.client as mqtt
host, port, user, secret = sys.argv[1:]
client = mqtt.Client("erp", clean_session=False, protocol=mqtt.MQTTv311)
client.username_pw_set(user, secret)
client.reconnect_delay_set(1, 1)
client.on_connect = lambda client, data, flags, code: client.subscribe("orders/+", 2)
client.on_message = lambda client, data, event: print(event.payload.decode())
client.connect(host, int(port))
client.loop_forever()
"#;

/// How often an agent is killed under a client that publishes at QoS 2.
const KILLS: usize = 8;
/// Its publishes that are under way together.
const AT_ONCE: usize = 40;

/// A publish without an answer for so long is sent again; its connection has ended.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the trace of the agent says, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A PUBLISH at QoS 1 or 2 was read, or a PUBREL.
    Asked,
    SyncBegins,
    /// The kernel says that the file is on disk.
    SyncEnds,
    /// Its PUBACK, PUBREC or PUBCOMP is written.
    Answered,
}

/// One line of `strace -f -xx`; none when it says nothing of that.
fn step(line: &str) -> Option<Step> {
    let (_, call) = line.split_once(' ')?;
    let call = call.trim_start();
    let sync = ["fdatasync(", "fsync("].iter().any(|name| call.starts_with(name));
    if sync && call.ends_with("<unfinished ...>") {
        return Some(Step::SyncBegins);
    }
    let resumed = ["<... fdatasync resumed>", "<... fsync resumed>"].iter().any(|name| call.starts_with(name));
    if (sync || resumed) && call.ends_with("= 0") {
        return Some(Step::SyncEnds);
    }
    let first_byte = call.split_once('"').map(|(_, bytes)| bytes)?;
    let (read, written) =
        (call.starts_with("recvfrom(") || call.contains("recvfrom resumed>"), call.starts_with("sendto("));
    match first_byte.get(..4)? {
        r"\x32" | r"\x34" | r"\x62" if read => Some(Step::Asked),
        r"\x40" | r"\x50" | r"\x70" if written => Some(Step::Answered),
        _ => None,
    }
}

/// Between what a client sent and its answer a sync must have begun and ended. Returns how many answers there were.
fn check(trace: &str) -> anyhow::Result<usize> {
    let (mut asked, mut began, mut synced, mut answered) = (false, false, false, 0);
    for line in trace.lines() {
        let Some(step) = step(line) else { continue };
        let whole = step == Step::SyncEnds && !line.contains("resumed>");
        match step {
            Step::Asked => (asked, began, synced) = (true, false, false),
            Step::SyncBegins => began = asked,
            Step::SyncEnds => synced |= (began || whole) && asked,
            Step::Answered => {
                ensure!(synced, "an answer left before the disk had what it speaks of: {line}");
                (asked, answered) = (false, answered + 1);
            }
        }
    }
    Ok(answered)
}

#[test]
fn the_check_can_fail() {
    let publish = r#"7 recvfrom(3, "\x32\x10"..., 8192, 0, NULL, NULL) = 18"#;
    let puback = r#"7 sendto(3, "\x40\x02\x00\x01", 4, MSG_NOSIGNAL, NULL, 0) = 4"#;
    let (begins, ends) = ("9 fdatasync(5 <unfinished ...>", "9 <... fdatasync resumed>) = 0");
    let whole = "9 fdatasync(5) = 0";
    for good in [vec![publish, begins, ends, puback], vec![publish, whole, puback]] {
        assert_eq!(check(&good.join("\n")).expect("it is good"), 1);
    }
    for bad in [vec![publish, puback], vec![whole, publish, puback], vec![begins, publish, ends, puback]] {
        assert!(check(&bad.join("\n")).is_err(), "{bad:?}");
    }
    let failed = "9 fdatasync(5) = -1 EIO (Input/output error)";
    assert!(check(&[publish, failed, puback].join("\n")).is_err());
}

#[tokio::test]
async fn no_answer_leaves_before_the_sync_that_covers_it() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let (till, erp) = clients(&mesh).await?;
    let folder = mesh.agent_folder("hq")?;
    let kind =
        Command::new("stat").args(["-f", "-c", "%T"]).arg(&folder).output().context("ask for the file system")?;
    let kind = String::from_utf8_lossy(&kind.stdout).trim().to_owned();
    ensure!(kind != "tmpfs", "a sync proves nothing on tmpfs: set TMPDIR to a folder on a disk");
    let address = mesh.listener("hq", "mqtt").await?;
    let subscriber = MqttClient::connect(&address, &erp).await?;
    subscriber.subscribe("orders/+").await?;
    let client = MqttClient::connect_lasting(&address, &till).await?;
    client.publish("orders/fr", "warm").await?;

    let trace = mesh.path("trace.txt");
    let mut command = Command::new("strace");
    command.args(["-f", "-xx", "-s", "4", "-e", "trace=recvfrom,sendto,fdatasync,fsync", "-o"]).arg(&trace);
    command.args(["-p", &mesh.agent("hq")?.id().to_string()]);
    let mut strace = Process::start("strace", &command, &mesh.path("logs")).context("install the package strace")?;
    until("strace has attached to the agent", SOON, async || {
        if let Err(ended) = strace.check() {
            return Ok(Some(Err(ended.context("may this user trace its own processes?"))));
        }
        Ok(strace.tail(50).contains("attached").then_some(Ok(())))
    })
    .await??;
    for number in 0..TRACED {
        let answer = client.publish("orders/fr", number.to_string()).await?;
        ensure!(answer == PubAckReason::Success, "publish {number}: {answer:?}");
    }
    for number in 0..TRACED {
        let answer = client.send_once("orders/fr", number.to_string()).await?.await.context("the exchange ends")?;
        ensure!(answer == PubAckReason::Success, "publish {number} at QoS 2: {answer:?}");
    }
    ensure!(strace.stop(Duration::from_secs(10)), "strace does not end");
    let text = std::fs::read_to_string(&trace).with_context(|| format!("read {}", trace.display()))?;
    let answered = check(&text)?;
    // PUBACK; PUBREC and PUBCOMP.
    ensure!(answered == TRACED * 3, "the trace shows {answered} answers of {}", TRACED * 3);
    mesh.passed()
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9_of_every_agent() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    mesh.site("berlin", Some("hq")).await?;
    let (till, erp) = clients(&mesh).await?;
    let (berlin, hq) = (mesh.listener("berlin", "mqtt").await?, mesh.listener("hq", "mqtt").await?);
    let subscriber = MqttClient::connect_lasting(&hq, &erp).await?;
    subscriber.subscribe("orders/+").await?;
    let client = MqttClient::connect(&berlin, &till).await?;
    until("berlin knows who wants orders", SOON, async || {
        Ok((client.publish("orders/fr", "warm").await? == PubAckReason::Success).then_some(()))
    })
    .await?;
    // An origin notes with its next heartbeat what others want durably; nothing outside tells that it has.
    tokio::time::sleep(Duration::from_secs(2)).await;

    let mut acknowledged = Vec::new();
    for number in 0..PUBLISHED {
        match number {
            100 => restart(&mut mesh, "hq")?,
            200 => restart(&mut mesh, "berlin")?,
            _ => {}
        }
        publish(&client, number).await?;
        acknowledged.push(number);
    }
    until("the subscriber has everything that was acknowledged", SOON, async || {
        let seen = numbers(&subscriber).into_iter().collect::<BTreeSet<_>>();
        Ok(acknowledged.iter().all(|number| seen.contains(number)).then_some(()))
    })
    .await
    .with_context(|| format!("it has {} of {}", numbers(&subscriber).len(), acknowledged.len()))?;
    let mut known = BTreeSet::new();
    let firsts: Vec<usize> = numbers(&subscriber).into_iter().filter(|number| known.insert(*number)).collect();
    ensure!(firsts.is_sorted(), "first deliveries are out of order: {firsts:?}");
    mesh.passed()
}

/// From a client that sends again what was not answered, over an agent that is killed in the middle of it, to one that
/// tells by the packet id what it has already.
#[tokio::test]
async fn at_qos_2_each_event_comes_once_whatever_is_killed() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let (till, erp) = clients(&mesh).await?;
    let address = mesh.listener("hq", "mqtt").await?;
    let (host, port) = address.rsplit_once(':').context("an address has a port")?;
    // The one that the package is for.
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-u", "-c", PAHO, host, port, &erp.username, &erp.secret]);
    let subscriber = Process::start("paho", &command, &mesh.path("logs")).context("install python3-paho-mqtt")?;
    let client = MqttClient::connect_lasting(&address, &till).await?;
    until("the subscriber is there", SOON, async || {
        Ok((client.publish("orders/fr", "warm").await? == PubAckReason::Success).then_some(()))
    })
    .await?;
    for round in 0..KILLS {
        let mut answers = Vec::new();
        for number in round * AT_ONCE..(round + 1) * AT_ONCE {
            answers.push(client.send_once("orders/fr", number.to_string()).await?);
        }
        // Somewhere between the first PUBLISH and the last PUBCOMP, of which each is a commit.
        tokio::time::sleep(Duration::from_millis(5 * u64::try_from(round)?)).await;
        restart(&mut mesh, "hq")?;
        for answer in answers {
            let answer = tokio::time::timeout(SOON, answer).await;
            let answer = answer.with_context(|| format!("wait for the end of an exchange: {:?}", client.losses()))?;
            ensure!(answer.context("the client has ended")? == PubAckReason::Success);
        }
    }
    let all: Vec<usize> = (0..KILLS * AT_ONCE).collect();
    let seen = || subscriber.tail(usize::MAX).lines().filter_map(|line| line.parse().ok()).collect::<Vec<usize>>();
    until("everything has come", SOON, async || Ok((seen().len() >= all.len()).then_some(()))).await?;
    let mut seen = seen();
    seen.sort_unstable();
    ensure!(seen == all, "not each once: {seen:?}");
    mesh.passed()
}

async fn clients(mesh: &Mesh) -> anyhow::Result<(Login, Login)> {
    let till = mesh.client("till", &[("publish", "orders/>")]).await?;
    let erp = mesh.client("erp", &[("subscribe", "orders/>")]).await?;
    mesh.applied().await?;
    Ok((till, erp))
}

fn restart(mesh: &mut Mesh, site: &str) -> anyhow::Result<()> {
    mesh.kill_agent(site)?;
    mesh.run_agent(site)
}

/// Publishes until it is acknowledged, as a client does whose connection ends in between.
async fn publish(client: &MqttClient, number: usize) -> anyhow::Result<()> {
    let answer = until("the publish is acknowledged", SOON, async || {
        let answer = tokio::time::timeout(PATIENCE, client.publish("orders/fr", number.to_string())).await;
        let answer = answer.context("wait for the answer")??;
        Ok(matches!(answer, PubAckReason::Success | PubAckReason::NoMatchingSubscribers).then_some(answer))
    })
    .await?;
    ensure!(answer == PubAckReason::Success, "publish {number}: what others want was forgotten");
    Ok(())
}

fn numbers(subscriber: &MqttClient) -> Vec<usize> {
    let texts = subscriber.messages().into_iter().map(|message| String::from_utf8_lossy(&message.payload).into_owned());
    texts.filter_map(|text| text.parse().ok()).collect()
}
