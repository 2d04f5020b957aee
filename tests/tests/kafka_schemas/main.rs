//! A route reads records by the schemas they name: what Confluent's own serializers wrote is named and chosen by what is in
//! it, goes on as it is, and waits, in its order, for a registry that is away.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use demo::wait::until;
use mesh_protocol::schema_id;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::kafka;
use system_tests::mesh::Mesh;
use system_tests::mqtt::MqttClient;
use system_tests::serializers::Python;

const CLIENT: &str = include_str!("client.py");
/// Records of the first step.
const COUNT: u64 = 60;

/// The answer of one step, which is a process of its own.
async fn step(mesh: &Mesh, python: &Python, name: &str, token: &str, bootstrap: &str) -> anyhow::Result<Value> {
    let script = mesh.path("client.py");
    std::fs::write(&script, CLIENT).context("write the script")?;
    let url = format!("{}/registry", mesh.portal_url());
    let told = python.run(name, &script, &[name, &url, token, bootstrap], &mesh.path("logs")).await?;
    let line = told.lines().rfind(|line| line.starts_with('{')).with_context(|| format!("{name} said {told}"))?;
    serde_json::from_str(line).with_context(|| format!("read what {name} said: {line}"))
}

/// Topics of what the subscriber has, in the order of first deliveries: after a crash of its agent a source gives out again
/// what it brought in the last second.
fn topics(reader: &MqttClient) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let topics = reader.messages().into_iter().map(|message| message.topic);
    topics.filter(|topic| seen.insert(topic.clone())).collect()
}

async fn has(reader: &MqttClient, count: usize) -> anyhow::Result<()> {
    until(&format!("{count} events"), SOON, async || Ok((topics(reader).len() >= count).then_some(()))).await
}

/// What the source says at its agent, who may be without the portal.
async fn source_says(mesh: &Mesh, what: &str) -> anyhow::Result<()> {
    until(what, SOON, async || Ok(mesh.agent_status("hq")?.contains(what).then_some(()))).await
}

async fn route(mesh: &Mesh, cluster: &Value, registry: &Value) -> anyhow::Result<Value> {
    let from = json!({ "kind": "kafka", "broker": cluster["id"], "topics": ["machines"], "schemas": registry["id"],
        "template": "plant/{value.place.region}/{value.n}", "filter": "value.level == \"error\"", "start": "earliest" });
    let input =
        json!({ "name": "errors", "enabled": true, "from": from, "to": { "kind": "mesh" }, "mode": "guaranteed" });
    let made = mesh.api.post("routes", &input).await?;
    ensure!(made["schemas_name"] == "schemas" && made["config"]["from"]["schemas"] == registry["id"], "{made}");
    mesh.applied().await?;
    Ok(made)
}

