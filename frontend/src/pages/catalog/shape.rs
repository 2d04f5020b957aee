//! What payloads look like, as far as they were looked at.

use leptos::prelude::*;

use crate::api::{CatalogObject, SeenField, SeenShape};
use crate::components::{Age, Code, Icon, Part, Stamp, Table};
use crate::format;

/// Fields that are shown before somebody asks for the rest.
const SHOWN: usize = 12;

/// The part of an object's page; nothing where nothing is known.
#[component]
pub(super) fn Payload(object: Signal<CatalogObject>) -> impl IntoView {
    let shape = Memo::new(move |_| object.with(|object| object.shape.clone()));
    move || shape.get().map(|shape| view! { <Shown shape=shape/> })
}

#[component]
fn Shown(shape: SeenShape) -> impl IntoView {
    let looked = looked(&shape);
    let stamp = view! { <Stamp at_ms=shape.as_of by=shape.by/> };
    let mut first = shape.fields;
    let rest = first.split_off(first.len().min(SHOWN));
    let more = rest.len();
    let schema = Signal::stored(shape.schema);
    view! {
        <Part title="Payload" note="inferred from what was sent, without values" acts=stamp.into_any()>
            <p class="m-small m-muted">{looked}", first "<Age at_ms=Some(shape.first_seen)/>" ago"</p>
            {(!first.is_empty()).then(|| table("Fields of payloads", first))}
            {(more > 0).then(|| view! {
                <details>
                    <summary class="m-line"><Icon name="right" small=true/>{format::plural(more, "more field")}</summary>
                    {table("More fields of payloads", rest)}
                </details>
            })}
            <details>
                <summary class="m-line"><Icon name="right" small=true/>"JSON Schema"</summary>
                <Code text=schema what="the JSON Schema"/>
            </details>
        </Part>
    }
    .into_any()
}

/// What a payload is, and of how many that is said.
fn looked(shape: &SeenShape) -> String {
    let number = |number: u64| format::plural(usize::try_from(number).unwrap_or(usize::MAX), "payload");
    let kind = &shape.kind;
    match shape.others {
        0 => format!("{} looked at: {kind}", number(shape.payloads)),
        others => {
            let all = number(shape.payloads.saturating_add(others));
            format!("{} of {all} looked at are JSON: {kind}", format::count(shape.payloads))
        }
    }
}

fn table(label: &'static str, fields: Vec<SeenField>) -> AnyView {
    let rows = fields
        .into_iter()
        .map(|field| {
            let presence = presence(&field);
            view! {
                <tr>
                    <td><span class="m-topic">{field.path}</span></td>
                    <td>{field.kind}</td>
                    <td class="m-end m-num">{presence}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table label=label class="m-table--inset" heads=&[("Field", ""), ("Type", ""), ("Present", "m-end")]>
            {rows}
        </Table>
    }
    .into_any()
}

/// How many have a field, as a share of those that could; never all where one has not, never none where one has.
fn presence(field: &SeenField) -> String {
    if field.seen >= field.of {
        return "always".to_owned();
    }
    let per_cent = u128::from(field.seen) * 100 / u128::from(field.of.max(1));
    match per_cent {
        0 => "below 1 %".to_owned(),
        share => format!("{share} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn always_is_said_of_what_is_always_there_alone() {
        let of = |seen, of| presence(&SeenField { path: "a".to_owned(), kind: "string".to_owned(), seen, of });
        assert_eq!(
            [of(5, 5), of(999, 1_000), of(1, 1_000), of(1, 2), of(u64::MAX - 1, u64::MAX)],
            ["always", "99 %", "below 1 %", "50 %", "99 %"]
        );
    }
}
