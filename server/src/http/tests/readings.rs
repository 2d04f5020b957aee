//! Readings that are made ahead: whoever is told of a report finds it, and nobody waits for it.

use std::time::Duration;

use serde_json::Value;

use super::TestPortal;
use super::adopt::seen;
use super::streams::Stream;
use crate::background::readings;

async fn addresses(portal: &TestPortal, admin: &str) -> Vec<String> {
    let page = portal.call("GET", "/api/v1/catalog?kind=address", Some(admin), None).await.body;
    let name = |item: &Value| item["name"].as_str().expect("a name").to_owned();
    page["items"].as_array().expect("a page").iter().map(name).collect()
}

/// The next notice that the graph looks different.
async fn told(live: &mut Stream) {
    loop {
        let event = live.next(Duration::from_secs(10)).await.expect("it is told in time");
        if event.contains("graph") {
            return;
        }
    }
}

#[tokio::test]
async fn whoever_is_told_of_a_report_finds_it() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    portal.tasks.spawn_until_stop("readings", readings::run(portal.app.clone()));
    let mut live = Stream::open(&portal, "/api/v1/live", &admin).await;
    assert_eq!(addresses(&portal, &admin).await, [""; 0]);
    let agent = seen(&portal, &admin, &["orders/new"]).await;
    told(&mut live).await;
    assert_eq!(addresses(&portal, &admin).await, ["orders/new"]);
    for number in 0..8 {
        let name = format!("prices/{number:02}");
        super::adopt::publishes(&portal, agent, &[&name]).await;
        told(&mut live).await;
        assert_eq!(addresses(&portal, &admin).await.last(), Some(&name), "told, and not there");
    }
}
