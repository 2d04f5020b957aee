//! Discovery of a RabbitMQ cluster by its management API.
//!
//! | what | how often | needs |
//! | --- | --- | --- |
//! | version, virtual hosts | each scan | the tag `monitoring` (with `management` alone: those the user has permissions in) |
//! | nodes with their alarms | each scan | the tag `monitoring` |
//! | exchanges, bindings, queues, consumers | each scan, one virtual host after the other | permissions in it, which may be empty |
//! | users and their permissions | every 30 s | the tag `administrator`, which nobody should give for this alone |
//!
//! A refusal is always a 401: what it is about stands in its words.

mod read;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::report::{
    MissingRight, ObjectFacts, RABBIT_NODES_MAX, RABBIT_VHOSTS_MAX, RabbitExchangeFacts, RabbitFacts, RabbitNode,
    RabbitQueueFacts, RabbitUserFacts, RabbitVhost, RuntimeObject, rabbit_key,
};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::surveyed::{Found, Notes, Scanner};
use crate::http::rest::{Failure, Rest, bounded};

/// Most exchanges and most queues that are told; the rest is counted.
const EXCHANGES_MAX: usize = 5_000;
const QUEUES_MAX: usize = 5_000;
/// Most users that are told; the rest is counted.
const USERS_MAX: usize = 1_000;
/// Entries of a list that are asked for at once: the most that the API gives.
const PAGE: usize = 500;
/// Most pages of a list of one virtual host that are read: exclusive queues fill them too, and are not told.
const PAGES_MAX: usize = 40;
/// Users are read this often.
const USERS_INTERVAL: Duration = Duration::from_secs(30);
/// Most virtual hosts for which the command that opens them is told; further ones are counted.
const CLOSED_MAX: usize = 20;

const EXCHANGE_COLUMNS: &str = "name,type,durable,auto_delete,internal,arguments,policy,effective_policy_definition,\
                                message_stats.publish_in_details.rate,message_stats.publish_out_details.rate";
const QUEUE_COLUMNS: &str = "name,type,durable,auto_delete,exclusive,arguments,policy,effective_policy_definition,state,node,\
                             leader,messages_ready,messages_unacknowledged,consumers,message_stats.publish_details.rate,\
                             message_stats.deliver_get_details.rate";
const NODE_COLUMNS: &str = "name,running,mem_used,mem_limit,mem_alarm,disk_free,disk_free_limit,disk_free_alarm";

/// Looks at one cluster.
#[derive(Debug)]
pub(super) struct Rabbit {
    rest: Rest,
    /// Whether anything was ever told.
    is_known: bool,
    version: String,
    cluster_name: String,
    nodes: Option<(Vec<RabbitNode>, u64)>,
    vhosts: BTreeMap<String, Vhost>,
    vhosts_left_out: u64,
    users: Option<(BTreeMap<String, RabbitUserFacts>, u64)>,
    users_at: Option<Instant>,
}

/// What is known of a virtual host.
#[derive(Debug, Default)]
struct Vhost {
    description: String,
    is_read: bool,
    exchanges: BTreeMap<String, RabbitExchangeFacts>,
    exchanges_left_out: u64,
    queues: BTreeMap<String, RabbitQueueFacts>,
    queues_left_out: u64,
    exclusive: u64,
}

/// One page of a list.
#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Value>,
    #[serde(default)]
    page_count: usize,
    #[serde(default)]
    filtered_count: usize,
}

/// All pages of a list, as far as there is room.
#[derive(Debug, Default, PartialEq)]
struct Listed {
    items: Vec<Value>,
    left_out: u64,
    exclusive: u64,
}

/// What is left of the room that all virtual hosts share.
#[derive(Debug)]
struct Room {
    exchanges: usize,
    queues: usize,
}

/// What the user is, by its tags.
#[derive(Debug)]
struct Tags(Vec<String>);

impl Tags {
    fn has(&self, tag: &str) -> bool {
        self.0.iter().any(|own| own == tag || own == "administrator")
    }

