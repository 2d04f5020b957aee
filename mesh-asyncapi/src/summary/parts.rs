//! Looks everything up.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    Binding, Channel, Contact, Example, Link, Message, Operation, Parameter, Reply, SCHEMA_BYTES_MAX, Security, Server,
    Summary, Words,
};
use crate::build::{Action, SUBTREE};
use crate::document::Version;
use crate::parts::reference;
use crate::pointer::Pointer;
use crate::refs::{Found, Refs};
use crate::traits::merged;

pub(super) struct Reader<'a> {
    pub(super) refs: Refs<'a>,
    /// Where each channel stands, behind references too.
    channels: HashMap<Pointer, usize>,
    /// Where each message is defined.
    messages: HashMap<Pointer, usize>,
    list: Vec<Message>,
    /// The channels, in order, behind references.
    found: Vec<Found<'a>>,
    pub(super) schema_bytes: usize,
}

/// A text, empty where there is none.
fn text(found: &Found<'_>, key: &str) -> String {
    found.text(key).unwrap_or_default().to_owned()
}

fn texts(found: &Found<'_>, key: &str) -> Vec<String> {
    found.items(key).filter_map(|item| item.value.as_str().map(str::to_owned)).collect()
}

fn extensions(value: &Value) -> Map<String, Value> {
    let fields = value.as_object().into_iter().flatten().filter(|(key, _)| key.starts_with("x-"));
    fields.map(|(key, value)| (key.clone(), value.clone())).collect()
}

impl<'a> Reader<'a> {
    pub(super) fn new(refs: Refs<'a>) -> Self {
        Self {
            refs,
            channels: HashMap::new(),
            messages: HashMap::new(),
            list: Vec::new(),
            found: Vec::new(),
            schema_bytes: SCHEMA_BYTES_MAX,
        }
    }

    pub(super) fn summary(mut self, asyncapi: Version) -> Summary {
        let root = self.refs.root();
        let info = root.field("info").unwrap_or_else(|| root.clone());
        let words = self.words(&info);
        let part = |key: &str| info.field(key);
        let contact = part("contact").map(|it| Contact {
            name: text(&it, "name"),
            url: text(&it, "url"),
            email: text(&it, "email"),
        });
        let license = part("license").map(|it| Link { name: text(&it, "name"), url: text(&it, "url") });
        let servers: Vec<Server> = root.entries("servers").map(|(key, entry)| self.server(key, &entry)).collect();
        let channels = self.channels(&servers);
        let operations = root.entries("operations").map(|(key, entry)| self.operation(key, &entry)).collect();
        let mut own = extensions(root.value);
        own.extend(words.extensions);
        Summary {
            asyncapi,
            id: text(&root, "id"),
            title: words.title,
            version: text(&info, "version"),
            description: words.description,
            terms: text(&info, "termsOfService"),
            contact: contact.unwrap_or_default(),
            license: license.unwrap_or_default(),
            tags: words.tags,
            docs: words.docs,
            servers,
            channels,
            operations,
            messages: self.list,
            extensions: own,
        }
    }

    fn behind(&self, found: &Found<'a>) -> Found<'a> {
        self.refs.behind(found)
    }

    fn words<'b>(&self, found: &Found<'b>) -> Words
    where
        'a: 'b,
    {
        let refs: Refs<'b> = self.refs;
        let tags = found.items("tags").filter_map(|tag| refs.behind(&tag).text("name").map(str::to_owned));
        let docs = found.field("externalDocs").map(|docs| text(&refs.behind(&docs), "url"));
        Words {
            title: text(found, "title"),
            summary: text(found, "summary"),
            description: text(found, "description"),
            tags: tags.collect(),
            docs: docs.unwrap_or_default(),
            extensions: extensions(found.value),
        }
    }

