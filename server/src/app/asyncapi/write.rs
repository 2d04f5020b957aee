//! Writes a document.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU32;

use frontend::api::{AsyncApiSide, TeamContact, encoded};
use mesh_asyncapi::bindings::{
    CleanupPolicy, HttpMethod, HttpOperation, KafkaChannel, KafkaMessage, MqttOperation, Qos, TopicConfiguration,
};
use mesh_asyncapi::build::{
    Action, Address, Channel, ChannelKey, Contact, Content as Payload, Export, Extensions, Info, Message, MessageKey,
    Operation, SchemaKey, SchemeKey, ServerKey,
};
use mesh_asyncapi::inventory::{CLUSTER, SIDE, VERSION_ID};
use mesh_asyncapi::{Document, Version as Spec};
use mesh_protocol::id::{BrokerId, DesignVersionId, SiteId};
use mesh_protocol::report::{ObjectFacts, ObjectKind};
use mesh_protocol::topic::Filter;
use mesh_schema::Format;
use serde_json::{Value, json};

use super::Does;
use super::offered::Offered;
use super::places::{Places, Seen, Topic};
use super::servers::Listeners;
use crate::app::design::{Designs, content_type};
use crate::app::observed::World;
use crate::app::sight::Sight;
use crate::app::{Error, Result};
use crate::domain::application_domain::{ApplicationDomain, owner};
use crate::domain::design::{Content, Event, Graph, Kind, Object, Schema, State, Version, topics};
use crate::domain::field::FieldErrors;
use crate::domain::product::plan::Protocol;

