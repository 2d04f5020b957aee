//! What a secured cluster says of rights, limits, users, transactions, producers, quorum and sizes: the portal shows what
//! Kafka's own tools print, and nothing before the agent's user may see it. Each missing right is named with a command; an
//! administrator who runs just these commands ends with nothing missing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use demo::kafka::{Broker, Jars, Login};
use demo::wait::until;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::kafka::{self, Tools};
use system_tests::mesh::Mesh;

/// A change shows within this time.
const SHOWN: Duration = Duration::from_secs(60);
/// Rights come in rounds: some are seen to be missing only when others are there.
const ROUNDS: usize = 4;

#[tokio::test]
async fn the_portal_says_of_a_secured_cluster_what_kafkas_own_tools_say() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let admin = Login { user: "admin".into(), password: "admin-password".into() };
    let broker = kafka::start(&mesh, "kafka-a", std::slice::from_ref(&admin)).await?;
    let tools = Tools::new(&mesh.path("tools"), &Jars::fetch().await?, &broker, &admin)?;
    broker.create_topics(&[("orders.fr", 2), ("prices", 1)]).await?;
    furnish(&tools).await?;
    let producers = writing(&broker)?;

    mesh.set_secret("hq", "kafka-a", "meshport-password")?;
    let input = json!({ "site": site["id"], "name": "kafka-a", "bootstrap": [broker.bootstrap()], "tls": true,
        "ca_pem": broker.ca_pem(), "discover": true, "browse": true,
        "sasl": { "mechanism": "SCRAM-SHA-512", "username": "meshport", "secret": "kafka-a" } });
    mesh.api.post("brokers", &input).await?;
    grant_what_is_missing(&mesh, &tools).await?;

    let lists = tools.run("kafka-acls", "--list").await?;
    let cluster = until("the access lists are those of the tool", SHOWN, async || {
        let cluster = object(&mesh, "cluster", "kafka-a").await?;
        Ok((shown_entries(&cluster)? == printed_entries(&lists)?).then_some(cluster))
    })
    .await?;
    let configs = tools.run("kafka-configs", "--describe --entity-type users --entity-type clients").await?;
    let users = tools.run("kafka-configs", "--describe --entity-type users").await?;
    let clients = tools.run("kafka-configs", "--describe --entity-type clients").await?;
    let printed = [configs, users.clone(), clients].concat();
    anyhow::ensure!(shown_quotas(&cluster)? == printed_quotas(&printed), "{}\n{printed}", cluster["kafka"]["quotas"]);
    anyhow::ensure!(shown_users(&cluster)? == printed_users(&users), "{}\n{users}", cluster["kafka"]["users"]);
    quorum_is_that_of_the_tool(&cluster, &tools).await?;
    transactions_are_those_of_the_tool(&mesh, &cluster, &tools).await?;
    sizes_are_those_of_the_tool(&mesh, &tools).await?;
    pages_tell_what_covers_them(&mesh).await?;

    // What an administrator changes shows.
    tools.run("kafka-acls", "--add --allow-principal User:carol --operation Read --topic prices").await?;
    until("carol may read", SHOWN, async || {
        let prices = object(&mesh, "topic", "prices").await?;
        Ok(principals(&prices).contains("User:carol").then_some(()))
    })
    .await?;
    tools.run("kafka-acls", "--remove --force --allow-principal User:carol --operation Read --topic prices").await?;
    until("carol may not any more", SHOWN, async || {
        let prices = object(&mesh, "topic", "prices").await?;
        let carol = mesh.api.find("catalog?kind=user", "/name", "carol").await?;
        Ok((!principals(&prices).contains("User:carol") && carol.is_none()).then_some(()))
    })
    .await?;
    nobody_looks_at_what_the_connection_may_not_read(&mesh, &tools).await?;
    drop(producers);
    mesh.passed()
}

/// A look at records names the right it lacks with the very command that gives it.
async fn nobody_looks_at_what_the_connection_may_not_read(mesh: &Mesh, tools: &Tools) -> anyhow::Result<()> {
    let prices = mesh.api.find("catalog?kind=topic", "/name", "prices").await?.context("the topic is there")?;
    let path = format!("catalog/{}/records", prices["id"].as_str().context("an id")?);
    mesh.api.post(&path, &json!({})).await.context("it may read, as producers are only shown then")?;
    tools.run("kafka-acls", "--remove --force --allow-principal User:meshport --operation Read --topic '*'").await?;
    let refused = until("it may not read any more", SHOWN, async || {
        Ok(mesh.api.post(&path, &json!({})).await.err().map(|refused| refused.to_string()))
    })
    .await?;
    let command =
        refused.split_once("grant it: ").and_then(|(_, rest)| rest.split_once("kafka-acls ")).map(|(_, it)| it);
    let command = command.with_context(|| format!("a command in {refused}"))?;
    anyhow::ensure!(command.contains("--operation Read --topic prices"), "{refused}");
    let end = command.find("--topic prices").map(|at| at + "--topic prices".len()).context("its end")?;
    // The tools have their own address and login.
    let add = command[..end].split_once("--add").map(|(_, rest)| format!("--add{rest}")).context("it adds")?;
    tools.run("kafka-acls", &add).await?;
    until("the records can be looked at", SHOWN, async || Ok(mesh.api.post(&path, &json!({})).await.ok())).await?;
    Ok(())
}

