//! Whether all of a document can be enforced, found out before any of it is.
//!
//! What only the world can tell (a port in use, a broker that is away) is not asked here: such a part shows it on its
//! own line while the rest of the document is in force.

use std::collections::HashSet;

use mesh_protocol::desired::{
    BrokerConnection, Connector, ConnectorWork, DesiredState, Fabric, Grant, KafkaAccess, Listener, Owner, Queue,
    SurveyedKind, WEBHOOK_CONCURRENCY, WEBHOOK_TIMEOUT_MS, WebhookSink, check_webhook_url,
};
use mesh_protocol::event::MAX_PAYLOAD_BYTES;
use mesh_protocol::expr::Expr;
use mesh_protocol::id::BrokerId;
use mesh_protocol::policy::CompiledPolicy;
use mesh_protocol::template::Template;
use mesh_protocol::topic::Filter;

use crate::contract::{self, Contracts};
use crate::identity::public_key;

/// The first thing that cannot be enforced, in words that name it.
pub(super) fn enforceable(state: &DesiredState) -> Result<(), String> {
    keys(&state.keys.policy)?;
    CompiledPolicy::compile(&state.policy, &state.site).map_err(|error| format!("policy: {error}"))?;
    Contracts::compile(&state.contracts, &contract::Ledger::default()).map_err(|error| format!("contract {error}"))?;
    listeners(&state.listeners)?;
    fabric(&state.fabric)?;
    state.owner.as_ref().map_or(Ok(()), owner)?;
    state.queues.iter().try_for_each(queue)?;
    state.grants.iter().try_for_each(grant)?;
    let brokers: HashSet<_> = state.brokers.iter().map(|broker| broker.id).collect();
    state.brokers.iter().try_for_each(broker)?;
    state.kafka_access.iter().try_for_each(|access| kafka_access(access, &brokers))?;
    state.all_connectors().try_for_each(|each| connector(each, &brokers))
}

fn keys(keys: &[String]) -> Result<(), String> {
    if keys.is_empty() {
        return Err("it names no key that may sign the next document, which would lock the agent out".to_owned());
    }
    match keys.iter().find(|key| public_key(key).is_none()) {
        Some(key) => Err(format!("`{key}` is not an Ed25519 public key (64 hex digits)")),
        None => Ok(()),
    }
}

fn listeners(listeners: &[Listener]) -> Result<(), String> {
    let mut binds = HashSet::new();
    for listener in listeners {
        let name = &listener.name;
        let port = port_of(&listener.bind).ok_or_else(|| {
            format!(
                "listener {name}: `{}` is not an address to bind: write address:port, port 0 for a free one",
                listener.bind
            )
        })?;
        if port != 0 && !binds.insert(listener.bind.as_str()) {
            return Err(format!(
                "listener {name}: {} is the address of another listener of this agent: choose another port",
                listener.bind
            ));
        }
        if listener.payload_bytes_max == 0 || listener.payload_bytes_max as usize > MAX_PAYLOAD_BYTES {
            return Err(format!("listener {name}: the largest payload must be 1 to {MAX_PAYLOAD_BYTES} bytes"));
        }
        if listener.connections_max == 0 {
            return Err(format!(
                "listener {name}: a limit of 0 connections lets nobody in: remove the listener instead"
            ));
        }
    }
    Ok(())
}

fn fabric(fabric: &Fabric) -> Result<(), String> {
    if let Some(bind) = fabric.bind.as_deref().filter(|bind| port_of(bind).is_none()) {
        return Err(format!("fabric: `{bind}` is not an address to bind: write address:port, port 0 for a free one"));
    }
    for dial in &fabric.dial {
        if let Some(bad) = dial.addresses.iter().find(|address| port_of(address).is_none_or(|port| port == 0)) {
            return Err(format!("fabric: `{bad}` of link {} is not host:port", dial.link));
        }
    }
    Ok(())
}

fn owner(owner: &Owner) -> Result<(), String> {
    match owner.listeners.iter().find(|listener| port_of(&listener.address).is_none_or(|port| port == 0)) {
        Some(bad) => Err(format!("owner {}: `{}` is not host:port", owner.agent, bad.address)),
        None => Ok(()),
    }
}

fn broker(broker: &BrokerConnection) -> Result<(), String> {
    let name = &broker.name;
    if broker.bootstrap.is_empty() {
        return Err(format!("broker connection {name}: no bootstrap server is named: write host:port"));
    }
    match broker.bootstrap.iter().find(|address| port_of(address).is_none_or(|port| port == 0)) {
        Some(bad) => Err(format!("broker connection {name}: `{bad}` is not host:port")),
        None => Ok(()),
    }
}

fn queue(queue: &Queue) -> Result<(), String> {
    let name = &queue.name;
    if name.is_empty() || name.contains(['/', '+', '#']) {
        return Err(format!("queue `{name}`: a name has no /, + and #, and is not empty"));
    }
    if queue.filters.is_empty() {
        return Err(format!("queue {name}: no topic filter says which events it attracts"));
    }
    if queue.filters.iter().chain(&queue.exceptions).any(Filter::has_variables) {
        return Err(format!("queue {name}: its filters may not use variables: a queue is no client"));
    }
    let numbers = [queue.events_max, queue.bytes_max, queue.dead_letters_max, queue.lease_ms.into()];
    if numbers.contains(&0) || queue.deliveries_max == Some(0) {
        return Err(format!("queue {name}: a limit of 0 would let nothing through"));
    }
    Ok(())
}

