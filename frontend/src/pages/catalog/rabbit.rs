//! What RabbitMQ says: nodes with their alarms, virtual hosts, bindings, queues with who consumes from them, users.

use leptos::prelude::*;
use mesh_protocol::report::{
    RabbitBinding, RabbitConsumer, RabbitExchangeFacts, RabbitFacts, RabbitNode, RabbitPermission, RabbitQueueFacts,
    RabbitTopicPermission, RabbitUserFacts, RabbitVhost,
};

use super::facts::{ROWS_MAX, cut};
use super::surveyed::{known, number};
use crate::components::{Part, Table};
use crate::format;

/// Version, nodes, virtual hosts.
pub(super) fn cluster_facts(rabbit: &RabbitFacts, stamp: Option<AnyView>) -> AnyView {
    let text = |text: &String| known(Some(text).filter(|text| !text.is_empty()), "not known");
    let (version, name) = (text(&rabbit.version), text(&rabbit.cluster_name));
    let exchanges = number(rabbit.exchanges, rabbit.exchanges_left_out);
    let queues = number(rabbit.queues, rabbit.queues_left_out);
    let exclusive = (rabbit.exclusive_queues > 0).then(|| {
        view! {
            <dt>"Exclusive queues"</dt>
            <dd class="m-num">{format!("{}, which go with their connections and are not listed", format::count(rabbit.exclusive_queues))}</dd>
        }
    });
    let users = rabbit.users.map_or_else(
        || "not told: only administrators see them".to_owned(),
        |users| number(users, rabbit.users_left_out),
    );
    view! {
        <Part title="RabbitMQ" acts=stamp.into_any()>
            <dl class="m-facts">
                <dt>"Version"</dt>
                <dd class="m-mono">{version}</dd>
                <dt>"Cluster name"</dt>
                <dd class="m-mono">{name}</dd>
                <dt>"Queues"</dt>
                <dd class="m-num">{queues}</dd>
                {exclusive}
                <dt>"Exchanges"</dt>
                <dd class="m-num">{exchanges}</dd>
                <dt>"Users"</dt>
                <dd class="m-num">{users}</dd>
            </dl>
        </Part>
        {nodes(rabbit)}
        {vhosts(rabbit)}
    }
    .into_any()
}

/// A number of rows, and how many are not told.
fn note(count: usize, word: &str, left_out: u64) -> String {
    let more =
        if left_out == 0 { String::new() } else { format!(", and {} that are left out", format::count(left_out)) };
    format!("{}{more}", format::plural(count, word))
}

fn nodes(rabbit: &RabbitFacts) -> AnyView {
    let Some(nodes) = &rabbit.nodes else {
        return view! { <Part title="Nodes"><p class="m-small m-muted">"They may not be seen: the user lacks the tag monitoring."</p></Part> }
            .into_any();
    };
    let note = note(nodes.len(), "node", rabbit.nodes_left_out);
    let rows = nodes.iter().map(node).collect_view();
    view! {
        <Part title="Nodes" note=note flush=true>
            <Table
                label="Nodes"
                class=""
                heads=&[("Node", ""), ("State", ""), ("Memory", "m-low m-end"), ("Free disk", "m-low m-end")]
            >
                {rows}
            </Table>
        </Part>
    }
    .into_any()
}

/// What is wrong with a node, or that nothing is.
fn state(node: &RabbitNode) -> &'static str {
    match (node.running, node.memory_alarm, node.disk_alarm) {
        (false, ..) => "down",
        (true, true, true) => "takes nothing: its memory and its disk are full",
        (true, true, false) => "takes nothing: its memory is full",
        (true, false, true) => "takes nothing: its disk is full",
        (true, false, false) => "running",
    }
}

