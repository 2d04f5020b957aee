//! A queue's life in the portal: made, looked at, changed, paused and deleted; and what of it is closed to whom.

use anyhow::Context;
use demo::wait::until;
use serde_json::json;
use system_tests::SOON;
use system_tests::browser::{Browser, NARROW, WIDE};
use system_tests::mesh::Mesh;
use thirtyfour::Key;

use crate::{estate, faults};

#[tokio::test]
async fn a_queue_is_made_changed_paused_and_deleted() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    mesh.site("hq", None).await?;
    let browser = estate::browser(&mut mesh, "admin").await?;
    make(&browser, &mesh).await.context("make a queue")?;
    find_and_list(&browser).await.context("find it")?;
    change(&browser, &mesh).await.context("change it")?;
    pause(&browser, &mesh).await.context("pause it and go on")?;
    keep(&browser, &mesh).await.context("keep what is acknowledged")?;
    ask_to_replay(&browser).await.context("ask what to replay")?;
    look(&browser).await.context("look at it in every light")?;
    delete(&browser, &mesh).await.context("delete it")?;
    browser.quit().await?;
    mesh.passed()
}

#[tokio::test]
async fn what_a_viewer_may_not_do_with_a_queue_says_why() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let site = mesh.site("hq", None).await?;
    let queue = json!({ "name": "orders", "site": site["id"], "filters": ["orders/>"], "keep_ms": 86_400_000 });
    let queue = mesh.api.post("queues", &queue).await?;
    let page = format!("/queues/{}", queue["id"].as_str().context("read the id of the queue")?);
    let browser = estate::browser(&mut mesh, "viewer").await?;
    let buttons = ["Edit", "Pause", "Replay…", "Delete queue"].map(|button| (page.as_str(), button));
    for (page, button) in std::iter::once(("/queues", "New queue")).chain(buttons) {
        browser.open(page).await?;
        let control = browser.control(button).await?;
        let reason = control.attr("title").await.context("read why")?.unwrap_or_default();
        let wanted = "This takes the role operator; yours is viewer";
        anyhow::ensure!(reason.contains(wanted), "{page}: {button} says \"{reason}\"");
        control.click().await.with_context(|| format!("press {button}"))?;
        anyhow::ensure!(!browser.shows("dialog[open]").await?, "{page}: {button} opens a dialog for a viewer");
    }
    browser.text("What is in it is closed to you").await?;
    browser.text("it takes the role developer").await?;
    anyhow::ensure!(!browser.shows("main tr[data-position]").await?, "a viewer sees events");
    faults::none(&faults::faults(&browser, "a queue as a viewer sees it").await?)?;
    browser.quit().await?;
    mesh.passed()
}

async fn make(browser: &Browser, mesh: &Mesh) -> anyhow::Result<()> {
    browser.open("/queues").await?;
    browser.text("No queue yet").await?;
    // The form has an address of its own.
    browser.open("/queues/new").await?;
    browser.element("dialog[open] input[name=name]").await?;
    browser.fill("name", "orders").await?;
    browser.fill("filters", "orders/>, returns/${late").await?;
    browser.element("dialog[open] [name=filters][aria-invalid=true]").await.context("a mistake is told at once")?;
    browser.fill("filters", "orders/>, returns/>").await?;
    browser.fill("lease_ms", "soon").await?;
    browser.click("Create queue").await?;
    browser.text("Write a number and its unit").await?;
    browser.fill("lease_ms", "500 ms").await?;
    browser.click("Create queue").await?;
    browser.text("must be one second").await.context("the portal's own check is shown at its field")?;
    // The browser tells of the refusal, which was wanted.
    let told = browser.console_errors().await?;
    anyhow::ensure!(told.iter().all(|line| line.contains("422")), "{told:?}");
    browser.fill("lease_ms", "1 min").await?;
    browser.choose("access", "Partitioned: each key to one of them").await?;
    browser.click("Create queue").await?;
    browser.heading("orders").await?;
    browser.text("mosquitto_sub -V 5").await?;
    browser.text("-t '$queue/orders'").await?;
    browser.text("/v1/queues/orders/pull?max=10").await?;
    let made = mesh.api.find("queues", "/config/name", "orders").await?.context("the portal has it")?;
    let config = &made["config"];
    anyhow::ensure!(config["lease_ms"] == 60_000 && config["access"] == "partitioned", "it has: {config}");
    anyhow::ensure!(config["filters"] == json!(["orders/>", "returns/>"]), "it attracts: {config}");
    Ok(())
}

async fn find_and_list(browser: &Browser) -> anyhow::Result<()> {
    browser.open("/queues").await?;
    browser.text_of("//tr[@data-queue='orders']", "Partitioned").await?;
    browser.type_into("main input[type=search]", "return").await?;
    browser.text_of("//tr[@data-queue='orders']", "hq").await.context("a part of a filter finds it")?;
    browser.type_into("main input[type=search]", "-no-such-thing").await?;
    browser.text("No queue matches").await?;
    faults::none(&faults::faults(browser, "the empty list of queues").await?)?;
    browser.open("/").await?;
    browser.press("/").await?;
    browser.type_into("dialog[open] input", "order").await?;
    browser.click_in_dialog("queue at hq").await?;
    until("the queue's page opens", SOON, async || Ok(browser.path().await?.starts_with("/queues/").then_some(())))
        .await?;
    browser.heading("orders").await
}

