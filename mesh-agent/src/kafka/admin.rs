//! Administrative calls that the safe client library lacks: groups, their offsets, many offsets in one request, the
//! cluster, configurations. Read only.
//!
//! This is the only module of the agent with unsafe code. The pattern is one: build the request's C values, hand them
//! over with a queue of our own, wait for the one event of that queue, copy what it holds, destroy everything. Nothing
//! borrowed from C leaves this module. Calls block up to their timeout: keep them off the runtime's threads.
#![expect(unsafe_code, reason = "the C library is the only way to these calls")]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;
use std::slice;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::client::{Client, ClientContext};
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka_sys::bindings as c;

/// A cluster as it describes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Its own id.
    pub id: Option<String>,
    /// Node id of the controller.
    pub controller: Option<i32>,
    /// Node id, host, port.
    pub nodes: Vec<(i32, String, u16)>,
    /// We have DESCRIBE on the cluster, and so see all its groups; none = it did not tell.
    pub may_describe: Option<bool>,
}

/// A group as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// `Stable`, `Empty`...
    pub state: String,
    /// Who is in it.
    pub members: Vec<Member>,
    /// Why it could not be described.
    pub error: Option<Code>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Client id.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// What it is assigned.
    pub assigned: BTreeMap<String, Vec<i32>>,
}

/// One partition and what was found out about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionOffset {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// The offset, or why it could not be read.
    pub offset: Result<i64, Code>,
}

/// Which end of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The oldest record kept.
    Oldest,
    /// One after the newest record.
    Newest,
}

/// The settings of one topic that somebody changed, or why they could not be read.
pub type TopicConfigs = (String, Result<BTreeMap<String, String>, Code>);

/// Describes the cluster.
///
/// # Errors
/// The cluster's answer, or a timeout.
pub fn describe_cluster<C: ClientContext>(client: &Client<C>, timeout: Duration) -> Result<Cluster, Code> {
    let answer =
        ask(client, c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER, timeout, |rk, options, queue| {
            // SAFETY: the three are alive for the whole call, see `ask`; an error is ours to destroy.
            unsafe {
                let error = c::rd_kafka_AdminOptions_set_include_authorized_operations(options, 1);
                if !error.is_null() {
                    c::rd_kafka_error_destroy(error);
                }
                c::rd_kafka_DescribeCluster(rk, options, queue);
            }
        })?;
    // SAFETY: the event is of the asked kind and alive; all pointers below belong to it.
    unsafe {
        let result = c::rd_kafka_event_DescribeCluster_result(answer.0);
        if result.is_null() {
            return Err(Code::InvalidType);
        }
        let controller = c::rd_kafka_DescribeCluster_result_controller(result);
        let mut count = 0;
        let nodes = c::rd_kafka_DescribeCluster_result_nodes(result, &raw mut count);
        let mut operations_count = 0;
        let first = c::rd_kafka_DescribeCluster_result_authorized_operations(result, &raw mut operations_count);
        let operations = if first.is_null() { &[] } else { slice::from_raw_parts(first, operations_count) };
        let describes = [
            c::rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_DESCRIBE,
            c::rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_ALL,
        ];
        Ok(Cluster {
            may_describe: (!first.is_null()).then(|| operations.iter().any(|operation| describes.contains(operation))),
            id: text(c::rd_kafka_DescribeCluster_result_cluster_id(result)),
            controller: (!controller.is_null()).then(|| c::rd_kafka_Node_id(controller)),
            nodes: items(nodes.cast_const(), count)
                .map(|node| {
                    let host = text(c::rd_kafka_Node_host(node)).unwrap_or_default();
                    (c::rd_kafka_Node_id(node), host, c::rd_kafka_Node_port(node))
                })
                .collect(),
        })
    }
}

/// Ids of all consumer groups, and the errors of brokers that could not be asked.
///
/// # Errors
/// The cluster's answer, or a timeout.
pub fn list_groups<C: ClientContext>(client: &Client<C>, timeout: Duration) -> Result<(Vec<String>, Vec<Code>), Code> {
    let answer =
        ask(client, c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, timeout, |rk, options, queue| {
            // SAFETY: the three are alive for the whole call, see `ask`.
            unsafe { c::rd_kafka_ListConsumerGroups(rk, options, queue) };
        })?;
    // SAFETY: the event is of the asked kind and alive; all pointers below belong to it.
    unsafe {
        let result = c::rd_kafka_event_ListConsumerGroups_result(answer.0);
        if result.is_null() {
            return Err(Code::InvalidType);
        }
        let (mut groups_count, mut errors_count) = (0, 0);
        let groups = c::rd_kafka_ListConsumerGroups_result_valid(result, &raw mut groups_count);
        let errors = c::rd_kafka_ListConsumerGroups_result_errors(result, &raw mut errors_count);
        let ids = items(groups.cast_const(), groups_count)
            .filter_map(|group| text(c::rd_kafka_ConsumerGroupListing_group_id(group)));
        let codes = items(errors.cast_const(), errors_count).map(|error| c::rd_kafka_error_code(error).into());
        Ok((ids.collect(), codes.collect()))
    }
}

