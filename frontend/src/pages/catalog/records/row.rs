//! One record in a row: when, what about, the beginning of its payload, and all of it when one asks.

use leptos::prelude::*;

use crate::api::{ContentForm, ContentView, RecordSchema, RecordView};
use crate::components::{Age, Code, Icon};
use crate::format;

/// Letters of a payload in a row.
const PREVIEW: usize = 120;

/// A content in one line.
fn preview(content: Option<&ContentView>) -> String {
    let Some(content) = content else { return "none".to_owned() };
    let text = match content.form {
        ContentForm::Base64 => format!("{} of no known form", format::bytes(content.bytes)),
        ContentForm::Text | ContentForm::Json | ContentForm::Masked => content.text.clone(),
    };
    let mut short: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = short.char_indices().nth(PREVIEW) {
        short.truncate(end);
        short.push('…');
    }
    short
}

const fn form_word(form: ContentForm) -> &'static str {
    match form {
        ContentForm::Text => "text",
        ContentForm::Json => "JSON",
        ContentForm::Base64 => "in base64",
        ContentForm::Masked => "masked",
    }
}

#[component]
pub(super) fn Row(record: RecordView) -> impl IntoView {
    let open = RwSignal::new(false);
    let (partition, offset) = (record.partition, record.offset);
    let details = format!("record-{partition}-{offset}");
    let controls = details.clone();
    let key = preview(record.key.as_ref());
    let no_key = record.key.is_none();
    let text = match &record.payload {
        None => "no payload: a deletion where the topic is compacted".to_owned(),
        Some(_) => preview(record.payload.as_ref()),
    };
    let at = record.at;
    let stored = StoredValue::new(record);
    view! {
        <tr data-offset=offset>
            <td class="m-muted"><Age at_ms=at/></td>
            <td class="m-mono m-small m-wrap" class:m-faint=no_key>{key}</td>
            <td class="m-low"><code class="m-shelf__payload">{text}</code></td>
            <td class="m-low m-end m-num">{partition}</td>
            <td class="m-low m-end m-num m-faint">{offset}</td>
            <td class="m-end">
                <button
                    class="m-button m-button--small m-button--quiet"
                    type="button"
                    aria-expanded=move || if open.get() { "true" } else { "false" }
                    aria-controls=controls
                    aria-label=move || {
                        format!("{} the record at {offset} of partition {partition}", if open.get() { "Hide" } else { "Show" })
                    }
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    {move || if open.get() { "Hide" } else { "Show" }}
                    {move || view! { <Icon name=if open.get() { "down" } else { "right" } small=true/> }}
                </button>
            </td>
        </tr>
        <tr class="m-shelf__more" id=details hidden=move || !open.get()>
            <td colspan="6">
                <Show when=move || open.get()>
                    <Whole record=stored.get_value()/>
                </Show>
            </td>
        </tr>
    }
    .into_any()
}

/// What of it is masked by the tags of fields, part by part.
fn masked(record: &RecordView) -> Option<String> {
    let parts = [("key", record.key.as_ref()), ("payload", record.payload.as_ref())];
    let parts = parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?)));
    let headers = record.headers.iter().map(|header| (format!("header {}", header.name), &header.value));
    let told = parts.chain(headers).filter_map(|(name, part)| Some(format!("{name}: {}", part.masked.as_ref()?)));
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| format!("In the {}.", told.join("; ")))
}

/// Everything about one record.
#[component]
fn Whole(record: RecordView) -> impl IntoView {
    let at = record.at;
    let schema = record.payload.as_ref().and_then(|payload| payload.schema.clone());
    let size = record.payload.as_ref().map(|payload| {
        let cut = if payload.cut { ", of which the beginning is shown" } else { "" };
        format!("{}, {}{cut}", format::bytes(payload.bytes), form_word(payload.form))
    });
    let left_out = record.headers_left_out;
    view! {
        <div class="m-shelf__whole">
            <dl class="m-facts">
                <dt>"Place"</dt>
                <dd class="m-num">{format!("partition {}, offset {}", record.partition, record.offset)}</dd>
                {at.map(|at| view! {
                    <dt>"Time"</dt>
                    <dd class="m-num">{format::time_of_day(at)}" UTC, "<Age at_ms=Some(at)/>" ago"</dd>
                })}
                {record.key.as_ref().map(|key| view! { <dt>"Key"</dt><dd class="m-mono m-small m-wrap">{key.text.clone()}</dd> })}
                {size.map(|size| view! { <dt>"Payload"</dt><dd>{size}</dd> })}
                {masked(&record).map(|why| view! { <dt>"Masked"</dt><dd class="m-small">{why}</dd> })}
                {schema.map(|schema| view! { <Schema schema=schema/> })}
                {(!record.headers.is_empty()).then(|| view! {
                    <dt>"Headers"</dt>
                    <dd class="m-mono m-small m-wrap">
                        {record.headers.iter().map(|header| view! { <div>{format!("{}: {}", header.name, header.value.text)}</div> }).collect_view()}
                        {(left_out > 0).then(|| view! { <div class="m-faint">{format!("and {left_out} more")}</div> })}
                    </dd>
                })}
            </dl>
            {record.payload.as_ref().map(|payload| view! { <Code text=payload.text.clone() what="the payload"/> })}
        </div>
    }
    .into_any()
}

/// The schema it was written with, and why it could not be read with that.
#[component]
fn Schema(schema: RecordSchema) -> impl IntoView {
    let name = schema.name.unwrap_or_else(|| format!("id {}, which nothing is registered under", schema.id));
    view! {
        <dt>"Schema"</dt>
        <dd>
            {match schema.href {
                Some(href) => view! { <a href=href>{name}</a> }.into_any(),
                None => name.into_any(),
            }}
            {schema.problem.map(|problem| view! { <div class="m-small m-muted">{format!("Not read with it: {problem}.")}</div> })}
        </dd>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(form: ContentForm, text: &str) -> ContentView {
        ContentView { bytes: 10, form, text: text.to_owned(), cut: false, schema: None, masked: None }
    }

    #[test]
    fn a_row_has_one_line() {
        let json = content(ContentForm::Json, "{\n  \"a\": 1,\n  \"b\": \"x  y\"\n}");
        assert_eq!(preview(Some(&json)), r#"{ "a": 1, "b": "x y" }"#);
        assert_eq!(preview(Some(&content(ContentForm::Base64, "AAA="))), "10 B of no known form");
        assert_eq!(preview(None), "none");
        assert!(preview(Some(&content(ContentForm::Text, &"é".repeat(500)))).chars().count() <= PREVIEW + 1);
    }
}
