//! HTTP, 0.3.0, and WebSockets, 0.1.0.

use serde::Serialize;
use serde_json::Value;

/// A request. None = not told.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct HttpOperation {
    /// Its method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<HttpMethod>,
    /// The schema of its query: an object with properties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<Value>,
}

/// A method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "they are called what they are")]
pub enum HttpMethod {
    Get,
    Put,
    Post,
    Patch,
    Delete,
    Head,
    Options,
}

/// A request's or an answer's headers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpMessage {
    /// Their schema: an object with properties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Value>,
    /// The status of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
}

/// How a connection is opened. None = not told.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct WsChannel {
    /// The method of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<WsMethod>,
    /// The schema of its query: an object with properties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<Value>,
    /// The schema of its headers: an object with properties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Value>,
}

/// The method of the request that opens a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "they are called what they are")]
pub enum WsMethod {
    Get,
    Post,
}
