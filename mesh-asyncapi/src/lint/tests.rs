use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::text::read;

mod cases;

/// A document that breaks no rule at all.
const CLEAN: &str = include_str!("tests/clean.yaml");

fn clean() -> Value {
    read(CLEAN).expect("YAML").0
}

fn found(value: Value) -> Vec<Finding> {
    lint(&Document::new(value).expect("a document"), &Ruleset::default())
}

#[test]
fn a_clean_document_breaks_no_rule() {
    let document = Document::new(clean()).expect("a document");
    let report = check(&document, &Ruleset::default());
    assert_eq!(report, Report { findings: Vec::new(), score: 100, errors: 0, warnings: 0 });
}

#[test]
fn each_rule_is_broken_by_its_case_and_by_nothing_else() {
    let mut seen = BTreeSet::new();
    for (rule, at, change) in cases::all() {
        let mut value = clean();
        change(&mut value);
        let findings = found(value);
        let rules: BTreeSet<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
        assert_eq!(rules, BTreeSet::from([rule]), "{findings:#?}");
        assert!(findings.iter().any(|finding| finding.at.to_string() == at), "{rule} at {at}: {findings:#?}");
        for finding in findings {
            assert!(!finding.message.is_empty() && !finding.advice.is_empty(), "{finding:?}");
            assert!(!finding.message.ends_with('.') && !finding.advice.ends_with('.'), "{finding:?}");
        }
        seen.insert(rule);
    }
    let all: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(all.len(), RULES.len(), "ids are unique");
    assert_eq!(all.difference(&seen).collect::<Vec<_>>(), Vec::<&&str>::new(), "rules without a case");
}

#[test]
fn who_sends_passwords_in_the_clear_is_told_what_the_protocol_is_called_with_encryption() {
    for (plain, secure) in
        [("kafka", "kafka-secure"), ("mqtt", "secure-mqtt"), ("http", "https"), ("ws", "wss"), ("amqp", "amqps")]
    {
        let mut value = clean();
        value["servers"]["hall"]["protocol"] = json!(plain);
        value["components"]["securitySchemes"]["scram"]["type"] = json!("userPassword");
        let findings = found(value);
        let told = findings.iter().find(|finding| finding.rule == "asyncapi3-security-plaintext").expect("it is told");
        assert_eq!(told.advice, format!("offer the server with TLS, as `{secure}`"));
    }
}

#[test]
fn a_rule_can_be_set_and_turned_off() {
    let mut value = clean();
    value["info"].as_object_mut().expect("info").shift_remove("description");
    let document = Document::new(value).expect("a document");
    let mut rules = Ruleset::default();
    assert_eq!(rules.set("asyncapi-info-description", Some(Severity::Error)), Ok(()));
    let report = check(&document, &rules);
    assert_eq!((report.errors, report.is_sound(), report.score), (1, false, 59));
    assert_eq!(rules.set("asyncapi-info-description", None), Ok(()));
    assert_eq!(check(&document, &rules).score, 100);
    assert_eq!(
        rules.set("asyncapi-info-descripton", None),
        Err(BadRuleset::Unknown("asyncapi-info-descripton".into()))
    );
}

#[test]
fn the_score_counts_rules_more_than_findings() {
    let finding = |rule: &str, severity| Finding {
        rule: rule.into(),
        severity,
        at: Pointer::root(),
        message: String::new(),
        advice: String::new(),
    };
    let of = |list: &[(&str, Severity)]| {
        score(&list.iter().map(|(rule, severity)| finding(rule, *severity)).collect::<Vec<_>>())
    };
    assert_eq!(of(&[]), 100);
    assert_eq!(of(&[("a", Severity::Warning)]), 94);
    assert_eq!(of(&[("a", Severity::Warning), ("a", Severity::Warning)]), 92, "a quarter more, rounded up");
    assert_eq!(of(&[("a", Severity::Warning); 50]), 88, "twice as much at most");
    assert_eq!(of(&[("a", Severity::Info), ("b", Severity::Hint)]), 98);
    assert_eq!(of(&[("a", Severity::Error)]), 59);
    assert_eq!(of(&[("a", Severity::Error), ("b", Severity::Error), ("c", Severity::Error)]), 40);
    let many: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(|rule| (rule, Severity::Error)).into();
    assert_eq!(of(&many), 0);
}

