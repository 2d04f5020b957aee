//! Who is in a team, while it is edited: people are found by login name or name and added one by one.

use leptos::prelude::*;
use mesh_protocol::id::PersonId;

use crate::api::{OwnerChoice, TeamMemberInput, TeamMemberView};
use crate::components::{Button, Tone, Wrong};
use crate::owners::known_owners;

/// Id of the list of people in the document.
const PEOPLE: &str = "m-people";

/// A member as it stands in the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    person: PersonId,
    login: String,
    name: String,
    is_lead: bool,
}

impl Draft {
    pub(super) fn of(member: &TeamMemberView) -> Self {
        let TeamMemberView { person, login, name, is_lead, .. } = member.clone();
        Self { person, login, name, is_lead }
    }

    pub(super) fn input(&self) -> TeamMemberInput {
        TeamMemberInput { person: self.person, is_lead: self.is_lead }
    }
}

/// Adds whoever is meant by a text.
///
/// # Errors
/// Nobody is, several are, or they are in it already.
fn add(text: &str, people: &[OwnerChoice], members: &mut Vec<Draft>) -> Result<(), String> {
    let text = text.trim();
    let people = || people.iter().filter_map(|choice| Some((choice.person?, choice)));
    let by_login = || people().find(|(_, choice)| choice.name == text);
    let by_name = || {
        let mut named = people().filter(|(_, choice)| choice.words.eq_ignore_ascii_case(text));
        named.next().filter(|_| named.next().is_none())
    };
    let (person, choice) = by_login().or_else(by_name).ok_or_else(|| {
        format!("Nobody who may sign in has the login name “{text}”, and no one person is called so.")
    })?;
    if members.iter().any(|member| member.person == person) {
        return Err(format!("{} is in the team already.", choice.words));
    }
    members.push(Draft { person, login: choice.name.clone(), name: choice.words.clone(), is_lead: members.is_empty() });
    Ok(())
}

/// The members, and a field to add one.
#[component]
pub(super) fn Members(members: RwSignal<Vec<Draft>>, error: Signal<Option<String>>) -> impl IntoView {
    let known = known_owners();
    let (text, wrong) = (RwSignal::new(String::new()), RwSignal::new(None::<String>));
    let add_it = move || {
        if text.with_untracked(|text| text.trim().is_empty()) {
            return;
        }
        let added = known.with_untracked(|known| {
            let mut now = members.get_untracked();
            add(&text.get_untracked(), known, &mut now).map(|()| members.set(now))
        });
        if added.is_ok() {
            text.set(String::new());
        }
        wrong.set(added.err());
    };
    let error = Signal::derive(move || wrong.get().or_else(|| error.get()));
    view! {
        <fieldset class="m-form__group m-field">
            <legend>"Members"</legend>
            <ul class="m-members" aria-label="Members">
                {move || members.get().into_iter().map(|member| view! { <One member=member members=members/> }).collect_view()}
            </ul>
            <div class="m-members__add">
                <input
                    class="m-input"
                    type="text"
                    name="member"
                    aria-label="Somebody to add, by login name or name"
                    placeholder="Login name or name"
                    list=PEOPLE
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    prop:value=move || text.get()
                    on:input=move |ev| {
                        text.set(event_target_value(&ev));
                        wrong.set(None);
                    }
                    on:keydown=move |ev| {
                        if ev.key() == "Enter" {
                            // It adds somebody; it does not save the team.
                            ev.prevent_default();
                            add_it();
                        }
                    }
                />
                <Button icon="plus" on_press=move |()| add_it()>"Add"</Button>
            </div>
            <datalist id=PEOPLE>
                {move || {
                    let people = known.get().into_iter().filter(|choice| choice.person.is_some());
                    people.map(|choice| view! { <option value=choice.name>{choice.words}</option> }).collect_view()
                }}
            </datalist>
            <Wrong error=error/>
        </fieldset>
    }
    .into_any()
}

#[component]
fn One(member: Draft, members: RwSignal<Vec<Draft>>) -> impl IntoView {
    let Draft { person, login, name, is_lead } = member;
    let lead = move |ev: leptos::ev::Event| {
        let on = event_target_checked(&ev);
        members.update(|members| {
            members.iter_mut().filter(|member| member.person == person).for_each(|member| member.is_lead = on);
        });
    };
    let label = format!("Remove {name}");
    let lead_label = format!("{name} leads the team");
    view! {
        <li class="m-members__one" data-member=login.clone()>
            <span class="m-members__name">{name}" "<span class="m-muted m-small">{login.clone()}</span></span>
            <label class="m-choice">
                <input class="m-check" type="checkbox" aria-label=lead_label checked=is_lead prop:checked=is_lead on:change=lead/>
                "Lead"
            </label>
            <Button small=true tone=Tone::Quiet label=label on_press=move |()| members.update(|members| members.retain(|member| member.person != person))>
                "Remove"
            </Button>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(number: u128, login: &str, name: &str) -> OwnerChoice {
        let person = Some(uuid::Uuid::from_u128(number).into());
        OwnerChoice { name: login.to_owned(), words: name.to_owned(), team: None, person }
    }

    #[test]
    fn people_are_added_by_login_or_by_a_name_that_one_of_them_has() {
        let team = OwnerChoice { person: None, ..person(9, "tills", "who sells") };
        let known = [team, person(1, "ada", "Ada Byron"), person(2, "eve", "Eve Ng"), person(3, "eve2", "Eve Ng")];
        let mut members = Vec::new();
        assert_eq!(add(" ada ", &known, &mut members), Ok(()));
        assert!(members[0].is_lead, "the first leads until somebody says otherwise");
        assert!(add("ada byron", &known, &mut members).is_err_and(|why| why.contains("already")));
        assert!(add("Eve Ng", &known, &mut members).is_err(), "that may be one of two");
        assert_eq!(add("eve2", &known, &mut members), Ok(()));
        assert!(add("tills", &known, &mut members).is_err(), "a team is nobody");
        let logins: Vec<&str> = members.iter().map(|member| member.login.as_str()).collect();
        assert_eq!(logins, ["ada", "eve2"]);
        assert!(!members[1].input().is_lead);
    }
}
