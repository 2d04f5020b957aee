//! What listeners count. Names are shared by all listeners of the agent.

use crate::counters::{Counter, Counters};

#[derive(Debug)]
pub(super) struct Metrics {
    /// Packets that are no MQTT, or break its rules.
    pub(super) malformed: Counter,
    /// Connections that did not say who they are in time.
    pub(super) silent: Counter,
    /// Logins refused.
    pub(super) refused_logins: Counter,
    /// Publishes that policy refused.
    pub(super) denied: Counter,
    /// Publishes whose payload is not what is promised at their topic.
    pub(super) invalid: Counter,
    /// Publishes that go into dead letters for it, because their contract says so.
    pub(super) diverted: Counter,
    /// Publishes refused because a limit was passed.
    pub(super) rejected: Counter,
    /// Publishes refused because a grant's quota was used up.
    pub(super) over_quota: Counter,
    /// Direct events not sent because a subscriber's grant's quota was used up.
    pub(super) dropped_over_quota: Counter,
    /// Guaranteed publishes not taken by everybody in time.
    pub(super) custody_timeouts: Counter,
    /// Guaranteed publishes that an outlet refused.
    pub(super) custody_failures: Counter,
    /// Direct events dropped because a subscriber's queue was full.
    pub(super) dropped_slow: Counter,
    /// Events that were queued or unacknowledged when their subscriber's session ended.
    pub(super) ended_with_session: Counter,
    /// Events not sent because their time to live had passed.
    pub(super) expired: Counter,
    /// Events inside a subscription that the subscriber may not read.
    pub(super) withheld: Counter,
    /// Events larger than the subscriber's own maximum packet size.
    pub(super) too_large_for_client: Counter,
    /// Wills that could not be published.
    pub(super) lost_wills: Counter,
    /// Clients told to use the agent that has the site's sessions and queues.
    pub(super) sent_on: Counter,
    /// MQTT 3.1.1 connections carried there.
    pub(super) carried: Counter,
    /// Those that it did not take.
    pub(super) not_carried: Counter,
}

impl Metrics {
    pub(super) fn new(counters: &Counters) -> Self {
        Self {
            malformed: counters.counter("malformed_packets"),
            silent: counters.counter("silent_connections"),
            refused_logins: counters.counter("refused_logins"),
            denied: counters.counter("denied_publish_events"),
            invalid: counters.counter("invalid_publish_events"),
            diverted: counters.counter("diverted_publish_events"),
            rejected: counters.counter("rejected_publish_events"),
            over_quota: counters.counter("over_quota_publish_events"),
            dropped_over_quota: counters.counter("dropped_over_quota_events"),
            custody_timeouts: counters.counter("custody_timeout_events"),
            custody_failures: counters.counter("custody_failed_events"),
            dropped_slow: counters.counter("dropped_slow_consumer_events"),
            ended_with_session: counters.counter("ended_with_session_events"),
            expired: counters.counter("expired_events"),
            withheld: counters.counter("withheld_events"),
            too_large_for_client: counters.counter("too_large_for_client_events"),
            lost_wills: counters.counter("lost_will_events"),
            sent_on: counters.counter("redirected_clients"),
            carried: counters.counter("carried_connections"),
            not_carried: counters.counter("failed_carried_connections"),
        }
    }
}