/// Describes groups by id, each with its members or the reason why not.
///
/// # Errors
/// The cluster's answer, or a timeout.
pub fn describe_groups<C: ClientContext>(
    client: &Client<C>,
    ids: &[String],
    timeout: Duration,
) -> Result<Vec<Group>, Code> {
    let ids = c_strings(ids)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut pointers: Vec<*const c_char> = ids.iter().map(|id| id.as_ptr()).collect();
    let answer = ask(
        client,
        c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
        timeout,
        |rk, options, queue| {
            // SAFETY: as in `ask`; the library copies the ids before it returns.
            unsafe { c::rd_kafka_DescribeConsumerGroups(rk, pointers.as_mut_ptr(), pointers.len(), options, queue) };
        },
    )?;
    // SAFETY: the event is of the asked kind and alive; all pointers below belong to it.
    unsafe {
        let result = c::rd_kafka_event_DescribeConsumerGroups_result(answer.0);
        if result.is_null() {
            return Err(Code::InvalidType);
        }
        let mut count = 0;
        let groups = c::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
        Ok(items(groups.cast_const(), count).map(|group| read_group(group)).collect())
    }
}

/// # Safety
/// `group` belongs to a living event.
unsafe fn read_group(group: *const c::rd_kafka_ConsumerGroupDescription_t) -> Group {
    // SAFETY: promised by the caller.
    unsafe {
        let error = c::rd_kafka_ConsumerGroupDescription_error(group);
        let code = (!error.is_null()).then(|| Code::from(c::rd_kafka_error_code(error)));
        let state = c::rd_kafka_ConsumerGroupDescription_state(group);
        let count = c::rd_kafka_ConsumerGroupDescription_member_count(group);
        Group {
            id: text(c::rd_kafka_ConsumerGroupDescription_group_id(group)).unwrap_or_default(),
            state: text(c::rd_kafka_consumer_group_state_name(state)).unwrap_or_default(),
            members: (0..count).map(|at| read_member(c::rd_kafka_ConsumerGroupDescription_member(group, at))).collect(),
            error: code.filter(|code| *code != Code::NoError),
        }
    }
}

/// # Safety
/// `member` belongs to a living event.
unsafe fn read_member(member: *const c::rd_kafka_MemberDescription_t) -> Member {
    // SAFETY: promised by the caller; the assignment may be missing.
    unsafe {
        let mut assigned: BTreeMap<String, Vec<i32>> = BTreeMap::new();
        let assignment = c::rd_kafka_MemberDescription_assignment(member);
        if !assignment.is_null() {
            for (topic, partition, _, _) in read_list(c::rd_kafka_MemberAssignment_partitions(assignment)) {
                assigned.entry(topic).or_default().push(partition);
            }
        }
        assigned.values_mut().for_each(|partitions| partitions.sort_unstable());
        Member {
            client_id: text(c::rd_kafka_MemberDescription_client_id(member)).unwrap_or_default(),
            host: text(c::rd_kafka_MemberDescription_host(member)).unwrap_or_default(),
            assigned,
        }
    }
}

