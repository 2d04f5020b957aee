//! A route to an HTTP endpoint, from the REST API to the request on the wire: signed, in order, and nothing lost while the
//! endpoint is away.

use anyhow::{Context, ensure};
use demo::wait::until;
use serde_json::{Value, json};
use system_tests::SOON;
use system_tests::mesh::{Login, Mesh};
use system_tests::webhook::{Call, Endpoint};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Events while the endpoint is away.
const AWAY: usize = 20;

/// Publishes over HTTP, guaranteed, until it is accepted.
async fn publish(address: &str, till: &Login, number: usize) -> anyhow::Result<()> {
    let client = reqwest::Client::new();
    let response = client
        .post(format!("http://{address}/v1/events/orders/fr"))
        .basic_auth(&till.username, Some(&till.secret))
        .header("meshport-delivery", "guaranteed")
        .header("content-type", "application/json")
        .body(json!({ "n": number }).to_string())
        .send()
        .await
        .with_context(|| format!("publish event {number}"))?;
    ensure!(response.status().is_success(), "event {number}: {}", response.text().await.unwrap_or_default());
    Ok(())
}

fn numbers(calls: &[Call]) -> Vec<u64> {
    let number = |call: &Call| serde_json::from_slice::<Value>(&call.body).ok().and_then(|body| body["n"].as_u64());
    calls.iter().filter_map(number).collect()
}

/// Waits until the route's part is so.
async fn part(mesh: &Mesh, route: &Value, what: &str, so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let id = route["id"].as_str().context("read the id of the route")?;
    until(what, SOON, async || {
        let route = mesh.api.get(&format!("routes/{id}")).await?;
        let parts = route["parts"].as_array().cloned().unwrap_or_default();
        Ok(parts.into_iter().find(&so))
    })
    .await
}

#[tokio::test]
async fn events_reach_an_endpoint_signed_in_order_and_also_after_it_was_away() -> anyhow::Result<()> {
    let mut mesh = Mesh::start().await?;
    let hq = mesh.site("hq", None).await?;
    mesh.site("lyon", Some("hq")).await?;
    let till = mesh.client("till", &[("publish", "orders/>")]).await?;
    let endpoint = Endpoint::start().await?;

    // Nobody meant this machine to be called: the form's mistakes and the address are told where they were made.
    let input = |target: Value| {
        json!({ "name": "erp", "enabled": true, "from": { "kind": "mesh", "filters": ["orders/>"] }, "to": target,
            "mode": "guaranteed" })
    };
    let wrong = json!({ "kind": "webhook", "site": hq["id"], "url": "http://me:secret@erp.example", "timeout_ms": 1 });
    let refused = mesh.api.post("routes", &input(wrong)).await.expect_err("it is wrong");
    let refused = format!("{refused:#}");
    ensure!(refused.contains("to.url") && refused.contains("to.timeout_ms"), "{refused}");
    let target = json!({ "kind": "webhook", "site": hq["id"], "url": endpoint.url(), "secret": "erp" });
    let mut route = mesh.api.post("routes", &input(target)).await?;
    let is = |state: &'static str, detail: &'static str| {
        move |part: &Value| part["state"] == state && part["detail"].as_str().unwrap_or_default().contains(detail)
    };
    part(&mesh, &route, "the missing secret is named", is("failing", "mesh-agent secret set erp")).await?;
    mesh.set_secret("hq", "erp", SECRET)?;
    part(&mesh, &route, "it starts with the secret", is("running", "")).await?;
    mesh.applied().await?;

    let hq_http = mesh.listener("hq", "http").await?;
    publish(&hq_http, &till, 0).await?;
    part(&mesh, &route, "a private address is refused", is("failing", "allow private addresses")).await?;
    ensure!(endpoint.calls().is_empty(), "it was called");
    let mut config = route["config"].clone();
    config["to"]["private_addresses"] = json!(true);
    let id = route["id"].as_str().context("read the id of the route")?.to_owned();
    route = mesh.api.put(&format!("routes/{id}"), &route, &config).await?;
    ensure!(route["to_name"].as_str().is_some_and(|name| name.starts_with("127.0.0.1:")), "{route}");
    until("what waited arrives", SOON, async || Ok((!endpoint.calls().is_empty()).then_some(()))).await?;
    let call = endpoint.calls().remove(0);
    call.verify(SECRET)?;
    let told = ["ce-specversion", "ce-source", "ce-type", "ce-subject", "content-type"].map(|name| call.header(name));
    ensure!(told == ["1.0", "/sites/hq", "meshport.event", "orders/fr", "application/json"], "{told:?}");

    // From another site, while the endpoint is away.
    let stopped = endpoint.stop().await;
    let lyon_http = mesh.listener("lyon", "http").await?;
    for number in 1..=AWAY {
        publish(&lyon_http, &till, number).await?;
    }
    part(&mesh, &route, "it says that the endpoint is away", is("failing", "cannot be reached")).await?;
    let endpoint = Endpoint::start_again(stopped).await?;
    let all: Vec<u64> = (0..=AWAY as u64).collect();
    until("everything arrives", SOON, async || Ok((numbers(&endpoint.calls()).len() >= all.len()).then_some(())))
        .await?;
    let calls = endpoint.calls();
    ensure!(numbers(&calls) == all, "out of order or twice: {:?}", numbers(&calls));
    calls.iter().try_for_each(|call| call.verify(SECRET))?;
    ensure!(calls[1].header("ce-source") == "/sites/lyon", "{:?}", calls[1].headers);
    part(&mesh, &route, "it is well again", is("running", "")).await?;
    mesh.passed()
}
