//! The form of a webhook.

use std::collections::BTreeSet;

use leptos::prelude::*;
use mesh_protocol::id::WebhookEndpointId;

use super::TOPICS;
use super::secret::Made;
use crate::act::{Act, ActError};
use crate::api::{Edit, NotificationKind, WebhookCreated, WebhookInput, WebhookView};
use crate::components::{Check, Field, Wrong};
use crate::editor::{Editor, closing};
use crate::live::Live;
use crate::viewer::right;

#[component]
pub(super) fn WebhookForm(
    known: Option<WebhookView>,
    kinds: Vec<NotificationKind>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let config = known.as_ref().map(|known| known.config.clone());
    let target = known.as_ref().map(|known| (known.id, known.revision));
    let text = |get: fn(&WebhookInput) -> String| RwSignal::new(config.as_ref().map(get).unwrap_or_default());
    let (name, url) = (text(|config| config.name.clone()), text(|config| config.url.clone()));
    let chosen = RwSignal::new(config.as_ref().map(|config| config.kinds.clone()).unwrap_or_default());
    let private = RwSignal::new(config.as_ref().is_some_and(|config| config.private_addresses));
    let enabled = RwSignal::new(config.as_ref().is_none_or(|config| config.enabled));
    let made = RwSignal::new(None::<WebhookCreated>);
    let (live, close) = (Live::get(), closing(open, TOPICS));
    let save = Act::new(
        move |api, value: WebhookInput| async move {
            match target {
                None => api.0.create_webhook(value).await.map(Some),
                Some((id, revision)) => api.0.update_webhook(id, Edit { revision, value }).await.map(|_| None),
            }
        },
        move |created: Option<WebhookCreated>| match created {
            Some(created) => {
                live.bump(TOPICS);
                made.set(Some(created));
            }
            None => close.run("Webhook saved."),
        },
    );
    let delete = Act::new(
        |api, (id, revision): (WebhookEndpointId, i64)| async move { api.0.delete_webhook(id, revision).await },
        move |()| close.run("Webhook deleted."),
    );
    let submit = Callback::new(move |()| {
        save.run(WebhookInput {
            name: name.get_untracked().trim().to_owned(),
            url: url.get_untracked().trim().to_owned(),
            kinds: chosen.get_untracked(),
            private_addresses: private.get_untracked(),
            enabled: enabled.get_untracked(),
        });
    });
    let kinds = StoredValue::new(kinds);
    move || {
        match made.get() {
        Some(made) => view! { <Made made=made open=open/> }.into_any(),
        None => view! {
            <Editor
                title=if target.is_none() { "New webhook" } else { "Change webhook" }
                save=save
                open=open
                right=right::WEBHOOK_WRITE
                verb=if target.is_none() { "Create webhook" } else { "Save" }
                on_save=submit
                on_delete=target.map(|target| Callback::new(move |()| delete.run(target)))
                consequence="It is told nothing any more, and what waits for it is gone."
            >
                <Field label="Name" name="name" value=name required=true error=save.field("name")/>
                <Field label="URL" name="url" value=url required=true hint="https://… Redirects are not followed" error=save.field("url")/>
                <fieldset class="m-form__group">
                    <legend>"Is told only of these; none chosen: of everything, also what is added later"</legend>
                    <div class="m-choices">
                        {kinds.get_value().into_iter().map(|kind| choice(kind, chosen)).collect_view()}
                    </div>
                    <Wrong error=save.field("kinds")/>
                </fieldset>
                <Check label="It may be in a private network or on this machine" checked=private/>
                <Check label="On" checked=enabled/>
                <ActError act=delete/>
            </Editor>
        }
        .into_any(),
    }
    }
}

fn choice(kind: NotificationKind, chosen: RwSignal<BTreeSet<String>>) -> AnyView {
    let (name, at) = (kind.name.clone(), kind.name.clone());
    view! {
        <label class="m-choice" title=kind.name>
            <input
                class="m-check"
                type="checkbox"
                prop:checked=move || chosen.with(|chosen| chosen.contains(&name))
                on:change=move |ev| {
                    let is_on = event_target_checked(&ev);
                    chosen.update(|chosen| {
                        if is_on { chosen.insert(at.clone()) } else { chosen.remove(&at) };
                    });
                }
            />
            {kind.words}
        </label>
    }
    .into_any()
}
