//! RabbitMQ and MQTT brokers in the catalog: one line about each thing, and what it hangs together with. Bindings stand at
//! the exchange that they lead away from; their other ends are looked for here.

use frontend::api::{Evidence, FlowRow, Freshness, Related};
use mesh_protocol::event::Protocol;
use mesh_protocol::id::BrokerId;
use mesh_protocol::report::{
    Direction, MqttFacts, ObjectFacts, ObjectKind, RabbitExchangeFacts, RabbitFacts, RabbitQueueFacts,
    is_rabbit_built_in, rabbit_key, rabbit_name,
};

use super::entry::Key;
use super::href;
use crate::app::observed::World;
use crate::domain::runtime_object::Found;

/// Relations by bindings that a page has at most.
const BOUND_MAX: usize = 100;

/// The name that people know it by.
pub(super) fn name(found: &Found) -> String {
    match &found.facts {
        ObjectFacts::RabbitExchange(exchange) => rabbit_name(&exchange.vhost, &exchange.name),
        ObjectFacts::RabbitQueue(queue) => rabbit_name(&queue.vhost, &queue.name),
        _ => found.name.clone(),
    }
}

/// Whether every virtual host has it from the beginning.
pub(super) fn is_built_in(facts: &ObjectFacts) -> bool {
    matches!(facts, ObjectFacts::RabbitExchange(exchange) if is_rabbit_built_in(&exchange.name))
}

/// Messages per second that come in, where that is told.
pub(super) fn rate(facts: &ObjectFacts) -> Option<f64> {
    match facts {
        ObjectFacts::RabbitExchange(exchange) => exchange.in_rate,
        ObjectFacts::RabbitQueue(queue) => queue.in_rate,
        _ => None,
    }
}

/// Messages that wait, where that is told.
pub(super) fn waiting(facts: &ObjectFacts) -> Option<i64> {
    match facts {
        ObjectFacts::RabbitQueue(queue) => queue.ready.and_then(|ready| i64::try_from(ready).ok()),
        _ => None,
    }
}

/// One line. Numbers that change all the time stand elsewhere: each change of this one is a change of the search index.
pub(super) fn description(facts: &ObjectFacts) -> String {
    match facts {
        ObjectFacts::Rabbit(rabbit) => of_rabbit(rabbit),
        ObjectFacts::RabbitExchange(exchange) => of_exchange(exchange),
        ObjectFacts::RabbitQueue(queue) => of_queue(queue),
        ObjectFacts::RabbitUser(user) if user.tags.is_empty() => "no tags".to_owned(),
        ObjectFacts::RabbitUser(user) => user.tags.join(", "),
        ObjectFacts::Mqtt(mqtt) => of_mqtt(mqtt),
        ObjectFacts::MqttAddress(_) => "keeps a message".to_owned(),
        _ => String::new(),
    }
}