/// The committed offsets of one group, for every partition that has one.
///
/// # Errors
/// The cluster's answer, or a timeout.
pub fn group_offsets<C: ClientContext>(
    client: &Client<C>,
    group: &str,
    timeout: Duration,
) -> Result<Vec<PartitionOffset>, Code> {
    let id = CString::new(group).map_err(|_| Code::InvalidArgument)?;
    // SAFETY: the id is copied; no list means all partitions. Destroyed below whatever happens.
    let mut request = unsafe { c::rd_kafka_ListConsumerGroupOffsets_new(id.as_ptr(), ptr::null()) };
    let answer = ask(
        client,
        c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
        timeout,
        |rk, options, queue| {
            // SAFETY: as in `ask`; the library copies the request before it returns.
            unsafe { c::rd_kafka_ListConsumerGroupOffsets(rk, &raw mut request, 1, options, queue) };
        },
    );
    // SAFETY: made above and not used any more.
    unsafe { c::rd_kafka_ListConsumerGroupOffsets_destroy(request) };
    let answer = answer?;
    // SAFETY: the event is of the asked kind and alive; all pointers below belong to it.
    unsafe {
        let result = c::rd_kafka_event_ListConsumerGroupOffsets_result(answer.0);
        if result.is_null() {
            return Err(Code::InvalidType);
        }
        let mut count = 0;
        let groups = c::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &raw mut count);
        let Some(group) = items(groups.cast_const(), count).next() else { return Ok(Vec::new()) };
        let error = c::rd_kafka_group_result_error(group);
        if !error.is_null() {
            return Err(c::rd_kafka_error_code(error).into());
        }
        Ok(partition_offsets(read_list(c::rd_kafka_group_result_partitions(group))))
    }
}

/// One end of many partitions, in one request per broker.
///
/// # Errors
/// The cluster's answer, or a timeout.
pub fn list_offsets<C: ClientContext>(
    client: &Client<C>,
    partitions: &[(String, i32)],
    end: End,
    timeout: Duration,
) -> Result<Vec<PartitionOffset>, Code> {
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let spec = match end {
        End::Oldest => c::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_EARLIEST,
        End::Newest => c::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_LATEST,
    };
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        let added = list.add_partition_offset(topic, *partition, Offset::from_raw(i64::from(spec as i32)));
        added.map_err(|_| Code::InvalidArgument)?;
    }
    let answer = ask(client, c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS, timeout, |rk, options, queue| {
        // SAFETY: as in `ask`; the library copies the list before it returns.
        unsafe { c::rd_kafka_ListOffsets(rk, list.ptr(), options, queue) };
    })?;
    // SAFETY: the event is of the asked kind and alive; all pointers below belong to it.
    unsafe {
        let result = c::rd_kafka_event_ListOffsets_result(answer.0);
        if result.is_null() {
            return Err(Code::InvalidType);
        }
        let mut count = 0;
        let infos = c::rd_kafka_ListOffsets_result_infos(result, &raw mut count);
        let found = items(infos.cast_const(), count)
            .map(|info| read_partition(c::rd_kafka_ListOffsetsResultInfo_topic_partition(info)));
        Ok(partition_offsets(found.collect()))
    }
}

/// The settings of topics that differ from the broker's, per topic.
///
/// # Errors
/// The cluster's answer, or a timeout.
pub fn topic_configs<C: ClientContext>(
    client: &Client<C>,
    topics: &[String],
    timeout: Duration,
) -> Result<Vec<TopicConfigs>, Code> {
    let names = c_strings(topics)?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let topic = c::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
    // SAFETY: the names are copied. Destroyed below whatever happens.
    let mut resources: Vec<_> =
        names.iter().map(|name| unsafe { c::rd_kafka_ConfigResource_new(topic, name.as_ptr()) }).collect();
    let answer =
        ask(client, c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout, |rk, options, queue| {
            // SAFETY: as in `ask`; the library copies the resources before it returns.
            unsafe { c::rd_kafka_DescribeConfigs(rk, resources.as_mut_ptr(), resources.len(), options, queue) };
        });
    // SAFETY: made above and not used any more.
    unsafe { c::rd_kafka_ConfigResource_destroy_array(resources.as_mut_ptr(), resources.len()) };
    let answer = answer?;
    // SAFETY: the event is of the asked kind and alive; all pointers below belong to it.
    unsafe {
        let result = c::rd_kafka_event_DescribeConfigs_result(answer.0);
        if result.is_null() {
            return Err(Code::InvalidType);
        }
        let mut count = 0;
        let found = c::rd_kafka_DescribeConfigs_result_resources(result, &raw mut count);
        Ok(items(found.cast_const(), count).map(|resource| read_configs(resource)).collect())
    }
}

