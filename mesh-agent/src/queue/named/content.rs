//! What people ask of a queue's content: a look, dead letters tried again, moved or deleted.
//!
//! Every step is one commit that takes events out of one queue and, for a move, puts them into another; so an event is
//! never in both and never in none, whatever happens in between.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mesh_protocol::event::Event;
use mesh_protocol::queue::{
    PAGE_EVENTS_MAX, PAGE_PAYLOAD_BYTES_MAX, Page, QueueAnswer, QueueAsk, QueueRef, QueuedEvent, Shelf, Which,
};
use tokio::sync::oneshot;

use super::consumer::Command;
use super::{DEAD, Named, Parts, Queues, again};
use crate::causes::chain;
use crate::letter::{DEAD_LETTERS, DIVERTED, RECORD, epitaph, unburied};
use crate::queue::{PEER, SINK};
use crate::router::Admitted;
use crate::spool::{Addressed, DiskError, Done, Entry, Op, QueueNo, Refusal, Store};
use crate::status::now_ms;

/// Events of one commit.
const STEP_EVENTS: usize = 100;
/// Whoever asked waits no longer; what is left is told.
const TIME_MAX: Duration = Duration::from_secs(20);

/// Answers one question about a queue of this agent.
pub async fn answer(queues: &Queues, queue: QueueRef, ask: QueueAsk) -> QueueAnswer {
    let Some(place) = Place::find(queues, queue) else {
        let reason = "this agent has no such queue (any more): it may be new, then try again in a moment".to_owned();
        return QueueAnswer::Refused { reason };
    };
    let done = match ask {
        QueueAsk::Browse { shelf, after, limit, payload_bytes_max } => {
            place.browse(shelf, after, limit, payload_bytes_max).await.map(QueueAnswer::Page)
        }
        QueueAsk::Delete { shelf, which } => place.each(shelf, which, None).await,
        QueueAsk::Retry { which } => {
            let target = place.waiting.map_or(Target::Back, |queue| Target::Queue { queue, anew: true });
            place.each(Shelf::DeadLetters, which, Some(target)).await
        }
        QueueAsk::Replay { which } => match &place.named {
            Some(named) => super::replay::replay(named, which).await,
            None => Err("only named queues keep what was acknowledged: it cannot be replayed".to_owned()),
        },
        QueueAsk::Move { shelf, which, to } => match queues.by_id(to) {
            Some(to) if Some(to.number) != place.waiting || shelf != Shelf::Waiting => {
                let target = Target::Queue { queue: to.number, anew: shelf == Shelf::DeadLetters };
                place.each(shelf, which, Some(target)).await
            }
            Some(_) => Err("an event cannot be moved to where it is".to_owned()),
            None => Err("the queue to move to is not at this agent".to_owned()),
        },
    };
    done.unwrap_or_else(|reason| QueueAnswer::Refused { reason })
}

/// A queue with its dead letters, and with what was acknowledged.
struct Place {
    parts: Parts,
    spool: Arc<Store>,
    /// None for the fabric: what waits there is in the queues of the other agents.
    waiting: Option<QueueNo>,
    dead: QueueNo,
    kept: Option<QueueNo>,
    /// None for what waits for a sink or another agent.
    named: Option<Arc<Named>>,
}

/// Where events are put.
#[derive(Clone, Copy)]
enum Target {
    Queue {
        queue: QueueNo,
        /// They begin anew: without the words of their burial, and their time to live with them.
        anew: bool,
    },
    /// Each in the queue it was in, anew.
    Back,
}

impl Place {
    fn find(queues: &Queues, queue: QueueRef) -> Option<Self> {
        let (parts, spool) = (queues.parts.clone(), queues.parts.spool.clone());
        match queue {
            QueueRef::Queue(id) => {
                let named = queues.by_id(id)?;
                Some(Self {
                    parts,
                    spool,
                    waiting: Some(named.number),
                    dead: named.dead,
                    kept: Some(named.kept),
                    named: Some(named),
                })
            }
            QueueRef::Sink(route) => {
                let waiting = spool.core().queue(&format!("{SINK}{route}"))?;
                let dead = spool.core().queue(&format!("{DEAD}{SINK}{route}"))?;
                Some(Self { parts, spool, waiting: Some(waiting), dead, kept: None, named: None })
            }
            QueueRef::Fabric => {
                let dead = spool.core().queue(DEAD_LETTERS)?;
                Some(Self { parts, spool, waiting: None, dead, kept: None, named: None })
            }
        }
    }

