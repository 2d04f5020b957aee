//! The whole agent in one process, against a portal on a real TLS port.

mod quotas;

use super::*;
use crate::admin::Answer;
use crate::control::ledger::sample;
use crate::control::testing::{Authority, Portal};
use mesh_protocol::desired::DesiredState;
use mesh_protocol::report::{PartRef, PartState, RejectionKind, Status};
use mesh_protocol::wire::ToControl;
use std::fs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

struct Bench {
    _dir: tempfile::TempDir,
    home: Home,
}

impl Bench {
    async fn start() -> (Self, Portal) {
        let dir = tempfile::tempdir().expect("temp dir");
        let home = Home::at(dir.path().join("state")).expect("made");
        let authority = Authority::new();
        let portal = Portal::start(&authority).await;
        authority.identity(portal.address()).save(&home).expect("saved");
        (Self { _dir: dir, home }, portal)
    }

    /// What `mesh-agent status` says, once it says so.
    async fn status(&self, what: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = admin::ask(&self.home).await;
            match answer {
                Ok(answer) if wanted(&answer) => return answer,
                answer => assert!(Instant::now() < deadline, "{what}: {answer:?}"),
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn flip(&self, name: &str) {
        let path = self.home.dir().join("ledger").join(name);
        let mut text = fs::read(&path).expect("is there");
        text[50] ^= 1;
        fs::write(path, text).expect("written");
    }
}

/// A listener is all there is to run.
fn document(revision: u64) -> DesiredState {
    let mut state = sample::state(revision);
    state.connectors.clear();
    state.brokers.clear();
    state
}

fn applied(status: &Status) -> Option<u64> {
    status.applied.map(|applied| applied.revision)
}

fn listener(status: &Status) -> Option<&str> {
    let part = status.parts.iter().find(|part| matches!(part.object, PartRef::Listener(_)))?;
    (part.state == PartState::Running).then(|| part.addresses.first().map(String::as_str)).flatten()
}

/// Whether the address speaks MQTT: a login nobody knows is answered with a CONNACK.
async fn speaks_mqtt(address: &str) -> bool {
    let mut stream = TcpStream::connect(address).await.expect("listens");
    stream.write_all(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04till").await.expect("written");
    let mut answer = [0; 1];
    stream.read_exact(&mut answer).await.is_ok() && answer[0] >> 4 == 2
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_enforces_what_it_was_told_also_without_its_portal() {
    let (bench, portal) = Bench::start().await;
    let agent = Agent::start(&bench.home).expect("starts");
    let (mut conversation, _) = portal.welcome().await;
    conversation.say_desired(&document(3), &sample::key(1)).await;
    let address = conversation
        .until(|message| match message {
            ToControl::Status(status) if applied(&status) == Some(3) => listener(&status).map(str::to_owned),
            _ => None,
        })
        .await;
    assert!(speaks_mqtt(&address).await);
    agent.stop().await;
    drop((conversation, portal));

    let agent = Agent::start(&bench.home).expect("starts without its portal");
    let alone = |answer: &Answer| listener(&answer.status).is_some() && answer.to_text().contains("not connected");
    let answer = bench.status("enforces", alone).await;
    assert_eq!((applied(&answer.status), listener(&answer.status)), (Some(3), Some(address.as_str())), "the same port");
    assert!(answer.to_text().contains("revision 3 is in force"), "{}", answer.to_text());
    agent.stop().await;

    bench.flip("current.json");
    let agent = Agent::start(&bench.home).expect("starts");
    let answer = bench.status("answers", |_| true).await;
    let rejected = answer.status.rejected.clone().expect("reported");
    assert_eq!((applied(&answer.status), rejected.kind), (None, RejectionKind::Signature));
    assert!(answer.to_text().contains("everything is denied"), "{}", answer.to_text());
    assert!(TcpStream::connect(&address).await.is_err(), "no listener without a policy");
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_shown_with_the_way_out_and_healed_by_itself() {
    let (bench, portal) = Bench::start().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut state = document(1);
    state.listeners[0].bind = taken.local_addr().expect("bound").to_string();
    let agent = Agent::start(&bench.home).expect("starts");
    let (mut conversation, _) = portal.welcome().await;
    conversation.say_desired(&state, &sample::key(1)).await;
    let failing = |answer: &Answer| {
        let parts = answer.status.parts.iter();
        parts.filter(|part| part.state == PartState::Failing).find_map(|part| part.detail.clone())
    };
    let answer = bench.status("failing", |answer| failing(answer).is_some()).await;
    let detail = failing(&answer).expect("shown");
    assert!(detail.contains("in use") && detail.contains(state.listeners[0].bind.rsplit(':').next().expect("a port")));
    assert_eq!(applied(&answer.status), Some(1), "the rest of the document is in force");
    drop(taken);
    bench.status("healed", |answer| listener(&answer.status).is_some()).await;
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_agents_never_share_a_folder() {
    let (bench, _portal) = Bench::start().await;
    let agent = Agent::start(&bench.home).expect("starts");
    assert!(matches!(Agent::start(&bench.home), Err(WorkError::Home(HomeError::InUse(_)))));
    agent.stop().await;
    Agent::start(&bench.home).expect("free again").stop().await;
}
