use proptest::prelude::*;

use super::super::naive;
use super::*;

fn mesh(text: &str) -> Filter {
    Filter::mesh(text).expect(text)
}

fn mqtt(text: &str) -> Filter {
    Filter::mqtt(text).expect(text)
}

#[test]
fn each_wildcard_matches_what_its_dialect_says() {
    let check = |filter: Filter, yes: &[&str], no: &[&str]| {
        for topic in yes {
            assert!(filter.matches(topic), "{filter:?} should match {topic}");
        }
        for topic in no {
            assert!(!filter.matches(topic), "{filter:?} should not match {topic}");
        }
    };
    check(mesh("orders/>"), &["orders/a", "orders/a/b", "orders/"], &["orders", "order/a", "$orders/a"]);
    check(mqtt("orders/#"), &["orders", "orders/a", "orders/a/b", "orders/"], &["order"]);
    check(mesh("a/*/c"), &["a/b/c", "a//c"], &["a/c", "a/b/c/d"]);
    check(mesh("a/b*"), &["a/b", "a/bc"], &["a/", "a/c", "a/b/c"]);
    check(mesh("a/*b"), &["a/*b"], &["a/xb"]);
    check(mesh("a/b*c"), &["a/b*c"], &["a/bxc"]);
    check(mesh("a/>/c"), &["a/>/c"], &["a/b/c"]);
    check(mesh("a/b>"), &["a/b>"], &["a/b", "a/b/c"]);
    check(mesh("a/+/#"), &["a/+/#"], &["a/b/c"]);
    check(mqtt("a/*/>"), &["a/*/>"], &["a/b/c"]);
    check(mqtt("+/+"), &["/", "a/b"], &["a", "$a/b"]);
    check(mqtt("/#"), &["/", "/a", "/a/b"], &["a"]);
}

#[test]
fn a_leading_wildcard_never_matches_a_system_topic() {
    for filter in [mesh(">"), mesh("*"), mesh("*/>"), mqtt("#"), mqtt("+"), mqtt("+/#")] {
        assert!(!filter.matches("$SYS") && !filter.matches("$SYS/x"), "{filter:?}");
    }
    for filter in [mesh("$SYS/>"), mesh("$SYS/*"), mesh("$*/x"), mqtt("$SYS/#"), mqtt("$SYS/+")] {
        assert!(filter.matches("$SYS/x"), "{filter:?}");
    }
}

#[test]
fn errors_name_the_place() {
    assert_eq!(Filter::mqtt("a/#/b"), Err(FilterError::HashNotLast { at: 2 }));
    assert_eq!(Filter::mqtt("a/b#"), Err(FilterError::HashInsideLevel { at: 3, level: "b#".into() }));
    assert_eq!(Filter::mqtt("a+/b"), Err(FilterError::PlusInsideLevel { at: 1, level: "a+".into() }));
    assert_eq!(Filter::mqtt("$share/g/a"), Err(FilterError::Shared));
    assert_eq!(Filter::mesh(""), Err(FilterError::Bounds(TopicError::Empty)));
}

#[test]
fn includes_holds_across_dialects() {
    for (outer, inner) in [
        (mqtt("a/#"), mesh("a/>")),
        (mesh("a/>"), mqtt("a/+/#")),
        (mesh(">"), mqtt("#")),
        (mqtt("#"), mesh(">")),
        (mesh("a*"), mesh("ab*")),
        (mesh("a/b*"), mqtt("a/bc")),
        (mesh("*/>"), mesh("a/b/>")),
    ] {
        assert!(outer.includes(&inner), "{outer:?} {inner:?}");
    }
    for (outer, inner) in [
        (mesh("a/>"), mqtt("a/#")),
        (mesh(">"), mesh("$SYS/>")),
        (mesh("*"), mesh("$a")),
        (mesh("a*"), mesh("*")),
        (mesh("a"), mesh("a*")),
        (mesh("a/*"), mesh("a/>")),
    ] {
        assert!(!outer.includes(&inner), "{outer:?} {inner:?}");
    }
}

#[test]
fn a_value_never_widens_a_rule() {
    let rule = mesh("devices/${username}/${site}*");
    assert_eq!(rule.variables().collect::<Vec<_>>(), ["username", "site"]);
    let with = |name: &'static str| {
        rule.substitute(&move |variable| match variable {
            "username" => Some(name),
            "site" => Some("lyon"),
            _ => None,
        })
    };
    assert_eq!(with("till-7"), Some(mesh("devices/till-7/lyon*")));
    for name in ["", "a/b", "+", "#", "a*", ">", "$SYS", "a\0"] {
        assert_eq!(with(name), None, "{name:?}");
    }
    assert_eq!(mesh("a/${nobody}").substitute(&|_| None), None);
    assert_eq!(mesh("a/b").substitute(&|_| None), Some(mesh("a/b")));
}