    fn bindings<'b>(&self, found: &Found<'b>) -> Vec<Binding>
    where
        'a: 'b,
    {
        let refs: Refs<'b> = self.refs;
        let Some(bindings) = found.field("bindings").map(|bindings| refs.behind(&bindings)) else { return Vec::new() };
        let all = bindings.value.as_object().into_iter().flatten().filter(|(key, _)| !key.starts_with("x-"));
        let binding = |(protocol, value): (&String, &Value)| {
            let mut fields = value.as_object().cloned().unwrap_or_default();
            let version = fields.shift_remove("bindingVersion").and_then(|version| version.as_str().map(str::to_owned));
            Binding { protocol: protocol.clone(), version: version.unwrap_or_default(), fields }
        };
        all.map(binding).collect()
    }

    fn parameters(&self, found: &Found<'a>, key: &str, rest: Option<&str>) -> Vec<Parameter> {
        let parameter = |(name, entry): (&str, Found<'a>)| {
            let what = self.behind(&entry);
            Parameter {
                name: name.to_owned(),
                description: text(&what, "description"),
                values: texts(&what, "enum"),
                default: text(&what, "default"),
                examples: texts(&what, "examples"),
                location: text(&what, "location"),
                is_rest: rest == Some(name),
            }
        };
        found.entries(key).map(parameter).collect()
    }

    fn security<'b>(&self, found: &Found<'b>) -> Vec<Security>
    where
        'a: 'b,
    {
        let refs: Refs<'b> = self.refs;
        let scheme = |item: Found<'b>| {
            let scheme = refs.behind(&item);
            let kind = text(&scheme, "type");
            let (kind, place) = match kind.as_str() {
                "http" => (format!("http {}", text(&scheme, "scheme")), String::new()),
                "httpApiKey" => (kind, format!("{} {}", text(&scheme, "in"), text(&scheme, "name"))),
                "apiKey" => (kind, text(&scheme, "in")),
                _ => (kind, String::new()),
            };
            let flows =
                scheme.entries("flows").find_map(|(_, flow)| flow.text("tokenUrl").or(flow.text("authorizationUrl")));
            let url = flows.or(scheme.text("openIdConnectUrl")).unwrap_or_default().to_owned();
            let key =
                reference(item.value).and_then(Pointer::from_reference).and_then(|at| at.last().map(str::to_owned));
            Security {
                key: key.unwrap_or_default(),
                kind,
                description: text(&scheme, "description"),
                scopes: texts(&scheme, "scopes"),
                url,
                place,
            }
        };
        found.items("security").map(scheme).collect()
    }

    fn server(&self, key: &str, entry: &Found<'a>) -> Server {
        let server = self.behind(entry);
        Server {
            key: key.to_owned(),
            words: self.words(&server),
            protocol: text(&server, "protocol"),
            protocol_version: text(&server, "protocolVersion"),
            host: text(&server, "host"),
            pathname: text(&server, "pathname"),
            variables: self.parameters(&server, "variables", None),
            security: self.security(&server),
            bindings: self.bindings(&server),
        }
    }

    fn channels(&mut self, servers: &[Server]) -> Vec<Channel> {
        let mut channels = Vec::new();
        for (index, (key, entry)) in self.refs.root().entries("channels").enumerate() {
            let channel = self.behind(&entry);
            self.found.push(channel.clone());
            self.channels.entry(entry.at.clone()).or_insert(index);
            self.channels.entry(channel.at.clone()).or_insert(index);
            let named = channel.items("servers").filter_map(|server| Pointer::from_reference(reference(server.value)?));
            let named: Vec<String> = named.filter_map(|at| at.last().map(str::to_owned)).collect();
            let all = || servers.iter().map(|server| server.key.clone()).collect();
            let messages = channel.entries("messages").map(|(key, entry)| self.message(key, &entry)).collect();
            channels.push(Channel {
                key: key.to_owned(),
                words: self.words(&channel),
                address: channel.text("address").map(str::to_owned),
                parameters: self.parameters(&channel, "parameters", channel.text(SUBTREE)),
                servers: if named.is_empty() { all() } else { named },
                messages,
                bindings: self.bindings(&channel),
            });
        }
        channels
    }

    /// The channel that something names.
    fn channel_of(&self, value: &Value) -> Option<usize> {
        let at = Pointer::from_reference(reference(value.get("channel")?)?)?;
        let direct = self.channels.get(&at).copied();
        direct.or_else(|| {
            let behind = self.refs.behind(&Found { value: at.get(self.refs.root().value)?, at });
            self.channels.get(&behind.at).copied()
        })
    }

    /// The messages that something names, or else all of its channel.
    fn messages_of(&mut self, value: &'a Value, channel: Option<usize>) -> Vec<usize> {
        let Some(list) = value.get("messages").and_then(Value::as_array) else {
            let channel = channel.and_then(|index| self.found.get(index));
            let entries = channel.map(|channel| channel.entries("messages").collect::<Vec<_>>());
            return entries.unwrap_or_default().into_iter().map(|(key, entry)| self.message(key, &entry)).collect();
        };
        let named = list.iter().filter_map(|item| Pointer::from_reference(reference(item)?));
        let root = self.refs.root().value;
        let named: Vec<_> = named.filter_map(|at| Some(Found { value: at.get(root)?, at })).collect();
        named.into_iter().map(|found| self.message(found.at.last().unwrap_or_default(), &found)).collect()
    }

    fn operation(&mut self, key: &str, entry: &Found<'a>) -> Operation {
        let found = self.behind(entry);
        let channel = self.channel_of(found.value);
        let messages = self.messages_of(found.value, channel);
        let reply = found.field("reply").map(|reply| self.behind(&reply)).map(|reply| {
            let address = reply.field("address").map(|address| text(&self.behind(&address), "location"));
            let channel = self.channel_of(reply.value);
            Reply { channel, address: address.unwrap_or_default(), messages: self.messages_of(reply.value, channel) }
        });
        let value = merged(self.refs, &found);
        let whole = Found { at: found.at, value: &value };
        Operation {
            key: key.to_owned(),
            words: self.words(&whole),
            action: whole.text("action").and_then(Action::by_name),
            channel,
            messages,
            security: self.security(&whole),
            reply,
            bindings: self.bindings(&whole),
        }
    }

    /// The index of a message, which is read once.
    fn message(&mut self, key: &str, entry: &Found<'a>) -> usize {
        let found = self.behind(entry);
        if let Some(index) = self.messages.get(&found.at) {
            return *index;
        }
        let value = merged(self.refs, &found);
        let whole = Found { at: found.at.clone(), value: &value };
        let content_type = whole.text("contentType").or(self.refs.root().text("defaultContentType"));
        let refs = self.refs;
        let payload =
            whole.field("payload").map(|schema| super::schemas::schema(refs, &schema, &mut self.schema_bytes));
        let headers =
            whole.field("headers").map(|schema| super::schemas::schema(refs, &schema, &mut self.schema_bytes));
        let correlation = whole.field("correlationId").map(|id| text(&shorter(refs).behind(&id), "location"));
        let examples = whole.items("examples").map(|example| Example {
            name: text(&example, "name"),
            summary: text(&example, "summary"),
            headers: example.value.get("headers").cloned(),
            payload: example.value.get("payload").cloned(),
        });
        let message = Message {
            key: key.to_owned(),
            name: text(&whole, "name"),
            words: self.words(&whole),
            content_type: content_type.unwrap_or_default().to_owned(),
            is_deprecated: whole.value.get("deprecated") == Some(&Value::Bool(true)),
            payload,
            headers,
            correlation: correlation.unwrap_or_default(),
            examples: examples.collect(),
            bindings: self.bindings(&whole),
        };
        self.list.push(message);
        self.messages.insert(found.at, self.list.len() - 1);
        self.list.len() - 1
    }
}

/// The same document, for as long as something else lives.
fn shorter<'b, 'a: 'b>(refs: Refs<'a>) -> Refs<'b> {
    refs
}