    /// All it has, and this one: a command that sets tags takes away those that it does not name.
    fn with(&self, tag: &str) -> String {
        let others = self.0.iter().filter(|own| own.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)));
        others.map(String::as_str).chain([tag]).collect::<Vec<_>>().join(" ")
    }
}

/// For a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Whether somebody who is known may not, as against somebody who is not known: the API spells the two differently.
fn is_refusal(failure: &Failure) -> bool {
    match failure {
        Failure::Denied(_) => true,
        Failure::Unknown(reason) => reason.contains("not_authorised"),
        Failure::Absent | Failure::Lost(_) | Failure::Odd(_) => false,
    }
}

impl Rabbit {
    pub(super) fn new(rest: Rest) -> Self {
        Self {
            rest,
            is_known: false,
            version: String::new(),
            cluster_name: String::new(),
            nodes: None,
            vhosts: BTreeMap::new(),
            vhosts_left_out: 0,
            users: None,
            users_at: None,
        }
    }

    fn tag_right(&self, what: &str, tag: &str, tags: &Tags) -> MissingRight {
        MissingRight {
            what: what.to_owned(),
            right: format!("the tag {tag}"),
            command: format!("rabbitmqctl set_user_tags {} {}", quoted(self.rest.user()), tags.with(tag)),
        }
    }

    /// Any permissions open a virtual host to who looks at it, also those that permit nothing.
    fn vhost_right(&self, what: String, vhost: &str) -> MissingRight {
        MissingRight {
            what,
            right: "permissions, which may be empty".to_owned(),
            command: format!(
                "rabbitmqctl set_permissions -p {} {} '^$' '^$' '^$'",
                quoted(vhost),
                quoted(self.rest.user())
            ),
        }
    }

    /// What the user is; none = it may not use the API at all.
    async fn who(&self, notes: &mut Notes) -> Result<Option<Tags>, String> {
        let answer = self.rest.get::<Value>(&["api", "whoami"]).await;
        if answer.as_ref().is_err_and(is_refusal) {
            let what = "anything: without a tag a user may not use the management API";
            notes.missing.push(self.tag_right(what, "monitoring", &Tags(Vec::new())));
            return Ok(None);
        }
        let otherwise = "has no management API: the URL must be that of RabbitMQ's management plugin \
                         (rabbitmq-plugins enable rabbitmq_management), with the path that stands before /api";
        let answer = self.rest.first_of(answer, otherwise)?;
        // Whoever answers something odd is asked for the rest as a user without tags.
        let who = notes.keep("the user", answer, || self.tag_right("who it is", "monitoring", &Tags(Vec::new())));
        Ok(Some(Tags(who.map(|who| read::words(&who, "tags")).unwrap_or_default())))
    }

    async fn about(&mut self, tags: &Tags, notes: &mut Notes) {
        let answer = self.rest.get_with::<Value>(&["api", "overview"], "columns=rabbitmq_version,cluster_name").await;
        let right = || self.tag_right("the version", "management", tags);
        if let Some(about) = notes.keep("the version", answer, right) {
            self.version = read::text(&about, "rabbitmq_version").unwrap_or_default();
            self.cluster_name = read::text(&about, "cluster_name").unwrap_or_default();
            self.is_known = true;
        }
        let answer = self.rest.get_with::<Vec<Value>>(&["api", "nodes"], &format!("columns={NODE_COLUMNS}")).await;
        let what = "nodes with their alarms, and virtual hosts in which it has no permissions";
        if let Some(nodes) = notes.keep("nodes", answer, || self.tag_right(what, "monitoring", tags)) {
            let mut nodes: Vec<RabbitNode> = nodes.iter().map(read::node).collect();
            nodes.sort_by(|a, b| a.name.cmp(&b.name));
            let left_out = read::cut(&mut nodes, RABBIT_NODES_MAX);
            self.nodes = Some((nodes, left_out));
        }
    }

