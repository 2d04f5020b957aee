//! Writes a document.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU32;

use frontend::api::{AsyncApiSide, encoded};
use mesh_asyncapi::bindings::{
    CleanupPolicy, HttpMethod, HttpOperation, KafkaChannel, KafkaMessage, MqttOperation, Qos, TopicConfiguration,
};
use mesh_asyncapi::build::{
    Action, Address, Channel, ChannelKey, Contact, Content as Payload, Export, Extensions, Info, Message, MessageKey,
    Operation, SchemaKey, SchemeKey, ServerKey,
};
use mesh_asyncapi::{Document, Version as Spec};
use mesh_protocol::id::{BrokerId, DesignVersionId, SiteId};
use mesh_protocol::report::{ObjectFacts, ObjectKind};
use mesh_schema::Format;
use serde_json::{Value, json};

use super::Does;
use super::places::{Places, Seen, Topic};
use super::servers::Listeners;
use crate::app::design::{Designs, content_type};
use crate::app::observed::World;
use crate::app::sight::Sight;
use crate::app::{Error, Result};
use crate::domain::application_domain::owner;
use crate::domain::design::{Content, Event, Graph, Kind, Object, Schema, State, Version, topics};
use crate::domain::field::FieldErrors;

/// What is written about, and into what.
pub(super) struct Writer<'a> {
    designs: &'a Designs,
    graph: Graph<'a>,
    pub(super) world: &'a World,
    pub(super) seen: Seen<'a>,
    sight: &'a Sight,
    about: (&'a Object, &'a Version),
    pub(super) export: Export,
    pub(super) schemes: HashMap<&'static str, SchemeKey>,
    pub(super) sites: BTreeMap<SiteId, Listeners>,
    pub(super) clusters: HashMap<BrokerId, Vec<ServerKey>>,
    schemas: HashMap<DesignVersionId, SchemaKey>,
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
        side: Option<AsyncApiSide>,
    ) -> Self {
        let mut writer = Self {
            designs,
            graph: designs.graph(),
            world,
            seen: Seen::of(world, sight),
            sight,
            about,
            export: Export::new(Info::new("", "")),
            schemes: HashMap::new(),
            sites: BTreeMap::new(),
            clusters: HashMap::new(),
            schemas: HashMap::new(),
            left_out: BTreeSet::new(),
        };
        let (object, version) = about;
        let (domain, owner) = (writer.domain(object).map(|(name, _)| name).unwrap_or_default(), writer.owner(object));
        let team = owner.as_deref().filter(|owner| !owner.is_empty()).map(|owner| {
            let team = world.config.teams.iter().find(|team| team.spec.name == owner);
            (owner, team.map_or("", |team| team.spec.contact.as_str()))
        });
        let urn = ["urn:meshport", &encoded(&domain), &encoded(&object.spec.name), &version.spec.number.to_string()];
        let info = info(about, Some(domain.as_str()).filter(|domain| !domain.is_empty()), team, side);
        writer.export = Export::new(info).version(spec).id(urn.join(":"));
        writer
    }

    pub(super) fn write(mut self, does: &[Does<'_>]) -> Result<Document> {
        for (action, version) in does {
            let Content::Event(event) = &version.spec.content else { continue };
            self.event(*action, version, event)?;
        }
        let (object, version) = self.about;
        let mut extensions = self.extensions(object, version)?;
        if !self.left_out.is_empty() {
            let set = extensions.set("x-mesh-sites-left-out", self.left_out.len());
            set.map_err(|_| Error::Internal("an extension of AsyncAPI has a wrong name"))?;
        }
        self.export.extensions(extensions).finish().map_err(|refused| {
            tracing::error!(%refused, "an AsyncAPI document cannot be built");
            Error::Internal("an AsyncAPI document cannot be built")
        })
    }

    /// A message with its schemas, and the channels it is on.
    fn event(&mut self, action: Action, version: &Version, event: &Event) -> Result<()> {
        let object = self.designs.object(version.object)?;
        let message = self.message(object, version, event)?;
        let places = topics(version).map(|topics| self.seen.places(&topics)).unwrap_or_default();
        self.on_mesh(action, (object, version), event, &places, &message)?;
        for (topic, goes_in) in places.topics {
            // What is written to a topic that nobody reads into the mesh does not arrive.
            if action == Action::Receive || goes_in {
                self.on_kafka(action, (object, version), topic, &message)?;
            }
        }
        Ok(())
    }

    fn message(&mut self, object: &Object, version: &Version, event: &Event) -> Result<MessageKey> {
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
        Ok(self.export.message(&format!("{name} {}", version.spec.number), message))
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

    /// On the mesh: over MQTT and HTTP at the sites where it is, or anywhere if it was not seen yet.
    fn on_mesh(
        &mut self,
        action: Action,
        (object, version): (&Object, &Version),
        event: &Event,
        places: &Places<'_>,
        message: &MessageKey,
    ) -> Result<()> {
        let mut sites = places.sites.clone();
        if sites.is_empty() && self.sight.is_whole() {
            sites = self.seen.all_sites();
        }
        let listeners: Vec<Listeners> = sites.into_iter().map(|site| self.listeners(site)).collect();
        let mqtt = || listeners.iter().filter_map(|site| site.mqtt.as_ref());
        let http = || listeners.iter().filter_map(|site| site.http.as_ref());
        let (has_mqtt, has_http) = (mqtt().next().is_some(), http().next().is_some());
        let address = Address::parse(&event.address).map_err(|error| {
            Error::Invalid(FieldErrors::one("id", format_args!("has an address that no document can say: {error}")))
        })?;
        let name = &object.spec.name;
        let posts = has_http && action == Action::Send;
        // A channel without servers is on all of them: where it is on none, and the event is elsewhere, it is left out.
        if has_mqtt || posts || (!has_http && places.topics.is_empty()) {
            let mut channel = Channel::at(address).title(name).extensions(self.extensions(object, version)?);
            for server in mqtt() {
                channel = channel.on(server);
            }
            for server in http().filter(|_| posts) {
                channel = channel.on(server);
            }
            let channel = self.export.channel(name, channel);
            let mut does = self.does(action, name, "", &channel, message);
            if has_mqtt {
                does = does.binding(MqttOperation { qos: Some(Qos::AtLeastOnce), ..MqttOperation::default() });
            }
            if posts {
                does = does.binding(HttpOperation { method: Some(HttpMethod::Post), query: None });
            }
            self.export.operation(&format!("{} {name}", action.name()), does);
        }
        if !has_http || action == Action::Send {
            return Ok(());
        }
        // A stream is asked for by a filter: its address is the server's path.
        let mut channel = Channel::at(Address::unknown())
            .title(format!("{name} as a stream"))
            .description("Server-Sent Events: one request, answered with every event from then on.");
        for server in http() {
            channel = channel.on(server);
        }
        let channel = self.export.channel(&format!("{name} stream"), channel);
        let filter = topics(version).map(|topics| topics.text().to_owned()).unwrap_or_default();
        let query = json!({
            "type": "object",
            "required": ["filter"],
            "properties": { "filter": { "type": "string", "const": filter } },
        });
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

    /// In a Kafka topic that connectors tie to it, with its settings as they were discovered.
    fn on_kafka(
        &mut self,
        action: Action,
        (object, version): (&Object, &Version),
        (broker, topic): Topic<'_>,
        message: &MessageKey,
    ) -> Result<()> {
        let Some(cluster) = self.world.broker_name(broker) else { return Ok(()) };
        let servers = self.cluster(broker, &cluster);
        let Ok(address) = Address::literal(topic) else { return Ok(()) };
        let name = &object.spec.name;
        let title = format!("{name} in {topic} of {cluster}");
        let mut channel = Channel::at(address).title(&title).extensions(self.extensions(object, version)?);
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
        Ok(())
    }

    /// Of whom and of what an object is.
    fn extensions(&self, object: &Object, version: &Version) -> Result<Extensions> {
        let mut all = Extensions::new();
        let told = [
            ("x-mesh-domain", self.domain(object).map(|(name, _)| name)),
            ("x-mesh-owner", self.owner(object)),
            ("x-mesh-lifecycle", Some(version.state.name().to_owned())),
            ("x-mesh-version-id", Some(version.id.to_string())),
        ];
        for (name, value) in told {
            let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
            all.set(name, value).map_err(|_| Error::Internal("an extension of AsyncAPI has a wrong name"))?;
        }
        Ok(all)
    }

    /// The domain of an object: its name and who answers for it.
    fn domain(&self, object: &Object) -> Option<(String, String)> {
        let domains = &self.world.config.domains;
        let domain = domains.iter().find(|domain| domain.id == object.spec.domain)?;
        Some((domain.spec.name.clone(), owner(domain, domains).to_owned()))
    }

    fn owner(&self, object: &Object) -> Option<String> {
        let own = Some(object.spec.owner.clone()).filter(|owner| !owner.is_empty());
        own.or_else(|| self.domain(object).map(|(_, owner)| owner))
    }
}

/// What a document is about, and whose view it is.
fn info(
    (object, version): (&Object, &Version),
    domain: Option<&str>,
    owner: Option<(&str, &str)>,
    side: Option<AsyncApiSide>,
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
    let texts = [object.spec.document.trim(), version.spec.description.trim(), view.as_str()];
    let texts: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    let mut info = Info::new(name, version.spec.number.to_string()).description(texts.join("\n\n"));
    if let Some((name, contact)) = owner {
        let is_web = contact.starts_with("https://") || contact.starts_with("http://");
        let is_mail = !is_web && contact.contains('@') && !contact.contains(char::is_whitespace);
        let given = |is: bool| if is { contact.trim_start_matches("mailto:").to_owned() } else { String::new() };
        info = info.contact(Contact { name: name.to_owned(), url: given(is_web), email: given(is_mail) });
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
