//! A link is switched off and on: on the overview of a demo, and where all links are.

use anyhow::Context;
use demo::wait::until;
use serde_json::Value;
use system_tests::SOON;
use system_tests::browser::Browser;
use system_tests::mesh::Mesh;

use crate::{estate, faults};

async fn is(mesh: &Mesh, enabled: bool) -> anyhow::Result<Value> {
    until(&format!("the link is switched: enabled {enabled}"), SOON, async || {
        let link = mesh.api.list("links").await?.into_iter().next().context("there is one link")?;
        Ok((link["enabled"] == enabled).then_some(link))
    })
    .await
}

#[tokio::test]
async fn the_berlin_link_is_cut_on_the_overview_and_comes_back_from_the_list() -> anyhow::Result<()> {
    let mut mesh = Mesh::start_demo().await?;
    mesh.site("hq", None).await?;
    let berlin = mesh.site("factory-berlin", Some("hq")).await?;
    let page = format!("/sites/{}", berlin["id"].as_str().context("read the id of the site")?);
    let browser = estate::browser(&mut mesh, "admin").await?;
    browser.open("/").await?;
    browser.text("Cut the Berlin link").await?;
    browser.text_of("//main//*[@data-cut]", "nothing waits").await?;
    browser.click("Switch off").await?;
    browser
        .text("Guaranteed events for hq wait at the agents of factory-berlin")
        .await
        .context("what follows is said")?;
    browser.click_in_dialog("Switch off").await?;
    browser.text_of("//main//*[@data-cut]", "by admin").await?;
    is(&mesh, false).await?;
    browser.text_of("//main//*[@data-cut]", "Off").await?;
    faults::none(&faults::faults(&browser, "an overview with a link that is off").await?)?;
    for page in ["/sites", &page] {
        browser.open(page).await?;
        browser.text_of("//section[@aria-label='Links']//tbody", "Off").await?;
        faults::none(&faults::faults(&browser, &format!("{page} with a link that is off")).await?)?;
    }
    browser.click("Switch on").await?;
    is(&mesh, true).await?;
    browser.text_of("//section[@aria-label='Links']//tbody", "Up").await?;
    faults::none(&browser.console_errors().await?)?;
    viewer(&mut mesh).await.context("as a viewer")?;
    browser.quit().await?;
    mesh.passed()
}

async fn viewer(mesh: &mut Mesh) -> anyhow::Result<()> {
    let browser: Browser = estate::browser(mesh, "viewer").await?;
    browser.open("/sites").await?;
    let control = browser.control("Switch off").await?;
    let reason = control.attr("title").await.context("read why")?.unwrap_or_default();
    anyhow::ensure!(reason.contains("This takes the role operator; yours is viewer"), "it says \"{reason}\"");
    control.click().await.context("press it")?;
    anyhow::ensure!(!browser.shows("dialog[open]").await?, "it opens a dialog for a viewer");
    browser.quit().await
}
