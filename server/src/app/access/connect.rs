//! What somebody who was given access needs to know to connect: listeners that run, and an example of what may be sent.
//!
//! Worked out when somebody looks, since listeners come and go. The example is made up from the design, never taken from what
//! was seen: what others send is theirs.

use frontend::api::{ConnectDoor, ConnectEvent, ConnectKafka, ConnectView};
use mesh_protocol::desired::ListenerProtocol;
use mesh_protocol::id::{DesignVersionId, GrantId, SiteId};
use mesh_protocol::topic::{Filter, Topic};
use mesh_schema::Format;

use super::{Scene, kafka, shown};
use crate::app::design::{content_type, payload};
use crate::app::door::{door, spoken};
use crate::app::permission::Right;
use crate::app::{App, Caller, Result};
use crate::domain::access::grant::{Grant, Terms};
use crate::domain::access::kafka::Told;
use crate::domain::design::{Address, Content, Event, Graph, Level, Version};

/// Most sites of one answer.
const SITES_MAX: usize = 50;
/// What a payload is when nobody says.
const JSON: &str = "application/json";
/// What stands for a level that may be anything.
const ANY: &str = "example";

impl App {
    /// Where the clients of a grant connect, and an example of what they may send.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn grant_connect(&self, caller: &Caller, id: GrantId) -> Result<ConnectView> {
        caller.permit(Right::MeshRead)?;
        let grant = self.find_grant(id).await?;
        let scene = self.access_scene(caller).await?;
        Ok(scene.connect(&grant, &scene.designs.graph(), &self.config().portal_url))
    }
}

impl Scene {
    fn connect(&self, grant: &Grant, graph: &Graph<'_>, portal_url: &str) -> ConnectView {
        let (doors, left_out) = self.doors(grant, portal_url);
        ConnectView {
            doors,
            left_out,
            receive: grant.terms.subscribe.iter().map(|filter| filter.text().to_owned()).collect(),
            send: self.example(&grant.terms, graph.version(grant.version), graph),
            kafka: self.clusters(grant),
        }
    }

