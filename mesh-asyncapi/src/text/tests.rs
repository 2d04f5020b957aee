use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::pointer::Pointer;

fn value(text: &str) -> Value {
    read(text).unwrap_or_else(|unreadable| panic!("{text}: {unreadable}")).0
}

fn refusal(text: &str) -> String {
    match read(text) {
        Ok((value, _)) => panic!("{text} was read as {value}"),
        Err(unreadable) => unreadable.to_string(),
    }
}

#[test]
fn both_syntaxes_give_the_same_value() {
    let yaml = "asyncapi: 3.0.0\ninfo: {title: Orders, version: '1.0'}\nchannels:\n  a:\n    address: a/b\n";
    let json = r#"{"asyncapi": "3.0.0", "info": {"title": "Orders", "version": "1.0"}, "channels": {"a": {"address": "a/b"}}}"#;
    assert_eq!(value(yaml), value(json));
    assert_eq!((read(yaml).map(|read| read.1), read(json).map(|read| read.1)), (Ok(Syntax::Yaml), Ok(Syntax::Json)));
    assert_eq!(value("{a: b}"), json!({"a": "b"}), "a flow of YAML begins with a bracket as well");
}

#[test]
fn keys_stay_in_the_order_of_the_text() {
    for text in ["z: 1\na: 2\nm: 3\n", r#"{"z": 1, "a": 2, "m": 3}"#] {
        let value = value(text);
        let keys: Vec<_> = value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["z", "a", "m"]);
        assert!(to_yaml(&value).starts_with("z: 1\na: 2\n"));
    }
}

#[test]
fn aliases_and_merge_keys_are_written_out() {
    let text = "base: &base {a: 1, b: 2}\nother:\n  <<: *base\n  b: 3\nboth:\n  <<: [{b: 4}, *base]\nlist: [*base]\n";
    let read = value(text);
    assert_eq!(read["other"], json!({"a": 1, "b": 3}));
    assert_eq!(read["both"], json!({"b": 4, "a": 1}));
    assert_eq!(read["list"], json!([{"a": 1, "b": 2}]));
    assert_eq!(value("200: ok\ntrue: x\n"), json!({"200": "ok", "true": "x"}), "keys are texts");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    assert_eq!(refusal("a: 1\na: 2\n"), "line 2, column 1: the key `a` stands twice in one object: keep one of them");
    assert!(refusal("{\"a\": 1, \"a\": 2}").contains("the key `a` stands twice"));
    assert!(refusal("{\"a\": 1,\n \"b\" 2}").starts_with("line 2, column"), "{}", refusal("{\"a\": 1,\n \"b\" 2}"));
    assert!(refusal("a: [1, 2\nb: 3\n").starts_with("line "), "{}", refusal("a: [1, 2\nb: 3\n"));
    assert!(refusal("a: 1\n---\nb: 2\n").contains("a second document begins here"));
    assert!(refusal("a: !!binary aGk=\n").contains("binary` has no meaning in JSON"));
    assert!(refusal("a: !ruby/object x\n").contains("has no meaning in JSON"));
    assert!(refusal("a: .inf\n").contains("a number that JSON does not have"));
    assert!(refusal("? [a]\n: 1\n").contains("a key has to be a text"));
    assert!(refusal("a: &x [*x]\n").contains("stands inside what it means"));
    assert!(refusal("  \n").contains("the text is empty"));
    assert!(refusal("# nothing\n").contains("no document"));
}

#[test]
fn a_few_lines_that_stand_for_billions_of_values_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let last = level - 1;
        let items = vec![format!("*a{last}"); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    assert!(refusal(&bomb).contains("stands for more than"));
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 40].join(", "));
    assert!(refusal(&long).contains("stands for more than"));
}