/// Users, rights and limits, all by Kafka's own tools.
async fn furnish(tools: &Tools) -> anyhow::Result<()> {
    let lines = [
        (
            "kafka-configs",
            "--alter --entity-type users --entity-name meshport --add-config 'SCRAM-SHA-512=[password=meshport-password]'",
        ),
        (
            "kafka-configs",
            "--alter --entity-type users --entity-name alice --add-config 'SCRAM-SHA-256=[iterations=8192,password=alice-password]'",
        ),
        (
            "kafka-configs",
            "--alter --entity-type users --entity-name alice --add-config 'SCRAM-SHA-512=[password=alice-password]'",
        ),
        (
            "kafka-configs",
            "--alter --entity-type users --entity-name alice --add-config producer_byte_rate=1048576,request_percentage=50",
        ),
        (
            "kafka-configs",
            "--alter --entity-type users --entity-name alice --entity-type clients --entity-name till --add-config consumer_byte_rate=2097152",
        ),
        ("kafka-configs", "--alter --entity-type clients --entity-default --add-config controller_mutation_rate=5"),
        ("kafka-acls", "--add --allow-principal User:alice --operation Read --operation Describe --topic orders.fr"),
        (
            "kafka-acls",
            "--add --allow-principal User:bob --operation Write --topic orders. --resource-pattern-type prefixed",
        ),
        ("kafka-acls", "--add --deny-principal 'User:*' --deny-host 10.0.0.1 --operation All --topic '*'"),
        ("kafka-acls", "--add --allow-principal User:alice --operation Read --group billing"),
        (
            "kafka-acls",
            "--add --allow-principal User:bob --operation Write --transactional-id pay --resource-pattern-type prefixed",
        ),
    ];
    for (tool, arguments) in lines {
        tools.run(tool, arguments).await?;
    }
    Ok(())
}

/// A transaction that stays open on `orders.fr`, and an idempotent producer of `prices`.
fn writing(broker: &Broker) -> anyhow::Result<[BaseProducer; 2]> {
    let mut config = broker.admin_config();
    config.set("enable.idempotence", "true");
    let idempotent: BaseProducer = config.create().context("make a producer")?;
    config.set("transactional.id", "payments").set("transaction.timeout.ms", "600000");
    let transactional: BaseProducer = config.create().context("make a producer")?;
    transactional.init_transactions(SOON).context("get a producer id")?;
    transactional.begin_transaction().context("begin")?;
    for (producer, topic) in [(&transactional, "orders.fr"), (&idempotent, "prices")] {
        let record = BaseRecord::<(), str>::to(topic).partition(0).payload("a record of some length");
        producer.send(record).map_err(|(error, _)| error).context("hand a record over")?;
        producer.flush(SOON).context("wait until it is written")?;
    }
    Ok([transactional, idempotent])
}

