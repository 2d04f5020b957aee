//! Tables of what is compatible, and `prost-reflect` as the judge of examples and wire formats.

use proptest::prelude::*;
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::json;

use super::super::{Cut, Format, Level, Presence, Rule, Schema, check};
use super::*;

fn try_parse(text: &str, references: &[Reference]) -> Result<Schema, Invalid> {
    Schema::parse(Format::Protobuf, text, references)
}

/// A proto3 file.
fn three(text: &str) -> String {
    format!("syntax = \"proto3\";\npackage shop;\n{text}")
}

/// A proto3 file with one message.
fn message(fields: &str) -> String {
    three(&format!("message M {{ {fields} }}"))
}

fn schema(text: &str) -> Schema {
    try_parse(text, &[]).unwrap_or_else(|invalid| panic!("{invalid}\n{text}"))
}

/// What keeps a reader from reading: paths and rules.
fn problems(reader: &str, writer: &str) -> Vec<String> {
    let verdict = check(Level::Backward, &schema(reader), &[&schema(writer)]);
    verdict.findings.iter().map(|finding| format!("{} {}", finding.path, finding.rule)).collect()
}

/// Old schema, new schema, what a new consumer stumbles over, what an old one does.
fn table(cases: &[(String, String, &[&str], &[&str])]) {
    for (old, new, backward, forward) in cases {
        assert_eq!(problems(new, old), *backward, "{new} reads {old}");
        assert_eq!(problems(old, new), *forward, "{old} reads {new}");
    }
}

#[test]
fn fields_come_and_go() {
    let a = message("string a = 1;");
    table(&[
        (a.clone(), message("string a = 1; int32 b = 2;"), &[], &[]),
        (a.clone(), message("string renamed = 1;"), &[], &[]),
        (a.clone(), message(""), &[], &[]),
    ]);
    let two = |fields: &str| format!("message M {{ {fields} }}");
    let required = two("required string a = 1;");
    table(&[
        (two(""), required.clone(), &["M.a REQUIRED_FIELD_ADDED"], &["M.a REQUIRED_FIELD_REMOVED"]),
        (two("optional string a = 1;"), required, &["M.a REQUIRED_FIELD_ADDED"], &[]),
    ]);
}

#[test]
fn scalars_change_within_their_wire_format() {
    let a = |kind: &str| message(&format!("{kind} a = 1;"));
    let changed: &[&str] = &["M.a FIELD_SCALAR_KIND_CHANGED"];
    for (one, other) in [
        ("int32", "uint64"),
        ("bool", "int64"),
        ("sint32", "sint64"),
        ("string", "bytes"),
        ("fixed32", "sfixed32"),
        ("fixed64", "sfixed64"),
    ] {
        table(&[(a(one), a(other), &[], &[])]);
    }
    for (one, other) in
        [("int32", "sint32"), ("int32", "string"), ("fixed32", "fixed64"), ("float", "double"), ("fixed32", "float")]
    {
        table(&[(a(one), a(other), changed, changed)]);
    }
    let state = |kind: &str| three(&format!("message M {{ {kind} a = 1; }} enum E {{ X = 0; }}"));
    table(&[(state("E"), state("int32"), &[], &[]), (state("E"), state("string"), changed, changed)]);
}

#[test]
fn kinds_and_labels() {
    let with = |field: &str| message(&format!("message N {{ int32 x = 1; }} message O {{ int32 x = 1; }} {field}"));
    let kind: &[&str] = &["M.a FIELD_KIND_CHANGED"];
    let named: &[&str] = &["M.a FIELD_NAMED_TYPE_CHANGED"];
    let label: &[&str] = &["M.a FIELD_NUMERIC_LABEL_CHANGED"];
    let scalar: &[&str] = &["M.a FIELD_SCALAR_KIND_CHANGED"];
    table(&[
        (with("N a = 1;"), with("int32 a = 1;"), kind, kind),
        (with("N a = 1;"), with("O a = 1;"), named, named),
        (with("map<string, int32> a = 1;"), with("N a = 1;"), kind, kind),
        (with("map<string, int32> a = 1;"), with("map<string, int64> a = 1;"), &[], &[]),
        (with("map<string, int32> a = 1;"), with("map<string, string> a = 1;"), scalar, scalar),
        (with("map<string, int32> a = 1;"), with("map<int32, int32> a = 1;"), scalar, scalar),
        (with("int32 a = 1;"), with("repeated int32 a = 1;"), label, label),
        (with("string a = 1;"), with("repeated string a = 1;"), &[], &[]),
        (with("optional int32 a = 1;"), with("int32 a = 1;"), &[], &[]),
    ]);
}

