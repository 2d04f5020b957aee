//! A grant is used at a real cluster with an authorizer: what was granted can be read, nothing else can, and what is revoked is
//! refused. The right that the agent lacks is named with the command that gives it, and nobody else's users and rights change.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use demo::kafka::{Broker, Jars, Login};
use demo::portal::Client;
use demo::wait::until;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{ClientConfig, Message};
use serde_json::{Value, json};
use system_tests::kafka::{self, Tools};
use system_tests::mesh::Mesh;

/// The agent looks again after 10 s, and the portal hears of it within a moment.
const DONE: Duration = Duration::from_secs(90);

#[tokio::test]
async fn a_grant_is_used_at_a_cluster_and_what_is_revoked_is_refused() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let admin = Login { user: "admin".to_owned(), password: "admin-password".to_owned() };
    // Whoever the broker is started with may do everything: the agent's user is made afterwards.
    let broker = kafka::start(&mesh, "kafka-a", std::slice::from_ref(&admin)).await?;
    let tools = Tools::new(&mesh.path("tools"), &Jars::fetch().await?, &broker, &admin)?;
    broker.create_topics(&[("orders", 1), ("payments", 1)]).await?;
    fill(&broker, &["orders", "payments"])?;
    // The agent's, and somebody else's user and rights, which look nearly like ours.
    let foreign = "mp-000000000000-1";
    for (user, password) in [("meshport", "meshport-password"), (foreign, "their-own")] {
        let user = format!("--alter --entity-type users --entity-name {user}");
        let password = format!("--add-config 'SCRAM-SHA-512=[password={password}]'");
        tools.run("kafka-configs", &format!("{user} {password}")).await?;
    }
    tools.run("kafka-acls", &format!("--add --allow-principal User:{foreign} --operation Read --topic orders")).await?;

    mesh.set_secret("hq", "kafka-a", "meshport-password")?;
    let input = json!({ "site": site["id"], "name": "kafka-a", "bootstrap": [broker.bootstrap()], "tls": true,
        "ca_pem": broker.ca_pem(), "discover": false,
        "sasl": { "mechanism": "SCRAM-SHA-512", "username": "meshport", "secret": "kafka-a" } });
    let connection = mesh.api.post("brokers", &input).await?;
    let from = json!({ "kind": "kafka", "broker": connection["id"], "topics": ["orders"],
        "template": "orders/{value.country}/created", "filter": "", "start": "latest" });
    let route =
        json!({ "name": "orders-in", "enabled": true, "from": from, "to": { "kind": "mesh" }, "mode": "direct" });
    mesh.api.post("routes", &route).await?;

    mesh.person("admin").await?;
    let developer = signed_in(&mut mesh, "developer").await?;
    let approver = signed_in(&mut mesh, "approver").await?;
    let grant = granted(&developer, &approver).await?;
    mesh.applied().await?;

    // The agent's user may not make users yet: the line that is shown mends it.
    let path = format!("grants/{grant}/kafka-credentials");
    let issued = developer.post(&path, &json!({})).await?;
    let failed = until("the missing right is shown", DONE, async || {
        let one = developer.list(&path).await?.into_iter().next().context("the credential")?;
        Ok((one["state"] == "failed").then_some(one))
    })
    .await?;
    let detail = failed["detail"].as_str().context("a reason")?;
    let command = detail.split_once("--add").map(|(_, rest)| format!("--add{rest}")).context("a command")?;
    anyhow::ensure!(detail.contains("lacks ALTER on Cluster"), "{detail}");
    tools.run("kafka-acls", &command).await?;
    works(&developer, &path, 1).await?;

    let config = client_of(&broker, &issued)?;
    let group = format!("{}reader", issued["credential"]["group_prefix"].as_str().context("a prefix")?);
    let read = in_thread({
        let (config, group) = (config.clone(), group.clone());
        move || first_record(&config, "orders", &group)
    })
    .await?;
    anyhow::ensure!(read == Ok(b"orders".to_vec()), "it cannot read what was granted: {read:?}");
    let refused = |topic: &'static str, group: String| {
        let config = config.clone();
        in_thread(move || first_record(&config, topic, &group))
    };
    anyhow::ensure!(refused("payments", group.clone()).await?.is_err(), "it may read another topic");
    anyhow::ensure!(refused("orders", "somebody-elses".to_owned()).await?.is_err(), "it may be in another group");
    let written = in_thread({
        let config = config.clone();
        move || write(&config, "orders")
    })
    .await?;
    anyhow::ensure!(written.is_err(), "it may write to what it may only read");

    // Both users work while a rotation overlaps, in the same groups.
    let id = issued["credential"]["id"].as_str().context("an id")?;
    let rotated = developer.post(&format!("kafka-credentials/{id}/rotate"), &json!({ "overlap_minutes": 60 })).await?;
    works(&developer, &path, 2).await?;
    for issued in [&issued, &rotated] {
        let (config, group) = (client_of(&broker, issued)?, format!("{group}-{}", issued["credential"]["username"]));
        let read = in_thread(move || first_record(&config, "orders", &group)).await?;
        anyhow::ensure!(read.is_ok(), "one of both does not work: {read:?}");
    }

    let now = approver.get(&format!("grants/{grant}")).await?;
    let revoke = json!({ "revision": now["revision"], "value": { "to": "revoke", "reason": "the test is over" } });
    approver.post(&format!("grants/{grant}/move"), &revoke).await?;
    until("the grant is revoked", DONE, async || {
        Ok((approver.get(&format!("grants/{grant}")).await?["phase"] == "revoked").then_some(()))
    })
    .await?;
    anyhow::ensure!(developer.list(&path).await?.is_empty(), "users that are gone are forgotten");
    anyhow::ensure!(refused("orders", group).await?.is_err(), "who was revoked may still read");
    let users = tools.run("kafka-configs", "--describe --entity-type users").await?;
    let lists = tools.run("kafka-acls", "--list").await?;
    for issued in [&issued, &rotated] {
        let name = issued["credential"]["username"].as_str().context("a name")?;
        anyhow::ensure!(!users.contains(name) && !lists.contains(name), "{name} is left: {users}\n{lists}");
    }
    anyhow::ensure!(users.contains(foreign) && lists.contains(foreign), "{foreign} was touched: {users}\n{lists}");
    mesh.passed()
}

