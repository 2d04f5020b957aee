//! Overlays on the platform's `<dialog>`: focus is trapped, Escape closes, the rest is inert, all by the browser.

use leptos::html;
use leptos::prelude::*;

use super::{Button, Submit, Tone};

/// A modal dialog that is open while `open` is true.
#[component]
pub fn Dialog(
    /// Whether it is open; closing it by Escape sets this to false.
    open: RwSignal<bool>,
    /// Its accessible name.
    #[prop(into)]
    label: String,
    /// The classes of the `<dialog>`.
    #[prop(default = "m-dialog")]
    class: &'static str,
    /// What it holds; drawn while it is open.
    children: ChildrenFn,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => {
                if let Err(error) = dialog.show_modal() {
                    leptos::logging::error!("a dialog did not open: {error:?}");
                }
            }
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    let children = StoredValue::new(children);
    view! {
        <dialog node_ref=dialog class=class aria-label=label on:close=move |_| open.set(false)>
            <Show when=move || open.get()>{children.with_value(|children| children())}</Show>
        </dialog>
    }
    .into_any()
}

/// A question before something is taken away: the consequence first, then the button.
#[component]
pub fn Confirm(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The question, with the name of the thing.
    #[prop(into)]
    title: Signal<String>,
    /// Who is hurt, what stops, how to get it back.
    #[prop(into)]
    consequence: Signal<String>,
    /// The words of the button.
    #[prop(into)]
    verb: Signal<String>,
    /// What happens on yes. The dialog closes before.
    #[prop(into)]
    on_yes: Callback<()>,
) -> impl IntoView {
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        open.set(false);
        on_yes.run(());
    };
    view! {
        <Dialog open=open label="Confirm">
            <form method="post" on:submit=submit>
                <div class="m-dialog__body">
                    <h2>{title}</h2>
                    <p class="m-small m-muted">{consequence}</p>
                </div>
                <div class="m-dialog__foot">
                    <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                    <Submit tone=Tone::Danger>{verb}</Submit>
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}
