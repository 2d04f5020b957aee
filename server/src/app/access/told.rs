//! Who is told of requests and grants: those who may decide, and those who asked.

use std::collections::BTreeSet;

use crate::app::notification::{About, News};
use crate::domain::access::grant::{Grant, State as OfGrant};
use crate::domain::access::request::{Act, Request, State};
use crate::domain::design::Object;
use crate::domain::notification::{Audience, Kind};
use crate::domain::person::PortalRole;

/// What a request is about, in the words of its notifications.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    /// Name of the application.
    pub(super) application: &'a str,
    /// What it would have access to.
    pub(super) target: &'a Object,
    /// Who answers for that; empty = nobody.
    pub(super) owner: &'a str,
}

impl<'a> Subject<'a> {
    pub(super) fn words(self) -> String {
        format!("{} to {}", self.application, self.target.spec.name)
    }

    /// What happened last to a request; none = nobody has to know.
    pub(super) fn of_request(self, request: &Request) -> Option<News<'a>> {
        let last = request.steps.last();
        let by = last.map_or(request.created_by.as_str(), |step| step.by.as_str());
        let reason = last.map(|step| step.reason.clone()).unwrap_or_default();
        let words = self.words();
        let (kind, title, text) = match (last.map(|step| &step.act), request.state) {
            (None, State::Pending) => {
                (Kind::AccessRequested, format!("{by} asks for access of {words}"), request.purpose.clone())
            }
            (Some(Act::Answer), _) => (Kind::AccessRequested, format!("{by} answered about access of {words}"), reason),
            (Some(Act::Delegate(_)), _) => {
                (Kind::AccessRequested, format!("{by} has you decide about access of {words}"), reason)
            }
            (Some(Act::Ask), _) => (Kind::AccessAsked, format!("{by} asks about access of {words}"), reason),
            (Some(Act::Approve), State::Approved) => {
                (Kind::AccessDecided, format!("{by} gave access of {words}"), reason)
            }
            (Some(Act::Reject), _) => (Kind::AccessDecided, format!("{by} rejected access of {words}"), reason),
            (Some(Act::Expire), _) => (Kind::AccessDecided, format!("Nobody decided about access of {words}"), reason),
            // An approval that is not the last, and what somebody takes back themselves.
            _ => return None,
        };
        let mut audience = Audience { except: BTreeSet::from([by.to_owned()]), ..Audience::default() };
        match (kind, &request.decider) {
            (Kind::AccessRequested, Some(decider)) => audience.name(decider),
            (Kind::AccessRequested, None) => {
                audience.roles.push(PortalRole::Approver);
                audience.except.insert(request.created_by.clone());
            }
            _ => audience.name(&request.created_by),
        }
        let link = format!("/inbox/{}", request.id);
        Some(News { kind, title, text, link, about: About::Design(self.target), audience })
    }

    /// What became of a grant.
    pub(super) fn of_grant(self, grant: &Grant, asked_by: &str, application_owner: &str) -> News<'a> {
        let did = match grant.state {
            OfGrant::Active => "is given again",
            OfGrant::Suspended => "is held back",
            OfGrant::Revoked => "is revoked",
            OfGrant::Expired => "is over",
        };
        let mut audience = Audience { except: BTreeSet::from([grant.updated_by.clone()]), ..Audience::default() };
        for name in [asked_by, application_owner, self.owner] {
            audience.name(name);
        }
        News {
            kind: Kind::AccessChanged,
            title: format!("Access of {} {did}", self.words()),
            text: grant.reason.clone(),
            link: format!("/access/{}", grant.id),
            about: About::Design(self.target),
            audience,
        }
    }
}
