//! A named queue: which events it attracts, who may have them, and what becomes of those nobody can take.
//!
//! A queue stays at its site for life: what waits in it is on the disk of the agent that owns it, and nothing moves it
//! from there to another one.

use mesh_protocol::desired::{OnFailure, QueueAccess, WhenFull};
use mesh_protocol::id::{QueueId, SiteId};
use mesh_protocol::topic::Filter;
use serde::{Deserialize, Serialize};

use super::field::FieldErrors;

/// Most filters of one queue, and most exceptions.
pub const FILTERS_MAX: usize = 64;
/// Most deliveries of one event before it is a dead letter.
pub const DELIVERIES_MAX: u16 = 1_000;
/// Longest pause before an event is delivered again, in milliseconds: an hour.
pub const BACKOFF_MS_MAX: u32 = 3_600_000;
/// Shortest time a consumer that pulls may keep an event without a word, in milliseconds.
pub const LEASE_MS_MIN: u32 = 1_000;
/// The longest such time, in milliseconds: twelve hours.
pub const LEASE_MS_MAX: u32 = 12 * 3_600_000;
/// Shortest time to live, in milliseconds.
pub const TTL_MS_MIN: u64 = 1_000;
/// Longest time to live, in milliseconds: 365 days.
pub const TTL_MS_MAX: u64 = 365 * 86_400_000;
/// Most events that a queue may be made to hold.
pub const EVENTS_MAX: u64 = 100_000_000;
/// Least room of a queue, in bytes.
pub const BYTES_MIN: u64 = 1024;
/// Most room of a queue, in bytes: one TiB.
pub const BYTES_MAX: u64 = 1 << 40;
/// Most dead letters that a queue may be made to hold.
pub const DEAD_LETTERS_MAX: u64 = 1_000_000;
/// Shortest time that acknowledged events are kept, in milliseconds: a minute.
pub const KEEP_MS_MIN: u64 = 60_000;
/// Longest time that acknowledged events are kept, in milliseconds: 366 days.
pub const KEEP_MS_MAX: u64 = 366 * 86_400_000;
/// Least room for acknowledged events, in bytes: one MiB.
pub const KEEP_BYTES_MIN: u64 = 1 << 20;
/// Most room for acknowledged events, in bytes: one TiB.
pub const KEEP_BYTES_MAX: u64 = 1 << 40;

/// A named queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Stable id.
    pub id: QueueId,
    /// What a person chose.
    pub spec: Spec,
    /// The policy revision that brought its present form.
    pub since_revision: u64,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Who changed it last.
    pub updated_by: String,
}

/// What a person chooses about a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Unique in the environment; what consumers ask for.
    pub name: String,
    /// The site whose agent owns it.
    pub site: SiteId,
    /// Mesh dialect; any of them.
    pub filters: Vec<String>,
    /// Mesh dialect; none of them.
    pub exceptions: Vec<String>,
    /// How it treats what is in it.
    pub settings: Settings,
    /// What it keeps of what was acknowledged.
    pub keep: Keep,
    /// Consumers get nothing for now; it goes on attracting.
    pub paused: bool,
    /// Why it exists.
    pub note: String,
}

/// How a queue treats what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Who may have events at the same time.
    pub access: QueueAccess,
    /// What a failure means for later events of the same key.
    pub on_failure: OnFailure,
    /// An event that came back so often is a dead letter; none = it is tried for ever.
    pub deliveries_max: Option<u16>,
    /// Pause after the first failure, in milliseconds; doubled with each further one.
    pub backoff_first_ms: u32,
    /// The longest pause, in milliseconds.
    pub backoff_longest_ms: u32,
    /// How long a consumer that pulls may keep an event without a word, in milliseconds.
    pub lease_ms: u32,
    /// The longest an event waits, in milliseconds; none = as long as its own time to live.
    pub ttl_ms: Option<u64>,
    /// Most events that may wait.
    pub events_max: u64,
    /// Most bytes that may wait.
    pub bytes_max: u64,
    /// What happens to an event for which there is no room.
    pub when_full: WhenFull,
    /// Most dead letters; when there are so many, the queue waits for a person.
    pub dead_letters_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access: QueueAccess::Exclusive,
            on_failure: OnFailure::BlockKey,
            deliveries_max: Some(10),
            backoff_first_ms: 500,
            backoff_longest_ms: 60_000,
            lease_ms: 30_000,
            ttl_ms: None,
            events_max: 1_000_000,
            bytes_max: 1 << 30,
            when_full: WhenFull::Refuse,
            dead_letters_max: 10_000,
        }
    }
}

/// What a queue keeps of acknowledged events, so that they can be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// How long, in milliseconds; none = nothing is kept.
    pub ms: Option<u64>,
    /// Most bytes; beyond it the oldest go, whatever their age.
    pub bytes_max: u64,
}

