//! What people come for, from the first click to its effect in the mesh.

use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use demo::process::Process;
use demo::wait::until;
use serde_json::{Value, json};
use system_tests::browser::Browser;
use system_tests::{SOON, kafka};
use thirtyfour::Key;

use crate::estate::{Estate, ORDERS};
use crate::faults;

#[tokio::test]
async fn an_admin_finds_allows_routes_blocks_and_adds_and_the_mesh_follows() -> anyhow::Result<()> {
    let mut estate = Estate::start().await?;
    let browser = estate.browser("admin").await?;
    find_a_topic(&browser).await.context("find a topic")?;
    sort_into_a_domain(&browser).await.context("make a domain of what was discovered")?;
    check_a_schema(&browser).await.context("check a schema")?;
    design_a_schema(&browser).await.context("design a schema")?;
    adopt_an_address(&browser, &estate).await.context("adopt an address as an event")?;
    adopt_everything(&browser, &estate).await.context("adopt everything in a few clicks")?;
    search_for_it(&browser).await.context("search")?;
    open_the_graph(&browser).await.context("open the graph")?;
    write_a_rule(&browser, &estate).await.context("write an access rule")?;
    make_a_route(&browser, &estate).await.context("make a route")?;
    look_at_records(&browser, &estate).await.context("look at records")?;
    change_pause_and_delete_it(&browser, &estate).await.context("change, pause and delete the route")?;
    try_on_the_overview(&browser, &estate).await.context("stop a device and try the mesh on the overview")?;
    block_and_unblock(&browser, &estate).await.context("block and unblock a device")?;
    add_a_site(&browser, &estate).await.context("add a site by its join line")?;
    browser.quit().await?;
    estate.mesh.passed()
}

#[tokio::test]
async fn a_viewer_sees_what_is_closed_and_why() -> anyhow::Result<()> {
    let mut estate = Estate::start().await?;
    let password = estate.mesh.person("viewer").await?;
    let browser = Browser::start(&estate.mesh.url(), &estate.mesh.path("browser-viewer")).await?;
    browser.open("/acl").await?;
    until("a stranger is sent to the login page", SOON, async || Ok((browser.path().await? == "/login").then_some(())))
        .await?;
    browser.fill("login", "viewer").await?;
    browser.fill("password", "not the password").await?;
    browser.click("Sign in").await?;
    browser.element("form [role=alert]").await.context("a wrong password is refused in the form")?;
    let refused = browser.console_errors().await?;
    anyhow::ensure!(
        refused.iter().all(|error| error.contains("401")),
        "only the refusal itself is logged: {refused:?}"
    );
    browser.sign_in("viewer", &password).await?;
    let client = format!("/clients/{}", estate.id("principals", "/username", "till-7").await?);
    for (page, button, role) in [
        ("/acl", "New rule", "approver"),
        ("/clients", "New client", "approver"),
        (client.as_str(), "Block till-7", "approver or operator"),
        ("/routes", "New route", "operator"),
        ("/sites", "New site", "operator"),
    ] {
        browser.open(page).await?;
        faults::none(&faults::faults(&browser, page).await?)?;
        let control = browser.control(button).await?;
        let reason = control.attr("title").await.context("read why")?.unwrap_or_default();
        let wanted = format!("This takes the role {role}; yours is viewer");
        anyhow::ensure!(reason.contains(&wanted), "{page}: {button} says \"{reason}\"");
        control.click().await.with_context(|| format!("press {button}"))?;
        anyhow::ensure!(!browser.shows("dialog[open]").await?, "{page}: {button} opens a dialog for a viewer");
    }
    estate.till_is(false, ORDERS).await.context("pressing the closed button blocked nobody")?;
    browser.open("/people").await?;
    browser.text("An admin can give you that role").await.context("people are closed to a viewer, with the reason")?;
    faults::none(&browser.console_errors().await?)?;
    browser.quit().await?;
    estate.mesh.passed()
}