#[test]
fn a_value_is_not_read_again() {
    let filter = mesh("a/x${one}").substitute(&|_| Some("y${two}")).expect("safe value");
    assert_eq!(filter.text(), "a/xy${two}");
}

#[test]
fn unfinished_variables_are_named() {
    assert_eq!(mesh("a/${b}/${c").check_variables(), Err(FilterError::Variable { at: 7 }));
    assert_eq!(mesh("a/${}").check_variables(), Err(FilterError::Variable { at: 2 }));
    assert_eq!(mesh("a/${b}/$c").check_variables(), Ok(()));
    assert!(!mesh("a/${b").has_variables());
}

#[test]
fn json_keeps_text_and_dialect() {
    for (json, filter) in [(r#""a/>""#, mesh("a/>")), (r#"{"mqtt":"a/#"}"#, mqtt("a/#"))] {
        assert_eq!(serde_json::from_str::<Filter>(json).expect(json), filter);
        assert_eq!(serde_json::to_string(&filter).expect("serializes"), json);
    }
    for json in [r#"{"dialect":"mqtt","text":"a/#"}"#, r#"{"text":"a/#","dialect":"mqtt"}"#] {
        assert_eq!(serde_json::from_str::<Filter>(json).expect(json), mqtt("a/#"));
    }
    assert_eq!(serde_json::from_str::<Filter>(r#"{"mesh":"a/#"}"#).expect("valid"), mesh("a/#"));
    for json in [r#"{"mqtt":"a/#/b"}"#, r#"{"mqtt":"a","mesh":"b"}"#, r#"{"mqtt":"a","until":1}"#, "{}", "1"] {
        assert!(serde_json::from_str::<Filter>(json).is_err(), "{json}");
    }
}

proptest! {
    #[test]
    fn matches_agrees_with_the_naive_matcher(filter in naive::filters(), topic in naive::topics()) {
        prop_assert_eq!(filter.matches(&topic), naive::matches(&filter, topic.as_str()));
    }

    /// The alphabet is small enough that all topics of up to four levels tell the whole truth about filters of three.
    #[test]
    fn includes_and_overlaps_agree_with_enumeration(one in naive::short_filters(), two in naive::short_filters()) {
        let mut includes = true;
        let mut overlaps = false;
        for topic in naive::all_topics() {
            let (first, second) = (naive::matches(&one, topic), naive::matches(&two, topic));
            includes &= first || !second;
            overlaps |= first && second;
        }
        prop_assert_eq!(one.includes(&two), includes, "{:?} includes {:?}", one, two);
        prop_assert_eq!(one.overlaps(&two), overlaps, "{:?} overlaps {:?}", one, two);
        prop_assert_eq!(two.overlaps(&one), overlaps);
        prop_assert!(one.includes(&one) && one.overlaps(&one));
    }

    #[test]
    fn any_text_parses_or_is_refused_and_survives_json(text in ".{0,20}", mqtt: bool) {
        let dialect = if mqtt { Dialect::Mqtt } else { Dialect::Mesh };
        if let Ok(filter) = Filter::parse(&text, dialect) {
            let json = serde_json::to_string(&filter).expect("serializes");
            prop_assert_eq!(serde_json::from_str::<Filter>(&json).expect("parses"), filter);
        }
    }
}

#[test]
fn what_matches_begins_with_the_literal_part() {
    let mesh = |text| Filter::mesh(text).expect("valid");
    let mqtt = |text| Filter::mqtt(text).expect("valid");
    for (filter, literal) in [
        (mesh("a/b"), ("a/b", true)),
        (mesh("a/*/c"), ("a/", false)),
        (mesh("a/pre*/c"), ("a/pre", false)),
        (mesh("a/>"), ("a/", false)),
        (mesh(">"), ("", false)),
        (mesh("a/>/b"), ("a/>/b", true)),
        (mesh("a/br*wn"), ("a/br*wn", true)),
        (mqtt("a/b"), ("a/b", true)),
        (mqtt("a/+/c"), ("a/", false)),
        (mqtt("a/#"), ("a", false)),
        (mqtt("#"), ("", false)),
        (mqtt("/+"), ("/", false)),
    ] {
        assert_eq!(filter.literal(), literal, "{filter}");
    }
}

#[test]
fn what_begins_with_an_empty_level_and_goes_on_has_two_levels_at_least() {
    let (any, empty) = (Filter::mesh("*/>").expect("a filter"), Filter::mqtt("/#").expect("a filter"));
    assert!(any.includes(&empty), "the topic of one empty level would be the empty text");
    assert!(empty.includes(&Filter::mesh("/a").expect("a filter")) && any.overlaps(&empty));
}
