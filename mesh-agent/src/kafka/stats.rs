//! The few facts we take from the client library's own statistics: whether any broker answers, and how far partitions
//! reach. They come for free with every client, where asking the cluster would cost requests.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How often clients tell them, in milliseconds.
pub const INTERVAL_MS: &str = "3000";

/// The facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// At least one connection stands and is logged in.
    pub up: bool,
    /// Topic, partition, next offset to be written.
    pub ends: Vec<(String, i32, i64)>,
}

#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    brokers: BTreeMap<String, Broker>,
    #[serde(default)]
    topics: BTreeMap<String, Topic>,
}

#[derive(Deserialize)]
struct Broker {
    #[serde(default)]
    state: String,
}

#[derive(Deserialize)]
struct Topic {
    #[serde(default)]
    partitions: BTreeMap<String, Partition>,
}

#[derive(Deserialize)]
struct Partition {
    partition: i32,
    #[serde(default = "unknown")]
    ls_offset: i64,
}

const fn unknown() -> i64 {
    -1
}

/// Reads them; what cannot be read counts as nothing known.
#[must_use]
pub fn read(json: &[u8]) -> Option<Stats> {
    let whole: Whole = serde_json::from_slice(json).ok()?;
    let up = whole.brokers.values().any(|broker| broker.state == "UP");
    let mut ends = Vec::new();
    for (name, topic) in whole.topics {
        let known =
            topic.partitions.into_values().filter(|partition| partition.partition >= 0 && partition.ls_offset >= 0);
        ends.extend(known.map(|partition| (name.clone(), partition.partition, partition.ls_offset)));
    }
    Some(Stats { up, ends })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_are_found_among_the_rest() {
        let json = br#"{"name":"x","brokers":{"a:1/1":{"state":"UP","nodeid":1},"b":{"state":"DOWN"}},
            "topics":{"t":{"partitions":{"0":{"partition":0,"ls_offset":7,"hi_offset":9},"-1":{"partition":-1}}}}}"#;
        assert_eq!(read(json), Some(Stats { up: true, ends: vec![("t".to_owned(), 0, 7)] }));
        assert_eq!(read(b"{}"), Some(Stats::default()));
        assert_eq!(read(b"oops"), None);
    }
}
