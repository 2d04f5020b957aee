//! What the broker says of an object: partitions and settings of a topic, members and lag of a group, brokers of a
//! cluster. Long lists are cut, and say so.

use std::collections::BTreeMap;

use leptos::prelude::*;
use mesh_protocol::report::{GroupFacts, ObjectFacts, OffsetFacts, PartitionFacts, TopicFacts, TransactionFacts};

use super::cluster::cluster_facts;
use super::flows::Uses;
use super::{mqtt, rabbit, surveyed};

use crate::components::{Age, Part, Stamp, Table};
use crate::format;

/// Rows that are drawn of a list; a topic may have thousands of partitions.
pub(super) const ROWS_MAX: usize = 200;

/// The facts with their stamp.
#[component]
pub(super) fn Facts(
    /// What the broker says.
    facts: ObjectFacts,
    /// When, and which agent asked.
    seen: Option<crate::api::Freshness>,
    /// Who uses the versions of a subject.
    uses: Uses,
) -> impl IntoView {
    let stamp = move || seen.map(|seen| view! { <Stamp at_ms=seen.as_of by=seen.by/> }.into_any());
    match facts {
        ObjectFacts::Topic(topic) => topic_facts(&topic, stamp()),
        ObjectFacts::Group(group) => group_facts(&group, stamp()),
        ObjectFacts::Cluster(cluster) => cluster_facts(&cluster, stamp()),
        ObjectFacts::Transaction(transaction) => transaction_facts(&transaction, stamp()),
        ObjectFacts::Registry(registry) => surveyed::registry_facts(&registry, stamp()),
        ObjectFacts::Subject(subject) => surveyed::subject_facts(&subject, &uses, stamp()),
        ObjectFacts::Connect(connect) => surveyed::connect_facts(&connect, stamp()),
        ObjectFacts::ConnectConnector(connector) => surveyed::connector_facts(&connector, stamp()),
        ObjectFacts::Rabbit(rabbit) => rabbit::cluster_facts(&rabbit, stamp()),
        ObjectFacts::RabbitExchange(exchange) => rabbit::exchange_facts(&exchange, stamp()),
        ObjectFacts::RabbitQueue(queue) => rabbit::queue_facts(&queue, stamp()),
        ObjectFacts::RabbitUser(user) => rabbit::user_facts(&user, stamp()),
        ObjectFacts::Mqtt(mqtt) => mqtt::broker_facts(&mqtt, stamp()),
        ObjectFacts::MqttAddress(address) => mqtt::address_facts(address, stamp()),
        // They are told around the objects they are about.
        ObjectFacts::Acl(_) | ObjectFacts::Quota(_) | ObjectFacts::ScramUser(_) | ObjectFacts::Unknown => ().into_any(),
    }
}

pub(super) fn cut(count: usize) -> Option<AnyView> {
    (count > ROWS_MAX).then(|| {
        let text = format!("The first {ROWS_MAX} of {}; the REST API has all of them.", format::count(count as u64));
        view! { <p class="m-tail">{text}</p> }.into_any()
    })
}

/// Records that are kept, as far as the offsets tell.
fn kept(partitions: &[PartitionFacts]) -> Option<u64> {
    let each = partitions.iter().map(|partition| Some(partition.high? - partition.low?));
    each.sum::<Option<i64>>().map(|records| records.max(0).unsigned_abs())
}

/// What is wrong with a partition.
fn trouble(partition: &PartitionFacts) -> Option<String> {
    let missing = partition.replicas.len().saturating_sub(partition.in_sync.len());
    match (partition.leader, missing) {
        (None, _) => Some("offline: no leader".to_owned()),
        (_, 0) => None,
        (_, missing) => Some(format!("{missing} of {} replicas behind", partition.replicas.len())),
    }
}

fn numbers(ids: &[i32]) -> String {
    ids.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")
}

fn number(value: Option<i64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| format::count(value.max(0).unsigned_abs()))
}

