//! AsyncAPI documents that come in: what a preview shows is what is made, our own come back as what they are, and what the
//! catalog does not model is still there when it goes out again.

use axum::http::StatusCode;
use frontend::api::{AsyncApiPlan, AsyncApiVerdict};
use mesh_asyncapi::{Document, official, read};
use serde_json::{Value, json};

use super::registry::Client;

/// As an event portal exports it, with extensions of its own.
const TILL: &str = r"
asyncapi: 2.5.0
x-ep-application-version-id: a1b2c3
info: {title: Till, version: 2.1.0, description: Sells things., x-ep-displayname: Till of the shop}
servers:
  us: {url: 'tcps://broker.example:55443', protocol: smfs, x-ep-environment: prod}
channels:
  'orders/{country}/placed':
    x-ep-channel-delimiter: /
    parameters: {country: {description: Where it was., schema: {type: string, enum: [de, fr]}}}
    publish:
      operationId: onPlaced
      summary: Somebody placed an order.
      message: {$ref: '#/components/messages/OrderPlaced'}
components:
  messages:
    OrderPlaced:
      x-ep-event-id: ev-1
      title: An order is placed
      summary: It was placed.
      externalDocs: {url: 'https://docs.example/orders'}
      payload: {$ref: '#/components/schemas/Order'}
      headers: {type: object, properties: {trace: {type: string}}}
      bindings: {solace: {x-ep-priority: 4}}
  schemas:
    Order: {type: object, properties: {id: {type: string}, line: {$ref: '#/components/schemas/Line'}}}
    Line: {type: object, properties: {sku: {type: string}}}
";

struct Portal {
    client: Client,
    domain: Value,
}

impl Portal {
    async fn start() -> Self {
        let client = Client::start().await;
        let domain = client.api("POST", "domains", Some(json!({"name": "orders", "topics": ["orders/>"]}))).await;
        Self { client, domain: domain["id"].clone() }
    }

    fn task(&self, text: &str, skip: &[&str]) -> Value {
        json!({"text": text, "domain": self.domain, "skip": skip})
    }

    async fn preview(&self, task: &Value) -> AsyncApiPlan {
        let shown = self.client.api("POST", "asyncapi/preview", Some(task.clone())).await;
        serde_json::from_value(shown.clone()).unwrap_or_else(|error| panic!("{error}: {shown}"))
    }

    async fn import(&self, task: &Value) -> Value {
        let preview = self.preview(task).await.preview;
        self.client.api("POST", "asyncapi/import", Some(json!({"preview": preview, "task": task}))).await
    }

    async fn document(&self, version: &Value, query: &str) -> (String, Value) {
        let path = format!("design-versions/{}/asyncapi?{query}", version.as_str().expect("an id"));
        let text = self.client.api("GET", &path, None).await["text"].as_str().expect("a text").to_owned();
        let document = Document::new(read(&text).expect("it can be read").0).expect("a document");
        assert_eq!(official::check(&document), [], "{text}");
        (text, document.value().clone())
    }

    async fn total(&self) -> Value {
        self.client.api("GET", "designs", None).await["total"].clone()
    }
}

fn verdicts(plan: &AsyncApiPlan) -> Vec<(&str, AsyncApiVerdict)> {
    plan.lines.iter().map(|line| (line.key.as_str(), line.verdict)).collect()
}

