//! Tables of what is compatible, and the `jsonschema` crate as the judge of examples and verdicts.

use serde_json::json;

use super::super::{Cut, Format, Level, Presence, Rule, Schema, check};
use super::*;

mod random;

fn schema(text: &str) -> Schema {
    Schema::parse(Format::JsonSchema, text, &[]).unwrap_or_else(|invalid| panic!("{invalid}\n{text}"))
}

/// What keeps a reader from reading: paths and rules.
fn problems(reader: &str, writer: &str) -> Vec<String> {
    let verdict = check(Level::Backward, &schema(reader), &[&schema(writer)]);
    verdict.findings.iter().map(|finding| format!("{} {}", finding.path, finding.rule)).collect()
}

/// Old schema, new schema, what a new consumer stumbles over, what an old one does.
fn table(cases: &[(&str, &str, &[&str], &[&str])]) {
    for (old, new, backward, forward) in cases {
        assert_eq!(problems(new, old), *backward, "{new} reads {old}");
        assert_eq!(problems(old, new), *forward, "{old} reads {new}");
    }
}

#[test]
fn types_and_scalars() {
    table(&[
        (r#"{"type":"integer"}"#, r#"{"type":"number"}"#, &[], &["$ TYPE_NARROWED"]),
        (r#"{"type":"string"}"#, r#"{"type":"integer"}"#, &["$ TYPE_CHANGED"], &["$ TYPE_CHANGED"]),
        (r#"{"type":"string"}"#, r#"{"type":["string","null"]}"#, &[], &["$ TYPE_NARROWED"]),
        ("true", r#"{"type":"string"}"#, &["$ TYPE_NARROWED"], &[]),
        ("false", r#"{"type":"string"}"#, &[], &["$ TYPE_CHANGED"]),
        (r#"{"type":"integer","minimum":1}"#, r#"{"type":"integer","minimum":2}"#, &["$ MINIMUM_INCREASED"], &[]),
        (r#"{"type":"integer"}"#, r#"{"type":"integer","maximum":2}"#, &["$ MAXIMUM_ADDED"], &[]),
        (r#"{"type":"number","minimum":1}"#, r#"{"type":"number","exclusiveMinimum":0}"#, &[], &["$ MINIMUM_ADDED"]),
        (
            r#"{"type":"number","exclusiveMaximum":1}"#,
            r#"{"type":"number","exclusiveMaximum":0}"#,
            &["$ EXCLUSIVE_MAXIMUM_DECREASED"],
            &[],
        ),
        (
            r#"{"type":"integer","multipleOf":2}"#,
            r#"{"type":"integer","multipleOf":4}"#,
            &["$ MULTIPLE_OF_EXPANDED"],
            &[],
        ),
        (
            r#"{"type":"integer","multipleOf":2}"#,
            r#"{"type":"integer","multipleOf":3}"#,
            &["$ MULTIPLE_OF_CHANGED"],
            &["$ MULTIPLE_OF_CHANGED"],
        ),
        (r#"{"type":"string","maxLength":5}"#, r#"{"type":"string","maxLength":3}"#, &["$ MAX_LENGTH_DECREASED"], &[]),
        (r#"{"type":"string"}"#, r#"{"type":"string","minLength":1}"#, &["$ MIN_LENGTH_ADDED"], &[]),
        (
            r#"{"type":"string","pattern":"a"}"#,
            r#"{"type":"string","pattern":"b"}"#,
            &["$ PATTERN_CHANGED"],
            &["$ PATTERN_CHANGED"],
        ),
        (r#"{"type":"string"}"#, r#"{"type":"string","format":"date"}"#, &["$ FORMAT_ADDED"], &[]),
        (r#"{"enum":["A","B"]}"#, r#"{"enum":["A","B","C"]}"#, &[], &["$ ENUM_ARRAY_NARROWED"]),
        (r#"{"enum":["A","B"]}"#, r#"{"enum":["A","C"]}"#, &["$ ENUM_ARRAY_CHANGED"], &["$ ENUM_ARRAY_CHANGED"]),
        (r#"{"type":"string","enum":["A"]}"#, r#"{"type":"string"}"#, &[], &["$ ENUM_ARRAY_NARROWED"]),
        (r#"{"const":1}"#, r#"{"const":1.0}"#, &[], &[]),
        (r#"{"enum":[1,2]}"#, r#"{"type":"integer","maximum":2}"#, &[], &["$ ENUM_ARRAY_NARROWED"]),
        (r#"{"title":"a"}"#, r#"{"title":"b","description":"c","default":1}"#, &[], &[]),
    ]);
}

#[test]
fn properties_of_open_and_closed_objects() {
    let open = |properties: &str| format!(r#"{{"type":"object","properties":{{{properties}}}}}"#);
    let closed =
        |properties: &str| format!(r#"{{"type":"object","properties":{{{properties}}},"additionalProperties":false}}"#);
    let partly = |properties: &str| {
        format!(r#"{{"type":"object","properties":{{{properties}}},"additionalProperties":{{"type":"string"}}}}"#)
    };
    let (a, b) = (r#""a":{"type":"string"}"#, r#""a":{"type":"string"},"b":{"type":"string"}"#);
    let c = r#""a":{"type":"string"},"c":{"type":"integer"}"#;
    let required = |text: &str| text.replacen("{\"type\"", "{\"required\":[\"b\"],\"type\"", 1);
    table(&[
        (&open(a), &open(b), &["b OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL"], &[]),
        (&open(a), &open(r#""a":{"type":"string"},"b":{}"#), &[], &[]),
        (&open(a), &required(&open(b)), &["b REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL"], &[]),
        (&closed(a), &closed(b), &[], &["b PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"]),
        (
            &closed(a),
            &required(&closed(b)),
            &["b REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL"],
            &["b PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"],
        ),
        (&closed(b), &required(&closed(b)), &["b REQUIRED_ATTRIBUTE_ADDED"], &[]),
        (&closed(a), &open(a), &[], &["{} ADDITIONAL_PROPERTIES_REMOVED"]),
        (&open(a), &partly(a), &["{} ADDITIONAL_PROPERTIES_NARROWED"], &[]),
        (&partly(a), &partly(b), &[], &[]),
        (
            &partly(a),
            &partly(c),
            &["c PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"],
            &["c PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"],
        ),
        (&open(""), r#"{"type":"object","required":["b"]}"#, &["b REQUIRED_ATTRIBUTE_ADDED"], &[]),
        (
            &open(""),
            r#"{"type":"object","minProperties":1,"maxProperties":2}"#,
            &["$ MIN_PROPERTIES_ADDED", "$ MAX_PROPERTIES_ADDED"],
            &[],
        ),
        (
            r#"{"patternProperties":{"^x":{"type":"string"}},"additionalProperties":false}"#,
            r#"{"patternProperties":{"^x":{"type":"integer"}},"additionalProperties":false}"#,
            &["{^x} TYPE_CHANGED"],
            &["{^x} TYPE_CHANGED"],
        ),
        (
            &closed(a),
            r#"{"type":"object","patternProperties":{"^a":{"type":"string"}},"additionalProperties":false}"#,
            &[],
            &["{^a} PATTERN_PROPERTIES_REMOVED"],
        ),
    ]);
    let default = required(&closed(b)).replace(r#""b":{"type":"string"}"#, r#""b":{"type":"string","default":"x"}"#);
    assert_eq!(problems(&default, &closed(b)), Vec::<String>::new(), "the default is there for the consumer");
    assert_eq!(problems(&default, &closed(a)), Vec::<String>::new());
}

#[test]
fn dependencies() {
    let with = |dependencies: &str| format!(r#"{{"type":"object","dependencies":{{{dependencies}}}}}"#);
    table(&[
        (&with(""), &with(r#""a":["b"]"#), &["a DEPENDENCY_ARRAY_ADDED"], &[]),
        (&with(r#""a":["b"]"#), &with(r#""a":["b","c"]"#), &["a DEPENDENCY_ARRAY_EXTENDED"], &[]),
        (
            &with(r#""a":["b"]"#),
            &with(r#""a":["c"]"#),
            &["a DEPENDENCY_ARRAY_CHANGED"],
            &["a DEPENDENCY_ARRAY_CHANGED"],
        ),
        (&with(""), &with(r#""a":{"required":["b"]}"#), &["a DEPENDENCY_SCHEMA_ADDED"], &[]),
    ]);
}

#[test]
fn lists() {
    let of = |items: &str| format!(r#"{{"type":"array","items":{items}}}"#);
    let closed = |items: &str| format!(r#"{{"type":"array","items":{items},"additionalItems":false}}"#);
    table(&[
        (&of(r#"{"type":"integer"}"#), &of(r#"{"type":"number"}"#), &[], &["[] TYPE_NARROWED"]),
        (r#"{"type":"array"}"#, &of(r#"{"type":"number"}"#), &["[] ADDITIONAL_ITEMS_NARROWED"], &[]),
        (&of("[true]"), &of(r#"[true,{"type":"string"}]"#), &["[1] ITEM_ADDED_TO_OPEN_CONTENT_MODEL"], &[]),
        (
            &closed("[true]"),
            &closed(r#"[true,{"type":"string"}]"#),
            &[],
            &["[1] ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL"],
        ),
        (&of("[true]"), &closed("[true]"), &["[] ADDITIONAL_ITEMS_REMOVED"], &[]),
        (
            r#"{"type":"array","maxItems":3}"#,
            r#"{"type":"array","maxItems":2,"minItems":1}"#,
            &["$ MIN_ITEMS_ADDED", "$ MAX_ITEMS_DECREASED"],
            &[],
        ),
        (r#"{"type":"array"}"#, r#"{"type":"array","uniqueItems":true}"#, &["$ UNIQUE_ITEMS_ADDED"], &[]),
        (r#"{"type":"array"}"#, r#"{"type":"array","contains":{"type":"string"}}"#, &["$ UNDECIDED"], &[]),
    ]);
}

#[test]
fn branches() {
    let one = |branches: &str| format!(r#"{{"oneOf":[{branches}]}}"#);
    let (text, number, null) = (r#"{"type":"string"}"#, r#"{"type":"number"}"#, r#"{"type":"null"}"#);
    table(&[
        (text, &one(&format!("{text},{null}")), &[], &["$ TYPE_NARROWED"]),
        (r#"{"type":["string","null"]}"#, &one(&format!("{text},{null}")), &[], &[]),
        (&one(&format!("{text},{null}")), &one(&format!("{text},{null},{number}")), &[], &["(3) SUM_TYPE_NARROWED"]),
        (
            &one(&format!("{text},{number}")),
            &one(&format!(r#"{text},{{"type":"integer"}}"#)),
            &["(2) TYPE_NARROWED"],
            &[],
        ),
        (
            &format!(r#"{{"anyOf":[{text},{null}]}}"#),
            &one(&format!("{text},{null}")),
            &["$ COMBINED_TYPE_CHANGED"],
            &[],
        ),
        (&format!(r#"{{"allOf":[{text},{{"maxLength":3}}]}}"#), text, &[], &["$ MAX_LENGTH_ADDED"]),
        (&format!(r#"{{"allOf":[{text},{{"maxLength":3}}]}}"#), r#"{"type":"string","maxLength":3}"#, &[], &[]),
        (r#"{"not":{"type":"string"}}"#, r#"{"not":{"type":"string","maxLength":3}}"#, &[], &["$ NOT_TYPE_EXTENDED"]),
        (
            r#"{"if":{"type":"string"},"then":{"maxLength":3}}"#,
            r#"{"if":{"type":"string"},"then":{"maxLength":4}}"#,
            &[],
            &["$ UNDECIDED"],
        ),
    ]);
}

#[test]
fn what_is_left_unevaluated_depends_on_all_parts() {
    let object = |parts: &str| {
        format!(
            r#"{{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","allOf":[{parts}],
                "unevaluatedProperties":false}}"#
        )
    };
    let (a, b) = (r#"{"properties":{"a":{"type":"string"}}}"#, r#"{"properties":{"b":{"type":"string"}}}"#);
    let (ab, number) = (format!("{a},{b}"), a.replace("string", "integer"));
    let covered = "a PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
    table(&[
        (&object(a), &object(&ab), &[], &["b UNEVALUATED_PROPERTIES_REMOVED"]),
        (&object(a), &object(&number), &[covered], &[covered]),
    ]);
    let list = |items: &str| {
        format!(
            r#"{{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"array",
                "allOf":[{{"prefixItems":[{items}]}}],"unevaluatedItems":false}}"#
        )
    };
    table(&[(&list("true"), &list("true,true"), &[], &["$ UNDECIDED"])]);
}

#[test]
fn recursion_is_compared_once() {
    let tree = |kind: &str| {
        format!(
            r##"{{"$ref":"#/definitions/t","definitions":{{"t":{{"type":"object","properties":{{
                "v":{{"type":"{kind}"}}, "next":{{"$ref":"#/definitions/t"}}}}}}}}}}"##
        )
    };
    assert_eq!(problems(&tree("number"), &tree("integer")), Vec::<String>::new());
    assert_eq!(problems(&tree("integer"), &tree("number")), ["v TYPE_NARROWED"]);
}

#[test]
fn errors_have_a_rule_and_a_place() {
    for (text, rule, place) in [
        ("{\n \"type\": }", Rule::Syntax, (2, 10)),
        ("[]", Rule::Structure, (1, 1)),
        ("{\n  \"type\": \"strnig\"}", Rule::MetaSchema, (2, 11)),
        ("{\"properties\": {\n  \"a\": {\"minimum\": \"1\"}}}", Rule::MetaSchema, (2, 20)),
        ("{\"required\": true}", Rule::MetaSchema, (1, 14)),
        (r#"{"$schema": "https://example.org/mine"}"#, Rule::Dialect, (1, 13)),
        (r##"{"$ref": "#/definitions/x"}"##, Rule::UnknownType, (1, 10)),
        (r#"{"$ref": "other.json"}"#, Rule::UnknownType, (1, 10)),
    ] {
        let invalid =
            Schema::parse(Format::JsonSchema, text, &[]).err().unwrap_or_else(|| panic!("{text} is no schema"));
        assert_eq!(
            (invalid.rule, invalid.place.map(|place| (place.line, place.column))),
            (rule, Some(place)),
            "{invalid}"
        );
    }
    let invalid = Schema::parse(Format::JsonSchema, r#"{"pattern": "("}"#, &[]).expect_err("no pattern");
    assert!(matches!(invalid.rule, Rule::Pattern | Rule::MetaSchema), "{invalid}");
}

#[test]
fn drafts_spell_the_same_in_their_own_ways() {
    let four = r##"{"$schema":"http://json-schema.org/draft-04/schema#","id":"http://x.org/a",
        "type":"number","minimum":1,"exclusiveMinimum":true}"##;
    let six = r##"{"$schema":"http://json-schema.org/draft-06/schema#","type":"number","exclusiveMinimum":1}"##;
    let old = r##"{"$schema":"http://json-schema.org/draft-07/schema#",
        "items":[{"type":"string"}],"additionalItems":false,"dependencies":{"a":["b"]}}"##;
    let new = r##"{"$schema":"https://json-schema.org/draft/2020-12/schema",
        "prefixItems":[{"type":"string"}],"items":false,"dependentRequired":{"a":["b"]}}"##;
    let middle = r##"{"$schema":"https://json-schema.org/draft/2019-09/schema",
        "$ref":"#/$defs/a","maxLength":3,"$defs":{"a":{"type":"string"}}}"##;
    let plain = r#"{"type":"string","maxLength":3}"#;
    for (one, other) in [(four, six), (old, new), (middle, plain)] {
        assert_eq!(problems(one, other), Vec::<String>::new());
        assert_eq!(problems(other, one), Vec::<String>::new());
    }
}

#[test]
fn references_are_found_by_uri_id_and_anchor() {
    let reference = |name: &str, text: &str| Reference { name: name.into(), text: text.into() };
    let line =
        reference("line.json", r##"{"type":"object","properties":{"sku":{"$ref":"sku.json#/definitions/short"}}}"##);
    let sku = reference("sku.json", r#"{"definitions":{"short":{"type":"string","maxLength":3}}}"#);
    for own in [
        r#"{"type":"object","properties":{"line":{"$ref":"line.json"}}}"#,
        r#"{"$id":"https://x.org/s/order.json","type":"object","properties":{"line":{"$ref":"line.json"}}}"#,
    ] {
        let schema = Schema::parse(Format::JsonSchema, own, &[line.clone(), sku.clone()])
            .unwrap_or_else(|invalid| panic!("{invalid}"));
        assert_eq!(schema.fields().into_iter().map(|field| field.path).collect::<Vec<_>>(), ["line", "line.sku"]);
        assert_eq!(schema.example(), Ok(json!({"line": {"sku": "tex"}})));
    }
    let anchored = r##"{"$schema":"https://json-schema.org/draft/2020-12/schema",
        "$ref":"#a","$defs":{"x":{"$anchor":"a","type":"null"}}}"##;
    assert_eq!(schema(anchored).example(), Ok(json!(null)));
    let broken = reference("line.json", "{\n\"type\": 1}");
    let invalid = Schema::parse(Format::JsonSchema, "true", &[broken]).expect_err("the reference is wrong");
    assert_eq!((invalid.reference.as_deref(), invalid.place.map(|place| place.line)), (Some("line.json"), Some(2)));
}

#[test]
fn fields_are_listed_with_their_types_in_words() {
    let text = r##"{"type":"object","required":["id"],"properties":{
        "id":{"type":"string","format":"uuid","description":"Unique."},
        "lines":{"type":"array","items":
            {"title":"Line","type":"object","properties":{"sku":{"type":["string","null"],"deprecated":true}}}},
        "pay":{"oneOf":[
            {"type":"object","properties":{"card":{"type":"integer","default":1}},"required":["card"]},
            {"type":"null"}]},
        "parent":{"$ref":"#"},
        "state":{"enum":["A","B"]},
        "totals":{"type":"object","additionalProperties":{"type":"number"}}}}"##;
    let fields = schema(text).fields();
    let rows: Vec<_> =
        fields.iter().map(|field| format!("{} {} {}", field.path, field.presence.word(), field.kind)).collect();
    assert_eq!(
        rows,
        [
            "id required string (uuid)",
            "lines optional list of object Line",
            "lines[].sku optional string or null",
            "parent optional object",
            "pay optional object or null",
            "pay.card optional integer",
            "state optional one of \"A\", \"B\"",
            "totals optional map of number",
        ]
    );
    assert_eq!((fields[0].doc.as_deref(), fields[0].presence), (Some("Unique."), Presence::Required));
    assert!(fields[2].deprecated);
    assert_eq!(fields[3].cut, Some(Cut::Recursion));
    assert_eq!(fields[5].default, Some(json!(1)));
    assert_eq!(schema(r#"{"type":"string"}"#).fields()[0].path, "$");
}

fn judge(text: &str) -> jsonschema::Validator {
    let value: Value = serde_json::from_str(text).expect("it is JSON");
    let draft = if value.get("$schema").is_some() { jsonschema::Draft::Draft202012 } else { jsonschema::Draft::Draft7 };
    jsonschema::options()
        .with_draft(draft)
        .should_validate_formats(true)
        .build(&value)
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn examples_are_valid() {
    for text in [
        r#"{"type":"string","format":"date-time"}"#,
        r#"{"type":"string","pattern":"^[A-Z]{3}-\\d{4}$"}"#,
        r#"{"type":"string","minLength":10,"maxLength":12}"#,
        r#"{"type":"integer","minimum":5,"multipleOf":3}"#,
        r#"{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":0.5}"#,
        r#"{"type":"integer","maximum":-7}"#,
        r#"{"type":"array","items":{"type":"string"},"minItems":3,"uniqueItems":true}"#,
        r#"{"type":"array","contains":{"const":7}}"#,
        r#"{"type":"array","items":[{"type":"null"},{"type":"boolean"}],"additionalItems":false}"#,
        r#"{"allOf":[
            {"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},
            {"properties":{"b":{"type":"integer"}},"required":["b"]}]}"#,
        r#"{"type":"object","properties":{"a":{"type":"string"}},
            "anyOf":[{"required":["a"]},{"required":["b"]}],"minProperties":2}"#,
        r#"{"oneOf":[{"type":"string","maxLength":1},{"type":"string"}]}"#,
        r#"{"type":"string","not":{"const":"text"},"examples":["other"]}"#,
        r#"{"type":"object","patternProperties":{"^x-[a-z]+$":{"type":"integer"}},
            "additionalProperties":false,"minProperties":1}"#,
        r##"{"type":"object","properties":{"next":{"$ref":"#"}},"required":[]}"##,
        r#"{"type":"object","maxProperties":1,"properties":{"a":{},"b":{"type":"string"}},"required":["b"]}"#,
        r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
            "allOf":[{"properties":{"a":{"type":"string"}}}],"unevaluatedProperties":false}"#,
    ] {
        let value = schema(text).example().unwrap_or_else(|none| panic!("{none}\n{text}"));
        assert!(judge(text).is_valid(&value), "{value} is not valid under {text}");
    }
}

#[test]
fn where_there_is_no_example_the_reason_is_told() {
    for (text, path) in [
        (r#"{"type":"object","properties":{"a":{"type":"string","pattern":"^(?=a)b$"}},"required":["a"]}"#, "a"),
        (r##"{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}"##, "a"),
        ("false", "$"),
        (r##"{"$ref":"#"}"##, "$"),
        (r#"{"type":"string","minLength":5,"maxLength":4}"#, "$"),
    ] {
        match schema(text).example() {
            Err(none) => assert_eq!(none.path, path, "{none}"),
            Ok(value) => assert_eq!(text, r##"{"$ref":"#"}"##, "{value}"),
        }
    }
}
