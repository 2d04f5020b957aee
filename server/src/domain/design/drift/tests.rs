use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::super::fixture::{Catalog, application, avro, event};
use super::super::{State, events_of};
use super::*;

/// What was seen, owned by a test.
#[derive(Default)]
struct World {
    addresses: Vec<(String, Filter)>,
    topics: Vec<(String, Vec<Filter>)>,
    clients: Vec<String>,
    uses: Vec<(String, Side, String, Filter)>,
    subjects: Vec<(String, DesignObjectId)>,
}

fn filter(address: &str) -> Filter {
    crate::domain::address::filter(address).expect("an address")
}

impl World {
    fn of(addresses: &[&str]) -> Self {
        let addresses = addresses.iter().map(|address| ((*address).to_owned(), filter(address)));
        Self { addresses: addresses.collect(), ..Self::default() }
    }

    fn uses(mut self, application: &str, side: Side, address: &str) -> Self {
        self.clients.push(application.to_owned());
        self.uses.push((application.to_owned(), side, address.to_owned(), filter(address)));
        self
    }

    fn topic(mut self, name: &str, mapped: &[&str]) -> Self {
        self.topics.push((name.to_owned(), mapped.iter().map(|address| filter(address)).collect()));
        self
    }

    fn subject(mut self, name: &str, object: DesignObjectId) -> Self {
        self.subjects.push((name.to_owned(), object));
        self
    }

