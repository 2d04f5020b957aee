//! A version to write or change, by the kind of its object.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::known::{self, Known};
use super::{TOPICS, icon_of};
use crate::act::Act;
use crate::api::{
    DesignContent, DesignKind, DesignObjectView, DesignState, DesignVersionInput, DesignVersionView, Edit, SchemaFormat,
};
use crate::components::{Choice, Field, Icon, Select, TextArea, either};
use crate::editor::{Editor, closing};
use crate::load::{Load, load};
use crate::moment;
use crate::viewer::right;

/// The formats by their keys.
const FORMATS: [(&str, &str, SchemaFormat); 3] = [
    ("AVRO", "Avro", SchemaFormat::Avro),
    ("JSON", "JSON Schema", SchemaFormat::JsonSchema),
    ("PROTOBUF", "Protobuf", SchemaFormat::Protobuf),
];

/// The fields as they stand; those of other kinds are not shown.
#[derive(Clone, Copy)]
struct Fields {
    number: RwSignal<String>,
    description: RwSignal<String>,
    end: RwSignal<String>,
    replacement: RwSignal<String>,
    address: RwSignal<String>,
    schema: RwSignal<String>,
    key_schema: RwSignal<String>,
    headers_schema: RwSignal<String>,
    format: RwSignal<String>,
    text: RwSignal<String>,
    references: RwSignal<String>,
    /// Of an application: publishes. Of an event API: clients send.
    sends: RwSignal<String>,
    /// Of an application: consumes. Of an event API: clients receive. Of a product: its event APIs.
    receives: RwSignal<String>,
}

impl Fields {
    /// Those of a version, or of a new one with the content of another.
    fn of(config: Option<&DesignVersionInput>, base: Option<DesignContent>, all: &[Known]) -> Self {
        let new = |text: String| RwSignal::new(text);
        let (mut address, mut text, mut format) = (String::new(), String::new(), "AVRO".to_owned());
        let (mut schemas, mut references) = ([const { String::new() }; 3], String::new());
        let (mut sends, mut receives) = (String::new(), String::new());
        let lines = |ids: &[mesh_protocol::id::DesignVersionId]| {
            ids.iter().map(|id| known::label(all, *id)).collect::<Vec<_>>().join("\n")
        };
        match config.map(|config| config.content.clone()).or(base) {
            None => {}
            Some(DesignContent::Event { address: at, schema, key_schema, headers_schema }) => {
                address = at;
                schemas =
                    [schema, key_schema, headers_schema].map(|id| id.map(|id| id.to_string()).unwrap_or_default());
            }
            Some(DesignContent::Schema { format: of, text: written, references: used }) => {
                text = written;
                format = FORMATS.iter().find(|(.., its)| *its == of).map_or("AVRO", |(key, ..)| key).to_owned();
                let line = |(name, id): (String, _)| format!("{name} = {}", known::label(all, id));
                references = used.into_iter().map(line).collect::<Vec<_>>().join("\n");
            }
            Some(
                DesignContent::Application { publishes: of_sends, consumes: of_receives }
                | DesignContent::EventApi { sends: of_sends, receives: of_receives },
            ) => {
                (sends, receives) = (lines(&of_sends), lines(&of_receives));
            }
            Some(DesignContent::Product { apis }) => receives = lines(&apis),
        }
        let [schema, key_schema, headers_schema] = schemas.map(new);
        let config = config.cloned();
        Self {
            number: new(config.as_ref().map(|config| config.number.clone()).unwrap_or_default()),
            description: new(config.as_ref().map(|config| config.description.clone()).unwrap_or_default()),
            end: new(config
                .as_ref()
                .and_then(|config| config.end_of_life_at)
                .map(moment::local_text)
                .unwrap_or_default()),
            replacement: new(config.and_then(|config| config.replacement).map(|id| id.to_string()).unwrap_or_default()),
            address: new(address),
            schema,
            key_schema,
            headers_schema,
            format: new(format),
            text: new(text),
            references: new(references),
            sends: new(sends),
            receives: new(receives),
        }
    }