#[test]
fn choices() {
    let alone = message("int32 a = 1; int32 b = 2; int32 c = 3;");
    let two = message("oneof x { int32 a = 1; int32 b = 2; } int32 c = 3;");
    let all = message("oneof x { int32 a = 1; int32 b = 2; int32 c = 3; }");
    let less = message("oneof x { int32 a = 1; } int32 c = 3;");
    let moved = message("oneof y { int32 a = 1; int32 b = 2; } int32 c = 3;");
    let none = message("int32 c = 3;");
    table(&[
        (alone.clone(), two.clone(), &["M.x MULTIPLE_FIELDS_MOVED_TO_ONEOF"], &[]),
        (two.clone(), all, &["M.x FIELD_MOVED_TO_EXISTING_ONEOF"], &[]),
        (two.clone(), less.clone(), &["M.b ONEOF_FIELD_REMOVED"], &[]),
        (alone, less, &[], &[]),
        (two.clone(), moved, &[], &[]),
        (two, none, &[], &[]),
    ]);
}

#[test]
fn messages_enums_and_packages() {
    let a = three("message A { int32 x = 1; } message B { A a = 1; message C { int32 x = 1; } }");
    let removed: &[&str] = &["A.x FIELD_SCALAR_KIND_CHANGED"];
    table(&[
        (a.clone(), three("message B { message C { int32 x = 1; } }"), &["A MESSAGE_REMOVED"], &[]),
        (a.clone(), three("message A { int32 x = 1; } message B { A a = 1; }"), &["B.C MESSAGE_REMOVED"], &[]),
        (a.clone(), three("message B { A a = 1; message C { int32 x = 1; } } message A { int32 x = 1; }"), &[], &[]),
        (a.clone(), a.replace("message A { int32", "message A { string"), removed, removed),
        (a.clone(), a.replace("package shop", "package other"), &["$ PACKAGE_CHANGED"], &["$ PACKAGE_CHANGED"]),
        (three("enum E { A = 0; B = 1; }"), three("enum E { X = 0; }"), &[], &[]),
    ]);
}

#[test]
fn imported_messages_are_compared_too() {
    let own = three("import \"line.proto\"; message Order { shop.Line line = 1; }");
    let line = |kind: &str| Reference {
        name: "line.proto".into(),
        text: three(&format!("message Line {{ {kind} sku = 1; }}")),
    };
    let with = |kind: &str| try_parse(&own, &[line(kind)]).unwrap_or_else(|invalid| panic!("{invalid}"));
    let verdict = check(Level::Full, &with("int32"), &[&with("string")]);
    assert_eq!(verdict.findings.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(), ["Line.sku"; 2]);
    assert!(check(Level::Full, &with("string"), &[&with("bytes")]).compatible);
}

#[test]
fn errors_have_a_rule_and_a_place() {
    for (text, rule, place) in [
        ("syntax = \"proto3\";\nmessage M {\n  int32 a 1;\n}", Rule::Syntax, Some((3, 11))),
        ("syntax = \"proto3\";\nmessage M {\n  Missing a = 1;\n}", Rule::UnknownType, Some((3, 3))),
        ("syntax = \"proto3\";\nimport \"x.proto\";\nmessage M {}", Rule::UnknownType, Some((2, 1))),
        ("syntax = \"proto3\";\nmessage M { int32 a = 1;\n int32 b = 1; }", Rule::Duplicate, Some((3, 12))),
        ("syntax = \"proto3\";", Rule::Structure, Some((1, 1))),
        ("syntax = \"proto4\"; message M {}", Rule::Syntax, Some((1, 10))),
        ("{\"type\": \"string\"}", Rule::Syntax, Some((1, 1))),
    ] {
        let invalid = try_parse(text, &[]).err().unwrap_or_else(|| panic!("{text} is no schema"));
        assert_eq!((invalid.rule, invalid.place.map(|place| (place.line, place.column))), (rule, place), "{invalid}");
    }
}