    fn number(&self, shelf: Shelf) -> Result<QueueNo, String> {
        match shelf {
            Shelf::Waiting => self.waiting.ok_or_else(|| "what waits for other agents is seen at the links".to_owned()),
            Shelf::DeadLetters => Ok(self.dead),
            Shelf::Acknowledged => self.kept.ok_or_else(|| "only named queues keep what was acknowledged".to_owned()),
        }
    }

    async fn read(&self, shelf: Shelf, after: u64, events: usize) -> Result<Vec<Entry>, String> {
        let (core, number) = (self.spool.core().clone(), self.number(shelf)?);
        let read = tokio::task::spawn_blocking(move || core.browse(number, after, events)).await;
        let taken = read.unwrap_or(Err(DiskError::Failed)).map_err(|error| chain(&error))?;
        Ok(taken.entries)
    }

    async fn browse(&self, shelf: Shelf, after: u64, limit: u32, payload_bytes_max: u32) -> Result<Page, String> {
        let limit = limit.clamp(1, PAGE_EVENTS_MAX) as usize;
        let mut entries = self.read(shelf, after, limit + 1).await?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        let holders = self.holders(shelf).await;
        let cut = payload_bytes_max.min(PAGE_PAYLOAD_BYTES_MAX) as usize;
        let total = self.spool.core().standing(self.number(shelf)?).map_or(0, |standing| standing.events);
        let events = entries.iter().map(|entry| shown(entry, &holders, cut)).collect();
        Ok(Page { events, more, total })
    }

    async fn holders(&self, shelf: Shelf) -> HashMap<u64, String> {
        let Some(named) = self.named.as_ref().filter(|_| shelf == Shelf::Waiting) else { return HashMap::new() };
        let (told, answered) = oneshot::channel();
        named.tell(Command::Holders(told));
        answered.await.unwrap_or_default()
    }

    /// Takes events away, step by step, and puts them elsewhere if they are to be somewhere.
    async fn each(&self, shelf: Shelf, which: Which, target: Option<Target>) -> Result<QueueAnswer, String> {
        if shelf == Shelf::Waiting && self.named.is_none() {
            return Err(
                "what waits for a route's destination can only be looked at: pause or delete the route".to_owned()
            );
        }
        let (began, last) = (Instant::now(), self.spool.core().last());
        let (mut events, mut after, mut homeless, mut wrong) = (0, 0, 0, again::Wrong::default());
        let mut chosen = match which {
            Which::All => None,
            Which::These(mut seqs) => {
                seqs.sort_unstable();
                seqs.dedup();
                Some(seqs.into_iter())
            }
        };
        loop {
            let step = match &mut chosen {
                None => self.read(shelf, after, STEP_EVENTS).await?,
                Some(seqs) => {
                    let mut step = Vec::new();
                    for seq in seqs.by_ref().take(STEP_EVENTS) {
                        let found = self.read(shelf, seq.saturating_sub(1), 1).await?;
                        step.extend(found.into_iter().filter(|entry| entry.seq == seq));
                    }
                    step
                }
            };
            let over = step.is_empty() && chosen.as_ref().is_none_or(|seqs| seqs.len() == 0);
            // What came meanwhile is not meant: dead letters that die again would never end.
            let step: Vec<Entry> = step.into_iter().filter(|entry| entry.seq <= last).collect();
            if over || (step.is_empty() && chosen.is_none()) {
                return Ok(QueueAnswer::Done { events, stopped: wrong.words(without_home(homeless)) });
            }
            after = step.last().map_or(after, |entry| entry.seq);
            let from = self.number(shelf)?;
            let (diverted, step) = match target {
                Some(Target::Back) => step.into_iter().partition(again::is_diverted),
                _ => (Vec::new(), step),
            };
            let all = step.len();
            let mut step: Vec<(u64, Option<Addressed>)> =
                step.into_iter().filter_map(|entry| self.addressed(entry, target)).collect();
            homeless += all - step.len();
            let (published, stopped) = again::publish(&self.parts, diverted, &mut wrong).await;
            step.extend(published.into_iter().map(|seq| (seq, None)));
            match self.take_away((shelf, from), step).await {
                Ok(gone) => events += gone,
                Err(refusal) => return Ok(QueueAnswer::Done { events, stopped: Some(chain(&refusal)) }),
            }
            if stopped.is_some() {
                return Ok(QueueAnswer::Done { events, stopped });
            }
            if began.elapsed() > TIME_MAX {
                let stopped = format!("it takes longer than {} s: ask again for the rest", TIME_MAX.as_secs());
                return Ok(QueueAnswer::Done { events, stopped: Some(stopped) });
            }
        }
    }

