//! The fields of a schema with their types and tags.

use leptos::prelude::*;

use crate::api::SchemaField;
use crate::components::{Table, Tags};
use crate::format;

/// Fields, and how many more there are.
#[component]
pub(in crate::pages) fn FieldsTable(fields: Vec<SchemaField>, more: u64) -> impl IntoView {
    let rows = fields
        .into_iter()
        .map(|field| {
            let need = if field.required { "required" } else { "optional" };
            let default =
                field.default.map(|default| format!("{need}, else {default}")).unwrap_or_else(|| need.to_owned());
            view! {
                <tr>
                    <td>
                        <div class="m-cell">
                            <span class="m-topic">{field.path}</span>
                            {field.doc.map(|doc| view! { <span class="m-cell__sub m-wrap">{doc}</span> })}
                            {(!field.tags.is_empty()).then(|| view! { <Tags tags=field.tags/> })}
                        </div>
                    </td>
                    <td>{field.kind}</td>
                    <td class="m-low m-muted">{default}{field.deprecated.then_some(", deprecated")}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table label="Fields" class="m-table--inset" heads=&[("Field", ""), ("Type", ""), ("", "m-low")]>
            {rows}
        </Table>
        {(more > 0).then(|| view! { <p class="m-small m-muted">{format!("and {} more", format::count(more))}</p> })}
    }
    .into_any()
}
