//! A team to make or change.

use leptos::prelude::*;

use super::TOPICS;
use super::members::{Draft, Members};
use crate::act::Act;
use crate::api::{Edit, TeamInput, TeamView};
use crate::components::Field;
use crate::editor::{Editor, closing};
use crate::viewer::{Viewer, right};

/// The form in the dialog.
#[component]
pub(super) fn TeamForm(
    /// The team that is changed; none = a new one is made.
    known: Option<TeamView>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let field = |read: fn(&TeamView) -> &String| {
        RwSignal::new(known.as_ref().map(|team| read(team).clone()).unwrap_or_default())
    };
    let (name, contact, description) =
        (field(|team| &team.name), field(|team| &team.contact), field(|team| &team.description));
    let members = known.iter().flat_map(|team| &team.members).map(Draft::of).collect::<Vec<_>>();
    let members = RwSignal::new(members);
    let before = known.as_ref().map(|team| (team.name.clone(), team.owns.total())).unwrap_or_default();
    let known = known.map(|team| (team.id, team.revision));
    // A lead who does not write the catalog says who is in the team and how it is reached.
    let is_writer = Viewer::has(right::CATALOG_WRITE).granted();
    let close = closing(open, TOPICS);
    let save = Act::new(
        move |api, value: TeamInput| async move {
            match known {
                None => api.0.create_team(value).await,
                Some((id, revision)) => api.0.update_team(id, Edit { revision, value }).await,
            }
        },
        move |_| close.run("Team saved."),
    );
    let submit = Callback::new(move |()| {
        save.run(TeamInput {
            name: name.get_untracked().trim().to_owned(),
            description: description.get_untracked().trim().to_owned(),
            contact: contact.get_untracked().trim().to_owned(),
            members: members.with_untracked(|members| members.iter().map(Draft::input).collect()),
        });
    });
    let hint = Signal::derive(move || match is_writer {
        true => renaming(&before, name.get().trim()),
        false => "A developer renames it: what it owns names it so".to_owned(),
    });
    view! {
        <Editor
            title=if known.is_some() { "Change team" } else { "New team" }
            save=save
            open=open
            right=if is_writer { right::CATALOG_WRITE } else { right::MESH_READ }
            verb="Save team"
            on_save=submit
        >
            <div class="m-form__row">
                <Field label="Name" name="name" value=name placeholder="store-systems" required=true fixed=!is_writer hint=hint error=save.field("name")/>
                <Field label="Contact" name="contact" value=contact placeholder="store-systems@example.com"
                    hint="A mail address, a chat channel or an address of the web" error=save.field("contact")/>
            </div>
            <Field label="What it does" name="description" value=description error=save.field("description")/>
            <Members members=members error=save.field("members")/>
        </Editor>
    }
    .into_any()
}

/// What another name means for what the team owns.
fn renaming((before, owns): &(String, u64), now: &str) -> String {
    match owns {
        _ if before.is_empty() => "What names it as its owner already is its own".to_owned(),
        0 => String::new(),
        _ if before == now => String::new(),
        1 => "The 1 thing that it owns gets the new name too".to_owned(),
        owns => format!("The {owns} things that it owns get the new name too"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_says_what_follows_it() {
        let tills = |owns| ("tills".to_owned(), owns);
        assert_eq!(renaming(&tills(3), "tills"), "");
        assert_eq!(renaming(&tills(0), "sales"), "");
        assert!(renaming(&tills(3), "sales").starts_with("The 3 things"));
        assert!(renaming(&(String::new(), 0), "sales").contains("already"));
    }
}
