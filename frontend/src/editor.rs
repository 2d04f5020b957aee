//! How things are edited: one frame for every form in a dialog, one way to open it for something new or something that
//! is there, and one end when it worked.

use leptos::prelude::*;

use crate::act::{Act, ActError};
use crate::api::LiveTopic;
use crate::components::{Button, Confirm, Part, Submit, Toasts, Tone};
use crate::live::Live;
use crate::viewer::Viewer;

/// What a dialog is open for. Cheap to copy.
#[derive(Debug)]
pub struct Editing<T: 'static> {
    /// Whether the dialog is open.
    pub open: RwSignal<bool>,
    of: RwSignal<Option<T>>,
}

impl<T> Clone for Editing<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Editing<T> {}

impl<T: Clone + Send + Sync + 'static> Default for Editing<T> {
    fn default() -> Self {
        Self { open: RwSignal::new(false), of: RwSignal::new(None) }
    }
}

impl<T: Clone + Send + Sync + 'static> Editing<T> {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the dialog for a new one.
    pub fn make(self) {
        self.begin(None);
    }

    /// Opens the dialog for one that is there, as it was seen.
    pub fn change(self, seen: T) {
        self.begin(Some(seen));
    }

    fn begin(self, of: Option<T>) {
        self.of.set(of);
        self.open.set(true);
    }

    /// The one that is changed; none = a new one is made.
    #[must_use]
    pub fn of(self) -> Option<T> {
        self.of.get_untracked()
    }
}

/// What a dialog does when it worked: what it made old loads again, a toast says so, the dialog closes.
pub fn closing(open: RwSignal<bool>, topics: &'static [LiveTopic]) -> Callback<&'static str> {
    let live = Live::get();
    let toasts = Toasts::get();
    Callback::new(move |text: &'static str| {
        live.bump(topics);
        toasts.done(text);
        open.set(false);
    })
}

/// A form in a dialog, with a delete button that asks first.
#[component]
pub fn Editor<I: 'static>(
    /// The heading.
    #[prop(into)]
    title: String,
    /// The call that saves; what is wrong with it stands above the buttons.
    save: Act<I>,
    /// The dialog's state.
    open: RwSignal<bool>,
    /// The right that saving needs.
    right: &'static str,
    /// The words of the button that saves.
    #[prop(default = "Save")]
    verb: &'static str,
    /// Saves.
    #[prop(into)]
    on_save: Callback<()>,
    /// Deletes, when there is something to delete.
    #[prop(optional_no_strip)]
    on_delete: Option<Callback<()>>,
    /// What deleting means.
    #[prop(into, optional)]
    consequence: String,
    /// The fields.
    children: Children,
) -> impl IntoView {
    let confirm = RwSignal::new(false);
    let may = Signal::derive(move || Viewer::has(right));
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        on_save.run(());
    };
    view! {
        <form method="post" on:submit=submit>
            <div class="m-dialog__body">
                <h2>{title}</h2>
                {children()}
                <ActError act=save/>
            </div>
            <div class="m-dialog__foot">
                {on_delete.map(|_| view! {
                    <Button tone=Tone::Danger right=may on_press=move |()| confirm.set(true)>"Delete"</Button>
                    <span class="m-push"></span>
                })}
                <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                <Submit busy=save.busy right=may>{verb}</Submit>
            </div>
        </form>
        {on_delete.map(|on_delete| view! {
            <Confirm open=confirm title="Delete it?" consequence=consequence verb="Delete" on_yes=on_delete/>
        })}
    }
    .into_any()
}

/// A section of a page with one button, which makes a new one of what it lists.
#[component]
pub fn Section(
    /// Its heading.
    title: &'static str,
    /// One line beside it.
    note: &'static str,
    /// The words of the button.
    verb: &'static str,
    /// The right the button needs.
    right: &'static str,
    /// What the button does.
    #[prop(into)]
    on_press: Callback<()>,
    /// What it holds.
    children: Children,
) -> impl IntoView {
    let may = Signal::derive(move || Viewer::has(right));
    let acts = view! { <Button small=true icon="plus" right=may on_press=on_press>{verb}</Button> };
    view! { <Part title=title note=note acts=acts.into_any()>{children()}</Part> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_for_a_new_one_forgets_the_one_before() {
        Owner::new().with(|| {
            let editing = Editing::<u8>::new();
            editing.change(7);
            assert_eq!((editing.of(), editing.open.get_untracked()), (Some(7), true));
            editing.make();
            assert_eq!(editing.of(), None);
        });
    }
}
