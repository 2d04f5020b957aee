//! Somebody is told what happens, tells another system of it, and says what they want by mail.

use anyhow::Context;
use demo::wait::until;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::browser::Browser;

use crate::estate::Estate;
use crate::faults;

#[tokio::test]
async fn what_happens_is_told_by_the_bell_and_to_a_webhook() -> anyhow::Result<()> {
    let mut estate = Estate::start().await?;
    let browser = estate.browser("admin").await?;
    hear_the_bell(&browser, &estate).await.context("hear of a review")?;
    watch_a_design(&browser, &estate).await.context("watch a design")?;
    make_a_webhook(&browser).await.context("make a webhook and send it a test")?;
    want_mail(&browser).await.context("say what is wanted by mail")?;
    browser.quit().await?;
    estate.mesh.passed()
}

/// The page of a schema of which a version waits for its release.
async fn review(estate: &Estate, name: &str) -> anyhow::Result<String> {
    let api = &estate.mesh.api;
    let domain = api
        .post(
            "domains",
            &json!({ "name": name, "parent": null, "owner": "", "topics": [], "kafka_topics": [], "description": "" }),
        )
        .await?;
    let object = json!({ "kind": "schema", "name": name, "domain": domain["id"], "document": "", "tags": [] });
    let object = api.post("designs", &object).await?;
    let id = |made: &Value| made["id"].as_str().map(str::to_owned).context("read the id of what was made");
    let content = json!({ "kind": "schema", "format": "JSON", "text": "{\"type\": \"object\"}" });
    let object = id(&object)?;
    let version = id(&api
        .post(&format!("designs/{object}/versions"), &json!({ "content": content, "description": "" }))
        .await?)?;
    api.post(&format!("design-versions/{version}/move"), &json!({ "revision": 1, "value": { "to": "in_review" } }))
        .await?;
    Ok(format!("/designs/{object}"))
}

async fn hear_the_bell(browser: &Browser, estate: &Estate) -> anyhow::Result<()> {
    browser.open("/teams").await?;
    anyhow::ensure!(!browser.shows(".m-bell__count").await?, "nothing is unread yet");
    review(estate, "bell").await?;
    browser.element(".m-bell__count").await.context("the bell counts it without a reload")?;
    browser.click_at("//a[@href='/notifications'][contains(@class, 'm-bell')]").await?;
    browser.heading("Notifications").await?;
    browser.text("waits for its release").await?;
    faults::none(&faults::faults(browser, "notifications").await?)?;
    browser.click("Mark all as read").await?;
    until("the bell is quiet", SOON, async || Ok((!browser.shows(".m-bell__count").await?).then_some(()))).await?;
    browser.open("/notifications?unread=true").await?;
    browser.text("Nothing unread").await.map(drop)
}

async fn watch_a_design(browser: &Browser, estate: &Estate) -> anyhow::Result<()> {
    browser.open(&review(estate, "watched").await?).await?;
    browser.click("Watch").await?;
    browser.text("You are told when it changes.").await?;
    browser.control("Watching").await?;
    faults::none(&faults::faults(browser, "a design that is watched").await?)
}

async fn make_a_webhook(browser: &Browser) -> anyhow::Result<()> {
    browser.open("/webhooks").await?;
    browser.text("No webhooks yet").await?;
    browser.click("New webhook").await?;
    browser.fill("name", "pager").await?;
    // Nobody listens at this port.
    browser.fill("url", "http://127.0.0.1:9/in").await?;
    browser.click_in_dialog("Create webhook").await?;
    browser.text("without it only private addresses can be called").await.context("it is refused beside its field")?;
    browser.click_at("//dialog[@open]//label[contains(., 'private network')]").await?;
    browser.click_in_dialog("Create webhook").await?;
    browser.element("dialog[open] .m-secret").await.context("its secret is shown once")?;
    browser.click_in_dialog("I have stored it").await?;
    browser.element("tr[data-webhook=pager]").await.context("it is listed")?;
    browser.click("pager").await?;
    browser.heading("pager").await?;
    browser.click("Send a test").await?;
    browser.text("A test message is on its way.").await?;
    browser.text("Waits after 1 try").await.context("the page says that nobody listens there")?;
    let mut faults = faults::faults(browser, "a webhook").await?;
    // What the portal refused above is logged by the browser.
    faults.retain(|fault| !fault.contains("422"));
    faults::none(&faults)
}

async fn want_mail(browser: &Browser) -> anyhow::Result<()> {
    browser.open("/me").await?;
    browser.text("This portal sends no mail").await?;
    browser.fill("email", "admin@shop.example").await?;
    browser.choose("pace", "Once a day, what is unread by then").await?;
    browser.click("Save").await?;
    browser.text("Saved.").await?;
    faults::none(&faults::faults(browser, "my settings").await?)
}
