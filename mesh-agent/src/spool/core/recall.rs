//! Last values of topics, for whoever wants them from now on.

use std::ops::ControlFlow;

use bytes::Bytes;
use mesh_protocol::event::{self, DeliveryMode};
use mesh_protocol::id::SiteId;
use mesh_protocol::topic::{Filter, Topic};

use super::Core;
use crate::router::Admitted;
use crate::spool::disk::{DiskError, Place};
use crate::spool::values;

/// Values looked at in one go, whether they match or not.
const LOOK_MAX: usize = 20_000;
/// Values and bytes given at once.
const PAGE_EVENTS: usize = 64;
const PAGE_BYTES: usize = 256 * 1024;
/// Above every topic that begins with the same bytes: topics are UTF-8.
const ABOVE: u8 = 0xff;

/// Which of them are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recall {
    /// Whose topic matches this,
    pub filter: Filter,
    /// and comes after this one, in the order of bytes,
    pub after: Option<Bytes>,
    /// and that were admitted there,
    pub whose: Whose,
    /// and, of those, only best effort ones from this time on, in milliseconds since 1970: what may have been lost on its way.
    pub direct_since: Option<i64>,
}

/// Values of which sites are wanted, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// For a client: of all sites, as far as they are values now.
    Shown,
    /// For another agent: of this site, ends included.
    Of(SiteId),
    /// For an agent whose disk knows nothing: of all sites, ends included.
    All,
}

/// Some of them.
#[derive(Debug, Default)]
pub struct Recalled {
    /// In the order of their topics.
    pub events: Vec<Admitted>,
    /// There may be more after this topic.
    pub next: Option<Bytes>,
}

impl Core {
    /// The time of admission of a topic's next last value.
    #[must_use]
    pub fn stamp(&self, topic: &Topic, now_ms: i64) -> i64 {
        self.index().values.stamp(topic, now_ms)
    }

    /// Whether anything is stored for any topic.
    #[must_use]
    pub fn has_values(&self) -> bool {
        let totals = self.index().values.totals;
        totals.topics + totals.ends > 0
    }

    /// How many topics have a last value, and the bytes of all that is stored.
    #[must_use]
    pub fn values(&self) -> (u64, u64) {
        let index = self.index();
        (index.values.totals.topics, index.values.totals.bytes)
    }

    /// Some of the last values that are wanted.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub fn recall(&self, recall: &Recall, now_ms: i64) -> Result<Recalled, DiskError> {
        let (literal, is_whole) = recall.filter.literal();
        let mut found = Recalled::default();
        if is_whole {
            if let Some(bytes) = self.disk.get(Place::Values, literal.as_bytes())? {
                found.events.extend(recall.wanted(bytes, now_ms));
            }
            return Ok(found);
        }
        let from = match &recall.after {
            Some(after) => [after, &[0][..]].concat(),
            None => literal.as_bytes().to_vec(),
        };
        let to = [literal.as_bytes(), &[ABOVE]].concat();
        let (mut looked, mut bytes) = (0, 0);
        self.disk.scan(Place::Values, &from, &to, &mut |key, value| {
            looked += 1;
            let matches = std::str::from_utf8(key).ok().and_then(|topic| Topic::new(topic).ok());
            if matches.is_some_and(|topic| recall.filter.matches(&topic)) {
                let event = recall.wanted(Bytes::copy_from_slice(value), now_ms);
                bytes += event.as_ref().map_or(0, |_| value.len());
                found.events.extend(event);
            }
            if looked < LOOK_MAX && found.events.len() < PAGE_EVENTS && bytes < PAGE_BYTES {
                return ControlFlow::Continue(());
            }
            found.next = Some(Bytes::copy_from_slice(key));
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// Values that are none any more, of some topics after one: with their times of admission, and where to go on.
    ///
    /// # Errors
    /// The disk cannot be read.
    #[expect(clippy::type_complexity, reason = "what is to be forgotten, and where to go on")]
    pub fn values_over(
        &self,
        after: Option<&Bytes>,
        now_ms: i64,
    ) -> Result<(Vec<(Topic, i64)>, Option<Bytes>), DiskError> {
        let from = after.map_or(Vec::new(), |after| [after, &[0][..]].concat());
        let (mut over, mut looked, mut next) = (Vec::new(), 0, None);
        self.disk.scan(Place::Values, &from, &[ABOVE], &mut |key, value| {
            looked += 1;
            if let Ok(event) = event::decode(Bytes::copy_from_slice(value))
                && values::is_forgotten(&event, now_ms)
            {
                over.push((event.topic, event.admitted_at_ms));
            }
            if looked < LOOK_MAX {
                return ControlFlow::Continue(());
            }
            next = Some(Bytes::copy_from_slice(key));
            ControlFlow::Break(())
        })?;
        Ok((over, next))
    }
}

impl Recall {
    fn wanted(&self, bytes: Bytes, now_ms: i64) -> Option<Admitted> {
        let event = event::decode(bytes.clone()).ok()?;
        let is_over = event.is_expired(now_ms);
        let is_wanted = match self.whose {
            Whose::Shown => !event.payload.is_empty() && !is_over,
            Whose::Of(site) => event.origin.site == site,
            Whose::All => true,
        };
        let is_direct = |since: i64| event.mode == DeliveryMode::Direct && event.admitted_at_ms >= since;
        if !is_wanted || !self.direct_since.is_none_or(is_direct) {
            return None;
        }
        let event = Admitted::from_encoded(event, bytes);
        // Whoever knows an earlier value must not show that again.
        Some(if is_over { values::end_of(&event) } else { event.recalled(true) })
    }
}
