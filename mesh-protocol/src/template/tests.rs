use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::record::FieldError;

struct Record {
    key: Option<&'static str>,
    value: Value,
}

impl Lookup for Record {
    fn key(&self) -> Option<&str> {
        self.key
    }
    fn header(&self, name: &str) -> Option<&str> {
        (name == "region").then_some("eu")
    }
    fn topic(&self) -> Option<&str> {
        Some("orders/fr/1")
    }
    fn partition(&self) -> Option<i32> {
        Some(3)
    }
    fn value(&self) -> Option<&Value> {
        Some(&self.value)
    }
}

fn record(value: Value) -> Record {
    Record { key: Some("k1"), value }
}

fn template(text: &str) -> Template {
    Template::parse(text).expect(text)
}

#[test]
fn fields_take_their_places() {
    let record = record(json!({"region": "eu", "n": 7, "ok": true, "f": 1.5, "items": [{"id": "x"}]}));
    for (text, topic) in [
        ("orders/{value.region}/{key}", "orders/eu/k1"),
        ("{value.n}-{value.ok}/{value.f}/{partition}", "7-true/1.5/3"),
        ("{header.region}/{value.items.0.id}", "eu/x"),
        ("{2}.{1}/{{x}}", "fr.orders/{x}"),
        ("plain", "plain"),
    ] {
        assert_eq!(template(text).render(&record).expect(text), topic);
    }
}

#[test]
fn a_value_never_leaves_its_level() {
    let render = |text: &str, value: Value| template(text).render(&record(value)).map_err(|error| error.to_string());
    let v = || Field::Value(vec!["v".into()]);
    let error = |text: &str, value: Value| template(text).render(&record(value)).expect_err(text);
    assert_eq!(error("a/{value.v}", json!({"v": "x/y"})), RenderError::Sign { field: v(), sign: '/' });
    assert_eq!(error("a/{value.v}", json!({"v": "x\u{0}"})), RenderError::Sign { field: v(), sign: '\0' });
    assert_eq!(error("a/{value.v}", json!({"v": ""})), RenderError::Empty(v()));
    assert_eq!(error("a/{value.v}", json!({"v": null})), RenderError::Null(v()));
    assert_eq!(error("a/{value.v}", json!({"v": {}})), RenderError::Composite(v()));
    assert_eq!(error("a/{value.v}", json!({})), RenderError::Missing(v()));
    assert_eq!(error("{value.v}/a", json!({"v": "$SYS"})), RenderError::System(v()));
    assert_eq!(render("a/{value.v}", json!({"v": "$x"})), Ok("a/$x".into()));
    assert_eq!(template("{value.v}").render_text(&record(json!({"v": "x/y"}))), Ok("x/y".into()));
}

#[test]
fn pattern_covers_what_is_rendered() {
    for (text, pattern) in [
        ("orders/{value.region}/{key}", "orders/*/*"),
        ("orders/x-{key}-y/z", "orders/x-*/z"),
        ("{key}{partition}", "*"),
        ("a/{key}b/{{", "a/*/{"),
        ("plain/x", "plain/x"),
    ] {
        assert_eq!(template(text).pattern(), Filter::mesh(pattern).expect(pattern), "{text}");
    }
}

#[test]
fn errors_name_the_place() {
    assert_eq!(Template::parse("a/{key"), Err(TemplateError::Unclosed(2)));
    assert_eq!(Template::parse("a/key}"), Err(TemplateError::Unopened(5)));
    assert!(matches!(Template::parse("a/{kee}"), Err(TemplateError::Field { at: 2, error: FieldError::Unknown(_) })));
    assert!(matches!(Template::parse(""), Err(TemplateError::Topic(_))));
    assert!(matches!(Template::parse("{}"), Err(TemplateError::Field { .. })));
}

proptest! {
    #[test]
    fn any_text_parses_or_is_refused_and_reads_back(text in "([a-z/{}$*>\"\\.]|\\{key\\}|\\{value\\.a\\}){0,12}") {
        if let Ok(parsed) = Template::parse(&text) {
            prop_assert_eq!(Template::parse(&parsed.to_string()), Ok(parsed));
        }
    }

    #[test]
    fn every_rendered_topic_fits_the_pattern(
        text in "([a-z/*>$+]|\\{key\\}|\\{value\\.v\\}){1,8}",
        value in "[a-z$*/]{0,3}",
    ) {
        if let Ok(template) = Template::parse(&text)
            && let Ok(topic) = template.render_topic(&record(json!({"v": value})))
        {
            prop_assert!(template.pattern().matches(&topic), "{} {}", template.pattern(), topic);
        }
    }
}
