//! Discovery of a Kafka Connect cluster by its REST API: connectors with state, tasks and topics. Of a connector's settings
//! only those are looked at that cannot hold a secret; the others are dropped where the answer is read.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use mesh_protocol::report::{
    CONFIG_KEYS, CONNECTOR_TASKS_MAX, CONNECTOR_TOPICS_MAX, ConnectFacts, ConnectorFacts, MissingRight, ObjectFacts,
    RuntimeObject, TaskFacts, TopicsFrom,
};
use serde::Deserialize;
use serde_json::Value;

use super::surveyed::{Found, Notes, Scanner};
use crate::http::rest::{Failure, Rest, bounded, shown};

/// Most connectors that are told; the rest is counted.
const CONNECTORS_MAX: usize = 1_000;
/// Most workers that are told.
const WORKERS_MAX: usize = 500;
/// Most characters of a setting that are told.
const SETTING_CHARS_MAX: usize = 4_000;

/// Looks at one Kafka Connect cluster.
#[derive(Debug)]
pub(super) struct Connect {
    rest: Rest,
    version: String,
    kafka_cluster_id: Option<String>,
    connectors: BTreeMap<String, ConnectorFacts>,
    left_out: u64,
}

/// `GET /`
#[derive(Debug, Deserialize)]
struct About {
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    kafka_cluster_id: Option<String>,
}

/// `GET /connectors/NAME`
#[derive(Debug, PartialEq, Deserialize)]
struct Info {
    #[serde(default)]
    config: BTreeMap<String, Value>,
    #[serde(rename = "type", default)]
    direction: Option<String>,
}

