//! What protocols add to servers, channels, operations and messages.
//!
//! The objects of the bindings are closed, and what one protocol has at one level another has not. So there is a type
//! for each that exists, with the fields it has and no others; those that are reserved (everything of AMQP 1.0, the
//! channels of MQTT) cannot be made at all. They become JSON at the edge, with their version.

mod kafka;
mod mqtt;
mod solace;
mod versions;
mod web;

use serde::Serialize;
use serde_json::{Map, Value};

pub use kafka::{
    CleanupPolicy, KafkaChannel, KafkaMessage, KafkaOperation, KafkaServer, Registry, SchemaIdLocation,
    TopicConfiguration,
};
pub use mqtt::{LastWill, MqttMessage, MqttOperation, MqttServer, Qos};
pub use solace::{AccessType, DeliveryMode, Destination, SolaceOperation, SolaceQueue, SolaceServer};
pub use versions::{binding_of, versions};
pub use web::{HttpMessage, HttpMethod, HttpOperation, WsChannel, WsMethod};

use crate::document::Version;
use crate::parts::Level;

/// What a protocol adds to a server.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerBinding {
    /// Kafka.
    Kafka(KafkaServer),
    /// MQTT.
    Mqtt(MqttServer),
    /// Solace.
    Solace(SolaceServer),
}

/// What a protocol adds to a channel.
#[derive(Clone, Debug, PartialEq)]
pub enum ChannelBinding {
    /// Kafka.
    Kafka(KafkaChannel),
    /// WebSockets.
    Ws(WsChannel),
}

/// What a protocol adds to an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum OperationBinding {
    /// Kafka.
    Kafka(KafkaOperation),
    /// MQTT.
    Mqtt(MqttOperation),
    /// HTTP.
    Http(HttpOperation),
    /// Solace.
    Solace(SolaceOperation),
}

/// What a protocol adds to a message.
#[derive(Clone, Debug, PartialEq)]
pub enum MessageBinding {
    /// Kafka.
    Kafka(KafkaMessage),
    /// MQTT.
    Mqtt(MqttMessage),
    /// HTTP.
    Http(HttpMessage),
}

/// Something that becomes an entry of a `bindings` object.
pub(crate) trait Binding {
    const LEVEL: Level;

    /// The key of its protocol, and its fields.
    fn fields(&self) -> (&'static str, Value);
}

macro_rules! bindings {
    ($($binding:ident, $level:ident: $($variant:ident($fields:ident) $protocol:literal),*;)*) => {$(
        impl Binding for $binding {
            const LEVEL: Level = Level::$level;

            fn fields(&self) -> (&'static str, Value) {
                match self {
                    $(Self::$variant(fields) => ($protocol, to_value(fields)),)*
                }
            }
        }
        $(impl From<$fields> for $binding {
            fn from(fields: $fields) -> Self {
                Self::$variant(fields)
            }
        })*
    )*};
}

bindings! {
    ServerBinding, Server: Kafka(KafkaServer) "kafka", Mqtt(MqttServer) "mqtt", Solace(SolaceServer) "solace";
    ChannelBinding, Channel: Kafka(KafkaChannel) "kafka", Ws(WsChannel) "ws";
    OperationBinding, Operation:
        Kafka(KafkaOperation) "kafka", Mqtt(MqttOperation) "mqtt", Http(HttpOperation) "http", Solace(SolaceOperation) "solace";
    MessageBinding, Message: Kafka(KafkaMessage) "kafka", Mqtt(MqttMessage) "mqtt", Http(HttpMessage) "http";
}

fn to_value(fields: &impl Serialize) -> Value {
    serde_json::to_value(fields).expect("bindings have texts as keys")
}

/// A `bindings` object: protocols in the order of the alphabet, each with the latest version of its bindings.
pub(crate) fn to_object<B: Binding>(bindings: &[B], version: Version) -> Map<String, Value> {
    let mut object = Map::new();
    for binding in bindings {
        let (protocol, mut fields) = binding.fields();
        let latest = versions(version, B::LEVEL, protocol).and_then(|versions| versions.first());
        if let (Some(latest), Some(fields)) = (latest, fields.as_object_mut()) {
            fields.insert("bindingVersion".into(), (*latest).into());
        }
        object.insert(protocol.into(), fields);
    }
    object.sort_keys();
    object
}
