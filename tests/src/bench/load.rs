//! The load of one round: a thread for each publisher and one for the consumer, for a given time, everything counted.
//!
//! By time and not by number, because the sides of an entry differ by an order of magnitude and both should run long enough.
//! Nothing in a payload repeats, so that no side gains by compressing.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::ends::{Consumer, Publisher, Side};
use super::{Latency, Measured, Meters};

/// Bytes of a payload.
pub(super) const PAYLOAD_BYTES: usize = 256;
/// Gathered before the socket gets it.
const CHUNK_BYTES: usize = 16 * 1024;
/// Between two looks at whether everything came.
const LOOK: Duration = Duration::from_millis(50);
/// What has not come when nothing came for so long is lost.
const SILENCE: Duration = Duration::from_secs(3);
/// Of guaranteed events nothing may be lost: what is missing after this is an error.
const PATIENCE: Duration = Duration::from_secs(40);
/// A bound on what is under way gives up what did not move for so long.
const STUCK: Duration = Duration::from_millis(300);
/// Between two looks at whether there is room under way again.
const ROOM: Duration = Duration::from_micros(100);
/// The number of the publisher of events that only try whether the way is open.
const PROBE: u64 = u64::MAX;
/// How long the way may take to open.
const OPENS: Duration = Duration::from_secs(60);

/// What publishers do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// How many there are, each with its own topic and ordering key.
    pub(super) publishers: usize,
    /// What bounds them.
    pub(super) bound: Bound,
    /// Events per second of each; as many as go without.
    pub(super) pace: Option<u32>,
    /// How long they publish.
    pub(super) lasts: Duration,
}

/// What a publisher waits for before it sends more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// Acknowledgements: so many publishes may be without one.
    Unanswered(usize),
    /// Nobody acknowledges; so many events may be under way, as the consumer at the other end tells it.
    UnderWay(u64),
    /// Nothing.
    Nothing,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = if self.publishers == 1 { "" } else { "s" };
        write!(f, "{} publisher{many}, {PAYLOAD_BYTES} B", self.publishers)?;
        match self.bound {
            Bound::Unanswered(1) => f.write_str(", each waits for every acknowledgement"),
            Bound::Unanswered(count) => write!(f, ", {count} in flight each"),
            Bound::UnderWay(count) => write!(f, ", {count} under way each"),
            Bound::Nothing => Ok(()),
        }?;
        match self.pace {
            Some(pace) => write!(f, ", {pace} events per second each"),
            None => f.write_str(", as fast as they go"),
        }
    }
}

/// How far everything is, by publisher.
struct Way {
    arrived: Vec<AtomicU64>,
    /// What a publisher has sent when it is through; all ones before.
    sent: Vec<AtomicU64>,
}

/// What one publisher did.
struct Sent {
    events: usize,
    last: Instant,
    /// Until the acknowledgement.
    times: Vec<Duration>,
}

/// What the consumer got.
struct Received {
    events: usize,
    last: Instant,
    /// From the moment an event was due.
    times: Vec<Duration>,
}

impl Way {
    fn new(publishers: usize) -> Self {
        let all = |value| (0..publishers).map(|_| AtomicU64::new(value)).collect();
        Self { arrived: all(0), sent: all(u64::MAX) }
    }

    fn is_done(&self) -> bool {
        let all = self.arrived.iter().zip(&self.sent);
        all.into_iter().all(|(arrived, sent)| arrived.load(Ordering::Acquire) >= sent.load(Ordering::Acquire))
    }
}

impl Load {
    /// Publishes to what keeps the events, and takes and checks them afterwards. The rate is that of acknowledgements, the
    /// time of an event that to its own. Blocks the thread.
    pub(super) fn keep_at(self, side: &dyn Side) -> anyhow::Result<Measured> {
        side.prepare()?;
        let publishers = self.publishers(side)?;
        let way = Way::new(self.publishers);
        let meters = Meters::start(&side.processes())?;
        let began = Instant::now();
        let sent = thread::scope(|scope| self.send_all(scope, publishers, &way, began))?;
        let (processor, peak) = meters.read(sent.iter().map(|one| one.events).sum())?;
        let received = self.receive(&mut *side.consumer()?, &way, began)?;
        let last = sent.iter().map(|one| one.last).max().unwrap_or(began);
        let times = sent.into_iter().flat_map(|one| one.times).collect();
        Ok(self.measured(&way, received.events, (last - began, processor, peak), times))
    }

