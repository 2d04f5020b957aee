//! One team: who is in it, how it is reached, and what it owns, by kind.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use mesh_protocol::id::TeamId;

use super::form::TeamForm;
use super::removal::Removal;
use super::{Contact, TOPICS};
use crate::api::{ApiError, OwnedQuery, OwnedView, Page, SearchKind, TeamView};
use crate::components::{Age, Button, Dialog, Empty, ListFoot, Main, Part, Table, Tone};
use crate::format;
use crate::load::{Load, Loading, load};
use crate::pages::kind_words;
use crate::pages::search::hit_name;
use crate::viewer::{Viewer, right};

fn missing() -> ApiError {
    ApiError::new("not-found", 404, "there is no such team")
}

/// `/teams/:id?cursor=`
#[component]
pub fn TeamDetail() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<TeamId>().ok())));
    let cursor = Memo::new(move |_| query.with(|query| query.get("cursor").filter(|cursor| !cursor.is_empty())));
    let team = load(
        TOPICS,
        move || id.get(),
        |api, id| async move {
            match id {
                Some(id) => api.0.team(id).await,
                None => Err(missing()),
            }
        },
    );
    let owned = load(
        TOPICS,
        move || (id.get(), cursor.get()),
        |api, (id, cursor)| async move {
            match id {
                Some(id) => api.0.team_owned(id, OwnedQuery { cursor, ..OwnedQuery::default() }).await,
                None => Err(missing()),
            }
        },
    );
    view! {
        <Load resource=team what="team" title="Team" one=true let:team>
            <Detail team=team owned=owned/>
        </Load>
    }
    .into_any()
}