    /// Does something with the findings, beside what is designed.
    fn judge<T>(&self, catalog: &Catalog, with: impl FnOnce(Vec<Finding<'_>>) -> T) -> T {
        let graph = catalog.graph();
        let object = |id: &DesignObjectId| catalog.objects.iter().find(|object| object.id == *id);
        let meant = Meant {
            objects: catalog.objects.iter().collect(),
            graph: &graph,
            subjects: self.subjects.iter().filter_map(|(name, id)| Some((name.as_str(), object(id)?))).collect(),
        };
        let seen = Seen {
            addresses: self.addresses.iter().map(|(address, filter)| (address.as_str(), Some(filter))).collect(),
            topics: self
                .topics
                .iter()
                .map(|(name, mapped)| SeenTopic { broker: Uuid::nil().into(), name, mapped: mapped.clone() })
                .collect(),
            is_scanned: !self.topics.is_empty(),
            clients: self.clients.iter().map(String::as_str).collect(),
            uses: self
                .uses
                .iter()
                .map(|(application, side, address, filter)| SeenUse { application, side: *side, address, filter })
                .collect(),
        };
        with(findings(&meant, &seen))
    }

    /// Status and sentence by key; ids of fixtures count up from 1.
    fn told(&self, catalog: &Catalog) -> BTreeMap<String, (Status, String)> {
        self.judge(catalog, |findings| findings.iter().map(|one| (one.key(), (one.status, one.sentence()))).collect())
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

#[test]
fn addresses_and_events_find_each_other() {
    let mut catalog = Catalog::default();
    catalog.both("order", event("orders/{country}/created", None));
    catalog.both("price", event("prices/update", None));
    let (_, gone) = catalog.both("gone", event("gone", None));
    catalog.at(gone).state = State::Retired;
    let told = World::of(&["orders/fr/created", "orders/{country}/{verb}", "cmd/fr", "gone"]).told(&catalog);
    let of = |key: &str| told.get(key).map(|(status, sentence)| (*status, sentence.as_str()));
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!(of("address:orders/fr/created"), Some((Status::Match, "It is an address of the event order.")));
    assert_eq!(
        of("address:orders/{country}/{verb}"),
        Some((Status::Partial, "Only some of its topics are those of the event order."))
    );
    assert_eq!(of("address:cmd/fr"), Some((Status::RuntimeOnly, "No event says what is published here.")));
    assert_eq!(
        of("address:gone").map(|(status, _)| status),
        Some(Status::RuntimeOnly),
        "what is retired means nothing"
    );
    let unseen = format!("event:{}", id(2));
    assert_eq!(of(&unseen), Some((Status::DesignOnly, "Nothing was seen at prices/update.")));
}

#[test]
fn topics_and_schemas_find_each_other_by_the_subject() {
    let mut catalog = Catalog::default();
    let (order, _) = catalog.both("order", avro(""));
    let (key, _) = catalog.both("order-key", avro(""));
    let (lost, _) = catalog.both("lost", avro(""));
    let (common, _) = catalog.both("common", avro(""));
    catalog.both("price", event("prices/{country}", None));
    let world = World::default()
        .topic("orders", &[])
        .topic("keys", &[])
        .topic("prices", &["prices/{country}"])
        .topic("logs", &["logs/{host}"])
        .subject("orders-value", order)
        .subject("keys-key", key)
        .subject("lost-value", lost)
        .subject("common", common);
    let told = world.told(&catalog);
    let topic = |name: &str| told[&format!("topic:{}:{name}", Uuid::nil())].clone();
    assert_eq!(topic("orders"), (Status::Match, "Its records are described by the schema order.".to_owned()));
    assert_eq!(topic("keys").0, Status::Partial);
    let partial = "Routes make the event price of its records, and no schema has its subject.";
    assert_eq!(topic("prices"), (Status::Partial, partial.to_owned()));
    assert_eq!(topic("logs").0, Status::RuntimeOnly);
    let lost = &told[&format!("schema:{lost}")];
    assert_eq!(lost, &(Status::DesignOnly, "No Kafka topic is called lost, which its subject is of.".to_owned()));
    assert!(!told.contains_key(&format!("schema:{common}")), "a subject that is of no topic misses none");
    let unscanned = World::default().subject("lost-value", order).told(&catalog);
    assert!(unscanned.keys().all(|key| !key.starts_with("schema:")), "nobody looked into a cluster: {unscanned:?}");
}

#[test]
fn applications_are_held_to_what_they_say() {
    let mut catalog = Catalog::default();
    let (order_id, order) = catalog.both("order", event("orders/{country}/created", None));
    let (price_id, price) = catalog.both("price", event("prices/fr", None));
    let (till, _) = catalog.both("till", application(&[order], &[price]));
    let (board, _) = catalog.both("board", application(&[], &[order]));
    let world = World::default()
        .uses("till", Side::Publish, "orders/fr/created")
        .uses("till", Side::Consume, "cmd/fr")
        .uses("till", Side::Publish, "orders/{country}/{verb}")
        .uses("audit", Side::Consume, "orders/fr/created");
    let told = world.told(&catalog);
    let status = |key: String| told.get(&key).map(|(status, _)| *status);
    assert_eq!(status(format!("says:{till}:publish:{order_id}")), Some(Status::Match));
    assert_eq!(
        told[&format!("says:{till}:consume:{price_id}")],
        (Status::DesignOnly, "It says that it consumes price, and was not seen doing so.".to_owned())
    );
    assert_eq!(
        told[&format!("does:{till}:consume:cmd/fr")],
        (Status::RuntimeOnly, "It was seen consuming from cmd/fr, which it does not say.".to_owned())
    );
    assert_eq!(status(format!("does:{till}:publish:orders/{{country}}/{{verb}}")), Some(Status::Partial));
    assert_eq!(status(format!("does:{till}:publish:orders/fr/created")), None, "that is what it says");
    assert_eq!(status(format!("application:{board}")), Some(Status::DesignOnly));
    assert_eq!(status(format!("says:{board}:consume:{order_id}")), None, "nobody could be seen as it");
    assert_eq!(status("client:audit".to_owned()), Some(Status::RuntimeOnly));
}

#[test]
fn a_digest_is_another_only_when_what_differs_is() {
    let mut catalog = Catalog::default();
    let (_, version) = catalog.both("price", event("prices/fr", None));
    let digest = |catalog: &Catalog| World::default().judge(catalog, |found| found[0].digest());
    let first = digest(&catalog);
    catalog.at(version).state = State::Deprecated;
    assert_eq!(digest(&catalog), first, "its state says nothing of what was seen");
    catalog.at(version).spec.content = event("prices/de", None);
    assert_ne!(digest(&catalog), first);
    let catalog = Catalog::default();
    let of = |address: &str| World::of(&[address]).judge(&catalog, |found| found[0].digest());
    assert_ne!(of("a"), of("b"));
}

#[test]
fn a_decision_ends_with_its_time_or_with_what_it_was_about() {
    let catalog = Catalog::default();
    World::of(&["a"]).judge(&catalog, |found| {
        let mut decision = Decision {
            key: found[0].key(),
            digest: found[0].digest(),
            until_ms: Some(10),
            reason: "a trial".to_owned(),
            by: "ada".to_owned(),
            at_ms: 1,
        };
        assert!(decision.holds(&found[0], 9));
        assert!(!decision.holds(&found[0], 10));
        decision.until_ms = None;
        assert!(decision.holds(&found[0], i64::MAX));
        decision.digest = "another".to_owned();
        assert!(!decision.holds(&found[0], 1));
    });
    let field = |until, reason: &str| Decision::check(until, reason, 5).err().map(|errors| errors.0.into_keys().next());
    assert_eq!(field(None, "a trial"), None);
    assert_eq!(field(Some(6), "a trial"), None);
    assert_eq!(field(Some(5), "a trial"), Some(Some("until".to_owned())));
    assert_eq!(field(Some(i64::MAX), "a trial"), Some(Some("until".to_owned())));
    assert_eq!(field(None, " "), Some(Some("reason".to_owned())));
}

fn addresses() -> impl Strategy<Value = String> {
    let level = prop_oneof![Just("a"), Just("b"), Just("{x}"), Just("c")];
    prop::collection::vec(level, 1..4).prop_map(|levels| {
        let named = levels.iter().zip(0..).map(|(level, at)| level.replace('x', &format!("x{at}")));
        named.collect::<Vec<_>>().join("/")
    })
}

proptest! {
    /// Each address is what one finding is about; an event stands in those of its addresses, or is what one is about.
    #[test]
    fn nothing_is_left_out_and_nothing_is_told_twice(
        seen in prop::collection::btree_set(addresses(), 0..12),
        designed in prop::collection::vec((addresses(), any::<bool>()), 0..12),
    ) {
        let mut catalog = Catalog::default();
        for (at, (address, is_retired)) in designed.iter().enumerate() {
            let (_, version) = catalog.both(&format!("e{at}"), event(address, None));
            if *is_retired {
                catalog.at(version).state = State::Retired;
            }
        }
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        let graph = catalog.graph();
        World::of(&seen).judge(&catalog, |found| {
            for address in &seen {
                let about: Vec<_> = found.iter().filter(|one| one.key() == format!("address:{address}")).collect();
                prop_assert_eq!(about.len(), 1);
                let bound: Vec<_> = events_of(&filter(address), &catalog.objects, &graph)
                    .iter().map(|(fit, object, _)| (object.id, *fit)).collect();
                let mut told: Vec<_> = about[0].designs.iter().map(|bound| (bound.object.id, bound.fit)).collect();
                told.sort_unstable_by_key(|(id, _)| *id);
                let mut each = bound.clone();
                each.sort_unstable_by_key(|(id, _)| *id);
                prop_assert_eq!(told, each, "the index binds as comparing with each does");
                let expected = match bound.first() {
                    Some((_, Fit::Whole)) => Status::Match,
                    Some(_) => Status::Partial,
                    None => Status::RuntimeOnly,
                };
                prop_assert_eq!(about[0].status, expected);
            }
            for object in &catalog.objects {
                let own = found.iter().filter(|one| one.key() == format!("event:{}", object.id)).count();
                let bound = found.iter().any(|one| one.designs.iter().any(|bound| bound.object.id == object.id));
                let stands = standing(graph.versions(object.id)).is_some();
                prop_assert_eq!(usize::from(stands && !bound), own);
                prop_assert!(stands || !bound);
            }
            let keys: BTreeSet<String> = found.iter().map(Finding::key).collect();
            prop_assert_eq!(keys.len(), found.len());
            Ok(())
        })?;
    }
}

/// Comparing each with each would be fifty million comparisons, which take many seconds.
#[test]
fn ten_thousand_addresses_beside_five_thousand_events_take_no_time() {
    let mut catalog = Catalog::default();
    for at in 0..5_000 {
        catalog.both(&format!("e{at}"), event(&format!("shop/{{country}}/{}/e{at}", at % 50), None));
    }
    let addresses: Vec<String> = (0..10_000).map(|at| format!("shop/c{}/{}/e{at}", at % 20, at % 50)).collect();
    let world = World::of(&addresses.iter().map(String::as_str).collect::<Vec<_>>());
    let begun = std::time::Instant::now();
    let counts = world
        .judge(&catalog, |found| Status::ALL.map(|status| found.iter().filter(|one| one.status == status).count()));
    assert_eq!(counts, [5_000, 0, 0, 5_000]);
    let took = begun.elapsed();
    assert!(took < std::time::Duration::from_secs(2), "{took:?}");
}
