//! One attempt to bring records in: map, permit, pass, wait for whoever shall have them.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use mesh_protocol::event::{DeliveryMode, Event, Origin, Protocol};
use mesh_protocol::policy::Action;
use tokio::time::Instant;

use super::{Split, UnderWay, Work};
use crate::connector::Letter;
use crate::observe::Refusal;
use crate::policy::Denied;
use crate::router::{
    Admission, Admitted, Audience, DestinationId, EVENT_OVERHEAD_BYTES, Failure, Outcome, Passed, Receipt, Router,
};
use crate::source::kafka::record::{self, Mapped, Place, Record};
use crate::source::kafka::tally::Counts;

/// A destination that has not taken a batch for so long, while there are others to serve, reads alone from then on.
const PATIENCE: Duration = Duration::from_secs(1);
/// A batch that waits longer than this for its receipt is named in the part.
const SLOW: Duration = Duration::from_secs(8);
/// What became of records that were brought in.
#[derive(Default)]
pub(super) struct Done {
    pub(super) counts: Counts,
    /// What became a dead letter, and why.
    pub(super) poison: Vec<String>,
    pub(super) unrouted: bool,
}

/// What became of one attempt.
pub(super) enum Attempt {
    /// All are dealt with, except for those who read alone from now on.
    Done(Done, Vec<DestinationId>),
    /// Try again for these, for this reason.
    Failed(Done, Vec<DestinationId>, String),
    /// Try again all of it, which nobody has had: what cannot be brought in at all has no place, for this reason.
    Held(String),
    /// Policy keeps the route's principal out for now.
    Barred(Denied),
}

/// What becomes of a record's event at the border.
enum Brought {
    In(Admitted),
    /// A rule denies its topic.
    Denied,
    /// A contract wants it among the dead letters.
    Diverted(Box<Letter>),
}

/// Who took a batch, and who did not.
#[derive(Default)]
struct Settled {
    taken: bool,
    failed: Vec<(DestinationId, String)>,
    /// Given up waiting for.
    late: Vec<(DestinationId, Receipt)>,
}

impl Work {
    /// `again`: they were tried before. `since` is when that began.
    pub(super) async fn attempt(
        &mut self,
        records: &[Record],
        again: bool,
        audience: Audience<'_>,
        since: Instant,
    ) -> Attempt {
        let origin = match self.origin() {
            Ok(origin) => origin,
            Err(denied) => return Attempt::Barred(denied),
        };
        // The first attempt of the shared read sees to dead letters, for everybody.
        let first = self.state.alone.is_none() && !again;
        if first {
            self.judged = self.shared.deps.enforcer.contracts();
        }
        let (mut done, mut letters, mut since_then) = (Done::default(), Vec::new(), Vec::new());
        let mut admitted = Vec::with_capacity(records.len());
        let mut bytes = 0;
        for record in records {
            let counts = &mut done.counts;
            counts.left_out_headers += record.headers.left_out;
            let redelivered = again || record.offset < self.doubtful_below;
            match self.shared.mapping.map(&self.state.place, record, &self.known, origin.clone(), redelivered) {
                Mapped::Filtered => counts.filtered += 1,
                Mapped::Looped => counts.looped += 1,
                Mapped::Poison(reason) if first => {
                    let event = record::letter(&self.state.place, record, origin.clone(), redelivered);
                    letters.push((record, Letter { event, reason, diverted_from: None }));
                }
                Mapped::Poison(_) => {}
                Mapped::Needs(id) => unreachable!("`ready` has brought schema {id} before the batch began"),
                Mapped::Event(event) => {
                    bytes += event.payload.len() + EVENT_OVERHEAD_BYTES;
                    match self.permit(*event, first && record.offset >= self.told_below) {
                        Ok(Brought::In(event)) => admitted.push(event),
                        Ok(Brought::Denied) => counts.denied += 1,
                        Ok(Brought::Diverted(letter)) => {
                            if first {
                                letters.push((record, *letter));
                            } else {
                                since_then.push((record, *letter));
                            }
                        }
                        Err(Denied::Invalid(invalid)) => {
                            let event = record::letter(&self.state.place, record, origin.clone(), redelivered);
                            let letter = (record, Letter { event, reason: invalid.to_string(), diverted_from: None });
                            if first { letters.push(letter) } else { since_then.push(letter) }
                        }
                        Err(denied) => return Attempt::Barred(denied),
                    }
                }
            }
        }
        if first && let Some(last) = records.last() {
            self.told_below = self.told_below.max(last.offset + 1);
        }
        // What contracts refuse that are not those of then was let in before, and is no dead letter yet.
        if !self.is_judged_by_the_same() {
            letters.append(&mut since_then);
        }
        done.poison.extend(letters.iter().map(|(record, letter)| self.passed_over(record, &letter.reason)));
        if let Err(reason) = self.bury(letters.into_iter().map(|(_, letter)| letter).collect()).await {
            return Attempt::Held(reason);
        }
        done.counts.events = admitted.len() as u64;
        if admitted.is_empty() {
            return Attempt::Done(done, Vec::new());
        }
        let _window = self.shared.window(self.state.alone).take(bytes).await;
        let share = self.router().budget().take(bytes).await;
        if self.shared.source.mode == DeliveryMode::Direct {
            let reached: usize = admitted.into_iter().map(|event| self.router().publish_direct(event, None)).sum();
            done.unrouted = reached == 0;
            return Attempt::Done(done, Vec::new());
        }
        // The cluster keeps them: its offset is committed when everybody has them.
        let passed = self.router().pass(admitted, audience);
        let settled = self.settle(passed, share).await;
        self.judge(records, bytes, since, settled, done)
    }