#[test]
fn what_both_checks_find_is_told_once() {
    let mut value = clean();
    value["channels"]["orders"]["bindings"]["kafka"]["bindingVersion"] = "0.6.0".into();
    let report = check(&Document::new(value).expect("a document"), &Ruleset::default());
    let rules: Vec<_> = report.findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(rules, ["asyncapi3-binding-version"]);
}

#[test]
fn findings_of_one_rule_are_bounded() {
    let mut value = clean();
    let schemas: serde_json::Map<_, _> = (0..300).map(|n| (format!("s{n}"), json!({"type": "string"}))).collect();
    value["components"]["schemas"].as_object_mut().expect("schemas").extend(schemas);
    assert_eq!(found(value).len(), FINDINGS_OF_RULE_MAX);
}

#[test]
fn the_page_about_rules_lists_them_all() {
    let page = include_str!("../../../docs/asyncapi.md");
    for rule in RULES {
        let severity = serde_json::to_value(rule.severity).expect("a word");
        let row = format!("| `{}` | {} | {} |", rule.id, severity.as_str().unwrap_or_default(), rule.about);
        assert!(page.contains(&row), "docs/asyncapi.md lacks the row\n{row}");
    }
}

#[test]
fn a_document_that_is_as_deep_as_can_be_is_looked_at() {
    type Wrap = fn(Value) -> Value;
    let nested =
        |wrap: fn(Value) -> Value, levels: usize| (0..levels).fold(json!({"type": "txt"}), |inner, _| wrap(inner));
    let wraps: [(Wrap, usize); 5] = [
        (|inner| json!({"properties": {"a": inner}}), 45),
        (|inner| json!({"allOf": [inner]}), 45),
        (|inner| json!({"anyOf": [inner, {"type": "string"}]}), 45),
        (|inner| json!({"items": inner, "additionalProperties": false}), 90),
        (|inner| json!({"additionalProperties": inner, "examples": [{}]}), 90),
    ];
    for (wrap, levels) in wraps {
        let mut value = clean();
        value["components"]["schemas"]["Line"] = nested(wrap, levels);
        let document = Document::new(value).expect("a document");
        let report = check(&document, &Ruleset::default());
        assert!(!report.is_sound());
        let _ = crate::summary::Summary::of(&document);
        let old = Document::new(clean()).expect("a document");
        assert!(!crate::diff::compare(&old, &document, crate::diff::Whose::Clients).changes.is_empty());
    }
}

/// Replaces what stands at some pointers by something else.
pub(crate) fn mutate(value: &mut Value, changes: &[(prop::sample::Index, Value)]) {
    for (index, new) in changes {
        let mut all = Vec::new();
        pointers(value, &Pointer::root(), &mut all);
        let at = &all[index.index(all.len())];
        if let Some(part) = at.get_mut(value) {
            *part = new.clone();
        }
    }
    if !value.is_object() {
        *value = json!({});
    }
    value["asyncapi"] = "3.0.0".into();
}

fn pointers(value: &Value, at: &Pointer, all: &mut Vec<Pointer>) {
    all.push(at.clone());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| pointers(inner, &at.child(key), all)),
        Value::Array(list) => list.iter().enumerate().for_each(|(index, inner)| pointers(inner, &at.child(index), all)),
        _ => {}
    }
}

/// What stands in for parts of a document, chosen to hurt.
pub(crate) fn any_part() -> impl Strategy<Value = Value> {
    let refs =
        ["#", "#/", "#/channels/orders", "#/components/schemas/Line", "#/components/messages/placed", "x.yaml#/a", ""];
    prop_oneof![
        crate::text::tests::any_value(),
        prop::sample::select(refs.to_vec()).prop_map(|text| json!({ "$ref": text })),
        Just(json!({"schemaFormat": "application/vnd.apache.avro;version=1.9.0", "schema": {"type": "record"}})),
        Just(json!({"allOf": [{"$ref": "#/components/schemas/Line"}], "properties": []})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_document_brings_the_checks_down(changes in prop::collection::vec((any::<prop::sample::Index>(), any_part()), 1..5)) {
        let mut value = clean();
        mutate(&mut value, &changes);
        let report = check(&Document::new(value).expect("a document"), &Ruleset::default());
        prop_assert!(report.score <= 100);
    }
}
