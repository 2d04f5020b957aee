//! Every page and every dialog, as it is and not only as it is used.

use anyhow::Context;
use demo::portal::Client;
use serde_json::{Value, json};
use system_tests::browser::{Browser, NARROW, WIDE};
use system_tests::demo_mesh::PAGES;

use crate::estate::Estate;
use crate::faults;

/// An address without a page.
const NOWHERE: &str = "/no-such-page";

/// Buttons that open a dialog, and where they are.
const DIALOGS: [(&str, &str); 20] = [
    ("/acl", "New rule"),
    ("/acl", "Explain access"),
    ("/scopes", "New scope"),
    ("/designs", "New object"),
    ("/domains", "New domain"),
    ("/teams", "New team"),
    ("/ownership", "Import a list"),
    ("/clients", "New client"),
    ("/clients", "New role"),
    ("/clients", "New application"),
    ("/routes", "New route"),
    ("/queues", "New queue"),
    ("/sites", "New site"),
    ("/sites", "New link"),
    ("/brokers", "Attach a broker"),
    ("/brokers", "Edit"),
    ("/people", "New person"),
    ("/people", "New token"),
    ("/webhooks", "New webhook"),
    ("/", "Search the mesh"),
];

/// The same on the pages of single objects: making one, changing it, and what is asked before one goes.
const DETAIL_DIALOGS: [(&str, &str); 13] = [
    ("/designs/", "Edit"),
    ("/designs/", "New version"),
    ("/teams/", "Edit"),
    ("/teams/", "Delete team"),
    ("/sites/", "New listener"),
    ("/sites/", "Edit"),
    ("/clients/", "Rotate secret"),
    ("/clients/", "Edit"),
    ("/clients/", "Delete client"),
    ("/routes/", "Delete route"),
    ("/queues/", "Edit"),
    ("/queues/", "Delete queue"),
    ("/agents/", "Revoke agent"),
];

/// The pages of single objects.
async fn details(estate: &Estate) -> anyhow::Result<Vec<String>> {
    let api = &estate.mesh.api;
    let broker = estate.id("brokers", "/config/name", "kafka-a").await?;
    let route = json!({
        "name": "orders", "enabled": true, "mode": "guaranteed",
        "from": { "kind": "mesh", "filters": ["orders/>"] },
        "to": { "kind": "kafka", "broker": broker, "topic": "retail.{1}", "key": "" },
    });
    let route = api.post("routes", &route).await?;
    let hq = estate.id("sites", "/name", "hq").await?;
    let queue = json!({ "name": "orders", "site": hq, "filters": ["orders/>"], "note": "why" });
    let queue = api.post("queues", &queue).await?;
    let topic = estate.topic().await?;
    let [schema, event] = design(&estate.mesh.api).await?;
    let team = json!({ "name": "designers", "contact": "designers@shop.example", "description": "who design" });
    let team = api.post("teams", &team).await?;
    Ok(vec![
        format!("/teams/{}", team["id"].as_str().context("read the id of the team")?),
        format!("/designs/{}", schema.0),
        format!("/designs/{}/versions/{}", schema.0, schema.1),
        format!("/designs/{}/versions/{}/asyncapi", event.0, event.1),
        format!("/catalog/{}", topic["id"].as_str().context("read the id of the topic")?),
        format!("/clients/{}", estate.id("principals", "/username", "till-7").await?),
        format!("/routes/{}", route["id"].as_str().context("read the id of the route")?),
        format!("/queues/{}", queue["id"].as_str().context("read the id of the queue")?),
        format!("/sites/{}", estate.id("sites", "/name", "store-lyon").await?),
        format!("/agents/{}", estate.id("agents", "/name", "store-lyon").await?),
        "/graph?find=till-7&permitted=true&stale=true".to_owned(),
        NOWHERE.to_owned(),
    ])
}