fn topic_facts(topic: &TopicFacts, stamp: Option<AnyView>) -> AnyView {
    let count = topic.partitions.len();
    let kept = kept(&topic.partitions).map(|records| format!(", {} records kept", format::count(records)));
    let size = topic.disk_bytes.map(|bytes| format!(", {} on disk with all replicas", format::bytes(bytes)));
    let (kept, size) = (kept.unwrap_or_default(), size.unwrap_or_default());
    let note = format!("{}{kept}{size}", format::plural(count, "partition"));
    let rows = topic
        .partitions
        .iter()
        .take(ROWS_MAX)
        .map(|partition| {
            let state = match trouble(partition) {
                Some(trouble) => view! { <span class="m-bad">{trouble}</span> }.into_any(),
                None => view! { <span class="m-muted">"in sync"</span> }.into_any(),
            };
            view! {
                <tr>
                    <td class="m-num">{partition.id}</td>
                    <td class="m-num">{partition.leader.map_or_else(|| "none".to_owned(), |leader| leader.to_string())}</td>
                    <td class="m-low m-num m-muted">{numbers(&partition.replicas)}</td>
                    <td>{state}</td>
                    <td class="m-low m-end m-num m-muted">{number(partition.low)}</td>
                    <td class="m-end m-num">{number(partition.high)}</td>
                    <td class="m-low m-end m-num m-muted">{size_of(partition.bytes)}</td>
                </tr>
            }
        })
        .collect_view();
    let settings = settings(&topic.configs);
    view! {
        <Part title="Partitions" note=note acts=stamp.into_any() flush=true>
            <Table
                label="Partitions"
                class=""
                heads=&[
                    ("Partition", ""),
                    ("Leader", ""),
                    ("Replicas", "m-low"),
                    ("State", ""),
                    ("Oldest offset", "m-low m-end"),
                    ("Next offset", "m-end"),
                    ("Size", "m-low m-end"),
                ]
            >
                {rows}
            </Table>
            {cut(count)}
        </Part>
        {producers(topic)}
        {settings}
    }
    .into_any()
}

/// Bytes of one copy.
fn size_of(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "unknown".to_owned(), format::bytes)
}

/// Who writes to it, as far as the brokers remember.
fn producers(topic: &TopicFacts) -> AnyView {
    if topic.producers.is_empty() {
        return ().into_any();
    }
    let rows = topic
        .producers
        .iter()
        .map(|producer| {
            let name = producer.transactional_id.clone().unwrap_or_else(|| "no transactional id".to_owned());
            view! {
                <tr>
                    <td class="m-num">{producer.producer_id}</td>
                    <td class="m-mono" class:m-faint=producer.transactional_id.is_none()>{name}</td>
                    <td class="m-low m-end m-num m-muted">{producer.epoch}</td>
                    <td class="m-low m-end m-num m-muted">{producer.partitions}</td>
                    <td>{producer.in_transaction.then_some("in a transaction")}</td>
                    <td class="m-end m-muted"><Age at_ms=producer.last_ms/></td>
                </tr>
            }
        })
        .collect_view();
    let left_out = topic.producers_left_out;
    let note = if left_out > 0 {
        format!("the latest of {} that the brokers remember", format::count(topic.producers.len() as u64 + left_out))
    } else {
        "that the brokers remember: idempotent ones, for a day".to_owned()
    };
    view! {
        <Part title="Producers in the cluster" note=note flush=true>
            <Table
                label="Producers in the cluster"
                class=""
                heads=&[
                    ("Producer id", ""),
                    ("Transactional id", ""),
                    ("Epoch", "m-low m-end"),
                    ("Partitions", "m-low m-end"),
                    ("Now", ""),
                    ("Wrote", "m-end"),
                ]
            >
                {rows}
            </Table>
        </Part>
    }
    .into_any()
}

fn transaction_facts(transaction: &TransactionFacts, stamp: Option<AnyView>) -> AnyView {
    let written: Vec<String> =
        transaction.partitions.iter().map(|(topic, partitions)| format!("{topic}: {}", numbers(partitions))).collect();
    let TransactionFacts { producer_id, coordinator, started_ms, timeout_ms, .. } = *transaction;
    let state = transaction.state.clone();
    view! {
        <Part title="Transaction" acts=stamp.into_any()>
            <dl class="m-facts">
                <dt>"State"</dt>
                <dd>{state}</dd>
                <dt>"Producer id"</dt>
                <dd class="m-num">{producer_id}</dd>
                <dt>"Coordinator"</dt>
                <dd class="m-num">{format!("broker {}", coordinator)}</dd>
                {started_ms.map(|at| view! { <dt>"Open for"</dt><dd><Age at_ms=Some(at)/></dd> })}
                {timeout_ms.map(|limit| view! { <dt>"Ends at the latest after"</dt><dd>{format::age(limit)}</dd> })}
                {(!written.is_empty()).then(|| view! { <dt>"Has written to"</dt><dd class="m-mono">{written.join("; ")}</dd> })}
            </dl>
        </Part>
    }
    .into_any()
}

fn settings(configs: &BTreeMap<String, String>) -> AnyView {
    if configs.is_empty() {
        return view! {
            <Part title="Settings"><p class="m-small m-muted">"All as the broker's defaults, or the agent may not read them."</p></Part>
        }
        .into_any();
    }
    let rows = configs
        .iter()
        .map(|(name, value)| {
            view! {
                <dt class="m-mono">{name.clone()}</dt>
                <dd class="m-mono">{value.clone()}</dd>
            }
        })
        .collect_view();
    view! {
        <Part title="Settings" note="that differ from the broker's defaults"><dl class="m-facts">{rows}</dl></Part>
    }
    .into_any()
}

