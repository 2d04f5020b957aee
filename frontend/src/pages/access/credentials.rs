//! Credentials of an application: issued, rotated, removed; each secret is shown once, with lines that use it.

use leptos::prelude::*;
use mesh_protocol::id::GrantId;

use super::TOPICS;
use super::connection::{TestDialog, TestShown};
use super::turns::{Ends, OVERLAP_MINUTES, Turns};
use crate::act::Act;
use crate::api::{CredentialInput, CredentialSecret, CredentialView, GrantPhase, GrantView, RotateInput};
use crate::components::{Age, Button, Code, Dialog, Empty, Field, Part, Right, Run, RunState, Secret, Table, Toasts};
use crate::editor::{Editor, closing};
use crate::live::Live;
use crate::moment;
use crate::pages::clients::Until;
use crate::viewer::{Viewer, right};

#[component]
pub(super) fn Credentials(
    grant: Signal<GrantView>,
    #[prop(into)] credentials: Signal<Vec<CredentialView>>,
) -> impl IntoView {
    let issuing = RwSignal::new(false);
    let secret = RwSignal::new(None::<CredentialSecret>);
    let is_given = move || grant.with(|grant| matches!(grant.phase, GrantPhase::Provisioning | GrantPhase::Live));
    let may = Signal::derive(move || {
        if is_given() {
            Viewer::has(right::ACCESS_REQUEST)
        } else {
            Right::Missing("Without access there is nothing to log in for.".to_owned())
        }
    });
    let (application, id) = grant.with_untracked(|grant| (grant.application, grant.id));
    let acts = view! { <Button small=true icon="plus" right=may on_press=move |()| issuing.set(true)>"Issue a credential"</Button> };
    let close = closing(issuing, TOPICS);
    let (username, until) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let issue = Act::new(
        move |api, input: CredentialInput| async move { api.0.issue_credential(application, input).await },
        move |made| {
            secret.set(Some(made));
            close.run("Credential issued.");
        },
    );
    let on_save = move |()| {
        issue.run(CredentialInput {
            username: username.get_untracked().trim().to_owned(),
            expires_at: moment::local_ms(&until.get_untracked()),
        });
    };
    view! {
        <Part title="Credentials" note="of the application, for all that it has access to; they end with the last of it" acts=acts.into_any()>
            {move || secret.get().map(|shown| view! { <Shown shown=shown grant=id/> })}
            {move || {
                let all = credentials.get();
                if all.is_empty() {
                    return view! {
                        <Empty icon="key" title="No credential yet" text="Each client logs in over MQTT or HTTP with a user name and a secret, which is shown once, or with a certificate, below."/>
                    }
                        .into_any();
                }
                let rows = all.into_iter().map(|one| view! { <Row credential=one secret=secret grant=id/> }).collect_view();
                view! {
                    <Table
                        label="Credentials"
                        class="m-table--inset"
                        heads=&[("User name", ""), ("State", ""), ("Seen", "m-low"), ("Secret from", "m-low"), ("Ends", "m-low"), ("", "m-tight")]
                    >
                        {rows}
                    </Table>
                }
                    .into_any()
            }}
        </Part>
        <Dialog open=issuing label="Issue a credential" class="m-dialog m-dialog--wide">
            <Editor title="Issue a credential" save=issue open=issuing right=right::ACCESS_REQUEST verb="Issue" on_save=on_save>
                <Field label="User name" name="username" value=username hint="Empty: one is made up from the application's name" error=issue.field("username")/>
                <Field label="Ends" name="expires_at" kind="datetime-local" value=until hint="Empty: with the application's last access" error=issue.field("expires_at")/>
            </Editor>
        </Dialog>
    }
    .into_any()
}

/// The secret, this once.
#[component]
fn Shown(shown: CredentialSecret, grant: GrantId) -> impl IntoView {
    let (username, credential) = (shown.credential.username, shown.credential.id);
    let secret = shown.secret.clone();
    view! {
        <Secret title=format!("Secret of {username}") secret=Signal::stored(shown.secret)>
            <p class="m-small">"For HTTP the user name and the secret can also go as one API key, in the header X-Api-Key:"</p>
            <Code text=Signal::stored(shown.api_key) what="the API key"/>
            <TestShown grant=grant credential=credential secret=secret/>
        </Secret>
    }
    .into_any()
}

#[component]
fn Row(credential: CredentialView, secret: RwSignal<Option<CredentialSecret>>, grant: GrantId) -> impl IntoView {
    let (state, word) = if credential.works { (RunState::Live, "Works") } else { (RunState::Offline, "Refused") };
    let id = credential.id;
    let (live, toasts) = (Live::get(), Toasts::get());
    let testing = RwSignal::new(false);
    let may = Signal::derive(|| Viewer::has(right::ACCESS_REQUEST));
    let rotate = Act::new(
        move |api, ()| async move { api.0.rotate_credential(id, RotateInput { overlap_minutes: OVERLAP_MINUTES }).await },
        move |made| {
            secret.set(Some(made));
            live.bump(TOPICS);
        },
    );
    let revision = credential.revision;
    let remove = Act::new(
        move |api, ()| async move { api.0.remove_credential(id, revision).await },
        move |()| {
            live.bump(TOPICS);
            toasts.done("Credential removed.");
        },
    );
    let has_secret = credential.secrets > 0;
    let both = credential.overlap_until.filter(|_| credential.secrets > 1);
    let (test_label, name) = (format!("Test the connection of {}", credential.username), credential.username.clone());
    view! {
        <tr data-credential=credential.username.clone()>
            <td><a class="m-cell__name" href=format!("/clients/{id}")>{credential.username.clone()}</a></td>
            <td><Run state=state word=word/></td>
            <td class="m-low m-muted"><Age at_ms=credential.last_seen/></td>
            <td class="m-low m-muted m-nowrap">
                {match credential.rotated_at {
                    None => view! { <span class="m-faint">"by certificate"</span> }.into_any(),
                    at => view! { <Age at_ms=at/> }.into_any(),
                }}
                {both.map(|at| view! { <span class="m-cell__sub">"the earlier one until " <Until at_ms=at/></span> })}
            </td>
            <td class="m-low m-nowrap">
                <Ends at_ms=credential.expires_at/>
            </td>
            <td class="m-tight">
                <Turns
                    username=credential.username.clone()
                    right=may
                    rotate=rotate
                    remove=remove
                    has_secret=has_secret
                    question="Remove this credential?"
                    consequence="Whoever uses it is disconnected as soon as their agent has the policy."
                >
                    {has_secret.then(|| view! { <Button small=true right=may label=test_label on_press=move |()| testing.set(true)>"Test"</Button> })}
                </Turns>
                <TestDialog open=testing grant=grant credential=id username=name/>
            </td>
        </tr>
    }
    .into_any()
}
