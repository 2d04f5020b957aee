//! RabbitMQ: a user who may nothing is told command by command what to grant, then everything is found, and nothing of what
//! passwords look like is.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use demo::wait::until;
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::mesh::Mesh;
use system_tests::rabbit::Rabbit;

/// A change in RabbitMQ shows within this time.
const SHOWN: Duration = Duration::from_secs(90);

async fn object(mesh: &Mesh, kind: &str, name: &str, is: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    until(&format!("{kind} {name} is shown as it is"), SHOWN, async || {
        let Some(row) = mesh.api.find(&format!("catalog?kind={kind}"), "/name", name).await? else { return Ok(None) };
        let object = mesh.api.get(&format!("catalog/{}", row["id"].as_str().context("an id")?)).await?;
        Ok(is(&object).then_some(object))
    })
    .await
}

/// Commands that the portal names for the connection now.
async fn named(mesh: &Mesh) -> anyhow::Result<Vec<String>> {
    let broker = mesh.api.find("brokers", "/config/name", "rabbit").await?.context("the connection")?;
    let missing = broker["missing_rights"].as_array().into_iter().flatten();
    Ok(missing.filter_map(|right| right["command"].as_str().map(str::to_owned)).collect())
}

/// What is there: two exchanges, a queue that is bound and consumed from, and one in the usual virtual host.
async fn furnish(rabbit: &Rabbit) -> anyhow::Result<()> {
    rabbit.operator("rabbitmqctl add_vhost shop").await?;
    rabbit.operator("rabbitmqctl set_permissions -p shop guest '.*' '.*' '.*'").await?;
    rabbit.operator("rabbitmqctl add_user meshport s3cret").await?;
    let durable = |arguments: Value| json!({ "durable": true, "arguments": arguments });
    let put = async |path: &str, body: Value| rabbit.call(Method::PUT, path, Some(&body)).await;
    put("exchanges/shop/orders", json!({ "type": "topic", "durable": true })).await?;
    put("exchanges/shop/dead", json!({ "type": "fanout", "durable": true })).await?;
    let arguments = json!({ "x-queue-type": "quorum", "x-dead-letter-exchange": "dead" });
    put("queues/shop/billing", durable(arguments)).await?;
    put("queues/shop/taken", durable(json!({}))).await?;
    put("queues/%2F/plain", durable(json!({}))).await?;
    let binding = json!({ "routing_key": "eu.#", "arguments": {} });
    rabbit.call(Method::POST, "bindings/shop/e/orders/q/billing", Some(&binding)).await?;
    let message =
        json!({ "properties": {}, "routing_key": "eu.created", "payload": "hunter2", "payload_encoding": "string" });
    for _ in 0..2 {
        let sent = rabbit.call(Method::POST, "exchanges/shop/orders/publish", Some(&message)).await?;
        ensure!(sent.contains("\"routed\":true"), "{sent}");
    }
    let uri = format!("amqp://guest:guest@{}/shop", rabbit.amqp());
    let shovel = json!({ "src-uri": uri, "src-queue": "taken", "dest-uri": uri, "dest-queue": "given" });
    rabbit.operator(&format!("rabbitmqctl set_parameter -p shop shovel taker '{shovel}'")).await
}

/// Runs each command that is named until none is, as somebody would who knows nothing of RabbitMQ's rights.
async fn obey(mesh: &Mesh, rabbit: &Rabbit) -> anyhow::Result<BTreeSet<String>> {
    let mut obeyed = BTreeSet::new();
    until("no right is missing", SHOWN, async || {
        let commands = named(mesh).await?;
        for command in &commands {
            if obeyed.insert(command.clone()) {
                rabbit.operator(command).await?;
            }
        }
        Ok((commands.is_empty() && obeyed.len() > 1).then_some(()))
    })
    .await?;
    Ok(obeyed)
}

