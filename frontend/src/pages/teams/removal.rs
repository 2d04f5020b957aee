//! How a team goes: what it owns goes to somebody else first.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::act::{Act, ActError};
use crate::api::{TeamRemoval, TeamView};
use crate::components::{Button, Submit, Toasts, Tone};
use crate::owners::OwnerField;
use crate::viewer::{Viewer, right};

/// The question in the dialog.
#[component]
pub(super) fn Removal(team: TeamView, open: RwSignal<bool>) -> impl IntoView {
    let to = RwSignal::new(String::new());
    let (toasts, navigate) = (Toasts::get(), use_navigate());
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let (id, revision) = (team.id, team.revision);
    let delete = Act::new(
        move |api, removal: TeamRemoval| async move { api.0.delete_team(id, removal).await },
        move |()| {
            // No bump: this page has nothing to load any more, and the list loads when it is opened.
            toasts.done("Team deleted.");
            navigate("/teams", NavigateOptions::default());
        },
    );
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        let to = to.get_untracked().trim().to_owned();
        delete.run(TeamRemoval { revision, hand_to: Some(to).filter(|to| !to.is_empty()) });
    };
    let owns = team.owns.total();
    view! {
        <form method="post" on:submit=submit>
            <div class="m-dialog__body">
                <h2>{format!("Delete {}?", team.name)}</h2>
                <p class="m-small m-muted">{consequence(owns)}</p>
                <OwnerField
                    label="Who owns it from now on"
                    name="hand_to"
                    value=to
                    hint=if owns == 0 { "Needed only if something still names the team" } else { "Another team, a person, or anybody else" }
                    error=delete.field("hand_to")
                />
                <ActError act=delete/>
            </div>
            <div class="m-dialog__foot">
                <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                <Submit tone=Tone::Danger busy=delete.busy right=may>"Delete"</Submit>
            </div>
        </form>
    }
    .into_any()
}

fn consequence(owns: u64) -> String {
    match owns {
        0 => "It owns nothing. Its members stay people of this portal.".to_owned(),
        1 => "It owns 1 thing, which must go to somebody else. Its members stay people of this portal.".to_owned(),
        owns => {
            format!("It owns {owns} things, which must go to somebody else. Its members stay people of this portal.")
        }
    }
}
