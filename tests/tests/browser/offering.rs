//! Journeys 5, 6 and 8: an event becomes a product, is reviewed by somebody else, published, asked for, approved, and had with
//! issued credentials; and is over, with its connection, when it is revoked.

use anyhow::{Context, ensure};
use demo::portal::Client;
use demo::wait::until;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::browser::Browser;
use system_tests::mqtt::MqttClient;

use crate::estate::{Estate, ORDERS};
use crate::faults;

#[tokio::test]
async fn a_product_is_offered_asked_for_approved_used_and_taken_back() -> anyhow::Result<()> {
    let mut estate = Estate::start().await?;
    let product = drafts(&mut estate).await.context("write what is to be offered")?;
    let developer = estate.browser("developer").await?;
    let approver = estate.browser("approver").await?;
    review(&developer, &approver, &product).await.context("have it reviewed")?;
    offer(&developer, &approver, &product).await.context("offer it")?;
    ask(&developer).await.context("ask for it")?;
    approve(&approver).await.context("approve it")?;
    let (username, secret) = issue(&developer, &estate).await.context("issue a credential")?;
    let reader =
        MqttClient::connect_as(&estate.mesh.listener("hq", "mqtt").await?, &username, &secret, "wall-1").await?;
    reader.subscribe("orders/+/+/created").await.context("what was given may be subscribed to")?;
    reader.message(ORDERS).await.context("the first event comes")?;
    certify(&developer).await.context("issue a certificate")?;
    let denied = reader.try_subscribe("prices/#").await?;
    ensure!(!format!("{denied:?}").starts_with("Success"), "nothing else was given: {denied:?}");
    revoke(&approver).await.context("take it back")?;
    until("the open connection ends", SOON, async || Ok((!reader.losses().is_empty()).then_some(()))).await?;
    let refused = MqttClient::refusal(&estate.mesh.listener("hq", "mqtt").await?, &username, &secret).await?;
    ensure!(!refused.is_empty(), "and the credential is refused from then on");
    developer.quit().await?;
    approver.quit().await?;
    estate.mesh.passed()
}

/// What the drafts are called in the portal's addresses.
struct Offered {
    api: String,
    product: String,
    version: String,
}

fn id(made: &Value) -> anyhow::Result<String> {
    made["id"].as_str().map(str::to_owned).with_context(|| format!("read the id of {made}"))
}

/// A released event at the till's topic, and drafts of an event API and a product, written by the developer.
async fn drafts(estate: &mut Estate) -> anyhow::Result<Offered> {
    let login = json!({ "login": "developer", "password": estate.mesh.person("developer").await? });
    let dev = Client::new(&estate.mesh.url())?.signed_in("login", &login).await?;
    let domain = json!({ "name": "orders", "parent": null, "owner": "stores", "topics": ["orders/>"], "kafka_topics": [], "description": "" });
    let domain = dev.post("domains", &domain).await?;
    let made = async |kind: &str, name: &str, content: Value| -> anyhow::Result<(String, String)> {
        let object = json!({ "kind": kind, "name": name, "domain": domain["id"], "document": "", "tags": [] });
        let object = id(&dev.post("designs", &object).await?)?;
        let version = dev.post(&format!("designs/{object}/versions"), &json!({ "content": content })).await?;
        Ok((object, id(&version)?))
    };
    let content = json!({ "kind": "event", "address": "orders/{country}/{store}/created" });
    let (_, event) = made("event", "order-created", content).await?;
    for (revision, to) in [(1, "in_review"), (2, "released")] {
        let step = json!({ "revision": revision, "value": { "to": to } });
        dev.post(&format!("design-versions/{event}/move"), &step).await?;
    }
    let (object, api) = made("event_api", "orders-api", json!({ "kind": "event_api", "receives": [event] })).await?;
    let api_page = format!("/designs/{object}/versions/{api}");
    let (product, version) = made("product", "retail-orders", json!({ "kind": "product", "apis": [api] })).await?;
    let wall = json!({ "name": "wall", "owner": "developer", "description": "" });
    dev.post("applications", &wall).await?;
    Ok(Offered {
        api: api_page,
        version: format!("/designs/{product}/versions/{version}"),
        product: format!("/products/{product}"),
    })
}

/// Who wrote it sends it to review and cannot release it; somebody else can.
async fn review(developer: &Browser, approver: &Browser, offered: &Offered) -> anyhow::Result<()> {
    for (page, name) in [(&offered.api, "orders-api"), (&offered.version, "retail-orders")] {
        developer.open(page).await?;
        developer.click("Send to review").await?;
        developer.click_in_dialog("Send to review").await?;
        developer.text(&format!("{name} 1.0.0 is in review.")).await?;
        developer.text("released by somebody who did not write it").await.context("the author is told who can")?;
        approver.open(page).await?;
        approver.click("Release").await?;
        approver.click_in_dialog("Release").await?;
        approver.text(&format!("{name} 1.0.0 is released.")).await?;
    }
    Ok(())
}

