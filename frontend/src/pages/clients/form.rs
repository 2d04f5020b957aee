//! The dialogs around a client: make one, change it, show a secret once.

use leptos::prelude::*;
use mesh_protocol::id::{ApplicationId, RoleId};

use super::TOPICS;
use crate::act::Act;
use crate::api::{Edit, PrincipalInput, PrincipalSecret, PrincipalView};
use crate::components::{Button, Check, Choice, Field, Secret, Select, Toasts, Tone, Wrong};
use crate::editor::Editor;
use crate::live::Live;
use crate::load::{Load, load};
use crate::viewer::right;

/// What can be chosen for a client: roles and applications.
type Choices = (Vec<(RoleId, String)>, Vec<Choice>);

/// Makes a client. The dialog then shows the secret, once.
#[component]
pub(super) fn ClientForm(open: RwSignal<bool>) -> impl IntoView {
    let made = RwSignal::new(None::<PrincipalSecret>);
    move || match made.get() {
        None => view! { <Fields open=open client=None made=made/> }.into_any(),
        Some(made) => view! { <Handover made=made open=open/> }.into_any(),
    }
}

/// Changes a client's application, roles and state.
#[component]
pub(super) fn ClientEdit(client: PrincipalView, open: RwSignal<bool>) -> impl IntoView {
    view! { <Fields open=open client=Some(client) made=RwSignal::new(None)/> }.into_any()
}

/// The secret with how to use it, before it is gone.
#[component]
pub(super) fn Handover(made: PrincipalSecret, open: RwSignal<bool>) -> impl IntoView {
    let username = made.principal.username.clone();
    let href = format!("/clients/{}", made.principal.id);
    view! {
        <div class="m-dialog__body">
            <h2>{format!("Secret of {username}")}</h2>
            <Secret title=format!("User name {username}, and this secret") secret=made.secret.clone()>
                <p class="m-small">"It is the password over MQTT, and the password of Basic authentication over HTTP."</p>
            </Secret>
        </div>
        <div class="m-dialog__foot">
            <a class="m-button m-button--quiet" href=href on:click=move |_| open.set(false)>"Open the client"</a>
            <Button tone=Tone::Primary on_press=move |()| open.set(false)>"I have stored it"</Button>
        </div>
    }
    .into_any()
}

#[component]
fn Fields(
    open: RwSignal<bool>,
    client: Option<PrincipalView>,
    made: RwSignal<Option<PrincipalSecret>>,
) -> impl IntoView {
    let live = Live::get();
    let toasts = Toasts::get();
    let known = client.as_ref().map(|client| (client.id, client.revision));
    let username = RwSignal::new(client.as_ref().map(|client| client.username.clone()).unwrap_or_default());
    let application = client.as_ref().and_then(|client| client.application);
    let application = RwSignal::new(application.map(|id| id.to_string()).unwrap_or_default());
    let roles: Vec<RoleId> = client.iter().flat_map(|client| client.roles.iter().map(|role| role.id)).collect();
    let roles = RwSignal::new(roles);
    let enabled = RwSignal::new(client.as_ref().is_none_or(|client| client.enabled));
    let expires_at = client.as_ref().and_then(|client| client.expires_at);
    let save = Act::new(
        move |api, input: PrincipalInput| async move {
            match known {
                None => api.0.create_principal(input).await.map(Some),
                Some((id, revision)) => api.0.update_principal(id, Edit { revision, value: input }).await.map(|_| None),
            }
        },
        move |secret: Option<PrincipalSecret>| {
            live.bump(TOPICS);
            if secret.is_some() {
                made.set(secret);
            } else {
                toasts.done("Client saved. It takes effect at every agent now.");
                open.set(false);
            }
        },
    );
    let submit = move |()| {
        save.run(PrincipalInput {
            username: username.get_untracked().trim().to_owned(),
            application: application.get_untracked().parse::<ApplicationId>().ok(),
            roles: roles.get_untracked(),
            enabled: enabled.get_untracked(),
            expires_at,
        });
    };
    let choices = load(
        &[],
        || (),
        |api, ()| async move {
            let roles = api.0.all_roles().await?.into_iter().map(|role| (role.id, role.name)).collect();
            let mut applications = vec![(String::new(), "None".to_owned())];
            let all = api.0.all_applications().await?;
            applications.extend(all.into_iter().map(|application| (application.id.to_string(), application.name)));
            Ok((roles, applications))
        },
    );
    view! {
        <Editor
            title=if known.is_some() { "Change client" } else { "New client" }
            save=save
            open=open
            right=right::PRINCIPAL_WRITE
            verb=if known.is_some() { "Save client" } else { "Create client" }
            on_save=submit
        >
            {known.is_none().then(|| view! {
                <Field
                    label="User name"
                    name="username"
                    value=username
                    mono=true
                    required=true
                    hint="Unique; cannot change later. One for each device or service, never shared"
                    error=save.field("username")
                />
            })}
            <Load resource=choices what="roles" let:choices>
                <RoleChoice choices=choices chosen=roles error=save.field("roles")/>
                <Select
                    label="Application"
                    name="application"
                    value=application
                    choices=Signal::derive(move || choices.get().1)
                    hint="Who is behind it"
                    error=save.field("application")
                />
            </Load>
            {known.is_some().then(|| view! { <Check label="May log in" checked=enabled/> })}
        </Editor>
    }
    .into_any()
}

#[component]
fn RoleChoice(choices: Signal<Choices>, chosen: RwSignal<Vec<RoleId>>, error: Signal<Option<String>>) -> impl IntoView {
    let boxes = move || {
        choices
            .get()
            .0
            .into_iter()
            .map(|(id, name)| {
                let toggle = move |ev: leptos::ev::Event| {
                    let on = event_target_checked(&ev);
                    chosen.update(|chosen| {
                        chosen.retain(|have| *have != id);
                        if on {
                            chosen.push(id);
                        }
                    });
                };
                view! {
                    <label class="m-choice">
                        <input
                            class="m-check"
                            type="checkbox"
                            prop:checked=move || chosen.with(|chosen| chosen.contains(&id))
                            on:change=toggle
                        />
                        {name}
                    </label>
                }
            })
            .collect_view()
    };
    view! {
        <fieldset class="m-form__group">
            <legend>"Roles: what it may do comes from their rules"</legend>
            <div class="m-choices">{boxes}</div>
            <Show when=move || choices.with(|(roles, _)| roles.is_empty())>
                <p class="m-small m-muted">"There are no roles yet. The client can be given one later; until then only its own rules count."</p>
            </Show>
            <Wrong error=error/>
        </fieldset>
    }
    .into_any()
}