impl Default for Keep {
    fn default() -> Self {
        Self { ms: None, bytes_max: 1 << 30 }
    }
}

impl Spec {
    /// Checks everything that needs no other object. Paths of the errors are those of the API's input.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.name("name", &self.name);
        errors.text("note", &self.note);
        if self.filters.is_empty() || self.filters.len() > FILTERS_MAX {
            errors.add("filters", format_args!("needs 1 to {FILTERS_MAX} filters"));
        }
        if self.exceptions.len() > FILTERS_MAX {
            errors.add("exceptions", format_args!("holds at most {FILTERS_MAX} filters"));
        }
        check_filters(&mut errors, "filters", &self.filters);
        check_filters(&mut errors, "exceptions", &self.exceptions);
        self.settings.check(&mut errors);
        self.keep.check(&mut errors);
        errors.check()
    }

    /// What it attracts.
    #[must_use]
    pub fn attracts(&self) -> Vec<Filter> {
        parsed(&self.filters)
    }

    /// What it leaves alone of that.
    #[must_use]
    pub fn leaves(&self) -> Vec<Filter> {
        parsed(&self.exceptions)
    }
}

impl Settings {
    fn check(&self, errors: &mut FieldErrors) {
        if self.deliveries_max.is_some_and(|most| most == 0 || most > DELIVERIES_MAX) {
            errors.add("deliveries_max", "must be 1 to 1,000 deliveries; leave it out to try for ever");
        }
        if self.backoff_longest_ms > BACKOFF_MS_MAX {
            errors.add("backoff_longest_ms", "must be at most one hour (3,600,000 ms)");
        }
        if self.backoff_first_ms > BACKOFF_MS_MAX {
            errors.add("backoff_first_ms", "must be at most one hour (3,600,000 ms)");
        } else if self.backoff_first_ms > self.backoff_longest_ms {
            errors.add("backoff_first_ms", "must not be longer than the longest pause");
        }
        if !(LEASE_MS_MIN..=LEASE_MS_MAX).contains(&self.lease_ms) {
            errors.add("lease_ms", "must be one second (1,000 ms) to twelve hours (43,200,000 ms)");
        }
        if self.ttl_ms.is_some_and(|ttl| !(TTL_MS_MIN..=TTL_MS_MAX).contains(&ttl)) {
            errors.add(
                "ttl_ms",
                "must be one second (1,000 ms) to 365 days; leave it out to keep events without a limit",
            );
        }
        if !(1..=EVENTS_MAX).contains(&self.events_max) {
            errors.add("events_max", "must be 1 to 100,000,000 events");
        }
        if !(BYTES_MIN..=BYTES_MAX).contains(&self.bytes_max) {
            errors.add("bytes_max", "must be 1 KiB (1,024) to 1 TiB (1,099,511,627,776)");
        }
        if !(1..=DEAD_LETTERS_MAX).contains(&self.dead_letters_max) {
            errors.add("dead_letters_max", "must be 1 to 1,000,000 events");
        }
    }
}

impl Keep {
    fn check(&self, errors: &mut FieldErrors) {
        if self.ms.is_some_and(|ms| !(KEEP_MS_MIN..=KEEP_MS_MAX).contains(&ms)) {
            errors.add("keep_ms", "must be one minute (60,000 ms) to 366 days; leave it out to keep nothing");
        }
        if !(KEEP_BYTES_MIN..=KEEP_BYTES_MAX).contains(&self.bytes_max) {
            errors.add("keep_bytes_max", "must be 1 MiB (1,048,576) to 1 TiB (1,099,511,627,776)");
        }
    }
}

fn check_filters(errors: &mut FieldErrors, field: &str, filters: &[String]) {
    for text in filters {
        // One that is not even whole would be taken literally, and nobody means that.
        if errors.take(field, Filter::mesh(text)).is_some() && text.contains("${") {
            errors.add(field, "may not use variables: a queue is not a client");
        }
    }
}

