//! The load of one round: a thread per client, everything counted.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::super::{Latency, Measured, Meter};
use crate::mesh::Login;
use crate::mqtt::raw::{Client, Incoming, Qos};

/// Publishers, and subscribers.
const PAIRS: usize = 5;
const PAYLOAD_BYTES: usize = 256;
/// Publishes in flight per publisher at QoS 1.
const WINDOW: usize = 100;
/// Gathered before the socket gets it.
const CHUNK_BYTES: usize = 16 * 1024;
/// A receiver that has heard nothing for so long has lost the rest, which only QoS 0 allows.
const SILENCE: Duration = Duration::from_secs(5);

/// A broker under load.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) address: String,
    pub(super) login: Option<Login>,
    /// Its process.
    pub(super) process: u32,
}

/// What each publisher sends to its subscriber.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) qos: Qos,
    pub(super) events: usize,
    /// Events per second of each publisher; as many as go without.
    pub(super) pace: Option<u32>,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let qos = if self.qos == Qos::AtMostOnce { 0 } else { 1 };
        write!(f, "MQTT 5, {PAIRS} publishers to {PAIRS} subscribers, QoS {qos}, {PAYLOAD_BYTES} B")?;
        match self.pace {
            Some(pace) => write!(f, ", {pace} events per second each"),
            None => write!(f, ", {} events each as fast as they go", self.events),
        }
    }
}

/// What one subscriber got.
struct Received {
    events: usize,
    last: Instant,
    times: Vec<Duration>,
}

impl Load {
    /// Runs to the end; blocks the thread.
    pub(super) fn put_on(self, target: &Target) -> anyhow::Result<Measured> {
        let connect = |role: &str, pair: usize| {
            Client::connect(&target.address, target.login.as_ref(), &format!("{role}-{pair}"))
        };
        let (mut publishers, mut subscribers) = (Vec::new(), Vec::new());
        for pair in 0..PAIRS {
            let mut subscriber = connect("sub", pair)?;
            subscriber.subscribe(&topic(pair), self.qos)?;
            subscribers.push(subscriber);
            publishers.push(connect("pub", pair)?);
        }
        let meter = Meter::start(target.process)?;
        let began = Instant::now();
        let received = thread::scope(|scope| {
            let receiving: Vec<_> =
                subscribers.into_iter().map(|client| scope.spawn(move || self.receive(client, began))).collect();
            let sending: Vec<_> = (0..PAIRS)
                .zip(publishers)
                .map(|(pair, client)| scope.spawn(move || self.send(client, pair, began)))
                .collect();
            for publisher in sending {
                publisher.join().expect("a publisher does not panic").context("a publisher failed")?;
            }
            let joined = receiving.into_iter().map(|thread| thread.join().expect("a subscriber does not panic"));
            joined.collect::<anyhow::Result<Vec<_>>>().context("a subscriber failed")
        })?;
        self.sum_up(&received, began, &meter)
    }

    fn sum_up(self, received: &[Received], began: Instant, meter: &Meter) -> anyhow::Result<Measured> {
        let all = PAIRS * self.events;
        let arrived: usize = received.iter().map(|one| one.events).sum();
        ensure!(self.qos == Qos::AtMostOnce || arrived == all, "{arrived} of {all} events arrived at QoS 1");
        let last = received.iter().map(|one| one.last).max().unwrap_or(began);
        let (processor, peak) = meter.read(arrived)?;
        let times = received.iter().flat_map(|one| one.times.iter().copied()).collect();
        Ok(Measured {
            per_second: arrived as f64 / last.duration_since(began).as_secs_f64(),
            lost: all - arrived,
            processor,
            peak,
            latency: Latency::of(times),
        })
    }

    fn send(self, mut client: Client, pair: usize, began: Instant) -> anyhow::Result<()> {
        let topic = topic(pair);
        let mut payload = [b'x'; PAYLOAD_BYTES];
        let mut unanswered = 0;
        for number in 0..self.events {
            let due = self.wait_until_due(number, began);
            payload[..8].copy_from_slice(&(number as u64).to_be_bytes());
            payload[8..16].copy_from_slice(&nanos(due).to_be_bytes());
            client.publish(&topic, self.qos, &payload);
            unanswered += usize::from(self.qos == Qos::AtLeastOnce);
            if self.pace.is_some() || client.unsent() >= CHUNK_BYTES {
                client.flush()?;
            }
            if unanswered >= WINDOW {
                client.flush()?;
                unanswered -= answers(&mut client)?;
            }
        }
        client.flush()?;
        while unanswered > 0 {
            unanswered -= answers(&mut client)?;
        }
        client.disconnect()
    }

    /// When an event is to be sent, since the beginning; waits for that moment.
    fn wait_until_due(self, number: usize, began: Instant) -> Duration {
        let Some(pace) = self.pace else { return began.elapsed() };
        let due = Duration::from_secs_f64(number as f64 / f64::from(pace));
        thread::sleep(due.saturating_sub(began.elapsed()));
        due
    }

    fn receive(self, mut client: Client, began: Instant) -> anyhow::Result<Received> {
        client.limit(SILENCE)?;
        let mut received = Received { events: 0, last: began, times: Vec::new() };
        let mut expected = 0;
        while expected < self.events as u64 {
            let (number, sent) = match client.next()? {
                Some(Incoming::Event(payload)) => (number_at(payload, 0)?, number_at(payload, 8)?),
                Some(Incoming::Taken { .. }) => bail!("a subscriber got an acknowledgement"),
                None => break,
            };
            let lost_some = number > expected && self.qos == Qos::AtLeastOnce;
            ensure!(number >= expected && !lost_some, "event {number} came where {expected} was due");
            expected = number + 1;
            received.events += 1;
            received.last = Instant::now();
            if self.pace.is_some() {
                received.times.push(began.elapsed().saturating_sub(Duration::from_nanos(sent)));
            }
            if !client.has_more() {
                client.flush()?;
            }
        }
        Ok(received)
    }
}

/// Waits for acknowledgements, and takes all that are there.
fn answers(client: &mut Client) -> anyhow::Result<usize> {
    let mut answers = 0;
    while answers == 0 || client.has_more() {
        match client.next()? {
            Some(Incoming::Taken { .. }) => answers += 1,
            Some(Incoming::Event(_)) => bail!("a publisher got an event"),
            None => bail!("publishes were not acknowledged in time"),
        }
    }
    Ok(answers)
}

fn topic(pair: usize) -> String {
    format!("bench/{pair}")
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn number_at(payload: &[u8], at: usize) -> anyhow::Result<u64> {
    let bytes = payload.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
    Ok(u64::from_be_bytes(bytes.context("an event is shorter than it was sent")?))
}