    /// Publishes and takes at the same time. The rate is that of arrivals, the time of an event that from the moment it was
    /// due. Blocks the thread.
    pub(super) fn bring_through(self, side: &dyn Side) -> anyhow::Result<Measured> {
        side.prepare()?;
        let mut consumer = side.consumer()?;
        open_way(side, &mut *consumer)?;
        let publishers = self.publishers(side)?;
        let way = Way::new(self.publishers);
        let meters = Meters::start(&side.processes())?;
        let began = Instant::now();
        let received = thread::scope(|scope| {
            let receiving = scope.spawn(|| self.receive(&mut *consumer, &way, began));
            let sent = self.send_all(scope, publishers, &way, began);
            let received = receiving.join().expect("a consumer does not panic").context("the consumer failed");
            sent.and(received)
        })?;
        let (processor, peak) = meters.read(received.events)?;
        let took = received.last - began;
        Ok(self.measured(&way, received.events, (took, processor, peak), received.times))
    }

    fn measured(
        self,
        way: &Way,
        arrived: usize,
        (took, processor, peak): (Duration, Duration, u64),
        times: Vec<Duration>,
    ) -> Measured {
        let sent: u64 = way.sent.iter().map(|sent| sent.load(Ordering::Acquire)).sum();
        let lost = usize::try_from(sent).unwrap_or(usize::MAX).saturating_sub(arrived);
        let per_second = arrived as f64 / took.as_secs_f64();
        Measured { per_second, lost, processor, peak, latency: Latency::of(times) }
    }

    fn publishers(self, side: &dyn Side) -> anyhow::Result<Vec<Box<dyn Publisher>>> {
        (0..self.publishers).map(|number| side.publisher(number)).collect()
    }

    fn send_all<'scope, 'env>(
        self,
        scope: &'scope thread::Scope<'scope, 'env>,
        publishers: Vec<Box<dyn Publisher>>,
        way: &'scope Way,
        began: Instant,
    ) -> anyhow::Result<Vec<Sent>> {
        let start = |(number, publisher)| {
            scope.spawn(move || {
                let sent = self.send(publisher, number, way, began);
                // Whatever happened, the consumer must not wait for more than there is.
                let events = sent.as_ref().map_or(0, |sent| sent.events);
                way.sent[number].store(events as u64, Ordering::Release);
                sent
            })
        };
        let sending: Vec<_> = publishers.into_iter().enumerate().map(start).collect();
        let joined = sending.into_iter().map(|thread| thread.join().expect("a publisher does not panic"));
        joined.collect::<anyhow::Result<_>>().context("a publisher failed")
    }

    fn send(self, mut client: Box<dyn Publisher>, number: usize, way: &Way, began: Instant) -> anyhow::Result<Sent> {
        let mut payload = Payload::new(number as u64);
        let (mut sent, mut waiting) = (Sent { events: 0, last: began, times: Vec::new() }, VecDeque::new());
        // Events of which the bound on what is under way does not wait to hear any more.
        let mut forgotten = 0;
        while began.elapsed() < self.lasts {
            let due = self.wait_until_due(sent.events, began);
            match self.bound {
                Bound::Unanswered(most) if waiting.len() >= most => take(&mut *client, &mut waiting, &mut sent)?,
                Bound::UnderWay(most) => {
                    let under_way = |forgotten: u64| {
                        let arrived = way.arrived[number].load(Ordering::Acquire);
                        (sent.events as u64).saturating_sub(arrived.max(forgotten))
                    };
                    if under_way(forgotten) >= most {
                        client.flush()?;
                        let since = Instant::now();
                        while under_way(forgotten) >= most {
                            thread::sleep(ROOM);
                            if since.elapsed() > STUCK {
                                forgotten = sent.events as u64;
                            }
                        }
                    }
                }
                Bound::Unanswered(_) | Bound::Nothing => {}
            }
            // One that waited for room only is late by nothing that it was due for.
            let due = due.unwrap_or_else(|| began.elapsed());
            client.publish(payload.fill(sent.events as u64, due));
            sent.events += 1;
            if matches!(self.bound, Bound::Unanswered(_)) {
                waiting.push_back(Instant::now());
            }
            if self.pace.is_some() || client.unsent() >= CHUNK_BYTES {
                client.flush()?;
            }
        }
        while !waiting.is_empty() {
            take(&mut *client, &mut waiting, &mut sent)?;
        }
        client.end()?;
        Ok(sent)
    }

    /// When an event is to be sent, since the beginning, if that is given; waits for that moment.
    fn wait_until_due(self, number: usize, began: Instant) -> Option<Duration> {
        let due = Duration::from_secs_f64(number as f64 / f64::from(self.pace?));
        thread::sleep(due.saturating_sub(began.elapsed()));
        Some(due)
    }

