//! AsyncAPI documents of events and applications: whose view they have, what is in them, and who gets them.

use axum::http::StatusCode;
use frontend::api::AsyncApiDocument;
use mesh_asyncapi::{Document, official, read};
use mesh_protocol::id::BrokerId;
use mesh_protocol::report::{
    Direction, Discovery, Flow, ObjectFacts, PartitionFacts, Report, RuntimeObject, TopicFacts,
};
use serde_json::{Value, json};

use super::TestPortal;
use super::registry::Client;
use super::versions::{Mesh, flow};

const ORDER: &str = r#"{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}"#;

struct Designed {
    client: Client,
    event: String,
    application: String,
    schema: String,
}

impl Designed {
    /// An application that sends an event with a schema and a description.
    async fn start() -> Self {
        let portal = TestPortal::start().await;
        Self::of(Client::of(portal).await).await
    }

    async fn of(client: Client) -> Self {
        let team = json!({"name": "tills", "contact": "tills@shop.example", "members": []});
        client.api("POST", "teams", Some(team)).await;
        let domain = json!({"name": "orders", "owner": "tills", "topics": ["orders/>"]});
        let domain = client.api("POST", "domains", Some(domain)).await["id"].clone();
        let make = async |kind: &str, name: &str, content: Value| {
            let object = json!({"kind": kind, "name": name, "domain": domain, "document": format!("All about {name}."), "tags": ["gold"]});
            let object = client.api("POST", "designs", Some(object)).await;
            let path = format!("designs/{}/versions", object["id"].as_str().expect("an id"));
            let version = client.api("POST", &path, Some(json!({"content": content}))).await;
            version["id"].as_str().unwrap_or_else(|| panic!("made: {version}")).to_owned()
        };
        let schema = make("schema", "order", json!({"kind": "schema", "format": "AVRO", "text": ORDER})).await;
        let content = json!({"kind": "event", "address": "orders/{country}/placed", "schema": schema});
        let event = make("event", "order-placed", content).await;
        let content = json!({"kind": "application", "publishes": [event], "consumes": []});
        let application = make("application", "till", content).await;
        Self { client, event, application, schema }
    }

    async fn document(&self, path: &str) -> (AsyncApiDocument, Value) {
        let answer = self.client.api("GET", &format!("design-versions/{path}"), None).await;
        let answer: AsyncApiDocument = serde_json::from_value(answer.clone()).unwrap_or_else(|_| panic!("{answer}"));
        let (value, _) = read(&answer.text).expect("a document that can be read");
        let document = Document::new(value).expect("of a version that is known");
        assert_eq!(official::check(&document), [], "{}", answer.text);
        (answer, document.value().clone())
    }
}

#[tokio::test]
async fn an_application_sends_what_it_publishes_and_an_event_has_two_sides() {
    let designed = Designed::start().await;
    let (answer, document) = designed.document(&format!("{}/asyncapi", designed.application)).await;
    assert_eq!(answer.file_name, "till-1.0.0.asyncapi.yaml");
    assert_eq!(document["asyncapi"], "3.0.0");
    assert_eq!(document["id"], "urn:meshport:orders:till:1.0.0");
    assert_eq!(document["info"]["contact"], json!({"name": "tills", "email": "tills@shop.example"}));
    let tags = document["info"]["tags"].as_array().expect("tags");
    assert!(tags.contains(&json!({"name": "gold"})) && tags.contains(&json!({"name": "domain:orders"})), "{tags:?}");
    assert!(document["info"]["description"].as_str().is_some_and(|text| text.contains("All about till.")));
    assert_eq!(document["x-mesh-owner"], "tills");
    assert_eq!(document["x-mesh-lifecycle"], "draft");
    let operation = &document["operations"]["send-order-placed"];
    assert_eq!(operation["action"], "send");
    assert_eq!(operation["channel"]["$ref"], "#/channels/order-placed");
    let channel = &document["channels"]["order-placed"];
    assert_eq!(channel["address"], "orders/{country}/placed");
    assert!(channel["parameters"]["country"].is_object(), "{channel}");
    let payload = &document["components"]["schemas"]["order-1.0.0"];
    assert_eq!(payload["schema"]["name"], "Order", "{document}");
    let errors = answer.findings.iter().filter(|one| one.severity == frontend::api::AsyncApiSeverity::Error);
    assert_eq!(errors.count(), 0, "{:?}", answer.findings);
    assert!(answer.score > 0 && answer.findings.iter().any(|one| one.rule == "asyncapi-servers"), "no agent runs");

    let (_, consumer) = designed.document(&format!("{}/asyncapi", designed.event)).await;
    assert_eq!(consumer["operations"]["receive-order-placed"]["action"], "receive");
    let (answer, provider) =
        designed.document(&format!("{}/asyncapi?side=provider&syntax=json&spec=3.1.0", designed.event)).await;
    assert_eq!(answer.file_name, "order-placed-1.0.0-provider.asyncapi.json");
    assert_eq!(provider["asyncapi"], "3.1.0");
    assert_eq!(provider["operations"]["send-order-placed"]["action"], "send");
    let again = designed.document(&format!("{}/asyncapi?side=provider&syntax=json&spec=3.1.0", designed.event)).await;
    assert_eq!(again.0.text, answer.text, "the same content gives the same text");
}