    /// Whether contracts are still those by which the records were let in first.
    fn is_judged_by_the_same(&self) -> bool {
        let now = self.shared.deps.enforcer.contracts();
        self.judged.as_ref().zip(now.as_ref()).is_some_and(|(then, now)| Arc::ptr_eq(then, now))
    }

    /// What can never be brought in is on disk before anything behind it is committed.
    async fn bury(&self, letters: Vec<Letter>) -> Result<(), String> {
        if letters.is_empty() {
            return Ok(());
        }
        let done = self.shared.deps.letters.bury(self.shared.identity.route, letters).await;
        done.map_err(|reason| format!("records that cannot be brought in have no place: {reason}"))
    }

    fn router(&self) -> &Router {
        &self.shared.deps.router
    }

    /// Waits until everybody has answered, or somebody holds up others. Whoever is slow keeps its `share` of what the whole
    /// agent may hold only for a moment.
    async fn settle(&self, passed: Passed, share: Admission) -> Settled {
        let (mut settled, Passed(mut open), mut share) = (Settled::default(), passed, Some(share));
        let began = Instant::now();
        let mut look = began + PATIENCE;
        while !open.is_empty() {
            tokio::select! {
                (destination, outcome) = next(&mut open) => {
                    settled.taken |= matches!(outcome, Outcome::Taken { .. });
                    settled.failed.extend(failure(outcome).map(|reason| (destination, reason)));
                }
                () = tokio::time::sleep_until(look) => {
                    drop(share.take());
                    let waiting: Vec<_> = open.iter().map(|(destination, _)| *destination).collect();
                    if self.may_split(&waiting) {
                        settled.late = open;
                        return settled;
                    }
                    if began.elapsed() >= SLOW {
                        // Not given up: whoever has it still brings it there, and a second copy would help nobody.
                        let from = self.state.floor();
                        self.blocked(format!("records from offset {from} on wait for their destination"));
                    }
                    look = Instant::now() + PATIENCE;
                }
            }
        }
        settled
    }

    /// Whether these may be left behind: somebody else is in step who would be held up by them.
    fn may_split(&self, late: &[DestinationId]) -> bool {
        let alone: Vec<_> = self.state.step.alone().into_iter().map(|(destination, _)| destination).collect();
        let others = self.router().destinations();
        self.state.alone.is_none()
            && late.iter().all(|destination| destination.has_name())
            && others.iter().any(|other| !late.contains(other) && !alone.contains(other))
    }