/// A schema that is none is told with its place, a change that breaks somebody with its reason.
async fn check_a_schema(browser: &Browser) -> anyhow::Result<()> {
    let field = |name: &str| format!(r#"{{"name": "{name}", "type": "string"}}"#);
    let record = |fields: &str| format!(r#"{{"type": "record", "name": "Order", "fields": [{fields}]}}"#);
    browser.open("/schemas").await?;
    browser.type_into("textarea[name=schema]", "{").await?;
    browser.click("Check").await?;
    browser.text("This is no schema").await?;
    browser.open("/schemas").await?;
    browser.type_into("textarea[name=schema]", &record(&format!("{}, {}", field("id"), field("sku")))).await?;
    browser.click("Check").await?;
    browser.text("A sound schema.").await?;
    browser.type_into("textarea[name=previous]", &record(&field("id"))).await?;
    browser.click("Check").await?;
    browser.text("One thing breaks somebody.").await?;
    browser.text("give the field a default").await.context("what to do is told")?;
    faults::none(&faults::faults(browser, "a schema's verdict").await?)
}

/// What nobody has claimed is suggested; a domain made of it claims and owns it.
async fn sort_into_a_domain(browser: &Browser) -> anyhow::Result<()> {
    browser.open("/domains").await?;
    browser.text("No domains yet").await?;
    browser.click_label("Make a domain of orders").await?;
    browser.fill("owner", "Store Systems").await?;
    browser.click_in_dialog("Save domain").await?;
    browser.text("Domain saved.").await?;
    browser.element("tr[data-domain]").await.context("it is listed")?;
    browser.open("/catalog?domain=orders").await?;
    browser.text(ORDERS).await.context("what it claims is in it")?;
    browser.text("Store Systems").await.context("its owner answers for that")?;
    faults::none(&browser.console_errors().await?)
}

/// A schema is written, reviewed and released; what it says then stays, and what stands in the way of a step is told.
async fn design_a_schema(browser: &Browser) -> anyhow::Result<()> {
    browser.open("/designs").await?;
    browser.text("Nothing is designed yet").await?;
    browser.click("New object").await?;
    browser.choose("kind", "Schema").await?;
    browser.fill("name", "Order").await?;
    browser.click_in_dialog("Save object").await?;
    browser.text("may hold lower-case letters").await.context("what is wrong stands beside the field")?;
    browser.fill("name", "order").await?;
    browser.click_in_dialog("Save object").await?;
    browser.heading("order").await.context("its page opens")?;
    browser.click("New version").await?;
    let text = "dialog[open] textarea[name=text]";
    browser
        .type_into(text, r#"{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]"#)
        .await?;
    browser.click_in_dialog("Save version").await?;
    browser.text("is not sound").await.context("a schema that is none is told with its place")?;
    browser.type_into(text, "}").await?;
    browser.click_in_dialog("Save version").await?;
    browser.heading("order 1.0.0").await.context("the draft has the first number")?;
    for (step, state) in [("Send to review", "In review"), ("Release", "Released")] {
        browser.click(step).await?;
        browser.click_in_dialog(step).await?;
        browser.text(&format!("order 1.0.0 is {}.", state.to_lowercase())).await?;
    }
    browser.text("Its number and content are frozen.").await?;
    browser.text("End of life is required").await.context("what is missing before it is deprecated")?;
    let mut faults = faults::faults(browser, "a version").await?;
    // The two refusals above are logged by the browser.
    faults.retain(|fault| !fault.contains("422"));
    faults::none(&faults)?;
    browser.open("/designs?state=released&kind=schema").await?;
    browser.element("tr[data-design=order]").await.context("it is listed")?;
    faults::none(&faults::faults(browser, "the list of designs").await?)?;
    browser.click("order").await?;
    browser.heading("order").await?;
    faults::none(&faults::faults(browser, "a design").await?)
}

/// An address that was seen becomes an event, and each shows the other.
async fn adopt_an_address(browser: &Browser, estate: &Estate) -> anyhow::Result<()> {
    let topic = estate.topic().await?;
    let path = format!("/catalog/{}", topic["id"].as_str().context("read the id of the topic")?);
    browser.open(&path).await?;
    browser.text("No event says what is published here.").await?;
    browser.click("Adopt as an event").await?;
    browser.fill("name", "order-created").await?;
    browser.click_in_dialog("Adopt").await?;
    browser.heading("order-created").await.context("the event's page opens")?;
    browser.text("Draft").await?;
    browser.control(ORDERS).await.context("it says where it is seen")?;
    browser.open(&path).await?;
    browser.control("order-created").await.context("the address says what was designed of it")?;
    faults::none(&faults::faults(browser, "an address with a design").await?)
}

/// What was seen and nobody designed is adopted in two steps, each with what speaks for it.
async fn adopt_everything(browser: &Browser, estate: &Estate) -> anyhow::Result<()> {
    const PAID: &str = "orders/fr/lyon/paid";
    until("another topic is seen that nobody designed", SOON, async || {
        estate.till.publish(PAID, "{}").await?;
        let found = estate.mesh.api.find("drift?about=address", "/name", PAID).await?;
        // Who took it may be reported before who sent it, or after.
        let is_whole =
            |found: &Value| found["producers"] == json!(["till-7"]) && found["consumers"] == json!(["screen-1"]);
        Ok(found.filter(is_whole).map(drop))
    })
    .await?;
    browser.open("/drift?status=runtime_only").await?;
    browser.element(&format!("tr[data-finding='{PAID}']")).await.context("it is to do")?;
    browser.element("tr[data-finding=till-7]").await.context("so is who was seen publishing")?;
    faults::none(&faults::faults(browser, "drift").await?)?;
    browser.click_at("//main//button[starts-with(normalize-space(.), 'Select all')]").await?;
    browser.click("Adopt").await?;
    browser.text("Step 1 of 2").await?;
    browser.element("[data-proposal=orders-fr-lyon-paid]").await.context("an event is proposed")?;
    browser.element("[data-proposal=till-7]").await.context("and the application that publishes it")?;
    browser.text("The domain orders claims it.").await.context("with what speaks for it")?;
    faults::none(&faults::faults(browser, "proposals").await?)?;
    browser.click_in_dialog("Show what is made").await?;
    browser.text("all in one go").await?;
    browser.text("event orders-fr-lyon-paid in orders").await.context("each line is told before")?;
    faults::none(&faults::faults(browser, "the preview of an adoption").await?)?;
    browser.click_in_dialog("Adopt").await?;
    browser.text("made.").await?;
    browser.text("None of these").await.context("nothing that was seen is left")?;
    browser.open("/drift?status=match").await?;
    browser.element(&format!("tr[data-finding='{PAID}']")).await.context("what was seen and what is designed agree")?;
    browser.open("/designs?kind=application").await?;
    browser.control("till-7").await.context("the application is designed")?;
    faults::none(&faults::faults(browser, "drift that is closed").await?)
}

/// One box over everything; the address of the page is the search.
async fn search_for_it(browser: &Browser) -> anyhow::Result<()> {
    browser.open("/search").await?;
    browser.type_into("main input[type=search]", "orders/fr/lyon/created").await?;
    browser.element("tr[data-hit=order-created]").await.context("the event is found by a topic")?;
    browser.element(&format!("tr[data-hit='{ORDERS}']")).await.context("and what was seen there")?;
    browser.open("/search?q=field%3Aid&kind=schema").await?;
    browser.element("tr[data-hit=order]").await.context("a schema is found by a field")?;
    browser.text("Kind: schema").await?;
    browser.open("/search?q=no-such-thing").await?;
    browser.text("Nothing matches").await?;
    faults::none(&faults::faults(browser, "an empty search").await?)
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

async fn make_a_route(browser: &Browser, estate: &Estate) -> anyhow::Result<()> {
    estate.kafka.create_topics(&[("retail.orders", 1), ("moved.orders", 1)]).await?;
    browser.open("/routes").await?;
    browser.click("New route").await?;
    browser.fill("name", "orders-to-kafka").await?;
    browser.choose("from", "The mesh").await?;
    browser.fill("filters", "orders/fr/>").await?;
    browser.choose("to", "kafka-a at hq").await?;
    browser.fill("topic", "retail.{1").await?;
    browser
        .element("dialog[open] [name=topic][aria-invalid=true]")
        .await
        .context("a mistake is told while one types")?;
    browser.fill("topic", "retail.{1}").await?;
    browser.click("Create route").await?;
    browser.heading("orders-to-kafka").await?;
    browser.text_of("//main//section[@aria-label='Where it runs']", "Running").await?;
    records_in(estate, "retail.orders").await?;
    browser.open("/routes").await?;
    browser.text_of("//tr[@data-route='orders-to-kafka']", "Running").await?;
    faults::none(&faults::faults(browser, "the routes with one").await?)
}

/// Records of the topic that the route writes to, found by a text and followed.
async fn look_at_records(browser: &Browser, estate: &Estate) -> anyhow::Result<()> {
    let topic = until("the topic is in the catalog", SOON, async || {
        estate.mesh.api.find("catalog?kind=topic", "/name", "retail.orders").await
    })
    .await?;
    browser.open(&format!("/catalog/{}", topic["id"].as_str().context("read the id of the topic")?)).await?;
    browser.click("Look at records").await?;
    browser.heading("Records of retail.orders").await?;
    browser.element("tr[data-offset]").await.context("there are records")?;
    browser.click("Show").await?;
    browser.text("mesh-topic: orders/fr").await.context("its headers are told")?;
    browser.type_into("main input[type=search]", "no such text").await?;
    browser.text("No records here").await?;
    faults::none(&faults::faults(browser, "no records").await?)?;
    browser.open(&format!("/catalog/{}/records", topic["id"].as_str().context("read the id of the topic")?)).await?;
    browser.element("tr[data-offset]").await?;
    let offset = async || anyhow::Ok(browser.element("tr[data-offset]").await?.attr("data-offset").await?);
    let newest = offset().await?;
    browser.click("Follow").await?;
    until("newer records come", SOON, async || Ok((offset().await? != newest).then_some(()))).await?;
    browser.click("Stop following").await?;
    faults::none(&faults::faults(browser, "records").await?)
}

/// Waits until the till's orders are in a topic of Kafka.
async fn records_in(estate: &Estate, topic: &'static str) -> anyhow::Result<()> {
    let config = estate.kafka.admin_config();
    let records =
        tokio::task::spawn_blocking(move || kafka::read_until(&config, topic, SOON, |records| !records.is_empty()));
    records.await.context("wait for the records")?.with_context(|| format!("the till's orders reach {topic}"))?;
    Ok(())
}

async fn change_pause_and_delete_it(browser: &Browser, estate: &Estate) -> anyhow::Result<()> {
    const WHERE: &str = "//main//section[@aria-label='Where it runs']";
    browser.open("/routes").await?;
    browser.click("orders-to-kafka").await?;
    browser.heading("orders-to-kafka").await?;
    browser.click("Edit").await?;
    browser.fill("topic", "moved.{1}").await?;
    browser.click_in_dialog("Save route").await?;
    browser.text("moved.{1}").await?;
    records_in(estate, "moved.orders").await.context("the change takes effect without a restart")?;
    browser.click("Pause").await?;
    browser.control("Let it run").await?;
    browser.text_of(WHERE, "No agent").await.context("nothing runs of a paused route")?;
    faults::none(&faults::faults(browser, "a paused route").await?)?;
    browser.open("/routes").await?;
    browser.text_of("//tr[@data-route='orders-to-kafka']", "Paused").await?;
    browser.click("orders-to-kafka").await?;
    browser.click("Let it run").await?;
    browser.text_of(WHERE, "Running").await?;
    browser.click("Delete route").await?;
    browser.click_in_dialog("Delete").await?;
    browser.text("Route deleted.").await?;
    browser.text("No route yet").await?;
    let left = estate.mesh.api.find("routes", "/config/name", "orders-to-kafka").await?;
    anyhow::ensure!(left.is_none(), "the portal still has it: {left:?}");
    // The route's page may have heard of its end, and asked once more, before it was left.
    let mut errors = browser.console_errors().await?;
    errors.retain(|error| !(error.contains("/api/v1/routes/") && error.contains("404")));
    faults::none(&errors)
}

async fn try_on_the_overview(browser: &Browser, estate: &Estate) -> anyhow::Result<()> {
    const STOP: &str = "//main//section[@aria-label='Stop one device']";
    const TRY: &str = "//main//section[@aria-label='Try it']";
    browser.open("/").await?;
    browser.click("Block till-7").await?;
    estate.till_is(true, ORDERS).await?;
    browser.text_of(STOP, "publish refused").await.context("the refusal shows with its rule")?;
    browser.click("Let till-7 publish again").await?;
    estate.till_is(false, ORDERS).await?;
    browser.control("Block till-7").await?;

    browser.click("Watch").await?;
    browser.text_of(TRY, "Watching").await?;
    browser.fill("topic", "orders/fr/nice/tried").await?;
    browser.fill("payload", "tried in the browser").await?;
    browser.click("Publish").await?;
    browser.text_of(TRY, "Accepted in").await?;
    browser.text_of("//main//ol[@aria-label='Events']", "tried in the browser").await.context("the tail shows it")?;
    browser.click("Command lines for a terminal").await?;
    browser.text_of(TRY, "mosquitto_pub").await?;
    browser.text_of(TRY, "curl -u").await?;
    faults::none(&faults::faults(browser, "the overview after a try").await?)
}

async fn block_and_unblock(browser: &Browser, estate: &Estate) -> anyhow::Result<()> {
    browser.open("/clients").await?;
    browser.click("till-7").await?;
    browser.heading("till-7").await?;
    browser.click("Block till-7").await?;
    estate.till_is(true, ORDERS).await?;
    browser.text("Blocked").await?;
    browser.text_of("//main//section[@aria-label='Refused lately']", ORDERS).await?;
    browser.click("Unblock till-7").await?;
    estate.till_is(false, ORDERS).await?;
    browser.control("Block till-7").await?;
    faults::none(&faults::faults(browser, "a client after its block").await?)
}

async fn add_a_site(browser: &Browser, estate: &Estate) -> anyhow::Result<()> {
    browser.open("/sites").await?;
    browser.click("New site").await?;
    browser.fill("name", "store-nice").await?;
    browser.fill("region", "eu").await?;
    browser.choose("connects_to", "hq").await?;
    browser.click_in_dialog("Create site").await?;
    browser.heading("store-nice").await?;
    browser.click("Make the join line").await?;
    let line = browser.element("main .m-code code").await?.text().await.context("read the join line")?;
    for part in ["curl ", "sha256sum -c", "mesh-agent join "] {
        anyhow::ensure!(line.contains(part), "the join line has no \"{part}\": {line}");
    }
    browser.click_label("Copy the join line").await?;
    browser.text("Copied").await?;
    browser.press("/").await?;
    let copied = browser.pasted("dialog[open] input").await?;
    browser.press(Key::Escape).await?;
    anyhow::ensure!(copied == line, "the clipboard holds another text: {copied}");

    // Run verbatim in an empty folder, it starts an agent, and the page that is open sees it come.
    let folder = estate.mesh.path("store-nice");
    std::fs::create_dir(&folder).context("make a folder for the agent")?;
    let mut command = Command::new("bash");
    command.args(["-c", &copied]).current_dir(&folder);
    let agent = Process::start("join-line", &command, &estate.mesh.path("logs"))?;
    browser.text_of("//main//*[@role='status']", "is online").await?;
    agent.stop(Duration::from_secs(10));
    faults::none(&faults::faults(browser, "a site after its join").await?)
}