    /// Brings the list of virtual hosts up to date. Whether it could be read.
    async fn list(&mut self, tags: &Tags, notes: &mut Notes) -> bool {
        let answer = self.rest.get_with::<Vec<Value>>(&["api", "vhosts"], "columns=name,description").await;
        let right = || self.tag_right("which virtual hosts there are", "monitoring", tags);
        let Some(all) = notes.keep("the list of virtual hosts", answer, right) else { return false };
        let mut described: BTreeMap<String, String> = all
            .iter()
            .map(|vhost| (read::name(vhost, "name"), read::text(vhost, "description").unwrap_or_default()))
            .collect();
        let (names, left_out) = bounded(described.keys().cloned().collect(), RABBIT_VHOSTS_MAX);
        self.vhosts_left_out = left_out;
        let mut known = std::mem::take(&mut self.vhosts);
        self.vhosts = names
            .into_iter()
            .map(|name| {
                let mut vhost = known.remove(&name).unwrap_or_default();
                vhost.description = described.remove(&name).unwrap_or_default();
                (name, vhost)
            })
            .collect();
        true
    }

    /// Reads a list of one virtual host, page by page.
    async fn pages(&self, what: &str, vhost: &str, columns: &str, room: usize) -> Result<Listed, Failure> {
        let (mut listed, mut read) = (Listed::default(), 0);
        for number in 1..=PAGES_MAX {
            let query = format!("page={number}&page_size={PAGE}&pagination=true&columns={columns}");
            let page: Page = match self.rest.get_with(&["api", what, vhost], &query).await {
                // It became shorter meanwhile.
                Err(Failure::Odd(reason)) if number > 1 && reason.contains("page_out_of_range") => break,
                answer => answer?,
            };
            read += page.items.len();
            let (exclusive, lasting): (Vec<_>, Vec<_>) =
                page.items.into_iter().partition(|item| read::is(item, "exclusive"));
            listed.exclusive += exclusive.len() as u64;
            listed.items.extend(lasting);
            listed.left_out = page.filtered_count.saturating_sub(read) as u64;
            if number >= page.page_count || listed.items.len() >= room {
                break;
            }
        }
        listed.left_out += read::cut(&mut listed.items, room);
        Ok(listed)
    }

    async fn look_into_all(&mut self, notes: &mut Notes) -> bool {
        let mut room = Room { exchanges: EXCHANGES_MAX, queues: QUEUES_MAX };
        let mut vhosts = std::mem::take(&mut self.vhosts);
        let mut closed: Vec<String> = Vec::new();
        let mut gone: Vec<String> = Vec::new();
        for (name, vhost) in &mut vhosts {
            if notes.is_lost() {
                vhost.is_read = false;
                continue;
            }
            match self.look_into(name, vhost, &mut room, notes).await {
                Ok(read) => vhost.is_read = read,
                Err(Failure::Absent) => gone.push(name.clone()),
                Err(_) => {
                    vhost.is_read = false;
                    closed.push(name.clone());
                }
            }
        }
        vhosts.retain(|name, _| !gone.contains(name));
        let all_read = vhosts.values().all(|vhost| vhost.is_read);
        self.vhosts = vhosts;
        self.open(&closed, notes);
        all_read
    }

    /// Says how to open the virtual hosts that the user may not look into.
    fn open(&self, closed: &[String], notes: &mut Notes) {
        for vhost in closed.iter().take(CLOSED_MAX) {
            notes.missing.push(self.vhost_right(format!("what is in the virtual host {vhost}"), vhost));
        }
        if let Some(next) = closed.get(CLOSED_MAX) {
            let more = closed.len() - CLOSED_MAX;
            notes
                .missing
                .push(self.vhost_right(format!("what is in {more} other virtual hosts, such as {next}"), next));
        }
    }