#[tokio::test]
async fn what_was_shown_is_made_as_drafts_and_comes_back_unchanged() {
    use AsyncApiVerdict::{New, Same};
    let portal = Portal::start().await;
    let task = portal.task(TILL, &[]);
    let plan = portal.preview(&task).await;
    let all = ["schema/order", "schema/order-placed-headers", "event/order-placed", "application/till"];
    assert_eq!(verdicts(&plan), all.map(|key| (key, New)), "{plan:#?}");
    assert_eq!(plan.asyncapi, "2.5.0", "what it was converted from is told");
    assert_eq!((plan.lines[2].what.as_str(), plan.lines[3].number.as_str()), ("orders/{country}/placed", "2.1.0"));
    assert_eq!(portal.total().await, 0, "a preview makes nothing");

    let done = portal.import(&task).await;
    assert_eq!(done["made"], 4, "{done}");
    let version = &done["version"];
    let made = portal.client.api("GET", &format!("design-versions/{}", version.as_str().expect("an id")), None).await;
    assert_eq!((&made["state"], &made["config"]["number"]), (&json!("draft"), &json!("2.1.0")));
    assert_eq!(made["config"]["content"]["consumes"].as_array().map(Vec::len), Some(1), "others publish: {made}");
    let objects = portal.client.api("GET", "designs?kind=schema", None).await;
    let order = objects["items"].as_array().expect("rows").iter().find(|row| row["config"]["name"] == "order");
    assert!(order.is_some_and(|order| order["subject"]["name"].is_string()), "serializers know it: {objects}");

    let again = portal.preview(&task).await;
    assert_eq!(verdicts(&again), all.map(|key| (key, Same)), "{again:#?}");
    assert_eq!((again.changes, again.conflicts), (0, 0));

    // Our own export of it: nothing is new, whatever it is called there.
    let (text, document) = portal.document(version, "").await;
    let back = portal.preview(&portal.task(&text, &[])).await;
    assert!(back.lines.iter().all(|line| line.verdict == Same), "{back:#?}\n{text}");
    assert_eq!(back.lines.len(), 4, "{back:#?}");
    let refused = json!({"preview": back.preview, "task": portal.task(&text, &[])});
    let refused =
        portal.client.portal.call("POST", "/api/v1/asyncapi/import", Some(&portal.client.auth), Some(refused)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");

    // What the catalog does not model is still there.
    assert_eq!(document["x-ep-application-version-id"], "a1b2c3");
    assert_eq!(document["info"]["x-ep-displayname"], "Till of the shop");
    assert!(document["info"]["description"].as_str().is_some_and(|text| text.starts_with("Sells things.")), "{text}");
    let message = &document["components"]["messages"]["order-placed-1.0.0"];
    assert_eq!((&message["x-ep-event-id"], &message["title"]), (&json!("ev-1"), &json!("An order is placed")));
    assert_eq!(message["externalDocs"]["url"], "https://docs.example/orders");
    assert_eq!(message["bindings"]["solace"]["x-ep-priority"], 4);
    let channel = &document["channels"]["order-placed"];
    assert_eq!(channel["parameters"]["country"]["enum"], json!(["de", "fr"]));
    assert_eq!(channel["x-ep-channel-delimiter"], "/");
    assert_eq!(document["operations"]["receive-order-placed"]["summary"], "Somebody placed an order.");
    assert_eq!(document["servers"]["us"]["x-ep-environment"], "prod", "{text}");
}

#[tokio::test]
async fn an_event_and_what_it_is_provided_by_come_back_too() {
    use AsyncApiVerdict::Same;
    let portal = Portal::start().await;
    let task = json!({"text": TILL, "domain": portal.domain, "describes": "event_api"});
    portal.import(&task).await;
    for kind in ["event", "event_api"] {
        let found = portal.client.api("GET", &format!("designs?kind={kind}"), None).await;
        let version = &found["items"][0]["versions"][0]["id"];
        for query in ["side=consumer", "side=provider", "side=provider&spec=3.1.0&syntax=json"] {
            let (text, _) = portal.document(version, query).await;
            let back = portal.preview(&json!({"text": text, "domain": portal.domain, "describes": "event_api"})).await;
            assert!(back.lines.iter().all(|line| line.verdict == Same), "{kind} {query}: {:#?}\n{text}", back.lines);
            assert_eq!(back.lines.len(), if kind == "event" { 3 } else { 4 }, "{:#?}", back.lines);
        }
    }
    let found = portal.client.api("GET", "designs?kind=event_api", None).await;
    let (text, _) = portal.document(&found["items"][0]["versions"][0]["id"], "").await;
    let wrong = portal
        .client
        .portal
        .call("POST", "/api/v1/asyncapi/preview", Some(&portal.client.auth), Some(portal.task(&text, &[])))
        .await;
    assert_eq!(wrong.body["fields"][0]["field"], "describes", "an event API is no application: {wrong:?}");
}

#[tokio::test]
async fn what_changed_becomes_a_new_version_and_says_whom_it_hurts() {
    use AsyncApiVerdict::{NewVersion, Same};
    let portal = Portal::start().await;
    portal.import(&portal.task(TILL, &[])).await;
    let wider = TILL.replace("sku: {type: string}", "sku: {type: integer}");
    let plan = portal.preview(&portal.task(&wider, &[])).await;
    let told: Vec<_> = verdicts(&plan).into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(told, [NewVersion, Same, NewVersion, NewVersion], "{plan:#?}");
    let schema = &plan.lines[0];
    assert_eq!(
        (schema.number.as_str(), schema.class),
        ("2.0.0", Some(frontend::api::DesignClass::Breaking)),
        "{schema:#?}"
    );
    assert!(!schema.change.is_empty() && plan.lines[2].change.contains("order"), "{plan:#?}");
    // Of the same version of AsyncAPI's document with other words only, the catalog has a new version of the application.
    let worded = TILL.replace("Till of the shop", "Till of the market");
    let plan = portal.preview(&portal.task(&worded, &[])).await;
    let told: Vec<_> = verdicts(&plan).into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(told, [Same, Same, Same, NewVersion], "{plan:#?}");
    portal.import(&portal.task(&wider, &[])).await;
    let again = portal.preview(&portal.task(&wider, &[])).await;
    assert!(again.lines.iter().all(|line| line.verdict == Same), "{again:#?}");
    let first = portal.preview(&portal.task(TILL, &[])).await;
    assert!(first.lines.iter().all(|line| line.verdict == Same), "the first one is there as well: {first:#?}");
}

#[tokio::test]
async fn what_depends_on_something_left_out_is_refused_plainly_and_nothing_is_done() {
    use AsyncApiVerdict::{Conflict, LeftOut, New};
    let portal = Portal::start().await;
    let task = portal.task(TILL, &["schema/order"]);
    let plan = portal.preview(&task).await;
    assert_eq!(verdicts(&plan)[0].1, LeftOut);
    assert_eq!(plan.lines[2].verdict, Conflict);
    assert!(
        plan.lines[2].note.contains("needs the schema Order") && plan.lines[2].note.contains("left out"),
        "{plan:#?}"
    );
    let call = async |body: Value| {
        portal.client.portal.call("POST", "/api/v1/asyncapi/import", Some(&portal.client.auth), Some(body)).await
    };
    let refused = call(json!({"preview": plan.preview, "task": task})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    assert_eq!(portal.total().await, 0);
    // The application goes without an event that somebody leaves out, and says so.
    let task = portal.task(TILL, &["schema/order", "event/order-placed"]);
    let plan = portal.preview(&task).await;
    assert_eq!((plan.lines[3].verdict, plan.conflicts), (New, 0), "{plan:#?}");
    assert!(plan.lines[3].note.contains("without OrderPlaced"), "{plan:#?}");
    // Another task than the one that was shown is not done.
    let stale = call(json!({"preview": plan.preview, "task": portal.task(TILL, &[])})).await;
    assert_eq!(stale.body["type"], "stale-preview", "{stale:?}");
    let unknown = portal.task(TILL, &["event/nothing"]);
    let unknown =
        portal.client.portal.call("POST", "/api/v1/asyncapi/preview", Some(&portal.client.auth), Some(unknown)).await;
    assert_eq!(unknown.body["fields"][0]["field"], "skip", "{unknown:?}");
    assert_eq!(portal.total().await, 0);
}

#[tokio::test]
async fn what_the_catalog_cannot_hold_says_why() {
    let portal = Portal::start().await;
    let text = "
asyncapi: 3.0.0
info: {title: Lights, version: '1'}
channels:
  a: {address: 'lights.{id}.on', messages: {on: {payload: {type: object}}}}
  b: {address: null, messages: {off: {payload: {schemaFormat: 'application/xml;schema=xsd', schema: '<xs/>'}}}}
operations:
  x: {action: send, channel: {$ref: '#/channels/a'}}
x-password: hunter2hunter2
";
    let plan = portal.preview(&portal.task(text, &[])).await;
    let note =
        |key: &str| plan.lines.iter().find(|line| line.key == key).map(|line| line.note.clone()).unwrap_or_default();
    assert!(note("event/on").contains("whole level"), "{plan:#?}");
    assert!(note("event/off").contains("does not say one"), "{plan:#?}");
    assert!(note("schema/off").contains("application/xml"), "{plan:#?}");
    assert!(note("application/lights").contains("password"), "{plan:#?}");
    for (text, words) in [("", "empty"), ("a: b", "asyncapi"), ("asyncapi: 1.0.0", "not known")] {
        let refused = portal
            .client
            .portal
            .call("POST", "/api/v1/asyncapi/preview", Some(&portal.client.auth), Some(portal.task(text, &[])))
            .await;
        let message = refused.body["fields"][0]["message"].as_str().unwrap_or_default();
        assert!(refused.body["fields"][0]["field"] == "text" && message.contains(words), "{refused:?}");
    }
}

#[tokio::test]
async fn two_documents_are_compared_as_their_clients_see_them() {
    let portal = Portal::start().await;
    let first = portal.import(&portal.task(TILL, &[])).await["version"].clone();
    let other = TILL.replace("sku: {type: string}", "sku: {type: integer}");
    let second = portal.import(&portal.task(&other, &[])).await["version"].clone();
    let compare = async |body: Value| portal.client.api("POST", "asyncapi/compare", Some(body)).await;
    let found = compare(json!({"from": first, "to": second})).await;
    assert_eq!(found["whose"], "application");
    let broken: Vec<&Value> =
        found["changes"].as_array().expect("changes").iter().filter(|change| change["impact"] == "breaking").collect();
    assert!(!broken.is_empty() && broken.iter().all(|change| change["hurts"] == "who sends"), "{found:#}");
    assert!(found["lines"].as_array().is_some_and(|lines| !lines.is_empty()));
    let same = compare(json!({"from": first, "to": first})).await;
    assert_eq!((&same["sentence"], &same["lines"]), (&json!("Nothing changes."), &json!([])));
    let text = compare(json!({"from_text": TILL, "to_text": other, "whose": "clients"})).await;
    assert!(text["breaking"].as_u64() >= Some(1), "{text:#}");
    let call = async |body: Value| {
        portal.client.portal.call("POST", "/api/v1/asyncapi/compare", Some(&portal.client.auth), Some(body)).await
    };
    for (body, field) in [
        (json!({"from": first}), "to"),
        (json!({"from": first, "from_text": TILL, "to": second}), "from"),
        (json!({"from": first, "to_text": "no: document"}), "to_text"),
    ] {
        let refused = call(body).await;
        assert_eq!(refused.body["fields"][0]["field"], field, "{refused:?}");
    }
}
