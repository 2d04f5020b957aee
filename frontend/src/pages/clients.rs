//! Clients of the mesh (principals), their roles and applications: create, hand over the secret once, rotate, stop.

mod detail;
mod form;
mod roles;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

pub use self::detail::ClientDetail;
pub(crate) use self::detail::Until;
use self::form::ClientForm;
pub(crate) use self::roles::Editor;
use self::roles::{Applications, Roles};
use super::acl::NextPage;
use crate::api::{LiveTopic, Page, PrincipalQuery, PrincipalView};
use crate::components::{Age, Button, Dialog, Empty, Main, Part, Rate, Run, RunState, Search, Table, Tone, use_param};
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
    let editor = RwSignal::new(false);
    let may_write = Signal::derive(|| Viewer::has(right::PRINCIPAL_WRITE));
    let acts = view! {
        <Button tone=Tone::Primary icon="plus" right=may_write on_press=move |()| editor.set(true)>"New client"</Button>
    };
    view! {
        <Main title="Clients" note="who connects to the mesh, with which roles" acts=acts.into_any()>
            <div class="m-bar"><Search label="Search clients by user name"/></div>
            <Load resource=clients what="clients" let:page>
                <List page=page/>
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
fn List(page: Signal<Page<PrincipalView>>) -> impl IntoView {
    let q = use_param("q");
    move || {
        let page = page.get();
        if page.items.is_empty() {
            return nothing(&q.get()).into_any();
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
            <p class="m-tail">
                <span class="m-num">{format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "client")}</span>
                <NextPage next=page.next/>
            </p>
        }
        .into_any()
    }
}

fn nothing(q: &str) -> AnyView {
    if q.is_empty() {
        view! {
            <Empty
                icon="key"
                title="No clients yet"
                text="A client is a user name and a secret for one device or service. Create one, give it a role, and connect with it over MQTT or HTTP."
            />
        }
        .into_any()
    } else {
        view! {
            <Empty icon="search" title=format!("No client is named like “{q}”") text="The search looks for a part of the user name.">
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
            <td class="m-low m-end"><Rate per_second=client.produce_rate/></td>
            <td class="m-low m-end"><Rate per_second=client.consume_rate/></td>
            <td class="m-low m-end m-muted"><Age at_ms=seen/></td>
        </tr>
    }
    .into_any()
}

/// Heading of a section with one button.
#[component]
pub(crate) fn Section(
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