/// Runs the portal's own commands until it names none.
async fn grant_what_is_missing(mesh: &Mesh, tools: &Tools) -> anyhow::Result<()> {
    let mut granted = BTreeSet::new();
    for round in 0..ROUNDS {
        let (broker, missing) = until("the agent says what it may not see, or that it sees all", SHOWN, async || {
            let broker = mesh.api.find("brokers", "/config/name", "kafka-a").await?.context("the connection")?;
            if broker["scanned"].is_null() {
                return Ok(None);
            }
            let missing = broker["missing_rights"].as_array().context("a list")?.clone();
            let is_new = |right: &Value| !granted.contains(right["command"].as_str().unwrap_or_default());
            Ok((missing.is_empty() || missing.iter().all(is_new)).then_some((broker, missing)))
        })
        .await?;
        if missing.is_empty() {
            anyhow::ensure!(round > 0, "a user without any right lacks nothing");
            return Ok(());
        }
        if round == 0 {
            let rights: BTreeSet<&str> = missing.iter().filter_map(|right| right["right"].as_str()).collect();
            for right in [
                "DESCRIBE on Topic *",
                "DESCRIBE on Cluster",
                "DESCRIBE_CONFIGS on Cluster",
                "DESCRIBE on TransactionalId *",
            ] {
                anyhow::ensure!(rights.contains(right), "{right} is not named: {missing:?}, {broker}");
            }
            let cluster = object(mesh, "cluster", "kafka-a").await?;
            let kinds = mesh.api.get("catalog?limit=1").await?["facets"].to_string();
            anyhow::ensure!(
                cluster["kafka"]["acls"]["total"] == 0 && cluster["facts"]["quorum"].is_null(),
                "{cluster}"
            );
            anyhow::ensure!(!kinds.contains("Kafka users") && !kinds.contains("Transactional ids"), "{kinds}");
        }
        for right in &missing {
            let command = right["command"].as_str().context("a command")?;
            tools.shell(command).await?;
            granted.insert(command.to_owned());
        }
    }
    anyhow::bail!("after {ROUNDS} rounds of granting something is missing still")
}

/// Whether the portal shows the number that a tool has printed.
fn is_number(shown: &Value, printed: &str) -> bool {
    shown.as_i64().is_some_and(|shown| printed.parse() == Ok(shown))
}

/// One object of the catalog with everything of its page.
async fn object(mesh: &Mesh, kind: &str, name: &str) -> anyhow::Result<Value> {
    let row = until("the object is in the catalog", SHOWN, async || {
        mesh.api.find(&format!("catalog?kind={kind}"), "/name", name).await
    })
    .await?;
    mesh.api.get(&format!("catalog/{}", row["id"].as_str().context("an id")?)).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn rows<'a>(object: &'a Value, list: &str) -> anyhow::Result<&'a Vec<Value>> {
    object["kafka"][list]["rows"].as_array().with_context(|| format!("{list} of {object}"))
}

/// Resource, name, pattern, principal, host, operation, permission.
type Entry = [String; 7];

fn shown_entries(cluster: &Value) -> anyhow::Result<BTreeSet<Entry>> {
    let mut entries = BTreeSet::new();
    for row in rows(cluster, "acls")? {
        for operation in row["operations"].as_array().context("operations")? {
            entries.insert([
                text(&row["resource"]),
                text(&row["resource_name"]),
                text(&row["pattern"]),
                text(&row["principal"]),
                text(&row["host"]),
                text(operation),
                text(&row["permission"]),
            ]);
        }
    }
    Ok(entries)
}

/// `(a=1, b=2)` after a name; values of this test have no comma.
fn fields(line: &str) -> Option<Vec<String>> {
    let inside = line.split_once('(')?.1.rsplit_once(')')?.0;
    inside.split(", ").map(|field| Some(field.split_once('=')?.1.to_owned())).collect()
}

fn printed_entries(printed: &str) -> anyhow::Result<BTreeSet<Entry>> {
    let mut entries = BTreeSet::new();
    let mut about = Vec::new();
    for line in printed.lines().filter(|line| line.contains('(')) {
        let fields = fields(line).with_context(|| format!("understand {line}"))?;
        if line.contains("ResourcePattern(") {
            about = fields;
        } else {
            let entry: Vec<String> = about.iter().chain(&fields).cloned().collect();
            entries.insert(entry.try_into().map_err(|entry| anyhow::anyhow!("understand {entry:?}"))?);
        }
    }
    anyhow::ensure!(entries.len() > 5, "the tool printed {printed}");
    Ok(entries)
}

/// Limits by whom they are for, in the tool's words.
type Quotas = BTreeMap<String, BTreeMap<String, String>>;

fn shown_quotas(cluster: &Value) -> anyhow::Result<Quotas> {
    let words = |entity: &str| {
        let each = entity.split(", ").map(|part| match part.split_once(' ') {
            Some(("user", "<default>")) => "the default user-principal".to_owned(),
            Some(("client-id", "<default>")) => "the default client-id".to_owned(),
            Some(("user", name)) => format!("user-principal '{name}'"),
            Some((kind, name)) => format!("{kind} '{name}'"),
            None => part.to_owned(),
        });
        each.collect::<Vec<_>>().join(", ")
    };
    let mut quotas = Quotas::new();
    for row in rows(cluster, "quotas")? {
        let limits = row["limits"].as_object().context("limits")?;
        let limits =
            limits.iter().map(|(name, value)| (name.clone(), format!("{:.1}", value.as_f64().unwrap_or(-1.0))));
        quotas.insert(words(&text(&row["entity"])), limits.collect());
    }
    Ok(quotas)
}

