use mesh_protocol::schema_id::{SchemaId, join};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn named(payload: &[u8]) -> Vec<u8> {
    join(SchemaId::new(7).expect("an id"), payload)
}

fn wrong(validator: &Validator, payload: &[u8]) -> String {
    validator.check(payload).expect_err("not valid").to_string()
}

const ORDER: &str = r#"{"type":"object","required":["id","amount"],"properties":{
    "id":{"type":"string"},"amount":{"type":"number","minimum":0}},"additionalProperties":false}"#;

#[test]
fn json_is_checked_bare_and_behind_an_id() {
    let validator = Validator::new(Format::JsonSchema, ORDER, &[]).expect("a schema");
    let good = br#"{"id":"a","amount":12.5}"#;
    assert_eq!((validator.check(good), validator.check(&named(good))), (Ok(()), Ok(())));
    for (payload, told) in [
        (&br#"{"id":"a","amount":"4711"}"#[..], "`$.amount` is not a number"),
        (br#"{"id":"a","amount":-1}"#, "`$.amount` is less than 0"),
        (br#"{"id":"a"}"#, "`$` lacks the property `amount`"),
        (br#"{"id":"a","amount":1,"amonut":2}"#, "`$` has properties that are not allowed: `amonut`"),
        (b"4711 secrets", "`$` is no JSON: it cannot be read at line 1, column 6"),
        (b"", "`$` is no JSON: it cannot be read at line 1, column 0"),
    ] {
        assert_eq!(wrong(&validator, payload), told);
        assert_eq!(wrong(&validator, &named(payload)), told, "behind an id");
    }
}

#[test]
fn avro_is_checked_bare_and_behind_an_id() {
    let text = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},
        {"name":"line","type":{"type":"record","name":"Line","fields":[{"name":"count","type":"int"}]}}]}"#;
    let validator = Validator::new(Format::Avro, text, &[]).expect("a schema");
    let good = [2, b'a', 8];
    assert_eq!((validator.check(&good), validator.check(&named(&good))), (Ok(()), Ok(())));
    let early = "`$.line.count` is no value by the Avro schema: the record ends too early";
    assert_eq!(wrong(&validator, &good[..2]), early);
    assert_eq!(wrong(&validator, &named(&good[..2])), early);
    assert!(wrong(&validator, br#"{"id":"a"}"#).starts_with("`$"));
    // An empty text, then 0: it looks like an id and is none.
    let numbers = r#"{"type":"record","name":"N","fields":[{"name":"a","type":"string"},{"name":"b","type":"int"},
        {"name":"c","type":"int"},{"name":"d","type":"int"},{"name":"e","type":"int"},{"name":"f","type":"int"}]}"#;
    let numbers = Validator::new(Format::Avro, numbers, &[]).expect("a schema");
    assert_eq!(numbers.check(&[0, 0, 0, 0, 2, 4]), Ok(()));
}

#[test]
fn a_long_avro_list_is_no_reason_to_refuse_it() {
    let validator = Validator::new(Format::Avro, r#"{"type":"array","items":"int"}"#, &[]).expect("a schema");
    // One block of 100,000 items, which is more than is ever shown.
    let mut payload = vec![0x80 | 0x40, 0x9a, 0x0c];
    payload.extend(std::iter::repeat_n(2, 100_000));
    payload.push(0);
    assert_eq!(validator.check(&payload), Ok(()));
    let nulls = Validator::new(Format::Avro, r#"{"type":"array","items":"null"}"#, &[]).expect("a schema");
    let many = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    assert!(wrong(&nulls, &many).contains("too large or too deep"), "a payload of nine bytes costs little");
}

#[test]
fn protobuf_is_the_first_message_bare_and_any_message_behind_an_id() {
    let file = r#"syntax = "proto2"; package shop;
        message Order { required string id = 1; repeated Line lines = 2; message Line { required uint32 count = 1; } }
        message Other { optional bool ok = 1; }"#;
    let validator = Validator::new(Format::Protobuf, file, &[]).expect("a schema");
    let good = [0x0a, 1, b'a', 0x12, 2, 0x08, 2];
    let indexed = |indexes: &[u8], bytes: &[u8]| named(&[indexes, bytes].concat());
    assert_eq!((validator.check(&good), validator.check(&indexed(&[0], &good))), (Ok(()), Ok(())));
    assert_eq!(validator.check(&indexed(&[2, 2], &[0x08, 1])), Ok(()), "the second message");
    assert_eq!(wrong(&validator, &[0x12, 2, 0x08, 2]), "`$` lacks the field `id`");
    assert_eq!(wrong(&validator, &[0x0a, 1, b'a', 0x12, 0]), "`$.lines[0]` lacks the field `count`");
    assert!(wrong(&validator, br#"{"id":"a"}"#).starts_with("`$` is no message shop.Order: "));
    assert_eq!(wrong(&validator, &indexed(&[2, 8], &good)), "`$` names a message that the file does not have");
    let none = r#"syntax = "proto3"; enum State { OPEN = 0; }"#;
    let refused = Validator::new(Format::Protobuf, none, &[]).expect_err("no message");
    assert!(refused.to_string().contains("without a message"), "{refused}");
}

#[test]
fn references_are_followed_in_every_format() {
    let line = Reference { name: "line.json".to_owned(), text: r#"{"type":"object","required":["count"]}"#.to_owned() };
    let text = r#"{"type":"object","properties":{"line":{"$ref":"line.json"}}}"#;
    let validator = Validator::new(Format::JsonSchema, text, &[line]).expect("a schema");
    assert_eq!(validator.check(br#"{"line":{"count":1}}"#), Ok(()));
    assert_eq!(wrong(&validator, br#"{"line":{}}"#), "`$.line` lacks the property `count`");
    let unknown = Validator::new(Format::JsonSchema, r#"{"$ref":"https://example.org/other"}"#, &[]);
    assert!(unknown.is_err(), "nothing is fetched");
}

#[test]
fn nothing_of_a_payload_is_told_but_names_the_schema_knows() {
    let text = r#"{"type":"object","properties":{"owner":{"type":"string"}},
        "additionalProperties":{"type":"object","properties":{"age":{"type":"integer"}}}}"#;
    let validator = Validator::new(Format::JsonSchema, text, &[]).expect("a schema");
    let payload = json!({ "eve@example.org": { "age": "secret" } }).to_string();
    assert_eq!(wrong(&validator, payload.as_bytes()), "`$.*.age` is not a whole number");
}

proptest! {
    /// Whatever comes, an answer comes, and it never says what stood in the payload.
    #[test]
    fn any_bytes_can_be_checked(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let avro = r#"{"type":"record","name":"O","fields":[{"name":"id","type":["null","string"]},{"name":"n","type":"long"}]}"#;
        let file = r#"syntax = "proto3"; message Order { string id = 1; repeated Order inner = 2; map<string, Order> by = 3; }"#;
        for (format, text) in [(Format::JsonSchema, ORDER), (Format::Avro, avro), (Format::Protobuf, file)] {
            let validator = Validator::new(format, text, &[]).expect("a schema");
            let _ = validator.check(&bytes);
            let _ = validator.check(&named(&bytes));
        }
    }

    #[test]
    fn values_are_never_told(secret in "[A-Z]{12}") {
        let validator = Validator::new(Format::JsonSchema, ORDER, &[]).expect("a schema");
        for payload in [
            json!({ "id": "a", "amount": secret }),
            json!({ "id": [secret], "amount": 1 }),
            json!([secret]),
            json!(secret),
        ] {
            let told = wrong(&validator, payload.to_string().as_bytes());
            prop_assert!(!told.contains(&secret), "{}", told);
        }
    }
}