/// A schema with two versions, the first of which is released, and an event that carries it: objects with a version each.
async fn design(api: &Client) -> anyhow::Result<[(String, String); 2]> {
    let id = |made: &Value| made["id"].as_str().map(str::to_owned).context("read the id of what was made");
    let domain = api.post("domains", &json!({ "name": "design", "topics": ["design/>"] })).await?;
    let object = json!({ "kind": "schema", "name": "order", "domain": domain["id"], "owner": "designers", "document": "# Orders", "tags": ["gold"] });
    let object = id(&api.post("designs", &object).await?)?;
    let schema = |text: &str| json!({ "content": { "kind": "schema", "format": "AVRO", "text": text } });
    let first = api.post(&format!("designs/{object}/versions"), &schema("\"string\"")).await?;
    for (revision, to) in [(1, "in_review"), (2, "released")] {
        let step = json!({ "revision": revision, "value": { "to": to } });
        api.post(&format!("design-versions/{}/move", id(&first)?), &step).await?;
    }
    api.post(&format!("designs/{object}/versions"), &schema("\"bytes\"")).await?;
    let first = id(&first)?;
    let event =
        json!({ "kind": "event", "name": "order-made", "domain": domain["id"], "document": "# Made", "tags": [] });
    let event = id(&api.post("designs", &event).await?)?;
    let content = json!({ "kind": "event", "address": "design/{country}/made", "schema": first });
    let version = api.post(&format!("designs/{event}/versions"), &json!({ "content": content })).await?;
    Ok([(object, first), (event, id(&version)?)])
}

#[tokio::test]
async fn every_page_is_interactive_accessible_and_without_errors() -> anyhow::Result<()> {
    let mut estate = Estate::start().await?;
    let mut pages: Vec<String> = PAGES.iter().map(|page| (*page).to_owned()).collect();
    pages.extend(details(&estate).await?);
    let admin = estate.browser("admin").await?;
    let mut found = look(&admin, &pages, "wide, light").await?;
    found.extend(dialogs(&admin, &pages).await?);
    admin.resize(NARROW).await?;
    admin.script("localStorage.setItem('theme', 'dark')").await?;
    found.extend(look(&admin, &pages, "narrow, dark").await?);
    admin.quit().await?;

    // A viewer sees the same pages with closed doors in them.
    let viewer = estate.browser("viewer").await?;
    viewer.script("localStorage.setItem('theme', 'dark')").await?;
    found.extend(look(&viewer, &pages, "a viewer's, wide, dark").await?);
    viewer.quit().await?;
    faults::none(&found)?;
    estate.mesh.passed()
}

async fn look(browser: &Browser, pages: &[String], how: &str) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for page in pages {
        browser.open(page).await?;
        browser.text_of("//main//h1", "").await.with_context(|| format!("{page} ({how}) has a heading"))?;
        let mut faults = faults::faults(browser, &format!("{page} ({how})")).await?;
        if page == NOWHERE {
            // The browser logs the status of the page itself; anything else counts here too.
            faults.retain(|fault| !(fault.contains(&format!("{NOWHERE} - ")) && fault.contains("404")));
        }
        found.extend(faults);
    }
    Ok(found)
}

async fn dialogs(browser: &Browser, pages: &[String]) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let detail = |(list, button): (&str, &'static str)| {
        let page = pages.iter().find(|page| page.starts_with(list)).expect("each list has a page of one object");
        (page.clone(), button)
    };
    let all = DIALOGS.map(|(page, button)| (page.to_owned(), button)).into_iter();
    for (page, button) in all.chain(DETAIL_DIALOGS.map(detail)) {
        for (how, size) in [("wide", WIDE), ("narrow", NARROW)] {
            browser.resize(size).await?;
            browser.open(&page).await?;
            browser.click(button).await.with_context(|| format!("{page} ({how})"))?;
            let opens = || format!("{page}: {button} opens a dialog ({how})");
            browser.element("dialog[open] :is(h2, input)").await.with_context(opens)?;
            found.extend(faults::faults(browser, &format!("{page}, {button} ({how})")).await?);
        }
    }
    browser.resize(WIDE).await?;
    Ok(found)
}
