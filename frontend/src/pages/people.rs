//! People who use the portal and tokens for automation: who may do what here. Clients of the mesh are elsewhere.

mod domains;
mod tokens;

use leptos::prelude::*;
use mesh_protocol::id::PersonId;

use self::domains::{Seen, SeenDomains};
use self::tokens::Tokens;
use crate::act::{Act, ActError};
use crate::api::{Edit, LiveTopic, PersonInput, PersonView, PortalRole};
use crate::components::{Age, Button, Check, Choice, Dialog, Field, Main, Run, RunState, Select, Table, Tone};
use crate::editor::{Editing, Editor, closing};
use crate::load::{Load, load};
use crate::viewer::{Viewer, right, role_name};

const TOPICS: &[LiveTopic] = &[LiveTopic::People];

/// The roles, with what each adds.
const ROLES: [(PortalRole, &str); 5] = [
    (PortalRole::Viewer, "Viewer: sees catalog, graph and state"),
    (PortalRole::Developer, "Developer: also describes, owns and tries"),
    (PortalRole::Approver, "Approver: also decides about access"),
    (PortalRole::Operator, "Operator: also runs sites, brokers and routes"),
    (PortalRole::Admin, "Admin: everything, people included"),
];

/// The roles as choices of a select.
fn role_choices() -> Vec<Choice> {
    ROLES.iter().map(|(role, words)| (role_name(*role).to_owned(), (*words).to_owned())).collect()
}

/// The role behind a choice.
fn role_of(name: &str) -> PortalRole {
    ROLES.iter().map(|(role, _)| *role).find(|role| role_name(*role) == name).unwrap_or(PortalRole::Viewer)
}

/// `/people`
#[component]
pub fn People() -> impl IntoView {
    let people = load(TOPICS, || (), |api, ()| async move { api.0.all_people().await });
    let editing = Editing::<PersonView>::new();
    let may = Signal::derive(|| Viewer::has(right::PEOPLE_WRITE));
    let acts = view! {
        <Button tone=Tone::Primary icon="plus" right=may on_press=move |()| editing.make()>"New person"</Button>
    };
    view! {
        <Main title="People" note="who uses this portal, in which role" acts=acts.into_any()>
            <Load resource=people what="people" let:people>
                {move || person_table(people.get(), editing)}
            </Load>
            <Tokens/>
        </Main>
        <Dialog open=editing.open label="Person" class="m-dialog m-dialog--wide">
            <PersonForm person=editing.of() open=editing.open/>
        </Dialog>
    }
    .into_any()
}

fn person_table(people: Vec<PersonView>, editing: Editing<PersonView>) -> AnyView {
    let may = Signal::derive(|| Viewer::has(right::PEOPLE_WRITE));
    let rows = people
        .into_iter()
        .map(|person| {
            let (state, word) = if person.enabled { (RunState::Live, "May sign in") } else { (RunState::Offline, "Disabled") };
            let for_edit = person.clone();
            let label = format!("Edit {}", person.name);
            view! {
                <tr>
                    <td>
                        <div class="m-cell">
                            <span class="m-cell__name">{person.name}</span>
                            <span class="m-cell__sub">{person.login}</span>
                        </div>
                    </td>
                    <td><Seen role=person.role domains=person.domains.len()/></td>
                    <td><Run state=state word=word/></td>
                    <td class="m-low m-end m-muted"><Age at_ms=person.last_login/></td>
                    <td class="m-tight">
                        <span class="m-acts">
                            <Button small=true tone=Tone::Quiet right=may label=label on_press=move |()| editing.change(for_edit.clone())>
                                "Edit"
                            </Button>
                        </span>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table label="People" heads=&[("Person", ""), ("Role", ""), ("State", ""), ("Signed in", "m-low m-end"), ("", "m-tight")]>
            {rows}
        </Table>
    }
    .into_any()
}

#[component]
fn PersonForm(person: Option<PersonView>, open: RwSignal<bool>) -> impl IntoView {
    let known = person.as_ref().map(|person| (person.id, person.revision));
    let login = RwSignal::new(person.as_ref().map(|person| person.login.clone()).unwrap_or_default());
    let name = RwSignal::new(person.as_ref().map(|person| person.name.clone()).unwrap_or_default());
    let role = person.as_ref().map_or(PortalRole::Viewer, |person| person.role);
    let role = RwSignal::new(role_name(role).to_owned());
    let domains = RwSignal::new(person.as_ref().map(|person| person.domains.clone()).unwrap_or_default());
    let enabled = RwSignal::new(person.as_ref().is_none_or(|person| person.enabled));
    let password = RwSignal::new(String::new());
    let email = RwSignal::new(person.as_ref().map(|person| person.email.clone()).unwrap_or_default());
    let close = closing(open, TOPICS);
    let save = Act::new(
        move |api, value: PersonInput| async move {
            match known {
                None => api.0.create_person(value).await,
                Some((id, revision)) => api.0.update_person(id, Edit { revision, value }).await,
            }
        },
        move |_| close.run("Person saved."),
    );
    let delete = Act::new(
        |api, (id, revision): (PersonId, i64)| async move { api.0.delete_person(id, revision).await },
        move |()| close.run("Person deleted."),
    );
    let submit = Callback::new(move |()| {
        save.run(PersonInput {
            login: login.get_untracked().trim().to_owned(),
            name: name.get_untracked().trim().to_owned(),
            role: role_of(&role.get_untracked()),
            domains: domains.get_untracked(),
            enabled: enabled.get_untracked(),
            password: Some(password.get_untracked()).filter(|password| !password.is_empty()),
            email: Some(email.get_untracked().trim().to_owned()),
        });
    });
    let fresh = known.is_none();
    let hint = if fresh { "At least 10 characters" } else { "At least 10 characters; empty keeps the old one" };
    view! {
        <Editor
            title=if fresh { "New person" } else { "Change person" }
            save=save
            open=open
            right=right::PEOPLE_WRITE
            on_save=submit
            on_delete=known.map(|known| Callback::new(move |()| delete.run(known)))
            consequence="The person is signed out and cannot sign in again. What they did stays in the records."
        >
            <Field label="Name" name="name" value=name required=true error=save.field("name")/>
            {fresh.then(|| view! {
                <Field label="Login name" name="login" value=login required=true hint="Cannot change later" error=save.field("login")/>
            })}
            <Select label="Role" name="role" value=role choices=role_choices() error=save.field("role")/>
            <SeenDomains role=role chosen=domains error=save.field("domains")/>
            <Field
                label="Password"
                name="password"
                kind="password"
                value=password
                required=fresh
                autocomplete="new-password"
                hint=hint
                error=save.field("password")
            />
            <Field label="Mail address" name="email" kind="email" value=email hint="What they are told may go there; empty: nowhere" error=save.field("email")/>
            <Check label="May sign in" checked=enabled/>
            <ActError act=delete/>
        </Editor>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_survive_the_select() {
        for (role, _) in ROLES {
            assert_eq!(role_of(role_name(role)), role);
        }
        assert_eq!(role_of("root"), PortalRole::Viewer, "an unknown word is the least");
    }
}
