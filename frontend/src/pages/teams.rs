//! Teams: who answers for things, how they are reached, and how much they own.

mod detail;
mod form;
mod members;
mod removal;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

pub use detail::TeamDetail;

use self::form::TeamForm;
use crate::api::{LiveTopic, TeamContact, TeamMemberView, TeamOwns, TeamQuery, TeamView};
use crate::components::{Age, Button, Dialog, Empty, ListFoot, Main, Search, Table, Tone};
use crate::editor::Editing;
use crate::format;
use crate::load::{Load, load};
use crate::viewer::{Viewer, right};

/// What makes teams and what they own old.
const TOPICS: &[LiveTopic] = &[LiveTopic::Catalog, LiveTopic::Access, LiveTopic::People];

/// Members that are named in a row.
const NAMES_SHOWN: usize = 3;

fn query_of(get: impl Fn(&str) -> Option<String>) -> TeamQuery {
    let given = |name| get(name).filter(|text: &String| !text.is_empty());
    TeamQuery { q: given("q"), cursor: given("cursor"), limit: None }
}

/// `/teams?q=&cursor=`
#[component]
pub fn Teams() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| query.with(|query| query_of(|name| query.get(name))));
    let page = load(TOPICS, move || key.get(), |api, query| async move { api.0.teams(query).await });
    let editing = Editing::<TeamView>::new();
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let acts = view! {
        <Button tone=Tone::Primary icon="plus" right=may on_press=move |()| editing.make()>"New team"</Button>
    };
    view! {
        <Main title="Teams" note="who answers for what, and how they are reached" acts=acts.into_any()>
            <div class="m-bar"><Search label="Search by name, contact or member"/></div>
            <Load resource=page what="teams" let:page>
                {move || {
                    let page = page.get();
                    if page.items.is_empty() {
                        return nothing(&key.get());
                    }
                    let rows = page.items.into_iter().map(|team| view! { <Row team=team editing=editing/> }).collect_view();
                    let total = format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "team");
                    view! {
                        <Table
                            label="Teams"
                            heads=&[
                                ("Team", ""),
                                ("Members", "m-low"),
                                ("Contact", "m-low"),
                                ("Owns", "m-end"),
                                ("Changed", "m-low m-end"),
                                ("", "m-tight"),
                            ]
                        >
                            {rows}
                        </Table>
                        <ListFoot total=total next=page.next/>
                    }
                        .into_any()
                }}
            </Load>
        </Main>
        <Dialog open=editing.open label="Team" class="m-dialog m-dialog--wide">
            <TeamForm known=editing.of() open=editing.open/>
        </Dialog>
    }
    .into_any()
}

fn nothing(query: &TeamQuery) -> AnyView {
    if query.q.is_some() {
        return view! {
            <Empty icon="search" title="No team is like that" text="The search looks at names, descriptions, contacts and members.">
                <a class="m-button" href="/teams">"All teams"</a>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty
            icon="team"
            title="No teams yet"
            text="A team is a name that domains, designs and topics can have as their owner, with the people behind it and the way to reach them. What names it already is its own as soon as it is made."
        >
            <a class="m-button" href="/ownership">"What nobody answers for"</a>
        </Empty>
    }
    .into_any()
}

#[component]
fn Row(team: TeamView, editing: Editing<TeamView>) -> impl IntoView {
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let for_edit = team.clone();
    let label = format!("Edit {}", team.name);
    let by = format!("by {}", team.updated_by);
    let gist = gist(&team);
    view! {
        <tr data-team=team.name.clone()>
            <td>
                <div class="m-cell">
                    <a class="m-cell__name" href=format!("/teams/{}", team.id)>{team.name.clone()}</a>
                    <span class="m-cell__sub m-only-narrow m-wrap">{gist}</span>
                    {(!team.description.is_empty()).then(|| view! { <span class="m-cell__sub">{team.description}</span> })}
                </div>
            </td>
            <td class="m-low">{names(&team.members)}</td>
            <td class="m-low"><Contact text=team.contact/></td>
            <td class="m-end"><Owns owns=team.owns/></td>
            <td class="m-low m-end m-muted m-nowrap" title=by><Age at_ms=Some(team.updated_at)/></td>
            <td class="m-tight">
                <span class="m-acts">
                    <Button small=true tone=Tone::Quiet right=may label=label on_press=move |()| editing.change(for_edit.clone())>
                        "Edit"
                    </Button>
                </span>
            </td>
        </tr>
    }
    .into_any()
}

/// What a narrow window has no column for.
fn gist(team: &TeamView) -> String {
    let members = format::plural(team.members.len(), "member");
    if team.contact.is_empty() { members } else { format!("{members}, {}", team.contact) }
}

/// The first members, and how many more.
fn names(members: &[TeamMemberView]) -> String {
    let shown: Vec<&str> = members.iter().take(NAMES_SHOWN).map(|member| member.name.as_str()).collect();
    match members.len() - shown.len() {
        _ if members.is_empty() => "nobody yet".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// How much it is, and of what.
#[component]
fn Owns(owns: TeamOwns) -> impl IntoView {
    let parts = [
        (owns.domains, "domain"),
        (owns.designs, "design"),
        (owns.applications, "application"),
        (owns.objects, "object"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format::plural(usize::try_from(count).unwrap_or(usize::MAX), word))
        .collect();
    view! {
        <div class="m-cell">
            <span class="m-num">{format::count(owns.total())}</span>
            {(!parts.is_empty()).then(|| view! { <span class="m-cell__sub m-low">{parts.join(", ")}</span> })}
        </div>
    }
    .into_any()
}

/// Where a contact leads; none = nowhere.
fn link_of(contact: &str) -> Option<String> {
    match TeamContact::of(contact) {
        TeamContact::Web(address) => Some(address.to_owned()),
        TeamContact::Mail(address) => Some(format!("mailto:{address}")),
        TeamContact::Other => None,
    }
}

/// How a team is reached.
#[component]
fn Contact(text: String) -> impl IntoView {
    match link_of(&text) {
        _ if text.is_empty() => view! { <span class="m-faint">"–"</span> }.into_any(),
        Some(href) => view! { <a href=href rel="external noopener">{text}</a> }.into_any(),
        None => view! { <span>{text}</span> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_that_leads_somewhere_is_a_link() {
        let mail = "tills@shop.example";
        assert_eq!(link_of(mail), Some(format!("mailto:{mail}")));
        assert_eq!(link_of("https://chat.example/tills").as_deref(), Some("https://chat.example/tills"));
        assert_eq!(link_of("#tills"), None);
    }

    #[test]
    fn a_row_names_the_first_members() {
        let member = |name: &str| TeamMemberView {
            person: uuid::Uuid::nil().into(),
            login: name.to_lowercase(),
            name: name.to_owned(),
            enabled: true,
            is_lead: false,
        };
        assert_eq!(names(&[]), "nobody yet");
        assert_eq!(names(&[member("Ada"), member("Bob")]), "Ada, Bob");
        assert_eq!(names(&["A", "B", "C", "D", "E"].map(member)), "A, B, C and 2 more");
    }
}
