//! What agents report becomes rows. A report is believed only about what its agent may speak of: its own clients, and
//! clusters of its own site.

use std::collections::{BTreeMap, BTreeSet};

use frontend::api::LiveTopic;
use mesh_protocol::id::{AgentId, BrokerId};
use mesh_protocol::report::{
    self, AddressShape, DENIALS_MAX, Denials, Direction, Discovery, FLOWS_MAX, GroupFacts, OBJECTS_MAX, ObjectFacts,
    Report, RuntimeObject, SHAPE_NODES_MAX, SHAPES_MAX, SUBSCRIPTIONS_MAX, Shapes, Status, Subscriptions, Traffic,
};
use mesh_protocol::topic::MAX_BYTES;
use uuid::Uuid;

use super::change::Change;
use super::clock::now_ms;
use super::{App, Result};
use crate::domain::denial::Denial;
use crate::domain::flow::Flow;
use crate::domain::runtime_object::{Found, Scan};
use crate::domain::shape::Inferred;

/// A clock that is further off than this is not believed: the portal's own is taken.
const CLOCK_SKEW_MS_MAX: i64 = 60_000;

impl App {
    /// Stores a report. The answer is why it was refused for good, or none.
    ///
    /// # Errors
    /// The database's; the agent sends the report again.
    pub async fn take_report(&self, agent: AgentId, _id: u64, report: Report) -> Result<Option<String>> {
        let (refused, topics): (Option<String>, &[LiveTopic]) = match report {
            Report::Discovery(discovery) => (self.take_discovery(agent, discovery).await?, &[LiveTopic::Catalog]),
            Report::Traffic(traffic) => {
                (self.take_traffic(agent, &traffic).await?, &[LiveTopic::Graph, LiveTopic::Overview])
            }
            Report::Subscriptions(subscriptions) => {
                (self.take_subscriptions(agent, &subscriptions).await?, &[LiveTopic::Subscriptions])
            }
            Report::Denials(denials) => (self.take_denials(agent, &denials).await?, &[LiveTopic::Denials]),
            Report::Shapes(shapes) => (self.take_shapes(agent, shapes).await?, &[LiveTopic::Catalog]),
            Report::Usage(usage) => (self.take_usage(agent, &usage).await?, &[]),
            Report::Contracts(kept) => (self.take_contracts(agent, &kept).await?, &[LiveTopic::Denials]),
            Report::Unknown => (Some("this portal does not know such reports: update it first".to_owned()), &[]),
        };
        if refused.is_none() {
            self.tell(&Change::of(topics)).await?;
        }
        Ok(refused)
    }

    async fn take_discovery(&self, agent: AgentId, discovery: Discovery) -> Result<Option<String>> {
        if discovery.objects.len() > OBJECTS_MAX {
            return Ok(Some(format!("a report holds at most {OBJECTS_MAX} objects")));
        }
        if !self.may_speak_of(agent, discovery.broker).await? {
            return Ok(Some("this broker connection is not at the agent's site (any more)".to_owned()));
        }
        let (at_ms, now_ms) = (believed(discovery.at_ms), now_ms());
        let mut tx = self.store().write().await?;
        // Of kinds that this portal does not know there is nothing to show.
        let is_known = |object: &RuntimeObject| object.facts != ObjectFacts::Unknown;
        for object in discovery.objects.into_iter().filter(is_known) {
            if let ObjectFacts::Group(group) = &object.facts {
                for (series, lag) in lags(discovery.broker, &object.name, group) {
                    tx.set_sample(&series, at_ms, lag).await?;
                }
            }
            let found = Found {
                broker: discovery.broker,
                kind: object.key().kind,
                name: object.name,
                facts: object.facts,
                agent,
                first_seen_ms: at_ms,
                last_seen_ms: at_ms,
                gone_at_ms: None,
            };
            tx.put_found(self.environment(), &found, Uuid::now_v7(), discovery.scan, now_ms).await?;
        }
        for key in &discovery.removed {
            tx.mark_gone(discovery.broker, key, at_ms, now_ms).await?;
        }
        if discovery.full && discovery.last && discovery.failed.is_none() {
            tx.mark_rest_gone(discovery.broker, agent, discovery.scan, at_ms, now_ms).await?;
        }
        if discovery.last {
            let scan = Scan {
                broker: discovery.broker,
                agent,
                number: discovery.scan,
                at_ms,
                missing_rights: discovery.missing_rights,
                failed: discovery.failed,
            };
            tx.put_scan(&scan).await?;
        }
        tx.commit().await?;
        Ok(None)
    }

