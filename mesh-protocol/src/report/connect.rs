//! What a Kafka Connect cluster says of itself and of its connectors.
//!
//! A connector's settings hold passwords, tokens and addresses of systems that are nobody's business here, under names
//! that each plugin chooses. So only settings that are known to be harmless are told ([`CONFIG_KEYS`]): whatever else there
//! is does not leave the agent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The settings of a connector that are told.
pub const CONFIG_KEYS: [&str; 5] = ["connector.class", "tasks.max", "topic", "topics", "topics.regex"];
/// Most tasks that are told of one connector.
pub const CONNECTOR_TASKS_MAX: usize = 200;
/// Most topics that are told of one connector.
pub const CONNECTOR_TOPICS_MAX: usize = 500;

/// What Kafka Connect calls a connector or task that has given up.
const FAILED: &str = "FAILED";

/// A Kafka Connect cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectFacts {
    /// Version of the worker that was asked; empty = it does not tell.
    pub version: String,
    /// Id of the Kafka cluster it works with; none = it does not tell.
    pub kafka_cluster_id: Option<String>,
    /// Workers that connectors and tasks run at, in order. One that runs nothing is not seen.
    pub workers: Vec<String>,
    /// Connectors that are told.
    pub connectors: u64,
    /// Connectors left out because there were more.
    pub connectors_left_out: u64,
}

/// A connector of Kafka Connect ("Connect connector"; a connector of the mesh is another thing).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorFacts {
    /// `source` (writes to Kafka) or `sink` (reads from it); empty = it could not be read.
    pub direction: String,
    /// `RUNNING`, `FAILED`, `PAUSED`...; empty = it could not be read.
    pub state: String,
    /// The worker that it runs at, `host:port`; none = at none.
    pub worker: Option<String>,
    /// First line of why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// In order, at most [`CONNECTOR_TASKS_MAX`].
    pub tasks: Vec<TaskFacts>,
    /// Tasks left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub tasks_left_out: u64,
    /// Those of [`CONFIG_KEYS`] that are set.
    pub config: BTreeMap<String, String>,
    /// Topics it writes to or reads, in order, at most [`CONNECTOR_TOPICS_MAX`].
    pub topics: Vec<String>,
    /// Topics left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub topics_left_out: u64,
    /// How the topics are known.
    #[serde(default)]
    pub topics_from: TopicsFrom,
}

impl ConnectorFacts {
    /// Whether it or one of its tasks has failed.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.state == FAILED || self.tasks.iter().any(|task| task.state == FAILED)
    }
}

/// One task of a connector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFacts {
    /// Number.
    pub id: i64,
    /// `RUNNING`, `FAILED`...
    pub state: String,
    /// The worker that it runs at, `host:port`; none = at none.
    pub worker: Option<String>,
    /// First line of why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// How the topics of a connector are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopicsFrom {
    /// The workers saw it use them.
    Use,
    /// Its settings name them; whether it uses them nobody says.
    #[default]
    Settings,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ObjectFacts;

    #[test]
    fn facts_are_read_as_written() {
        let connect = ConnectFacts {
            version: "4.1.1".into(),
            kafka_cluster_id: Some("abc".into()),
            workers: vec!["connect-1:8083".into()],
            connectors: 1,
            connectors_left_out: 0,
        };
        let task = TaskFacts { id: 0, state: "FAILED".into(), worker: None, trouble: Some("no such file".into()) };
        let connector = ConnectorFacts {
            direction: "source".into(),
            state: "RUNNING".into(),
            worker: Some("connect-1:8083".into()),
            tasks: vec![task],
            config: BTreeMap::from([("topic".into(), "orders".into())]),
            topics: vec!["orders".into()],
            topics_from: TopicsFrom::Use,
            ..ConnectorFacts::default()
        };
        for (facts, text) in [
            (
                ObjectFacts::Connect(connect),
                r#"{"kind":"connect","version":"4.1.1","kafka_cluster_id":"abc","workers":["connect-1:8083"],"connectors":1,"connectors_left_out":0}"#,
            ),
            (
                ObjectFacts::ConnectConnector(connector),
                r#"{"kind":"connect_connector","direction":"source","state":"RUNNING","worker":"connect-1:8083","tasks":[{"id":0,"state":"FAILED","worker":null,"trouble":"no such file"}],"config":{"topic":"orders"},"topics":["orders"],"topics_from":"use"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&facts).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<ObjectFacts>(text).expect(text), facts);
        }
    }
}