    /// What would be saved, as far as it can be read. Reading it follows the fields.
    fn input(self, kind: DesignKind, all: &[Known]) -> Result<DesignVersionInput, String> {
        let id = |text: RwSignal<String>| text.get().parse().ok();
        let content = match kind {
            DesignKind::Event => DesignContent::Event {
                address: self.address.get(),
                schema: id(self.schema),
                key_schema: id(self.key_schema),
                headers_schema: id(self.headers_schema),
            },
            DesignKind::Schema => {
                let key = self.format.get();
                let format =
                    FORMATS.iter().find(|(its, ..)| *its == key).map(|(.., format)| *format).unwrap_or_default();
                let references: BTreeMap<_, _> = known::find_named(all, &self.references.get())?.into_iter().collect();
                DesignContent::Schema { format, text: self.text.get(), references }
            }
            DesignKind::Application => DesignContent::Application {
                publishes: known::find_lines(all, &self.sends.get())?,
                consumes: known::find_lines(all, &self.receives.get())?,
            },
            DesignKind::EventApi => DesignContent::EventApi {
                sends: known::find_lines(all, &self.sends.get())?,
                receives: known::find_lines(all, &self.receives.get())?,
            },
            DesignKind::Product => DesignContent::Product { apis: known::find_lines(all, &self.receives.get())? },
        };
        let end = self.end.get();
        let end_of_life_at = match moment::local_ms(&end) {
            None if !end.trim().is_empty() => return Err("the end of life is no time".to_owned()),
            read => read,
        };
        Ok(DesignVersionInput {
            number: self.number.get().trim().to_owned(),
            description: self.description.get().trim().to_owned(),
            content,
            end_of_life_at,
            replacement: id(self.replacement),
        })
    }
}

/// What objects of a kind refer to.
const fn needs_of(kind: DesignKind) -> DesignKind {
    match kind {
        DesignKind::Event | DesignKind::Schema => DesignKind::Schema,
        DesignKind::Application | DesignKind::EventApi => DesignKind::Event,
        DesignKind::Product => DesignKind::EventApi,
    }
}

/// The form in the dialog.
#[component]
pub(super) fn VersionForm(
    object: DesignObjectView,
    /// The version that is changed; none = a draft is written.
    known: Option<DesignVersionView>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let kind = object.kind;
    // A new version begins as the newest one is.
    let newest = object.versions.first().filter(|_| known.is_none()).map(|version| version.id);
    let found = load(
        TOPICS,
        || (),
        move |api, ()| async move {
            let base = match newest {
                Some(id) => Some(api.0.design_version(id).await?.config.content),
                None => None,
            };
            Ok((known::all(api, needs_of(kind)).await?, base))
        },
    );
    view! {
        <Load resource=found what="versions" let:found>
            {
                let (all, base) = found.get_untracked();
                view! { <Filled object=object.clone() known=known.clone() base=base all=all open=open/> }
            }
        </Load>
    }
    .into_any()
}

