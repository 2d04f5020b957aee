//! Owners and descriptions of what the agents find, as people would add them.
//!
//! Objects appear when traffic makes them, some late and some under another name once an agent has seen enough of them
//! (`cmd/fr/lyon/till-1` becomes `cmd/fr/lyon/{level4}`). So this does not wait for a list of names but looks again and
//! again at what there is. What somebody has described stays as it is, and what somebody has taken an owner from is left
//! alone.

use std::collections::BTreeSet;

use anyhow::Context;
use serde_json::{Value, json};

use super::{KAFKA_A, KAFKA_B, PARTS_GROUP, PARTS_TOPIC};
use crate::portal::{ApiFailure, Client};

/// What people say about the objects of one kind with certain names.
struct Words {
    kind: &'static str,
    name: Name,
    owner: &'static str,
    /// Empty where the agents' own facts say more.
    description: &'static str,
}

enum Name {
    Is(&'static str),
    /// How it begins and ends.
    Like(&'static str, &'static str),
}

use Name::{Is, Like};

/// The first that fits counts. `retail.refunds` is in none of them: it is the one to find.
const WORDS: [Words; 27] = [
    words("address", Like("orders/", "/created"), "Store Systems", "An order, as soon as a till has it"),
    words("address", Like("orders/", "/paid"), "Store Systems", "An order that has been paid"),
    words("address", Like("sensors/", "/temperature"), "Plant IT", "How hot a machine is, in degrees Celsius"),
    words("address", Like("sensors/", "/vibration"), "Plant IT", "How much a machine shakes, in mm/s"),
    words("address", Like("sensors/", "/power"), "Plant IT", "What a machine draws, in kW"),
    words("address", Like("sensors/", ""), "Plant IT", "Measurements of a machine"),
    words("address", Like("parts/", "/made"), "Plant IT", "A part that a machine has made, with its number"),
    words("address", Like("tally/", ""), "HQ Operations", "Parts made in Berlin, and how many of them arrived"),
    words("address", Like("alerts/", ""), "HQ Operations", "A machine that runs hot"),
    words("address", Like("prices/", "/update"), "Commercial", "New prices of a country; its tills get them at once"),
    words("address", Like("cmd/", "/answer"), "Store Systems", "What a device answers to a command"),
    words("address", Like("cmd/", ""), "HQ Operations", "Commands to one device"),
    words("topic", Is("retail.orders"), "Store Systems", "Every order of every store"),
    words("topic", Is("pricing.updates"), "Commercial", "New prices by country; tills get them at once"),
    words("topic", Is("plant.alerts"), "HQ Operations", "Machines that run hot"),
    words("topic", Is(PARTS_TOPIC), "HQ Operations", "Every part that the factory makes"),
    words("topic", Is("plant.sensors"), "Plant IT", "Raw measurements of all machines"),
    words("topic", Is("plant.maintenance"), "Plant IT", "Planned standstills"),
    // Kafka's own.
    words("topic", Like("__", ""), "Data Platform", ""),
    words("group", Is("billing"), "Finance", ""),
    words("group", Is("maintenance-planner"), "HQ Operations", ""),
    words("group", Is(PARTS_GROUP), "HQ Operations", ""),
    // Those of the routes.
    words("group", Like("meshport-", ""), "Data Platform", ""),
    // Whom the clusters' lists name: the broker itself, and the agents.
    words("user", Is("admin"), "Data Platform", ""),
    words("user", Is("meshport"), "Data Platform", ""),
    words("cluster", Is(KAFKA_A), "Data Platform", ""),
    words("cluster", Is(KAFKA_B), "Plant IT", ""),
];

const fn words(kind: &'static str, name: Name, owner: &'static str, description: &'static str) -> Words {
    Words { kind, name, owner, description }
}

/// Describes what belongs to the demo, each object once.
#[derive(Debug)]
pub struct Describer {
    portal: Client,
    described: BTreeSet<String>,
}

impl Describer {
    /// Nothing is described yet.
    #[must_use]
    pub fn new(portal: &Client) -> Self {
        Self { portal: portal.clone(), described: BTreeSet::new() }
    }

