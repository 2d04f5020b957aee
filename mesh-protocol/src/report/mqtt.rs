//! What an MQTT broker says of itself, and at which addresses it keeps a message for whoever comes later. What the messages
//! say does not leave the agent.

use serde::{Deserialize, Serialize};

/// Most addresses with a retained message that are told of one broker.
pub const MQTT_ADDRESSES_MAX: usize = 5_000;

/// An MQTT broker. All but the counts of addresses comes from its own topics (`$SYS`), which not every broker has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MqttFacts {
    /// It tells something of itself.
    pub tells: bool,
    /// Name and version of the program.
    pub version: Option<String>,
    /// Seconds since it started.
    pub uptime_s: Option<u64>,
    /// Clients that are connected.
    pub clients_connected: Option<u64>,
    /// Those and the sessions of others.
    pub clients_total: Option<u64>,
    /// Subscriptions.
    pub subscriptions: Option<u64>,
    /// Retained messages, its own among them.
    pub retained_messages: Option<u64>,
    /// Messages that it got since it started.
    pub messages_received: Option<u64>,
    /// Messages that it sent since it started.
    pub messages_sent: Option<u64>,
    /// Bytes that it got since it started.
    pub bytes_received: Option<u64>,
    /// Bytes that it sent since it started.
    pub bytes_sent: Option<u64>,
    /// Addresses with a retained message that are told.
    pub addresses: u64,
    /// Such addresses left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub addresses_left_out: u64,
    /// It did not get done in the time there is: there may be more.
    #[serde(default)]
    pub addresses_in_part: bool,
}

/// An address at which an MQTT broker keeps a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MqttAddressFacts {
    /// Bytes of the message.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ObjectFacts;

    #[test]
    fn facts_are_read_as_written() {
        let broker = MqttFacts { tells: true, version: Some("mosquitto".into()), addresses: 1, ..MqttFacts::default() };
        for (facts, text) in [
            (
                ObjectFacts::Mqtt(broker),
                r#"{"kind":"mqtt","tells":true,"version":"mosquitto","uptime_s":null,"clients_connected":null,"clients_total":null,"subscriptions":null,"retained_messages":null,"messages_received":null,"messages_sent":null,"bytes_received":null,"bytes_sent":null,"addresses":1,"addresses_in_part":false}"#,
            ),
            (ObjectFacts::MqttAddress(MqttAddressFacts { bytes: 12 }), r#"{"kind":"mqtt_address","bytes":12}"#),
        ] {
            assert_eq!(serde_json::to_string(&facts).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<ObjectFacts>(text).expect(text), facts);
        }
    }
}