#[test]
fn imports_come_from_references_and_from_google_only() {
    let reference = |name: &str, text: &str| Reference { name: name.into(), text: text.into() };
    let own = "syntax = \"proto3\"; import \"a.proto\"; message M { A a = 1; }";
    let a = reference("a.proto", "syntax = \"proto3\"; import \"b.proto\"; message A { B b = 1; }");
    let b = reference(
        "b.proto",
        "syntax = \"proto3\"; import \"google/protobuf/any.proto\"; message B { google.protobuf.Any x = 1; }",
    );
    let paths = |schema: Schema| schema.fields().into_iter().map(|field| field.path).collect::<Vec<_>>();
    assert_eq!(paths(try_parse(own, &[b.clone(), a.clone()]).expect("sound")), ["a", "a.b", "a.b.x"]);
    let circle = reference("b.proto", "syntax = \"proto3\"; import \"a.proto\"; message B {}");
    assert_eq!(try_parse(own, &[a.clone(), circle]).err().map(|invalid| invalid.rule), Some(Rule::References));
    let broken = reference("b.proto", "syntax = \"proto3\";\nmessage {}");
    let invalid = try_parse(own, &[a, broken]).expect_err("the reference is wrong");
    assert_eq!((invalid.reference.as_deref(), invalid.place.map(|place| place.line)), (Some("b.proto"), Some(2)));
    for (file, rule) in [("etc/passwd", Rule::UnknownType), ("/etc/passwd", Rule::Syntax)] {
        let text = format!("syntax = \"proto3\"; import \"{file}\"; message M {{}}");
        assert_eq!(try_parse(&text, &[]).err().map(|invalid| invalid.rule), Some(rule));
    }
}

/// Everything the printer knows.
const FULL: &str = r#"syntax = "proto2";
package a.b;
import public "google/protobuf/timestamp.proto";
import "google/protobuf/descriptor.proto";
option java_package = "x\"y\n";
option (file_note) = { text: "t" numbers: 1 numbers: 2 };
extend google.protobuf.FileOptions { optional Note file_note = 50001; }
extend google.protobuf.FieldOptions { repeated string tags = 50002; }
message Note { optional string text = 1; repeated int32 numbers = 2; }
message M {
  option deprecated = true;
  required int32 z = 9 [default = -5, json_name = "zed", (tags) = "a", (tags) = "b"];
  optional string s = 1 [default = "q\"\\"];
  optional bytes y = 2 [default = "\001\"ä"];
  optional double d = 3 [default = inf];
  optional E e = 4 [default = B];
  repeated int32 p = 5 [packed = true];
  oneof x { string o = 6; M m = 7; }
  map<int32, .a.b.M.N> map = 8;
  optional group G = 10 { optional int32 inner = 1; }
  message N { optional google.protobuf.Timestamp at = 1; }
  enum E { option allow_alias = true; A = 0; B = 1 [deprecated = true]; C = 1; reserved 5 to 7, 9; reserved "D"; }
  reserved 100 to 102, 104;
  reserved "gone";
  extensions 200 to 299, 1000 to max;
  extend M { optional int32 ext = 200; }
}
service S { rpc A(M) returns (stream M.N) { option deprecated = true; } rpc B(stream M) returns (M); }
"#;

#[test]
fn the_canonical_text_holds_everything_and_reads_back() {
    let one = schema(FULL);
    let again = schema(one.canonical());
    assert_eq!(again.canonical(), one.canonical());
    assert_eq!(problems(FULL, one.canonical()), Vec::<String>::new());
    for piece in [
        "import public \"google/protobuf/timestamp.proto\";",
        "option (.a.b.file_note) = { text: \"t\" numbers: 1 numbers: 2 };",
        "required int32 z = 9 [default = -5, json_name = \"zed\", (.a.b.tags) = \"a\", (.a.b.tags) = \"b\"];",
        "optional group G = 10 {",
        "map<int32, .a.b.M.N> map = 8;",
        "reserved 100 to 102, 104;",
        "extensions 200 to 299, 1000 to max;",
        "reserved 5 to 7, 9;",
        "rpc A (.a.b.M) returns (stream .a.b.M.N) {",
        "extend .a.b.M {",
    ] {
        assert!(one.canonical().contains(piece), "{piece}\n{}", one.canonical());
    }
}

#[test]
fn comments_and_order_are_layout() {
    let one = message("int32 a = 1; optional string b = 2; oneof x { int32 c = 3; int32 d = 4; }");
    let other = "// Words.\nsyntax='proto3';package shop;message M{oneof x{int32 d=4;int32 c=3;}optional string b=2;/* more */int32 a=1;}";
    assert_eq!(schema(&one).fingerprint(), schema(other).fingerprint());
    assert_ne!(schema(&one).fingerprint(), schema(&one.replace("a = 1", "a = 9")).fingerprint());
}

