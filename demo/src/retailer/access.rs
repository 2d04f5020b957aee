//! Applications, roles with their rules, and clients.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::{Value, json};

use super::queues::ORDERS;
use super::{DENIED, DISPATCHER, FULFILMENT, HTTP_TILLS, MACHINES, MQTT_TILLS, PLANNING, ensure};
use crate::portal::Client;

/// What a role may do: action and filter in the mesh dialect.
type Rights = &'static [(&'static str, &'static str)];

const ROLES: [(&str, &str, Rights); 5] = [
    (
        "till",
        "Sells: orders of its own store, prices of its country, commands to itself and its answers",
        &[
            ("connect", ">"),
            ("publish", "orders/fr/lyon/>"),
            ("publish", "cmd/fr/lyon/${username}/answer"),
            ("subscribe", "prices/fr/update"),
            ("subscribe", "cmd/fr/lyon/${username}"),
        ],
    ),
    (
        "machine",
        "Reports its own measurements and each part it has made",
        &[("connect", ">"), ("publish", "sensors/berlin/${username}/>"), ("publish", "parts/berlin/${username}/made")],
    ),
    ("planner", "Says how many parts were made and how many arrived", &[("connect", ">"), ("publish", "tally/>")]),
    (
        "dispatcher",
        "Sends commands to any device and reads the answers",
        &[("connect", ">"), ("publish", "cmd/>"), ("subscribe", "cmd/*/*/*/answer"), ("subscribe", "orders/>")],
    ),
    (
        "fulfilment",
        "Takes new orders from the queue of the warehouse",
        &[("connect", ">"), ("subscribe", ORDERS), ("manage_queue", ORDERS)],
    ),
];

const APPLICATIONS: [(&str, &str, &str); 6] = [
    ("point-of-sale", "Store Systems", "Tills of all stores: they sell and show prices"),
    ("plant-telemetry", "Plant IT", "Machines of the Berlin factory and their measurements"),
    ("dispatch", "HQ Operations", "Sends commands to devices in the stores"),
    ("production-planning", "HQ Operations", "Counts the parts that the Berlin factory makes"),
    ("order-fulfilment", "Logistics", "Picks and packs what the tills sell"),
    ("kiosk-pilot", "Innovation Lab", "Two kiosks left over from a trial"),
];

pub(super) async fn make(
    portal: &Client,
    known: &BTreeMap<String, String>,
    describe: bool,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut roles = BTreeMap::new();
    for (name, purpose, rights) in ROLES {
        let role = role(portal, name, if describe { purpose } else { "" }, rights).await?;
        roles.insert(name, role);
    }
    let mut applications = BTreeMap::new();
    if describe {
        for (name, owner, description) in APPLICATIONS {
            let input = json!({ "name": name, "owner": owner, "description": description });
            applications.insert(name, ensure(portal, "applications", "/name", name, &input).await?["id"].clone());
        }
    }
    let tills = MQTT_TILLS.iter().chain(&HTTP_TILLS).map(|name| (*name, "till", "point-of-sale"));
    let machines = MACHINES.iter().map(|name| (*name, "machine", "plant-telemetry"));
    let others = [
        (DISPATCHER, "dispatcher", "dispatch"),
        (FULFILMENT, "fulfilment", "order-fulfilment"),
        (PLANNING, "planner", "production-planning"),
        (DENIED, "till", "kiosk-pilot"),
    ];
    let mut secrets = BTreeMap::new();
    for (name, role, application) in tills.chain(machines).chain(others) {
        let input = json!({ "username": name, "roles": [roles[role]], "enabled": true, "application": applications.get(application) });
        let secret = client(portal, name, &input, known.get(name)).await?;
        secrets.insert(name.to_owned(), secret);
    }
    Ok(secrets)
}

/// A role with its rules; returns its id.
async fn role(portal: &Client, name: &str, description: &str, rights: Rights) -> anyhow::Result<Value> {
    let input = json!({ "name": name, "description": description });
    let id = ensure(portal, "roles", "/name", name, &input).await?["id"].clone();
    let about = id.as_str().with_context(|| format!("read the id of role {name}"))?;
    let present = portal.list(&format!("rules?role={about}")).await?;
    for (action, filter) in rights {
        let same = |rule: &&Value| rule["config"]["action"] == *action && rule["config"]["filter"] == *filter;
        if present.iter().find(same).is_none() {
            let rule = json!({ "subject": { "role": id }, "action": action, "effect": "allow", "filter": filter });
            portal.post("rules", &rule).await.with_context(|| format!("allow {name} to {action} {filter}"))?;
        }
    }
    Ok(id)
}

/// A client; returns its secret, a new one when the known one is lost.
async fn client(portal: &Client, name: &str, input: &Value, known: Option<&String>) -> anyhow::Result<String> {
    let found = portal.find(&format!("principals?q={name}"), "/username", name).await?;
    let answer = match (found, known) {
        (Some(_), Some(secret)) => return Ok(secret.clone()),
        (Some(found), None) => {
            let id = found["id"].as_str().with_context(|| format!("read the id of {name}"))?;
            portal.post(&format!("principals/{id}/rotate"), &json!({ "overlap_minutes": 0 })).await
        }
        (None, _) => portal.post("principals", input).await,
    };
    let answer = answer.with_context(|| format!("make the client {name}"))?;
    answer["secret"].as_str().map(str::to_owned).with_context(|| format!("read the secret of {name}"))
}
