//! What some events of the retailer mean, as its people wrote it down: one schema with a second version on its way, and the
//! event that carries it.

use anyhow::Context;
use serde_json::{Value, json};

use super::ensure;
use crate::portal::Client;

/// The schema of an order, as the tills send it.
const ORDER: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Order",
  "type": "object",
  "properties": {
    "number": { "type": "integer", "description": "Counts up at each till" },
    "store": { "type": "string" },
    "total": { "type": "number", "description": "In the currency of the store" }
  },
  "required": ["number", "store", "total"],
  "additionalProperties": false
}"#;

/// The same with what the next release of the tills adds.
const NEXT_ORDER: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Order",
  "type": "object",
  "properties": {
    "number": { "type": "integer", "description": "Counts up at each till" },
    "store": { "type": "string" },
    "total": { "type": "number", "description": "In the currency of the store" },
    "loyalty": { "type": "string", "description": "Number of the customer's card" }
  },
  "required": ["number", "store", "total"],
  "additionalProperties": false
}"#;

/// Makes them.
pub(super) async fn make(portal: &Client) -> anyhow::Result<()> {
    let domain = portal.find("domains", "/config/name", "orders").await?.context("find the domain orders")?;
    let order =
        object(portal, "schema", "order", &domain, "What every till says about an order. The customer is not in it.")
            .await?;
    let created =
        object(portal, "event", "order-created", &domain, "A till has an order: it is paid or cancelled later.")
            .await?;
    if versions(&order)?.is_empty() {
        let first = version(portal, &order, &schema(ORDER), "As the tills send it since 2024").await?;
        release(portal, &first).await?;
        version(portal, &order, &schema(NEXT_ORDER), "The customer's card, for the loyalty programme").await?;
        let content = json!({ "kind": "event", "address": "orders/{country}/{store}/created", "schema": first["id"] });
        let event = version(portal, &created, &content, "Sent at once, also while the store is offline").await?;
        release(portal, &event).await?;
    }
    Ok(())
}

async fn object(portal: &Client, kind: &str, name: &str, domain: &Value, document: &str) -> anyhow::Result<Value> {
    let input = json!({ "kind": kind, "name": name, "domain": domain["id"], "document": document, "tags": ["gold"] });
    ensure(portal, "designs", "/config/name", name, &input).await
}

fn versions(object: &Value) -> anyhow::Result<&Vec<Value>> {
    object["versions"].as_array().context("read the versions of a design")
}

fn schema(text: &str) -> Value {
    json!({ "kind": "schema", "format": "JSON", "text": text })
}

fn id(made: &Value) -> anyhow::Result<&str> {
    made["id"].as_str().context("read the id of what was made")
}

async fn version(portal: &Client, object: &Value, content: &Value, description: &str) -> anyhow::Result<Value> {
    let input = json!({ "content": content, "description": description });
    portal.post(&format!("designs/{}/versions", id(object)?), &input).await
}

async fn release(portal: &Client, version: &Value) -> anyhow::Result<()> {
    for (revision, to) in [(1, "in_review"), (2, "released")] {
        let step = json!({ "revision": revision, "value": { "to": to } });
        portal.post(&format!("design-versions/{}/move", id(version)?), &step).await?;
    }
    Ok(())
}