/// `1 MB of 2 GB`, as far as it is known.
fn of(amount: Option<u64>, limit: Option<u64>, word: &str) -> String {
    let amount = amount.map_or_else(|| "not known".to_owned(), format::bytes);
    limit.map_or_else(|| amount.clone(), |limit| format!("{amount} {word} {}", format::bytes(limit)))
}

fn node(node: &RabbitNode) -> AnyView {
    let bad = node.is_in_trouble();
    view! {
        <tr>
            <td class="m-mono">{node.name.clone()}</td>
            <td class:m-bad=bad>{state(node)}</td>
            <td class="m-low m-end m-num m-muted">{of(node.memory_bytes, node.memory_limit_bytes, "of")}</td>
            <td class="m-low m-end m-num m-muted">{of(node.disk_free_bytes, node.disk_free_limit_bytes, "with a limit of")}</td>
        </tr>
    }
    .into_any()
}

fn vhosts(rabbit: &RabbitFacts) -> AnyView {
    let count = rabbit.vhosts.len();
    let rows = rabbit.vhosts.iter().take(ROWS_MAX).map(vhost).collect_view();
    view! {
        <Part title="Virtual hosts" note=note(count, "virtual host", rabbit.vhosts_left_out) flush=true>
            <Table label="Virtual hosts" class="" heads=&[("Name", ""), ("Description", "m-low"), ("Read", "")]>{rows}</Table>
            {cut(count)}
        </Part>
    }
    .into_any()
}

fn vhost(vhost: &RabbitVhost) -> AnyView {
    let closed = !vhost.is_read;
    view! {
        <tr>
            <td class="m-mono">{vhost.name.clone()}</td>
            <td class="m-low m-muted">{vhost.description.clone()}</td>
            <td class:m-warn=closed>{if closed { "not all of it" } else { "yes" }}</td>
        </tr>
    }
    .into_any()
}

const fn yes(it: bool) -> &'static str {
    if it { "yes" } else { "no" }
}

fn rate(per_second: Option<f64>) -> String {
    per_second.map_or_else(|| "not told".to_owned(), |rate| format!("{}/s", format::rate(rate)))
}

fn fact(name: &'static str, value: Option<String>) -> Option<AnyView> {
    value.map(|value| view! { <dt>{name}</dt><dd class="m-mono">{value}</dd> }.into_any())
}

/// Type, rates, where messages go.
pub(super) fn exchange_facts(exchange: &RabbitExchangeFacts, stamp: Option<AnyView>) -> AnyView {
    let (kind, vhost) = (exchange.exchange_type.clone(), exchange.vhost.clone());
    let (durable, auto_delete) = (yes(exchange.durable), yes(exchange.auto_delete));
    let internal = if exchange.internal { "yes: other exchanges alone send to it" } else { "no" };
    let alternate = fact("What fits no binding goes to", exchange.alternate.clone());
    let policy = fact("Policy", exchange.policy.clone());
    let (messages_in, messages_out) = (rate(exchange.in_rate), rate(exchange.out_rate));
    let bindings = bindings(exchange);
    view! {
        <Part title="Exchange" acts=stamp.into_any()>
            <dl class="m-facts">
                <dt>"Type"</dt>
                <dd class="m-mono">{kind}</dd>
                <dt>"Virtual host"</dt>
                <dd class="m-mono">{vhost}</dd>
                <dt>"Durable"</dt>
                <dd>{durable}</dd>
                <dt>"Goes with its last binding"</dt>
                <dd>{auto_delete}</dd>
                <dt>"Internal"</dt>
                <dd>{internal}</dd>
                {alternate}
                {policy}
                <dt>"Messages in"</dt>
                <dd class="m-num">{messages_in}</dd>
                <dt>"Messages out"</dt>
                <dd class="m-num">{messages_out}</dd>
            </dl>
        </Part>
        {bindings}
    }
    .into_any()
}

