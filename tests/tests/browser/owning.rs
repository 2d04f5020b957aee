//! Journeys 13 and 14: what nobody answers for is given to a team, and what is old is deprecated and retired.

use anyhow::{Context, ensure};
use demo::wait::until;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::browser::Browser;

use crate::estate::{Estate, ORDERS};
use crate::faults;

/// 2040, when this is gone.
const END_OF_LIFE_MS: i64 = 2_208_988_800_000;

#[tokio::test]
async fn what_nobody_owns_is_given_to_a_team_and_what_is_old_is_retired() -> anyhow::Result<()> {
    let mut estate = Estate::start().await?;
    let browser = estate.browser("admin").await?;
    make_a_team(&browser).await.context("make a team")?;
    give_to_it(&browser).await.context("give it what nobody owns")?;
    refuse_a_list(&browser).await.context("refuse a list with a name that nothing has")?;
    deprecate_and_retire(&browser, &estate).await.context("deprecate and retire an event")?;
    browser.quit().await?;
    estate.mesh.passed()
}

async fn make_a_team(browser: &Browser) -> anyhow::Result<()> {
    browser.open("/teams").await?;
    browser.text("No teams yet").await?;
    browser.click("New team").await?;
    browser.fill("name", "tills").await?;
    browser.fill("contact", "tills@shop.example").await?;
    faults::none(&faults::faults(browser, "the form of a team").await?)?;
    browser.click_in_dialog("Save team").await?;
    browser.text("Team saved.").await?;
    browser.element("tr[data-team=tills]").await.context("it is listed")?;
    Ok(())
}

/// Selected, shown line by line, done: it is no longer in the list, and on the team's page.
async fn give_to_it(browser: &Browser) -> anyhow::Result<()> {
    let row = format!("tr[data-thing='{ORDERS}']");
    browser.open("/ownership?kind=address").await?;
    browser.element(&row).await.context("nobody answers for what the till sends")?;
    faults::none(&faults::faults(browser, "ownership").await?)?;
    browser.click_label(&format!("Select {ORDERS}")).await?;
    browser.text("1 selected").await?;
    browser.click("Set owner and tags").await?;
    browser.fill("owner", "tills").await?;
    browser.click_in_dialog("Show what that does").await?;
    browser.text("1 change.").await.context("what it would do is told before")?;
    browser.text("→ tills").await.context("line by line")?;
    faults::none(&faults::faults(browser, "the preview of an owner").await?)?;
    browser.click_in_dialog("Set them").await?;
    until("it is no longer to do", SOON, async || Ok((!browser.shows(&row).await?).then_some(()))).await?;
    browser.open("/teams").await?;
    browser.click("tills").await?;
    browser.heading("tills").await?;
    browser.control(ORDERS).await.context("the team's page has it")?;
    faults::none(&faults::faults(browser, "a team").await?)
}

async fn refuse_a_list(browser: &Browser) -> anyhow::Result<()> {
    browser.open("/ownership").await?;
    browser.click("Import a list").await?;
    browser.type_into("dialog[open] textarea[name=csv]", "kind,name,owner\naddress,no/such/topic,tills").await?;
    browser.click_in_dialog("Show what that does").await?;
    browser.text("1 of 1 line cannot be").await.context("the line is refused")?;
    ensure!(!browser.shows("dialog[open] button.m-button--primary").await?, "and nothing can be imported");
    browser.click_in_dialog("Cancel").await?;
    faults::none(&browser.console_errors().await?)
}

/// It is deprecated once its end is known, and does not go silently while somebody publishes it.
async fn deprecate_and_retire(browser: &Browser, estate: &Estate) -> anyhow::Result<()> {
    let page = event(estate).await.context("make an event that the till publishes")?;
    browser.open(&page).await?;
    browser.heading("order-created 1.0.0").await?;
    browser.text("till-7").await.context("who was seen publishing it is told")?;
    browser.click("Deprecate").await?;
    browser.click_in_dialog("Deprecate").await?;
    browser.text("say why, or name a replacement").await.context("not without a reason")?;
    browser.fill("reason", "the next tills say more").await?;
    browser.click_in_dialog("Deprecate").await?;
    browser.text("order-created 1.0.0 is deprecated.").await?;
    without_refusals(faults::faults(browser, "a deprecated version").await?)?;
    browser.click("Retire").await?;
    browser.text("Retire it although it is used").await.context("it is said to be in use")?;
    browser.click_in_dialog("Retire").await?;
    browser.element("dialog[open] [role=alert], dialog[open] .m-field__error").await.context("and is not retired")?;
    browser.fill("reason", "the tills are replaced").await?;
    browser.click_at("//dialog[@open]//label[contains(., 'Retire it although')]").await?;
    browser.click_in_dialog("Retire").await?;
    browser.text("order-created 1.0.0 is retired.").await?;
    without_refusals(faults::faults(browser, "a retired version").await?)
}

/// What the portal refused above is logged by the browser.
fn without_refusals(mut faults: Vec<String>) -> anyhow::Result<()> {
    faults.retain(|fault| !fault.contains("422") && !fault.contains("409"));
    faults::none(&faults)
}

/// A released event at the till's topic; the page of its version.
async fn event(estate: &Estate) -> anyhow::Result<String> {
    let api = &estate.mesh.api;
    let domain = json!({ "name": "orders", "parent": null, "owner": "tills", "topics": ["orders/>"], "kafka_topics": [],
        "description": "" });
    let domain = api.post("domains", &domain).await?;
    let object =
        json!({ "kind": "event", "name": "order-created", "domain": domain["id"], "document": "", "tags": [] });
    let object = api.post("designs", &object).await?;
    let id = |made: &Value| made["id"].as_str().map(str::to_owned).context("read the id of what was made");
    let content = json!({ "kind": "event", "address": "orders/{country}/{store}/created" });
    let version = json!({ "content": content, "description": "", "end_of_life_at": END_OF_LIFE_MS });
    let object = id(&object)?;
    let version = id(&api.post(&format!("designs/{object}/versions"), &version).await?)?;
    for (revision, to) in [(1, "in_review"), (2, "released")] {
        let step = json!({ "revision": revision, "value": { "to": to } });
        api.post(&format!("design-versions/{version}/move"), &step).await?;
    }
    Ok(format!("/designs/{object}/versions/{version}"))
}