/// What is written about, and into what.
pub(super) struct Writer<'a> {
    designs: &'a Designs,
    graph: Graph<'a>,
    pub(super) world: &'a World,
    pub(super) seen: Seen<'a>,
    sight: &'a Sight,
    about: (&'a Object, &'a Version),
    /// Whose view it is, where there are two.
    side: Option<AsyncApiSide>,
    /// The plan that narrows a product.
    pub(super) offered: Option<&'a Offered<'a>>,
    pub(super) export: Export,
    pub(super) schemes: HashMap<&'static str, SchemeKey>,
    pub(super) sites: BTreeMap<SiteId, Listeners>,
    pub(super) clusters: HashMap<BrokerId, Vec<ServerKey>>,
    schemas: HashMap<DesignVersionId, SchemaKey>,
    messages: HashMap<DesignVersionId, MessageKey>,
    /// Sites whose listeners would have been too many.
    pub(super) left_out: BTreeSet<SiteId>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        designs: &'a Designs,
        world: &'a World,
        sight: &'a Sight,
        about: (&'a Object, &'a Version),
        spec: Spec,
        (side, offered): (Option<AsyncApiSide>, Option<&'a Offered<'a>>),
    ) -> Self {
        let (object, version) = about;
        let domain_name = domain_of(object, world).map_or("", |domain| domain.spec.name.as_str());
        let team = Some(owner_of(object, world)).filter(|owner| !owner.is_empty()).map(|owner| {
            let team = world.config.teams.iter().find(|team| team.spec.name == owner);
            (owner, team.map_or("", |team| team.spec.contact.as_str()))
        });
        let number = version.spec.number.to_string();
        let parts = [domain_name, &object.spec.name, &number].into_iter().chain(offered.map(Offered::name));
        let urn = parts.map(encoded).collect::<Vec<_>>().join(":");
        let info = info(about, Some(domain_name).filter(|domain| !domain.is_empty()), team, (side, offered));
        Self {
            designs,
            graph: designs.graph(),
            world,
            seen: Seen::of(world, sight),
            sight,
            about,
            side: (object.kind != Kind::Application).then_some(side.unwrap_or_default()),
            offered,
            export: Export::new(info).version(spec).id(format!("urn:meshport:{urn}")),
            schemes: HashMap::new(),
            sites: BTreeMap::new(),
            clusters: HashMap::new(),
            schemas: HashMap::new(),
            messages: HashMap::new(),
            left_out: BTreeSet::new(),
        }
    }

    pub(super) fn write(mut self, does: &[Does<'_>]) -> Result<Document> {
        let mut nowhere = Vec::new();
        for (action, version) in does {
            let Content::Event(event) = &version.spec.content else { continue };
            if self.parts(version).is_some_and(|parts| parts.is_empty()) {
                continue;
            }
            let message = self.message(version, event)?;
            if !self.event(*action, version, event, &message)? {
                nowhere.push((*action, version, event, message));
            }
        }
        // A channel without servers is on all of them, so it may only stand where there are none.
        if !self.has_servers() {
            for (action, version, event, message) in nowhere {
                self.on_channel(action, version, event, &message, (&[], &[]))?;
            }
        }
        let (object, version) = self.about;
        let mut extensions = self.extensions(object, version)?;
        if !self.left_out.is_empty() {
            tell(&mut extensions, "x-mesh-sites-left-out", self.left_out.len())?;
        }
        if let Some(side) = self.side {
            tell(&mut extensions, SIDE, side.name())?;
        }
        if let Some(offered) = self.offered {
            tell(&mut extensions, "x-mesh-plan", offered.terms())?;
        }
        self.export.extensions(extensions).finish().map_err(|refused| {
            tracing::error!(%refused, "an AsyncAPI document cannot be built");
            Error::Internal("an AsyncAPI document cannot be built")
        })
    }

    fn has_servers(&self) -> bool {
        let listeners = self.sites.values().any(|site| site.mqtt.is_some() || site.http.is_some());
        listeners || self.clusters.values().any(|servers| !servers.is_empty())
    }

    /// What the plan gives of an event's topics, when there is a plan and it does not give all of them.
    fn parts(&self, version: &Version) -> Option<Vec<Filter>> {
        let topics = topics(version)?;
        let parts = self.offered?.part_of(&topics);
        (parts != [topics]).then_some(parts)
    }

    /// The channels that an event is on, with what is done there. Whether there are any.
    fn event(&mut self, action: Action, version: &Version, event: &Event, message: &MessageKey) -> Result<bool> {
        let places = topics(version).map(|topics| self.seen.places(&topics)).unwrap_or_default();
        let mut is_somewhere = self.on_mesh(action, version, event, &places, message)?;
        // A cluster gives whole topics: never less of an event, as a plan may.
        let is_given = |offered: &Offered<'_>| offered.speaks(Protocol::Kafka) && self.parts(version).is_none();
        let topics = if self.offered.is_none_or(is_given) { places.topics } else { BTreeMap::new() };
        for (topic, goes_in) in topics {
            // What is written to a topic that nobody reads into the mesh does not arrive.
            if action == Action::Receive || goes_in {
                is_somewhere |= self.on_kafka(action, version, topic, message)?;
            }
        }
        Ok(is_somewhere)
    }

    /// A message with its schemas, once however it is sent and received.
    fn message(&mut self, version: &Version, event: &Event) -> Result<MessageKey> {
        if let Some(key) = self.messages.get(&version.id) {
            return Ok(key.clone());
        }
        let object = self.designs.object(version.object)?;
        let name = object.spec.name.clone();
        let mut message = Message::new().name(&name).title(&name).extensions(self.extensions(object, version)?);
        if !version.spec.description.is_empty() {
            message = message.summary(&version.spec.description);
        }
        if !object.spec.document.is_empty() {
            message = message.description(&object.spec.document);
        }
        if version.state == State::Deprecated {
            message = message.deprecated();
        }
        if let Some((schema, key)) = self.schema(event.schema)? {
            message = message.content_type(content_type(schema.format)).payload(&key);
        }
        if let Some((schema, key)) = self.schema(event.headers_schema)?
            // Other languages cannot say what a header is.
            && schema.format == Format::JsonSchema
        {
            message = message.headers(&key);
        }
        if let Some(key) = self.key(event) {
            message = message.binding(KafkaMessage { key: Some(key), ..KafkaMessage::default() });
        }
        let key = self.export.message(&format!("{name} {}", version.spec.number), message);
        self.messages.insert(version.id, key.clone());
        Ok(key)
    }

    /// The schema of the keys of Kafka records; texts cannot stand there.
    fn key(&self, event: &Event) -> Option<Value> {
        let Content::Schema(schema) = &self.graph.version(event.key_schema?)?.spec.content else { return None };
        match schema.format {
            Format::JsonSchema | Format::Avro => serde_json::from_str(&schema.text).ok(),
            Format::Protobuf => None,
        }
    }

    /// A schema among the components, once however many use it.
    fn schema(&mut self, id: Option<DesignVersionId>) -> Result<Option<(&'a Schema, SchemaKey)>> {
        let Some(version) = id.and_then(|id| self.graph.version(id)) else { return Ok(None) };
        let Content::Schema(schema) = &version.spec.content else { return Ok(None) };
        if let Some(key) = self.schemas.get(&version.id) {
            return Ok(Some((schema, key.clone())));
        }
        let wrong = |reason: String| {
            let label = self.graph.label(version.id);
            Error::Invalid(FieldErrors::one(
                "id",
                format_args!("needs {label}, which cannot stand in a document: {reason}"),
            ))
        };
        let texts = self.graph.texts(Some(version.id), schema).map_err(wrong)?;
        let content = Payload::of(schema.format, &schema.text, &texts).map_err(|error| wrong(error.to_string()))?;
        let name = self.designs.object(version.object)?.spec.name.clone();
        let key = self.export.schema(&format!("{name} {}", version.spec.number), content);
        self.schemas.insert(version.id, key.clone());
        Ok(Some((schema, key)))
    }

    /// On the mesh: over MQTT and HTTP at the sites where it is, or anywhere if it was not seen yet. Whether it is on any.
    fn on_mesh(
        &mut self,
        action: Action,
        version: &Version,
        event: &Event,
        places: &Places<'_>,
        message: &MessageKey,
    ) -> Result<bool> {
        // A plan gives a product where it is published, whether anything was seen there or not.
        let mut sites = self.offered.map_or_else(|| places.sites.clone(), |offered| offered.sites.clone());
        if sites.is_empty() && self.offered.is_none() && self.sight.is_whole() {
            sites = self.seen.all_sites();
        }
        let listeners: Vec<Listeners> = sites.into_iter().map(|site| self.listeners(site)).collect();
        let mqtt: Vec<ServerKey> = listeners.iter().filter_map(|site| site.mqtt.clone()).collect();
        let http: Vec<ServerKey> = listeners.iter().filter_map(|site| site.http.clone()).collect();
        let posted = if action == Action::Send { http.as_slice() } else { &[] };
        if !mqtt.is_empty() || !posted.is_empty() {
            self.on_channel(action, version, event, message, (&mqtt, posted))?;
        }
        if !http.is_empty() && action == Action::Receive {
            self.on_stream(version, message, &http)?;
        }
        Ok(!mqtt.is_empty() || !http.is_empty())
    }

    /// At its own address, over MQTT and for those who post over HTTP.
    fn on_channel(
        &mut self,
        action: Action,
        version: &Version,
        event: &Event,
        message: &MessageKey,
        (mqtt, http): (&[ServerKey], &[ServerKey]),
    ) -> Result<()> {
        let object = self.designs.object(version.object)?;
        let name = &object.spec.name;
        let address = Address::parse(&event.address).map_err(|error| {
            Error::Invalid(FieldErrors::one("id", format_args!("has an address that no document can say: {error}")))
        })?;
        let mut extensions = self.extensions(object, version)?;
        if let Some(parts) = self.parts(version) {
            let parts: Vec<&str> = parts.iter().map(Filter::text).collect();
            tell(&mut extensions, "x-mesh-filters", json!(parts))?;
        }
        let mut channel = Channel::at(address).title(name).extensions(extensions);
        for server in mqtt.iter().chain(http) {
            channel = channel.on(server);
        }
        let channel = self.export.channel(name, channel);
        let mut does = self.does(action, name, "", &channel, message);
        if !mqtt.is_empty() {
            does = does.binding(MqttOperation { qos: Some(Qos::AtLeastOnce), ..MqttOperation::default() });
        }
        if !http.is_empty() {
            does = does.binding(HttpOperation { method: Some(HttpMethod::Post), query: None });
        }
        self.export.operation(&format!("{} {name}", action.name()), does);
        Ok(())
    }

    /// As a stream over HTTP, which is asked for by a filter: its address is the server's path.
    fn on_stream(&mut self, version: &Version, message: &MessageKey, http: &[ServerKey]) -> Result<()> {
        let action = Action::Receive;
        let object = self.designs.object(version.object)?;
        let (name, extensions) = (&object.spec.name, self.extensions(object, version)?);
        let mut channel = Channel::at(Address::unknown())
            .title(format!("{name} as a stream"))
            .extensions(extensions)
            .description("Server-Sent Events: one request, answered with every event from then on.");
        for server in http {
            channel = channel.on(server);
        }
        let channel = self.export.channel(&format!("{name} stream"), channel);
        let filter = match self.parts(version) {
            Some(parts) => {
                json!({ "type": "string", "enum": parts.iter().map(Filter::text).collect::<Vec<_>>() })
            }
            None => {
                let filter = topics(version).map(|topics| topics.text().to_owned()).unwrap_or_default();
                json!({ "type": "string", "const": filter })
            }
        };
        let query = json!({ "type": "object", "required": ["filter"], "properties": { "filter": filter } });
        let does = self.does(action, name, " over HTTP", &channel, message);
        let does = does.binding(HttpOperation { method: Some(HttpMethod::Get), query: Some(query) });
        self.export.operation(&format!("{} {name} stream", action.name()), does);
        Ok(())
    }

    fn does(&mut self, action: Action, name: &str, how: &str, channel: &ChannelKey, message: &MessageKey) -> Operation {
        let entry = self.export.carry(channel, message);
        let verb = if action == Action::Send { "Sends" } else { "Receives" };
        Operation::new(action, channel).message(&entry).summary(format!("{verb} {name}{how}."))
    }

    /// In a Kafka topic that connectors tie to it, with its settings as they were discovered. Whether it can be told.
    fn on_kafka(
        &mut self,
        action: Action,
        version: &Version,
        (broker, topic): Topic<'_>,
        message: &MessageKey,
    ) -> Result<bool> {
        let object = self.designs.object(version.object)?;
        let Some(cluster) = self.world.broker_name(broker) else { return Ok(false) };
        let servers = self.cluster(broker, &cluster);
        let (Ok(address), false) = (Address::literal(topic), servers.is_empty()) else { return Ok(false) };
        let name = &object.spec.name;
        let title = format!("{name} in {topic} of {cluster}");
        let mut extensions = self.extensions(object, version)?;
        tell(&mut extensions, CLUSTER, cluster.as_str())?;
        let mut channel = Channel::at(address).title(&title).extensions(extensions);
        for server in &servers {
            channel = channel.on(server);
        }
        if let Some(found) = self.world.seen.found.get(broker, ObjectKind::Topic, topic)
            && let ObjectFacts::Topic(facts) = &found.facts
        {
            channel = channel.binding(KafkaChannel {
                topic: None,
                partitions: u32::try_from(facts.partitions.len()).ok().and_then(NonZeroU32::new),
                replicas: facts
                    .partitions
                    .first()
                    .and_then(|first| NonZeroU32::new(u32::try_from(first.replicas.len()).ok()?)),
                topic_configuration: settings(&facts.configs),
            });
        }
        let channel = self.export.channel(&format!("{name} {cluster} {topic}"), channel);
        let does = self.does(action, name, &format!(" with Kafka's protocol, in {topic}"), &channel, message);
        self.export.operation(&format!("{} {name} {cluster} {topic}", action.name()), does);
        Ok(true)
    }

    /// Of whom and of what an object is.
    fn extensions(&self, object: &Object, version: &Version) -> Result<Extensions> {
        let mut all = Extensions::new();
        let told = [
            ("x-mesh-domain", domain_of(object, self.world).map(|domain| domain.spec.name.clone())),
            ("x-mesh-owner", Some(owner_of(object, self.world).to_owned())),
            ("x-mesh-lifecycle", Some(version.state.name().to_owned())),
            (VERSION_ID, Some(version.id.to_string())),
        ];
        for (name, value) in told {
            let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
            tell(&mut all, name, value)?;
        }
        Ok(all)
    }
}

