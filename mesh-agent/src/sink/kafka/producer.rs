//! The producer and what its delivery reports do.
//!
//! A report carries the number of its entry in the window. It runs on the producer's own thread: short, no waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{NoCustomPartitioner, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode as Code;

use super::intake::Intake;
use super::writer::Tally;
use crate::kafka::client::{Complaints, code_of};
use crate::kafka::contact::Contact;
use crate::kafka::stats;

/// A producer with a thread that serves its reports.
pub(super) type Producer = ThreadedProducer<Reports>;

/// Takes delivery reports.
#[derive(Clone, Debug)]
pub(super) struct Reports {
    pub(super) intake: Arc<Intake>,
    pub(super) tally: Arc<Tally>,
    pub(super) complaints: Complaints,
    pub(super) contact: Contact,
    /// This producer cannot go on; the writer makes a new one and sends the window again.
    pub(super) broken: Arc<AtomicBool>,
}

/// What an error of one record means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The cluster will never take this record as it is.
    Refused,
    /// Nothing is known about it: it stays in the window and goes out with the next producer.
    Unknown,
}

/// Sorts errors of records. What is not surely for good is tried again: nothing may be lost by a guess.
pub(super) fn verdict(code: Code) -> Verdict {
    match code {
        Code::MessageSizeTooLarge
        | Code::MessageBatchTooLarge
        | Code::UnknownTopic
        | Code::UnknownTopicOrPartition
        | Code::UnknownPartition
        | Code::InvalidTopic
        | Code::InvalidRecord
        | Code::PolicyViolation
        | Code::TopicAuthorizationFailed => Verdict::Refused,
        _ => Verdict::Unknown,
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.complaints.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = code_of(&error);
        self.complaints.note(code, reason);
        if code == Code::Fatal {
            self.broken.store(true, Ordering::Release);
        }
    }

    fn stats_raw(&self, json: &[u8]) {
        if let Some(stats) = stats::read(json) {
            self.contact.told(stats.up);
        }
    }
}

impl ProducerContext<NoCustomPartitioner> for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        match result {
            Ok(_) => {
                if let Some(entry) = self.intake.complete(number) {
                    self.tally.taken(&entry);
                    if let Some(hold) = entry.hold {
                        hold.done();
                    }
                }
            }
            Err((error, message)) => self.failed(code_of(error), message.topic(), number),
        }
    }
}

impl Reports {
    fn failed(&self, code: Code, topic: &str, number: usize) {
        match (verdict(code), code) {
            (Verdict::Refused, _) => {
                if let Some(entry) = self.intake.complete(number) {
                    self.tally.refuse(&entry.event, entry.hold, code, topic);
                }
            }
            // Our own purge, when the producer goes.
            (Verdict::Unknown, Code::PurgeQueue | Code::PurgeInflight) => {}
            (Verdict::Unknown, _) => {
                self.complaints.note(code, "");
                self.broken.store(true, Ordering::Release);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_surely_for_good_is_refused() {
        for code in [Code::MessageSizeTooLarge, Code::UnknownTopicOrPartition, Code::TopicAuthorizationFailed] {
            assert_eq!(verdict(code), Verdict::Refused, "{code:?}");
        }
        for code in [Code::MessageTimedOut, Code::Fatal, Code::PurgeQueue, Code::BrokerTransportFailure] {
            assert_eq!(verdict(code), Verdict::Unknown, "{code:?}");
        }
    }
}
