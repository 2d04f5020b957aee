//! What is masked in each format, and that nothing else gets through whatever comes.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Changes, Format, Level, Reference, check, describe_change};
use super::*;

fn schema(format: Format, text: &str) -> Arc<Schema> {
    with(format, text, &[])
}

fn with(format: Format, text: &str, references: &[Reference]) -> Arc<Schema> {
    Arc::new(Schema::parse(format, text, references).unwrap_or_else(|invalid| panic!("{invalid}\n{text}")))
}

fn mask(schema: &Arc<Schema>) -> Mask {
    Mask::of([schema.clone()], &["pii".to_owned()])
}

fn json_schema(value: &Value) -> Arc<Schema> {
    schema(Format::JsonSchema, &value.to_string())
}

/// What is seen of a value by a schema.
fn seen(schema: &Arc<Schema>, value: &Value) -> Value {
    mask(schema).value(value).expect("it can be told").value
}

const CUSTOMER: &str = r#"{"type":"record","name":"Customer","namespace":"shop","fields":[
    {"name":"id","type":"long"},
    {"name":"email","type":["null","string"],"aliases":["mail"],"confluent:tags":["PII","GDPR"]},
    {"name":"addresses","type":{"type":"array","items":{"type":"record","name":"Address","fields":[
        {"name":"street","type":"string","confluent:tags":["PII"]},{"name":"country","type":"string"}]}}},
    {"name":"notes","type":{"type":"map","values":{"type":"string","confluent:tags":["PII"]}}},
    {"name":"visits","type":{"type":"map","values":"int"},"confluent:tags":["pii"]},
    {"name":"home","type":["null","Address"]},
    {"name":"tier","type":{"type":"enum","name":"Tier","symbols":["A","B"]},"confluent:tags":["INTERNAL"]}]}"#;

#[test]
fn fields_of_avro_are_masked_by_their_tags_and_what_is_not_described_is_too() {
    let customer = schema(Format::Avro, CUSTOMER);
    let value = json!({
        "id": 7, "email": "ada@x.org", "addresses": [{ "street": "Rue 1", "country": "fr" }], "notes": { "a": "likes tea" },
        "visits": { "lyon": 3 }, "home": { "street": "Rue 2", "country": "fr", "floor": 2 }, "tier": "A", "mail": "ada@y.org",
        "fax": "0123", "gone": null
    });
    assert_eq!(
        seen(&customer, &value),
        json!({
            "id": 7, "email": MASKED, "addresses": [{ "street": MASKED, "country": "fr" }], "notes": { "a": MASKED },
            "visits": MASKED, "home": { "street": MASKED, "country": "fr", "floor": MASKED }, "tier": "A", "mail": MASKED,
            "fax": MASKED, "gone": null
        })
    );
    // Other shapes than what is meant.
    assert_eq!(seen(&customer, &json!({ "home": [{ "street": "Rue 2" }] })), json!({ "home": [MASKED] }));
    assert_eq!(seen(&customer, &json!({ "addresses": "Rue 1, fr" })), json!({ "addresses": MASKED }));
    assert_eq!(seen(&customer, &json!([{ "email": "ada@x.org" }])), json!([MASKED]));
    assert_eq!(seen(&customer, &json!("ada@x.org")), json!(MASKED));
    assert_eq!(mask(&customer).tags(), ["pii"]);
    assert_eq!(mask(&customer).value(&value).map(|masked| masked.parts), Some(8));
}

#[test]
fn tags_are_told_with_the_paths_of_the_fields() {
    let told = |schema: &Schema| -> Vec<String> {
        schema.tagged().into_iter().map(|(path, tags)| format!("{path} {}", tags.join(","))).collect()
    };
    let customer = schema(Format::Avro, CUSTOMER);
    assert_eq!(
        told(&customer),
        ["email GDPR,PII", "addresses[].street PII", "notes PII", "visits pii", "home.street PII", "tier INTERNAL"]
    );
    let address = r#"{"type":"record","name":"shop.Address","confluent:tags":["PII"],"fields":[{"name":"street","type":"string"}]}"#;
    let order = r#"{"type":"record","name":"Order","fields":[{"name":"to","type":"shop.Address"},{"name":"from",
        "type":{"type":"shop.Address","confluent:tags":["X"]}},{"name":"n","type":"int","confluent:tags":"Y"}]}"#;
    let references = [Reference { name: "shop.Address".to_owned(), text: address.to_owned() }];
    let order = with(Format::Avro, order, &references);
    assert_eq!(told(&order), ["to PII", "from PII,X", "n Y"]);
    assert_eq!(seen(&order, &json!({ "to": { "street": "Rue" }, "n": 1 })), json!({ "to": MASKED, "n": 1 }));
    assert_eq!(told(&schema(Format::Avro, address)), ["$ PII"]);
    let document = json!({ "type": "object", "confluent:tags": ["PII"], "properties": {
        "mails": { "type": "array", "items": { "type": "string", "confluent:tags": ["Mail"] } },
        "by": { "$ref": "#/definitions/Person", "confluent:tags": ["A"] },
    }, "definitions": {
        "Person": { "$ref": "#/definitions/Somebody", "confluent:tags": ["B"] },
        "Somebody": { "type": "object", "properties": { "name": { "type": "string", "confluent:tags": ["C"] } } },
    }});
    assert_eq!(told(&json_schema(&document)), ["$ PII", "by A,B", "by.name C", "mails Mail"]);
}

