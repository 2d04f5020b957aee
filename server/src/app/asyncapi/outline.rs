//! A summary of a document in the words of the API.

use frontend::api::{
    AsyncApiChannel, AsyncApiContact, AsyncApiExample, AsyncApiExtra, AsyncApiMessage, AsyncApiOperation,
    AsyncApiOutline, AsyncApiParameter, AsyncApiReply, AsyncApiSchema, AsyncApiSecurity, AsyncApiServer, AsyncApiWords,
};
use mesh_asyncapi::Document;
use mesh_asyncapi::build::Action;
use mesh_asyncapi::summary::{
    Binding, Channel, Example, Message, Operation, Parameter, Reply, Schema, Security, Server, Summary, Words,
};
use serde_json::{Map, Value};

use crate::app::design::schema_format;
use crate::app::schema::{FIELDS_SHOWN, field};

/// What a document says.
pub(super) fn outline(document: &Document) -> AsyncApiOutline {
    let summary = Summary::of(document);
    AsyncApiOutline {
        asyncapi: summary.asyncapi.name().to_owned(),
        id: summary.id,
        title: summary.title,
        version: summary.version,
        description: summary.description,
        contact: AsyncApiContact { name: summary.contact.name, url: summary.contact.url, email: summary.contact.email },
        license: AsyncApiContact { name: summary.license.name, url: summary.license.url, email: String::new() },
        terms: summary.terms,
        tags: summary.tags,
        docs: summary.docs,
        extras: extras("", summary.extensions).collect(),
        servers: summary.servers.into_iter().map(server).collect(),
        channels: summary.channels.into_iter().map(channel).collect(),
        operations: summary.operations.into_iter().map(operation).collect(),
        messages: summary.messages.into_iter().map(message).collect(),
    }
}

/// A text as it is, anything else as JSON.
fn shown(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn extras(protocol: &str, fields: Map<String, Value>) -> impl Iterator<Item = AsyncApiExtra> {
    fields.into_iter().map(move |(name, value)| AsyncApiExtra {
        name: if protocol.is_empty() { name } else { format!("{protocol} {name}") },
        value: shown(value),
    })
}

fn words(words: Words, bindings: Vec<Binding>) -> AsyncApiWords {
    let added = bindings.into_iter().flat_map(|binding| {
        let Binding { protocol, fields, .. } = binding;
        extras(&protocol, fields).collect::<Vec<_>>()
    });
    AsyncApiWords {
        title: words.title,
        summary: words.summary,
        description: words.description,
        tags: words.tags,
        docs: words.docs,
        extras: added.chain(extras("", words.extensions)).collect(),
    }
}

fn server(server: Server) -> AsyncApiServer {
    let version = Some(server.protocol_version).filter(|version| !version.is_empty());
    AsyncApiServer {
        key: server.key,
        words: words(server.words, server.bindings),
        protocol: std::iter::once(server.protocol).chain(version).collect::<Vec<_>>().join(" "),
        address: server.host + &server.pathname,
        variables: server.variables.into_iter().map(parameter).collect(),
        security: server.security.into_iter().map(security).collect(),
    }
}

fn parameter(parameter: Parameter) -> AsyncApiParameter {
    AsyncApiParameter {
        name: parameter.name,
        description: parameter.description,
        values: parameter.values,
        default: parameter.default,
        examples: parameter.examples,
        location: parameter.location,
        is_rest: parameter.is_rest,
    }
}

fn security(security: Security) -> AsyncApiSecurity {
    AsyncApiSecurity {
        kind: security.kind,
        description: security.description,
        scopes: security.scopes,
        url: security.url,
        place: security.place,
    }
}

fn channel(channel: Channel) -> AsyncApiChannel {
    AsyncApiChannel {
        key: channel.key,
        words: words(channel.words, channel.bindings),
        address: channel.address,
        parameters: channel.parameters.into_iter().map(parameter).collect(),
        servers: channel.servers,
        messages: channel.messages,
    }
}

fn operation(operation: Operation) -> AsyncApiOperation {
    let reply =
        |reply: Reply| AsyncApiReply { channel: reply.channel, address: reply.address, messages: reply.messages };
    AsyncApiOperation {
        key: operation.key,
        words: words(operation.words, operation.bindings),
        sends: operation.action.map(|action| action == Action::Send),
        channel: operation.channel,
        messages: operation.messages,
        security: operation.security.into_iter().map(security).collect(),
        reply: operation.reply.map(reply),
    }
}

fn message(message: Message) -> AsyncApiMessage {
    let json = |value: Option<Value>| value.map(|value| format!("{value:#}")).unwrap_or_default();
    let example = |example: Example| AsyncApiExample {
        title: if example.name.is_empty() { example.summary } else { example.name },
        headers: json(example.headers),
        payload: json(example.payload),
    };
    AsyncApiMessage {
        key: message.key,
        name: message.name,
        words: words(message.words, message.bindings),
        content_type: message.content_type,
        is_deprecated: message.is_deprecated,
        payload: message.payload.map(schema),
        headers: message.headers.map(schema),
        correlation: message.correlation,
        examples: message.examples.into_iter().map(example).collect(),
    }
}

fn schema(schema: Schema) -> AsyncApiSchema {
    AsyncApiSchema {
        key: schema.key,
        format: schema.format.map(schema_format),
        format_name: schema.format_name,
        text: schema.text,
        more_fields: schema.fields.len().saturating_sub(FIELDS_SHOWN) as u64,
        fields: schema.fields.into_iter().take(FIELDS_SHOWN).map(field).collect(),
        example: schema.example.map(|value| format!("{value:#}")).unwrap_or_default(),
        trouble: schema.trouble.unwrap_or_default(),
    }
}
