//! The teams behind the owners that everything of the retailer names.

use anyhow::Context;
use serde_json::json;

use super::ensure;
use crate::portal::Client;

/// Name, contact, members by login name (the first leads), what it does.
type Team = (&'static str, &'static str, &'static [&'static str], &'static str);

const TEAMS: [Team; 3] = [
    (
        "Store Systems",
        "store-systems@retailer.example",
        &["developer", "operator"],
        "Tills, screens and scales in all stores, and what they send",
    ),
    ("Commercial", "#commercial", &["approver"], "Prices and assortments of all countries"),
    ("Plant IT", "plant-it@retailer.example", &["operator", "viewer"], "Machines of the plants, and what they measure"),
];

/// Makes them.
pub(super) async fn make(portal: &Client) -> anyhow::Result<()> {
    for (name, contact, logins, description) in TEAMS {
        let mut members = Vec::new();
        for (i, login) in logins.iter().enumerate() {
            let found = portal.find("people", "/login", login).await?;
            let person = found.with_context(|| format!("find the person {login}"))?;
            members.push(json!({ "person": person["id"], "is_lead": i == 0 }));
        }
        let input = json!({ "name": name, "contact": contact, "description": description, "members": members });
        ensure(portal, "teams", "/name", name, &input).await?;
    }
    Ok(())
}
