use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

struct Record(Value);

impl Lookup for Record {
    fn key(&self) -> Option<&str> {
        Some("17")
    }
    fn header(&self, name: &str) -> Option<&str> {
        (name == "region").then_some("eu")
    }
    fn partition(&self) -> Option<i32> {
        Some(3)
    }
    fn value(&self) -> Option<&Value> {
        Some(&self.0)
    }
}

fn holds(text: &str) -> bool {
    let record = Record(json!({
        "level": "error", "n": 7, "f": 7.5, "big": 9_007_199_254_740_993_i64, "ok": true, "none": null, "list": [1, {"a": 2}],
    }));
    Expr::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).matches(&record)
}

#[test]
fn what_holds() {
    for text in [
        r#"value.level == "error""#,
        r#"value.level != "info" and value.n >= 7"#,
        r#"value.level in ["warn", "error"]"#,
        "value.n < 7.5 and value.f > 7 and value.n == 7.0",
        "not (value.n > 7 or value.n < 7)",
        "value.ok == true and value.ok != false",
        "value.missing == null and value.none == null",
        "exists(value.none) and not exists(value.missing)",
        r#"starts_with(value.level, "err")"#,
        r#"header.region == "eu" and partition == 3"#,
        "value.list.0 == 1 and value.list.1.a == 2",
        "value.list != null and not value.list == null",
        r#"key == 17 and key > 9 and key == "17""#,
        r#"1 < 2 or "a" < "b""#,
        "value.big > 9007199254740992.0",
        r#""7" != value.n"#,
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn what_does_not_hold() {
    for text in [
        r#"value.n == "7""#,
        r#"value.n < "8""#,
        r#"value.level > 3"#,
        "value.missing < 1 or value.missing > 1 or value.missing <= null",
        "value.ok > false",
        "value.list == value.list",
        r#"starts_with(value.n, "7")"#,
        r#"header.region == 3"#,
        "value.level in [1, null, true]",
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    assert!(holds("1 == 1 or 1 == 2 and 1 == 2"));
    assert!(!holds("(1 == 1 or 1 == 2) and 1 == 2"));
    assert!(holds("not 1 == 2 and 1 == 1"));
}

#[test]
fn errors_say_where_and_what_to_write() {
    let error = |text: &str| Expr::parse(text).expect_err(text).to_string();
    insta::assert_snapshot!(
        [
            "",
            "value.n = 3",
            "value.n",
            "value.n == 'x'",
            "value.n == \"x",
            "value.n && 1",
            "kee == 1",
            "value. == 1",
            "(value.n == 1",
            "value.n == 1 value.m == 2",
            "value.n in 3",
            "value.n in [value.m]",
            "value.n == 1e999",
            "value.n == 01",
            "exists(3)",
            "value.n + 1 == 2",
        ]
        .map(|text| format!("{text:<26} {}", error(text)))
        .join("\n")
    );
}

#[test]
fn length_and_depth_are_bounded() {
    let deep = |depth: usize| format!("{}1 == 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Expr::parse(&deep(EXPR_DEPTH_MAX)).is_ok());
    assert!(matches!(Expr::parse(&deep(EXPR_DEPTH_MAX + 1)), Err(ExprError::TooDeep(_))));
    assert!(matches!(Expr::parse(&"not ".repeat(EXPR_DEPTH_MAX + 1)), Err(ExprError::TooDeep(_))));
    let long = vec!["1 == 1"; 400].join(" or ");
    assert!(Expr::parse(&long).is_ok());
    assert_eq!(Expr::parse(&long.repeat(2)), Err(ExprError::TooLong(long.len() * 2)));
}

fn fields() -> impl Strategy<Value = Field> {
    let steps = prop::collection::vec("[a-z0-9_ .\"\\\\-]{0,4}", 0..3);
    prop_oneof![
        Just(Field::Key),
        Just(Field::Partition),
        "[a-z .-]{1,4}".prop_map(Field::Header),
        steps.prop_map(Field::Value),
    ]
}

fn literals() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        any::<i64>().prop_map(Literal::Integer),
        prop::num::f64::NORMAL.prop_map(Literal::Float),
        ".{0,6}".prop_map(Literal::Text),
    ]
}

fn nodes() -> impl Strategy<Value = Node> {
    let operand = || prop_oneof![fields().prop_map(Operand::Field), literals().prop_map(Operand::Literal)];
    let operator = prop::sample::select(Operator::ALL.map(|(_, operator)| operator).to_vec());
    let leaf = prop_oneof![
        (operand(), operator, operand()).prop_map(|(one, operator, two)| Node::Compare(one, operator, two)),
        (operand(), prop::collection::vec(literals(), 1..4)).prop_map(|(one, list)| Node::In(one, list)),
        fields().prop_map(Node::Exists),
        (fields(), ".{0,4}").prop_map(|(field, prefix)| Node::StartsWith(field, prefix)),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Node::Or),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Node::And),
            inner.prop_map(|node| Node::Not(Box::new(node))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_shown_reads_back(node in nodes()) {
        let expr = Expr(node);
        let text = expr.to_string();
        prop_assume!(text.len() <= EXPR_BYTES_MAX);
        prop_assert_eq!(Expr::parse(&text), Ok(expr), "{}", text);
    }

    #[test]
    fn any_text_parses_or_is_refused(text in ".{0,60}") {
        let _ = Expr::parse(&text);
    }

    #[test]
    fn any_words_parse_or_are_refused_and_never_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "(", ")", "[", "]", ",", "and", "or", "not", "in", "exists", "starts_with", "value.a", "key", "\"x\"", "1",
                "-2.5", "null", "true", "==", "!=", "<", "<=", ">", ">=", "header.x", "value.\"a b\"",
            ]),
            0..20,
        ),
    ) {
        if let Ok(expr) = Expr::parse(&words.join(" ")) {
            let _ = expr.matches(&Record(json!({"a": 1})));
            prop_assert_eq!(Expr::parse(&expr.to_string()), Ok(expr));
        }
    }
}
