//! The quorum that keeps the cluster's metadata.

use kafka_protocol::messages::DescribeQuorumRequest;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::describe_quorum_response::{PartitionData as Answer, ReplicaState};
use kafka_protocol::protocol::StrBytes;
use mesh_protocol::report::{QuorumFacts, QuorumReplica};

use super::{Lines, Told, describe_cluster};
use crate::kafka::wire::refusal;

/// The log in which the metadata is.
const METADATA: &str = "__cluster_metadata";

pub(super) async fn quorum(lines: &mut Lines<'_>) -> Told<Option<QuorumFacts>> {
    let topic = TopicData::default()
        .with_topic_name(StrBytes::from_static_str(METADATA).into())
        .with_partitions(vec![PartitionData::default()]);
    let answer = match lines.ask_any(&DescribeQuorumRequest::default().with_topics(vec![topic])).await {
        Ok(answer) => answer,
        Err(why) => return why.into(),
    };
    if let Some(error) = refusal(answer.error_code) {
        return Told::from_error(error, describe_cluster());
    }
    let partition = answer.topics.into_iter().flat_map(|topic| topic.partitions).next();
    match partition.map(|partition| (refusal(partition.error_code), partition)) {
        Some((None, partition)) => Told::Is(Some(facts(&partition))),
        Some((Some(error), _)) => Told::from_error(error, describe_cluster()),
        None => Told::Is(None),
    }
}

fn facts(partition: &Answer) -> QuorumFacts {
    let all = || partition.current_voters.iter().chain(&partition.observers);
    let leader = all().find(|replica| replica.replica_id == partition.leader_id);
    let end = leader.map_or(partition.high_watermark, |leader| leader.log_end_offset);
    let told_at = leader.map(|leader| leader.last_caught_up_timestamp).filter(|at| *at >= 0);
    let replica = |replica: &ReplicaState| QuorumReplica {
        id: replica.replica_id.0,
        lag_records: (end - replica.log_end_offset).max(0),
        behind_seconds: told_at
            .filter(|_| replica.last_caught_up_timestamp >= 0)
            .map(|at| (at - replica.last_caught_up_timestamp).max(0) / 1000),
    };
    let sorted = |replicas: &[ReplicaState]| {
        let mut replicas: Vec<_> = replicas.iter().map(replica).collect();
        replicas.sort_by_key(|replica| replica.id);
        replicas
    };
    QuorumFacts {
        leader: partition.leader_id.0,
        epoch: partition.leader_epoch,
        voters: sorted(&partition.current_voters),
        observers: sorted(&partition.observers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_behind_is_measured_by_the_leader() {
        let state = |id: i32, end: i64, caught_up: i64| {
            ReplicaState::default()
                .with_replica_id(id.into())
                .with_log_end_offset(end)
                .with_last_caught_up_timestamp(caught_up)
        };
        let answer = Answer::default()
            .with_leader_id(2.into())
            .with_leader_epoch(7)
            .with_high_watermark(90)
            .with_current_voters(vec![state(3, 95, 60_000), state(2, 100, 65_500)])
            .with_observers(vec![state(4, 0, -1)]);
        let quorum = facts(&answer);
        assert_eq!((quorum.leader, quorum.epoch), (2, 7));
        let told: Vec<_> =
            quorum.voters.iter().map(|voter| (voter.id, voter.lag_records, voter.behind_seconds)).collect();
        assert_eq!(told, [(2, 0, Some(0)), (3, 5, Some(5))]);
        assert_eq!((quorum.observers[0].lag_records, quorum.observers[0].behind_seconds), (100, None));
    }
}
