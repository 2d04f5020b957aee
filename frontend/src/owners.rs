//! Who answers for something: how an owner is shown, and how one is named.
//!
//! An owner is a name. Teams and people are offered while somebody types, and anybody else can be named too.

use leptos::prelude::*;
use mesh_protocol::id::TeamId;

use crate::act::Act;
use crate::api::OwnerChoice;
use crate::components::Field;

/// Id of the list of choices in a document: one list serves all inputs of a dialog.
pub const OWNERS: &str = "m-owners";

/// An owner by name: a team leads to its page. Nobody is said in words that warn.
#[component]
pub fn OwnerName(
    /// The name; empty = nobody.
    owner: String,
    /// The team of that name.
    #[prop(optional_no_strip)]
    team: Option<TeamId>,
    /// What is said where there is nobody.
    #[prop(default = "no owner")]
    nobody: &'static str,
) -> impl IntoView {
    match team {
        _ if owner.is_empty() => view! { <span class="m-warn">{nobody}</span> }.into_any(),
        Some(team) => view! { <a href=format!("/teams/{team}")>{owner}</a> }.into_any(),
        None => view! { <span>{owner}</span> }.into_any(),
    }
}

/// A field for an owner, with what can be chosen. For a form that has one; others share [`OwnerChoices`].
#[component]
pub fn OwnerField(
    /// What it is.
    #[prop(default = "Owner")]
    label: &'static str,
    /// The name in the form.
    #[prop(default = "owner")]
    name: &'static str,
    /// The signal that follows the input.
    value: RwSignal<String>,
    /// One line of help.
    #[prop(into)]
    hint: String,
    /// What is wrong with it.
    #[prop(into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    view! {
        <Field label=label name=name value=value hint=hint error=error list=OWNERS/>
        <OwnerChoices/>
    }
    .into_any()
}

/// What the inputs of a dialog that name [`OWNERS`] as their list offer. It is asked for once it is drawn, in the browser
/// alone: a page that nobody edits asks for nothing.
#[component]
pub fn OwnerChoices() -> impl IntoView {
    let choices = known_owners();
    view! {
        <datalist id=OWNERS>
            {move || choices.get().into_iter().map(|choice| view! { <option value=choice.name>{choice.words}</option> }).collect_view()}
        </datalist>
    }
    .into_any()
}

/// Teams and people, once they are known.
pub(crate) fn known_owners() -> RwSignal<Vec<OwnerChoice>> {
    let choices = RwSignal::new(Vec::new());
    let ask = Act::new(
        |api, ()| async move { api.0.all_owner_choices().await },
        // The dialog may be closed meanwhile.
        move |all| drop(choices.try_set(all)),
    );
    // Without choices one can still type.
    Effect::new(move |_| ask.run(()));
    choices
}
