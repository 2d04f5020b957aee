//! What a cluster says of itself: brokers with their disks, and the quorum that keeps its metadata.

use leptos::prelude::*;
use mesh_protocol::report::{BrokerNode, ClusterFacts, LogDirFacts, QuorumFacts, QuorumReplica};

use super::facts::ROWS_MAX;
use crate::components::{Part, Table};
use crate::format;

/// Brokers, then the quorum.
pub(super) fn cluster_facts(cluster: &ClusterFacts, stamp: Option<AnyView>) -> AnyView {
    let rows = cluster
        .brokers
        .iter()
        .take(ROWS_MAX)
        .map(|broker| {
            let controller = (cluster.controller == Some(broker.id)).then_some("controller");
            view! {
                <tr>
                    <td class="m-num">{broker.id}</td>
                    <td class="m-mono">{broker.address.clone()}</td>
                    <td class="m-muted">{controller}</td>
                    <td class="m-end m-num">{used(&broker.log_dirs)}</td>
                    <td class="m-low m-end m-num m-muted">{free(&broker.log_dirs)}</td>
                    <td class="m-low">{dirs(broker)}</td>
                </tr>
            }
        })
        .collect_view();
    let size: u64 = cluster.brokers.iter().flat_map(|broker| &broker.log_dirs).map(|dir| dir.used_bytes).sum();
    let whole = cluster.brokers.iter().all(|broker| !broker.log_dirs.is_empty());
    let size = match (size, whole) {
        (0, false) => String::new(),
        (size, true) => format!(", {} on disk", format::bytes(size)),
        (size, false) => format!(", at least {} on disk", format::bytes(size)),
    };
    let note = format!("{}, cluster id {}{size}", format::plural(cluster.brokers.len(), "broker"), cluster.cluster_id);
    view! {
        <Part title="Brokers" note=note acts=stamp.into_any() flush=true>
            <Table
                label="Brokers"
                class=""
                heads=&[
                    ("Node", ""),
                    ("Address", ""),
                    ("Role", ""),
                    ("Logs", "m-end"),
                    ("Free", "m-low m-end"),
                    ("Folders", "m-low"),
                ]
            >
                {rows}
            </Table>
        </Part>
        {cluster.quorum.as_ref().map(quorum)}
    }
    .into_any()
}

fn used(dirs: &[LogDirFacts]) -> String {
    if dirs.is_empty() {
        return "unknown".to_owned();
    }
    format::bytes(dirs.iter().map(|dir| dir.used_bytes).sum())
}

/// Of all folders, unless one does not tell. Two folders may share a volume: then the smallest is what there is.
fn free(dirs: &[LogDirFacts]) -> String {
    let free: Option<Vec<u64>> = dirs.iter().map(|dir| dir.usable_bytes).collect();
    match free.filter(|free| !free.is_empty()) {
        None => "unknown".to_owned(),
        Some(free) if free.len() == 1 => format::bytes(free[0]),
        Some(free) => format!("{} at least", format::bytes(free.into_iter().min().unwrap_or_default())),
    }
}

fn dirs(broker: &BrokerNode) -> AnyView {
    broker
        .log_dirs
        .iter()
        .map(|dir| match &dir.error {
            Some(error) => view! { <span class="m-bad">{format!("{}: {error} ", dir.path)}</span> }.into_any(),
            None => view! { <span class="m-mono m-muted">{format!("{} ", dir.path)}</span> }.into_any(),
        })
        .collect_view()
        .into_any()
}

/// How far a node of the quorum is.
fn standing(replica: &QuorumReplica, leader: i32) -> String {
    match (replica.lag_records, replica.behind_seconds) {
        _ if replica.id == leader => "leads".to_owned(),
        (0, _) => "abreast".to_owned(),
        (records, None) => format!("{} records behind, never abreast", format::count(records.max(0).unsigned_abs())),
        (records, Some(seconds)) => {
            let records = format::count(records.max(0).unsigned_abs());
            format!("{records} records, {} behind", format::age(seconds.saturating_mul(1000)))
        }
    }
}

fn quorum(quorum: &QuorumFacts) -> AnyView {
    let voters = quorum.voters.iter().map(|replica| (replica, "votes"));
    let observers = quorum.observers.iter().map(|replica| (replica, "follows"));
    let rows = voters
        .chain(observers)
        .take(ROWS_MAX)
        .map(|(replica, role)| {
            let standing = standing(replica, quorum.leader);
            let late = replica.lag_records > 0 && replica.id != quorum.leader;
            view! {
                <tr>
                    <td class="m-num">{replica.id}</td>
                    <td class="m-muted">{role}</td>
                    <td class:m-warn=late>{standing}</td>
                </tr>
            }
        })
        .collect_view();
    let note = format!(
        "node {} leads in epoch {}; {}, {}",
        quorum.leader,
        quorum.epoch,
        format::plural(quorum.voters.len(), "voter"),
        format::plural(quorum.observers.len(), "observer")
    );
    view! {
        <Part title="Metadata quorum" note=note flush=true>
            <Table label="Metadata quorum" class="" heads=&[("Node", ""), ("Role", ""), ("How far", "")]>{rows}</Table>
        </Part>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_room_is_not_guessed() {
        let dir = |usable_bytes| LogDirFacts { usable_bytes, ..LogDirFacts::default() };
        assert_eq!(free(&[]), "unknown");
        assert_eq!(free(&[dir(Some(1024)), dir(None)]), "unknown");
        assert_eq!(free(&[dir(Some(1024))]), "1.0 KB");
        assert_eq!(free(&[dir(Some(2048)), dir(Some(1024))]), "1.0 KB at least");
    }

    #[test]
    fn a_node_that_lags_says_how_far() {
        let replica = |lag_records, behind_seconds| QuorumReplica { id: 2, lag_records, behind_seconds };
        assert_eq!(standing(&replica(0, Some(0)), 2), "leads");
        assert_eq!(standing(&replica(0, Some(0)), 1), "abreast");
        assert_eq!(standing(&replica(1200, Some(90)), 1), "1,200 records, 1 min behind");
        assert_eq!(standing(&replica(5, None), 1), "5 records behind, never abreast");
    }
}
