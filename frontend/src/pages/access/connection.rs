//! "Test my connection": with the secret that was just shown, or with one that somebody pastes.

use leptos::prelude::*;
use mesh_protocol::id::{GrantId, PrincipalId};

use crate::act::{Act, ActError};
use crate::api::{ConnectionTest, ConnectionTestInput};
use crate::components::{Button, ConnectionLadder, Dialog, Field, Submit, Tone};
use crate::viewer::{Viewer, right};

/// A test, and what the last one came to.
#[derive(Clone, Copy)]
struct Testing {
    act: Act<ConnectionTestInput>,
    came_to: RwSignal<Option<ConnectionTest>>,
}

impl Testing {
    fn of(grant: GrantId) -> Self {
        let came_to = RwSignal::new(None);
        let act = Act::new(
            move |api, input: ConnectionTestInput| async move { api.0.test_grant(grant, input).await },
            move |test| drop(came_to.try_set(Some(test))),
        );
        Self { act, came_to }
    }

    /// What was there before is no longer shown: it would be read as the answer.
    fn run(self, credential: PrincipalId, secret: String) {
        self.came_to.set(None);
        self.act.run(ConnectionTestInput { credential, secret });
    }

    fn shown(self) -> impl IntoView {
        view! {
            <ActError act=self.act/>
            <Show when=move || self.act.busy.get()>
                <p class="m-small m-muted" role="status">"Connecting, layer by layer: at most 20 s."</p>
            </Show>
            {move || self.came_to.get().map(|test| view! { <ConnectionLadder test=test/> })}
        }
    }
}

/// Beside a secret that is shown this once.
#[component]
pub(super) fn TestShown(grant: GrantId, credential: PrincipalId, secret: String) -> impl IntoView {
    let testing = Testing::of(grant);
    let secret = StoredValue::new(secret);
    let may = Signal::derive(|| Viewer::has(right::ACCESS_REQUEST));
    view! {
        <div class="m-line m-line--wrap">
            <Button icon="link" right=may on_press=move |()| testing.run(credential, secret.get_value())>"Test my connection"</Button>
            <span class="m-small m-muted">"An agent needs a moment to learn of a credential that was made just now."</span>
        </div>
        {testing.shown()}
    }
    .into_any()
}

/// Later, with the secret that the person has.
#[component]
pub(super) fn TestDialog(
    open: RwSignal<bool>,
    grant: GrantId,
    credential: PrincipalId,
    username: String,
) -> impl IntoView {
    let label = format!("Test the connection of {username}");
    view! {
        <Dialog open=open label=label class="m-dialog m-dialog--wide">
            <TestForm open=open grant=grant credential=credential username=username.clone()/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn TestForm(open: RwSignal<bool>, grant: GrantId, credential: PrincipalId, username: String) -> impl IntoView {
    let testing = Testing::of(grant);
    let secret = RwSignal::new(String::new());
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        testing.run(credential, secret.get_untracked());
    };
    let may = Signal::derive(|| Viewer::has(right::ACCESS_REQUEST));
    view! {
        <form method="post" on:submit=submit>
            <div class="m-dialog__body">
                <h2>{format!("Test the connection of {username}")}</h2>
                <p class="m-small m-muted">
                    "A real attempt at every listener that this access is for. Nothing is sent, and the secret is not kept."
                </p>
                <Field label="Secret" name="secret" kind="password" value=secret
                    hint="As it was shown when the credential was issued or rotated".to_owned() error=testing.act.field("secret")/>
                {testing.shown()}
            </div>
            <div class="m-dialog__foot">
                <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Close"</Button>
                <Submit busy=testing.act.busy right=may>"Test my connection"</Submit>
            </div>
        </form>
    }
    .into_any()
}