#[test]
fn what_is_nested_too_deeply_is_refused() {
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    assert!(read(&nested(NESTING_MAX)).is_ok());
    assert!(refusal(&nested(NESTING_MAX + 1)).contains("nested deeper than"));
    assert!(refusal(&nested(100_000)).contains("nested deeper than"));
    let yaml = |levels: usize| (0..levels).map(|level| format!("{}a:\n", " ".repeat(level))).collect::<String>();
    assert!(read(&yaml(NESTING_MAX)).is_ok());
    assert!(read(&yaml(2_000)).is_err());
    let chain: String =
        (1..40).map(|level| format!("a{level}: &a{level} {{x: {{y: {{z: *a{}}}}}}}\n", level - 1)).collect();
    assert!(refusal(&format!("a0: &a0 1\n{chain}")).contains("nested deeper than"), "aliases count");
}

#[test]
fn long_keys_around_many_values_are_refused() {
    let items = vec!["1"; 50_000].join(",");
    let keys = |length: usize| format!("{{\"{}\": [{items}]}}", "k".repeat(length));
    assert!(read(&keys(1_000)).is_ok());
    assert!(refusal(&keys(6_000)).contains("too long keys"));
}

#[test]
fn too_long_a_text_is_refused() {
    assert!(refusal(&" ".repeat(TEXT_BYTES_MAX + 1)).contains("bytes"));
}

#[test]
fn parts_are_found_in_both_syntaxes() {
    let yaml = "asyncapi: 3.0.0\nchannels:\n  a/b:\n    servers:\n      - x\n      - y\n";
    let part = |text: &str| Pointer::parse(text);
    let parts = [part("/channels/a~1b"), part("/channels/a~1b/servers/1"), part("/channels/a~1b/address"), part("")];
    let at = |line, column| Some(Place { line, column });
    assert_eq!(locate(yaml, &parts), [at(3, 3), at(6, 9), at(3, 3), at(1, 1)]);
    let json = "{\n  \"channels\": {\n    \"a/b\": {\"servers\": [\"x\",\n \"y\"]}\n  }\n}\n";
    assert_eq!(locate(json, &parts), [at(3, 5), at(4, 2), at(3, 5), at(1, 1)]);
}

#[test]
fn yaml_is_written_for_people() {
    let value = json!({
        "asyncapi": "3.0.0", "empty": {}, "none": [], "on": "no", "text": "one\n\ntwo\n", "last": "a\nb",
        "list": [{"$ref": "#/a~1b", "n": 1}, [1, ["x"]], "it's #1"], "odd\n": "\u{7f}\t", "nil": null,
    });
    let text = "asyncapi: '3.0.0'\nempty: {}\nnone: []\n'on': 'no'\ntext: |\n  one\n\n  two\nlast: |-\n  a\n  b\nlist:\n  - $ref: '#/a~1b'\n    'n': 1\n  - - 1\n    - - x\n  - it's #1\n\"odd\\n\": \"\\u007F\\t\"\nnil: null\n";
    assert_eq!(to_yaml(&value), text.replace("it's #1", "'it''s #1'"));
    assert_eq!(self::value(text.replace("it's #1", "'it''s #1'").as_str()), value);
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ \\n\\t:#'\"a-c-]{0,12}",
        prop::sample::select(vec![
            "yes", "null", "1.0", "1e3", "<<", "~", "-", "?", "|", "a: b", "---", "...", "0x1", "&a", "*a"
        ])
        .prop_map(str::to_owned),
        "[a-z]{490,520}",
    ]
}

pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let number = any::<f64>().prop_filter_map("a JSON number", |n| serde_json::Number::from_f64(n).map(Value::Number));
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        number,
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any_text(), inner), 0..6)
                .prop_map(|all| all.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn yaml_comes_back(value in any_value()) {
        let text = to_yaml(&value);
        let read = yaml::read(&text);
        prop_assert_eq!(read.as_ref(), Ok(&value), "{}", text);
    }

    #[test]
    fn json_comes_back(value in any_value()) {
        prop_assert_eq!(json::read(&to_json(&value)), Ok(value));
    }

    #[test]
    fn no_text_brings_it_down(text in any::<String>(), flow in "[\\[\\]{}:, \\n&*a<!|>'\"#?-]{0,60}") {
        let _ = (read(&text), read(&flow), locate(&flow, &[Pointer::of(["a", "0"])]));
    }
}
