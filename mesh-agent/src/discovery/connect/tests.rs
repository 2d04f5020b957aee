use mesh_protocol::desired::SurveyedKind;

use super::*;
use crate::http::testing::Api;

const INFO: &str = r#"{"name":"files in","config":{"connector.class":"org.apache.kafka.connect.file.FileStreamSourceConnector",
    "file":"/home/secret.txt","tasks.max":1,"topic":"lines","topics":"orders, prices","name":"files in",
    "database.password":"hunter2","connection.url":"jdbc://me:hunter2@db"},"tasks":[{"connector":"files in","task":0}],"type":"source"}"#;
const STATUS: &str = r#"{"name":"files in","connector":{"state":"RUNNING","worker_id":"10.0.0.1:8083"},
    "tasks":[{"id":1,"state":"FAILED","worker_id":"10.0.0.2:8083","trace":"org.ConnectException: no such file\n\tat a.b\n\tat c.d"},
             {"id":0,"state":"RUNNING","worker_id":"10.0.0.1:8083"}],"type":"source"}"#;

/// A cluster with one connector, as Kafka Connect answers.
async fn cluster() -> (Api, Connect) {
    let api = Api::start().await;
    api.set("/", 200, r#"{"version":"4.1.1","commit":"abc","kafka_cluster_id":"k1"}"#);
    api.set("/connectors", 200, r#"["files in"]"#);
    api.set("/connectors/files%20in", 200, INFO);
    api.set("/connectors/files%20in/status", 200, STATUS);
    api.set("/connectors/files%20in/topics", 200, r#"{"files in":{"topics":["lines"]}}"#);
    let connect = Connect::new(api.rest(SurveyedKind::KafkaConnect));
    (api, connect)
}

fn connector(found: &Found) -> &ConnectorFacts {
    let facts = found.objects.iter().find_map(|object| match &object.facts {
        ObjectFacts::ConnectConnector(facts) => Some(facts),
        _ => None,
    });
    facts.expect("the connector")
}

#[tokio::test]
async fn a_connector_is_told_with_its_tasks_and_topics_and_without_its_secrets() {
    let (_api, mut connect) = cluster().await;
    let found = connect.scan(true).await.expect("it answers");
    let told = connector(&found);
    assert_eq!((told.direction.as_str(), told.state.as_str(), told.is_failed()), ("source", "RUNNING", true));
    let tasks: Vec<_> = told.tasks.iter().map(|task| (task.id, task.trouble.as_deref())).collect();
    assert_eq!(tasks, [(0, None), (1, Some("org.ConnectException: no such file"))]);
    assert_eq!((&told.topics[..], told.topics_from), (&["lines".to_owned()][..], TopicsFrom::Use));
    assert_eq!(told.config.keys().collect::<Vec<_>>(), ["connector.class", "tasks.max", "topic", "topics"]);
    let all = serde_json::to_string(&found.objects).expect("JSON");
    assert!(!all.contains("hunter2") && !all.contains("secret"), "{all}");
    let cluster = found.objects.last().map(|object| &object.facts);
    let Some(ObjectFacts::Connect(cluster)) = cluster else { panic!("{cluster:?}") };
    assert_eq!((cluster.version.as_str(), cluster.kafka_cluster_id.as_deref()), ("4.1.1", Some("k1")));
    assert_eq!(cluster.workers, ["10.0.0.1:8083", "10.0.0.2:8083"]);
    assert_eq!(found.figures[1], ("failed_connectors", 1));
}

#[tokio::test]
async fn topics_come_from_settings_where_use_is_not_told() {
    let (api, mut connect) = cluster().await;
    for (status, body) in [(403, "Topic tracking is disabled."), (404, ""), (200, r#"{"files in":{"topics":[]}}"#)] {
        api.set("/connectors/files%20in/topics", status, body);
        let found = connect.scan(true).await.expect("it answers");
        let told = connector(&found);
        assert_eq!((told.topics.join(" "), told.topics_from), ("lines orders prices".to_owned(), TopicsFrom::Settings));
        assert!(found.notes.missing.is_empty(), "nothing is missing");
    }
}

#[tokio::test]
async fn what_cannot_be_read_stays_as_it_was_and_is_named() {
    let (api, mut connect) = cluster().await;
    connect.scan(true).await.expect("it answers");
    api.set("/connectors/files%20in/status", 409, r#"{"error_code":409,"message":"rebalance in progress"}"#);
    api.set("/connectors/files%20in", 403, "");
    api.set("/connectors/files%20in/topics", 200, r#"{"files in":7}"#);
    api.set("/", 200, r#"{"version":4}"#);
    let found = connect.scan(false).await.expect("it answers in part");
    let told = connector(&found);
    assert_eq!((told.state.as_str(), told.topics.len(), told.tasks.len()), ("RUNNING", 1, 2));
    assert_eq!(found.notes.missing[0].right, "GET /connectors/NAME");
    let trouble = found.notes.trouble();
    assert!(trouble.len() == 3 && trouble.iter().any(|told| told.contains("rebalance in progress")), "{trouble:?}");
}

#[tokio::test]
async fn a_connector_that_went_meanwhile_is_gone_and_another_api_is_none() {
    let (api, mut connect) = cluster().await;
    api.set("/connectors/files%20in/status", 404, "");
    api.set("/connectors/files%20in", 404, "");
    let found = connect.scan(true).await.expect("it answers");
    assert_eq!(found.objects.len(), 1, "the cluster alone");
    api.set("/connectors", 404, "");
    let reason = connect.scan(true).await.expect_err("nothing can be read");
    assert!(reason.contains("has no connectors: the URL must be"), "{reason}");
    api.set("/connectors", 401, "");
    let reason = connect.scan(true).await.expect_err("nothing can be read");
    assert!(reason.contains("mesh-agent secret set known"), "{reason}");
}

#[test]
fn lists_and_settings_are_bounded_and_what_is_left_out_is_counted() {
    let tasks: Vec<String> = (0..300).map(|id| format!(r#"{{"id":{id},"state":"RUNNING","worker_id":""}}"#)).collect();
    let status: Status = serde_json::from_str(&format!(
        r#"{{"connector":{{"state":"{}"}},"tasks":[{}]}}"#,
        "x".repeat(9_000),
        tasks.join(",")
    ))
    .expect("a status");
    let mut facts = ConnectorFacts::default();
    take_status(&mut facts, status);
    assert_eq!((facts.tasks.len(), facts.tasks_left_out, facts.worker), (CONNECTOR_TASKS_MAX, 100, None));
    assert_eq!(facts.state.len(), 500);
    let mut facts = ConnectorFacts::default();
    take_topics(&mut facts, (0..600).map(|number| format!("t{number}")).collect(), TopicsFrom::Use);
    assert_eq!((facts.topics.len(), facts.topics_left_out), (CONNECTOR_TOPICS_MAX, 100));
    let config = BTreeMap::from([
        ("topics".to_owned(), Value::String("t,".repeat(5_000))),
        ("topics.regex".to_owned(), serde_json::json!({ "not": "a text" })),
        ("password".to_owned(), Value::String("hunter2".to_owned())),
    ]);
    let told = harmless(&config);
    assert_eq!((told.len(), told["topics"].len()), (1, SETTING_CHARS_MAX));
}