/// `Quota configs for user-principal 'alice' are producer_byte_rate=1048576.0, request_percentage=50.0`
fn printed_quotas(printed: &str) -> Quotas {
    let about = printed.lines().filter_map(|line| line.strip_prefix("Quota configs for ")?.split_once(" are "));
    let limits = |limits: &str| {
        limits
            .split(", ")
            .filter_map(|limit| limit.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    about.map(|(entity, values)| (entity.to_owned(), limits(values))).collect()
}

fn shown_users(cluster: &Value) -> anyhow::Result<BTreeSet<(String, String, i64)>> {
    let mut users = BTreeSet::new();
    for row in rows(cluster, "users")? {
        for known in row["credentials"].as_array().context("credentials")? {
            users.insert((text(&row["name"]), text(&known["mechanism"]), known["iterations"].as_i64().unwrap_or(0)));
        }
    }
    anyhow::ensure!(!cluster.to_string().contains("salt"), "nothing secret is told");
    Ok(users)
}

/// `SCRAM credential configs for user-principal 'alice' are SCRAM-SHA-256=iterations=8192, SCRAM-SHA-512=iterations=4096`
fn printed_users(printed: &str) -> BTreeSet<(String, String, i64)> {
    let about = printed
        .lines()
        .filter_map(|line| line.strip_prefix("SCRAM credential configs for user-principal '")?.split_once("' are "));
    let known = about.flat_map(|(name, known)| {
        known.split(", ").filter_map(move |known| {
            let (mechanism, rounds) = known.split_once("=iterations=")?;
            Some((name.to_owned(), mechanism.to_owned(), rounds.trim().parse().ok()?))
        })
    });
    known.collect()
}

async fn quorum_is_that_of_the_tool(cluster: &Value, tools: &Tools) -> anyhow::Result<()> {
    let printed = tools.run("kafka-metadata-quorum", "describe --status").await?;
    let value = |name: &str| {
        let line = printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim).with_context(|| format!("{name} in {printed}"))
    };
    let quorum = &cluster["facts"]["quorum"];
    anyhow::ensure!(is_number(&quorum["leader"], value("LeaderId")?), "{quorum}\n{printed}");
    anyhow::ensure!(is_number(&quorum["epoch"], value("LeaderEpoch")?), "{quorum}\n{printed}");
    anyhow::ensure!(quorum["voters"].as_array().is_some_and(|all| all.len() == 1 && all[0]["id"] == 1), "{quorum}");
    anyhow::ensure!(is_number(&quorum["voters"][0]["lag_records"], value("MaxFollowerLag")?), "{quorum}\n{printed}");
    anyhow::ensure!(quorum["observers"] == json!([]) && value("CurrentObservers")? == "[]", "{quorum}\n{printed}");
    Ok(())
}

/// The words of the line that begins with this one.
fn line_of(printed: &str, first: &str) -> anyhow::Result<Vec<String>> {
    let lines = printed.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let line = lines.into_iter().find(|words| words.first().is_some_and(|word| word == first));
    line.with_context(|| format!("{first} in {printed}"))
}

async fn transactions_are_those_of_the_tool(mesh: &Mesh, cluster: &Value, tools: &Tools) -> anyhow::Result<()> {
    let printed = line_of(&tools.run("kafka-transactions", "list").await?, "payments")?;
    let [id, coordinator, producer, state] = printed.as_slice() else { anyhow::bail!("{printed:?}") };
    let row =
        rows(cluster, "transactions")?.iter().find(|row| row["id"] == id.as_str()).context("the transaction")?.clone();
    let found = object(mesh, "transaction", id).await?;
    let facts = &found["facts"];
    anyhow::ensure!(row["state"] == state.as_str() && facts["state"] == state.as_str(), "{facts} {printed:?}");
    anyhow::ensure!(is_number(&facts["producer_id"], producer), "{facts} {printed:?}");
    anyhow::ensure!(is_number(&facts["coordinator"], coordinator), "{facts} {printed:?}");
    anyhow::ensure!(state == "Ongoing" && facts["partitions"] == json!({ "orders.fr": [0] }), "{facts}");
    anyhow::ensure!(facts["timeout_ms"] == 600_000 && facts["started_ms"].is_i64(), "{facts}");
    anyhow::ensure!(principals(&found) == BTreeSet::from(["User:bob", "User:meshport"]), "{}", found["kafka"]);

    for (topic, open) in [("orders.fr", true), ("prices", false)] {
        let printed =
            tools.run("kafka-transactions", &format!("describe-producers --topic {topic} --partition 0")).await?;
        let (shown, producers) = until("the topic's producer is known", SHOWN, async || {
            let shown = object(mesh, "topic", topic).await?;
            let producers = shown["facts"]["producers"].as_array().cloned();
            Ok(producers.filter(|producers| producers.len() == 1).map(|producers| (shown, producers)))
        })
        .await?;
        let line = line_of(&printed, &producers[0]["producer_id"].to_string())?;
        anyhow::ensure!(is_number(&producers[0]["epoch"], &line[1]), "{producers:?}\n{printed}");
        anyhow::ensure!(is_number(&producers[0]["last_ms"], &line[4]), "{producers:?}\n{printed}");
        anyhow::ensure!(
            (line[5] != "None") == open && producers[0]["in_transaction"] == open,
            "{producers:?}\n{printed}"
        );
        anyhow::ensure!((producers[0]["transactional_id"] == "payments") == open, "{producers:?}");
        anyhow::ensure!(rows(&shown, "transactions")?.len() == usize::from(open), "{}", shown["kafka"]);
    }
    Ok(())
}

async fn sizes_are_those_of_the_tool(mesh: &Mesh, tools: &Tools) -> anyhow::Result<()> {
    let printed = tools.run("kafka-log-dirs", "--describe").await?;
    let json = printed.lines().find(|line| line.starts_with('{')).with_context(|| printed.clone())?;
    let dirs: Value = serde_json::from_str(json).context("understand the tool")?;
    let dir = &dirs["brokers"][0]["logDirs"][0];
    let replicas = dir["partitions"].as_array().context("replicas")?;
    let size = |name: &str| {
        replicas.iter().find(|replica| replica["partition"] == name).and_then(|replica| replica["size"].as_u64())
    };
    let orders = object(mesh, "topic", "orders.fr").await?;
    for (at, partition) in ["orders.fr-0", "orders.fr-1"].iter().enumerate() {
        let shown = &orders["facts"]["partitions"][at]["bytes"];
        anyhow::ensure!(shown.as_u64() == size(partition), "{partition}: {shown} {dir}");
    }
    let both = size("orders.fr-0").context("a size")? + size("orders.fr-1").context("a size")?;
    anyhow::ensure!(both > 0 && orders["facts"]["disk_bytes"] == both, "{both}: {}", orders["facts"]);
    let cluster = object(mesh, "cluster", "kafka-a").await?;
    let shown = &cluster["facts"]["brokers"][0]["log_dirs"][0];
    anyhow::ensure!(shown["path"] == dir["logDir"], "{shown} {dir}");
    anyhow::ensure!(shown["used_bytes"].as_u64() >= Some(both) && shown["usable_bytes"].as_u64() > Some(0), "{shown}");
    Ok(())
}

fn principals(object: &Value) -> BTreeSet<&str> {
    let rows = object["kafka"]["acls"]["rows"].as_array();
    rows.into_iter().flatten().filter_map(|row| row["principal"].as_str()).collect()
}

/// A topic by its name, its prefix and all; a user by what names it.
async fn pages_tell_what_covers_them(mesh: &Mesh) -> anyhow::Result<()> {
    let orders = object(mesh, "topic", "orders.fr").await?;
    let expected = BTreeSet::from(["User:*", "User:alice", "User:bob", "User:meshport"]);
    anyhow::ensure!(principals(&orders) == expected, "{}", orders["kafka"]);
    anyhow::ensure!(rows(&orders, "acls")?[0]["permission"] == "DENY", "denials come first: {}", orders["kafka"]);
    let prices = object(mesh, "topic", "prices").await?;
    anyhow::ensure!(principals(&prices) == BTreeSet::from(["User:*", "User:meshport"]), "{}", prices["kafka"]);

    let alice = object(mesh, "user", "alice").await?;
    let about: BTreeSet<&str> = rows(&alice, "acls")?.iter().filter_map(|row| row["resource"].as_str()).collect();
    anyhow::ensure!(about == BTreeSet::from(["TOPIC", "GROUP"]), "{}", alice["kafka"]);
    anyhow::ensure!(rows(&alice, "quotas")?.len() == 2 && rows(&alice, "users")?.len() == 1, "{}", alice["kafka"]);
    // Whoever stands in a list is a user, also without a password here.
    object(mesh, "user", "bob").await?;

    let id = alice["row"]["id"].as_str().context("an id")?;
    let page = mesh.api.page(&format!("/catalog/{id}")).await?;
    for words in ["every topic", "topic orders.fr", "group billing", "SCRAM-SHA-512", "1.0 MB/s"] {
        anyhow::ensure!(page.contains(words), "the page lacks {words}");
    }
    Ok(())
}