#[tokio::test]
async fn what_a_document_says_is_told_to_readers_who_ask() {
    let designed = Designed::start().await;
    let (plain, _) = designed.document(&format!("{}/asyncapi", designed.application)).await;
    assert_eq!(plain.outline, None, "nobody asked");
    let (told, _) = designed.document(&format!("{}/asyncapi?outline=true", designed.application)).await;
    let outline = told.outline.expect("an outline");
    assert_eq!((outline.title.as_str(), outline.contact.email.as_str()), ("till", "tills@shop.example"));
    let operation = &outline.operations[0];
    assert_eq!((operation.sends, operation.words.summary.as_str()), (Some(true), "Sends order-placed."));
    let channel = &outline.channels[operation.channel.expect("a channel")];
    assert_eq!(channel.address.as_deref(), Some("orders/{country}/placed"));
    assert_eq!(channel.parameters[0].name, "country");
    let message = &outline.messages[operation.messages[0]];
    let payload = message.payload.as_ref().expect("a payload");
    assert_eq!((payload.fields[0].path.as_str(), payload.fields[0].required), ("id", true));
    assert!(payload.example.contains("id") && payload.trouble.is_empty(), "{payload:?}");
}

#[tokio::test]
async fn what_has_no_document_is_refused_and_files_are_files() {
    let designed = Designed::start().await;
    let Client { portal, auth } = &designed.client;
    let get =
        async |path: String| portal.call("GET", &format!("/api/v1/design-versions/{path}"), Some(auth), None).await;
    let refused = get(format!("{}/asyncapi", designed.schema)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body["fields"][0]["message"].as_str().is_some_and(|text| text.contains("is a schema")),
        "{refused:?}"
    );
    let refused = get(format!("{}/asyncapi?side=consumer", designed.application)).await;
    assert_eq!(refused.body["fields"][0]["field"], "side", "{refused:?}");
    assert_eq!(get(format!("{}/asyncapi", uuid::Uuid::nil())).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(format!("{}/asyncapi?syntax=xml", designed.event)).await.status, StatusCode::BAD_REQUEST);
    let nobody =
        portal.call("GET", &format!("/api/v1/design-versions/{}/asyncapi.yaml", designed.event), None, None).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let file = get(format!("{}/asyncapi.json", designed.event)).await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(file.body["info"]["title"], "order-placed");
}

/// A channel without servers would be on all there are: beside an event that is in Kafka, one that is nowhere has none. It is
/// not forgotten, so the document comes back as what it is.
async fn an_event_on_no_server_is_on_no_channel(designed: &Designed) {
    let client = &designed.client;
    let domain = client.api("GET", &format!("design-versions/{}", designed.event), None).await["object"].clone();
    let domain =
        client.api("GET", &format!("designs/{}", domain.as_str().expect("an id")), None).await["config"]["domain"]
            .clone();
    let make = async |kind: &str, name: &str, content: Value| {
        let object = client.api("POST", "designs", Some(json!({"kind": kind, "name": name, "domain": domain}))).await;
        let path = format!("designs/{}/versions", object["id"].as_str().expect("an id"));
        client.api("POST", &path, Some(json!({"content": content}))).await["id"].as_str().expect("made").to_owned()
    };
    let lost = make("event", "lost", json!({"kind": "event", "address": "orders/{country}/lost"})).await;
    let both = json!({"kind": "application", "publishes": [], "consumes": [designed.event, lost]});
    let desk = make("application", "desk", both).await;
    let (answer, document) = designed.document(&format!("{desk}/asyncapi?syntax=json")).await;
    let channels = document["channels"].as_object().expect("channels");
    assert!(channels.values().all(|channel| !channel["servers"].is_null()), "{document}");
    assert_eq!((channels.len(), channels.contains_key("lost")), (1, false), "{document}");
    assert!(document["components"]["messages"]["lost-1.0.0"].is_object(), "{document}");
    let back = client.api("POST", "asyncapi/preview", Some(json!({"text": answer.text, "domain": domain}))).await;
    let lines = back["lines"].as_array().expect("lines");
    assert!(lines.iter().all(|line| line["verdict"] == "same") && lines.len() == 4, "{back:#}");
}

