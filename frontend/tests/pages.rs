//! Pages as the server sends them, before any script runs: whoever has no JavaScript reads the same.

#![cfg(feature = "ssr")]

#[path = "pages/brokered.rs"]
mod brokered;
#[path = "pages/connection.rs"]
mod connection;
#[path = "pages/contracts.rs"]
mod contracts;
mod fixture;
#[path = "pages/notifications.rs"]
mod notifications;
#[path = "pages/products.rs"]
mod products;
#[path = "pages/tags.rs"]
mod tags;
#[path = "pages/teams.rs"]
mod teams;
#[path = "pages/trend.rs"]
mod trend;
#[path = "pages/usage.rs"]
mod usage;

use std::sync::OnceLock;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use fixture::queue::{FORGETS, KEEPS};
use fixture::{Recorded, me, retailer};
use frontend::api::Me;
use frontend::{App, AssetPaths, Viewer, shell};
use leptos::config::LeptosOptions;
use leptos::nonce::provide_nonce;
use leptos::prelude::provide_context;
use leptos_axum::{AxumRouteListing, LeptosRoutes as _, generate_route_list};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// The portal's pages over recorded answers.
fn portal(recorded: Recorded, me: Option<Me>) -> Router {
    let options = LeptosOptions::builder().output_name("app").build();
    let assets = AssetPaths {
        styles: "/assets/app.css".into(),
        icons: "/assets/icons.svg".into(),
        favicon: "/assets/favicon.svg".into(),
        fonts: Vec::new(),
    };
    let api = recorded.api();
    let context = move || {
        provide_nonce();
        provide_context(api.clone());
        provide_context(Viewer(me.clone()));
    };
    let document = options.clone();
    Router::new()
        .leptos_routes_with_context(&options, routes(), context, move || shell(document.clone(), assets.clone()))
        .with_state(options)
}

/// The pages there are. Listing them keeps every resource of the process from loading meanwhile, so a page that another
/// test renders at that moment would wait for ever: it is done once, before any page is rendered.
fn routes() -> Vec<AxumRouteListing> {
    static ROUTES: OnceLock<Vec<AxumRouteListing>> = OnceLock::new();
    ROUTES.get_or_init(|| generate_route_list(App)).clone()
}

/// One runtime for all tests: the renderer's executor is global, and a runtime that ends takes its tasks along.
fn run<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime")).block_on(future)
}

/// Status, location and document of one page.
fn page(recorded: Recorded, me: Option<Me>, path: &str) -> (StatusCode, String, String) {
    let request = Request::get(path).header("accept", "text/html").body(Body::empty()).expect("a request");
    let response = run(portal(recorded, me).oneshot(request)).expect("infallible");
    let status = response.status();
    let location =
        response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let bytes = run(to_bytes(response.into_body(), usize::MAX)).expect("a body");
    (status, location, String::from_utf8(bytes.to_vec()).expect("UTF-8"))
}

#[test]
fn nobody_signed_in_is_sent_to_the_login_and_back() {
    let (status, location, _) = page(retailer(), None, "/");
    assert_eq!(status, StatusCode::FOUND);
    assert_eq!(location, "/login");
}

#[test]
fn the_login_page_says_when_there_is_nobody_to_sign_in_as() {
    let (_, _, html) = page(retailer(), None, "/login");
    assert!(html.contains("one-time setup link"), "{html}");
}

#[test]
fn setup_carries_the_code_of_the_link() {
    let (_, _, html) = page(retailer(), None, "/setup?code=7KQ2-ABCD");
    assert!(html.contains("value=\"7KQ2-ABCD\""), "{html}");
}

#[test]
fn documents_obey_the_content_security_policy() {
    for path in ["/", "/login", "/search", "/catalog", "/catalog/topic:2", "/graph?node=t4", "/subscriptions"] {
        let (_, _, html) = page(retailer(), (path != "/login").then(|| me("admin")), path);
        assert_eq!(html.contains("/assets/icons.svg#i-"), path != "/login", "icons come from the sprite");
        assert!(!html.contains(" style="), "{path}: no style attributes");
        for script in html.split("<script").skip(1) {
            let head = script.split('>').next().unwrap_or_default();
            assert!(head.contains(" nonce="), "{path}: an inline script without a nonce: {head}");
        }
    }
}

