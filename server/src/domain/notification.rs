//! What people have to be told, and whom.
//!
//! A notification says that something happened that somebody may have to act on, or has built on. It is written by the very
//! transaction that makes it happen, so nobody is told of what did not happen, and nothing that happened is kept from them.
//! Who gets it is worked out at that moment ([`Audience`]); who is in a team tomorrow was not asked today.
//!
//! Not here: what somebody may see. The caller leaves out those from whose sight the object is, then and at every look.

use std::collections::BTreeSet;

use mesh_protocol::id::{ApplicationDomainId, NotificationId, PersonId};
use serde::{Deserialize, Serialize};

use super::person::{Person, PortalRole, State};
use super::team::Team;

/// Notifications are kept so long.
pub const KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1000;
/// An agent that is away for so long is told of. Shorter ones heal by themselves, as with a restart.
pub const ABSENCE_MS: i64 = 5 * 60 * 1000;
/// Longest title, in characters; names of what it is about may be long.
pub const TITLE_CHARS_MAX: usize = 200;
/// Longest text, in characters.
pub const TEXT_CHARS_MAX: usize = 2_000;

/// What happened. Names are for life: feeds, webhooks and settings of people hold them. A kind is added here and nowhere
/// else, together with what sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A version waits for somebody to release it.
    #[serde(rename = "design.review_requested")]
    DesignReviewRequested,
    /// A version may be built on, or may again.
    #[serde(rename = "design.released")]
    DesignReleased,
    /// A reviewer asked for changes.
    #[serde(rename = "design.sent_back")]
    DesignSentBack,
    /// A version will stop being served.
    #[serde(rename = "design.deprecated")]
    DesignDeprecated,
    /// A version is gone.
    #[serde(rename = "design.retired")]
    DesignRetired,
    /// A plan, or a change of one, waits for somebody to let others have it.
    #[serde(rename = "plan.review_requested")]
    PlanReviewRequested,
    /// A plan, or a change of one, is offered now.
    #[serde(rename = "plan.accepted")]
    PlanAccepted,
    /// A reviewer asked for changes of a plan.
    #[serde(rename = "plan.sent_back")]
    PlanSentBack,
    /// An agent is away.
    #[serde(rename = "agent.offline")]
    AgentOffline,
    /// An agent that was told of is back.
    #[serde(rename = "agent.back")]
    AgentBack,
    /// An agent refused a policy revision and keeps the one before.
    #[serde(rename = "rollout.rejected")]
    RolloutRejected,
    /// A webhook was switched off, because nobody took its messages.
    #[serde(rename = "webhook.disabled")]
    WebhookDisabled,
    /// Somebody asks for access, or answered what they were asked.
    #[serde(rename = "access.requested")]
    AccessRequested,
    /// Who asked for access has to answer something.
    #[serde(rename = "access.asked")]
    AccessAsked,
    /// A request for access was approved, rejected, or ended without a decision.
    #[serde(rename = "access.decided")]
    AccessDecided,
    /// Access is held back, given again, revoked or over.
    #[serde(rename = "access.changed")]
    AccessChanged,
    /// What an application has access to is about to get another version.
    #[serde(rename = "access.announced")]
    AccessAnnounced,
    /// A request waits for somebody for days.
    #[serde(rename = "access.reminder")]
    AccessReminder,
    /// Access will end.
    #[serde(rename = "access.ending")]
    AccessEnding,
}