    async fn may_speak_of(&self, agent: AgentId, broker: BrokerId) -> Result<bool> {
        let snapshot = self.snapshot().await?;
        let site = snapshot.mesh.agents.iter().find(|found| found.id == agent).map(|found| found.site);
        Ok(snapshot.mesh.brokers.iter().any(|found| found.id == broker && Some(found.spec.site) == site))
    }

    async fn take_traffic(&self, agent: AgentId, traffic: &Traffic) -> Result<Option<String>> {
        if traffic.flows.len() > FLOWS_MAX {
            return Ok(Some(format!("a report holds at most {FLOWS_MAX} flows")));
        }
        let at_ms = believed(traffic.at_ms);
        let mut tx = self.store().write().await?;
        let known = tx.addresses_of(agent).await?;
        for folded in superseded(&known, &traffic.flows) {
            tx.forget_address(agent, folded).await?;
            tx.forget_shape(agent, folded).await?;
        }
        for flow in &traffic.flows {
            tx.add_flow(self.environment(), &Flow::of_window(agent, flow, traffic.window_ms, at_ms)).await?;
            if flow.direction == Direction::Produce {
                tx.add_sample(&address_series(&flow.address), at_ms, flow.events).await?;
            }
            if let Some(topic) = flow.broker_topic.as_deref().zip(flow.broker) {
                tx.add_sample(&topic_series(topic.1, topic.0), at_ms, flow.events).await?;
            }
        }
        tx.commit().await?;
        Ok(None)
    }

    async fn take_subscriptions(&self, agent: AgentId, report: &Subscriptions) -> Result<Option<String>> {
        if report.subscriptions.len() > SUBSCRIPTIONS_MAX {
            return Ok(Some(format!("a report holds at most {SUBSCRIPTIONS_MAX} subscriptions")));
        }
        let mut tx = self.store().write().await?;
        tx.put_subscriptions(agent, &Subscriptions { at_ms: believed(report.at_ms), ..report.clone() }).await?;
        tx.commit().await?;
        Ok(None)
    }

    async fn take_denials(&self, agent: AgentId, report: &Denials) -> Result<Option<String>> {
        if report.denials.len() > DENIALS_MAX {
            return Ok(Some(format!("a report holds at most {DENIALS_MAX} denials")));
        }
        let mut tx = self.store().write().await?;
        for denial in &report.denials {
            tx.add_denial(self.environment(), &Denial::of(agent, denial)).await?;
        }
        tx.commit().await?;
        Ok(None)
    }

    async fn take_shapes(&self, agent: AgentId, report: Shapes) -> Result<Option<String>> {
        let is_bounded = |told: &AddressShape| {
            told.address.len() <= MAX_BYTES && told.shape.nodes() <= SHAPE_NODES_MAX && !told.shape.is_empty()
        };
        if report.shapes.len() > SHAPES_MAX || !report.shapes.iter().all(is_bounded) {
            let text = format!("a report holds at most {SHAPES_MAX} shapes of at most {SHAPE_NODES_MAX} nodes");
            return Ok(Some(text));
        }
        let at_ms = believed(report.at_ms);
        let mut tx = self.store().write().await?;
        for told in report.shapes {
            let known = tx.shape(agent, &told.address).await?;
            tx.put_shape(self.environment(), &Inferred::of(agent, told, at_ms, known)).await?;
        }
        tx.commit().await?;
        Ok(None)
    }

    /// Turns a status into rates and samples.
    ///
    /// # Errors
    /// The database's; the next status makes up for it.
    pub(super) async fn take_rates(&self, agent: AgentId, status: &Status) -> Result<()> {
        let at_ms = now_ms();
        let mut tx = self.store().write().await?;
        let before = tx.rates_of(agent).await?.unwrap_or_default();
        let (rates, moved) = before.clone().advance(status, at_ms);
        if rates == before {
            return Ok(());
        }
        tx.put_rates(agent, &rates, at_ms).await?;
        for (series, counter) in [(PUBLISHED_SERIES, PUBLISHED), (COPIES_SERIES, COPIES)] {
            if let Some(events) = moved.get(counter) {
                tx.add_sample(series, at_ms, *events).await?;
            }
        }
        tx.commit().await?;
        self.tell(&Change::of(&[LiveTopic::Overview])).await
    }

