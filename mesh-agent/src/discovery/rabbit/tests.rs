use mesh_protocol::desired::SurveyedKind;
use mesh_protocol::report::{RabbitBinding, RabbitConsumer};
use serde_json::json;

use super::*;
use crate::http::testing::Api;

// As RabbitMQ 3.10.8 answers.
const WHO: &str = r#"{"name":"meshport","tags":["monitoring"]}"#;
const OVERVIEW: &str = r#"{"rabbitmq_version":"3.10.8","cluster_name":"shop@hq"}"#;
const NODES: &str = r#"[{"name":"rabbit@a","running":true,"mem_used":139370496,"mem_limit":10110600806,"mem_alarm":true,
    "disk_free":50315718656,"disk_free_limit":50000000,"disk_free_alarm":false},{"name":"rabbit@b","running":false}]"#;
const VHOSTS: &str = r#"[{"name":"/","description":"Default virtual host"},{"name":"shop","description":""}]"#;
const EXCHANGES: &str = r#"{"filtered_count":3,"item_count":3,"items":[{"arguments":{},"auto_delete":false,"durable":true,"internal":false,"name":"","type":"direct"},
    {"arguments":{},"auto_delete":false,"durable":true,"internal":false,"name":"dead","type":"fanout"},
    {"arguments":{"alternate-exchange":"dead"},"auto_delete":false,"durable":true,"internal":false,"name":"orders","type":"topic",
     "message_stats":{"publish_in_details":{"rate":1.27}}}],"page":1,"page_count":1,"page_size":500,"total_count":3}"#;
const QUEUES: &str = r#"{"filtered_count":3,"item_count":3,"items":[{"arguments":{"x-dead-letter-exchange":"dead","x-queue-type":"quorum"},"auto_delete":false,
    "consumers":2,"durable":true,"effective_policy_definition":{"dead-letter-exchange":"pol","max-length":10},"exclusive":false,"leader":"rabbit@a",
    "messages_ready":7,"messages_unacknowledged":1,"name":"billing","node":"rabbit@a","policy":"lim","state":"running","type":"quorum",
    "message_stats":{"publish_details":{"rate":2.0},"deliver_get_details":{"rate":0.5}}},
    {"name":"amq.gen-x","exclusive":true,"auto_delete":true,"durable":false,"type":"classic"},
    {"arguments":{},"name":"plain","durable":true,"policy":null,"exclusive":false,"effective_policy_definition":{}}],
    "page":1,"page_count":1,"page_size":500,"total_count":3}"#;
const BINDINGS: &str = r#"[{"source":"","vhost":"shop","destination":"billing","destination_type":"queue","routing_key":"billing","arguments":{}},
    {"source":"orders","vhost":"shop","destination":"dead","destination_type":"exchange","routing_key":"x","arguments":{"a":1}},
    {"source":"orders","vhost":"shop","destination":"billing","destination_type":"queue","routing_key":"eu.#","arguments":{}}]"#;
const CONSUMERS: &str = r#"[{"consumer_tag":"1","queue":{"name":"billing","vhost":"shop"},"channel_details":{"user":"app","peer_host":"10.0.0.7","peer_port":4711}},
    {"consumer_tag":"2","queue":{"name":"billing","vhost":"shop"},"channel_details":{"user":"app","peer_host":"10.0.0.7","peer_port":4712}},
    {"consumer_tag":"3","queue":{"name":"plain","vhost":"shop"},"channel_details":[]}]"#;
const EMPTY: &str =
    r#"{"filtered_count":0,"item_count":0,"items":[],"page":1,"page_count":0,"page_size":500,"total_count":0}"#;

fn list(what: &str, vhost: &str, page: usize) -> String {
    let columns = if what == "queues" { QUEUE_COLUMNS } else { EXCHANGE_COLUMNS };
    format!("/api/{what}/{vhost}?page={page}&page_size=500&pagination=true&columns={columns}")
}

