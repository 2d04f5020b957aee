//! What is before the frame: the first start of a portal, and signing in.

use anyhow::Context;
use demo::portal::{Portal, PortalPorts};
use demo::ports::free_port;
use demo::wait::until;
use system_tests::SOON;
use system_tests::browser::{Browser, NARROW, WIDE};

use crate::faults;

/// A page as it is, wide and narrow, and in both themes.
async fn looked_at(browser: &Browser, page: &str) -> anyhow::Result<()> {
    for (theme, size) in [("light", WIDE), ("dark", NARROW)] {
        browser.resize(size).await?;
        browser.script(&format!("localStorage.setItem('theme', '{theme}')")).await?;
        browser.open(page).await?;
        faults::none(&faults::faults(browser, &format!("{page} ({theme})")).await?)?;
    }
    browser.resize(WIDE).await
}

#[tokio::test]
async fn a_new_portal_is_set_up_by_its_link() -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("make a folder for the portal")?;
    let ports = PortalPorts { web: free_port()?, agents: free_port()? };
    let portal = Portal::start(&folder.path().join("portal"), folder.path(), ports, &[]).await?;
    let code = until("the portal prints its setup link", SOON, async || portal.setup_code().map(Some)).await?;
    let browser = Browser::start(&portal.url(), folder.path()).await?;
    browser.open("/login").await?;
    browser.text("Open the one-time setup link").await.context("nobody can sign in yet")?;
    looked_at(&browser, "/login").await?;
    let link = format!("/setup?code={code}");
    looked_at(&browser, &link).await?;

    // A mistake is marked where it was made, under the name that the form has for it.
    browser.open(&link).await?;
    browser.fill("name", "Ada Admin").await?;
    browser.fill("login", "Ada Admin").await?;
    browser.fill("password", "long enough for anybody").await?;
    browser.click("Make me the first admin").await?;
    browser.element("input[name=login][aria-invalid=true]").await.context("the login name is marked")?;
    let refused = browser.console_errors().await?;
    anyhow::ensure!(refused.iter().all(|error| error.contains("422")), "only the refusal is logged: {refused:?}");
    browser.fill("login", "ada").await?;
    browser.click("Make me the first admin").await?;
    browser.text("The mesh has no site yet").await?;

    browser.open("/setup").await?;
    browser.text("It is done").await.context("the link works once")?;
    looked_at(&browser, "/setup").await?;
    browser.quit().await
}
