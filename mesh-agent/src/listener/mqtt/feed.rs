//! A session's queue in the spool: what it gets at QoS 1 and 2.
//!
//! ```text
//!  router --keep--> spool --take, as far as the client's window--> PUBLISH ... PUBACK --ack--> spool
//! ```
//! The publisher's acknowledgement follows the spool's commit and never waits for a subscriber. A queue lives as long as
//! its session: with the connection, or for as long beyond it as the client asked for (see [`lasting`](super::lasting)).

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use mesh_protocol::topic::Filter;
use tokio::sync::Notify;

use crate::causes::chain;
use crate::router::{Attachment, Claim, Life, Reach, Receipt, Router, Takes};
use crate::spool::{DiskError, Entry, Limits, Op, QueueNo, Store, WhenFull};

/// What waits for one subscriber at most.
const LIMITS: Limits = Limits { events_max: 100_000, bytes_max: 256 * 1024 * 1024, when_full: WhenFull::Discard };
/// Events and bytes read at once.
const READ_EVENTS: usize = 64;
const READ_BYTES: usize = 256 * 1024;

type Reading = BoxFuture<'static, Result<Vec<Entry>, DiskError>>;

/// See the module.
pub(super) struct Feed {
    spool: Arc<Store>,
    number: QueueNo,
    attachment: Attachment,
    wake: Arc<Notify>,
    ready: VecDeque<Entry>,
    /// What is being read from disk.
    reading: Option<Reading>,
    /// Acknowledged by the client and not yet told to the spool.
    done: Vec<u64>,
    /// Up to here the client may have had the events before, by place in the log.
    doubtful: u64,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Feed {
    /// Opens the queue of this name, with what is in it from before.
    pub(super) fn open(spool: &Arc<Store>, router: &Router, name: &Arc<str>) -> Self {
        let number = spool.open_queue(name, LIMITS);
        Self {
            spool: spool.clone(),
            number,
            attachment: router.attach_queue(number.0, Reach::Local),
            // A queue that was just opened has one; without it the session would only wait in vain.
            wake: spool.wake(number).unwrap_or_default(),
            ready: VecDeque::new(),
            reading: None,
            done: Vec::new(),
            doubtful: 0,
        }
    }

    /// Events that match this go into the queue from now on; last values of other sites too, when they are wanted.
    pub(super) fn attract(&self, filter: &Filter, life: Life, recalled: bool) {
        let takes = if recalled { Takes::GUARANTEED.and_recalled() } else { Takes::GUARANTEED };
        self.attachment.subscribe_for(filter, 0, life, takes);
        self.attachment.take_instead(filter, 0, takes);
    }

    /// Its number in the spool.
    pub(super) fn number(&self) -> QueueNo {
        self.number
    }

    /// They do no longer.
    pub(super) fn repel(&self, filter: &Filter) {
        self.attachment.unsubscribe(filter, 0);
    }

    /// Nobody knows what the client was sent of all that is in the queue now.
    pub(super) fn doubt(mut self) -> Self {
        self.doubtful = self.spool.core().last();
        self
    }

    /// Whether the client may have had an event before.
    pub(super) fn is_doubtful(&self, entry: &Entry) -> bool {
        entry.row.redelivered || entry.seq <= self.doubtful
    }

    /// The next event to be sent, if it is in memory; else it is fetched, and [`Feed::woken`] tells when to ask again.
    pub(super) fn next(&mut self) -> Option<Entry> {
        if self.ready.is_empty() && self.reading.is_none() {
            match self.spool.core().take_fresh(self.number, READ_EVENTS, READ_BYTES) {
                Some(entries) => self.ready.extend(entries),
                None => {
                    let (spool, number) = (self.spool.clone(), self.number);
                    self.reading = Some(Box::pin(async move { spool.take(number, READ_EVENTS, READ_BYTES).await }));
                }
            }
        }
        self.ready.pop_front()
    }

    /// What [`Feed::next`] gave is given again.
    pub(super) fn put_back(&mut self, entry: Entry) {
        self.ready.push_front(entry);
    }

    /// A number that the session shall know again, to be kept with its queue.
    pub(super) fn claim(&self, number: u32) -> Claim {
        Claim { queue: self.number.0, number }
    }

    /// The numbers it shall know again.
    pub(super) fn claimed(&self) -> Vec<u32> {
        self.spool.core().claims(self.number)
    }

    /// The spool that the queue is in.
    pub(super) fn spool(&self) -> &Store {
        &self.spool
    }

    /// Waits until there may be another event. Cancel-safe.
    pub(super) async fn woken(&mut self) {
        let Some(reading) = &mut self.reading else { return self.wake.notified().await };
        match reading.await {
            Ok(entries) => {
                self.reading = None;
                self.ready.extend(entries);
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "the queue of a session cannot be read");
                // The spool is opened anew by a restart of the agent; until then there is nothing to wait for.
                self.reading = Some(Box::pin(std::future::pending()));
            }
        }
    }

    /// The client has it.
    pub(super) fn acknowledge(&mut self, seq: u64) {
        self.done.push(seq);
    }

    /// Tells the spool what the client has.
    pub(super) fn flush(&mut self) {
        if !self.done.is_empty() {
            self.spool.ack(self.number, std::mem::take(&mut self.done));
        }
    }

    /// A connection ends: what it has not acknowledged is handed out again to the next one.
    pub(super) fn rest(&mut self) {
        self.flush();
        self.ready.clear();
        self.reading = None;
    }

    /// A new connection reads from the beginning, once what the one before acknowledged is done with.
    pub(super) fn begin(&mut self) {
        let (spool, number) = (self.spool.clone(), self.number);
        self.reading = Some(Box::pin(async move {
            // A queue that has ended meanwhile has nothing to read.
            let _ = spool.ask(Op::Rewind(number)).await;
            spool.take(number, READ_EVENTS, READ_BYTES).await
        }));
    }

    /// What the session wants to know of itself after a restart; the receipt tells when that is on disk.
    pub(super) fn note(&self, note: Bytes) -> Receipt {
        self.spool.note(self.number, note)
    }

    /// Ends the queue; tells how many events go with it.
    pub(super) fn close(mut self) -> u64 {
        self.flush();
        let left = self.spool.core().standing(self.number).map_or(0, |standing| standing.events);
        self.spool.close_queue(self.number);
        left
    }
}