#[test]
fn fields_are_listed_with_their_types_in_words() {
    let text = three(
        "message Order { string id = 1; // Unique.\n repeated Line lines = 2; map<string, Line> by = 3; oneof pay { int64 card = 4; }\n\
         /* The state. */ State state = 5 [deprecated = true]; optional Order parent = 6; message Line { bytes sku = 1; } }\n\
         message Other { int32 x = 1; } enum State { A = 0; B = 1; }",
    );
    let fields = schema(&text).fields();
    let rows: Vec<_> = fields.iter().map(|field| format!("{} {}", field.path, field.kind)).collect();
    assert_eq!(
        rows,
        [
            "id string",
            "lines list of message shop.Order.Line",
            "lines[].sku bytes",
            "by map of message shop.Order.Line",
            "by{}.sku bytes",
            "card int64, one of pay",
            "state enum shop.State (A, B)",
            "parent message shop.Order",
            "(Other).x int32",
        ]
    );
    assert_eq!(fields[0].doc.as_deref(), Some("Unique."));
    assert_eq!((fields[6].doc.as_deref(), fields[6].deprecated), (Some("The state."), true));
    assert_eq!((fields[7].cut, fields[7].presence), (Some(Cut::Recursion), Presence::Optional));
    let two = schema("message M { required int32 a = 1 [default = 7]; }").fields();
    assert_eq!((two[0].presence, two[0].default.clone()), (Presence::Required, Some(json!(7))));
}

/// An example is read as a message, and written and read again.
fn check_example(text: &str) -> Value {
    let model = parse(text, &[]).unwrap_or_else(|invalid| panic!("{invalid}\n{text}")).model;
    let value = example(&model).unwrap_or_else(|none| panic!("{none}\n{text}"));
    let of = model.file.messages().next().expect("a message");
    let message = DynamicMessage::deserialize(of.clone(), value.clone())
        .unwrap_or_else(|error| panic!("{error}\n{value}\n{text}"));
    let again = DynamicMessage::decode(of, message.encode_to_vec().as_slice()).expect("it decodes");
    assert_eq!(again, message);
    let options = SerializeOptions::new().skip_default_fields(false);
    assert!(again.serialize_with_options(serde_json::value::Serializer, &options).is_ok());
    value
}

#[test]
fn examples_are_messages() {
    let scalars = [
        "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
        "sfixed64", "bool", "string", "bytes",
    ];
    let fields: String = scalars
        .iter()
        .enumerate()
        .map(|(n, kind)| format!("{kind} f_{n} = {}; repeated {kind} r{n} = {};", n + 1, n + 50))
        .collect();
    let value = check_example(&message(&fields));
    assert_eq!(value.as_object().map(serde_json::Map::len), Some(2 * scalars.len()));
    check_example(&message(
        "map<string, int64> a = 1; map<int32, M> b = 2; map<bool, bytes> c = 3; M d = 4; repeated M e = 5;",
    ));
    let value = check_example(&message("oneof x { M a = 1; string b = 2; int32 c = 3; }"));
    assert_eq!(value, json!({"b": "text"}), "one branch, and not the one without end");
    let google = [
        "Timestamp",
        "Duration",
        "FieldMask",
        "Struct",
        "Value",
        "ListValue",
        "StringValue",
        "Int64Value",
        "BoolValue",
        "BytesValue",
        "Empty",
        "Any",
    ];
    let fields: String =
        google.iter().enumerate().map(|(n, name)| format!("google.protobuf.{name} f{n} = {};", n + 1)).collect();
    let imports: String = ["timestamp", "duration", "field_mask", "struct", "wrappers", "empty", "any"]
        .iter()
        .map(|name| format!("import \"google/protobuf/{name}.proto\";"))
        .collect();
    check_example(&three(&format!("{imports} message M {{ {fields} }}")));
    check_example(
        "message M { required int64 a = 1 [default = 7]; optional string b = 2 [default = \"x\"]; optional E e = 3 [default = Y]; enum E { X = 0; Y = 1; } optional group G = 4 { required bool c = 1; } }",
    );
}

