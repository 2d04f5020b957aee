//! One version: what it says, where it is in its life and where it may go, what it is built on and what is built on it.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use mesh_protocol::id::{DesignObjectId, DesignVersionId};

use super::steps::{Removal, Steps};
use super::version_form::VersionForm;
use super::{StateMark, TOPICS, kind_word};
use crate::api::{
    ApiError, DesignContent, DesignKind, DesignObjectView, DesignReference, DesignState, DesignTagged,
    DesignVersionView, SchemaFormat,
};
use crate::components::{Age, Banner, Button, Code, Dialog, Main, Part, Table, Tags, Topic};
use crate::format;
use crate::load::{Load, load};
use crate::pages::catalog::FlowTable;
use crate::pages::clients::Until;
use crate::pages::schemas::fields::FieldsTable;
use crate::viewer::{Viewer, right};

/// `/designs/:id/versions/:version`
#[component]
pub fn DesignVersionDetail() -> impl IntoView {
    let params = use_params_map();
    let ids = Memo::new(move |_| {
        params.with(|params| {
            let object = params.get("id").and_then(|id| id.parse::<DesignObjectId>().ok())?;
            Some((object, params.get("version").and_then(|id| id.parse::<DesignVersionId>().ok())?))
        })
    });
    let both = load(
        TOPICS,
        move || ids.get(),
        |api, ids| async move {
            let nowhere = || ApiError::new("not-found", 404, "there is no such version");
            let (object, version) = ids.ok_or_else(nowhere)?;
            let version = api.0.design_version(version).await?;
            if version.object != object {
                return Err(nowhere());
            }
            Ok((api.0.design_object(object).await?, version))
        },
    );
    view! {
        <Load resource=both what="version" title="Version" one=true let:both>
            <Detail both=both/>
        </Load>
    }
    .into_any()
}

#[component]
fn Detail(both: Signal<(DesignObjectView, DesignVersionView)>) -> impl IntoView {
    let editor = RwSignal::new(false);
    let version = Signal::derive(move || both.with(|(_, version)| version.clone()));
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let title =
        Signal::derive(move || version.with(|version| format!("{} {}", version.object_name, version.config.number)));
    let note = Signal::derive(move || version.with(|version| kind_word(version.kind).to_lowercase()));
    let back = Signal::derive(move || version.with(|version| format!("/designs/{}", version.object)));
    let crumbs = view! {
        <ol class="m-crumbs">
            <li><a href="/designs">"Design"</a></li>
            <li><a href=back>{move || version.with(|version| version.object_name.clone())}</a></li>
            <li>{move || version.with(|version| version.config.number.clone())}</li>
        </ol>
    };
    let document = move || {
        let has_one = version.with(|version| version.kind != DesignKind::Schema);
        has_one.then(|| {
            let href = version.with(|version| format!("/designs/{}/versions/{}/asyncapi", version.object, version.id));
            view! { <a class="m-button" href=href>"AsyncAPI"</a> }
        })
    };
    let acts = view! {
        {document}
        <Button right=may on_press=move |()| editor.set(true)>"Edit"</Button>
    };
    view! {
        <Main title=title note=note crumbs=crumbs.into_any() acts=acts.into_any()>
            <Facts version=version/>
            <Steps version=version/>
            <Says version=version/>
            <Fields version=version/>
            <Example version=version/>
            <References version=version/>
            <LiveUsers version=version/>
            <Removal version=version/>
        </Main>
        <Dialog open=editor label="Change version" class="m-dialog m-dialog--wide">
            {
                let (object, version) = both.get_untracked();
                view! { <VersionForm object=object known=Some(version) open=editor/> }
            }
        </Dialog>
    }
    .into_any()
}

