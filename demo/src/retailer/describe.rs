//! Owners and descriptions of the Kafka topics, as people would add them.

use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use crate::portal::{ApiFailure, Client};
use crate::wait::until;

/// Longer than the first scan of both clusters takes.
const FOUND_LIMIT: Duration = Duration::from_secs(180);

/// `retail.refunds` is left without an owner: it is the one to find.
const TOPICS: [(&str, &str, &str); 5] = [
    ("retail.orders", "Store Systems", "Every order of every store"),
    ("pricing.updates", "Commercial", "New prices by country; tills get them at once"),
    ("plant.alerts", "HQ Operations", "Machines that run hot"),
    ("plant.sensors", "Plant IT", "Raw measurements of all machines"),
    ("plant.maintenance", "Plant IT", "Planned standstills"),
];

pub(super) async fn topics(portal: &Client) -> anyhow::Result<()> {
    for (name, owner, description) in TOPICS {
        let path = format!("catalog?kind=topic&q={name}");
        let row =
            until(&format!("{name} is found"), FOUND_LIMIT, async || portal.find(&path, "/name", name).await).await?;
        if row["owner"].as_str().is_some_and(|owner| !owner.is_empty()) {
            continue;
        }
        let path = format!("catalog/{}", row["id"].as_str().with_context(|| format!("read the id of {name}"))?);
        let input = json!({ "owner": owner, "description": description });
        // A scan may change the object between the look and the edit.
        until(&format!("{name} is described"), Duration::from_secs(20), async || {
            let seen = portal.get(&path).await?;
            match portal.put(&path, &seen, &input).await {
                Ok(_) => Ok(Some(())),
                Err(error)
                    if error.downcast_ref::<ApiFailure>().is_some_and(|failure| failure.status.as_u16() == 409) =>
                {
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        })
        .await?;
    }
    Ok(())
}
