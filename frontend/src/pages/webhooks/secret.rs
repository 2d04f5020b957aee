//! A secret that is shown once, and how a receiver uses it.

use leptos::prelude::*;

use crate::api::WebhookCreated;
use crate::components::{Button, Secret, Tone};

/// The dialog's content after a secret was made.
#[component]
pub(super) fn Made(
    /// The webhook with its secret.
    made: WebhookCreated,
    /// The dialog.
    open: RwSignal<bool>,
) -> impl IntoView {
    view! {
        <div class="m-dialog__body">
            <h2>{format!("Webhook {}", made.webhook.config.name)}</h2>
            <Secret title="Verifies its signatures" secret=made.secret>
                <p class="m-small">
                    "Messages are signed by the Standard Webhooks specification: the receiver checks the header webhook-signature with this secret before it believes a message."
                </p>
            </Secret>
        </div>
        <div class="m-dialog__foot">
            <Button tone=Tone::Primary on_press=move |()| open.set(false)>"I have stored it"</Button>
        </div>
    }
    .into_any()
}
