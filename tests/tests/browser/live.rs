//! What a live update does to a page that somebody works on: it brings news, and takes nothing away.

use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use system_tests::browser::Browser;
use system_tests::demo_mesh::PAGES;
use system_tests::mesh::Mesh;
use tokio::time::timeout;

use crate::{estate, faults};

/// Far more than a page takes, and less than a browser keeps the connections of a page that was left.
const STALLED: Duration = Duration::from_secs(30);

/// A site without an agent; every page that shows sites hears of it.
async fn add_site(mesh: &Mesh, name: &str) -> anyhow::Result<()> {
    mesh.api.post("sites", &json!({ "name": name, "region": "eu" })).await.map(drop)
}

#[tokio::test]
async fn a_live_update_leaves_an_open_dialog_and_what_was_typed() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    for site in ["hq", "store-lyon", "store-nice"] {
        add_site(&mesh, site).await?;
    }
    let till = mesh.client("till-7", &[]).await?;
    let browser = estate::browser(&mut mesh, "admin").await?;
    explain_access(&browser, &mesh).await.context("explain access")?;
    try_before_saving(&browser, &mesh).await.context("try a rule before it is saved")?;
    choose_ends(&browser, &mesh).await.context("choose the ends of a link")?;
    follow_to_nothing(&browser, &till.id).await.context("follow a link to what is gone")?;
    load_page_after_page(&browser).await.context("load one page after the other")?;
    browser.quit().await?;
    mesh.passed()
}

async fn explain_access(browser: &Browser, mesh: &Mesh) -> anyhow::Result<()> {
    browser.open("/acl").await?;
    browser.click("Explain access").await?;
    browser.type_into("dialog[open] input[name=try-target]", "orders/fr/x").await?;
    add_site(mesh, "store-brest").await?;
    browser.text_of("//dialog[@open]//select[@name='try-site']", "store-brest").await.context("the update arrives")?;
    let held = browser.held("dialog[open] input[name=try-target]").await?;
    anyhow::ensure!(held == "orders/fr/x", "the field holds \"{held}\"");
    faults::none(&browser.console_errors().await?)
}

async fn try_before_saving(browser: &Browser, mesh: &Mesh) -> anyhow::Result<()> {
    browser.open("/acl").await?;
    browser.click("New rule").await?;
    browser.fill("filter", "orders/de/>").await?;
    browser.click_in_dialog("Try it before saving").await?;
    browser.type_into("dialog[open] input[name=try-target]", "orders/de/x").await?;
    add_site(mesh, "store-metz").await?;
    browser.text_of("//dialog[@open]//select[@name='try-site']", "store-metz").await.context("the update arrives")?;
    for (field, wanted) in [("filter", "orders/de/>"), ("try-target", "orders/de/x")] {
        let held = browser.held(&format!("dialog[open] input[name={field}]")).await?;
        anyhow::ensure!(held == wanted, "{field} holds \"{held}\"");
    }
    faults::none(&browser.console_errors().await?)
}

async fn choose_ends(browser: &Browser, mesh: &Mesh) -> anyhow::Result<()> {
    browser.open("/sites").await?;
    browser.click("New link").await?;
    browser.choose("from", "store-nice").await?;
    browser.choose("to", "store-lyon").await?;
    add_site(mesh, "store-lille").await?;
    browser.text_of("//dialog[@open]//select[@name='from']", "store-lille").await.context("the update arrives")?;
    for (field, wanted) in [("from", "store-nice"), ("to", "store-lyon")] {
        let held = browser.held(&format!("dialog[open] select[name={field}]")).await?;
        anyhow::ensure!(held == wanted, "{field} holds \"{held}\"");
    }
    faults::none(&browser.console_errors().await?)
}

/// The page of another client that is gone does not go on showing the first one.
async fn follow_to_nothing(browser: &Browser, till: &str) -> anyhow::Result<()> {
    browser.open(&format!("/clients/{till}")).await?;
    browser.heading("till-7").await?;
    browser
        .script(
            "const link = document.createElement('a');
             link.href = '/clients/0190a000-0000-7000-8000-000000000000';
             document.querySelector('main').append(link);
             link.click();",
        )
        .await?;
    browser.text("It is not here").await?;
    let heading = browser.element("main h1").await?.text().await.context("read the heading")?;
    anyhow::ensure!(heading == "Client", "the page is still headed \"{heading}\"");
    let logged = browser.console_errors().await?;
    anyhow::ensure!(logged.iter().all(|error| error.contains("404")), "only the answer itself is logged: {logged:?}");
    Ok(())
}

/// Each page has a stream of its own, and a browser has few connections: a page that is left gives its stream back.
async fn load_page_after_page(browser: &Browser) -> anyhow::Result<()> {
    for page in PAGES {
        timeout(STALLED, browser.open(page)).await.with_context(|| format!("{page} waits for a connection"))??;
    }
    faults::none(&browser.console_errors().await?)
}