fn assigned(assigned: &BTreeMap<String, Vec<i32>>) -> String {
    let each: Vec<String> =
        assigned.iter().map(|(topic, partitions)| format!("{topic}: {}", numbers(partitions))).collect();
    if each.is_empty() { "nothing".to_owned() } else { each.join("; ") }
}

fn group_facts(group: &GroupFacts, stamp: Option<AnyView>) -> AnyView {
    let members = group
        .members
        .iter()
        .take(ROWS_MAX)
        .map(|member| {
            view! {
                <tr>
                    <td class="m-mono">{member.client_id.clone()}</td>
                    <td class="m-low m-mono m-muted">{member.host.clone()}</td>
                    <td class="m-mono">{assigned(&member.assigned)}</td>
                </tr>
            }
        })
        .collect_view();
    let note = format!("{}, the broker calls it {}", format::plural(group.members.len(), "member"), group.state);
    let count = group.members.len();
    let lag = lag(&group.offsets);
    view! {
        <Part title="Members" note=note acts=stamp.into_any() flush=true>
            {if count == 0 {
                view! { <p class="m-small m-muted m-pad--below">"Nobody is in the group now: what it lags behind grows."</p> }.into_any()
            } else {
                view! {
                    <Table label="Members" class="" heads=&[("Client", ""), ("Host", "m-low"), ("Assigned", "")]>{members}</Table>
                }
                    .into_any()
            }}
            {cut(count)}
        </Part>
        {lag}
    }
    .into_any()
}

/// The lag of all partitions; none when one of them is not known.
fn lag_total(offsets: &[OffsetFacts]) -> Option<i64> {
    offsets.iter().map(|offset| offset.lag).sum()
}

fn lag(offsets: &[OffsetFacts]) -> AnyView {
    let mut offsets: Vec<&OffsetFacts> = offsets.iter().collect();
    offsets.sort_by_key(|offset| std::cmp::Reverse(offset.lag));
    let total = lag_total(&offsets.iter().map(|offset| (*offset).clone()).collect::<Vec<_>>());
    let note = total.map_or_else(
        || "not known for every partition".to_owned(),
        |lag| format!("{} records behind in all", format::count(lag.max(0).unsigned_abs())),
    );
    let count = offsets.len();
    if count == 0 {
        return view! {
            <Part title="Lag"><p class="m-small m-muted">"It has committed nothing yet, or the agent may not read its offsets."</p></Part>
        }
        .into_any();
    }
    let rows = offsets
        .into_iter()
        .take(ROWS_MAX)
        .map(|offset| {
            let behind = offset.lag.is_some_and(|lag| lag > 0);
            view! {
                <tr>
                    <td class="m-mono">{offset.topic.clone()}</td>
                    <td class="m-num">{offset.partition}</td>
                    <td class="m-low m-end m-num m-muted">{number(Some(offset.committed))}</td>
                    <td class="m-end m-num" class:m-faint=!behind>{number(offset.lag)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Part title="Lag" note=note flush=true>
            <Table
                label="Lag"
                class=""
                heads=&[("Topic", ""), ("Partition", ""), ("Committed", "m-low m-end"), ("Behind", "m-end")]
            >
                {rows}
            </Table>
            {cut(count)}
        </Part>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(
        leader: Option<i32>,
        replicas: &[i32],
        in_sync: &[i32],
        low: i64,
        high: Option<i64>,
    ) -> PartitionFacts {
        PartitionFacts {
            id: 0,
            leader,
            replicas: replicas.to_vec(),
            in_sync: in_sync.to_vec(),
            low: Some(low),
            high,
            bytes: None,
        }
    }

    #[test]
    fn records_kept_are_not_guessed_when_an_offset_is_unknown() {
        let known = partition(Some(1), &[1], &[1], 10, Some(110));
        assert_eq!(kept(std::slice::from_ref(&known)), Some(100));
        assert_eq!(kept(&[known, partition(Some(1), &[1], &[1], 0, None)]), None);
    }

    #[test]
    fn a_partition_without_leader_or_with_late_replicas_is_in_trouble() {
        assert_eq!(trouble(&partition(Some(1), &[1, 2], &[1, 2], 0, None)), None);
        assert_eq!(trouble(&partition(Some(1), &[1, 2], &[1], 0, None)).as_deref(), Some("1 of 2 replicas behind"));
        assert_eq!(trouble(&partition(None, &[1], &[], 0, None)).as_deref(), Some("offline: no leader"));
    }
}