#[component]
fn Facts(version: Signal<DesignVersionView>) -> impl IntoView {
    move || {
        let version = version.get();
        let frozen = version.state != DesignState::Draft;
        view! {
            <div class="m-pad">
                <dl class="m-facts">
                    <dt>"State"</dt>
                    <dd class="m-line m-line--wrap">
                        <StateMark state=version.state/>
                        {(!version.state_reason.is_empty()).then(|| view! { <span class="m-small m-muted">{version.state_reason}</span> })}
                        {frozen.then(|| view! { <span class="m-small m-muted">"Its number and content are frozen."</span> })}
                    </dd>
                    {(!version.config.description.is_empty()).then(|| view! { <dt>"About"</dt><dd>{version.config.description}</dd> })}
                    {version.config.end_of_life_at.map(|at| view! { <dt>"Stops being served"</dt><dd class="m-num"><Until at_ms=at/></dd> })}
                    <dt>"Made"</dt>
                    <dd><Age at_ms=Some(version.created_at)/> " ago by " {version.created_by}</dd>
                    <dt>"Changed"</dt>
                    <dd><Age at_ms=Some(version.updated_at)/> " ago by " {version.updated_by}</dd>
                </dl>
            </div>
        }
    }
}

fn format_word(format: SchemaFormat) -> &'static str {
    match format {
        SchemaFormat::Avro => "Avro",
        SchemaFormat::JsonSchema => "JSON Schema",
        SchemaFormat::Protobuf => "Protobuf",
    }
}

/// What it says, by its kind.
#[component]
fn Says(version: Signal<DesignVersionView>) -> impl IntoView {
    move || match version.with(|version| version.config.content.clone()) {
        DesignContent::Event { address, .. } => view! {
            <Part title="Where it is published" note="a level in braces varies">
                <Topic name=address/>
            </Part>
        }
        .into_any(),
        DesignContent::Schema { format, text, .. } => view! {
            <Part title="Schema" note=format_word(format)>
                <Code text=Signal::stored(text) what="the schema"/>
            </Part>
        }
        .into_any(),
        DesignContent::Application { publishes, consumes } => {
            let words = format!("It publishes {} and consumes {} event versions.", publishes.len(), consumes.len());
            view! { <Part title="What it does"><p>{words}</p></Part> }.into_any()
        }
        DesignContent::EventApi { sends, receives } => {
            let words = format!("Its clients receive {} and send {} event versions.", receives.len(), sends.len());
            view! { <Part title="What it offers"><p>{words}</p></Part> }.into_any()
        }
        DesignContent::Product { apis } => {
            let count = apis.len();
            let words = format!("It offers {count} event API{} under its plans.", if count == 1 { "" } else { "s" });
            view! { <Part title="What it offers"><p>{words}</p></Part> }.into_any()
        }
    }
}

/// What it is made of, and what of it has tags.
#[component]
fn Fields(version: Signal<DesignVersionView>) -> impl IntoView {
    move || {
        let (is_event, fields, more, tagged) = version.with(|version| {
            (version.kind == DesignKind::Event, version.fields.clone(), version.more_fields, beside(version))
        });
        let title = if is_event { "Fields of its payload" } else { "Fields" };
        let note = if is_event { "in the schema of its payload" } else { "flat, with what its author says of them" };
        (!fields.is_empty() || !tagged.is_empty()).then(|| {
            let has_beside = !tagged.is_empty();
            let beside = tagged.into_iter().map(|one| {
                let what =
                    format!("{}: {}", relation(&one.part).0, if one.path == "$" { "all of it" } else { &one.path });
                view! { <dt>{what}</dt><dd><Tags tags=one.tags/></dd> }
            });
            let beside = beside.collect_view();
            view! {
                <Part title=title note=note>
                    {has_beside.then(|| view! { <dl class="m-facts">{beside}</dl> })}
                    {(!fields.is_empty()).then(|| view! { <FieldsTable fields=fields more=more/> })}
                </Part>
            }
        })
    }
}

/// What has tags and stands in no row of the table: fields of an event's key and headers, a schema as a whole.
fn beside(version: &DesignVersionView) -> Vec<DesignTagged> {
    let in_table =
        |one: &DesignTagged| one.part == "schema" && version.fields.iter().any(|field| field.path == one.path);
    version.tagged.iter().filter(|one| !in_table(one)).cloned().collect()
}