/// A cluster that answers as RabbitMQ does.
async fn cluster() -> (Api, Rabbit) {
    let api = Api::start().await;
    api.set("/api/whoami", 200, WHO);
    api.set("/api/overview?columns=rabbitmq_version,cluster_name", 200, OVERVIEW);
    api.set(&format!("/api/nodes?columns={NODE_COLUMNS}"), 200, NODES);
    api.set("/api/vhosts?columns=name,description", 200, VHOSTS);
    for vhost in ["%2F", "shop"] {
        let full = vhost == "shop";
        api.set(&list("exchanges", vhost, 1), 200, if full { EXCHANGES } else { EMPTY });
        api.set(&list("queues", vhost, 1), 200, if full { QUEUES } else { EMPTY });
        api.set(&format!("/api/bindings/{vhost}"), 200, if full { BINDINGS } else { "[]" });
        api.set(&format!("/api/consumers/{vhost}"), 200, if full { CONSUMERS } else { "[]" });
    }
    let rabbit = Rabbit::new(api.rest(SurveyedKind::Rabbit));
    (api, rabbit)
}

fn facts<'a>(found: &'a Found, name: &str) -> &'a ObjectFacts {
    let object = found.objects.iter().find(|object| object.name == name);
    &object.unwrap_or_else(|| panic!("no {name}")).facts
}

