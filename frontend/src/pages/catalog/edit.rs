//! Owner and description of an object, changed where they are read. Whoever was slower than somebody else sees both
//! versions and chooses.

use leptos::prelude::*;

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{CatalogObject, CatalogObjectInput, Edit};
use crate::components::{Banner, Button, Submit, TextArea, Toasts, Tone};
use crate::live::Live;
use crate::owners::{OwnerField, OwnerName};
use crate::viewer::{Viewer, right};

/// What was said of the object itself.
fn current(object: &CatalogObject) -> CatalogObjectInput {
    let row = &object.row;
    let owner = if row.owner_by_domain { String::new() } else { row.owner.clone() };
    CatalogObjectInput { owner, description: row.description.clone() }
}

/// Who answers for it and what it is, with the way to change both.
#[component]
pub(super) fn About(object: Signal<CatalogObject>) -> impl IntoView {
    let editing = RwSignal::new(false);
    view! {
        {move || {
            if editing.get() {
                view! { <Form object=object editing=editing/> }.into_any()
            } else {
                view! { <Reading object=object editing=editing/> }.into_any()
            }
        }}
    }
    .into_any()
}

#[component]
fn Reading(object: Signal<CatalogObject>, editing: RwSignal<bool>) -> impl IntoView {
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let description = Memo::new(move |_| object.with(|object| object.row.description.clone()));
    let owner = Memo::new(move |_| object.with(|object| object.row.owner.clone()));
    let team = Memo::new(move |_| object.with(|object| object.row.team));
    let by_domain = Memo::new(move |_| object.with(|object| object.row.owner_by_domain));
    view! {
        <Show when=move || owner.with(String::is_empty)>
            <Banner tone="warn" text="Nobody answers for it: name an owner, so that people know whom to ask."/>
        </Show>
        <div class="m-about">
            <p class="m-head__lede">
                {move || {
                    let text = description.get();
                    if text.is_empty() { view! { <span class="m-faint">"No description yet"</span> }.into_any() } else { text.into_any() }
                }}
            </p>
            <p class="m-line m-line--wrap m-small">
                <span class="m-muted">"Owner"</span>
                <b>{move || view! { <OwnerName owner=owner.get() team=team.get() nobody="nobody"/> }}</b>
                {move || by_domain.get().then(|| view! { <span class="m-muted">"by its domain"</span> })}
                <Button small=true right=may on_press=move |()| editing.set(true)>"Edit owner and description"</Button>
            </p>
        </div>
    }
    .into_any()
}

#[component]
fn Form(object: Signal<CatalogObject>, editing: RwSignal<bool>) -> impl IntoView {
    let seen = object.get_untracked();
    let before = current(&seen);
    let id = seen.row.id.clone();
    let revision = RwSignal::new(seen.revision);
    let owner = RwSignal::new(before.owner.clone());
    let description = RwSignal::new(before.description.clone());
    let live = Live::get();
    let toasts = Toasts::get();
    let write = |id: String| {
        move |api: crate::api::Api, input: Edit<CatalogObjectInput>| {
            let id = id.clone();
            async move { api.0.update_catalog_object(id, input).await }
        }
    };
    let undo = Act::new(write(id.clone()), move |_: CatalogObject| {
        live.bump(TOPICS);
        toasts.done("Taken back");
    });
    let save = Act::new(write(id), move |now: CatalogObject| {
        let back = Edit { revision: now.revision, value: before.clone() };
        live.bump(TOPICS);
        toasts.done_with_undo("Owner and description saved", move |()| undo.run(back.clone()));
        editing.set(false);
    });
    let send = move || {
        let value = CatalogObjectInput {
            owner: owner.get_untracked().trim().to_owned(),
            description: description.get_untracked().trim().to_owned(),
        };
        save.run(Edit { revision: revision.get_untracked(), value });
    };
    let stale = move || save.error.with(|error| error.as_ref().is_some_and(|error| error.kind == "stale-revision"));
    let theirs = move || {
        let now = object.with(current);
        let owner = if now.owner.is_empty() { "nobody".to_owned() } else { now.owner };
        format!("Somebody changed it meanwhile. It now says: owner {owner}; “{}”.", now.description)
    };
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let on_submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        send();
    };
    view! {
        <form class="m-form m-about" method="post" on:submit=on_submit>
            <OwnerField value=owner error=save.field("owner") hint="A team or a person; empty means nobody."/>
            <TextArea label="Description" name="description" value=description error=save.field("description") hint="One line: what it tells, and when."/>
            <Show
                when=stale
                fallback=move || view! { <ActError act=save/> }
            >
                <div class="m-verdict" data-tone="bad" role="alert">
                    <span></span>
                    <span>{theirs}</span>
                    <p>"Keep theirs, or save yours over it."</p>
                </div>
            </Show>
            <div class="m-form__acts">
                <Show
                    when=stale
                    fallback=move || view! { <Submit busy=save.busy right=may>"Save"</Submit> }
                >
                    <Button
                        tone=Tone::Danger
                        right=may
                        on_press=move |()| {
                            revision.set(object.with_untracked(|object| object.revision));
                            send();
                        }
                    >
                        "Save mine over it"
                    </Button>
                </Show>
                <Button tone=Tone::Quiet on_press=move |()| editing.set(false)>
                    {move || if stale() { "Keep theirs" } else { "Cancel" }}
                </Button>
            </div>
        </form>
    }
    .into_any()
}
