//! MQTT 3.1.1 and 5, 0.2.0. The bindings called `mqtt5` are no longer known.

use serde::Serialize;
use serde_json::Value;

/// A quality of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
pub enum Qos {
    /// 0.
    AtMostOnce,
    /// 1.
    AtLeastOnce,
    /// 2.
    ExactlyOnce,
}

impl From<Qos> for u8 {
    fn from(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce => 0,
            Qos::AtLeastOnce => 1,
            Qos::ExactlyOnce => 2,
        }
    }
}

/// How a client connects. None = as it likes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MqttServer {
    /// The client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Whether the session begins anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clean_session: Option<bool>,
    /// What is published when the client is lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_will: Option<LastWill>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_alive: Option<u16>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_expiry_interval: Option<u32>,
    /// In bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_packet_size: Option<std::num::NonZeroU32>,
}

/// What is published when a client is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastWill {
    /// Where.
    pub topic: String,
    /// How.
    pub qos: Qos,
    /// What.
    pub message: String,
    /// Whether it stays.
    pub retain: bool,
}

/// How something is published or subscribed to. None = as the client likes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MqttOperation {
    /// The quality of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qos: Option<Qos>,
    /// Whether the last one stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retain: Option<bool>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_expiry_interval: Option<u32>,
}

/// A PUBLISH. None = not told.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MqttMessage {
    /// Whether the payload is UTF-8 (1) or bytes (0).
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_number")]
    pub payload_format_indicator: Option<bool>,
    /// The schema of the correlation data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_data: Option<Value>,
    /// The content type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Where answers go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_topic: Option<String>,
}

#[expect(clippy::ref_option, reason = "serde asks for it")]
fn as_number<S: serde::Serializer>(is_text: &Option<bool>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(u8::from(is_text.unwrap_or_default()))
}