/// # Safety
/// `resource` belongs to a living event.
unsafe fn read_configs(resource: *const c::rd_kafka_ConfigResource_t) -> TopicConfigs {
    // SAFETY: promised by the caller.
    unsafe {
        let name = text(c::rd_kafka_ConfigResource_name(resource)).unwrap_or_default();
        let code = Code::from(c::rd_kafka_ConfigResource_error(resource));
        if code != Code::NoError {
            return (name, Err(code));
        }
        let mut count = 0;
        let entries = c::rd_kafka_ConfigResource_configs(resource, &raw mut count);
        let changed = items(entries.cast_const(), count).filter(|entry| {
            let source = c::rd_kafka_ConfigEntry_source(*entry);
            source == c::rd_kafka_ConfigSource_t::RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG
                && c::rd_kafka_ConfigEntry_is_sensitive(*entry) == 0
        });
        let pairs = changed.filter_map(|entry| {
            Some((text(c::rd_kafka_ConfigEntry_name(entry))?, text(c::rd_kafka_ConfigEntry_value(entry))?))
        });
        (name, Ok(pairs.collect()))
    }
}

/// The event that answers a request; destroyed with this value.
struct Answer(*mut c::rd_kafka_event_t);

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: we own the event, and nothing borrowed from it outlives this value within this module.
        unsafe { c::rd_kafka_event_destroy(self.0) };
    }
}

/// Sends one request and waits for its one answer.
fn ask<C: ClientContext>(
    client: &Client<C>,
    operation: c::rd_kafka_admin_op_t,
    timeout: Duration,
    send: impl FnOnce(*mut c::rd_kafka_t, *mut c::rd_kafka_AdminOptions_t, *mut c::rd_kafka_queue_t),
) -> Result<Answer, Code> {
    let rk = client.native_ptr();
    let milliseconds = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: `client` outlives this call, so `rk` does. Options and queue are made here and destroyed here; the
    // library keeps its own reference to the queue while the request is under way, and drops an answer that comes
    // after we stopped waiting.
    let event = unsafe {
        let options = c::rd_kafka_AdminOptions_new(rk, operation);
        let queue = c::rd_kafka_queue_new(rk);
        let mut words = [0; 256];
        c::rd_kafka_AdminOptions_set_request_timeout(options, milliseconds, words.as_mut_ptr(), words.len());
        send(rk, options, queue);
        let event = c::rd_kafka_queue_poll(queue, milliseconds.saturating_add(1000));
        c::rd_kafka_queue_destroy(queue);
        c::rd_kafka_AdminOptions_destroy(options);
        event
    };
    if event.is_null() {
        return Err(Code::OperationTimedOut);
    }
    let answer = Answer(event);
    // SAFETY: the event is alive.
    match unsafe { c::rd_kafka_event_error(answer.0) }.into() {
        Code::NoError => Ok(answer),
        code => Err(code),
    }
}

type Raw = (String, i32, i64, Code);

/// # Safety
/// `list` is null or belongs to a living event.
unsafe fn read_list(list: *const c::rd_kafka_topic_partition_list_t) -> Vec<Raw> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: promised by the caller; a list holds `cnt` elements.
    unsafe {
        let count = usize::try_from((*list).cnt).unwrap_or(0);
        if count == 0 {
            return Vec::new();
        }
        slice::from_raw_parts((*list).elems, count)
            .iter()
            .map(|element| read_partition(ptr::from_ref(element)))
            .collect()
    }
}

/// # Safety
/// `element` belongs to a living event.
unsafe fn read_partition(element: *const c::rd_kafka_topic_partition_t) -> Raw {
    // SAFETY: promised by the caller.
    unsafe {
        (text((*element).topic).unwrap_or_default(), (*element).partition, (*element).offset, (*element).err.into())
    }
}

/// Partitions with an offset or an error; those that have neither are left out.
fn partition_offsets(raw: Vec<Raw>) -> Vec<PartitionOffset> {
    let known = raw.into_iter().filter(|(_, _, offset, code)| *code != Code::NoError || *offset >= 0);
    known
        .map(|(topic, partition, offset, code)| {
            let offset = if code == Code::NoError { Ok(offset) } else { Err(code) };
            PartitionOffset { topic, partition, offset }
        })
        .collect()
}

/// # Safety
/// `first` points to `count` pointers that live as long as the iterator, or `count` is 0.
unsafe fn items<T>(first: *const *const T, count: usize) -> impl Iterator<Item = *const T> {
    // SAFETY: promised by the caller.
    (0..count).map(move |at| unsafe { *first.add(at) })
}

/// # Safety
/// `text` is null or a C string that is alive.
unsafe fn text(text: *const c_char) -> Option<String> {
    // SAFETY: promised by the caller.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

fn c_strings(texts: &[String]) -> Result<Vec<CString>, Code> {
    texts.iter().map(|text| CString::new(text.as_str()).map_err(|_| Code::InvalidArgument)).collect()
}