/// All credentials work.
async fn works(developer: &Client, path: &str, count: usize) -> anyhow::Result<()> {
    until("the agent says that the users are in place", DONE, async || {
        let all = developer.list(path).await?;
        Ok((all.len() == count && all.iter().all(|one| one["state"] == "works")).then_some(()))
    })
    .await
}

async fn signed_in(mesh: &mut Mesh, login: &str) -> anyhow::Result<Client> {
    let password = mesh.person(login).await?;
    Client::new(&mesh.portal_url())?.signed_in("login", &json!({ "login": login, "password": password })).await
}

/// A product of the event that the route brings, and access to it; returns the grant's id.
async fn granted(developer: &Client, approver: &Client) -> anyhow::Result<String> {
    let domain = developer.post("domains", &json!({ "name": "orders", "topics": ["orders/>"] })).await?["id"].clone();
    let event = json!({ "kind": "event", "address": "orders/{country}/created" });
    let (_, event) = released(developer, approver, &domain, "event", "order-created", &event).await?;
    let api = json!({ "kind": "event_api", "receives": [event], "sends": [] });
    let (_, api) = released(developer, approver, &domain, "event_api", "orders-api", &api).await?;
    let content = json!({ "kind": "product", "apis": [api] });
    let (product, version) = released(developer, approver, &domain, "product", "retail-orders", &content).await?;
    let plan = json!({ "name": "kafka", "protocols": ["kafka"], "approval": { "kind": "auto" } });
    let plan = developer.post(&format!("products/{product}/plans"), &plan).await?;
    let step = json!({ "revision": plan["revision"], "value": { "to": "published" } });
    approver.post(&format!("plans/{}/move", text(&plan["id"])?), &step).await?;
    developer.post(&format!("products/{product}/publications"), &json!({ "version": version })).await?;
    let shop = developer.post("applications", &json!({ "name": "shop", "owner": "developer" })).await?;
    let wish = json!({ "application": shop["id"], "version": version, "plan": plan["id"],
        "purpose": "Shows orders on the wall of the store" });
    let request = developer.post("access-requests", &wish).await?;
    text(&request["grant"])
}

