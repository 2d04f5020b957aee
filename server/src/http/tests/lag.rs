//! How far consumer groups are behind, now and lately.

use mesh_protocol::report::{Discovery, GroupFacts, ObjectFacts, OffsetFacts, Report, RuntimeObject, TopicFacts};
use serde_json::{Value, json};

use super::TestPortal;
use super::streams::agent;

fn group(name: &str, lags: &[(&str, Option<i64>)]) -> RuntimeObject {
    let offset = |(topic, lag): &(&str, Option<i64>)| OffsetFacts {
        topic: (*topic).to_owned(),
        partition: 0,
        committed: 10,
        lag: *lag,
    };
    let facts = GroupFacts { state: "Stable".into(), members: vec![], offsets: lags.iter().map(offset).collect() };
    RuntimeObject { name: name.to_owned(), facts: ObjectFacts::Group(facts) }
}

#[tokio::test]
async fn a_topics_groups_say_how_far_they_are_behind_and_were() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let (site, _seat) = agent(&portal, &admin).await;
    let get = async |path: &str| portal.call("GET", &format!("/api/v1/{path}"), Some(&admin), None).await.body;
    let agents = get("agents").await;
    let agent = serde_json::from_value(agents["items"][0]["id"].clone()).expect("an id");
    let input = json!({"site": site, "name": "hq-kafka", "bootstrap": ["k:9092"], "tls": false, "discover": true});
    let broker = portal.call("POST", "/api/v1/brokers", Some(&admin), Some(input)).await.body["id"].clone();
    let now_ms = crate::app::clock::now_ms();
    let tell = async |scan: u64, before_s: i64, objects: Vec<RuntimeObject>| {
        let discovery = Discovery {
            broker: serde_json::from_value(broker.clone()).expect("an id"),
            at_ms: now_ms - before_s * 1_000,
            full: false,
            scan,
            last: true,
            objects,
            removed: vec![],
            missing_rights: vec![],
            failed: None,
        };
        let refused = portal.app.take_report(agent, scan, Report::Discovery(discovery)).await.expect("stored");
        assert_eq!(refused, None);
    };
    let topic = |name: &str| RuntimeObject { name: name.to_owned(), facts: ObjectFacts::Topic(TopicFacts::default()) };
    let both = |orders, prices| group("billing", &[("orders", orders), ("prices", prices)]);
    tell(1, 50, vec![topic("orders"), topic("prices"), both(Some(4), Some(5)), group("idle", &[("orders", None)])])
        .await;
    tell(2, 10, vec![both(Some(40), Some(5))]).await;
    let object = async |kind: &str, name: &str| {
        for _ in 0..200 {
            let page = get(&format!("catalog?kind={kind}&q={name}")).await;
            if let Some(id) = page["items"][0]["id"].as_str() {
                return get(&format!("catalog/{id}")).await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("no {kind} {name}");
    };
    let ends = |levels: &Value| {
        let levels = levels.as_array().expect("levels");
        (levels.first().cloned(), levels.last().cloned())
    };
    let orders = object("topic", "orders").await;
    let row = |name: &str| {
        let rows = orders["consumers"].as_array().expect("rows");
        rows.iter().find(|row| row["name"] == name).expect("the group").clone()
    };
    let billing = row("billing");
    assert_eq!(
        (&billing["lag"], ends(&billing["lag_history"])),
        (&json!(40), (Some(json!(4)), Some(json!(40)))),
        "{billing}"
    );
    assert_eq!(
        (&row("idle")["lag"], &row("idle")["lag_history"]),
        (&Value::Null, &json!([])),
        "not known is not nothing"
    );
    let group = object("group", "billing").await;
    assert_eq!(
        (&group["row"]["lag"], ends(&group["lag_history"])),
        (&json!(45), (Some(json!(9)), Some(json!(45)))),
        "{group}"
    );
}