#[test]
fn properties_of_json_schemas_are_masked_wherever_the_tag_stands() {
    let tagged = json!({ "type": "string", "confluent:tags": ["PII"] });
    let object = |properties: Value| json!({ "type": "object", "properties": properties });
    let d20 = "https://json-schema.org/draft/2020-12/schema";
    // A schema, a value, what is seen of it.
    let cases = [
        (
            object(json!({ "a": tagged, "b": { "type": "string" } })),
            json!({ "a": "s", "b": "o" }),
            json!({ "a": MASKED, "b": "o" }),
        ),
        // A reference in an old draft, to another reference.
        (
            json!({ "properties": { "a": { "$ref": "#/definitions/x" }, "b": { "type": "string" } }, "definitions": {
                "x": { "$ref": "#/definitions/y", "confluent:tags": ["PII"] }, "y": { "type": "string" } } }),
            json!({ "a": "s", "b": "o" }),
            json!({ "a": MASKED, "b": "o" }),
        ),
        // What an old draft ignores beside a reference was meant all the same.
        (
            json!({ "properties": { "a": { "$ref": "#/definitions/x", "properties": { "c": tagged } } },
                "definitions": { "x": { "type": "object", "properties": { "c": { "type": "string" } } } } }),
            json!({ "a": { "c": "s" } }),
            json!({ "a": MASKED }),
        ),
        (
            json!({ "allOf": [object(json!({ "a": { "type": "string" } })), object(json!({ "a": tagged }))] }),
            json!({ "a": "s" }),
            json!({ "a": MASKED }),
        ),
        (
            json!({ "oneOf": [object(json!({ "a": tagged, "k": { "const": "x" } })), object(json!({ "a": { "type": "string" }, "k": { "const": "y" } }))] }),
            json!({ "a": "s", "k": "y" }),
            json!({ "a": MASKED, "k": "y" }),
        ),
        (json!({ "anyOf": [{ "type": "string" }, object(json!({ "a": tagged }))] }), json!("whole"), json!("whole")),
        (
            json!({ "type": "object", "patternProperties": { "^x": tagged }, "additionalProperties": { "type": "integer" } }),
            json!({ "x1": "s", "n": 1, "m": "s" }),
            json!({ "x1": MASKED, "n": 1, "m": MASKED }),
        ),
        (
            json!({ "type": "object", "properties": { "a": tagged }, "additionalProperties": true }),
            json!({ "b": "s" }),
            json!({ "b": MASKED }),
        ),
        (
            json!({ "type": "object", "properties": { "m": { "type": "object", "propertyNames": tagged, "additionalProperties": { "type": "integer" } } } }),
            json!({ "m": { "ada": 1 } }),
            json!({ "m": MASKED }),
        ),
        (
            json!({ "$schema": d20, "type": "array", "prefixItems": [{ "type": "integer" }, tagged], "items": { "type": "integer" } }),
            json!([1, "s", 2, "s"]),
            json!([1, MASKED, 2, MASKED]),
        ),
        (
            json!({ "$schema": d20, "type": "array", "items": { "type": "string" }, "contains": tagged }),
            json!(["s"]),
            json!([MASKED]),
        ),
        (
            json!({ "properties": { "a": { "type": "string" } }, "if": { "required": ["b"] }, "then": { "properties": { "a": tagged } } }),
            json!({ "a": "s" }),
            json!({ "a": MASKED }),
        ),
        // Nobody says that it is an object, so a text is valid; but a text is not what is described.
        (
            json!({ "properties": { "who": { "properties": { "mail": tagged } } } }),
            json!({ "who": "s" }),
            json!({ "who": MASKED }),
        ),
        (
            json!({ "properties": { "a": { "type": "string", "contentSchema": { "properties": { "b": tagged } } } } }),
            json!({ "a": "{\"b\":\"s\"}" }),
            json!({ "a": MASKED }),
        ),
    ];
    for (text, value, expected) in cases {
        assert_eq!(seen(&json_schema(&text), &value), expected, "{text}");
    }
}