    /// Removes what is older than it is kept.
    ///
    /// # Errors
    /// The database's; the next run makes up for it.
    pub async fn prune_observed(&self) -> Result<()> {
        let now_ms = now_ms();
        let mut tx = self.store().write().await?;
        tx.prune_flows(now_ms, crate::domain::flow::RETENTION_MS).await?;
        tx.prune_shapes(now_ms - crate::domain::flow::RETENTION_MS).await?;
        self.prune_contracts(&mut tx, now_ms).await?;
        tx.prune_denials(now_ms - crate::domain::denial::RETENTION_MS).await?;
        tx.commit().await?;
        self.prune_usage(now_ms).await
    }
}

/// The agents' counter of admitted events.
pub(super) const PUBLISHED: &str = "published_events";
/// The agents' counter of event copies sent over links.
pub(super) const COPIES: &str = "copies_sent_events";
/// The agents' counter of deliveries of events that came from other agents.
pub(super) const REMOTE_DELIVERIES: &str = "remote_deliveries_events";
/// History of admitted events, mesh-wide.
pub(super) const PUBLISHED_SERIES: &str = "mesh.published";
/// History of event copies sent over links, mesh-wide.
pub(super) const COPIES_SERIES: &str = "mesh.copies";

/// History of what is produced at an address.
pub(super) fn address_series(address: &str) -> String {
    format!("address.{address}")
}

/// History of what connectors carry to and from a Kafka topic.
pub(super) fn topic_series(broker: BrokerId, topic: &str) -> String {
    format!("topic.{broker}.{topic}")
}

/// History of how far a consumer group is behind, at one topic or at all of its topics.
pub(super) fn lag_series(broker: BrokerId, group: &str, topic: Option<&str>) -> String {
    // A slash is in no name of a Kafka topic.
    format!("lag.{broker}.{}/{group}", topic.unwrap_or_default())
}

/// How far a group is behind, at each of its topics and in all. Partitions whose ends are not known count as nothing.
fn lags(broker: BrokerId, name: &str, group: &GroupFacts) -> BTreeMap<String, u64> {
    let mut lags = BTreeMap::new();
    for offset in &group.offsets {
        let Some(lag) = offset.lag.map(|lag| lag.max(0).unsigned_abs()) else { continue };
        for topic in [None, Some(offset.topic.as_str())] {
            *lags.entry(lag_series(broker, name, topic)).or_default() += lag;
        }
    }
    lags
}

/// Addresses that an agent has folded into one that it reports now: the first few tills each have an address of their
/// own, until there are enough of them to see that the level varies. An agent that starts anew has to see that anew, so
/// the folded address may be an old one.
fn superseded<'a>(known: &'a [String], flows: &[report::Flow]) -> Vec<&'a str> {
    let folded: BTreeSet<Folded<'_>> = flows.iter().filter_map(Folded::of).collect();
    known.iter().map(String::as_str).filter(|address| folded.iter().any(|folded| folded.stands_for(address))).collect()
}

