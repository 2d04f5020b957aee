//! What holds for all formats: bounds, fingerprints, and that no text brings the parser down.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const AVRO: &str = r#"{
  "type": "record", "name": "Order", "namespace": "shop", "doc": "An order.",
  "fields": [
    {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}, "doc": "When."},
    {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"], "default": "NEW"}, "default": "NEW"},
    {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
      {"name": "sku", "type": "string"},
      {"name": "count", "type": "int", "default": 1},
      {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}}]}}},
    {"name": "parent", "type": ["null", "Order"], "default": null},
    {"name": "tags", "type": {"type": "map", "values": "string"}, "default": {}},
    {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 4}}
  ]
}"#;

const JSON: &str = r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Order", "type": "object",
  "properties": {
    "id": {"type": "string", "format": "uuid", "description": "Unique."},
    "sku": {"type": "string", "pattern": "^[A-Z]{3}-\\d+$"},
    "count": {"type": "integer", "minimum": 1, "maximum": 100, "default": 1},
    "state": {"enum": ["NEW", "PAID"]},
    "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "minItems": 1},
    "payment": {"oneOf": [{"type": "object", "properties": {"card": {"type": "string"}}, "required": ["card"]}, {"type": "null"}]},
    "parent": {"$ref": "#"}
  },
  "required": ["id", "lines"], "additionalProperties": false,
  "$defs": {"line": {"type": "object", "properties": {"sku": {"type": "string", "deprecated": true}}, "patternProperties": {"^x-": {}}}}
}"##;

const PROTOBUF: &str = r#"// The orders of the shop.
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
option java_package = "org.example.shop";
// An order.
message Order {
  string id = 1; // Unique.
  google.protobuf.Timestamp at = 2;
  repeated Line lines = 3;
  oneof payment { string card = 4; bytes voucher = 5; }
  map<string, int64> totals = 6;
  State state = 7 [deprecated = true];
  optional Order parent = 8;
  reserved 20, 30 to 40;
  reserved "old";
  message Line { string sku = 1; int32 count = 2; }
}
enum State { STATE_UNKNOWN = 0; STATE_NEW = 1; }
service Orders { rpc Get(Order) returns (stream Order); }
"#;

const SAMPLES: [(Format, &str); 3] = [(Format::Avro, AVRO), (Format::JsonSchema, JSON), (Format::Protobuf, PROTOBUF)];

fn parse(format: Format, text: &str) -> Schema {
    Schema::parse(format, text, &[]).unwrap_or_else(|invalid| panic!("{invalid}\n{text}"))
}

/// The same schema with another fingerprint: a reference that nobody uses makes the difference.
fn twin(format: Format, text: &str) -> Option<Schema> {
    let unused = match format {
        Format::Avro => "\"int\"",
        Format::JsonSchema => "true",
        Format::Protobuf => "syntax = \"proto3\"; message Unused {}",
    };
    Schema::parse(format, text, &[Reference { name: "unused".into(), text: unused.into() }]).ok()
}

fn rule(format: Format, text: &str) -> Option<Rule> {
    Schema::parse(format, text, &[]).err().map(|invalid| invalid.rule)
}

/// Everything a schema can be asked.
fn ask(schema: &Schema) {
    assert!(schema.fields().len() <= FIELDS_MAX);
    assert!(check(Level::Full, schema, &[schema]).compatible, "{}", schema.canonical());
    assert!(describe_change(schema, schema).list.is_empty());
}

#[test]
fn format_names_are_the_registrys() {
    for format in Format::ALL {
        assert_eq!(Format::by_name(format.name()), Some(format));
        assert_eq!(serde_json::to_value(format).expect("a name"), json!(format.name()));
    }
    assert_eq!(Format::by_name("avro"), None);
}

#[test]
fn canonical_texts_read_back_to_themselves() {
    for (format, text) in SAMPLES {
        let schema = parse(format, text);
        let again = parse(format, schema.canonical());
        assert_eq!(again.canonical(), schema.canonical());
        assert_eq!(again.fingerprint(), schema.fingerprint());
        assert!(describe_change(&schema, &again).list.iter().all(|change| change.kind == ChangeKind::Documentation));
        ask(&schema);
    }
}

