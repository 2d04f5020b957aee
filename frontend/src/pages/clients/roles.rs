//! Roles and applications: small lists below the clients, each edited in a dialog.

use leptos::prelude::*;
use mesh_protocol::id::{ApplicationId, RoleId};

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{ApplicationInput, ApplicationView, Edit, LiveTopic, RoleInput, RoleView};
use crate::components::{Button, Dialog, Field, Table, Tone};
use crate::editor::{Editing, Editor, Section, closing};
use crate::format;
use crate::load::{Load, load};
use crate::owners::{OwnerField, OwnerName};
use crate::viewer::{Viewer, right};

/// The mesh roles.
#[component]
pub(super) fn Roles() -> impl IntoView {
    let roles = load(&[LiveTopic::Access], || (), |api, ()| async move { api.0.all_roles().await });
    let editing = Editing::<RoleView>::new();
    view! {
        <Section
            title="Roles"
            note="one change of a role takes effect for all of its clients at all sites"
            verb="New role"
            right=right::ROLE_WRITE
            on_press=move |()| editing.make()
        >
            <Load resource=roles what="roles" let:roles>
                {move || role_table(roles.get(), editing)}
            </Load>
        </Section>
        <Dialog open=editing.open label="Role">
            <RoleForm role=editing.of() open=editing.open/>
        </Dialog>
    }
    .into_any()
}