#[component]
fn Detail(team: Signal<TeamView>, owned: Loading<Page<OwnedView>>) -> impl IntoView {
    let (editor, remover) = (RwSignal::new(false), RwSignal::new(false));
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let may_edit = Signal::derive(move || team.with(|team| Viewer::get().right_to_edit(team)));
    let name = Signal::derive(move || team.with(|team| team.name.clone()));
    let note = Signal::derive(move || team.with(|team| team.description.clone()));
    let crumbs = view! { <ol class="m-crumbs"><li><a href="/teams">"Teams"</a></li><li>{name}</li></ol> };
    let acts = view! {
        <Button right=may_edit on_press=move |()| editor.set(true)>"Edit"</Button>
        <Button tone=Tone::Danger right=may on_press=move |()| remover.set(true)>"Delete team"</Button>
    };
    view! {
        <Main title=name note=note crumbs=crumbs.into_any() acts=acts.into_any()>
            <Facts team=team/>
            <Members team=team/>
            <Part title="Owns" note="what names it as its owner; what only lies in one of its domains is not repeated here">
                <Load resource=owned what="things that it owns" let:page>
                    {move || groups(page.get(), &name.get())}
                </Load>
            </Part>
        </Main>
        <Dialog open=editor label="Team" class="m-dialog m-dialog--wide">
            <TeamForm known=Some(team.get_untracked()) open=editor/>
        </Dialog>
        <Dialog open=remover label="Delete team">
            <Removal team=team.get_untracked() open=remover/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Facts(team: Signal<TeamView>) -> impl IntoView {
    move || {
        let team = team.get();
        let everything = format!("/search?owner={}", crate::api::encoded(&team.name));
        view! {
            <div class="m-pad">
                <dl class="m-facts">
                    <dt>"Contact"</dt>
                    <dd>
                        {if team.contact.is_empty() {
                            view! { <span class="m-warn">"nobody said how it is reached"</span> }.into_any()
                        } else {
                            view! { <Contact text=team.contact/> }.into_any()
                        }}
                    </dd>
                    <dt>"Answers for"</dt>
                    <dd><a href=everything>"everything that it owns, with what lies in its domains"</a></dd>
                    <dt>"Changed"</dt>
                    <dd><Age at_ms=Some(team.updated_at)/> " ago by " {team.updated_by}</dd>
                </dl>
            </div>
        }
    }
}

#[component]
fn Members(team: Signal<TeamView>) -> impl IntoView {
    view! {
        <Part title="Members" note="people who sign in here; a lead is whom to ask first">
            {move || {
                let members = team.with(|team| team.members.clone());
                if !Viewer::has(right::MESH_READ).granted() {
                    return view! { <p class="m-small m-muted">"Who is in a team is shown to those who see all application domains."</p> }.into_any();
                }
                if members.is_empty() {
                    return view! { <p class="m-small m-muted">"Nobody yet: edit the team to add people."</p> }.into_any();
                }
                let rows = members
                    .into_iter()
                    .map(|member| view! {
                        <tr data-member=member.login.clone()>
                            <td>
                                <div class="m-cell">
                                    <span class="m-cell__name">{member.name}</span>
                                    <span class="m-cell__sub">{member.login.clone()}</span>
                                </div>
                            </td>
                            <td>{if member.is_lead { "Lead" } else { "" }}</td>
                            <td>
                                {if member.enabled {
                                    view! { <span class="m-muted">"may sign in"</span> }.into_any()
                                } else {
                                    view! { <span class="m-warn">"may not sign in"</span> }.into_any()
                                }}
                            </td>
                        </tr>
                    })
                    .collect_view();
                view! {
                    <Table label="Members" class="m-table--inset m-table--two" heads=&[("Person", ""), ("Part", ""), ("State", "")]>
                        {rows}
                    </Table>
                }
                    .into_any()
            }}
        </Part>
    }
    .into_any()
}

/// What comes one after the other and is of one kind, together.
fn by_kind(items: Vec<OwnedView>) -> Vec<(SearchKind, Vec<OwnedView>)> {
    let mut groups: Vec<(SearchKind, Vec<OwnedView>)> = Vec::new();
    for one in items {
        match groups.last_mut() {
            Some((kind, group)) if *kind == one.kind => group.push(one),
            _ => groups.push((one.kind, vec![one])),
        }
    }
    groups
}

fn groups(page: Page<OwnedView>, name: &str) -> AnyView {
    if page.items.is_empty() {
        let text = format!(
            "Domains, designs, applications, addresses and topics can have {name} as their owner: name it there, or give it many at once."
        );
        return view! {
            <Empty icon="info" title="It owns nothing yet" text=text>
                <a class="m-button" href="/ownership">"What nobody answers for"</a>
            </Empty>
        }
        .into_any();
    }
    let groups = by_kind(page.items).into_iter().map(|(kind, items)| group(kind, items)).collect_view();
    let total = format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "thing");
    view! { {groups} <ListFoot total=total next=page.next/> }.into_any()
}

fn group(kind: SearchKind, items: Vec<OwnedView>) -> AnyView {
    let (_, words, _) = kind_words(kind);
    let count = format::count(items.len() as u64);
    let rows = items
        .into_iter()
        .map(|one| {
            view! {
                <tr data-owned=one.name.clone()>
                    <td>
                        <a class="m-cell__name" href=one.href>{hit_name(one.kind, one.name.clone())}</a>
                        {one.gone.then(|| view! { <span class="m-cell__sub">"no longer there"</span> })}
                    </td>
                    <td class="m-low m-muted">{one.place}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <h3 class="m-owned__kind">{words}<span class="m-tabs__count">{count}</span></h3>
        <Table label=words class="m-table--inset" heads=&[("Name", ""), ("Where", "m-low")]>{rows}</Table>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_of_one_kind_stand_together() {
        let one = |kind, name: &str| OwnedView {
            kind,
            name: name.to_owned(),
            href: String::new(),
            place: String::new(),
            gone: false,
        };
        let items = vec![one(SearchKind::Domain, "a"), one(SearchKind::Topic, "b"), one(SearchKind::Topic, "c")];
        let groups: Vec<(SearchKind, usize)> =
            by_kind(items).into_iter().map(|(kind, items)| (kind, items.len())).collect();
        assert_eq!(groups, [(SearchKind::Domain, 1), (SearchKind::Topic, 2)]);
    }
}