fn parsed(filters: &[String]) -> Vec<Filter> {
    filters.iter().filter_map(|text| Filter::mesh(text).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        Spec {
            name: "orders-fulfilment".into(),
            site: SiteId(uuid::Uuid::from_u128(1)),
            filters: vec!["orders/>".into()],
            exceptions: vec![],
            settings: Settings::default(),
            keep: Keep::default(),
            paused: false,
            note: String::new(),
        }
    }

    /// The fields that are wrong after a change of a sound queue.
    fn wrong(change: impl FnOnce(&mut Spec)) -> Vec<String> {
        let mut spec = spec();
        change(&mut spec);
        spec.check().err().map(|errors| errors.0.into_keys().collect()).unwrap_or_default()
    }

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(wrong(|_| {}), [""; 0]);
    }

    #[test]
    fn each_mistake_is_named_at_its_field() {
        assert_eq!(wrong(|spec| spec.name = "Orders".into()), ["name"]);
        assert_eq!(wrong(|spec| spec.filters.clear()), ["filters"]);
        assert_eq!(wrong(|spec| spec.filters = vec!["a".into(); FILTERS_MAX + 1]), ["filters"]);
        assert_eq!(wrong(|spec| spec.filters.push("orders/${username}".into())), ["filters"]);
        assert_eq!(wrong(|spec| spec.exceptions.push("orders/${".into())), ["exceptions"]);
        assert_eq!(wrong(|spec| spec.exceptions = vec!["a".into(); FILTERS_MAX + 1]), ["exceptions"]);
        assert_eq!(wrong(|spec| spec.note = "x".repeat(3_000)), ["note"]);
    }

    #[test]
    fn what_is_kept_is_nothing_at_first_and_has_bounds() {
        let keep = |ms, bytes_max| wrong(|spec| spec.keep = Keep { ms, bytes_max });
        assert_eq!(Keep::default().ms, None, "keeping costs disk, so it is somebody's choice");
        for (ms, bytes_max) in [(KEEP_MS_MIN, KEEP_BYTES_MIN), (KEEP_MS_MAX, KEEP_BYTES_MAX)] {
            assert_eq!(keep(Some(ms), bytes_max), [""; 0]);
        }
        assert_eq!(keep(None, KEEP_BYTES_MIN), [""; 0]);
        for ms in [0, KEEP_MS_MIN - 1, KEEP_MS_MAX + 1] {
            assert_eq!(keep(Some(ms), KEEP_BYTES_MIN), ["keep_ms"]);
        }
        for bytes_max in [0, KEEP_BYTES_MIN - 1, KEEP_BYTES_MAX + 1] {
            assert_eq!(keep(None, bytes_max), ["keep_bytes_max"], "also while nothing is kept: it would be next");
        }
    }

    #[test]
    fn both_ends_of_every_bound_are_allowed_and_what_is_beyond_is_not() {
        let setting = |change: fn(&mut Settings)| wrong(|spec| change(&mut spec.settings));
        type Change = fn(&mut Settings);
        let all: [(&str, [Change; 2], [Change; 2]); 6] = [
            (
                "deliveries_max",
                [|s| s.deliveries_max = Some(1), |s| s.deliveries_max = Some(DELIVERIES_MAX)],
                [|s| s.deliveries_max = Some(0), |s| s.deliveries_max = Some(DELIVERIES_MAX + 1)],
            ),
            (
                "lease_ms",
                [|s| s.lease_ms = LEASE_MS_MIN, |s| s.lease_ms = LEASE_MS_MAX],
                [|s| s.lease_ms = LEASE_MS_MIN - 1, |s| s.lease_ms = LEASE_MS_MAX + 1],
            ),
            (
                "ttl_ms",
                [|s| s.ttl_ms = Some(TTL_MS_MIN), |s| s.ttl_ms = Some(TTL_MS_MAX)],
                [|s| s.ttl_ms = Some(TTL_MS_MIN - 1), |s| s.ttl_ms = Some(TTL_MS_MAX + 1)],
            ),
            (
                "events_max",
                [|s| s.events_max = 1, |s| s.events_max = EVENTS_MAX],
                [|s| s.events_max = 0, |s| s.events_max = EVENTS_MAX + 1],
            ),
            (
                "bytes_max",
                [|s| s.bytes_max = BYTES_MIN, |s| s.bytes_max = BYTES_MAX],
                [|s| s.bytes_max = BYTES_MIN - 1, |s| s.bytes_max = BYTES_MAX + 1],
            ),
            (
                "dead_letters_max",
                [|s| s.dead_letters_max = 1, |s| s.dead_letters_max = DEAD_LETTERS_MAX],
                [|s| s.dead_letters_max = 0, |s| s.dead_letters_max = DEAD_LETTERS_MAX + 1],
            ),
        ];
        for (field, sound, unsound) in all {
            for change in sound {
                assert_eq!(setting(change), [""; 0], "{field}");
            }
            for change in unsound {
                assert_eq!(setting(change), [field]);
            }
        }
        assert_eq!(setting(|s| s.deliveries_max = None), [""; 0]);
        assert_eq!(setting(|s| s.backoff_longest_ms = BACKOFF_MS_MAX + 1), ["backoff_longest_ms"]);
        assert_eq!(setting(|s| s.backoff_first_ms = s.backoff_longest_ms), [""; 0]);
        assert_eq!(setting(|s| s.backoff_first_ms = s.backoff_longest_ms + 1), ["backoff_first_ms"]);
    }
}
