//! What is to be said about a schema: sound or not, compatible or not and why, its fields and an example.

use leptos::prelude::*;

use super::fields::FieldsTable;
use crate::api::{SchemaCheck, SchemaFinding, SchemaInvalid};
use crate::components::{Banner, Code, Table};
use crate::format;

/// Where a text is wrong, in words.
fn place(invalid: &SchemaInvalid) -> String {
    let reference = invalid.reference.as_ref().map(|name| format!("in {name}"));
    let line = invalid.line.map(|line| match invalid.column {
        Some(column) => format!("line {line}, column {column}"),
        None => format!("line {line}"),
    });
    let words: Vec<String> = [reference, line].into_iter().flatten().collect();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

/// The answer in one sentence, and whether it is good news.
fn sentence(checked: &SchemaCheck) -> (&'static str, String) {
    if let Some(invalid) = &checked.invalid {
        return ("bad", format!("This is no schema: {}{}.", invalid.message.trim_end_matches('.'), place(invalid)));
    }
    match (checked.compatible, checked.findings.len(), &checked.change) {
        (true, _, None) => ("ok", "A sound schema.".to_owned()),
        (true, _, Some(change)) => ("ok", format!("Nobody breaks. {change}")),
        (false, 1, _) => ("bad", "One thing breaks somebody.".to_owned()),
        (false, breaks, _) => ("bad", format!("{} things break somebody.", format::count(breaks as u64))),
    }
}

/// The whole answer.
#[component]
pub(super) fn Verdict(checked: SchemaCheck) -> impl IntoView {
    let (tone, text) = sentence(&checked);
    let SchemaCheck { findings, changes, fields, more_fields, example, no_example, fingerprint, .. } = checked;
    let changed = (!findings.is_empty() && !changes.is_empty()).then(|| changes.join("; "));
    view! {
        <div aria-live="polite">
            <Banner tone=tone text=text/>
            {(!findings.is_empty()).then(|| findings_table(findings))}
            {changed.map(|changed| view! { <p class="m-small m-muted">{format!("The new schema {changed}.")}</p> })}
            {(!fields.is_empty()).then(|| view! { <FieldsTable fields=fields more=more_fields/> })}
            {example.map(|example| view! { <Code text=example what="the example"/> })}
            {no_example.map(|why| view! { <p class="m-small m-muted">{why}</p> })}
            {fingerprint.map(|print| view! { <p class="m-small m-faint">"Fingerprint: "<code>{print}</code></p> })}
        </div>
    }
    .into_any()
}

fn findings_table(findings: Vec<SchemaFinding>) -> AnyView {
    let rows = findings
        .into_iter()
        .map(|finding| {
            view! {
                <tr>
                    <td><span class="m-topic">{finding.path}</span></td>
                    <td class="m-wrap">{finding.reason}</td>
                    <td class="m-low m-small m-muted">{finding.rule}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table label="What breaks" class="m-table--inset" heads=&[("Part", ""), ("Who cannot read what", ""), ("Rule", "m-low")]>
            {rows}
        </Table>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let invalid = SchemaInvalid {
            reference: Some("money.avsc".into()),
            line: Some(3),
            column: Some(7),
            rule: "SYNTAX".into(),
            message: "a comma is missing.".into(),
        };
        let told = sentence(&SchemaCheck { invalid: Some(invalid), ..SchemaCheck::default() });
        assert_eq!(
            told,
            ("bad", "This is no schema: a comma is missing (in money.avsc, line 3, column 7).".to_owned())
        );
    }

    #[test]
    fn good_news_say_what_changes() {
        let sound = SchemaCheck { compatible: true, ..SchemaCheck::default() };
        assert_eq!(sentence(&sound).1, "A sound schema.");
        let changed = SchemaCheck { change: Some("Nothing changes but the layout.".into()), ..sound };
        assert_eq!(sentence(&changed), ("ok", "Nobody breaks. Nothing changes but the layout.".to_owned()));
    }
}
