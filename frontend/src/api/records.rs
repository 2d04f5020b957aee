//! Records of a Kafka topic, as an agent reads them when somebody asks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Millis;

/// Which records. Without anything, the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordsInput {
    /// Only this partition.
    #[serde(default)]
    pub partition: Option<i32>,
    /// From this offset on, the oldest first asked for; needs a partition.
    #[serde(default)]
    pub offset: Option<i64>,
    /// From this moment on, by the records' own time.
    #[serde(default)]
    pub since: Option<Millis>,
    /// Where another answer said that it goes on; takes the place of `offset` and `since`.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Only records whose key, payload or a header holds this text, upper and lower case alike.
    #[serde(default)]
    pub find: String,
    /// At most so many; 50 when not given, 200 at most.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Records, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordsPage {
    /// By their time.
    pub items: Vec<RecordView>,
    /// Cursor of older records; none = there are none.
    pub older: Option<String>,
    /// Cursor of newer records, those that come included.
    pub newer: String,
    /// So many were read through.
    pub looked_at: u64,
    /// Why it ended before all that was asked was looked at.
    pub stopped: Option<String>,
    /// Why values are not shown, and what would help; none = they are.
    pub masked: Option<String>,
    /// When it was looked.
    pub at: Millis,
    /// The agent that looked.
    pub by: String,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordView {
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its own time; none = it has none.
    pub at: Option<Millis>,
    /// Its key; none = it has none.
    pub key: Option<ContentView>,
    /// Its payload; none = it has none, which a compacted topic takes for a deletion.
    pub payload: Option<ContentView>,
    /// Its headers.
    pub headers: Vec<RecordHeader>,
    /// Headers for which there was no room.
    pub headers_left_out: u64,
}

/// A header of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: ContentView,
}

/// How bytes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentForm {
    /// As the text they are.
    Text,
    /// As JSON: they are JSON, or were read with their schema.
    Json,
    /// In base64: nothing is known of them.
    Base64,
    /// Not at all.
    Masked,
}

/// A key, a payload or a header's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContentView {
    /// How many bytes it has.
    pub bytes: u64,
    /// How they are told.
    pub form: ContentForm,
    /// They themselves.
    pub text: String,
    /// Some at the end are left out.
    pub cut: bool,
    /// The schema that it names.
    pub schema: Option<RecordSchema>,
    /// What of it is masked by the tags of fields, and why; none = nothing, or all of the page is.
    #[serde(default)]
    pub masked: Option<String>,
}

/// The schema that a record names by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordSchema {
    /// The id.
    pub id: u32,
    /// Subject and version; none = nothing is registered under the id.
    pub name: Option<String>,
    /// Its page.
    pub href: Option<String>,
    /// Why the bytes could not be read with it.
    pub problem: Option<String>,
}
