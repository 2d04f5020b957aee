use proptest::prelude::*;
use serde_json::json;

use super::*;

fn shape(values: &[Value]) -> Shape {
    let mut shape = Shape::default();
    values.iter().for_each(|value| shape.look(value));
    shape
}

fn field<'a>(shape: &'a Shape, name: &str) -> &'a Shape {
    &shape.fields.iter().find(|field| field.name == name).expect("the field is there").shape
}

fn depth(shape: &Shape) -> usize {
    let fields = shape.fields.iter().map(|field| &field.shape);
    let inner = fields.chain(shape.entries.as_deref()).chain(shape.elements.as_deref());
    inner.map(|inner| 1 + depth(inner)).max().unwrap_or_default()
}

#[test]
fn fields_are_counted_by_what_they_hold() {
    let seen = shape(&[
        json!({ "id": "01989d2a-0b5c-7c3e-9c43-0d6a5c1f2b3e", "amount": 3, "lines": [{ "sku": "a" }, { "sku": "b", "n": 1 }] }),
        json!({ "id": "01989d2a-0b5c-7c3e-9c43-0d6a5c1f2b3f", "amount": 3.5, "note": null }),
    ]);
    assert_eq!((seen.object, seen.total(), seen.nodes()), (2, 2, 8));
    assert_eq!(field(&seen, "id").format, Some(Format::Uuid));
    assert_eq!((field(&seen, "amount").integer, field(&seen, "amount").fraction), (1, 1));
    assert_eq!(field(&seen, "note").null, 1);
    let line = field(&seen, "lines").elements.as_deref().expect("elements");
    assert_eq!((line.object, field(line, "sku").string, field(line, "n").total()), (2, 2, 1));
}

#[test]
fn strings_are_of_a_format_while_all_of_them_are() {
    let of = |texts: &[&str]| shape(&[json!(texts)]).elements.expect("elements").format;
    assert_eq!(of(&["2026-11-30T12:00:00Z", "2026-11-30T12:00:00.123+01:00"]), Some(Format::DateTime));
    assert_eq!(of(&["2026-11-30"]), Some(Format::Date));
    for text in
        ["2026-11-30T12:00", "2026-11-30T12:00:00", "2026-11-30T12:00:00.Z", "2026-11-30T12:00:00é", "é026-11-30"]
    {
        assert_eq!(of(&[text]), None, "{text}");
    }
    assert_eq!(of(&["2026-11-30", "soon", "2026-11-30"]), None);
    assert_eq!(of(&["2026-11-30", "2026-11-30T12:00:00Z"]), None);
}

#[test]
fn names_that_are_data_are_not_told() {
    for name in ["till-00017", "jane@example.com", "4711", "", "Jane Doe", &"n".repeat(65)] {
        let seen = shape(&[json!({ "stock": { "apples": 1 } }), json!({ "stock": { name: 2 } })]);
        let stock = field(&seen, "stock");
        assert!(stock.fields.is_empty(), "{name}");
        assert_eq!(stock.entries.as_deref().map(|entries| entries.integer), Some(2), "{name}");
    }
    let many: Value = (0..=SHAPE_FIELDS_MAX)
        .map(|at| (format!("n{}", "x".repeat(at)), json!(1)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    // Of more names than a name may be long, those that are too long are data anyway.
    assert!(shape(&[many]).fields.is_empty());
}

#[test]
fn an_object_of_many_names_is_a_map() {
    let letters = "abcdefghijklmnopqrstuvwxyz";
    let names = letters.chars().flat_map(|a| letters.chars().map(move |b| format!("{a}{b}")));
    let seen = shape(&names.take(SHAPE_FIELDS_MAX + 1).map(|name| json!({ name: true })).collect::<Vec<_>>());
    assert!(seen.fields.is_empty());
    assert_eq!(seen.entries.map(|entries| entries.boolean), Some(SHAPE_FIELDS_MAX as u64 + 1));
}

#[test]
fn what_is_new_differs_and_more_of_the_same_does_not() {
    let base = [json!({ "a": 1, "b": "x" }), json!({ "a": 2, "b": "y" })];
    let known = shape(&base);
    let differs = |value: Value| known.differs(&shape(&[&base[..], &[value]].concat()));
    assert!(!differs(json!({ "a": 3, "b": "z" })));
    for news in [json!({ "a": 1.5, "b": "x" }), json!({ "a": 1 }), json!({ "a": 1, "b": "x", "c": 0 }), json!([])] {
        assert!(differs(news.clone()), "{news}");
    }
}

#[test]
fn a_shape_travels_as_it_is() {
    let seen = shape(&[json!({ "at": "2026-11-30", "by": { "4711": [null, 1, 2.5, false] } })]);
    let text = serde_json::to_string(&seen).expect("text");
    assert!(!text.contains("4711"), "{text}");
    assert_eq!(serde_json::from_str::<Shape>(&text).expect("a shape"), seen);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (0.1_f64..0.9).prop_map(Value::from),
        prop_oneof!["[a-z]{0,3}", Just("2026-11-30".to_owned())].prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-d]|[0-9]{4}", inner, 0..5)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    /// Whoever has seen what, and in which order they meet: together they have seen all of it.
    #[test]
    fn shapes_join_into_that_of_all(values in prop::collection::vec(json_value(), 0..8), at in 0_usize..8) {
        let (one, other) = values.split_at(at.min(values.len()));
        let (mut joined, back) = (shape(one), shape(other));
        joined.join(&back);
        prop_assert_eq!(&joined, &shape(&values));
        let mut turned = back;
        turned.join(&shape(one));
        prop_assert_eq!(turned, joined);
    }

    /// However a payload looks, its shape is bounded, and counts every payload.
    #[test]
    fn shapes_are_bounded(wide in 0_usize..300, deep in 0_usize..100, times in 1_u64..4) {
        let mut value = json!({ "leaf": 1 });
        for level in 0..deep {
            value = if level % 2 == 0 { json!({ "in": value }) } else { json!([value]) };
        }
        let letter = |at: usize| char::from(b'a' + u8::try_from(at % 26).expect("below 26"));
        for at in 0..wide {
            let name = format!("{}{}", letter(at / 26), letter(at));
            value = match value {
                Value::Object(mut fields) => {
                    let inner: serde_json::Map<_, _> = (0..20).map(|at| (letter(at).to_string(), json!(at))).collect();
                    fields.insert(name, inner.into());
                    fields.into()
                }
                other => other,
            };
        }
        let mut seen = Shape::default();
        (0..times).for_each(|_| seen.look(&value));
        prop_assert!(seen.nodes() <= SHAPE_NODES_MAX, "{} nodes", seen.nodes());
        prop_assert!(depth(&seen) <= SHAPE_DEPTH_MAX);
        prop_assert_eq!(seen.total(), times);
        let mut joined = seen.clone();
        joined.join(&seen);
        prop_assert!(joined.nodes() <= SHAPE_NODES_MAX && depth(&joined) <= SHAPE_DEPTH_MAX);
    }
}