/// Whether any file of a folder holds a text.
fn holds(folder: &Path, text: &str) -> anyhow::Result<bool> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry.context("read a folder")?.path();
        let found = if path.is_dir() {
            holds(&path, text)?
        } else {
            // A database's own files come and go.
            std::fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

#[tokio::test]
async fn what_is_in_rabbitmq_appears_once_the_rights_are_granted_that_the_portal_names() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let rabbit = Rabbit::start(&mesh).await?;
    furnish(&rabbit).await?;
    mesh.set_secret("hq", "rabbit", "s3cret")?;
    let login = json!({ "username": "meshport", "secret": "rabbit" });
    let input = json!({ "site": site["id"], "name": "rabbit", "kind": "rabbit", "url": rabbit.url(), "login": login, "discover": true });
    mesh.api.post("brokers", &input).await?;

    let obeyed = obey(&mesh, &rabbit).await?;
    let expected = [
        "rabbitmqctl set_permissions -p '/' 'meshport' '^$' '^$' '^$'",
        "rabbitmqctl set_permissions -p 'shop' 'meshport' '^$' '^$' '^$'",
        "rabbitmqctl set_user_tags 'meshport' monitoring",
    ];
    ensure!(obeyed.iter().map(String::as_str).eq(expected), "{obeyed:?}");

    let queue = object(&mesh, "rabbit_queue", "shop/billing", |found| found["facts"]["ready"] == 2).await?;
    let facts = &queue["facts"];
    ensure!(
        facts["queue_type"] == "quorum" && facts["dead_letter_exchange"] == "dead" && facts["durable"] == true,
        "{facts}"
    );
    let related = queue["related"].to_string();
    ensure!(
        related.contains("receives from") && related.contains("shop/orders") && related.contains("dead letters go to"),
        "{related}"
    );
    let taken = object(&mesh, "rabbit_queue", "shop/taken", |found| found["consumers"][0]["name"] == "guest").await?;
    ensure!(taken["facts"]["consumed_by"] == json!([{ "user": "guest", "host": "127.0.0.1", "count": 1 }]), "{taken}");
    object(&mesh, "rabbit_queue", "plain", |found| found["facts"]["vhost"] == "/").await?;
    let exchange =
        object(&mesh, "rabbit_exchange", "shop/orders", |found| found["facts"]["bindings"][0]["to"] == "billing")
            .await?;
    ensure!(
        exchange["facts"]["exchange_type"] == "topic" && exchange["facts"]["bindings"][0]["routing_key"] == "eu.#",
        "{exchange}"
    );
    let whole = object(&mesh, "rabbit", "rabbit", |found| found["facts"]["queues"] == 4).await?;
    let node = &whole["facts"]["nodes"][0];
    ensure!(node["running"] == true && node["memory_alarm"] == false && whole["facts"]["users"].is_null(), "{whole}");
    until("search finds the queue", SHOWN, async || {
        mesh.api.find("search?q=billing&kind=rabbit_queue", "/name", "shop/billing").await
    })
    .await?;
    let page = mesh.api.page(&format!("/catalog/{}", queue["row"]["id"].as_str().context("an id")?)).await?;
    ensure!(page.contains("Dead letters go to") && page.contains("RabbitMQ queue"), "{page}");

    rabbit.call(Method::DELETE, "queues/shop/billing", None).await?;
    until("the queue is gone", SHOWN, async || {
        let left = mesh.api.find("catalog?kind=rabbit_queue", "/name", "shop/billing").await?;
        Ok(left.is_none().then_some(()))
    })
    .await?;

    rabbit.operator("rabbitmqctl set_user_tags meshport administrator").await?;
    let user =
        object(&mesh, "rabbit_user", "guest", |found| found["facts"]["tags"] == json!(["administrator"])).await?;
    ensure!(user["facts"]["permissions"][0]["configure"] == ".*", "{user}");
    let users: Vec<Value> = serde_json::from_str(&rabbit.call(Method::GET, "users", None).await?).context("users")?;
    let kept = [mesh.path("portal"), mesh.agent_folder("hq")?];
    ensure!(holds(&kept[0], "rabbit_exchange")?, "what is stored can be looked through");
    for user in &users {
        let hash =
            user["password_hash"].as_str().filter(|hash| hash.len() > 20).context("what a password looks like")?;
        for folder in &kept {
            ensure!(!holds(folder, hash)?, "{} holds a password's hash", folder.display());
        }
    }
    mesh.passed()
}