pub(super) fn tell(extensions: &mut Extensions, name: &str, value: impl Into<Value>) -> Result<()> {
    extensions.set(name, value).map_err(|_| Error::Internal("an extension of AsyncAPI has a wrong name"))
}

fn domain_of<'a>(object: &Object, world: &'a World) -> Option<&'a ApplicationDomain> {
    world.config.domains.iter().find(|domain| domain.id == object.spec.domain)
}

/// Who answers for an object by itself or by its domain; empty = nobody.
fn owner_of<'a>(object: &'a Object, world: &'a World) -> &'a str {
    match object.spec.owner.as_str() {
        "" => domain_of(object, world).map_or("", |domain| owner(domain, &world.config.domains)),
        own => own,
    }
}

/// What a document is about, and whose view it is.
fn info(
    (object, version): (&Object, &Version),
    domain: Option<&str>,
    owner: Option<(&str, &str)>,
    (side, offered): (Option<AsyncApiSide>, Option<&Offered<'_>>),
) -> Info {
    let name = &object.spec.name;
    let view = match (object.kind, side.unwrap_or_default()) {
        (Kind::Application, _) => format!("The view of the application {name}: it sends what is sent here."),
        (Kind::EventApi | Kind::Product, AsyncApiSide::Consumer) => {
            format!("The view of a client of {name}: it sends and receives what is said here.")
        }
        (Kind::EventApi | Kind::Product, AsyncApiSide::Provider) => {
            format!("The view of who provides {name}: it sends what clients receive, and receives what they send.")
        }
        (_, AsyncApiSide::Consumer) => format!("The view of a client that consumes {name}: it receives it."),
        (_, AsyncApiSide::Provider) => format!("The view of a client that provides {name}: it sends it."),
    };
    let plan = offered.map(Offered::words).unwrap_or_default();
    let texts = [object.spec.document.trim(), version.spec.description.trim(), plan.as_str(), view.as_str()];
    let texts: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    let mut info = Info::new(name, version.spec.number.to_string()).description(texts.join("\n\n"));
    if let Some((name, contact)) = owner {
        let (url, email) = match TeamContact::of(contact) {
            TeamContact::Web(url) => (url, ""),
            TeamContact::Mail(email) => ("", email),
            TeamContact::Other => ("", ""),
        };
        info = info.contact(Contact { name: name.to_owned(), url: url.to_owned(), email: email.to_owned() });
    }
    let domain = domain.map(|domain| format!("domain:{domain}"));
    let tags: BTreeSet<String> = domain.into_iter().chain(object.spec.tags.iter().cloned()).collect();
    tags.into_iter().fold(info, Info::tag)
}

/// Settings that differ from the broker's own, as far as AsyncAPI knows them.
fn settings(configs: &BTreeMap<String, String>) -> Option<TopicConfiguration> {
    fn number<T: std::str::FromStr>(configs: &BTreeMap<String, String>, name: &str) -> Option<T> {
        configs.get(name)?.parse().ok()
    }
    let policy = |text: &str| match text.trim() {
        "delete" => Some(CleanupPolicy::Delete),
        "compact" => Some(CleanupPolicy::Compact),
        _ => None,
    };
    let settings = TopicConfiguration {
        cleanup_policy: configs
            .get("cleanup.policy")
            .into_iter()
            .flat_map(|all| all.split(','))
            .filter_map(policy)
            .collect(),
        retention_ms: number(configs, "retention.ms"),
        retention_bytes: number(configs, "retention.bytes"),
        delete_retention_ms: number(configs, "delete.retention.ms"),
        max_message_bytes: number(configs, "max.message.bytes"),
    };
    (settings != TopicConfiguration::default()).then_some(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_a_topic_are_those_that_asyncapi_knows() {
        let of =
            |all: &[(&str, &str)]| settings(&all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
        let found = of(&[("cleanup.policy", "compact,delete"), ("retention.ms", "-1"), ("segment.bytes", "9")]);
        let found = found.expect("some are known");
        assert_eq!(found.cleanup_policy, [CleanupPolicy::Compact, CleanupPolicy::Delete]);
        assert_eq!((found.retention_ms, found.retention_bytes), (Some(-1), None));
        assert_eq!(of(&[("segment.bytes", "9")]), None);
    }
}
