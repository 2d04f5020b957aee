//! Application domains. Commands, counts and alerts are left for somebody to sort.

use anyhow::Context;
use serde_json::json;

use super::{PARTS_TOPIC, ensure};
use crate::portal::Client;

/// Name, the one it is a part of, owner (empty: as above), addresses, Kafka topics, what it is about.
type Domain =
    (&'static str, Option<&'static str>, &'static str, &'static [&'static str], &'static [&'static str], &'static str);

/// Each after the one it is a part of.
const DOMAINS: [Domain; 4] = [
    ("retail", None, "Store Systems", &[], &[], "What happens in stores"),
    ("orders", Some("retail"), "", &["orders/>"], &["retail.orders"], "From the till to the customer's door"),
    ("pricing", Some("retail"), "Commercial", &["prices/>"], &["pricing.*"], "Prices of all countries"),
    (
        "production",
        None,
        "Plant IT",
        &["parts/>", "sensors/>"],
        &["plant.sensors", "plant.maintenance", PARTS_TOPIC],
        "What machines make, and how they run",
    ),
];

/// Makes them.
pub(super) async fn make(portal: &Client) -> anyhow::Result<()> {
    for (name, parent, owner, topics, kafka_topics, description) in DOMAINS {
        let parent = match parent {
            None => None,
            Some(parent) => {
                let found = portal.find("domains", "/config/name", parent).await?;
                Some(found.with_context(|| format!("find the domain {parent}"))?["id"].clone())
            }
        };
        let input = json!({
            "name": name,
            "parent": parent,
            "owner": owner,
            "topics": topics,
            "kafka_topics": kafka_topics,
            "description": description,
        });
        ensure(portal, "domains", "/config/name", name, &input).await?;
    }
    Ok(())
}
