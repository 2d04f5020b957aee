//! What the retailer offers to others: an event API of its orders, a product of it with two plans, an application that was let
//! in at once, and one whose request waits in the inbox.
//!
//! What is offered is written by one person and released by another, so this acts as two of the people there are.

use anyhow::Context;
use serde_json::{Value, json};

use super::ensure;
use crate::portal::Client;

/// The plan that lets everybody in at once, and the one that people approve.
const OPEN_PLAN: &str = "trial";
const APPROVED_PLAN: &str = "standard";

/// Who writes and asks, and who releases and decides.
#[derive(Clone, Copy, Debug)]
pub struct Authors<'a> {
    /// Writes, and asks for access.
    pub developer: &'a Client,
    /// Reads what others wrote, and releases it.
    pub approver: &'a Client,
}

/// Makes them; what is there stays.
///
/// # Errors
/// The portal refuses.
pub async fn make(authors: Authors<'_>) -> anyhow::Result<()> {
    let portal = authors.developer;
    let domain = portal.find("domains", "/config/name", "orders").await?.context("find the domain orders")?;
    let event = portal.find("designs?kind=event", "/config/name", "order-created").await?;
    let event = event.context("find the event order-created")?["versions"][0]["id"].clone();
    let api = json!({ "kind": "event_api", "sends": [], "receives": [event] });
    let words = Words {
        kind: "event_api",
        name: "orders-api",
        document: "What stores sell, for whoever builds on it.",
        description: "New orders of every store",
    };
    let api = offered(authors, &domain, &words, &api).await?;
    let content = json!({ "kind": "product", "apis": [api["id"]] });
    let words = Words {
        kind: "product",
        name: "retail-orders",
        document: "Every order of every store, within a second of its sale. Ask for the trial to look at it; the standard plan \
                   is for what your work depends on.",
        description: "New orders, live",
    };
    let version = offered(authors, &domain, &words, &content).await?;
    let product = version["object"].as_str().context("read the product of a version")?.to_owned();

    let trial = json!({
        "name": OPEN_PLAN, "description": "To look at it for a month", "protocols": ["mqtt", "http"],
        "approval": { "kind": "auto" }, "events": 5, "days": 30,
    });
    let standard = json!({
        "name": APPROVED_PLAN, "description": "For work that depends on it", "protocols": ["mqtt", "http"],
        "approval": { "kind": "rules", "people": 1, "without_tags": ["PII"], "same_owner": true },
        "events": 200, "bytes": 1_048_576,
        "price": { "millionths": 40_000_000, "currency": "EUR", "per": "month" },
    });
    let trial = plan(authors, &product, &trial).await?;
    let standard = plan(authors, &product, &standard).await?;
    let view = portal.get(&format!("products/{product}")).await?;
    if view["publishable"].as_array().is_some_and(|versions| !versions.is_empty()) {
        let everywhere = json!({ "version": version["id"] });
        portal.post(&format!("products/{product}/publications"), &everywhere).await.context("publish the product")?;
    }
    let wishes = [
        ("production-planning", &trial, "Counts what stores sell beside what the factory makes"),
        ("kiosk-pilot", &standard, "Shows what is sold most on the screens of the kiosks"),
    ];
    for (application, plan, purpose) in wishes {
        ask(portal, application, &version, plan, purpose).await.with_context(|| format!("ask for {application}"))?;
    }
    Ok(())
}

/// What something that is offered is called, and what people wrote about it and its version.
struct Words {
    kind: &'static str,
    name: &'static str,
    document: &'static str,
    description: &'static str,
}

/// A released version of something that is offered, made when there is none.
async fn offered(authors: Authors<'_>, domain: &Value, words: &Words, content: &Value) -> anyhow::Result<Value> {
    let portal = authors.developer;
    let Words { kind, name, document, description } = words;
    let input = json!({ "kind": kind, "name": name, "domain": domain["id"], "document": document, "tags": ["gold"] });
    let object = ensure(portal, "designs", "/config/name", name, &input).await?;
    let id = object["id"].as_str().context("read the id of what was made")?;
    let known = object["versions"].as_array().and_then(|versions| versions.last()).cloned();
    let mut version = match known {
        Some(version) => version,
        None => {
            let input = json!({ "content": content, "description": description });
            portal.post(&format!("designs/{id}/versions"), &input).await?
        }
    };
    let path = format!("design-versions/{}", version["id"].as_str().context("read the id of a version")?);
    for (from, to, by) in [("draft", "in_review", authors.developer), ("in_review", "released", authors.approver)] {
        version = portal.get(&path).await?;
        if version["state"] == from {
            let step = json!({ "revision": version["revision"], "value": { "to": to } });
            version = by.post(&format!("{path}/move"), &step).await.with_context(|| format!("take {name} to {to}"))?;
        }
    }
    Ok(version)
}

/// The id of a plan that can be asked for.
async fn plan(authors: Authors<'_>, product: &str, input: &Value) -> anyhow::Result<Value> {
    let view = authors.developer.get(&format!("products/{product}")).await?;
    let known = view["plans"].as_array().into_iter().flatten().find(|plan| plan["config"]["name"] == input["name"]);
    let plan = match known {
        Some(plan) => plan.clone(),
        None => authors.developer.post(&format!("products/{product}/plans"), input).await.context("write a plan")?,
    };
    if plan["state"] == "staging" {
        let id = plan["id"].as_str().context("read the id of a plan")?;
        let step = json!({ "revision": plan["revision"], "value": { "to": "published" } });
        authors.approver.post(&format!("plans/{id}/move"), &step).await.context("publish a plan")?;
    }
    Ok(plan["id"].clone())
}

/// Asks for access, unless that application did so before.
async fn ask(portal: &Client, application: &str, version: &Value, plan: &Value, purpose: &str) -> anyhow::Result<()> {
    let found = portal.find("applications", "/name", application).await?;
    let application = found.context("find the application")?["id"].clone();
    let id = application.as_str().context("read the id of an application")?;
    if portal.list(&format!("access-requests?mine=true&application={id}")).await?.is_empty() {
        let wish = json!({ "application": application, "version": version["id"], "plan": plan, "purpose": purpose });
        portal.post("access-requests", &wish).await?;
    }
    Ok(())
}