#[test]
fn what_cannot_be_told_apart_is_not_told() {
    let tree = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "$dynamicAnchor": "node", "type": "object",
        "properties": { "name": { "type": "string", "confluent:tags": ["PII"] }, "child": { "$dynamicRef": "#node" } } });
    assert_eq!(mask(&json_schema(&tree)).value(&json!({ "child": { "name": "ada" } })), None);
    let list = r#"{"type":"record","name":"L","fields":[{"name":"v","type":"string","confluent:tags":["PII"]},{"name":"next","type":["null","L"]}]}"#;
    let deep = (0..200).fold(json!(null), |next, _| json!({ "v": "ada", "next": next }));
    assert_eq!(mask(&schema(Format::Avro, list)).value(&deep), None);
    let flat = schema(
        Format::Avro,
        r#"{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"v","type":"string","confluent:tags":["PII"]}]}}"#,
    );
    assert_eq!(mask(&flat).value(&Value::Array(vec![json!({ "v": "ada" }); 100_000])), None);
}

const FILE: &str = r#"syntax = "proto3"; package shop;
    import "confluent/meta.proto"; import "google/protobuf/struct.proto";
    message Order { int64 id = 1; string mail_to = 2 [(confluent.field_meta).tags = "PII"];
      repeated Line lines = 3; map<string, Line> by = 4; Secret secret = 5; google.protobuf.Struct more = 6; oneof x { string a = 7; Line b = 8; }
      message Secret { option (confluent.message_meta).tags = "PII"; string word = 1; } }
    message Line { string sku = 1; string note = 2 [(confluent.field_meta) = { doc: "x" tags: "PII" tags: "GDPR" }]; }
    message Other { int64 id = 1 [(confluent.field_meta).tags = "PII"]; string mail_to = 2; }"#;

#[test]
fn fields_of_protobuf_are_masked_by_their_options() {
    let file = schema(Format::Protobuf, FILE);
    let again = schema(Format::Protobuf, file.canonical());
    assert_eq!(again.fingerprint(), file.fingerprint(), "the normal form reads back");
    let tagged: Vec<_> = file.tagged().into_iter().map(|(path, tags)| format!("{path} {}", tags.join(","))).collect();
    assert_eq!(
        tagged,
        [
            "mail_to PII",
            "lines[].note GDPR,PII",
            "by{}.note GDPR,PII",
            "secret PII",
            "b.note GDPR,PII",
            "(Other).id PII"
        ]
    );
    // mail_to = "ada", one line { sku = "a", note = "n" }.
    let order = [0, 0x12, 3, b'a', b'd', b'a', 0x1a, 6, 0x0a, 1, b'a', 0x12, 1, b'n'];
    let seen = Mask::of([], &["pii".to_owned()]).record(&file, &order).expect("decodes").expect("told").value;
    assert_eq!(seen, json!({ "id": "0", "mailTo": MASKED, "lines": [{ "sku": "a", "note": MASKED }], "by": {} }));
    // The third message: other fields of the same names.
    let other = [2, 4, 0x08, 7, 0x12, 3, b'a', b'd', b'a'];
    let seen = Mask::of([], &["pii".to_owned()]).record(&file, &other).expect("decodes").expect("told").value;
    assert_eq!(seen, json!({ "id": MASKED, "mailTo": "ada" }));
    // Nobody says which message it is: what is tagged in any of them is masked.
    let value =
        json!({ "id": 1, "mail_to": "ada", "mailTo": "ada", "more": { "a": 1 }, "a": "x", "secret": { "word": "w" } });
    let expected = json!({ "id": MASKED, "mail_to": MASKED, "mailTo": MASKED, "more": { "a": MASKED }, "a": "x", "secret": MASKED });
    assert_eq!(mask(&file).value(&value).expect("told").value, expected);
}