/// `GET /connectors/NAME/status`
#[derive(Debug, PartialEq, Deserialize)]
struct Status {
    connector: Place,
    #[serde(default)]
    tasks: Vec<Task>,
    #[serde(rename = "type", default)]
    direction: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Place {
    state: String,
    #[serde(default)]
    worker_id: Option<String>,
    #[serde(default)]
    trace: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Task {
    id: i64,
    #[serde(flatten)]
    place: Place,
}

/// `GET /connectors/NAME/topics`: by the connector's name.
type Topics = BTreeMap<String, Used>;

#[derive(Debug, Deserialize)]
struct Used {
    topics: Vec<String>,
}

/// Of a connector's settings those that are known to be harmless.
fn harmless(config: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let told = CONFIG_KEYS.iter().filter_map(|key| Some(((*key).to_owned(), text(config.get(*key)?)?)));
    told.map(|(key, value)| (key, value.chars().take(SETTING_CHARS_MAX).collect())).collect()
}

/// The topics that settings name. What fits a pattern is not known here.
fn named(config: &BTreeMap<String, Value>) -> Vec<String> {
    let of = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default();
    let all = of("topics").split(',').chain([of("topic")]);
    all.map(str::trim).filter(|topic| !topic.is_empty()).map(str::to_owned).collect()
}

/// Takes what a connector's own page says.
fn take_info(facts: &mut ConnectorFacts, info: &Info) {
    if let Some(direction) = &info.direction {
        facts.direction = shown(direction);
    }
    facts.config = harmless(&info.config);
}

fn take_status(facts: &mut ConnectorFacts, status: Status) {
    if let Some(direction) = status.direction {
        facts.direction = shown(&direction);
    }
    facts.state = shown(&status.connector.state);
    facts.worker = worker(status.connector.worker_id.as_deref());
    facts.trouble = trouble(status.connector.trace.as_deref());
    let mut tasks = status.tasks;
    tasks.sort_by_key(|task| task.id);
    facts.tasks_left_out = tasks.len().saturating_sub(CONNECTOR_TASKS_MAX) as u64;
    let told = |task: Task| TaskFacts {
        id: task.id,
        state: shown(&task.place.state),
        worker: worker(task.place.worker_id.as_deref()),
        trouble: trouble(task.place.trace.as_deref()),
    };
    facts.tasks = tasks.into_iter().take(CONNECTOR_TASKS_MAX).map(told).collect();
}

fn take_topics(facts: &mut ConnectorFacts, topics: Vec<String>, from: TopicsFrom) {
    (facts.topics, facts.topics_left_out) = bounded(topics, CONNECTOR_TOPICS_MAX);
    facts.topics_from = from;
}

fn worker(id: Option<&str>) -> Option<String> {
    id.map(shown).filter(|id| !id.is_empty())
}

/// The first line of a trace.
fn trouble(trace: Option<&str>) -> Option<String> {
    trace.map(shown).filter(|line| !line.is_empty())
}

impl Connect {
    pub(super) fn new(rest: Rest) -> Self {
        Self { rest, version: String::new(), kafka_cluster_id: None, connectors: BTreeMap::new(), left_out: 0 }
    }

    /// Kafka Connect knows no rights of its own: what is refused is refused by what its owner has put before it.
    fn right(&self, what: &str, call: &str) -> MissingRight {
        MissingRight {
            what: what.to_owned(),
            right: format!("GET {call}"),
            command: format!("let {} call GET {call}, in what guards the REST API of Kafka Connect", self.rest.user()),
        }
    }

    /// Brings the list of connectors up to date. Whether it could be read.
    async fn list(&mut self, notes: &mut Notes) -> Result<bool, String> {
        let otherwise = "has no connectors: the URL must be that of the REST API of Kafka Connect, with the path that stands \
                         before /connectors";
        let answer = self.rest.first::<Vec<String>>(&["connectors"], otherwise).await?;
        let right = || self.right("which connectors there are", "/connectors");
        let Some(names) = notes.keep("the list of connectors", answer, right) else { return Ok(false) };
        let (names, left_out) = bounded(names, CONNECTORS_MAX);
        self.left_out = left_out;
        let mut known = std::mem::take(&mut self.connectors);
        let kept = |name: String| {
            let facts = known.remove(&name).unwrap_or_default();
            (name, facts)
        };
        self.connectors = names.into_iter().map(kept).collect();
        Ok(true)
    }

    async fn about(&mut self, notes: &mut Notes) {
        let answer = self.rest.get::<About>(&[]).await;
        if let Some(about) = notes.keep("the version", answer, || self.right("version and Kafka cluster", "/")) {
            self.version = about.version.as_deref().map(shown).unwrap_or_default();
            self.kafka_cluster_id = about.kafka_cluster_id.as_deref().map(shown).filter(|id| !id.is_empty());
        }
    }

    /// Brings one connector up to date. False: it went since the connectors were listed.
    async fn look_at(&self, name: &str, facts: &mut ConnectorFacts, notes: &mut Notes) -> bool {
        let status = self.rest.get::<Status>(&["connectors", name, "status"]).await;
        let info = self.rest.get::<Info>(&["connectors", name]).await;
        if status == Err(Failure::Absent) && info == Err(Failure::Absent) {
            return false;
        }
        let right = || self.right("states of connectors and tasks", "/connectors/NAME/status");
        if let Some(status) = notes.keep("states of connectors", status, right) {
            take_status(facts, status);
        }
        let right = || self.right("class and topics of connectors", "/connectors/NAME");
        let info = notes.keep("settings of connectors", info, right);
        if let Some(info) = &info {
            take_info(facts, info);
        }
        let used = match self.rest.get::<Topics>(&["connectors", name, "topics"]).await {
            Ok(mut topics) => topics.remove(name).map(|used| used.topics),
            // It is switched off (`topic.tracking.enable`), or older than the question.
            Err(Failure::Denied(_) | Failure::Absent) => None,
            answer => notes
                .keep("topics of connectors", answer, || self.right("topics of connectors", "/connectors/NAME/topics"))
                .and_then(|mut topics| topics.remove(name).map(|used| used.topics)),
        };
        match (used.filter(|topics| !topics.is_empty()), info) {
            (Some(topics), _) => take_topics(facts, topics, TopicsFrom::Use),
            (None, Some(info)) => take_topics(facts, named(&info.config), TopicsFrom::Settings),
            (None, None) => {}
        }
        true
    }

    async fn look_at_all(&mut self, notes: &mut Notes) {
        let mut connectors = std::mem::take(&mut self.connectors);
        let mut gone = Vec::new();
        for (name, facts) in &mut connectors {
            if notes.is_lost() {
                break;
            }
            if !self.look_at(name, facts, notes).await {
                gone.push(name.clone());
            }
        }
        connectors.retain(|name, _| !gone.contains(name));
        self.connectors = connectors;
    }

    /// All that is known, as objects.
    fn tell(&self, found: &mut Found) {
        let (mut told, mut failed, mut left_out) = (0, 0, self.left_out);
        let mut workers: BTreeSet<&str> = BTreeSet::new();
        for (name, facts) in &self.connectors {
            let at = facts.tasks.iter().map(|task| &task.worker).chain([&facts.worker]);
            workers.extend(at.flatten().map(String::as_str));
            let object = RuntimeObject { name: name.clone(), facts: ObjectFacts::ConnectConnector(facts.clone()) };
            if found.push(object) {
                told += 1;
                failed += u64::from(facts.is_failed());
            } else {
                left_out += 1;
            }
        }
        let facts = ConnectFacts {
            version: self.version.clone(),
            kafka_cluster_id: self.kafka_cluster_id.clone(),
            workers: workers.into_iter().take(WORKERS_MAX).map(str::to_owned).collect(),
            connectors: told,
            connectors_left_out: left_out,
        };
        found.figures = vec![("connectors", told), ("failed_connectors", failed), ("connectors_left_out", left_out)];
        found.objects.push(RuntimeObject { name: "connect".to_owned(), facts: ObjectFacts::Connect(facts) });
    }
}

#[async_trait]
impl Scanner for Connect {
    async fn scan(&mut self, _anew: bool) -> Result<Found, String> {
        let mut found = Found::default();
        let mut notes = Notes::default();
        found.in_part = !self.list(&mut notes).await?;
        self.about(&mut notes).await;
        self.look_at_all(&mut notes).await;
        self.tell(&mut found);
        found.notes = notes;
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
