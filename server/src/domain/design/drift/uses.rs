//! Who uses which events: what applications say of themselves beside what their clients were seen doing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use mesh_protocol::topic::Filter;

use super::super::{Content, Fit, Kind, Object, fit, topics};
use super::{Bound, Finding, Meant, Seen, SeenUse, Side, Status, Subject};

/// An event that an application says it uses.
struct Said<'a> {
    side: Side,
    event: &'a Object,
    /// Its topics, and its address as it was written.
    filter: Filter,
    address: String,
}

pub(super) fn findings<'a>(meant: &Meant<'a>, seen: &Seen<'a>) -> Vec<Finding<'a>> {
    let mut by_name: HashMap<&str, Vec<&SeenUse<'a>>> = HashMap::new();
    for done in &seen.uses {
        by_name.entry(done.application).or_default().push(done);
    }
    let mut found = Vec::new();
    let mut designed = HashSet::new();
    for application in meant.of_kind(Kind::Application) {
        let Some(said) = said(application, meant) else { continue };
        designed.insert(application.spec.name.as_str());
        if seen.clients.contains(application.spec.name.as_str()) {
            let done = by_name.get(application.spec.name.as_str()).map(Vec::as_slice).unwrap_or_default();
            found.extend(of_application(application, &said, done));
        } else {
            found.push(finding(Subject::Application(application), Status::DesignOnly, Vec::new(), String::new()));
        }
    }
    let used: BTreeSet<&str> = by_name.keys().copied().filter(|name| !designed.contains(name)).collect();
    found.extend(
        used.into_iter().map(|name| finding(Subject::Client(name), Status::RuntimeOnly, Vec::new(), String::new())),
    );
    found
}

/// What an application says; none = no version of it stands.
fn said<'a>(application: &Object, meant: &Meant<'a>) -> Option<Vec<Said<'a>>> {
    let Content::Application(content) = &meant.standing(application)?.spec.content else { return None };
    let publishes = content.publishes.iter().map(|id| (Side::Publish, id));
    let all = publishes.chain(content.consumes.iter().map(|id| (Side::Consume, id)));
    // Two versions of one event are one use of it, at both of their addresses.
    let said = all.filter_map(|(side, id)| {
        let version = meant.graph.version(*id)?;
        let Content::Event(event) = &version.spec.content else { return None };
        Some(Said {
            side,
            event: meant.graph.object(version.object)?,
            filter: topics(version)?,
            address: event.address.clone(),
        })
    });
    Some(said.collect())
}

fn of_application<'a>(application: &'a Object, said: &[Said<'a>], done: &[&SeenUse<'a>]) -> Vec<Finding<'a>> {
    let mut found = Vec::new();
    let mut by_event: BTreeMap<_, Vec<&Said<'a>>> = BTreeMap::new();
    for one in said {
        by_event.entry((one.side, one.event.id)).or_default().push(one);
    }
    for ((side, _), versions) in by_event {
        let event = versions[0].event;
        let is_done = |one: &&Said<'_>| done.iter().any(|done| done.side == side && done.filter.overlaps(&one.filter));
        let status = if versions.iter().any(is_done) { Status::Match } else { Status::DesignOnly };
        let meant = versions.iter().map(|one| one.address.as_str()).collect::<BTreeSet<_>>();
        let meant = meant.into_iter().collect::<Vec<_>>().join(" ");
        found.push(finding(Subject::Says(application, side, event), status, Vec::new(), meant));
    }
    for done in done {
        let fits = said.iter().filter(|one| one.side == done.side).filter_map(|one| {
            let fit = fit(&one.filter, done.filter)?;
            Some(Bound { fit, object: one.event })
        });
        let designs: Vec<Bound<'a>> = fits.collect();
        if designs.iter().any(|bound| bound.fit == Fit::Whole) {
            continue;
        }
        let status = if designs.is_empty() { Status::RuntimeOnly } else { Status::Partial };
        found.push(finding(Subject::Does(application, done.side, done.address), status, designs, String::new()));
    }
    found
}

fn finding<'a>(subject: Subject<'a>, status: Status, designs: Vec<Bound<'a>>, meant: String) -> Finding<'a> {
    Finding { subject, status, designs, meant }
}
