use super::*;
use proptest::prelude::*;

fn find(addresses: &mut Addresses, topic: &str) -> String {
    addresses.find(topic)
}

#[test]
fn declared_addresses_come_first_and_the_most_literal_wins() {
    let mut addresses = Addresses::default();
    assert!(addresses.declare(&["orders/{country}/{store}/{verb}".into(), "orders/{country}/{store}/created".into()]));
    assert_eq!(find(&mut addresses, "orders/fr/lyon/created"), "orders/{country}/{store}/created");
    assert_eq!(find(&mut addresses, "orders/fr/lyon/paid"), "orders/{country}/{store}/{verb}");
    assert_eq!(find(&mut addresses, "orders/fr/lyon"), "orders/fr/lyon");
    assert!(!addresses.declare(&["orders/{country}/{store}/{verb}".into(), "orders/{country}/{store}/created".into()]));
}

#[test]
fn numbered_things_fold_after_a_few_and_stay_folded() {
    let mut addresses = Addresses::default();
    for number in 1..=3 {
        assert_eq!(find(&mut addresses, &format!("s/press-{number}/temp")), format!("s/press-{number}/temp"));
    }
    let before = addresses.generation();
    assert_eq!(find(&mut addresses, "s/press-4/temp"), "s/{level2}/temp");
    assert!(addresses.generation() > before, "answers given before have changed");
    assert_eq!(find(&mut addresses, "s/press-1/temp"), "s/{level2}/temp");
    assert_eq!(find(&mut addresses, "s/oven/temp"), "s/oven/temp", "a word beside them stays");
    let folded = addresses.generation();
    assert_eq!(find(&mut addresses, "s/press-99/temp"), "s/{level2}/temp");
    assert_eq!(addresses.generation(), folded);
}

#[test]
fn words_fold_when_there_are_many() {
    let mut addresses = Addresses::default();
    let word = |number: usize| "abcdefghijklmnopqrstuvwxyz"[number..=number].to_owned();
    for number in 0..WORDS_MAX {
        assert_eq!(find(&mut addresses, &format!("u/{}/x", word(number))), format!("u/{}/x", word(number)));
    }
    assert_eq!(find(&mut addresses, &format!("u/{}/x", word(WORDS_MAX))), "u/{level2}/x");
    assert_eq!(find(&mut addresses, "u/a/x"), "u/{level2}/x");
}

#[test]
fn random_identifiers_are_one_kind() {
    assert_eq!(kind("0198f2d4-3c5a-7b1e-9f00-aabbccddeeff"), kind("ffffffffffffffff0"));
    assert_eq!(kind("till-7"), kind("till-12"));
    assert_ne!(kind("till-7"), kind("press-7"));
    assert_eq!(kind("created"), None);
}

proptest! {
    #[test]
    fn memory_is_bounded_and_every_answer_fits_its_topic(topics in proptest::collection::vec("[a-d]{1,2}[0-9]{0,3}(/[a-f]{1,3}[0-9]{0,2}){0,4}", 1..400)) {
        let mut addresses = Addresses::default();
        for topic in &topics {
            let address = addresses.find(topic);
            let (mine, its): (Vec<_>, Vec<_>) = (address.split('/').collect(), topic.split('/').collect());
            prop_assert_eq!(mine.len(), its.len());
            for (at, (level, value)) in mine.iter().zip(&its).enumerate() {
                let variable = format!("{{level{}}}", at + 1);
                prop_assert!(level == value || **level == variable, "{} for {}", address, topic);
            }
            prop_assert_eq!(addresses.find(topic), address, "asked twice, told twice");
        }
        prop_assert!(addresses.root.count() <= NODES_MAX + 64);
    }

    #[test]
    fn what_is_folded_stays_folded(topics in proptest::collection::vec("a/[a-c]{0,2}[0-9]{1,2}/[x-z]", 1..100)) {
        let mut addresses = Addresses::default();
        for topic in &topics {
            addresses.find(topic);
        }
        let first: Vec<_> = topics.iter().map(|topic| addresses.find(topic)).collect();
        let again: Vec<_> = topics.iter().map(|topic| addresses.find(topic)).collect();
        prop_assert_eq!(first, again);
    }
}