fn grant(grant: &Grant) -> Result<(), String> {
    let name = &grant.name;
    grant.quota.check().map_err(|error| format!("grant {name}: {error}"))?;
    if grant.publish.iter().chain(&grant.subscribe).any(Filter::has_variables) {
        return Err(format!("grant {name}: its filters may not use variables"));
    }
    Ok(())
}

fn kafka_access(access: &KafkaAccess, brokers: &HashSet<BrokerId>) -> Result<(), String> {
    access.check().map_err(|error| format!("users at the broker connection {}: {error}", access.broker))?;
    if brokers.contains(&access.broker) {
        return Ok(());
    }
    Err(format!("users: their broker connection {} is not in the document", access.broker))
}

fn connector(connector: &Connector, brokers: &HashSet<BrokerId>) -> Result<(), String> {
    let name = &connector.name;
    let template = |what: &str, text: &str| match Template::parse(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("route {name}: the {what} template `{text}` is wrong: {error}")),
    };
    let broker = match &connector.work {
        ConnectorWork::KafkaSource(source) => {
            if source.topics.is_empty() {
                return Err(format!("route {name}: no Kafka topic to read is named"));
            }
            template("topic", &source.template)?;
            if let Some(registry) = source.schemas.as_ref().filter(|one| one.kind != SurveyedKind::SchemaRegistry) {
                return Err(format!("route {name}: {} is no schema registry that this agent knows", registry.name));
            }
            if let Some((filter, Err(error))) = source.filter.as_ref().map(|filter| (filter, Expr::parse(filter))) {
                return Err(format!("route {name}: the filter `{filter}` is wrong: {error}"));
            }
            source.broker
        }
        ConnectorWork::KafkaSink(sink) => {
            if sink.filters.is_empty() {
                return Err(format!("route {name}: no topic filter says which events it takes"));
            }
            template("topic", &sink.topic)?;
            sink.key.as_ref().map_or(Ok(()), |key| template("key", key))?;
            sink.broker
        }
        ConnectorWork::WebhookSink(sink) => return webhook(name, sink),
    };
    if brokers.contains(&broker) {
        return Ok(());
    }
    Err(format!("route {name}: its broker connection {broker} is not in the document"))
}

fn webhook(name: &str, sink: &WebhookSink) -> Result<(), String> {
    if sink.filters.is_empty() {
        return Err(format!("route {name}: no topic filter says which events it takes"));
    }
    check_webhook_url(&sink.url).map_err(|error| format!("route {name}: the URL of its endpoint {error}"))?;
    if !WEBHOOK_TIMEOUT_MS.contains(&sink.timeout_ms) {
        let (least, most) = WEBHOOK_TIMEOUT_MS.into_inner();
        return Err(format!("route {name}: its endpoint must be given {least} to {most} ms to answer"));
    }
    if !WEBHOOK_CONCURRENCY.contains(&sink.concurrency) {
        let (least, most) = WEBHOOK_CONCURRENCY.into_inner();
        return Err(format!("route {name}: {least} to {most} requests may be under way at once"));
    }
    if sink.deliveries_max == Some(0) {
        return Err(format!("route {name}: an event needs at least one delivery; leave the limit out for no limit"));
    }
    Ok(())
}

/// The port of `host:port`.
fn port_of(address: &str) -> Option<u16> {
    let (host, port) = address.rsplit_once(':')?;
    if host.is_empty() { None } else { port.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::ledger::sample;

    #[test]
    fn a_webhook_that_cannot_work_says_why() {
        let good = WebhookSink {
            filters: vec![Filter::mesh("orders/>").expect("valid")],
            url: "https://erp.example/hooks".to_owned(),
            format: mesh_protocol::desired::WebhookFormat::Binary,
            secret: None,
            ca_pem: None,
            timeout_ms: 10_000,
            concurrency: 8,
            deliveries_max: None,
            private_addresses: false,
        };
        let judge = |sink: WebhookSink| {
            let mut state = sample::state(1);
            state.connectors[1].work = ConnectorWork::WebhookSink(sink);
            enforceable(&state)
        };
        assert_eq!(judge(good.clone()), Ok(()));
        let bad = [
            (WebhookSink { filters: Vec::new(), ..good.clone() }, "no topic filter"),
            (WebhookSink { url: "https://me:x@erp.example".to_owned(), ..good.clone() }, "user name or password"),
            (WebhookSink { timeout_ms: 0, ..good.clone() }, "100 to 120000 ms"),
            (WebhookSink { concurrency: 0, ..good.clone() }, "1 to 256 requests"),
            (WebhookSink { deliveries_max: Some(0), ..good }, "at least one delivery"),
        ];
        for (sink, why) in bad {
            let refused = judge(sink).expect_err(why);
            assert!(refused.starts_with("route route-31: ") && refused.contains(why), "{refused}");
        }
    }
    #[test]
    fn a_contract_that_cannot_be_enforced_is_named_in_the_rejection() {
        use crate::contract::testing::{ORDER, one};
        use mesh_protocol::desired::OnInvalid;
        let judge = |text: &str| {
            let mut state = sample::state(1);
            state.contracts = one("orders/>", text, OnInvalid::Reject);
            enforceable(&state)
        };
        assert_eq!(judge(ORDER), Ok(()));
        let refused = judge(r#"{"type":"strin"}"#).expect_err("no schema");
        assert!(refused.starts_with("contract order-created 1.0.0: its schema: "), "{refused}");
    }
}
