//! What rows of credentials share, whatever logs in with them: rotating, removing after a question, and when one ends.

use leptos::prelude::*;

use crate::act::{Act, sentence};
use crate::components::{Button, Confirm, Right, Toasts, Tone};
use crate::pages::clients::Until;

/// How long what was given before works beside the new after a rotation, in minutes.
pub(super) const OVERLAP_MINUTES: u32 = 60;

/// The buttons at the end of a row, and what is said when one did not work.
#[component]
pub(super) fn Turns(
    /// Whose they are, for screen readers.
    username: String,
    /// Whether the person may.
    #[prop(into)]
    right: Signal<Right>,
    rotate: Act<()>,
    remove: Act<()>,
    /// There is something to rotate.
    #[prop(default = true)]
    has_secret: bool,
    /// The question before it is removed.
    question: &'static str,
    /// What removing means.
    consequence: &'static str,
    /// Buttons before these.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let toasts = Toasts::get();
    let confirm = RwSignal::new(false);
    Effect::new(move |_| {
        if let Some(error) = rotate.error.get().or_else(|| remove.error.get()) {
            toasts.failed(format!("The credential stays as it is. {}", sentence(&error, &[])));
        }
    });
    let (rotate_label, remove_label) = (format!("Rotate {username}"), format!("Remove {username}"));
    view! {
        <span class="m-acts">
            {children.map(|children| children())}
            {has_secret.then(|| view! { <Button small=true right=right label=rotate_label on_press=move |()| rotate.run(())>"Rotate"</Button> })}
            <Button small=true tone=Tone::Danger right=right label=remove_label on_press=move |()| confirm.set(true)>"Remove"</Button>
        </span>
        <Confirm open=confirm title=question consequence=consequence verb="Remove" on_yes=move |()| remove.run(())/>
    }
    .into_any()
}

/// When one ends: at its own time, or with the access that it is for.
#[component]
pub(super) fn Ends(at_ms: Option<i64>) -> impl IntoView {
    match at_ms {
        Some(at) => view! { <Until at_ms=at/> }.into_any(),
        None => view! { <span class="m-faint">"with access"</span> }.into_any(),
    }
}
