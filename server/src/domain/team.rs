//! A team: people who answer for things together, and how they are reached.
//!
//! What a team owns names it by its text, as it would name a person or somebody outside: an owner is never more than a
//! name. So a team that gets another name gets it in everything that names it, and one that goes leaves nothing behind
//! that names nobody.

use std::collections::BTreeSet;
use std::fmt;

use mesh_protocol::id::{PersonId, TeamId};

use super::field::FieldErrors;
use super::person::{Person, State};

/// Most members of one team.
pub const MEMBERS_MAX: usize = 200;
/// Longest name, in bytes. It may be any words, as people call their team.
pub const TEAM_NAME_BYTES_MAX: usize = 80;
/// Longest contact, in bytes.
pub const CONTACT_BYTES_MAX: usize = 256;

/// A team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Stable id.
    pub id: TeamId,
    /// What a person chose.
    pub spec: Spec,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Who changed it last.
    pub updated_by: String,
}

/// What a person chooses about a team.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// Unique in the environment; owners are called so.
    pub name: String,
    /// For readers.
    pub description: String,
    /// How to reach it: a mail address, a chat channel, an address of the web; empty = nobody said.
    pub contact: String,
    /// Who is in it, each once, in the order of their ids.
    pub members: Vec<Member>,
}

/// Somebody in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Who.
    pub person: PersonId,
    /// Whom to ask first.
    pub is_lead: bool,
}

impl Team {
    /// Whether somebody leads it.
    #[must_use]
    pub fn is_led_by(&self, person: PersonId) -> bool {
        self.spec.members.iter().any(|member| member.is_lead && member.person == person)
    }
}

impl Spec {
    /// The same without what only differs in its writing: spaces, the order of members, members named twice.
    #[must_use]
    pub fn tidied(mut self) -> Self {
        self.members.sort_by_key(|member| (member.person, !member.is_lead));
        self.members.dedup_by_key(|member| member.person);
        Self {
            name: self.name.trim().to_owned(),
            description: self.description.trim().to_owned(),
            contact: self.contact.trim().to_owned(),
            ..self
        }
    }

    /// Checks it beside the people there are; `old` is what it was, when it is there already.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self, old: Option<&Self>, people: &[Person]) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        if self.name.is_empty() {
            errors.add("name", "is required");
        } else if self.name.len() > TEAM_NAME_BYTES_MAX {
            errors.add("name", format_args!("is longer than {TEAM_NAME_BYTES_MAX} characters"));
        } else if self.name.chars().any(char::is_control) {
            errors.add("name", "must be one line");
        }
        errors.text("description", &self.description);
        if self.contact.len() > CONTACT_BYTES_MAX {
            errors.add("contact", format_args!("is longer than {CONTACT_BYTES_MAX} characters"));
        } else if self.contact.chars().any(char::is_control) {
            errors.add("contact", "must be one line: a mail address, a chat channel or an address of the web");
        }
        if self.members.len() > MEMBERS_MAX {
            errors.add("members", format_args!("are more than {MEMBERS_MAX}"));
        }
        let before: BTreeSet<PersonId> = old.iter().flat_map(|old| &old.members).map(|member| member.person).collect();
        for member in &self.members {
            match people.iter().find(|person| person.id == member.person) {
                None => errors.add("members", "hold somebody who is not there any more: take them out"),
                Some(person) if person.state == State::Disabled && !before.contains(&person.id) => {
                    let name = &person.display_name;
                    errors.add("members", format_args!("hold {name}, who may not sign in: choose somebody else"));
                }
                Some(_) => {}
            }
        }
        errors.check()
    }
}

/// How many things of each kind name a team, or anybody else, as their owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// Names of application domains.
    pub domains: Vec<String>,
    /// Kinds and names of designed objects.
    pub designs: Vec<String>,
    /// Names of applications of clients.
    pub applications: Vec<String>,
    /// Keys of discovered objects.
    pub objects: Vec<String>,
}

impl Owned {
    /// Nothing does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many things there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.domains.len() + self.designs.len() + self.applications.len() + self.objects.len()
    }
}

/// Of many, this many are named.
const NAMES_SHOWN: usize = 3;

impl fmt::Display for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = [
            ("domain", &self.domains),
            ("design", &self.designs),
            ("application", &self.applications),
            ("catalog object", &self.objects),
        ];
        let mut separator = "";
        for (word, names) in groups.into_iter().filter(|(_, names)| !names.is_empty()) {
            let plural = if names.len() == 1 { "" } else { "s" };
            let shown: Vec<&str> = names.iter().take(NAMES_SHOWN).map(String::as_str).collect();
            let more = if names.len() > shown.len() { ", …" } else { "" };
            write!(f, "{separator}{} {word}{plural} ({}{more})", names.len(), shown.join(", "))?;
            separator = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::person::PortalRole;
    use super::*;
    use uuid::Uuid;

    fn id(number: u128) -> PersonId {
        Uuid::from_u128(number).into()
    }

    fn member(number: u128, is_lead: bool) -> Member {
        Member { person: id(number), is_lead }
    }

    fn person(number: u128, state: State) -> Person {
        Person {
            id: id(number),
            username: format!("p{number}"),
            display_name: format!("P{number}"),
            role: PortalRole::Viewer,
            domains: Vec::new(),
            state,
            revision: 1,
            created_at_ms: 1,
            login_at_ms: None,
        }
    }

    fn spec(members: &[Member]) -> Spec {
        Spec { name: "tills".into(), members: members.to_vec(), ..Spec::default() }
    }

    #[test]
    fn whoever_is_named_twice_is_in_it_once_and_stays_its_lead() {
        let tidied = spec(&[member(2, false), member(1, false), member(2, true)]).tidied();
        assert_eq!(tidied.members, [member(1, false), member(2, true)]);
    }

    #[test]
    fn only_who_may_sign_in_comes_into_a_team_and_who_no_longer_may_can_stay() {
        let people = [person(1, State::Enabled), person(2, State::Disabled)];
        assert_eq!(spec(&[member(1, false)]).check(None, &people), Ok(()));
        let wrong = |members: &[Member], old: Option<&Spec>| {
            let errors = spec(members).check(old, &people).expect_err("refused");
            errors.0["members"].clone()
        };
        assert!(wrong(&[member(3, false)], None).contains("not there any more"));
        assert!(wrong(&[member(2, false)], None).contains("P2, who may not sign in"));
        let old = spec(&[member(2, false)]);
        assert_eq!(old.check(Some(&old), &people), Ok(()));
        assert!(wrong(&[member(3, false)], Some(&spec(&[member(3, false)]))).contains("not there"), "a gone one goes");
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = Spec { name: "till\ts".into(), contact: "a\nb".into(), description: "x\0".into(), members: vec![] };
        let errors = wrong.check(None, &[]).expect_err("refused");
        assert_eq!(errors.0.keys().collect::<Vec<_>>(), ["contact", "description", "name"]);
        let long = Spec { contact: "x".repeat(CONTACT_BYTES_MAX + 1), ..spec(&[]) };
        assert!(long.check(None, &[]).is_err());
    }

    #[test]
    fn what_is_owned_reads_as_a_sentence() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let owned = Owned { domains: names(&["shop"]), objects: names(&["a", "b", "c", "d"]), ..Owned::default() };
        assert_eq!(owned.to_string(), "1 domain (shop), 4 catalog objects (a, b, c, …)");
        assert_eq!(owned.len(), 5);
        assert!(Owned::default().is_empty());
    }
}