/// A released version of something that is designed: the ids of both.
async fn released(
    developer: &Client,
    approver: &Client,
    domain: &Value,
    kind: &str,
    name: &str,
    content: &Value,
) -> anyhow::Result<(String, String)> {
    let object = developer.post("designs", &json!({ "kind": kind, "name": name, "domain": domain })).await?;
    let object = text(&object["id"])?;
    let version = developer.post(&format!("designs/{object}/versions"), &json!({ "content": content })).await?;
    let version = text(&version["id"])?;
    for (to, by) in [("in_review", developer), ("released", approver)] {
        let known = by.get(&format!("design-versions/{version}")).await?;
        let step = json!({ "revision": known["revision"], "value": { "to": to } });
        by.post(&format!("design-versions/{version}/move"), &step).await.with_context(|| format!("{name} to {to}"))?;
    }
    Ok((object, version))
}

fn text(value: &Value) -> anyhow::Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("a text: {value}"))
}

/// A client that logs in with what was issued, as the portal says.
fn client_of(broker: &Broker, issued: &Value) -> anyhow::Result<ClientConfig> {
    let user = text(&issued["credential"]["username"])?;
    let mut config = broker.config_as(Some(&Login { user, password: text(&issued["secret"])? }));
    config.set("security.protocol", text(&issued["credential"]["security_protocol"])?);
    config.set("sasl.mechanism", text(&issued["credential"]["mechanism"])?);
    Ok(config)
}

/// One record in each topic, its name as the value.
fn fill(broker: &Broker, topics: &[&'static str]) -> anyhow::Result<()> {
    for topic in topics {
        write(&broker.admin_config(), topic).map_err(|code| anyhow::anyhow!("write to {topic}: {code}"))?;
    }
    Ok(())
}

/// Keeps what became of the one record that is written.
#[derive(Clone, Default)]
struct Delivered(Arc<Mutex<Option<Result<(), Code>>>>);

impl ClientContext for Delivered {}

impl ProducerContext for Delivered {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        let result = result.as_ref().map(|_| ()).map_err(|(error, _)| error.rdkafka_error_code().unwrap_or(Code::Fail));
        *self.0.lock().expect("no panic while held") = Some(result);
    }
}

/// Writes a record with the topic's name, or says why not.
fn write(config: &ClientConfig, topic: &str) -> Result<(), Code> {
    let mut config = config.clone();
    config.set("message.timeout.ms", "30000");
    let delivered = Delivered::default();
    let code = |error: &KafkaError| error.rdkafka_error_code().unwrap_or(Code::Fail);
    let producer: BaseProducer<Delivered> =
        config.create_with_context(delivered.clone()).map_err(|error| code(&error))?;
    producer.send(BaseRecord::to(topic).payload(topic).key("key")).map_err(|(error, _)| code(&error))?;
    producer.flush(Duration::from_secs(60)).map_err(|error| code(&error))?;
    let result = delivered.0.lock().expect("no panic while held").take();
    result.unwrap_or(Err(Code::OperationTimedOut))
}

/// The first record of a topic that a group reads, or why it may not; blocks the thread.
fn first_record(config: &ClientConfig, topic: &str, group: &str) -> Result<Vec<u8>, Code> {
    let mut config = config.clone();
    config.set("group.id", group).set("auto.offset.reset", "earliest").set("enable.auto.commit", "false");
    // A refusal is told at once instead of after some tries.
    config.set("topic.metadata.refresh.interval.ms", "1000");
    let code = |error: &KafkaError| error.rdkafka_error_code().unwrap_or(Code::Fail);
    let consumer: BaseConsumer = config.create().map_err(|error| code(&error))?;
    consumer.subscribe(&[topic]).map_err(|error| code(&error))?;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(record)) => return Ok(record.payload().unwrap_or_default().to_vec()),
            Some(Err(error)) if is_refusal(code(&error)) => return Err(code(&error)),
            Some(Err(_)) | None => {}
        }
    }
    // Who cannot log in any more hears nothing that is an answer.
    Err(Code::OperationTimedOut)
}

fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnknownTopicOrPartition
    )
}

/// The client library's calls block: they have a thread of their own.
async fn in_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("wait for the client")
}