/// The document for an admin.
fn admin_sees(recorded: Recorded, path: &str) -> String {
    let (status, _, html) = page(recorded, Some(me("admin")), path);
    assert_eq!(status, StatusCode::OK, "{path}");
    html
}

#[test]
fn access_rules_say_who_may_what_and_how_far_the_agents_are() {
    let html = admin_sees(retailer(), "/acl");
    for text in ["deny publish", "Refused by berlin-1", "It keeps r417", "the route orders-to-kafka"] {
        assert!(html.contains(text), "{text}: {html}");
    }
}

#[test]
fn whoever_may_not_write_rules_is_told_which_right_is_missing() {
    let (_, _, html) = page(retailer(), Some(me("viewer")), "/acl");
    assert!(html.contains("aria-disabled=\"true\""));
    assert!(html.contains("This takes the role approver; yours is viewer"));
}

#[test]
fn a_list_that_fails_says_what_failed_and_a_closed_one_who_opens_it() {
    let broken = retailer().failing("/rules", 500, "internal", "the store did not answer");
    assert!(admin_sees(broken, "/acl").contains("The access rules did not load"));
    let closed = retailer().failing("/rules", 403, "forbidden", "closed");
    assert!(admin_sees(closed, "/acl").contains("it takes operator"));
}

#[test]
fn an_empty_list_names_the_next_step() {
    let none = retailer().with("/rules", serde_json::json!({ "items": [], "next": null, "total": 0 }));
    let html = admin_sees(none, "/acl");
    assert!(html.contains("No rules yet"));
    assert!(html.contains("href=\"/clients\""));
}

/// A list without rows.
fn nothing() -> serde_json::Value {
    serde_json::json!([])
}

#[test]
fn a_narrowed_list_that_is_empty_does_not_say_that_there_is_nothing() {
    let empty =
        || retailer().with("/rules", nothing()).with("/principals", nothing()).with("/subscriptions", nothing());
    let (role, application) = (fixture::id(21), fixture::id(61));
    let cases = [
        (format!("/acl?role={role}"), "No rule is about it", "No rules yet", "Role: till"),
        (format!("/acl?principal={}", fixture::id(81)), "No rule is about it", "No rules yet", "Client: till-7"),
        (format!("/acl?role={role}&q=x"), "No rule matches “x” among those", "No rules yet", "Role: till"),
        (format!("/clients?role={role}"), "No client belongs to it", "No clients yet", "Role: till"),
        (format!("/clients?application={application}"), "No client belongs to it", "No clients yet", "Checkout"),
        ("/subscriptions?site=hq".to_owned(), "Nobody subscribes at hq", "Nobody subscribes<", "All subscriptions"),
    ];
    for (path, says, not, way_back) in cases {
        let html = admin_sees(empty(), &path);
        assert!(html.contains(says) && html.contains(way_back) && !html.contains(not), "{path}: {html}");
    }
    assert!(admin_sees(empty(), "/clients").contains("No clients yet"), "without a filter there is nothing");
    let gone = admin_sees(empty(), &format!("/acl?role={}", fixture::id(29)));
    assert!(gone.contains("Remove the filter Role: one that is gone"), "{gone}");
}

#[test]
fn what_a_silent_agent_said_is_shown_as_last_known() {
    let site = admin_sees(retailer(), &format!("/sites/{}", fixture::id(3)));
    assert!(site.contains("Was running") && site.contains("last known 14 min ago by lyon-1"), "{site}");
    assert!(!site.contains(">Running<"), "a dead agent's listener does not run: {site}");
    let sites = admin_sees(retailer(), "/sites");
    assert!(sites.contains("Was down") && sites.contains("Up"), "{sites}");
    assert!(
        sites.contains("Switch on") && sites.contains("by <!>claire"),
        "a link that is off says who did it: {sites}"
    );
    assert!(admin_sees(retailer(), &format!("/routes/{}", fixture::id(71))).contains("Running"), "its agent is online");
}