fn role_table(roles: Vec<RoleView>, editing: Editing<RoleView>) -> AnyView {
    if roles.is_empty() {
        return view! {
            <p class="m-small m-muted">
                "None yet. A role such as “till” is written once and given to every till; its rights are rules about the role."
            </p>
        }
        .into_any();
    }
    let may = Signal::derive(|| Viewer::has(right::ROLE_WRITE));
    let rows = roles
        .into_iter()
        .map(|role| {
            let for_edit = role.clone();
            view! {
                <tr>
                    <td>
                        <div class="m-cell">
                            <a class="m-cell__name" href=format!("/acl?role={}", role.id)>{role.name.clone()}</a>
                            <span class="m-cell__sub">{role.description}</span>
                        </div>
                    </td>
                    <td class="m-end"><a href=format!("/clients?role={}", role.id)>{format::count(role.principals)}</a></td>
                    <td class="m-end"><a href=format!("/acl?role={}", role.id)>{format::count(role.rules)}</a></td>
                    <td class="m-tight">
                        <span class="m-acts">
                            <Button small=true tone=Tone::Quiet right=may label=format!("Edit role {}", role.name)
                                on_press=move |()| editing.change(for_edit.clone())>
                                "Edit"
                            </Button>
                        </span>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table label="Roles" class="m-table--inset m-table--two" heads=&[("Role", ""), ("Clients", "m-end"), ("Rules", "m-end"), ("", "m-tight")]>
            {rows}
        </Table>
    }
    .into_any()
}

#[component]
fn RoleForm(role: Option<RoleView>, open: RwSignal<bool>) -> impl IntoView {
    let known = role.as_ref().map(|role| (role.id, role.revision));
    let name = RwSignal::new(role.as_ref().map(|role| role.name.clone()).unwrap_or_default());
    let description = RwSignal::new(role.as_ref().map(|role| role.description.clone()).unwrap_or_default());
    let used = role.map_or(0, |role| role.principals);
    let done = closing(open, TOPICS);
    let save = Act::new(
        move |api, value: RoleInput| async move {
            match known {
                None => api.0.create_role(value).await,
                Some((id, revision)) => api.0.update_role(id, Edit { revision, value }).await,
            }
        },
        move |_| done.run("Role saved."),
    );
    let delete = Act::new(
        |api, (id, revision): (RoleId, i64)| async move { api.0.delete_role(id, revision).await },
        move |()| done.run("Role deleted."),
    );
    let submit = Callback::new(move |()| {
        save.run(RoleInput { name: name.get_untracked().trim().to_owned(), description: description.get_untracked() });
    });
    let consequence = if used > 0 {
        format!("{} clients have it: take it from them first.", format::count(used))
    } else {
        "Nobody has it. Its rules go with it.".to_owned()
    };
    view! {
        <Editor
            title=if known.is_some() { "Change role" } else { "New role" }
            save=save
            open=open
            right=right::ROLE_WRITE
            on_save=submit
            on_delete=known.map(|known| Callback::new(move |()| delete.run(known)))
            consequence=consequence
        >
            <Field label="Name" name="name" value=name required=true error=save.field("name")/>
            <Field label="What it is for" name="description" value=description error=save.field("description")/>
            <ActError act=delete/>
        </Editor>
    }
    .into_any()
}

/// The applications behind the clients.
#[component]
pub(super) fn Applications() -> impl IntoView {
    let applications = load(&[LiveTopic::Access], || (), |api, ()| async move { api.0.all_applications().await });
    let editing = Editing::<ApplicationView>::new();
    view! {
        <Section
            title="Applications"
            note="who is behind the clients, and who answers for them"
            verb="New application"
            right=right::APPLICATION_WRITE
            on_press=move |()| editing.make()
        >
            <Load resource=applications what="applications" let:applications>
                {move || application_table(applications.get(), editing)}
            </Load>
        </Section>
        <Dialog open=editing.open label="Application">
            <ApplicationForm application=editing.of() open=editing.open/>
        </Dialog>
    }
    .into_any()
}

fn application_table(applications: Vec<ApplicationView>, editing: Editing<ApplicationView>) -> AnyView {
    if applications.is_empty() {
        return view! {
            <p class="m-small m-muted">"None yet. An application gives its clients an owner, so that somebody can be asked."</p>
        }
        .into_any();
    }
    let may = Signal::derive(|| Viewer::has(right::APPLICATION_WRITE));
    let rows = applications
        .into_iter()
        .map(|application| {
            let for_edit = application.clone();
            view! {
                <tr>
                    <td>
                        <div class="m-cell">
                            <a class="m-cell__name" href=format!("/clients?application={}", application.id)>{application.name.clone()}</a>
                            <span class="m-cell__sub">{application.description}</span>
                        </div>
                    </td>
                    <td><OwnerName owner=application.owner team=application.team nobody="nobody"/></td>
                    <td class="m-end m-num">{format::count(application.principals)}</td>
                    <td class="m-tight">
                        <span class="m-acts">
                            <Button small=true tone=Tone::Quiet right=may label=format!("Edit application {}", application.name)
                                on_press=move |()| editing.change(for_edit.clone())>
                                "Edit"
                            </Button>
                        </span>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table label="Applications" class="m-table--inset m-table--two" heads=&[("Application", ""), ("Owner", ""), ("Clients", "m-end"), ("", "m-tight")]>
            {rows}
        </Table>
    }
    .into_any()
}

#[component]
fn ApplicationForm(application: Option<ApplicationView>, open: RwSignal<bool>) -> impl IntoView {
    let known = application.as_ref().map(|have| (have.id, have.revision));
    let field = |read: fn(&ApplicationView) -> &String| {
        RwSignal::new(application.as_ref().map(|have| read(have).clone()).unwrap_or_default())
    };
    let (name, owner, description) =
        (field(|have| &have.name), field(|have| &have.owner), field(|have| &have.description));
    let used = application.as_ref().map_or(0, |have| have.principals);
    let done = closing(open, TOPICS);
    let save = Act::new(
        move |api, value: ApplicationInput| async move {
            match known {
                None => api.0.create_application(value).await,
                Some((id, revision)) => api.0.update_application(id, Edit { revision, value }).await,
            }
        },
        move |_| done.run("Application saved."),
    );
    let delete = Act::new(
        |api, (id, revision): (ApplicationId, i64)| async move { api.0.delete_application(id, revision).await },
        move |()| done.run("Application deleted."),
    );
    let submit = Callback::new(move |()| {
        save.run(ApplicationInput {
            name: name.get_untracked().trim().to_owned(),
            owner: owner.get_untracked().trim().to_owned(),
            description: description.get_untracked(),
        });
    });
    let consequence = if used > 0 {
        format!("{} clients belong to it: move them first.", format::count(used))
    } else {
        "No client belongs to it.".to_owned()
    };
    view! {
        <Editor
            title=if known.is_some() { "Change application" } else { "New application" }
            save=save
            open=open
            right=right::APPLICATION_WRITE
            on_save=submit
            on_delete=known.map(|known| Callback::new(move |()| delete.run(known)))
            consequence=consequence
        >
            <Field label="Name" name="name" value=name required=true error=save.field("name")/>
            <OwnerField value=owner hint="A team or a person" error=save.field("owner")/>
            <Field label="What it does" name="description" value=description error=save.field("description")/>
            <ActError act=delete/>
        </Editor>
    }
    .into_any()
}
