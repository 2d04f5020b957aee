//! What the fabric counts.

use crate::counters::{Counter, Counters};

/// Named events of the fabric.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) copies_sent: Counter,
    pub(super) direct_dropped: Counter,
    pub(super) put_failed: Counter,
    pub(super) link_errors: Counter,
    pub(super) strangers: Counter,
    pub(super) forged: Counter,
    pub(super) replayed: Counter,
    /// Bodies of frames of events, before and after compression.
    pub(super) plain_bytes: Counter,
    pub(super) written_bytes: Counter,
    pub(super) forbidden: Counter,
    pub(super) stale: Counter,
    pub(super) nacks: Counter,
    pub(super) resends: Counter,
    pub(super) duplicates: Counter,
    pub(super) overflow: Counter,
    pub(super) gaps: Counter,
    pub(super) redelivered: Counter,
    /// Retained events that were not kept.
    pub(super) not_retained: Counter,
    pub(super) behind: Counter,
    pub(super) refused: Counter,
    pub(super) marks_ahead: Counter,
    pub(super) marks_fallen: Counter,
    pub(super) given_up: Counter,
    pub(super) reopened: Counter,
    pub(super) interest_cut_off: Counter,
    pub(super) expired: Counter,
    pub(super) buried: Counter,
    pub(super) not_taken: Counter,
    /// That other agents handed over, whether they were newer and genuine or not.
    pub(super) deny_lists: Counter,
}

impl Counts {
    pub(super) fn new(counters: &Counters) -> Self {
        Self {
            copies_sent: counters.counter("copies_sent_events"),
            direct_dropped: counters.counter("fabric_direct_dropped_events"),
            put_failed: counters.counter("fabric_put_failed_frames"),
            link_errors: counters.counter("fabric_link_error_frames"),
            strangers: counters.counter("fabric_stranger_frames"),
            forged: counters.counter("fabric_forged_frames"),
            replayed: counters.counter("fabric_replayed_frames"),
            plain_bytes: counters.counter("fabric_plain_body_bytes"),
            written_bytes: counters.counter("fabric_written_body_bytes"),
            forbidden: counters.counter("fabric_forbidden_events"),
            stale: counters.counter("fabric_stale_frames"),
            nacks: counters.counter("fabric_nacks_sent_messages"),
            resends: counters.counter("fabric_resent_events"),
            duplicates: counters.counter("fabric_duplicate_events"),
            overflow: counters.counter("fabric_overflow_events"),
            gaps: counters.counter("fabric_gaps_ranges"),
            redelivered: counters.counter("fabric_redelivered_batches"),
            not_retained: counters.counter("not_retained_events"),
            behind: counters.counter("fabric_behind_frames"),
            refused: counters.counter("fabric_refused_events"),
            marks_ahead: counters.counter("fabric_marks_ahead_messages"),
            marks_fallen: counters.counter("fabric_marks_fallen_messages"),
            given_up: counters.counter("fabric_given_up_events"),
            reopened: counters.counter("fabric_reopened_sessions"),
            interest_cut_off: counters.counter("fabric_interest_cut_off_filters"),
            expired: counters.counter("queue_expired_events"),
            buried: counters.counter("dead_letter_events"),
            not_taken: counters.counter("fabric_not_taken_batches"),
            deny_lists: counters.counter("fabric_deny_lists_offered"),
        }
    }
}