fn whole(found: &Found) -> &RabbitFacts {
    match facts(found, "rabbit") {
        ObjectFacts::Rabbit(rabbit) => rabbit,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_cluster_is_told_with_its_nodes_exchanges_and_queues() {
    let (_api, mut rabbit) = cluster().await;
    let found = rabbit.scan(true).await.expect("it answers");
    assert!(!found.in_part && found.notes.missing.is_empty(), "{:?}", found.notes);
    let told = whole(&found);
    assert_eq!((told.version.as_str(), told.cluster_name.as_str()), ("3.10.8", "shop@hq"));
    let nodes = told.nodes.as_ref().expect("nodes");
    assert!(nodes[0].memory_alarm && nodes[0].running && !nodes[1].running && nodes[1].memory_bytes.is_none());
    assert_eq!((told.exchanges, told.queues, told.exclusive_queues, told.users), (3, 2, 1, None));
    assert!(told.vhosts.iter().all(|vhost| vhost.is_read));
    let ObjectFacts::RabbitQueue(queue) = facts(&found, "shop/billing") else { panic!("no queue") };
    assert_eq!((queue.queue_type.as_str(), queue.durable, queue.policy.as_deref()), ("quorum", true, Some("lim")));
    assert_eq!((queue.ready, queue.unacknowledged, queue.consumers), (Some(7), Some(1), Some(2)));
    assert_eq!((queue.in_rate, queue.out_rate), (Some(2.0), Some(0.5)));
    assert_eq!(
        queue.dead_letter_exchange.as_deref(),
        Some("dead"),
        "what was said with the queue goes before its policy"
    );
    let app = RabbitConsumer { user: "app".into(), host: "10.0.0.7".into(), count: 2 };
    assert_eq!(queue.consumed_by, [app]);
    let ObjectFacts::RabbitExchange(exchange) = facts(&found, "shop/orders") else { panic!("no exchange") };
    assert_eq!((exchange.exchange_type.as_str(), exchange.in_rate), ("topic", Some(1.3)));
    assert_eq!(exchange.alternate.as_deref(), Some("dead"));
    let binding = |to_exchange, to: &str, routing_key: &str, arguments: &str| RabbitBinding {
        to_exchange,
        to: to.into(),
        routing_key: routing_key.into(),
        arguments: arguments.into(),
    };
    assert_eq!(exchange.bindings, [binding(false, "billing", "eu.#", ""), binding(true, "dead", "x", r#"{"a":1}"#)]);
}

#[tokio::test]
async fn what_a_user_lacks_is_named_with_the_command_that_grants_it() {
    let (api, mut rabbit) = cluster().await;
    let refusal = |why: &str| format!(r#"{{"error":"not_authorised","reason":"{why}"}}"#);
    api.set("/api/whoami", 401, &refusal("Not management user"));
    let found = rabbit.scan(true).await.expect("somebody answers");
    assert_eq!(found.notes.missing[0].command, "rabbitmqctl set_user_tags 'meshport' monitoring");
    assert!(found.in_part && found.objects.is_empty());

    api.set("/api/whoami", 200, r#"{"name":"meshport","tags":"management,own-tag"}"#);
    api.set(&format!("/api/nodes?columns={NODE_COLUMNS}"), 401, &refusal("Not monitor user"));
    api.set(&list("exchanges", "shop", 1), 401, &refusal("User not authorised to access virtual host"));
    let found = rabbit.scan(true).await.expect("it answers in part");
    let commands: Vec<&str> = found.notes.missing.iter().map(|right| right.command.as_str()).collect();
    assert_eq!(
        commands,
        [
            "rabbitmqctl set_user_tags 'meshport' management own-tag monitoring",
            "rabbitmqctl set_permissions -p 'shop' 'meshport' '^$' '^$' '^$'"
        ]
    );
    let told = whole(&found);
    assert!(found.in_part && told.nodes.is_none() && told.vhosts[0].is_read && !told.vhosts[1].is_read);
}

#[tokio::test]
async fn a_wrong_password_is_told_from_a_missing_right() {
    let (api, mut rabbit) = cluster().await;
    for reason in ["Login failed", "Not_Authorized"] {
        api.set("/api/whoami", 401, &format!(r#"{{"error":"not_authorized","reason":"{reason}"}}"#));
        let reason = rabbit.scan(true).await.expect_err("nothing can be read");
        assert!(reason.contains("mesh-agent secret set known"), "{reason}");
    }
    api.set("/api/whoami", 404, "");
    let reason = rabbit.scan(true).await.expect_err("nothing can be read");
    assert!(reason.contains("rabbitmq-plugins enable rabbitmq_management"), "{reason}");
}

#[tokio::test]
async fn users_are_told_to_administrators_without_what_their_passwords_look_like() {
    let (api, mut rabbit) = cluster().await;
    api.set("/api/whoami", 200, r#"{"name":"meshport","tags":["administrator"]}"#);
    // Some versions leave the columns aside.
    let users = r#"[{"name":"app","password_hash":"hunter2hash","hashing_algorithm":"x","tags":[],"limits":{}},
        {"name":"meshport","password_hash":"hunter2hash","tags":"administrator"}]"#;
    api.set("/api/users?columns=name,tags", 200, users);
    api.set(
        "/api/permissions",
        200,
        r#"[{"user":"app","vhost":"shop","configure":"^$","write":"orders","read":".*"}]"#,
    );
    let topics = r#"[{"user":"app","vhost":"shop","exchange":"orders","write":"eu.*","read":""}]"#;
    api.set("/api/topic-permissions", 200, topics);
    let found = rabbit.scan(true).await.expect("it answers");
    let ObjectFacts::RabbitUser(app) = facts(&found, "app") else { panic!("no user") };
    assert_eq!((app.permissions[0].write.as_str(), app.topic_permissions[0].write.as_str()), ("orders", "eu.*"));
    let ObjectFacts::RabbitUser(own) = facts(&found, "meshport") else { panic!("no user") };
    assert_eq!((&own.tags[..], whole(&found).users), (&["administrator".to_owned()][..], Some(2)));
    let all = serde_json::to_string(&found.objects).expect("JSON");
    assert!(!all.contains("hunter2"), "{all}");
}

#[tokio::test]
async fn what_cannot_be_read_stays_as_it_was_and_what_went_is_gone() {
    let (api, mut rabbit) = cluster().await;
    rabbit.scan(true).await.expect("it answers");
    api.set("/api/bindings/shop", 500, "");
    api.set("/api/consumers/shop", 200, "{}");
    api.set(&list("queues", "shop", 1), 200, r#"{"items":[{"name":"billing"}],"page_count":1,"filtered_count":1}"#);
    let found = rabbit.scan(false).await.expect("it answers in part");
    let ObjectFacts::RabbitExchange(exchange) = facts(&found, "shop/orders") else { panic!("no exchange") };
    let ObjectFacts::RabbitQueue(queue) = facts(&found, "shop/billing") else { panic!("no queue") };
    assert_eq!((exchange.bindings.len(), queue.consumed_by.len()), (2, 1));
    assert_eq!((queue.queue_type.as_str(), queue.ready, queue.in_rate), ("classic", None, None), "it tells no more");
    assert!(found.in_part && found.notes.trouble().len() == 2, "{:?}", found.notes);
    assert!(!found.objects.iter().any(|object| object.name == "shop/plain"), "it went");
    api.set("/api/vhosts?columns=name,description", 200, r#"[{"name":"/"}]"#);
    let found = rabbit.scan(false).await.expect("it answers");
    assert_eq!((found.objects.len(), found.in_part), (1, false), "the cluster alone");
}

#[tokio::test]
async fn long_lists_come_in_pages_and_what_is_left_out_is_counted() {
    let (api, rabbit) = cluster().await;
    let page = |from: usize, to: usize| {
        let items: Vec<Value> =
            (from..to).map(|number| json!({ "name": format!("q{number:04}"), "exclusive": number % 2 == 1 })).collect();
        json!({ "items": items, "page_count": 3, "filtered_count": 1_200 }).to_string()
    };
    api.set(&list("queues", "shop", 1), 200, &page(0, 500));
    api.set(&list("queues", "shop", 2), 200, &page(500, 1_000));
    api.set(&list("queues", "shop", 3), 400, r#"{"error":"page_out_of_range","reason":"Page out of range"}"#);
    let all = rabbit.pages("queues", "shop", QUEUE_COLUMNS, 5_000).await.expect("it answers");
    assert_eq!((all.items.len(), all.exclusive), (500, 500));
    let some = rabbit.pages("queues", "shop", QUEUE_COLUMNS, 100).await.expect("it answers");
    assert_eq!((some.items.len(), some.left_out), (100, 700 + 150), "of the first page and of the others");
}

#[test]
fn odd_answers_are_read_as_far_as_they_go() {
    let node = read::node(&json!({ "name": "rabbit@a", "running": true, "mem_limit": "memory_monitoring_disabled",
        "disk_free": "disk_free_monitoring_disabled", "mem_used": "12", "mem_alarm": "true" }));
    assert_eq!((node.memory_limit_bytes, node.disk_free_bytes, node.memory_bytes), (None, None, Some(12)));
    assert!(node.memory_alarm);
    // Erlang's empty list where an object stands otherwise, and numbers out of range.
    let queue = read::queue(
        "/",
        &json!({ "name": "q", "arguments": [], "message_stats": [], "messages_ready": -1,
        "consumers": 1.5, "policy": "", "state": null, "type": 7 }),
    );
    assert_eq!((queue.ready, queue.consumers, queue.policy, queue.queue_type.as_str()), (None, None, None, "classic"));
    assert_eq!(read::words(&json!({ "tags": "a, ,b" }), "tags"), ["a", "b"]);
    assert!(read::bindings(&[json!({}), json!([]), json!({ "source": 7 })]).is_empty());
    assert!(read::consumers(&[json!({ "queue": "q" })]).is_empty());
    let old = read::queue("/", &json!({ "name": "q", "arguments": { "x-queue-type": "stream" } }));
    assert_eq!(old.queue_type, "stream");
    assert_eq!(quoted("it's"), r"'it'\''s'");
}

#[test]
fn bindings_consumers_and_permissions_are_bounded() {
    let mut exchange = RabbitExchangeFacts::default();
    read::bind(&mut exchange, vec![RabbitBinding::default(); 600]);
    assert_eq!((exchange.bindings.len(), exchange.bindings_left_out), (500, 100));
    let mut queue = RabbitQueueFacts::default();
    read::consume(&mut queue, vec![RabbitConsumer::default(); 101]);
    assert_eq!((queue.consumed_by.len(), queue.consumed_by_left_out), (100, 1));
    let permissions: Vec<Value> =
        (0..300).map(|number| json!({ "user": "app", "vhost": number.to_string() })).collect();
    let users = read::users(&[json!({ "name": "app" })], &permissions, &[]);
    assert_eq!((users["app"].permissions.len(), users["app"].permissions_left_out), (200, 100));
}