/// A folded address and what it is known to stand for. Where that is numbered values, other values keep addresses of
/// their own beside it, also while they are silent (`sensors/oven-1` beside `sensors/{level2}`, which are presses).
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Folded<'a> {
    address: &'a str,
    levels: Vec<Level<'a>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level<'a> {
    Is(&'a str),
    Numbered(String),
    Any,
}

impl<'a> Folded<'a> {
    /// None for an address without variable levels.
    fn of(flow: &'a report::Flow) -> Option<Self> {
        let (address, example) = (&flow.address, &flow.example_topic);
        let is_variable = |level: &str| level.starts_with('{') && level.ends_with('}');
        let alike = address.split('/').count() == example.split('/').count();
        if !alike || !address.split('/').any(is_variable) {
            return None;
        }
        let level = |(level, example)| match kind(example) {
            _ if !is_variable(level) => Level::Is(level),
            Some(kind) => Level::Numbered(kind),
            None => Level::Any,
        };
        Some(Self { address, levels: address.split('/').zip(example.split('/')).map(level).collect() })
    }

    fn stands_for(&self, other: &str) -> bool {
        let covers = |((level, own), other): ((&Level<'_>, &str), &str)| match level {
            _ if own == other => true,
            Level::Is(_) => false,
            Level::Numbered(wanted) => kind(other).as_ref() == Some(wanted),
            Level::Any => true,
        };
        let levels = self.levels.iter().zip(self.address.split('/'));
        self.address != other
            && other.split('/').count() == self.levels.len()
            && levels.zip(other.split('/')).all(covers)
    }
}

/// What numbered values have in common, `till-#` for `till-7`, as agents see it when they fold; none for a word.
fn kind(level: &str) -> Option<String> {
    if !level.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if level.len() >= 16 && level.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return Some("hex".to_owned());
    }
    let mut kind = String::with_capacity(level.len());
    for sign in level.chars().map(|sign| if sign.is_ascii_digit() { '#' } else { sign }) {
        if sign != '#' || !kind.ends_with('#') {
            kind.push(sign);
        }
    }
    Some(kind)
}

/// An agent's time, unless its clock is far off.
pub(super) fn believed(at_ms: i64) -> i64 {
    let now_ms = now_ms();
    if at_ms.abs_diff(now_ms) <= CLOCK_SKEW_MS_MAX.unsigned_abs() { at_ms } else { now_ms }
}

#[cfg(test)]
mod tests {
    use mesh_protocol::event::Protocol;

    use super::*;

    fn flow(address: &str, example_topic: &str) -> report::Flow {
        report::Flow {
            principal: None,
            principal_name: String::new(),
            client_id: String::new(),
            protocol: Protocol::Mqtt,
            direction: Direction::Produce,
            address: address.to_owned(),
            example_topic: example_topic.to_owned(),
            broker: None,
            broker_topic: None,
            route: None,
            events: 1,
            bytes: 1,
            shape: None,
            schemas: Vec::new(),
        }
    }

    #[test]
    fn a_folded_address_takes_the_place_of_those_it_covers() {
        let known = ["cmd/till-1", "cmd/till-2", "cmd/till-1/answer", "prices/fr"].map(str::to_owned);
        assert_eq!(superseded(&known, &[flow("cmd/{level2}", "cmd/till-4")]), ["cmd/till-1", "cmd/till-2"]);
        assert!(superseded(&known, &[flow("cmd/till-3", "cmd/till-3")]).is_empty(), "a plain address covers nothing");
    }

    /// An agent forgets its folding with a restart and reports the first few tills by their names again. When a known
    /// folded address did not count any more, these stayed beside it for ever.
    #[test]
    fn an_address_that_is_known_supersedes_what_a_restarted_agent_reported_meanwhile() {
        let known = ["cmd/till-1", "cmd/{level2}"].map(str::to_owned);
        assert_eq!(superseded(&known, &[flow("cmd/{level2}", "cmd/till-4")]), ["cmd/till-1"]);
    }

    #[test]
    fn values_of_another_kind_keep_their_addresses_beside_a_folded_one() {
        let known = ["s/press-1", "s/oven-1", "s/all"].map(str::to_owned);
        assert_eq!(superseded(&known, &[flow("s/{level2}", "s/press-9")]), ["s/press-1"]);
        assert_eq!(superseded(&known, &[flow("s/{level2}", "s/some")]), known, "so many words that it is all of them");
        let ids = ["o/0190aa00-1b2c-7d3e", "o/0190bb01-4f5a-7b6c"].map(str::to_owned);
        assert_eq!(superseded(&ids, &[flow("o/{level2}", "o/0190cc02-8d9e-7f0a")]), ids);
    }

    #[test]
    fn an_address_with_several_variable_levels_covers_what_was_folded_in_part() {
        let known = ["a/x-1/b-1", "a/{level2}/b-1", "a/{level2}/c", "a/{level2}/{level3}"].map(str::to_owned);
        let reported = [flow("a/{level2}/{level3}", "a/x-7/b-8")];
        assert_eq!(superseded(&known, &reported), ["a/x-1/b-1", "a/{level2}/b-1"]);
    }
}