impl Kind {
    /// Every kind that something sends.
    pub const ALL: [Self; 19] = [
        Self::DesignReviewRequested,
        Self::DesignReleased,
        Self::DesignSentBack,
        Self::DesignDeprecated,
        Self::DesignRetired,
        Self::PlanReviewRequested,
        Self::PlanAccepted,
        Self::PlanSentBack,
        Self::AgentOffline,
        Self::AgentBack,
        Self::RolloutRejected,
        Self::WebhookDisabled,
        Self::AccessRequested,
        Self::AccessAsked,
        Self::AccessDecided,
        Self::AccessChanged,
        Self::AccessAnnounced,
        Self::AccessReminder,
        Self::AccessEnding,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DesignReviewRequested => "design.review_requested",
            Self::DesignReleased => "design.released",
            Self::DesignSentBack => "design.sent_back",
            Self::DesignDeprecated => "design.deprecated",
            Self::DesignRetired => "design.retired",
            Self::PlanReviewRequested => "plan.review_requested",
            Self::PlanAccepted => "plan.accepted",
            Self::PlanSentBack => "plan.sent_back",
            Self::AgentOffline => "agent.offline",
            Self::AgentBack => "agent.back",
            Self::RolloutRejected => "rollout.rejected",
            Self::WebhookDisabled => "webhook.disabled",
            Self::AccessRequested => "access.requested",
            Self::AccessAsked => "access.asked",
            Self::AccessDecided => "access.decided",
            Self::AccessChanged => "access.changed",
            Self::AccessAnnounced => "access.announced",
            Self::AccessReminder => "access.reminder",
            Self::AccessEnding => "access.ending",
        }
    }

    /// In words, for people who choose.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::DesignReviewRequested => "A version waits for its release",
            Self::DesignReleased => "A version is released",
            Self::DesignSentBack => "A version is sent back to its author",
            Self::DesignDeprecated => "A version is deprecated",
            Self::DesignRetired => "A version is retired",
            Self::PlanReviewRequested => "A plan waits for a reviewer",
            Self::PlanAccepted => "A plan of yours is accepted",
            Self::PlanSentBack => "A plan of yours is sent back",
            Self::AgentOffline => "An agent is away for five minutes",
            Self::AgentBack => "An agent is back",
            Self::RolloutRejected => "An agent refuses a policy revision",
            Self::WebhookDisabled => "A webhook is switched off by the portal",
            Self::AccessRequested => "Somebody asks for access",
            Self::AccessAsked => "A question about your request for access",
            Self::AccessDecided => "Your request for access is decided",
            Self::AccessChanged => "Access is held back, given again or over",
            Self::AccessAnnounced => "What you have access to will get another version",
            Self::AccessReminder => "A request for access waits for you",
            Self::AccessEnding => "Access ends soon",
        }
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::AgentOffline | Self::RolloutRejected | Self::WebhookDisabled => Severity::Bad,
            Self::DesignDeprecated
            | Self::DesignRetired
            | Self::DesignSentBack
            | Self::PlanSentBack
            | Self::AccessChanged
            | Self::AccessReminder
            | Self::AccessEnding => Severity::Warn,
            Self::DesignReviewRequested
            | Self::DesignReleased
            | Self::PlanReviewRequested
            | Self::PlanAccepted
            | Self::AgentBack
            | Self::AccessRequested
            | Self::AccessAsked
            | Self::AccessDecided
            | Self::AccessAnnounced => Severity::Note,
        }
    }

    /// Whether somebody who gets it is asked to do something.
    #[must_use]
    pub const fn asks(self) -> bool {
        matches!(
            self,
            Self::DesignReviewRequested
                | Self::DesignSentBack
                | Self::DesignDeprecated
                | Self::PlanReviewRequested
                | Self::PlanSentBack
                | Self::AgentOffline
                | Self::RolloutRejected
                | Self::WebhookDisabled
                | Self::AccessRequested
                | Self::AccessAsked
                | Self::AccessChanged
                | Self::AccessReminder
                | Self::AccessEnding
        )
    }

    /// The kind of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// To be known.
    Note,
    /// Something will stop working, or somebody waits.
    Warn,
    /// Something does not work.
    Bad,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Stable id; later ones are greater.
    pub id: NotificationId,
    /// Name of its kind. A replica of another version may know more of them.
    pub kind: String,
    /// How bad.
    pub severity: Severity,
    /// What happened, in one line.
    pub title: String,
    /// What to know besides; may be empty.
    pub text: String,
    /// Path of the page that shows it.
    pub link: String,
    /// What it is about: `design`, `agent`...
    pub object_kind: String,
    /// That object's id.
    pub object_id: String,
    /// The domain of that object; none = it is about the mesh as a whole.
    pub domain: Option<ApplicationDomainId>,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// A notification in somebody's feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What.
    pub notification: Notification,
    /// When they read it, milliseconds since the Unix epoch; none = not yet.
    pub read_at_ms: Option<i64>,
}