    /// Who could not keep up reads alone, who failed is tried again for a moment before that.
    fn judge(&self, records: &[Record], bytes: usize, since: Instant, settled: Settled, mut done: Done) -> Attempt {
        let Settled { taken, failed, late } = settled;
        done.unrouted = !taken && failed.is_empty() && late.is_empty();
        let mut alone: Vec<_> = late.iter().map(|(destination, _)| *destination).collect();
        for (destination, receipt) in late {
            // What is more than may be held for it is given up and read again.
            let share = self.shared.window(Some(destination)).try_take(bytes).ok();
            self.split(destination, records, share.map(|share| (receipt, share)));
        }
        let failing: Vec<_> = failed.iter().map(|(destination, _)| *destination).collect();
        let Some((_, reason)) = failed.into_iter().next() else { return Attempt::Done(done, alone) };
        if since.elapsed() < PATIENCE || !self.may_split(&failing) {
            return Attempt::Failed(done, failing, reason);
        }
        failing.iter().for_each(|destination| self.split(*destination, records, None));
        alone.extend(failing);
        Attempt::Done(done, alone)
    }

    /// A destination reads alone from these records on.
    fn split(&self, destination: DestinationId, records: &[Record], under_way: Option<(Receipt, Admission)>) {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return };
        let (at, end) = (first.offset, last.offset + 1);
        self.state.step.split(destination, at);
        let Place { topic, partition, .. } = &self.state.place;
        let label = self.router().describe(destination).1;
        tracing::info!(destination = %label, %topic, partition, at, "a destination does not keep up and reads alone");
        self.shared.split(Split {
            destination,
            place: self.state.place.clone(),
            step: self.state.step.clone(),
            at,
            doubtful_below: end,
            under_way: under_way.map(|(receipt, share)| UnderWay { receipt, end, _share: share }),
            judged: self.judged.clone(),
        });
    }

    /// The event, let in; not when a rule denies its topic, which is counted and told.
    fn permit(&self, event: Event, is_new: bool) -> Result<Brought, Denied> {
        let enforcer = &self.shared.deps.enforcer;
        let session = self.session.as_ref().expect("opened by `origin`, which runs first");
        if is_new {
            self.shared.client.produced(&event.topic, &event.payload, Some(&self.state.place.topic));
        }
        let topic = event.topic.clone();
        let permit = if is_new { enforcer.permit(session, event) } else { enforcer.permit_again(session, event) };
        match permit {
            Ok(permit) => Ok(match permit.diverted().map(ToString::to_string) {
                None => Brought::In(permit.admit()),
                Some(reason) => {
                    let diverted_from = Some(session.client_id().to_owned());
                    Brought::Diverted(Box::new(Letter { event: permit.into_event(), reason, diverted_from }))
                }
            }),
            Err(denied @ Denied::Invalid(_)) => Err(denied),
            Err(denied) => {
                enforcer.check_session(session)?;
                let (rule, reason) = (denied.rule(), denied.to_string());
                self.shared.client.refused(Refusal { action: Action::Publish, topic: topic.to_string(), rule, reason });
                Ok(Brought::Denied)
            }
        }
    }

    /// Opens the session when there is none, and says where events are admitted.
    fn origin(&mut self) -> Result<Origin, Denied> {
        let shared = &self.shared;
        let enforced = shared.deps.enforcer.enforced().ok_or(Denied::NoPolicy)?;
        let (enforcer, identity) = (&shared.deps.enforcer, &shared.identity);
        match &self.session {
            Some(session) => enforcer.check_session(session)?,
            None => self.session = Some(enforcer.session(identity.principal, &identity.client_id())?),
        }
        Ok(Origin { site: enforced.site.id, principal: Some(identity.principal), protocol: Protocol::Kafka })
    }

    fn passed_over(&self, record: &Record, reason: &str) -> String {
        let Place { topic, partition, .. } = &self.state.place;
        format!("{topic} partition {partition} offset {} is a dead letter: {reason}", record.offset)
    }
}

/// The next answer.
async fn next(open: &mut Vec<(DestinationId, Receipt)>) -> (DestinationId, Outcome) {
    poll_fn(|context| {
        for at in 0..open.len() {
            if let Poll::Ready(outcome) = Pin::new(&mut open[at].1).poll(context) {
                return Poll::Ready((open.remove(at).0, outcome));
            }
        }
        Poll::Pending
    })
    .await
}

/// Why a destination has not got it; none when it has.
fn failure(outcome: Outcome) -> Option<String> {
    match outcome {
        Outcome::Taken { .. } | Outcome::Unrouted => None,
        Outcome::Failed(Failure::Refused(reason) | Failure::Full(reason) | Failure::Again { reason, .. }) => {
            Some(reason)
        }
        Outcome::Failed(Failure::Lost) => Some("the destination ended before it had them".to_owned()),
    }
}
