//! What a broker tells of itself in topics below `$SYS`. The names are Mosquitto's, which other brokers took over in part.

use std::collections::{BTreeMap, BTreeSet};

use mesh_protocol::report::MqttFacts;

use crate::http::rest::shown;

/// Most topics of the broker's own that are kept apart: a broker has some dozens.
const TOPICS_MAX: usize = 2_000;
/// Longest value that is looked at.
const VALUE_BYTES_MAX: usize = 500;

/// The topics that mean something here.
const KNOWN: [&str; 10] = [
    "version",
    "uptime",
    "clients/connected",
    "clients/total",
    "subscriptions/count",
    "retained messages/count",
    "messages/received",
    "messages/sent",
    "bytes/received",
    "bytes/sent",
];

/// What it told last.
#[derive(Debug, Default)]
pub(super) struct System {
    values: BTreeMap<&'static str, String>,
    topics: BTreeSet<String>,
}

impl System {
    /// Takes a message; false = it is none of the broker's own.
    pub(super) fn take(&mut self, topic: &str, payload: &[u8]) -> bool {
        if !topic.starts_with("$SYS/") {
            return false;
        }
        if self.topics.len() < TOPICS_MAX && !self.topics.contains(topic) {
            self.topics.insert(topic.to_owned());
        }
        let known = topic.strip_prefix("$SYS/broker/").and_then(|name| KNOWN.iter().find(|known| **known == name));
        if let (Some(known), true) = (known, payload.len() <= VALUE_BYTES_MAX) {
            self.values.insert(known, shown(&String::from_utf8_lossy(payload)));
        }
        true
    }

    /// Whether it told anything.
    pub(super) fn is_told(&self) -> bool {
        !self.topics.is_empty()
    }

    /// Whether it did not say what it is.
    pub(super) fn is_silent_about_version(&self) -> bool {
        !self.values.contains_key("version")
    }

    /// Topics of its own, each of which keeps a message.
    pub(super) fn topics(&self) -> u64 {
        self.topics.len() as u64
    }

    /// Messages that it keeps, its own among them.
    pub(super) fn retained(&self) -> Option<u64> {
        self.number("retained messages/count")
    }

    /// The first number of a value: `21 seconds`, `17.00`.
    fn number(&self, name: &str) -> Option<u64> {
        let text = self.values.get(name)?;
        let digits: String = text.trim().chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    }

    /// As facts, without the addresses.
    pub(super) fn facts(&self) -> MqttFacts {
        MqttFacts {
            tells: self.is_told(),
            version: self.values.get("version").filter(|version| !version.is_empty()).cloned(),
            uptime_s: self.number("uptime"),
            clients_connected: self.number("clients/connected"),
            clients_total: self.number("clients/total"),
            subscriptions: self.number("subscriptions/count"),
            retained_messages: self.retained(),
            messages_received: self.number("messages/received"),
            messages_sent: self.number("messages/sent"),
            bytes_received: self.number("bytes/received"),
            bytes_sent: self.number("bytes/sent"),
            ..MqttFacts::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mosquitto_tells_is_understood() {
        let mut system = System::default();
        for (topic, value) in [
            ("$SYS/broker/version", "mosquitto version 2.0.11"),
            ("$SYS/broker/uptime", "21 seconds"),
            ("$SYS/broker/clients/connected", "1"),
            ("$SYS/broker/clients/total", "x"),
            ("$SYS/broker/retained messages/count", "7053"),
            ("$SYS/broker/load/bytes/sent/1min", "715480.13"),
            ("$SYS/broker/bytes/sent", "738715"),
        ] {
            assert!(system.take(topic, value.as_bytes()), "{topic}");
        }
        assert!(!system.take("orders/eu", b"secret") && system.topics() == 7);
        let facts = system.facts();
        assert_eq!(facts.version.as_deref(), Some("mosquitto version 2.0.11"));
        assert_eq!((facts.uptime_s, facts.clients_connected, facts.clients_total), (Some(21), Some(1), None));
        assert_eq!((facts.retained_messages, facts.bytes_sent, facts.messages_sent), (Some(7053), Some(738_715), None));
        assert!(facts.tells && !System::default().facts().tells);
    }

    #[test]
    fn a_broker_with_odd_values_is_no_danger() {
        let mut system = System::default();
        for number in 0..3_000 {
            system.take(&format!("$SYS/{number}"), b"1");
        }
        system.take("$SYS/broker/version", &[0xff; 100_000]);
        system.take("$SYS/broker/uptime", &[0xff, 0xfe]);
        system.take("$SYS/broker/messages/sent", b"99999999999999999999999");
        assert_eq!((system.topics(), system.facts().version, system.facts().uptime_s), (TOPICS_MAX as u64, None, None));
        assert_eq!(system.facts().messages_sent, None);
    }
}
