use std::time::Instant;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn judge(text: &str) -> Judge {
    Judge::new(text, &[]).unwrap_or_else(|invalid| panic!("{invalid}: {text}"))
}

fn told(text: &str, value: &Value) -> Option<String> {
    judge(text).check(value, value.to_string().len()).err().map(|(path, reason)| format!("{path} {reason}"))
}

#[test]
fn what_is_wrong_is_told_in_words_with_its_place() {
    let lines =
        r#"{"properties":{"lines":{"type":"array","items":{"properties":{"amount":{"type":["number","null"]}}}}}}"#;
    for (text, value, wrong) in [
        (lines, json!({"lines": [{}, {"amount": "x"}]}), "$.lines[1].amount is not null or a number"),
        (r#"{"enum":["A","B"]}"#, json!("C"), "$ is none of \"A\", \"B\""),
        (r#"{"const":1}"#, json!(2), "$ is not 1"),
        (r#"{"type":"string","format":"date-time"}"#, json!("soon"), "$ is not of the format `date-time`"),
        (r#"{"pattern":"^[A-Z]+$"}"#, json!("a"), "$ does not match the pattern `^[A-Z]+$`"),
        (r#"{"maxLength":2}"#, json!("abc"), "$ has more than 2 characters"),
        (r#"{"uniqueItems":true}"#, json!([1, 1]), "$ holds an item twice"),
        ("false", json!(1), "$ is not allowed"),
        (
            r#"{"anyOf":[{"type":"string"},{"type":"object","required":["a"],"properties":{"a":{"type":"integer"}}}]}"#,
            json!({"a": "x"}),
            "$.a is not a whole number",
        ),
        (r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#, json!(1), "$ is valid under none of 2 alternatives"),
    ] {
        assert_eq!(told(text, &value).as_deref(), Some(wrong), "{text}");
    }
    assert_eq!(told(lines, &json!({"lines": [{"amount": null}]})), None);
}

#[test]
fn what_the_quick_check_is_too_strict_for_is_judged_by_the_crate() {
    let text = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","prefixItems":[{"type":"string"}],
        "anyOf":[{"contains":{"const":7}}],"unevaluatedItems":false}"#;
    assert_eq!(told(text, &json!(["a", 7])), None);
    assert!(told(text, &json!(["a", 8])).is_some());
}

/// A small schema, a small payload, and more branches than there is time for; and a reference that leads nowhere.
#[test]
fn nobody_can_keep_the_judge_busy() {
    let branches = r##"{"anyOf":[{"properties":{"a":{"$ref":"#"}},"required":["a"]},
        {"properties":{"a":{"$ref":"#"}},"required":["a"],"minProperties":1}]}"##;
    let mut deep = json!({});
    for _ in 0..60 {
        deep = json!({ "a": deep });
    }
    let began = Instant::now();
    assert!(told(branches, &deep).expect("not valid").contains("to be checked"));
    assert!(told(r##"{"allOf":[{"$ref":"#"}]}"##, &json!(1)).expect("never ends").contains("to be checked"));
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn a_pattern_that_could_take_for_ever_is_no_contract() {
    let refused = Judge::new(r#"{"pattern":"^(?=a)b$"}"#, &[]).expect_err("it looks around");
    assert!(refused.to_string().contains("may not look around"), "{refused}");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..20).prop_map(Value::from),
        (-3.0..20.0_f64).prop_map(Value::from),
        "[a-c]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-d]", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    /// The quick check never lets in what the crate would not.
    #[test]
    fn the_judge_is_the_crate(value in value(), at in 0_usize..8) {
        let schemas = [
            r#"{"type":"object","required":["a"],"properties":{"a":{"type":"integer","minimum":2}}}"#,
            r#"{"type":["array","null"],"items":{"type":"string","maxLength":2},"minItems":1}"#,
            r##"{"properties":{"a":{"$ref":"#"},"b":{"type":"boolean"}},"additionalProperties":false}"##,
            r#"{"oneOf":[{"type":"number","multipleOf":2},{"type":"number","minimum":10},{"type":"string"}]}"#,
            r#"{"not":{"required":["a","b"]},"maxProperties":2}"#,
            r#"{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"type":["string","number","object"]}}"#,
            r#"{"patternProperties":{"^[ab]$":{"type":"integer"}},"propertyNames":{"maxLength":1}}"#,
            r#"{"contains":{"enum":[1,"a",null]},"uniqueItems":true}"#,
        ];
        let judge = judge(schemas[at]);
        let judged = judge.check(&value, value.to_string().len()).is_ok();
        prop_assert_eq!(judged, judge.validator.is_valid(&value), "{} under {}", value, schemas[at]);
    }
}