/// A plan is written and published by another hand; the version is published everywhere, and is live.
async fn offer(developer: &Browser, approver: &Browser, offered: &Offered) -> anyhow::Result<()> {
    developer.open(&offered.product).await?;
    developer.text("No plan yet").await?;
    developer.click("New plan").await?;
    developer.fill("name", "standard").await?;
    developer.choose("approval", "Who is approved by people").await?;
    faults::none(&faults::faults(developer, "the form of a plan").await?)?;
    developer.click_in_dialog("Save plan").await?;
    developer.element("tr[data-plan=standard]").await?;
    approver.open(&offered.product).await?;
    approver.click("Publish").await?;
    approver.text("Published").await?;
    developer.click("Publish a version").await?;
    faults::none(&faults::faults(developer, "the form of a publication").await?)?;
    developer.click_in_dialog("Publish").await?;
    developer.text("Version 1.0.0 in production").await?;
    developer.element("tr[data-site=hq] [data-state=live]").await.context("it can be had at hq")?;
    faults::none(&faults::faults(developer, "a product").await?)?;
    developer.open("/products").await?;
    developer.element("tr[data-product=retail-orders]").await?;
    faults::none(&faults::faults(developer, "products").await?)
}

/// The verdict stands there before anything is asked.
async fn ask(developer: &Browser) -> anyhow::Result<()> {
    developer.click("retail-orders 1.0.0").await?;
    developer.click("Request access").await?;
    developer.text("One person has to say yes.").await.context("the verdict is shown before")?;
    developer.text("orders/*/*/created").await.context("with exactly what would be given")?;
    developer.type_into("dialog[open] textarea[name=purpose]", "Shows orders on the wall of the store").await?;
    faults::none(&faults::faults(developer, "the form of a request").await?)?;
    developer.click_in_dialog("Ask for access").await?;
    developer.heading("wall wants to receive retail-orders").await?;
    developer.text("nobody decides about their own").await?;
    faults::none(&faults::faults(developer, "one's own request").await?)
}

async fn approve(approver: &Browser) -> anyhow::Result<()> {
    approver.open("/inbox").await?;
    faults::none(&faults::faults(approver, "the inbox").await?)?;
    approver.click("wall to receive retail-orders").await?;
    approver.heading("wall wants to receive retail-orders").await?;
    approver.text("Shows orders on the wall of the store").await?;
    faults::none(&faults::faults(approver, "a request").await?)?;
    approver.click("Approve").await?;
    approver.text("Access given: agents are taking it.").await?;
    Ok(())
}

/// The secret is shown once.
async fn issue(developer: &Browser, estate: &Estate) -> anyhow::Result<(String, String)> {
    developer.open("/access").await?;
    developer.element("tr[data-grant=wall] [data-state=live]").await.context("every agent confirmed it")?;
    developer.click("wall").await?;
    developer.click("Issue a credential").await?;
    developer.fill("username", "wall-screen").await?;
    developer.click_in_dialog("Issue").await?;
    let secret = developer.element(".m-secret code").await?.text().await.context("read the secret")?;
    developer.element("tr[data-credential=wall-screen]").await?;
    faults::none(&faults::faults(developer, "access with its credentials").await?)?;
    estate.mesh.applied().await?;
    Ok(("wall-screen".to_owned(), secret))
}

/// A certificate is issued, refused for a wrong number beside it, and renewed; both stand there while they overlap.
async fn certify(developer: &Browser) -> anyhow::Result<()> {
    developer.open("/access").await?;
    developer.click("wall").await?;
    developer.click("Issue a certificate").await?;
    developer.fill("username", "wall-sealed").await?;
    developer.fill("days", "400").await?;
    developer.click_in_dialog("Issue").await?;
    developer.text("must be 1 to 397").await?;
    let refused = developer.console_errors().await?;
    ensure!(refused.iter().all(|error| error.contains("422")), "browsers tell of what is refused: {refused:?}");
    developer.fill("days", "30").await?;
    developer.click_in_dialog("Issue").await?;
    let key = developer.element(".m-secret code").await?.text().await.context("read the key")?;
    ensure!(key.contains("BEGIN PRIVATE KEY"), "the key is shown this once: {key}");
    developer.element("tr[data-certificate]").await?;
    developer.element("tr[data-credential=wall-sealed] [data-state=live]").await?;
    faults::none(&faults::faults(developer, "access with a certificate").await?)?;
    developer.click_label("Renew the certificate of wall-sealed").await?;
    developer.click_in_dialog("Issue").await?;
    until("both certificates are there", SOON, async || {
        let count = developer.script("return document.querySelectorAll('tr[data-certificate]').length;").await?;
        Ok((count == 2).then_some(()))
    })
    .await
}

/// It needs a reason, and is revoked when every agent says so.
async fn revoke(approver: &Browser) -> anyhow::Result<()> {
    approver.open("/access").await?;
    approver.click("wall").await?;
    approver.fill("reason", "the wall is gone").await?;
    approver.click("Revoke").await?;
    approver.text("Revoked").await?;
    approver.text("the wall is gone").await?;
    faults::none(&faults::faults(approver, "access that is over").await?)
}
