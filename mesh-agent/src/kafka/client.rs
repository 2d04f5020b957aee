//! A client's context: where the library's own complaints go.
//!
//! The library reconnects by itself and tells about it in lines. The newest one that says something is kept, so that
//! a part can say why it does not get on.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::trouble::Target;

/// The newest complaint of a client. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Complaints(Arc<Mutex<Option<Complaint>>>);

#[derive(Clone, Debug)]
struct Complaint {
    at: Instant,
    code: Code,
    reason: String,
}

/// A complaint is taken for the cause of a failure for this long. The library repeats itself every 30 s and tries to
/// connect every 5 s, so a trouble that lasts is never forgotten between.
const MEMORY: Duration = Duration::from_secs(45);

impl Complaints {
    /// Keeps a complaint. "All brokers are down" and timeouts follow a better reason and never replace it.
    pub fn note(&self, code: Code, reason: &str) {
        let mut last = self.0.lock().expect("no panic while held");
        if is_vague(code) && last.as_ref().is_some_and(|complaint| complaint.at.elapsed() < MEMORY) {
            return;
        }
        *last = Some(Complaint { at: Instant::now(), code, reason: reason.to_owned() });
    }

    /// Looks at a line of the library's own log. Some failures (a broker that hangs up on a client without TLS) are told
    /// there only.
    pub fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level, facility, line);
        if facility != "FAIL" {
            return;
        }
        // `[thrd:name]: host:port/bootstrap: what happened`
        let reason = line.rsplit_once("]: ").map_or(line, |(_, rest)| rest);
        let reason = reason.split_once(": ").map_or(reason, |(_, rest)| rest);
        let mut last = self.0.lock().expect("no panic while held");
        let better = |complaint: &Complaint| complaint.at.elapsed() < MEMORY && !is_vague(complaint.code);
        if !last.as_ref().is_some_and(better) {
            *last = Some(Complaint { at: Instant::now(), code: guess(reason), reason: reason.to_owned() });
        }
    }

    /// Forgets it: the client works again.
    pub fn clear(&self) {
        *self.0.lock().expect("no panic while held") = None;
    }

    /// The sentence about a failure with this code, with the reason the client gave before it.
    #[must_use]
    pub fn explain(&self, target: &Target, code: Code) -> String {
        match self.recent() {
            Some(complaint) => target.connection(complaint.code, &complaint.reason),
            None => target.connection(code, ""),
        }
    }

    /// The sentence about the newest complaint that is not forgotten yet.
    #[must_use]
    pub fn newest(&self, target: &Target) -> Option<String> {
        self.recent().map(|complaint| target.connection(complaint.code, &complaint.reason))
    }

    fn recent(&self) -> Option<Complaint> {
        let last = self.0.lock().expect("no panic while held");
        last.clone().filter(|complaint| complaint.at.elapsed() < MEMORY)
    }
}

/// The code of a line: the line comes before the error that has one.
fn guess(line: &str) -> Code {
    if line.starts_with("SASL authentication error") {
        Code::Authentication
    } else if line.starts_with("SSL handshake failed") {
        Code::SSL
    } else if line.starts_with("Failed to resolve") {
        Code::Resolve
    } else {
        Code::BrokerTransportFailure
    }
}

fn is_vague(code: Code) -> bool {
    matches!(code, Code::AllBrokersDown | Code::OperationTimedOut)
}

/// The context of a client that only asks (discovery, probes).
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Where its complaints go.
    pub complaints: Complaints,
}

/// Asks, without belonging to a group.
pub type Asker = BaseConsumer<Context>;

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.complaints.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.complaints.note(code_of(&error), reason);
    }

    fn stats_raw(&self, _: &[u8]) {}
}

impl ConsumerContext for Context {}

/// The library's own lines, for those who debug the agent: what matters to a person reaches the part's state.
fn log_line(level: RDKafkaLogLevel, facility: &str, line: &str) {
    tracing::debug!(?level, facility, "{line}");
}

/// The code inside an error of the library.
#[must_use]
pub fn code_of(error: &KafkaError) -> Code {
    error.rdkafka_error_code().unwrap_or(Code::Fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vague_complaint_never_hides_a_better_one() {
        let complaints = Complaints::default();
        complaints.note(Code::Authentication, "bad password");
        complaints.note(Code::AllBrokersDown, "1/1 brokers are down");
        assert_eq!(complaints.recent().map(|complaint| complaint.code), Some(Code::Authentication));
        complaints.log(RDKafkaLogLevel::Info, "FAIL", "[thrd:x]: host:9092/1: Disconnected: something");
        assert_eq!(complaints.recent().map(|complaint| complaint.code), Some(Code::Authentication));
        complaints.clear();
        complaints.note(Code::AllBrokersDown, "1/1 brokers are down");
        assert_eq!(complaints.recent().map(|complaint| complaint.code), Some(Code::AllBrokersDown));
        complaints.log(RDKafkaLogLevel::Info, "FAIL", "[thrd:x]: host:9092/1: Disconnected: may want SSL");
        assert_eq!(
            complaints.recent().map(|complaint| complaint.reason),
            Some("Disconnected: may want SSL".to_owned())
        );
    }
}