    /// Brings one virtual host up to date. Whether all of it could be read.
    ///
    /// # Errors
    /// It is gone, or the user may not look into it.
    async fn look_into(
        &self,
        name: &str,
        vhost: &mut Vhost,
        room: &mut Room,
        notes: &mut Notes,
    ) -> Result<bool, Failure> {
        let right = || self.vhost_right(format!("what is in the virtual host {name}"), name);
        let exchanges = self.pages("exchanges", name, EXCHANGE_COLUMNS, room.exchanges).await;
        if let Err(failure) = &exchanges
            && (*failure == Failure::Absent || is_refusal(failure))
        {
            return Err(failure.clone());
        }
        let bindings = self.rest.get::<Vec<Value>>(&["api", "bindings", name]).await;
        let queues = self.pages("queues", name, QUEUE_COLUMNS, room.queues).await;
        let consumers = self.rest.get::<Vec<Value>>(&["api", "consumers", name]).await;
        let exchanges = notes.keep("exchanges", exchanges, right);
        let queues = notes.keep("queues", queues, right);
        let bindings = notes.keep("bindings", bindings, right);
        let consumers = notes.keep("consumers", consumers, right);
        let all_read = exchanges.is_some() && queues.is_some() && bindings.is_some() && consumers.is_some();
        if let Some(listed) = exchanges {
            vhost.take_exchanges(name, &listed);
        }
        if let Some(listed) = queues {
            vhost.take_queues(name, &listed);
        }
        if let Some(bindings) = bindings {
            let mut bindings = read::bindings(&bindings);
            let exchanges = vhost.exchanges.iter_mut();
            exchanges.for_each(|(name, exchange)| read::bind(exchange, bindings.remove(name).unwrap_or_default()));
        }
        if let Some(consumers) = consumers {
            let mut consumers = read::consumers(&consumers);
            let queues = vhost.queues.iter_mut();
            queues.for_each(|(name, queue)| read::consume(queue, consumers.remove(name).unwrap_or_default()));
        }
        room.exchanges = room.exchanges.saturating_sub(vhost.exchanges.len());
        room.queues = room.queues.saturating_sub(vhost.queues.len());
        Ok(all_read)
    }

    /// Users are for administrators to see. Whoever only looks need not be one, so that it is not is no missing right.
    async fn look_at_users(&mut self, tags: &Tags, notes: &mut Notes) {
        if !tags.has("administrator") {
            return;
        }
        if self.users_at.is_some_and(|at| at.elapsed() < USERS_INTERVAL) {
            return;
        }
        let right = || self.tag_right("users and their permissions", "administrator", tags);
        // Without the columns each would come with what its password looks like.
        let users = self.rest.get_with::<Vec<Value>>(&["api", "users"], "columns=name,tags").await;
        let permissions = self.rest.get::<Vec<Value>>(&["api", "permissions"]).await;
        let topics = self.rest.get::<Vec<Value>>(&["api", "topic-permissions"]).await;
        // Older than 3.7 it has none.
        let topics = if topics == Err(Failure::Absent) { Ok(Vec::new()) } else { topics };
        let users = notes.keep("users", users, right);
        let permissions = notes.keep("permissions", permissions, right);
        let topics = notes.keep("topic permissions", topics, right);
        let (Some(users), Some(permissions), Some(topics)) = (users, permissions, topics) else { return };
        let mut all = read::users(&users, &permissions, &topics);
        let mut left_out = 0;
        while all.len() > USERS_MAX {
            all.pop_last();
            left_out += 1;
        }
        self.users = Some((all, left_out));
        self.users_at = Some(Instant::now());
    }