/// Who is to be told. The default is nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Everybody whose role includes one of these.
    pub roles: Vec<PortalRole>,
    /// Owners and authors by their names: a team is everybody in it, a login name that person. Others are outside.
    pub names: BTreeSet<String>,
    /// These people.
    pub people: BTreeSet<PersonId>,
    /// Login names of those who know already, such as whoever does it.
    pub except: BTreeSet<String>,
}

impl Audience {
    /// The people it is, of those who may sign in.
    #[must_use]
    pub fn of<'a>(&self, people: &'a [Person], teams: &[Team]) -> Vec<&'a Person> {
        let named = teams.iter().filter(|team| self.names.contains(&team.spec.name));
        let members: BTreeSet<PersonId> =
            named.flat_map(|team| &team.spec.members).map(|member| member.person).collect();
        let is_told = |person: &&Person| {
            person.state == State::Enabled
                && !self.except.contains(&person.username)
                && (self.roles.iter().any(|role| person.role.includes(*role))
                    || self.names.contains(&person.username)
                    || members.contains(&person.id)
                    || self.people.contains(&person.id))
        };
        people.iter().filter(is_told).collect()
    }

    /// Adds a name unless it is empty, as that of an owner whom nobody named.
    pub fn name(&mut self, name: &str) {
        if !name.is_empty() {
            self.names.insert(name.to_owned());
        }
    }
}

/// A text that fits, with an ellipsis where it was cut.
#[must_use]
pub fn fitted(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use mesh_protocol::id::TeamId;
    use uuid::Uuid;

    use super::super::team::{Member, Spec};
    use super::*;

    fn person(number: u128, username: &str, role: PortalRole) -> Person {
        Person {
            id: Uuid::from_u128(number).into(),
            username: username.into(),
            display_name: username.to_uppercase(),
            role,
            domains: Vec::new(),
            state: State::Enabled,
            revision: 1,
            created_at_ms: 1,
            login_at_ms: None,
        }
    }

    fn team(name: &str, members: &[u128]) -> Team {
        let member = |number: &u128| Member { person: Uuid::from_u128(*number).into(), is_lead: false };
        let spec = Spec { name: name.into(), members: members.iter().map(member).collect(), ..Spec::default() };
        Team { id: TeamId(Uuid::nil()), spec, revision: 1, updated_at_ms: 1, updated_by: "ada".into() }
    }

    fn told(audience: &Audience) -> Vec<String> {
        let mut people = vec![
            person(1, "ada", PortalRole::Admin),
            person(2, "bob", PortalRole::Approver),
            person(3, "eve", PortalRole::Developer),
            person(4, "kim", PortalRole::Operator),
            person(5, "gone", PortalRole::Admin),
        ];
        people[4].state = State::Disabled;
        let teams = [team("tills", &[3, 5]), team("other", &[4])];
        audience.of(&people, &teams).into_iter().map(|person| person.username.clone()).collect()
    }

    #[test]
    fn people_are_told_by_role_by_team_by_name_and_by_themselves_once_each() {
        let mut audience = Audience { roles: vec![PortalRole::Approver], ..Audience::default() };
        assert_eq!(told(&audience), ["ada", "bob"], "an operator is no approver, and who is disabled is told nothing");
        audience.name("tills");
        assert_eq!(told(&audience), ["ada", "bob", "eve"]);
        audience.name("kim");
        audience.name("");
        audience.name("a partner");
        audience.people.insert(Uuid::from_u128(3).into());
        assert_eq!(told(&audience), ["ada", "bob", "eve", "kim"]);
        audience.except.insert("bob".into());
        assert_eq!(told(&audience), ["ada", "eve", "kim"], "who does it knows it");
        assert_eq!(told(&Audience::default()), [""; 0]);
    }

    #[test]
    fn a_kind_has_the_same_name_in_the_database_and_for_people() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("a name"), kind.name());
            assert_eq!(Kind::by_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::by_name("design.eaten"), None);
    }

    #[test]
    fn what_is_too_long_is_cut_between_letters() {
        assert_eq!(fitted("short", 5), "short");
        assert_eq!(fitted("größere Sache", 8), "größere…");
    }
}
