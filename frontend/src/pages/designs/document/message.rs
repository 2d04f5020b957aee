//! A message of a document: what it is, its fields, and how one looks.

use leptos::prelude::*;

use super::outline::{Web, extras, heading};
use crate::api::{AsyncApiExample, AsyncApiMessage, AsyncApiSchema, SchemaFormat};
use crate::components::{Code, Icon, Tags};
use crate::pages::schemas::fields::FieldsTable;

/// One message, with a place of its own that others lead to.
#[component]
pub(super) fn MessageCard(id: String, message: AsyncApiMessage) -> impl IntoView {
    let AsyncApiMessage { key, name, words, content_type, is_deprecated, payload, headers, correlation, examples } =
        message;
    let title = heading(&words.title, &key);
    let fact = |term: &'static str, value: String| {
        (!value.is_empty()).then(|| view! { <dt>{term}</dt><dd class="m-mono m-wrap">{value}</dd> })
    };
    let has_own = !examples.is_empty();
    view! {
        <article class="m-outline__part" id=id data-message=key>
            <h3 class="m-line m-line--wrap">
                <span class="m-wrap">{title}</span>
                {is_deprecated.then(|| view! { <span class="m-warn m-small">"not to be used any more"</span> })}
            </h3>
            {(!words.summary.is_empty()).then(|| view! { <p>{words.summary}</p> })}
            {(!words.description.is_empty()).then(|| view! { <p class="m-prose m-small">{words.description}</p> })}
            <dl class="m-facts">
                {fact("Name", name)}
                {fact("Content type", content_type)}
                {fact("Correlation id", correlation)}
                {(!words.tags.is_empty()).then(|| view! { <dt>"Tags"</dt><dd><Tags tags=words.tags/></dd> })}
                {(!words.docs.is_empty()).then(|| view! { <dt>"More"</dt><dd><Web url=words.docs/></dd> })}
                {extras(words.extras)}
            </dl>
            {match payload {
                Some(schema) => view! { <SchemaBlock what="Payload" schema=schema has_own=has_own/> }.into_any(),
                None => view! { <p class="m-small m-muted">"What its payload is, is not said."</p> }.into_any(),
            }}
            {headers.map(|schema| view! { <SchemaBlock what="Headers" schema=schema has_own=has_own/> })}
            {examples.into_iter().map(|example| view! { <ExampleBlock example=example/> }).collect_view()}
        </article>
    }
    .into_any()
}

/// The language of a schema, as people call it.
fn language(schema: &AsyncApiSchema) -> String {
    match schema.format {
        Some(SchemaFormat::Avro) => "Avro".to_owned(),
        Some(SchemaFormat::JsonSchema) => "JSON Schema".to_owned(),
        Some(SchemaFormat::Protobuf) => "Protobuf".to_owned(),
        None => schema.format_name.clone(),
    }
}

/// Its fields, and folded away its text and an example.
#[component]
fn SchemaBlock(what: &'static str, schema: AsyncApiSchema, has_own: bool) -> impl IntoView {
    let language = language(&schema);
    let label = what.to_lowercase();
    view! {
        <h4 class="m-line m-line--wrap">
            {what}
            <span class="m-small m-muted">{[language, schema.key].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")}</span>
        </h4>
        {(!schema.trouble.is_empty()).then(|| view! { <p class="m-small m-warn">{schema.trouble}</p> })}
        {(!schema.fields.is_empty()).then(|| view! { <FieldsTable fields=schema.fields more=schema.more_fields/> })}
        {(!schema.text.is_empty()).then(|| view! {
            <Folded title=format!("Schema of the {label}") text=schema.text what=format!("the schema of the {label}")/>
        })}
        // The author's own examples say more than one that is made up.
        {(!has_own && !schema.example.is_empty()).then(|| view! {
            <Folded title=format!("An example of the {label}, made up") text=schema.example what=format!("the example of the {label}")/>
        })}
    }
    .into_any()
}

#[component]
fn ExampleBlock(example: AsyncApiExample) -> impl IntoView {
    let title = if example.title.is_empty() { "Example".to_owned() } else { format!("Example: {}", example.title) };
    view! {
        {(!example.payload.is_empty()).then(|| view! {
            <Folded title=title.clone() text=example.payload what="the example".to_owned()/>
        })}
        {(!example.headers.is_empty()).then(|| view! {
            <Folded title=format!("{title}, headers") text=example.headers what="the example's headers".to_owned()/>
        })}
    }
    .into_any()
}

#[component]
fn Folded(title: String, text: String, what: String) -> impl IntoView {
    view! {
        <details>
            <summary class="m-line"><Icon name="right" small=true/>{title}</summary>
            <Code text=Signal::stored(text) what=what/>
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{AsyncApiWords, SchemaField};

    fn html(message: AsyncApiMessage) -> String {
        Owner::new().with(|| view! { <MessageCard id="message-0".to_owned() message=message/> }.into_any().to_html())
    }

    #[test]
    fn a_message_shows_its_fields_and_what_is_wrong_with_its_schema() {
        let field = SchemaField {
            path: "line.sku".to_owned(),
            kind: "string".to_owned(),
            required: true,
            default: None,
            doc: Some("What is sold.".to_owned()),
            deprecated: false,
            tags: vec!["pii".to_owned()],
        };
        let payload = AsyncApiSchema {
            key: "Order".to_owned(),
            format: Some(SchemaFormat::Avro),
            fields: vec![field],
            example: "{}".to_owned(),
            trouble: "It is too large.".to_owned(),
            ..AsyncApiSchema::default()
        };
        let words = AsyncApiWords {
            docs: "javascript:alert(1)".to_owned(),
            description: "<b>bold</b>".to_owned(),
            ..AsyncApiWords::default()
        };
        let message = AsyncApiMessage {
            key: "placed".to_owned(),
            words,
            payload: Some(payload),
            is_deprecated: true,
            ..AsyncApiMessage::default()
        };
        let shown = html(message.clone());
        for words in
            ["placed", "line.sku", "What is sold.", "pii", "required", "Avro, Order", "It is too large.", "made up"]
        {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        assert!(!shown.contains("<b>bold") && !shown.contains("href=\"javascript"), "{shown}");
        let own = AsyncApiExample { payload: "{\"sku\": 1}".to_owned(), ..AsyncApiExample::default() };
        let shown = html(AsyncApiMessage { examples: vec![own], payload: None, ..message });
        assert!(shown.contains("is not said") && shown.contains("Example"), "{shown}");
    }
}
