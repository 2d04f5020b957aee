//! Findings as the API shows them.

use std::collections::BTreeSet;

use frontend::api::{DesignedAs, DriftAbout, DriftFinding, DriftIgnored, DriftStatus};
use mesh_protocol::report::Direction;

use super::super::shown;
use super::scene::{Row, Study};
use crate::app::catalog::{ObjectKey, href};
use crate::domain::design::drift::{Bound, Decision, Finding, Status, Subject};
use crate::domain::design::{Fit, Object, standing};
use crate::domain::flow::Flow;

/// Names on either side of a finding that are told.
const NAMES_MAX: usize = 5;

pub(super) const fn status(status: Status) -> DriftStatus {
    match status {
        Status::Match => DriftStatus::Match,
        Status::Partial => DriftStatus::Partial,
        Status::DesignOnly => DriftStatus::DesignOnly,
        Status::RuntimeOnly => DriftStatus::RuntimeOnly,
    }
}

pub(super) const fn status_of(status: DriftStatus) -> Status {
    match status {
        DriftStatus::Match => Status::Match,
        DriftStatus::Partial => Status::Partial,
        DriftStatus::DesignOnly => Status::DesignOnly,
        DriftStatus::RuntimeOnly => Status::RuntimeOnly,
    }
}

pub(super) const fn about(finding: &Finding<'_>) -> DriftAbout {
    match finding.subject {
        Subject::Address(_) => DriftAbout::Address,
        Subject::Topic(..) => DriftAbout::Topic,
        Subject::Event(_) => DriftAbout::Event,
        Subject::Schema(_) => DriftAbout::Schema,
        Subject::Application(_) | Subject::Client(_) => DriftAbout::Application,
        Subject::Says(..) | Subject::Does(..) => DriftAbout::Use,
    }
}

/// A finding's id in the API: its key without characters that mean something in a path.
pub(super) fn id(key: &str) -> String {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
    BASE64_URL_SAFE_NO_PAD.encode(key)
}

/// A finding with everything around it.
pub(super) fn finding(row: &Row<'_>, study: &Study<'_>) -> DriftFinding {
    let (domain_name, owner) = study.place(row);
    // Seen from a cluster, what the mesh takes is what is consumed there.
    let is_turned = matches!(row.finding.subject, Subject::Topic(..));
    let from = |direction: Direction| {
        names(row.flows.iter().copied().filter(|flow| (flow.direction == direction) != is_turned))
    };
    DriftFinding {
        id: id(&row.key),
        status: status(row.finding.status),
        about: about(&row.finding),
        name: study.name(row),
        href: page(row, study),
        sentence: row.finding.sentence(),
        domain: row.domain,
        domain_name: domain_name.to_owned(),
        team: study.scene.world.config.team_named(&owner),
        owner,
        sites: sites(row, study),
        broker: row.entry.and_then(|entry| entry.row.broker.clone()),
        rate: row.rate,
        since: since(row),
        freshness: freshness(row, study),
        producers: from(Direction::Produce),
        consumers: from(Direction::Consume),
        designs: row.finding.designs.iter().map(|bound| design(bound, study)).collect(),
        actions: study.actions(row),
        hint: study.hint(row),
        ignored: row.ignored.map(ignored),
    }
}

fn ignored(decision: &Decision) -> DriftIgnored {
    DriftIgnored {
        until: decision.until_ms,
        reason: decision.reason.clone(),
        by: decision.by.clone(),
        at: decision.at_ms,
    }
}

fn design(bound: &Bound<'_>, study: &Study<'_>) -> DesignedAs {
    let version = standing(study.graph.versions(bound.object.id));
    DesignedAs {
        object: bound.object.id,
        name: bound.object.spec.name.clone(),
        kind: shown::kind(bound.object.kind),
        version: version.map(|version| version.id),
        number: version.map(|version| version.spec.number.to_string()).unwrap_or_default(),
        state: version.map(|version| shown::state(version.state)),
        whole: bound.fit == Fit::Whole,
    }
}

/// The object that a finding is about, where it is a designed one.
pub(super) fn designed<'a>(row: &Row<'a>) -> Option<&'a Object> {
    match row.finding.subject {
        Subject::Event(object) | Subject::Schema(object) | Subject::Application(object) => Some(object),
        Subject::Says(object, ..) | Subject::Does(object, ..) => Some(object),
        Subject::Address(_) | Subject::Topic(..) | Subject::Client(_) => None,
    }
}

fn page(row: &Row<'_>, study: &Study<'_>) -> Option<String> {
    if let Some(object) = designed(row) {
        return Some(format!("/designs/{}", object.id));
    }
    match row.finding.subject {
        Subject::Client(name) => {
            let applications = &study.scene.world.config.applications;
            let found = applications.iter().find(|found| found.spec.name == name);
            found.map(|found| href(&ObjectKey::Application(found.id)))
        }
        _ => row.entry.map(|entry| format!("/catalog/{}", entry.row.id)),
    }
}

fn sites(row: &Row<'_>, study: &Study<'_>) -> Vec<String> {
    match row.entry {
        Some(entry) => entry.row.sites.clone(),
        None => {
            let sites: BTreeSet<String> = row.flows.iter().map(|flow| study.scene.world.site_of(flow.agent)).collect();
            sites.into_iter().collect()
        }
    }
}

/// First seen; of what was not, when it was designed.
fn since(row: &Row<'_>) -> Option<i64> {
    let seen = row.entry.and_then(|entry| entry.first_seen);
    let seen = seen.or_else(|| row.flows.iter().map(|flow| flow.first_seen_ms).min());
    seen.or_else(|| designed(row).map(|object| object.created_at_ms))
}

fn freshness(row: &Row<'_>, study: &Study<'_>) -> Option<frontend::api::Freshness> {
    let of_entry = row.entry.and_then(|entry| entry.row.freshness.clone());
    of_entry.or_else(|| {
        let newest = row.flows.iter().max_by_key(|flow| flow.last_seen_ms)?;
        Some(study.scene.world.flow_freshness(newest))
    })
}

fn names<'a>(flows: impl Iterator<Item = &'a Flow>) -> Vec<String> {
    let names: BTreeSet<&str> = flows.map(|flow| flow.principal_name.as_str()).collect();
    names.into_iter().take(NAMES_MAX).map(str::to_owned).collect()
}