    /// An event's place, and how it goes on; none when there is no queue any more that it could go back to.
    fn addressed(&self, entry: Entry, target: Option<Target>) -> Option<(u64, Option<Addressed>)> {
        let (queue, anew) = match target {
            None => return Some((entry.seq, None)),
            Some(Target::Queue { queue, anew }) => (queue, anew),
            Some(Target::Back) => (self.spool.core().queue(&epitaph(entry.event.event())?.queue)?, true),
        };
        let event = if anew { Admitted::new(unburied(entry.event.event(), now_ms())) } else { entry.event };
        Some((entry.seq, Some(Addressed { event, queues: std::iter::once(queue).collect(), redelivered: true })))
    }

    async fn take_away(
        &self,
        (shelf, from): (Shelf, QueueNo),
        step: Vec<(u64, Option<Addressed>)>,
    ) -> Result<u64, Refusal> {
        let (seqs, events): (Vec<u64>, Vec<Option<Addressed>>) = step.into_iter().unzip();
        let events: Vec<Addressed> = events.into_iter().flatten().collect();
        match &self.named {
            Some(named) if shelf == Shelf::Waiting => {
                let (done, answered) = oneshot::channel();
                named.tell(Command::TakeAway { seqs, events, done });
                answered.await.unwrap_or(Err(Refusal::NoQueue))
            }
            _ => match self.spool.ask(Op::Move { events, from, seqs }).await? {
                Done::Emptied(gone) => Ok(gone),
                Done::Durable | Done::Opened(_) | Done::Older(_) => Ok(0),
            },
        }
    }
}

/// What is said of events that could not go back.
fn without_home(events: usize) -> Option<String> {
    let what = match events {
        0 => return None,
        1 => "1 event was for an agent that is gone, or is a record that its route cannot read".to_owned(),
        events => {
            format!("{events} events were for agents that are gone, or are records that their routes cannot read")
        }
    };
    Some(format!("{what}: move it to a named queue or delete it"))
}

fn shown(entry: &Entry, holders: &HashMap<u64, String>, cut: usize) -> QueuedEvent {
    let event: &Event = entry.event.event();
    let epitaph = epitaph(event);
    let origin = epitaph.as_ref().and_then(|epitaph| {
        let agent = epitaph.queue.strip_prefix(PEER).map(str::to_owned);
        let route = || epitaph.queue.strip_prefix(RECORD).map(|route| format!("route {route}"));
        let client = || epitaph.queue.strip_prefix(DIVERTED).map(|client| format!("client {client}"));
        agent.or_else(route).or_else(client)
    });
    let (reason, deliveries, properties) = match epitaph {
        Some(epitaph) => (Some(epitaph.reason), epitaph.deliveries, epitaph.own),
        None => (None, entry.row.deliveries.into(), event.headers.user.clone()),
    };
    QueuedEvent {
        position: entry.seq,
        admitted_at_ms: event.admitted_at_ms,
        topic: event.topic.as_str().to_owned(),
        key: text(&event.key, usize::MAX),
        content_type: event.headers.content_type.clone(),
        payload: text(&event.payload, cut),
        payload_bytes: event.payload.len() as u64,
        deliveries,
        expires_at_ms: entry.row.expires_at_ms,
        consumer: holders.get(&entry.seq).cloned().or(origin),
        reason,
        properties,
    }
}

/// Text where it is text, else hex; cut to so many bytes.
fn text(bytes: &[u8], cut: usize) -> String {
    let part = &bytes[..bytes.len().min(cut)];
    match std::str::from_utf8(part) {
        Ok(text) => text.to_owned(),
        // Only the last character is cut in two.
        Err(error) if part.len() < bytes.len() && error.error_len().is_none() => {
            String::from_utf8_lossy(&part[..error.valid_up_to()]).into_owned()
        }
        Err(_) => format!("0x{}", hex::encode(part)),
    }
}