#[test]
fn another_version_masks_as_well() {
    let text = |tags: &str| {
        format!(
            r#"{{"type":"record","name":"R","fields":[{{"name":"a","type":"string"{tags}}},{{"name":"b","type":"string"}}]}}"#
        )
    };
    let old = schema(Format::Avro, &text(""));
    let new = schema(Format::Avro, &text(r#","confluent:tags":["PII"]"#));
    let record = [2, b'x', 2, b'y'];
    assert!(mask(&old).is_empty());
    let plain = mask(&old).record(&old, &record).expect("decodes").expect("told").value;
    assert_eq!(plain, json!({ "a": "x", "b": "y" }));
    let masked = mask(&new).record(&old, &record).expect("decodes").expect("told").value;
    assert_eq!(masked, json!({ "a": MASKED, "b": "y" }));
    assert!(mask(&new).record(&old, &record[..3]).is_err());
}

#[test]
fn other_tags_are_no_change_for_who_builds_on_it() {
    let text =
        |tags: &str| json!({ "type": "object", "properties": { "a": { "type": "string", "confluent:tags": [tags] } } });
    let (old, new) = (json_schema(&text("PII")), json_schema(&text("GDPR")));
    let Changes { sentence, list } = describe_change(&old, &new);
    assert_eq!((sentence.as_str(), list.len()), ("The new schema tags `a` GDPR instead of PII.", 1));
    assert!(check(Level::Full, &new, &[&old]).compatible);
    let whole = json_schema(&json!({ "type": "object", "confluent:tags": ["X"], "properties": {} }));
    let plain = json_schema(&json!({ "type": "object", "properties": {} }));
    assert_eq!(describe_change(&plain, &whole).sentence, "The new schema tags `$` X.");
    let file = |option: &str| {
        format!("syntax = \"proto3\"; import \"confluent/meta.proto\"; message M {{ string a = 1{option}; }}")
    };
    let (old, new) = (file(""), file(" [(confluent.field_meta).tags = \"PII\"]"));
    let (old, new) = (schema(Format::Protobuf, &old), schema(Format::Protobuf, &new));
    assert_eq!(describe_change(&old, &new).sentence, "The new schema tags `a` PII.");
    assert!(check(Level::Full, &new, &[&old]).compatible);
}

/// A made-up type; some of its fields are tagged.
#[derive(Clone, Debug)]
enum Made {
    Text,
    List(Box<Made>),
    Map(Box<Made>),
    /// A type for each field, and whether it is tagged.
    Record(Vec<(bool, Made)>),
    /// One of two records, or null.
    Either(Vec<(bool, Made)>, Vec<(bool, Made)>),
}

fn made() -> impl Strategy<Value = Made> {
    Just(Made::Text).prop_recursive(4, 24, 3, |inner| {
        let fields = || prop::collection::vec((any::<bool>(), inner.clone()), 1..4);
        prop_oneof![
            inner.clone().prop_map(|of| Made::List(Box::new(of))),
            inner.clone().prop_map(|of| Made::Map(Box::new(of))),
            fields().prop_map(Made::Record),
            (fields(), fields()).prop_map(|(one, other)| Made::Either(one, other)),
        ]
    })
}

fn avro_record(fields: &[(bool, Made)], next: &mut u32) -> Value {
    *next += 1;
    let name = format!("R{next}");
    let fields = fields.iter().enumerate().map(|(at, (tagged, of))| {
        let mut field = json!({ "name": format!("f{at}"), "aliases": [format!("was{at}")], "type": avro(of, next) });
        if *tagged {
            field["confluent:tags"] = json!(["PII"]);
        }
        field
    });
    json!({ "type": "record", "name": name, "fields": fields.collect::<Vec<_>>() })
}

fn avro(made: &Made, next: &mut u32) -> Value {
    match made {
        Made::Text => json!("string"),
        Made::List(of) => json!({ "type": "array", "items": avro(of, next) }),
        Made::Map(of) => json!({ "type": "map", "values": avro(of, next) }),
        Made::Record(fields) => avro_record(fields, next),
        Made::Either(one, other) => json!(["null", avro_record(one, next), avro_record(other, next)]),
    }
}

fn described_object(fields: &[(bool, Made)]) -> Value {
    let fields = fields.iter().enumerate().map(|(at, (tagged, of))| {
        let mut field = described(of);
        if *tagged {
            field["confluent:tags"] = json!(["PII"]);
        }
        (format!("f{at}"), field)
    });
    json!({ "type": "object", "properties": fields.collect::<Map<_, _>>() })
}

fn described(made: &Made) -> Value {
    match made {
        Made::Text => json!({ "type": "string" }),
        Made::List(of) => json!({ "type": "array", "items": described(of) }),
        Made::Map(of) => json!({ "type": "object", "additionalProperties": described(of) }),
        Made::Record(fields) => described_object(fields),
        Made::Either(one, other) => json!({ "oneOf": [described_object(one), described_object(other)] }),
    }
}

/// The lowest choice by which a field has the name it should have.
const NAMED: u8 = 30;
/// The highest choice by which a value is what it should be.
const TAME: u8 = 239;

/// A value, in which everything in a tagged field says so; `at` chooses, and now and then what comes is not what is meant.
fn filled(made: &Made, secret: bool, at: &mut dyn Iterator<Item = u8>) -> Value {
    let text = if secret { "SECRET" } else { "open" };
    let choice = at.next().unwrap_or_default();
    let value = match made {
        Made::Text => json!(text),
        Made::List(of) => (0..choice % 3).map(|_| filled(of, secret, at)).collect(),
        Made::Map(of) => {
            let pairs = (0..choice % 3).map(|n| (format!("{text}{n}"), filled(of, secret, at)));
            Value::Object(pairs.collect())
        }
        Made::Record(fields) => object(fields, secret, at),
        // What is no value of one branch may be one of the other, where it is not tagged.
        Made::Either(one, other) => {
            let mut tame = at.map(|choice| choice.clamp(NAMED, TAME)).chain(std::iter::repeat(NAMED));
            object(if choice.is_multiple_of(2) { one } else { other }, secret, &mut tame)
        }
    };
    match choice {
        250.. => json!([value]),
        choice if choice > TAME => json!({ "inside": value }),
        _ => value,
    }
}

fn object(fields: &[(bool, Made)], secret: bool, at: &mut dyn Iterator<Item = u8>) -> Value {
    let pairs = fields.iter().enumerate().map(|(number, (tagged, of))| {
        let name = match at.next().unwrap_or_default() {
            ..20 => format!("was{number}"),
            20..NAMED => format!("other{number}"),
            _ => format!("f{number}"),
        };
        // Under a name that nobody describes anything is delicate.
        let is_unknown = name.starts_with("other");
        (name, filled(of, secret || *tagged || is_unknown, at))
    });
    Value::Object(pairs.collect())
}

proptest! {
    #[test]
    fn nothing_that_is_tagged_is_seen_whatever_comes(of in made(), choices in prop::collection::vec(any::<u8>(), 0..80), other in made()) {
        let fields = [(true, Made::Text), (false, of)];
        let schemas = [schema(Format::Avro, &avro_record(&fields, &mut 0).to_string()), json_schema(&described_object(&fields))];
        let value = object(&fields, false, &mut choices.clone().into_iter());
        // Something that is by another schema, all of it delicate.
        let alien = filled(&other, true, &mut choices.into_iter());
        for schema in schemas {
            let masked = mask(&schema);
            prop_assert!(!masked.is_empty());
            let seen = masked.value(&value).expect("it is small").value;
            prop_assert!(!seen.to_string().contains("SECRET"), "{value}\n{seen}\n{}", schema.canonical());
            let alien = json!({ "f0": alien, "f1": [[alien]], "f2": alien });
            let seen = masked.value(&alien).expect("it is small").value;
            prop_assert!(!seen["f0"].to_string().contains("SECRET") && !seen["f2"].to_string().contains("SECRET"), "{seen}");
        }
    }

    #[test]
    fn what_has_no_tag_is_seen_as_it_is(of in made(), choices in prop::collection::vec(NAMED..=TAME, 1..80)) {
        let plain = untagged(of);
        let fields = [(false, plain), (true, Made::Text)];
        let schemas = [schema(Format::Avro, &avro_record(&fields, &mut 0).to_string()), json_schema(&described_object(&fields))];
        let value = object(&fields[..1], false, &mut choices.into_iter().cycle());
        for schema in schemas {
            let masked = mask(&schema).value(&value).expect("it is small");
            prop_assert_eq!((&masked.value, masked.parts), (&value, 0), "{}", schema.canonical());
        }
    }
}

/// The same without tags.
fn untagged(made: Made) -> Made {
    let fields = |fields: Vec<(bool, Made)>| fields.into_iter().map(|(_, of)| (false, untagged(of))).collect();
    match made {
        Made::Text => Made::Text,
        Made::List(of) => Made::List(Box::new(untagged(*of))),
        Made::Map(of) => Made::Map(Box::new(untagged(*of))),
        Made::Record(of) => Made::Record(fields(of)),
        Made::Either(one, other) => Made::Either(fields(one), fields(other)),
    }
}