/// A topic is told with its partitions to who sees it, and not at all to who sees the event only.
#[tokio::test]
async fn a_kafka_topic_out_of_sight_is_in_no_document() {
    let mesh = Mesh::start().await;
    let input = json!({"site": mesh.site, "name": "kafka-a", "bootstrap": ["kafka.example:9092"], "tls": false, "discover": true});
    let broker: BrokerId =
        serde_json::from_value(mesh.client.api("POST", "brokers", Some(input)).await["id"].clone()).expect("an id");
    let partition = |id| PartitionFacts {
        id,
        leader: None,
        replicas: vec![1],
        in_sync: vec![],
        low: None,
        high: None,
        bytes: None,
    };
    let facts = TopicFacts { partitions: vec![partition(0), partition(1)], ..TopicFacts::default() };
    mesh.tell(Report::Discovery(Discovery {
        broker,
        at_ms: crate::app::clock::now_ms(),
        full: true,
        scan: 1,
        last: true,
        objects: vec![RuntimeObject { name: "archive".to_owned(), facts: ObjectFacts::Topic(facts) }],
        removed: vec![],
        missing_rights: vec![],
        failed: None,
    }))
    .await;
    let sink = Flow {
        broker: Some(broker),
        broker_topic: Some("archive".to_owned()),
        ..flow("to-archive", Direction::Consume, "orders/fr/placed", &[])
    };
    mesh.moves(vec![flow("till", Direction::Produce, "orders/fr/placed", &[]), sink]).await;
    mesh.client.api("POST", "domains", Some(json!({"name": "records", "kafka_topics": ["archive"]}))).await;
    mesh.until("catalog?kind=address&q=orders", |page| page["total"] == 1).await;
    let designed = Designed::of(mesh.client).await;
    let path = format!("{}/asyncapi?syntax=json", designed.event);
    let (_, whole) = designed.document(&path).await;
    let topic = |document: &Value| {
        let channels = document["channels"].as_object().cloned().unwrap_or_default();
        channels.into_values().find(|channel| channel["address"] == "archive")
    };
    assert_eq!(topic(&whole).expect("it is told")["bindings"]["kafka"]["partitions"], 2, "{whole}");
    assert_eq!(whole["servers"]["kafka-a"]["host"], "kafka.example:9092", "{whole}");
    assert_eq!(whole["operations"]["receive-order-placed"], Value::Null, "no listener runs: {whole}");
    an_event_on_no_server_is_on_no_channel(&designed).await;

    let Client { portal, .. } = &designed.client;
    let domains = designed.client.api("GET", "domains", None).await;
    let orders = domains["items"].as_array().expect("rows").iter().find(|row| row["config"]["name"] == "orders");
    let input = json!({"login": "sam", "name": "sam", "role": "viewer", "enabled": true, "password": "correct horse",
        "domains": [orders.expect("it is there")["id"]]});
    designed.client.api("POST", "people", Some(input)).await;
    let login = json!({"login": "sam", "password": "correct horse"});
    let sam = portal.call("POST", "/api/v1/login", None, Some(login)).await.cookie.expect("signed in");
    let shown = portal.call("GET", &format!("/api/v1/design-versions/{path}"), Some(&sam), None).await;
    assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
    let text = shown.body["text"].as_str().expect("a text");
    assert!(!text.contains("archive") && !text.contains("kafka"), "{text}");
}
