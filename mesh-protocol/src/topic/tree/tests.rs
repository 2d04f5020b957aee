use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::naive;
use super::children::Children;
use super::path::Step;
use super::*;

fn topic(name: &str) -> Topic {
    Topic::new(name).expect(name)
}

fn mesh(text: &str) -> Filter {
    Filter::mesh(text).expect(text)
}

fn found<V: Clone + Ord>(tree: &FilterTree<V>, name: &str) -> Vec<V> {
    let mut all = Vec::new();
    tree.matches(&topic(name), &mut |value| all.push(value.clone()));
    all.sort();
    all
}

#[test]
fn a_clone_does_not_see_later_changes() {
    let mut tree = FilterTree::new();
    assert!(tree.insert(&mesh("a/*"), 1));
    let before = tree.clone();
    assert!(tree.insert(&mesh("a/b"), 2));
    assert!(tree.remove(&mesh("a/*"), &1));
    assert_eq!(found(&before, "a/b"), [1]);
    assert_eq!(found(&tree, "a/b"), [2]);
}

#[test]
fn equal_patterns_are_one_place() {
    let mut tree = FilterTree::new();
    assert!(tree.insert(&mesh("a/*"), 1));
    assert!(!tree.insert(&Filter::mqtt("a/+").expect("valid"), 1));
    assert_eq!(tree.len(), 1);
    assert!(!tree.remove(&mesh("a/>"), &1));
    assert!(tree.remove(&Filter::mqtt("a/+").expect("valid"), &1));
    assert!(tree.is_empty() && found(&tree, "a/b").is_empty());
}

#[test]
fn readers_see_a_batch_when_it_is_published() {
    let mut writer = TreeWriter::new();
    let reader = writer.reader();
    let count = |reader: &TreeReader<i32>| {
        let mut count = 0;
        reader.matches(&topic("a"), &mut |_| count += 1);
        count
    };
    writer.insert(&mesh("a"), 1);
    writer.insert(&mesh("*"), 2);
    assert_eq!(count(&reader), 0);
    writer.publish();
    assert_eq!(count(&reader), 2);
    let kept = reader.snapshot();
    writer.remove(&mesh("a"), &1);
    writer.publish();
    assert_eq!((count(&reader), kept.len()), (1, 2));
}

#[test]
fn a_wide_node_finds_every_child_and_empties_again() {
    let mut tree = FilterTree::new();
    let name = |index: u32| format!("devices/{index}/state");
    for index in 0..5_000 {
        assert!(tree.insert(&mesh(&name(index)), index));
    }
    let kept = tree.clone();
    for index in 0..5_000 {
        assert_eq!(found(&tree, &name(index)), [index]);
        assert!(tree.remove(&mesh(&name(index)), &index));
    }
    assert!(tree.is_empty());
    assert_eq!(found(&kept, &name(4_999)), [4_999]);
}

#[test]
fn texts_with_one_hash_are_told_apart() {
    let mut children = Children::<u32>::default();
    let step = |text| Step { hash: 7, text };
    let texts: Vec<String> = (0..300).map(|index| format!("text-{index}")).collect();
    for text in &texts {
        children.get_or_add(step(text));
    }
    assert!(texts.iter().all(|text| children.get(step(text)).is_some()));
    assert!(children.get(step("text-300")).is_none());
    for text in &texts {
        children.remove(step(text));
        assert!(children.get(step(text)).is_none());
    }
    assert!(children.is_empty());
}

#[test]
fn long_levels_and_many_prefixes_are_found() {
    let mut tree = FilterTree::new();
    let long = "x".repeat(200);
    for length in 1..200 {
        tree.insert(&mesh(&format!("a/{}*", &long[..length])), length);
        tree.insert(&mesh(&format!("a/{}", &long[..length])), length);
    }
    for length in [1, 21, 22, 23, 24, 199] {
        let all = found(&tree, &format!("a/{}", &long[..length]));
        assert_eq!(all.len(), length + 1, "every prefix up to it, and itself");
    }
    assert_eq!(found(&tree, "a/xä"), [1]);
}

#[test]
fn topics_of_all_depths_are_found() {
    let mut tree = FilterTree::new();
    tree.insert(&mesh(">"), 0);
    for depth in [1_usize, 11, 12, 13, 14, 128] {
        let name = vec!["x"; depth].join("/");
        tree.insert(&mesh(&name), depth);
        assert_eq!(found(&tree, &name), [0, depth]);
    }
}

#[derive(Clone, Debug)]
enum Change {
    Insert(Filter, u8),
    Remove(usize),
    Look(Topic),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        4 => (naive::filters(), 0..4_u8).prop_map(|(filter, value)| Change::Insert(filter, value)),
        2 => any::<usize>().prop_map(Change::Remove),
        3 => naive::topics().prop_map(Change::Look),
    ];
    prop::collection::vec(change, 1..80)
}

proptest! {
    #[test]
    fn the_tree_agrees_with_the_naive_matcher_through_any_changes(changes in changes()) {
        let mut tree = FilterTree::new();
        let mut pairs: Vec<(Filter, u8)> = Vec::new();
        let mut snapshots = Vec::new();
        for change in changes {
            match change {
                Change::Insert(filter, value) => {
                    let new = !tree.contains(&filter, &value);
                    prop_assert_eq!(tree.insert(&filter, value), new);
                    if new {
                        pairs.push((filter, value));
                    }
                }
                Change::Remove(_) if pairs.is_empty() => {}
                Change::Remove(index) => {
                    let (filter, value) = pairs.swap_remove(index % pairs.len());
                    prop_assert!(tree.remove(&filter, &value));
                    prop_assert!(!tree.remove(&filter, &value));
                }
                Change::Look(topic) => {
                    prop_assert_eq!(values(&tree, &topic), expected(&pairs, &topic));
                    snapshots.push((tree.clone(), pairs.clone(), topic));
                }
            }
            prop_assert_eq!(tree.len(), pairs.len());
        }
        for (tree, pairs, topic) in snapshots {
            prop_assert_eq!(values(&tree, &topic), expected(&pairs, &topic));
        }
    }
}

fn values(tree: &FilterTree<u8>, topic: &Topic) -> BTreeSet<u8> {
    found(tree, topic.as_str()).into_iter().collect()
}

fn expected(pairs: &[(Filter, u8)], topic: &Topic) -> BTreeSet<u8> {
    pairs.iter().filter(|(filter, _)| naive::matches(filter, topic.as_str())).map(|(_, value)| *value).collect()
}
