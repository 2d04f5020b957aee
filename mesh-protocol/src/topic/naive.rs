//! The matcher nobody could get wrong, and the generators that hold the fast ones against it.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::select;

use super::{Dialect, Filter, Topic};

/// Level by level, as the table in the filter's module says it.
pub(super) fn matches(filter: &Filter, topic: &str) -> bool {
    let pattern: Vec<&str> = filter.text().split('/').collect();
    let levels: Vec<&str> = topic.split('/').collect();
    let wild_first = match filter.dialect() {
        Dialect::Mesh => pattern[0] == "*" || pattern == [">"],
        Dialect::Mqtt => pattern[0] == "+" || pattern[0] == "#",
    };
    !(wild_first && topic.starts_with('$')) && rest(filter.dialect(), &pattern, &levels)
}

fn rest(dialect: Dialect, pattern: &[&str], levels: &[&str]) -> bool {
    let Some((&sign, others)) = pattern.split_first() else { return levels.is_empty() };
    match dialect {
        Dialect::Mesh if sign == ">" && others.is_empty() => return !levels.is_empty(),
        Dialect::Mqtt if sign == "#" => return true,
        Dialect::Mesh | Dialect::Mqtt => {}
    }
    let Some((&level, deeper)) = levels.split_first() else { return false };
    let fits = match dialect {
        Dialect::Mqtt => sign == "+" || sign == level,
        Dialect::Mesh if sign.ends_with('*') => level.starts_with(&sign[..sign.len() - 1]),
        Dialect::Mesh => sign == level,
    };
    fits && rest(dialect, others, deeper)
}

/// Texts that collide, share prefixes, are empty, look like wildcards or begin with `$`.
const TEXTS: [&str; 10] = ["", "a", "b", "ab", "abc", "ä", "$", "$a", "*b", "b>"];

pub(super) fn topics() -> impl Strategy<Value = Topic> {
    prop::collection::vec(select(&TEXTS[..]), 1..6)
        .prop_filter_map("a topic is not empty", |levels| Topic::new(levels.join("/")).ok())
}

pub(super) fn filters() -> impl Strategy<Value = Filter> {
    let mesh = ["*", "a*", "ab*", "$*", "ä*", "**", ">", "+", "#"];
    let mqtt = ["+", "#", "*", ">"];
    prop_oneof![filters_of(Dialect::Mesh, &mesh, &TEXTS, 6), filters_of(Dialect::Mqtt, &mqtt, &TEXTS, 6)]
}

/// Filters of up to three levels over the alphabet of [`all_topics`].
pub(super) fn short_filters() -> impl Strategy<Value = Filter> {
    let texts = ["", "a", "ab", "$a"];
    prop_oneof![
        filters_of(Dialect::Mesh, &["*", "a*", "ab*", "$*", ">"], &texts, 4),
        filters_of(Dialect::Mqtt, &["+", "#"], &texts, 4),
    ]
}

fn filters_of(
    dialect: Dialect,
    signs: &[&'static str],
    texts: &[&'static str],
    levels: usize,
) -> impl Strategy<Value = Filter> + use<> {
    let all = [signs, texts].concat();
    prop::collection::vec(select(all), 1..levels)
        .prop_filter_map("a filter of its dialect", move |levels| Filter::parse(&levels.join("/"), dialect).ok())
}

/// Every topic of one to four levels over an alphabet that tells apart all of [`short_filters`].
pub(super) fn all_topics() -> impl Iterator<Item = &'static str> {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| {
        let alphabet = ["", "a", "ab", "abc", "b", ">", "$a", "$b"];
        let mut all: Vec<String> = alphabet.map(String::from).to_vec();
        let mut last = all.clone();
        for _ in 1..4 {
            last = last.iter().flat_map(|head| alphabet.map(|level| format!("{head}/{level}"))).collect();
            all.extend(last.iter().cloned());
        }
        all.retain(|topic| !topic.is_empty());
        all
    });
    ALL.iter().map(String::as_str)
}