fn bindings(exchange: &RabbitExchangeFacts) -> AnyView {
    let count = exchange.bindings.len();
    if count == 0 {
        let text = if exchange.name.is_empty() { "It leads to each queue by its name." } else { "It leads nowhere." };
        return view! { <Part title="Bindings"><p class="m-small m-muted">{text}</p></Part> }.into_any();
    }
    let rows = exchange.bindings.iter().take(ROWS_MAX).map(binding).collect_view();
    view! {
        <Part title="Bindings" note=note(count, "binding", exchange.bindings_left_out) flush=true>
            <Table label="Bindings" class="" heads=&[("Routing key", ""), ("To", ""), ("Arguments", "m-low")]>{rows}</Table>
            {cut(count)}
        </Part>
    }
    .into_any()
}

fn binding(binding: &RabbitBinding) -> AnyView {
    let kind = if binding.to_exchange { "exchange" } else { "queue" };
    view! {
        <tr>
            <td class="m-mono">{binding.routing_key.clone()}</td>
            <td>{kind}" "<span class="m-mono">{binding.to.clone()}</span></td>
            <td class="m-low m-mono m-muted">{binding.arguments.clone()}</td>
        </tr>
    }
    .into_any()
}

/// Type, messages, who consumes.
pub(super) fn queue_facts(queue: &RabbitQueueFacts, stamp: Option<AnyView>) -> AnyView {
    let told = |count: Option<u64>| count.map_or_else(|| "not told".to_owned(), format::count);
    let (kind, vhost) = (queue.queue_type.clone(), queue.vhost.clone());
    let state = known(Some(&queue.state).filter(|state| !state.is_empty()), "not told");
    let (durable, auto_delete) = (yes(queue.durable), yes(queue.auto_delete));
    let (ready, unacknowledged) = (told(queue.ready), told(queue.unacknowledged));
    let (messages_in, messages_out) = (rate(queue.in_rate), rate(queue.out_rate));
    let node = fact("Node", queue.node.clone());
    let policy = fact("Policy", queue.policy.clone());
    let bad = queue.is_in_trouble();
    let letters = queue.dead_letter_exchange.as_ref().map(|exchange| match &queue.dead_letter_routing_key {
        Some(key) => format!("exchange {exchange}, routing key {key}"),
        None => format!("exchange {exchange}"),
    });
    let letters = fact("Dead letters go to", letters);
    let consumers = consumers(queue);
    view! {
        <Part title="Queue" acts=stamp.into_any()>
            <dl class="m-facts">
                <dt>"Type"</dt>
                <dd class="m-mono">{kind}</dd>
                <dt>"Virtual host"</dt>
                <dd class="m-mono">{vhost}</dd>
                <dt>"State"</dt>
                <dd class:m-bad=bad>{state}</dd>
                {node}
                <dt>"Durable"</dt>
                <dd>{durable}</dd>
                <dt>"Goes with its last consumer"</dt>
                <dd>{auto_delete}</dd>
                {policy}
                {letters}
                <dt>"Messages that wait"</dt>
                <dd class="m-num">{ready}</dd>
                <dt>"Not acknowledged"</dt>
                <dd class="m-num">{unacknowledged}</dd>
                <dt>"Messages in"</dt>
                <dd class="m-num">{messages_in}</dd>
                <dt>"Messages out"</dt>
                <dd class="m-num">{messages_out}</dd>
            </dl>
        </Part>
        {consumers}
    }
    .into_any()
}

fn consumers(queue: &RabbitQueueFacts) -> AnyView {
    let count = queue
        .consumers
        .map_or_else(String::new, |count| format::plural(usize::try_from(count).unwrap_or(usize::MAX), "consumer"));
    let rows = queue.consumed_by.len();
    if rows == 0 {
        let text = if queue.consumers == Some(0) { "Nobody consumes from it." } else { "Who they are is not told." };
        return view! { <Part title="Consumers" note=count><p class="m-small m-muted">{text}</p></Part> }.into_any();
    }
    let more = match queue.consumed_by_left_out {
        0 => String::new(),
        more => format!(", of {} more users and addresses not told", format::count(more)),
    };
    let all = queue.consumed_by.iter().take(ROWS_MAX).map(consumer).collect_view();
    view! {
        <Part title="Consumers" note=format!("{count}{more}") flush=true>
            <Table label="Consumers" class="" heads=&[("User", ""), ("From", ""), ("Consumers", "m-end")]>{all}</Table>
            {cut(rows)}
        </Part>
    }
    .into_any()
}

