//! The list of rules.
//!
//! An id that the AsyncAPI parser or Spectral has keeps its name; a rule they have for version 2 only is called as it
//! would be for version 3.

use serde::Serialize;

use crate::finding::Severity::{self, Error, Hint, Info, Warning};

/// A rule that documents are checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its name, for good.
    pub id: &'static str,
    /// How much it matters unless somebody sets it otherwise.
    pub severity: Severity,
    /// What it asks for, in one sentence.
    pub about: &'static str,
}

macro_rules! rules {
    ($($name:ident, $id:literal, $severity:ident, $about:literal;)*) => {
        $(pub(super) const $name: Rule = Rule { id: $id, severity: $severity, about: $about };)*
        /// Every rule, in the order of the page that documents them.
        pub const RULES: &[Rule] = &[$($name),*];
    };
}

rules! {
    REMOTE, "asyncapi3-ref-remote", Error, "References stay inside the document: nothing is fetched.";
    INVALID_REF, "invalid-ref", Error, "References lead to something.";
    REF_CIRCULAR, "asyncapi3-ref-circular", Error, "No chain of references leads back to itself.";
    RESOLVED, "asyncapi-document-resolved", Error, "References lead to something of the kind that is meant.";
    REF_SIBLINGS, "no-$ref-siblings", Warning, "Nothing stands beside `$ref`: tools leave it out.";
    RECURSIVE, "asyncapi3-schema-recursive", Info, "Schemas that contain themselves are known to be hard for code generators.";
    OPERATION_CHANNEL, "asyncapi3-required-operation-channel-unambiguity", Error, "The channel of an operation is a reference to `#/channels/...`.";
    OPERATION_MESSAGES, "asyncapi3-operation-messages-from-referred-channel", Error, "The messages of an operation are entries of its channel: `#/channels/X/messages/M`.";
    OPERATION_NO_MESSAGES, "asyncapi3-operation-messages", Info, "An operation has messages: its own, or those of its channel.";
    OPERATION_SUMMARY, "asyncapi3-operation-summary", Hint, "An operation has a title, a summary or a description.";
    REPLY_ADDRESS, "asyncapi3-operation-reply-address", Error, "A reply whose address comes with the message goes to a channel without an address.";
    CHANNEL_SERVERS_ROOT, "asyncapi3-required-channel-servers-unambiguity", Error, "The servers of a channel are references to `#/servers/...`.";
    CHANNEL_SERVERS, "asyncapi3-channel-servers", Error, "The servers of a channel exist, each once.";
    CHANNEL_KEY, "asyncapi3-channel-no-query-nor-fragment", Error, "The key of a channel has no `?` and no `#`.";
    CHANNEL_ADDRESS, "asyncapi3-channel-address-no-query-nor-fragment", Error, "The address of a channel has no `?` and no `#`.";
    CHANNEL_ADDRESS_SLASH, "asyncapi3-channel-no-trailing-slash", Info, "The address of a channel does not end with `/`.";
    CHANNEL_ADDRESS_MISSING, "asyncapi3-channel-address", Info, "A channel has an address, or says `null` where it is not known.";
    CHANNEL_ADDRESS_TWICE, "asyncapi3-channel-address-uniqueness", Warning, "Channels on the same server have different addresses.";
    KEY_FORM, "asyncapi3-key-form", Warning, "Keys consist of letters, digits, `.`, `_` and `-`.";
    CHANNEL_PARAMETERS, "asyncapi3-channel-parameters", Error, "The parameters of a channel are those in the braces of its address.";
    EMPTY_PARAMETER, "asyncapi3-channel-no-empty-parameter", Error, "No braces are empty or open.";
    PARAMETER_DEFAULT, "asyncapi3-parameter-enum", Error, "The default and the examples of a parameter or variable are among its values.";
    SERVERS, "asyncapi-servers", Warning, "A document names at least one server.";
    SERVER_HOST, "asyncapi3-server-host", Error, "The host of a server is a host and a port: no scheme, no path, no user.";
    SERVER_SLASH, "asyncapi3-server-no-trailing-slash", Info, "The path of a server does not end with `/`.";
    SERVER_VARIABLES, "asyncapi3-server-variables", Error, "The variables of a server are those in the braces of its host and path.";
    SERVER_SECURITY, "asyncapi3-server-security-defined", Info, "A server says how clients prove who they are.";
    INFO_DESCRIPTION, "asyncapi-info-description", Warning, "The document has a description.";
    INFO_CONTACT, "asyncapi-info-contact", Warning, "The document says whom to ask.";
    INFO_CONTACT_PROPERTIES, "asyncapi-info-contact-properties", Info, "The contact has a name, an address of mail and a URL.";
    INFO_LICENSE, "asyncapi-info-license", Info, "The document names its license.";
    INFO_LICENSE_URL, "asyncapi-info-license-url", Hint, "The license has a URL.";
    ID, "asyncapi-id", Info, "The document has an id, such as `urn:shop:orders`.";
    DEFAULT_CONTENT_TYPE, "asyncapi-defaultContentType", Info, "Every message has a content type: its own, or that of the document.";
    LATEST_VERSION, "asyncapi-latest-version", Hint, "The document is of the latest version of AsyncAPI.";
    TAGS_UNIQUE, "asyncapi3-tags-uniqueness", Error, "No tag stands twice in one list.";
    TAGS, "asyncapi3-tags", Hint, "The document has tags.";
    HEADERS_OBJECT, "asyncapi3-message-headers-object", Error, "Headers are described by a schema of an object.";
    HEADERS_PROTOCOL, "asyncapi3-message-headers-protocol", Warning, "Headers are those of the application, not those of the protocol.";
    PAYLOAD, "asyncapi3-message-payload", Warning, "A message says what its payload is.";
    MESSAGE_AMBIGUOUS, "asyncapi3-message-ambiguity", Warning, "Several messages on one channel can be told apart.";
    MESSAGE_EXAMPLES, "asyncapi3-message-examples", Error, "Examples of messages are valid under their schemas.";
    SCHEMA_EXAMPLES, "asyncapi3-schema-examples", Warning, "Examples in schemas are valid under them.";
    SCHEMA_DEFAULT, "asyncapi3-schema-default", Warning, "Defaults in schemas are valid under them.";
    SCHEMA_FORMAT, "asyncapi3-schema-format", Error, "A schema is written as its `schemaFormat` says: Avro as an object, Protobuf as a text.";
    SCHEMA_FORMAT_UNKNOWN, "asyncapi3-schema-format-known", Info, "The `schemaFormat` is one that can be checked.";
    SCHEMA_INVALID, "asyncapi3-schemas", Error, "Schemas are sound in their language.";
    REF_FORMAT, "asyncapi3-ref-schema-format", Error, "A reference leads to a schema of the same format.";
    BINDING_EMPTY, "asyncapi3-binding-empty", Error, "Bindings that are reserved are empty.";
    BINDING_VERSION, "asyncapi3-binding-version", Error, "The version of a binding is one that exists.";
    BINDING_VERSION_MISSING, "asyncapi3-binding-version-missing", Hint, "Bindings name their version.";
    BINDING_PROTOCOL, "asyncapi3-binding-protocol", Info, "Bindings are those of a protocol that some server speaks.";
    BINDING_KAFKA_REGISTRY, "asyncapi3-binding-kafka-registry", Warning, "What the Kafka bindings say of schema ids goes with the URL of a registry.";
    SECURITY_DEFINED, "asyncapi3-security-defined", Error, "Security refers to schemes that are defined.";
    SECURITY_SCOPES, "asyncapi3-security-scopes", Error, "The scopes that are asked for are among those there are.";
    SECURITY_INLINE, "asyncapi3-security-inline", Hint, "Security schemes stand in the components, once.";
    SECURITY_UNUSED, "asyncapi3-unused-securityScheme", Info, "Every security scheme is used.";
    SECURITY_PLAIN, "asyncapi3-security-plaintext", Warning, "Passwords are not sent without encryption.";
    NO_SECRETS, "asyncapi3-no-secrets", Error, "No password, key or token stands in a document.";
    UNUSED_COMPONENT, "asyncapi-unused-component", Info, "Every component is used.";
    UNUSED_CHANNEL, "asyncapi3-unused-channel", Info, "Every channel is used by an operation.";
}
