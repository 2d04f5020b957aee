//! Domains that what was discovered suggests: one for each first part of names that nobody claims yet.

use std::collections::BTreeMap;

use super::super::field::FieldErrors;

/// Most suggestions; the busiest are kept.
const SUGGESTIONS_MAX: usize = 50;

/// Something that no domain claims.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unclaimed<'a> {
    /// An event address and its events per second.
    Address(&'a str, f64),
    /// A Kafka topic.
    Kafka(&'a str),
}

/// A domain that could be made, with what speaks for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suggestion {
    /// What it could be called.
    pub name: String,
    /// Filters that claim what was found.
    pub topics: Vec<String>,
    /// Kafka names that do.
    pub kafka_topics: Vec<String>,
    /// Addresses it would have.
    pub addresses: u64,
    /// Kafka topics it would have.
    pub kafka_found: u64,
    /// Their events per second now.
    pub rate: f64,
}

/// One suggestion for each first part of the names, the largest first.
#[must_use]
pub fn suggest<'a>(unclaimed: impl IntoIterator<Item = Unclaimed<'a>>) -> Vec<Suggestion> {
    let mut by_name: BTreeMap<String, Suggestion> = BTreeMap::new();
    for object in unclaimed {
        let Some((name, claim)) = first_part(object) else { continue };
        let found = by_name.entry(name.clone()).or_insert_with(|| Suggestion { name, ..Suggestion::default() });
        let claims = match object {
            Unclaimed::Address(_, rate) => {
                found.addresses += 1;
                found.rate += rate;
                &mut found.topics
            }
            Unclaimed::Kafka(_) => {
                found.kafka_found += 1;
                &mut found.kafka_topics
            }
        };
        if !claims.contains(&claim) {
            claims.push(claim);
        }
    }
    let mut all: Vec<Suggestion> = by_name.into_values().collect();
    let size = |suggestion: &Suggestion| suggestion.addresses + suggestion.kafka_found;
    all.sort_by(|a, b| size(b).cmp(&size(a)).then_with(|| a.name.cmp(&b.name)));
    all.truncate(SUGGESTIONS_MAX);
    all
}

/// The domain's name, and what claims everything that begins so. None where the first part is not one that can be a name:
/// a variable, a system topic.
fn first_part(object: Unclaimed<'_>) -> Option<(String, String)> {
    let (first, claim) = match object {
        Unclaimed::Address(address, _) => match address.split_once('/') {
            Some((first, _)) => (first, format!("{first}/>")),
            None => (address, address.to_owned()),
        },
        Unclaimed::Kafka(name) => match name.find(['.', '-', '_']) {
            Some(end) if end > 0 => (&name[..end], format!("{}*", &name[..=end])),
            Some(_) => return None,
            None => (name, name.to_owned()),
        },
    };
    let name = first.to_lowercase();
    let mut errors = FieldErrors::default();
    errors.name("name", &name);
    errors.check().is_ok().then_some((name, claim))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_alike_is_one_suggestion_with_the_claims_that_cover_it() {
        let found = [
            Unclaimed::Address("orders/{country}/created", 2.0),
            Unclaimed::Address("orders/{country}/paid", 1.0),
            Unclaimed::Kafka("orders.refunds"),
            Unclaimed::Kafka("orders.refunds.dlq"),
            Unclaimed::Address("heartbeat", 1.0),
        ];
        let all = suggest(found);
        assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["orders", "heartbeat"]);
        let orders = &all[0];
        assert_eq!(
            (&*orders.topics, &*orders.kafka_topics),
            (&["orders/>".to_owned()][..], &["orders.*".to_owned()][..])
        );
        assert_eq!((orders.addresses, orders.kafka_found, orders.rate), (2, 2, 3.0));
        assert_eq!(all[1].topics, ["heartbeat"]);
    }

    #[test]
    fn variables_and_system_names_suggest_nothing() {
        let found = [
            Unclaimed::Address("{plant}/temp", 1.0),
            Unclaimed::Address("$SYS/broker", 1.0),
            Unclaimed::Address("/leading", 1.0),
            Unclaimed::Kafka("_schemas"),
            Unclaimed::Kafka("__consumer_offsets"),
        ];
        assert_eq!(suggest(found), []);
    }
}
