//! Clients of the mesh (principals), their roles and applications: create, hand over the secret once, rotate, stop.

mod detail;
mod form;
mod roles;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use mesh_protocol::id::{ApplicationId, RoleId};

pub use self::detail::ClientDetail;
pub(crate) use self::detail::Until;
use self::form::ClientForm;
use self::roles::{Applications, Roles};
use super::acl::known;
use crate::api::{Api, ApiError, LiveTopic, Page, PrincipalQuery, PrincipalView};
use crate::components::{
    Age, Button, Dialog, Empty, ListFoot, Main, ParamChip, Rate, Run, RunState, Search, Table, Tone,
};
use crate::format;
use crate::load::{Load, load};
use crate::viewer::{Viewer, right};

/// What a change of clients makes old.
pub(super) const TOPICS: &[LiveTopic] = &[LiveTopic::Access, LiveTopic::Rollout];

/// `/clients?q=&role=&application=&cursor=`
#[component]
pub fn Clients() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| {
        query.with(|query| {
            let id = |name| query.get(name).filter(|text| !text.is_empty());
            PrincipalQuery {
                q: query.get("q").unwrap_or_default(),
                application: id("application").and_then(|id| id.parse().ok()),
                role: id("role").and_then(|id| id.parse().ok()),
                cursor: id("cursor"),
                limit: None,
            }
        })
    });
    let clients = load(
        &[LiveTopic::Access, LiveTopic::Overview],
        move || key.get(),
        |api, query| async move { api.0.principals(query).await },
    );
    let about = load(
        &[LiveTopic::Access],
        move || key.with(|query| (query.role, query.application)),
        |api, (role, application)| async move { about(api, role, application).await },
    );
    let editor = RwSignal::new(false);
    let may_write = Signal::derive(|| Viewer::has(right::PRINCIPAL_WRITE));
    let acts = view! {
        <Button tone=Tone::Primary icon="plus" right=may_write on_press=move |()| editor.set(true)>"New client"</Button>
    };
    view! {
        <Main title="Clients" note="who connects to the mesh, with which roles" acts=acts.into_any()>
            <div class="m-bar">
                <Search label="Search clients by user name"/>
                <Transition>
                    <ParamChip name="role" words=Signal::derive(move || format!("Role: {}", known(about).0))/>
                    <ParamChip name="application" words=Signal::derive(move || format!("Application: {}", known(about).1))/>
                </Transition>
            </div>
            <Load resource=clients what="clients" let:page>
                <List page=page query=key/>
            </Load>
            <Roles/>
            <Applications/>
        </Main>
        <Dialog open=editor label="New client" class="m-dialog m-dialog--wide">
            <ClientForm open=editor/>
        </Dialog>
    }
    .into_any()
}

/// Names of the role and the application that the list is narrowed to; empty where it is not.
async fn about(
    api: Api,
    role: Option<RoleId>,
    application: Option<ApplicationId>,
) -> Result<(String, String), ApiError> {
    let gone = || "one that is gone".to_owned();
    let role = match role {
        None => String::new(),
        Some(id) => api.0.all_roles().await?.into_iter().find(|role| role.id == id).map_or_else(gone, |role| role.name),
    };
    let application = match application {
        None => String::new(),
        Some(id) => {
            let all = api.0.all_applications().await?;
            all.into_iter().find(|application| application.id == id).map_or_else(gone, |application| application.name)
        }
    };
    Ok((role, application))
}

/// How a client is, in a word. The worst news first.
pub(super) fn state(client: &PrincipalView, now_ms: i64) -> (RunState, &'static str) {
    let seen = client.last_seen.as_ref();
    if !client.enabled {
        (RunState::Offline, "Disabled")
    } else if client.expires_at.is_some_and(|end| end <= now_ms) {
        (RunState::Failed, "Expired")
    } else if client.blocked {
        (RunState::Failed, "Blocked")
    } else if seen.is_some_and(|seen| !seen.stale) {
        (RunState::Live, "Seen")
    } else if seen.is_some() {
        (RunState::Stale, "Not lately")
    } else {
        (RunState::None, "Never seen")
    }
}

#[component]
fn List(page: Signal<Page<PrincipalView>>, query: Memo<PrincipalQuery>) -> impl IntoView {
    move || {
        let page = page.get();
        if page.items.is_empty() {
            return nothing(&query.get());
        }
        let rows = page.items.into_iter().map(|client| view! { <Row client=client/> }).collect_view();
        view! {
            <Table
                label="Clients"
                heads=&[
                    ("Client", ""),
                    ("Roles", ""),
                    ("Application", "m-low"),
                    ("State", ""),
                    ("Sends", "m-low m-end"),
                    ("Is given", "m-low m-end"),
                    ("Seen", "m-low m-end"),
                ]
            >
                {rows}
            </Table>
            <ListFoot total=format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "client") next=page.next/>
        }
        .into_any()
    }
}

/// Why there are no clients in the list: there are none at all only when nothing narrows it.
fn nothing(query: &PrincipalQuery) -> AnyView {
    let narrowed = query.role.is_some() || query.application.is_some();
    if query.q.is_empty() && !narrowed && query.cursor.is_none() {
        view! {
            <Empty
                icon="client"
                title="No clients yet"
                text="A client is a user name and a secret for one device or service. Create one, give it a role, and connect with it over MQTT or HTTP."
            />
        }
        .into_any()
    } else if query.q.is_empty() {
        view! {
            <Empty icon="client" title="No client belongs to it" text="A client is given its roles and its application in its own dialog.">
                <a class="m-button" href="/clients">"All clients"</a>
            </Empty>
        }
        .into_any()
    } else {
        let among = if narrowed { " among those the list is narrowed to" } else { "" };
        view! {
            <Empty icon="search" title=format!("No client is named like “{}”{among}", query.q) text="The search looks for a part of the user name.">
                <a class="m-button" href="/clients">"All clients"</a>
            </Empty>
        }
        .into_any()
    }
}

#[component]
fn Row(client: PrincipalView) -> impl IntoView {
    let now_ms = untrack(|| crate::clock::Clock::get().now_ms());
    let (state, word) = state(&client, now_ms);
    let roles: Vec<String> = client.roles.iter().map(|role| role.name.clone()).collect();
    let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
    let stale = client.last_seen.as_ref().is_none_or(|seen| seen.stale);
    let seen = client.last_seen.as_ref().map(|seen| seen.as_of);
    let sub = match &client.of_route {
        Some(route) => format!("of the route {route}"),
        None => client.application_name.clone().unwrap_or_default(),
    };
    let username = client.username.clone();
    view! {
        <tr data-client=username>
            <td>
                <div class="m-cell">
                    <a class="m-cell__name" href=format!("/clients/{}", client.id)>{client.username}</a>
                    <span class="m-cell__sub m-only-narrow">{sub}</span>
                </div>
            </td>
            <td>{roles}</td>
            <td class="m-low m-muted">
                {client.of_route.map_or_else(|| client.application_name.unwrap_or_default(), |route| format!("route {route}"))}
            </td>
            <td><Run state=state word=word/></td>
            <td class="m-low m-end"><Rate per_second=client.produce_rate stale=stale/></td>
            <td class="m-low m-end"><Rate per_second=client.consume_rate stale=stale/></td>
            <td class="m-low m-end m-muted"><Age at_ms=seen/></td>
        </tr>
    }
    .into_any()
}