    /// Describes what is found now and was not described before; says how many objects that were.
    ///
    /// # Errors
    /// The portal refuses; the next look tries again.
    pub async fn look(&mut self) -> anyhow::Result<usize> {
        let before = self.described.len();
        // Also what only its domain has an owner for.
        let nobody_said = |row: &Value| row["owner"] == "" || row["owner_by_domain"] == true;
        for row in self.portal.list("catalog?limit=200").await?.into_iter().filter(nobody_said) {
            let id = row["id"].as_str().context("read the id of a catalog object")?;
            if let Some(words) = about(&row)
                && !self.described.contains(id)
                && self.describe(id, words).await.with_context(|| format!("describe {}", row["name"]))?
            {
                self.described.insert(id.to_owned());
            }
        }
        Ok(self.described.len() - before)
    }

    /// False when the object has changed or gone meanwhile.
    async fn describe(&self, id: &str, words: &Words) -> anyhow::Result<bool> {
        let path = format!("catalog/{id}");
        let input = json!({ "owner": words.owner, "description": words.description });
        let described = async {
            let seen = self.portal.get(&path).await?;
            self.portal.put(&path, &seen, &input).await
        };
        match described.await {
            Ok(_) => Ok(true),
            Err(error) if is_late(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn is_late(error: &anyhow::Error) -> bool {
    let failure = error.downcast_ref::<ApiFailure>();
    failure.is_some_and(|failure| matches!(failure.status.as_u16(), 404 | 409))
}

/// What there is to say about an object of the catalog; nothing when it is not the demo's.
fn about(row: &Value) -> Option<&'static Words> {
    let (kind, name) = (row["kind"].as_str()?, row["name"].as_str()?);
    let ours = row["broker"].as_str().is_none_or(|broker| [KAFKA_A, KAFKA_B].contains(&broker));
    let fits = |words: &&Words| {
        let named = match words.name {
            Is(wanted) => name == wanted,
            Like(begins, ends) => name.starts_with(begins) && name.ends_with(ends),
        };
        words.kind == kind && named
    };
    WORDS.iter().filter(|_| ours).find(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{KAFKA_A_TOPICS, KAFKA_B_TOPICS};
    use super::about;

    fn owner(row: &Value) -> Option<&'static str> {
        about(row).map(|words| words.owner)
    }

    #[test]
    fn one_topic_is_left_without_an_owner() {
        let topics = KAFKA_A_TOPICS.iter().chain(&KAFKA_B_TOPICS).map(|(name, _)| *name);
        let row = |name: &&str| json!({ "kind": "topic", "name": name, "broker": "kafka-a" });
        let unowned: Vec<_> = topics.filter(|name| owner(&row(name)).is_none()).collect();
        assert_eq!(unowned, ["retail.refunds"]);
    }

    #[test]
    fn addresses_are_described_before_and_after_they_are_folded() {
        let address = |name| json!({ "kind": "address", "name": name, "broker": null });
        for (name, wanted) in [
            ("orders/fr/lyon/created", "Store Systems"),
            ("sensors/berlin/oven-1/power", "Plant IT"),
            ("sensors/berlin/{level3}/{level4}", "Plant IT"),
            ("parts/berlin/{level3}/made", "Plant IT"),
            ("tally/parts", "HQ Operations"),
            ("alerts/berlin/press-1/temperature", "HQ Operations"),
            ("prices/de/update", "Commercial"),
            ("cmd/fr/lyon/till-1", "HQ Operations"),
            ("cmd/fr/lyon/{level4}", "HQ Operations"),
            ("cmd/fr/lyon/{level4}/answer", "Store Systems"),
        ] {
            assert_eq!(owner(&address(name)), Some(wanted), "{name}");
        }
        assert_eq!(owner(&address("weather/fr")), None, "it is nothing of the demo's");
    }

    #[test]
    fn what_others_attach_is_theirs_to_describe() {
        let group = |broker| json!({ "kind": "group", "name": "billing", "broker": broker });
        assert_eq!(owner(&group("kafka-b")), Some("Finance"));
        assert_eq!(owner(&group("my-own-kafka")), None);
    }
}