#[test]
fn a_message_that_must_hold_itself_has_no_example() {
    let none = schema("message M { required M m = 1; }").example().expect_err("it never ends");
    assert_eq!(none.path, "m");
    assert_eq!(schema(&three("enum E { A = 0; }")).example().map_err(|none| none.path), Err("$".to_owned()));
}

/// The text of what came as a descriptor.
fn text_of(text: &str, references: &[Reference]) -> Result<String, Invalid> {
    super::super::text_of(Format::Protobuf, text.to_owned(), references)
}

#[test]
fn a_descriptor_is_the_file_it_was_made_from() {
    let line = Reference { name: "shop/line.proto".into(), text: three("message Line { string sku = 1; }") };
    let text = format!(
        "syntax = \"proto3\";\npackage shop;\nimport \"google/protobuf/timestamp.proto\";\nimport \"shop/line.proto\";\n{}",
        "// what was bought
         message Order {
           repeated Line lines = 1; google.protobuf.Timestamp at = 2; optional string note = 3;
           map<string, int32> counts = 4; enum Kind { KIND_ANY = 0; } oneof by { Kind kind = 5; bytes key = 6; }
         }"
    );
    let order = try_parse(&text, std::slice::from_ref(&line)).expect("sound");
    let sent = order.descriptor().expect("Protobuf has one");
    let back = text_of(&sent, std::slice::from_ref(&line)).expect("sound");
    let again = try_parse(&back, std::slice::from_ref(&line)).expect("sound");
    assert_eq!((again.canonical(), again.fingerprint()), (order.canonical(), order.fingerprint()), "{back}");
    assert_eq!(again.descriptor(), order.descriptor(), "its imports were in order already");
    // What it imports must be there, and what is no descriptor stays a text.
    assert!(text_of(&sent, &[]).is_err_and(|invalid| invalid.message.contains("shop/line.proto")));
    for other in ["", "abcd", "AAAA", &message("string a = 1;")] {
        assert_eq!(text_of(other, &[]).as_deref(), Ok(other));
    }
    assert_eq!(try_parse("AAAA", &[]).map(|_| ()).map_err(|invalid| invalid.rule), Err(Rule::Syntax));
}

#[test]
fn a_descriptor_is_read_within_bounds() {
    use base64::Engine as _;
    use prost_reflect::prost_types::{DescriptorProto, FileDescriptorProto};
    let nested = |depth: usize| {
        let mut message = DescriptorProto { name: Some("M".into()), ..DescriptorProto::default() };
        for _ in 1..depth {
            message = DescriptorProto { name: Some("M".into()), nested_type: vec![message], ..Default::default() };
        }
        let file = FileDescriptorProto {
            name: Some("a.proto".into()),
            syntax: Some("proto3".into()),
            message_type: vec![message],
            ..Default::default()
        };
        base64::engine::general_purpose::STANDARD.encode(file.encode_to_vec())
    };
    assert!(text_of(&nested(20), &[]).is_ok_and(|text| text.starts_with("syntax")));
    assert_eq!(text_of(&nested(70), &[]).map_err(|invalid| invalid.rule), Err(Rule::Nesting));
    // Deeper than that, it is not even read.
    assert_eq!(text_of(&nested(2_000), &[]).as_deref(), Ok(&*nested(2_000)));
}

proptest! {
    #[test]
    fn any_base64_can_be_looked_at(bytes: Vec<u8>) {
        use base64::Engine as _;
        let _ = text_of(&base64::engine::general_purpose::STANDARD.encode(bytes), &[]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// What is compatible is decoded without an error, whatever the values are.
    #[test]
    fn compatible_scalars_decode(one in 0_usize..15, other in 0_usize..15) {
        let scalars = ["double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes"];
        let (old, new) = (message(&format!("{} a = 1;", scalars[one])), message(&format!("{} a = 1;", scalars[other])));
        if problems(&new, &old).is_empty() {
            let writer = parse(&old, &[]).expect("sound").model;
            let reader = parse(&new, &[]).expect("sound").model;
            let value = example(&writer).expect("an example");
            let first = |model: &Model| model.file.messages().next().expect("a message");
            let bytes = DynamicMessage::deserialize(first(&writer), value).expect("valid").encode_to_vec();
            let read = DynamicMessage::decode(first(&reader), bytes.as_slice());
            prop_assert!(read.is_ok_and(|read| read.unknown_fields().next().is_none()), "{} as {}", scalars[one], scalars[other]);
        }
    }
}