async fn change(browser: &Browser, mesh: &Mesh) -> anyhow::Result<()> {
    browser.click("Edit").await?;
    let held = browser.held("dialog[open] input[name=lease_ms]").await?;
    anyhow::ensure!(held == "1 min", "the form holds \"{held}\"");
    browser.fill("events_max", "2,000").await?;
    browser.fill("ttl_ms", "7 d").await?;
    browser.click_in_dialog("Save queue").await?;
    browser.text_of("//main//section[@aria-label='Settings']", "2,000 events").await?;
    browser.text_of("//main//section[@aria-label='Settings']", "7 d").await?;
    let changed = mesh.api.find("queues", "/config/name", "orders").await?.context("the portal has it")?;
    anyhow::ensure!(changed["config"]["ttl_ms"] == 604_800_000, "it has: {}", changed["config"]);
    faults::none(&browser.console_errors().await?)
}

async fn pause(browser: &Browser, mesh: &Mesh) -> anyhow::Result<()> {
    browser.click("Pause").await?;
    browser.control("Resume").await?;
    browser.text("is paused; it goes on attracting").await?;
    let paused = mesh.api.find("queues", "/config/name", "orders").await?.context("the portal has it")?;
    anyhow::ensure!(paused["config"]["paused"] == true, "it has: {}", paused["config"]);
    browser.click("Resume").await?;
    browser.control("Pause").await.map(drop)
}

async fn keep(browser: &Browser, mesh: &Mesh) -> anyhow::Result<()> {
    browser.click("Acknowledged").await?;
    browser.text("Acknowledged events are not kept").await?;
    browser.click("Change the settings").await?;
    browser.click_at("//dialog[@open]//label[contains(., 'Keep acknowledged events for replay')]").await?;
    browser.fill("keep_ms", "30 s").await?;
    browser.click_in_dialog("Save queue").await?;
    browser.text("must be one minute").await.context("the portal's own check is shown at its field")?;
    let told = browser.console_errors().await?;
    anyhow::ensure!(told.iter().all(|line| line.contains("422")), "{told:?}");
    browser.fill("keep_ms", "2 d").await?;
    browser.click_in_dialog("Save queue").await?;
    let settings = "//main//section[@aria-label='Settings']";
    browser.text_of(settings, "what was acknowledged for 2 d, at most 1 GB").await?;
    let kept = mesh.api.find("queues", "/config/name", "orders").await?.context("the portal has it")?;
    anyhow::ensure!(kept["config"]["keep_ms"] == 172_800_000, "it has: {}", kept["config"]);
    browser.click("Waiting").await
}

async fn ask_to_replay(browser: &Browser) -> anyhow::Result<()> {
    browser.click("Replay…").await?;
    browser.text("in order, flagged as redelivered, and before newer ones").await?;
    let since = browser.held("dialog[open] input[name=since]").await?;
    anyhow::ensure!(since.contains('T'), "a moment is suggested: \"{since}\"");
    browser.click_in_dialog("24 h ago").await?;
    browser.text("What was admitted to the mesh 1 d ago or later").await?;
    faults::none(&faults::faults(browser, "the question what to replay").await?)?;
    browser.click_at("//dialog[@open]//label[contains(., 'From a position on')]").await?;
    browser.fill("position", "the first").await?;
    browser.element("dialog[open] [name=position][aria-invalid=true]").await.context("a mistake is told at once")?;
    browser.press(Key::Escape).await?;
    until("the dialog closes", SOON, async || Ok((!browser.shows("dialog[open]").await?).then_some(()))).await
}

async fn look(browser: &Browser) -> anyhow::Result<()> {
    let page = browser.path().await?;
    for (how, size, theme) in [("wide, light", WIDE, "light"), ("narrow, dark", NARROW, "dark")] {
        browser.resize(size).await?;
        browser.script(&format!("localStorage.setItem('theme', '{theme}')")).await?;
        let shelves = ["", "?shelf=dead", "?shelf=acknowledged"].map(|shelf| format!("{page}{shelf}"));
        for page in shelves.into_iter().chain(["/queues".to_owned()]) {
            browser.open(&page).await?;
            faults::none(&faults::faults(browser, &format!("{page} ({how})")).await?)?;
        }
    }
    browser.resize(WIDE).await?;
    browser.open(&page).await
}

async fn delete(browser: &Browser, mesh: &Mesh) -> anyhow::Result<()> {
    browser.click("Delete queue").await?;
    browser.text("To stop consumers for a while, pause it").await.context("the consequence is said first")?;
    browser.click_in_dialog("Delete").await?;
    browser.text("Queue deleted.").await?;
    browser.text("No queue yet").await?;
    let left = mesh.api.find("queues", "/config/name", "orders").await?;
    anyhow::ensure!(left.is_none(), "the portal still has it: {left:?}");
    faults::none(&browser.console_errors().await?)
}