fn consumer(consumer: &RabbitConsumer) -> AnyView {
    view! {
        <tr>
            <td class="m-mono">{consumer.user.clone()}</td>
            <td class="m-mono m-muted">{consumer.host.clone()}</td>
            <td class="m-end m-num">{format::count(consumer.count)}</td>
        </tr>
    }
    .into_any()
}

/// Tags and permissions.
pub(super) fn user_facts(user: &RabbitUserFacts, stamp: Option<AnyView>) -> AnyView {
    let tags = if user.tags.is_empty() { "none".to_owned() } else { user.tags.join(", ") };
    let (count, topics) = (user.permissions.len(), user.topic_permissions.len());
    let rows = user.permissions.iter().take(ROWS_MAX).map(permission).collect_view();
    let by_topic = user.topic_permissions.iter().take(ROWS_MAX).map(topic_permission).collect_view();
    view! {
        <Part title="User" acts=stamp.into_any()>
            <dl class="m-facts">
                <dt>"Tags"</dt>
                <dd class="m-mono">{tags}</dd>
            </dl>
        </Part>
        <Part title="Permissions" note=note(count, "virtual host", user.permissions_left_out) flush=true>
            <Table
                label="Permissions"
                class=""
                heads=&[("Virtual host", ""), ("Configure", ""), ("Write", ""), ("Read", "")]
            >
                {rows}
            </Table>
            {cut(count)}
        </Part>
        {(topics > 0).then(|| view! {
            <Part title="Topic permissions" note=note(topics, "exchange", user.topic_permissions_left_out) flush=true>
                <Table
                    label="Topic permissions"
                    class=""
                    heads=&[("Virtual host", ""), ("Exchange", ""), ("Write", ""), ("Read", "")]
                >
                    {by_topic}
                </Table>
                {cut(topics)}
            </Part>
        })}
    }
    .into_any()
}

/// A regular expression over names; an empty one fits none.
fn pattern(pattern: &str) -> String {
    if matches!(pattern, "" | "^$") { "nothing".to_owned() } else { pattern.to_owned() }
}

fn permission(of: &RabbitPermission) -> AnyView {
    view! {
        <tr>
            <td class="m-mono">{of.vhost.clone()}</td>
            <td class="m-mono">{pattern(&of.configure)}</td>
            <td class="m-mono">{pattern(&of.write)}</td>
            <td class="m-mono">{pattern(&of.read)}</td>
        </tr>
    }
    .into_any()
}

fn topic_permission(of: &RabbitTopicPermission) -> AnyView {
    let exchange = if of.exchange.is_empty() { "every one".to_owned() } else { of.exchange.clone() };
    view! {
        <tr>
            <td class="m-mono">{of.vhost.clone()}</td>
            <td class="m-mono">{exchange}</td>
            <td class="m-mono">{pattern(&of.write)}</td>
            <td class="m-mono">{pattern(&of.read)}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_takes_nothing_says_why() {
        let node = RabbitNode { running: true, disk_alarm: true, ..RabbitNode::default() };
        assert_eq!(state(&node), "takes nothing: its disk is full");
        assert_eq!(state(&RabbitNode { running: false, ..node }), "down");
        assert_eq!(of(None, None, "of"), "not known");
        assert_eq!((pattern("^$"), pattern(".*")), ("nothing".to_owned(), ".*".to_owned()));
    }
}