#[test]
fn a_site_that_is_kept_says_why_instead_of_offering_to_delete_it() {
    let site = |number| admin_sees(retailer(), &format!("/sites/{}", fixture::id(number)));
    assert!(site(3).contains("kept for the record") && !site(3).contains(">Delete site"));
    assert!(site(4).contains("Delete site"));
}

#[test]
fn a_page_never_comes_as_its_skeleton_however_its_data_arrives() {
    // What is drawn when the last of its data arrives is a race between threads: many pages at once, many times.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let html = admin_sees(retailer().late(), "/acl");
                    assert!(!html.contains("m-loading"), "the browser would stop at it: {html}");
                }
            });
        }
    });
}

#[test]
fn every_page_carries_its_content_without_a_script() {
    let cases = [
        ("/clients", "till-7"),
        ("/clients", "Tills of stores"),
        ("/routes", "prices-to-stores"),
        ("/sites", "factory-berlin"),
        ("/agents", "berlin-1"),
        ("/brokers", "no broker of kafka-b answers"),
        ("/people", "Jonas Weber"),
    ];
    for (path, text) in cases {
        assert!(admin_sees(retailer(), path).contains(text), "{path} lacks {text}");
    }
}

#[test]
fn a_page_of_one_thing_says_what_can_be_done_about_it() {
    let one = |path: &str, number: u32| admin_sees(retailer(), &format!("{path}/{}", fixture::id(number)));
    let client = one("/clients", 81);
    for text in ["Unblock till-7", "7c41e09a", "rule denies it"] {
        assert!(client.contains(text), "{text}: {client}");
    }
    assert!(one("/sites", 4).contains("Make the join line"));
    assert!(one("/agents", 11).contains("mesh-agent secret set kafka-a"));
    assert!(one("/routes", 71).contains("retail.{1}"));
}

#[test]
fn a_queue_says_what_it_keeps_and_offers_to_replay_it() {
    let html = admin_sees(retailer(), &format!("/queues/{}", fixture::id(KEEPS)));
    for text in ["Replay…", "Kept for replay", "1,204", "3.4 MB of 1 GB, for 1 d", "17 replayed"] {
        assert!(html.contains(text), "{text}: {html}");
    }
    for text in ["Where it attracts from", "berlin-2", "Pending", "behind 812"] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(html.contains("what was acknowledged for 1 d, at most 1 GB") && html.contains("?shelf=acknowledged"));
    let (_, _, html) = page(retailer(), Some(me("viewer")), &format!("/queues/{}", fixture::id(KEEPS)));
    let button = html.split("<button").find(|button| button.contains("Replay…")).expect("the button stays");
    assert!(button.contains("aria-disabled=\"true\"") && button.contains("yours is viewer"), "{button}");
    assert!(html.contains("What is in it is closed to you"), "nor may a viewer look at what is kept: {html}");
}

#[test]
fn a_queue_that_keeps_nothing_says_how_to_keep_it() {
    let html = admin_sees(retailer(), &format!("/queues/{}?shelf=acknowledged", fixture::id(FORGETS)));
    for text in ["Acknowledged events are not kept", "Change the settings", "nothing that was acknowledged"] {
        assert!(html.contains(text), "{text}: {html}");
    }
    for text in ["Replay…", "Kept for replay", " replayed<", "Look again"] {
        assert!(!html.contains(text), "{text}: {html}");
    }
    let route = admin_sees(retailer(), &format!("/routes/{}/events?shelf=acknowledged", fixture::id(71)));
    assert!(route.contains("Dead letters") && !route.contains("Acknowledged"), "a sink keeps nothing: {route}");
}

#[test]
fn what_is_gone_says_so() {
    assert!(admin_sees(retailer(), &format!("/sites/{}", fixture::id(77))).contains("It is not here"));
    let html = admin_sees(retailer(), "/agents/nonsense");
    assert!(html.contains("It is not here"));
    assert!(html.contains("<h1>Agent<"), "it has the frame of a page: {html}");
}