#[component]
fn Example(version: Signal<DesignVersionView>) -> impl IntoView {
    let title = move || version.with(|version| version.kind == DesignKind::Event);
    move || {
        let note = if title() { "made up from the schema of its payload" } else { "made up from the schema" };
        version.with(|version| version.example.clone()).map(|example| {
            view! {
                <Part title="What one looks like" note=note>
                    <Code text=Signal::stored(example) what="the example"/>
                </Part>
            }
        })
    }
}

/// Who was seen using it; nothing for applications, of which no payload speaks.
#[component]
fn LiveUsers(version: Signal<DesignVersionView>) -> impl IntoView {
    let producers = Signal::derive(move || version.with(|version| version.live.producers.clone()));
    let consumers = Signal::derive(move || version.with(|version| version.live.consumers.clone()));
    let is_seen =
        Memo::new(move |_| version.with(|version| matches!(version.kind, DesignKind::Event | DesignKind::Schema)));
    let untold = Memo::new(move |_| version.with(|version| version.live.is_untold));
    let left_out = Memo::new(move |_| version.with(|version| version.live.left_out));
    let none = move |side: &'static str, other: &'static str| {
        Signal::derive(move || if version.with(|version| version.kind == DesignKind::Event) { side } else { other })
    };
    let no_producers = none(
        "Nobody was seen sending it.",
        "No agent saw a payload being sent that names it. Payloads without a schema id name none.",
    );
    let no_consumers = none(
        "Nobody was seen taking it.",
        "No agent saw a payload being taken that names it. Payloads without a schema id name none.",
    );
    view! {
        <Show when=move || is_seen.get()>
            <Show when=move || untold.get()>
                <Banner tone="warn" text="Several versions of this event are served. Who sends and takes payloads that name no schema can't be told apart, and isn't listed here."/>
            </Show>
            <FlowTable title="Live producers" none=no_producers rows=producers/>
            <FlowTable title="Live consumers" none=no_consumers rows=consumers/>
            <Show when=move || left_out.get() != 0>
                <p class="m-tail">{move || format!("{} more are left out.", format::count(left_out.get()))}</p>
            </Show>
        </Show>
    }
    .into_any()
}

/// A field of a reference, from the side of who refers and from that of who is referred to.
fn relation(field: &str) -> (&'static str, &'static str) {
    match field {
        "schema" => ("payload", "payload of"),
        "key_schema" => ("key", "key of"),
        "headers_schema" => ("headers", "headers of"),
        "publishes" => ("published", "published by"),
        "consumes" => ("consumed", "consumed by"),
        "sends" => ("sent by clients", "sent by clients of"),
        "receives" => ("received by clients", "received by clients of"),
        _ => ("used", "used by"),
    }
}

#[component]
fn References(version: Signal<DesignVersionView>) -> impl IntoView {
    let part = |title: &'static str, note: &'static str, none: &'static str, rows: Vec<DesignReference>, own: bool| {
        view! {
            <Part title=title note=note flush=!rows.is_empty()>
                {if rows.is_empty() {
                    view! { <p class="m-small m-muted">{none}</p> }.into_any()
                } else {
                    let rows = rows.into_iter().map(|row| view! { <ReferenceRow reference=row own=own/> }).collect_view();
                    view! { <Table label=title heads=&[("Version", ""), ("As", ""), ("State", "")]>{rows}</Table> }.into_any()
                }}
            </Part>
        }
    };
    move || {
        let (needs, users) = version.with(|version| (version.needs.clone(), version.users.clone()));
        view! {
            {part("Built on", "what it refers to", "It stands alone.", needs, true)}
            {part("Used by", "what refers to it", "Nothing refers to it.", users, false)}
        }
    }
}

#[component]
fn ReferenceRow(reference: DesignReference, own: bool) -> impl IntoView {
    let (needs, uses) = relation(&reference.field);
    view! {
        <tr>
            <td>
                {match reference.object {
                    Some(object) => view! {
                        <a class="m-cell__name" href=format!("/designs/{object}/versions/{}", reference.version)>{reference.label}</a>
                    }
                        .into_any(),
                    None => reference.label.into_any(),
                }}
            </td>
            <td class="m-muted">{if own { needs } else { uses }}</td>
            <td><StateMark state=reference.state/></td>
        </tr>
    }
    .into_any()
}
