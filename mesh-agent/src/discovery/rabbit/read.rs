//! RabbitMQ's answers, made into facts. Its versions differ in what they tell, an empty object may be written as an empty list,
//! and what is not measured comes as a word where a number should stand. So fields are looked for, and only a name is
//! demanded.

use std::collections::BTreeMap;

use mesh_protocol::report::{
    RABBIT_BINDINGS_MAX, RABBIT_CONSUMERS_MAX, RABBIT_PERMISSIONS_MAX, RabbitBinding, RabbitConsumer,
    RabbitExchangeFacts, RabbitNode, RabbitPermission, RabbitQueueFacts, RabbitTopicPermission, RabbitUserFacts,
};
use serde_json::Value;

use crate::http::rest::shown;

/// Most characters of a binding's arguments that are told.
const ARGUMENTS_CHARS_MAX: usize = 300;

/// A name as it is; empty = there is none. RabbitMQ's own are at most 255 bytes.
pub(super) fn name(of: &Value, key: &str) -> String {
    of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A text to be shown; none = there is none. `undefined` is Erlang's way to say so.
pub(super) fn text(of: &Value, key: &str) -> Option<String> {
    let text = of.get(key).and_then(Value::as_str).map(shown);
    text.filter(|text| !text.is_empty() && text != "undefined")
}

pub(super) fn number(of: &Value, key: &str) -> Option<u64> {
    match of.get(key)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

pub(super) fn is(of: &Value, key: &str) -> bool {
    match of.get(key) {
        Some(Value::Bool(it)) => *it,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// Messages per second of one kind (`publish`, `deliver_get`...), to a tenth.
fn rate(of: &Value, kind: &str) -> Option<f64> {
    let rate = of.get("message_stats")?.get(format!("{kind}_details"))?.get("rate")?.as_f64()?;
    Some((rate * 10.0).round() / 10.0)
}

/// Words in a list, or, from old versions, in one text with commas.
pub(super) fn words(of: &Value, key: &str) -> Vec<String> {
    let all: Vec<&str> = match of.get(key) {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => text.split(',').collect(),
        _ => Vec::new(),
    };
    all.into_iter().map(shown).filter(|word| !word.is_empty()).take(20).collect()
}

pub(super) fn node(of: &Value) -> RabbitNode {
    RabbitNode {
        name: text(of, "name").unwrap_or_default(),
        running: is(of, "running"),
        memory_alarm: is(of, "mem_alarm"),
        disk_alarm: is(of, "disk_free_alarm"),
        memory_bytes: number(of, "mem_used"),
        memory_limit_bytes: number(of, "mem_limit"),
        disk_free_bytes: number(of, "disk_free"),
        disk_free_limit_bytes: number(of, "disk_free_limit"),
    }
}

pub(super) fn exchange(vhost: &str, of: &Value) -> RabbitExchangeFacts {
    RabbitExchangeFacts {
        vhost: vhost.to_owned(),
        name: name(of, "name"),
        exchange_type: text(of, "type").unwrap_or_default(),
        durable: is(of, "durable"),
        auto_delete: is(of, "auto_delete"),
        internal: is(of, "internal"),
        alternate: setting(of, "alternate-exchange"),
        policy: text(of, "policy"),
        in_rate: rate(of, "publish_in"),
        out_rate: rate(of, "publish_out"),
        bindings: Vec::new(),
        bindings_left_out: 0,
    }
}

/// What was said when it was made (`x-...`, of exchanges without the x), or else what its policy says.
fn setting(of: &Value, key: &str) -> Option<String> {
    let said = of.get("arguments").and_then(|all| text(all, &format!("x-{key}")).or_else(|| text(all, key)));
    said.or_else(|| of.get("effective_policy_definition").and_then(|all| text(all, key)))
}

pub(super) fn queue(vhost: &str, of: &Value) -> RabbitQueueFacts {
    let kind = text(of, "type").or_else(|| setting(of, "queue-type"));
    RabbitQueueFacts {
        vhost: vhost.to_owned(),
        name: name(of, "name"),
        queue_type: kind.unwrap_or_else(|| "classic".to_owned()),
        durable: is(of, "durable"),
        auto_delete: is(of, "auto_delete"),
        state: text(of, "state").unwrap_or_default(),
        node: text(of, "leader").or_else(|| text(of, "node")),
        policy: text(of, "policy"),
        ready: number(of, "messages_ready"),
        unacknowledged: number(of, "messages_unacknowledged"),
        in_rate: rate(of, "publish"),
        out_rate: rate(of, "deliver_get"),
        dead_letter_exchange: setting(of, "dead-letter-exchange"),
        dead_letter_routing_key: setting(of, "dead-letter-routing-key"),
        consumers: number(of, "consumers"),
        consumed_by: Vec::new(),
        consumed_by_left_out: 0,
    }
}

/// Bindings by the exchange that they lead away from. The default exchange leads to each queue by its name: that says
/// nothing.
pub(super) fn bindings(all: &[Value]) -> BTreeMap<String, Vec<RabbitBinding>> {
    let mut by_source: BTreeMap<String, Vec<RabbitBinding>> = BTreeMap::new();
    for binding in all {
        let source = name(binding, "source");
        if source.is_empty() {
            continue;
        }
        let arguments = binding.get("arguments").filter(|all| all.as_object().is_some_and(|all| !all.is_empty()));
        let arguments = arguments.map(|all| all.to_string().chars().take(ARGUMENTS_CHARS_MAX).collect());
        by_source.entry(source).or_default().push(RabbitBinding {
            to_exchange: name(binding, "destination_type") == "exchange",
            to: name(binding, "destination"),
            routing_key: name(binding, "routing_key"),
            arguments: arguments.unwrap_or_default(),
        });
    }
    by_source.values_mut().for_each(|bindings| bindings.sort_unstable());
    by_source
}

pub(super) fn bind(exchange: &mut RabbitExchangeFacts, mut bindings: Vec<RabbitBinding>) {
    exchange.bindings_left_out = cut(&mut bindings, RABBIT_BINDINGS_MAX);
    exchange.bindings = bindings;
}

/// Who consumes, by queue. A connection has another port each time, and a consumer another tag: only what stays is told.
pub(super) fn consumers(all: &[Value]) -> BTreeMap<String, Vec<RabbitConsumer>> {
    let mut by_queue: BTreeMap<String, BTreeMap<(String, String), u64>> = BTreeMap::new();
    for consumer in all {
        let (Some(queue), Some(channel)) = (consumer.get("queue"), consumer.get("channel_details")) else { continue };
        let who = (text(channel, "user").unwrap_or_default(), text(channel, "peer_host").unwrap_or_default());
        *by_queue.entry(name(queue, "name")).or_default().entry(who).or_default() += 1;
    }
    let told = |((user, host), count)| RabbitConsumer { user, host, count };
    by_queue.into_iter().map(|(queue, who)| (queue, who.into_iter().map(told).collect())).collect()
}

pub(super) fn consume(queue: &mut RabbitQueueFacts, mut by: Vec<RabbitConsumer>) {
    queue.consumed_by_left_out = cut(&mut by, RABBIT_CONSUMERS_MAX);
    queue.consumed_by = by;
}

/// Users with what they may. Nothing else of them is looked at.
pub(super) fn users(users: &[Value], permissions: &[Value], topics: &[Value]) -> BTreeMap<String, RabbitUserFacts> {
    let mut all: BTreeMap<String, RabbitUserFacts> = users
        .iter()
        .map(|user| (name(user, "name"), RabbitUserFacts { tags: words(user, "tags"), ..RabbitUserFacts::default() }))
        .filter(|(name, _)| !name.is_empty())
        .collect();
    let pattern = |of: &Value, key: &str| shown(of.get(key).and_then(Value::as_str).unwrap_or_default());
    for of in permissions {
        if let Some(user) = all.get_mut(&name(of, "user")) {
            user.permissions.push(RabbitPermission {
                vhost: name(of, "vhost"),
                configure: pattern(of, "configure"),
                write: pattern(of, "write"),
                read: pattern(of, "read"),
            });
        }
    }
    for of in topics {
        if let Some(user) = all.get_mut(&name(of, "user")) {
            user.topic_permissions.push(RabbitTopicPermission {
                vhost: name(of, "vhost"),
                exchange: name(of, "exchange"),
                write: pattern(of, "write"),
                read: pattern(of, "read"),
            });
        }
    }
    for user in all.values_mut() {
        user.permissions.sort_unstable();
        user.permissions_left_out = cut(&mut user.permissions, RABBIT_PERMISSIONS_MAX);
        user.topic_permissions.sort_unstable();
        user.topic_permissions_left_out = cut(&mut user.topic_permissions, RABBIT_PERMISSIONS_MAX);
    }
    all
}

/// Leaves so many, and says how many went.
pub(super) fn cut<T>(all: &mut Vec<T>, max: usize) -> u64 {
    let more = all.len().saturating_sub(max);
    all.truncate(max);
    more as u64
}