/// A registry is refused where it cannot be asked, and stays while it is needed.
async fn what_does_not_fit_is_refused(mesh: &Mesh, cluster: &Value, registry: &Value) -> anyhow::Result<()> {
    let from = json!({ "kind": "kafka", "broker": cluster["id"], "topics": ["machines"], "schemas": cluster["id"],
        "template": "a", "start": "latest" });
    let input =
        json!({ "name": "wrong", "enabled": true, "from": from, "to": { "kind": "mesh" }, "mode": "guaranteed" });
    let refused = mesh.api.post("routes", &input).await.err().map(|error| format!("{error:#}")).unwrap_or_default();
    ensure!(refused.contains("is no schema registry"), "{refused}");
    let path = format!("brokers/{}", registry["id"].as_str().context("an id")?);
    let refused = mesh.api.delete(&path, registry).await.err().map(|error| format!("{error:#}")).unwrap_or_default();
    ensure!(refused.contains("routes use this connection: errors"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn records_are_routed_by_what_is_in_them_also_while_their_registry_is_away() -> anyhow::Result<()> {
    let python = Python::fetch().await?;
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let broker = kafka::start(&mesh, "kafka-a", &[]).await?;
    broker.create_topics(&[("machines", 1)]).await?;
    let bootstrap = broker.bootstrap();
    let connection =
        json!({ "site": site["id"], "name": "kafka-a", "bootstrap": [bootstrap], "tls": false, "discover": true });
    let cluster = mesh.api.post("brokers", &connection).await?;
    let made = mesh.api.post("tokens", &json!({ "name": "service", "role": "developer" })).await?;
    let token = made["secret"].as_str().context("a token has a secret")?.to_owned();
    // The portal's own registry, as the agent is to ask it.
    let connection = json!({ "site": site["id"], "name": "schemas", "kind": "schema_registry", "discover": false,
        "url": format!("{}/registry", mesh.portal_url()), "login": { "username": "agent", "secret": "schemas" } });
    let registry = mesh.api.post("brokers", &connection).await?;
    let login = mesh.client("reader", &[("subscribe", "plant/>")]).await?;
    mesh.applied().await?;
    let reader = MqttClient::connect_lasting(&mesh.listener("hq", "mqtt").await?, &login).await?;
    reader.subscribe("plant/+/+").await?;
    route(&mesh, &cluster, &registry).await?;
    what_does_not_fit_is_refused(&mesh, &cluster, &registry).await?;

    // Without its password the agent reads nothing, says what to do, and passes nothing over.
    let written = step(&mesh, &python, "write", &token, &bootstrap).await?;
    source_says(&mesh, "run `mesh-agent secret set schemas` on this machine").await?;
    mesh.set_secret("hq", "schemas", &token)?;
    let mut expected: Vec<String> =
        (0..COUNT).filter(|n| n % 2 == 0).map(|n| format!("plant/r{}/{n}", n % 4)).collect();
    has(&reader, expected.len()).await?;
    ensure!(topics(&reader) == expected, "{:?}", topics(&reader));
    let named = reader.messages().iter().filter(|message| schema_id::split(&message.payload).is_some()).count();
    ensure!((1..expected.len()).contains(&named), "the bytes go on as they were written: {named} name a schema");

    in_use(&mesh, "avro-value", &[(1, &["errors"], &["reader"])]).await?;

    // The registry goes: what is known flows, also after a restart, and what is new waits with all behind it.
    let newer = step(&mesh, &python, "register", &token, &bootstrap).await?;
    mesh.kill_portal()?;
    mesh.kill_agent("hq")?;
    mesh.run_agent("hq")?;
    let known =
        |id: &Value, newer: bool, numbers: &[u64]| json!({ "id": id, "newer": newer, "numbers": numbers }).to_string();
    step(&mesh, &python, "known", &known(&written["id"], false, &[40, 41]), &bootstrap).await?;
    expected.extend(["plant/r7/40".to_owned(), "plant/r7/41".to_owned()]);
    has(&reader, expected.len()).await?;
    step(&mesh, &python, "known", &known(&newer["id"], true, &[42]), &bootstrap).await?;
    step(&mesh, &python, "known", &known(&written["id"], false, &[43]), &bootstrap).await?;
    source_says(&mesh, &format!("waits: schema {} is not here yet", newer["id"])).await?;
    ensure!(topics(&reader) == expected, "nothing overtakes what waits: {:?}", topics(&reader));
    mesh.start_portal().await?;
    expected.extend(["plant/r7/42".to_owned(), "plant/r7/43".to_owned()]);
    has(&reader, expected.len()).await?;

    // What no schema can read is a dead letter, and stops nothing.
    mesh.online("hq").await?;
    in_use(&mesh, "avro-value", &[(1, &["errors"], &["reader"]), (2, &["errors"], &["reader"])]).await?;
    step(&mesh, &python, "broken", &known(&written["id"], false, &[]), &bootstrap).await?;
    expected.push("plant/r7/50".to_owned());
    has(&reader, expected.len()).await?;
    ensure!(topics(&reader) == expected, "{:?}", topics(&reader));
    letters_say_why(&mesh, &written["id"]).await?;
    mesh.passed()
}

/// Who sends and takes which version of a subject of the portal's own registry, as agents see it.
async fn in_use(mesh: &Mesh, subject: &str, expected: &[(u64, &[&str], &[&str])]) -> anyhow::Result<()> {
    // A row for each address, and each of them once here.
    let names = |rows: &Value| -> Vec<String> {
        let names = rows.as_array().into_iter().flatten().filter_map(|row| row["name"].as_str());
        names.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
    };
    for (number, producers, consumers) in expected {
        let what = format!("version {number} of {subject} has its users");
        until(&what, SOON, async || {
            let schemas = mesh.api.get("designs?kind=schema").await?;
            let items = schemas["items"].as_array().context("schemas")?;
            let schema = items.iter().find(|item| item["subject"]["name"] == subject).context("the schema")?;
            let versions = schema["versions"].as_array().context("versions")?;
            let Some(version) = versions.iter().find(|version| version["registered"]["version"] == *number) else {
                return Ok(None);
            };
            let shown = mesh.api.get(&format!("design-versions/{}", version["id"].as_str().context("an id")?)).await?;
            let live = &shown["live"];
            let is_so = names(&live["producers"]) == *producers && names(&live["consumers"]) == *consumers;
            Ok(is_so.then_some(()))
        })
        .await?;
    }
    Ok(())
}

async fn letters_say_why(mesh: &Mesh, schema: &Value) -> anyhow::Result<()> {
    let agents = mesh.api.get("agents").await?;
    let agent = agents["items"][0]["id"].as_str().context("an agent")?;
    let path = format!("agents/{agent}/dead-letters?shelf=dead_letters");
    // The portal has just come back, and the agent is on its way to it.
    let letters = until("the agent answers", SOON, async || Ok(mesh.api.get(&path).await.ok())).await?;
    let items = letters["items"].as_array().context("dead letters")?;
    ensure!(items.len() == 2, "{letters}");
    let reason = |at: usize| items[at]["reason"].as_str().unwrap_or_default().to_owned();
    ensure!(reason(0).contains(&format!("it names schema {schema}, by which it cannot be read")), "{letters}");
    ensure!(reason(1) == "the schema registry schemas has no schema with the id 1999999", "{letters}");
    ensure!(
        items.iter().all(|letter| letter["topic"] == "machines" && letter["consumer"] == "route errors"),
        "{letters}"
    );
    Ok(())
}