    /// The grant's newest user at each cluster, by the names of the clusters.
    fn clusters(&self, grant: &Grant) -> Vec<ConnectKafka> {
        let (config, fleet) = (&self.shop.config, &self.shop.fleet);
        let is_its = |one: &&Told| one.credential.grant == grant.id && one.credential.removed_at_ms.is_none();
        let mut own: Vec<&Told> = config.mesh.kafka_credentials.iter().filter(is_its).collect();
        own.sort_by_key(|one| std::cmp::Reverse(one.credential.created_at_ms));
        let mut all: Vec<ConnectKafka> = Vec::new();
        for one in own {
            let user = kafka::view(one, grant, config, fleet);
            if !all.iter().any(|cluster| cluster.name == user.broker_name) {
                all.push(ConnectKafka {
                    name: user.broker_name,
                    user: user.username,
                    bootstrap: user.bootstrap.join(","),
                    tls: user.security_protocol == kafka::SASL_SSL,
                    receive: user.reads,
                    group: format!("{}app", user.group_prefix),
                    send: user.writes.into_iter().next(),
                });
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Listeners that run at the grant's sites, by the names of the sites; and how many sites have some beyond those.
    fn doors(&self, grant: &Grant, portal_url: &str) -> (Vec<ConnectDoor>, u64) {
        let (config, fleet) = (&self.shop.config, &self.shop.fleet);
        // What is published nowhere can be had nowhere.
        let Some(sites) = config.mesh.places_of(grant) else { return (Vec::new(), 0) };
        let is_its = |site: &SiteId| sites.is_empty() || sites.contains(site);
        let mut sites: Vec<(String, SiteId)> = config
            .mesh
            .sites
            .iter()
            .filter(|site| is_its(&site.id))
            .map(|site| (site.spec.name.clone(), site.id))
            .collect();
        sites.sort();
        let at =
            |name: &str, site, protocol| Some(door(site, protocol, config, fleet)?.view(name, protocol, portal_url));
        let (mut doors, mut taken, mut left_out) = (Vec::new(), 0, 0);
        for (name, site) in sites {
            let protocols = [ListenerProtocol::Mqtt, ListenerProtocol::Http];
            let here = protocols.into_iter().filter(|protocol| is_allowed(&grant.terms, *protocol));
            let here: Vec<ConnectDoor> = here.filter_map(|protocol| at(&name, site, protocol)).collect();
            if here.is_empty() {
                continue;
            }
            if taken == SITES_MAX {
                left_out += 1;
                continue;
            }
            taken += 1;
            doors.extend(here);
        }
        (doors, left_out)
    }

    /// The first event in sight that the terms let somebody send, at a topic of its own, else any topic that may be sent to.
    fn example(&self, terms: &Terms, version: Option<&Version>, graph: &Graph<'_>) -> Option<ConnectEvent> {
        let sends: Vec<DesignVersionId> = version.map(|version| graph.offer(version).sends).unwrap_or_default();
        let found = sends.iter().find_map(|id| {
            let version = graph.version(*id)?;
            graph.object(version.object).filter(|object| self.shop.sight.sees_design(object))?;
            let Content::Event(event) = &version.spec.content else { return None };
            Some((topic_of(event, &terms.publish)?, version))
        });
        let Some((topic, version)) = found else {
            let topic = terms.publish.iter().find_map(topic_by)?;
            return Some(ConnectEvent { topic, payload: Some("{}".to_owned()), content_type: JSON.to_owned() });
        };
        let schema = payload(version, graph);
        let format = schema.as_ref().map_or(Format::JsonSchema, mesh_schema::Schema::format);
        let text = match &schema {
            None => Some("{}".to_owned()),
            // The bytes of other languages cannot stand in a program as text.
            Some(schema) if format == Format::JsonSchema => schema.example().ok().map(|value| value.to_string()),
            Some(_) => None,
        };
        Some(ConnectEvent { topic, payload: text, content_type: content_type(format).to_owned() })
    }
}

fn is_allowed(terms: &Terms, protocol: ListenerProtocol) -> bool {
    let mut allowed = terms.protocols.iter().map(|allowed| shown::protocol(*allowed));
    terms.protocols.is_empty() || allowed.any(|allowed| allowed == spoken(protocol))
}

/// A topic of an event that one of these filters lets through.
fn topic_of(event: &Event, filters: &[Filter]) -> Option<String> {
    let address = Address::parse(&event.address).ok()?;
    filters.iter().find_map(|filter| {
        let mut asked = filter.text().split('/');
        let mut is_open = false;
        let levels = address.levels().map(|level| {
            let wanted = asked.next().unwrap_or_default();
            is_open |= wanted == ">";
            match (level, wanted) {
                (Level::Literal(text), _) => text.to_owned(),
                (Level::Variable(name), "*" | ">") => format!("{name}-1"),
                (Level::Variable(name), _) if is_open => format!("{name}-1"),
                (Level::Variable(_), wanted) => filled(wanted),
            }
        });
        checked(&levels.collect::<Vec<_>>(), filter)
    })
}

/// A topic that a filter lets through.
fn topic_by(filter: &Filter) -> Option<String> {
    let levels = filter.text().split('/').map(|level| if level == ">" { ANY.to_owned() } else { filled(level) });
    checked(&levels.collect::<Vec<_>>(), filter)
}

/// A level that a level of a filter in the mesh dialect lets through.
fn filled(level: &str) -> String {
    match level.strip_suffix('*') {
        Some("") => ANY.to_owned(),
        Some(prefix) => format!("{prefix}1"),
        None => level.to_owned(),
    }
}

fn checked(levels: &[String], filter: &Filter) -> Option<String> {
    let topic = levels.join("/");
    (Topic::new(&topic).is_ok() && filter.matches(&topic)).then_some(topic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str, filters: &[&str]) -> Option<String> {
        let filters: Vec<Filter> = filters.iter().map(|text| Filter::mesh(text).expect("sound")).collect();
        let event = Event { address: address.to_owned(), schema: None, key_schema: None, headers_schema: None };
        topic_of(&event, &filters)
    }

    #[test]
    fn an_example_is_a_topic_of_the_event_that_may_be_sent_to() {
        let address = "orders/{country}/{store}/created";
        for (filters, topic) in [
            (&["orders/*/*/created"][..], Some("orders/country-1/store-1/created")),
            (&["orders/fr/>"], Some("orders/fr/store-1/created")),
            (&[">"], Some("orders/country-1/store-1/created")),
            (&["stock/>", "orders/*/ly*/created"], Some("orders/country-1/ly1/created")),
            (&["stock/>"], None),
            (&["orders/fr"], None),
            (&[], None),
        ] {
            assert_eq!(of(address, filters).as_deref(), topic, "{filters:?}");
        }
    }

    #[test]
    fn without_an_event_the_filter_alone_makes_a_topic() {
        for (filter, topic) in
            [("orders/*/x", "orders/example/x"), ("a/pre*", "a/pre1"), (">", "example"), ("a/>", "a/example")]
        {
            assert_eq!(topic_by(&Filter::mesh(filter).expect("sound")).as_deref(), Some(topic));
        }
    }
}