fn count(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

fn joined<const N: usize>(words: [Option<String>; N]) -> String {
    words.into_iter().flatten().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
}

fn of_rabbit(rabbit: &RabbitFacts) -> String {
    let nodes = rabbit.nodes.as_deref().unwrap_or_default();
    let troubled = nodes.iter().filter(|node| node.is_in_trouble()).count() as u64;
    joined([
        Some(rabbit.version.clone()),
        (!nodes.is_empty()).then(|| count(nodes.len() as u64 + rabbit.nodes_left_out, "node")),
        (troubled > 0).then(|| format!("{troubled} in trouble")),
        Some(count(rabbit.vhosts.len() as u64 + rabbit.vhosts_left_out, "virtual host")),
    ])
}

fn of_exchange(exchange: &RabbitExchangeFacts) -> String {
    let bindings = exchange.bindings.len() as u64 + exchange.bindings_left_out;
    joined([
        Some(exchange.exchange_type.clone()),
        is_rabbit_built_in(&exchange.name).then(|| "built in".to_owned()),
        exchange.internal.then(|| "internal".to_owned()),
        (bindings > 0).then(|| count(bindings, "binding")),
    ])
}

fn of_queue(queue: &RabbitQueueFacts) -> String {
    joined([
        Some(queue.queue_type.clone()),
        queue.is_in_trouble().then(|| queue.state.clone()),
        queue.consumers.map(|consumers| count(consumers, "consumer")),
    ])
}

fn of_mqtt(mqtt: &MqttFacts) -> String {
    let addresses = mqtt.addresses + mqtt.addresses_left_out;
    let kept = if addresses == 1 { "1 retained address".to_owned() } else { format!("{addresses} retained addresses") };
    joined([mqtt.version.clone(), Some(kept)])
}

/// Who consumes from a queue.
pub(super) fn consumers(broker: BrokerId, queue: &str, world: &World) -> Vec<FlowRow> {
    let Some(found) = world.seen.found.get(broker, ObjectKind::RabbitQueue, queue) else { return Vec::new() };
    let ObjectFacts::RabbitQueue(facts) = &found.facts else { return Vec::new() };
    let freshness = world.scan_freshness(broker).unwrap_or(Freshness {
        as_of: found.last_seen_ms,
        by: world.agent_name(found.agent),
        stale: true,
    });
    let site = world.broker_site(broker).unwrap_or_default();
    let row = |consumer: &mesh_protocol::report::RabbitConsumer| FlowRow {
        name: consumer.user.clone(),
        href: world
            .seen
            .found
            .get(broker, ObjectKind::RabbitUser, &consumer.user)
            .map(|user| href(&Key::RabbitUser(broker, user.name.clone()))),
        client_id: format!("{} from {}", count(consumer.count, "consumer"), consumer.host),
        protocol: Protocol::Amqp,
        site: site.clone(),
        direction: Direction::Consume,
        address: name(found),
        evidence: Evidence { observed: true, ..Evidence::default() },
        rate: 0.0,
        first_seen: found.first_seen_ms,
        freshness: freshness.clone(),
        lag: None,
        lag_history: Vec::new(),
        schemas: Vec::new(),
    };
    facts.consumed_by.iter().map(row).collect()
}

fn link(relation: &str, name: &str, key: &Key) -> Related {
    Related { relation: relation.to_owned(), name: name.to_owned(), href: href(key) }
}

/// What it hangs together with.
pub(super) fn related(key: &Key, world: &World) -> Vec<Related> {
    let home = |broker: &BrokerId, relation: &str, key: Key| {
        world.broker_name(*broker).map(|name| link(relation, &name, &key)).into_iter()
    };
    let facts =
        |broker: &BrokerId, kind, name: &str| world.seen.found.get(*broker, kind, name).map(|found| &found.facts);
    match key {
        Key::RabbitExchange(broker, name) => {
            let home = home(broker, "in the cluster", Key::Rabbit(*broker));
            match facts(broker, ObjectKind::RabbitExchange, name) {
                Some(ObjectFacts::RabbitExchange(exchange)) => {
                    home.chain(at_exchange(*broker, exchange, world)).collect()
                }
                _ => home.collect(),
            }
        }
        Key::RabbitQueue(broker, name) => {
            let home = home(broker, "in the cluster", Key::Rabbit(*broker));
            match facts(broker, ObjectKind::RabbitQueue, name) {
                Some(ObjectFacts::RabbitQueue(queue)) => home.chain(at_queue(*broker, queue, world)).collect(),
                _ => home.collect(),
            }
        }
        Key::RabbitUser(broker, _) => home(broker, "in the cluster", Key::Rabbit(*broker)).collect(),
        Key::MqttAddress(broker, _) => home(broker, "at the broker", Key::Mqtt(*broker)).collect(),
        _ => Vec::new(),
    }
}

/// An exchange of the same virtual host, if it is known.
fn exchange(relation: &str, broker: BrokerId, vhost: &str, name: &str, world: &World) -> Option<Related> {
    let key = rabbit_key(vhost, name);
    world.seen.found.get(broker, ObjectKind::RabbitExchange, &key)?;
    Some(link(relation, &rabbit_name(vhost, name), &Key::RabbitExchange(broker, key)))
}

fn at_exchange(broker: BrokerId, of: &RabbitExchangeFacts, world: &World) -> Vec<Related> {
    let mut to: Vec<(bool, &str)> = of.bindings.iter().map(|binding| (binding.to_exchange, &*binding.to)).collect();
    to.dedup();
    let sends = to.into_iter().filter_map(|(to_exchange, name)| {
        if to_exchange {
            return exchange("sends to", broker, &of.vhost, name, world);
        }
        let key = rabbit_key(&of.vhost, name);
        world.seen.found.get(broker, ObjectKind::RabbitQueue, &key)?;
        Some(link("sends to", &rabbit_name(&of.vhost, name), &Key::RabbitQueue(broker, key)))
    });
    let otherwise = of.alternate.as_deref();
    let otherwise = otherwise.and_then(|name| exchange("what fits no binding goes to", broker, &of.vhost, name, world));
    sends.take(BOUND_MAX).chain(otherwise).chain(sources(broker, &of.vhost, true, &of.name, world)).collect()
}

fn at_queue(broker: BrokerId, of: &RabbitQueueFacts, world: &World) -> Vec<Related> {
    let letters = of.dead_letter_exchange.as_deref();
    let letters = letters.and_then(|name| exchange("dead letters go to", broker, &of.vhost, name, world));
    sources(broker, &of.vhost, false, &of.name, world).into_iter().chain(letters).collect()
}

/// The exchanges that send to a queue or to an exchange.
fn sources(broker: BrokerId, vhost: &str, to_exchange: bool, name: &str, world: &World) -> Vec<Related> {
    let exchanges = world.seen.found.of_kind(broker, ObjectKind::RabbitExchange);
    let sends = exchanges.filter_map(|found| match &found.facts {
        ObjectFacts::RabbitExchange(from) if found.gone_at_ms.is_none() && from.vhost == vhost => {
            let leads_here = |binding: &mesh_protocol::report::RabbitBinding| {
                binding.to_exchange == to_exchange && binding.to == name
            };
            from.bindings.iter().any(leads_here).then_some((found, from))
        }
        _ => None,
    });
    let told = sends.map(|(found, from)| {
        let key = Key::RabbitExchange(broker, found.name.clone());
        link("receives from", &rabbit_name(&from.vhost, &from.name), &key)
    });
    told.take(BOUND_MAX).collect()
}

#[cfg(test)]
mod tests {
    use mesh_protocol::report::{RabbitNode, RabbitUserFacts, RabbitVhost};

    use super::*;

    #[test]
    fn one_line_says_what_matters_most() {
        let node = |memory_alarm| RabbitNode { running: true, memory_alarm, ..RabbitNode::default() };
        let rabbit = RabbitFacts {
            version: "4.0.5".into(),
            nodes: Some(vec![node(true), node(false)]),
            vhosts: vec![RabbitVhost::default()],
            ..RabbitFacts::default()
        };
        assert_eq!(description(&ObjectFacts::Rabbit(rabbit)), "4.0.5, 2 nodes, 1 in trouble, 1 virtual host");
        let exchange = RabbitExchangeFacts {
            exchange_type: "topic".into(),
            name: "amq.topic".into(),
            bindings_left_out: 1,
            ..RabbitExchangeFacts::default()
        };
        assert_eq!(of_exchange(&exchange), "topic, built in, 1 binding");
        let queue = RabbitQueueFacts {
            queue_type: "quorum".into(),
            state: "down".into(),
            consumers: Some(2),
            ..RabbitQueueFacts::default()
        };
        assert_eq!(of_queue(&queue), "quorum, down, 2 consumers");
        assert_eq!(description(&ObjectFacts::RabbitUser(RabbitUserFacts::default())), "no tags");
        let mqtt = MqttFacts { version: Some("mosquitto version 2.0.11".into()), addresses: 3, ..MqttFacts::default() };
        assert_eq!(of_mqtt(&mqtt), "mosquitto version 2.0.11, 3 retained addresses");
    }
}