    /// All that is known, as objects.
    fn tell(&self, found: &mut Found) {
        if !self.is_known {
            return;
        }
        let mut facts = RabbitFacts {
            version: self.version.clone(),
            cluster_name: self.cluster_name.clone(),
            nodes: self.nodes.as_ref().map(|(nodes, _)| nodes.clone()),
            nodes_left_out: self.nodes.as_ref().map_or(0, |(_, left_out)| *left_out),
            vhosts_left_out: self.vhosts_left_out,
            users: self.users.as_ref().map(|_| 0),
            users_left_out: self.users.as_ref().map_or(0, |(_, left_out)| *left_out),
            ..RabbitFacts::default()
        };
        let mut push = |name: String, of: ObjectFacts| found.push(RuntimeObject { name, facts: of });
        for (name, vhost) in &self.vhosts {
            facts.vhosts.push(RabbitVhost {
                name: name.clone(),
                description: vhost.description.clone(),
                is_read: vhost.is_read,
            });
            facts.exchanges_left_out += vhost.exchanges_left_out;
            facts.queues_left_out += vhost.queues_left_out;
            facts.exclusive_queues += vhost.exclusive;
            for (exchange, of) in &vhost.exchanges {
                let told = push(rabbit_key(name, exchange), ObjectFacts::RabbitExchange(of.clone()));
                count(told, &mut facts.exchanges, &mut facts.exchanges_left_out);
            }
            for (queue, of) in &vhost.queues {
                let told = push(rabbit_key(name, queue), ObjectFacts::RabbitQueue(of.clone()));
                count(told, &mut facts.queues, &mut facts.queues_left_out);
            }
        }
        for (name, of) in self.users.iter().flat_map(|(users, _)| users) {
            let told = push(name.clone(), ObjectFacts::RabbitUser(of.clone()));
            count(told, facts.users.get_or_insert_default(), &mut facts.users_left_out);
        }
        let troubled = facts.nodes.iter().flatten().filter(|node| node.is_in_trouble()).count() as u64;
        found.figures = vec![
            ("queues", facts.queues),
            ("exchanges", facts.exchanges),
            ("queues_left_out", facts.queues_left_out),
            ("exchanges_left_out", facts.exchanges_left_out),
            ("nodes_in_trouble", troubled),
        ];
        let name = "rabbit".to_owned();
        found.objects.push(RuntimeObject { name, facts: ObjectFacts::Rabbit(facts) });
    }
}

fn count(told: bool, number: &mut u64, left_out: &mut u64) {
    *(if told { number } else { left_out }) += 1;
}

impl Vhost {
    /// Takes these for the exchanges there are, and keeps what is known of their bindings.
    fn take_exchanges(&mut self, vhost: &str, listed: &Listed) {
        self.exchanges_left_out = listed.left_out;
        let mut known = std::mem::take(&mut self.exchanges);
        let all = listed.items.iter().map(|item| read::exchange(vhost, item));
        self.exchanges = all
            .map(|mut exchange| {
                if let Some(old) = known.remove(&exchange.name) {
                    (exchange.bindings, exchange.bindings_left_out) = (old.bindings, old.bindings_left_out);
                }
                (exchange.name.clone(), exchange)
            })
            .collect();
    }

    /// Takes these for the queues there are, and keeps what is known of their consumers.
    fn take_queues(&mut self, vhost: &str, listed: &Listed) {
        self.queues_left_out = listed.left_out;
        self.exclusive = listed.exclusive;
        let mut known = std::mem::take(&mut self.queues);
        let all = listed.items.iter().map(|item| read::queue(vhost, item)).filter(|queue| !queue.name.is_empty());
        self.queues = all
            .map(|mut queue| {
                if let Some(old) = known.remove(&queue.name) {
                    (queue.consumed_by, queue.consumed_by_left_out) = (old.consumed_by, old.consumed_by_left_out);
                }
                (queue.name.clone(), queue)
            })
            .collect();
    }
}

#[async_trait]
impl Scanner for Rabbit {
    async fn scan(&mut self, _anew: bool) -> Result<Found, String> {
        let mut found = Found::default();
        let mut notes = Notes::default();
        if let Some(tags) = self.who(&mut notes).await? {
            self.about(&tags, &mut notes).await;
            let listed = self.list(&tags, &mut notes).await;
            let all_read = self.look_into_all(&mut notes).await;
            self.look_at_users(&tags, &mut notes).await;
            found.in_part = !listed || !all_read || (tags.has("administrator") && self.users.is_none());
        } else {
            found.in_part = true;
        }
        self.tell(&mut found);
        found.notes = notes;
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