#[test]
fn the_overview_says_how_it_is_and_what_to_do() {
    let html = admin_sees(retailer(), "/");
    for text in ["12,478", "store-nantes is out of reach", "18,402 events wait", "Let ", "rule denies it", "Demo data"]
    {
        assert!(html.contains(text), "{text}: {html}");
    }
}

#[test]
fn a_portal_without_sites_names_the_first_step() {
    let mut overview = fixture::discover::overview();
    overview["sites"] = serde_json::json!([]);
    overview["demo"] = serde_json::Value::Null;
    let html = admin_sees(retailer().with("/overview", overview), "/");
    assert!(html.contains("The mesh has no site yet") && html.contains("Add a site"), "{html}");
    assert!(!html.contains("Demo data</span></div>"), "{html}");
}

#[test]
fn the_catalog_keeps_its_state_in_the_address() {
    let html = admin_sees(retailer(), "/catalog?q=orders&kind=topic");
    for text in
        ["value=\"orders\"", "Kind: kafka topic", "?q=orders&amp;kind=topic&amp;site=hq", "no owner", "61 found"]
    {
        assert!(html.contains(text), "{text}: {html}");
    }
}

#[test]
fn a_search_says_why_it_found_something_and_keeps_its_state_in_the_address() {
    let html = admin_sees(retailer(), "/search?q=email&tag=pii&kind=schema");
    for text in [
        "value=\"email\"",
        "Kind: schema",
        "Tag: pii",
        "customer.email",
        "In review",
        "Schemas",
        "?q=email&amp;tag=pii&amp;kind=rule",
        "812 found",
        "no owner",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    let nothing = serde_json::json!({ "items": [], "next": null, "total": 0, "facets": [] });
    let html = admin_sees(retailer().with("/search", nothing.clone()), "/search?q=nonsense");
    assert!(html.contains("Nothing matches “nonsense”") && html.contains("field:email"), "{html}");
    let html = admin_sees(retailer().with("/search", nothing), "/search?q=nonsense&owner=none");
    assert!(html.contains("Filters are on"), "{html}");
}

#[test]
fn an_object_shows_partitions_readers_and_that_nobody_owns_it() {
    let html = admin_sees(retailer(), "/catalog/topic:2");
    for text in ["1 of 2 replicas behind", "retention.ms", "fraud-check", "Nobody answers for it", "Edit owner"] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(admin_sees(retailer(), "/catalog/topic:3").contains("It is not here"));
}

#[test]
fn a_topic_shows_its_size_who_writes_and_who_may() {
    let html = admin_sees(retailer(), "/catalog/topic:2");
    for text in [
        "8.0 KB on disk with all replicas",
        "4711",
        "in a transaction",
        "every topic that begins with retail.",
        "describe, read",
        "denies",
        "payments-1",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
}

#[test]
fn a_cluster_shows_quorum_disks_limits_users_and_what_is_not_told() {
    let html = admin_sees(retailer(), "/catalog/cluster:9");
    for text in [
        "3.0 GB on disk",
        "5.0 GB",
        "node 1 leads in epoch 12; 2 voters, 0 observers",
        "1,200 records, 1 min behind",
        "producer byte rate 1.0 MB/s",
        "SCRAM-SHA-512, 4,096 rounds",
        "does not know the question",
        "Without DESCRIBE on TransactionalId * the agent cannot see: transactions",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    let user = admin_sees(retailer(), "/catalog/user:9");
    assert!(user.contains("group billing") && user.contains("Kafka user") && !user.contains("Traffic"), "{user}");
}

#[test]
fn a_subject_and_its_registry_show_versions_levels_and_what_is_left_out() {
    let html = admin_sees(retailer(), "/catalog/subject:9");
    for text in ["Registry subject", "2 versions, and 4 older; FULL", "money version 3", "describes the values of"] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(!html.contains("Traffic"), "events do not pass through it: {html}");
    assert!(html.contains("No agent saw a payload that names one of its versions being sent."), "{html}");
    let html = admin_sees(retailer(), "/catalog/registry:9");
    let missing = "Without SUBJECT_READ the agent cannot see: versions";
    for text in ["Schema registry", "BACKWARD", "READWRITE", "5,000, and 12 that are left out", missing] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(!html.contains("Access in the cluster"), "it is none: {html}");
}

#[test]
fn a_connector_shows_why_its_task_failed_and_how_its_topics_are_known() {
    let html = admin_sees(retailer(), "/catalog/connect_connector:9");
    for text in
        ["Connect connector", "sink: reads from Kafka", "failed: ConnectException: no such file", "by its settings"]
    {
        assert!(html.contains(text), "{text}: {html}");
    }
    let html = admin_sees(retailer(), "/catalog/connect:9");
    assert!(html.contains("Kafka Connect cluster") && html.contains("Zk9-abc"), "{html}");
}

#[test]
fn broker_connections_of_each_kind_say_what_they_are_and_what_was_found() {
    let brokers = serde_json::json!([
        fixture::surveyed::broker(43, "schemas", "schema_registry", "https://schemas.hq.example:8081"),
        fixture::surveyed::broker(44, "connect", "kafka_connect", "https://connect.hq.example:8083"),
        fixture::surveyed::broker(45, "rabbit", "rabbit", "https://rabbit.hq.example:15671"),
        fixture::surveyed::broker(46, "mqtt", "mqtt", "mqtts://mqtt.hq.example"),
    ]);
    let html = admin_sees(retailer().with("/brokers", brokers), "/brokers");
    for text in [
        "Schema registry at hq, TLS, as meshport",
        "1,204 subjects",
        "Kafka Connect at hq",
        "3 connectors",
        "RabbitMQ at hq",
        "9 exchanges",
        "2 queues",
        "MQTT broker at hq, TLS, as meshport",
        "1,204 retained messages",
        "https://connect.hq.example:8083",
        "sr-acl-cli --add -o SUBJECT_READ",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
}

#[test]
fn the_graph_is_drawn_with_its_table_and_restores_what_was_selected() {
    let html = admin_sees(retailer(), "/graph?node=t4");
    for text in ["data-node=\"t4\"", "aria-pressed=\"true\"", "no rule", "Readers", "etl-nightly"] {
        assert!(html.contains(text), "{text}: {html}");
    }
}

#[test]
fn the_registry_tells_who_wants_what() {
    let html = admin_sees(retailer(), "/subscriptions");
    for text in ["route orders-to-kafka", "last known ", "3 subscriptions"] {
        assert!(html.contains(text), "{text}: {html}");
    }
}

#[test]
fn drift_says_what_differs_and_who_ignores_it() {
    let html = admin_sees(retailer(), "/drift");
    for text in [
        "No event says what is published here.",
        "from till-7",
        "Ignored until it changes by claire: starts in May",
        "Not designed",
        "no owner",
        "name=\"finding\"",
        "href=\"?status=partial\"",
        "href=\"?ignored=true\"",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    let (_, _, viewers) = page(retailer(), Some(me("viewer")), "/drift");
    assert!(!viewers.contains("name=\"finding\""), "who may not decide selects nothing");
    let none = || retailer().with("/drift", fixture::drift::page(&nothing()));
    assert!(admin_sees(none(), "/drift").contains("Nothing to do"));
    assert!(admin_sees(none(), "/drift?q=x").contains("No finding is like that"));
    assert!(admin_sees(none(), "/drift?status=partial").contains("None of these"));
    let broken = retailer().failing("/drift", 500, "internal", "the store did not answer");
    assert!(admin_sees(broken, "/drift").contains("The findings did not load"));
    let closed = retailer().failing("/drift", 403, "forbidden", "closed");
    assert!(admin_sees(closed, "/drift").contains("it takes operator"));
}

#[test]
fn a_domain_leads_to_its_own_findings() {
    let html = admin_sees(retailer(), "/domains");
    assert!(html.contains(&format!("href=\"/drift?domain={}\"", fixture::id(95))), "{html}");
}