#[component]
fn Filled(
    object: DesignObjectView,
    known: Option<DesignVersionView>,
    base: Option<DesignContent>,
    all: Vec<Known>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let fields = Fields::of(known.as_ref().map(|version| &version.config), base, &all);
    let (kind, object_id) = (object.kind, object.id);
    let is_new = known.is_none();
    let is_draft = known.as_ref().is_none_or(|version| version.state == DesignState::Draft);
    // What is frozen goes back as it was, whatever the form shows.
    let frozen = known.as_ref().filter(|_| !is_draft).map(|version| version.config.clone());
    let own = known.as_ref().map(|version| version.id);
    let known = known.map(|version| (version.id, version.revision));
    let others = object.versions.iter().filter(|version| Some(version.id) != own);
    let replacements: Vec<Choice> = std::iter::once((String::new(), "None".to_owned()))
        .chain(others.map(|version| (version.id.to_string(), format!("{} {}", object.config.name, version.number))))
        .collect();
    let close = closing(open, TOPICS);
    let navigate = use_navigate();
    let save = Act::new(
        move |api, input: DesignVersionInput| async move {
            match known {
                None => api.0.create_design_version(object_id, input).await,
                Some((id, revision)) => api.0.update_design_version(id, Edit { revision, value: input }).await,
            }
        },
        move |version: DesignVersionView| {
            close.run(if is_new { "Draft written." } else { "Version saved." });
            if is_new {
                navigate(&format!("/designs/{object_id}/versions/{}", version.id), NavigateOptions::default());
            }
        },
    );
    let for_input = all.clone();
    let unread = Memo::new(move |_| fields.input(kind, &for_input).err());
    let title = if is_new { format!("New version of {}", object.config.name) } else { "Change version".to_owned() };
    let schemas = known::choices(&all, "None");
    let on_save = move |()| {
        let Ok(mut input) = untrack(|| fields.input(kind, &all)) else { return };
        if let Some(frozen) = &frozen {
            (input.number, input.content) = (frozen.number.clone(), frozen.content.clone());
        }
        save.run(input);
    };
    view! {
        <Editor title=title save=save open=open right=right::CATALOG_WRITE verb="Save version" on_save=on_save>
            <Show
                when=move || is_draft
                fallback=|| view! { <p class="m-small m-muted">"Number and content are frozen: what others read or build on stays as it is."</p> }
            >
                <div class="m-form__row">
                    <Field label="Number" name="number" value=fields.number placeholder="1.0.0" hint="Empty: the next one that fits what changes" error=save.field("number")/>
                    {(kind == DesignKind::Schema).then(|| {
                        let formats: Vec<Choice> = FORMATS.iter().map(|(key, word, _)| ((*key).to_owned(), (*word).to_owned())).collect();
                        view! { <Select label="Format" name="format" value=fields.format choices=formats/> }
                    })}
                </div>
                {match kind {
                    DesignKind::Event => {
                        let schemas = schemas.clone();
                        view! {
                            <Field label="Address" name="address" value=fields.address mono=true required=true placeholder="orders/{country}/created" hint="Where it is published; a level in braces varies" error=save.field("address")/>
                            <div class="m-form__row">
                                <Select label="Schema of its payload" name="schema" value=fields.schema choices=schemas.clone() error=save.field("schema")/>
                                <Select label="Of its key" name="key_schema" value=fields.key_schema choices=schemas.clone() error=save.field("key_schema")/>
                                <Select label="Of its headers" name="headers_schema" value=fields.headers_schema choices=schemas error=save.field("headers_schema")/>
                            </div>
                        }
                            .into_any()
                    }
                    DesignKind::Schema => view! {
                        <TextArea label="Schema" name="text" value=fields.text rows=12 error=save.field("text")/>
                        <TextArea
                            label="Other schemas that it uses"
                            name="references"
                            value=fields.references
                            hint="One a line, by the name the text calls it: shop.Money = money 1.0.0"
                            error=either(save.field("references"), move || unread.get())
                        />
                    }
                        .into_any(),
                    DesignKind::EventApi => view! {
                        <div class="m-pair">
                            <TextArea label="Clients receive" name="receives" value=fields.receives rows=5 hint="Events, one a line: order-created 1.0.0" error=either(save.field("receives"), move || unread.get())/>
                            <TextArea label="Clients send" name="sends" value=fields.sends rows=5 error=save.field("sends")/>
                        </div>
                    }
                        .into_any(),
                    DesignKind::Product => view! {
                        <TextArea label="Event APIs" name="apis" value=fields.receives rows=5 hint="One a line: orders-api 1.0.0" error=either(save.field("apis"), move || unread.get())/>
                    }
                        .into_any(),
                    DesignKind::Application => view! {
                        <div class="m-pair">
                            <TextArea label="Publishes" name="publishes" value=fields.sends rows=5 hint="Events, one a line: order-created 1.0.0" error=either(save.field("publishes"), move || unread.get())/>
                            <TextArea label="Consumes" name="consumes" value=fields.receives rows=5 error=save.field("consumes")/>
                        </div>
                    }
                        .into_any(),
                }}
            </Show>
            <Field label="What it is about" name="description" value=fields.description error=save.field("description")/>
            <div class="m-form__row">
                <Field label="Stops being served" name="end_of_life_at" kind="datetime-local" value=fields.end hint="Needed before it is deprecated" error=save.field("end_of_life_at")/>
                <Select label="Use instead" name="replacement" value=fields.replacement choices=replacements error=save.field("replacement")/>
            </div>
            <p class="m-small m-muted m-line"><Icon name=icon_of(kind)/>{"Nothing of it is told to agents: it says what is meant."}</p>
        </Editor>
    }
    .into_any()
}
