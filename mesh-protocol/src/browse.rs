//! What people ask of a Kafka topic at an agent that can reach its cluster, and what it answers: a look at records, nothing
//! else. They travel over the control session; see [`wire`](crate::wire).
//!
//! A look changes nothing at the cluster: it joins no group and commits nothing. Places are offsets by partition, so that
//! a look can go on where another one ended, towards older records or newer ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::BrokerId;
use crate::schema_id::SchemaId;

/// Most records in one answer.
pub const RECORDS_MAX: u32 = 200;
/// Largest piece of one payload or key in an answer, in bytes.
pub const CONTENT_BYTES_MAX: u32 = 64 * 1024;
/// All payloads of one answer together, in bytes: far below what one control message may hold, whatever is escaped in it.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Most headers of one record in an answer; the rest is counted.
pub const HEADERS_MAX: usize = 64;
/// Longest value of one header in an answer, in bytes.
pub const HEADER_BYTES_MAX: usize = 1024;
/// Most records that one look reads through.
pub const LOOKED_AT_MAX: u64 = 50_000;
/// Longest text to look for, in bytes.
pub const FIND_BYTES_MAX: usize = 256;

/// Offsets by partition.
pub type Places = BTreeMap<i32, i64>;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicAsk {
    /// The cluster.
    pub broker: BrokerId,
    /// The topic there.
    pub topic: String,
    /// Only this partition.
    pub partition: Option<i32>,
    /// Which records.
    pub from: TopicFrom,
    /// Only records whose key, payload or a header holds this text, upper and lower case alike. Empty = all.
    pub find: String,
    /// Schemas whose values whoever asks may not see: with a text to look for, no record that names one of them is found,
    /// wherever it has the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<SchemaId>,
    /// At most so many, and never more than [`RECORDS_MAX`].
    pub limit: u32,
    /// Keys and payloads are cut to this many bytes, and never longer than [`CONTENT_BYTES_MAX`].
    pub content_bytes_max: u32,
}

/// Where a look begins, and which way it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum TopicFrom {
    /// The newest there are.
    Newest,
    /// The newest before these places. A partition without a place has none.
    Before {
        /// The records at them are not meant.
        #[serde(with = "pairs")]
        places: Places,
    },
    /// The oldest from these places on. A partition without a place is read from its beginning.
    After {
        /// The records at them are meant.
        #[serde(with = "pairs")]
        places: Places,
    },
    /// The oldest from a moment on, by the records' own time.
    Since {
        /// Milliseconds since the Unix epoch.
        at_ms: i64,
    },
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum TopicAnswer {
    /// Records.
    Page(TopicPage),
    /// It was not done: what to do.
    Refused {
        /// For the person who asked.
        reason: String,
    },
}

/// Records of a look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicPage {
    /// By their time, partition and offset, the newest first.
    pub records: Vec<TopicRecord>,
    /// Older records are before these places; a partition without any has none.
    #[serde(with = "pairs")]
    pub older: Places,
    /// Newer records are, or will be, from these places on.
    #[serde(with = "pairs")]
    pub newer: Places,
    /// So many were read through.
    pub looked_at: u64,
    /// Why it ended before all that was asked was looked at.
    pub stopped: Option<String>,
    /// [`TopicAsk::hidden`] was heeded. An agent that is too old for it does not say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hides: bool,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicRecord {
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its own time, milliseconds since the Unix epoch; none = it has none.
    pub at_ms: Option<i64>,
    /// Its key; none = it has none.
    pub key: Option<Content>,
    /// Its payload; none = it has none, which a compacted topic takes for a deletion.
    pub payload: Option<Content>,
    /// Names and values, at most [`HEADERS_MAX`].
    pub headers: Vec<(String, Content)>,
    /// Headers left out.
    #[serde(default)]
    pub headers_left_out: u64,
}

/// Bytes as they can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// All of them, before any were cut.
    pub bytes: u64,
    /// What was not cut.
    pub piece: Piece,
}

/// A piece of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// They are text.
    Text(String),
    /// They are not: in base64, with padding.
    Base64(String),
}

/// Places travel as pairs: in a tagged JSON message a map has no numbers for keys.
mod pairs {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Places;

    pub(super) fn serialize<S: Serializer>(places: &Places, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(places)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Places, D::Error> {
        Ok(Vec::<(i32, i64)>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::wire::{ToAgent, ToControl};

    #[test]
    fn questions_and_answers_survive_the_wire() {
        let places = Places::from([(0, 7), (3, 1)]);
        let ask = TopicAsk {
            broker: BrokerId(Uuid::nil()),
            topic: "orders".to_owned(),
            partition: Some(3),
            from: TopicFrom::Before { places: places.clone() },
            find: "ada".to_owned(),
            hidden: SchemaId::new(7).into_iter().collect(),
            limit: 5,
            content_bytes_max: 9,
        };
        let message = ToAgent::AskTopic { request: 1, ask };
        let text = serde_json::to_string(&message).expect("is told");
        assert_eq!(serde_json::from_str::<ToAgent>(&text).expect("is read"), message, "{text}");
        let content = Content { bytes: 2, piece: Piece::Base64("AP8=".to_owned()) };
        let record = TopicRecord {
            partition: 3,
            offset: 6,
            at_ms: None,
            key: None,
            payload: Some(content.clone()),
            headers: vec![("trace".to_owned(), content)],
            headers_left_out: 1,
        };
        let page =
            TopicPage { records: vec![record], newer: places, looked_at: 3, hides: true, ..TopicPage::default() };
        let message = ToControl::TopicAnswer { request: 1, answer: TopicAnswer::Page(page) };
        let text = serde_json::to_string(&message).expect("is told");
        assert_eq!(serde_json::from_str::<ToControl>(&text).expect("is read"), message, "{text}");
    }

    #[test]
    fn an_agent_that_knows_nothing_of_hidden_schemas_does_not_claim_to_heed_them() {
        let old = r#"{"records":[],"older":[],"newer":[[0,7]],"looked_at":3,"stopped":null}"#;
        assert!(!serde_json::from_str::<TopicPage>(old).expect("is read").hides);
    }
}
