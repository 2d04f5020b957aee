//! Teams: who answers for things, how they are reached, and what they own.

use mesh_protocol::id::{PersonId, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Millis, SearchKind};

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TeamView {
    /// Id.
    pub id: TeamId,
    /// For edits.
    pub revision: i64,
    /// Unique name; what it owns names it so.
    pub name: String,
    /// What it does.
    pub description: String,
    /// How to reach it: a mail address, a chat channel, an address of the web; empty = nobody said.
    pub contact: String,
    /// Who is in it, leads first, then by name. Empty for those who see only some application domains.
    pub members: Vec<TeamMemberView>,
    /// How much names it as its owner, of what the caller sees.
    pub owns: TeamOwns,
    /// Changed when.
    pub updated_at: Millis,
    /// Changed by whom.
    pub updated_by: String,
}

/// Where the contact of a team leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeamContact<'a> {
    /// An address of the web.
    Web(&'a str),
    /// An address of mail, without `mailto:`.
    Mail(&'a str),
    /// Nowhere that a program could go: a chat channel, a telephone, a name.
    Other,
}

impl<'a> TeamContact<'a> {
    /// Reads what somebody wrote. Only whole addresses count, so that nothing else becomes a link.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        if text.contains(char::is_whitespace) {
            return Self::Other;
        }
        let rest_of = |begin: &str| {
            let head = text.get(..begin.len())?;
            head.eq_ignore_ascii_case(begin).then(|| &text[begin.len()..])
        };
        if ["https://", "http://"].into_iter().filter_map(rest_of).any(|rest| !rest.is_empty()) {
            return Self::Web(text);
        }
        let mail = rest_of("mailto:").map_or(text, |rest| rest.split_once('?').map_or(rest, |(mail, _)| mail));
        let Some((user, host)) = mail.split_once('@') else { return Self::Other };
        let is_host = host.contains('.')
            && !host.starts_with('.')
            && !host.ends_with('.')
            && !host.contains(['@', '/', ':', '?']);
        let is_user = !user.is_empty() && !user.contains(['/', ':', '?', '#', '<', '"']);
        if is_user && is_host { Self::Mail(mail) } else { Self::Other }
    }
}

/// Somebody in a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TeamMemberView {
    /// Who.
    pub person: PersonId,
    /// Login name.
    pub login: String,
    /// For readers.
    pub name: String,
    /// May sign in.
    pub enabled: bool,
    /// Whom to ask first.
    pub is_lead: bool,
}

/// How much names somebody as its owner. What only lies in a domain of theirs is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TeamOwns {
    /// Application domains.
    pub domains: u64,
    /// Designed events, schemas and applications.
    pub designs: u64,
    /// Applications of clients.
    pub applications: u64,
    /// Discovered objects, those that are gone left out.
    pub objects: u64,
}

impl TeamOwns {
    /// All of it.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.domains + self.designs + self.applications + self.objects
    }
}

/// A team to make or change. Another name is given to everything that it owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TeamInput {
    /// Unique name.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
    /// How to reach it, in one line of at most 256 bytes.
    #[serde(default)]
    pub contact: String,
    /// Who is in it; at most 200.
    #[serde(default)]
    pub members: Vec<TeamMemberInput>,
}

/// Somebody in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TeamMemberInput {
    /// Who.
    pub person: PersonId,
    /// Whom to ask first.
    #[serde(default)]
    pub is_lead: bool,
}

/// Which teams.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TeamQuery {
    /// Only with all these words in name, description, contact or the names of members.
    #[serde(default)]
    pub q: Option<String>,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Most rows; default 100, at most 1,000.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// How a team goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TeamRemoval {
    /// The revision that was seen.
    pub revision: i64,
    /// Who owns what it owned: a team, a person, or anybody else. Without it a team that owns something stays.
    #[serde(default)]
    pub hand_to: Option<String>,
}

/// Which of the things that a team owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OwnedQuery {
    /// Only of this kind.
    #[serde(default)]
    pub kind: Option<SearchKind>,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Most rows; default 100, at most 500.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Something that a team owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnedView {
    /// What it is.
    pub kind: SearchKind,
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Its domain, or where it is.
    pub place: String,
    /// It is no longer there.
    pub gone: bool,
}

/// Somebody who can be named as an owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnerChoice {
    /// What is written as the owner: a team's name, or the login name of a person.
    pub name: String,
    /// More for readers: the name of the person, what the team does.
    pub words: String,
    /// The team; none = it is a person.
    #[serde(default)]
    pub team: Option<TeamId>,
    /// The person; none = it is a team.
    #[serde(default)]
    pub person: Option<PersonId>,
}

#[cfg(test)]
mod tests {
    use super::TeamContact::{self, Mail, Other, Web};

    #[test]
    fn addresses_of_mail_and_of_the_web_are_told_and_nothing_else_is() {
        let mail = "tills@shop.example";
        for written in [mail, "mailto:tills@shop.example", "MAILTO:tills@shop.example?subject=tills"] {
            assert_eq!(TeamContact::of(written), Mail(mail), "{written}");
        }
        for address in ["https://chat.example/tills", "HTTP://chat.example"] {
            assert_eq!(TeamContact::of(address), Web(address));
        }
        for other in [
            "",
            "#tills",
            "@ada",
            "ada@",
            "ada at shop.example",
            "javascript:alert(1)@x.example",
            "https://",
            "https://a b",
            "a@b@c.example",
            "chat: tills",
            "mailto:",
            "ünï",
        ] {
            assert_eq!(TeamContact::of(other), Other, "{other}");
        }
    }
}
