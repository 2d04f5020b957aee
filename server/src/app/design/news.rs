//! Who is told when a version takes a step, and what.
//!
//! Whoever may release it is asked for a review; its author hears what became of it; who watches it hears of every step
//! that others see; and whoever answers for what is built on it, or for an application that has access to it, hears of that
//! unasked: those with access before another version is released.

use std::collections::BTreeSet;

use mesh_protocol::id::PersonId;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::Designs;
use crate::app::notification::{About, News};
use crate::domain::application_domain::{self, ApplicationDomain};
use crate::domain::design::{Graph, Object, State, Version};
use crate::domain::notification::{Audience, Kind};
use crate::domain::person::PortalRole;

const DATE: &[BorrowedFormatItem<'_>] = format_description!(version = 2, "[year]-[month]-[day]");

/// A step that was taken.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Step<'a> {
    /// Where it was.
    pub(in crate::app) from: State,
    /// The version as it is now.
    pub(in crate::app) version: &'a Version,
    /// As people call the version.
    pub(in crate::app) label: &'a str,
    /// Who took it.
    pub(in crate::app) by: &'a str,
    /// Who watches its object.
    pub(in crate::app) watchers: &'a [PersonId],
    /// Who answers for applications that have access to its object.
    pub(in crate::app) holders: &'a [String],
}

impl Step<'_> {
    /// What there is to tell of it; none of a step that nobody waits for.
    pub(in crate::app) fn news<'d>(&self, designs: &'d Designs, domains: &[ApplicationDomain]) -> Option<News<'d>> {
        let (version, label, graph) = (self.version, self.label, designs.graph());
        let object = designs.object(version.object).ok()?;
        let (kind, title) = match (self.from, version.state) {
            (State::Draft, State::InReview) => (Kind::DesignReviewRequested, format!("{label} waits for its release")),
            (State::InReview, State::Draft) => (Kind::DesignSentBack, format!("{label} was sent back")),
            (State::Deprecated, State::Released) => (Kind::DesignReleased, format!("{label} is deprecated no longer")),
            (_, State::Released) => (Kind::DesignReleased, format!("{label} is released")),
            (_, State::Deprecated) => (Kind::DesignDeprecated, format!("{label} is deprecated")),
            (_, State::Retired) => (Kind::DesignRetired, format!("{label} is retired")),
            (_, State::Draft | State::InReview) => return None,
        };
        Some(News {
            kind,
            title,
            text: self.text(kind, &graph),
            link: format!("/designs/{}/versions/{}", object.id, version.id),
            about: About::Design(object),
            audience: self.audience(kind, object, &graph, domains),
        })
    }

    /// What is told, before it is released, to those who have access to an earlier version: `served` is that version, with
    /// how they differ.
    pub(in crate::app) fn announcement<'d>(
        &self,
        designs: &'d Designs,
        (served, difference): (&Version, &str),
    ) -> Option<News<'d>> {
        let (version, object) = (self.version, designs.object(self.version.object).ok()?);
        let mut audience = Audience { except: BTreeSet::from([self.by.to_owned()]), ..Audience::default() };
        self.holders.iter().for_each(|owner| audience.name(owner));
        let number = served.spec.number;
        Some(News {
            kind: Kind::AccessAnnounced,
            title: format!("{} is on its way", self.label),
            text: format!("An application of yours has access to {} {number}. {difference}", object.spec.name),
            link: format!("/asyncapi/diff?from={}&to={}", served.id, version.id),
            about: About::Design(object),
            audience,
        })
    }

    fn text(&self, kind: Kind, graph: &Graph<'_>) -> String {
        let (version, by) = (self.version, self.by);
        let mut said = match kind {
            Kind::DesignReviewRequested => vec![format!("{by} asks for a review.")],
            Kind::DesignSentBack => vec![format!("{by} asks for changes.")],
            _ => vec![format!("By {by}.")],
        };
        if kind == Kind::DesignDeprecated {
            said.extend(version.spec.end_of_life_at_ms.and_then(date).map(|day| format!("It is served until {day}.")));
            let instead = version.spec.replacement.map(|id| format!("Use {} in its place.", graph.label(id)));
            said.extend(instead);
        }
        if !version.state_reason.is_empty() {
            said.push(version.state_reason.clone());
        } else if matches!(kind, Kind::DesignReviewRequested | Kind::DesignReleased) {
            said.extend(Some(version.spec.description.clone()).filter(|text| !text.is_empty()));
        }
        said.join(" ")
    }

    fn audience(&self, kind: Kind, object: &Object, graph: &Graph<'_>, domains: &[ApplicationDomain]) -> Audience {
        let mut audience = Audience { except: BTreeSet::from([self.by.to_owned()]), ..Audience::default() };
        answering(&mut audience, object, domains);
        if kind == Kind::DesignReviewRequested {
            audience.roles.push(PortalRole::Approver);
            // Nobody releases what they wrote themselves.
            audience.except.insert(self.version.created_by.clone());
            return audience;
        }
        audience.name(&self.version.created_by);
        audience.people.extend(self.watchers);
        if kind != Kind::DesignSentBack {
            self.holders.iter().for_each(|owner| audience.name(owner));
        }
        let built_upon: Vec<&Version> = match kind {
            // Something newer is there for whoever built on any of them.
            Kind::DesignReleased => graph.versions(object.id).to_vec(),
            Kind::DesignDeprecated | Kind::DesignRetired => vec![self.version],
            _ => Vec::new(),
        };
        let users = built_upon.iter().flat_map(|version| graph.used_by(version.id));
        for user in users.filter(|user| user.state != State::Retired) {
            if let Some(object) = graph.object(user.object) {
                answering(&mut audience, object, domains);
                audience.name(&user.created_by);
            }
        }
        audience
    }
}

/// Who answers for a design: its owner or that of its domain, and the people it names.
fn answering(audience: &mut Audience, object: &Object, domains: &[ApplicationDomain]) {
    if object.spec.owner.is_empty() {
        let domain = domains.iter().find(|domain| domain.id == object.spec.domain);
        audience.name(domain.map(|domain| application_domain::owner(domain, domains)).unwrap_or_default());
    } else {
        audience.name(&object.spec.owner);
    }
    object.spec.people.iter().for_each(|login| audience.name(login));
}

fn date(at_ms: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(at_ms.div_euclid(1_000)).ok()?.format(DATE).ok()
}