    fn receive(self, client: &mut dyn Consumer, way: &Way, began: Instant) -> anyhow::Result<Received> {
        let guaranteed = matches!(self.bound, Bound::Unanswered(_));
        let patience = if guaranteed { PATIENCE } else { SILENCE };
        let mut received = Received { events: 0, last: began, times: Vec::new() };
        let mut expected = vec![0; self.publishers];
        let mut heard = Instant::now();
        client.limit(LOOK)?;
        loop {
            if !client.has_more()? {
                client.flush()?;
                if way.is_done() {
                    break;
                }
            }
            let Some(payload) = client.next()? else {
                ensure!(!guaranteed || heard.elapsed() < patience, "events are missing: {expected:?} came");
                if heard.elapsed() >= patience {
                    break;
                }
                continue;
            };
            let Event { publisher, number, due } = Event::read(payload)?;
            heard = Instant::now();
            if publisher == PROBE {
                continue;
            }
            let at = usize::try_from(publisher).ok().filter(|at| *at < self.publishers);
            let at = at.context("an event is of no publisher")?;
            let next = &mut expected[at];
            let in_order = number >= *next && (number == *next || !guaranteed);
            ensure!(in_order, "event {number} of publisher {at} came where {next} was due");
            *next = number + 1;
            way.arrived[at].store(number + 1, Ordering::Release);
            received.events += 1;
            received.last = heard;
            received.times.push(heard.duration_since(began).saturating_sub(due));
        }
        Ok(received)
    }
}

/// Waits for acknowledgements and notes how long the oldest publishes took.
fn take(client: &mut dyn Publisher, waiting: &mut VecDeque<Instant>, sent: &mut Sent) -> anyhow::Result<()> {
    client.flush()?;
    let answers = client.answers()?;
    ensure!(answers <= waiting.len(), "there are more acknowledgements than publishes");
    sent.last = Instant::now();
    sent.times.extend(waiting.drain(..answers).map(|since| sent.last.duration_since(since)));
    Ok(())
}

/// Sends events until one arrives: whoever wants them must first be known where they are published.
fn open_way(side: &dyn Side, consumer: &mut dyn Consumer) -> anyhow::Result<()> {
    let (mut payload, began) = (Payload::new(PROBE), Instant::now());
    consumer.limit(LOOK)?;
    let mut last = None;
    while began.elapsed() < OPENS {
        let mut publisher = side.publisher(0)?;
        publisher.publish(payload.fill(0, Duration::ZERO));
        // What nobody wants yet may be refused.
        last = publisher.end().err();
        if consumer.next()?.is_some() {
            consumer.flush()?;
            return Ok(());
        }
    }
    match last {
        Some(error) => Err(error).context("nothing arrives"),
        None => bail!("nothing arrives within {} s", OPENS.as_secs()),
    }
}

/// An event as it is sent: who, the how manieth, when it was due, then noise.
struct Payload {
    bytes: [u8; PAYLOAD_BYTES],
    noise: u64,
}

/// What an event tells of itself.
struct Event {
    publisher: u64,
    number: u64,
    due: Duration,
}

impl Payload {
    fn new(publisher: u64) -> Self {
        let mut bytes = [0; PAYLOAD_BYTES];
        bytes[..8].copy_from_slice(&publisher.to_be_bytes());
        Self { bytes, noise: publisher.wrapping_add(0x9e37_79b9_7f4a_7c15) }
    }

    fn fill(&mut self, number: u64, due: Duration) -> &[u8] {
        self.bytes[8..16].copy_from_slice(&number.to_be_bytes());
        let due = u64::try_from(due.as_nanos()).unwrap_or(u64::MAX);
        self.bytes[16..24].copy_from_slice(&due.to_be_bytes());
        for place in self.bytes[24..].chunks_exact_mut(8) {
            // Xorshift: cheap, and no compressor finds anything in it.
            self.noise ^= self.noise << 13;
            self.noise ^= self.noise >> 7;
            self.noise ^= self.noise << 17;
            place.copy_from_slice(&self.noise.to_be_bytes());
        }
        &self.bytes
    }
}

impl Event {
    fn read(payload: &[u8]) -> anyhow::Result<Self> {
        ensure!(payload.len() == PAYLOAD_BYTES, "an event has {} bytes", payload.len());
        let number = |at: usize| {
            let bytes = payload.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
            bytes.map(u64::from_be_bytes).context("an event is shorter than it was sent")
        };
        Ok(Self { publisher: number(0)?, number: number(8)?, due: Duration::from_nanos(number(16)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_tells_who_sent_it_and_when() {
        let mut payload = Payload::new(7);
        let first = payload.fill(3, Duration::from_millis(5)).to_vec();
        let Event { publisher, number, due } = Event::read(&first).expect("valid");
        assert_eq!((publisher, number, due), (7, 3, Duration::from_millis(5)));
        assert_ne!(first[24..], payload.fill(3, Duration::from_millis(5))[24..], "nothing repeats");
        assert!(Event::read(&first[1..]).is_err());
    }

    #[test]
    fn it_is_done_when_all_that_was_sent_is_there() {
        let way = Way::new(2);
        way.arrived[0].store(5, Ordering::Release);
        way.sent[0].store(5, Ordering::Release);
        assert!(!way.is_done(), "the other one still sends");
        way.sent[1].store(0, Ordering::Release);
        assert!(way.is_done());
    }
}