#[test]
fn formats_and_references_are_in_the_fingerprint() {
    let json = parse(Format::JsonSchema, "true");
    assert_eq!(json.fingerprint().len(), 64);
    let reference = Reference { name: "other.json".into(), text: "true".into() };
    let with = Schema::parse(Format::JsonSchema, "true", &[reference]).expect("sound");
    assert_ne!(json.fingerprint(), with.fingerprint());
    let spaced = Reference { name: "other.json".into(), text: " true ".into() };
    let with_spaced = Schema::parse(Format::JsonSchema, "true", &[spaced]).expect("sound");
    assert_eq!(with.fingerprint(), with_spaced.fingerprint());
    assert_ne!(
        parse(Format::Avro, r#"{"type": "null"}"#).fingerprint(),
        parse(Format::JsonSchema, r#"{"type": "null"}"#).fingerprint()
    );
}

#[test]
fn texts_that_are_too_large_or_too_deep_are_refused() {
    for format in Format::ALL {
        assert_eq!(rule(format, &" ".repeat(TEXT_BYTES_MAX + 1)), Some(Rule::TextSize));
    }
    let nested = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(70), close.repeat(70));
    assert_eq!(rule(Format::Avro, &nested(r#"{"type":"array","items":"#, "\"int\"", "}")), Some(Rule::Nesting));
    assert_eq!(rule(Format::JsonSchema, &nested(r#"{"not":"#, "true", "}")), Some(Rule::Nesting));
    assert_eq!(rule(Format::Protobuf, &nested("message A {", "", "}")), Some(Rule::Nesting));
}

#[test]
fn texts_with_too_many_parts_are_refused() {
    let list = |part: &dyn Fn(usize) -> String| (0..=PARTS_MAX).map(part).collect::<Vec<_>>().join(",");
    let fields = list(&|n| format!(r#"{{"name":"f{n}","type":"int"}}"#));
    let avro = format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
    assert_eq!(rule(Format::Avro, &avro), Some(Rule::Parts));
    let json = format!(r#"{{"properties":{{{}}}}}"#, list(&|n| format!(r#""p{n}":true"#)));
    assert_eq!(rule(Format::JsonSchema, &json), Some(Rule::Parts));
    let values = list(&|n| format!(" V{n}={n};")).replace(',', "");
    let protobuf = format!("syntax=\"proto3\"; enum E {{{values}}}");
    assert_eq!(rule(Format::Protobuf, &protobuf), Some(Rule::Parts));
}

#[test]
fn chains_of_types_are_followed_only_so_far() {
    let length = 2_000;
    let links = |n: usize| {
        format!(r#"{{"type":"record","name":"R{n}","fields":[{{"name":"f","type":"R{}"}}]}}"#, n.wrapping_sub(1))
    };
    let avro: Vec<_> = (1..length).map(links).collect();
    let first = r#"{"type":"record","name":"R0","fields":[]}"#;
    ask_bounded(Format::Avro, &format!("[{first},{}]", avro.join(",")));
    let json: Vec<_> = (0..length)
        .map(|n| format!(r##""d{n}":{{"properties":{{"f":{{"$ref":"#/definitions/d{}"}}}}}}"##, n + 1))
        .collect();
    let text = format!(r##"{{"$ref":"#/definitions/d0","definitions":{{{},"d{length}":{{}}}}}}"##, json.join(","));
    ask_bounded(Format::JsonSchema, &text);
    let protobuf: String = (0..length).map(|n| format!("message M{n} {{ M{} f = 1; }}", n + 1)).collect();
    ask_bounded(Format::Protobuf, &format!("syntax=\"proto3\"; {protobuf} message M{length} {{}}"));
}

/// Asks a schema that is too deep to be decided on.
fn ask_bounded(format: Format, text: &str) {
    let schema = parse(format, text);
    let other = parse(format, &text.replace("\"f\"", "\"g\""));
    assert!(schema.fields().len() <= FIELDS_MAX);
    let _ = schema.example();
    let _ = check(Level::Full, &schema, &[&schema, &other]);
}

#[test]
fn branches_that_multiply_end() {
    let doubled: Vec<_> = (0..60)
        .map(|n| {
            format!(r##""d{n}":{{"anyOf":[{{"$ref":"#/definitions/d{0}"}},{{"$ref":"#/definitions/d{0}"}}]}}"##, n + 1)
        })
        .collect();
    for last in [r#"{"type":"string"}"#, r#"{"type":"object","properties":{"a":{"type":"string"}}}"#] {
        let text = format!(r##"{{"$ref":"#/definitions/d0","definitions":{{{},"d60":{last}}}}}"##, doubled.join(","));
        ask_bounded(Format::JsonSchema, &text);
        let changed = parse(Format::JsonSchema, &text.replace("string", "integer"));
        assert!(!check(Level::Backward, &changed, &[&parse(Format::JsonSchema, &text)]).compatible);
    }
}

#[test]
fn schemas_that_only_refer_to_themselves_end() {
    for text in [
        r##"{"$ref":"#"}"##,
        r##"{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}"##,
        r##"{"allOf":[{"$ref":"#"},{"type":"object"}]}"##,
        r##"{"not":{"$ref":"#"}}"##,
        r##"{"if":{"$ref":"#"},"then":{"$ref":"#"},"else":{"$ref":"#"}}"##,
        r##"{"additionalProperties":{"$ref":"#"},"items":{"$ref":"#"},"propertyNames":{"$ref":"#"}}"##,
        r##"{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}"##,
    ] {
        ask_bounded(Format::JsonSchema, text);
    }
}

#[test]
fn schemas_go_from_thread_to_thread() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Schema>();
}

/// A change to a text: cut out a piece, put another one in.
fn mutated(text: &str, edits: &[(usize, usize, String)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (at, cut, put) in edits {
        let at = at % (chars.len() + 1);
        let end = (at + cut).min(chars.len());
        chars.splice(at..end, put.chars());
    }
    chars.into_iter().collect()
}

fn edits() -> impl Strategy<Value = Vec<(usize, usize, String)>> {
    let piece = prop_oneof![
        "[\\[\\]{}\",:;=<>0-9a-z $#/\\\\.-]{0,3}",
        prop::sample::select(vec![
            "null",
            "\"type\"",
            "\"$ref\":\"#\",",
            "\"default\":{},",
            "int32",
            "repeated ",
            "oneof x {",
            "1e999",
            "-1",
            "\u{0}",
            "ä",
            "\"items\":[true],",
            "\"size\":99999999999,",
            "\"precision\":0,",
            "extend Order {",
            "reserved 1;",
            "[(a)=1]",
            "\"union\"",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec((0_usize..4_000, 0_usize..6, piece), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_brings_anything_down(sample in 0_usize..3, edits in edits()) {
        let (format, text) = SAMPLES[sample];
        let text = mutated(text, &edits);
        match Schema::parse(format, &text, &[]) {
            Ok(schema) => {
                let fields = schema.fields();
                prop_assert!(fields.len() <= FIELDS_MAX);
                let _ = schema.example();
                let original = parse(format, SAMPLES[sample].1);
                let _ = check(Level::Full, &schema, &[&original]);
                let _ = describe_change(&original, &schema);
                let again = Schema::parse(format, schema.canonical(), &[]);
                prop_assert_eq!(again.map(|again| again.canonical().to_owned()), Ok(schema.canonical().to_owned()));
            }
            Err(invalid) => prop_assert!(!invalid.message.is_empty()),
        }
    }

    #[test]
    fn a_schema_is_compatible_with_itself(sample in 0_usize..3, edits in edits()) {
        let (format, text) = SAMPLES[sample];
        let text = mutated(text, &edits);
        if let Ok(schema) = Schema::parse(format, &text, &[]) {
            let twin = twin(format, &text).expect("the reference is sound");
            prop_assert_ne!(twin.fingerprint(), schema.fingerprint());
            let verdict = check(Level::FullTransitive, &schema, &[&twin, &schema]);
            prop_assert!(verdict.compatible, "{:?}\n{}", verdict.findings, schema.canonical());
        }
    }

    #[test]
    fn spaces_are_layout(sample in 0_usize..2, width in 0_usize..8) {
        let (format, text) = SAMPLES[sample];
        let value: Value = serde_json::from_str(text).expect("a sample is JSON");
        let spaced = serde_json::to_string_pretty(&value).expect("a value is text").replace("  ", &" ".repeat(width));
        let (one, other) = (parse(format, text), parse(format, &spaced));
        prop_assert_eq!(one.fingerprint(), other.fingerprint());
    }
}

#[test]
fn a_value_is_held_against_its_schema() {
    let holds = |format, text: &str, value: Value| {
        let schema = Schema::parse(format, text, &[]).unwrap_or_else(|invalid| panic!("{text}: {invalid}"));
        schema.holds(&value)
    };
    let json = r#"{"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}"#;
    assert_eq!(holds(Format::JsonSchema, json, json!({"n": 1})), Some(true));
    assert_eq!(holds(Format::JsonSchema, json, json!({"n": 0})), Some(false));
    assert_eq!(holds(Format::JsonSchema, json, json!({})), Some(false));
    let avro = r#"{"type": "record", "name": "O", "fields": [
        {"name": "id", "type": "string"}, {"name": "note", "type": ["null", "string"], "default": null}]}"#;
    assert_eq!(holds(Format::Avro, avro, json!({"id": "a", "note": "x"})), Some(true));
    assert_eq!(holds(Format::Avro, avro, json!({"id": "a", "note": {"string": "x"}})), Some(true), "with its tag");
    assert_eq!(holds(Format::Avro, avro, json!({"id": "a", "note": {"int": 1}})), Some(false));
    assert_eq!(holds(Format::Avro, avro, json!({"note": "x"})), Some(false));
    let strict = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": [{}], "unevaluatedItems": false}"#;
    assert_eq!(holds(Format::JsonSchema, strict, json!([1, 2])), None, "stricter here than the schema may be");
    assert_eq!(holds(Format::Protobuf, "syntax = \"proto3\"; message M {}", json!({})), None);
}
