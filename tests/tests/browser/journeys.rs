//! What people come for, from the first click to its effect in the mesh.

use anyhow::Context;
use demo::wait::until;
use system_tests::SOON;
use system_tests::browser::Browser;

use crate::estate::{Estate, ORDERS};
use crate::faults;

#[tokio::test]
async fn an_admin_finds_looks_and_forbids_and_the_mesh_follows() -> anyhow::Result<()> {
    let mut estate = Estate::start().await?;
    let browser = estate.browser("admin").await?;
    find_a_topic(&browser).await.context("find a topic")?;
    open_the_graph(&browser).await.context("open the graph")?;
    write_a_rule(&browser, &estate).await.context("write an access rule")?;
    browser.quit().await
}

async fn find_a_topic(browser: &Browser) -> anyhow::Result<()> {
    browser.open("/").await?;
    browser.press("/").await?;
    browser.type_into("dialog[open] input", "lyon/created").await?;
    browser.click_in_dialog(ORDERS).await?;
    until("the topic's page opens", SOON, async || Ok(browser.path().await?.starts_with("/catalog/").then_some(())))
        .await?;
    browser.heading(ORDERS).await?;
    browser.text("till-7").await.context("its producer is named")?;
    // The catalog's own box finds it too, and says when there is nothing.
    browser.open("/catalog").await?;
    browser.type_into("main input[type=search]", "created").await?;
    browser.control(ORDERS).await?;
    browser.type_into("main input[type=search]", "-no-such-thing").await?;
    browser.text("Nothing").await?;
    faults::none(&faults::faults(browser, "the empty catalog").await?)
}

async fn open_the_graph(browser: &Browser) -> anyhow::Result<()> {
    browser.open("/graph").await?;
    browser.click_at("//*[@data-node][starts-with(@aria-label, 'till-7,')]").await?;
    let panel = browser.element("aside[aria-label=Selected]").await?;
    let text = panel.text().await.context("read the panel")?;
    anyhow::ensure!(text.contains("till-7") && text.contains("created"), "the panel says: {text}");
    browser.element("[data-node][aria-pressed=true]").await?;
    browser.click_at("//main//label[contains(., 'Table')]").await?;
    browser.text("screen-1").await.context("the table has the same flows")?;
    faults::none(&faults::faults(browser, "the graph with a selection").await?)
}

async fn write_a_rule(browser: &Browser, estate: &Estate) -> anyhow::Result<()> {
    const FORBIDDEN: &str = "orders/de/berlin/created";
    estate.till_is(false, FORBIDDEN).await?;
    browser.open("/acl").await?;
    browser.click("New rule").await?;
    browser.choose("subject", "Client till-7").await?;
    browser.choose("effect", "May not (beats every allow)").await?;
    browser.fill("filter", "orders/de/>").await?;
    browser.text("Client till-7 may not publish orders/de/> at every site.").await?;
    browser.click("Save rule").await?;
    let row = "//main//tbody/tr[contains(., 'till-7') and contains(., 'orders/de/>')]";
    browser.text_of(row, "Applied").await?;
    estate.till_is(true, FORBIDDEN).await?;
    estate.till_is(false, ORDERS).await.context("what the rule does not name stays as it was")?;
    browser.click_label("Delete till-7 deny publish orders/de/>").await?;
    browser.click_in_dialog("Delete").await?;
    browser.text("Rule deleted.").await?;
    estate.till_is(false, FORBIDDEN).await?;
    faults::none(&faults::faults(browser, "the rules after an edit").await?)
}
